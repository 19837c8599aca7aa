#include "transport/socketio/socket_packet.hpp"

#include "actors/model/json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace callboard::socket_io {

namespace {

constexpr std::array<std::string_view, 6> reserved_names{
  "connect",       "connect_error", "disconnect",
  "disconnecting", "newListener",   "removeListener"};

bool is_binary(packet_type x) noexcept {
  return x == packet_type::binary_event || x == packet_type::binary_ack;
}

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// Takes a decimal number off the front; nullopt if there is none, or if it is
/// too large.
std::optional<std::uint64_t> take_number(std::string_view& text) noexcept {
  std::uint64_t x = 0;
  auto [at, ec] = std::from_chars(text.data(), text.data() + text.size(), x);
  if (ec != std::errc{})
    return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(at - text.data()));
  return x;
}

bool is_event(json::value x) {
  if (!x.is(json::kind::array) || x.size() == 0)
    return false;
  auto name = *x.items().begin();
  if (name.is(json::kind::number))
    return true;
  return name.is(json::kind::string)
         && std::ranges::find(reserved_names, name.string())
              == reserved_names.end();
}

bool fits(packet_type type, json::value x) {
  switch (type) {
  case packet_type::connect:
    return x.is(json::kind::object);
  case packet_type::disconnect:
    return false;
  case packet_type::connect_error:
    return x.is(json::kind::object) || x.is(json::kind::string);
  case packet_type::event:
  case packet_type::binary_event:
    return is_event(x);
  case packet_type::ack:
  case packet_type::binary_ack:
    return x.is(json::kind::array);
  }
  return false;
}

bool needs_data(packet_type type) noexcept {
  return type != packet_type::connect && type != packet_type::disconnect;
}

/// Whether each placeholder names one of `count` attachments.
bool placeholders_fit(json::value x, std::size_t count) {
  for (auto item : x.items())
    if (!placeholders_fit(item, count))
      return false;
  auto mark = x.find("_placeholder");
  if (mark && mark->boolean() == true) {
    auto num = x.find("num");
    auto index = num ? num->integer() : std::nullopt;
    return index && *index >= 0 && static_cast<std::uint64_t>(*index) < count;
  }
  for (auto [key, val] : x.members())
    if (!placeholders_fit(val, count))
      return false;
  return true;
}

bool valid_data(const packet& x, const packet_limits& limits) {
  if (x.data.empty())
    return !needs_data(x.type);
  json::limits bounds;
  bounds.max_depth = limits.json_depth;
  json::document doc;
  return doc.reset(x.data, bounds) && fits(x.type, doc.root())
         && (!is_binary(x.type) || placeholders_fit(doc.root(), x.attachments));
}

} // namespace

std::optional<packet> decode_packet(std::string_view text,
                                    const packet_limits& limits) {
  if (text.empty() || text.front() < '0' || text.front() > '6')
    return std::nullopt;
  packet x;
  x.type = static_cast<packet_type>(text.front() - '0');
  text.remove_prefix(1);
  if (is_binary(x.type)) {
    auto count = take_number(text);
    if (!count || *count > limits.attachments || !text.starts_with('-'))
      return std::nullopt;
    x.attachments = static_cast<std::size_t>(*count);
    text.remove_prefix(1);
  }
  if (text.starts_with('/')) {
    auto comma = text.find(',');
    x.nsp = text.substr(0, comma);
    if (x.nsp.size() > limits.nsp_bytes)
      return std::nullopt;
    text.remove_prefix(comma == text.npos ? text.size() : comma + 1);
  }
  if (!text.empty() && is_digit(text.front())) {
    x.id = take_number(text);
    if (!x.id)
      return std::nullopt;
  }
  x.data = text;
  if (!valid_data(x, limits))
    return std::nullopt;
  return x;
}

std::string packet_head(const packet& x) {
  std::string out(1, static_cast<char>('0' + static_cast<int>(x.type)));
  if (is_binary(x.type)) {
    json::append_number(out, x.attachments);
    out += '-';
  }
  if (x.nsp != "/")
    (out += x.nsp) += ',';
  if (x.id)
    json::append_number(out, *x.id);
  return out;
}

std::string encode_packet(const packet& x) {
  return packet_head(x) + x.data;
}

assembler::verdict assembler::feed(std::string text, bool binary,
                                   message& out) {
  if (binary != pending_.has_value())
    return verdict::invalid; // text amid attachments, or an attachment of none
  if (!binary) {
    auto head = decode_packet(text, limits_);
    if (!head)
      return verdict::invalid;
    pending_.emplace(message{std::move(*head)});
    bytes_ = 0;
  } else {
    bytes_ += text.size();
    if (bytes_ > limits_.attachment_bytes)
      return verdict::invalid;
    pending_->attachments.push_back(std::move(text));
  }
  if (pending_->attachments.size() < pending_->head.attachments)
    return verdict::incomplete;
  out = std::move(*pending_);
  pending_.reset();
  return verdict::complete;
}

event_words split_event(std::string_view data) {
  event_words out;
  json::document doc;
  json::limits bounds;
  bounds.max_depth = 1024; // checked before
  if (!doc.reset(data, bounds))
    return out;
  bool first = true;
  for (auto x : doc.root().items()) {
    if (!std::exchange(first, false))
      out.args.emplace_back(x.raw());
    else
      out.name = x.is(json::kind::string) ? x.string() : std::string{x.raw()};
  }
  return out;
}

} // namespace callboard::socket_io
