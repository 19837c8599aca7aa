#include "actors/replica_load.hpp"

#include "storage/raft/configuration.hpp"

#include <string>
#include <utility>

namespace callboard {

namespace {

loaded_replica failed(problem why) {
  loaded_replica out;
  out.error = std::move(why);
  return out;
}

/// Reading it again would not help, as it may when something has to be written
/// and the disk is full.
problem unreadable(problem why) {
  why.code = errc::internal;
  return why;
}

result<void> write(node_context& node, log_store::batch& x) {
  std::string error;
  auto outcome = node.log->write(x, error);
  if (outcome == write_outcome::durable)
    return {};
  return fail(outcome == write_outcome::no_space ? errc::unavailable
                                                 : errc::internal,
              "the log cannot be written: " + error);
}

/// The process ended between the log's part of an install and the state's.
result<void> finish_install(node_context& node, shard_id shard) {
  auto unfinished = node.log->unfinished_install(shard);
  if (!unfinished)
    return tl::unexpected{unreadable(unfinished.error())};
  if (*unfinished != stream_id{}) {
    if (auto ok = node.state->install(shard, *unfinished); !ok)
      return ok;
    log_store::batch done;
    done.installed(shard);
    if (auto ok = write(node, done); !ok)
      return ok;
  }
  return node.state->drop_staged(shard);
}

loaded_replica drop_again(node_context& node, shard_id shard,
                          const log_position& end) {
  log_store::batch gone;
  gone.wipe(shard, end);
  if (auto ok = write(node, gone); !ok)
    return failed(ok.error());
  if (auto ok = node.state->wipe(shard); !ok)
    return failed(ok.error());
  return {};
}

} // namespace

loaded_replica find_replica(node_context& node, shard_id shard,
                            const std::vector<group_member>& founders) {
  if (auto ok = finish_install(node, shard); !ok)
    return failed(ok.error());
  auto present = node.log->presence(shard);
  if (!present)
    return failed(unreadable(present.error()));
  switch (*present) {
  case log_presence::holds: {
    auto out = load_replica(node, shard);
    if (!out.error && would_lead_without_dropped(out.log, node.self))
      return drop_again(node, shard, out.log.dropped);
    return out;
  }
  case log_presence::wiped: // the process may have ended amid it
    if (auto ok = node.state->wipe(shard); !ok)
      return failed(ok.error());
    return {};
  case log_presence::never:
    break;
  }
  if (founders.empty())
    return {};
  auto out = load_replica(node, shard);
  out.bootstrap = founders;
  return out;
}

loaded_replica load_replica(node_context& node, shard_id shard) {
  auto applied = node.state->applied(shard);
  if (!applied)
    return failed(unreadable(applied.error()));
  auto found = node.log->load(shard, *applied);
  if (!found)
    return failed(unreadable(found.error()));
  loaded_replica out;
  out.begins = true;
  out.applied = *applied;
  out.log = std::move(*found);
  return out;
}

} // namespace callboard
