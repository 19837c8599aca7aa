#include "actors/edge_actor.hpp"
#include "actors/type_ids.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace callboard {
namespace {

const room_key lobby{{"t"}, {"p"}};
const hub_id first_hub{3};

class edge_actor_test : public ::testing::Test, public edge_sink {
protected:
  edge_actor_test() {
    node.conf.engine.shards = 1;
    system.await_actors_before_shutdown(false);
    subject = system.spawn(edge, &node, static_cast<edge_sink*>(this));
  }

  ~edge_actor_test() override {
    caf::anon_send_exit(subject, caf::exit_reason::kill);
    scheduler.run();
  }

  template <class Message>
  void tell(Message x) {
    caf::anon_send(subject, std::move(x));
    scheduler.run();
  }

  void tell_joined(raft_term term) {
    tell(
      joined_out{first_hub, {lobby, event_seq{7}, event_seq{1}, 1, 5, term}});
  }

  void answers(hub_id, std::vector<answer>) override {
  }
  void room(hub_id, std::vector<room_signal> xs) override {
    for (auto& x : xs)
      signals.push_back(std::move(x));
  }
  void admin(const reply_address&, admin_request) override {
  }

  struct config : caf::actor_system_config {
    config() {
      add_message_types<caf::id_block::callboard>();
      set("scheduler.policy", caf::atom("testing"));
    }
  };

  node_context node;
  config conf;
  caf::actor_system system{conf};
  caf::scheduler::test_coordinator& scheduler{
    dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler())};
  edge_actor subject;
  std::vector<room_signal> signals;
};

// Else the hub would wait for events of a leader that has none, for as long as
// the next one leads.
TEST_F(edge_actor_test, a_leader_that_was_overtaken_cannot_be_joined) {
  tell(shard_lost_out{shard_id{0}, raft_term{8}});
  tell_joined(raft_term{7});
  ASSERT_EQ(signals.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<room_lost>(signals[0]));

  tell_joined(raft_term{8});
  ASSERT_EQ(signals.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<room_joined>(signals[1]));
}

TEST_F(edge_actor_test, a_leader_whose_link_broke_can_be_joined_again) {
  tell_joined(raft_term{7});
  tell(shard_lost_out{shard_id{0}, raft_term{7}});
  tell_joined(raft_term{7});
  ASSERT_EQ(signals.size(), 3u);
  EXPECT_TRUE(std::holds_alternative<room_lost>(signals[1]));
  EXPECT_TRUE(std::holds_alternative<room_joined>(signals[2]));
}

} // namespace
} // namespace callboard
