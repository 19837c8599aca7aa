// Bad input over HTTP: the clear error of the contract, and nobody else
// affected.

#include "tests/integration/live_node.hpp"
#include "tests/support/encodings.hpp"

namespace callboard::test {

namespace {

class bad_http : public live_node {
public:
  static void SetUpTestSuite() {
    start_node({.env = {{"CALLBOARD_LISTEN_HEADER_TIMEOUT", "1s"},
                        {"CALLBOARD_LISTEN_BODY_TIMEOUT", "1s"}}});
  }

protected:
  ~bad_http() override {
    // Whatever a test did, others are served, and the process is the same.
    EXPECT_TRUE(node().running()) << node().standard_error();
    EXPECT_EQ(client().get("/healthz").status, 200);
  }

  /// Sends bytes as they are; the answer, or status 0 when it was just closed.
  static http_response exchange(const std::string& bytes) {
    auto socket = tcp_socket::connect(node().port());
    const auto until = within(patience);
    try {
      socket.send(bytes, until);
      std::string buffer;
      return read_response(socket, buffer, until);
    } catch (const connection_lost&) {
      return {};
    }
  }

  std::string head(const std::string& method, const std::string& target) {
    return method + " " + target
           + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + http.token()
           + "\r\n";
  }
};

std::string nested(int depth) {
  return R"({"type":"test:deep","data":{"x":)"
         + std::string(static_cast<std::size_t>(depth), '[')
         + std::string(static_cast<std::size_t>(depth), ']') + "}}";
}

} // namespace

TEST_F(bad_http, malformed_json_is_a_400_that_says_where) {
  for (const auto* body : {"{",
                           "}",
                           "nul",
                           "[1,]",
                           R"({"a":})",
                           R"({"a":1,})",
                           R"({'a':1})",
                           R"({"type":"test:a","data":{}} trailing)",
                           R"({"a":01})",
                           R"({"a":+1})",
                           R"({"a":.5})",
                           R"({"a":1.})",
                           R"({"a":NaN})",
                           R"({"a":"\x"})",
                           R"({"a":"\u12"})",
                           "{\"a\":\"\n\"}",
                           "\xef\xbb\xbf{}",
                           "42",
                           "\"text\"",
                           "null"}) {
    const auto response = http.publish_raw(project, body);
    EXPECT_EQ(response.status, 400) << body << response.body;
    EXPECT_EQ(response.code(), "invalid") << body;
    EXPECT_FALSE(text(response.object(), "detail").empty());
    EXPECT_FALSE(text(response.object(), "request_id").empty());
  }
  EXPECT_TRUE(history().empty());
}

TEST_F(bad_http, bad_utf8_and_lone_surrogates_are_refused) {
  for (const auto* text : {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80",
                           "\xf4\x90\x80\x80", "\\ud800", "\\udc00x"}) {
    const auto body
      = std::string{R"({"type":"test:a","data":{"x":")"} + text + "\"}}";
    EXPECT_EQ(http.publish_raw(project, body).status, 400) << body;
  }
}

TEST_F(bad_http, duplicate_keys_are_refused) {
  for (
    const auto* body :
    {R"({"type":"test:a","type":"test:b","data":{}})",
     R"({"type":"test:a","data":{"x":1,"x":2}})",
     R"({"type":"workflow:execution:updated","data":{"execution_id":"r","changes":{"status":"running","st\u0061tus":"failed"}}})"})
    EXPECT_EQ(http.publish_raw(project, body).status, 400) << body;
}

TEST_F(bad_http, nesting_has_a_limit_far_above_need) {
  EXPECT_EQ(http.publish_raw(project, nested(50)).status / 100, 2);
  for (const auto depth : {100, 10'000, 400'000})
    EXPECT_EQ(http.publish_raw(project, nested(depth)).status, 400) << depth;
}

TEST_F(bad_http, huge_numbers_are_kept_or_refused_but_harmless) {
  for (const auto& number :
       {std::string{"1e999999"}, std::string{"-1e-999999"},
        std::string(5000, '9'), "0." + std::string(5000, '3')}) {
    const auto body = R"({"type":"test:n","data":{"x":)" + number + "}}";
    const auto response = http.publish_raw(project, body);
    if (response.status / 100 == 2)
      EXPECT_NE(http.get(path("/events?limit=1000")).body.find(number),
                std::string::npos);
    else
      EXPECT_EQ(response.status, 400);
  }
  const auto counter = http.publish_raw(
    project,
    R"({"type":"workflow:execution:event:created","data":{"execution_id":"r",)"
    R"("event":{"kind":"counter","name":"c","count":1e400}}})");
  EXPECT_LT(counter.status, 500);
}

TEST_F(bad_http, counters_that_overflow_do_not_break_the_run) {
  for (int i = 0; i < 3; ++i)
    http.publish_raw(
      project,
      R"({"type":"workflow:execution:event:created","data":{"execution_id":"r",)"
      R"("event":{"kind":"counter","name":"c","count":9223372036854775807}}})");
  EXPECT_LT(http.get(path("/runs/r")).status, 500);
}

TEST_F(bad_http, keys_with_odd_characters_stay_what_they_are) {
  const auto body
    = R"({"type":"workflow:execution:updated","data":{"execution_id":"r",)"
      R"("changes":{"":1,"a\u0000b":2,"\"":3,"__proto__":4,"ä":5}}})";
  ASSERT_EQ(http.publish_raw(project, body).status / 100, 2);
  const auto run = detail("r");
  EXPECT_EQ(run.at(""), 1);
  EXPECT_EQ(run.at(json::string_view{"a\0b", 3}), 2);
  EXPECT_EQ(run.at("\""), 3);
  EXPECT_EQ(run.at("__proto__"), 4);
}

TEST_F(bad_http, fields_cannot_pretend_to_be_the_engines_own) {
  publish(run_event("r", {{"id", "fake"},
                          {"room_seq", 99},
                          {"steps", {1}},
                          {"counters", "none"},
                          {"execution_id", "fake"}}));
  const auto response = http.get(path("/runs/r"));
  EXPECT_EQ(response.status, 200);
  const auto run = response.object();
  EXPECT_EQ(run.at("id"), "r");
  EXPECT_EQ(run.at("room_seq"), 1);
  EXPECT_TRUE(run.at("steps").is_array());
  EXPECT_TRUE(run.at("steps").as_array().empty());
  // No member may be there twice: readers disagree about which one counts.
  std::size_t ids = 0;
  for (std::size_t at = response.body.find("\"room_seq\"");
       at != std::string::npos; at = response.body.find("\"room_seq\"", at + 1))
    ++ids;
  EXPECT_EQ(ids, 1u) << response.body;
}

TEST_F(bad_http, bodies_over_16_mebibytes_are_too_large) {
  const std::string big((std::size_t{16} << 20) + 1, ' ');
  const auto response = http.publish_raw(project, big);
  EXPECT_EQ(response.status, 413);
  EXPECT_EQ(response.code(), "too_large");
  const auto announced = exchange(head("POST", path("/events"))
                                  + "Content-Length: 99999999999\r\n\r\n");
  EXPECT_EQ(announced.status, 413) << "before a byte of it is read";
  std::string chunks
    = head("POST", path("/events")) + "Transfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 17; ++i)
    chunks += "100000\r\n" + std::string(1u << 20, ' ') + "\r\n";
  const auto chunked = exchange(chunks + "0\r\n\r\n");
  EXPECT_TRUE(chunked.status == 413 || chunked.status == 0) << chunked.status;
}

TEST_F(bad_http, a_chunked_body_is_fine) {
  const std::string body = R"({"type":"test:a","data":{}})";
  const auto response = exchange(
    head("POST", path("/events"))
    + "Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n"
      "5\r\n"
    + body.substr(0, 5) + "\r\n16\r\n" + body.substr(5) + "\r\n0\r\n\r\n");
  EXPECT_EQ(response.status / 100, 2) << response.body;
}

TEST_F(bad_http, headers_over_the_limit_are_refused) {
  const auto response = exchange(head("GET", path("/runs")) + "X-Big: "
                                 + std::string(100'000, 'x') + "\r\n\r\n");
  EXPECT_TRUE(response.status == 431 || response.status == 413
              || response.status == 400)
    << response.status;
  const auto long_target = exchange(
    head("GET", path("/runs?x=" + std::string(100'000, 'x'))) + "\r\n");
  EXPECT_GE(long_target.status, 400);
}

TEST_F(bad_http, what_is_not_http_is_closed) {
  for (const auto& bytes :
       {std::string{"hello\r\n\r\n"},
        std::string{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11},
        std::string{"GET / HTTP/9.9\r\n\r\n"}, std::string{"GET /\r\n\r\n"},
        std::string(4096, '\0'), std::string{"\r\n\r\n\r\n"},
        std::string{
          "POST /v1/projects/p/events HTTP/1.1\r\nContent-Length: -1\r\n\r\n"},
        std::string{"POST /v1/projects/p/events HTTP/1.1\r\nContent-Length: "
                    "1\r\nContent-Length: 2\r\n\r\nab"},
        std::string{"GET / HTTP/1.1\r\nHost: a\nb\r\n\r\n"}}) {
    auto socket = tcp_socket::connect(node().port());
    socket.send(bytes, within(patience));
    const auto answer = socket.receive_all(within(patience));
    EXPECT_TRUE(answer.empty() || answer.starts_with("HTTP/1.1 4")) << answer;
  }
}

TEST_F(bad_http, smuggling_two_lengths_in_one_request_is_refused) {
  const auto both
    = exchange(head("POST", path("/events"))
               + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "0\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n");
  EXPECT_EQ(both.status / 100, 4) << both.status;
}

TEST_F(bad_http, slow_headers_and_slow_bodies_are_cut_off) {
  auto slow_header = tcp_socket::connect(node().port());
  auto slow_body = tcp_socket::connect(node().port());
  auto idle_after_one = tcp_socket::connect(node().port());
  slow_header.send("GET /healthz HTTP/1.1\r\nX-A", within(patience));
  slow_body.send(head("POST", path("/events")) + "Content-Length: 100\r\n\r\n{",
                 within(patience));
  const auto begin = steady::now();
  slow_header.receive_all(within(std::chrono::seconds{8}));
  const auto answer = slow_body.receive_all(within(std::chrono::seconds{8}));
  EXPECT_LT(steady::now() - begin, std::chrono::seconds{8});
  EXPECT_TRUE(answer.empty() || answer.starts_with("HTTP/1.1 408")) << answer;
}

TEST_F(bad_http, a_header_that_trickles_in_is_cut_off_as_well) {
  auto socket = tcp_socket::connect(node().port());
  const auto until = within(std::chrono::seconds{10});
  bool cut = false;
  socket.send("GET /healthz HTTP/1.1\r\n", until);
  try {
    while (!cut && steady::now() < until) {
      socket.send("X: y\r\n", until);
      cut = socket.readable_now();
      std::this_thread::sleep_for(std::chrono::milliseconds{100});
    }
  } catch (const connection_lost&) {
    cut = true;
  }
  EXPECT_TRUE(cut) << "each line bought more time";
}

TEST_F(bad_http, unknown_paths_and_methods_have_their_codes) {
  EXPECT_EQ(http.get("/v1/nothing").status, 404);
  EXPECT_EQ(http.get("/nothing").status, 404);
  EXPECT_EQ(http.get("/").status, 404);
  for (const auto& [method, target, allowed] :
       {std::tuple{"DELETE", path("/events"), "POST"},
        std::tuple{"PUT", path("/runs"), "POST"},
        std::tuple{"POST", path("/runs/r"), "GET"},
        std::tuple{"PATCH", path("/runs/r"), "GET"},
        std::tuple{"POST", std::string{"/healthz"}, "GET"},
        std::tuple{"POST", path("/definitions/d"), "PUT"}}) {
    const auto response = http.send(method, target, "{}");
    EXPECT_EQ(response.status, 405) << method << target << response.body;
    EXPECT_EQ(response.code(), "method_not_allowed");
    EXPECT_NE(response.header("Allow").find(allowed), std::string_view::npos)
      << response.header("Allow");
  }
}

TEST_F(bad_http, head_is_answered_without_a_body) {
  const auto response = http.send("HEAD", path("/runs"));
  EXPECT_TRUE(response.status == 200 || response.status == 405);
  EXPECT_EQ(http.get(path("/runs")).status, 200)
    << "the connection is still in step";
}

TEST_F(bad_http, ids_in_paths_are_checked) {
  for (const auto* id : {"a%20b", "%C3%A4", "a%2Fb", "a%00", "%"})
    EXPECT_EQ(http.get(std::string{"/v1/projects/"} + id + "/runs").status, 400)
      << id;
  EXPECT_EQ(http.get("/v1/projects/" + std::string(129, 'a') + "/runs").status,
            400);
  EXPECT_EQ(http.get(path("/runs/" + std::string(129, 'a'))).status, 400);
  EXPECT_EQ(http.get("/v1/projects/a%3Ab/runs").status, 200)
    << "a colon, encoded";
}

TEST_F(bad_http, pipelined_requests_are_answered_in_their_order) {
  auto socket = tcp_socket::connect(node().port());
  std::string all;
  for (int i = 0; i < 20; ++i) {
    const auto body = json::serialize(custom_event("test:p", {{"n", i}}));
    all += head("POST", path("/events")) + "Content-Length: "
           + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  socket.send(all, within(patience));
  std::string buffer;
  for (std::uint64_t i = 1; i <= 20; ++i) {
    const auto response = read_response(socket, buffer, within(patience));
    ASSERT_EQ(response.status / 100, 2) << response.body;
    EXPECT_EQ(
      number(response.object().at("results").as_array().at(0).as_object(),
             "seq"),
      i);
  }
}

TEST_F(bad_http, a_client_that_leaves_in_the_middle_hurts_nobody) {
  for (int i = 0; i < 100; ++i) {
    auto socket = tcp_socket::connect(node().port());
    const auto request
      = head("POST", path("/events")) + "Content-Length: 100\r\n\r\n{\"type\"";
    socket.send(
      request.substr(0, request.size() * static_cast<std::size_t>(i) / 100 + 1),
      within(patience));
  }
  EXPECT_TRUE(history().empty());
}

TEST_F(bad_http,
       too_many_events_in_one_request_are_refused_as_a_whole_or_one_by_one) {
  std::string body = "[";
  for (int i = 0; i < 10'001; ++i)
    body += R"({"type":"test:a","data":{}},)";
  body.back() = ']';
  const auto response = http.publish_raw(project, body);
  EXPECT_EQ(response.status, 413) << response.body.substr(0, 300);
  EXPECT_TRUE(history().empty());
}

} // namespace callboard::test
