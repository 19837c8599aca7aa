#include "transport/socketio/engine_session.hpp"

#include <gtest/gtest.h>

#include <vector>

using namespace callboard::engine_io;
using namespace std::chrono_literals;

namespace {

using step = session_machine::probe_step;
using verdict = session_machine::verdict;

struct engine_session : testing::Test, session_output {
  void put(std::string packet) override {
    log.push_back("put " + packet);
  }
  void release_poll(std::string packet) override {
    log.push_back("poll " + packet);
    it->poll_answered();
  }
  void drop_probe() override {
    log.push_back("drop probe");
  }
  void on_message(std::string data, bool binary) override {
    log.push_back((binary ? "binary " : "message ") + data);
  }
  void on_end(end_reason why) override {
    log.push_back("end " + std::to_string(static_cast<int>(why)));
    ended = why;
  }

  void open(transport_kind first) {
    it.emplace(session_settings{300ms, 200ms, 1000ms, 1000}, "sid-1", first,
               now, *this);
  }
  void pass(std::chrono::milliseconds x) {
    now += x;
    it->tick(now);
  }
  void receive(std::string_view text) {
    it->receive(*decode_packet(text), now);
  }
  std::vector<std::string> take() {
    return std::exchange(log, {});
  }
  using lines = std::vector<std::string>;

  session_machine::time_point now{};
  std::optional<session_machine> it;
  lines log;
  std::optional<end_reason> ended;
};

} // namespace

TEST_F(engine_session, the_handshake_says_what_the_client_must_know) {
  open(transport_kind::polling);
  EXPECT_EQ(it->handshake(),
            R"(0{"sid":"sid-1","upgrades":["websocket"],"pingInterval":300,)"
            R"("pingTimeout":200,"maxPayload":1000})");
  open(transport_kind::websocket);
  EXPECT_EQ(it->handshake(), R"(0{"sid":"sid-1","upgrades":[],)"
                             R"("pingInterval":300,"pingTimeout":200,)"
                             R"("maxPayload":1000})");
}

TEST_F(engine_session, refusals_have_the_codes_of_the_reference) {
  EXPECT_EQ(refusal_body(refusal::unknown_transport),
            R"({"code":0,"message":"Transport unknown"})");
  EXPECT_EQ(refusal_body(refusal::unknown_sid),
            R"({"code":1,"message":"Session ID unknown"})");
  EXPECT_EQ(refusal_body(refusal::bad_handshake_method),
            R"({"code":2,"message":"Bad handshake method"})");
  EXPECT_EQ(refusal_body(refusal::bad_request),
            R"({"code":3,"message":"Bad request"})");
  EXPECT_EQ(refusal_body(refusal::unsupported_protocol),
            R"({"code":5,"message":"Unsupported protocol version"})");
}

TEST_F(engine_session, a_client_that_answers_pings_lives_on) {
  open(transport_kind::websocket);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(it->next_deadline(), now + 300ms);
    pass(300ms);
    EXPECT_EQ(take(), lines{"put 2"});
    EXPECT_EQ(it->next_deadline(), now + 200ms);
    pass(150ms);
    receive("3");
  }
  EXPECT_TRUE(it->is_open());
}

TEST_F(engine_session, a_client_that_does_not_is_given_up) {
  open(transport_kind::websocket);
  pass(300ms);
  pass(199ms);
  EXPECT_TRUE(it->is_open());
  pass(1ms);
  EXPECT_EQ(ended, end_reason::ping_timeout);
  EXPECT_EQ(take(), (lines{"put 2", "put 1", "end 3"}));
  pass(1000ms);
  EXPECT_EQ(take(), lines{});
}

TEST_F(engine_session, messages_show_that_the_client_lives) {
  open(transport_kind::websocket);
  pass(300ms);
  pass(150ms);
  receive("4hi");
  pass(150ms);
  EXPECT_TRUE(it->is_open());
}

TEST_F(engine_session, a_ping_of_the_client_is_a_parse_error) {
  open(transport_kind::websocket);
  receive("2");
  EXPECT_EQ(ended, end_reason::parse_error);
}

TEST_F(engine_session, garbage_ends_the_session) {
  open(transport_kind::polling);
  EXPECT_EQ(it->post(), verdict::accepted);
  it->receive_garbage();
  EXPECT_EQ(ended, end_reason::parse_error);
  EXPECT_EQ(it->poll(now), verdict::refused);
  receive("4late");
  EXPECT_EQ(take(), lines{"end 4"});
}

TEST_F(engine_session, a_second_poll_at_a_time_ends_the_session) {
  open(transport_kind::polling);
  EXPECT_EQ(it->poll(now), verdict::accepted);
  EXPECT_EQ(it->poll(now), verdict::refused);
  EXPECT_EQ(take(), (lines{"poll 1", "end 5"}));
  EXPECT_EQ(it->poll(now), verdict::refused);
}

TEST_F(engine_session, a_second_post_at_a_time_ends_the_session) {
  open(transport_kind::polling);
  EXPECT_EQ(it->post(), verdict::accepted);
  EXPECT_EQ(it->post(), verdict::refused);
  EXPECT_EQ(ended, end_reason::overlap);
}

TEST_F(engine_session, posts_one_after_the_other_are_taken) {
  open(transport_kind::polling);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(it->post(), verdict::accepted);
    receive("4x");
    it->post_done();
  }
  EXPECT_EQ(take(), (lines{"message x", "message x", "message x"}));
}

TEST_F(engine_session, a_poll_that_is_given_up_ends_the_session) {
  open(transport_kind::polling);
  it->poll_lost(); // none is pending
  EXPECT_TRUE(it->is_open());
  it->poll(now);
  it->poll_lost();
  EXPECT_EQ(ended, end_reason::transport_closed);
}

TEST_F(engine_session, a_close_of_the_client_releases_its_poll) {
  open(transport_kind::polling);
  it->poll(now);
  receive("1");
  EXPECT_EQ(take(), (lines{"poll 6", "end 0"}));
}

TEST_F(engine_session, a_close_of_the_server_is_told_to_the_client) {
  open(transport_kind::polling);
  it->poll(now);
  it->close();
  EXPECT_EQ(take(), (lines{"poll 1", "end 1"}));
  open(transport_kind::websocket);
  it->close();
  it->close();
  EXPECT_EQ(take(), (lines{"put 1", "end 1"}));
}

TEST_F(engine_session, an_upgrade_goes_by_probe_noop_and_upgrade) {
  open(transport_kind::polling);
  it->poll(now);
  EXPECT_EQ(it->begin_probe(now), verdict::accepted);
  EXPECT_EQ(take(), lines{}) << "nothing before the probe's first packet";
  EXPECT_EQ(it->probe(decode_packet("2probe"), now), step::answer_probe);
  EXPECT_EQ(take(), lines{"poll 6"});
  EXPECT_EQ(it->probe(decode_packet("5"), now), step::upgraded);
  EXPECT_EQ(it->transport(), transport_kind::websocket);
  EXPECT_EQ(it->poll(now), verdict::refused);
  EXPECT_EQ(it->post(), verdict::refused);
  EXPECT_EQ(it->begin_probe(now), verdict::refused);
  receive("4hi");
  EXPECT_EQ(take(), lines{"message hi"});
  EXPECT_TRUE(it->is_open());
}

TEST_F(engine_session, polls_during_a_probe_end_soon_but_not_at_once) {
  open(transport_kind::polling);
  it->begin_probe(now);
  it->probe(decode_packet("2probe"), now);
  it->poll(now);
  it->tick(now);
  EXPECT_EQ(take(), lines{"poll 6"});
  it->poll(now);
  EXPECT_EQ(it->next_deadline(), now + 100ms);
  pass(99ms);
  EXPECT_EQ(take(), lines{});
  pass(1ms);
  EXPECT_EQ(take(), lines{"poll 6"});
}

TEST_F(engine_session, a_probe_with_anything_else_fails_and_polling_goes_on) {
  for (auto* text : {"4hi", "2", "3probe", "1", "x"}) {
    open(transport_kind::polling);
    it->begin_probe(now);
    EXPECT_EQ(it->probe(decode_packet(text), now), step::failed) << text;
    it->probe_lost();
    EXPECT_EQ(it->poll(now), verdict::accepted);
    EXPECT_EQ(it->begin_probe(now), verdict::accepted) << "it may try again";
  }
}

TEST_F(engine_session, only_one_websocket_may_probe) {
  open(transport_kind::polling);
  it->begin_probe(now);
  EXPECT_EQ(it->begin_probe(now), verdict::refused);
}

TEST_F(engine_session, a_probe_that_takes_too_long_is_dropped) {
  open(transport_kind::polling);
  it->begin_probe(now);
  for (int i = 0; i < 3; ++i) { // answering its pings meanwhile
    pass(300ms);
    receive("3");
  }
  take();
  pass(100ms);
  EXPECT_EQ(take(), lines{"drop probe"});
  EXPECT_TRUE(it->is_open());
}

TEST_F(engine_session, the_end_of_the_session_drops_its_probe) {
  open(transport_kind::polling);
  it->begin_probe(now);
  it->close();
  EXPECT_EQ(take(), (lines{"drop probe", "end 1"}));
}
