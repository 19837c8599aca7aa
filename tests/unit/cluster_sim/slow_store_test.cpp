#include "tests/unit/cluster_sim/quiet_cluster.hpp"

namespace callboard::sim {
namespace {

/// The state stores of all nodes stand still when an event is published: it is
/// committed, and no store knows it.
class slow_store_test : public quiet_cluster {
protected:
  void SetUp() override {
    cluster.on_room = [this](std::size_t, hub_id, room_signal x) {
      if (std::get_if<room_joined>(&x))
        joined = true;
      if (auto batch = std::get_if<std::shared_ptr<const room_batch>>(&x))
        for (auto& event : (*batch)->events)
          viewed.push_back(event);
    };
    cluster.api(0).join_room(hub_id{0}, room, 1);
    wait([this] { return joined; });
    ASSERT_TRUE(joined);
    hold_all(true);
    publish(1, 1, R"({"type":"sim:thing:happened","id":"e1","data":{"n":1}})");
    cluster.run_for(500);
    cluster.api(2).history(to(2), {room, {}, {}, {}, 4096});
    cluster.run_for(500);
  }

  void hold_all(bool held) {
    for (std::size_t i = 0; i < cluster.size(); ++i)
      cluster.hold_store(i, held);
  }

  std::vector<posted_event> history(std::uint64_t request) {
    auto got = answered(request);
    EXPECT_TRUE(got) << "no history";
    return got ? std::get<history_answer>(*got->outcome).chunk.events
               : std::vector<posted_event>{};
  }

  std::vector<posted_event> viewed;
  bool joined = false;
};

TEST_F(slow_store_test, viewers_hear_of_what_is_committed) {
  ASSERT_EQ(viewed.size(), 1u);
  EXPECT_EQ(viewed[0].seq, event_seq{1});
}

TEST_F(slow_store_test, nobody_is_answered_before_the_store_knows) {
  EXPECT_FALSE(answers.contains(1)) << "the producer";
  EXPECT_FALSE(answers.contains(2)) << "who read at another node";
  hold_all(false);
  auto events = history(2);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(*events[0].frame, *viewed.at(0).frame);
  auto acknowledged = answered(1);
  ASSERT_TRUE(acknowledged);
  auto& results = std::get<publish_answer>(*acknowledged->outcome).results;
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0].seq, event_seq{1});
  EXPECT_EQ(viewed.size(), 1u) << "told once";
}

TEST_F(slow_store_test, what_viewers_saw_outlives_every_process) {
  ASSERT_EQ(viewed.size(), 1u);
  for (std::size_t i = 0; i < cluster.size(); ++i)
    cluster.crash(i);
  for (std::size_t i = 0; i < cluster.size(); ++i)
    cluster.restart(i);
  cluster.api(0).history(to(3), {room, {}, {}, {}, 4096});
  auto events = history(3);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].seq, event_seq{1});
  EXPECT_EQ(*events[0].frame, *viewed[0].frame);
}

} // namespace
} // namespace callboard::sim
