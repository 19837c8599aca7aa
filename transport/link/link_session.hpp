#pragma once

#include "transport/link/link_hello.hpp"
#include "transport/link/link_options.hpp"
#include "transport/link/link_outbox.hpp"
#include "transport/link/link_proof.hpp"
#include "transport/link/link_stream.hpp"
#include "transport/link/link_table.hpp"
#include "transport/link/rare_log.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace callboard {

class dial_target;
class link_session;

/// What all sessions of a node share. The link's thread.
struct link_commons {
  link_options options;
  link_table& table;
  peer_identity self;
  rare_log log;
  std::vector<char> input; ///< Bytes just read, of whichever session.
  std::string scratch;     ///< For link_outbox::gather.
};

/// Who owns sessions and chooses among them. Called on the link's thread.
class session_owner {
public:
  virtual ~session_owner() = default;

  /// Both proofs are good. If it is for this node to choose (its name is the
  /// lower one), the answer is welcome(), or refuse(redundant), or nothing
  /// yet: then it is asked again after a while.
  virtual void proved(link_session& who) = 0;

  /// Both sides have welcomed each other: the session begins, in place of any
  /// earlier one with the same node.
  virtual void begins(link_session& who) = 0;

  /// The owner's to keep. Only between begins() and over().
  virtual void arrived(link_session& who, peer_lane lane, std::string frame)
    = 0;

  /// The connection is closed. Once, and the last call about it.
  virtual void over(link_session& who) = 0;
};

/// One connection, from the moment when TCP has it. docs/link.md has the
/// course of it: TLS if configured, hellos, proofs, welcomes, then frames.
/// Whatever goes wrong ends this connection and nothing else.
///
/// Reads and writes when the socket is ready, through buffers that all sessions
/// share, so that an idle one holds none. The link's thread only.
class link_session : public std::enable_shared_from_this<link_session> {
public:
  using tcp = boost::asio::ip::tcp;
  using clock = std::chrono::steady_clock;

  /// `via`: the target that was dialed; nullptr: the peer dialed.
  link_session(peer_session id, tcp::socket socket,
               std::shared_ptr<dial_target> via, link_commons& commons,
               session_owner& owner);

  void start();

  /// This connection is to be the session.
  void welcome();

  /// Tells the peer, logs (unless it is not worth a word) and closes once the
  /// peer had time to read why.
  void refuse(link_refusal why);
  void refuse_plainly();

  /// Closes at once; nothing of it arrives later, on either side.
  void end(const std::string& why);

  /// Writes what the socket takes without waiting, then closes.
  void leave();

  /// Something was pushed to outbox().
  void pump();

  /// A frame of the link's own.
  void say(frame_kind kind, std::string body = {});

  /// Sends a heartbeat at once.
  void ping();

  peer_session id() const noexcept {
    return id_;
  }
  const std::shared_ptr<link_outbox>& outbox() const noexcept {
    return outbox_;
  }
  const std::shared_ptr<dial_target>& via() const noexcept {
    return via_;
  }
  /// As the peer says; to be believed from proved() on. Changes when the peer
  /// becomes a member of a cluster.
  const peer_identity& who() const noexcept {
    return theirs_.who;
  }
  bool chooses() const noexcept; ///< Whether that is for this node to do.
  bool is_up() const noexcept {
    return phase_ == phase::up;
  }
  /// Whether it was up before it was closed.
  bool was_up() const noexcept {
    return was_up_;
  }
  bool is_proved() const noexcept {
    return phase_ == phase::proved && !welcomed_;
  }
  bool is_stranger() const noexcept; ///< Not proved yet, and not dialed.
  /// When bytes came last.
  clock::time_point heard() const noexcept {
    return heard_;
  }
  /// Since when it is proved.
  clock::time_point proved_since() const noexcept {
    return proved_since_;
  }
  /// Why one of the two did not want it; none: nobody said so.
  link_refusal last_refusal() const noexcept {
    return refusal_;
  }

private:
  enum class phase {
    securing, ///< TLS.
    greeting, ///< Hello sent.
    proving,  ///< Proof sent.
    proved,   ///< Either waits for the choice of the one that chooses.
    up,
    refused, ///< Waits until the peer has read why.
    over,
  };

  void secure();
  void greet();
  enum class reading { idle, more, closed };

  void wait_to_read();
  void wait_to_write();
  void on_readable();
  void rest();
  void tick();
  void tick_up();
  reading read_some();
  reading drain();
  bool cut(std::string_view bytes);
  void on_frame(frame_kind kind, std::string body);
  void on_greeting(frame_kind kind, std::string body);
  void on_hello(std::string body);
  void on_proof(const std::string& body);
  void on_welcome();
  void on_refusal(const std::string& body);
  link_role role() const noexcept;
  void on_ping(frame_kind kind, std::string_view body);
  void on_cluster(std::string body);
  void fail_stream();
  void malformed(const std::string& what);
  void account();
  void close(bool hard);
  std::string peer_text() const;
  void complain(const std::string& what);

  const peer_session id_;
  tcp::socket socket_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<dial_target> via_;
  link_commons& commons_;
  session_owner& owner_;
  const std::string remote_;
  link_stream stream_;
  frame_reader reader_;
  std::shared_ptr<link_outbox> outbox_;
  std::shared_ptr<peer_counters> counters_;

  phase phase_ = phase::securing;
  bool welcomed_ = false; ///< We sent it.
  bool was_up_ = false;
  bool blocked_ = false; ///< Waits until the socket takes more.
  link_refusal refusal_ = link_refusal::none;
  clock::time_point deadline_, heard_, proved_since_;
  link_hello ours_, theirs_;
  link_transcript said_;
};

} // namespace callboard
