#include "actors/state_streams.hpp"

#include "actors/remote_frame.hpp"

#include <caf/send.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace callboard {

namespace {

/// Chunks that are under way at a time.
constexpr std::uint64_t window = 4;

/// A peer that is silent for so long has given up.
constexpr std::uint64_t patience_ms = 30'000;
constexpr auto look_interval = std::chrono::seconds{1};

/// What a peer may have sent ahead of what is staged: its window, the beginning
/// and the end. More is a fault of it.
constexpr std::size_t most_waiting = 2 * window;

bool send(node_context& node, node_number to, remote::message x) {
  return node.peers.send(to, peer_lane::bulk, frame(x));
}

/// What may do work on the disk when it goes away goes on a reader.
template <class T>
void drop_on_reader(node_context& node, std::shared_ptr<T>& x) {
  if (x)
    node.read([gone = std::exchange(x, nullptr)]() mutable { gone.reset(); });
}

// -- out
// -----------------------------------------------------------------------

using sender = caf::stateful_actor<state_sender_state>;

void end(sender* self, bool good) {
  auto& s = self->state;
  if (!good)
    spdlog::debug("shard {}: the state on its way to node #{} is not wanted "
                  "now or did not get there",
                  s.what.shard.value, s.what.to.value);
  drop_on_reader(*s.node, s.what.state);
  s.what.slot.reset();
  self->send(s.what.owner, stream_over{s.what.stream, good ? s.bytes : 0});
  self->quit();
}

void read_on(sender* self) {
  auto& s = self->state;
  if (s.reading || s.read_all || s.sent >= s.wanted + window)
    return;
  s.reading = true;
  s.node->read([state = s.what.state, bytes = s.node->conf.cluster.chunk_bytes,
                me = caf::actor{self}] {
    caf::anon_send(me, rows_read{state->next(bytes)});
  });
}

void on_rows(sender* self, rows_read& x) {
  auto& s = self->state;
  s.reading = false;
  if (!x.rows) {
    spdlog::error("shard {}: the state cannot be read: {}", s.what.shard.value,
                  x.rows.error().detail);
    return end(self, false);
  }
  if (x.rows->empty()) {
    s.read_all = true;
    drop_on_reader(*s.node, s.what.state);
    if (!send(*s.node, s.what.to,
              remote::state_description{s.what.shard, s.what.stream,
                                        s.what.description, true}))
      end(self, false);
    return;
  }
  s.bytes += x.rows->size();
  if (!send(*s.node, s.what.to,
            remote::state_chunk{s.what.shard, s.what.stream, s.sent,
                                std::move(*x.rows)}))
    return end(self, false);
  ++s.sent;
  read_on(self);
}

void on_wanted(sender* self, const remote::state_wanted& x) {
  auto& s = self->state;
  s.heard_ms = steady_ms();
  if (x.refused)
    return end(self, false);
  if (s.read_all && x.chunks > s.sent)
    return end(self, true); // the description behind the last chunk, too
  s.wanted = std::max(s.wanted, x.chunks);
  read_on(self);
}

// -- in
// ------------------------------------------------------------------------

using receiver = caf::stateful_actor<state_receiver_state>;

void end(receiver* self, std::string message) {
  auto& s = self->state;
  drop_on_reader(*s.node, s.staging);
  s.what.slot.reset();
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

using staged_rows = result<std::shared_ptr<state_import>>;

/// On a reader.
staged_rows stage(node_context& node, shard_id shard, stream_id stream,
                  std::shared_ptr<state_import> staging,
                  const remote::message& x) {
  auto chunk = std::get_if<remote::state_chunk>(&x);
  auto text = std::get_if<remote::state_description>(&x);
  if (text && !text->complete)
    return node.state->stage(shard, stream).map([](auto begun) {
      return std::shared_ptr<state_import>{std::move(begun)};
    });
  if (auto ok = chunk ? staging->add(chunk->rows) : staging->finish(); !ok)
    return tl::unexpected{ok.error()};
  return staging;
}

void stage_next(receiver* self) {
  auto& s = self->state;
  if (s.busy || s.waiting.empty())
    return;
  auto& x = s.waiting.front();
  auto chunk = std::get_if<remote::state_chunk>(x.get());
  auto text = std::get_if<remote::state_description>(x.get());
  if ((chunk && chunk->number != s.staged)
      || (!s.staging && (chunk || text->complete)))
    return refuse(self, "a part is missing");
  s.busy = true;
  s.node->read([node = s.node, shard = s.what.shard, stream = s.what.stream,
                staging = s.staging, x, me = caf::actor{self}] {
    auto done = stage(*node, shard, stream, staging, *x);
    caf::anon_send(me, done ? rows_staged{std::move(*done), {}}
                            : rows_staged{nullptr, done.error()});
  });
}

void on_staged(receiver* self, rows_staged& x) {
  auto& s = self->state;
  if (!x.staging)
    return refuse(self, x.why.detail);
  s.busy = false;
  s.staging = std::move(x.staging);
  auto done = std::move(s.waiting.front());
  s.waiting.pop_front();
  auto text = std::get_if<remote::state_description>(done.get());
  auto complete = text && text->complete;
  if (!text)
    ++s.staged;
  send(*s.node, s.what.from,
       remote::state_wanted{s.what.shard, s.what.stream,
                            s.staged + (complete ? 1 : 0), false});
  if (complete)
    return end(self, std::move(text->message));
  stage_next(self);
}

void on_message(receiver* self, const stream_message& x) {
  auto& s = self->state;
  s.heard_ms = steady_ms();
  if (!std::holds_alternative<remote::state_chunk>(*x.what)
      && !std::holds_alternative<remote::state_description>(*x.what))
    return;
  if (s.waiting.size() >= most_waiting)
    return refuse(self, "it sends more than was asked for");
  s.waiting.push_back(x.what);
  stage_next(self);
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
    [self](rows_read& x) { on_rows(self, x); },
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
    [self](const stream_message& x) { on_message(self, x); },
    [self](rows_staged& x) { on_staged(self, x); },
    [self](stream_void) { end(self, std::string{}); },
    [self](tick) {
      self->delayed_send(self, look_interval, tick{});
      if (steady_ms() - self->state.heard_ms > patience_ms)
        end(self, std::string{});
    },
  };
}

} // namespace callboard
