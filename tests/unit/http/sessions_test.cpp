#include "transport/session_id.hpp"

#include "tests/unit/http/http_fixture.hpp"

#include <algorithm>

namespace callboard::test {

namespace {

/// The list of connections, on a node with several hubs.
class sessions : public http_test {
protected:
  static settings conf() {
    auto out = default_settings();
    out.listen.operator_address = "127.0.0.1:0";
    out.listen.threads = 3;
    return out;
  }

  void SetUp() override {
    start(conf());
  }

  /// The list for an operator of all tenants.
  wire_reply ask_operator(const std::string& query = {}) {
    wire_client client{operator_port_};
    client.send(text_of("GET", "/v1/admin/sessions" + query, {}, {}, {}));
    return client.receive();
  }

  /// A tenant's part of that list.
  std::vector<std::string> ids_of(const std::string& tenant,
                                  const std::string& query = {}) {
    auto reply = ask_operator(query);
    auto ids = all(reply, "id"), tenants = all(reply, "tenant");
    std::vector<std::string> out;
    for (std::size_t i = 0; i < ids.size() && i < tenants.size(); ++i)
      if (tenants[i] == tenant)
        out.push_back(ids[i]);
    return out;
  }

  std::string only_id_of(const std::string& tenant) {
    auto ids = ids_of(tenant);
    EXPECT_EQ(ids.size(), 1u);
    return ids.empty() ? std::string{} : ids.front();
  }

  /// Makes `x` a connection of that tenant.
  void enter(wire_client& x, const std::string& tenant) {
    x.send(text_of("GET", "/v1/projects/p1/runs", {}, {},
                   token("subscribe", tenant)));
    EXPECT_EQ(x.receive().status, 200);
  }

  wire_reply list(const std::string& query = {},
                  const std::string& tenant = "t1") {
    return ask("GET", "/v1/admin/sessions" + query, {}, {},
               token("operate", tenant));
  }

  wire_reply close(const std::string& id, const std::string& tenant = "t1") {
    return ask("DELETE", "/v1/admin/sessions/" + id, {}, {},
               token("operate", tenant));
  }

  /// The values of that text member in the order of the list.
  static std::vector<std::string> all(const wire_reply& from,
                                      const std::string& member) {
    std::vector<std::string> out;
    auto name = "\"" + member + "\":\"";
    for (auto at = from.body.find(name); at != from.body.npos;
         at = from.body.find(name, at + 1)) {
      auto begin = at + name.size();
      out.push_back(
        from.body.substr(begin, from.body.find('"', begin) - begin));
    }
    return out;
  }

  static std::size_t count(const std::vector<std::string>& xs,
                           const std::string& x) {
    return static_cast<std::size_t>(std::count(xs.begin(), xs.end(), x));
  }

  static std::uint64_t number_of(const std::string& id) {
    auto parsed = session_id::parse(id);
    EXPECT_TRUE(parsed && parsed->node == "n1") << id;
    return parsed ? parsed->number : 0;
  }
};

} // namespace

TEST(session_ids, are_read_as_they_are_written) {
  for (std::string text : {"n1:7", "a:b:7", "7"}) {
    auto id = session_id::parse(text);
    ASSERT_TRUE(id) << text;
    EXPECT_EQ(id->number, 7u);
    EXPECT_EQ(to_string(*id), text);
  }
  EXPECT_EQ(session_id::parse("a:b:7")->node, "a:b");
  for (auto text : {"", ":", ":7", "n1:", "n1", "n1:0", "n1:-1", "n1:7x",
                    "n1: 7", "n1:99999999999999999999"})
    EXPECT_FALSE(session_id::parse(text)) << text;
}

TEST_F(sessions, are_seen_by_operators_of_their_tenant_only) {
  wire_client mine{port_}, other{port_};
  enter(mine, "t1");
  enter(other, "t2");
  auto tenants = all(list(), "tenant");
  EXPECT_GE(count(tenants, "t1"), 2u);
  EXPECT_EQ(count(tenants, "t2"), 0u);
  EXPECT_TRUE(std::get<find_sessions>(engine_.last_admin()).tenant.value
              == "t1");
  auto every = ask_operator();
  EXPECT_EQ(count(all(every, "tenant"), "t2"), 1u) << every.body;
}

TEST_F(sessions, are_listed_in_pages_by_number) {
  std::vector<std::unique_ptr<wire_client>> clients;
  for (int i = 0; i < 7; ++i)
    enter(*clients.emplace_back(std::make_unique<wire_client>(port_)), "t2");
  std::vector<std::uint64_t> seen;
  std::string query = "?limit=2";
  for (int pages = 0; pages < 10 && !query.empty(); ++pages) {
    auto page = ask_operator(query);
    auto ids = all(page, "id");
    EXPECT_LE(ids.size(), 2u);
    for (auto& id : ids)
      seen.push_back(number_of(id));
    auto next = page.member("next_cursor");
    query = next.empty() ? next : "?limit=2&cursor=" + next;
  }
  EXPECT_TRUE(query.empty()) << "the last page has no next_cursor";
  EXPECT_GE(seen.size(), 7u);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end());
}

TEST_F(sessions, of_this_node_come_behind_those_of_lower_names) {
  wire_client one{port_}, two{port_};
  enter(one, "t1");
  enter(two, "t1");
  auto ids = ids_of("t1");
  ASSERT_EQ(ids.size(), 2u);
  EXPECT_EQ(ids_of("t1", "?cursor=n0:99999"), ids);
  EXPECT_EQ(ids_of("t1", "?cursor=" + ids[0]), std::vector{ids[1]});
  EXPECT_EQ(list("?cursor=n2:1").body, R"({"items":[]})");
  for (auto bad : {"12", "n1", "n1:x", "%22"})
    EXPECT_EQ(list(std::string{"?cursor="} + bad).member("pointer"), "/cursor")
      << bad;
}

TEST_F(sessions, are_closed_but_not_those_of_another_tenant) {
  wire_client victim{port_};
  enter(victim, "t2");
  auto id = only_id_of("t2");
  EXPECT_EQ(close(id).status, 404);
  EXPECT_EQ(close("none").status, 404);
  EXPECT_EQ(close(id, "t2").status, 204);
  EXPECT_TRUE(victim.closed());
}

TEST_F(sessions, of_another_node_are_not_closed_for_their_number) {
  wire_client victim{port_};
  enter(victim, "t2");
  auto id = only_id_of("t2");
  auto number = std::to_string(number_of(id));
  EXPECT_EQ(close("n2:" + number, "t2").status, 404);
  enter(victim, "t2"); // lives
  EXPECT_EQ(close(number, "t2").status, 204) << "a number is of this node";
  EXPECT_EQ(std::get<end_session>(engine_.last_admin()).id, id)
    << "other nodes have such a number too";
  EXPECT_TRUE(victim.closed());
}

TEST_F(sessions, get_an_answer_when_they_close_themselves) {
  wire_client own{port_};
  auto operate = token("operate", "t3");
  own.send(text_of("GET", "/v1/admin/sessions", {}, {}, operate));
  auto ids = all(own.receive(), "id");
  ASSERT_EQ(ids.size(), 1u);
  own.send(
    text_of("DELETE", "/v1/admin/sessions/" + ids.front(), {}, {}, operate));
  auto reply = own.receive();
  EXPECT_EQ(reply.status, 204);
  EXPECT_EQ(reply.header("connection"), "close");
  EXPECT_TRUE(own.closed());
}

TEST_F(sessions, are_told_of_once_the_node_serves) {
  server_->stop();
  auto made = server::create(conf());
  ASSERT_TRUE(made);
  server_ = std::move(*made);
  sink_ = server_.get();
  // Another node may ask before this one listens.
  sink_->admin({hub_id{0}, 1, 1}, find_sessions{});
  sink_->admin({hub_id{0}, 1, 2}, end_session{{}, "n1:1"});
  sink_->admin({hub_id{0}, 1, 3}, inspect_cluster{});
  EXPECT_EQ(engine_.replies, 0);
  ASSERT_TRUE(server_->start(engine_));
  EXPECT_TRUE(eventually([&] { return engine_.replies == 3; }));
}

} // namespace callboard::test
