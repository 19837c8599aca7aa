#include "storage/raft/raft_consensus.hpp"

#include <algorithm>

namespace callboard {

// --- the leader's side
// --------------------------------------------------------

/// The library wants head.peer to have what was trimmed.
void raft_consensus::bring_state(const craft_message& head) {
  const node_number to{head.peer};
  switch (offers_.wanted(to)) {
  case state_offers::step::offer:
    out_.send({to, encode_message(opts_.group, head, {})});
    break;
  case state_offers::step::stream:
    out_.request_state({to, offers_.begin(to, term()), {head.index}});
    break;
  case state_offers::step::wait:
    break;
  }
}

result<std::string> raft_consensus::describe_state(stream_id stream,
                                                   log_index applied) {
  if (!leading_ || !offers_.receiver(stream) || applied > applied_
      || term_at(applied).value == 0)
    return fail(errc::unavailable,
                "nobody waits for this stream of the shard's state any more");
  offers_.pin(stream, applied);
  const auto [index, configuration] = log_.configuration_at(applied);
  craft_message head{};
  head.type = CRAFT_INSTALL;
  head.term = term().value;
  head.index = applied.value;
  head.index_term = term_at(applied).value;
  head.stream = stream.value;
  head.configuration_index = index.value;
  head.configuration = configuration.data();
  head.configuration_size = configuration.size();
  return encode_message(opts_.group, head, {});
}

void raft_consensus::stream_ended(stream_id stream) {
  offers_.end(stream);
}

// --- the follower's side
// ------------------------------------------------------

/// A state that holds no more than we know to be committed would take us back.
/// The same stream twice is the same state twice.
void raft_consensus::receive_state(decoded_message& x) {
  // Not from a leader of the past: refuse_append() says why.
  if (installing_ || x.head.term < term().value)
    return;
  const bool have_all = commit_index().value >= x.head.index
                        || term_at({x.head.index}).value == x.head.index_term;
  if (x.head.stream == 0 || have_all)
    return answer_offer(x.head);
  installing_ = {{x.head.stream},
                 {x.head.index},
                 {x.head.index_term},
                 {x.head.configuration_index},
                 *x.configuration};
  install_ticket_ = {};
  step(x.head, {});
  // The library may have no use for it.
  if (log_.base() != installing_->index || log_.last() != installing_->index
      || applied_ >= installing_->index)
    installing_.reset();
}

/// A leader that has trimmed its log and does not know how far ours goes offers
/// its state. We say how far our log is committed, which is in any such
/// leader's log too. If it still has what follows, it goes on from there.
void raft_consensus::answer_offer(craft_message head) {
  const auto known = commit_index();
  if (term_at(known).value == 0) {
    awaits_state_ = true;
    return;
  }
  awaits_state_ = known.value < head.index;
  head.type = CRAFT_APPEND;
  head.index = known.value;
  head.index_term = term_at(known).value;
  head.commit = 0;
  step(head, {});
}

/// The library has forgotten its log for the state that it was given.
void raft_consensus::begin_install() {
  log_.reset(*installing_);
  durable_ = {};
  out_.install(*installing_);
}

/// State and empty log are on the disk.
void raft_consensus::finish_install() {
  durable_ = applied_ = installing_->index;
  installing_.reset();
  awaits_state_ = false;
  craft_update update;
  craft_state_persisted(raft_.get(), now_ms_, &update);
  absorb(update, {});
}

} // namespace callboard
