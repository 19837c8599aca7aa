// A node believes no frame of another one: what it is not sure of it refuses in
// words, and what it takes has the same bytes when it is sent on.

#include "actors/model/event_record.hpp"
#include "actors/remote.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace callboard;

void require(bool condition, const char* what) {
  if (condition)
    return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

/// What a shard makes of a draft reads all of its views.
void use(const publish_request& x) {
  for (auto& item : x.items)
    if (auto draft = std::get_if<event_draft>(&item))
      require(!make_record(*draft, x.room, 0, {}).tail.empty(),
              "a draft without a record");
}

void use(const room_batch& x) {
  std::string types;
  for (auto& event : x.events)
    types += event.type_name;
  require(remote::encoded(x) != nullptr, "a batch that cannot be sent on");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  std::string_view frame{reinterpret_cast<const char*>(data), size};
  auto x = remote::decode(frame);
  if (!x) {
    require(x.error().code == errc::invalid && !x.error().detail.empty(),
            "a refusal without words");
    return 0;
  }
  auto again = remote::encode(*x);
  require(again.size() <= size, "a message has grown");
  auto back = remote::decode(again);
  require(back.has_value(), "a message that was taken is refused");
  require(remote::encode(*back) == again, "a message changes when sent on");
  if (auto told = std::get_if<remote::room_events>(&*x))
    use(*told->batch);
  if (auto call = std::get_if<remote::call>(&*x))
    if (auto request = std::get_if<publish_request>(&call->body))
      use(*request);
  return 0;
}
