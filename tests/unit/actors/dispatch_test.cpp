#include "actors/model/json.hpp"

#include "tests/unit/actors/engine_fixture.hpp"

#include <set>
#include <thread>

namespace callboard::test {
namespace {

using std::chrono::milliseconds;

/// A lease that a test holds.
struct held_run {
  std::string run;
  std::string token;
  std::uint64_t attempt = 0;
};

class dispatch_engine_test : public engine_fixture {
protected:
  void adjust(settings& conf) override {
    conf.dispatch.lease = lease;
    conf.dispatch.max_attempts = 2;
  }

  void create(const std::string& run, const std::string& queue = "build") {
    auto made = command(run_command::create, run.c_str(),
                        R"({"workflow_definition_id":")" + queue + "\"}");
    ASSERT_TRUE(made) << made.error().detail;
  }

  std::uint64_t start_taking(milliseconds wait, const std::string& worker = "w",
                             const std::string& queue = "build") {
    auto to = next();
    host->api().take(to, {{{"t"}, {"p1"}}, queue, worker, wait});
    return to.request;
  }

  /// nullopt: there was none.
  std::optional<held_run> taken(std::uint64_t request) {
    auto got = document(request);
    if (!got) {
      ADD_FAILURE() << got.error().detail;
      return std::nullopt;
    }
    if (got->http_status == 204)
      return std::nullopt;
    auto doc = json::document::parse(got->json);
    auto x = doc->root().find("lease");
    return held_run{x->find("execution_id")->string(),
                    x->find("token")->string(),
                    std::stoull(std::string{x->find("attempt")->raw()})};
  }

  std::optional<held_run> take(milliseconds wait = milliseconds{0}) {
    return taken(start_taking(wait));
  }

  result<document_answer> lease_call(lease_request::what op,
                                     const held_run& x) {
    auto to = next();
    host->api().lease(to, {op, {{"t"}, {"p1"}}, *parse_lease(x.token), {}});
    return document(to.request);
  }

  errc heartbeat(const held_run& x) {
    auto done = lease_call(lease_request::what::heartbeat, x);
    return done ? errc::none : done.error().code;
  }

  std::vector<publish_result> publish_under(const held_run& x,
                                            std::vector<std::string> events) {
    publish_request out;
    out.room = {{"t"}, {"p1"}};
    out.lease = *parse_lease(x.token);
    for (auto& text : events)
      out.items.push_back(parse(text, out.room.project));
    auto to = next();
    host->api().publish(to, std::move(out));
    return results(to.request);
  }

  std::string detail(const std::string& run) {
    auto got = ask(query::run_detail{{{"t"}, {"p1"}}, {run}});
    return got ? got->json : got.error().detail;
  }

  bool has(const std::string& run, const std::string& part) {
    return detail(run).find(part) != std::string::npos;
  }

  bool comes(const std::string& run, const std::string& part) {
    auto until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (!has(run, part)) {
      if (std::chrono::steady_clock::now() > until) {
        ADD_FAILURE() << detail(run);
        return false;
      }
      std::this_thread::sleep_for(milliseconds{5});
    }
    return true;
  }

  milliseconds lease{30'000};
};

class short_lease_engine_test : public dispatch_engine_test {
protected:
  short_lease_engine_test() {
    lease = milliseconds{300};
  }
};

} // namespace

TEST_F(dispatch_engine_test, a_worker_gets_the_oldest_run_and_ends_it) {
  create("a");
  create("b");
  auto got = take();
  ASSERT_TRUE(got);
  EXPECT_EQ(got->run, "a");
  EXPECT_EQ(got->attempt, 1u);
  EXPECT_TRUE(has("a", R"("status":"running")"));
  EXPECT_TRUE(has("a", R"("state":"leased")"));
  EXPECT_TRUE(has("a", R"("expires_at":")"));
  EXPECT_EQ(heartbeat(*got), errc::none);
  auto done = publish_under(
    *got, {log_event("a", "working"), run_event("a", "completed")});
  EXPECT_TRUE(done[0].seq && done[1].seq);
  EXPECT_EQ(heartbeat(*got), errc::conflict);
  EXPECT_EQ(take()->run, "b");
  EXPECT_FALSE(take());
}

TEST_F(dispatch_engine_test, a_waiting_worker_gets_a_new_run_at_once) {
  auto waiting = start_taking(std::chrono::seconds{20});
  EXPECT_FALSE(take()); // somebody else is told that there is none
  create("a");
  auto got = taken(waiting);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->run, "a");
}

TEST_F(dispatch_engine_test, who_waits_in_vain_is_told_so) {
  EXPECT_FALSE(take(milliseconds{150}));
}

TEST_F(dispatch_engine_test, a_run_that_its_producer_drives_is_not_given_away) {
  create("a");
  create("b");
  ASSERT_TRUE(publish({run_event("a", "running")})[0].seq);
  ASSERT_TRUE(command(run_command::cancel, "b"));
  ASSERT_TRUE(publish({run_event("c", "running")})[0].seq);
  EXPECT_FALSE(take());
}

TEST_F(dispatch_engine_test, many_workers_share_many_runs) {
  constexpr int runs = 100, workers = 20;
  std::vector<std::uint64_t> waiting;
  for (int i = 0; i < workers; ++i)
    waiting.push_back(start_taking(std::chrono::seconds{20}));
  for (int i = 0; i < runs; ++i)
    create("r" + std::to_string(i));
  std::set<std::string> seen;
  for (std::size_t i = 0; i < waiting.size() && seen.size() < runs; ++i) {
    auto got = taken(waiting[i]);
    ASSERT_TRUE(got);
    EXPECT_TRUE(seen.insert(got->run).second) << got->run << " given twice";
    waiting.push_back(start_taking(std::chrono::seconds{20}));
  }
  EXPECT_EQ(seen.size(), 100u);
}

TEST_F(dispatch_engine_test, a_run_given_back_is_given_to_the_next) {
  create("a");
  auto got = take();
  ASSERT_TRUE(got);
  auto waiting = start_taking(std::chrono::seconds{20});
  auto back = lease_call(lease_request::what::release, *got);
  ASSERT_TRUE(back) << back.error().detail;
  auto again = taken(waiting);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->run, "a");
  EXPECT_EQ(again->attempt, 1u); // giving back counts for nothing
  EXPECT_EQ(lease_call(lease_request::what::release, *got).error().code,
            errc::conflict);
}

TEST_F(dispatch_engine_test, events_under_a_lease_are_about_its_run_only) {
  create("a");
  auto got = take();
  ASSERT_TRUE(got);
  auto done
    = publish_under(*got, {log_event("a", "1"), log_event("b", "2"),
                           R"({"type":"kb:document:completed","data":{}})",
                           log_event("a", "3")});
  EXPECT_TRUE(done[0].seq && done[3].seq);
  EXPECT_EQ(done[1].error->code, errc::invalid);
  EXPECT_EQ(done[2].error->code, errc::invalid);
}

TEST_F(dispatch_engine_test, a_retried_run_waits_for_a_worker_too) {
  create("a");
  auto got = take();
  ASSERT_TRUE(got);
  publish_under(*got, {run_event("a", "failed")});
  ASSERT_TRUE(command(run_command::retry, "a"));
  auto again = take();
  ASSERT_TRUE(again);
  EXPECT_NE(again->run, "a");
  EXPECT_TRUE(has(again->run, R"("retry_of":"a")"));
}

TEST_F(dispatch_engine_test, queues_and_leases_survive_a_restart) {
  create("a");
  create("b");
  auto got = take();
  ASSERT_TRUE(got);
  restart();
  EXPECT_EQ(heartbeat(*got), errc::none);
  EXPECT_TRUE(publish_under(*got, {log_event("a", "still here")})[0].seq);
  EXPECT_EQ(take()->run, "b");
  EXPECT_FALSE(take());
}

// A new leader knows leases only when it has read all of them.
TEST_F(dispatch_engine_test, leases_are_known_to_the_first_who_asks) {
  constexpr int runs = 200;
  std::vector<held_run> held;
  for (int i = 0; i < runs; ++i) {
    create("r" + std::to_string(i));
    auto got = take();
    ASSERT_TRUE(got);
    held.push_back(*got);
  }
  for (int i = 0; i < 5; ++i) {
    restart();
    EXPECT_EQ(heartbeat(held[i]), errc::none);
    restart();
    EXPECT_TRUE(has(held[i].run, R"("expires_at":")"));
  }
}

TEST_F(dispatch_engine_test, a_run_promised_to_who_has_left_goes_back) {
  auto to = next();
  host->api().take(
    to, {{{"t"}, {"p1"}}, "build", "gone", std::chrono::seconds{20}});
  auto waiting = start_taking(std::chrono::seconds{20}, "here");
  host->api().stop_taking(to, {{"t"}, {"p1"}});
  create("a");
  auto got = taken(waiting);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->run, "a");
  EXPECT_TRUE(has("a", R"("worker":"here")"));
}

// Whether the worker leaves before its run has agreed is a matter of luck.
TEST_F(short_lease_engine_test, a_run_that_agreed_too_late_goes_back) {
  EXPECT_FALSE(take()); // the queue is known from now on
  for (int i = 0; i < 50 && host->api().metrics().leases_released == 0; ++i) {
    auto run = "r" + std::to_string(i);
    create(run);
    auto to = next();
    host->api().take(
      to, {{{"t"}, {"p1"}}, "build", "gone", std::chrono::seconds{20}});
    host->api().stop_taking(to, {{"t"}, {"p1"}});
    auto got = take(std::chrono::seconds{20});
    ASSERT_TRUE(got);
    EXPECT_EQ(got->run, run);
    publish_under(*got, {run_event(run, "completed")});
  }
  EXPECT_GT(host->api().metrics().leases_released, 0u);
}

TEST_F(dispatch_engine_test, tenants_and_projects_are_walls) {
  create("a");
  for (auto room : {room_key{{"other"}, {"p1"}}, room_key{{"t"}, {"p2"}}}) {
    auto to = next();
    host->api().take(to, {room, "build", "w", milliseconds{0}});
    EXPECT_FALSE(taken(to.request));
  }
  auto got = take();
  ASSERT_TRUE(got);
  auto to = next();
  host->api().lease(to, {lease_request::what::heartbeat,
                         {{"other"}, {"p1"}},
                         *parse_lease(got->token),
                         {}});
  EXPECT_EQ(document(to.request).error().code, errc::conflict);
}

TEST_F(short_lease_engine_test, a_silent_worker_loses_its_run) {
  create("a");
  auto first = take();
  ASSERT_TRUE(first);
  auto second = take(std::chrono::seconds{20});
  ASSERT_TRUE(second);
  EXPECT_EQ(second->run, "a");
  EXPECT_EQ(second->attempt, 2u);
  auto late = publish_under(
    *first, {log_event("a", "I am still working"), run_event("a", "completed"),
             R"({"type":"workflow:execution:step:stream",)"
             R"("data":{"execution_id":"a","step_id":"s",)"
             R"("chunk":"x"}})"});
  EXPECT_EQ(late[2].error->code, errc::conflict);
  EXPECT_EQ(late[0].error->code, errc::conflict);
  EXPECT_EQ(late[1].error->code, errc::conflict);
  EXPECT_EQ(heartbeat(*first), errc::conflict);
  EXPECT_TRUE(publish_under(*second, {run_event("a", "completed")})[0].seq);
  EXPECT_TRUE(has("a", R"("status":"completed")"));
}

TEST_F(short_lease_engine_test, heartbeats_keep_a_run) {
  create("a");
  auto got = take();
  ASSERT_TRUE(got);
  auto until = std::chrono::steady_clock::now() + 3 * lease;
  while (std::chrono::steady_clock::now() < until) {
    ASSERT_EQ(heartbeat(*got), errc::none);
    std::this_thread::sleep_for(lease / 10);
  }
  EXPECT_FALSE(take());
  EXPECT_TRUE(publish_under(*got, {run_event("a", "completed")})[0].seq);
}

TEST_F(short_lease_engine_test, a_run_that_too_many_lose_fails) {
  create("a");
  ASSERT_TRUE(take());
  ASSERT_TRUE(take(std::chrono::seconds{20}));
  EXPECT_TRUE(comes("a", R"("status":"failed")"));
  EXPECT_TRUE(has("a", "given up: worker"));
  EXPECT_FALSE(take());
  auto x = host->api().metrics();
  EXPECT_EQ(x.runs_taken, 2u);
  EXPECT_EQ(x.leases_lost, 2u);
  EXPECT_EQ(x.runs_given_up, 1u);
  EXPECT_EQ(x.leases, 0u);
}

TEST_F(short_lease_engine_test, a_lease_is_lost_after_a_restart_too) {
  create("a");
  ASSERT_TRUE(take());
  restart();
  auto again = take(std::chrono::seconds{20});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->attempt, 2u);
}

} // namespace callboard::test
