#include "actors/replica_load.hpp"

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
    std::string error;
    auto outcome = node.log->write(done, error);
    if (outcome != write_outcome::durable)
      return fail(outcome == write_outcome::no_space ? errc::unavailable
                                                     : errc::internal,
                  "the log cannot be written: " + error);
  }
  return node.state->drop_staged(shard);
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
  case log_presence::holds:
    return load_replica(node, shard);
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
