// Many viewers attach at random moments and positions while publishing goes on
// at full speed; each must see exactly its part of the one sequence.

#include "tests/integration/live_node.hpp"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <random>
#include <thread>

namespace callboard::test {

namespace {

constexpr std::size_t crowd_size = 200;
constexpr std::uint64_t total_events = 15'000;
constexpr int producer_count = 3;
constexpr std::uint64_t events_per_call = 20;

/// `seq` of a frame without parsing all of it; 0: not a durable event.
std::uint64_t seq_of(std::string_view frame) {
  constexpr std::string_view prefix = R"({"seq":)";
  std::uint64_t result = 0;
  if (frame.starts_with(prefix))
    std::from_chars(frame.data() + prefix.size(), frame.data() + frame.size(),
                    result);
  return result;
}

/// What one viewer saw: each frame's text, as a hash, by number.
struct seen_part {
  std::uint64_t first = 1; ///< The number that must come first.
  std::vector<std::size_t> hashes;
  std::string problem;
};

class crowd : public live_node {
protected:
  /// Publishes this producer's share as fast as the answers come.
  void produce(int producer) {
    auto mine = client();
    const auto run = "r" + std::to_string(producer);
    while (published_ < total_events) {
      json::array events;
      for (std::uint64_t k = 0; k < events_per_call; ++k)
        events.push_back(
          step_event(run, "s" + std::to_string(k),
                     {{"status", "running"}, {"note", "at work"}}));
      const auto response = mine.publish(project, events);
      if (response.status / 100 != 2) {
        ADD_FAILURE() << response.body;
        failed_ = true;
        return;
      }
      published_ += events_per_call;
    }
  }

  /// Attaches at a random moment and position, then reads to the end.
  void watch(unsigned seed, seen_part& part) {
    std::mt19937 random{seed};
    const auto moment = random() % total_events;
    const auto far = std::chrono::seconds{60};
    eventually([&] { return failed_ || published_ >= moment; }, far);
    auto ws = viewer();
    json::object where;
    const auto how = random() % 4;
    if (how != 0) {
      // From near the beginning, from anywhere, or from what is answered for.
      const std::uint64_t now = published_;
      part.first = 1
                   + (how == 1   ? random() % 50
                      : how == 2 ? random() % (now + 1)
                                 : now);
      part.first = std::min(part.first, now + 1);
      where["since"] = part.first - 1;
    }
    const auto subscribed = ws.subscribe(room(), where);
    if (how == 0)
      part.first = number(subscribed.data, "seq") + 1;
    read_to_end(ws, part);
  }

  void read_to_end(ws_client& ws, seen_part& part) {
    const auto until = within(std::chrono::seconds{75});
    auto next = part.first;
    while (!failed_ && (last_ == 0 || next <= last_)) {
      std::string frame;
      try {
        frame = ws.receive_text(
          std::min(until, within(std::chrono::milliseconds{100})));
      } catch (const timed_out&) {
        if (steady::now() >= until)
          throw;
        continue;
      }
      const auto seq = seq_of(frame);
      if (seq == 0)
        continue; // `lagged`: told that history takes over
      if (seq != next)
        throw std::runtime_error{"got " + std::to_string(seq) + " where "
                                 + std::to_string(next) + " was due"};
      part.hashes.push_back(std::hash<std::string>{}(frame));
      ++next;
    }
  }

  std::atomic<std::uint64_t> published_{0};
  std::atomic<std::uint64_t> last_{0}; ///< The final number, once known.
  std::atomic<bool> failed_{false};
};

} // namespace

TEST_F(crowd,
       viewers_that_attach_at_random_see_exactly_their_part_of_the_sequence) {
  std::vector<seen_part> parts(crowd_size);
  std::vector<std::thread> viewers;
  for (unsigned i = 0; i < crowd_size; ++i) {
    viewers.emplace_back([this, i, &part = parts[i]] {
      try {
        watch(i, part);
      } catch (const std::exception& x) {
        part.problem = x.what();
      }
    });
  }
  std::vector<std::jthread> producers;
  for (int i = 0; i < producer_count; ++i)
    producers.push_back(in_background([this, i] { produce(i); }));
  for (auto& thread : producers)
    thread.join();
  last_ = published_.load();
  for (auto& thread : viewers)
    thread.join();

  seen_part stored;
  auto ws = viewer();
  ws.subscribe(room(), {{"since", 0}});
  read_to_end(ws, stored);
  ASSERT_EQ(stored.hashes.size(), last_);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto& part = parts[i];
    EXPECT_EQ(part.problem, "") << "viewer " << i;
    if (!part.problem.empty())
      continue;
    ASSERT_EQ(part.first + part.hashes.size(), last_ + 1) << "viewer " << i;
    EXPECT_TRUE(std::ranges::equal(
      part.hashes, std::span{stored.hashes}.subspan(part.first - 1)))
      << "viewer " << i << " saw other bytes than the store has";
  }
}

} // namespace callboard::test
