#include "actors/maintenance.hpp"

#include <spdlog/spdlog.h>
#include <sys/statvfs.h>

#include <algorithm>

namespace callboard {

namespace {

constexpr auto look_interval = std::chrono::seconds{1};

/// Bytes that must stay free: the setting, but at most 5 % of a small disk.
std::uint64_t reserve(std::uint64_t wanted, const struct statvfs& disk) {
  auto size = static_cast<std::uint64_t>(disk.f_blocks) * disk.f_frsize;
  return std::min(wanted, size / 20);
}

} // namespace

void maintenance_state::init(node_context& node) {
  node_ = &node;
  self_->delayed_send(self_, look_interval, tick{});
}

void maintenance_state::handle(const flush_state& x) {
  if (auto done = node_->state->flush(); !done) {
    // Nothing is lost: the log keeps what is not flushed, and the next flush
    // takes it along.
    spdlog::error("the state store cannot be flushed: {}", done.error().detail);
    return;
  }
  for (auto& [shard, upto] : x.applied)
    self_->send(shard, state_flushed{upto});
}

void maintenance_state::handle(const log_trim& x) {
  if (auto done = node_->log->trim(x.shard, x.upto, x.term,
                                   x.configuration_index, x.configuration);
      !done)
    spdlog::warn("the log of shard {} cannot be trimmed: {}", x.shard.value,
                 done.error().detail);
}

void maintenance_state::handle(tick) {
  self_->delayed_send(self_, look_interval, tick{});
  if (node_->no_space.load() != 0)
    node_->say_no_space(); // also to those that were not linked just before
  // Here, because it reads folders and /metrics is answered on a hub's thread.
  node_->counters.log_disk_bytes = node_->log->disk_bytes();
  node_->counters.state_disk_bytes = node_->state->disk_bytes();
  struct statvfs disk {};
  if (::statvfs(node_->conf.node.data_dir.c_str(), &disk) != 0)
    return;
  auto free = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
  auto low = free < reserve(node_->conf.storage.min_free_bytes, disk);
  auto bit = static_cast<std::uint8_t>(no_space_reason::low);
  auto was_low = (node_->no_space.load() & bit) != 0;
  if (low == was_low)
    return;
  node_->set_no_space(no_space_reason::low, low);
  if (low)
    spdlog::error("only {} bytes are free under {}: no writes until there is "
                  "room (storage.min_free_bytes)",
                  free, node_->conf.node.data_dir);
  else
    spdlog::warn("there is room again under {}", node_->conf.node.data_dir);
}

maintenance_actor::behavior_type
maintenance(maintenance_actor::stateful_pointer<maintenance_state> self,
            node_context* node) {
  self->state.init(*node);
  return {
    [self](const flush_state& x) { self->state.handle(x); },
    [self](const log_trim& x) { self->state.handle(x); },
    [self](tick x) { self->state.handle(x); },
  };
}

reader_actor::behavior_type reader(reader_actor::pointer) {
  return {[](const read_job& x) { (*x.work)(); }};
}

} // namespace callboard
