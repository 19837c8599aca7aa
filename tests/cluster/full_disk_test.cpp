// The disks of some of three nodes are full. Each node's data is on a small
// file system of its own; somebody else fills it, and makes room again.

#include "tests/cluster/cluster_test.hpp"
#include "tests/cluster/prober.hpp"
#include "tests/support/small_disk.hpp"

#include <array>

namespace callboard::test {

namespace {

/// Whether the node notices in time that little is left, or runs into the wall.
enum class reserve { kept, none };

class full_disk : public cluster_test,
                  public ::testing::WithParamInterface<reserve> {
protected:
  void SetUp() override {
    for (auto& disk : disks_) {
      if (!disk.mount("size=160m"))
        GTEST_SKIP() << "mounting a small tmpfs is not permitted here";
    }
    make_cluster({.start = false});
    for (int i = 0; i < nodes().size(); ++i) {
      auto& settings = nodes().node(i).settings();
      settings.data_dir = disk(i).path() / "data";
      settings.env["CALLBOARD_LISTEN_REQUEST_TIMEOUT"] = "3s";
      if (GetParam() == reserve::none)
        settings.env["CALLBOARD_STORAGE_MIN_FREE_BYTES"] = "0";
    }
    nodes().launch_all();
    nodes().await_all();
    ASSERT_TRUE(nodes().settled());
  }

  void TearDown() override {
    cluster_test::TearDown();
    drop_cluster(); // before its disks
  }

  small_disk& disk(int i) {
    return disks_.at(static_cast<std::size_t>(i));
  }

  int readiness(int i) {
    try {
      return nodes().get(i, "/readyz", 3s).status;
    } catch (const std::exception&) {
      return 0;
    }
  }

  bool metric_says(int i, const std::string& line) {
    return nodes().get(i, "/metrics").body.find(line + '\n')
           != std::string::npos;
  }

  /// What any node tells of that one: its row under `nodes`.
  json::object row_of(int i, int asked) {
    const auto status = nodes().status(asked);
    for (const auto& x : status.at("nodes").as_array()) {
      if (x.as_object().at("name").as_string() == cluster_process::name(i))
        return x.as_object();
    }
    return {};
  }

  bool is_told_full(int i, int asked) {
    const auto row = row_of(i, asked);
    const auto* full = row.if_contains("disk_full");
    return full != nullptr && full->is_bool() && full->get_bool();
  }

  /// Every way in which a node says that its disk is full.
  void expect_said(int i) {
    const int other = (i + 1) % nodes().size();
    EXPECT_TRUE(eventually([&] {
      const auto x = nodes().get(i, "/readyz");
      return x.status == 503 && x.body.find("disk") != std::string::npos;
    }))
      << nodes().get(i, "/readyz").body;
    EXPECT_TRUE(metric_says(i, "callboard_disk_full 1"));
    EXPECT_TRUE(eventually([&] { return is_told_full(i, other); }))
      << json::serialize(row_of(i, other));
    EXPECT_NE(json::serialize(nodes().status(other).at("alarms"))
                .find("the disk of node " + cluster_process::name(i)),
              std::string::npos);
    const auto log = nodes().log(i);
    EXPECT_TRUE(log.find(" bytes are free under ") != std::string::npos
                || log.find(" is full: no writes until ") != std::string::npos)
      << log;
  }

  /// The node serves as before, and all of its replicas have caught up.
  void expect_healed(int i) {
    EXPECT_TRUE(eventually([&] { return readiness(i) == 200; }, 30s))
      << nodes().log_ends();
    EXPECT_TRUE(metric_says(i, "callboard_disk_full 0"));
    EXPECT_TRUE(eventually([&] { return has_caught_up(i); }, 30s))
      << json::serialize(nodes().status((i + 1) % nodes().size()));
  }

  bool has_caught_up(int i) {
    const auto name = cluster_process::name(i);
    const auto status = nodes().status((i + 1) % nodes().size());
    for (const auto& shard : status.at("shards").as_array()) {
      for (const auto& x : shard.at("replicas").as_array()) {
        if (x.at("node").as_string() == name
            && (x.at("lag").to_number<std::uint64_t>() > 100
                || x.at("applied_index").to_number<std::uint64_t>() + 100
                     < shard.at("applied_index").to_number<std::uint64_t>()))
          return false;
      }
    }
    return true;
  }

private:
  std::array<small_disk, 3> disks_;
};

std::string name_of(const ::testing::TestParamInfo<reserve>& x) {
  return x.param == reserve::kept ? "noticed" : "to_the_last_byte";
}

INSTANTIATE_TEST_SUITE_P(, full_disk,
                         ::testing::Values(reserve::kept, reserve::none),
                         name_of);

} // namespace

TEST_P(full_disk, of_one_node_leaves_the_work_to_the_others) {
  load work{nodes()};
  EXPECT_TRUE(work.flows(40));
  const int full = (nodes().find_leader("p0") + 1) % nodes().size();
  disk(full).fill();
  EXPECT_TRUE(work.flows(40));
  expect_said(full);
  // Any node will do, even this one: it passes on what it cannot write itself.
  EXPECT_TRUE(eventually([&] {
    return publish(full, "p-through", plain_event("a"), 5s).has_value();
  }))
    << last_answer();
  const auto until = steady::now() + 7s; // some patience ends after 5 s
  while (steady::now() < until)
    EXPECT_TRUE(work.flows(1));
  EXPECT_EQ(publish((full + 1) % 3, "p-through", plain_event("b")), 2u)
    << last_answer();
  EXPECT_TRUE(nodes().node(full).running());
  disk(full).make_room();
  expect_healed(full);
  EXPECT_TRUE(work.flows(40));
  EXPECT_EQ(work.finish(), "");
}

TEST_P(full_disk, of_a_leader_makes_another_one_lead) {
  load work{nodes(), {.pace = 20ms}};
  EXPECT_TRUE(work.flows(40));
  std::vector<std::chrono::milliseconds> gaps;
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(publish(0, "probe", plain_event("b" + std::to_string(round))))
      << last_answer();
    const int leader = nodes().find_leader("probe");
    const prober probe{nodes(), (leader + 1) % nodes().size(), "probe"};
    ASSERT_TRUE(probe.goes_on());
    const auto began = steady::now();
    disk(leader).fill();
    const bool moved
      = eventually([&] { return nodes().find_leader("probe") != leader; });
    EXPECT_TRUE(moved) << nodes().log_ends();
    ASSERT_TRUE(probe.goes_on()) << nodes().log_ends();
    EXPECT_TRUE(work.flows(20));
    gaps.push_back(probe.longest(began, steady::now()));
    expect_said(leader);
    disk(leader).make_room();
    expect_healed(leader);
  }
  show("longest write when the leader's disk is full", gaps);
  EXPECT_LT(percentile(gaps, 1), 5s);
  EXPECT_EQ(work.finish(), "");
}

TEST_P(full_disk, of_a_follower_costs_it_bounded_memory) {
  for (int i = 0; i < nodes().size(); ++i)
    ASSERT_TRUE(disk(i).grow("size=600m"));
  ASSERT_TRUE(publish(0, "big", plain_event("first"))) << last_answer();
  const int leader = nodes().find_leader("big");
  const int full = (leader + 1) % nodes().size();
  disk(full).fill();
  const auto before = nodes().node(full).resident_bytes();
  for (int i = 0; i < 500; ++i) {
    auto event = plain_event("b" + std::to_string(i));
    event["data"] = json::string(200'000, 'x');
    ASSERT_TRUE(publish(leader, "big", event)) << last_answer();
  }
  const auto after = nodes().node(full).resident_bytes();
  const auto mib = [](std::size_t bytes) { return bytes >> 20; };
  std::cout << "[  FIGURE  ] memory of a follower with a full disk: "
            << mib(before) << " MiB, after 100 MB of events " << mib(after)
            << " MiB" << std::endl;
  EXPECT_LT(after, before + (60u << 20));
  expect_said(full);
  disk(full).make_room();
  expect_healed(full);
}

TEST_P(full_disk, that_a_node_never_gets_over_ends_the_node_with_a_word) {
  auto& settings = nodes().node(2).settings();
  nodes().kill(2);
  settings.binary = STUCK_RECOVERY;
  settings.env["CALLBOARD_STORAGE_RECOVERY_TIMEOUT"] = "2s";
  nodes().launch(2);
  nodes().await_ready(2);
  load work{nodes()};
  EXPECT_TRUE(work.flows(40));
  disk(2).fill();
  expect_said(2);
  EXPECT_TRUE(work.flows(40));
  disk(2).make_room();
  EXPECT_EQ(nodes().node(2).wait_exit(20s), 1);
  EXPECT_NE(nodes().log(2).find("does not come back from a full disk"),
            std::string::npos)
    << nodes().log(2);
  settings.binary.clear();
  nodes().launch(2); // as a supervisor would
  nodes().await_ready(2);
  expect_healed(2);
  EXPECT_TRUE(work.flows(40));
  EXPECT_EQ(work.finish(), "");
}

TEST_P(full_disk, of_two_nodes_stops_writes_and_nothing_else) {
  load work{nodes()};
  EXPECT_TRUE(work.flows(40));
  ASSERT_TRUE(publish(0, "p", plain_event("before"))) << last_answer();
  disk(0).fill();
  EXPECT_TRUE(work.flows(20));
  disk(1).fill();
  expect_said(0);
  expect_said(1);
  const auto refused = [&](int i) {
    const auto answer
      = nodes().ask(i, "POST", "/v1/projects/p/events",
                    json::serialize(plain_event("n" + std::to_string(i))), 20s);
    return answer.status == 503 && answer.code() == "unavailable";
  };
  for (int i = 0; i < nodes().size(); ++i) {
    EXPECT_TRUE(eventually([&] { return refused(i); })) << "through n" << i;
    const auto read = nodes().get(i, "/v1/projects/p/events", 20s);
    EXPECT_EQ(read.status, 200) << "n" << i << ": " << read.body;
  }
  // Nor does it hide behind shards that cannot elect a leader any more.
  expect_said(0);
  expect_said(1);
  disk(0).make_room();
  disk(1).make_room();
  expect_healed(0);
  expect_healed(1);
  EXPECT_TRUE(work.flows(40));
  EXPECT_EQ(work.finish(), "");
}

} // namespace callboard::test
