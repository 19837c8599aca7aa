#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace callboard::test {

/// A network of a test's own: each host is a network namespace with one TAP
/// device, and a thread of the test is the switch between them, which drops and
/// delays frames as it is told. Real TCP stacks, no tools, no names left
/// behind: everything ends with the process. Needs CAP_NET_ADMIN (root, or a
/// user namespace) and /dev/net/tun; see unavailable().
///
/// Hosts have the addresses 10.77.0.1, .2, … and a loopback each, over which
/// the test reaches them whatever happens to the network.
class test_network {
public:
  static constexpr int most_hosts = 8;

  /// Why such a network cannot be made here; empty: it can. Enters a user
  /// namespace if that is what it takes, which only a process with one thread
  /// may: to be asked at the start of main().
  static std::string unavailable();

  /// @throws std::system_error.
  explicit test_network(int hosts, std::uint32_t seed = 1);
  ~test_network();

  test_network(const test_network&) = delete;
  test_network& operator=(const test_network&) = delete;

  std::string address(int host) const;

  int size() const {
    return static_cast<int>(hosts_.size());
  }

  /// While it lives, sockets and processes that the calling thread makes are in
  /// that host.
  class inside {
  public:
    inside(const test_network& net, int host);
    ~inside();
    inside(const inside&) = delete;
    inside& operator=(const inside&) = delete;

  private:
    int before_ = -1;
  };

  // Any thread, at any time; each takes effect with the next frame.

  /// Nothing from `from` reaches `to` any more.
  void cut(int from, int to);
  /// Nothing passes between the host and the others, in either direction.
  void isolate(int host);
  /// Every link as good as new: no cut, no loss, no delay.
  void heal();
  /// This share of frames is dropped on every link that is not cut, 0 to 1.
  void lose(double share);
  /// Each frame takes so much longer.
  void delay(std::chrono::milliseconds x);

  std::uint64_t passed() const {
    return passed_;
  }

  std::uint64_t dropped() const {
    return dropped_;
  }

private:
  using clock = std::chrono::steady_clock;

  struct endpoint {
    int name_space = -1;
    int tap = -1;
  };

  struct late_frame {
    clock::time_point due;
    int to = 0;
    std::string bytes;
  };

  static constexpr std::uint32_t whole = 1u << 16; // a link that is cut

  std::atomic<std::uint32_t>& loss(int from, int to) {
    return loss_[static_cast<std::size_t>(from * most_hosts + to)];
  }

  void make_host(int number);
  void work(const std::stop_token& stop);
  void take_frames(int from);
  void pass(int from, int to, const std::string& frame);
  void deliver_due();

  std::vector<endpoint> hosts_;
  std::array<std::atomic<std::uint32_t>, most_hosts * most_hosts> loss_{};
  std::atomic<std::int64_t> delay_ms_{0};
  std::atomic<std::uint64_t> passed_{0};
  std::atomic<std::uint64_t> dropped_{0};
  std::mt19937 random_;         // the switch's thread only
  std::deque<late_frame> late_; // likewise
  std::string frame_;           // likewise: what is being taken
  int wake_ = -1;
  std::jthread thread_;
};

} // namespace callboard::test
