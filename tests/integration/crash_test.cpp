// kill -9 at random moments under load, a hundred times: nothing acknowledged
// is missing, nothing is doubled, the sequence has no gap, and the state equals
// a replay of the events.

#include "tests/integration/live_node.hpp"

#include <atomic>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

namespace callboard::test {

namespace {

constexpr int kills = 100;
constexpr int producer_count = 4;
constexpr std::size_t project_count = 3;
/// The test ends earlier, saying so, rather than take longer than this.
constexpr auto time_limit = std::chrono::minutes{4};

std::string project_name(std::size_t i) {
  return "crash-" + std::to_string(i % project_count);
}

/// An event as this test sends it: what it is can be told from its id.
json::object numbered_event(int producer, int n) {
  const auto run = "r" + std::to_string(producer);
  const auto id = "e" + std::to_string(producer) + "-" + std::to_string(n);
  switch (n % 4) {
  case 0:
    return with_id(
      timeline_event(
        run, {{"kind", "counter"}, {"name", "c"}, {"count", 1}, {"n", n}}),
      id);
  case 1:
    return with_id(step_event(run, "s" + std::to_string(n % 7),
                              {{"status", "running"}, {"n", n}}),
                   id);
  case 2:
    return with_id(run_event(run, {{"status", "running"}, {"n", n}}), id);
  default:
    return with_id(custom_event("test:n", {{"n", n}}), id);
  }
}

/// Sends numbered events, one batch at a time. A batch whose answer was lost is
/// sent again: that is what a producer does, and must not double anything.
class producer {
public:
  explicit producer(int number) : number_{number} {
    // nop
  }

  /// Until the node is gone. Any answer but success is a failure of the test.
  void work(std::uint16_t port) {
    http_client http{port, make_token({})};
    http.patience(std::chrono::seconds{20});
    try {
      for (;;)
        send_batch(http);
    } catch (const connection_lost&) {
      // killed
    } catch (const std::exception& x) {
      ADD_FAILURE() << "producer " << number_ << ": " << x.what();
    }
  }

  /// Acknowledged ids and the numbers that they were given, per project.
  const std::map<std::string, std::map<std::string, std::uint64_t>>&
  acknowledged() const {
    return acknowledged_;
  }

private:
  void send_batch(http_client& http) {
    const auto project
      = project_name(static_cast<std::size_t>(number_ + batch_));
    const int size = 1 + (batch_ * 7 + number_) % 12;
    json::array events;
    for (int i = 0; i < size; ++i)
      events.push_back(numbered_event(number_, next_ + i));
    const auto response = http.publish(project, events);
    if (response.status / 100 != 2)
      throw std::runtime_error{"status " + std::to_string(response.status) + " "
                               + response.body};
    const auto answer = response.object();
    for (const auto& item : answer.at("results").as_array()) {
      const auto& result = item.as_object();
      acknowledged_[project][text(result, "id")] = number(result, "seq");
    }
    next_ += size;
    ++batch_;
  }

  int number_;
  int next_ = 0;
  int batch_ = 0;
  std::map<std::string, std::map<std::string, std::uint64_t>> acknowledged_;
};

/// Whether it has a number (and is not, say, `lagged`).
bool is_event(const ws_message& x) {
  return x.seq() > 0;
}

/// What the store had when it was last looked at.
struct known_history {
  event_fold fold;
  std::map<std::string, std::uint64_t> seq_by_id; ///< "run/id" or "/id".
};

class crash : public ::testing::Test {
protected:
  void load_until_killed(std::chrono::milliseconds moment) {
    std::vector<std::thread> threads;
    for (auto& x : producers_)
      threads.emplace_back([&x, port = node_.port()] { x.work(port); });
    std::this_thread::sleep_for(moment);
    node_.kill();
    for (auto& thread : threads)
      thread.join();
  }

  /// Reads what is new in each project and checks all promises against it.
  void check() {
    http_client http{node_.port(), make_token({})};
    for (std::size_t i = 0; i < project_count; ++i) {
      const auto project = project_name(i);
      auto& known = known_[project];
      for (const auto& frame :
           read_history(http, project, known.fold.through())) {
        known.fold.apply(frame); // throws on a gap
        const auto [at, fresh]
          = known.seq_by_id.emplace(text(frame, "id"), number(frame, "seq"));
        ASSERT_TRUE(fresh) << text(frame, "id") << " is doubled";
      }
      for (const auto& x : producers_)
        check_acknowledged(x, project, known);
      for (const auto& [run, folded] : known.fold.runs())
        check_state(http, project, run, folded);
    }
  }

  static void check_acknowledged(const producer& x, const std::string& project,
                                 const known_history& known) {
    const auto mine = x.acknowledged().find(project);
    if (mine == x.acknowledged().end())
      return;
    for (const auto& [id, seq] : mine->second) {
      const auto found = known.seq_by_id.find(id);
      ASSERT_NE(found, known.seq_by_id.end())
        << id << " was acknowledged and is missing";
      ASSERT_EQ(found->second, seq)
        << id << " was acknowledged at another place";
    }
  }

  static void check_state(http_client& http, const std::string& project,
                          const std::string& run, const folded_run& folded) {
    const auto response = http.get("/v1/projects/" + project + "/runs/" + run);
    ASSERT_EQ(response.status, 200) << response.body;
    ASSERT_EQ(differences(response.object(), folded), "")
      << project << "/" << run;
  }

  static std::vector<producer> make_producers() {
    std::vector<producer> result;
    for (int i = 0; i < producer_count; ++i)
      result.emplace_back(i);
    return result;
  }

  node_process node_;
  std::vector<producer> producers_ = make_producers();
  std::map<std::string, known_history> known_;
};

} // namespace

TEST_F(crash, a_hundred_kills_under_load_lose_nothing_and_double_nothing) {
  std::mt19937 random{20260102};
  const auto until = steady::now() + time_limit;
  int done = 0;
  for (; done < kills && steady::now() < until; ++done) {
    SCOPED_TRACE("kill " + std::to_string(done + 1));
    const std::chrono::milliseconds moment{
      std::uniform_int_distribution<int>{5, 400}(random)};
    load_until_killed(moment);
    node_.restart();
    check();
    if (HasFatalFailure() || HasNonfatalFailure())
      break;
  }
  EXPECT_EQ(done, kills) << "the machine is too slow for all of them";
  std::size_t events = 0;
  for (const auto& [project, known] : known_)
    events += known.fold.through();
  EXPECT_GT(events, std::size_t{kills}) << "there was hardly any load";
  RecordProperty("events", std::to_string(events));
}

TEST_F(crash, what_a_viewer_saw_before_a_kill_is_still_so_after_it) {
  // An event that was shown before it was durable would change or vanish.
  std::mt19937 random{11};
  const auto project = project_name(0);
  std::uint64_t since = 0;
  for (int i = 0; i < 12; ++i) {
    std::vector<std::string> seen;
    std::atomic<bool> attached{false};
    std::thread viewer{[&, port = node_.port()] {
      try {
        ws_client ws{port, {.token = make_token({})}};
        ws.subscribe("project:" + project, {{"since", since}});
        attached = true;
        for (;;)
          seen.push_back(ws.receive_if(is_event).text);
      } catch (const ws_closed&) {
        // killed
      } catch (const std::exception& x) {
        ADD_FAILURE() << x.what();
      }
      attached = true;
    }};
    ASSERT_TRUE(eventually([&] { return attached.load(); }));
    load_until_killed(std::chrono::milliseconds{
      std::uniform_int_distribution<int>{20, 300}(random)});
    viewer.join();
    node_.restart();
    ws_client again{node_.port(), {.token = make_token({})}};
    again.subscribe("project:" + project, {{"since", since}});
    for (const auto& frame : seen) {
      ASSERT_EQ(again.receive_if(is_event).text, frame);
      ++since;
    }
  }
  EXPECT_GT(since, 12u);
}

TEST_F(crash, a_kill_while_starting_up_does_no_harm) {
  load_until_killed(std::chrono::milliseconds{300});
  std::mt19937 random{7};
  for (int i = 0; i < 10; ++i) {
    // Start beside node_, on its data, and end it before or after it is ready.
    try {
      node_process starting{
        {.data_dir = node_.data_dir(),
         .ready_limit = std::chrono::milliseconds{
           std::uniform_int_distribution<int>{1, 300}(random)}}};
    } catch (const timed_out&) {
      // killed before it was ready
    }
  }
  node_.restart();
  check();
}

} // namespace callboard::test
