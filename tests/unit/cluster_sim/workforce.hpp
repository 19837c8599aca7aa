#pragma once

#include "tests/unit/cluster_sim/lease_witness.hpp"
#include "tests/unit/cluster_sim/simulated_cluster.hpp"
#include "tests/unit/cluster_sim/traffic.hpp"

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace callboard::sim {

/// Somebody who orders runs, and workers that take them: they send heartbeats,
/// publish under their leases, and end runs or give them back. Now and then one
/// falls silent until its lease must have run out, and goes on as if nothing
/// had happened.
class workforce {
public:
  workforce(simulated_cluster& cluster, traffic& clients, witness& seen,
            std::size_t workers, std::size_t runs);

  /// Does what is due. Often.
  void tick();
  /// Nobody falls silent from now on.
  void be_diligent() noexcept {
    diligent_ = true;
  }

  /// Every run has ended, and its end can be read.
  bool done() const {
    return unfinished().empty();
  }
  std::string unfinished() const;

  /// Where the runs are.
  const room_key& room() const noexcept {
    return room_;
  }
  lease_witness& leases() noexcept {
    return leases_;
  }
  std::uint64_t taken() const noexcept {
    return taken_;
  }
  std::uint64_t lost() const noexcept {
    return lost_;
  }

private:
  struct worker {
    std::string name;
    std::size_t node = 0;
    std::int64_t not_before_ms = 0; ///< It does nothing until then.
    std::uint64_t request = 0;      ///< A take, publish or release under way.
    std::int64_t until_ms = 0;      ///< How long it waits for that.

    lease_claim claim; ///< Of the run that it believes to have; no run: idle.
    std::int64_t heartbeat_ms = 0;
    std::uint64_t next_event = 0;
    std::uint64_t to_do = 0; ///< Events before the run is ended or given back.
    std::vector<std::string> ids; ///< To be sent (again); the same answer.
    bool ends = false;            ///< The last of them ends the run.
    bool sent = false;            ///< Not for the first time.

    bool idle() const noexcept {
      return claim.run.empty();
    }
  };

  void order();
  void look_for_ends();
  void tick(worker& x);
  void take(worker& x);
  void took(worker& x, const answer& got, std::int64_t asked_ms);
  void heartbeat(worker& x);
  void work(worker& x);
  void publish(worker& x);
  void published(worker& x, const answer& got, std::uint64_t newest_then,
                 bool first_time);
  void release(worker& x);
  void drop(worker& x, const problem& why);
  void wait(worker& x, const reply_address& to);
  void rest(worker& x, std::int64_t ms);
  worker& at(std::size_t index) {
    return workers_[index];
  }
  std::size_t index_of(const worker& x) const noexcept {
    return static_cast<std::size_t>(&x - workers_.data());
  }
  std::uint32_t chance() {
    return static_cast<std::uint32_t>(cluster_.random());
  }

  simulated_cluster& cluster_;
  traffic& clients_;
  witness& seen_;
  lease_witness leases_;
  const room_key room_{{"t"}, {"room1"}};
  std::vector<worker> workers_;
  std::size_t runs_;
  std::size_t ordered_ = 0;
  std::uint64_t ordering_ = 0; ///< The request under way.
  std::int64_t order_again_ms_ = 0;
  std::int64_t look_again_ms_ = 0;
  std::set<std::string> ended_;
  bool diligent_ = false;
  std::uint64_t taken_ = 0, lost_ = 0;
};

} // namespace callboard::sim
