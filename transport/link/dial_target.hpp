#pragma once

#include "transport/link/address_lookup.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace callboard {

class dial_target;

/// Who wants targets dialed. Called on the link's thread.
class dial_owner {
public:
  virtual ~dial_owner() = default;

  /// Whether there is a session with the node behind it: then it is not dialed
  /// until wake().
  virtual bool is_covered(const dial_target& target) = 0;

  /// A connection; the target waits for wake().
  virtual void connected(const std::shared_ptr<dial_target>& target,
                         boost::asio::ip::tcp::socket socket)
    = 0;

  virtual void unreachable(const dial_target& target, const std::string& why)
    = 0;
};

/// One address where a peer may be, dialed again and again: looked up, then
/// each of its endpoints tried for as long as the dial limit, then a pause with
/// jitter. The link's thread only.
class dial_target : public std::enable_shared_from_this<dial_target> {
public:
  using tcp = boost::asio::ip::tcp;

  struct times {
    std::chrono::milliseconds limit; ///< For one endpoint.
    std::chrono::milliseconds pause; ///< Between dials; give or take a fifth.
  };

  dial_target(std::shared_ptr<boost::asio::io_context> io, std::string address,
              times when, dial_owner& owner);

  /// Dials after so many `pauses`; 0: at once. Nothing if it
  /// is being dialed already, or retired.
  void wake(int pauses);

  /// Never dials again.
  void retire();

  const std::string& address() const noexcept {
    return address_;
  }

  /// Disk of the node that proved itself there last; empty: none yet.
  std::string disk;

private:
  enum class phase { waiting, pausing, finding, connecting, retired };

  void dial();
  void found(looked_up x);
  void connect(std::size_t index);
  void on_connected(std::size_t index, const boost::system::error_code& ec);
  void failed(const std::string& why);
  template <class Handler>
  void after(std::chrono::milliseconds time, Handler handler);

  std::shared_ptr<boost::asio::io_context> io_;
  const std::string address_;
  const times times_;
  dial_owner& owner_;
  boost::asio::steady_timer timer_;
  tcp::socket socket_;
  std::vector<tcp::endpoint> endpoints_; ///< As found last.
  bool looking_ = false;                 ///< A look-up is under way.
  phase phase_ = phase::waiting;
  std::minstd_rand random_;
};

} // namespace callboard
