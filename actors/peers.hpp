#pragma once

#include "actors/model/ids.hpp"
#include "actors/model/problem.hpp"
#include "actors/model/shared_bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

/// The seam between actors and the links to other nodes (transport/link). Like
/// engine.hpp: neither side sees the other's library.
namespace callboard {

/// One connection with one peer, from its hello to its end. Never the same
/// number twice in a process; 0: none. What is sent to a session that ended is
/// dropped, and nothing of an ended session is delivered.
using peer_session = number<struct peer_session_tag>;

/// Frames of one lane arrive in the order in which they were sent; a more
/// urgent lane overtakes.
enum class peer_lane : std::uint8_t {
  urgent = 0, ///< Raft, leader notices. Never behind more than one bulk frame.
  normal = 1, ///< Calls, answers, events of rooms.
  bulk = 2,   ///< State on its way to a new replica.
};

/// What nodes tell each other when they meet.
struct peer_identity {
  std::string name;    ///< node.name
  std::string disk;    ///< Names the data directory; made with it, random.
  std::string cluster; ///< Id of the cluster; empty: belongs to none yet.
  std::string address; ///< Where it can be dialed, HOST:PORT.
  std::string program; ///< Version of the program, for people.
  std::uint64_t incarnation = 0; ///< Made anew at each start of the process.

  friend bool operator==(const peer_identity&, const peer_identity&) = default;
};

/// Implemented by the actors. Called on the link's threads; waits for nobody,
/// but may run actors for a moment (caller_runs): the caller holds no lock.
/// Calls about one session come in order: up, frames, down.
class peer_sink {
public:
  virtual ~peer_sink() = default;
  virtual void peer_up(peer_session session, const peer_identity& who) = 0;
  virtual void peer_down(peer_session session) = 0;
  /// `frame` is the receiver's.
  virtual void peer_frame(peer_session session, peer_lane lane,
                          std::string frame)
    = 0;
};

/// Figures of the links, per peer, for operators and /metrics.
struct peer_figures {
  std::string name;
  std::string address;
  bool up = false;
  std::uint64_t frames_out = 0, bytes_out = 0, frames_in = 0, bytes_in = 0;
  std::uint64_t queued_bytes = 0;  ///< Gauge.
  std::uint64_t sessions = 0;      ///< Begun since start.
  std::uint64_t refused = 0;       ///< Hellos of it that were refused.
  std::uint64_t round_trip_us = 0; ///< Last heartbeat's; 0: none yet.
};

/// The links of this node. All calls from any thread; none blocks.
class peer_network {
public:
  virtual ~peer_network() = default;

  /// Starts listening (cluster.listen) and dialing; `sink` must outlive the
  /// network. @returns the port. errc::unavailable: the address cannot be had.
  virtual result<std::uint16_t> start(const peer_identity& self,
                                      peer_sink& sink)
    = 0;

  /// The node has become a member of a cluster: hellos say so from now on.
  /// Sessions go on.
  virtual void set_cluster(const std::string& id) = 0;

  /// Addresses where peers may be found; replaces the earlier ones. Each is
  /// dialed as long as no session with the node behind it is up.
  virtual void set_targets(std::vector<std::string> addresses) = 0;

  /// The disk of the node that was found at one of these addresses last; empty:
  /// none yet, or it is no target.
  virtual std::string disk_at(const std::string&) const {
    return {};
  }

  /// Queues a frame. False: the session is over, or the lane's queue is full
  /// (cluster.link_queue_bytes); nothing was queued then.
  virtual bool send(peer_session to, peer_lane lane, shared_bytes frame) = 0;

  /// Ends a session at once; what was queued is dropped. It is reported down,
  /// and dialed anew.
  virtual void reset(peer_session session) = 0;

  virtual std::vector<peer_figures> figures() const = 0;

  /// Ends all sessions and threads. The sink hears nothing any more after it
  /// returned.
  virtual void stop() = 0;
};

} // namespace callboard
