#pragma once

#include "actors/lease_clock.hpp"
#include "actors/messages.hpp"
#include "actors/node_context.hpp"
#include "actors/shard_raft.hpp"
#include "actors/shard_tables.hpp"
#include "storage/entry.hpp"

#include <caf/response_promise.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace callboard {

/// What is said while the shard cannot decide.
problem not_ready();

/// One shard replica. As leader: activates runs and rooms, brings the requests
/// of each room into one order, numbers their events, proposes them in batches,
/// and tells producers and viewers when they are applied. Nothing here waits
/// for the disk; the store is read by readers and written by the two writers.
///
/// Order: requests of one room leave its lane in the order of their arrival,
/// whichever run decides first. Bounds: what is between a producer's request
/// and its answer counts against limits.proposal_bytes_in_flight.
///
/// The members are spread over shard_actor.cpp (requests, lanes, time),
/// shard_batches.cpp (numbers, proposals, answers), shard_activation.cpp (runs
/// and rooms come and go), shard_dispatch.cpp (workers take runs),
/// shard_retention.cpp and shard_admin.cpp.
class shard_state {
public:
  static constexpr const char* name = "shard";

  explicit shard_state(shard_actor::pointer self) noexcept : self_{self} {
    // nop
  }

  void init(node_context& node, shard_id id);

  void handle(enter& x);
  void handle(decided& x);
  void handle(id_lookup& x);
  void handle(run_loaded& x);
  void handle(const room_loaded& x);
  void handle(fields_found& x);
  void handle(flush_now);
  void handle(const log_durable& x);
  void handle(const state_applied& x);
  void handle(const state_flushed& x);
  void handle(join_room_request& x);
  void handle(const leave_room_request& x);
  void handle(ask_streams_request& x);
  void handle(const watch_tenant_request& x);
  void handle(take_run& x);
  void handle(const stop_taking_runs& x);
  void handle(renew_lease& x);
  void handle(queue_loaded& x);
  void handle(leases_loaded& x);
  void handle(read_barrier& x);
  void handle(tick);
  void handle(const room_expired& x);
  void handle(const peer_came& x);
  void handle(const peer_went& x);
  void handle(peer_message& x);
  void handle(map_changed);
  caf::result<actor_list> handle(const list_actors& x);
  caf::result<found_actor> handle(const find_actor& x);
  caf::result<description> handle(const describe& x);
  caf::result<drained> handle(const drain_now& x);

private:
  // Requests and lanes.
  void enter_publish(room_entry& room, const slot_ptr& s);
  void enter_command(room_entry& room, const slot_ptr& s);
  void send_to_run(room_entry& room, const run_id& run,
                   std::variant<decide_items, decide_command> job);
  void pump(room_entry& room);
  void ask_store(room_entry& room, slot& s);
  void look_up(const room_key& room, id_lookup x);
  void answer_lookup(const room_key& room, const run_id& run, ids_found x);
  void refuse(slot& s, const problem& why);
  void refuse_all(const problem& why);
  void check_ready();
  void became_ready();

  // Batches.
  void number(room_entry& room, const slot_ptr& s);
  void number_item(room_entry& room, slot& s, std::size_t i);
  event_seq add_event(room_entry& room, accepted& x);
  void want_flush();
  void propose();
  void dispatch(open_batch& x);
  void tell_rooms(open_batch& x);
  void answer_slot(const slot_ptr& s, std::vector<answer>& out);
  void answer_command(const slot_ptr& s, std::vector<answer>& out);
  void answer_with_detail(const slot_ptr& s, const run_id& run);
  void send_answers(std::vector<answer> xs);
  void release(slot& s);
  void trim_rooms(std::int64_t now_ms);
  void look_for_expired(room_entry& room, std::int64_t now_ms);
  void trim(room_entry& room, event_seq upto);

  // Workers.
  void answer_taker(const reply_address& to, decltype(answer::outcome) outcome);
  void carry_out(dispatch_queues::outbox& out);
  void load_queue(queue_key queue);
  void take(dispatch_queues::grant grant);
  void enter_own(slot_ptr s, command_arguments order);
  bool refuse_dispatch(slot& s, const problem& why);
  static bool is_own(const slot& s) noexcept;
  void answer_take(const slot_ptr& s);
  void note_effect(const room_entry& room, const accepted& x);
  void apply_effects(std::vector<dispatch_effect>& effects);
  void load_leases();
  void refuse_takers(const problem& why);
  void tick_dispatch();
  void count_workers();
  void read_clock(read_barrier& x) const;

  // Activation.
  room_entry& room_of(const room_key& key);
  run_entry& run_of(room_entry& room, const run_id& id);
  void touch(room_entry& room, run_entry* run);
  void passivate(std::int64_t now_ms);
  bool may_go(const room_entry& room, const run_entry& run) const;
  void answer_finders(std::vector<std::uint64_t>& finders, caf::actor handle,
                      std::int64_t last_activity_ms);

  shard_actor::pointer self_;
  node_context* node_ = nullptr;
  shard_id id_;
  std::optional<shard_raft> raft_;
  bool was_ready_ = false;

  std::unordered_map<room_key, std::unique_ptr<room_entry>> rooms_;
  std::unordered_map<std::uint64_t, slot_ptr> slots_; // under way
  std::uint64_t next_slot_ = 1;
  std::size_t active_runs_ = 0;
  std::unordered_map<tenant_id, std::vector<edge_listener>> watchers_;

  entry_writer writer_;              // the entry that is being filled
  open_batch batch_;                 // and what it will tell
  std::deque<open_batch> in_flight_; // proposed, not applied; bounded by bytes
  std::uint64_t batches_applied_ = 0;
  std::uint64_t next_batch_ = 1;
  bool flush_sent_ = false;

  static constexpr std::size_t queue_window = 256;
  std::optional<dispatch_queues> queues_;
  std::optional<lease_clock> leases_;
  bool leases_known_ = false; // the store's, since this node leads
  std::size_t counted_waiting_ = 0;
  std::size_t counted_leases_ = 0;

  std::vector<read_barrier> waiting_reads_; // until the shard is ready
  std::vector<join_room_request> waiting_joins_;
  std::unordered_map<std::uint64_t, caf::typed_response_promise<found_actor>>
    finders_;
  std::uint64_t next_finder_ = 1;
  std::vector<caf::typed_response_promise<drained>> drains_;
  std::int64_t next_sweep_ms_ = 0;
};

shard_actor::behavior_type
shard(shard_actor::stateful_pointer<shard_state> self, node_context* node,
      shard_id id);

} // namespace callboard
