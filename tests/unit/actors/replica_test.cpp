#include "actors/maintenance.hpp"
#include "actors/shard_raft.hpp"
#include "actors/type_ids.hpp"
#include "storage/raft/configuration.hpp"

#include "tests/support/power_cut_env.hpp"
#include "tests/support/temp_dir.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// A replica and its disk.
namespace callboard::test {
namespace {

constexpr shard_id shard{1};

struct system_config : caf::actor_system_config {
  system_config() {
    add_message_types<caf::id_block::callboard>();
    set("scheduler.policy", caf::atom("testing"));
  }
};

/// Stands for the shard: keeps what was loaded, and digests.
storage_listener::behavior_type listener(storage_listener::pointer,
                                         std::optional<replica_loaded>* heard,
                                         std::vector<std::uint64_t>* digests) {
  return {
    [](const log_durable&) {},
    [](const state_applied&) {},
    [](const state_flushed&) {},
    [](const state_pinned&) {},
    [](const state_installed&) {},
    [](const state_wiped&) {},
    [](state_staged&) {},
    [](const stream_over&) {},
    [digests](const digest_made& x) { digests->push_back(x.digest); },
    [heard](const replica_loaded& x) { *heard = x; },
    [](const export_pinned&) {},
  };
}

class replica_test : public ::testing::Test {
protected:
  void SetUp() override {
    storage_options opts;
    opts.dir = dir_.path();
    opts.env = &disk_;
    auto log = log_store::open(opts);
    ASSERT_TRUE(log) << log.error().detail;
    node_.log = std::move(*log);
    auto state = state_store::open(opts, 4);
    ASSERT_TRUE(state) << state.error().detail;
    node_.state = std::move(*state);
    node_.conf.node.data_dir = dir_.path().string();
    node_.readers.push_back(system_.spawn(reader));
    me_ = system_.spawn(listener, &heard_, &digests_);
    scheduler_.run();
  }

  void TearDown() override {
    caf::anon_send_exit(me_, caf::exit_reason::kill);
    caf::anon_send_exit(node_.readers.front(), caf::exit_reason::kill);
    scheduler_.run();
  }

  void drop_log(const log_position& end = {}) {
    log_store::batch gone;
    gone.wipe(shard, end);
    std::string error;
    ASSERT_EQ(node_.log->write(gone, error), write_outcome::durable) << error;
  }

  /// Lets the reader work. What it has found goes to the replica.
  bool finds_something(std::uint64_t now_ms) {
    heard_.reset();
    scheduler_.run();
    if (heard_)
      replica_.handle(*heard_, now_ms);
    return heard_.has_value();
  }

  power_cut_env disk_;
  temp_dir dir_;
  system_config conf_;
  caf::actor_system system_{conf_};
  caf::scheduler::test_coordinator& scheduler_
    = dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  node_context node_;
  shard_raft replica_{node_, shard};
  storage_listener me_;
  std::optional<replica_loaded> heard_;
  std::vector<std::uint64_t> digests_;
};

/// On a disk that has lost some of it.
class unreadable_state : public state_export {
public:
  log_index applied() const noexcept override {
    return {7};
  }
  result<std::string> next(std::size_t) override {
    return fail(errc::internal, "a block is damaged");
  }
  result<std::uint64_t> digest() override {
    return fail(errc::internal, "a block is damaged");
  }
};

// The process ended after the log was dropped and before the state was.
TEST_F(replica_test, a_wipe_that_finds_no_space_is_tried_again) {
  drop_log();
  const std::vector<std::string_view> nothing{{}};
  ASSERT_TRUE(node_.state->apply(shard, {1}, nothing));
  disk_.fail_writes(power_cut_env::fault::no_space);
  replica_.start(me_);
  ASSERT_TRUE(finds_something(1000));
  ASSERT_TRUE(heard_->what->error);
  EXPECT_EQ(heard_->what->error->code, errc::unavailable);
  EXPECT_NE(node_.no_space.load(), 0);

  replica_.tick(1001);
  EXPECT_FALSE(finds_something(1001)) << "not without a pause";
  replica_.tick(2000);
  ASSERT_TRUE(finds_something(2000));
  EXPECT_TRUE(heard_->what->error) << "there is still no room";

  disk_.fail_writes(power_cut_env::fault::none);
  replica_.tick(3000);
  ASSERT_TRUE(finds_something(3000));
  EXPECT_FALSE(heard_->what->error);
  EXPECT_EQ(node_.no_space.load(), 0);
  EXPECT_FALSE(replica_.started());
  replica_.tick(4000);
  EXPECT_FALSE(finds_something(4000)) << "it is done";
}

// It was the group's only member, later one of three, was removed, and the
// process ended when it had just begun to be filled again.
TEST_F(replica_test, one_that_would_lead_as_it_did_long_ago_is_dropped_again) {
  node_.self = node_number{1};
  drop_log({{3}, {50}});
  log_store::batch some;
  some.put_hard_state(shard, {{3}, {2}});
  const std::vector<group_member> alone{{node_number{1}, true}};
  const auto members = encode_members(alone);
  some.append(shard, {{1}, {1}, entry_kind::change, members, nullptr});
  std::string error;
  ASSERT_EQ(node_.log->write(some, error), write_outcome::durable) << error;
  const std::vector<std::string_view> nothing{{}};
  ASSERT_TRUE(node_.state->apply(shard, {1}, nothing));
  replica_.start(me_);
  ASSERT_TRUE(finds_something(1000));
  EXPECT_FALSE(heard_->what->error);
  EXPECT_FALSE(replica_.started()) << "it waits to be taken in";
  EXPECT_EQ(*node_.log->presence(shard), log_presence::wiped);
  EXPECT_EQ(*node_.state->applied(shard), log_index{});
  auto left = node_.log->load(shard, {});
  ASSERT_TRUE(left);
  EXPECT_EQ(left->dropped, (log_position{{3}, {50}}));
  EXPECT_EQ(left->hard, (hard_state{{3}, {2}}));
}

TEST_F(replica_test, a_log_that_cannot_be_read_ends_the_process) {
  GTEST_FLAG_SET(death_test_style, "threadsafe"); // RocksDB has threads
  log_store::batch some;
  log_entry entry;
  entry.index = {7}; // and nothing before it
  entry.term = {1};
  entry.kind = entry_kind::barrier;
  some.append(shard, entry);
  std::string error;
  ASSERT_EQ(node_.log->write(some, error), write_outcome::durable) << error;
  replica_.start(me_);
  scheduler_.run();
  ASSERT_TRUE(heard_ && heard_->what->error);
  EXPECT_EQ(heard_->what->error->code, errc::internal);
  EXPECT_EXIT(replica_.handle(*heard_, 1000), ::testing::ExitedWithCode(1), "");
}

// Else it would be the only one that is never compared.
TEST_F(replica_test, one_that_cannot_be_read_is_like_no_other) {
  replica_.start(me_);
  scheduler_.run();
  for (std::uint64_t node : {1, 2, 2}) {
    node_.self = node_number{node};
    replica_.handle(state_pinned{std::make_shared<unreadable_state>()});
    scheduler_.run();
  }
  ASSERT_EQ(digests_.size(), 3u);
  EXPECT_NE(digests_[0], digests_[1]);
  EXPECT_EQ(digests_[1], digests_[2]);
}

} // namespace
} // namespace callboard::test
