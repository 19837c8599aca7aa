#pragma once

#include "actors/model/json.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace callboard::json {

/// Fills a document's nodes from its text; lives for one parse. Iterative: an
/// open container's `next` holds its parent, so nesting costs no stack.
class parser {
public:
  parser(document& doc, const limits& limit) noexcept;

  result<void> run();

private:
  using node = document::node;
  static constexpr std::uint32_t none = 0xffff'ffff;

  // Each of these reads from at_ on. They return false after refuse().
  bool document_text();
  bool value_start(bool& complete);
  bool open(kind what);
  bool close();
  bool separators();
  bool key();
  bool string_node();
  bool string(bool& escaped);
  bool escape(const char*& s);
  bool unicode_escape(const char*& s);
  bool number();
  bool digits(const char*& s);
  bool literal(std::string_view text, kind what);

  bool unique_keys();
  bool unique_keys_sorted();
  bool refuse_duplicate(std::uint32_t key);

  void skip_space() noexcept;
  bool push(const char* begin, kind what, std::uint32_t size);
  std::uint32_t offset(const char* s) const noexcept {
    return static_cast<std::uint32_t>(s - begin_);
  }
  std::string_view inside(const node& text) const noexcept;
  std::string decoded(const node& text) const;

  /// Notes why the text is refused, at `s`. Always false.
  bool refuse(const char* s, std::string_view why, errc code = errc::invalid);
  /// Pointer to the innermost open container.
  std::string path() const;
  void append_key(std::string& pointer, std::uint32_t key) const;

  std::vector<node>& nodes_;
  limits limit_;
  const char* begin_;
  const char* at_;
  const char* end_;
  std::uint32_t open_ = none; // innermost open container
  std::size_t depth_ = 0;
  bool in_value_ = false; // reading a value: refusals point to it
  problem problem_;
};

} // namespace callboard::json
