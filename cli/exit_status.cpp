#include "cli/exit_status.hpp"

#include <cstdio>

namespace callboard {

exit_status status_of(const problem& x) noexcept {
  switch (x.code) {
  case errc::none:
    return exit_status::done;
  case errc::unauthenticated:
  case errc::forbidden:
  case errc::conflict:
    return exit_status::refused;
  case errc::unavailable:
  case errc::rate_limited:
    return exit_status::unreachable;
  case errc::invalid:
  case errc::not_found:
  case errc::method_not_allowed:
  case errc::too_large:
  case errc::internal:
    return exit_status::failed;
  }
  return exit_status::failed;
}

exit_status complain(const problem& x) {
  return complain(status_of(x), x.pointer.empty()
                                  ? x.detail
                                  : x.detail + " (at " + x.pointer + ')');
}

exit_status complain(exit_status status, const std::string& detail) {
  std::fprintf(stderr, "callboard: %s\n", detail.c_str());
  return status;
}

} // namespace callboard
