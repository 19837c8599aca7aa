#pragma once

#include "actors/model/problem.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callboard {

/// What GET /v1/admin/cluster says, as far as we show it. Members that are
/// missing keep their defaults, so that a client and a node of different
/// versions understand each other.
struct cluster_status {
  struct node {
    std::string name;
    std::string state; ///< up, down, joining, leaving
    std::string address;
    std::string version;
    std::optional<std::uint64_t> uptime_ms; ///< Nothing: unknown, as when down.
    std::uint64_t leaders = 0;
    std::uint64_t replicas = 0;
    std::uint64_t round_trip_us = 0; ///< 0: none, as of the node that answers.

    bool is_up() const {
      return state != "down";
    }
  };

  struct replica {
    std::string node;
    bool voter = true;
    std::uint64_t lag = 0;                  ///< Entries.
    std::optional<std::uint64_t> silent_ms; ///< Nothing: the leader itself.
    std::optional<std::uint64_t> applied_index;
    std::string digest;                     ///< Empty: none yet.
    std::optional<std::uint64_t> digest_at; ///< Index that the digest is of.
  };

  struct shard {
    std::string name;   ///< A number, or "directory".
    std::string leader; ///< Empty: none.
    std::uint64_t term = 0, commit_index = 0, applied_index = 0;
    std::vector<replica> replicas;
    std::vector<std::string> wanted; ///< Names of nodes; the first should lead.
    std::string pinned;              ///< Empty: nobody.
    std::vector<std::string> moves;  ///< As text.
    /// Nodes whose replica differed and was made anew, or another's in its
    /// place; remembered for a day at least.
    std::vector<std::string> mended;

    std::uint64_t voters() const;
  };

  std::string cluster;
  std::uint64_t version = 0;
  std::vector<node> nodes;
  std::vector<shard> shards;
  std::uint64_t moves_in_progress = 0;
  std::vector<std::string> alarms;

  const node* find(std::string_view name) const;
};

/// errc::invalid: not such a document.
result<cluster_status> parse_cluster_status(std::string_view json);

/// What is wrong, the worst first, one line each: shards without a leader or a
/// majority, nodes that are down, shards with fewer live voters than wanted,
/// digests that differ, alarms. Empty: all is well.
std::vector<std::string> troubles(const cluster_status& x);

/// What is well again but worth knowing: which nodes held something else than
/// the others and had it taken from them.
std::vector<std::string> remarks(const cluster_status& x);

/// Why the cluster is not yet as it should be: moves under way, replicas that
/// are not where they are wanted, shards that others than wanted lead. Empty:
/// it is.
std::string unsettled(const cluster_status& x);

/// "0-3, 7" of names that are numbers; others stand by themselves.
std::string ranges(const std::vector<std::string>& names);

} // namespace callboard
