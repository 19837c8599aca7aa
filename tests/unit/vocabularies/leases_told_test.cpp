#include "tests/unit/vocabularies/story.hpp"

namespace callboard::test {
namespace {

class leases_told_test : public ::testing::Test {
protected:
  void SetUp() override {
    order_.run = {"r1"};
    order_.fields = R"({"workflow_name":"Nightly"})";
    auto made = it.machine.create(order_, room, it.now);
    ASSERT_TRUE(made);
    posts_.push_back(it.post(*made));
    order_.lease.worker = "w1";
    order_.lease.secret = std::string(lease_secret_bytes, 's');
    order_.lease.max_attempts = 2;
  }

  /// How many messages a vocabulary makes of a command's events.
  std::size_t messages(const vocabulary& in, run_command what,
                       std::uint64_t term = 0) {
    order_.what = what;
    order_.lease.term = term;
    it.now += 1000;
    auto records = it.machine.decide(order_, room, it.now);
    EXPECT_TRUE(records);
    std::size_t out = 0;
    for (auto& record : *records)
      out += said(in, it.post(record)).size();
    return out;
  }

  void check(const vocabulary& in, std::size_t at_start, std::size_t at_end) {
    EXPECT_EQ(messages(in, run_command::take), at_start);
    EXPECT_EQ(messages(in, run_command::lose, 1), 0u) << "back in the queue";
    EXPECT_EQ(messages(in, run_command::take), 0u) << "taken again";
    EXPECT_EQ(messages(in, run_command::lose, 3), at_end) << "given up";
  }

  story it;
  command_arguments order_;
  std::vector<posted_event> posts_;
};

} // namespace

TEST_F(leases_told_test, node_events_say_the_first_start_and_the_end) {
  check(node_events(), 1, 1);
}

TEST_F(leases_told_test, hub_events_say_the_first_start_and_the_end) {
  check(hub_events(), 1, 1);
}

TEST_F(leases_told_test, monitor_events_say_the_first_start_and_the_end) {
  check(monitor_events(), 1, 1);
}

} // namespace callboard::test
