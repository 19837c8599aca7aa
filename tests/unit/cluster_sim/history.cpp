#include "tests/unit/cluster_sim/history.hpp"

#include "tests/unit/cluster_sim/operators.hpp"
#include "tests/unit/cluster_sim/traffic.hpp"
#include "tests/unit/cluster_sim/workforce.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>

namespace callboard::sim {

namespace {

constexpr std::int64_t slice_ms = 40;
constexpr std::size_t events_each = 70;
constexpr std::size_t workers = 3, runs = 12;
/// Things that may go wrong.
constexpr int troubles = 40;

class one_history {
public:
  one_history(std::uint32_t seed, mutant which)
      : cluster_{seed, shape_of(seed), seen_, which}, traffic_{cluster_, seen_,
                                                               4, 4,
                                                               events_each},
        operators_{cluster_, traffic_} {
    if (cluster_.shape().retention)
      seen_.keeps(history_shape::kept_events);
    if (cluster_.shape().workers)
      workers_.emplace(cluster_, traffic_, seen_, workers, runs);
  }

  history_report run() {
    pass(1000);
    for (int i = 0; i < troubles; ++i) {
      trouble();
      more_trouble();
      pass(slice_ms + static_cast<std::int64_t>(cluster_.random() % 150));
    }
    repair();
    auto give_up = cluster_.now_ms() + 60'000;
    while ((!unfinished().empty() || !operators_.done())
           && cluster_.now_ms() < give_up)
      pass(slice_ms);
    if (auto what = unfinished(); !what.empty())
      seen_.broken("after the repair: " + what);
    read_all();
    settle();
    figures_.acknowledged = traffic_.acknowledged();
    figures_.delivered = traffic_.delivered();
    figures_.sent_again = traffic_.sent_again();
    figures_.skipped = traffic_.skipped();
    figures_.orders = operators_.orders();
    figures_.maps = operators_.maps();
    figures_.states = cluster_.links().states();
    if (workers_) {
      figures_.taken = workers_->taken();
      figures_.leases_lost = workers_->lost();
    }
    figures_.simulated_ms = cluster_.now_ms();
    return {seen_.broken_promises(), figures_, cluster_.fingerprint()};
  }

private:
  void pass(std::int64_t ms) {
    for (; ms > 0; ms -= slice_ms) {
      traffic_.tick();
      operators_.tick();
      if (workers_)
        workers_->tick();
      cluster_.run_for(std::min(ms, slice_ms));
    }
  }

  std::string unfinished() const {
    auto what = traffic_.unfinished();
    return what.empty() && workers_ ? workers_->unfinished() : what;
  }

  void read_all() {
    const bool all = traffic_.read_all([this](auto& room, auto& events) {
      seen_.history(room, events);
      if (workers_)
        workers_->leases().history(events);
    });
    if (!all)
      seen_.broken("after the repair a node does not answer");
  }

  std::size_t some() {
    return cluster_.random() % cluster_.size();
  }

  void trouble() {
    switch (cluster_.random() % 16) {
    case 0:
    case 1: {
      // More than a minority may be down at once: then nothing moves, and
      // nothing may be lost.
      auto node = some();
      if (cluster_.up(node)) {
        spdlog::info("{} crashes at {} ms", node_name(node), cluster_.now_ms());
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

  /// What only some histories have.
  void more_trouble() {
    auto& shape = cluster_.shape();
    if (shape.members && cluster_.random() % 5 == 0)
      operators_.order_something();
    if (shape.lost_disk && cluster_.random() % 8 == 0)
      operators_.lose_a_disk();
    if (shape.clock_jumps && cluster_.random() % 8 == 0)
      cluster_.jump_clocks();
    if (shape.full_disks && cluster_.random() % 8 == 0)
      if (auto node = some(); cluster_.up(node)) {
        cluster_.fill_disk(node, cluster_.random() % 2 == 0);
        ++figures_.full_disks;
      }
    if (shape.slow_stores && cluster_.random() % 4 == 0)
      if (auto node = some(); cluster_.up(node)) {
        cluster_.hold_store(node, cluster_.random() % 2 == 0);
        ++figures_.slow_stores;
      }
  }

  void isolate(std::size_t node) {
    for (std::size_t other = 0; other < cluster_.size(); ++other)
      if (other != node) {
        cluster_.links().cut(node, other, true);
        cluster_.links().cut(other, node, true);
      }
  }

  void repair() {
    cluster_.links().heal();
    cluster_.set_clocks_right();
    if (workers_)
      workers_->be_diligent();
    for (std::size_t node = 0; node < cluster_.size(); ++node)
      if (!cluster_.up(node)) {
        cluster_.restart(node);
      } else {
        cluster_.fill_disk(node, false);
        cluster_.hold_store(node, false);
      }
  }

  /// Everything gets where it should be, by itself.
  void settle() {
    auto give_up = cluster_.now_ms() + 60'000;
    auto why = cluster_.unsettled();
    while (!why.empty() && cluster_.now_ms() < give_up) {
      pass(500);
      why = cluster_.unsettled();
    }
    if (why.empty())
      return;
    seen_.broken("after the repair: " + why);
    log_report();
  }

  /// For whoever runs the seed alone.
  void log_report() {
    for (std::size_t node = 0; node < cluster_.size(); ++node)
      if (cluster_.serves(node)) {
        auto to = traffic_.expect([](const answer& x) {
          if (x.outcome)
            spdlog::info("{}", std::get<document_answer>(*x.outcome).json);
        });
        cluster_.api(node).admin(to, inspect_cluster{});
        pass(3000);
      }
  }

  witness seen_;
  simulated_cluster cluster_;
  traffic traffic_;
  operators operators_;
  std::optional<workforce> workers_;
  history_figures figures_;
};

} // namespace

history_shape shape_of(std::uint32_t seed) {
  // Other draws than those of the history.
  std::mt19937 random{seed ^ 0x5eed'0000u};
  auto one_of = [&](unsigned n) { return random() % n == 0; };
  history_shape out;
  out.members = one_of(2);
  out.spares = out.members ? 1 + random() % 2 : 0;
  out.lost_disk = !out.members && one_of(3);
  out.clock_jumps = one_of(4);
  out.short_logs = one_of(3);
  // Not with what flushes: what RocksDB's own threads do when they find no
  // space is chance, but not ours.
  out.full_disks
    = !out.short_logs && !out.members && !out.lost_disk && one_of(2);
  out.slow_stores = one_of(3);
  out.workers = one_of(3);
  out.retention = !out.workers && one_of(4);
  return out;
}

history_figures&
history_figures::operator+=(const history_figures& x) noexcept {
  acknowledged += x.acknowledged;
  delivered += x.delivered;
  sent_again += x.sent_again;
  crashes += x.crashes;
  cuts += x.cuts;
  full_disks += x.full_disks;
  slow_stores += x.slow_stores;
  orders += x.orders;
  maps += x.maps;
  states += x.states;
  taken += x.taken;
  leases_lost += x.leases_lost;
  skipped += x.skipped;
  simulated_ms += x.simulated_ms;
  return *this;
}

history_report run_history(std::uint32_t seed, mutant which) {
  one_history x{seed, which};
  return x.run();
}

} // namespace callboard::sim
