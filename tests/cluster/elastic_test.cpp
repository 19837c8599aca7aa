// Nodes come and go, replicas and leaders move, all while serving, and while
// those who take part in it are killed.

#include "tests/cluster/cluster_test.hpp"

#include <map>
#include <set>

namespace callboard::test {

namespace {

constexpr std::uint64_t directory = 65535;

class elastic : public cluster_test {
protected:
  /// An order of an operator, to any node that takes it.
  void order(std::string_view method, const std::string& target,
             const json::object& body = {}) {
    std::string answer;
    const bool taken = eventually(
      [&] {
        for (int i = 0; i < nodes().size(); ++i) {
          try {
            if (!nodes().alive(i) || nodes().port(i) == 0)
              continue;
            const auto response
              = nodes().ask(i, method, "/v1/admin/cluster/" + target,
                            body.empty() ? "" : json::serialize(body));
            answer = std::to_string(response.status) + " " + response.body;
            if (response.status / 100 == 2)
              return true;
          } catch (const std::exception& x) {
            answer = x.what();
          }
        }
        return false;
      },
      30s);
    EXPECT_TRUE(taken) << method << " " << target << ": " << answer;
  }

  /// What some living node other than `except` tells of the cluster.
  json::object told(int except = -1) {
    for (int i = 0; i < nodes().size(); ++i) {
      try {
        if (i != except && nodes().alive(i) && nodes().port(i) != 0)
          return nodes().status(i);
      } catch (const std::exception&) {
        // Another one.
      }
    }
    return {{"nodes", json::array{}}, {"shards", json::array{}}};
  }

  static bool has_node(const json::object& cluster, const std::string& name) {
    for (const auto& x : cluster.at("nodes").as_array()) {
      if (x.as_object().at("name").as_string() == name)
        return true;
    }
    return false;
  }

  /// Every shard has the voters that are wanted, no others, and is led by the
  /// first of them.
  static bool at_rest(const json::object& cluster) {
    if (!is_settled(cluster))
      return false;
    for (const auto& item : cluster.at("shards").as_array()) {
      const auto& shard = item.as_object();
      std::set<std::string> wanted;
      for (const auto& x : shard.at("wanted").as_array())
        wanted.emplace(x.as_string());
      std::set<std::string> voters;
      for (const auto& x : shard.at("replicas").as_array()) {
        if (!x.as_object().at("voter").as_bool())
          return false;
        voters.emplace(x.as_object().at("node").as_string());
      }
      if (voters != wanted
          || shard.at("leader") != shard.at("wanted").as_array().front())
        return false;
    }
    return true;
  }

  void expect_rest(int except = -1) {
    EXPECT_TRUE(eventually([&] { return at_rest(told(except)); }, 60s))
      << json::serialize(told(except));
  }

  /// Shards (the directory not counted) that each node leads.
  static std::map<std::string, int> leaders(const json::object& cluster) {
    std::map<std::string, int> result;
    for (const auto& item : cluster.at("shards").as_array()) {
      const auto& shard = item.as_object();
      if (shard.at("shard").to_number<std::uint64_t>() != directory
          && shard.at("leader").is_string())
        ++result[std::string{shard.at("leader").as_string()}];
    }
    return result;
  }

  std::string leader_of_shard(std::uint64_t number) {
    const auto cluster = told();
    for (const auto& item : cluster.at("shards").as_array()) {
      const auto& shard = item.as_object();
      if (shard.at("shard").to_number<std::uint64_t>() == number
          && shard.at("leader").is_string())
        return std::string{shard.at("leader").as_string()};
    }
    return {};
  }

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
  nodes().kill(0);
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
