#include "actors/stream_texts.hpp"

#include <gtest/gtest.h>

namespace callboard {
namespace {

class stream_texts_test : public ::testing::Test {
protected:
  void chunk(const char* run, const char* step, const std::string& text) {
    auto source = std::make_shared<const std::string>(
      R"({"execution_id":")" + std::string{run} + R"(","step_id":")" + step
      + R"(","chunk":)" + json::quoted(text) + "}");
    texts.follow(event(run, step),
                 {stream_note::what::chunk, source, std::string_view{*source}});
  }

  void ended(const char* run, const char* step) {
    texts.follow(event(run, step), {stream_note::what::step_ended, {}, {}});
  }

  static posted_event event(const char* run, const char* step) {
    posted_event x;
    x.run = {run};
    x.step = {step};
    return x;
  }

  stream_texts texts{{{"t"}, {"p"}}, 64, 160};
};

TEST_F(stream_texts_test, a_late_joiner_gets_the_text_so_far) {
  chunk("e", "s", "Hello, ");
  chunk("e", "s", "w\"orld");
  auto got = texts.snapshots(0);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_TRUE(got[0].snapshot);
  EXPECT_NE(got[0].frame->find(R"("chunk":"Hello, w\"orld")"),
            std::string::npos)
    << *got[0].frame;
  EXPECT_NE(got[0].frame->find(R"("snapshot":true)"), std::string::npos);
}

TEST_F(stream_texts_test, an_ended_step_has_no_text_any_more) {
  chunk("e", "s1", "a");
  chunk("e", "s2", "b");
  ended("e", "s1");
  ASSERT_EQ(texts.snapshots(0).size(), 1u);
  texts.follow(event("e", ""), {stream_note::what::run_ended, {}, {}});
  EXPECT_EQ(texts.size(), 0u);
  EXPECT_EQ(texts.bytes(), 0u);
}

TEST_F(stream_texts_test, each_text_and_all_together_stay_within_their_bounds) {
  for (int i = 0; i < 100; ++i)
    chunk("e", "s", "0123456789");
  EXPECT_LE(texts.bytes(), 64u);
  chunk("e", "s2", std::string(64, 'x'));
  chunk("e", "s3", std::string(64, 'y'));
  EXPECT_LE(texts.bytes(), 160u);
  EXPECT_EQ(texts.size(), 2u); // the one that was silent for longest went
}

} // namespace
} // namespace callboard
