#include "actors/model/event.hpp"
#include "transport/routes.hpp"

#include <algorithm>

namespace callboard {

namespace {

/// A body holds many events: more values than one event may have.
constexpr std::size_t max_body_values = 1u << 21;

/// The parser's memory is kept for the next request unless it grew beyond this
/// much text.
constexpr std::size_t keep_parser_below = 256u << 10;

event_limits limits_of(const settings& conf) {
  event_limits out;
  out.max_event_bytes = conf.limits.event_bytes;
  out.json.max_depth = conf.limits.json_depth;
  return out;
}

/// The id that a refused event was sent with, so that its sender finds it.
std::string given_id(json::value event) {
  if (auto id = event.find("id"); id && id->is(json::kind::string))
    if (auto text = id->string(); valid_id(text))
      return text;
  return {};
}

class publication {
public:
  explicit publication(const call& x) : call_{x}, limits_{limits_of(x.conf)} {
    request_.room = x.room();
    request_.bytes = x.body->size();
  }

  result<void> add(json::value event) {
    if (auto room_left = check_count(); !room_left)
      return room_left;
    auto draft = parse_event(event, call_.body, call_.project(), limits_);
    if (draft)
      request_.items.emplace_back(std::move(*draft));
    else
      request_.items.emplace_back(
        publish_result{given_id(event), {}, std::move(draft.error())});
    return {};
  }

  result<void> add(problem why) {
    if (auto room_left = check_count(); !room_left)
      return room_left;
    request_.items.emplace_back(publish_result{{}, {}, std::move(why)});
    return {};
  }

  plan finish(answer_shape shape) {
    // With nothing left to decide, the engine need not be asked.
    if (auto all = refused_only()) {
      answer said{{}, publish_answer{std::move(*all)}};
      return {reply_to(said, shape, {}), shape};
    }
    return {std::move(request_), shape};
  }

  /// The lease that the events come under, if any.
  result<void> hold(std::string_view lease) {
    if (lease.empty())
      return {};
    auto claim = parse_lease(lease);
    if (!claim)
      return tl::unexpected{std::move(claim.error())};
    request_.lease = std::move(*claim);
    return {};
  }

  const event_limits& limits() const noexcept {
    return limits_;
  }

  bool refused(problem& why) const {
    if (request_.items.size() != 1)
      return false;
    auto only = std::get_if<publish_result>(&request_.items.front());
    if (only != nullptr)
      why = *only->error;
    return only != nullptr;
  }

private:
  result<void> check_count() const {
    if (request_.items.size() < call_.conf.limits.events_per_request)
      return {};
    return fail(errc::too_large,
                "a request may hold "
                  + std::to_string(call_.conf.limits.events_per_request)
                  + " events; send the rest in another one");
  }

  std::optional<std::vector<publish_result>> refused_only() {
    std::vector<publish_result> out;
    for (auto& item : request_.items) {
      auto refused = std::get_if<publish_result>(&item);
      if (refused == nullptr)
        return std::nullopt;
      out.push_back(*refused);
    }
    return out;
  }

  const call& call_;
  event_limits limits_;
  publish_request request_;
};

result<plan> publish_json(const call& x) {
  thread_local json::document kept;
  json::document large;
  auto& document = x.body->size() > keep_parser_below ? large : kept;
  publication out{x};
  if (auto ok = out.hold(x.lease); !ok)
    return tl::unexpected{ok.error()};
  auto limits = out.limits().json;
  limits.max_values = max_body_values;
  ++limits.max_depth; // an event's own depth does not count the array around it
  if (auto ok = document.reset(*x.body, limits); !ok)
    return tl::unexpected{ok.error()};
  auto root = document.root();
  if (root.is(json::kind::array)) {
    for (auto event : root.items())
      if (auto ok = out.add(event); !ok)
        return tl::unexpected{ok.error()};
    return out.finish(answer_shape::results);
  }
  if (!root.is(json::kind::object))
    return fail(errc::invalid,
                "the body must be an event or an array of events");
  if (auto ok = out.add(root); !ok)
    return tl::unexpected{ok.error()};
  if (problem why; out.refused(why))
    return tl::unexpected{std::move(why)};
  return out.finish(answer_shape::single_event);
}

/// One line of NDJSON, which is one event.
result<void> add_line(publication& out, json::document& document,
                      std::string_view line, std::size_t line_number) {
  auto ok = document.reset(line, out.limits().json);
  if (ok && document.root().is(json::kind::object))
    return out.add(document.root());
  problem why{errc::invalid, "not an object"};
  if (!ok)
    why = std::move(ok.error());
  why.detail = "line " + std::to_string(line_number) + ": " + why.detail;
  return out.add(std::move(why));
}

result<plan> publish_lines(const call& x) {
  thread_local json::document document;
  publication out{x};
  if (auto ok = out.hold(x.lease); !ok)
    return tl::unexpected{ok.error()};
  std::size_t line_number = 0;
  for (std::string_view rest = *x.body; !rest.empty();) {
    auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    ++line_number;
    if (line.find_first_not_of(" \t\r") == line.npos)
      continue;
    if (auto ok = add_line(out, document, line, line_number); !ok)
      return tl::unexpected{ok.error()};
  }
  return out.finish(answer_shape::results);
}

} // namespace

result<plan> publish_events(const call& x) {
  // Everything else is JSON, whatever it is called: fetch() says text/plain of
  // a string and curl -d says that it is a form. A bearer token is no cookie,
  // so nothing needs to be guarded by the type.
  if (x.content_type == "application/x-ndjson")
    return publish_lines(x);
  return publish_json(x);
}

} // namespace callboard
