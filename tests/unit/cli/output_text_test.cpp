#include "cli/output_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace callboard {

using testing::ElementsAre;

namespace {

struct collector {
  line_splitter splitter;
  std::vector<std::string> lines;

  line_splitter::line_handler handler() {
    return [this](std::string_view line) { lines.emplace_back(line); };
  }
  void feed(std::string_view bytes) {
    splitter.feed(bytes, handler());
  }
};

} // namespace

TEST(line_splitter, lines_that_arrive_in_pieces_are_put_together) {
  collector x;
  x.feed("one\ntw");
  x.feed("o\r\n\nthr");
  EXPECT_THAT(x.lines, ElementsAre("one", "two", ""));
  x.splitter.finish(x.handler());
  EXPECT_EQ(x.lines.back(), "thr");
}

TEST(line_splitter, a_line_without_end_comes_in_pieces) {
  collector x;
  x.feed(std::string(3 * line_splitter::max_line_bytes + 5, 'x') + "\nnext\n");
  ASSERT_EQ(x.lines.size(), 5u);
  EXPECT_EQ(x.lines[3], "xxxxx");
  EXPECT_EQ(x.lines[4], "next");
}

TEST(to_utf8, what_is_utf8_stays_and_what_is_not_is_replaced) {
  EXPECT_EQ(to_utf8("plain, äöü, \xf0\x9f\x8c\x8d"),
            "plain, äöü, \xf0\x9f\x8c\x8d");
  EXPECT_EQ(to_utf8("a\xff"
                    "b"),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(to_utf8("\xc3"), "\xef\xbf\xbd") << "cut short";
  EXPECT_EQ(to_utf8("\xc0\x80"), "\xef\xbf\xbd\xef\xbf\xbd") << "overlong";
  EXPECT_EQ(to_utf8("\xed\xa0\x80").substr(0, 3), "\xef\xbf\xbd")
    << "surrogate";
}

} // namespace callboard
