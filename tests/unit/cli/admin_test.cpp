#include "cli/admin.hpp"
#include "cli/cluster_tables.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

namespace callboard {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

constexpr std::string_view healthy = R"({"cluster":"c1","version":9,"nodes":[
  {"name":"n1","number":1,"state":"up","address":"127.0.0.1:7001","version":"0.3.0","uptime_ms":93784000,"leaders":2,"replicas":3,"round_trip_us":0},
  {"name":"n2","number":2,"state":"up","address":"127.0.0.1:7002","version":"0.3.0","uptime_ms":65000,"leaders":1,"replicas":3,"round_trip_us":240},
  {"name":"n3","number":3,"state":"up","address":"127.0.0.1:7003","version":"0.3.0","uptime_ms":4000,"leaders":0,"replicas":3,"round_trip_us":1250}],
 "shards":[
  {"shard":0,"leader":"n1","term":3,"commit_index":120,"applied_index":120,"replicas":[{"node":"n1","voter":true,"match":120,"lag":0,"silent_ms":null,"applied_index":120,"digest":"aa"},{"node":"n2","voter":true,"match":118,"lag":2,"silent_ms":12,"applied_index":120,"digest":"aa"},{"node":"n3","voter":true,"match":120,"lag":0,"silent_ms":40,"applied_index":118,"digest":"bb"}],"wanted":["n1","n2","n3"],"moves":[]},
  {"shard":1,"leader":"n2","term":12,"commit_index":7,"applied_index":7,"replicas":[{"node":"n1","voter":true,"lag":0},{"node":"n2","voter":true,"lag":0},{"node":"n3","voter":true,"lag":0}],"wanted":["n2","n3","n1"],"moves":[]},
  {"shard":65535,"leader":"n1","term":1,"commit_index":4,"applied_index":4,"replicas":[{"node":"n1","voter":true,"lag":0},{"node":"n2","voter":true,"lag":0},{"node":"n3","voter":true,"lag":0}],"wanted":["n1","n2","n3"],"moves":[]}],
 "moves_in_progress":0,"alarms":[]})";

constexpr std::string_view healthy_shown
  = R"(3 nodes up, 2 shards, all with a leader and 3 voters, 0 moves

NODE  STATE  ADDRESS         VERSION  UPTIME  LEADS  REPLICAS  ROUND TRIP
n1    up     127.0.0.1:7001  0.3.0    1d 2h   2      3         -
n2    up     127.0.0.1:7002  0.3.0    1m 5s   1      3         0.2ms
n3    up     127.0.0.1:7003  0.3.0    4s      0      3         1.2ms

SHARD      LEADER  TERM  COMMIT  APPLIED  REPLICAS
0          n1      3     120     120      n1, n2 (2 behind), n3
1          n2      12    7       7        n1, n2, n3
directory  n1      1     4       4        n1, n2, n3
)";

/// n3 is dead, shard 1 has just lost it as its leader, shard 2 moves to n4 and
/// was found to differ.
constexpr std::string_view troubled = R"({"cluster":"c1","version":12,"nodes":[
  {"name":"n1","state":"up","address":"127.0.0.1:7001","version":"0.3.0","uptime_ms":93784000,"leaders":2,"replicas":3,"round_trip_us":0},
  {"name":"n2","state":"up","address":"127.0.0.1:7002","version":"0.3.0","uptime_ms":65000,"leaders":0,"replicas":3,"round_trip_us":240},
  {"name":"n3","state":"down","address":"127.0.0.1:7003","version":"","uptime_ms":null,"leaders":0,"replicas":3,"round_trip_us":0},
  {"name":"n4","state":"joining","address":"127.0.0.1:7004","version":"0.3.0","uptime_ms":3000,"leaders":0,"replicas":1,"round_trip_us":90}],
 "shards":[
  {"shard":0,"leader":"n1","term":3,"commit_index":120,"applied_index":120,"replicas":[{"node":"n1","voter":true,"lag":0},{"node":"n2","voter":true,"lag":0},{"node":"n3","voter":true,"lag":40,"silent_ms":4200}],"wanted":["n1","n2","n3"],"moves":[]},
  {"shard":1,"leader":null,"term":13,"commit_index":7,"applied_index":7,"replicas":[{"node":"n1","voter":true,"lag":0},{"node":"n2","voter":true,"lag":0,"silent_ms":2500},{"node":"n3","voter":true,"lag":0}],"wanted":["n2","n3","n1"],"moves":[]},
  {"shard":2,"leader":"n1","term":4,"commit_index":900,"applied_index":900,"replicas":[{"node":"n1","voter":true,"lag":0,"applied_index":890,"digest_index":880,"digest":"aa"},{"node":"n2","voter":true,"lag":0,"applied_index":880,"digest_index":880,"digest":"bb"},{"node":"n3","voter":true,"lag":12},{"node":"n4","voter":false,"lag":812}],"wanted":["n1","n2","n4"],"pinned":"n1","moves":["add n4"]}],
 "moves_in_progress":1,"alarms":["node n3 is down","shard 1 has no leader that answers","the disk of n2 is full"]})";

constexpr std::string_view troubled_shown = R"(! no leader: shard 1 (calls wait)
! node n3 is down
! only 2 of 3 voters alive: shards 0-2
! shard 2: what n1 and n2 hold differs at 880
! alarm: the disk of n2 is full
3 of 4 nodes up, 3 shards, 2 with a leader, 3 voters, 1 move

NODE  STATE    ADDRESS         VERSION  UPTIME  LEADS  REPLICAS  ROUND TRIP
n1    up       127.0.0.1:7001  0.3.0    1d 2h   2      3         -
n2    up       127.0.0.1:7002  0.3.0    1m 5s   0      3         0.2ms
n3    down     127.0.0.1:7003  -        -       0      3         -
n4    joining  127.0.0.1:7004  0.3.0    3s      0      1         0.1ms

SHARD  LEADER  TERM  COMMIT  APPLIED  REPLICAS                                                PINNED  MOVES
0      n1      3     120     120      n1, n2, n3 (down, 40 behind)                            -
1      -       13    7       7        n1, n2 (silent for 2s), n3 (down)                       -
2      n1      4     900     900      n1, n2, n3 (down, 12 behind), n4 (learner, 812 behind)  n1      add n4
)";

cluster_status status_of_text(std::string_view text) {
  auto out = parse_cluster_status(text);
  EXPECT_TRUE(out) << out.error().detail;
  return out ? *out : cluster_status{};
}

/// A node that answers from a script; time passes in pauses only.
struct scripted_node {
  std::deque<result<node_reply>> answers; ///< The last one stays.
  std::vector<std::string> calls;
  std::string printed, progress;
  std::chrono::steady_clock::time_point now{};

  admin_node as_node() {
    return {.call =
              [this](std::string_view method, std::string_view target,
                     std::string_view body) {
                calls.push_back(std::string{method} + ' ' + std::string{target}
                                + (body.empty() ? "" : " ")
                                + std::string{body});
                auto out = answers.front();
                if (answers.size() > 1)
                  answers.pop_front();
                return out;
              },
            .now = [this] { return now; },
            .pause = [this](std::chrono::milliseconds x) { now += x; },
            .print = [this](const std::string& x) { printed += x; },
            .progress = [this](const std::string& x) { progress += x; }};
  }
};

node_reply reply(int status, std::string_view body) {
  return {status, std::string{body}, {}};
}

admin_options options_for(std::string name, std::uint32_t shard = 0) {
  admin_options out;
  out.name = std::move(name);
  out.shard = shard;
  return out;
}

} // namespace

TEST(cluster_tables, show_a_healthy_cluster_at_a_glance) {
  EXPECT_EQ(cluster_tables(status_of_text(healthy)), healthy_shown);
}

TEST(cluster_tables, say_first_what_is_wrong) {
  EXPECT_EQ(cluster_tables(status_of_text(troubled)), troubled_shown);
}

TEST(cluster_status, members_that_are_missing_do_no_harm) {
  const auto x = status_of_text(R"({"nodes":[{}],"shards":[{},{"shard":3}]})");
  EXPECT_EQ(x.shards.back().name, "3");
  EXPECT_THAT(cluster_tables(x), HasSubstr("SHARD"));
  EXPECT_FALSE(parse_cluster_status(R"({"items":[]})"));
  EXPECT_FALSE(parse_cluster_status("<html>"));
}

TEST(cluster_status, a_shard_that_lost_its_majority_is_told_as_such) {
  const auto x = status_of_text(
    R"({"nodes":[{"name":"a","state":"up"},{"name":"b","state":"down"},{"name":"c","state":"down"}],
      "shards":[{"shard":0,"leader":"a","replicas":[{"node":"a"},{"node":"b"},{"node":"c"}]},
                {"shard":1,"leader":"a","replicas":[{"node":"a"}]},
                {"shard":2,"leader":"","replicas":[],"wanted":["a","b","c"]}]})");
  EXPECT_THAT(
    troubles(x),
    ElementsAre("no leader: shard 2 (calls wait)",
                "no majority: shards 0, 2 (no writes until a node comes back)",
                "node b is down", "node c is down"));
}

TEST(cluster_status, digests_are_compared_at_the_same_index_only) {
  const auto with = [](std::string_view a, std::string_view b) {
    return troubles(status_of_text(
      R"({"nodes":[{"name":"a","state":"up"},{"name":"b","state":"up"}],"shards":[{"shard":0,"leader":"a","replicas":[{"node":"a",)"
      + std::string{a} + R"(},{"node":"b",)" + std::string{b} + "}]}]}"));
  };
  EXPECT_THAT(with(R"("applied_index":5,"digest":"x")",
                   R"("applied_index":5,"digest":"y")"),
              IsEmpty());
  EXPECT_THAT(with(R"("digest_index":5,"digest":"x")",
                   R"("digest_index":5,"digest":"y")"),
              ElementsAre(HasSubstr("differs at 5")));
  EXPECT_THAT(with(R"("applied_index":5,"digest_index":4,"digest":"x")",
                   R"("applied_index":5,"digest_index":3,"digest":"y")"),
              IsEmpty());
  EXPECT_THAT(with(R"("digest_index":5,"digest":"x")",
                   R"("digest_index":5,"digest":null)"),
              IsEmpty());
}

TEST(cluster_status, what_was_mended_is_worth_a_line_but_no_trouble) {
  std::string text{healthy};
  const std::string first{R"("wanted":["n1","n2","n3"],)"};
  text.insert(
    text.find(first),
    R"("taken_out":[{"node":"n2","out_ms":1,"back_ms":2,"state":"back"},{"node":"n3","out_ms":1,"back_ms":0,"state":"dropping"}],)");
  const auto x = parse_cluster_status(text).value();
  EXPECT_THAT(troubles(x), IsEmpty());
  EXPECT_THAT(remarks(x), ElementsAre("what n2 held of shard 0 differed and "
                                      "was replaced: look after its disk"));
  EXPECT_THAT(cluster_tables(x),
              testing::StartsWith("i what n2 held of shard 0 differed"));
}

TEST(cluster_status, it_is_settled_when_replicas_and_leaders_are_in_place) {
  EXPECT_EQ(unsettled(status_of_text(healthy)), "");
  EXPECT_EQ(unsettled(status_of_text(troubled)), "1 move in progress");
  auto x = status_of_text(healthy);
  x.shards[0].wanted = {"n1", "n2", "n4"};
  EXPECT_THAT(unsettled(x), HasSubstr("not in place yet: shard 0"));
  x = status_of_text(healthy);
  x.shards[1].replicas.front().voter = false;
  EXPECT_THAT(unsettled(x), HasSubstr("not in place yet: shard 1"));
  x = status_of_text(healthy);
  x.shards[1].leader = "n1";
  EXPECT_THAT(unsettled(x), HasSubstr("wanted node yet: shard 1"));
  x.shards[1].pinned = "n1";
  EXPECT_EQ(unsettled(x), "");
}

TEST(ranges, are_short) {
  EXPECT_EQ(ranges({"3", "0", "1", "2", "7"}), "0-3, 7");
  EXPECT_EQ(ranges({"1", "2"}), "1, 2");
  EXPECT_EQ(ranges({"directory", "5"}), "directory, 5");
}

TEST(admin, status_prints_the_tables_or_the_document) {
  scripted_node script;
  script.answers.emplace_back(reply(200, healthy));
  auto node = script.as_node();
  admin_options x;
  EXPECT_EQ(show_status(x, node), exit_status::done);
  EXPECT_EQ(script.printed, healthy_shown);
  script.printed.clear();
  x.json = true;
  EXPECT_EQ(show_status(x, node), exit_status::done);
  EXPECT_EQ(script.printed, std::string{healthy} + '\n');
  EXPECT_EQ(script.calls.back(), "GET /v1/admin/cluster");
}

TEST(admin, a_checked_status_fails_if_something_is_wrong) {
  scripted_node script;
  script.answers.emplace_back(reply(200, troubled));
  auto node = script.as_node();
  admin_options x;
  EXPECT_EQ(show_status(x, node), exit_status::done);
  x.check = true;
  EXPECT_EQ(show_status(x, node), exit_status::failed);
}

TEST(admin, each_order_becomes_one_call) {
  scripted_node script;
  script.answers.emplace_back(reply(202, R"({"version":3})"));
  auto node = script.as_node();
  const auto x = options_for("n4", 7);
  for (const auto order :
       {admin_order::add_node, admin_order::remove_node, admin_order::rebalance,
        admin_order::transfer, admin_order::pin, admin_order::unpin})
    EXPECT_EQ(give_order(x, order, node), exit_status::done);
  EXPECT_THAT(
    script.calls,
    ElementsAre(R"(POST /v1/admin/cluster/nodes {"node":"n4"})",
                "DELETE /v1/admin/cluster/nodes/n4",
                "POST /v1/admin/cluster/rebalance",
                R"(POST /v1/admin/cluster/shards/7/transfer {"node":"n4"})",
                R"(PUT /v1/admin/cluster/shards/7/pin {"node":"n4"})",
                "DELETE /v1/admin/cluster/shards/7/pin"));
}

TEST(admin, the_exit_status_says_why_an_order_was_not_taken) {
  const auto status_for = [](result<node_reply> answer) {
    scripted_node script;
    script.answers.push_back(std::move(answer));
    auto node = script.as_node();
    return give_order(options_for("n4"), admin_order::add_node, node);
  };
  EXPECT_EQ(status_for(reply(403, "{}")), exit_status::refused);
  EXPECT_EQ(status_for(reply(409, "{}")), exit_status::refused);
  EXPECT_EQ(status_for(reply(404, "{}")), exit_status::failed);
  EXPECT_EQ(status_for(reply(503, "{}")), exit_status::unreachable);
  EXPECT_EQ(status_for(fail(errc::unavailable, "nobody answers")),
            exit_status::unreachable);
}

TEST(admin, waiting_ends_when_the_cluster_is_as_ordered) {
  scripted_node script;
  script.answers.emplace_back(reply(202, R"({"version":9})"));
  auto stale = std::string{healthy};
  stale.replace(stale.find("\"version\":9"), 11, "\"version\":8");
  script.answers.emplace_back(reply(200, stale));
  script.answers.emplace_back(fail(errc::unavailable, "nobody answers"));
  script.answers.emplace_back(reply(200, troubled));
  script.answers.emplace_back(reply(200, troubled));
  script.answers.emplace_back(reply(200, healthy));
  auto node = script.as_node();
  auto x = options_for("");
  x.wait = true;
  EXPECT_EQ(give_order(x, admin_order::rebalance, node), exit_status::done);
  EXPECT_EQ(script.printed,
            "3 nodes up, 2 shards, all with a leader and 3 voters, 0 moves\n");
  EXPECT_EQ(script.progress, "the map is older than the order\n"
                             "nobody answers\n"
                             "1 move in progress\n");
  EXPECT_EQ(script.calls.size(), 6u);
}

TEST(admin, waiting_for_a_node_to_go_ends_when_it_is_gone) {
  scripted_node script;
  script.answers.emplace_back(reply(202, "{}"));
  script.answers.emplace_back(reply(200, healthy));
  auto node = script.as_node();
  auto x = options_for("n3");
  x.wait = true;
  x.timeout = std::chrono::seconds{3};
  EXPECT_EQ(give_order(x, admin_order::remove_node, node), exit_status::failed);
  EXPECT_THAT(script.progress, HasSubstr("n3 still has 3 replicas"));
  EXPECT_LE(script.now.time_since_epoch(), x.timeout);
  x.name = "n9";
  EXPECT_EQ(give_order(x, admin_order::remove_node, node), exit_status::done);
}

TEST(admin, waiting_for_a_leader_looks_at_that_shard) {
  scripted_node script;
  script.answers.emplace_back(reply(200, healthy));
  auto node = script.as_node();
  auto x = options_for("n2", 1);
  x.wait = true;
  EXPECT_EQ(give_order(x, admin_order::transfer, node), exit_status::done);
  x.shard = 0;
  x.timeout = std::chrono::seconds{1};
  EXPECT_EQ(give_order(x, admin_order::transfer, node), exit_status::failed);
}

} // namespace callboard
