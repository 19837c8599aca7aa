#include "actors/model/json_parser.hpp"
#include "actors/model/json_text.hpp"
#include "actors/model/utf8.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

/// The part of the parser that compares keys and words refusals.
namespace callboard::json {

std::string_view parser::inside(const node& text) const noexcept {
  return {begin_ + text.begin + 1, text.end - text.begin - 2u};
}

std::string parser::decoded(const node& text) const {
  std::string out;
  append_unescaped(out, inside(text));
  return out;
}

/// Checks the keys of the innermost object, which is about to be closed.
bool parser::unique_keys() {
  constexpr std::size_t few = 16;
  auto count = nodes_[open_].size;
  if (count > few)
    return unique_keys_sorted();
  std::array<std::string_view, few> keys;
  auto at = open_ + 1;
  for (std::size_t i = 0; i < count; ++i) {
    const auto& key = nodes_[at];
    if (key.size != 0) // has escapes
      return unique_keys_sorted();
    keys[i] = inside(key);
    for (std::size_t j = 0; j < i; ++j)
      if (keys[j] == keys[i])
        return refuse_duplicate(at);
    at = nodes_[at + 1].next;
  }
  return true;
}

/// The same for objects of any size, in O(n log n) whatever the keys are.
bool parser::unique_keys_sorted() {
  std::vector<std::pair<std::string_view, std::uint32_t>> keys;
  keys.reserve(nodes_[open_].size);
  std::deque<std::string> resolved; // keeps its elements in place
  auto at = open_ + 1;
  while (at < nodes_.size()) {
    const auto& key = nodes_[at];
    if (key.size != 0)
      keys.emplace_back(resolved.emplace_back(decoded(key)), at);
    else
      keys.emplace_back(inside(key), at);
    at = nodes_[at + 1].next;
  }
  std::sort(keys.begin(), keys.end());
  auto first = none;
  for (std::size_t i = 1; i < keys.size(); ++i)
    if (keys[i].first == keys[i - 1].first)
      first = std::min(first, keys[i].second);
  return first == none || refuse_duplicate(first);
}

bool parser::refuse_duplicate(std::uint32_t key) {
  const auto& x = nodes_[key];
  auto pointer = path();
  append_key(pointer, key);
  in_value_ = false;
  refuse(begin_ + x.begin, "a name appears twice in one object: send it once");
  problem_.pointer = std::move(pointer);
  return false;
}

bool parser::refuse(const char* s, std::string_view why, errc code) {
  problem_.code = code;
  problem_.detail = "the JSON text is refused at byte ";
  append_number(problem_.detail, offset(s));
  problem_.detail += ": ";
  problem_.detail += why;
  problem_.pointer = path();
  if (in_value_ && open_ != none) {
    if (nodes_[open_].what == kind::object) {
      append_key(problem_.pointer,
                 static_cast<std::uint32_t>(nodes_.size() - 1));
    } else {
      problem_.pointer += '/';
      append_number(problem_.pointer, nodes_[open_].size);
    }
  }
  return false;
}

std::string parser::path() const {
  std::vector<std::uint32_t> chain; // innermost first
  for (auto at = open_; at != none; at = nodes_[at].next)
    chain.push_back(at);
  std::string out;
  for (std::size_t i = chain.size(); i-- > 1;) {
    const auto& outer = nodes_[chain[i]];
    if (outer.what == kind::object) {
      append_key(out, chain[i - 1] - 1); // a key stands before its value
    } else {
      out += '/';
      append_number(out, outer.size);
    }
  }
  return out;
}

/// Appends a reference token of RFC 6901, cut when it is very long.
void parser::append_key(std::string& pointer, std::uint32_t key) const {
  constexpr std::size_t max_bytes = 256;
  auto text = decoded(nodes_[key]);
  if (text.size() > max_bytes)
    text.resize(utf8_cut(text.data(), max_bytes));
  pointer += '/';
  for (char c : text) {
    if (c == '~')
      pointer += "~0";
    else if (c == '/')
      pointer += "~1";
    else
      pointer += c;
  }
}

} // namespace callboard::json
