#include "actors/model/json.hpp"
#include "actors/model/json_text.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace callboard::json {
namespace {

document parsed(std::string_view text) {
  auto doc = document::parse(text);
  EXPECT_TRUE(doc) << text << ": " << doc.error().detail;
  return doc ? std::move(*doc) : document{};
}

TEST(json_test, every_value_comes_back_as_the_bytes_that_were_sent) {
  std::string text = R"( {"a" : 1.0, "b":[ -0, 1E+2 ,18446744073709551616],)"
                     R"( "c" :{"d":"\u00e9\n"}, "e":null,"f":true } )";
  auto doc = parsed(text);
  auto root = doc.root();
  EXPECT_EQ(root.find("a")->raw(), "1.0");
  EXPECT_EQ(root.find("b")->raw(), "[ -0, 1E+2 ,18446744073709551616]");
  EXPECT_EQ(root.find("c")->raw(), R"({"d":"\u00e9\n"})");
  EXPECT_EQ(root.find("c")->find("d")->string(), "é\n");
  EXPECT_EQ(root.find("e")->what(), kind::null);
  EXPECT_EQ(root.find("f")->boolean(), true);
  EXPECT_EQ(root.find("g"), std::nullopt);
  EXPECT_EQ(root.size(), 5u);
  std::vector<std::string> keys, items;
  for (auto [key, val] : root.members())
    keys.push_back(key.string());
  for (auto item : root.find("b")->items())
    items.emplace_back(item.raw());
  EXPECT_EQ(keys, (std::vector<std::string>{"a", "b", "c", "e", "f"}));
  EXPECT_EQ(items,
            (std::vector<std::string>{"-0", "1E+2", "18446744073709551616"}));
}

TEST(json_test, values_of_other_kinds_have_no_members_items_or_numbers) {
  auto doc = parsed(R"(["x",1,{},[]])");
  for (auto x : doc.root().items()) {
    EXPECT_EQ(x.size(), 0u);
    EXPECT_TRUE(x.members().begin() == x.members().end());
    EXPECT_TRUE(x.items().begin() == x.items().end());
    EXPECT_EQ(x.find("a"), std::nullopt);
    EXPECT_EQ(x.boolean(), std::nullopt);
    EXPECT_EQ(x.integer().has_value(), x.is(kind::number));
    EXPECT_EQ(x.plain_string().has_value(), x.is(kind::string));
  }
}

TEST(json_test, members_are_found_by_their_decoded_names) {
  auto doc = parsed(R"({"a\u0062":1,"\ud83d\ude00":2,"\\\"":3})");
  EXPECT_EQ(doc.root().find("ab")->raw(), "1");
  EXPECT_EQ(doc.root().find("😀")->raw(), "2");
  EXPECT_EQ(doc.root().find("\\\"")->raw(), "3");
}

TEST(json_test, escapes_are_resolved) {
  auto doc
    = parsed(R"("\"\\\/\b\f\n\r\tx\u0041\u00e9\u20ac\ud83d\ude00\u0000y")");
  EXPECT_EQ(doc.root().string(), std::string("\"\\/\b\f\n\r\txAé€😀\0y", 21));
  EXPECT_EQ(doc.root().plain_string(), std::nullopt);
}

TEST(json_test, numbers_tell_their_value_where_they_have_one) {
  auto integer
    = [](std::string_view text) { return parsed(text).root().integer(); };
  EXPECT_EQ(integer("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(integer("-9223372036854775808"), INT64_MIN);
  EXPECT_EQ(integer("9223372036854775808"), std::nullopt);
  EXPECT_EQ(integer("1.0"), 1);
  EXPECT_EQ(integer("-2.5e1"), -25);
  EXPECT_EQ(integer("1.5"), std::nullopt);
  EXPECT_EQ(integer("1e300"), std::nullopt);
  std::string huge = "1e999";
  EXPECT_EQ(parsed(huge).root().real(), std::nullopt);
  EXPECT_EQ(parsed("-1.25").root().real(), -1.25);
}

TEST(json_test, a_document_can_be_used_again) {
  document doc;
  ASSERT_TRUE(doc.reset(R"([1,2,3])"));
  EXPECT_EQ(doc.root().size(), 3u);
  ASSERT_FALSE(doc.reset("[1,"));
  ASSERT_TRUE(doc.reset(R"("x")"));
  EXPECT_EQ(doc.root().string(), "x");
}

TEST(json_test, text_is_quoted_so_that_it_comes_back) {
  std::string all;
  for (int c = 0; c < 0x80; ++c)
    all += static_cast<char>(c);
  all += "é€😀";
  auto text = json::quoted(all);
  EXPECT_EQ(parsed(text).root().string(), all);
  EXPECT_EQ(json::quoted("a\"\\\n\x01"), R"("a\"\\\n\u0001")");
  std::string number;
  append_number(number, UINT64_MAX);
  EXPECT_EQ(number, "18446744073709551615");
}

TEST(json_test, equal_values_are_equal_however_they_are_written) {
  const std::pair<std::string_view, std::string_view> same[]{
    {"1", "1.0"},
    {"100", "1e2"},
    {"-0", "0.00"},
    {"0.001", "1E-3"},
    {"12345678901234567890.5", "1.23456789012345678905e19"},
    {R"("a\u0062")", R"("ab")"},
    {R"({"a":1,"b":[true,null]})", R"({"b":[true,null],"\u0061":1.0})"}};
  for (auto [a, b] : same)
    EXPECT_TRUE(equal(parsed(a).root(), parsed(b).root())) << a << " " << b;
  const std::pair<std::string_view, std::string_view> different[]{
    {"1", "-1"},
    {"9007199254740993", "9007199254740992"}, // one double
    {"1", "\"1\""},
    {"10", "1"},
    {"null", "false"},
    {"[1,2]", "[2,1]"},
    {"[1]", "[1,1]"},
    {R"({"a":1})", R"({"b":1})"},
    {"1e99999999999999999999", "1e99999999999999999998"}};
  for (auto [a, b] : different)
    EXPECT_FALSE(equal(parsed(a).root(), parsed(b).root())) << a << " " << b;
}

/// Builds random texts together with what they hold.
class generator {
public:
  explicit generator(unsigned seed) : random_{seed} {
    // nop
  }

  std::string value(int depth) {
    switch (pick(depth > 0 ? 7 : 5)) {
    case 0:
      return "null";
    case 1:
      return pick(2) != 0 ? "true" : "false";
    case 2:
      return number();
    case 3:
    case 4:
      return string();
    case 5:
      return container('[', ']', [&](int) { return value(depth - 1); });
    default:
      return container('{', '}', [&](int i) {
        return json::quoted("k" + std::to_string(i) + text()) + space() + ":"
               + space() + value(depth - 1);
      });
    }
  }

private:
  int pick(int n) {
    return static_cast<int>(random_() % static_cast<unsigned>(n));
  }

  std::string space() {
    static const std::string_view xs[]{"", "", "", " ", "\n", "\t ", "\r\n"};
    return std::string{xs[pick(7)]};
  }

  std::string number() {
    static const std::string_view xs[]{
      "0",    "-0",   "1.0", "1e5", "-12.5", "1E-7", "9007199254740993",
      "0.10", "-1e+2"};
    return std::string{xs[pick(9)]};
  }

  std::string text() {
    static const std::string_view xs[]{"a", "zz", "é", "😀", "\"", "\\", "\n"};
    std::string out;
    for (int i = pick(12); i > 0; --i)
      out += xs[pick(7)];
    return out;
  }

  std::string string() {
    return pick(4) == 0 ? R"("\u00e9\ud83d\ude00\/")" : json::quoted(text());
  }

  template <class Item>
  std::string container(char open, char close, Item item) {
    std::string out{open};
    out += space();
    for (int i = 0, n = pick(6); i < n; ++i) {
      out += i > 0 ? "," : "";
      out += space() + item(i) + space();
    }
    return out + close;
  }

  std::mt19937 random_;
};

/// Writes a document again from its parts.
std::string rebuilt(value x) {
  if (!x.is(kind::array) && !x.is(kind::object))
    return std::string{x.raw()};
  std::string out{x.is(kind::array) ? "[" : "{"};
  std::size_t count = 0;
  for (auto item : x.items())
    out += (count++ > 0 ? "," : "") + rebuilt(item);
  for (auto [key, val] : x.members()) {
    out += count++ > 0 ? "," : "";
    out += std::string{key.raw()} + ":" + rebuilt(val);
  }
  EXPECT_EQ(count, x.size());
  return out + (x.is(kind::array) ? "]" : "}");
}

TEST(json_test, random_documents_keep_their_bytes_and_their_meaning) {
  for (unsigned seed = 0; seed < 2'000; ++seed) {
    auto text = generator{seed}.value(5);
    auto doc = parsed(text);
    ASSERT_EQ(doc.root().raw(), text) << "seed " << seed;
    auto again = rebuilt(doc.root());
    auto copy = parsed(again);
    ASSERT_TRUE(equal(doc.root(), copy.root())) << "seed " << seed;
    ASSERT_EQ(rebuilt(copy.root()), again) << "seed " << seed;
  }
}

TEST(json_test, no_proper_prefix_of_a_container_is_a_document) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    auto text = "[" + generator{seed}.value(3) + "]";
    for (std::size_t size = 0; size < text.size(); ++size)
      ASSERT_FALSE(document::parse(std::string{text, 0, size})) << text;
  }
}

} // namespace
} // namespace callboard::json
