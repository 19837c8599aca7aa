#pragma once

#include "actors/peers.hpp"
#include "config/settings.hpp"
#include "transport/link/peer_network.hpp"

#include <gtest/gtest.h>
#include <spdlog/logger.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

namespace callboard::test {

using namespace std::chrono_literals;

/// Waits until `holds`, looking every few milliseconds. False: not within
/// `limit`.
bool eventually(const std::function<bool()>& holds,
                std::chrono::milliseconds limit = 10s);

/// Collects what the log says while it lives.
class log_capture {
public:
  log_capture();
  ~log_capture();

  std::string text() const;
  bool has(const std::string& part) const;
  std::size_t count(const std::string& part) const;

private:
  std::shared_ptr<spdlog::logger> before_;
  struct lines;
  std::shared_ptr<lines> lines_;
};

/// Quick times and a secret; listens on any port of the loopback.
settings link_settings();

peer_identity identity(const std::string& name);

/// Notes what a network tells, and that it tells it in order.
class recording_sink : public peer_sink {
public:
  struct arrival {
    peer_session session;
    peer_lane lane;
    std::string frame;
  };

  void peer_up(peer_session session, const peer_identity& who) override;
  void peer_down(peer_session session) override;
  void peer_frame(peer_session session, peer_lane lane,
                  std::string frame) override;

  /// The session that is up, or 0; if several are, the oldest.
  peer_session session() const;
  /// Of the peer with that name; 0: none.
  peer_session session_with(const std::string& name) const;
  std::vector<peer_session> ups() const;
  std::vector<peer_session> downs() const;
  std::vector<peer_identity> peers() const;
  std::vector<arrival> frames() const;
  std::size_t frame_count() const;
  /// Calls that came out of order.
  std::vector<std::string> faults() const;

  /// Counts frames only, without keeping them.
  bool count_only = false;

private:
  mutable std::mutex mutex_;
  std::vector<peer_session> ups_, downs_, open_;
  std::vector<peer_identity> peers_, open_peers_;
  std::vector<arrival> frames_;
  std::size_t frame_count_ = 0;
  std::vector<std::string> faults_;
};

/// A node that consists of its links.
struct link_node {
  explicit link_node(const std::string& name,
                     const settings& conf = link_settings());
  ~link_node();

  /// Stops and starts again as a new process would, at another port.
  void restart();
  void start();

  std::string address() const;
  bool send(const std::string& peer, peer_lane lane, std::string frame);

  settings conf;
  peer_identity self;
  std::unique_ptr<recording_sink> sink;
  std::unique_ptr<peer_network> network;
  std::uint16_t port = 0;
};

/// Lets `a` dial `b` and waits until both have a session.
void meet(link_node& a, link_node& b);

} // namespace callboard::test
