#include "cli/event_publisher.hpp"

#include "actors/model/event.hpp"
#include "actors/model/json.hpp"

#include <algorithm>

namespace callboard {

namespace {

using namespace std::chrono_literals;

constexpr auto first_wait = 100ms;
constexpr auto longest_wait = 2000ms;

bool may_pass(errc code) {
  return code == errc::unavailable || code == errc::rate_limited;
}

errc code_named(std::string_view name) {
  for (int i = 1; i <= static_cast<int>(errc::internal); ++i)
    if (to_string(static_cast<errc>(i)) == name)
      return static_cast<errc>(i);
  return errc::internal;
}

std::string text_of(const json::value& object, std::string_view key) {
  const auto at = object.find(key);
  return at && at->is(json::kind::string) ? at->string() : std::string{};
}

event_publisher::outcome outcome_of(const json::value& item) {
  event_publisher::outcome out;
  out.id = text_of(item, "id");
  if (const auto seq = item.find("seq"); seq && seq->integer())
    out.seq = static_cast<std::uint64_t>(*seq->integer());
  if (const auto error = item.find("error")) {
    problem why;
    if (error->is(json::kind::object)) {
      why.code = code_named(text_of(*error, "code"));
      why.detail = text_of(*error, "detail");
      why.pointer = text_of(*error, "pointer");
    } else {
      why.detail = std::string{error->raw()};
    }
    out.error = std::move(why);
  }
  return out;
}

} // namespace

event_publisher::event_publisher(endpoints nodes, const std::string& token,
                                 std::string_view project,
                                 std::chrono::milliseconds patience)
    : http_{std::move(nodes), token},
      target_{"/v1/projects/" + url_encoded(project) + "/events"}, patience_{
                                                                     patience} {
  // nop
}

result<std::vector<event_publisher::outcome>>
event_publisher::publish(std::span<const std::string> events) {
  const auto deadline = std::chrono::steady_clock::now() + patience_;
  std::vector<outcome> out(events.size());
  std::vector<std::size_t> open(events.size()); // indexes without an outcome
  for (std::size_t i = 0; i < open.size(); ++i)
    open[i] = i;
  auto pause = std::chrono::milliseconds{first_wait};
  while (!open.empty()) {
    std::vector<const std::string*> batch;
    for (const auto i : open)
      batch.push_back(&events[i]);
    problem why;
    if (auto tried = attempt(batch); tried) {
      std::vector<std::size_t> still_open;
      for (std::size_t i = 0; i < open.size(); ++i) {
        auto& each = (*tried)[i];
        if (each.error && may_pass(each.error->code)) {
          why = *each.error;
          still_open.push_back(open[i]);
        } else {
          out[open[i]] = std::move(each);
        }
      }
      open = std::move(still_open);
      if (open.empty())
        break;
    } else if (may_pass(tried.error().code)) {
      why = tried.error();
    } else {
      return tl::unexpected{tried.error()};
    }
    if (on_retry)
      on_retry(why);
    pause = std::max<std::chrono::milliseconds>(pause, why.retry_after);
    if (std::chrono::steady_clock::now() + pause > deadline || !wait(pause))
      return fail(errc::unavailable, why.detail);
    pause = std::min<std::chrono::milliseconds>(pause * 2, longest_wait);
  }
  return out;
}

void event_publisher::stop() {
  {
    const std::lock_guard guard{mutex_};
    stopped_ = true;
  }
  stopping_.notify_all();
}

bool event_publisher::wait(std::chrono::milliseconds x) {
  std::unique_lock lock{mutex_};
  return !stopping_.wait_for(lock, x, [this] { return stopped_; });
}

result<std::vector<event_publisher::outcome>>
event_publisher::attempt(const std::vector<const std::string*>& events) {
  std::string body = "[";
  for (const auto* event : events) {
    if (body.size() > 1)
      body += ',';
    body += *event;
  }
  body += ']';
  auto reply = http_.call("POST", target_, body);
  if (!reply)
    return tl::unexpected{reply.error()};
  if (reply->status / 100 != 2) {
    auto why = problem_of(*reply);
    // A single event that fails answers with its own status.
    if (events.size() == 1 && !may_pass(why.code)
        && why.code != errc::unauthenticated)
      return std::vector<outcome>{{{}, std::nullopt, std::move(why)}};
    return tl::unexpected{std::move(why)};
  }
  const auto doc = json::document::parse(reply->body);
  std::vector<outcome> out;
  if (doc)
    if (const auto results = doc->root().find("results"))
      for (const auto item : results->items())
        out.push_back(outcome_of(item));
  if (out.size() != events.size())
    return fail(errc::internal, "the node's answer does not fit the request: "
                                  + reply->body.substr(0, 200));
  return out;
}

result<std::string> with_id(std::string_view event) {
  const auto doc = json::document::parse(event);
  if (!doc)
    return tl::unexpected{doc.error()};
  const auto root = doc->root();
  if (!root.is(json::kind::object))
    return fail(errc::invalid, "an event is a JSON object");
  if (root.find("id"))
    return std::string{root.raw()};
  std::string out = "{\"id\":\"" + new_uuid7() + '"';
  if (root.size() != 0)
    out += ',';
  return out.append(root.raw().substr(1));
}

} // namespace callboard
