#include "tests/unit/actors/engine_fixture.hpp"

namespace callboard {
namespace {

class engine_test : public test::engine_fixture {};

const room_key room{{"t"}, {"p1"}};

TEST_F(engine_test, numbers_events_from_one_without_gaps) {
  auto first = publish({run_event("e1", "running"), log_event("e1", "a")});
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].seq, event_seq{1});
  EXPECT_EQ(first[1].seq, event_seq{2});
  auto second = publish({log_event("e2", "b")});
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].seq, event_seq{3});
}

TEST_F(engine_test, a_request_keeps_its_order_across_runs) {
  std::vector<std::string> events;
  for (int i = 0; i < 50; ++i)
    events.push_back(log_event("r" + std::to_string(i % 7), "x"));
  auto got = publish(events);
  ASSERT_EQ(got.size(), 50u);
  for (std::uint64_t i = 0; i < 50; ++i)
    EXPECT_EQ(got[i].seq, event_seq{i + 1});
}

TEST_F(engine_test, the_same_id_is_applied_once_also_after_a_restart) {
  auto first
    = publish({log_event("e1", "a", "x1"), log_event("e1", "b", "x2")});
  auto again = publish({log_event("e1", "b", "x2"), log_event("e1", "c", "x3"),
                        log_event("e1", "c", "x3")});
  ASSERT_EQ(again.size(), 3u);
  EXPECT_EQ(again[0].seq, first[1].seq);
  EXPECT_EQ(again[1].seq, event_seq{3});
  EXPECT_EQ(again[2].seq, event_seq{3});
  restart();
  auto later
    = publish({log_event("e1", "a", "x1"), log_event("e1", "d", "x4")});
  ASSERT_EQ(later.size(), 2u);
  EXPECT_EQ(later[0].seq, event_seq{1});
  EXPECT_EQ(later[1].seq, event_seq{4});
}

TEST_F(engine_test, the_same_id_in_flight_is_answered_alike) {
  std::vector<std::uint64_t> asked;
  for (int i = 0; i < 20; ++i)
    asked.push_back(send({log_event("e1", "a", "same")}));
  for (auto request : asked) {
    auto got = results(request);
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].seq, event_seq{1});
  }
}

TEST_F(engine_test, an_illegal_transition_is_a_conflict_and_stops_nobody_else) {
  publish({run_event("e1", "running"), run_event("e1", "completed")});
  auto got = publish({run_event("e1", "running"), run_event("e2", "running")});
  ASSERT_EQ(got.size(), 2u);
  ASSERT_TRUE(got[0].error);
  EXPECT_EQ(got[0].error->code, errc::conflict);
  EXPECT_NE(got[0].error->detail.find("completed"), std::string::npos);
  EXPECT_NE(got[0].error->detail.find("running"), std::string::npos);
  EXPECT_EQ(got[1].seq, event_seq{3});
}

TEST_F(engine_test, commands_change_the_state_and_reach_the_room) {
  publish({run_event("e1", "running")});
  auto paused = command(run_command::pause, "e1");
  ASSERT_TRUE(paused) << paused.error().detail;
  EXPECT_NE(paused->json.find("\"status\":\"paused\""), std::string::npos);
  auto again = command(run_command::pause, "e1");
  ASSERT_TRUE(again || again.error().code == errc::conflict);
  EXPECT_TRUE(command(run_command::cancel, "e1"));
  auto late = command(run_command::resume, "e1");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, errc::conflict);
  auto unknown = command(run_command::pause, "nobody");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, errc::not_found);
}

TEST_F(engine_test, a_retry_makes_a_new_run_that_names_the_old_one) {
  auto made
    = command(run_command::create, "e1", R"({"name":"n","input":{"a":1.0}})");
  ASSERT_TRUE(made) << made.error().detail;
  EXPECT_EQ(made->http_status, 201);
  auto early = command(run_command::retry, "e1");
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, errc::conflict);
  command(run_command::cancel, "e1");
  auto retried = command(run_command::retry, "e1");
  ASSERT_TRUE(retried) << retried.error().detail;
  EXPECT_EQ(retried->http_status, 201);
  EXPECT_NE(retried->json.find("\"retry_of\":\"e1\""), std::string::npos)
    << retried->json;
  EXPECT_NE(retried->json.find("{\"a\":1.0}"), std::string::npos);
  auto twice = command(run_command::create, "e1", "{}");
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, errc::conflict);
}

TEST_F(engine_test, a_hub_that_joined_gets_every_later_event_in_order) {
  publish({log_event("e1", "before")});
  host->api().join_room(hub_id{0}, room, 7);
  ASSERT_TRUE(sink.wait([](auto& xs) {
    return !xs.empty() && std::holds_alternative<room_joined>(xs.front());
  }));
  auto joined = std::get<room_joined>(sink.signals().front());
  EXPECT_EQ(joined.head, event_seq{1});
  EXPECT_EQ(joined.token, 7u);
  for (int i = 0; i < 100; ++i)
    send({log_event("e1", std::to_string(i))});
  std::uint64_t expected = 1;
  ASSERT_TRUE(sink.wait([&](auto& xs) {
    expected = 1;
    for (auto& x : xs)
      if (auto batch = std::get_if<std::shared_ptr<const room_batch>>(&x)) {
        EXPECT_EQ((*batch)->previous, event_seq{expected});
        for (auto& event : (*batch)->events)
          EXPECT_EQ(event.seq, event_seq{++expected});
      }
    return expected == 101;
  }));
}

TEST_F(engine_test, events_for_the_tenant_have_a_room_of_their_own) {
  auto got = publish({R"({"type":"kb:done","scope":"tenant","data":{"n":1}})",
                      R"({"type":"kb:done","data":{"n":2}})",
                      R"({"type":"kb:done","scope":"tenant","data":{"n":3}})"});
  ASSERT_EQ(got.size(), 3u);
  EXPECT_EQ(got[0].seq, event_seq{1});
  EXPECT_EQ(got[1].seq, event_seq{1});
  EXPECT_EQ(got[2].seq, event_seq{2});
}

TEST_F(engine_test, definitions_come_and_go) {
  auto put = [&](std::string fields) {
    auto to = next();
    host->api().define(to, {room, {"d1"}, std::move(fields)});
    return document(to.request);
  };
  auto missing = put("");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, errc::not_found);
  auto made = put(R"({"name":"Build","phases":["a","b"]})");
  ASSERT_TRUE(made) << made.error().detail;
  auto read = ask(query::definition{room, {"d1"}});
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_NE(read->json.find("\"Build\""), std::string::npos);
  auto gone = put("");
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->http_status, 204);
  EXPECT_FALSE(ask(query::definition{room, {"d1"}}));
}

TEST_F(engine_test, operators_see_live_actors_of_their_tenant_only) {
  publish({run_event("e1", "running")});
  auto list = [&](const char* tenant, const char* kind) {
    auto to = next();
    host->api().admin(to, find_actors{{tenant}, kind, 50, {}});
    return document(to.request);
  };
  auto mine = list("t", "run");
  ASSERT_TRUE(mine);
  EXPECT_NE(mine->json.find("\"p1/e1\""), std::string::npos) << mine->json;
  EXPECT_EQ(list("other", "run")->json, R"({"items":[]})");
  auto show = [&](const char* tenant, const char* kind, const char* id) {
    auto to = next();
    host->api().admin(to, inspect_actor{{tenant}, kind, id});
    return document(to.request);
  };
  for (auto id : {"p1/e1", "e1"}) {
    auto run = show("t", "run", id);
    ASSERT_TRUE(run) << id << run.error().detail;
    EXPECT_NE(run->json.find("\"status\":\"running\""), std::string::npos);
  }
  EXPECT_TRUE(show("t", "room", "project:p1"));
  EXPECT_TRUE(show("t", "shard", "0"));
  EXPECT_FALSE(show("other", "run", "p1/e1"));
  EXPECT_FALSE(show("other", "room", "project:p1"));
  EXPECT_FALSE(show("t", "run", "p1/nobody"));
  auto to = next();
  host->api().admin(to, inspect_storage{{"t"}});
  auto storage = document(to.request);
  ASSERT_TRUE(storage);
  EXPECT_TRUE(json::document::parse(storage->json)) << storage->json;
}

TEST_F(engine_test, operators_see_a_room_that_has_only_viewers) {
  auto show = [&](const char* name) {
    auto to = next();
    host->api().admin(to, inspect_actor{{"t"}, "room", name});
    return document(to.request);
  };
  EXPECT_FALSE(show("project:p1"));
  host->api().join_room(hub_id{0}, {{"t"}, {"p1"}}, 7);
  ASSERT_TRUE(sink.wait([](auto& all) { return !all.empty(); }));
  auto shown = show("project:p1");
  ASSERT_TRUE(shown) << shown.error().detail;
  EXPECT_NE(shown->json.find("\"joined\":true"), std::string::npos)
    << shown->json;
  EXPECT_FALSE(show("project:p2"));
}

TEST_F(engine_test, refuses_writes_while_it_drains_and_still_reads) {
  publish({log_event("e1", "a")});
  host->drain(std::chrono::seconds{5});
  auto got = sink.take(send({log_event("e1", "b")}));
  ASSERT_TRUE(got);
  ASSERT_FALSE(got->outcome);
  EXPECT_EQ(got->outcome.error().code, errc::unavailable);
  EXPECT_TRUE(ask(query::run_detail{room, {"e1"}}));
}

class passivating_engine_test : public engine_test {
  void adjust(settings& conf) override {
    conf.engine.passivate_after = std::chrono::milliseconds{0};
  }
};

TEST_F(passivating_engine_test, a_run_that_went_comes_back_as_it_was) {
  publish({run_event("e1", "running", "a"), run_event("e1", "completed", "b")});
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (host->api().metrics().active_runs > 0
         && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_EQ(host->api().metrics().active_runs, 0u);
  auto got
    = publish({run_event("e1", "completed", "b"), run_event("e1", "failed")});
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0].seq, event_seq{2});
  ASSERT_TRUE(got[1].error);
  EXPECT_EQ(got[1].error->code, errc::conflict);
}

class small_runs_engine_test : public engine_test {
  void adjust(settings& conf) override {
    conf.limits.steps_per_run = 2;
  }
};

TEST_F(small_runs_engine_test, a_run_has_no_more_steps_than_configured) {
  auto step = [](const char* id) {
    return std::string{R"({"type":"workflow:execution:step:updated","data":)"}
           + R"({"execution_id":"e1","step_id":")" + id
           + R"(","changes":{"status":"running"}}})";
  };
  auto got = publish({step("a"), step("b"), step("c"), step("a")});
  ASSERT_EQ(got.size(), 4u);
  EXPECT_EQ(got[1].seq, event_seq{2});
  ASSERT_TRUE(got[2].error);
  EXPECT_EQ(got[2].error->code, errc::too_large);
  EXPECT_EQ(got[2].error->pointer, "/data/step_id");
  EXPECT_EQ(got[3].seq, event_seq{3});
}

class trimming_engine_test : public engine_test {
  void adjust(settings& conf) override {
    conf.storage.retain_events = 100;
  }
};

TEST_F(trimming_engine_test, keeps_the_configured_number_of_events) {
  for (int i = 0; i < 300; ++i)
    send({log_event("e1", std::to_string(i))});
  publish({log_event("e1", "last")});
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  event_seq oldest;
  while (oldest < event_seq{100}
         && std::chrono::steady_clock::now() < deadline) {
    auto to = next();
    host->api().history(to, {room, {}, {}, {}, 1024});
    auto got = sink.take(to.request);
    ASSERT_TRUE(got && got->outcome);
    oldest = std::get<history_answer>(*got->outcome).chunk.oldest;
  }
  EXPECT_GE(oldest, event_seq{100});
  EXPECT_EQ(publish({log_event("e1", "next")})[0].seq, event_seq{302});
}

class expiring_engine_test : public engine_test {
  void adjust(settings& conf) override {
    conf.storage.retain_age = std::chrono::hours{1};
  }
};

TEST_F(expiring_engine_test, forgets_events_that_are_older_than_configured) {
  for (int i = 0; i < 10; ++i)
    send({R"({"type":"kb:old","ts":"2020-01-01T00:00:00Z"})"});
  publish({R"({"type":"kb:new"})", R"({"type":"kb:new"})"});
  restart(); // active rooms are searched when they come up, then once a minute
  publish({R"({"type":"kb:new"})"});
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  event_seq oldest;
  while (oldest < event_seq{11}
         && std::chrono::steady_clock::now() < deadline) {
    auto to = next();
    host->api().history(to, {room, {}, {}, {}, 1024});
    auto got = sink.take(to.request);
    ASSERT_TRUE(got && got->outcome);
    oldest = std::get<history_answer>(*got->outcome).chunk.oldest;
  }
  EXPECT_EQ(oldest, event_seq{11});
}

} // namespace
} // namespace callboard
