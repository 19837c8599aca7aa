// The same event id sent again: applied once, answered as the first time.

#include "tests/integration/live_node.hpp"

#include <set>
#include <thread>

namespace callboard::test {

namespace {

class duplicates : public live_node {};

std::uint64_t seq_of(const http_response& response, std::size_t i = 0) {
  return number(response.object().at("results").as_array().at(i).as_object(),
                "seq");
}

} // namespace

TEST_F(duplicates, an_event_sent_again_is_applied_once_and_answered_alike) {
  const auto event = with_id(
    timeline_event("r", {{"kind", "counter"}, {"name", "c"}, {"count", 5}}),
    "e1");
  const auto first = http.publish(project, event);
  publish(custom_event("test:between", {}));
  const auto again = http.publish(project, event);
  EXPECT_EQ(again.status, first.status);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(history().size(), 2u);
}

TEST_F(duplicates, a_transition_sent_again_is_no_conflict) {
  const auto start = with_id(run_event("r", {{"status", "running"}}), "start");
  const auto end = with_id(run_event("r", {{"status", "completed"}}), "end");
  publish(json::array{start, end});
  EXPECT_EQ(seq_of(http.publish(project, start)), 1u)
    << "running after completed would be a conflict, but it is a repetition";
  EXPECT_EQ(text(detail("r"), "status"), "completed");
}

TEST_F(duplicates, twice_in_one_array_is_once) {
  const auto event = with_id(step_event("r", "s", {{"name", "n"}}), "e1");
  const auto seqs = publish(json::array{event, event, event});
  EXPECT_EQ(seqs, (std::vector<std::uint64_t>{1, 1, 1}));
  EXPECT_EQ(history().size(), 1u);
}

TEST_F(duplicates, the_same_id_in_another_run_is_another_event) {
  publish(json::array{with_id(run_event("r1", {{"name", "a"}}), "e"),
                      with_id(run_event("r2", {{"name", "b"}}), "e")});
  EXPECT_EQ(history().size(), 2u);
}

TEST_F(duplicates, events_outside_runs_are_known_by_their_room) {
  const auto event = with_id(custom_event("test:once", {}), "c1");
  publish(event);
  EXPECT_EQ(publish(event), (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(history().size(), 1u);
  auto elsewhere = http.publish(project + "-other", event);
  EXPECT_EQ(seq_of(elsewhere), 1u);
}

TEST_F(duplicates, a_refused_event_may_be_sent_again_under_its_id) {
  const auto early = with_id(run_event("r", {{"status", "completed"}}), "done");
  EXPECT_EQ(http.publish(project, early).status, 409);
  publish(run_event("r", {{"status", "running"}}));
  EXPECT_EQ(http.publish(project, early).status / 100, 2);
  EXPECT_EQ(text(detail("r"), "status"), "completed");
}

TEST_F(duplicates, over_the_websocket_the_answer_is_the_first_one_too) {
  const auto event = with_id(run_event("r", {{"name", "n"}}), "e1");
  publish(event);
  auto ws = viewer();
  const auto answer = ws.ask(
    {{"type", "publish"}, {"project_id", project}, {"events", {event}}});
  EXPECT_EQ(answer.type(), "published");
  EXPECT_EQ(
    number(answer.data.at("results").as_array().at(0).as_object(), "seq"), 1u);
  EXPECT_EQ(history().size(), 1u);
}

TEST_F(duplicates, are_still_known_after_sigkill_and_restart) {
  json::array events;
  for (int i = 0; i < 300; ++i) {
    const auto n = std::to_string(i);
    events.push_back(with_id(
      timeline_event("r", {{"kind", "counter"}, {"name", "c"}, {"count", 1}}),
      "e" + n));
    events.push_back(with_id(custom_event("test:c", {{"n", i}}), "c" + n));
  }
  const auto seqs = publish(events);
  node().restart();
  http = client();
  EXPECT_EQ(publish(events), seqs);
  EXPECT_EQ(history().size(), events.size());
  EXPECT_EQ(detail("r").at("counters").as_object().at("c"), 300);
}

TEST_F(duplicates, sent_at_the_same_time_by_many_is_applied_once) {
  constexpr int senders = 8;
  constexpr int rounds = 40;
  std::vector<std::jthread> threads;
  std::vector<std::vector<std::uint64_t>> seqs(senders);
  for (int s = 0; s < senders; ++s) {
    threads.push_back(in_background([&, s] {
      auto mine = client();
      for (int i = 0; i < rounds; ++i) {
        const auto event
          = with_id(step_event("r", "s", {{"n", i}}), "e" + std::to_string(i));
        seqs[static_cast<std::size_t>(s)].push_back(
          seq_of(mine.publish(project, event)));
      }
    }));
  }
  for (auto& thread : threads)
    thread.join();
  for (const auto& xs : seqs)
    EXPECT_EQ(xs, seqs[0]);
  EXPECT_EQ(history().size(), std::size_t{rounds});
}

} // namespace callboard::test
