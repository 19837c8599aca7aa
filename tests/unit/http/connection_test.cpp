#include "transport/content_coding.hpp"

#include "tests/unit/http/http_fixture.hpp"

namespace callboard::test {

namespace {

const std::string events = "/v1/projects/p1/events";
const std::string an_event = R"({"type":"a:b","data":{}})";

class connections : public http_test {
protected:
  void SetUp() override {
    start();
  }

  /// Starts again with short time-outs.
  void restart_impatient() {
    server_->stop();
    auto conf = default_settings();
    conf.listen.header_timeout = std::chrono::milliseconds{100};
    conf.listen.body_timeout = std::chrono::milliseconds{100};
    conf.listen.idle_timeout = std::chrono::milliseconds{100};
    conf.listen.request_timeout = std::chrono::milliseconds{100};
    start(conf);
  }
};

} // namespace

TEST_F(connections, pipelined_requests_are_answered_in_order) {
  wire_client client{port_};
  std::string all;
  for (int i = 0; i < 200; ++i)
    all += text_of("POST", events, an_event,
                   "X-Request-Id: r" + std::to_string(i) + "\r\n", token());
  client.send(all);
  for (int i = 0; i < 200; ++i) {
    auto reply = client.receive();
    EXPECT_EQ(reply.header("x-request-id"), "r" + std::to_string(i));
    EXPECT_NE(reply.body.find("\"seq\":" + std::to_string(i + 1) + "}"),
              std::string::npos)
      << reply.body;
  }
}

TEST_F(connections, answers_that_come_out_of_order_leave_in_order) {
  engine_.hold();
  wire_client client{port_};
  for (int i = 0; i < 20; ++i)
    client.send(text_of("POST", events, an_event,
                        "X-Request-Id: r" + std::to_string(i) + "\r\n",
                        token()));
  ASSERT_TRUE(eventually([&] { return engine_.held() == 20; }));
  engine_.release(true);
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(client.receive().header("x-request-id"), "r" + std::to_string(i));
}

TEST_F(connections, a_read_waits_for_the_publish_before_it) {
  engine_.hold();
  wire_client client{port_};
  client.send(text_of("POST", events, an_event, "", token())
              + text_of("GET", "/healthz", "", "", "")
              + text_of("GET", "/v1/projects/p1/runs", "", "", token()));
  ASSERT_TRUE(eventually([&] { return engine_.held() == 1; }));
  // One answer from each hub: the one of this connection has then done all that
  // it could with those three.
  ask("GET", "/healthz");
  ask("GET", "/healthz");
  EXPECT_EQ(engine_.held(), 1u);
  engine_.release();
  EXPECT_NE(client.receive().body.find("accepted"), std::string::npos);
  EXPECT_EQ(client.receive().member("status"), "ok");
  EXPECT_EQ(client.receive().member("items"), "[]");
}

TEST_F(connections, only_so_many_requests_are_under_way) {
  server_->stop();
  auto conf = default_settings();
  conf.limits.requests_in_flight = 4;
  start(conf);
  engine_.hold();
  wire_client client{port_};
  std::string all;
  for (int i = 0; i < 50; ++i)
    all += text_of("POST", events, an_event, "", token());
  client.send(all);
  ASSERT_TRUE(eventually([&] { return engine_.held() == 4; }));
  EXPECT_EQ(ask("GET", "/healthz").status, 200);
  EXPECT_EQ(engine_.held(), 4u);
  engine_.release();
  for (int i = 0; i < 50; ++i)
    EXPECT_EQ(client.receive().status, 200);
}

TEST_F(connections, a_client_may_close_its_side_and_still_gets_its_answer) {
  wire_client client{port_};
  client.send("GET /healthz HTTP/1.0\r\n\r\n");
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_TRUE(client.closed());
}

TEST_F(connections, slow_headers_get_a_408_and_the_end) {
  restart_impatient();
  wire_client client{port_};
  client.send("GET /healthz HTTP/1.1\r\nHos");
  auto reply = client.receive();
  EXPECT_EQ(reply.status, 408);
  EXPECT_EQ(reply.header("connection"), "close");
  EXPECT_EQ(reply.header("content-type"), "application/problem+json");
  EXPECT_TRUE(client.closed());
}

TEST_F(connections, a_slow_body_gets_a_408_and_the_end) {
  restart_impatient();
  wire_client client{port_};
  auto text = text_of("POST", events, an_event, "", token());
  client.send(text.substr(0, text.size() - 3));
  EXPECT_EQ(client.receive().status, 408);
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(engine_.publish_calls(), 0u);
}

TEST_F(connections, an_idle_connection_is_closed_without_a_word) {
  restart_impatient();
  wire_client client{port_};
  EXPECT_TRUE(client.closed());
}

TEST_F(connections, a_write_that_the_engine_forgets_is_left_open) {
  restart_impatient();
  engine_.hold();
  wire_client client{port_};
  client.send(text_of("POST", events, an_event, "", token()));
  EXPECT_TRUE(client.closed()) << "an error would say that it was not applied";
  engine_.release(); // a late answer finds nobody
}

TEST_F(connections, a_read_that_the_engine_forgets_gets_a_503) {
  restart_impatient();
  engine_.hold();
  wire_client client{port_};
  client.send(text_of("GET", "/v1/projects/p1/runs", "", "", token()));
  auto reply = client.receive();
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.member("code"), "unavailable");
  EXPECT_FALSE(reply.header("retry-after").empty());
  engine_.release(); // a late answer finds nobody
  client.send(text_of("GET", "/healthz", "", "", ""));
  EXPECT_EQ(client.receive().status, 200);
}

TEST_F(connections, oversized_headers_get_a_431) {
  wire_client client{port_};
  client.send("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: "
              + std::string(20'000, 'x') + "\r\n\r\n");
  EXPECT_EQ(client.receive().status, 431);
  EXPECT_TRUE(client.closed());
}

TEST_F(connections, an_oversized_body_gets_a_413_that_the_sender_can_read) {
  wire_client client{port_};
  auto size = (16u << 20) + 1;
  client.send("POST " + events
              + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token()
              + "\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n");
  client.send(std::string(size, ' '));
  auto reply = client.receive();
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(reply.member("code"), "too_large");
  EXPECT_TRUE(client.closed());
}

TEST_F(connections, a_chunked_body_over_the_limit_gets_a_413) {
  server_->stop();
  auto conf = default_settings();
  conf.limits.body_bytes = 1000;
  start(conf);
  wire_client client{port_};
  client.send("POST " + events
              + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token()
              + "\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 11; ++i)
    client.send("64\r\n" + std::string(100, ' ') + "\r\n");
  EXPECT_EQ(client.receive().status, 413);
}

TEST_F(connections, a_chunked_body_is_read) {
  wire_client client{port_};
  client.send("POST " + events
              + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token()
              + "\r\nTransfer-Encoding: chunked\r\n\r\n"
              + "c\r\n{\"type\":\"a:b\r\nc\r\n\",\"data\":{}}\r\n0\r\n\r\n");
  EXPECT_EQ(client.receive().member("accepted"), "1");
}

TEST_F(connections, what_is_not_http_gets_a_400_and_the_end) {
  for (
    std::string_view text :
    {"hello\r\n\r\n", "GET / HTTP/3.0\r\n\r\n", "GET /healthz HTTP/1.1\r\n\r\n",
     "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
     "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
     "Transfer-Encoding: chunked\r\n\r\n",
     "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
     "GET /healthz HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n"}) {
    wire_client client{port_};
    client.send(text);
    auto reply = client.receive();
    EXPECT_EQ(reply.status, 400) << text;
    EXPECT_EQ(reply.member("code"), "invalid") << text;
    EXPECT_TRUE(client.closed()) << text;
  }
}

TEST_F(connections, a_client_that_waits_for_100_continue_gets_it) {
  wire_client client{port_};
  auto text
    = text_of("POST", events, an_event, "Expect: 100-continue\r\n", token());
  client.send(text.substr(0, text.size() - an_event.size()));
  EXPECT_EQ(client.receive().status, 100);
  client.send(an_event);
  EXPECT_EQ(client.receive().status, 200);
}

TEST_F(connections,
       a_refused_client_that_waits_for_100_continue_gets_the_refusal) {
  wire_client client{port_};
  auto text = text_of("POST", events, an_event, "Expect: 100-continue\r\n", "");
  client.send(text.substr(0, text.size() - an_event.size()));
  EXPECT_EQ(client.receive().status, 401);
  EXPECT_TRUE(client.closed());
}

TEST_F(connections, head_gives_the_headers_alone) {
  wire_client client{port_};
  client.send(text_of("HEAD", "/healthz", "", "", "")
              + text_of("GET", "/healthz", "", "", ""));
  auto reply = client.receive(true);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("content-length"), "15");
  EXPECT_EQ(client.receive().body, R"({"status":"ok"})");
}

TEST_F(connections, a_sane_request_id_is_kept_and_another_is_replaced) {
  EXPECT_EQ(ask("GET", "/healthz", "", "X-Request-Id: abc-1\r\n")
              .header("x-request-id"),
            "abc-1");
  auto made = ask("GET", "/nowhere", "", "X-Request-Id: a b<script>\r\n");
  EXPECT_EQ(made.header("x-request-id").size(), 36u);
  EXPECT_EQ(made.member("request_id"), made.header("x-request-id"));
}

TEST_F(connections, packed_bodies_are_unpacked) {
  for (auto coding : {content_coding::gzip, content_coding::zstd}) {
    auto text = an_event + std::string(2000, ' ');
    auto packed = compress(text, coding);
    ASSERT_TRUE(packed);
    auto header
      = "Content-Encoding: " + std::string{to_string(coding)} + "\r\n";
    EXPECT_EQ(ask("POST", events, *packed, header).member("accepted"), "1");
    auto half = packed->substr(0, packed->size() / 2);
    EXPECT_EQ(ask("POST", events, half, header).status, 400);
  }
  EXPECT_EQ(ask("POST", events, an_event, "Content-Encoding: br\r\n").status,
            400);
}

TEST_F(connections, a_bomb_is_refused_with_413) {
  for (auto coding : {content_coding::gzip, content_coding::zstd}) {
    auto bomb = compress(std::string((16u << 20) + 1, ' '), coding);
    ASSERT_TRUE(bomb);
    auto header
      = "Content-Encoding: " + std::string{to_string(coding)} + "\r\n";
    EXPECT_EQ(ask("POST", events, *bomb, header).status, 413);
  }
}

TEST_F(connections, large_answers_are_packed_when_asked_for) {
  auto text = "{\"items\":[\"" + std::string(5000, 'x') + "\"]}";
  engine_.next_document(text);
  const std::string runs = "/v1/projects/p1/runs";
  auto plain = ask("GET", runs);
  EXPECT_EQ(plain.body, text);
  EXPECT_EQ(plain.header("content-encoding"), "");
  EXPECT_EQ(plain.header("vary"), "Accept-Encoding");
  auto gzip = ask("GET", runs, "", "Accept-Encoding: gzip, zstd;q=0.5\r\n");
  EXPECT_EQ(gzip.header("content-encoding"), "gzip");
  EXPECT_EQ(*decompress(gzip.body, content_coding::gzip, 1u << 20), text);
  auto zstd = ask("GET", runs, "", "Accept-Encoding: gzip, zstd\r\n");
  EXPECT_EQ(zstd.header("content-encoding"), "zstd");
  EXPECT_EQ(*decompress(zstd.body, content_coding::zstd, 1u << 20), text);
  EXPECT_EQ(ask("GET", runs, "", "Accept-Encoding: gzip;q=0\r\n").body, text);
}

TEST_F(connections, an_upgrade_of_ws_is_handed_over_and_of_others_is_not) {
  const std::string upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                              "Sec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  EXPECT_EQ(ask("GET", "/ws?projectId=p1", "", upgrade).status, 101);
  EXPECT_EQ(ask("GET", "/other", "", upgrade).status, 404);
  EXPECT_EQ(ask("GET", "/ws").status, 400);
}

TEST_F(connections, a_web_page_may_call_only_from_the_configured_origin) {
  EXPECT_EQ(ask("GET", "/healthz", "", "Origin: https://a.example\r\n")
              .header("access-control-allow-origin"),
            "");
  server_->stop();
  auto conf = default_settings();
  conf.listen.cors_origin = "https://a.example";
  start(conf);
  auto good = ask("GET", "/healthz", "", "Origin: https://a.example\r\n");
  EXPECT_EQ(good.header("access-control-allow-origin"), "https://a.example");
  auto other = ask("GET", "/healthz", "", "Origin: https://b.example\r\n");
  EXPECT_EQ(other.header("access-control-allow-origin"), "");
  auto preflight = ask("OPTIONS", events, "",
                       "Origin: https://a.example\r\n"
                       "Access-Control-Request-Method: POST\r\n",
                       "");
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.header("access-control-allow-methods"),
            "POST, GET, HEAD");
  EXPECT_EQ(ask("OPTIONS", events, "", "", "").status, 405);
}

TEST_F(connections, too_many_connections_are_told_so) {
  server_->stop();
  auto conf = default_settings();
  conf.listen.max_sessions = 1;
  start(conf);
  wire_client first{port_};
  first.send(text_of("GET", "/healthz", "", "", ""));
  EXPECT_EQ(first.receive().status, 200);
  wire_client second{port_};
  EXPECT_EQ(second.receive().status, 503);
  EXPECT_TRUE(second.closed());
}

TEST_F(connections, a_drain_answers_what_is_under_way_and_closes_the_rest) {
  engine_.hold();
  wire_client idle{port_}, busy{port_};
  idle.send(text_of("GET", "/healthz", "", "", ""));
  EXPECT_EQ(idle.receive().status, 200);
  busy.send(text_of("POST", events, an_event, "", token()));
  ASSERT_TRUE(eventually([&] { return engine_.held() == 1; }));
  std::thread draining{[&] { server_->drain(); }};
  EXPECT_TRUE(idle.closed());
  engine_.release();
  auto reply = busy.receive();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("connection"), "close");
  EXPECT_TRUE(busy.closed());
  draining.join();
}

} // namespace callboard::test
