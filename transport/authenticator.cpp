#include "transport/authenticator.hpp"

#include "actors/model/json.hpp"

#include <jwt.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <utility>

namespace callboard {

struct authenticator::keys {
  std::string secret;
  std::string issuer;
  std::string audience;
  bool require_expiry = true;
};

namespace {

using std::chrono::system_clock;

/// A token is read before anything is known of its sender: bound the work.
constexpr std::size_t max_token_bytes = 16u << 10;

/// RFC 7518 asks for a key as long as the hash; shorter ones can be guessed.
constexpr std::size_t good_secret_bytes = 32;

struct free_token {
  void operator()(jwt_t* x) const noexcept {
    jwt_free(x);
  }
};
using token_ptr = std::unique_ptr<jwt_t, free_token>;

struct free_text {
  void operator()(char* x) const noexcept {
    std::free(x); // the library allocates with malloc unless told otherwise
  }
};
using text_ptr = std::unique_ptr<char, free_text>;

auto refuse(std::string detail, std::string pointer = {}) {
  return fail(errc::unauthenticated, std::move(detail), std::move(pointer));
}

const unsigned char* bytes(const std::string& x) noexcept {
  return reinterpret_cast<const unsigned char*>(x.data());
}

/// Whether `token` is made of three base64url parts. The library stops at a NUL
/// byte and accepts what follows; we do not.
bool looks_like_token(std::string_view token) noexcept {
  auto ok = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')
           || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  return std::count(token.begin(), token.end(), '.') == 2
         && std::all_of(token.begin(), token.end(), ok);
}

/// Seconds since the epoch as a claim tells them, kept inside what the clock
/// can represent.
std::optional<system_clock::time_point> time_claim(json::value x) {
  constexpr double last = 8'000'000'000; // the year 2223
  auto seconds = x.real();
  if (!seconds || !(*seconds >= 0))
    return std::nullopt;
  auto whole = static_cast<std::int64_t>(std::min(*seconds, last));
  return system_clock::time_point{std::chrono::seconds{whole}};
}

std::optional<std::string> text_claim(json::value claims,
                                      std::string_view name) {
  auto found = claims.find(name);
  if (!found || !found->is(json::kind::string))
    return std::nullopt;
  return found->string();
}

result<void> check_times(json::value claims, bool require_expiry,
                         system_clock::time_point now, principal& who) {
  if (auto exp = claims.find("exp")) {
    who.expires = time_claim(*exp);
    if (!who.expires)
      return refuse("the token's exp is no time in seconds since 1970");
    if (now >= *who.expires)
      return refuse("the token has expired; bring a new one", "exp");
  } else if (require_expiry) {
    return refuse("the token has no exp; issue one that expires, or set "
                  "auth.require_expiry = false");
  }
  if (auto nbf = claims.find("nbf")) {
    auto from = time_claim(*nbf);
    if (!from || now < *from)
      return refuse("the token is not valid yet (nbf)");
  }
  return {};
}

result<void> check_origin(json::value claims, const std::string& issuer,
                          const std::string& audience) {
  if (!issuer.empty() && text_claim(claims, "iss") != issuer)
    return refuse("the token's iss is not the configured auth.issuer");
  if (audience.empty())
    return {};
  auto aud = claims.find("aud");
  bool good = aud && aud->is(json::kind::string) && aud->string() == audience;
  if (aud && aud->is(json::kind::array))
    for (auto item : aud->items())
      good = good || (item.is(json::kind::string) && item.string() == audience);
  if (!good)
    return refuse("the token's aud does not hold the configured auth.audience");
  return {};
}

void read_scope(std::string_view scope, principal& who) {
  while (!scope.empty()) {
    auto word = scope.substr(0, scope.find(' '));
    who.may_publish |= word == "publish";
    who.may_subscribe |= word == "subscribe";
    who.may_operate |= word == "operate";
    scope.remove_prefix(std::min(word.size() + 1, scope.size()));
  }
}

result<void> read_projects(json::value claims, principal& who) {
  if (auto list = claims.find("projects")) {
    if (!list->is(json::kind::array))
      return refuse("the token's projects is no list of project ids");
    who.restricted = true;
    for (auto item : list->items()) {
      if (!item.is(json::kind::string) || !valid_id(item.string()))
        return refuse(
          "the token's projects holds something that is no project id");
      who.projects.push_back({item.string()});
    }
  }
  if (claims.find("default_project")) {
    auto id = text_claim(claims, "default_project");
    if (!id || !valid_id(*id))
      return refuse("the token's default_project is no project id");
    who.default_project = project_id{std::move(*id)};
  }
  return {};
}

result<principal> read_claims(json::value claims) {
  principal who;
  auto subject = text_claim(claims, "sub");
  if (!subject || !valid_tenant(*subject))
    return refuse("the token has no sub that names its user");
  who.subject = std::move(*subject);
  who.tenant.value = who.subject;
  if (claims.find("tenant")) {
    auto tenant = text_claim(claims, "tenant");
    if (!tenant || !valid_tenant(*tenant))
      return refuse("the token's tenant is no name of 1 to 128 bytes");
    who.tenant.value = std::move(*tenant);
  }
  if (auto scope = text_claim(claims, "scope"))
    read_scope(*scope, who);
  else if (claims.find("scope"))
    return refuse("the token's scope is no text of words with spaces between");
  if (auto ok = read_projects(claims, who); !ok)
    return tl::unexpected{ok.error()};
  return who;
}

result<std::string> read_secret(const settings::auth_settings& conf) {
  if (!conf.secret.empty())
    return conf.secret;
  if (conf.secret_file.empty())
    return fail(
      errc::invalid,
      "there is no key to check tokens with: set CALLBOARD_AUTH_SECRET "
      "or auth.secret_file, or use `serve --dev`",
      "/auth/secret_file");
  std::ifstream file{conf.secret_file, std::ios::binary};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  if (!file.is_open() || file.bad())
    return fail(errc::invalid,
                "auth.secret_file \"" + conf.secret_file + "\" cannot be read",
                "/auth/secret_file");
  if (text.ends_with('\n'))
    text.pop_back();
  if (text.ends_with('\r'))
    text.pop_back();
  if (text.empty())
    return fail(errc::invalid,
                "auth.secret_file \"" + conf.secret_file + "\" is empty",
                "/auth/secret_file");
  return text;
}

} // namespace

result<authenticator>
authenticator::create(const settings::auth_settings& conf) {
  auto secret = read_secret(conf);
  if (!secret)
    return tl::unexpected{secret.error()};
  if (secret->size() < good_secret_bytes)
    spdlog::warn(
      "the secret that signs tokens has {} bytes; {} or more cannot be "
      "guessed",
      secret->size(), good_secret_bytes);
  authenticator made;
  made.keys_ = std::make_shared<const keys>(
    keys{std::move(*secret), conf.issuer, conf.audience, conf.require_expiry});
  return made;
}

result<principal> authenticator::verify(std::string_view token,
                                        system_clock::time_point now) const {
  if (token.size() > max_token_bytes || !looks_like_token(token))
    return refuse("this is no token (JWT)");
  jwt_t* raw = nullptr;
  int failed
    = jwt_decode(&raw, std::string{token}.c_str(), bytes(keys_->secret),
                 static_cast<int>(keys_->secret.size()));
  token_ptr decoded{raw};
  // One answer for all of these: it must not tell which part was wrong. The
  // header alone decides what the library checks, so look at what it did.
  if (failed != 0 || !decoded || jwt_get_alg(decoded.get()) != JWT_ALG_HS256)
    return refuse("the token's signature is not ours (HS256 is accepted)");
  if (text_ptr critical{jwt_get_headers_json(decoded.get(), "crit")})
    return refuse(
      "the token's header names extensions (crit) that are unknown here");
  text_ptr text{jwt_get_grants_json(decoded.get(), nullptr)};
  if (!text)
    return refuse("the token holds no claims");
  auto said = json::document::parse(text.get());
  if (!said || !said->root().is(json::kind::object))
    return refuse("the token's claims are no JSON object");
  auto root = said->root();
  auto who = read_claims(root);
  if (!who)
    return who;
  if (auto ok = check_times(root, keys_->require_expiry, now, *who); !ok)
    return tl::unexpected{ok.error()};
  if (auto ok = check_origin(root, keys_->issuer, keys_->audience); !ok)
    return tl::unexpected{ok.error()};
  return who;
}

result<std::string> authenticator::issue(const claims& x,
                                         system_clock::time_point now) const {
  if (!valid_tenant(x.tenant))
    return fail(errc::invalid, "a tenant is named by 1 to 128 bytes of text",
                "/tenant");
  if (!valid_tenant(x.subject))
    return fail(errc::invalid, "a subject is named by 1 to 128 bytes of text",
                "/sub");
  std::string projects;
  for (const auto& id : x.projects) {
    if (!valid_id(id))
      return fail(errc::invalid, "\"" + id + "\" is no project id",
                  "/projects");
    projects += (projects.empty() ? "" : ",") + json::quoted(id);
  }
  if (!x.default_project.empty() && !valid_id(x.default_project))
    return fail(errc::invalid, "\"" + x.default_project + "\" is no project id",
                "/default_project");
  jwt_t* raw = nullptr;
  if (jwt_new(&raw) != 0)
    return fail(errc::internal, "no memory for a token");
  token_ptr made{raw};
  auto start
    = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch());
  auto* token = made.get();
  int failed = jwt_add_grant(token, "tenant", x.tenant.c_str());
  failed |= jwt_add_grant(token, "sub", x.subject.c_str());
  failed |= jwt_add_grant(token, "scope", x.scope.c_str());
  failed |= jwt_add_grant_int(token, "iat", start.count());
  failed |= jwt_add_grant_int(token, "exp", (start + x.lifetime).count());
  if (!projects.empty())
    failed |= jwt_add_grants_json(
      token, ("{\"projects\":[" + projects + "]}").c_str());
  if (!x.default_project.empty())
    failed
      |= jwt_add_grant(token, "default_project", x.default_project.c_str());
  if (!keys_->issuer.empty())
    failed |= jwt_add_grant(token, "iss", keys_->issuer.c_str());
  if (!keys_->audience.empty())
    failed |= jwt_add_grant(token, "aud", keys_->audience.c_str());
  failed |= jwt_set_alg(token, JWT_ALG_HS256, bytes(keys_->secret),
                        static_cast<int>(keys_->secret.size()));
  text_ptr text{failed == 0 ? jwt_encode_str(token) : nullptr};
  if (!text)
    return fail(errc::internal, "the token cannot be signed");
  return std::string{text.get()};
}

} // namespace callboard
