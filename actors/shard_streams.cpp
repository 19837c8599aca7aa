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
  auto pinned = node_.state->pin(shard_);
  if (!pinned || (*pinned)->applied() < x.at_least) {
    // Too early or broken; the follower asks again.
    raft_->stream_ended(x.stream);
    return;
  }
  auto description = raft_->describe_state(x.stream, (*pinned)->applied());
  if (!description) {
    raft_->stream_ended(x.stream);
    return;
  }
  spdlog::info("shard {}: node #{} gets the state as of {}", shard_.value,
               x.to.value, (*pinned)->applied().value);
  auto what = std::make_shared<state_sender_options>();
  *what = {shard_,
           x.stream,
           x.to,
           std::move(*description),
           std::shared_ptr<state_export>{std::move(*pinned)},
           me_};
  auto& system = me_->home_system();
  outgoing_[x.stream]
    = {x.to, node_.own_threads
               ? system.spawn<caf::detached>(state_sender, &node_, what)
               : system.spawn(state_sender, &node_, what)};
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

bool shard_raft::receive_stream(node_number from, remote::message& x,
                                std::uint64_t now_ms) {
  auto pass = [&](const caf::actor& to) {
    caf::anon_send(
      to, stream_message{std::make_shared<remote::message>(std::move(x))});
    return true;
  };
  if (auto wanted = std::get_if<remote::state_wanted>(&x)) {
    auto at = outgoing_.find(wanted->stream);
    return at == outgoing_.end() || at->second.to != from
           || pass(at->second.sender);
  }
  if (auto chunk = std::get_if<remote::state_chunk>(&x))
    return !incoming_ || incoming_->from != from
           || incoming_->stream != chunk->stream || pass(incoming_->receiver);
  if (auto text = std::get_if<remote::state_description>(&x)) {
    if (text->complete)
      return !incoming_ || incoming_->from != from
             || incoming_->stream != text->stream || pass(incoming_->receiver);
    if (wiping_)
      return true;
    if (!raft_)
      if (auto ok = load({}, now_ms); !ok)
        node_.die("shard " + std::to_string(shard_.value) + ": "
                  + ok.error().detail);
    auto state = described_state(static_cast<std::uint32_t>(shard_.value),
                                 text->message);
    if (!state || raft_->commit_index() >= state->index || installing_) {
      node_.peers.send(from, peer_lane::bulk,
                       std::make_shared<const std::string>(remote::encode(
                         remote::state_wanted{shard_, text->stream, 0, true})));
      return true;
    }
    if (incoming_)
      caf::anon_send(incoming_->receiver, stream_void{});
    state_receiver_options what{shard_, text->stream, from, me_};
    auto& system = me_->home_system();
    incoming_ = {from, text->stream,
                 node_.own_threads
                   ? system.spawn<caf::detached>(state_receiver, &node_, what)
                   : system.spawn(state_receiver, &node_, what)};
    return pass(incoming_->receiver);
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
    if (x.to == node)
      caf::anon_send(x.sender, stream_void{});
  if (incoming_ && incoming_->from == node)
    caf::anon_send(incoming_->receiver, stream_void{});
}

shard_raft::~shard_raft() {
  for (auto& [stream, x] : outgoing_)
    caf::anon_send_exit(x.sender, caf::exit_reason::kill);
  if (incoming_)
    caf::anon_send_exit(incoming_->receiver, caf::exit_reason::kill);
}

} // namespace callboard
