#pragma once

#include "tests/support/http_client.hpp"
#include "tests/support/node_process.hpp"
#include "tests/support/test_network.hpp"
#include "tests/support/token_maker.hpp"
#include "tests/support/ws_client.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callboard::test {

/// The nodes of a cluster as child processes: on loopback, or in the hosts of a
/// test_network. Nodes are numbered 0, 1, 2 … here and named n0, n1, n2 …
///
/// What starts and ends nodes belongs to the thread that made this object;
/// where() and port() may be used by clients' threads.
class cluster_process {
public:
  static constexpr int most_nodes = test_network::most_hosts;

  struct options {
    int nodes = 3;      ///< 1: a node without a cluster.
    bool linked = true; ///< False: none of them knows of the others.
    std::filesystem::path binary = {}; ///< Empty: the one that is tested.
    std::vector<std::string> arguments = {};
    environment env = {};
    test_network* network = nullptr; ///< Outlives the cluster.
    bool start = true;               ///< All at once, and waits for all.
    std::chrono::milliseconds ready_limit{30'000};
  };

  /// @throws node_failed, timed_out, with the names of nodes and their logs.
  explicit cluster_process(options opts);

  /// Prints where logs are when the environment asked to keep them
  /// (CALLBOARD_TEST_KEEP names a directory).
  ~cluster_process();

  cluster_process(const cluster_process&) = delete;
  cluster_process& operator=(const cluster_process&) = delete;

  int size() const {
    return count_;
  }

  node_process& node(int i) {
    return *nodes_.at(static_cast<std::size_t>(i));
  }

  static std::string name(int i) {
    return "n" + std::to_string(i);
  }

  /// The number of a name; nothing when it is none of ours.
  std::optional<int> number(std::string_view name) const;

  // -- starting and ending ---------------------------------------------------

  void launch(int i);      ///< Does not wait.
  void await_ready(int i); ///< @throws node_failed, timed_out.
  void launch_all();
  void await_all();

  void kill(int i);      ///< SIGKILL, gone when it returns.
  void kill_all();       ///< All signals first, then waits.
  void pause(int i);     ///< SIGSTOP.
  void resume(int i);    ///< SIGCONT.
  void terminate(int i); ///< SIGTERM, and nothing else.
  void restart(int i);   ///< kill, launch, await_ready.
  void move(int i);      ///< Its next start listens elsewhere for nodes.
  void lose_disk(int i); ///< Its data is gone; only while it is down.
  bool alive(int i);     ///< Runs and is not paused.

  /// One more node, not started; its seeds are the others.
  int add();

  /// Where the node listens for others: HOST:PORT.
  const std::string& address(int i) const {
    return addresses_.at(static_cast<std::size_t>(i));
  }

  // -- talking to it ---------------------------------------------------------

  /// While it lives, the calling thread is where the node is.
  class place {
  public:
    place(const test_network* network, int host) {
      if (network != nullptr)
        inside_.emplace(*network, host);
    }

  private:
    std::optional<test_network::inside> inside_;
  };

  place where(int i) const {
    return {opts_.network, i};
  }

  /// The node's HTTP port; 0 while it has never been ready.
  std::uint16_t port(int i) const {
    return ports_.at(static_cast<std::size_t>(i));
  }

  /// One request over a connection of its own.
  http_response ask(int i, std::string_view method, std::string_view target,
                    std::string_view body = {},
                    std::chrono::milliseconds limit = patience,
                    const token_claims& claims = {}) const;

  http_response get(int i, std::string_view target,
                    std::chrono::milliseconds limit = patience) const {
    return ask(i, "GET", target, {}, limit);
  }

  /// A WebSocket of tenant t1, past `connected`.
  ws_client viewer(int i, std::string query = {}) const;

  // -- what it is like -------------------------------------------------------

  /// GET /v1/admin/cluster as node i tells it. @throws when it does not.
  json::object status(int i) const;

  /// The node that leads the shard of a project's room, as node i knows it.
  std::optional<int> leader_of(std::string_view project, int i) const;

  /// The same from any node that answers, waiting until there is one.
  /// @throws timed_out.
  int find_leader(std::string_view project,
                  std::chrono::milliseconds limit = patience);

  /// Waits until every shard has a leader and all replicas are close to it, as
  /// every running node tells it.
  bool settled(std::chrono::milliseconds limit = patience);

  /// What the node wrote to standard error in all its lives.
  std::string log(int i) const;

  /// The ends of all logs, for a test that failed.
  std::string log_ends(std::size_t lines = 25) const;

private:
  void make_node();
  std::vector<std::string> cluster_arguments(int i) const;
  std::string free_address(int i) const;

  options opts_;
  temp_dir scratch_;
  std::filesystem::path root_;
  int count_ = 0;
  std::vector<std::unique_ptr<node_process>> nodes_;
  std::vector<std::string> addresses_;
  std::vector<bool> paused_;
  std::array<std::atomic<std::uint16_t>, most_nodes> ports_{};
};

/// A TCP port of that address that nobody listened on a moment ago.
std::uint16_t free_port(const std::string& host);

/// Whether an answer of GET /v1/admin/cluster tells that each shard has a
/// leader and replicas that lag by at most `lag` entries.
bool is_settled(const json::object& cluster, std::uint64_t lag = 1000);

} // namespace callboard::test
