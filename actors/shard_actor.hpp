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
#include <map>
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
/// tells viewers when they are committed and producers when they are applied.
/// Nothing here waits for the disk; the store is read by readers and written
/// by the two writers.
///
/// On every node there is one such actor for each shard, with a replica or
/// without: it passes its clients' calls on to the leader, and joins rooms
/// there.
///
/// Order: requests of one room leave its lane in the order of their arrival,
/// whichever run decides first. Bounds: what is between a producer's request
/// and its answer counts against limits.proposal_bytes_in_flight.
///
/// The members are spread over shard_actor.cpp (refusals, time),
/// shard_requests.cpp (requests, lanes), shard_batches.cpp (numbers, proposals,
/// answers), shard_activation.cpp (runs and rooms come and go),
/// shard_dispatch.cpp (workers take runs), shard_calls.cpp (calls that another
/// node decides), shard_peers.cpp (other nodes, leaders, members),
/// shard_reads.cpp, shard_retention.cpp and shard_admin.cpp.
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
  void handle(const state_pinned& x);
  void handle(const state_installed& x);
  void handle(const state_wiped& x);
  void handle(state_staged& x);
  void handle(const stream_over& x);
  void handle(const digest_made& x);
  void handle(const replica_loaded& x);
  void handle(export_pinned& x);
  void handle(join_room_request& x);
  void handle(const leave_room_request& x);
  void handle(ask_streams_request& x);
  void handle(const watch_tenant_request& x);
  void handle(take_run& x);
  void handle(const stop_taking_runs& x);
  void handle(renew_lease& x);
  void handle(queue_loaded& x);
  void handle(leases_loaded& x);
  void handle(enter_read& x);
  void handle(tick);
  void handle(const room_expired& x);
  void handle(const peer_came& x);
  void handle(const peer_went& x);
  void handle(peer_message& x);
  void handle(map_changed);
  void handle(hand_over_now);
  void handle(const transfer_to& x);
  caf::result<actor_list> handle(const list_actors& x);
  caf::result<found_actor> handle(const find_actor& x);
  caf::result<description> handle(const describe& x);
  caf::result<drained> handle(const drain_now& x);

private:
  // Requests and lanes.
  void look_for_definition(slot_ptr s);
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

  // Calls that another node decides.
  void pass_on(pending_call x);
  void send_call(std::uint64_t token, pending_call& x);
  void flush_waiting();
  void enter_here(pending_call x);
  void enter_body(const reply_address& to, remote::call_body body);
  void expire_calls(std::uint64_t now_ms);
  void give_up(pending_call& x, const problem& why);
  void handle_call(peer_session session, node_number from, remote::call& x);
  void handle_answers(remote::call_answers& x);
  void finish_call(pending_call& x, decltype(answer::outcome)& outcome);
  void try_again(pending_call x, bool maybe);
  void route(const reply_address& to, remote::call_body body);
  bool may_wait(const reply_address& to);
  std::size_t calls_waiting() const noexcept;
  void route(slot_ptr s, bool maybe);
  static void reset(slot& s);
  /// New calls are decided here.
  bool takes_calls() const noexcept {
    return raft_->takes_commands() && !handing_to_;
  }

  // Other nodes.
  void after_raft();
  void hear(node_number from, const remote::leader_notice& x);
  remote::leader_notice own_notice(bool leads) const;
  void say_who_leads(bool leads);
  void set_leader(shard_leader x);
  void lose_leader();
  void set_serving(bool on);
  std::string leader_name() const;
  void drop_viewers_of(node_number node);
  void drop_takers_of(node_number node);
  void tick_members(std::uint64_t now_ms);
  void next_tick_at(std::uint64_t steady_ms);
  void check_digests(std::uint64_t now_ms);
  void begin_hand_over(node_number to, std::uint64_t now_ms);
  void go_on_handing_over(std::uint64_t now_ms);
  void stay();

  // Full disks.
  std::optional<problem> why_no_room() const;
  void give_way(std::uint64_t now_ms);
  node_number node_with_room(std::uint64_t now_ms) const;
  bool most_disks_full(std::uint64_t now_ms) const;

  // Reads.
  void settle_reads();
  void drop_reads();
  void carry_out(enter_read& x);
  void join(join_room_request& x);

  // Batches.
  void number(room_entry& room, const slot_ptr& s);
  void number_item(room_entry& room, slot& s, std::size_t i);
  static bool is_refusal(const slot& s);
  void refuse_when_sure(const slot_ptr& s);
  bool settle_refusal(const read_outcome& outcome);
  void ask_next_leader(slot_ptr s);
  void tell_refusals();
  event_seq add_event(room_entry& room, accepted& x);
  void want_flush();
  void propose();
  void tell_committed();
  void tell(open_batch& x);
  void dispatch(open_batch& x);
  void answer_slot(const slot_ptr& s, std::vector<answer>& out);
  void answer_command(const slot_ptr& s, std::vector<answer>& out);
  void answer_with_detail(const slot_ptr& s, const run_id& run);
  void send_answers(std::vector<answer> xs);
  void release(slot& s);
  void trim_rooms(std::int64_t now_ms, std::uint64_t steady);
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
  void answer_about_leases();
  void refuse_takers(const problem& why);
  void tick_dispatch();
  void count_workers();
  void renew(const reply_address& to, const lease_request& x);

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
  std::unordered_map<tenant_id, std::vector<node_number>> watchers_;

  entry_writer writer_;              // the entry that is being filled
  open_batch batch_;                 // and what it will tell
  std::deque<open_batch> in_flight_; // proposed, not applied; bounded by bytes
  std::uint64_t batches_applied_ = 0;
  std::uint64_t next_batch_ = 1;
  bool flush_sent_ = false;

  static constexpr std::size_t queue_window = 256;
  std::optional<dispatch_queues> queues_;
  std::optional<lease_clock> leases_;
  bool leases_known_ = false;            // the store's, since this node leads
  std::vector<enter_read> leases_asked_; // that may be answered when they are
  std::size_t counted_waiting_ = 0;
  std::size_t counted_leases_ = 0;

  shard_leader leader_;
  raft_term own_term_;   // of our leadership, while was_ready_
  bool serving_ = false; // somebody leads
  std::unordered_map<std::uint64_t, pending_call> calls_; // bytes are counted
  std::vector<std::uint64_t> waiting_calls_;              // of them
  std::uint64_t next_call_ = 1;
  std::vector<join_room_request> waiting_joins_; // hubs ask again: a few

  std::map<read_ticket, refused_request> refusals_asked_; // in slots_, too
  std::deque<refused_request> refusals_current_;
  std::map<read_ticket, enter_read> reads_asked_;
  std::multimap<log_index, enter_read> reads_current_; // until applied so far
  std::vector<enter_read> reads_void_;
  std::map<read_ticket, join_room_request> joins_asked_;
  std::multimap<log_index, join_room_request> joins_current_;

  std::optional<node_number> handing_to_; // 0: whoever is furthest
  std::uint64_t hand_over_until_ms_ = 0;
  bool no_majority_has_room_ = false; // looked at with each tick
  std::uint64_t next_way_ms_ = 0; // when a full disk may make us give way again
  std::uint64_t leads_since_ms_ = 0;
  node_number last_leader_; // other than this node
  node_number led_before_;  // before this node's leadership
  std::uint64_t next_notice_ms_ = 0;
  std::uint64_t next_check_ms_ = 0;
  bool check_anyway_ = false; // digests, though nothing was written

  std::unordered_map<std::uint64_t, caf::typed_response_promise<found_actor>>
    finders_;
  std::uint64_t next_finder_ = 1;
  std::vector<caf::typed_response_promise<drained>> drains_;
  std::uint64_t next_sweep_ms_ = 0;
};

shard_actor::behavior_type
shard(shard_actor::stateful_pointer<shard_state> self, node_context* node,
      shard_id id);

} // namespace callboard
