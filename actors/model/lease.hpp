#pragma once

#include "actors/model/ids.hpp"
#include "actors/model/problem.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

/// Runs that workers take: a run made by a command waits, pending, in the queue
/// of its workflow; a worker takes it and holds its lease until the run ends,
/// the worker gives it back, or falls silent.
namespace callboard {

/// What an event of the engine's own making does to its run's place in the
/// queue. The numbers are stored.
enum class dispatch_mark : std::uint8_t {
  none = 0,     ///< Every other event.
  queued = 1,   ///< The run waits for a worker from now on.
  taken = 2,    ///< A worker has its lease.
  lost = 3,     ///< The worker fell silent: pending again, or failed.
  released = 4, ///< The worker gave it back, which counts as no attempt.
};

/// The mark of an event and what goes with it: queued: the queue's name; taken:
/// the lease's secret, then the worker's name.
struct dispatch_note {
  dispatch_mark mark = dispatch_mark::none;
  std::string text = {};

  friend bool operator==(const dispatch_note&, const dispatch_note&) = default;
};

/// Random bytes in a lease's token.
constexpr std::size_t lease_secret_bytes = 16;

/// What a run knows of its queue and of its latest lease. Of runs that were
/// made for workers only; a producer that drives such a run itself takes it out
/// of the queue by its status alone.
struct dispatch_state {
  std::string queue; ///< The definition's id, else the workflow's name.
  std::int64_t created_ms = 0; ///< The run's place in the queue.
  std::uint64_t attempt = 0;   ///< Takes, without those that were given back.
  std::uint64_t term = 0;      ///< Counts every take and every return.
  std::string secret;          ///< Empty: nobody has it.
  std::string worker;          ///< Who has, or had it last.

  friend bool operator==(const dispatch_state&, const dispatch_state&)
    = default;
};

/// Shared, because most runs have none; never changed.
using dispatch_ptr = std::shared_ptr<const dispatch_state>;

/// What an event makes of it. Used by the machine that decides and by the fold
/// that stores. `before` is null for `queued`.
dispatch_state after(const dispatch_note& note, const dispatch_state* before);

/// The queue of a run with these fields; empty: none, the run waits for nobody.
/// Names are 1 to max_queue_bytes long and have no zero byte.
constexpr std::size_t max_queue_bytes = 256;
std::string queue_of(std::string_view definition, std::string_view workflow);
bool valid_queue(std::string_view name) noexcept;

/// What a worker shows to prove that a run is still its own.
struct lease_claim {
  run_id run;
  std::uint64_t attempt = 0;
  std::uint64_t term = 0;
  std::string secret;

  friend bool operator==(const lease_claim&, const lease_claim&) = default;
};

/// The token of a lease as text for a header: opaque to clients.
std::string lease_token(const run_id& run, const dispatch_state& lease);

/// errc::invalid (pointer "/lease") for what lease_token() cannot have made.
result<lease_claim> parse_lease(std::string_view token);

/// Whether both secrets are equal, in a time that does not tell where they
/// differ.
bool same_secret(std::string_view a, std::string_view b) noexcept;

/// errc::conflict unless `claim` is the latest lease of its run. Null: the run
/// has never been taken.
result<void> check_claim(const lease_claim& claim, const dispatch_state* held);

} // namespace callboard
