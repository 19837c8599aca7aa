#include "actors/actor_pool.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/policy/unprofiled.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduler/coordinator.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <utility>

namespace callboard {

namespace {

using clock = std::chrono::steady_clock;

/// Actors that run on one thread one after the other, each woken by the one
/// before; then the queue has its turn.
constexpr unsigned most_in_a_row = 16;

constexpr auto quiet_time = std::chrono::microseconds{100};
constexpr auto helping_time = std::chrono::microseconds{200};
/// Of one actor in one go, while a thread helps.
constexpr std::size_t messages_in_a_turn = 16;

thread_local caller_runs* helper = nullptr;
thread_local clock::time_point last_here;

} // namespace

/// A scheduling policy of CAF (see caf/policy/scheduler_policy.hpp): "worker"
/// is one of the pool's threads, "coordinator" what they share.
struct pool_policy : caf::policy::unprofiled {
  struct coordinator_data {
    explicit coordinator_data(caf::scheduler::abstract_coordinator*) {
      // nop
    }

    std::mutex mutex;
    std::condition_variable came;
    std::deque<caf::resumable*> queue;
    std::size_t idle = 0; // threads that wait for `came`
  };

  struct worker_data {
    explicit worker_data(caf::scheduler::abstract_coordinator*) {
      // nop
    }

    caf::resumable* next = nullptr; // only its own thread looks
    unsigned in_a_row = 0;
  };

  template <class Coordinator>
  void enqueue(Coordinator* pool, caf::resumable* job) {
    auto& shared = d(pool);
    auto wakes = false;
    {
      std::unique_lock guard{shared.mutex};
      shared.queue.push_back(job);
      wakes = shared.idle > 0;
    }
    // Not under the lock, where the woken thread would only wait again.
    if (wakes)
      shared.came.notify_one();
  }

  /// From a thread that is not the pool's.
  template <class Coordinator>
  void central_enqueue(Coordinator* pool, caf::resumable* job) {
    if (helper)
      helper->exec_later(job);
    else
      enqueue(pool, job);
  }

  template <class Worker>
  void external_enqueue(Worker* worker, caf::resumable* job) {
    enqueue(worker->parent(), job);
  }

  /// From the actor that runs on `worker`.
  template <class Worker>
  void internal_enqueue(Worker* worker, caf::resumable* job) {
    auto& mine = d(worker);
    if (!mine.next && mine.in_a_row < most_in_a_row)
      mine.next = job;
    else
      enqueue(worker->parent(), job);
  }

  /// An actor that had its turn and has more to do.
  template <class Worker>
  void resume_job_later(Worker* worker, caf::resumable* job) {
    enqueue(worker->parent(), job);
  }

  template <class Worker>
  caf::resumable* dequeue(Worker* worker) {
    auto& mine = d(worker);
    if (mine.next) {
      ++mine.in_a_row;
      return std::exchange(mine.next, nullptr);
    }
    mine.in_a_row = 0;
    auto& shared = d(worker->parent());
    std::unique_lock guard{shared.mutex};
    ++shared.idle;
    shared.came.wait(guard, [&] { return !shared.queue.empty(); });
    --shared.idle;
    auto job = shared.queue.front();
    shared.queue.pop_front();
    return job;
  }

  /// What is left when the system ends.
  template <class Worker, class Action>
  void foreach_resumable(Worker* worker, Action action) {
    if (auto job = std::exchange(d(worker).next, nullptr))
      action(job);
  }

  template <class Coordinator, class Action>
  void foreach_central_resumable(Coordinator* pool, Action action) {
    auto& shared = d(pool);
    std::unique_lock guard{shared.mutex};
    for (auto job : std::exchange(shared.queue, {}))
      action(job);
  }
};

void use_actor_pool(caf::actor_system_config& config) {
  config.load<caf::scheduler::coordinator<pool_policy>>();
}

caller_runs::caller_runs(caf::actor_system& system)
    : caf::execution_unit{&system}, nested_{helper != nullptr},
      helps_{!nested_ && clock::now() - last_here >= quiet_time} {
  if (helps_)
    helper = this;
}

caller_runs::~caller_runs() {
  if (nested_)
    return;
  if (helps_)
    run_jobs();
  last_here = clock::now();
}

void caller_runs::exec_later(caf::resumable* job) {
  jobs_.push_back(job);
}

void caller_runs::run_jobs() {
  const auto end = clock::now() + helping_time;
  while (!jobs_.empty() && clock::now() < end) {
    auto job = jobs_.front();
    jobs_.pop_front();
    if (job->resume(this, messages_in_a_turn) == caf::resumable::resume_later)
      jobs_.push_back(job);
    else
      caf::intrusive_ptr_release(job);
  }
  helper = nullptr;
  for (auto job : jobs_)
    system().scheduler().enqueue(job);
}

} // namespace callboard
