#include "tests/support/ws_client.hpp"

#include "tests/support/token_maker.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace callboard::test {

namespace {

constexpr std::string_view mask = "\x12\x34\x56\x78";
constexpr std::string_view handshake_key = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view handshake_answer = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t result = 0;
  for (const auto c : bytes)
    result = result << 8 | static_cast<unsigned char>(c);
  return result;
}

std::string upgrade_request(std::uint16_t port,
                            const ws_client::options& opts) {
  auto query = opts.query;
  if (opts.place == ws_client::token_in::query && !opts.token.empty())
    query = "token=" + opts.token + (query.empty() ? "" : "&") + query;
  std::string text = "GET " + opts.path;
  if (!query.empty())
    text += "?" + query;
  text += " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port)
          + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ";
  text += handshake_key;
  text += "\r\n";
  if (opts.place == ws_client::token_in::header)
    text += "Authorization: Bearer " + opts.token + "\r\n";
  if (opts.place == ws_client::token_in::subprotocol)
    text += "Sec-WebSocket-Protocol: bearer." + opts.token + "\r\n";
  for (const auto& [key, value] : opts.headers)
    text += key + ": " + value + "\r\n";
  return text + "\r\n";
}

} // namespace

std::string_view ws_message::type() const {
  const auto* x = data.if_contains("type");
  return x && x->is_string() ? std::string_view{x->get_string()}
                             : std::string_view{};
}

std::uint64_t ws_message::seq() const {
  const auto* x = data.if_contains("seq");
  return x && x->is_int64() ? static_cast<std::uint64_t>(x->get_int64()) : 0;
}

std::string encode_frame(unsigned opcode, std::string_view payload, bool final,
                         bool masked) {
  std::string result;
  result += static_cast<char>((final ? 0x80u : 0u) | opcode);
  const unsigned mask_bit = masked ? 0x80u : 0u;
  const auto size = payload.size();
  const auto append_size = [&](int bytes) {
    for (int i = bytes - 1; i >= 0; --i)
      result += static_cast<char>(size >> (8 * i) & 0xff);
  };
  if (size < 126) {
    result += static_cast<char>(mask_bit | size);
  } else if (size < 65536) {
    result += static_cast<char>(mask_bit | 126);
    append_size(2);
  } else {
    result += static_cast<char>(mask_bit | 127);
    append_size(8);
  }
  if (!masked)
    return result.append(payload);
  result.append(mask);
  for (std::size_t i = 0; i < size; ++i)
    result += static_cast<char>(payload[i] ^ mask[i % 4]);
  return result;
}

ws_client::ws_client(std::uint16_t port, const options& opts)
    : answers_pings_{opts.answers_pings}, socket_{tcp_socket::connect(
                                            port, opts.socket)} {
  const auto until = within(patience);
  socket_.send(upgrade_request(port, opts), until);
  auto response = read_response(socket_, buffer_, until);
  if (response.status != 101)
    throw upgrade_refused{std::move(response)};
  if (response.header("Sec-WebSocket-Accept") != handshake_answer)
    throw std::runtime_error{"wrong Sec-WebSocket-Accept"};
  subprotocol_ = response.header("Sec-WebSocket-Protocol");
}

void ws_client::send(const json::object& message) {
  send_text(json::serialize(message));
}

void ws_client::send_text(std::string_view text) {
  send_frame(1, text);
}

void ws_client::send_binary(std::string_view bytes) {
  send_frame(2, bytes);
}

void ws_client::send_frame(unsigned opcode, std::string_view payload,
                           bool final, bool masked) {
  send_raw(encode_frame(opcode, payload, final, masked));
}

void ws_client::send_raw(std::string_view bytes) {
  socket_.send(bytes, within(patience));
}

void ws_client::fill(std::size_t count, deadline until) {
  while (buffer_.size() - used_ < count) {
    if (used_ > (1u << 20) || used_ == buffer_.size()) {
      buffer_.erase(0, used_);
      used_ = 0;
    }
    bool open = false;
    try {
      open = socket_.receive(buffer_, until);
    } catch (const connection_lost&) {
      // A reset is a close without a frame.
    }
    if (!open)
      throw ws_closed{1006, "the connection ended without a close frame"};
  }
}

std::optional<std::string> ws_client::step(deadline until) {
  fill(2, until);
  const auto first = static_cast<unsigned char>(buffer_[used_]);
  const auto second = static_cast<unsigned char>(buffer_[used_ + 1]);
  if ((second & 0x80) != 0 || (first & 0x70) != 0)
    throw std::runtime_error{"the server sent a masked frame or reserved bits"};
  std::uint64_t size = second & 0x7f;
  std::size_t head = 2;
  if (size >= 126) {
    head += size == 126 ? 2 : 8;
    fill(head, until);
    size = big_endian(std::string_view{buffer_}.substr(used_ + 2, head - 2));
  }
  fill(head + size, until);
  const std::string payload = buffer_.substr(used_ + head, size);
  used_ += head + size;
  switch (first & 0x0f) {
  case 0x0:
  case 0x1:
    fragments_ += payload;
    if ((first & 0x80) == 0)
      return std::nullopt;
    return std::exchange(fragments_, {});
  case 0x8: {
    const auto code = payload.size() >= 2 ? static_cast<std::uint16_t>(
                        big_endian(std::string_view{payload}.substr(0, 2)))
                                          : std::uint16_t{1005};
    try {
      send_frame(8, payload.substr(0, 2));
    } catch (const connection_lost&) {
      // The server need not wait for our half of the closing handshake.
    }
    throw ws_closed{code, payload.size() > 2 ? payload.substr(2) : ""};
  }
  case 0x9:
    ++pings_seen_;
    if (answers_pings_)
      send_frame(10, payload);
    return std::nullopt;
  case 0xa:
    return std::nullopt;
  default:
    throw std::runtime_error{"the server sent a frame of an unexpected kind"};
  }
}

std::string ws_client::receive_text(deadline until) {
  for (;;) {
    if (auto text = step(until))
      return std::move(*text);
  }
}

ws_message ws_client::receive(deadline until) {
  auto text = receive_text(until);
  auto value = json::parse(text);
  return {std::move(text), std::move(value.as_object())};
}

ws_message
ws_client::receive_if(const std::function<bool(const ws_message&)>& fits,
                      std::chrono::milliseconds limit) {
  const auto until = within(limit);
  for (;;) {
    auto message = receive(until);
    if (fits(message))
      return message;
  }
}

ws_message ws_client::receive_type(std::string_view type,
                                   std::chrono::milliseconds limit) {
  try {
    return receive_if([&](const ws_message& x) { return x.type() == type; },
                      limit);
  } catch (const timed_out&) {
    throw timed_out{"no message of type " + std::string{type}};
  }
}

std::optional<ws_message>
ws_client::try_receive(std::chrono::milliseconds limit) {
  try {
    return receive(within(limit));
  } catch (const timed_out&) {
    return std::nullopt;
  }
}

std::uint16_t ws_client::wait_close(std::chrono::milliseconds limit) {
  const auto until = within(limit);
  try {
    for (;;)
      step(until);
  } catch (const ws_closed& x) {
    return x.code;
  }
}

ws_message ws_client::ask(json::object message) {
  const auto ref = "ref-" + std::to_string(next_ref_++);
  message["ref"] = ref;
  send(message);
  return receive_if([&](const ws_message& x) {
    const auto* got = x.data.if_contains("ref");
    return got && got->is_string() && got->get_string() == ref;
  });
}

ws_message ws_client::subscribe(std::string_view room, json::object extra) {
  extra["type"] = "subscribe";
  extra["room"] = room;
  return ask(std::move(extra));
}

void ws_client::close(std::uint16_t code) {
  const char payload[]
    = {static_cast<char>(code >> 8), static_cast<char>(code)};
  send_frame(8, std::string_view{payload, 2});
}

} // namespace callboard::test
