#pragma once

#include "tests/cluster/checker.hpp"
#include "tests/cluster/clients.hpp"

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace callboard::test {

/// Producers, viewers and readers of a few projects, each on a thread of its
/// own, while the test does harm to the cluster; then the proof.
class load {
public:
  struct options {
    std::vector<std::string> projects{"p0", "p1", "p2"};
    int producers = 4; ///< Spread over the nodes.
    int readers = 2;   ///< Of each project in turn.
    /// Of each project on each node.
    int viewers = 1;
    bool viewers_change = true; ///< viewer::options::changes
    std::chrono::milliseconds pace{5};
    std::string prefix = {}; ///< Of producers' names.
    /// For each step of the proof: reading a room, viewers coming to the end.
    std::chrono::milliseconds settling{30'000};
  };

  /// Each project gets a run for the readers. @throws timed_out.
  load(cluster_process& cluster, options opts);
  explicit load(cluster_process& cluster) : load{cluster, options{}} {
    // nop
  }

  /// Ends what still works without proof.
  ~load();

  load(const load&) = delete;
  load& operator=(const load&) = delete;

  /// Waits until that many more batches were answered.
  bool flows(std::uint64_t batches = 20,
             std::chrono::milliseconds limit = std::chrono::seconds{20});

  std::uint64_t successes() const;

  /// Viewer of a project that began on that node.
  viewer& viewer_at(const std::string& project, int node);

  /// Takes what a client of the test's own saw into the proof.
  void join(history part) {
    history_.join(std::move(part));
  }

  /// Ends producers and readers, reads each room from every living node (they
  /// must tell the same), lets viewers come to the end, and checks all of it.
  /// @returns what is wrong, for a message; empty: nothing.
  std::string finish();

  /// After finish().
  const history& recorded() const {
    return history_;
  }

private:
  struct placed_viewer {
    std::string project;
    int node = 0;
    std::unique_ptr<viewer> client;
    std::jthread thread;
  };

  void make_anchor(const std::string& project);
  /// Returns how nodes differ.
  std::string read_rooms();
  std::string read_one(const std::string& project);
  void end_viewers();

  cluster_process& cluster_;
  options opts_;
  history history_;
  std::vector<std::unique_ptr<producer>> producers_;
  std::vector<std::unique_ptr<reader>> readers_;
  std::vector<placed_viewer> viewers_;
  std::vector<std::jthread> threads_; ///< Of producers and readers.
};

} // namespace callboard::test
