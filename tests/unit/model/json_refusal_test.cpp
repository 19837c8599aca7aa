#include "actors/model/json.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace callboard::json {
namespace {

struct refusal {
  std::string_view text;
  std::size_t byte;
  std::string_view pointer;
};

void expect_refused(const refusal& x) {
  auto doc = document::parse(x.text);
  ASSERT_FALSE(doc) << x.text;
  EXPECT_EQ(doc.error().code, errc::invalid) << x.text;
  EXPECT_NE(doc.error().detail.find("at byte " + std::to_string(x.byte) + ":"),
            std::string::npos)
    << x.text << " gives: " << doc.error().detail;
  EXPECT_EQ(doc.error().pointer, x.pointer) << x.text;
}

TEST(json_refusal_test, what_the_grammar_does_not_know_is_refused_at_its_byte) {
  using namespace std::string_view_literals;
  for (const auto& x : std::initializer_list<refusal>{
         {"", 0, ""},
         {"  ", 2, ""},
         {"nul", 0, ""},
         {"True", 0, ""},
         {"[1,]", 3, "/1"},
         {"[1 2]", 3, ""},
         {"{,}", 1, ""},
         {R"({"a"})", 4, ""},
         {R"({"a":})", 5, "/a"},
         {R"({"a":1,})", 7, ""},
         {R"({"a":1 "b":2})", 7, ""},
         {R"({a:1})", 1, ""},
         {R"({"a":[0,{"b/~c":x}]})", 16, "/a/1/b~1~0c"},
         {"[1}", 2, ""},
         {"{} x", 3, ""},
         {"1 1", 2, ""},
         {"[", 1, "/0"},
         {"'a'", 0, ""},
         {"\xef\xbb\xbf{}", 0, ""},
         {"[1]\0"sv, 3, ""},
         {"/**/1", 0, ""},
         {"NaN", 0, ""},
         {"Infinity", 0, ""}})
    expect_refused(x);
}

TEST(json_refusal_test, numbers_must_be_spelled_as_the_rfc_says) {
  for (const auto& x : std::initializer_list<refusal>{{"01", 0, ""},
                                                      {"-", 1, ""},
                                                      {"-01", 0, ""},
                                                      {"+1", 0, ""},
                                                      {".5", 0, ""},
                                                      {"1.", 2, ""},
                                                      {"1.e5", 2, ""},
                                                      {"1e", 2, ""},
                                                      {"1e+", 3, ""},
                                                      {"0x10", 1, ""},
                                                      {"-a", 1, ""}})
    expect_refused(x);
  EXPECT_TRUE(document::parse(std::string(512, '1')));
  expect_refused({std::string(513, '1'), 0, ""});
}

TEST(json_refusal_test, strings_must_be_closed_escaped_and_utf_8) {
  for (const auto& x :
       std::initializer_list<refusal>{{R"("abc)", 0, ""},
                                      {R"("abc\")", 0, ""},
                                      {R"("\x")", 1, ""},
                                      {R"("\)", 1, ""},
                                      {R"("\u12g4")", 1, ""},
                                      {R"("\u12)", 1, ""},
                                      {"\"a\nb\"", 2, ""},
                                      {std::string_view{"\"a\0b\"", 5}, 2, ""},
                                      {R"(["a\ud83d"])", 3, "/0"},
                                      {R"("\ud83dx\ude00")", 1, ""},
                                      {R"("\ude00")", 1, ""},
                                      {R"("\ud83d\ud83d")", 1, ""},
                                      {R"("\ud83d\n00000")", 1, ""}})
    expect_refused(x);
}

TEST(json_refusal_test, bytes_that_are_not_utf_8_are_refused_where_they_are) {
  for (std::string_view bad :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc3", "\xe0\x80\x80",
        "\xe0\x9f\xbf", "\xe2\x82", "\xed\xa0\x80", "\xed\xbf\xbf",
        "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", "\xff", "\xfe", "\xe2\x28\xa1", "\xf0\x9f\x98"}) {
    for (std::size_t before : {0u, 1u, 7u, 8u, 9u}) {
      auto text = "[1,\"" + std::string(before, 'x') + std::string{bad} + "\"]";
      expect_refused({text, 4 + before, "/1"});
    }
  }
  for (std::string_view good :
       {"\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
        "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
    EXPECT_TRUE(document::parse("\"" + std::string{good} + "\""));
}

TEST(json_refusal_test, a_name_may_stand_in_an_object_once) {
  expect_refused({R"({"a":1,"b":2,"a":3})", 13, "/a"});
  expect_refused({R"({"ab":1,"a\u0062":3})", 8, "/ab"});
  expect_refused({R"([{"x":{"a":1,"a":1}}])", 13, "/0/x/a"});
  EXPECT_TRUE(document::parse(R"({"a":{"a":1},"b":{"a":1}})"));
  EXPECT_TRUE(document::parse(R"({"a":1,"A":1,"aa":1,"":1})"));
}

TEST(json_refusal_test, a_repeated_name_is_found_in_objects_of_any_size) {
  for (int size : {2, 15, 16, 17, 18, 100, 1'000}) {
    for (int repeated : {0, size / 2, size - 1}) {
      std::string text = "{";
      for (int i = 0; i < size; ++i)
        text += "\"key" + std::to_string(i) + "\":" + std::to_string(i) + ",";
      auto at = text.size();
      auto key = "key" + std::to_string(repeated);
      EXPECT_TRUE(document::parse(text + "\"other\":0}"));
      expect_refused({text + "\"" + key + "\":0}", at, "/" + key});
    }
  }
}

TEST(json_refusal_test, many_names_are_compared_in_reasonable_time) {
  std::string text = "{";
  for (int i = 0; i < 100'000; ++i)
    text += (i > 0 ? ",\"k" : "\"k") + std::to_string(i) + "\":0";
  text += '}';
  auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(document::parse(text));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds{5});
}

TEST(json_refusal_test, nesting_stops_at_the_limit_without_using_the_stack) {
  auto nested
    = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  EXPECT_TRUE(document::parse(nested(64)));
  auto doc = document::parse(nested(65));
  ASSERT_FALSE(doc);
  EXPECT_EQ(doc.error().code, errc::invalid);
  EXPECT_NE(doc.error().detail.find("64 levels"), std::string::npos);
  EXPECT_NE(doc.error().detail.find("byte 64:"), std::string::npos);
  EXPECT_FALSE(document::parse(std::string(10'000'000, '[')));
  limits deep;
  deep.max_depth = 1'000'000;
  deep.max_values = 2'000'000;
  EXPECT_TRUE(document::parse(nested(1'000'000), deep));
}

TEST(json_refusal_test, the_number_of_values_is_limited) {
  limits few;
  few.max_values = 10;
  EXPECT_TRUE(document::parse("[1,2,3,4,5,6,7,8,9]", few));
  auto doc = document::parse("[1,2,3,4,5,6,7,8,9,0]", few);
  ASSERT_FALSE(doc);
  EXPECT_EQ(doc.error().code, errc::too_large);
}

} // namespace
} // namespace callboard::json
