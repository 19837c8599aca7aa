#include "actors/model/lease.hpp"

#include "tests/unit/cluster_sim/quiet_cluster.hpp"

#include <optional>

namespace callboard::sim {
namespace {

class lease_test : public quiet_cluster {
protected:
  /// nullopt: there is no run for this worker in time.
  std::optional<lease_claim> take(std::uint64_t request) {
    cluster.api(leader()).take(
      to(request), {room, "build", "w", std::chrono::milliseconds{5000}});
    auto got = answered(request);
    if (!got)
      return std::nullopt;
    auto& text = std::get<document_answer>(*got->outcome).json;
    auto doc = json::document::parse(text, {});
    auto lease = doc ? doc->root().find("lease") : std::nullopt;
    if (!lease)
      return std::nullopt;
    auto claim = parse_lease(lease->find("token")->string());
    return claim ? std::optional{*claim} : std::nullopt;
  }

  void order_run(std::uint64_t request) {
    command_request x;
    x.room = room;
    x.arguments.what = run_command::create;
    x.arguments.run.value = "r1";
    x.arguments.fields = R"({"workflow_definition_id":"build"})";
    cluster.api(leader()).command(to(request), std::move(x));
    ASSERT_TRUE(answered(request));
  }
};

// The hand-over waits for what is under way, which waits for the store; so
// nothing comes of it, and the leader goes on.
TEST_F(lease_test, one_that_runs_out_during_a_vain_hand_over_is_lost_after_it) {
  order_run(1);
  ASSERT_TRUE(take(2));
  const auto first = leader();
  cluster.run_for(history_shape::lease_ms - 200);
  cluster.hold_store(first, true);
  publish(first, 3,
          R"({"type":"sim:thing:happened","id":"e1","data":{"n":1}})");
  cluster.run_for(20);
  cluster.hand_over(first);
  cluster.run_for(3000);
  EXPECT_FALSE(answers.contains(3));
  cluster.hold_store(first, false);
  auto next = take(4);
  EXPECT_EQ(leader(), first);
  ASSERT_TRUE(next) << "the run came back to nobody";
  EXPECT_EQ(next->attempt, 2u);
  EXPECT_EQ(next->term, 3u);
}

// The leader has proposed that the lease is lost; its store does not know it
// yet, and what is not committed may never be.
TEST_F(lease_test, nobody_is_told_that_it_is_lost_before_it_is) {
  order_run(1);
  const auto claim = take(2);
  ASSERT_TRUE(claim);
  const auto first = leader();
  cluster.run_for(history_shape::lease_ms - 200);
  cluster.hold_store(first, true);
  cluster.run_for(500);
  cluster.api(first).lease(to(3),
                           {lease_request::what::heartbeat, room, *claim, {}});
  cluster.run_for(500);
  EXPECT_FALSE(answers.contains(3));
  cluster.hold_store(first, false);
  wait([&] { return answers.contains(3); });
  ASSERT_TRUE(answers.contains(3));
  ASSERT_FALSE(answers.at(3).outcome);
  EXPECT_EQ(answers.at(3).outcome.error().code, errc::conflict);
}

} // namespace
} // namespace callboard::sim
