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

frame_ptr outbound_frame::raw(std::string bytes) {
  return frame_ptr{new outbound_frame{
    frame_header{}, std::make_shared<const std::string>(std::move(bytes))}};
}

} // namespace callboard
