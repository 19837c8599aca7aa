#include "actors/remote_frame.hpp"
#include "actors/shard_raft.hpp"
#include "actors/state_streams.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

// States on their way from replica to replica.

namespace callboard {

// -- to a follower
// ----------------------------------------------------------

void shard_raft::begin_stream(const state_request& x) {
  // Whoever finds no room among cluster.moves asks again.
  auto slot = node_.states_out.take(node_.conf.cluster.moves);
  if (!slot)
    return raft_->stream_ended(x.stream);
  outgoing_[x.stream] = {x.to, x.at_least, std::move(slot), nullptr};
  node_.read([&node = node_, shard = shard_, stream = x.stream, me = me_] {
    export_pinned out{stream, nullptr};
    if (auto pinned = node.state->pin(shard))
      out.state = std::move(*pinned);
    caf::anon_send(me, std::move(out));
  });
}

void shard_raft::handle(export_pinned& x) {
  auto at = outgoing_.find(x.stream);
  auto state = std::move(x.state);
  result<std::string> description;
  if (at != outgoing_.end() && raft_ && state
      && state->applied() >= at->second.at_least)
    description = raft_->describe_state(x.stream, state->applied());
  if (!description || description->empty()) {
    // Too early, broken or void; the follower asks again.
    if (state) // to let go of it may take a while
      node_.read([gone = std::move(state)]() mutable { gone.reset(); });
    if (outgoing_.erase(x.stream) > 0 && raft_)
      raft_->stream_ended(x.stream);
    return;
  }
  auto to = at->second.to;
  spdlog::info("shard {}: node #{} gets the state as of {}", shard_.value,
               to.value, state->applied().value);
  auto what = std::make_shared<state_sender_options>();
  *what = {shard_,
           x.stream,
           to,
           std::move(*description),
           std::move(state),
           std::move(at->second.slot),
           me_};
  at->second.sender = me_->home_system().spawn(state_sender, &node_, what);
}

void shard_raft::end_streams() {
  for (auto& [stream, x] : std::exchange(outgoing_, {}))
    if (x.sender)
      caf::anon_send(x.sender, stream_void{});
  if (auto x = std::exchange(incoming_, std::nullopt))
    caf::anon_send(x->receiver, stream_void{});
}

void shard_raft::handle(const stream_over& x) {
  if (outgoing_.erase(x.stream) == 0)
    return;
  if (x.bytes > 0)
    ++sums_.states_sent;
  if (raft_)
    raft_->stream_ended(x.stream);
}

// -- from the leader
// --------------------------------------------------------

/// Begins to take it in; false: not now, or there is no use for it.
bool shard_raft::receive_state(node_number from,
                               const remote::state_description& x) {
  if (!raft_) {
    join(); // and the leader asks again
    return false;
  }
  auto state
    = described_state(static_cast<std::uint32_t>(shard_.value), x.message);
  if (!state || raft_->commit_index() >= state->index || installing_)
    return false;
  // The place of one that it takes the place of is free.
  if (auto before = std::exchange(incoming_, std::nullopt))
    caf::anon_send(before->receiver, stream_void{});
  auto slot = node_.states_in.take(node_.conf.cluster.moves);
  if (!slot)
    return false;
  incoming_
    = {from, x.stream,
       me_->home_system().spawn(
         state_receiver, &node_,
         state_receiver_options{shard_, x.stream, from, std::move(slot), me_})};
  return true;
}

bool shard_raft::receive_stream(node_number from, remote::message& x) {
  auto pass = [&](const caf::actor& to) {
    caf::anon_send(
      to, stream_message{std::make_shared<remote::message>(std::move(x))});
    return true;
  };
  if (auto wanted = std::get_if<remote::state_wanted>(&x)) {
    auto at = outgoing_.find(wanted->stream);
    return at == outgoing_.end() || at->second.to != from || !at->second.sender
           || pass(at->second.sender);
  }
  if (auto chunk = std::get_if<remote::state_chunk>(&x))
    return !incoming_ || incoming_->from != from
           || incoming_->stream != chunk->stream || pass(incoming_->receiver);
  if (auto text = std::get_if<remote::state_description>(&x)) {
    if (text->complete)
      return !incoming_ || incoming_->from != from
             || incoming_->stream != text->stream || pass(incoming_->receiver);
    if (!receive_state(from, *text))
      node_.peers.send(
        from, peer_lane::bulk,
        frame(remote::state_wanted{shard_, text->stream, 0, true}));
    else
      pass(incoming_->receiver);
    return true;
  }
  if (auto digest = std::get_if<remote::state_digest>(&x)) {
    note_digest(from, digest->applied, digest->digest);
    return true;
  }
  return false;
}

void shard_raft::handle(state_staged& x, std::uint64_t now_ms) {
  if (!incoming_ || incoming_->stream != x.stream)
    return;
  incoming_.reset();
  if (!raft_ || x.message.empty())
    return;
  carry_out(raft_->receive(x.from, x.message, now_ms));
}

void shard_raft::peer_gone(node_number node) {
  for (auto& [stream, x] : outgoing_)
    if (x.to == node && x.sender)
      caf::anon_send(x.sender, stream_void{});
  if (incoming_ && incoming_->from == node)
    caf::anon_send(incoming_->receiver, stream_void{});
}

shard_raft::~shard_raft() {
  for (auto& [stream, x] : outgoing_)
    if (x.sender)
      caf::anon_send_exit(x.sender, caf::exit_reason::kill);
  if (incoming_)
    caf::anon_send_exit(incoming_->receiver, caf::exit_reason::kill);
}

} // namespace callboard
