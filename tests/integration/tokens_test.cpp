// Who gets in: every kind of bad token is refused everywhere; each scope opens
// what it should and no more.

#include "tests/integration/live_node.hpp"

namespace callboard::test {

namespace {

class tokens : public live_node {
protected:
  static json::object good_claims() {
    return {{"sub", "u"},
            {"tenant", "t1"},
            {"scope", "publish subscribe operate"},
            {"exp", epoch_seconds(std::chrono::hours{1})}};
  }

  static std::string signed_with(json::object changes,
                                 json::object header
                                 = {{"alg", "HS256"}, {"typ", "JWT"}},
                                 std::string_view secret = test_secret) {
    auto claims = good_claims();
    for (const auto& [key, value] : changes) {
      if (value.is_null())
        claims.erase(key);
      else
        claims[key] = value;
    }
    return sign_token(header, claims, secret);
  }

  static std::string without_signature(std::string token) {
    return token.substr(0, token.rfind('.') + 1);
  }

  int http_status_for(const std::string& token) {
    const auto response = http_client{node().port(), token}.get("/v1/projects");
    if (response.status == 401) {
      EXPECT_EQ(response.code(), "unauthenticated");
      EXPECT_FALSE(response.header("X-Request-Id").empty());
    }
    return response.status;
  }

  static std::uint16_t websocket_close_for(const std::string& token) {
    try {
      ws_client ws{node().port(),
                   {.token = token, .place = ws_client::token_in::header}};
      return ws.wait_close();
    } catch (const upgrade_refused& x) {
      return static_cast<std::uint16_t>(x.response.status);
    }
  }
};

const json::object hs256{{"alg", "HS256"}, {"typ", "JWT"}};

} // namespace

TEST_F(tokens, a_good_one_is_let_in) {
  EXPECT_EQ(http_status_for(signed_with({})), 200);
  EXPECT_EQ(http_status_for(node().token()), 200) << "the ready line's";
}

TEST_F(tokens, every_bad_one_is_refused_over_http_and_websocket) {
  const auto good = signed_with({});
  auto tampered = good;
  auto& letter = tampered[tampered.find('.') + 10];
  letter = letter == 'A' ? 'B' : 'A';
  auto cut = good;
  cut.pop_back();
  const std::pair<const char*, std::string> cases[] = {
    {"nothing", ""},
    {"no token at all", "abc"},
    {"three empty parts", ".."},
    {"another secret",
     signed_with({}, hs256, "another-secret-that-is-long-enough-0")},
    {"an empty secret", signed_with({}, hs256, "")},
    {"alg none", signed_with({}, {{"alg", "none"}, {"typ", "JWT"}})},
    {"alg none without signature",
     without_signature(signed_with({}, {{"alg", "none"}, {"typ", "JWT"}}))},
    {"alg NONE in capitals", signed_with({}, {{"alg", "NONE"}})},
    {"alg RS256 signed by HMAC",
     signed_with({}, {{"alg", "RS256"}, {"typ", "JWT"}})},
    {"alg HS512 over an HS256 signature", signed_with({}, {{"alg", "HS512"}})},
    {"no alg", signed_with({}, {{"typ", "JWT"}})},
    {"signature left out", without_signature(good)},
    {"signature cut", cut},
    {"payload changed", tampered},
    {"no exp", signed_with({{"exp", nullptr}})},
    {"exp as text", signed_with({{"exp", "tomorrow"}})},
    {"not yet valid",
     signed_with({{"nbf", epoch_seconds(std::chrono::hours{1})}})},
    {"neither sub nor tenant",
     signed_with({{"sub", nullptr}, {"tenant", nullptr}})},
    {"tenant of a wrong type", signed_with({{"tenant", 7}})},
    {"projects of a wrong type", signed_with({{"projects", "p1"}})},
    {"too long", std::string(100'000, 'a')},
  };
  for (const auto& [name, token] : cases) {
    if (token.size() < 10'000) {
      EXPECT_EQ(http_status_for(token), 401) << name;
      const auto code = websocket_close_for(token);
      EXPECT_TRUE(code == 1008 || code == 401) << name << " " << code;
    } else {
      EXPECT_GE(http_status_for(token), 400) << name;
    }
  }
}

TEST_F(tokens, an_expired_one_is_refused_with_401_and_4401) {
  const auto token
    = signed_with({{"exp", epoch_seconds(std::chrono::hours{-1})}});
  EXPECT_EQ(http_status_for(token), 401);
  EXPECT_EQ(websocket_close_for(token), 4401);
}

TEST_F(tokens, an_empty_projects_list_reaches_no_project) {
  http_client none{node().port(), signed_with({{"projects", json::array{}}})};
  EXPECT_EQ(none.get(path("/runs")).status, 403);
  EXPECT_TRUE(none.get("/v1/projects").object().at("items").as_array().empty());
}

TEST_F(tokens, other_ways_to_send_the_header_are_refused) {
  http_client bare{node().port(), ""};
  const auto good = signed_with({});
  for (const std::string& value :
       {good, "Basic " + good, std::string{"Bearer"}, std::string{"Bearer  "},
        "Token " + good, "Bearer " + good + " x"})
    EXPECT_EQ(bare.get("/v1/projects", {{"Authorization", value}}).status, 401)
      << value;
  EXPECT_EQ(
    bare.get("/v1/projects", {{"Authorization", "bearer " + good}}).status, 200)
    << "the scheme's case does not matter (RFC 9110)";
}

TEST_F(tokens, scopes_open_what_they_should_and_no_more) {
  struct call {
    const char* method;
    std::string target;
    const char* body;
    const char* scope;
  };
  publish(json::array{run_event("r", {{"status", "running"}}),
                      step_event("r", "s", {{"status", "waiting"}})});
  const call calls[] = {
    {"POST", path("/events"), R"({"type":"test:a","data":{}})", "publish"},
    {"POST", path("/runs"), "{}", "publish"},
    {"PUT", path("/definitions/d"), R"({"name":"n","phases":[]})", "publish"},
    {"GET", path("/events"), "", "subscribe"},
    {"GET", path("/runs"), "", "subscribe"},
    {"GET", path("/runs/r"), "", "subscribe"},
    {"GET", path("/runs/r/logs"), "", "subscribe"},
    {"GET", path("/runs/r/events"), "", "subscribe"},
    {"GET", path("/runs/r/artifacts"), "", "subscribe"},
    {"GET", path("/definitions"), "", "subscribe"},
    {"GET", "/v1/projects", "", "subscribe"},
    {"GET", "/v1/admin/actors", "", "operate"},
    {"GET", "/v1/admin/sessions", "", "operate"},
    {"GET", "/v1/admin/storage", "", "operate"},
    {"GET", "/metrics", "", "operate"},
  };
  for (const auto* scope : {"publish", "subscribe", "operate", ""}) {
    auto holder = client({.scope = scope});
    for (const auto& x : calls) {
      const auto response = holder.send(x.method, x.target, x.body);
      const bool allowed = std::string_view{scope} == x.scope;
      EXPECT_EQ(response.status / 100 == 2, allowed)
        << x.method << x.target << " with '" << scope << "' "
        << response.status;
      if (!allowed) {
        EXPECT_EQ(response.status, 403) << x.target;
      }
    }
  }
}

TEST_F(tokens, every_path_but_health_needs_one) {
  http_client nobody{node().port(), ""};
  for (const auto& target :
       {path("/events"), path("/runs"), path("/runs/r"), path("/definitions"),
        std::string{"/v1/projects"}, std::string{"/v1/admin/actors"},
        std::string{"/v1/admin/sessions"}, std::string{"/v1/admin/storage"},
        std::string{"/v1/nothing/here"}, std::string{"/metrics"}}) {
    const auto response = nobody.get(target);
    EXPECT_EQ(response.status, 401) << target;
    EXPECT_FALSE(response.header("WWW-Authenticate").empty()) << target;
  }
  EXPECT_EQ(nobody.get("/healthz").status, 200);
  EXPECT_EQ(nobody.get("/readyz").status, 200);
}

TEST_F(tokens, a_session_is_told_before_its_token_expires_and_closed_after) {
  auto ws = viewer_with({.lifetime = std::chrono::seconds{3}});
  const auto warning = ws.receive_type("expiring");
  EXPECT_LE(number(warning.data, "in_s"), 30u);
  EXPECT_EQ(ws.wait_close(), 4401);
}

TEST_F(tokens, a_session_whose_token_is_renewed_lives_on) {
  auto ws = viewer_with({.lifetime = std::chrono::seconds{3}});
  ws.subscribe(room());
  ws.send({{"type", "auth"}, {"token", make_token({})}});
  const auto until = within(std::chrono::seconds{5});
  while (steady::now() < until)
    ws.try_receive(std::chrono::milliseconds{250});
  publish(custom_event("test:later", {}));
  EXPECT_EQ(ws.receive_type("test:later").seq(), 1u);
}

TEST_F(tokens,
       a_session_cannot_be_renewed_into_another_tenant_or_by_a_bad_token) {
  auto ws = viewer();
  ws.subscribe(room());
  const auto bad = ws.ask({{"type", "auth"}, {"token", "nonsense"}});
  EXPECT_EQ(bad.data.at("code"), "unauthenticated");
  const auto other
    = ws.ask({{"type", "auth"}, {"token", make_token({.tenant = "t2"})}});
  EXPECT_EQ(other.type(), "error") << other.text;
}

} // namespace callboard::test
