#include "transport/socket_client.hpp"

namespace callboard {

void socket_client::describe(session::description& x) const {
  x.user = who().subject;
  x.tenant = who().tenant;
  x.vocabulary = vocabulary_name();
  x.rooms = room_names();
  x.queue_bytes = out.bytes();
  x.lagging = is_behind();
}

} // namespace callboard
