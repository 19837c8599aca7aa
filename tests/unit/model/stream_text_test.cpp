#include "actors/model/event_record.hpp"

#include <gtest/gtest.h>

#include <random>

namespace callboard {
namespace {

std::string data_with(std::string_view chunk) {
  return R"({"step_id":"s","chunk":)" + std::string{chunk} + "}";
}

std::string quoted_raw(std::string_view inside) {
  return "\"" + std::string{inside} + "\"";
}

TEST(stream_text_test, chunks_are_joined_as_they_were_written) {
  std::string text;
  append_stream_chunk(text, data_with(R"("a\n")"), 100);
  append_stream_chunk(text, data_with(R"("\u00e9é")"), 100);
  append_stream_chunk(text, data_with("\"\""), 100);
  EXPECT_EQ(text, R"(a\n\u00e9é)");
}

TEST(stream_text_test, a_chunk_that_is_no_string_adds_nothing) {
  std::string text = "x";
  for (const auto* chunk : {"1", "null", R"({"a":"b"})", R"(["c"])"})
    append_stream_chunk(text, data_with(chunk), 100);
  append_stream_chunk(text, "{}", 100);
  append_stream_chunk(text, "not json", 100);
  EXPECT_EQ(text, "x");
}

TEST(stream_text_test, the_last_bytes_are_kept) {
  std::string text;
  for (int i = 0; i < 100; ++i)
    append_stream_chunk(text, data_with("\"" + std::to_string(i) + ",\""), 9);
  EXPECT_EQ(text, "97,98,99,");
}

/// Checks each limit: the longest row of whole units that fits is kept. A unit
/// is an escape, a character, or a word of ASCII letters to cut anywhere.
void check_all_cuts(const std::vector<std::string>& units) {
  std::string whole;
  std::vector<std::size_t> starts;
  for (const auto& unit : units) {
    bool word = static_cast<unsigned char>(unit[0]) < 0x80 && unit[0] != '\\';
    for (std::size_t i = 0; i < (word ? unit.size() : 1); ++i)
      starts.push_back(whole.size() + i);
    whole += unit;
  }
  starts.push_back(whole.size());
  for (std::size_t max = 0; max <= whole.size(); ++max) {
    std::string text;
    append_stream_chunk(text, data_with(quoted_raw(whole)), max);
    std::size_t expected = 0;
    while (whole.size() - starts[expected] > max)
      ++expected;
    ASSERT_EQ(text, whole.substr(starts[expected])) << whole << " " << max;
  }
}

TEST(stream_text_test, a_cut_falls_between_characters_and_escapes) {
  check_all_cuts({"a", R"(\n)", "é", R"(\u00e9)", "😀", R"(\ud83d\ude00)",
                  R"(\\)", R"(\\)", R"(\")", R"(\\)", "n", R"(\\)", "u00e9"});
  check_all_cuts({R"(\u00e9)", R"(\ud83d\ude00)", R"(\uD83D\uDE00)", R"(\\)",
                  "ud83d", R"(\ufffd)"});
}

TEST(stream_text_test, random_texts_are_cut_between_characters_and_escapes) {
  const std::vector<std::string> kinds{
    "a",     "u",         "d83d",      R"(\n)",           R"(\\)",
    R"(\")", R"(\u005c)", R"(\u00e9)", R"(\ud83d\ude00)", "é",
    "€",     "😀"};
  std::mt19937 random{11};
  for (int i = 0; i < 300; ++i) {
    std::vector<std::string> units;
    for (auto n = random() % 20; n > 0; --n)
      units.push_back(kinds[random() % kinds.size()]);
    check_all_cuts(units);
  }
}

} // namespace
} // namespace callboard
