#include "transport/signalr/stream_event.hpp"

namespace callboard::signalr {

void append_stream_event(std::string& out, std::string_view message) {
  // A line break in JSON text is white space: any of them is as good.
  for (auto end = message.find_first_of("\r\n"); end != message.npos;
       end = message.find_first_of("\r\n")) {
    out.append("data: ").append(message.substr(0, end)) += '\n';
    message.remove_prefix(end + 1);
  }
  out.append("data: ").append(message).append("\n\n");
}

} // namespace callboard::signalr
