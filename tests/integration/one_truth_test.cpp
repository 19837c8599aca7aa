// A history made up by chance is watched live, read again, and read as the
// execution log that contract 4 is told from, also after a crash: all must have
// been told the same story.

#include "tests/integration/live_node.hpp"
#include "tests/support/careless_producer.hpp"
#include "tests/support/run_story.hpp"

#include <algorithm>

namespace callboard::test {

namespace {

constexpr int runs = careless_producer::runs;

class one_truth : public live_node {
protected:
  /// Of the i-th run. Clients that name no project need names of their own.
  std::string name(int i) const {
    return careless_producer::run_name(project, i);
  }

  /// The stories as the room's native history tells them.
  native_teller told() {
    native_teller out;
    out.definitions["d"] = "Nightly build";
    for (auto& frame : history())
      out.apply(frame);
    return out;
  }

  void begin_runs() {
    ASSERT_EQ(http.put(path("/definitions/d"),
                       R"({"name":"Nightly build","phases":[]})")
                  .status
                / 100,
              2);
    for (int i = 0; i < runs; ++i)
      publish(run_event(name(i), {{"name", "n"}}));
    publish(run_event(name(0), {{"workflow_name", "W"}}));
    publish(run_event(name(1), {{"workflow_definition_id", "d"}}));
  }

  void publish_anything(unsigned seed) {
    careless_producer producer{seed, project};
    for (int round = 0; round < 30; ++round) {
      json::array batch;
      for (auto n = 1 + producer.below(12); n > 0; --n)
        batch.push_back(producer.event());
      ASSERT_EQ(http.publish(project, batch).status / 100, 2);
      auto run = name(static_cast<int>(producer.below(runs)));
      if (producer.below(3) == 0) // refused where it makes no sense
        http.post(path("/runs/" + run + "/pause"), R"({"reason":"lunch"})");
      else if (producer.below(3) == 0)
        http.post(path("/runs/" + run + "/resume"));
    }
  }

  /// What the execution log says equals what is due.
  void expect_log(const native_teller& due) {
    run_stories monitor;
    for (int i = 0; i < runs; ++i)
      read_log(name(i), monitor);
    EXPECT_EQ(to_text(monitor), to_text(due.monitor));
  }

  /// The execution log as the messages that its entries stand for.
  void read_log(const std::string& run, run_stories& out) {
    std::string cursor;
    do {
      auto page = http.get(path("/runs/" + run + "/logs?limit=100" + cursor));
      ASSERT_EQ(page.status, 200) << page.body;
      for (auto& item : page.object().at("items").as_array()) {
        auto& x = item.as_object();
        if (x.at("event").is_string())
          add_monitor_message(out, text(x, "event"),
                              x.at("metadata").as_object());
        else
          add_monitor_message(out, "execution:log", x);
      }
      cursor = page.object().contains("next_cursor")
                 ? "&cursor=" + text(page.object(), "next_cursor")
                 : "";
    } while (!cursor.empty());
  }
};

} // namespace

TEST_F(one_truth, the_live_room_its_history_and_the_log_tell_the_same_story) {
  begin_runs();
  auto native = viewer();
  native.subscribe(room(), {{"since", 0}});
  publish_anything(20261);
  for (int i = 0; i < runs; ++i) // each story has an end
    http.post(path("/runs/" + name(i) + "/cancel"), R"({"reason":"end"})");
  const auto due = told();
  ASSERT_GT(lines_of(due.monitor), 20u);
  native_teller live;
  live.definitions = due.definitions;
  for (std::uint64_t seq = 0, head = history().size(); seq < head;) {
    auto x = native.receive().data;
    EXPECT_EQ(number(x, "seq"), ++seq);
    live.apply(x);
  }
  EXPECT_EQ(to_text(live.monitor), to_text(due.monitor));
  EXPECT_EQ(to_text(live.node), to_text(due.node));
  expect_log(due);
}

TEST_F(one_truth, a_crash_changes_no_story) {
  begin_runs();
  publish_anything(20262);
  node().kill();
  node().restart();
  http = http_client{node().port(), http.token()};
  publish_anything(20263); // goes on where it was
  expect_log(told());
}

} // namespace callboard::test
