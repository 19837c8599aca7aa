#pragma once

#include "actors/peers.hpp"
#include "transport/link/link_outbox.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace callboard {

/// Counters of one peer, for as long as the process lives. Written by the
/// link's thread, read by any.
struct peer_counters {
  std::atomic<std::uint64_t> frames_out{0}, bytes_out{0};
  std::atomic<std::uint64_t> frames_in{0}, bytes_in{0};
  std::atomic<std::uint64_t> sessions{0}, refused{0}, round_trip_us{0};

  /// Names are the newest that the peer said; the table's lock guards them.
  std::string name, address;
  std::uint64_t session = 0; ///< 0: none is up.
};

/// What other threads see of the links: where frames for a session are queued,
/// and the figures of all peers. All calls from any thread.
class link_table {
public:
  /// The outbox of a session that is up, or nullptr.
  std::shared_ptr<link_outbox> find(peer_session session) const;

  void add(peer_session session, const peer_identity& who,
           std::shared_ptr<link_outbox> outbox);
  void remove(peer_session session, const peer_identity& who);

  enum class known { proved, claimed };

  /// The counters of the node with that disk. Nullptr: so many are known that
  /// it is not counted; far fewer suffice for one that only claims to be it.
  std::shared_ptr<peer_counters> counters(const peer_identity& who, known how);

  std::vector<peer_figures> figures() const;

  /// Which disk answered at an address that was dialed, last.
  void found_at(const std::string& address, const std::string& disk);
  std::string disk_at(const std::string& address) const;

private:
  mutable std::shared_mutex mutex_;
  std::unordered_map<std::uint64_t, std::shared_ptr<link_outbox>> outboxes_;
  std::map<std::string, std::shared_ptr<peer_counters>> peers_; ///< By disk.
  std::map<std::string, std::string> disks_; ///< By address, of what is dialed.
};

} // namespace callboard
