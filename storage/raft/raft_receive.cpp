#include "storage/raft/raft_consensus.hpp"

#include <algorithm>

namespace callboard {

const effects& raft_consensus::receive(node_number from, std::string_view bytes,
                                       std::uint64_t now_ms) {
  begin(now_ms);
  if (started_ && from.value != 0 && from != opts_.self)
    if (auto x = decode_message(opts_.group, from, bytes)) {
      note_heard(x->head);
      if (acceptable(x->head))
        dispatch(*x);
    }
  return finish();
}

void raft_consensus::note_heard(const craft_message& x) {
  heard_ms_[{x.peer}] = now_ms_;
  if (x.term < term().value)
    return;
  if (x.type == CRAFT_APPEND)
    leader_commit_ = {x.commit};
  if (x.type == CRAFT_APPEND || x.type == CRAFT_INSTALL)
    leader_heard_ms_ = now_ms_;
}

/// Whether the library can take this message in its present state. It assumes
/// much that its (disabled) assertions say.
bool raft_consensus::acceptable(const craft_message& x) const {
  switch (x.type) {
  case CRAFT_APPEND:
  case CRAFT_INSTALL:
    // There is one leader per term: this can only be a broken peer.
    return !(leading_ && x.term == term().value);
  case CRAFT_VOTE_RESULT:
    // 0.22.1 looks at candidate fields in any state and could take the term of
    // a late pre-vote for a real one.
    return craft_state_of(raft_.get()) == CRAFT_CANDIDATE;
  case CRAFT_TIMEOUT_NOW:
    // A candidate must have its log on its disk.
    return !installing_ && !lacks_dropped()
           && craft_stored(raft_.get()) == log_.last().value;
  default:
    return true;
  }
}

void raft_consensus::dispatch(decoded_message& x) {
  switch (x.head.type) {
  case CRAFT_APPEND:
    receive_append(x);
    break;
  case CRAFT_VOTE:
    receive_vote(x.head);
    break;
  case CRAFT_INSTALL:
    receive_state(x);
    break;
  case CRAFT_TERM_CHECK:
    answer_term_check(x.head);
    break;
  case CRAFT_TERM_CHECK_RESULT:
    if (leading_ && x.head.term == term().value)
      reads_.answer({x.head.peer}, x.head.index);
    break;
  default:
    step(x.head, {});
  }
}

/// "Yes" when nobody else can have led with our vote: our term is still that
/// of the question. Everything else is no answer.
void raft_consensus::answer_term_check(const craft_message& head) {
  if (head.term != term().value)
    return;
  auto answer = head;
  answer.type = CRAFT_TERM_CHECK_RESULT;
  out_.send({{head.peer}, encode_message(opts_.group, answer, {})});
}

/// To a leader of the past 0.22.1 answers with an index that it never set. If
/// that node leads again in our term by then, it takes it for an
/// acknowledgement. (So it does with states: receive_state().)
void raft_consensus::refuse_append(const craft_message& head) {
  craft_message answer{};
  answer.type = CRAFT_APPEND_RESULT;
  answer.term = term().value;
  answer.rejected = std::max<std::uint64_t>(head.index, 1);
  answer.index = std::min(answer.rejected - 1, log_.last().value);
  out_.send({{head.peer}, encode_message(opts_.group, answer, {})});
}

/// A candidate may count us as a voter by an entry that we do not have yet.
/// Raft wants us to vote then; 0.22.1 refuses, and if ours is the vote that is
/// needed, nobody ever leads again. It also takes a dead leader for alive as
/// long as it is not a voter. So non-voters vote here, by the same rules.
///
/// And so does a replica that lacks what an earlier one of this node had, which
/// was removed and dropped: a candidate that has not heard of the removal still
/// counts on this node to know better than to elect one who lacks that.
void raft_consensus::receive_vote(const craft_message& head) {
  const auto all = members();
  const bool votes = std::any_of(all.begin(), all.end(), [this](const auto& x) {
    return x.node == opts_.self && x.voter;
  });
  const bool has_leader
    = leader_heard_ms_
      && now_ms_ - *leader_heard_ms_ < opts_.election_timeout_ms;
  const bool follows = has_leader && !head.disrupt_leader;
  if (!lacks_dropped() && (votes || installing_ || follows))
    return step(head, {});
  if (!head.pre_vote && !follows)
    take_term_over(head);
  auto answer = head;
  answer.type = CRAFT_VOTE_RESULT;
  answer.granted = !follows && !installing_ && may_vote(head);
  if (answer.granted && !head.pre_vote) {
    craft_vote_for(raft_.get(), now_ms_, head.peer);
    absorb_hard_state();
  }
  if (!head.pre_vote || !answer.granted)
    answer.term = std::max(head.term, term().value);
  out_.send({{head.peer}, encode_message(opts_.group, answer, {})});
}

bool raft_consensus::may_vote(const craft_message& x) const {
  const bool free = x.pre_vote || hard_.voted_for.value == 0
                    || hard_.voted_for.value == x.peer;
  return free && x.term >= term().value
         && log_position{{x.index_term}, {x.index}} >= log_end();
}

/// The library refuses, but takes the term over: no log of ours ends before 0.
void raft_consensus::take_term_over(const craft_message& head) {
  auto told = head;
  told.disrupt_leader = 1;
  told.index = told.index_term = 0;
  craft_update refusal;
  craft_receive(raft_.get(), now_ms_, &told, nullptr, &refusal);
  absorb_hard_state();
}

/// 0.22.1 takes down the index of the message's first new entry for a
/// configuration, wherever in the message it is; later changes are then refused
/// for ever, or the quorum is lost. So each begins a message of its own.
void raft_consensus::receive_append(decoded_message& x) {
  if (x.head.term < term().value)
    return refuse_append(x.head);
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
