#include "actors/actor_pool.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace callboard {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 20s;

class pool_config : public caf::actor_system_config {
public:
  explicit pool_config(std::size_t threads) {
    use_actor_pool(*this);
    set("scheduler.max-threads", threads);
  }
};

using action = std::function<void(caf::event_based_actor*, int)>;

/// An actor that does `f` for each number.
caf::actor doing(caf::actor_system& system, const action& f) {
  auto made = system.spawn([f](caf::event_based_actor* self) -> caf::behavior {
    return {
      [self, f](int x) { f(self, x); },
      [](bool x) { return x; },
    };
  });
  // So that it has begun, and is asleep.
  caf::scoped_actor self{system};
  self->request(made, caf::infinite, true)
    .receive([](bool) {}, [](const caf::error&) { FAIL(); });
  return made;
}

void end(caf::actor_system& system, const std::vector<caf::actor>& actors) {
  caf::scoped_actor self{system};
  for (auto& x : actors)
    self->send_exit(x, caf::exit_reason::user_shutdown);
  self->wait_for(actors); // what they use is about to go
}

enum class place { same_thread, another_thread };

/// An actor that notes on which thread it runs.
class located_actor {
public:
  explicit located_actor(caf::actor_system& system)
      : handle{doing(system, [this](caf::event_based_actor*, int) {
          auto ran = ran_; // lives until set_value() is over
          ran->set_value(std::this_thread::get_id());
        })} {
    // nop
  }

  /// Whether it runs at that place when a thread does `wake`. One try of many
  /// will do, each with a thread of its own: a thread is taken off its
  /// processor now and then, and who is late has helped enough, or not lately.
  bool runs_at(place wanted, const std::function<void()>& wake) {
    for (int i = 0; i < 200; ++i) {
      ran_ = std::make_shared<std::promise<std::thread::id>>();
      auto ran = ran_->get_future();
      auto woken_by = std::async(std::launch::async, [&] {
        wake();
        return std::this_thread::get_id();
      });
      if (ran.wait_for(patience) != std::future_status::ready)
        return false;
      if ((ran.get() == woken_by.get()) == (wanted == place::same_thread))
        return true;
    }
    return false;
  }

private:
  std::shared_ptr<std::promise<std::thread::id>> ran_;

public:
  const caf::actor handle; // last: it uses the others
};

TEST(actor_pool, an_actor_runs_on_the_thread_that_wakes_it_at_the_scopes_end) {
  pool_config config{1};
  caf::actor_system system{config};
  std::atomic<bool> in_scope{false};
  located_actor actor{system};
  auto first = doing(system, [&](caf::event_based_actor* self, int x) {
    EXPECT_FALSE(in_scope);
    self->send(actor.handle, x); // runs there, too
  });
  EXPECT_TRUE(actor.runs_at(place::same_thread, [&] {
    const caller_runs here{system};
    const caller_runs inside{system}; // does nothing
    in_scope = true;
    caf::anon_send(first, 1);
    in_scope = false;
  }));
  end(system, {first, actor.handle});
}

TEST(actor_pool, a_thread_that_was_here_just_now_leaves_actors_to_the_pool) {
  pool_config config{1};
  caf::actor_system system{config};
  located_actor actor{system};
  EXPECT_TRUE(actor.runs_at(place::another_thread, [&] {
    { const caller_runs before{system}; }
    const caller_runs here{system};
    caf::anon_send(actor.handle, 1);
  }));
  end(system, {actor.handle});
}

TEST(actor_pool, without_a_helping_thread_the_pool_runs_actors) {
  pool_config config{1};
  caf::actor_system system{config};
  located_actor actor{system};
  EXPECT_TRUE(actor.runs_at(place::another_thread,
                            [&] { caf::anon_send(actor.handle, 1); }));
  end(system, {actor.handle});
}

TEST(actor_pool, after_a_while_the_pool_gets_the_rest) {
  pool_config config{1};
  caf::actor_system system{config};
  auto slow = doing(system, [](caf::event_based_actor*, int) {
    const auto end = std::chrono::steady_clock::now() + 1ms;
    while (std::chrono::steady_clock::now() < end) {
      // busy
    }
  });
  std::promise<std::thread::id> promise;
  auto other = doing(system, [&](caf::event_based_actor*, int) {
    promise.set_value(std::this_thread::get_id());
  });
  std::thread::id helper;
  std::thread{[&] {
    helper = std::this_thread::get_id();
    const caller_runs here{system};
    caf::anon_send(slow, 1);
    caf::anon_send(other, 1);
  }}.join();
  auto where = promise.get_future();
  ASSERT_EQ(where.wait_for(patience), std::future_status::ready);
  EXPECT_NE(where.get(), helper);
  end(system, {slow, other});
}

TEST(actor_pool, actors_that_keep_waking_each_other_do_not_keep_others_out) {
  pool_config config{1};
  caf::actor_system system{config};
  caf::actor ping, pong;
  ping = doing(
    system, [&](caf::event_based_actor* self, int x) { self->send(pong, x); });
  pong = doing(
    system, [&](caf::event_based_actor* self, int x) { self->send(ping, x); });
  std::promise<void> promise;
  auto other
    = doing(system, [&](caf::event_based_actor*, int) { promise.set_value(); });
  caf::anon_send(ping, 1); // from now on without end
  caf::anon_send(other, 1);
  EXPECT_EQ(promise.get_future().wait_for(patience), std::future_status::ready);
  end(system, {ping, pong, other});
}

// Threads that help and threads that do not send through the same chain of
// actors: each thread's messages come out once and in their order, and those
// to an actor beside the chain are all there.
TEST(actor_pool, nothing_is_lost_and_all_stays_in_order) {
  constexpr int threads = 4, messages = 20000, length = 5;
  pool_config config{2};
  caf::actor_system system{config};
  std::mutex mutex;
  std::condition_variable more;
  std::vector<int> next(threads); // of each thread's messages
  int wrong = 0, counted = 0;
  auto beside = doing(system, [&](caf::event_based_actor*, int) {
    const std::lock_guard guard{mutex};
    ++counted;
    more.notify_all();
  });
  std::vector<caf::actor> chain{
    doing(system, [&](caf::event_based_actor*, int x) {
      const std::lock_guard guard{mutex};
      wrong += next[x % threads]++ != x / threads;
      more.notify_all();
    })};
  for (int i = 1; i < length; ++i)
    chain.push_back(doing(
      system, [to = chain.back(), beside](caf::event_based_actor* self, int x) {
        self->send(to, x);
        self->send(beside, x);
      }));
  std::vector<std::thread> senders;
  for (int i = 0; i < threads; ++i)
    senders.emplace_back([&, i] {
      for (int n = 0; n < messages; ++n) {
        std::optional<caller_runs> here;
        if (i % 2 == 0)
          here.emplace(system);
        caf::anon_send(chain.back(), n * threads + i);
        if (n % 512 != 0)
          continue;
        here.reset();
        // A thread that waits for a while helps again.
        std::unique_lock guard{mutex};
        more.wait_for(guard, patience, [&] { return next[i] > n; });
      }
    });
  for (auto& x : senders)
    x.join();
  {
    std::unique_lock guard{mutex};
    EXPECT_TRUE(more.wait_for(guard, patience, [&] {
      return next == std::vector<int>(threads, messages)
             && counted == threads * messages * (length - 1);
    }));
  }
  EXPECT_EQ(wrong, 0);
  chain.push_back(beside);
  end(system, chain);
}

TEST(actor_pool, a_system_ends_with_messages_under_way) {
  for (int i = 0; i < 50; ++i) {
    pool_config config{2};
    caf::actor_system system{config};
    auto last = doing(system, [](caf::event_based_actor*, int) {});
    auto first = doing(system, [last](caf::event_based_actor* self, int x) {
      self->send(last, x);
    });
    {
      const caller_runs here{system};
      for (int n = 0; n < 100; ++n)
        caf::anon_send(first, n);
    }
    caf::anon_send_exit(first, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(last, caf::exit_reason::user_shutdown);
  }
}

} // namespace
} // namespace callboard
