#include "storage/raft/raft_consensus.hpp"

#include <algorithm>

namespace callboard {

namespace {

constexpr std::string_view barrier_payload = log_cache::barrier_payload;

/// Appends to a follower that is far behind leave in messages of about this
/// size.
constexpr std::size_t message_bytes = std::size_t{1} << 20;

} // namespace

void raft_consensus::absorb(const craft_update& update,
                            std::span<const log_entry> offered) {
  absorb_hard_state();
  for (unsigned i = 0; i < update.n_entries; ++i) {
    const log_index index{update.first_index + i};
    if (update.own_barrier)
      take_entry(
        {index, term(), entry_kind::barrier, barrier_payload, nullptr});
    else
      take_entry(offered[static_cast<std::size_t>(
        index.value - offered.front().index.value)]);
  }
  if (update.install)
    begin_install();
  for (unsigned i = 0; i < update.n_messages; ++i)
    send(update.messages[i]);
}

/// Compares instead of trusting flags: a step that fails may have changed them.
void raft_consensus::absorb_hard_state() {
  const hard_state present{raft_term{craft_term(raft_.get())},
                           node_number{craft_vote(raft_.get())}};
  if (present == hard_)
    return;
  hard_ = present;
  out_.hard(present);
}

void raft_consensus::take_entry(const log_entry& x) {
  if (x.index <= log_.last()) {
    out_.erase(x.index, log_.last());
    log_.truncate(x.index);
    durable_ = std::min(durable_, log_index{x.index.value - 1});
  }
  log_.append(x);
  out_.append(x);
}

void raft_consensus::send(const craft_message& head) {
  if (head.type == CRAFT_APPEND && head.n_entries != 0)
    return send_entries(head);
  if (head.type == CRAFT_INSTALL)
    return bring_state(head);
  auto x = head;
  // 0.22.1 answers a pre-vote with the candidate's term even when ours is
  // higher and we refuse: two such nodes can then refuse each other for ever.
  if (x.type == CRAFT_VOTE_RESULT && x.pre_vote && !x.granted)
    x.term = std::max(x.term, term().value);
  out_.send({node_number{x.peer}, encode_message(opts_.group, x, {})});
}

void raft_consensus::send_entries(const craft_message& head) {
  auto part = head;
  std::vector<log_entry> entries;
  std::size_t bytes = 0;
  const auto last = head.index + head.n_entries;
  for (auto i = head.index + 1; i <= last; ++i) {
    entries.push_back(log_.at({i}));
    bytes += entries.back().payload.size();
    if (i != last && bytes < message_bytes)
      continue;
    out_.send(
      {node_number{part.peer}, encode_message(opts_.group, part, entries)});
    part.index = i;
    part.index_term = entries.back().term.value;
    entries.clear();
    bytes = 0;
  }
}

// --- consequences
// -------------------------------------------------------------

void raft_consensus::settle() {
  if (!started_)
    return;
  while (follow_leadership() || apply_next())
    continue;
  if (reads_.waiting())
    serve_reads();
}

/// A leadership begins with an entry of its own. The library makes one only
/// when there are several voters and something is uncommitted; else we do.
/// @returns whether something happened.
bool raft_consensus::follow_leadership() {
  const bool leads = craft_state_of(raft_.get()) == CRAFT_LEADER;
  if (leads == leading_)
    return false;
  leading_ = leads;
  barrier_ = {};
  out_.leadership_changed();
  if (!leads) {
    offers_.clear();
    return true;
  }
  if (term_at(log_.last()) != term()) {
    const log_entry barrier{next(log_.last()), term(), entry_kind::barrier,
                            barrier_payload, nullptr};
    submit({&barrier, 1});
  }
  barrier_ = log_.last();
  return true;
}

/// Hands out the next entry that is committed and on our own disk, so that the
/// state never gets ahead of the log that it restarts from.
bool raft_consensus::apply_next() {
  if (installing_ || applied_ >= std::min(commit_index(), durable_))
    return false;
  applied_ = next(applied_);
  awaits_state_ = false;
  out_.apply(log_.at(applied_));
  if (log_.at(applied_).kind == entry_kind::change) {
    const auto entry = log_.at(applied_);
    craft_update update;
    craft_configuration_committed(raft_.get(), now_ms_, applied_.value,
                                  entry.payload.data(), entry.payload.size(),
                                  &update);
    absorb(update, {});
  }
  return true;
}

void raft_consensus::serve_reads() {
  if (!leading_) {
    for (const auto& x : reads_.abandon())
      out_.read(x);
    return;
  }
  if (commit_index() < barrier_)
    return; // earlier leaders may have committed more than we know
  const auto all = members();
  bool began = false;
  do {
    for (const auto& x : reads_.settle(opts_.self, all))
      out_.read(x);
    began = reads_.begin(commit_index(), now_ms_);
    if (began)
      send_term_checks();
  } while (began);
}

void raft_consensus::send_term_checks() {
  for (const auto& x : members()) {
    if (!x.voter || x.node == opts_.self)
      continue;
    craft_message head{};
    head.type = CRAFT_TERM_CHECK;
    head.term = term().value;
    head.index = reads_.round();
    out_.send({x.node, encode_message(opts_.group, head, {})});
  }
}

} // namespace callboard
