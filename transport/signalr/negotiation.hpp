#pragma once

#include "transport/call.hpp"

#include <string>
#include <string_view>

namespace callboard::signalr {

/// What a negotiate request asks for.
struct negotiate_request {
  int version = 0;        ///< 0 or 1, as it is answered.
  bool stateful = false;  ///< `useStatefulReconnect=true`
  std::string error = {}; ///< Not empty: refused, the answer says so.
};

negotiate_request read_negotiate(const request_target& target);

/// The answer's body. With version 0 the token is not told: the id stands for
/// it.
std::string negotiate_response(const negotiate_request& x,
                               std::string_view connection_id,
                               std::string_view connection_token);

/// The answer to a request that is refused.
std::string negotiate_refusal(std::string_view error);

} // namespace callboard::signalr
