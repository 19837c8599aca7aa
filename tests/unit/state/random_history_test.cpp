#include "tests/support/power_cut_env.hpp"
#include "tests/unit/state/random_history.hpp"
#include "tests/unit/state/replay.hpp"
#include "tests/unit/state/store_fixture.hpp"

#include <gtest/gtest.h>

#include <random>

namespace callboard::test {
namespace {

/// Every field of `fields` is shown, and no other that is set.
void expect_fields(const std::string& shown, const field_map& fields) {
  auto doc = json::document::parse(shown);
  ASSERT_TRUE(doc);
  for (auto& [key, raw] : fields.fields()) {
    auto value = doc->root().find(key);
    ASSERT_TRUE(value) << key;
    EXPECT_EQ(value->raw(), raw) << key;
  }
  for (auto key : {"name", "output", "x", "y", "key", "z", "v", "w"}) {
    auto value = doc->root().find(key);
    if (fields.find(key) == nullptr && value) {
      EXPECT_TRUE(value->is(json::kind::null)) << key;
    }
  }
}

/// The detail says what the events of the run add up to.
void expect_detail(const std::string& shown, const replay::run& run) {
  expect_fields(shown, run.fields);
  for (std::size_t i = 0; i < run.steps.size(); ++i) {
    auto path = "steps/" + std::to_string(i);
    EXPECT_EQ(at(shown, path + "/id"), json::quoted(run.steps[i].id));
    expect_fields(at(shown, path), run.steps[i].fields);
  }
  EXPECT_EQ(at(shown, "_count"),
            R"({"steps":)" + std::to_string(run.steps.size()) + R"(,"events":)"
              + std::to_string(run.timeline.size()) + R"(,"artifacts":)"
              + std::to_string(run.artifacts.size()) + "}");
  for (auto& [name, sum] : run.counters)
    EXPECT_EQ(at(shown, "counters/" + name.substr(1, name.size() - 2)),
              std::to_string(sum));
  for (std::size_t i = 0; i < run.artifacts.size(); ++i)
    EXPECT_EQ(at(shown, "artifacts/" + std::to_string(i)),
              run.artifacts[i].second);
  for (std::size_t i = 0; i < run.timeline.size(); ++i)
    EXPECT_EQ(at(shown, "events/" + std::to_string(i) + "/id"),
              run.timeline[i]);
}

class state_random_test : public store_fixture,
                          public ::testing::WithParamInterface<std::uint32_t> {
protected:
  void TearDown() override {
    store.reset(); // before its disk
  }

  storage_options options() override {
    auto out_options = store_fixture::options();
    out_options.env = &disk;
    return out_options;
  }

  /// The state of all runs of a project equals a replay of the events up to the
  /// number that each detail names.
  void expect_state(const std::string& project) {
    auto head = store->load_room(shard, out.room(project))->head;
    replay expected;
    for (auto& x : out.log)
      if (x.room == out.room(project) && x.seq <= head)
        expected.add(x.record);
    for (auto& [id, run] : expected.runs) {
      SCOPED_TRACE(project + "/" + id);
      auto shown = detail(project, id);
      EXPECT_EQ(at(shown, "room_seq"), std::to_string(head.value));
      expect_detail(shown, run);
    }
    query::list_runs all{.room = out.room(project),
                         .statuses = {},
                         .definition = {},
                         .limit = 50,
                         .cursor = {}};
    EXPECT_EQ(items_of(ask(all)), expected.runs.size());
    std::size_t by_status = 0;
    for (auto status :
         {run_status::pending, run_status::running, run_status::paused,
          run_status::completed, run_status::failed, run_status::cancelled}) {
      all.statuses = {status};
      auto page = ask(all);
      for (std::size_t i = 0; i < items_of(page); ++i, ++by_status)
        EXPECT_EQ(at(page, "items/" + std::to_string(i) + "/status"),
                  json::quoted(to_string(status)));
    }
    EXPECT_EQ(by_status, expected.runs.size());
  }

  power_cut_env disk;
};

TEST_P(state_random_test, the_state_is_the_fold_of_the_events_at_every_moment) {
  random_history history{out, GetParam()};
  for (int entry = 0; entry < 12; ++entry) {
    for (auto i = history.below(40); i > 0; --i)
      history.step();
    ASSERT_TRUE(apply());
    expect_state("p0");
    expect_state("p1");
    if (entry == 5) {
      ASSERT_TRUE(store->flush());
    }
  }
}

TEST_P(state_random_test,
       the_digest_does_not_depend_on_how_entries_are_grouped) {
  random_history history{out, GetParam()};
  for (int entry = 0; entry < 30; ++entry) {
    for (auto i = history.below(12); i > 0; --i)
      history.step();
    if (history.below(4) == 0) {
      auto project = history.project();
      auto head = out.head(project).value;
      if (head > 0)
        out.trim(project,
                 {1 + history.below(static_cast<std::uint32_t>(head))});
    }
    ASSERT_TRUE(apply()); // one by one
  }
  auto expected = store->digest(shard);
  ASSERT_TRUE(expected);

  temp_dir other_dir;
  auto grouped = state_store::open({.dir = other_dir.path()}, shards);
  ASSERT_TRUE(grouped);
  for (std::size_t from = 0; from < payloads.size();) {
    auto size
      = std::min<std::size_t>(1 + history.below(9), payloads.size() - from);
    std::vector<std::string_view> group(
      payloads.begin() + static_cast<long>(from),
      payloads.begin() + static_cast<long>(from + size));
    from += size;
    ASSERT_TRUE((*grouped)->apply(shard, {from}, group));
  }
  EXPECT_EQ((*grouped)->digest(shard), expected);

  temp_dir third_dir;
  auto at_once = state_store::open({.dir = third_dir.path()}, shards);
  ASSERT_TRUE(at_once);
  std::vector<std::string_view> all(payloads.begin(), payloads.end());
  ASSERT_TRUE((*at_once)->apply(shard, {payloads.size()}, all));
  EXPECT_EQ((*at_once)->digest(shard), expected);
}

TEST_P(state_random_test,
       a_crash_without_flush_loses_only_what_is_applied_again) {
  random_history history{out, GetParam()};
  for (int entry = 0; entry < 20; ++entry) {
    for (auto i = history.below(20); i > 0; --i)
      history.step();
    ASSERT_TRUE(apply());
    if (entry == 10) {
      ASSERT_TRUE(store->flush());
    }
  }
  auto expected = store->digest(shard);
  disk.cut_after_syncs(0); // a kill, and the disk forgets what it may
  store.reset();
  disk.restore_power();
  reopen();
  auto applied = store->applied(shard);
  ASSERT_TRUE(applied);
  EXPECT_GE(*applied, log_index{11}); // RocksDB may have flushed more
  std::vector<std::string_view> rest(
    payloads.begin() + static_cast<long>(applied->value), payloads.end());
  ASSERT_TRUE(store->apply(shard, {payloads.size()}, rest));
  EXPECT_EQ(store->digest(shard), expected);
}

TEST_P(state_random_test, facts_do_not_depend_on_when_a_run_left_the_memory) {
  random_history history{out, GetParam()};
  publisher lasting;
  random_history same{lasting, GetParam()};
  std::mt19937 random{GetParam()};
  for (int entry = 0; entry < 40; ++entry) {
    for (int i = 0; i < 15; ++i) {
      history.step();
      same.step();
    }
    ASSERT_TRUE(apply());
    for (std::string project : {"p0", "p1"})
      for (int run = 0; run < 5; ++run) {
        if (random() % 2 == 0)
          continue;
        auto id = "e" + std::to_string(run);
        auto stored = store->load_run(shard, out.room(project), {id});
        ASSERT_TRUE(stored) << stored.error().detail;
        out.reload(project, id, std::move(*stored));
      }
  }
  ASSERT_EQ(out.log.size(), lasting.log.size());
  std::size_t moved = 0;
  for (std::size_t i = 0; i < out.log.size(); ++i) {
    ASSERT_EQ(out.log[i].record.facts, lasting.log[i].record.facts) << i;
    moved += out.log[i].record.facts.size() > 2;
  }
  EXPECT_GT(moved, 100u);
}

TEST_P(state_random_test, history_gives_each_event_with_its_facts) {
  random_history history{out, GetParam()};
  for (int i = 0; i < 200; ++i)
    history.step();
  ASSERT_TRUE(apply());
  history_request all{out.room("p0"), {}, {}, {}, 64u << 20};
  auto chunk = store->history(shard, all);
  ASSERT_TRUE(chunk);
  std::size_t at = 0;
  for (auto& x : out.log) {
    if (x.room != all.room)
      continue;
    auto& got = chunk->events.at(at++);
    EXPECT_EQ(got.seq, x.seq);
    if (x.record.facts.empty())
      EXPECT_EQ(got.facts, nullptr);
    else
      EXPECT_EQ(*got.facts, x.record.facts);
  }
  EXPECT_EQ(at, chunk->events.size());
}

INSTANTIATE_TEST_SUITE_P(seeds, state_random_test, ::testing::Range(1u, 7u));

} // namespace
} // namespace callboard::test
