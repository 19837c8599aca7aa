#include "actors/state_writer.hpp"

#include "actors/state_mover.hpp"

#include <spdlog/spdlog.h>

#include <string_view>
#include <utility>
#include <vector>

namespace callboard {

namespace {

constexpr auto retry_interval = std::chrono::milliseconds{200};

} // namespace

void state_writer_state::handle(state_apply& x) {
  take(std::move(x));
}

void state_writer_state::handle(const state_install& x) {
  take(x);
}

void state_writer_state::handle(const state_wipe& x) {
  take(x);
}

void state_writer_state::take(job x) {
  if (!waits_for_move(x) && (!stuck_.empty() || !carry_out(x)))
    put_off(std::move(x));
}

/// True: its shard is being moved, and it was put behind that.
bool state_writer_state::waits_for_move(job& x) {
  auto shard = std::visit([](const auto& y) { return y.shard; }, x);
  auto at = moving_.find(shard);
  if (at == moving_.end())
    return false;
  at->second.push_back(std::move(x));
  return true;
}

void state_writer_state::put_off(job x) {
  if (stuck_.empty())
    self_->delayed_send(self_, retry_interval, flush_now{});
  stuck_.push_back(std::move(x));
}

bool state_writer_state::carry_out(const job& x) {
  return std::visit([this](const auto& y) { return apply(y); }, x);
}

void state_writer_state::handle(flush_now) {
  node_->recover(*node_->state);
  while (!stuck_.empty()) {
    if (!waits_for_move(stuck_.front()) && !carry_out(stuck_.front())) {
      self_->delayed_send(self_, retry_interval, flush_now{});
      return;
    }
    stuck_.pop_front();
  }
  node_->set_no_space(no_space_reason::state, false);
  spdlog::warn("the state store can be written again");
}

// A command without content is a check: all replicas look at their state as it
// is exactly there.
bool state_writer_state::apply(const state_apply& x) {
  std::span<const log_entry> left{x.entries};
  if (auto done = done_.find(x.shard); done != done_.end())
    while (!left.empty() && left.front().index <= done->second)
      left = left.subspan(1);
  while (!left.empty()) {
    auto is_check = [](const log_entry& entry) {
      return entry.kind == entry_kind::command && entry.payload.empty();
    };
    auto at = std::ranges::find_if(left, is_check);
    auto checks = at != left.end();
    auto count = static_cast<std::size_t>(at - left.begin()) + (checks ? 1 : 0);
    if (!apply_part(x, left.first(count)))
      return false;
    if (checks)
      if (auto state = node_->state->pin(x.shard))
        self_->send(x.from, state_pinned{std::move(*state)});
    left = left.subspan(count);
  }
  done_.erase(x.shard);
  return true;
}

bool state_writer_state::apply_part(const state_apply& x,
                                    std::span<const log_entry> entries) {
  std::vector<std::string_view> payloads;
  payloads.reserve(entries.size());
  std::size_t bytes = 0;
  for (auto& entry : entries) {
    payloads.push_back(entry.kind == entry_kind::command ? entry.payload
                                                         : std::string_view{});
    bytes += entry.payload.size();
  }
  auto upto = entries.back().index;
  auto began = steady_us();
  auto done = node_->state->apply(x.shard, upto, payloads);
  if (!done)
    return out_of_space(done.error());
  done_[x.shard] = upto;
  node_->counters.apply_seconds.observe(
    std::chrono::microseconds{steady_us() - began});
  node_->counters.applied.fetch_add(1, std::memory_order_relaxed);
  self_->send(x.from, state_applied{upto});
  applied_[x.shard] = {x.from, upto};
  bytes_since_flush_ += bytes;
  if (bytes_since_flush_ >= node_->conf.storage.flush_after_log_bytes)
    ask_for_flush();
  return true;
}

/// Other shards go on meanwhile; what comes for this one waits until then.
template <class Move>
bool state_writer_state::move(const Move& x) {
  if (!node_->state_mover)
    return moved(x, callboard::carry_out(*node_, x));
  moving_.try_emplace(x.shard);
  self_->request(node_->state_mover, caf::infinite, x)
    .then([this, x](const state_moved& done) {
      auto behind = std::move(moving_.extract(x.shard).mapped());
      if (!moved(x, done.why_not))
        put_off(x); // and therefore the others behind it
      for (auto& next : behind)
        take(std::move(next));
    });
  return true;
}

template <class Move>
bool state_writer_state::moved(const Move& x,
                               const std::optional<problem>& why_not) {
  if (why_not)
    return out_of_space(*why_not);
  applied_.erase(x.shard);
  tell(x);
  return true;
}

void state_writer_state::tell(const state_install& x) {
  self_->send(x.from, state_installed{x.stream});
}

void state_writer_state::tell(const state_wipe& x) {
  self_->send(x.from, state_wiped{});
}

/// False: try again later. Any other failure ends the process.
bool state_writer_state::out_of_space(const problem& why) {
  if (why.code != errc::unavailable)
    node_->die("the state in " + node_->conf.node.data_dir
               + " cannot be written: " + why.detail);
  if (node_->no_space.load() == 0)
    spdlog::error("the disk under {} is full: no writes until there is room "
                  "({})",
                  node_->conf.node.data_dir, why.detail);
  node_->set_no_space(no_space_reason::state, true);
  return false;
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
    [self](const state_install& x) { self->state.handle(x); },
    [self](const state_wipe& x) { self->state.handle(x); },
    [self](flush_now x) { self->state.handle(x); },
  };
}

} // namespace callboard
