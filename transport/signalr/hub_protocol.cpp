#include "transport/signalr/hub_protocol.hpp"

#include <algorithm>
#include <utility>

namespace callboard::signalr {

namespace {

constexpr std::string_view protocol_name = "json";
/// A handshake is two short members; and clients may add headers.
constexpr std::size_t handshake_values = 256;
constexpr std::size_t longest_echo = 64;
/// A connection at rest keeps no larger buffer than this.
constexpr std::size_t idle_bytes = 1024;

std::string recorded(std::string text) {
  text += record_separator;
  return text;
}

result<std::string> text_member(json::value of, std::string_view name) {
  auto x = of.find(name);
  if (!x || !x->is(json::kind::string))
    return fail(errc::invalid, std::string{name} + " is missing or no string");
  return x->string();
}

result<void> read_invocation_id(hub_message& out, json::value from) {
  auto id = from.find("invocationId");
  auto optional = out.type == message_type::invocation;
  if (optional && (!id || id->is(json::kind::null)))
    return {};
  auto text = text_member(from, "invocationId");
  if (!text)
    return tl::unexpected{std::move(text.error())};
  if (text->empty())
    return fail(errc::invalid, "invocationId is empty");
  out.invocation_id = std::move(*text);
  return {};
}

result<void> read_invocation(hub_message& out, json::value from) {
  auto target = text_member(from, "target");
  if (!target)
    return tl::unexpected{std::move(target.error())};
  if (target->empty())
    return fail(errc::invalid, "target is empty");
  out.target = std::move(*target);
  if (auto x = from.find("arguments"); x && x->is(json::kind::array))
    out.arguments = *x;
  if (auto x = from.find("streamIds"); x && !x->is(json::kind::null))
    out.has_streams = !x->is(json::kind::array) || x->size() > 0;
  return {};
}

result<void> read_sequence_id(hub_message& out, json::value from) {
  auto x = from.find("sequenceId");
  auto number = x && x->is(json::kind::number) ? x->integer() : std::nullopt;
  if (!number || *number < 0)
    return fail(errc::invalid, "sequenceId is missing or no number");
  out.sequence_id = static_cast<std::uint64_t>(*number);
  return {};
}

/// ` 'x'`, or nothing if that would be a long text.
std::string named(const std::string& x) {
  return x.size() > longest_echo ? std::string{} : " '" + x + "'";
}

message_type type_of(std::int64_t number) {
  auto last = static_cast<std::int64_t>(message_type::sequence);
  return number < 1 || number > last ? message_type::unknown
                                     : static_cast<message_type>(number);
}

} // namespace

result<hub_message> read_message(json::document& doc, std::string_view record,
                                 const json::limits& limits) {
  if (auto ok = doc.reset(record, limits); !ok)
    return tl::unexpected{std::move(ok.error())};
  auto root = doc.root();
  auto type = root.find("type");
  auto number
    = type && type->is(json::kind::number) ? type->integer() : std::nullopt;
  if (!number)
    return fail(errc::invalid, "a message must be an object with a type");
  hub_message out;
  out.type = type_of(*number);
  result<void> ok;
  if (is_tracked(out.type))
    ok = read_invocation_id(out, root);
  if (ok
      && (out.type == message_type::invocation
          || out.type == message_type::stream_invocation))
    ok = read_invocation(out, root);
  if (out.type == message_type::ack || out.type == message_type::sequence)
    ok = read_sequence_id(out, root);
  if (!ok)
    return tl::unexpected{std::move(ok.error())};
  return out;
}

result<handshake_request> read_handshake(std::string_view record) {
  json::document doc;
  json::limits limits;
  limits.max_values = handshake_values;
  if (auto ok = doc.reset(record, limits); !ok)
    return fail(errc::invalid, "The first message must be a handshake request: "
                                 + ok.error().detail);
  auto root = doc.root();
  auto protocol = root.find("protocol");
  auto version = root.find("version");
  auto number = version && version->is(json::kind::number) ? version->integer()
                                                           : std::nullopt;
  if (!protocol || !protocol->is(json::kind::string) || !number)
    return fail(errc::invalid,
                "The first message must be a handshake request with protocol "
                "and version.");
  handshake_request out{protocol->string(), *number};
  if (out.protocol != protocol_name)
    return fail(errc::invalid,
                "The protocol" + named(out.protocol) + " is not supported.");
  if (out.version < oldest_version || out.version > newest_version)
    return fail(errc::invalid, "The server does not support version "
                                 + std::to_string(out.version)
                                 + " of the 'json' protocol.");
  return out;
}

void record_reader::feed(std::string_view text) {
  auto gone = std::exchange(taken_, 0);
  buffer_.erase(0, gone);
  scanned_ -= std::min(scanned_, gone);
  buffer_ += text;
}

void record_reader::forget_taken() {
  buffer_.clear();
  taken_ = scanned_ = 0;
  if (buffer_.capacity() > idle_bytes)
    buffer_.shrink_to_fit();
}

result<std::optional<std::string_view>> record_reader::next() {
  auto end = buffer_.find(record_separator, std::max(scanned_, taken_));
  auto size = (end == buffer_.npos ? buffer_.size() : end) - taken_;
  if (size > max_bytes_)
    return fail(errc::too_large, "a message may have at most "
                                   + std::to_string(max_bytes_) + " bytes");
  if (end == buffer_.npos) {
    scanned_ = buffer_.size();
    if (size == 0)
      forget_taken();
    return std::nullopt;
  }
  auto record = std::string_view{buffer_}.substr(taken_, size);
  scanned_ = taken_ = end + 1;
  return record;
}

std::string handshake_response(std::string_view error) {
  if (error.empty())
    return recorded("{}");
  return recorded(R"({"error":)" + json::quoted(error) + "}");
}

std::string completion(std::string_view invocation_id,
                       std::string_view result) {
  return recorded(R"({"type":3,"invocationId":)" + json::quoted(invocation_id)
                  + R"(,"result":)" + std::string{result} + "}");
}

std::string failed_completion(std::string_view invocation_id,
                              std::string_view error) {
  return recorded(R"({"type":3,"invocationId":)" + json::quoted(invocation_id)
                  + R"(,"error":)" + json::quoted(error) + "}");
}

std::string ping() {
  return recorded(R"({"type":6})");
}

std::string close(std::string_view error, bool allow_reconnect) {
  std::string text = R"({"type":7)";
  if (!error.empty())
    text += R"(,"error":)" + json::quoted(error);
  if (allow_reconnect)
    text += R"(,"allowReconnect":true)";
  return recorded(text + "}");
}

std::string ack(std::uint64_t sequence_id) {
  return recorded(R"({"type":8,"sequenceId":)" + std::to_string(sequence_id)
                  + "}");
}

std::string sequence(std::uint64_t sequence_id) {
  return recorded(R"({"type":9,"sequenceId":)" + std::to_string(sequence_id)
                  + "}");
}

} // namespace callboard::signalr
