#include "tests/support/careless_producer.hpp"
#include "tests/support/run_story.hpp"
#include "tests/unit/vocabularies/story.hpp"

#include <boost/json.hpp>

#include <map>

namespace callboard::test {
namespace {

namespace bj = boost::json;

bj::object object(const std::string& text) {
  return bj::parse(text).as_object();
}

/// What the four vocabularies say of posted events.
struct listener {
  run_stories node, hub, monitor, phase;

  void hear(const posted_event& x) {
    for (auto& text : said(node_events(), x))
      add_node_message(node, object(text));
    for (auto& text : said(hub_events(), x))
      add_hub_message(hub, object(text));
    for (auto& text : said(monitor_events(), x)) {
      auto message = bj::parse(text).as_array();
      add_monitor_message(monitor, std::string{message.at(0).as_string()},
                          message.at(1).as_object());
    }
    for (auto& text : said(phase_events(), x))
      add_phase_message(phase, object(text));
  }
};

class one_story : public ::testing::TestWithParam<unsigned> {};

TEST_P(one_story, all_vocabularies_tell_what_the_native_frames_say) {
  careless_producer producer{GetParam()};
  native_teller native;
  listener heard;
  std::map<std::string, story> runs;
  for (int i = 0; i < 1500; ++i) {
    auto event = draft(bj::serialize(producer.event()));
    auto& run = runs[event.run.value];
    run.now += 7;
    auto record = run.machine.decide(event, room, run.now);
    if (!record)
      continue;
    auto posted = run.post(*record);
    native.apply(object(*posted.frame));
    heard.hear(posted);
  }
  EXPECT_GT(lines_of(heard.hub), 20u);
  EXPECT_EQ(to_text(heard.node), to_text(native.node));
  EXPECT_EQ(to_text(heard.hub), to_text(native.hub));
  EXPECT_EQ(to_text(heard.monitor), to_text(native.monitor));
  EXPECT_EQ(to_text(heard.phase), to_text(native.phase));
}

INSTANTIATE_TEST_SUITE_P(seeds, one_story, ::testing::Range(1u, 25u));

} // namespace
} // namespace callboard::test
