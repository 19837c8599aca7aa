// List and detail are consistent with the sequence: the state at `room_seq`
// plus the later events equals the newer state, over histories made up by
// chance.

#include "tests/integration/live_node.hpp"

#include <algorithm>
#include <random>

namespace callboard::test {

namespace {

class random_histories : public live_node {};

/// Producers that do not care whether what they send is allowed.
class chance {
public:
  explicit chance(unsigned seed) : random_{seed} {
    // nop
  }

  std::size_t below(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>{0, n - 1}(random_);
  }

  template <std::size_t N>
  std::string_view one_of(const std::string_view (&words)[N]) {
    return words[below(N)];
  }

  json::value value() {
    switch (below(6)) {
    case 0:
      return nullptr;
    case 1:
      return static_cast<std::int64_t>(below(1000)) - 500;
    case 2:
      return json::string(below(40), 'v');
    case 3:
      return json::object{{"inner", below(10)}, {"list", {1, "two", nullptr}}};
    case 4:
      return json::array{below(5), true};
    default:
      return static_cast<double>(below(1000)) / 8;
    }
  }

  json::object event(std::string_view run) {
    switch (below(10)) {
    case 0:
    case 1:
    case 2:
      return run_event(run, run_changes());
    case 3:
    case 4:
    case 5:
    case 6:
      return step_event(run, "s" + std::to_string(below(5)), step_changes());
    case 7:
      return timeline_event(run, {{"kind", "counter"},
                                  {"name", "c" + std::to_string(below(3))},
                                  {"count", below(100)},
                                  {"free", value()}});
    case 8:
      return timeline_event(
        run, {{"kind", one_of({"log", "annotation", "phase_completed"})},
              {"message", "m"},
              {"level", "info"}});
    default:
      return artifact_event(run,
                            {{"name", "a"}, {"kind", "file"}, {"x", value()}});
    }
  }

private:
  std::string_view one_of(std::initializer_list<std::string_view> words) {
    return words.begin()[below(words.size())];
  }

  json::object run_changes() {
    json::object changes;
    if (below(2) == 0)
      changes["status"]
        = one_of({"pending", "running", "running", "running", "paused",
                  "completed", "failed", "cancelled"});
    if (below(3) == 0)
      changes[one_of({"name", "current_phase", "workflow_name"})] = "text";
    if (below(3) == 0)
      changes[one_of({"input", "output", "own", "other"})] = value();
    return changes;
  }

  json::object step_changes() {
    json::object changes;
    if (below(2) == 0)
      changes["status"]
        = one_of({"pending", "running", "waiting", "retrying", "completed",
                  "failed", "skipped", "cancelled"});
    if (below(3) == 0)
      changes[one_of({"name", "kind", "phase"})] = "text";
    if (below(3) == 0)
      changes[one_of({"output", "metrics", "own", "metadata"})] = value();
    return changes;
  }

  std::mt19937 random_;
};

} // namespace

TEST_F(random_histories,
       every_snapshot_equals_the_fold_of_the_events_up_to_it) {
  constexpr int seeds = 6;
  constexpr int rounds = 25;
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    project = "random-" + std::to_string(seed);
    chance luck{seed};
    std::vector<std::pair<std::string, json::object>> snapshots;
    for (int round = 0; round < rounds; ++round) {
      json::array batch;
      for (auto n = 1 + luck.below(12); n > 0; --n)
        batch.push_back(luck.event("r" + std::to_string(luck.below(4))));
      ASSERT_EQ(http.publish(project, batch).status / 100, 2);
      const auto run = "r" + std::to_string(luck.below(4));
      const auto response = http.get(path("/runs/" + run));
      if (response.status == 200)
        snapshots.emplace_back(run, response.object());
    }
    ASSERT_FALSE(snapshots.empty());
    event_fold fold;
    auto next = snapshots.begin();
    std::size_t compared = 0;
    for (const auto& frame : history()) {
      fold.apply(frame);
      for (; next != snapshots.end()
             && number(next->second, "room_seq") == fold.through();
           ++next, ++compared)
        ASSERT_EQ(differences(next->second, fold.runs().at(next->first)), "")
          << next->first << " at " << fold.through();
    }
    EXPECT_EQ(compared, snapshots.size());
  }
}

TEST_F(random_histories,
       a_snapshot_and_a_subscription_from_it_make_the_newer_state) {
  for (unsigned seed = 11; seed <= 14; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    project = "resume-" + std::to_string(seed);
    chance luck{seed};
    const auto some_events = [&](std::size_t n) {
      json::array batch;
      for (; n > 0; --n)
        batch.push_back(luck.event("r"));
      ASSERT_EQ(http.publish(project, batch).status / 100, 2);
    };
    publish(run_event("r", {{"name", "n"}}));
    some_events(30);
    const auto before = detail("r");
    some_events(30);

    event_fold fold;
    const auto frames = history();
    for (const auto& frame : frames) {
      if (number(frame, "seq") <= number(before, "room_seq"))
        fold.apply(frame);
    }
    ASSERT_EQ(differences(before, fold.runs().at("r")), "");
    auto ws = viewer();
    ws.subscribe(room(), {{"since", number(before, "room_seq")}});
    const auto after = detail("r");
    while (fold.through() < number(after, "room_seq"))
      fold.apply(ws.receive().data);
    EXPECT_EQ(differences(after, fold.runs().at("r")), "");
  }
}

TEST_F(random_histories, the_list_says_the_same_as_the_details) {
  chance luck{99};
  json::array batch;
  for (int i = 0; i < 400; ++i)
    batch.push_back(luck.event("r" + std::to_string(luck.below(20))));
  ASSERT_EQ(http.publish(project, batch).status / 100, 2);
  const auto list = http.get(path("/runs?limit=1000")).object();
  for (const auto& entry : list.at("items").as_array()) {
    const auto& item = entry.as_object();
    const auto whole = detail(text(item, "id"));
    for (const auto* key :
         {"name", "status", "current_phase", "workflow_definition_id",
          "started_at", "created_at"})
      EXPECT_EQ(item.at(key), whole.at(key)) << key;
    EXPECT_EQ(number(item.at("_count").as_object(), "steps"),
              whole.at("steps").as_array().size());
    const auto in_list
      = http.get(path("/runs?limit=1000&status=" + text(item, "status")));
    EXPECT_NE(in_list.body.find("\"" + text(item, "id") + "\""),
              std::string::npos);
  }
}

} // namespace callboard::test
