#include "transport/socketio/socket_connection.hpp"

#include <gtest/gtest.h>

#include <algorithm>

using namespace callboard::socket_io;
using namespace std::chrono_literals;

namespace {

using lines = std::vector<std::string>;

/// An application that accepts everybody but "/no", and answers `echo`.
struct socket_connection : testing::Test, handlers, message_output {
  bool serves(std::string_view nsp) const override {
    return nsp == "/" || nsp == "/a" || nsp == "/no" || nsp == "/slow";
  }
  void connecting(connection& from, const std::string& nsp,
                  std::string auth) override {
    log.push_back("connecting " + nsp + " " + auth);
    if (nsp == "/no")
      from.refuse(nsp, "not you", R"({"why":1})");
    else if (nsp != "/slow")
      from.accept(nsp, R"({"sid":"s"})");
  }
  void on_event(connection& from, const std::string& nsp, event x) override {
    log.push_back("event " + nsp + " " + x.data);
    if (x.ack)
      from.acknowledge(nsp, *x.ack, "[1]", x.attachments);
  }
  void disconnected(connection&, const std::string& nsp) override {
    log.push_back("left " + nsp);
  }
  void send_message(std::string text, bool binary) override {
    log.push_back((binary ? "binary " : "< ") + text);
  }
  void end_connection() override {
    log.push_back("end");
    it.closed();
  }

  void begin_anew() {
    it = connection{{1000ms, 2, {}}, *this, *this, now};
  }

  lines say(std::string text, bool binary = false) {
    log.clear();
    it.receive(std::move(text), binary);
    return log;
  }

  connection::time_point now{};
  connection it{{1000ms, 2, {}}, *this, *this, now};
  lines log;
};

} // namespace

TEST_F(socket_connection, a_client_joins_namespaces) {
  EXPECT_EQ(say("0"), (lines{"connecting / {}", R"(< 0{"sid":"s"})"}));
  EXPECT_EQ(say(R"(0/a,{"token":"t"})"),
            (lines{R"(connecting /a {"token":"t"})", R"(< 0/a,{"sid":"s"})"}));
  EXPECT_TRUE(it.is_in("/a"));
  EXPECT_EQ(say(R"(2/a,["e",1])"), lines{R"(event /a ["e",1])"});
}

TEST_F(socket_connection, what_is_not_served_is_refused) {
  EXPECT_EQ(say("0/b"), lines{R"(< 4/b,{"message":"Invalid namespace"})"});
  EXPECT_EQ(say("0/no,").back(),
            R"(< 4/no,{"message":"not you","data":{"why":1}})");
  EXPECT_EQ(say("0/no,").size(), 2u) << "it may try again";
}

TEST_F(socket_connection, events_are_acknowledged) {
  say("0");
  EXPECT_EQ(say(R"(212["e"])").back(), "< 312[1]");
  say(R"(51-12["e",{"_placeholder":true,"num":0}])");
  EXPECT_EQ(say("bytes", true),
            (lines{R"(event / ["e",{"_placeholder":true,"num":0}])",
                   "< 61-12[1]", "binary bytes"}));
}

TEST_F(socket_connection, acknowledgements_of_the_client_find_their_question) {
  say("0");
  log.clear();
  it.emit("/", R"(["q"])", {}, [this](event x) { log.push_back(x.data); });
  EXPECT_EQ(log, lines{R"(< 20["q"])"});
  EXPECT_EQ(say("35[1]"), lines{}) << "nobody asked";
  EXPECT_EQ(say("30[2]"), lines{"[2]"});
  EXPECT_EQ(say("30[3]"), lines{}) << "once";
}

TEST_F(socket_connection, emitting_with_attachments_names_their_number) {
  say("0/a");
  log.clear();
  it.emit("/a", R"(["b",{"_placeholder":true,"num":0}])", {"xyz"});
  EXPECT_EQ(log, (lines{R"(< 51-/a,["b",{"_placeholder":true,"num":0}])",
                        "binary xyz"}));
  log.clear();
  it.emit("/", "[\"b\"]");
  EXPECT_EQ(log, lines{}) << "it is not in there";
}

TEST_F(socket_connection, leaving_one_namespace_leaves_the_others) {
  say("0");
  say("0/a");
  EXPECT_EQ(say("1/a"), lines{"left /a"});
  EXPECT_EQ(say("2[\"e\"]"), lines{"event / [\"e\"]"});
  log.clear();
  it.disconnect("/");
  EXPECT_EQ(log, (lines{"< 1", "left /"}));
}

TEST_F(socket_connection, broken_rules_end_the_connection) {
  for (auto* text : {"abc", "2{}", "2abc[\"e\"]", "0", "2/a,[\"e\"]", "1/a",
                     "4{\"message\":\"x\"}", "0[]"}) {
    begin_anew();
    say("0");
    EXPECT_EQ(say(text), (lines{"end", "left /"})) << text;
  }
  begin_anew();
  EXPECT_EQ(say("bytes", true), lines{"end"});
  begin_anew();
  EXPECT_EQ(say("2[\"e\"]"), lines{"end"}) << "before CONNECT";
}

TEST_F(socket_connection, only_so_many_namespaces) {
  say("0");
  say("0/a");
  EXPECT_EQ(say("0/slow"), (lines{"end", "left /", "left /a"}));
}

TEST_F(socket_connection, who_does_not_connect_is_put_out) {
  it.tick(now + 999ms);
  EXPECT_EQ(log, lines{});
  it.tick(now + 1000ms);
  EXPECT_EQ(log, lines{"end"});
}

TEST_F(socket_connection, who_connects_in_time_stays) {
  say("0/slow");
  it.tick(now + 1000ms);
  EXPECT_FALSE(it.is_in("/slow"));
  it.accept("/slow", "{}");
  it.tick(now + 5000ms);
  EXPECT_TRUE(it.is_in("/slow"));
}

TEST_F(socket_connection, an_answer_after_the_end_does_nothing) {
  say("0/slow");
  it.closed();
  log.clear();
  it.accept("/slow", "{}");
  it.refuse("/slow", "no");
  EXPECT_EQ(log, lines{});
}
