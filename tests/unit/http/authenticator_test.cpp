#include "transport/authenticator.hpp"

#include <gtest/gtest.h>
#include <jwt.h>

#include <cstdlib>
#include <fstream>

namespace callboard::test {

namespace {

using std::chrono::seconds;
using std::chrono::system_clock;

const std::string secret = "a secret of at least thirty-two bytes!";
const system_clock::time_point now{seconds{1'800'000'000}};

settings::auth_settings conf() {
  settings::auth_settings out;
  out.secret = secret;
  return out;
}

authenticator make(const settings::auth_settings& x = conf()) {
  return *authenticator::create(x);
}

/// A token with just these claims.
std::string sign(const std::string& claims, jwt_alg_t alg = JWT_ALG_HS256,
                 const std::string& key = secret,
                 const char* header = nullptr) {
  jwt_t* token = nullptr;
  jwt_new(&token);
  jwt_add_grants_json(token, claims.c_str());
  if (header != nullptr)
    jwt_add_headers_json(token, header);
  if (alg == JWT_ALG_NONE)
    jwt_set_alg(token, alg, nullptr, 0);
  else
    jwt_set_alg(token, alg, reinterpret_cast<const unsigned char*>(key.data()),
                static_cast<int>(key.size()));
  char* text = jwt_encode_str(token);
  std::string out = text == nullptr ? "" : text;
  std::free(text);
  jwt_free(token);
  return out;
}

std::string good() {
  return R"({"sub":"ann","exp":1800000001})";
}

void expect_refused(const std::string& token,
                    const authenticator& by = make()) {
  auto who = by.verify(token, now);
  ASSERT_FALSE(who) << token;
  EXPECT_EQ(who.error().code, errc::unauthenticated);
  EXPECT_EQ(who.error().detail.find(secret), std::string::npos);
}

} // namespace

TEST(authenticator_test, a_token_says_who_asks_and_what_it_may) {
  auto who = make().verify(
    sign(
      R"({"sub":"ann","tenant":"t1","exp":1800000001,"scope":"publish operate",)"
      R"("projects":["p1","p2"],"default_project":"p1"})"),
    now);
  ASSERT_TRUE(who) << who.error().detail;
  EXPECT_EQ(who->subject, "ann");
  EXPECT_EQ(who->tenant.value, "t1");
  EXPECT_TRUE(who->may_publish);
  EXPECT_FALSE(who->may_subscribe);
  EXPECT_TRUE(who->may_operate);
  EXPECT_TRUE(who->reaches({"p2"}));
  EXPECT_FALSE(who->reaches({"p3"}));
  EXPECT_EQ(who->default_project->value, "p1");
  EXPECT_EQ(*who->expires, now + seconds{1});
}

TEST(authenticator_test, without_a_tenant_the_subject_is_the_tenant) {
  auto who = make().verify(sign(good()), now);
  ASSERT_TRUE(who);
  EXPECT_EQ(who->tenant.value, "ann");
  EXPECT_FALSE(who->restricted);
  EXPECT_FALSE(who->may_publish);
}

TEST(authenticator_test, a_made_token_is_accepted) {
  auto auth = make();
  auto token
    = auth.issue({"t1", "ann", "publish subscribe", {"p1"}, seconds{60}}, now);
  ASSERT_TRUE(token);
  auto who = auth.verify(*token, now);
  ASSERT_TRUE(who);
  EXPECT_TRUE(who->restricted);
  EXPECT_EQ(*who->expires, now + seconds{60});
  EXPECT_FALSE(auth.verify(*token, now + seconds{60}));
}

TEST(authenticator_test, unsigned_tokens_are_refused) {
  auto token = sign(good(), JWT_ALG_NONE, "");
  expect_refused(token);
  // The signature of a good token does not help one that says "none".
  auto signature = sign(good()).substr(sign(good()).rfind('.') + 1);
  expect_refused(token + signature);
}

TEST(authenticator_test, other_algorithms_are_refused_even_with_our_key) {
  expect_refused(sign(good(), JWT_ALG_HS384));
  expect_refused(sign(good(), JWT_ALG_HS512));
}

TEST(authenticator_test, other_keys_and_changed_tokens_are_refused) {
  expect_refused(sign(good(), JWT_ALG_HS256, "another secret"));
  auto token = sign(good());
  for (std::size_t i = 0; i < token.size(); i += 7) {
    auto changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    if (i + 1 < token.size()) // the last character has bits that mean nothing
      expect_refused(changed);
  }
}

TEST(authenticator_test, times_are_checked_without_leeway) {
  expect_refused(sign(R"({"sub":"ann"})"));
  expect_refused(sign(R"({"sub":"ann","exp":"soon"})"));
  expect_refused(sign(R"({"sub":"ann","exp":1800000001,"nbf":1800000001})"));
  auto late = make().verify(sign(R"({"sub":"ann","exp":1800000000})"), now);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().pointer, "exp");
  EXPECT_TRUE(
    make().verify(sign(R"({"sub":"ann","exp":1e18,"nbf":1800000000})"), now));
}

TEST(authenticator_test, expiry_may_be_made_optional) {
  auto lax = conf();
  lax.require_expiry = false;
  EXPECT_TRUE(make(lax).verify(sign(R"({"sub":"ann"})"), now));
  expect_refused(sign(R"({"sub":"ann","exp":1})"), make(lax));
}

TEST(authenticator_test, issuer_and_audience_are_checked_when_configured) {
  auto strict = conf();
  strict.issuer = "me";
  strict.audience = "us";
  auto auth = make(strict);
  auto with = [](const std::string& more) {
    return sign(R"({"sub":"ann","exp":1800000001)" + more + "}");
  };
  EXPECT_TRUE(auth.verify(with(R"(,"iss":"me","aud":"us")"), now));
  EXPECT_TRUE(auth.verify(with(R"(,"iss":"me","aud":["x","us"])"), now));
  expect_refused(with(""), auth);
  expect_refused(with(R"(,"iss":"you","aud":"us")"), auth);
  expect_refused(with(R"(,"iss":"me","aud":"them")"), auth);
  expect_refused(with(R"(,"iss":"me","aud":["them"])"), auth);
  expect_refused(with(R"(,"aud":"us")"), auth);
  EXPECT_TRUE(
    auth.verify(*auth.issue({"t", "s", "", {}, seconds{9}}, now), now));
}

TEST(authenticator_test, claims_of_a_wrong_shape_are_refused) {
  auto with = [](const std::string& more) {
    return sign(R"({"exp":1800000001)" + more + "}");
  };
  expect_refused(with(""));
  expect_refused(with(R"(,"sub":7)"));
  expect_refused(with(R"(,"sub":"")"));
  expect_refused(with(R"(,"sub":"ann","tenant":7)"));
  expect_refused(with(R"(,"sub":"ann","tenant":"a\nb")"));
  expect_refused(with(R"(,"sub":"ann","projects":"p1")"));
  expect_refused(with(R"(,"sub":"ann","projects":["p 1"])"));
  expect_refused(with(R"(,"sub":"ann","scope":["publish"])"));
  expect_refused(sign(good(), JWT_ALG_HS256, secret, R"({"crit":["exp"]})"));
}

TEST(authenticator_test, what_is_no_token_is_refused) {
  for (std::string text : {"", ".", "..", "a.b.c", "a b.c.d", "😀.😀.😀"})
    expect_refused(text);
  expect_refused(std::string(1u << 20, 'a'));
  expect_refused(sign(good()) + std::string{"\0x", 2});
  expect_refused(sign(good()) + ".x");
}

TEST(authenticator_test, without_any_key_there_is_no_authenticator) {
  auto none = authenticator::create({});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, errc::invalid);
  EXPECT_NE(none.error().detail.find("CALLBOARD_AUTH_SECRET"),
            std::string::npos);
}

TEST(authenticator_test, the_secret_may_come_from_a_file) {
  auto path = ::testing::TempDir() + "callboard-secret";
  settings::auth_settings from_file;
  from_file.secret_file = path;
  std::ofstream{path} << secret << "\n";
  EXPECT_TRUE(make(from_file).verify(sign(good()), now));
  std::ofstream{path} << "\n";
  EXPECT_FALSE(authenticator::create(from_file));
  std::remove(path.c_str());
  EXPECT_FALSE(authenticator::create(from_file));
}

} // namespace callboard::test
