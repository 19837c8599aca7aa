#pragma once

#include "actors/peers.hpp"
#include "transport/link/dial_target.hpp"
#include "transport/link/link_session.hpp"
#include "transport/link/link_table.hpp"
#include "transport/listener.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace callboard {

/// peer_network on one thread. It owns the sessions and the targets, and keeps
/// to one session per peer (by its disk):
///
/// Of two nodes the one with the lower name chooses, when a connection is
/// proved. If there is none yet, it is the session. If there is one with
/// another incarnation of the peer, the new one takes its place. If there is
/// one with the same incarnation, that is asked for a sign of life: if it gives
/// one, the new connection is refused as redundant, else replaced by it.
class link_network final : public peer_network,
                           private session_owner,
                           private dial_owner {
public:
  explicit link_network(link_options options);
  ~link_network() override;

  result<std::uint16_t> start(const peer_identity& self,
                              peer_sink& sink) override;
  void set_cluster(const std::string& id) override;
  void set_targets(std::vector<std::string> addresses) override;
  std::string disk_at(const std::string& address) const override;
  bool send(peer_session to, peer_lane lane, shared_bytes frame) override;
  void reset(peer_session session) override;
  std::vector<peer_figures> figures() const override;
  void stop() override;

private:
  using session_ptr = std::shared_ptr<link_session>;

  // session_owner
  void proved(link_session& who) override;
  void begins(link_session& who) override;
  void arrived(link_session& who, peer_lane lane, std::string frame) override;
  void over(link_session& who) override;

  // dial_owner
  bool is_covered(const dial_target& target) override;
  void connected(const std::shared_ptr<dial_target>& target,
                 boost::asio::ip::tcp::socket socket) override;
  void unreachable(const dial_target& target, const std::string& why) override;

  void begin_session(boost::asio::ip::tcp::socket socket,
                     std::shared_ptr<dial_target> via);
  void make_room_for_a_stranger();
  void choose(link_session& fresh, link_session& old);
  void take(link_session& fresh);
  void replace_targets(std::vector<std::string> addresses);
  void wake_targets(const peer_identity& gone);
  void join(const std::string& id);
  void close_all();
  link_session* current(const std::string& disk) const;
  template <class Action>
  void post(Action action);

  std::shared_ptr<boost::asio::io_context> io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type>
    work_;
  link_table table_;
  link_commons commons_;
  listener listener_;
  peer_sink* sink_ = nullptr; ///< From start() on.
  std::thread thread_;
  std::mutex lifecycle_; ///< One start() or stop() at a time.

  // The link's thread:
  std::map<std::uint64_t, session_ptr> sessions_; ///< All connections.
  std::map<std::string, session_ptr> current_;    ///< By disk: welcomed or up.
  std::map<std::string, std::shared_ptr<dial_target>> targets_;
  bool closing_ = false;
};

} // namespace callboard
