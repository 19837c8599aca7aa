#include "actors/shard_actor.hpp"

#include <algorithm>
#include <utility>

// What a run, a room or the store refuses is told like a read: when a majority
// has said that nobody else led, and when everything is applied that it rests
// on. Else somebody would be told of what never came to be ("it exists
// already"), or of what another leader has changed since.

namespace callboard {

/// Whether all that there is to say of a decided request is that it, or what is
/// left of it beside repetitions, is not done. (In others a refusal rests on
/// the same entry as what is done, or goes along with what nobody stores.)
bool shard_state::is_refusal(const slot& s) {
  bool refused = false;
  for (std::size_t i = 0; i < s.verdicts.size(); ++i) {
    const auto& x = s.verdicts[i];
    if (std::holds_alternative<accepted>(x)
        || std::holds_alternative<passed_on>(x))
      return false;
    // What the edge refused rests on nothing.
    refused = refused
              || (std::holds_alternative<problem>(x)
                  && !(s.request
                       && std::holds_alternative<publish_result>(
                         s.request->items[i])));
  }
  return refused;
}

void shard_state::refuse_when_sure(const slot_ptr& s) {
  if (is_own(*s)) { // nobody is told, or it is tried again
    slots_.erase(s->id);
    return refuse(*s, *s->refusal);
  }
  auto asked = raft_->read(steady_ms());
  if (!asked)
    return ask_next_leader(s);
  // Everything that was numbered by now.
  const auto behind = !writer_.empty()     ? next_batch_
                      : in_flight_.empty() ? 0
                                           : in_flight_.back().number;
  refusals_asked_.emplace(*asked, refused_request{s, behind, {}});
  want_flush(); // settles what is sure at once, when nobody holds on to rooms
}

/// False: it is the outcome of another read.
bool shard_state::settle_refusal(const read_outcome& outcome) {
  auto asked = refusals_asked_.extract(outcome.read);
  if (asked.empty())
    return false;
  auto& x = asked.mapped();
  if (outcome.current_at) {
    x.current_at = *outcome.current_at;
    refusals_current_.push_back(std::move(x));
  } else {
    ask_next_leader(x.request);
  }
  return true;
}

void shard_state::ask_next_leader(slot_ptr s) {
  slots_.erase(s->id);
  route(std::move(s), false);
}

void shard_state::tell_refusals() {
  while (!refusals_current_.empty()
         && refusals_current_.front().current_at <= raft_->applied()
         && refusals_current_.front().behind <= batches_applied_) {
    auto s = std::move(refusals_current_.front().request);
    refusals_current_.pop_front();
    if (s->refusal) {
      slots_.erase(s->id);
      refuse(*s, *s->refusal);
      continue;
    }
    std::vector<answer> out;
    answer_slot(s, out);
    send_answers(std::move(out));
  }
}

} // namespace callboard
