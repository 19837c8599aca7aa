#pragma once

#include "actors/model/problem.hpp"
#include "config/settings.hpp"
#include "transport/principal.hpp"

#include <chrono>
#include <memory>
#include <string_view>

namespace callboard {

/// Checks tokens (JWT HS256, by libjwt) and makes them for development.
/// Immutable after construction: safe from any thread.
class authenticator {
public:
  /// errc::invalid when the secret file cannot be read or is empty, or when
  /// there is no key at all; the detail says how to give one.
  static result<authenticator> create(const settings::auth_settings& conf);

  /// errc::unauthenticated: not a token, wrong signature, `alg` other than the
  /// configured, missing or wrong claim. An expired token has the pointer "exp"
  /// (WebSocket closes with 4401 then, else with 1008).
  result<principal> verify(std::string_view token,
                           std::chrono::system_clock::time_point now) const;

  /// What a new token claims.
  struct claims {
    std::string tenant;
    std::string subject;
    std::string scope;
    std::vector<std::string> projects; ///< Empty: no claim.
    std::chrono::seconds lifetime{3600};
    std::string default_project = {}; ///< Empty: no claim.
  };

  result<std::string> issue(const claims& x,
                            std::chrono::system_clock::time_point now) const;

private:
  struct keys;
  std::shared_ptr<const keys> keys_;
  authenticator() = default;
};

} // namespace callboard
