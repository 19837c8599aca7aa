// Bad input over WebSocket: the contract's close codes and errors, and nobody
// else affected.

#include "tests/integration/live_node.hpp"

#include <atomic>
#include <thread>

namespace callboard::test {

namespace {

class bad_websocket : public live_node {
protected:
  ~bad_websocket() override {
    // Whatever a test did, others are served, and the process is the same.
    EXPECT_TRUE(node().running()) << node().standard_error();
    auto other = viewer();
    other.send({{"type", "ping"}});
    EXPECT_EQ(other.receive().type(), "pong");
  }

  static void expect_alive(ws_client& ws) {
    ws.send({{"type", "ping"}});
    EXPECT_EQ(ws.receive_type("pong").type(), "pong");
  }
};

} // namespace

TEST_F(bad_websocket, binary_frames_are_closed_with_1003) {
  auto ws = viewer();
  ws.send_binary("{\"type\":\"ping\"}");
  EXPECT_EQ(ws.wait_close(), 1003);
}

TEST_F(bad_websocket, bad_utf8_is_closed_with_1007) {
  for (const auto* bytes :
       {"\xff\xfe", "{\"type\":\"\xc3\"}", "\xed\xa0\x80"}) {
    auto ws = viewer();
    ws.send_text(bytes);
    EXPECT_EQ(ws.wait_close(), 1007);
  }
}

TEST_F(bad_websocket, a_message_over_one_mebibyte_is_closed_with_1009) {
  auto ws = viewer();
  try {
    ws.send_text(std::string((1u << 20) + 1, ' '));
  } catch (const connection_lost&) {
    // closed before it had all
  }
  EXPECT_EQ(ws.wait_close(), 1009);
}

TEST_F(bad_websocket, fragments_are_put_together_and_count_as_one_message) {
  auto ws = viewer();
  ws.send_frame(1, R"({"ty)", false);
  ws.send_frame(9, "in between");
  ws.send_frame(0, R"(pe":")", false);
  ws.send_frame(0, R"(ping"})", true);
  EXPECT_EQ(ws.receive().type(), "pong");
  const std::string half(600'000, ' ');
  try {
    ws.send_frame(1, half, false);
    ws.send_frame(0, half, true);
  } catch (const connection_lost&) {
    // closed before it had all
  }
  EXPECT_EQ(ws.wait_close(), 1009);
}

TEST_F(bad_websocket, a_frame_that_announces_too_much_is_closed_at_once) {
  auto ws = viewer();
  std::string header = encode_frame(1, std::string(70'000, ' ')).substr(0, 14);
  header[2] = '\x10'; // an exbibyte
  ws.send_raw(header);
  EXPECT_EQ(ws.wait_close(), 1009);
}

TEST_F(bad_websocket, breaches_of_the_framing_are_closed_with_1002) {
  const std::string cases[] = {
    encode_frame(1, "{}", true, false),     // not masked
    encode_frame(3, "reserved"),            // reserved opcode
    encode_frame(11, "reserved control"),   //
    encode_frame(9, std::string(126, 'p')), // control frame too long
    encode_frame(9, "fragmented ping", false),
    encode_frame(0, "continues nothing"),
  };
  for (const auto& bytes : cases) {
    auto ws = viewer();
    ws.send_raw(bytes);
    const auto code = ws.wait_close();
    EXPECT_TRUE(code == 1002 || code == 1009 || code == 1006) << code;
  }
}

TEST_F(bad_websocket,
       what_is_no_json_object_gets_an_error_and_the_session_lives) {
  auto ws = viewer();
  for (const auto* text :
       {"", "{", "[]", "42", "null", "\"ping\"", "{}", R"({"type":7})",
        R"({"type":"ping","type":"ping"})", R"({"typ":"ping"})"}) {
    ws.send_text(text);
    const auto answer = ws.receive();
    EXPECT_EQ(answer.type(), "error") << text << answer.text;
    EXPECT_EQ(answer.data.at("code"), "invalid") << text;
    EXPECT_TRUE(answer.data.contains("detail"));
  }
  expect_alive(ws);
}

TEST_F(bad_websocket, unknown_operations_get_an_error_with_their_ref) {
  auto ws = viewer();
  for (const auto* type : {"explode", "Subscribe", "connected", "events", ""}) {
    const auto answer = ws.ask({{"type", type}});
    EXPECT_EQ(answer.type(), "error") << type;
    EXPECT_EQ(answer.data.at("code"), "invalid") << type;
  }
  expect_alive(ws);
}

TEST_F(bad_websocket, wrong_fields_get_an_error_and_change_nothing) {
  auto ws = viewer();
  const char* cases[] = {
    R"("type":"subscribe")",
    R"("type":"subscribe","room":7)",
    R"("type":"subscribe","room":"nonsense")",
    R"("type":"subscribe","room":"project:")",
    R"("type":"subscribe","room":"project:a b")",
    R"("type":"subscribe","room":"planet:earth")",
    R"("type":"subscribe","room":"project:p","since":-1)",
    R"("type":"subscribe","room":"project:p","since":"x")",
    R"("type":"subscribe","room":"project:p","since":1.5)",
    R"("type":"subscribe","room":"project:p","since":99999999999999999999)",
    R"("type":"subscribe","room":"project:p","types":"all")",
    R"("type":"subscribe","room":"project:p","types":[7])",
    R"("type":"unsubscribe")",
    R"("type":"publish","events":[])",
    R"("type":"publish","project_id":7,"events":[])",
    R"("type":"publish","project_id":"p")",
    R"("type":"publish","project_id":"p","events":{})",
    R"("type":"command","project_id":"p","execution_id":"r")",
    R"("type":"command","project_id":"p","command":"pause")",
    R"("type":"auth")",
    R"("type":"auth","token":7)",
  };
  int n = 0;
  for (const auto* fields : cases) {
    const auto ref = std::to_string(++n);
    ws.send_text("{" + std::string{fields} + R"(,"ref":)" + ref + "}");
    const auto answer = ws.receive();
    EXPECT_EQ(answer.type(), "error") << fields << answer.text;
    EXPECT_EQ(answer.data.at("ref"), n) << fields;
  }
  expect_alive(ws);
}

TEST_F(bad_websocket, deep_nesting_in_a_frame_is_harmless) {
  auto ws = viewer();
  const std::string deep(400'000, '[');
  ws.send_text(R"({"type":"publish","project_id":"p","events":)" + deep);
  EXPECT_EQ(ws.receive().type(), "error");
  expect_alive(ws);
}

TEST_F(bad_websocket, one_bad_event_of_a_publish_is_told_by_its_place) {
  auto ws = viewer();
  const auto answer = ws.ask(
    {{"type", "publish"},
     {"project_id", project},
     {"events", {custom_event("test:a", {}), 7, run_event("a b", {})}}});
  ASSERT_EQ(answer.type(), "published") << answer.text;
  const auto& results = answer.data.at("results").as_array();
  EXPECT_EQ(number(results.at(0).as_object(), "seq"), 1u);
  EXPECT_TRUE(results.at(1).as_object().contains("error"));
  EXPECT_TRUE(results.at(2).as_object().contains("error"));
}

TEST_F(bad_websocket, an_upgrade_without_the_right_headers_is_refused) {
  for (const auto* request : {"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n",
                              "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: "
                              "websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Version: 12\r\nSec-WebSocket-Key: "
                              "dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                              "POST /ws HTTP/1.1\r\nHost: x\r\nUpgrade: "
                              "websocket\r\nConnection: Upgrade\r\n"
                              "Content-Length: 0\r\n\r\n"}) {
    auto socket = tcp_socket::connect(node().port());
    socket.send(request, within(patience));
    std::string buffer;
    const auto response = read_response(socket, buffer, within(patience));
    EXPECT_EQ(response.status / 100, 4) << response.status;
  }
}

TEST_F(bad_websocket, without_a_token_it_is_closed_with_1008) {
  try {
    ws_client ws{node().port(), {}};
    EXPECT_EQ(ws.wait_close(), 1008);
  } catch (const upgrade_refused& x) {
    EXPECT_EQ(x.response.status, 401);
  }
}

TEST_F(bad_websocket, clients_that_vanish_during_the_handshake_hurt_nobody) {
  for (int i = 0; i < 50; ++i) {
    auto socket = tcp_socket::connect(node().port());
    socket.send("GET /ws?token=" + http.token()
                  + " HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: "
                    "Upgrade\r\n"
                    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
                    "dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                within(patience));
  }
}

TEST_F(bad_websocket,
       a_flood_of_requests_without_reading_does_not_grow_the_node) {
  const auto before = node().resident_bytes();
  auto flood = viewer({}, {.receive_buffer = 4 * 1024});
  const auto ask
    = encode_frame(1, R"({"type":"subscribe","room":"nonsense","ref":")"
                        + std::string(1000, 'r') + "\"}");
  std::string many;
  for (int i = 0; i < 1000; ++i)
    many += ask;
  // The node must stop reading, or close; it must not queue all answers.
  std::size_t sent = 0;
  try {
    for (int i = 0; i < 60; ++i)
      sent += flood.socket().send_some(many,
                                       within(std::chrono::milliseconds{200}));
  } catch (const connection_lost&) {
    // closed: fine as well
  }
  EXPECT_LT(node().resident_bytes(), before + (std::size_t{32} << 20))
    << sent << " bytes were taken";
}

TEST_F(bad_websocket, a_silent_peer_is_pinged_and_then_dropped_with_4408) {
  node_process quick{{.env = {{"CALLBOARD_LISTEN_PING_INTERVAL", "300ms"},
                              {"CALLBOARD_LISTEN_IDLE_TIMEOUT", "1500ms"}}}};
  ws_client silent{quick.port(),
                   {.token = quick.token(), .answers_pings = false}};
  ws_client lively{quick.port(), {.token = quick.token()}};
  const auto begin = steady::now();
  std::atomic<int> code{0};
  auto waiting = in_background(
    [&] { code = silent.wait_close(std::chrono::seconds{10}); });
  // Reading is what answers pings, here.
  while (steady::now() < begin + std::chrono::seconds{3})
    lively.try_receive(std::chrono::milliseconds{50});
  waiting.join();
  EXPECT_EQ(code, 4408);
  EXPECT_GE(silent.pings_seen(), 1u);
  lively.send({{"type", "ping"}});
  EXPECT_EQ(lively.receive_type("pong").type(), "pong")
    << "it answered its pings";
}

} // namespace callboard::test
