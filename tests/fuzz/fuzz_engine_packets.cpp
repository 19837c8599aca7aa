// Anything may come in as an Engine.IO packet or payload. Besides not crashing:
// what is accepted can be written again, and means the same.

#include "transport/socketio/engine_packet.hpp"

#include <cstdlib>

using namespace callboard::engine_io;

namespace {

constexpr std::size_t most_packets = 1000;

void require(bool condition) {
  if (!condition)
    std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  std::string_view text{reinterpret_cast<const char*>(data), size};
  if (auto x = decode_packet(text))
    require(encode_packet(x->type, x->data) == text);
  require(from_base64(to_base64(text)) == text);
  require(from_base64url(to_base64url(text)) == text);
  auto packets = decode_payload(text, most_packets);
  if (!packets)
    return 0;
  require(!packets->empty() && packets->size() <= most_packets);
  payload again;
  for (auto& x : *packets)
    again.add(x.binary ? x.data : encode_packet(x.type, x.data), x.binary);
  require(decode_payload(again.take(), most_packets) == *packets);
  return 0;
}
