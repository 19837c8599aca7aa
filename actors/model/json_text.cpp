#include "actors/model/json_text.hpp"

#include <array>
#include <charconv>

namespace callboard::json {
namespace {

unsigned hex4(std::string_view text) noexcept {
  unsigned x = 0;
  std::from_chars(text.data(), text.data() + 4, x, 16);
  return x;
}

void append_utf8(std::string& out, unsigned code) {
  auto put = [&out](unsigned byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

char unescaped(char letter) noexcept {
  switch (letter) {
  case 'b':
    return '\b';
  case 'f':
    return '\f';
  case 'n':
    return '\n';
  case 'r':
    return '\r';
  case 't':
    return '\t';
  default: // quote, backslash, slash
    return letter;
  }
}

/// What stands for a byte below 0x20, a quote or a backslash.
void append_escape(std::string& out, char c) {
  constexpr std::string_view hex = "0123456789abcdef";
  switch (c) {
  case '"':
    out += "\\\"";
    return;
  case '\\':
    out += "\\\\";
    return;
  case '\b':
    out += "\\b";
    return;
  case '\f':
    out += "\\f";
    return;
  case '\n':
    out += "\\n";
    return;
  case '\r':
    out += "\\r";
    return;
  case '\t':
    out += "\\t";
    return;
  default:
    out += "\\u00";
    out += hex[static_cast<unsigned char>(c) >> 4];
    out += hex[static_cast<unsigned char>(c) & 0xf];
  }
}

void append_separator(std::string& out) {
  if (!out.empty() && out.back() != '{')
    out += ',';
}

} // namespace

void append_unescaped(std::string& out, std::string_view inside) {
  while (!inside.empty()) {
    auto plain = inside.find('\\');
    if (plain == std::string_view::npos)
      plain = inside.size();
    out += inside.substr(0, plain);
    inside.remove_prefix(plain);
    if (inside.empty())
      return;
    if (inside[1] != 'u') {
      out += unescaped(inside[1]);
      inside.remove_prefix(2);
      continue;
    }
    auto code = hex4(inside.substr(2));
    inside.remove_prefix(6);
    if (code >= 0xd800 && code <= 0xdbff) { // valid text has the other half
      code
        = 0x10000 + ((code - 0xd800) << 10) + (hex4(inside.substr(2)) - 0xdc00);
      inside.remove_prefix(6);
    }
    append_utf8(out, code);
  }
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  std::size_t done = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\')
      continue;
    out += text.substr(done, i - done);
    append_escape(out, c);
    done = i + 1;
  }
  out += text.substr(done);
  out += '"';
}

std::string quoted(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  append_quoted(out, text);
  return out;
}

void append_number(std::string& out, std::uint64_t x) {
  std::array<char, 20> digits;
  auto [end, error] = std::to_chars(digits.begin(), digits.end(), x);
  out.append(digits.begin(), end);
}

void append_member(std::string& out, std::string_view name,
                   std::string_view raw) {
  append_separator(out);
  out += '"';
  out += name;
  out += "\":";
  out += raw;
}

void append_string_member(std::string& out, std::string_view name,
                          std::string_view text) {
  append_member(out, name, {});
  append_quoted(out, text);
}

void append_object_with(std::string& out, std::string_view object,
                        std::string_view members) {
  if (members.empty()) {
    out += object;
    return;
  }
  object.remove_suffix(1);
  out += object;
  auto last = object.find_last_not_of(" \t\r\n");
  if (object[last] != '{')
    out += ',';
  out += members;
  out += '}';
}

} // namespace callboard::json
