#pragma once

#include "actors/engine.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace callboard::sim {

/// What workers are told about leases, and what the rooms' histories say of
/// them, held against each other. A lease is a run and a term.
///
/// One holder: taken(), good(), history(). Nobody loses a lease that it keeps
/// alive: lost(), taken() by the next. Fenced: good(), history().
class lease_witness {
public:
  using complaint = std::function<void(std::string)>;

  lease_witness(std::int64_t period_ms, complaint broken)
      : period_ms_{period_ms}, broken_{std::move(broken)} {
    // nop
  }

  /// The newest term of the run that any worker was told. 0: none.
  std::uint64_t newest(const std::string& run) const;

  /// A worker that had asked at `asked_ms` was given the run.
  void taken(const std::string& run, std::uint64_t term, std::int64_t asked_ms,
             std::int64_t now_ms);
  /// A heartbeat, or an event under the lease, was accepted. When it was asked
  /// for, `newest_then` was newest(run).
  void good(const std::string& run, std::uint64_t term,
            std::uint64_t newest_then);
  /// The heartbeat that was sent at `asked_ms` was accepted.
  void renewed(const std::string& run, std::uint64_t term,
               std::int64_t asked_ms);
  /// The worker may end its lease from now on, by the run's end or by giving it
  /// back: it may be lost at any time.
  void given_up(const std::string& run, std::uint64_t term);
  /// A worker was told that its lease is lost.
  void lost(const std::string& run, std::uint64_t term, std::int64_t now_ms);

  /// A room's whole history: takes and returns alternate, and what was
  /// published under a lease, with an id by id_of(), is between its take and
  /// its return.
  void history(const std::vector<posted_event>& events);

  static std::string id_of(const std::string& run, std::uint64_t term,
                           std::uint64_t number);

private:
  struct lease {
    std::int64_t until_ms = 0; ///< At least.
    bool given_up = false;
  };

  std::int64_t period_ms_;
  complaint broken_;
  std::map<std::string, std::map<std::uint64_t, lease>> leases_; // by term
};

} // namespace callboard::sim
