#include "actors/model/json.hpp"

#include "actors/model/json_parser.hpp"
#include "actors/model/json_text.hpp"

#include <charconv>
#include <cmath>

namespace callboard::json {

// -- document -----------------------------------------------------------------

result<void> document::reset(std::string_view text, const limits& limit) {
  text_ = text;
  return parser{*this, limit}.run();
}

result<document> document::parse(std::string_view text, const limits& limit) {
  document doc;
  if (auto ok = doc.reset(text, limit); !ok)
    return tl::unexpected<problem>{std::move(ok.error())};
  return doc;
}

value document::root() const noexcept {
  return {this, 0};
}

// -- value --------------------------------------------------------------------

kind value::what() const noexcept {
  return doc_->nodes_[at_].what;
}

std::string_view value::raw() const noexcept {
  const auto& x = doc_->nodes_[at_];
  return doc_->text_.substr(x.begin, x.end - x.begin);
}

std::string value::string() const {
  auto text = raw();
  text = text.substr(1, text.size() - 2);
  if (doc_->nodes_[at_].size == 0)
    return std::string{text};
  std::string out;
  append_unescaped(out, text);
  return out;
}

std::optional<std::string_view> value::plain_string() const noexcept {
  const auto& x = doc_->nodes_[at_];
  if (x.what != kind::string || x.size != 0)
    return std::nullopt;
  return doc_->text_.substr(x.begin + 1u, x.end - x.begin - 2u);
}

std::optional<std::int64_t> value::integer() const noexcept {
  if (!is(kind::number))
    return std::nullopt;
  auto text = raw();
  const auto* end = text.data() + text.size();
  std::int64_t x = 0;
  auto [stop, error] = std::from_chars(text.data(), end, x);
  if (error != std::errc{})
    return std::nullopt;
  if (stop == end)
    return x;
  // `1.0` and `1e3` are integers, too, as far as a double tells exactly.
  constexpr double exact = 9007199254740992; // 2^53
  auto y = real();
  if (!y || std::trunc(*y) != *y || std::abs(*y) > exact)
    return std::nullopt;
  return static_cast<std::int64_t>(*y);
}

std::optional<double> value::real() const noexcept {
  if (!is(kind::number))
    return std::nullopt;
  auto text = raw();
  double x = 0;
  auto [stop, error]
    = std::from_chars(text.data(), text.data() + text.size(), x);
  if (error != std::errc{})
    return std::nullopt;
  return x;
}

std::optional<bool> value::boolean() const noexcept {
  if (!is(kind::boolean))
    return std::nullopt;
  return raw() == "true";
}

std::optional<value> value::find(std::string_view key) const noexcept {
  for (auto [name, val] : members()) {
    if (auto text = name.plain_string()) {
      if (*text == key)
        return val;
    } else if (name.string() == key) {
      return val;
    }
  }
  return std::nullopt;
}

std::size_t value::size() const noexcept {
  const auto& x = doc_->nodes_[at_];
  return x.what == kind::array || x.what == kind::object ? x.size : 0;
}

member_range value::members() const noexcept {
  member_range out;
  out.doc_ = doc_;
  const auto& x = doc_->nodes_[at_];
  out.first_ = at_ + 1;
  out.last_ = x.what == kind::object ? x.next : out.first_;
  return out;
}

item_range value::items() const noexcept {
  item_range out;
  out.doc_ = doc_;
  const auto& x = doc_->nodes_[at_];
  out.first_ = at_ + 1;
  out.last_ = x.what == kind::array ? x.next : out.first_;
  return out;
}

// -- ranges -------------------------------------------------------------------

member member_range::iterator::operator*() const noexcept {
  return {value{doc_, at_}, value{doc_, at_ + 1}};
}

member_range::iterator& member_range::iterator::operator++() noexcept {
  at_ = doc_->nodes_[at_ + 1].next;
  return *this;
}

member_range::iterator member_range::begin() const noexcept {
  iterator out;
  out.doc_ = doc_;
  out.at_ = first_;
  return out;
}

member_range::iterator member_range::end() const noexcept {
  iterator out;
  out.doc_ = doc_;
  out.at_ = last_;
  return out;
}

value item_range::iterator::operator*() const noexcept {
  return {doc_, at_};
}

item_range::iterator& item_range::iterator::operator++() noexcept {
  at_ = doc_->nodes_[at_].next;
  return *this;
}

item_range::iterator item_range::begin() const noexcept {
  iterator out;
  out.doc_ = doc_;
  out.at_ = first_;
  return out;
}

item_range::iterator item_range::end() const noexcept {
  iterator out;
  out.doc_ = doc_;
  out.at_ = last_;
  return out;
}

} // namespace callboard::json
