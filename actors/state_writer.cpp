#include "actors/state_writer.hpp"

#include <spdlog/spdlog.h>

#include <string_view>
#include <utility>
#include <vector>

namespace callboard {

namespace {

constexpr auto retry_interval = std::chrono::milliseconds{200};

} // namespace

void state_writer_state::handle(state_apply& x) {
  if (!stuck_.empty() || !apply(x)) {
    if (stuck_.empty())
      self_->delayed_send(self_, retry_interval, flush_now{});
    stuck_.push_back(std::move(x));
  }
}

void state_writer_state::handle(flush_now) {
  node_->state->resume();
  while (!stuck_.empty()) {
    if (!apply(stuck_.front())) {
      self_->delayed_send(self_, retry_interval, flush_now{});
      return;
    }
    stuck_.pop_front();
  }
  node_->set_no_space(no_space_reason::state, false);
  spdlog::warn("the state store can be written again");
}

bool state_writer_state::apply(const state_apply& x) {
  std::vector<std::string_view> payloads;
  payloads.reserve(x.entries.size());
  std::size_t bytes = 0;
  for (auto& entry : x.entries) {
    payloads.push_back(entry.kind == entry_kind::command ? entry.payload
                                                         : std::string_view{});
    bytes += entry.payload.size();
  }
  auto began = steady_us();
  auto done = node_->state->apply(x.shard, x.upto, payloads);
  if (!done) {
    if (done.error().code != errc::unavailable)
      node_->die("the state in " + node_->conf.node.data_dir
                 + " cannot be written: " + done.error().detail);
    if (node_->no_space.load() == 0)
      spdlog::error("the disk under {} is full: no writes until there is room "
                    "({})",
                    node_->conf.node.data_dir, done.error().detail);
    node_->set_no_space(no_space_reason::state, true);
    return false;
  }
  node_->counters.apply_seconds.observe(
    std::chrono::microseconds{steady_us() - began});
  node_->counters.applied.fetch_add(1, std::memory_order_relaxed);
  self_->send(x.from, state_applied{x.upto});
  applied_[x.shard] = {x.from, x.upto};
  bytes_since_flush_ += bytes;
  if (bytes_since_flush_ >= node_->conf.storage.flush_after_log_bytes)
    ask_for_flush();
  return true;
}

void state_writer_state::ask_for_flush() {
  flush_state x;
  for (auto& [shard, at] : applied_)
    x.applied.push_back(at);
  applied_.clear();
  bytes_since_flush_ = 0;
  self_->send(node_->maintenance, std::move(x));
}

state_writer_actor::behavior_type
state_writer(state_writer_actor::stateful_pointer<state_writer_state> self,
             node_context* node) {
  self->state.init(*node);
  return {
    [self](state_apply& x) { self->state.handle(x); },
    [self](flush_now x) { self->state.handle(x); },
  };
}

} // namespace callboard
