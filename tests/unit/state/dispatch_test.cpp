#include "tests/unit/state/store_fixture.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

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

// Whatever happens, and however entries are grouped: the lists say what the
// runs say, and the bytes are the same.
TEST_F(state_dispatch_test, the_lists_follow_the_runs_at_random) {
  std::mt19937 random{7};
  std::map<std::string, run_machine> machines;
  auto claim_of = [](const std::string& run, const dispatch_state& held) {
    return lease_claim{{run}, held.attempt, held.term, held.secret};
  };
  entry_writer entry;
  event_seq head;
  std::vector<std::string> single;
  for (int i = 0; i < 600; ++i) {
    auto run = "r" + std::to_string(random() % 12);
    auto& machine = machines[run];
    auto held = machine.brief().dispatch;
    constexpr run_command commands[]
      = {run_command::create, run_command::take,    run_command::take,
         run_command::lose,   run_command::release, run_command::pause,
         run_command::resume, run_command::cancel};
    auto x = command(commands[random() % std::size(commands)], run);
    x.fields
      = random() % 4 == 0 ? "{}" : R"({"workflow_definition_id":"build"})";
    x.lease.max_attempts = 4;
    if (held) {
      x.lease.term = held->term;
      x.lease.claim = claim_of(run, *held);
    }
    if (x.what == run_command::cancel && random() % 8 != 0)
      continue;
    std::vector<event_record> records;
    if (x.what == run_command::create) {
      if (auto made = machine.create(x, out.room("p"), ++out.now_ms))
        records.push_back(std::move(*made));
    } else if (auto done = machine.decide(x, out.room("p"), ++out.now_ms)) {
      records = std::move(*done);
    }
    if (records.empty())
      continue;
    for (auto& record : records)
      entry.add(out.room("p"), head = next(head), out.epoch, record);
    single.push_back(entry.take());
  }
  ASSERT_GT(single.size(), 100u);
  std::uint64_t index = 0;
  for (std::size_t at = 0; at < single.size();) { // in groups by chance
    auto count = std::min(random() % 5 + 1, single.size() - at);
    std::vector<std::string_view> group(single.begin() + static_cast<long>(at),
                                        single.begin()
                                          + static_cast<long>(at + count));
    at += count;
    index += count;
    ASSERT_TRUE(store->apply(shard, {index}, group));
  }
  temp_dir other_dir;
  auto opts = options();
  opts.dir = other_dir.path();
  auto other = state_store::open(opts, shards);
  ASSERT_TRUE(other);
  for (std::size_t i = 0; i < single.size(); ++i) {
    std::string_view one = single[i];
    ASSERT_TRUE((*other)->apply(shard, {i + 1}, std::span{&one, 1}));
  }
  EXPECT_EQ(*store->digest(shard), *(*other)->digest(shard));
  std::set<std::string> waiting, held;
  for (auto& [run, machine] : machines) {
    auto& brief = machine.brief();
    if (!brief.dispatch)
      continue;
    if (brief.status == run_status::pending)
      waiting.insert(run);
    else if (!is_ended(brief.status) && !brief.dispatch->secret.empty())
      held.insert(run);
    auto stored = store->load_run(shard, out.room("p"), {run});
    ASSERT_TRUE(stored && *stored && (*stored)->dispatch) << run;
    EXPECT_EQ(*(*stored)->dispatch, *brief.dispatch) << run;
  }
  std::set<std::string> listed;
  auto page = store->queued_runs(shard, out.room("p"), "build", 100);
  for (auto& x : page->runs)
    listed.insert(x.run.value);
  EXPECT_EQ(listed, waiting);
  listed.clear();
  auto leases = store->leased_runs(shard);
  for (auto& x : *leases)
    listed.insert(x.run.value);
  EXPECT_EQ(listed, held);
}

} // namespace callboard::test
