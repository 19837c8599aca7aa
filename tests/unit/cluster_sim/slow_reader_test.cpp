#include "tests/unit/cluster_sim/quiet_cluster.hpp"

namespace callboard::sim {
namespace {

/// A new leader whose reader stands still: it does not know the leases.
class slow_reader_test : public quiet_cluster {
protected:
  void SetUp() override {
    publish(0, 1,
            R"({"type":"workflow:execution:updated","id":"e1","data":)"
            R"({"execution_id":"r1","changes":{"status":"running"}}})");
    ASSERT_TRUE(answered(1));
    hold_all(true);
    lead_elsewhere();
  }

  void hold_all(bool held) {
    for (std::size_t i = 0; i < cluster.size(); ++i)
      cluster.hold_reader(i, held);
  }

  void lead_elsewhere() {
    auto before = leader();
    cluster.hand_over(before);
    wait([&] { return leader() != before; });
    ASSERT_NE(leader(), before);
  }

  void ask_for_run(std::size_t node, std::uint64_t request) {
    cluster.api(node).ask(to(request), query::run_detail{room, {"r1"}});
  }
};

TEST_F(slow_reader_test, who_waits_for_leases_goes_to_the_next_leader) {
  auto slow = leader();
  ask_for_run(slow, 2);
  cluster.run_for(500);
  EXPECT_FALSE(answers.contains(2));
  hold_all(false);
  cluster.hold_reader(slow, true);
  lead_elsewhere();
  auto got = answered(2);
  ASSERT_TRUE(got);
  EXPECT_NE(std::get<document_answer>(*got->outcome).json.find("\"r1\""),
            std::string::npos);
}

TEST_F(slow_reader_test, those_who_wait_for_leases_are_bounded) {
  constexpr std::uint64_t first = 100, most = 256, too_many = 3;
  for (std::uint64_t i = 0; i < most; ++i)
    ask_for_run(leader(), first + i);
  cluster.run_for(500); // a majority has answered all of them
  for (std::uint64_t i = 0; i < too_many; ++i)
    ask_for_run(leader(), first + most + i);
  cluster.run_for(500);
  std::size_t refused = 0;
  for (auto& [request, x] : answers)
    if (request >= first) {
      ASSERT_FALSE(x.outcome);
      EXPECT_EQ(x.outcome.error().code, errc::unavailable);
      EXPECT_NE(x.outcome.error().detail.find("limits.waiting_calls"),
                std::string::npos);
      ++refused;
    }
  EXPECT_EQ(refused, too_many);
  hold_all(false);
  for (std::uint64_t i = 0; i < most; ++i)
    EXPECT_TRUE(answered(first + i));
}

} // namespace
} // namespace callboard::sim
