// The test of the test, with real nodes: a guarantee is broken, from outside or
// by a node with one line changed (see CMakeLists.txt), and the proof must say
// so.

#include "tests/cluster/operated_cluster.hpp"

#include <filesystem>
#include <functional>

namespace callboard::test {

namespace {

namespace fs = std::filesystem;

class broken_promises : public operated_cluster {
protected:
  void keep_disk(int i) {
    fs::copy(nodes().node(i).data_dir(),
             kept_.path() / cluster_process::name(i),
             fs::copy_options::recursive);
  }

  void put_back(int i) {
    nodes().lose_disk(i);
    fs::copy(kept_.path() / cluster_process::name(i),
             nodes().node(i).data_dir(), fs::copy_options::recursive);
  }

  /// Nodes of that kind in a network. @returns false: the test is skipped.
  /// The first takes itself for a leader for long, so that it is only the
  /// broken promise that could have kept it from answering.
  bool make_broken(const char* binary) {
    if (!test_network::unavailable().empty())
      return false;
    net_ = std::make_unique<test_network>(3);
    make_cluster({.binary = binary, .network = net_.get(), .start = false});
    nodes().node(0).settings().env["CALLBOARD_CLUSTER_ELECTION_TIMEOUT"]
      = "60s";
    nodes().launch_all();
    nodes().await_all();
    expect_rest(); // leaders stay where they are from now on
    return true;
  }

  /// A project whose room the first node leads.
  std::string project_of_the_first() {
    for (int i = 0; i < 64; ++i) {
      const auto project = "q" + std::to_string(i);
      publish(1, project, plain_event("first-of-" + project));
      if (nodes().find_leader(project) == 0)
        return project;
    }
    throw std::runtime_error{"the first node leads nothing"};
  }

  /// Reads from the first node, which led, what others have changed since. It
  /// answers, or may not.
  std::string read_from_the_first_when_cut_off(bool answers) {
    const auto led = project_of_the_first();
    load work{nodes(), {.projects = {led}}};
    EXPECT_TRUE(work.flows(50));
    net().isolate(0);
    EXPECT_TRUE(work.flows(50)); // at the others
    reader asks{nodes(),
                {.name = "reader of the past",
                 .project = led,
                 .run = "anchor",
                 .node = 0,
                 .changes = false}};
    if (answers)
      EXPECT_TRUE(eventually([&] { return asks.ask_detail().has_value(); }));
    else
      asks.ask_detail();
    net().heal();
    work.join(asks.take());
    return work.finish();
  }

  /// The first node, which leads, is cut off and goes on, until that is enough
  /// for a producer of its own (its viewer was told so many events since) and
  /// it is killed. @returns what is wrong then.
  std::string go_on_alone(
    const std::function<bool(const producer& alone, std::uint64_t told)>&
      is_enough) {
    const auto led = project_of_the_first();
    load work{nodes(), {.projects = {led}}};
    EXPECT_TRUE(work.flows(50));
    net().isolate(0);
    EXPECT_TRUE(work.flows(50)); // at the others
    const auto& fooled = work.viewer_at(led, 0);
    const auto before = fooled.position();
    producer alone{nodes(),
                   {.name = "alone",
                    .projects = {led},
                    .node = 0,
                    .changes = false,
                    .last_attempts = 1s}};
    std::jthread thread{[&](const std::stop_token& stop) { alone.work(stop); }};
    EXPECT_TRUE(
      eventually([&] { return is_enough(alone, fooled.position() - before); }));
    nodes().kill(0);
    // Only when the others have gone on without it: its kernel would send them
    // what its process had written.
    EXPECT_TRUE(work.flows(50));
    net().heal();
    thread.request_stop();
    thread.join();
    work.join(alone.take());
    EXPECT_TRUE(work.flows(50));
    return work.finish();
  }

  void TearDown() override {
    cluster_test::TearDown();
    drop_cluster(); // before its network
  }

  test_network& net() {
    return *net_;
  }

private:
  temp_dir kept_;
  std::unique_ptr<test_network> net_;
};

} // namespace

TEST_F(broken_promises, disks_of_a_majority_that_forget_are_found_out) {
  make_cluster();
  load work{nodes()};
  EXPECT_TRUE(work.flows(50));
  nodes().kill_all();
  keep_disk(0);
  keep_disk(1);
  nodes().launch_all();
  nodes().await_all();
  EXPECT_TRUE(work.flows(100));
  nodes().kill_all();
  put_back(0);
  put_back(1);
  // They are a majority and know nothing of what was acknowledged since.
  nodes().launch(0);
  nodes().launch(1);
  nodes().await_ready(0);
  nodes().await_ready(1);
  EXPECT_TRUE(work.flows(50));
  const auto wrong = work.finish();
  EXPECT_NE(wrong.find("lost: "), std::string::npos) << wrong;
}

TEST_F(broken_promises, nodes_that_know_nothing_of_each_other_are_found_out) {
  make_cluster({.linked = false});
  load work{nodes(), {.settling = 2s}};
  EXPECT_TRUE(work.flows(50));
  nodes().restart(0); // its viewers and producers go to others
  EXPECT_TRUE(work.flows(50));
  const auto wrong = work.finish();
  for (const auto* what :
       {"tells another history", "lost: ", "stale: ", "view differs: "})
    EXPECT_NE(wrong.find(what), std::string::npos) << what << "\n" << wrong;
}

TEST_F(broken_promises, a_leader_that_reads_without_a_majority_is_found_out) {
  if (!make_broken(BROKEN_READS))
    GTEST_SKIP() << "no network of its own: " << test_network::unavailable();
  const auto wrong = read_from_the_first_when_cut_off(true);
  EXPECT_NE(wrong.find("stale: "), std::string::npos) << wrong;
}

TEST_F(broken_promises, a_leader_that_asks_the_majority_is_not) {
  if (!make_broken("")) // the real one
    GTEST_SKIP() << "no network of its own: " << test_network::unavailable();
  const auto wrong = read_from_the_first_when_cut_off(false);
  EXPECT_EQ(wrong.find("stale: "), std::string::npos) << wrong;
}

TEST_F(broken_promises, a_leader_that_acknowledges_alone_is_found_out) {
  if (!make_broken(BROKEN_COMMIT))
    GTEST_SKIP() << "no network of its own: " << test_network::unavailable();
  const auto wrong = go_on_alone(
    [](const producer& alone, std::uint64_t) { return alone.successes() > 5; });
  EXPECT_NE(wrong.find("lost: "), std::string::npos) << wrong;
}

TEST_F(broken_promises, a_leader_that_tells_viewers_alone_is_found_out) {
  if (!make_broken(BROKEN_TELLING))
    GTEST_SKIP() << "no network of its own: " << test_network::unavailable();
  const auto wrong = go_on_alone([](const producer& alone, std::uint64_t told) {
    return told > 0 && alone.successes() == 0;
  });
  EXPECT_NE(wrong.find("view differs: "), std::string::npos) << wrong;
}

TEST_F(broken_promises, a_node_that_was_away_is_no_loss) {
  // The control: what one node lacks, the others give it.
  make_cluster();
  load work{nodes()};
  EXPECT_TRUE(work.flows(50));
  nodes().kill(2);
  EXPECT_TRUE(work.flows(100));
  nodes().launch(2);
  nodes().await_ready(2);
  EXPECT_TRUE(work.flows(50));
  EXPECT_EQ(work.finish(), "");
}

} // namespace callboard::test
