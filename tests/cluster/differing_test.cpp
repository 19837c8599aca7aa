// A replica that holds something else than the others is found, taken out,
// dropped and made anew, while everything goes on.

#include "tests/cluster/operated_cluster.hpp"

#include <rocksdb/db.h>

#include <filesystem>

namespace callboard::test {

namespace {

class differing : public operated_cluster {
protected:
  /// A room of which no client of the load hears; it shares its shard with
  /// theirs.
  static constexpr const char* room = "spoiled";

  void make(int nodes, const std::string& digest_interval) {
    make_cluster({.nodes = nodes,
                  .arguments = {"--engine-shards", "1",
                                "--cluster-digest-interval", digest_interval}});
    for (int i = 0; i < 5; ++i)
      ASSERT_TRUE(publish(0, room, plain_event("e" + std::to_string(i))))
        << last_answer();
    expect_rest();
  }

  /// SIGTERM, and they are gone: all that they applied is in their states'
  /// files.
  void stop(const std::vector<int>& which) {
    for (const int i : which)
      nodes().terminate(i);
    for (const int i : which) {
      EXPECT_TRUE(eventually([&] { return !nodes().node(i).running(); }, 40s));
      nodes().kill(i);
    }
  }

  /// Changes one stored event of the room on a node that is down, as a disk
  /// may.
  void spoil(int i) {
    const auto dir = (nodes().node(i).data_dir() / "state").string();
    rocksdb::DBOptions opts;
    std::vector<std::string> names;
    ASSERT_TRUE(rocksdb::DB::ListColumnFamilies(opts, dir, &names).ok());
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const auto& name : names)
      families.emplace_back(name, rocksdb::ColumnFamilyOptions{});
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* opened = nullptr;
    const auto ok = rocksdb::DB::Open(opts, dir, families, &handles, &opened);
    ASSERT_TRUE(ok.ok()) << ok.ToString();
    const std::unique_ptr<rocksdb::DB> db{opened};
    auto spoilt = false;
    for (std::size_t at = 0; at < names.size(); ++at) {
      if (names[at] == "events")
        spoilt = spoil_one(*db, handles[at]);
    }
    for (auto* handle : handles)
      ASSERT_TRUE(db->DestroyColumnFamilyHandle(handle).ok());
    ASSERT_TRUE(db->Close().ok());
    ASSERT_TRUE(spoilt) << "the room has no event in the files";
  }

  /// The shard, as a node tells it; empty while none does.
  json::object shard() {
    const auto cluster = told();
    for (const auto& item : cluster.at("shards").as_array()) {
      const auto& x = item.as_object();
      if (x.at("shard").to_number<std::uint64_t>() == 0)
        return x;
    }
    return {};
  }

  /// What became of what was taken from a node; empty: nothing was.
  std::string state_of(const std::string& node) {
    const auto x = shard();
    if (const auto* list = x.if_contains("taken_out")) {
      for (const auto& item : list->as_array()) {
        if (item.as_object().at("node").as_string() == node)
          return std::string{item.as_object().at("state").as_string()};
      }
    }
    return {};
  }

  /// All three voters computed the same at one index.
  bool digests_agree() {
    const auto x = shard();
    if (x.empty() || x.at("replicas").as_array().size() != 3)
      return false;
    std::set<std::string> seen;
    for (const auto& item : x.at("replicas").as_array()) {
      const auto& replica = item.as_object();
      if (!replica.contains("digest"))
        return false;
      seen.insert(json::serialize(replica.at("digest"))
                  + json::serialize(replica.at("digest_index")));
    }
    return seen.size() == 1;
  }

  void expect_state(const std::string& node, const std::string& state) {
    EXPECT_TRUE(eventually([&] { return state_of(node) == state; }, 90s))
      << state_of(node) << " instead of " << state << ": "
      << json::serialize(told());
  }

  void expect_no_alarm() {
    EXPECT_TRUE(eventually(
      [&] {
        const auto x = told();
        return x.contains("alarms") && x.at("alarms").as_array().empty();
      },
      90s))
      << json::serialize(told());
  }

  /// Every node tells the room as it was published.
  void expect_one_room() {
    const auto right = read_room(nodes(), 0, room);
    EXPECT_EQ(right.size(), 5u);
    for (int i = 1; i < nodes().size(); ++i) {
      const auto other = read_room(nodes(), i, room);
      ASSERT_EQ(other.size(), right.size()) << i;
      for (std::size_t k = 0; k < right.size(); ++k)
        EXPECT_EQ(other[k].content, right[k].content) << i << " at " << k + 1;
    }
  }

  /// `state` is what becomes of the replica, and all is well again.
  void expect_mended(const std::string& node, const std::string& state) {
    expect_state(node, state);
    expect_rest();
    EXPECT_TRUE(eventually([&] { return digests_agree(); }, 90s))
      << json::serialize(shard());
    expect_no_alarm();
    expect_one_room();
  }

  /// Nodes write their figures down once a second.
  void expect_figure(const std::string& name, double expected,
                     std::optional<int> node = {}) {
    double sum = 0;
    EXPECT_TRUE(eventually([&] {
      sum = 0;
      for (int i = 0; i < nodes().size(); ++i)
        sum += !node || node == i ? figure(i, name) : 0;
      return sum >= expected;
    }));
    EXPECT_EQ(sum, expected) << name;
  }

private:
  static bool spoil_one(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* events) {
    const std::string with_name = std::string{"\0", 1} + room + '\0';
    const std::unique_ptr<rocksdb::Iterator> it{
      db.NewIterator(rocksdb::ReadOptions{}, events)};
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      auto value = it->value().ToString();
      const auto key = it->key().ToString();
      const auto at = value.find("\"from\":\"test\"");
      if (key.find(with_name) == std::string::npos || at == std::string::npos)
        continue;
      value[at + 9] = 'b'; // "best"
      return db.Put({}, events, key, value).ok()
             && db.Flush(rocksdb::FlushOptions{}, events).ok();
    }
    return false;
  }
};

} // namespace

TEST_F(differing, a_replica_is_taken_out_and_made_anew_once) {
  make(3, "500ms");
  load work{nodes()};
  const int leader = nodes().find_leader(room);
  const int victim = leader == 2 ? 1 : 2;
  const auto name = cluster_process::name(victim);
  EXPECT_TRUE(work.flows(50));
  stop({victim});
  spoil(victim);
  nodes().launch(victim);
  nodes().await_ready(victim);
  expect_mended(name, "back");
  expect_figure("callboard_shard_digest_mismatches_total", 1);
  expect_figure("callboard_shard_outliers_total", 1);
  expect_figure("callboard_shard_replicas_dropped_total", 1, victim);
  EXPECT_TRUE(work.flows(50));

  // Again so soon: somebody should look after that disk.
  stop({victim});
  spoil(victim);
  nodes().launch(victim);
  nodes().await_ready(victim);
  expect_state(name, "out");
  const auto alarms = json::serialize(told().at("alarms"));
  EXPECT_NE(alarms.find("on " + name + " differed"), std::string::npos)
    << alarms;
  EXPECT_TRUE(work.flows(50));
  order("POST", "rebalance");
  expect_state(name, "back");
  expect_rest();
  expect_no_alarm();
  expect_one_room();
  EXPECT_EQ(work.finish(), "");
}

TEST_F(differing, a_leader_hands_over_and_is_taken_out) {
  make(3, "3s");
  const int leader = nodes().find_leader(room);
  const auto name = cluster_process::name(leader);
  load work{nodes()};
  EXPECT_TRUE(work.flows(50));
  stop({0, 1, 2});
  spoil(leader);
  nodes().launch_all();
  nodes().await_all();
  // It is the one that the map names first, so it leads again, until the
  // others' digests are there.
  EXPECT_TRUE(eventually([&] {
    const auto x = shard();
    return !x.empty() && x.at("leader").as_string() == name;
  }))
    << json::serialize(shard());
  expect_mended(name, "back");
  expect_figure("callboard_shard_outliers_total", 1, leader);
  EXPECT_TRUE(work.flows(50));
  EXPECT_EQ(work.finish(), "");
}

TEST_F(differing, where_there_is_another_node_it_takes_the_place) {
  make(4, "500ms");
  load work{nodes()};
  EXPECT_TRUE(work.flows(50));
  const auto told_shard = shard();
  const auto& replicas = told_shard.at("replicas").as_array();
  const std::string name{replicas.back().as_object().at("node").as_string()};
  const int victim = nodes().number(name).value_or(0);
  stop({victim});
  spoil(victim);
  nodes().launch(victim);
  nodes().await_ready(victim);
  expect_mended(name, "replaced");
  EXPECT_TRUE(work.flows(50));
  EXPECT_EQ(work.finish(), "");
}

} // namespace callboard::test
