// Nodes come and go, replicas and leaders move, all while serving, and while
// those who take part in it are killed.

#include "tests/cluster/operated_cluster.hpp"

namespace callboard::test {

namespace {

class elastic : public operated_cluster {
protected:
  /// Starts a node with an empty disk and takes it into the cluster.
  void take_in(int i) {
    nodes().launch(i);
    order("POST", "nodes", {{"node", cluster_process::name(i)}});
    nodes().await_ready(i);
  }

  /// Moves everything away from it, and it from the cluster.
  void send_away(int i) {
    order("DELETE", "nodes/" + cluster_process::name(i));
  }

  void expect_gone(int i) {
    EXPECT_TRUE(eventually(
      [&] {
        const auto cluster = told(i);
        return !cluster.at("nodes").as_array().empty()
               && !has_node(cluster, cluster_process::name(i));
      },
      60s))
      << json::serialize(told(i));
  }
};

} // namespace

TEST_F(elastic, a_new_node_gets_its_share_and_an_old_one_leaves) {
  make_cluster();
  load work{nodes()};
  EXPECT_TRUE(work.flows(50));
  const int fourth = nodes().add();
  take_in(fourth);
  order("POST", "rebalance");
  expect_rest();
  const auto share = leaders(told());
  EXPECT_EQ(share.size(), 4u);
  for (const auto& [name, count] : share) {
    EXPECT_GE(count, 3) << name << " of 16 shards";
    EXPECT_LE(count, 5) << name << " of 16 shards";
  }
  EXPECT_TRUE(work.flows(50));
  EXPECT_TRUE(publish(fourth, "new", plain_event("n"))) << last_answer();
  send_away(0);
  expect_gone(0);
  expect_rest(0);
  // It still runs, and does not come back with what it has.
  std::string answer;
  EXPECT_TRUE(eventually([&] {
    const auto response = nodes().ask(
      fourth, "POST", "/v1/admin/cluster/nodes",
      json::serialize(json::object{{"node", cluster_process::name(0)}}));
    answer = response.body;
    return response.status == 409;
  }))
    << answer;
  EXPECT_NE(answer.find("empty data directory"), std::string::npos) << answer;
  EXPECT_FALSE(has_node(told(0), cluster_process::name(0)));
  nodes().kill(0);
  EXPECT_TRUE(work.flows(50));
  EXPECT_EQ(work.finish(), "");
}

TEST_F(elastic, states_move_no_more_at_a_time_than_the_setting_says) {
  make_cluster(
    {.arguments = {"--cluster-moves", "1", "--cluster-chunk-bytes", "4KiB",
                   "--storage-flush-after-log-bytes", "1MiB"}});
  load work{nodes()};
  // Until the log was trimmed: a new replica needs the state then.
  const std::string filler(8 * 1024, 'x');
  for (int i = 0; i < 480; ++i) {
    auto event = plain_event("fill" + std::to_string(i));
    event["data"] = {{"filler", filler}};
    const auto project = "other" + std::to_string(i % 24); // not the load's
    ASSERT_TRUE(publish(i % 3, project, event)) << last_answer();
  }
  const int fourth = nodes().add();
  take_in(fourth);
  order("POST", "rebalance");
  double most = 0;
  EXPECT_TRUE(eventually(
    [&] {
      for (int i = 0; i < nodes().size(); ++i)
        for (const auto* way : {"out", "in"})
          most = std::max(most, figure(i, "callboard_moving_states{way=\""
                                            + std::string{way} + "\"}"));
      return at_rest(told());
    },
    60s))
    << json::serialize(told());
  EXPECT_LE(most, 1);
  double put_off = 0;
  for (int i = 0; i < nodes().size(); ++i)
    put_off += figure(i, "callboard_moving_states_put_off_total");
  EXPECT_GT(put_off, 0) << "none had to wait: the test shows nothing";
  EXPECT_TRUE(eventually([&] {
    return figure(fourth, "callboard_shard_states_received_total") >= 8;
  }))
    << figure(fourth, "callboard_shard_states_received_total");
  EXPECT_TRUE(work.flows(50));
  EXPECT_EQ(work.finish(), "");
}

TEST_F(elastic, leaders_go_where_operators_want_them) {
  make_cluster();
  load work{nodes(), {.pace = 20ms}};
  expect_rest();
  for (int i = 0; i < nodes().size(); ++i) {
    const auto name = cluster_process::name(i);
    order("POST", "shards/3/transfer", {{"node", name}});
    EXPECT_TRUE(eventually([&] { return leader_of_shard(3) == name; }))
      << leader_of_shard(3);
  }
  order("PUT", "shards/5/pin", {{"node", "n2"}});
  EXPECT_TRUE(eventually([&] { return leader_of_shard(5) == "n2"; }));
  order("POST", "rebalance");
  expect_rest();
  EXPECT_EQ(leader_of_shard(5), "n2");
  order("DELETE", "shards/5/pin");
  EXPECT_TRUE(work.flows(20));
  EXPECT_EQ(work.finish(), "");
}

TEST_F(elastic, a_move_that_is_interrupted_by_kills_comes_to_an_end) {
  make_cluster({.nodes = 4});
  load work{nodes()};
  EXPECT_TRUE(work.flows(200));
  constexpr int leaving = 3;
  for (int round = 0; round < 3; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    send_away(leaving);
    // The one that leaves, one that is filled, the one that decides.
    const auto decides = nodes().number(leader_of_shard(directory));
    const int victim = round == 0   ? leaving
                       : round == 1 ? 0
                                    : decides.value_or(1);
    rest({}, std::chrono::milliseconds{40 * round});
    nodes().kill(victim);
    EXPECT_TRUE(work.flows(20));
    nodes().launch(victim);
    if (victim != leaving)
      nodes().await_ready(victim);
    expect_gone(leaving);
    expect_rest(leaving);
    nodes().kill(leaving);
    nodes().lose_disk(leaving);
    take_in(leaving);
    order("POST", "rebalance");
    rest({}, std::chrono::milliseconds{100 * round});
    nodes().kill(round == 0 ? 1 : leaving); // while it is filled again
    EXPECT_TRUE(work.flows(20));
    nodes().launch(round == 0 ? 1 : leaving);
    nodes().await_ready(round == 0 ? 1 : leaving);
    expect_rest();
  }
  EXPECT_EQ(work.finish(), "");
}

TEST_F(elastic, a_node_whose_disk_is_gone_is_replaced) {
  make_cluster();
  load work{nodes()};
  EXPECT_TRUE(work.flows(50));
  for (const int lost : {1, 0}) {
    nodes().kill(lost);
    nodes().lose_disk(lost);
    EXPECT_TRUE(work.flows(50));
    send_away(lost);
    expect_gone(lost);
    take_in(lost);
    expect_rest();
    EXPECT_TRUE(work.flows(50));
  }
  // What was copied counts: the one that never lost anything goes.
  nodes().kill(2);
  EXPECT_TRUE(work.flows(50));
  nodes().launch(2);
  nodes().await_ready(2);
  EXPECT_EQ(work.finish(), "");
}

} // namespace callboard::test
