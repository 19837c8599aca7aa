#pragma once

#include "actors/model/ids.hpp"
#include "actors/model/lease.hpp"
#include "actors/model/problem.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace callboard {

/// When each lease of a shard runs out, on its leader. In memory only: who
/// leads next gives every lease a full period, so that a worker which keeps
/// sending heartbeats loses nothing by a restart. Whether a lease is lost is
/// decided by its run; this class says when to ask. About 300 bytes a lease.
class lease_clock {
public:
  explicit lease_clock(std::int64_t period_ms) noexcept
      : period_ms_{period_ms} {
    // nop
  }

  /// A run is leased from now on; nothing if a later lease of it is known.
  void start(const room_key& room, const run_id& run, dispatch_ptr lease,
             std::int64_t now_ms);

  /// Whichever it is.
  void end(const room_key& room, const run_id& run);
  /// Nothing if it is another one by now.
  void end(const room_key& room, const run_id& run, std::uint64_t term);

  /// Its run could not be asked: it is told by expired() once more. Its worker
  /// may have heard already that it ran out. Nothing if it is another one by
  /// now.
  void ask_again(const room_key& room, const run_id& run, std::uint64_t term);

  /// Renews a lease. errc::conflict if `claim` is not the run's lease, or too
  /// late.
  result<dispatch_ptr> renew(const room_key& room, const lease_claim& claim,
                             std::int64_t now_ms);

  /// Whether the claim is that of a lease that has run out, and whose run has
  /// not said yet that it is lost.
  bool is_ending(const room_key& room, const lease_claim& claim) const;

  /// How long the lease still lasts; nullopt: there is none.
  std::optional<std::int64_t> left_ms(const room_key& room, const run_id& run,
                                      std::int64_t now_ms) const;

  struct expiry {
    room_key room;
    run_id run;
    std::uint64_t term = 0;
  };

  /// The leases that have run out, each told once, but for ask_again().
  std::vector<expiry> expired(std::int64_t now_ms);

  void clear();

  std::size_t size() const noexcept {
    return leases_.size();
  }

private:
  using key = std::pair<room_key, run_id>;

  struct entry {
    dispatch_ptr lease;
    std::int64_t until_ms = 0;
    bool told = false; ///< It ran out; its run is asked, for good.
  };

  using due = std::pair<std::int64_t, const key*>;

  /// By what the pointers mean: the same histories have the same order.
  struct sooner {
    bool operator()(const due& a, const due& b) const {
      return a.first != b.first ? a.first < b.first : *a.second < *b.second;
    }
  };

  std::int64_t period_ms_;
  std::map<key, entry> leases_;
  std::set<due, sooner> order_; // to be told
};

} // namespace callboard
