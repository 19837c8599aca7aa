#include "actors/log_writer.hpp"

#include "actors/actor_pool.hpp"

#include <spdlog/spdlog.h>

#include <optional>
#include <utility>

namespace callboard {

namespace {

constexpr auto retry_interval = std::chrono::milliseconds{200};

} // namespace

void log_writer_state::handle(log_append& x) {
  if (x.hard)
    batch_.put_hard_state(x.shard, *x.hard);
  if (x.erase_from && *x.erase_from <= x.erase_last)
    batch_.erase(x.shard, *x.erase_from, x.erase_last);
  for (auto& entry : x.entries)
    batch_.append(x.shard, entry);
  if (x.install)
    batch_.install(x.shard, *x.install);
  if (x.installed)
    batch_.installed(x.shard);
  if (x.wipe) {
    batch_.wipe(x.shard, *x.wipe);
    waiting_.erase(x.shard);
    wipes_.push_back({x.shard, x.from});
  }
  if (x.after != ticket{})
    waiting_[x.shard] = {x.after, x.from};
  if (flush_sent_)
    return;
  if (self_->mailbox().empty())
    return handle(flush_now{});
  // Behind everything that is in the mailbox by now: that goes along.
  flush_sent_ = true;
  self_->send(self_, flush_now{});
}

void log_writer_state::handle(flush_now) {
  if (stuck_.empty()) {
    flush_sent_ = false;
    if (batch_.empty())
      return;
    std::swap(stuck_, batch_);
    std::swap(stuck_waiting_, waiting_);
    std::swap(stuck_wipes_, wipes_);
  }
  std::string error;
  auto bytes = stuck_.bytes();
  auto began = steady_us();
  switch (node_->log->write(stuck_, error)) {
  case write_outcome::durable:
    break;
  case write_outcome::no_space:
    if (node_->no_space.load() == 0)
      spdlog::error("the disk under {} is full: no writes until there is room "
                    "({})",
                    node_->conf.node.data_dir, error);
    node_->set_no_space(no_space_reason::log, true);
    node_->recover(*node_->log);
    flush_sent_ = true;
    self_->delayed_send(self_, retry_interval, flush_now{});
    return;
  case write_outcome::failed:
    node_->die("the log in " + node_->conf.node.data_dir
               + " cannot be written: " + error);
  }
  node_->counters.sync_seconds.observe(
    std::chrono::microseconds{steady_us() - began});
  node_->counters.syncs.fetch_add(1, std::memory_order_relaxed);
  node_->counters.log_bytes.fetch_add(bytes, std::memory_order_relaxed);
  if (node_->no_space.load()
      & static_cast<std::uint8_t>(no_space_reason::log)) {
    node_->set_no_space(no_space_reason::log, false);
    spdlog::warn("the log can be written again");
  }
  {
    // What waited for the disk goes on right here, unless there is more for it.
    std::optional<caller_runs> here;
    if (self_->mailbox().empty())
      here.emplace(self_->home_system());
    for (auto& [shard, who] : stuck_waiting_)
      self_->send(who.from, log_durable{who.done});
  }
  // The log's part comes first: a start that finds it goes on from there.
  for (auto& wipe : stuck_wipes_)
    self_->send(node_->state_writer, wipe);
  stuck_waiting_.clear();
  stuck_wipes_.clear();
  stuck_.clear();
  flush_sent_ = !batch_.empty();
  if (flush_sent_)
    self_->send(self_, flush_now{});
}

log_writer_actor::behavior_type
log_writer(log_writer_actor::stateful_pointer<log_writer_state> self,
           node_context* node) {
  self->state.init(*node);
  return {
    [self](log_append& x) { self->state.handle(x); },
    [self](flush_now x) { self->state.handle(x); },
  };
}

} // namespace callboard
