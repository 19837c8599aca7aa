// Anything may come in as a Socket.IO packet. Besides not crashing: what is
// accepted can be written again, and means the same. A zero byte ends a text;
// what follows are its attachments, likewise.

#include "transport/socketio/socket_packet.hpp"

#include <cstdlib>

using namespace callboard::socket_io;

namespace {

void require(bool condition) {
  if (!condition)
    std::abort();
}

void check(const packet& x, const packet_limits& limits) {
  require(decode_packet(encode_packet(x), limits) == x);
  require(x.attachments <= limits.attachments);
  require(x.nsp.starts_with('/') && x.nsp.size() <= limits.nsp_bytes);
  if (x.type == packet_type::event || x.type == packet_type::binary_event)
    split_event(x.data);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  std::string_view rest{reinterpret_cast<const char*>(data), size};
  packet_limits limits{4, 1000, 64, 16};
  assembler parts{limits};
  bool binary = false;
  for (bool more = true; more;) {
    auto end = rest.find('\0');
    message x;
    switch (parts.feed(std::string{rest.substr(0, end)}, binary, x)) {
    case assembler::verdict::invalid:
      return 0;
    case assembler::verdict::incomplete:
      binary = true;
      break;
    case assembler::verdict::complete:
      binary = false;
      require(x.attachments.size() == x.head.attachments);
      check(x.head, limits);
    }
    more = end != rest.npos;
    rest.remove_prefix(more ? end + 1 : rest.size());
  }
  return 0;
}
