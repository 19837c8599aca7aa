#include "tests/unit/state/store_fixture.hpp"

#include <gtest/gtest.h>

namespace callboard::test {
namespace {

class state_dispatch_test : public store_fixture {
protected:
  static command_arguments command(run_command what, const std::string& run) {
    command_arguments x;
    x.what = what;
    x.run = {run};
    x.lease.worker = "w1";
    x.lease.secret = std::string(lease_secret_bytes, '\x7f');
    x.lease.max_attempts = 2;
    return x;
  }

  void create(const std::string& run, const std::string& fields) {
    auto x = command(run_command::create, run);
    x.fields = fields;
    EXPECT_TRUE(out.order("p", x));
  }

  void take(const std::string& run) {
    EXPECT_TRUE(out.order("p", command(run_command::take, run)));
  }

  void lose(const std::string& run, std::uint64_t term) {
    auto x = command(run_command::lose, run);
    x.lease.term = term;
    EXPECT_TRUE(out.order("p", x));
  }

  /// The runs that wait in a queue, in their order.
  std::string queue(const std::string& name, std::size_t limit = 100) {
    auto page = store->queued_runs(shard, out.room("p"), name, limit);
    EXPECT_TRUE(page);
    std::string text;
    for (auto& x : page->runs)
      text += (text.empty() ? "" : " ") + x.run.value;
    return text + (page->more ? " …" : "");
  }

  std::string leased() {
    auto runs = store->leased_runs(shard);
    EXPECT_TRUE(runs);
    std::string text;
    for (auto& x : *runs)
      text += (text.empty() ? "" : " ") + x.room.project.value + "/"
              + x.run.value + "@" + std::to_string(x.lease->term);
    return text;
  }
};

} // namespace

TEST_F(state_dispatch_test, a_queue_lists_its_pending_runs_oldest_first) {
  create("b", R"({"workflow_definition_id":"build"})");
  create("a", R"({"workflow_definition_id":"build","workflow_name":"other"})");
  create("n", R"({"workflow_name":"By name"})");
  create("x", R"({"name":"no workflow"})");
  out.add("p", run_event("e", R"({"workflow_definition_id":"build"})"));
  ASSERT_TRUE(apply());
  EXPECT_EQ(queue("build"), "b a");
  EXPECT_EQ(queue("build", 1), "b …");
  EXPECT_EQ(queue("By name"), "n");
  EXPECT_EQ(queue("other"), "");
  EXPECT_EQ(at(detail("p", "b"), "dispatch/state"), R"("queued")");
  EXPECT_EQ(at(detail("p", "e"), "dispatch"), "(none)");
}

TEST_F(state_dispatch_test, a_producers_own_field_is_shown_as_ever) {
  out.add("p", run_event("e", R"({"dispatch":7,"worker":"me","attempt":"x"})"));
  ASSERT_TRUE(apply());
  EXPECT_EQ(at(detail("p", "e"), "dispatch"), "7");
  EXPECT_EQ(at(detail("p", "e"), "worker"), R"("me")");
}

TEST_F(state_dispatch_test, a_taken_run_leaves_the_queue_and_has_a_lease) {
  create("r", R"({"workflow_definition_id":"build"})");
  ASSERT_TRUE(apply());
  take("r");
  ASSERT_TRUE(apply());
  reopen();
  EXPECT_EQ(queue("build"), "");
  EXPECT_EQ(leased(), "p/r@1");
  auto x = detail("p", "r");
  EXPECT_EQ(at(x, "status"), R"("running")");
  EXPECT_EQ(at(x, "worker"), R"("w1")");
  EXPECT_EQ(at(x, "dispatch"),
            R"({"queue":"build","state":"leased","attempt":1,"term":1,)"
            R"("worker":"w1"})");
  auto brief = store->load_run(shard, out.room("p"), {"r"});
  ASSERT_TRUE(brief && *brief && (*brief)->dispatch);
  EXPECT_EQ((*brief)->dispatch->secret, std::string(16, '\x7f'));
  EXPECT_EQ((*brief)->dispatch->queue, "build");
  EXPECT_GT((*brief)->dispatch->created_ms, 0);
}

TEST_F(state_dispatch_test, a_lost_run_goes_back_to_its_old_place) {
  create("r", R"({"workflow_definition_id":"build"})");
  create("s", R"({"workflow_definition_id":"build"})");
  take("r");
  ASSERT_TRUE(apply());
  EXPECT_EQ(queue("build"), "s");
  lose("r", 1);
  ASSERT_TRUE(apply());
  EXPECT_EQ(queue("build"), "r s");
  EXPECT_EQ(leased(), "");
  EXPECT_EQ(at(detail("p", "r"), "status"), R"("pending")");
}

TEST_F(state_dispatch_test, taken_lost_and_taken_again_in_one_batch) {
  create("r", R"({"workflow_definition_id":"build"})");
  take("r");
  ASSERT_TRUE(apply());
  lose("r", 1);
  take("r");
  ASSERT_TRUE(apply());
  EXPECT_EQ(queue("build"), "");
  EXPECT_EQ(leased(), "p/r@3");
  lose("r", 3); // the second attempt of two
  ASSERT_TRUE(apply());
  EXPECT_EQ(queue("build"), "");
  EXPECT_EQ(leased(), "");
  EXPECT_EQ(at(detail("p", "r"), "status"), R"("failed")");
  EXPECT_EQ(at(detail("p", "r"), "dispatch/state"), R"("ended")");
}

TEST_F(state_dispatch_test, a_producer_that_drives_the_run_empties_the_queue) {
  create("r", R"({"workflow_definition_id":"build"})");
  ASSERT_TRUE(apply());
  out.add("p", run_event("r", R"({"status":"running"})"));
  ASSERT_TRUE(apply());
  EXPECT_EQ(queue("build"), "");
  EXPECT_EQ(leased(), "");
  EXPECT_EQ(at(detail("p", "r"), "dispatch/state"), R"("left")");
}

TEST_F(state_dispatch_test, the_end_of_a_run_ends_its_lease) {
  create("r", R"({"workflow_definition_id":"build"})");
  take("r");
  out.add("p", run_event("r", R"({"status":"completed"})"));
  ASSERT_TRUE(apply());
  EXPECT_EQ(leased(), "");
  EXPECT_EQ(at(detail("p", "r"), "dispatch/state"), R"("ended")");
  EXPECT_EQ(at(detail("p", "r"), "dispatch/attempt"), "1");
}

} // namespace callboard::test
