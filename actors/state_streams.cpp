#include "actors/state_streams.hpp"

#include <caf/send.hpp>
#include <spdlog/spdlog.h>

#include <utility>

namespace callboard {

namespace {

/// Chunks that are under way at a time.
constexpr std::uint64_t window = 4;

/// A peer that is silent for so long has given up.
constexpr std::uint64_t patience_ms = 30'000;
constexpr auto look_interval = std::chrono::seconds{1};

bool send(node_context& node, node_number to, remote::message x) {
  return node.peers.send(
    to, peer_lane::bulk,
    std::make_shared<const std::string>(remote::encode(x)));
}

// -- out
// -----------------------------------------------------------------------

using sender = caf::stateful_actor<state_sender_state>;

void end(sender* self, bool good) {
  auto& s = self->state;
  if (!good)
    spdlog::info("shard {}: the state on its way to node #{} is not wanted or "
                 "did not get there",
                 s.what.shard.value, s.what.to.value);
  self->send(s.what.owner, stream_over{s.what.stream, good ? s.bytes : 0});
  self->quit();
}

void on_wanted(sender* self, const remote::state_wanted& x) {
  auto& s = self->state;
  s.heard_ms = steady_ms();
  if (x.refused)
    return end(self, false);
  if (s.read_all && x.chunks > s.sent)
    return end(self, true); // the description behind the last chunk, too
  while (!s.read_all && s.sent < x.chunks + window) {
    auto rows = s.what.state->next(s.node->conf.cluster.chunk_bytes);
    if (!rows) {
      spdlog::error("shard {}: the state cannot be read: {}",
                    s.what.shard.value, rows.error().detail);
      return end(self, false);
    }
    if (rows->empty()) {
      s.read_all = true;
      s.what.state.reset();
      if (!send(*s.node, s.what.to,
                remote::state_description{s.what.shard, s.what.stream,
                                          s.what.description, true}))
        return end(self, false);
      return;
    }
    s.bytes += rows->size();
    if (!send(*s.node, s.what.to,
              remote::state_chunk{s.what.shard, s.what.stream, s.sent,
                                  std::move(*rows)}))
      return end(self, false);
    ++s.sent;
  }
}

// -- in
// ------------------------------------------------------------------------

using receiver = caf::stateful_actor<state_receiver_state>;

void end(receiver* self, std::string message) {
  auto& s = self->state;
  s.staging.reset();
  self->send(s.what.owner,
             state_staged{s.what.from, s.what.stream, std::move(message)});
  self->quit();
}

void refuse(receiver* self, const std::string& why) {
  auto& s = self->state;
  spdlog::warn("shard {}: the state of node #{} is not taken: {}",
               s.what.shard.value, s.what.from.value, why);
  send(*s.node, s.what.from,
       remote::state_wanted{s.what.shard, s.what.stream, s.staged, true});
  end(self, {});
}

void on_description(receiver* self, remote::state_description& x) {
  auto& s = self->state;
  if (x.complete) {
    if (!s.staging)
      return refuse(self, "its end came before its beginning");
    if (auto ok = s.staging->finish(); !ok)
      return refuse(self, ok.error().detail);
    send(
      *s.node, s.what.from,
      remote::state_wanted{s.what.shard, s.what.stream, s.staged + 1, false});
    return end(self, std::move(x.message));
  }
  auto staging = s.node->state->stage(s.what.shard, s.what.stream);
  if (!staging)
    return refuse(self, staging.error().detail);
  s.staging = std::move(*staging);
  send(*s.node, s.what.from,
       remote::state_wanted{s.what.shard, s.what.stream, 0, false});
}

void on_chunk(receiver* self, const remote::state_chunk& x) {
  auto& s = self->state;
  if (!s.staging || x.number != s.staged)
    return refuse(self, "a part is missing");
  if (auto ok = s.staging->add(x.rows); !ok)
    return refuse(self, ok.error().detail);
  ++s.staged;
  send(*s.node, s.what.from,
       remote::state_wanted{s.what.shard, s.what.stream, s.staged, false});
}

} // namespace

caf::behavior state_sender(sender* self, node_context* node,
                           std::shared_ptr<state_sender_options> what) {
  auto& s = self->state;
  s.node = node;
  s.what = std::move(*what);
  s.heard_ms = steady_ms();
  self->delayed_send(self, look_interval, tick{});
  if (!send(*node, s.what.to,
            remote::state_description{s.what.shard, s.what.stream,
                                      s.what.description, false}))
    end(self, false);
  return {
    [self](const stream_message& x) {
      if (auto wanted = std::get_if<remote::state_wanted>(x.what.get()))
        on_wanted(self, *wanted);
    },
    [self](stream_void) { end(self, false); },
    [self](tick) {
      self->delayed_send(self, look_interval, tick{});
      if (steady_ms() - self->state.heard_ms > patience_ms)
        end(self, false);
    },
  };
}

caf::behavior state_receiver(receiver* self, node_context* node,
                             state_receiver_options what) {
  self->state.node = node;
  self->state.what = std::move(what);
  self->state.heard_ms = steady_ms();
  self->delayed_send(self, look_interval, tick{});
  return {
    [self](const stream_message& x) {
      self->state.heard_ms = steady_ms();
      if (auto chunk = std::get_if<remote::state_chunk>(x.what.get()))
        on_chunk(self, *chunk);
      else if (auto text = std::get_if<remote::state_description>(x.what.get()))
        on_description(self, *text);
    },
    [self](stream_void) { end(self, std::string{}); },
    [self](tick) {
      self->delayed_send(self, look_interval, tick{});
      if (steady_ms() - self->state.heard_ms > patience_ms)
        end(self, std::string{});
    },
  };
}

} // namespace callboard
