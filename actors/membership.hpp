#pragma once

#include "actors/forming.hpp"
#include "actors/remote.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace callboard {

/// Which cluster a node belongs to and with which map, from its first start to
/// its last: founding, adopting, and passing the map on.
///
///   unformed ──▶ founder: keeps the first map, then says it to the others
///            ──▶ is told the first map, or a later one that names its disk
///   formed   ──▶ takes newer maps of its own cluster only, and tells others
///
/// Plain logic: what it wants done goes through `hooks`, in the order given
/// there. One thread.
class membership {
public:
  /// What is on the disk (storage/node_identity.hpp).
  struct memory {
    std::string cluster; ///< Empty: belongs to none.
    std::string genesis; ///< The first map, encoded, if it was in it.
    std::string latest;  ///< The last map, encoded.
  };

  struct hooks {
    /// Durable when they return. An error: nothing follows, it is tried again.
    std::function<result<void>(const std::string& cluster,
                               const std::string& genesis)>
      join;
    std::function<result<void>(const std::string& map)> remember;
    /// The node has a (newer) map; `genesis` as soon as there is one, else
    /// null. The first call says who the node is.
    std::function<void(std::shared_ptr<const cluster_map> now,
                       std::shared_ptr<const cluster_map> genesis)>
      changed;
    std::function<void(peer_session to, remote::message what)> send;
    /// A random cluster id.
    std::function<std::string()> new_cluster;
    std::function<void(const std::string& line)> log;
  };

  struct options {
    peer_identity self; ///< `cluster` is not used.
    std::vector<std::string> join;
    std::uint32_t shards = 16;
    std::uint32_t replicas = 3;
    /// It holds data of a time when it was alone: it may not found a cluster
    /// with others, who would know nothing of it.
    bool has_data = false;
  };

  membership(options opts, memory found, hooks out);

  /// First call: a formed node says its map to the hooks. errc::internal: what
  /// was found on the disk is no map.
  result<void> start();

  void up(peer_session session, const peer_identity& who);
  void down(peer_session session);
  void hear(peer_session session, const remote::forming_notice& x);
  void hear(peer_session session, const remote::map_notice& x);

  /// The directory's group has applied this map.
  void applied(const std::string& map);

  /// Every second or so: repeats, and says in the log what is waited for.
  void tick(std::uint64_t now_ms);

  bool formed() const noexcept {
    return now_ != nullptr;
  }

  /// Null: not formed.
  const std::shared_ptr<const cluster_map>& map() const noexcept {
    return now_;
  }
  const std::shared_ptr<const cluster_map>& genesis() const noexcept {
    return genesis_;
  }

  /// Null: not a member (any more).
  const cluster_node* self() const noexcept;

  /// Where to look for others: those of the map, or of cluster.join.
  std::vector<std::string> targets() const;

  /// A linked node, by its name; the latest session. Null: none.
  const peer_identity* linked(const std::string& name) const;
  /// A linked node of that disk. 0: none.
  peer_session session_of(const std::string& disk) const;

private:
  void try_to_found();
  void adopt(const std::string& bytes, cluster_map map);
  void take(const std::string& bytes, cluster_map map);
  void tell(peer_session session, const peer_identity& who);
  void tell_all();
  std::string waiting_text() const;

  options opts_;
  memory memory_;
  hooks out_;
  forming forming_;
  std::shared_ptr<const cluster_map> now_, genesis_;
  std::map<peer_session, peer_identity> peers_;
  /// Unformed: a map of others that does not name this disk.
  std::optional<cluster_map> theirs_;
  std::uint64_t next_log_ms_ = 0;
};

} // namespace callboard
