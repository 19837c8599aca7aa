#pragma once

#include <boost/json/object.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace callboard::test {

/// The secret that the harness gives to every node it starts.
inline constexpr std::string_view test_secret
  = "integration-tests-use-this-secret-0123456789";

/// What a good token says.
struct token_claims {
  std::string tenant = "t1";
  std::string subject = "tester";
  std::string scope = "publish subscribe operate";
  std::vector<std::string> projects = {}; ///< Empty: no claim.
  std::chrono::seconds lifetime{3600};
};

/// A token as the contract describes it, signed with test_secret.
std::string make_token(const token_claims& claims);

/// Any header and any claims, signed with HMAC-SHA256, for tokens that no
/// honest issuer makes.
std::string sign_token(const boost::json::object& header,
                       const boost::json::object& claims,
                       std::string_view secret);

/// Seconds since the epoch, moved by `offset`.
std::int64_t epoch_seconds(std::chrono::seconds offset);

std::string base64url(std::string_view bytes);

} // namespace callboard::test
