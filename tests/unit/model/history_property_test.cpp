#include "actors/model/run_machine.hpp"

#include "tests/unit/model/drafts.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace callboard {
namespace {

using test::room;

/// The fold of a run's records, as every replica and every viewer makes it.
struct folded_run {
  field_map run;
  std::map<std::string, field_map> steps;
  std::uint64_t phases = 0;
  bool begun = false;
  bool ran = false;
  step_id failed;
  std::map<std::string, bool> open;
  json::document scratch;

  static void copy(field_map& to, const field_map& from,
                   bool (*told)(std::string_view) noexcept) {
    for (const auto& [key, raw] : from.fields())
      if (told(key))
        to.set(key, raw);
  }

  void apply(const event_record& record) {
    auto marks = read_marks(record.facts, scratch);
    phases = marks.phase != 0 ? marks.phase : phases;
    begun = begun || marks.begins;
    ran = ran || marks.first;
    if (record.type == event_type::step_updated && marks.task != 0)
      open[record.step.value] = marks.task > 0;
    if (record.type == event_type::run_updated) {
      ASSERT_TRUE(run.merge(record.body()));
    } else if (record.type == event_type::step_updated) {
      ASSERT_TRUE(steps[record.step.value].merge(record.body()));
      if (marks.moved && text(steps[record.step.value], "status") == "failed")
        failed = record.step;
    }
  }

  /// What a store would give a machine that starts from this state.
  run_brief brief() const {
    run_brief out;
    out.status = parse_run_status(text(run, "status")).value_or(out.status);
    out.has_started_at = run.find("started_at") != nullptr;
    out.has_completed_at = run.find("completed_at") != nullptr;
    out.story.phases = phases;
    out.story.begun = begun;
    out.story.ran = ran || out.status != run_status::pending;
    out.story.failed_step = failed;
    if (!is_ended(out.status))
      copy(out.story.fields, run, is_told_of_run);
    for (const auto& [id, fields] : steps) {
      auto& step = out.steps[{id}];
      step.status
        = parse_step_status(text(fields, "status")).value_or(step.status);
      step.has_started_at = fields.find("started_at") != nullptr;
      step.has_completed_at = fields.find("completed_at") != nullptr;
      const auto* request = fields.find("input_request");
      bool over = is_ended(step.status) && step.status != step_status::failed;
      if (request != nullptr && !over)
        step.input_request = *request;
      auto found = open.find(id);
      step.story.open = found != open.end() && found->second;
      copy(step.story.fields, fields,
           may_go_on(step.status) ? is_told_of_step : is_told_of_ended_step);
    }
    return out;
  }

  static std::string text(const field_map& fields, std::string_view key) {
    const auto* raw = fields.find(key);
    return raw == nullptr ? "" : raw->substr(1, raw->size() - 2);
  }
};

class random_history {
public:
  explicit random_history(unsigned seed) : random_{seed} {
    // nop
  }

  /// One producer's event or somebody's command; refused ones change nothing.
  std::vector<event_record> next(run_machine& machine) {
    now_ += pick(1000);
    if (pick(5) == 0)
      return or_none(machine.decide(command(), room, now_));
    auto x = pick(2) == 0 ? test::run_event(changes(run_words_, 6))
                          : test::step_event("s" + std::to_string(pick(3)),
                                             changes(step_words_, 8));
    auto out = machine.decide(x, room, now_);
    return out ? std::vector{std::move(*out)} : std::vector<event_record>{};
  }

private:
  static std::vector<event_record>
  or_none(result<std::vector<event_record>> x) {
    return x ? std::move(*x) : std::vector<event_record>{};
  }

  int pick(int n) {
    return static_cast<int>(random_() % static_cast<unsigned>(n));
  }

  command_arguments command() {
    static constexpr run_command all[]{run_command::pause, run_command::resume,
                                       run_command::input, run_command::cancel};
    command_arguments x;
    x.what = all[pick(20) == 0 ? 3 : pick(3)];
    x.run = {"r1"};
    x.step = {"s" + std::to_string(pick(3))};
    x.asked_by = "me";
    x.value = pick(2) == 0 ? "1" : "2";
    return x;
  }

  std::string changes(const std::string_view* words, int count) {
    std::string out = "{";
    auto add = [&out](std::string_view member) {
      out += out.size() > 1 ? "," : "";
      out += member;
    };
    if (pick(2) == 0)
      add("\"status\":\"" + std::string{words[pick(pick(3) == 0 ? count : 3)]}
          + "\"");
    if (pick(6) == 0)
      add(pick(2) == 0 ? R"("started_at":null)"
                       : R"("started_at":"2026-01-01T00:00:00Z")");
    if (pick(6) == 0)
      add(pick(2) == 0 ? R"("completed_at":null)"
                       : R"("completed_at":"2026-01-01T00:00:00Z")");
    if (pick(3) == 0)
      add(pick(3) == 0
            ? R"("input_request":null)"
            : R"("input_request":{"validation":{"options":[1,{"value":3}]}})");
    static constexpr std::string_view told[]{
      "name",     "kind",   "output",  "error_message",
      "metadata", "issues", "metrics", "workflow_name"};
    for (auto name : told)
      if (pick(6) == 0)
        add("\"" + std::string{name} + "\":"
            + (pick(4) == 0 ? "null" : "\"v" + std::to_string(pick(9)) + "\""));
    if (pick(8) == 0)
      add(R"("progress":{"total":)" + std::to_string(pick(3)) + "}");
    if (pick(2) == 0)
      add("\"x" + std::to_string(pick(4))
          + "\":" + (pick(3) == 0 ? "null" : std::to_string(pick(9)) + ".0"));
    return out + "}";
  }

  static constexpr std::string_view run_words_[]{
    "pending", "running", "paused", "completed", "failed", "cancelled"};
  static constexpr std::string_view step_words_[]{
    "running", "waiting",   "retrying", "failed",
    "pending", "completed", "skipped",  "cancelled"};

  std::mt19937 random_;
  std::int64_t now_ = test::now_ms;
};

using text_map = std::map<std::string, std::string>;

text_map sorted(const field_map& x) {
  text_map out;
  for (const auto& [key, raw] : x.fields())
    out[key] = raw;
  return out;
}

void expect_same(const run_brief& stored, const run_brief& live) {
  ASSERT_EQ(stored.story.phases, live.story.phases);
  ASSERT_EQ(stored.story.begun, live.story.begun);
  ASSERT_EQ(stored.story.ran, live.story.ran);
  ASSERT_EQ(stored.story.failed_step, live.story.failed_step);
  ASSERT_EQ(sorted(stored.story.fields), sorted(live.story.fields));
  ASSERT_EQ(stored.status, live.status);
  ASSERT_EQ(stored.has_started_at, live.has_started_at);
  ASSERT_EQ(stored.has_completed_at, live.has_completed_at);
  ASSERT_EQ(stored.steps.size(), live.steps.size());
  for (const auto& [id, step] : live.steps) {
    const auto& other = stored.steps.at(id);
    ASSERT_EQ(other.status, step.status) << id.value;
    ASSERT_EQ(other.has_started_at, step.has_started_at) << id.value;
    ASSERT_EQ(other.has_completed_at, step.has_completed_at) << id.value;
    ASSERT_EQ(other.input_request, step.input_request) << id.value;
    ASSERT_EQ(other.story.open, step.story.open) << id.value;
    ASSERT_EQ(sorted(other.story.fields), sorted(step.story.fields))
      << id.value;
  }
}

TEST(history_property_test, the_fold_of_the_events_is_the_machines_state) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    random_history history{seed};
    run_machine machine;
    folded_run fold;
    for (int i = 0; i < 60; ++i) {
      for (const auto& record : history.next(machine)) {
        auto frame = frame_text({1}, record.tail);
        ASSERT_TRUE(json::document::parse(frame)) << frame;
        fold.apply(record);
      }
      expect_same(fold.brief(), machine.brief());
      if (::testing::Test::HasFatalFailure())
        return;
    }
  }
}

TEST(history_property_test, a_machine_from_the_store_decides_like_the_old_one) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    random_history history{seed}, same_history{seed};
    run_machine lasting, restarted;
    folded_run fold;
    for (int i = 0; i < 60; ++i) {
      auto expected = history.next(lasting);
      if (restarted.exists())
        restarted = run_machine{fold.brief()};
      auto got = same_history.next(restarted);
      ASSERT_EQ(got.size(), expected.size());
      for (std::size_t j = 0; j < got.size(); ++j) {
        if (got[j].type != event_type::timeline_created) { // its id is new
          ASSERT_EQ(got[j].body(), expected[j].body());
          ASSERT_EQ(got[j].facts, expected[j].facts);
        }
        fold.apply(got[j]);
      }
    }
  }
}

} // namespace
} // namespace callboard
