#include "actors/model/problem.hpp"

namespace callboard {

std::string_view to_string(errc code) noexcept {
  switch (code) {
  case errc::none:
    return "none";
  case errc::invalid:
    return "invalid";
  case errc::unauthenticated:
    return "unauthenticated";
  case errc::forbidden:
    return "forbidden";
  case errc::not_found:
    return "not_found";
  case errc::method_not_allowed:
    return "method_not_allowed";
  case errc::conflict:
    return "conflict";
  case errc::too_large:
    return "too_large";
  case errc::rate_limited:
    return "rate_limited";
  case errc::unavailable:
    return "unavailable";
  case errc::internal:
    return "internal";
  }
  return "internal"; // a number from a newer node
}

int http_status(errc code) noexcept {
  switch (code) {
  case errc::none:
    return 200;
  case errc::invalid:
    return 400;
  case errc::unauthenticated:
    return 401;
  case errc::forbidden:
    return 403;
  case errc::not_found:
    return 404;
  case errc::method_not_allowed:
    return 405;
  case errc::conflict:
    return 409;
  case errc::too_large:
    return 413;
  case errc::rate_limited:
    return 429;
  case errc::unavailable:
    return 503;
  case errc::internal:
    return 500;
  }
  return 500;
}

} // namespace callboard
