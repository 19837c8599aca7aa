#pragma once

#include <caf/execution_unit.hpp>
#include <caf/fwd.hpp>

#include <deque>

namespace callboard {

/// Lets the actors of systems made from `config` share scheduler.max-threads
/// threads and one queue, as CAF's "sharing" does, but wakes fewer of them: the
/// first actor that another one sends to runs next on the same thread, and only
/// what comes on top is worth waking an idle thread for. The queue holds an
/// actor at most once.
void use_actor_pool(caf::actor_system_config& config);

/// As long as one lives, actors of the pool that its thread sends to are kept
/// for it; its end runs them, and what they send to, right there. For threads
/// that are no scheduler's and have just learned something that an actor waits
/// for: that spares waking one of the pool's, and often this one again for what
/// the actor answers.
///
/// Only a thread with little to do helps: one that was here less than 100 µs
/// ago leaves all to the pool, and after 200 µs the pool gets the rest. Actors
/// must not need a lock that this thread holds. Inside another one it does
/// nothing.
class caller_runs : private caf::execution_unit {
public:
  explicit caller_runs(caf::actor_system& system);
  ~caller_runs() override;

  caller_runs(const caller_runs&) = delete;
  caller_runs& operator=(const caller_runs&) = delete;

private:
  friend struct pool_policy;

  void exec_later(caf::resumable* job) override;
  void run_jobs();

  bool nested_;
  bool helps_;
  std::deque<caf::resumable*> jobs_; // with one reference each
};

} // namespace callboard
