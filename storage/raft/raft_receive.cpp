#include "storage/raft/raft_consensus.hpp"

#include <algorithm>

namespace callboard {

const effects& raft_consensus::receive(node_number from, std::string_view bytes,
                                       std::uint64_t now_ms) {
  begin(now_ms);
  if (started_ && from.value != 0 && from != opts_.self)
    if (auto x = decode_message(opts_.group, from, bytes))
      if (acceptable(x->head))
        dispatch(*x);
  return finish();
}

/// Whether the library can take this message in its present state. It assumes
/// much that its (disabled) assertions say.
bool raft_consensus::acceptable(const craft_message& x) const {
  switch (x.type) {
  case CRAFT_APPEND:
    // There is one leader per term: this can only be a broken peer.
    return !(leading_ && x.term == term().value);
  case CRAFT_VOTE_RESULT:
    // 0.22.1 looks at candidate fields in any state and could take the term of
    // a late pre-vote for a real one.
    return craft_state_of(raft_.get()) == CRAFT_CANDIDATE;
  default:
    return true;
  }
}

void raft_consensus::dispatch(decoded_message& x) {
  switch (x.head.type) {
  case CRAFT_APPEND:
    receive_append(x);
    break;
  case CRAFT_INSTALL:
    answer_install(x.head);
    break;
  default:
    step(x.head, {});
  }
}

/// A leader that has trimmed its log and does not know how far ours goes offers
/// a snapshot. We take none here: we say how far our log is committed, which is
/// in any such leader's log too. If it still has what follows, it goes on from
/// there.
void raft_consensus::answer_install(craft_message head) {
  const auto known = commit_index();
  if (head.term < term().value || term_at(known).value == 0)
    return;
  head.type = CRAFT_APPEND;
  head.index = known.value;
  head.index_term = term_at(known).value;
  head.commit = 0;
  step(head, {});
}

/// 0.22.1 takes down the index of the message's first new entry for a
/// configuration, wherever in the message it is; later changes are then refused
/// for ever, or the quorum is lost. So each begins a message of its own.
void raft_consensus::receive_append(decoded_message& x) {
  std::span<const log_entry> rest{x.entries};
  auto head = x.head;
  rest = rest.subspan(skip_compacted(head, rest));
  do {
    const auto end = std::find_if(
      rest.empty() ? rest.end() : rest.begin() + 1, rest.end(),
      [](const log_entry& e) { return e.kind == entry_kind::change; });
    const auto part = rest.first(static_cast<std::size_t>(end - rest.begin()));
    step(head, part);
    if (!part.empty()) {
      head.index = part.back().index.value;
      head.index_term = part.back().term.value;
    }
    rest = rest.subspan(part.size());
  } while (!rest.empty());
}

/// What was compacted was committed, so it is the same in any leader's log of
/// this term or later. But 0.22.1 would refuse a message that begins in there,
/// and take one that begins at 0 for a new log. Moves the message's beginning
/// to the last index of it that we know to be committed.
/// @returns how many entries to leave out.
std::size_t
raft_consensus::skip_compacted(craft_message& head,
                               std::span<const log_entry> entries) const {
  const auto base = log_.base().value;
  const auto known = craft_snapshot_index(raft_.get());
  if (head.term < term().value || base == 0 || head.index > base
      || head.index == known)
    return 0;
  const auto target
    = std::min(commit_index().value, head.index + entries.size());
  if (target > base) {
    const auto skipped = static_cast<std::size_t>(target - head.index);
    head.index = target;
    head.index_term = term_at({target}).value;
    return skipped;
  }
  head.index = known; // all of it is behind us: answer where we are
  head.index_term = term_at({known}).value;
  return entries.size();
}

void raft_consensus::step(craft_message head,
                          std::span<const log_entry> entries) {
  scratch_.clear();
  for (const auto& e : entries)
    scratch_.push_back({e.term.value, static_cast<unsigned>(e.kind),
                        e.payload.data(), e.payload.size()});
  head.n_entries = static_cast<unsigned>(scratch_.size());
  craft_update update;
  craft_receive(raft_.get(), now_ms_, &head, scratch_.data(), &update);
  absorb(update, entries);
}

} // namespace callboard
