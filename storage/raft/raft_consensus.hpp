#pragma once

#include "storage/raft/consensus.hpp"
#include "storage/raft/effect_builder.hpp"
#include "storage/raft/log_cache.hpp"
#include "storage/raft/message.hpp"
#include "storage/raft/raft_shim.h"

#include <memory>
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
  const effects& durable(ticket done, std::uint64_t now_ms) override;
  result<const effects*> propose(shared_bytes payload,
                                 std::uint64_t now_ms) override;
  const effects& receive(node_number from, std::string_view bytes,
                         std::uint64_t now_ms) override;
  void trim(log_index keep_from) override;

  bool leading() const noexcept override;
  node_number leader() const noexcept override;
  raft_term term() const noexcept override;
  log_index barrier_index() const noexcept override;
  log_index commit_index() const noexcept override;
  log_index last_index() const noexcept override;
  raft_term term_at(log_index index) const noexcept override;
  std::pair<log_index, std::string>
  configuration_at(log_index index) const override;
  std::vector<group_member> members() const override;

private:
  struct deleter {
    void operator()(craft* x) const noexcept {
      craft_delete(x);
    }
  };

  // --- raft_consensus.cpp ---
  void begin(std::uint64_t now_ms);
  const effects& finish();
  void bootstrap_log(restored_log& found,
                     std::span<const group_member> members);
  int start_library(const restored_log& found);
  int submit(log_entry entry);
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

  // --- raft_receive.cpp ---
  void dispatch(decoded_message& x);
  bool acceptable(const craft_message& x) const;
  void receive_append(decoded_message& x);
  std::size_t skip_compacted(craft_message& head,
                             std::span<const log_entry> entries) const;
  void answer_install(craft_message head);
  void step(craft_message head, std::span<const log_entry> entries);

  const options opts_;
  std::unique_ptr<craft, deleter> raft_;
  effect_builder out_;
  log_cache log_;
  hard_state hard_;   ///< As the library had it after the last step.
  log_index durable_; ///< Our log is on our disk up to here.
  log_index applied_; ///< Handed out in effects::apply.
  log_index barrier_; ///< First entry of our leadership; 0: not leading.
  bool leading_ = false;
  bool started_ = false;
  std::uint64_t now_ms_ = 0;
  std::vector<craft_entry> scratch_;
};

} // namespace callboard
