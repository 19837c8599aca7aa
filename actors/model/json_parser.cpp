#include "actors/model/json_parser.hpp"

#include "actors/model/json_text.hpp"
#include "actors/model/utf8.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace callboard::json {
namespace {

/// Bytes that stand for themselves inside a string and need no other look.
constexpr auto plain = [] {
  std::array<bool, 256> xs{};
  for (unsigned c = 0x20; c < 0x80; ++c)
    xs[c] = c != '"' && c != '\\';
  return xs;
}();

/// Marks (with 0x80) at least the first byte of `word` that is not plain; only
/// the lowest mark is certain.
constexpr std::uint64_t not_plain(std::uint64_t word) noexcept {
  constexpr std::uint64_t ones = 0x0101'0101'0101'0101, tops = ones * 0x80;
  auto zero_in = [](std::uint64_t x) { return (x - ones) & ~x; };
  auto below_space = (word - ones * 0x20) & ~word;
  return (word | below_space | zero_in(word ^ (ones * '"'))
          | zero_in(word ^ (ones * '\\')))
         & tops;
}

/// The first byte from `s` on that is not plain, or `end`.
const char* skip_plain(const char* s, const char* end) noexcept {
  if constexpr (std::endian::native == std::endian::little) {
    for (; end - s >= 8; s += 8) {
      std::uint64_t word;
      std::memcpy(&word, s, sizeof word);
      if (auto marks = not_plain(word))
        return s + std::countr_zero(marks) / 8;
    }
  }
  while (s != end && plain[static_cast<unsigned char>(*s)])
    ++s;
  return s;
}

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// Four hex digits at `s`, or -1.
int hex4(const char* s, const char* end) noexcept {
  if (end - s < 4)
    return -1;
  int x = 0;
  for (int i = 0; i < 4; ++i) {
    char c = s[i];
    int digit = is_digit(c)            ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
    if (digit < 0)
      return -1;
    x = x << 4 | digit;
  }
  return x;
}

} // namespace

parser::parser(document& doc, const limits& limit) noexcept
    : nodes_{doc.nodes_}, limit_{limit}, begin_{doc.text_.data()}, at_{begin_},
      end_{begin_ + doc.text_.size()} {
  // nop
}

result<void> parser::run() {
  nodes_.clear();
  auto size = static_cast<std::size_t>(end_ - begin_);
  if (size >= none)
    return fail(errc::too_large, "the JSON text has 4 GiB or more: send less");
  nodes_.reserve(std::min<std::size_t>(size / 12 + 4, 1024));
  if (document_text())
    return {};
  nodes_.clear();
  return tl::unexpected<problem>{std::move(problem_)};
}

bool parser::document_text() {
  for (;;) {
    bool complete = false;
    if (!value_start(complete))
      return false;
    if (!complete)
      continue;
    if (!separators())
      return false;
    if (open_ == none)
      break;
  }
  skip_space();
  return at_ == end_
         || refuse(at_, "there is more text behind the JSON value: remove it");
}

/// Reads a scalar or an empty container (then it is complete), or opens a
/// container up to its first value.
bool parser::value_start(bool& complete) {
  skip_space();
  in_value_ = true;
  complete = true;
  if (at_ == end_)
    return refuse(at_, "the text ends where a value is due");
  switch (*at_) {
  case '"':
    return string_node();
  case '{':
    if (!open(kind::object))
      return false;
    skip_space();
    if (at_ != end_ && *at_ == '}')
      return close();
    complete = false;
    return key();
  case '[':
    if (!open(kind::array))
      return false;
    skip_space();
    if (at_ != end_ && *at_ == ']')
      return close();
    complete = false;
    return true;
  case 't':
    return literal("true", kind::boolean);
  case 'f':
    return literal("false", kind::boolean);
  case 'n':
    return literal("null", kind::null);
  default:
    return number();
  }
}

bool parser::open(kind what) {
  if (depth_ == limit_.max_depth)
    return refuse(at_, "arrays and objects are nested deeper than "
                         + std::to_string(limit_.max_depth)
                         + " levels: send a flatter value");
  if (!push(at_, what, 0))
    return false;
  nodes_.back().next = open_;
  open_ = static_cast<std::uint32_t>(nodes_.size() - 1);
  ++depth_;
  ++at_;
  in_value_ = false;
  return true;
}

/// Reads the closing bracket of the innermost container.
bool parser::close() {
  ++at_;
  if (nodes_[open_].what == kind::object && !unique_keys())
    return false;
  auto& top = nodes_[open_];
  open_ = top.next;
  top.next = static_cast<std::uint32_t>(nodes_.size());
  top.end = offset(at_);
  --depth_;
  return true;
}

/// After a complete value: up to the next value, or to the end of the
/// outermost.
bool parser::separators() {
  in_value_ = false;
  while (open_ != none) {
    auto& top = nodes_[open_];
    ++top.size;
    bool object = top.what == kind::object;
    skip_space();
    char c = at_ == end_ ? '\0' : *at_;
    if (c == ',') {
      ++at_;
      return object ? key() : true;
    }
    if (c != (object ? '}' : ']'))
      return refuse(at_, object ? "',' or '}' is due behind a member"
                                : "',' or ']' is due behind an item");
    if (!close())
      return false;
  }
  return true;
}

bool parser::key() {
  skip_space();
  if (at_ == end_ || *at_ != '"')
    return refuse(at_, "a member's name in double quotes is due");
  if (!string_node())
    return false;
  skip_space();
  if (at_ == end_ || *at_ != ':')
    return refuse(at_, "':' is due behind a member's name");
  ++at_;
  return true;
}

bool parser::string_node() {
  const char* begin = at_;
  bool escaped = false;
  return string(escaped) && push(begin, kind::string, escaped ? 1 : 0);
}

bool parser::string(bool& escaped) {
  for (const char* s = at_ + 1;;) {
    s = skip_plain(s, end_);
    if (s == end_)
      return refuse(at_, "the string that begins here has no closing quote");
    auto c = static_cast<unsigned char>(*s);
    if (c == '"') {
      at_ = s + 1;
      return true;
    }
    if (c == '\\') {
      escaped = true;
      if (!escape(s))
        return false;
    } else if (c < 0x20) {
      return refuse(s, "a control character must be escaped in a string");
    } else {
      auto size = utf8_length(s, end_);
      if (size == 0)
        return refuse(s, "these bytes are not UTF-8");
      s += size;
    }
  }
}

bool parser::escape(const char*& s) {
  if (end_ - s < 2)
    return refuse(s, "the text ends inside an escape");
  switch (s[1]) {
  case '"':
  case '\\':
  case '/':
  case 'b':
  case 'f':
  case 'n':
  case 'r':
  case 't':
    s += 2;
    return true;
  case 'u':
    return unicode_escape(s);
  default:
    return refuse(s, "there is no such escape");
  }
}

bool parser::unicode_escape(const char*& s) {
  int unit = hex4(s + 2, end_);
  if (unit < 0)
    return refuse(s, "\\u needs four hexadecimal digits");
  if (unit >= 0xdc00 && unit <= 0xdfff)
    return refuse(s, "a low surrogate without a high one before it");
  if (unit >= 0xd800 && unit <= 0xdbff) {
    int low
      = end_ - s >= 12 && s[6] == '\\' && s[7] == 'u' ? hex4(s + 8, end_) : -1;
    if (low < 0xdc00 || low > 0xdfff)
      return refuse(s, "a high surrogate without a low one behind it");
    s += 6;
  }
  s += 6;
  return true;
}

bool parser::digits(const char*& s) {
  if (s == end_ || !is_digit(*s))
    return refuse(s, "a digit is due");
  while (s != end_ && is_digit(*s))
    ++s;
  return true;
}

bool parser::number() {
  const char* s = at_;
  if (*s != '-' && !is_digit(*s))
    return refuse(s, "no JSON value begins like this");
  if (*s == '-')
    ++s;
  if (s != end_ && *s == '0') {
    ++s;
    if (s != end_ && is_digit(*s))
      return refuse(at_, "a number must not begin with 0");
  } else if (!digits(s)) {
    return false;
  }
  if (s != end_ && *s == '.' && !digits(++s))
    return false;
  if (s != end_ && (*s == 'e' || *s == 'E')) {
    ++s;
    if (s != end_ && (*s == '+' || *s == '-'))
      ++s;
    if (!digits(s))
      return false;
  }
  if (static_cast<std::size_t>(s - at_) > limit_.max_number_bytes)
    return refuse(at_, "a number is written with more than "
                         + std::to_string(limit_.max_number_bytes)
                         + " characters: shorten it");
  const char* begin = at_;
  at_ = s;
  return push(begin, kind::number, 0);
}

bool parser::literal(std::string_view text, kind what) {
  if (static_cast<std::size_t>(end_ - at_) < text.size()
      || std::string_view{at_, text.size()} != text)
    return refuse(at_, "no JSON value begins like this");
  const char* begin = at_;
  at_ += text.size();
  return push(begin, what, 0);
}

void parser::skip_space() noexcept {
  // Most text has no white space, and every such byte is at most ' '.
  while (at_ != end_ && static_cast<unsigned char>(*at_) <= ' '
         && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t'))
    ++at_;
}

bool parser::push(const char* begin, kind what, std::uint32_t size) {
  if (nodes_.size() == limit_.max_values)
    return refuse(begin,
                  "there are more than " + std::to_string(limit_.max_values)
                    + " values and names: send less at once",
                  errc::too_large);
  nodes_.push_back({offset(begin), offset(at_),
                    static_cast<std::uint32_t>(nodes_.size() + 1), size, what});
  return true;
}

} // namespace callboard::json
