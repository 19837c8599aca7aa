#include "actors/state_writer.hpp"
#include "actors/type_ids.hpp"

#include "tests/support/temp_dir.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace callboard::test {
namespace {

struct system_config : caf::actor_system_config {
  system_config() {
    add_message_types<caf::id_block::callboard>();
    set("scheduler.policy", caf::atom("testing"));
  }
};

using promise = caf::typed_response_promise<state_moved>;

/// The disk's work, one piece of which is done with each state_moved that it is
/// sent.
caf::behavior slow_mover(caf::event_based_actor* self,
                         std::deque<promise>* under_way) {
  auto begin = [self, under_way]() -> caf::result<state_moved> {
    under_way->push_back(self->make_response_promise<state_moved>());
    return under_way->back();
  };
  return {
    [begin](const state_install&) { return begin(); },
    [begin](const state_wipe&) { return begin(); },
    [under_way](state_moved& outcome) {
      under_way->front().deliver(std::move(outcome));
      under_way->pop_front();
    },
  };
}

/// Stands for a shard: notes what it is told.
storage_listener::behavior_type listener(storage_listener::pointer,
                                         std::string name,
                                         std::vector<std::string>* heard) {
  auto note
    = [name, heard](const char* what) { heard->push_back(name + what); };
  return {
    [](const log_durable&) {},
    [note](const state_applied&) { note(" applied"); },
    [](const state_flushed&) {},
    [](const state_pinned&) {},
    [note](const state_installed&) { note(" installed"); },
    [note](const state_wiped&) { note(" wiped"); },
    [](state_staged&) {},
    [](const stream_over&) {},
    [](const digest_made&) {},
    [](const replica_loaded&) {},
    [](const export_pinned&) {},
  };
}

class state_writer_test : public ::testing::Test {
protected:
  using words = std::vector<std::string>;

  void SetUp() override {
    auto opened = state_store::open({.dir = dir_.path()}, 8);
    ASSERT_TRUE(opened) << opened.error().detail;
    node.state = std::move(*opened);
    mover_ = system_.spawn(slow_mover, &moves);
    node.state_mover = caf::actor_cast<state_mover_actor>(mover_);
    writer_ = system_.spawn(state_writer, &node);
    run();
  }

  void TearDown() override {
    moves.clear();
    for (auto& [number, x] : listeners_)
      caf::anon_send_exit(x, caf::exit_reason::kill);
    caf::anon_send_exit(writer_, caf::exit_reason::kill);
    caf::anon_send_exit(mover_, caf::exit_reason::kill);
    run();
  }

  storage_listener shard(std::uint64_t number) {
    auto& x = listeners_[number];
    if (!x)
      x = system_.spawn(listener, std::to_string(number), &heard);
    return x;
  }

  void apply(std::uint64_t number, std::uint64_t index) {
    log_entry entry;
    entry.index = {index};
    entry.kind = entry_kind::barrier;
    caf::anon_send(writer_,
                   state_apply{{number}, {index}, {entry}, shard(number)});
  }

  void install(std::uint64_t number) {
    caf::anon_send(writer_, state_install{{number}, {9}, shard(number)});
  }

  void wipe(std::uint64_t number) {
    caf::anon_send(writer_, state_wipe{{number}, shard(number)});
  }

  void run() {
    scheduler().run();
  }

  void finish_move(state_moved outcome = {}) {
    ASSERT_FALSE(moves.empty());
    caf::anon_send(mover_, std::move(outcome));
    run();
  }

  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  }

  node_context node;
  std::deque<promise> moves;
  words heard;

private:
  temp_dir dir_;
  system_config config_;
  caf::actor_system system_{config_};
  caf::actor mover_;
  state_writer_actor writer_;
  std::map<std::uint64_t, storage_listener> listeners_;
};

TEST_F(state_writer_test, an_install_holds_up_its_own_shard_only) {
  apply(3, 1);
  install(3);
  apply(3, 2);
  apply(4, 1);
  apply(5, 1);
  run();
  std::ranges::sort(heard); // several shards hear in any order
  EXPECT_EQ(heard, (words{"3 applied", "4 applied", "5 applied"}));
  heard.clear();
  finish_move();
  EXPECT_EQ(heard, (words{"3 installed", "3 applied"}));
}

TEST_F(state_writer_test, moves_of_one_shard_keep_their_order) {
  install(3);
  wipe(3);
  apply(3, 1);
  wipe(4);
  run();
  ASSERT_EQ(moves.size(), 2u) << "one of each shard";
  finish_move(); // 3's install
  EXPECT_EQ(heard, (words{"3 installed"}));
  finish_move(); // 4's wipe
  finish_move(); // 3's wipe
  EXPECT_EQ(heard, (words{"3 installed", "4 wiped", "3 wiped", "3 applied"}));
}

TEST_F(state_writer_test, a_move_that_finds_no_space_is_tried_again) {
  install(3);
  apply(3, 1);
  run();
  finish_move(state_moved{problem{errc::unavailable, "the disk is full"}});
  EXPECT_NE(node.no_space.load(), 0);
  EXPECT_TRUE(heard.empty());
  scheduler().advance_time(std::chrono::seconds{1});
  run();
  finish_move();
  EXPECT_EQ(heard, (words{"3 installed", "3 applied"}));
  EXPECT_EQ(node.no_space.load(), 0);
}

TEST_F(state_writer_test, what_a_full_disk_put_off_keeps_its_order) {
  install(4);
  run();
  finish_move(state_moved{problem{errc::unavailable, "the disk is full"}});
  install(3);
  apply(3, 1);
  apply(3, 2);
  run();
  EXPECT_TRUE(moves.empty());
  scheduler().advance_time(std::chrono::seconds{1});
  run();
  ASSERT_EQ(moves.size(), 2u);
  EXPECT_TRUE(heard.empty()) << heard.front();
  finish_move(); // of 4
  finish_move(state_moved{problem{errc::unavailable, "the disk is full"}});
  EXPECT_EQ(heard, (words{"4 installed"}));
  apply(3, 3);
  scheduler().advance_time(std::chrono::seconds{1});
  run();
  finish_move();
  EXPECT_EQ(heard, (words{"4 installed", "3 installed", "3 applied",
                          "3 applied", "3 applied"}));
}

} // namespace
} // namespace callboard::test
