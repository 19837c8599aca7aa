#pragma once

#include "storage/raft/consensus.hpp"
#include "storage/raft/effect_builder.hpp"
#include "storage/raft/log_cache.hpp"
#include "storage/raft/message.hpp"
#include "storage/raft/progress_watch.hpp"
#include "storage/raft/raft_shim.h"
#include "storage/raft/read_barrier.hpp"
#include "storage/raft/state_offers.hpp"

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace callboard {

/// consensus over cowsql/raft 0.22.1. The library decides; this class feeds it,
/// keeps the entries (the library keeps only their terms), and works around
/// what is wrong in that version. Each work-around is named where it is.
class raft_consensus final : public consensus {
public:
  explicit raft_consensus(const options& opts);

  const effects& start(restored_log found,
                       std::span<const group_member> bootstrap,
                       std::uint64_t now_ms) override;
  const effects& tick(std::uint64_t now_ms) override;
  std::uint64_t next_tick_ms() const override;
  const effects& durable(ticket done, std::uint64_t now_ms) override;
  using consensus::propose;
  result<const effects*> propose(std::span<const shared_bytes> payloads,
                                 std::uint64_t now_ms) override;
  const effects& receive(node_number from, std::string_view bytes,
                         std::uint64_t now_ms) override;
  result<const effects*> read(read_ticket& asked,
                              std::uint64_t now_ms) override;
  result<const effects*> transfer(node_number to,
                                  std::uint64_t now_ms) override;
  result<const effects*> change(member_action action, node_number node,
                                std::uint64_t now_ms) override;
  void trim(log_index keep_from) override;
  result<std::string> describe_state(stream_id stream,
                                     log_index applied) override;
  void stream_ended(stream_id stream) override;

  bool leading() const noexcept override;
  bool transferring() const noexcept override;
  node_number leader() const noexcept override;
  raft_term term() const noexcept override;
  log_index barrier_index() const noexcept override;
  log_index commit_index() const noexcept override;
  log_index last_index() const noexcept override;
  log_position log_end() const noexcept override;
  raft_term term_at(log_index index) const noexcept override;
  std::pair<log_index, std::string>
  configuration_at(log_index index) const override;
  std::vector<group_member> members() const override;
  std::vector<member_progress> progress() const override;
  std::uint64_t rebuilds() const noexcept override;

private:
  struct deleter {
    void operator()(craft* x) const noexcept {
      craft_delete(x);
    }
  };

  // --- raft_consensus.cpp: events and the life of the library's instance ---
  void begin(std::uint64_t now_ms);
  const effects& finish();
  void make_library();
  void bootstrap_log(restored_log& found,
                     std::span<const group_member> members);
  void claim_term_if_alone();
  void start_library();
  void pass_time();
  void rebuild_if_stuck();
  void rebuild();
  bool alone() const;
  /// What a dropped replica of this node had is missing.
  bool lacks_dropped() const noexcept;
  int submit(std::span<const log_entry> entries);

  // --- raft_effects.cpp: what the library asks for, and what follows ---
  /// Carries out what a library step asks for. `offered` are the entries that
  /// went into it; the library takes all of them, or those from some index on.
  void absorb(const craft_update& update, std::span<const log_entry> offered);
  void absorb_hard_state();
  void take_entry(const log_entry& x);
  void send(const craft_message& head);
  void send_entries(const craft_message& head);
  /// Follows changes of leadership and of the commit index until nothing moves.
  void settle();
  bool follow_leadership();
  bool apply_next();
  void serve_reads();
  void send_term_checks();

  // --- raft_receive.cpp ---
  void note_heard(const craft_message& x);
  void dispatch(decoded_message& x);
  void receive_vote(const craft_message& head);
  bool may_vote(const craft_message& x) const;
  void take_term_over(const craft_message& head);
  bool acceptable(const craft_message& x) const;
  void receive_append(decoded_message& x);
  void refuse_append(const craft_message& head);
  std::size_t skip_compacted(craft_message& head,
                             std::span<const log_entry> entries) const;
  void answer_term_check(const craft_message& head);
  void step(craft_message head, std::span<const log_entry> entries);

  // --- raft_members.cpp ---
  /// Nothing: `node` is heard and lacks few entries. Else why not.
  std::optional<std::string> behind(node_number node) const;
  result<std::vector<group_member>> changed_members(member_action action,
                                                    node_number node) const;
  bool heard_within(node_number node, std::uint64_t ms) const;
  bool hears_majority() const;

  // --- raft_state.cpp: bringing the state to a follower ---
  void bring_state(const craft_message& head);
  void receive_state(decoded_message& x);
  void answer_offer(craft_message head);
  void begin_install();
  void finish_install();

  const options opts_;
  std::unique_ptr<craft, deleter> raft_;
  effect_builder out_;
  log_cache log_;
  read_barrier reads_;
  state_offers offers_;
  progress_watch watch_;
  hard_state hard_;      ///< As the library had it after the last step.
  log_position dropped_; ///< See restored_log.
  log_index durable_;    ///< Our log is on our disk up to here.
  log_index applied_;    ///< Handed out in effects::apply, or installed.
  log_index barrier_;    ///< First entry of our leadership; 0: not leading.
  bool leading_ = false;
  bool started_ = false;
  std::map<node_number, std::uint64_t> heard_ms_;
  std::optional<std::uint64_t> leader_heard_ms_;
  log_index leader_commit_; ///< As the last leader said.
  bool awaits_state_ = false;
  /// The state that is being handed to the library or written to the disk.
  std::optional<state_descriptor> installing_;
  ticket install_ticket_; ///< 0: its batch was not handed out yet.
  std::uint64_t rebuilds_ = 0;
  std::uint64_t now_ms_ = 0; ///< Never falls: the library's time.
  std::uint64_t given_ms_ = 0;
  std::uint64_t skew_ms_ = 0; ///< now_ms_ - given_ms_
  std::vector<craft_entry> scratch_;
};

} // namespace callboard
