#include "actors/dispatch_queues.hpp"

#include <gtest/gtest.h>

#include <random>

namespace callboard {
namespace {

const queue_key build{{{"t"}, {"p"}}, "build"};
const queue_key deploy{{{"t"}, {"p"}}, "deploy"};

class dispatch_queues_test : public ::testing::Test {
protected:
  static taker worker(std::uint64_t n, std::int64_t until_ms = 1000) {
    return {{hub_id{0}, 1, n}, "w" + std::to_string(n), until_ms};
  }

  static queued_run run(std::int64_t created, std::string id) {
    return {created, {std::move(id)}};
  }

  void wait(const queue_key& queue, std::uint64_t n,
            std::int64_t until_ms = 1000) {
    EXPECT_TRUE(queues.wait(queue, worker(n, until_ms), now, out));
  }

  void load(const queue_key& queue, std::vector<queued_run> runs,
            bool more = false) {
    queues.loaded(queue, {std::move(runs), more}, now, out);
  }

  /// "run>worker" of what was granted, in order.
  std::string grants() {
    std::string text;
    for (auto& x : std::exchange(out.grants, {})) {
      text += (text.empty() ? "" : " ") + x.run.run.value + ">" + x.who.worker;
      last = x;
    }
    return text;
  }

  std::size_t in_vain() {
    return std::exchange(out.in_vain, {}).size();
  }

  std::size_t loads() {
    return std::exchange(out.loads, {}).size();
  }

  dispatch_queues queues{{.window = 3, .waiting = 5}};
  dispatch_queues::outbox out;
  dispatch_queues::grant last;
  std::int64_t now = 0;
};

} // namespace

TEST_F(dispatch_queues_test, the_oldest_run_goes_to_who_waits_longest) {
  wait(build, 1);
  wait(build, 2);
  EXPECT_EQ(loads(), 1u);
  EXPECT_EQ(grants(), "");
  load(build, {run(7, "b"), run(8, "a")});
  EXPECT_EQ(grants(), "b>w1 a>w2");
  wait(build, 3);
  wait(build, 4);
  queues.queued(build, run(9, "c"), now, out);
  EXPECT_EQ(grants(), "c>w3");
  EXPECT_EQ(loads(), 0u);
}

TEST_F(dispatch_queues_test, a_run_that_is_told_during_a_load_is_given_once) {
  wait(build, 1);
  wait(build, 2);
  queues.queued(build, run(9, "new"), now, out);
  EXPECT_EQ(grants(), ""); // older ones may come
  load(build, {run(8, "old"), run(9, "new")});
  EXPECT_EQ(grants(), "old>w1 new>w2");
  wait(build, 3);
  EXPECT_EQ(grants(), "");
}

TEST_F(dispatch_queues_test, a_run_that_nobody_could_decide_about_comes_back) {
  wait(build, 1);
  load(build, {run(7, "a"), run(8, "b")});
  EXPECT_EQ(grants(), "a>w1");
  queues.put_back(last);
  EXPECT_EQ(grants(), "") << "not at once: what was in the way is still there";
  wait(build, 2);
  EXPECT_EQ(grants(), "a>w2");
  queues.put_back(last);
  EXPECT_EQ(queues.waiting(), 0u);
  wait(build, 3);
  wait(build, 4);
  EXPECT_EQ(grants(), "a>w3 b>w4");
  queues.clear();
  queues.put_back(last); // it led no more by then
  wait(build, 5);
  load(build, {});
  EXPECT_EQ(grants(), "");
}

TEST_F(dispatch_queues_test, queues_do_not_mix) {
  wait(build, 1);
  wait(deploy, 2);
  load(build, {});
  load(deploy, {});
  queues.queued(deploy, run(1, "d"), now, out);
  EXPECT_EQ(grants(), "d>w2");
  queues.queued(build, run(2, "b"), now, out);
  EXPECT_EQ(grants(), "b>w1");
}

TEST_F(dispatch_queues_test, who_waits_in_vain_is_told_when_it_is_time) {
  wait(build, 1, 100);
  wait(build, 2, 50);
  wait(build, 3, 0);
  EXPECT_EQ(in_vain(), 0u); // not known yet
  load(build, {});
  EXPECT_EQ(in_vain(), 1u);
  now = 60;
  queues.tick(now, out);
  EXPECT_EQ(in_vain(), 1u);
  now = 100;
  queues.tick(now, out);
  EXPECT_EQ(in_vain(), 1u);
  EXPECT_EQ(queues.waiting(), 0u);
}

TEST_F(dispatch_queues_test, a_run_that_refuses_is_dropped_and_the_next_tried) {
  wait(build, 1);
  wait(build, 2);
  load(build, {run(1, "gone"), run(2, "x")});
  ASSERT_EQ(out.grants.size(), 2u);
  auto first = out.grants[0];
  grants();
  queues.refused(first, now, out);
  EXPECT_EQ(grants(), "");
  queues.queued(build, run(3, "y"), now, out);
  EXPECT_EQ(grants(), "y>w1");
}

TEST_F(dispatch_queues_test, a_taker_that_is_gone_gets_nothing) {
  wait(build, 1);
  wait(build, 2);
  load(build, {});
  EXPECT_TRUE(queues.stop(build.room, worker(1).to));
  EXPECT_FALSE(queues.stop(build.room, worker(1).to));
  EXPECT_FALSE(queues.stop({{"t2"}, {"p"}}, worker(2).to));
  queues.queued(build, run(1, "a"), now, out);
  EXPECT_EQ(grants(), "a>w2");
}

TEST_F(dispatch_queues_test, more_takers_than_allowed_are_refused) {
  for (std::uint64_t i = 0; i < 5; ++i)
    wait(i % 2 == 0 ? build : deploy, i);
  auto more = queues.wait(build, worker(9), now, out);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, errc::rate_limited);
  EXPECT_TRUE(queues.wait({{{"t"}, {"p2"}}, "build"}, worker(9), now, out));
  EXPECT_EQ(queues.clear().size(), 6u);
  EXPECT_EQ(queues.waiting(), 0u);
}

TEST_F(dispatch_queues_test, a_long_queue_is_read_page_by_page) {
  wait(build, 1);
  load(build, {run(1, "a"), run(2, "b"), run(3, "c")}, true);
  EXPECT_EQ(grants(), "a>w1");
  queues.granted(last);
  queues.queued(build, run(9, "z"), now, out); // behind the page: not kept
  for (std::uint64_t i = 2; i < 5; ++i)
    wait(build, i);
  EXPECT_EQ(grants(), "b>w2 c>w3");
  loads();
  load(build, {run(3, "c"), run(4, "d"), run(9, "z")}); // c is being taken
  EXPECT_EQ(grants(), "d>w4");
}

TEST_F(dispatch_queues_test, the_window_is_bounded) {
  wait(build, 1);
  load(build, {});
  queues.queued(build, run(10, "x"), now, out);
  EXPECT_EQ(grants(), "x>w1");
  for (int i = 20; i > 10; --i)
    queues.queued(build, run(i, "r" + std::to_string(i)), now, out);
  loads();
  for (std::uint64_t i = 0; i < 4; ++i)
    wait(build, i);
  EXPECT_EQ(grants(), "r11>w0 r12>w1 r13>w2");
  EXPECT_EQ(loads(), 1u); // the others were left to the store
}

// A store and takers at random: every run is granted exactly once, in order.
TEST_F(dispatch_queues_test, nothing_is_lost_and_nothing_is_given_twice) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random{seed};
    dispatch_queues x{{.window = 3, .waiting = 1000}};
    dispatch_queues::outbox o;
    std::set<queued_run> store;
    std::optional<queue_page> reading;
    std::vector<dispatch_queues::grant> deciding;
    std::set<run_id> taken;
    int made = 0;
    std::uint64_t waiting = 0;
    auto work = [&] {
      for (auto& g : std::exchange(o.grants, {}))
        deciding.push_back(std::move(g));
      if (std::exchange(o.loads, {}).empty())
        return;
      queue_page page;
      for (auto& r : store) {
        if (page.runs.size() == 3) {
          page.more = true;
          break;
        }
        page.runs.push_back(r);
      }
      reading = page; // answered later
    };
    for (int i = 0; i < 400 || taken.size() < 60; ++i) {
      ASSERT_LT(i, 20'000) << "seed " << seed << ": stuck";
      switch (random() % 4) {
      case 0:
        if (made == 60)
          break;
        store.insert(
          run(static_cast<int>(random() % 1000), "r" + std::to_string(++made)));
        for (auto& r : store)
          if (r.run.value == "r" + std::to_string(made))
            x.queued(build, r, 0, o);
        break;
      case 1:
        if (waiting < 200) {
          ASSERT_TRUE(x.wait(build, worker(++waiting), 0, o));
        }
        break;
      case 2:
        if (reading) {
          auto page = *std::exchange(reading, std::nullopt);
          x.loaded(build, page, 0, o);
        }
        break;
      case 3:
        if (deciding.empty())
          break;
        auto g = deciding.front();
        deciding.erase(deciding.begin());
        if (store.erase(g.run) == 0) {
          ASSERT_TRUE(taken.contains(g.run.run)) << "unknown run";
          x.refused(g, 0, o);
          break;
        }
        ASSERT_TRUE(taken.insert(g.run.run).second) << "taken twice";
        x.granted(g);
        break;
      }
      work();
    }
  }
}

} // namespace callboard
