#pragma once

#include "actors/model/problem.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// A validating JSON reader that keeps the source text: every value can be had
/// as the exact bytes that were sent (`1.0`, 64-bit integers, escapes). General
/// libraries parse numbers and lose their spelling, which the contract forbids.
namespace callboard::json {

enum class kind : std::uint8_t { null, boolean, number, string, array, object };

struct limits {
  std::size_t max_depth = 64;         ///< Nested arrays and objects.
  std::size_t max_values = 1u << 18;  ///< Values and keys in one document.
  std::size_t max_number_bytes = 512; ///< Longest spelling of a number.
};

class value;
class member_range;
class item_range;

/// One parsed text. Refers to the text, which the caller keeps alive.
/// Refused, with the byte offset and a JSON pointer where known: anything that
/// RFC 8259 does not allow, invalid UTF-8, lone surrogate escapes, duplicate
/// keys, depth or size over the limits.
/// Not thread-safe for writing; reset() may be called again and reuses memory.
class document {
public:
  /// Parses all of `text` as one value (surrounding white space allowed).
  result<void> reset(std::string_view text, const limits& limit = {});

  static result<document> parse(std::string_view text,
                                const limits& limit = {});

  /// The outermost value. Only after a successful reset().
  value root() const noexcept;

private:
  friend class value;
  friend class member_range;
  friend class item_range;
  friend class parser;

  struct node {
    std::uint32_t begin; ///< Offset of the value's first byte.
    std::uint32_t end;   ///< Offset behind its last byte.
    std::uint32_t next;  ///< Index of the node behind this value's subtree.
    std::uint32_t size;  ///< Items or members; for strings: 1 if escaped.
    kind what;
  };

  std::string_view text_;
  std::vector<node> nodes_; // pre-order; a member is its key node, then a value
};

/// A cursor to one value of a document, which must outlive it. Cheap to copy.
class value {
public:
  kind what() const noexcept;
  bool is(kind k) const noexcept {
    return what() == k;
  }

  /// The bytes as sent, without surrounding white space.
  std::string_view raw() const noexcept;

  /// A string's content with escapes resolved. Only for kind::string.
  std::string string() const;

  /// A string's content without a copy, if it has no escapes.
  std::optional<std::string_view> plain_string() const noexcept;

  /// A number's value if it is an integer that fits.
  std::optional<std::int64_t> integer() const noexcept;

  /// A number's value as a double (may round).
  std::optional<double> real() const noexcept;

  std::optional<bool> boolean() const noexcept;

  /// The member of that (decoded) name. nullopt for other kinds than object.
  std::optional<value> find(std::string_view key) const noexcept;

  /// Number of items or members.
  std::size_t size() const noexcept;

  /// Members of an object, items of an array, in the order sent; empty for
  /// other kinds.
  member_range members() const noexcept;
  item_range items() const noexcept;

private:
  friend class document;
  friend class member_range;
  friend class item_range;

  value(const document* doc, std::uint32_t at) noexcept : doc_{doc}, at_{at} {
    // nop
  }

  const document* doc_;
  std::uint32_t at_;
};

struct member {
  value key; ///< kind::string
  value val;
};

class member_range {
public:
  class iterator {
  public:
    member operator*() const noexcept;
    iterator& operator++() noexcept;
    bool operator==(const iterator& other) const noexcept {
      return at_ == other.at_;
    }

  private:
    friend class member_range;
    const document* doc_ = nullptr;
    std::uint32_t at_ = 0;
  };
  iterator begin() const noexcept;
  iterator end() const noexcept;

private:
  friend class value;
  const document* doc_ = nullptr;
  std::uint32_t first_ = 0;
  std::uint32_t last_ = 0;
};

class item_range {
public:
  class iterator {
  public:
    value operator*() const noexcept;
    iterator& operator++() noexcept;
    bool operator==(const iterator& other) const noexcept {
      return at_ == other.at_;
    }

  private:
    friend class item_range;
    const document* doc_ = nullptr;
    std::uint32_t at_ = 0;
  };
  iterator begin() const noexcept;
  iterator end() const noexcept;

private:
  friend class value;
  const document* doc_ = nullptr;
  std::uint32_t first_ = 0;
  std::uint32_t last_ = 0;
};

/// Appends `text` as a JSON string, quotes included. `text` is UTF-8.
void append_quoted(std::string& out, std::string_view text);

/// `text` as a JSON string, quotes included.
std::string quoted(std::string_view text);

/// Appends a decimal number.
void append_number(std::string& out, std::uint64_t x);

} // namespace callboard::json
