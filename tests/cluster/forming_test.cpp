// Three nodes become one cluster, in whatever order they start; a node comes
// back on another address; strangers stay outside.

#include "tests/cluster/cluster_test.hpp"

#include <filesystem>

namespace callboard::test {

namespace {

class forming : public cluster_test {
protected:
  /// What GET /v1/admin/cluster of node i has under `nodes`, as text.
  std::string members(int i) {
    return json::serialize(nodes().status(i).at("nodes"));
  }

  bool knows(int i, const std::string& name) {
    return members(i).find('"' + name + '"') != std::string::npos;
  }

  /// Waits for a line of this kind in the log of any node.
  bool some_log_says(const std::string& word) {
    return eventually([&] {
      for (int i = 0; i < nodes().size(); ++i) {
        if (nodes().log(i).find(word) != std::string::npos)
          return true;
      }
      return false;
    });
  }

  void expect_one_cluster() {
    for (int i = 0; i < nodes().size(); ++i) {
      for (int other = 0; other < nodes().size(); ++other)
        EXPECT_TRUE(knows(i, cluster_process::name(other))) << members(i);
    }
    EXPECT_TRUE(nodes().settled());
    const auto seq = publish(0, "p", plain_event("a"));
    EXPECT_EQ(seq, 1u) << last_answer();
    EXPECT_EQ(publish(1, "p", plain_event("b")), 2u) << last_answer();
    EXPECT_EQ(publish(2, "p", plain_event("a")), 1u) << "sent before";
  }
};

} // namespace

TEST_F(forming, all_at_once) {
  make_cluster();
  expect_one_cluster();
}

TEST_F(forming, one_after_the_other_backwards) {
  make_cluster({.start = false});
  for (const int i : {2, 1, 0}) {
    nodes().launch(i);
    ASSERT_TRUE(eventually([&] { return !nodes().log(i).empty(); }));
    EXPECT_TRUE(nodes().node(i).running());
  }
  nodes().await_all();
  expect_one_cluster();
}

TEST_F(forming, after_each_of_them_was_killed_on_the_way) {
  make_cluster({.start = false});
  for (int round = 0; round < 3; ++round) {
    nodes().launch_all();
    ASSERT_TRUE(eventually([&] { return !nodes().log(round).empty(); }));
    nodes().kill(round);
    nodes().kill_all();
  }
  nodes().launch_all();
  nodes().await_all();
  expect_one_cluster();
}

TEST_F(forming, a_node_that_nobody_named_is_no_founder) {
  const environment secret{{"CALLBOARD_CLUSTER_SECRET",
                            "of-the-three-and-the-stray-0123456789abcdef"}};
  make_cluster({.env = secret, .start = false});
  nodes().launch(0);
  nodes().launch(1);
  // It would found one with them, since it has the lowest name and all of its
  // own list are there.
  node_process stray{
    {.dev = false,
     .arguments = {"--node", "a0", "--cluster-listen",
                   "127.0.0.1:" + std::to_string(free_port("127.0.0.1")),
                   "--join", nodes().address(0) + "," + nodes().address(1)},
     .env = secret,
     .start = false}};
  stray.launch();
  ASSERT_TRUE(some_log_says("does not name that node")) << nodes().log_ends();
  nodes().launch(2);
  nodes().await_all();
  expect_one_cluster();
  for (int i = 0; i < nodes().size(); ++i)
    EXPECT_FALSE(knows(i, "a0")) << members(i);
}

TEST_F(forming, a_node_comes_back_on_another_address) {
  make_cluster();
  load work{nodes()};
  EXPECT_TRUE(work.flows());
  for (int i = 0; i < nodes().size(); ++i) {
    const auto before = nodes().address(i);
    nodes().kill(i);
    nodes().move(i);
    nodes().launch(i);
    nodes().await_ready(i);
    EXPECT_NE(nodes().address(i), before);
    EXPECT_TRUE(nodes().settled(30s)) << members(i);
    EXPECT_TRUE(publish(i, "elsewhere", plain_event("e" + std::to_string(i))))
      << last_answer();
  }
  // By now no node is where the seeds say.
  EXPECT_TRUE(work.flows());
  EXPECT_EQ(work.finish(), "");
}

TEST_F(forming, a_node_with_another_secret_stays_outside) {
  make_cluster();
  const int stranger = nodes().add();
  nodes().node(stranger).settings().env["CALLBOARD_CLUSTER_SECRET"]
    = "another-secret-that-is-long-enough-0123456789";
  nodes().launch(stranger);
  EXPECT_TRUE(some_log_says("secret")) << nodes().log_ends();
  EXPECT_FALSE(knows(0, cluster_process::name(stranger))) << members(0);
  EXPECT_TRUE(publish(0, "p", plain_event("a"))) << last_answer();
}

TEST_F(forming, a_node_of_another_cluster_stays_outside) {
  std::filesystem::path disk;
  const temp_dir kept;
  {
    cluster_process others{{}};
    disk = kept.path() / "n0";
    others.kill_all();
    std::filesystem::copy(others.node(0).data_dir(), disk,
                          std::filesystem::copy_options::recursive);
  }
  make_cluster();
  const int stranger = nodes().add();
  nodes().node(stranger).settings().data_dir = disk;
  nodes().launch(stranger);
  EXPECT_TRUE(some_log_says("it belongs to ")) << nodes().log_ends();
  EXPECT_FALSE(knows(0, cluster_process::name(stranger))) << members(0);
  EXPECT_TRUE(publish(0, "p", plain_event("a"))) << last_answer();
}

TEST_F(forming, a_node_of_an_incompatible_version_stays_outside) {
  make_cluster();
  load work{nodes()};
  EXPECT_TRUE(work.flows(20));
  const int stranger = nodes().add();
  nodes().node(stranger).settings().binary = OTHER_VERSION;
  nodes().launch(stranger);
  const auto says = [&](int i, const std::string& line) {
    return eventually(
      [&] { return nodes().log(i).find(line) != std::string::npos; });
  };
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(says(i, "it speaks link version 7 (understands 7 and newer"))
      << nodes().log_ends();
  EXPECT_TRUE(says(stranger, "this node 7 (understands 7 and newer"))
    << nodes().log_ends();
  EXPECT_TRUE(says(stranger, "update the older program"));
  EXPECT_FALSE(knows(0, cluster_process::name(stranger))) << members(0);
  EXPECT_TRUE(nodes().node(stranger).running());

  // A member that was updated too early does no harm either, and comes back
  // with the program that it had.
  nodes().kill(2);
  nodes().node(2).settings().binary = OTHER_VERSION;
  nodes().launch(2);
  EXPECT_TRUE(says(2, "update the older program")) << nodes().log_ends();
  EXPECT_TRUE(work.flows(40));
  nodes().kill(2);
  nodes().node(2).settings().binary.clear();
  nodes().launch(2);
  nodes().await_ready(2);
  nodes().kill(stranger);
  EXPECT_TRUE(nodes().settled(30s)) << nodes().log_ends();
  EXPECT_EQ(work.finish(), "");
}

} // namespace callboard::test
