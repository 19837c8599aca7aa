// Fifty workers share one queue while the node is killed again and again, and
// workers fall silent or hang up: no run is held by two at once, what is sent
// under a lost lease is refused, and every run is completed exactly once.

#include "tests/integration/live_node.hpp"

#include <atomic>
#include <map>
#include <mutex>
#include <random>

namespace callboard::test {

namespace {

constexpr int worker_count = 50;
constexpr int run_count = 300;
constexpr int kills = 6;
constexpr auto lease_period = std::chrono::milliseconds{1000};
constexpr auto time_limit = std::chrono::seconds{100};

class workers : public live_node {
public:
  static void SetUpTestSuite() {
    start_node({.env = {{"CALLBOARD_DISPATCH_LEASE", "1s"},
                        {"CALLBOARD_DISPATCH_MAX_ATTEMPTS", "1000"}}});
  }
};

/// What all workers of a test share.
struct crew {
  std::string project;
  std::atomic<std::uint16_t> port{0};
  std::atomic<int> completed{0};
  std::atomic<int> refused{0}; ///< Requests under a lost lease.
  deadline until;

  bool over() const {
    return completed >= run_count || steady::now() >= until;
  }
};

class worker {
public:
  worker(crew& all, int number)
      : crew_{all}, number_{number}, random_{static_cast<unsigned>(number)} {
    // nop
  }

  void work() {
    while (!crew_.over()) {
      if (random_() % 8 == 0)
        hang_up();
      else if (auto got = take())
        run(*got);
    }
  }

private:
  struct lease {
    std::string run, token;
    std::uint64_t attempt = 0, term = 0;
  };

  /// Sends until it is answered, to whichever port the node has by then.
  std::optional<http_response> send(const std::string& target,
                                    const std::string& body,
                                    const header_list& headers) {
    while (!crew_.over()) {
      try {
        if (!http_ || http_->port() != crew_.port)
          http_.emplace(crew_.port, make_token({}));
        auto got = http_->post(target, body, headers);
        if (got.status != 503)
          return got;
      } catch (const connection_lost&) {
        http_.reset();
      }
      short_rest();
    }
    return std::nullopt;
  }

  std::string take_target() const {
    return "/v1/projects/" + crew_.project + "/queue/build/take?wait=1&worker=w"
           + std::to_string(number_);
  }

  /// As when the worker's process is killed while it asks.
  void hang_up() const {
    try {
      auto socket = tcp_socket::connect(crew_.port);
      socket.send("POST " + take_target()
                    + " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n"
                      "Authorization: Bearer "
                    + make_token({}) + "\r\n\r\n",
                  within(patience));
    } catch (const connection_lost&) {
      short_rest(); // the node is gone, too
    }
  }

  std::optional<lease> take() {
    auto got = send(take_target(), {}, {});
    if (!got || got->status == 204)
      return std::nullopt;
    EXPECT_EQ(got->status, 200) << got->body;
    if (got->status != 200)
      return std::nullopt;
    const auto& x = got->object().at("lease").as_object();
    return lease{text(x, "execution_id"), text(x, "token"),
                 number(x, "attempt"), number(x, "term")};
  }

  void run(const lease& x) {
    const auto mark = x.run + "-" + std::to_string(x.term) + "-";
    for (int i = 0; i < 3; ++i) {
      auto line = timeline_event(
        x.run, {{"kind", "log"}, {"message", "working"}, {"term", x.term}});
      if (!publish(x, with_id(std::move(line), mark + std::to_string(i))))
        return;
    }
    switch (random_() % 12) {
    case 0: // falls silent
      return;
    case 1: { // comes back when it is too late
      const auto late = within(2 * lease_period);
      while (steady::now() < late && !crew_.over())
        short_rest();
      break;
    }
    default:
      break;
    }
    auto done = run_event(
      x.run, {{"status", "completed"}, {"output", {{"term", x.term}}}});
    if (publish(x, with_id(std::move(done), mark + "done")))
      ++crew_.completed;
  }

  bool publish(const lease& x, const json::object& event) {
    auto got = send("/v1/projects/" + crew_.project + "/events",
                    json::serialize(event), {{"X-Callboard-Lease", x.token}});
    if (!got || got->status == 200)
      return got.has_value();
    EXPECT_EQ(got->code(), "conflict") << got->body;
    ++crew_.refused;
    return false;
  }

  crew& crew_;
  int number_;
  std::mt19937 random_;
  std::optional<http_client> http_;
};

/// Follows the events of one run and checks that only its holder is heard.
class run_story {
public:
  void add(const std::string& run, const json::object& frame) {
    const auto& data = frame.at("data").as_object();
    if (const auto* event = data.if_contains("event")) {
      const auto& x = event->as_object();
      if (text(x, "kind") == "lease")
        return on_lease(run, x);
      EXPECT_EQ(number(x, "term"), holder_)
        << run << ": a worker is heard that does not hold the run";
      return;
    }
    const auto& changes = data.at("changes").as_object();
    const auto* output = changes.if_contains("output");
    if (output == nullptr)
      return;
    EXPECT_EQ(number(output->as_object(), "term"), holder_) << run;
    ++completed;
  }

  int completed = 0;
  int takes = 0;
  int losses = 0;
  int releases = 0;

private:
  void on_lease(const std::string& run, const json::object& x) {
    EXPECT_EQ(number(x, "term"), ++term_) << run;
    if (text(x, "action") == "taken") {
      EXPECT_EQ(holder_, 0u) << run << " is taken while somebody has it";
      EXPECT_EQ(number(x, "attempt"), static_cast<std::uint64_t>(++takes));
      holder_ = term_;
    } else {
      EXPECT_NE(holder_, 0u) << run;
      if (text(x, "action") == "released") {
        --takes; // counts for nothing
        ++releases;
      } else {
        EXPECT_EQ(text(x, "action"), "lost");
        ++losses;
      }
      holder_ = 0;
    }
  }

  std::uint64_t term_ = 0;
  std::uint64_t holder_ = 0; // the term of the lease that is held
};

} // namespace

TEST_F(workers, share_a_queue_and_every_run_is_completed_once) {
  crew all;
  all.project = project;
  all.port = node().port();
  all.until = steady::now() + time_limit;
  for (int i = 0; i < run_count; ++i) {
    const auto made
      = http.post(path("/runs"), R"({"workflow_definition_id":"build","id":"r)"
                                   + std::to_string(i) + "\"}");
    ASSERT_EQ(made.status, 201) << made.body;
  }
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < worker_count; ++i)
      threads.push_back(in_background([&all, i] { worker{all, i}.work(); }));
    for (int i = 1; i <= kills; ++i) {
      const auto enough = i * run_count / (kills + 2);
      eventually([&] { return all.completed >= enough || all.over(); },
                 time_limit);
      node().kill();
      node().restart();
      all.port = node().port();
    }
  }
  EXPECT_EQ(all.completed, run_count) << "not all in time";
  http = client();
  std::map<std::string, run_story> stories;
  for (const auto& frame : read_history(http, project)) {
    const auto run = text(frame.at("data").as_object(), "execution_id");
    stories[run].add(run, frame);
  }
  EXPECT_EQ(stories.size(), static_cast<std::size_t>(run_count));
  int takes = 0, losses = 0, releases = 0;
  for (const auto& [run, story] : stories) {
    EXPECT_EQ(story.completed, 1) << run;
    takes += story.takes;
    losses += story.losses;
    releases += story.releases;
  }
  EXPECT_EQ(takes, run_count + losses);
  EXPECT_GT(losses, 0);
  EXPECT_GT(all.refused, 0);
  EXPECT_EQ(http.post(path("/queue/build/take")).status, 204);
  RecordProperty("takes", takes);
  RecordProperty("losses", losses);
  RecordProperty("releases", releases);
  RecordProperty("refused", all.refused.load());
}

} // namespace callboard::test
