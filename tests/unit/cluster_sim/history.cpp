#include "tests/unit/cluster_sim/history.hpp"

#include "tests/unit/cluster_sim/traffic.hpp"

#include <set>

namespace callboard::sim {

namespace {

constexpr std::size_t nodes = 3;
constexpr std::int64_t slice_ms = 40;
constexpr std::size_t events_each = 70;
/// Things that may go wrong.
constexpr int troubles = 40;

class one_history {
public:
  one_history(std::uint32_t seed, mutant which)
      : cluster_{seed, nodes, which}, traffic_{cluster_, seen_, 4, 4,
                                               events_each} {
    // nop
  }

  history_report run() {
    pass(1000);
    for (int i = 0; i < troubles; ++i) {
      trouble();
      pass(slice_ms + static_cast<std::int64_t>(cluster_.random() % 150));
    }
    repair();
    auto give_up = cluster_.now_ms() + 60'000;
    while (!traffic_.done() && cluster_.now_ms() < give_up)
      pass(slice_ms);
    if (!traffic_.done())
      seen_.broken("after the repair: " + traffic_.unfinished());
    if (!traffic_.read_all())
      seen_.broken("after the repair a node does not answer");
    compare();
    figures_.acknowledged = traffic_.acknowledged();
    figures_.delivered = traffic_.delivered();
    figures_.sent_again = traffic_.sent_again();
    figures_.simulated_ms = cluster_.now_ms();
    return {seen_.broken_promises(), figures_, cluster_.fingerprint()};
  }

private:
  void pass(std::int64_t ms) {
    for (; ms > 0; ms -= slice_ms) {
      traffic_.tick();
      cluster_.run_for(std::min(ms, slice_ms));
    }
  }

  std::size_t some() {
    return cluster_.random() % nodes;
  }

  void trouble() {
    switch (cluster_.random() % 16) {
    case 0:
    case 1: {
      // More than a minority may be down at once: then nothing moves, and
      // nothing may be lost.
      auto node = some();
      if (cluster_.up(node)) {
        cluster_.crash(node);
        ++figures_.crashes;
      }
      break;
    }
    case 2:
    case 3:
    case 4:
      if (auto node = some(); !cluster_.up(node))
        cluster_.restart(node);
      break;
    case 5:
      cluster_.links().cut(some(), some(), true);
      ++figures_.cuts;
      break;
    case 6:
      isolate(some());
      ++figures_.cuts;
      break;
    case 7:
    case 8:
      cluster_.links().heal();
      break;
    case 9:
      cluster_.links().drop_some_session();
      break;
    case 10:
      if (auto node = some(); cluster_.up(node))
        cluster_.hand_over(node);
      break;
    default:
      break;
    }
  }

  void isolate(std::size_t node) {
    for (std::size_t other = 0; other < nodes; ++other)
      if (other != node) {
        cluster_.links().cut(node, other, true);
        cluster_.links().cut(other, node, true);
      }
  }

  void repair() {
    cluster_.links().heal();
    for (std::size_t node = 0; node < nodes; ++node)
      if (!cluster_.up(node))
        cluster_.restart(node);
  }

  /// Replicas that applied the same hold the same.
  void compare() {
    auto differs = [this] {
      for (std::uint32_t shard = 0; shard < cluster_.shards(); ++shard) {
        std::set<std::uint64_t> digests;
        for (std::size_t node = 0; node < nodes; ++node)
          digests.insert(cluster_.digest(node, shard).value_or(node));
        if (digests.size() > 1)
          return true;
      }
      return false;
    };
    auto give_up = cluster_.now_ms() + 20'000;
    while (differs() && cluster_.now_ms() < give_up)
      cluster_.run_for(500);
    if (differs())
      seen_.broken("the replicas of a shard hold different bytes");
  }

  simulated_cluster cluster_;
  witness seen_;
  traffic traffic_;
  history_figures figures_;
};

} // namespace

history_figures&
history_figures::operator+=(const history_figures& x) noexcept {
  acknowledged += x.acknowledged;
  delivered += x.delivered;
  sent_again += x.sent_again;
  crashes += x.crashes;
  cuts += x.cuts;
  simulated_ms += x.simulated_ms;
  return *this;
}

history_report run_history(std::uint32_t seed, mutant which) {
  one_history x{seed, which};
  return x.run();
}

} // namespace callboard::sim
