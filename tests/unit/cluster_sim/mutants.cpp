#include "tests/unit/cluster_sim/mutants.hpp"

#include "actors/type_ids.hpp"
#include "storage/entry.hpp"
#include "storage/raft/message.hpp"

#include <caf/send.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace callboard::sim {

log_writer_actor::behavior_type early_log_writer(log_writer_actor::pointer self,
                                                 log_writer_actor real) {
  return {
    [self, real](log_append& x) {
      if (x.after != ticket{})
        self->send(x.from, log_durable{x.after});
      self->delayed_send(real, std::chrono::milliseconds{300}, std::move(x));
    },
    [](flush_now) {},
  };
}

state_writer_actor::behavior_type
careless_state_writer(state_writer_actor::pointer self, state_writer_actor real,
                      std::mt19937* random) {
  return {
    [self, real, random](state_apply& x) {
      for (auto& entry : x.entries)
        if (entry.kind == entry_kind::command && (*random)() % 8 == 0)
          entry.kind = entry_kind::barrier;
      self->send(real, std::move(x));
    },
    [self, real](const state_install& x) { self->send(real, x); },
    [self, real](const state_wipe& x) { self->send(real, x); },
    [](flush_now) {},
  };
}

state_writer_actor::behavior_type
forgetful_state_writer(state_writer_actor::pointer self,
                       state_writer_actor real) {
  return {
    [self, real](state_apply& x) {
      for (auto& entry : x.entries) {
        if (entry.kind != entry_kind::command || entry.payload.empty())
          continue;
        auto copy = std::make_shared<std::string>(entry.payload);
        entry_item item;
        for (entry_reader r{*copy}; r.next(item);)
          if (item.op == entry_item::what::event)
            if (auto record = decode_record(item.record);
                record && !record->id.empty())
              (*copy)[static_cast<std::size_t>(record->id.data()
                                               - copy->data())]
                = 'x';
        entry.payload = *copy;
        entry.block = copy;
      }
      self->send(real, std::move(x));
    },
    [self, real](const state_install& x) { self->send(real, x); },
    [self, real](const state_wipe& x) { self->send(real, x); },
    [](flush_now) {},
  };
}

// -- on the way from node to node
// ---------------------------------------------------------

namespace {

void forge_vote(remote::raft& x) {
  auto group = static_cast<std::uint32_t>(x.shard.value);
  auto message = decode_message(group, node_number{1}, x.bytes);
  if (!message || message->head.type != CRAFT_VOTE_RESULT)
    return;
  message->head.granted = 1;
  x.bytes = encode_message(group, message->head, {});
}

template <class Change>
shared_bytes changed(const shared_bytes& frame, Change change) {
  auto message = remote::decode(*frame);
  if (!message)
    return frame;
  change(*message);
  return std::make_shared<const std::string>(remote::encode(*message));
}

} // namespace

shared_bytes with_forged_votes(shared_bytes frame) {
  return changed(frame, [](remote::message& x) {
    if (auto one = std::get_if<remote::raft>(&x))
      forge_vote(*one);
  });
}

shared_bytes with_empty_state(shared_bytes frame) {
  return changed(frame, [](remote::message& x) {
    if (auto chunk = std::get_if<remote::state_chunk>(&x))
      chunk->rows.clear();
  });
}

shared_bytes without_lease(shared_bytes frame) {
  return changed(frame, [](remote::message& x) {
    if (auto one = std::get_if<remote::call>(&x))
      if (auto sent = std::get_if<publish_request>(&one->body))
        sent->lease.reset();
  });
}

std::shared_ptr<const room_batch> without_first(const room_batch& x) {
  auto out = std::make_shared<room_batch>();
  out->room = x.room;
  out->previous = x.previous;
  out->term = x.term;
  for (auto& event : x.events)
    if (event.seq != next(x.previous))
      out->events.push_back(event);
  return out;
}

} // namespace callboard::sim
