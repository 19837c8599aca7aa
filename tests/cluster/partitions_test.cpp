// Nodes in network namespaces that the test made, with the test as the switch
// between them: cuts, cuts in one direction, loss, delay.
//
// CALLBOARD_CUT_SECONDS makes the first cut longer: 60 and 180 are CTest
// entries of their own.

#include "tests/cluster/cluster_test.hpp"

namespace callboard::test {

namespace {

class partitions : public cluster_test {
protected:
  void SetUp() override {
    if (const auto why = test_network::unavailable(); !why.empty())
      GTEST_SKIP() << "no network of its own: " << why;
    net_ = std::make_unique<test_network>(3);
    make_cluster({.network = net_.get()});
  }

  void TearDown() override {
    cluster_test::TearDown();
    drop_cluster(); // before its network
  }

  test_network& net() {
    return *net_;
  }

  int readiness(int node) {
    try {
      return nodes().get(node, "/readyz", 3s).status;
    } catch (const std::exception&) {
      return 0;
    }
  }

  /// Heals the network and returns how long it took until this node was ready
  /// and took a write; the others serve as they did.
  std::chrono::milliseconds heal(int node, const std::string& id) {
    net().heal();
    const auto healed = steady::now();
    const auto since = [&] {
      return std::chrono::ceil<std::chrono::milliseconds>(steady::now()
                                                          - healed);
    };
    EXPECT_TRUE(eventually([&] { return readiness(node) == 200; }, 30s));
    const auto ready = since();
    int tries = 0;
    EXPECT_TRUE(eventually(
      [&] {
        ++tries;
        return publish(node, "healed", plain_event(id)).has_value();
      },
      30s))
      << last_answer();
    if (since() > 2s)
      std::cout << "n" << node << " was ready " << ready.count()
                << " ms after the cut was gone, took a write after "
                << since().count() << " ms and " << tries << " tries\n";
    return since();
  }

private:
  std::unique_ptr<test_network> net_;
};

} // namespace

TEST_F(partitions, a_minority_serves_nothing_and_says_why_and_heals_by_itself) {
  const auto length = std::chrono::seconds{setting("CALLBOARD_CUT_SECONDS", 5)};
  // A long one runs beside other tests and leaves the machine to them.
  load work{nodes(),
            length > 5s
              ? load::options{.producers = 2, .readers = 1, .pace = 100ms}
              : load::options{}};
  EXPECT_TRUE(work.flows(30));
  const int leader = nodes().find_leader("p0");
  const int other = (leader + 1) % nodes().size();
  EXPECT_EQ(readiness(leader), 200);
  net().isolate(leader);
  const auto cut = steady::now();
  EXPECT_TRUE(eventually([&] {
    return publish(other, "p-majority", plain_event("m1")).has_value();
  }))
    << last_answer();
  EXPECT_TRUE(eventually([&] { return readiness(leader) == 503; }));
  EXPECT_EQ(readiness(other), 200);
  const auto refused
    = nodes().ask(leader, "POST", "/v1/projects/p-majority/events",
                  json::serialize(plain_event("minority")), 30s);
  EXPECT_EQ(refused.status, 503) << refused.body;
  EXPECT_EQ(refused.code(), "unavailable") << refused.body;
  const auto stale = nodes().get(leader, "/v1/projects/p0/runs/anchor", 30s);
  EXPECT_EQ(stale.status, 503) << "read as current: " << stale.body;
  while (steady::now() < cut + length)
    EXPECT_TRUE(work.flows(1));
  const auto time = heal(leader, "h1");
  show("healing after a cut", {time});
  EXPECT_LT(time, 5s);
  EXPECT_TRUE(nodes().settled());
  EXPECT_EQ(work.finish(), "");
}

TEST_F(partitions, a_cut_in_one_direction_only_does_no_more_harm) {
  load work{nodes()};
  std::vector<std::chrono::milliseconds> times;
  for (const bool outwards : {true, false}) {
    EXPECT_TRUE(work.flows(30));
    const int leader = nodes().find_leader("p0");
    for (int other = 0; other < nodes().size(); ++other) {
      if (outwards)
        net().cut(leader, other);
      else
        net().cut(other, leader);
    }
    const auto until = steady::now() + 5s;
    EXPECT_TRUE(work.flows(30));
    while (steady::now() < until)
      EXPECT_TRUE(work.flows(1));
    times.push_back(heal(leader, outwards ? "out" : "in"));
  }
  show("healing after a one-way cut", times);
  EXPECT_LT(percentile(times, 1), 5s);
  EXPECT_EQ(work.finish(), "");
}

TEST_F(partitions, two_nodes_that_do_not_hear_each_other_have_a_third) {
  load work{nodes()};
  EXPECT_TRUE(work.flows(30));
  net().cut(0, 1);
  net().cut(1, 0);
  const auto until = steady::now() + 5s;
  EXPECT_TRUE(work.flows(30));
  while (steady::now() < until)
    EXPECT_TRUE(work.flows(1));
  EXPECT_LT(heal(0, "h0"), 5s);
  EXPECT_LT(heal(1, "h1"), 5s);
  EXPECT_EQ(work.finish(), "");
}

TEST_F(partitions, nobody_hears_anybody_and_then_everybody_again) {
  load work{nodes()};
  EXPECT_TRUE(work.flows(30));
  for (int i = 0; i < nodes().size(); ++i)
    net().isolate(i);
  for (int i = 0; i < nodes().size(); ++i)
    EXPECT_TRUE(eventually([&] { return readiness(i) == 503; }));
  const auto time = heal(0, "h");
  show("healing after everything was cut", {time});
  EXPECT_LT(time, 5s);
  EXPECT_TRUE(work.flows(30));
  EXPECT_EQ(work.finish(), "");
}

TEST_F(partitions, lost_and_late_frames_cost_time_and_nothing_else) {
  load work{nodes()};
  net().lose(0.05);
  auto until = steady::now() + 6s;
  while (steady::now() < until)
    EXPECT_TRUE(work.flows(1));
  net().heal();
  net().delay(40ms);
  until = steady::now() + 4s;
  while (steady::now() < until)
    EXPECT_TRUE(work.flows(1));
  net().heal();
  EXPECT_GT(net().dropped(), 0u);
  EXPECT_EQ(work.finish(), "");
}

} // namespace callboard::test
