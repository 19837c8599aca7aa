// Events older than what is kept: viewers are told where history begins, and
// the state stays whole.

#include "tests/integration/live_node.hpp"

namespace callboard::test {

namespace {

constexpr std::uint64_t kept = 200;
constexpr std::uint64_t published = 2000;

class retention : public live_node {
public:
  static void SetUpTestSuite() {
    start_node(
      {.env = {{"CALLBOARD_STORAGE_RETAIN_EVENTS", std::to_string(kept)}}});
  }

protected:
  void publish_and_wait_for_trim() {
    for (std::uint64_t n = 0; n < published; n += 100) {
      json::array events;
      for (int i = 0; i < 100; ++i)
        events.push_back(timeline_event(
          "r", {{"kind", "counter"}, {"name", "c"}, {"count", 1}}));
      publish(events);
    }
    EXPECT_TRUE(
      eventually([this] { return first_kept() > 1; }, std::chrono::seconds{60}))
      << "nothing was ever trimmed";
  }

  std::uint64_t first_kept() {
    const auto response = http.get(path("/events?limit=1"));
    const auto& items = response.object().at("items").as_array();
    return items.empty() ? 0 : number(items.at(0).as_object(), "seq");
  }
};

} // namespace

TEST_F(retention, a_viewer_from_before_what_is_kept_is_told_to_read_the_state) {
  publish_and_wait_for_trim();
  auto ws = viewer();
  ws.send({{"type", "subscribe"}, {"room", room()}, {"since", 0}});
  const auto resync = ws.receive_type("resync");
  EXPECT_EQ(text(resync.data, "room"), room());
  EXPECT_GT(number(resync.data, "oldest_seq"), 1u);
  EXPECT_LE(number(resync.data, "oldest_seq"), published - kept + 1);

  const auto run = detail("r");
  EXPECT_EQ(run.at("counters").as_object().at("c"), published)
    << "the state outlives the events";
  auto again = viewer();
  again.subscribe(room(), {{"since", number(run, "room_seq")}});
  publish(custom_event("test:next", {}));
  EXPECT_EQ(again.receive_type("test:next").seq(), published + 1);
}

TEST_F(retention, what_is_kept_is_contiguous_and_ids_are_still_known) {
  const auto first
    = with_id(run_event("r", {{"status", "running"}}), "the-first");
  publish(first);
  publish_and_wait_for_trim();
  const auto begin = first_kept();
  EXPECT_EQ(read_history(http, project, begin - 1).size(),
            published + 1 - (begin - 1));
  EXPECT_EQ(publish(first), (std::vector<std::uint64_t>{1}))
    << "known for the life of the run";
}

TEST_F(retention, a_slow_viewer_whose_place_is_gone_is_told_and_goes_on) {
  auto slow = viewer({}, {.receive_buffer = 4 * 1024});
  slow.subscribe(room());
  const std::string filler(8000, 'f');
  std::uint64_t head = 0;
  for (int i = 0; i < 40; ++i) {
    json::array events;
    for (int k = 0; k < 50; ++k)
      events.push_back(custom_event("test:big", {{"filler", filler}}));
    head = publish(events).back();
  }
  ASSERT_TRUE(eventually([&] { return first_kept() > head - 2 * kept; },
                         std::chrono::seconds{60}));
  // What was on its way, in order; then either all the rest, or word of the
  // gap.
  std::uint64_t next = 1;
  bool told = false;
  while (next <= head) {
    const auto message = slow.receive();
    if (message.type() == "resync") {
      told = true;
      ASSERT_GT(number(message.data, "oldest_seq"), next);
      break;
    }
    if (message.seq() == 0)
      continue;
    ASSERT_EQ(message.seq(), next) << "a gap without a word";
    ++next;
  }
  EXPECT_TRUE(told) << "the test's viewer was too fast";
  // The client reads the state now; what comes next reaches it live.
  const auto seq = publish(custom_event("test:after", {})).at(0);
  const auto message = slow.receive_if(
    [&](const ws_message& x) { return x.type() == "test:after"; });
  EXPECT_EQ(message.seq(), seq);
}

} // namespace callboard::test
