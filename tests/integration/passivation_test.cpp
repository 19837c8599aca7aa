// Runs and rooms leave memory when nothing happens; nobody may notice.

#include "tests/integration/live_node.hpp"

namespace callboard::test {

namespace {

class passivation : public live_node {
public:
  static void SetUpTestSuite() {
    start_node({.env = {{"CALLBOARD_ENGINE_PASSIVATE_AFTER", "20ms"}}});
  }

protected:
  /// Waits until no run or room is in memory any more.
  void let_all_sleep() {
    EXPECT_TRUE(eventually([this] {
      for (const auto* kind : {"run", "room"}) {
        const auto list
          = http.get(std::string{"/v1/admin/actors?kind="} + kind);
        if (!list.object().at("items").as_array().empty())
          return false;
      }
      return true;
    }))
      << http.get("/v1/admin/actors?kind=run").body
      << http.get("/v1/admin/actors?kind=room").body;
  }
};

} // namespace

TEST_F(passivation, a_run_that_slept_knows_its_state_its_steps_and_its_events) {
  const auto start = with_id(run_event("r", {{"status", "running"}}), "start");
  const auto step = with_id(
    step_event("r", "s",
               {{"status", "waiting"},
                {"input_request", {{"validation", {{"options", {"a"}}}}}}}),
    "step");
  publish(json::array{start, step});
  let_all_sleep();
  EXPECT_EQ(publish(json::array{step, start}),
            (std::vector<std::uint64_t>{2, 1}));
  let_all_sleep();
  EXPECT_EQ(
    http.publish(project, run_event("r", {{"status", "pending"}})).status, 409);
  let_all_sleep();
  const auto target = path("/runs/r/steps/s/input");
  EXPECT_EQ(http.post(target, R"({"value":"b"})").status, 400);
  EXPECT_EQ(http.post(target, R"({"value":"a"})").status / 100, 2);
  let_all_sleep();
  EXPECT_EQ(publish(run_event("r", {{"status", "completed"}})),
            (std::vector<std::uint64_t>{5}));
}

TEST_F(passivation, a_room_that_slept_goes_on_with_its_sequence_and_its_ids) {
  const auto first = with_id(custom_event("test:a", {}), "a");
  publish(first);
  let_all_sleep();
  EXPECT_EQ(publish(custom_event("test:b", {})),
            (std::vector<std::uint64_t>{2}));
  let_all_sleep();
  EXPECT_EQ(publish(first), (std::vector<std::uint64_t>{1}));
}

TEST_F(passivation, a_viewer_keeps_its_room_however_long_it_is_quiet) {
  auto ws = viewer();
  ws.subscribe(room());
  for (std::uint64_t seq = 1; seq <= 3; ++seq) {
    EXPECT_TRUE(eventually([this] {
      return http.get("/v1/admin/actors?kind=run")
        .object()
        .at("items")
        .as_array()
        .empty();
    }));
    publish(run_event("r", {{"n", seq}}));
    EXPECT_EQ(ws.receive().seq(), seq);
  }
}

TEST_F(passivation, going_to_sleep_under_load_loses_nothing) {
  auto ws = viewer();
  ws.subscribe(room());
  constexpr int rounds = 300;
  for (int i = 0; i < rounds; ++i) {
    // As long as it takes to fall asleep: sometimes just before, or in between.
    publish(with_id(step_event("r" + std::to_string(i % 3), "s", {{"n", i}}),
                    "e" + std::to_string(i)));
    if (i % 10 == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds{15 + i % 15});
  }
  for (std::uint64_t seq = 1; seq <= rounds; ++seq)
    ASSERT_EQ(ws.receive().seq(), seq);
}

} // namespace callboard::test
