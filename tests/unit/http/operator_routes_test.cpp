// What operators ask for: readiness, metrics, the cluster and orders for it.

#include "tests/unit/http/http_fixture.hpp"

#include <atomic>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callboard::test {

namespace {

class operator_calls : public http_test {
protected:
  void SetUp() override {
    auto conf = default_settings();
    conf.listen.operator_address = "127.0.0.1:0";
    start(conf);
  }

  wire_reply ask_operator(const std::string& method, const std::string& target,
                          const std::string& with_token = {}) {
    wire_client client{operator_port_};
    client.send(text_of(method, target, {}, {}, with_token));
    return client.receive();
  }
};

} // namespace

TEST_F(operator_calls, the_operator_listener_serves_operators_without_a_token) {
  EXPECT_EQ(ask_operator("GET", "/healthz").status, 200);
  EXPECT_EQ(ask_operator("GET", "/metrics").status, 200);
  EXPECT_EQ(ask_operator("GET", "/v1/admin/storage").status, 200);
  EXPECT_TRUE(std::get<inspect_storage>(engine_.last_admin()).tenant.empty());
  EXPECT_EQ(ask_operator("GET", "/v1/projects/p1/runs", token()).status, 404);
  EXPECT_EQ(ask_operator("GET", "/v1/admin/storage", "rubbish").status, 401);
  EXPECT_EQ(ask_operator("GET", "/v1/admin/storage", token("subscribe")).status,
            403);
}

TEST_F(operator_calls, readiness_says_why_not) {
  EXPECT_EQ(ask("GET", "/readyz", "", "", "").status, 200);
  engine_.is_ready = false;
  auto reply = ask("GET", "/readyz", "", "", "");
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.member("detail"), "the store is opening");
  EXPECT_FALSE(reply.header("retry-after").empty());
}

TEST_F(operator_calls, metrics_are_for_operators) {
  EXPECT_EQ(ask("GET", "/metrics", "", "", "").status, 401);
  EXPECT_EQ(ask("GET", "/metrics", "", "", token("subscribe")).status, 403);
  EXPECT_EQ(ask("GET", "/metrics", "", "", token("operate")).status, 200);
}

TEST_F(operator_calls, metrics_are_prometheus_text) {
  ask("GET", "/healthz");
  auto reply = ask("GET", "/metrics");
  EXPECT_EQ(reply.status, 200);
  EXPECT_TRUE(
    reply.header("content-type").starts_with("text/plain; version=0.0.4"));
  for (std::string_view line :
       {"callboard_events_total{outcome=\"accepted\"} 7",
        "callboard_http_requests_total",
        "callboard_log_sync_seconds_bucket{le=\"+Inf\"} 6",
        "callboard_log_sync_seconds_bucket{le=\"0.01\"} 5",
        "callboard_log_sync_seconds_sum 0.5", "callboard_resident_memory_bytes",
        "callboard_limit_bytes{limit=\"event\"} 1048576",
        "callboard_uptime_seconds"})
    EXPECT_NE(reply.body.find(line), std::string::npos) << line << "\n"
                                                        << reply.body;
}

TEST_F(operator_calls, metrics_show_each_shard_and_each_peer_of_a_cluster) {
  auto reply = ask("GET", "/metrics");
  for (std::string_view line :
       {"callboard_shard_leader{shard=\"0\"} 1",
        "callboard_shard_leader{shard=\"directory\"} 0",
        "callboard_shard_voter{shard=\"directory\"} 0",
        "callboard_shard_term{shard=\"0\"} 3",
        "callboard_shard_last_index{shard=\"0\"} 41",
        "callboard_shard_commit_index{shard=\"0\"} 40",
        "callboard_shard_applied_index{shard=\"0\"} 39",
        "callboard_shard_leadership_changes_total{shard=\"0\"} 2",
        "callboard_shard_lag_entries{shard=\"0\",node=\"n3\",voter=\"false\"} "
        "30",
        "callboard_peer_up{peer=\"n2\"} 1",
        "callboard_peer_sent_bytes_total{peer=\"n2\"} 1000",
        "callboard_peer_round_trip_seconds{peer=\"n2\"} 0.00025"})
    EXPECT_NE(reply.body.find(line), std::string::npos) << line << "\n"
                                                        << reply.body;
}

TEST_F(operator_calls, an_operator_may_ask_for_a_drain) {
  std::atomic<bool> asked{false};
  server_->on_drain_request([&] { asked = true; });
  EXPECT_EQ(ask("POST", "/v1/admin/drain").status, 202);
  EXPECT_TRUE(eventually([&] { return asked.load(); }));
}

TEST_F(operator_calls,
       the_cluster_is_shown_to_operators_whatever_their_tenant) {
  for (auto tenant : {"t1", "t2"}) {
    auto reply
      = ask("GET", "/v1/admin/cluster", "", "", token("operate", tenant));
    EXPECT_EQ(reply.status, 200);
    EXPECT_TRUE(std::holds_alternative<inspect_cluster>(engine_.last_admin()));
  }
  EXPECT_EQ(ask_operator("GET", "/v1/admin/cluster").status, 200);
}

TEST_F(operator_calls, orders_for_the_cluster_are_accepted_and_passed_on) {
  using what = cluster_order::what;
  struct order {
    std::string method, target, body;
    what means;
    std::string node;
    std::optional<std::uint32_t> shard;
  };
  const std::string cluster = "/v1/admin/cluster";
  const std::string node = R"({"node":"n4"})";
  for (auto& x : std::vector<order>{
         {"POST", "/nodes", node, what::add_node, "n4", {}},
         {"DELETE", "/nodes/n4", "", what::remove_node, "n4", {}},
         {"POST", "/rebalance", "", what::rebalance, "", {}},
         {"POST", "/shards/3/transfer", node, what::transfer, "n4", 3},
         {"PUT", "/shards/0/pin", node, what::pin, "n4", 0},
         {"DELETE", "/shards/15/pin", "", what::pin, "", 15},
       }) {
    auto reply = ask(x.method, cluster + x.target, x.body,
                     "Content-Type: application/json\r\n");
    EXPECT_EQ(reply.status, 202) << x.method << x.target << reply.body;
    auto said = std::get<cluster_order>(engine_.last_admin());
    EXPECT_EQ(said.order, x.means) << x.target;
    EXPECT_EQ(said.node, x.node) << x.target;
    EXPECT_EQ(said.shard, x.shard) << x.target;
  }
}

TEST_F(operator_calls, orders_for_the_cluster_say_what_is_wrong_with_them) {
  auto pointer = [&](std::string body) {
    auto reply = ask("POST", "/v1/admin/cluster/nodes", body,
                     "Content-Type: application/json\r\n");
    EXPECT_EQ(reply.status, 400) << body;
    return reply.member("pointer");
  };
  for (std::string body :
       {"{}", R"({"node":7})", R"({"node":"a b"})", R"({"node":""})"})
    EXPECT_EQ(pointer(body), "/node");
  for (std::string shard : {"x", "-1", "99999999999", "1x"})
    EXPECT_EQ(
      ask("DELETE", "/v1/admin/cluster/shards/" + shard + "/pin").status, 404);
  EXPECT_EQ(ask("DELETE", "/v1/admin/cluster/nodes/a%20b").status, 404);
  EXPECT_EQ(ask("GET", "/v1/admin/cluster/nodes").status, 405);
}

} // namespace callboard::test
