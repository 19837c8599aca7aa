#include "transport/native_messages.hpp"

namespace callboard::native {

namespace {

constexpr std::size_t max_types = 64;
constexpr std::size_t max_type_bytes = 128;

/// `{"type":"…"` with more members to come.
class frame_writer {
public:
  explicit frame_writer(std::string_view type) : text_{R"({"type":)"} {
    json::append_quoted(text_, type);
  }

  frame_writer& text(std::string_view key, std::string_view x) {
    begin(key);
    json::append_quoted(text_, x);
    return *this;
  }

  frame_writer& number(std::string_view key, std::uint64_t x) {
    begin(key);
    json::append_number(text_, x);
    return *this;
  }

  /// Nothing if `x` is empty.
  frame_writer& raw(std::string_view key, std::string_view x) {
    if (!x.empty()) {
      begin(key);
      text_ += x;
    }
    return *this;
  }

  std::string finish() {
    text_ += '}';
    return std::move(text_);
  }

private:
  void begin(std::string_view key) {
    text_ += ",\"";
    text_ += key;
    text_ += "\":";
  }

  std::string text_;
};

void append_problem(std::string& out, const problem& why) {
  out += "{\"status\":";
  json::append_number(out, static_cast<std::uint64_t>(http_status(why.code)));
  out += ",\"code\":";
  json::append_quoted(out, to_string(why.code));
  out += ",\"detail\":";
  json::append_quoted(out, why.detail);
  if (!why.pointer.empty()) {
    out += ",\"pointer\":";
    json::append_quoted(out, why.pointer);
  }
  out += '}';
}

void append_result(std::string& out, const publish_result& x) {
  out += '{';
  if (!x.id.empty()) {
    out += "\"id\":";
    json::append_quoted(out, x.id);
  }
  if (x.seq) {
    out += ",\"seq\":";
    json::append_number(out, x.seq->value);
  } else if (x.error) {
    out += x.id.empty() ? "\"error\":" : ",\"error\":";
    append_problem(out, *x.error);
  }
  out += '}';
}

std::string pointer_to(std::string_view key) {
  return "/" + std::string{key};
}

} // namespace

std::string connected(std::string_view id, std::uint64_t session,
                      std::string_view node) {
  return frame_writer{"connected"}
    .text("connectionId", id)
    .text("session", std::to_string(session))
    .text("message", "connected to " + std::string{node})
    .text("node", node)
    .text("protocol", protocol_name)
    .finish();
}

std::string subscribed(std::string_view room, event_seq head,
                       std::uint64_t epoch, std::string_view ref) {
  return frame_writer{"subscribed"}
    .text("room", room)
    .number("seq", head.value)
    .number("epoch", epoch)
    .raw("ref", ref)
    .finish();
}

std::string unsubscribed(std::string_view room, std::string_view ref) {
  return frame_writer{"unsubscribed"}
    .text("room", room)
    .raw("ref", ref)
    .finish();
}

std::string unsubscribed_because(std::string_view room,
                                 std::string_view reason) {
  return frame_writer{"unsubscribed"}
    .text("room", room)
    .text("reason", reason)
    .finish();
}

std::string lagged(std::string_view room, event_seq from) {
  return frame_writer{"lagged"}
    .text("room", room)
    .number("from_seq", from.value)
    .finish();
}

std::string resync(std::string_view room, event_seq oldest) {
  return frame_writer{"resync"}
    .text("room", room)
    .number("oldest_seq", oldest.value)
    .finish();
}

std::string error(const problem& why, std::string_view ref) {
  frame_writer x{"error"};
  x.raw("ref", ref)
    .text("code", to_string(why.code))
    .text("detail", why.detail);
  if (!why.pointer.empty())
    x.text("pointer", why.pointer);
  if (why.retry_after.count() > 0)
    x.number("retry_after_s",
             static_cast<std::uint64_t>(why.retry_after.count()));
  return x.finish();
}

std::string published(const std::vector<publish_result>& results,
                      std::string_view ref) {
  std::string list = "[";
  for (auto& x : results) {
    if (&x != &results.front())
      list += ',';
    append_result(list, x);
  }
  list += ']';
  return frame_writer{"published"}
    .raw("ref", ref)
    .raw("results", list)
    .finish();
}

std::string done(std::string_view result, std::string_view ref) {
  return frame_writer{"done"}.raw("ref", ref).raw("result", result).finish();
}

std::string taken(std::string_view result, std::string_view ref) {
  auto out = frame_writer{"taken"}.raw("ref", ref).finish();
  out.pop_back();
  out += ',';
  out += result.empty() ? R"("lease":null,"run":null})" : result.substr(1);
  return out;
}

std::string authenticated(std::string_view ref) {
  return frame_writer{"authenticated"}.raw("ref", ref).finish();
}

std::string pong(std::string_view ref) {
  return frame_writer{"pong"}.raw("ref", ref).finish();
}

std::string expiring(std::chrono::seconds in) {
  return frame_writer{"expiring"}
    .number("in_s", static_cast<std::uint64_t>(in.count()))
    .finish();
}

std::string goaway(std::chrono::milliseconds reconnect_in) {
  return frame_writer{"goaway"}
    .number("reconnect_in_ms", static_cast<std::uint64_t>(reconnect_in.count()))
    .finish();
}

result<named_room> parse_room(std::string_view name) {
  auto colon = name.find(':');
  if (colon != name.npos) {
    auto kind = name.substr(0, colon);
    auto id = std::string{name.substr(colon + 1)};
    if (kind == "project" && valid_id(id))
      return named_room{project_room{{std::move(id)}}};
    if (kind == "execution" && valid_id(id))
      return named_room{run_room{{std::move(id)}}};
    if (kind == "tenant" && valid_tenant(id))
      return named_room{tenant_room{{std::move(id)}}};
  }
  return fail(errc::invalid,
              "room must be project:{id}, execution:{id} or tenant:{id}",
              "/room");
}

result<std::string> text_member(json::value frame, std::string_view key) {
  auto x = optional_text(frame, key);
  if (!x)
    return tl::unexpected{std::move(x.error())};
  if (!*x)
    return fail(errc::invalid, std::string{key} + " is missing",
                pointer_to(key));
  return std::move(**x);
}

result<std::optional<std::string>> optional_text(json::value frame,
                                                 std::string_view key) {
  auto x = frame.find(key);
  if (!x)
    return std::nullopt;
  if (!x->is(json::kind::string))
    return fail(errc::invalid, std::string{key} + " must be a string",
                pointer_to(key));
  return x->string();
}

result<std::optional<std::string>> optional_id(json::value frame,
                                               std::string_view key) {
  auto x = optional_text(frame, key);
  if (x && *x && !valid_id(**x))
    return fail(errc::invalid,
                std::string{key}
                  + " must be 1 to 128 of the characters A-Z a-z 0-9 . _ : -",
                pointer_to(key));
  return x;
}

result<std::optional<event_seq>> optional_seq(json::value frame,
                                              std::string_view key) {
  auto x = frame.find(key);
  if (!x)
    return std::nullopt;
  auto number = x->is(json::kind::number) ? x->integer() : std::nullopt;
  if (!number || *number < 0)
    return fail(errc::invalid, std::string{key} + " must be a number from 0",
                pointer_to(key));
  return event_seq{static_cast<std::uint64_t>(*number)};
}

result<void> check_types(const std::vector<std::string>& types) {
  if (types.size() > max_types)
    return fail(errc::invalid, "types may have at most 64 patterns", "/types");
  for (auto& x : types)
    if (x.empty() || x.size() > max_type_bytes)
      return fail(errc::invalid, "a pattern in types must have 1 to 128 bytes",
                  "/types");
  return {};
}

result<std::vector<std::string>> optional_types(json::value frame) {
  std::vector<std::string> xs;
  auto types = frame.find("types");
  if (!types)
    return xs;
  if (!types->is(json::kind::array))
    return fail(errc::invalid, "types must be an array of patterns", "/types");
  for (auto x : types->items()) {
    if (!x.is(json::kind::string))
      return fail(errc::invalid, "types must be an array of strings", "/types");
    xs.push_back(x.string());
  }
  if (auto ok = check_types(xs); !ok)
    return tl::unexpected{std::move(ok.error())};
  return xs;
}

} // namespace callboard::native
