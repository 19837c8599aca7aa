// Whatever a SignalR client may send, in whatever pieces. The first byte says
// how long the pieces are. Besides not crashing: the pieces do not matter, what
// is refused is refused in words, and a conversation ends at most once.

#include "transport/signalr/conversation.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace callboard::signalr;

void require(bool condition, const char* what) {
  if (condition)
    return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

/// Writes down all that happens in a conversation.
class witness final : public conversation_events {
public:
  void say(std::string record) override {
    require(record.ends_with(record_separator), "a record has no end");
    require(std::ranges::count(record, record_separator) == 1,
            "a record is several");
    callboard::json::document doc;
    require(doc.reset(std::string_view{record}.substr(0, record.size() - 1))
              .has_value(),
            "what is said is no JSON");
    protocol += record;
  }
  void invoked(const hub_message& x) override {
    require(!x.target.empty(), "a call without target");
    protocol += "call " + x.target + ' ' + x.invocation_id;
    if (x.arguments)
      for (auto item : x.arguments->items())
        protocol += item.raw();
    say(failed_completion(x.invocation_id, x.target));
  }
  void acknowledged() override {
    protocol += "acknowledged";
  }
  void over(farewell why) override {
    require(!ended, "it ended twice");
    ended = true;
    say(close(why.error, why.allow_reconnect));
  }

  std::string protocol;
  bool ended = false;
};

std::string talk(std::string_view text, std::size_t piece, bool stateful) {
  witness w;
  conversation::limits limit;
  limit.message_bytes = 4096;
  limit.stateful = stateful;
  conversation::clock::time_point now{};
  conversation x{limit, w, now};
  x.connected(now);
  for (std::size_t at = 0; at < text.size(); at += piece)
    x.feed(text.substr(at, piece), now);
  if (x.buffer() != nullptr) {
    x.disconnected();
    x.connected(now);
    x.feed(sequence(1), now);
    x.feed(text, now);
  }
  x.tick(now + std::chrono::seconds{16}, false);
  x.end({});
  return w.protocol;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size == 0)
    return 0;
  std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
  auto piece = std::size_t{1} + data[0] % 32;
  for (bool stateful : {false, true}) {
    auto whole = talk(text, std::max<std::size_t>(text.size(), 1), stateful);
    require(talk(text, piece, stateful) == whole, "the pieces matter");
  }
  return 0;
}
