#include "transport/outbound_frame.hpp"

#include <memory>

namespace callboard {

namespace {

constexpr char fin_text = '\x81';
constexpr char raw_size_16 = 126;
constexpr char raw_size_64 = 127;

} // namespace

frame_header text_frame_header(std::uint64_t text_bytes) noexcept {
  frame_header x{};
  x.bytes[0] = fin_text;
  auto put = [&x, text_bytes](unsigned size_bytes) {
    for (unsigned i = 0; i < size_bytes; ++i)
      x.bytes[2 + i]
        = static_cast<char>(text_bytes >> 8 * (size_bytes - 1 - i) & 0xff);
    x.size = static_cast<std::uint8_t>(2 + size_bytes);
  };
  if (text_bytes < 126) {
    x.bytes[1] = static_cast<char>(text_bytes);
    x.size = 2;
  } else if (text_bytes <= 0xffff) {
    x.bytes[1] = raw_size_16;
    put(2);
  } else {
    x.bytes[1] = raw_size_64;
    put(8);
  }
  return x;
}

frame_ptr outbound_frame::text(shared_bytes payload) {
  auto header = text_frame_header(payload->size());
  return frame_ptr{new outbound_frame{header, std::move(payload)}};
}

frame_ptr outbound_frame::text(std::string payload) {
  return text(std::make_shared<const std::string>(std::move(payload)));
}

frame_ptr outbound_frame::binary(std::string payload) {
  auto header = text_frame_header(payload.size());
  header.bytes[0] = binary_frame;
  return frame_ptr{new outbound_frame{
    header, std::make_shared<const std::string>(std::move(payload))}};
}

frame_ptr outbound_frame::texts(const std::vector<std::string>& messages) {
  if (messages.size() == 1)
    return text(messages.front());
  std::string bytes;
  for (auto& x : messages) {
    bytes += text_frame_header(x.size()).view();
    bytes += x;
  }
  return raw(std::move(bytes));
}

std::string_view outbound_frame::take_message(std::string_view& rest) noexcept {
  auto byte = [&rest](std::size_t i) {
    return static_cast<std::uint64_t>(static_cast<unsigned char>(rest[i]));
  };
  std::size_t header = 2;
  auto size = byte(1);
  if (size >= 126) { // 2 or 8 bytes of size follow
    header = size == 126 ? 4 : 10;
    size = 0;
    for (std::size_t i = 2; i < header; ++i)
      size = size << 8 | byte(i);
  }
  auto message = rest.substr(header, size);
  rest.remove_prefix(header + size);
  return message;
}

frame_ptr outbound_frame::raw(std::string bytes) {
  return frame_ptr{new outbound_frame{
    frame_header{}, std::make_shared<const std::string>(std::move(bytes))}};
}

} // namespace callboard
