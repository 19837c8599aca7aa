#include "tests/unit/cluster_sim/lease_witness.hpp"

#include <gtest/gtest.h>

namespace callboard::sim {
namespace {

class lease_witness_test : public ::testing::Test {
protected:
  void say(const std::string& action, std::uint64_t term) {
    add("e" + std::to_string(events.size()),
        R"({"execution_id":"r","event":{"kind":"lease","action":")" + action
          + R"(","term":)" + std::to_string(term) + "}}");
  }

  void say_under(std::uint64_t term) {
    add(lease_witness::id_of("r", term, events.size()),
        R"({"execution_id":"r","event":{"kind":"log"}})");
  }

  std::size_t complaints() {
    leases.history(events);
    return told.size();
  }

  std::vector<std::string> told;
  lease_witness leases{1000, [this](std::string x) { told.push_back(x); }};
  std::vector<posted_event> events;

private:
  void add(const std::string& id, const std::string& data) {
    posted_event x;
    x.seq = event_seq{events.size() + 1};
    x.frame = std::make_shared<const std::string>(
      R"({"id":")" + id + R"(","data":)" + data + '}');
    events.push_back(std::move(x));
  }
};

TEST_F(lease_witness_test, a_run_goes_from_hand_to_hand) {
  say("taken", 1);
  say_under(1);
  say("lost", 2);
  say("taken", 3);
  say_under(3);
  say("released", 4);
  EXPECT_EQ(complaints(), 0u);
}

TEST_F(lease_witness_test, nothing_is_accepted_under_a_lost_lease) {
  say("taken", 1);
  say("lost", 2);
  say_under(1);
  EXPECT_EQ(complaints(), 1u);
}

TEST_F(lease_witness_test, nothing_is_accepted_under_the_lease_before) {
  say("taken", 1);
  say("lost", 2);
  say("taken", 3);
  say_under(1);
  EXPECT_EQ(complaints(), 1u);
}

TEST_F(lease_witness_test, a_run_that_is_held_is_not_taken) {
  say("taken", 1);
  say("taken", 2);
  EXPECT_EQ(complaints(), 1u);
}

TEST_F(lease_witness_test, terms_have_no_gap) {
  say("taken", 1);
  say("lost", 3);
  EXPECT_EQ(complaints(), 1u);
}

TEST_F(lease_witness_test, a_lease_is_given_once) {
  leases.taken("r", 1, 0, 0);
  leases.taken("r", 1, 5000, 5000);
  EXPECT_EQ(told.size(), 1u);
}

TEST_F(lease_witness_test, a_lease_that_was_renewed_is_not_given_away) {
  leases.taken("r", 1, 0, 0);
  leases.renewed("r", 1, 900);
  leases.taken("r", 3, 1000, 1899);
  EXPECT_EQ(told.size(), 1u);
}

TEST_F(lease_witness_test, a_lease_may_go_when_it_ran_out_or_was_given_up) {
  leases.taken("r", 1, 0, 0);
  leases.renewed("r", 1, 900);
  leases.taken("r", 3, 1000, 1900);
  leases.given_up("r", 3);
  leases.taken("r", 5, 1900, 1901);
  leases.lost("r", 3, 1901);
  EXPECT_EQ(told.size(), 0u);
}

TEST_F(lease_witness_test, a_lease_is_not_lost_before_it_runs_out) {
  leases.taken("r", 1, 0, 10);
  leases.lost("r", 1, 999);
  EXPECT_EQ(told.size(), 1u);
}

TEST_F(lease_witness_test, what_is_over_is_not_good) {
  leases.taken("r", 1, 0, 0);
  leases.good("r", 1, leases.newest("r"));
  leases.taken("r", 3, 1000, 1000);
  EXPECT_EQ(told.size(), 0u);
  leases.good("r", 1, leases.newest("r"));
  EXPECT_EQ(told.size(), 1u);
}

} // namespace
} // namespace callboard::sim
