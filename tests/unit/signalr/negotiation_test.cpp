#include "actors/model/json.hpp"
#include "transport/signalr/hub_directory.hpp"
#include "transport/signalr/negotiation.hpp"
#include "transport/signalr/stream_event.hpp"

#include <gtest/gtest.h>

#include <set>

namespace callboard::signalr {

namespace {

negotiate_request ask(const std::string& query) {
  return read_negotiate(*request_target::parse("/x/negotiate" + query));
}

} // namespace

TEST(negotiation, the_version_is_what_both_speak) {
  EXPECT_EQ(ask("").version, 0);
  EXPECT_EQ(ask("?negotiateVersion=0").version, 0);
  EXPECT_EQ(ask("?negotiateVersion=1").version, 1);
  EXPECT_EQ(ask("?NegotiateVersion=9").version, 1);
  for (auto bad : {"?negotiateVersion=one", "?negotiateVersion=1x",
                   "?negotiateVersion=", "?negotiateVersion=-1"})
    EXPECT_FALSE(ask(bad).error.empty()) << bad;
}

TEST(negotiation, stateful_reconnect_must_be_asked_for) {
  EXPECT_FALSE(ask("?negotiateVersion=1").stateful);
  EXPECT_FALSE(ask("?useStatefulReconnect=false").stateful);
  EXPECT_TRUE(ask("?useStatefulReconnect=true").stateful);
}

TEST(negotiation, the_answer_lists_all_transports_as_text) {
  auto text = negotiate_response({1, true, {}}, "id", "token");
  json::document doc;
  ASSERT_TRUE(doc.reset(text));
  auto root = doc.root();
  EXPECT_EQ(root.find("connectionId")->string(), "id");
  EXPECT_EQ(root.find("connectionToken")->string(), "token");
  EXPECT_EQ(root.find("negotiateVersion")->integer(), 1);
  EXPECT_EQ(root.find("useStatefulReconnect")->boolean(), true);
  std::string names;
  for (auto x : root.find("availableTransports")->items()) {
    names += x.find("transport")->string() + " ";
    EXPECT_EQ(x.find("transferFormats")->raw(), R"(["Text"])");
  }
  EXPECT_EQ(names, "WebSockets ServerSentEvents LongPolling ");
}

TEST(negotiation, version_0_has_no_token) {
  auto text = negotiate_response({0, false, {}}, "id", "id");
  json::document doc;
  ASSERT_TRUE(doc.reset(text));
  EXPECT_FALSE(doc.root().find("connectionToken"));
  EXPECT_FALSE(doc.root().find("useStatefulReconnect"));
}

TEST(negotiation, secrets_have_128_bits_and_do_not_repeat) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i)
    EXPECT_TRUE(seen.insert(new_secret()).second);
  EXPECT_EQ(seen.begin()->size(), 32u);
}

TEST(stream_events, each_line_is_a_field) {
  auto event = [](std::string_view text) {
    std::string out;
    append_stream_event(out, text);
    return out;
  };
  EXPECT_EQ(event("{}\x1e"), "data: {}\x1e\n\n");
  EXPECT_EQ(event("{\r\n}\x1e"), "data: {\ndata: \ndata: }\x1e\n\n");
  EXPECT_EQ(event(""), "data: \n\n");
}

} // namespace callboard::signalr
