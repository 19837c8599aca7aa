// How one setting is named, read and shown: the functions of setting_table.hpp
// that do not need the table itself.
#include "config/setting_table.hpp"
#include "config/units.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <type_traits>

namespace callboard {

namespace {

std::string joined(std::span<const std::string_view> words) {
  std::string out;
  for (const auto& word : words)
    out.append(out.empty() ? "" : ", ").append(word);
  return out;
}

std::string shown_amount(setting_kind kind, std::uint64_t x) {
  switch (kind) {
  case setting_kind::size:
    return format_size(x);
  case setting_kind::duration:
    return format_duration(std::chrono::milliseconds{x});
  case setting_kind::text:
  case setting_kind::path:
  case setting_kind::address:
  case setting_kind::addresses:
  case setting_kind::choice:
  case setting_kind::flag:
  case setting_kind::count:
    break;
  }
  return std::to_string(x);
}

result<std::uint64_t> parse_amount(setting_kind kind, std::string_view text) {
  if (kind == setting_kind::size)
    return parse_size(text);
  if (kind == setting_kind::duration)
    return parse_duration(text).map(
      [](std::chrono::milliseconds x) -> std::uint64_t {
        return static_cast<std::uint64_t>(x.count());
      });
  std::uint64_t number = 0;
  const auto* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || rest != end)
    return fail(errc::invalid, "expected a whole number");
  return number;
}

/// HOST:PORT, [HOST]:PORT, or nothing.
bool is_address(std::string_view text) {
  if (text.empty())
    return true;
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0)
    return false;
  const auto host = text.substr(0, colon);
  const auto bracketed = host.starts_with('[') && host.ends_with(']');
  if ((host.find(':') != std::string_view::npos) != bracketed || host == "[]")
    return false;
  const auto port_text = text.substr(colon + 1);
  unsigned port = 0;
  const auto* const end = port_text.data() + port_text.size();
  const auto [rest, error] = std::from_chars(port_text.data(), end, port);
  return error == std::errc{} && rest == end && port <= 65535;
}

/// The first of a comma-separated list that is no address; nullopt: all are.
/// An empty text is an empty list.
std::optional<std::string_view> bad_address(std::string_view list) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    const auto each = list.substr(0, comma);
    if (each.empty() || !is_address(each))
      return each;
    if (comma == std::string_view::npos)
      break;
    list.remove_prefix(comma + 1);
    if (list.empty())
      return list;
  }
  return std::nullopt;
}

result<void> assign_text(std::string& to, const setting_info& x,
                         std::string_view text) {
  const auto refused
    = (x.kind == setting_kind::address && !is_address(text))
      || (x.kind == setting_kind::choice
          && std::ranges::find(x.choices, text) == x.choices.end())
      || std::ranges::any_of(text,
                             [](char c) { return c == '\0' || c == '\n'; });
  if (refused)
    return fail(errc::invalid, "expected " + allowed_values(x));
  if (x.kind == setting_kind::addresses) {
    std::string list{text};
    std::erase(list, ' '); // "a:1, b:2" is how people write lists
    if (const auto bad = bad_address(list))
      return fail(errc::invalid, "expected " + allowed_values(x) + "; \""
                                   + std::string{*bad} + "\" is not one");
    to = std::move(list);
    return {};
  }
  to = text;
  return {};
}

result<void> assign_flag(bool& to, std::string_view text) {
  if (text != "true" && text != "false")
    return fail(errc::invalid, "expected true or false");
  to = text == "true";
  return {};
}

} // namespace

std::string dotted_name(const setting_info& x) {
  return std::string{x.section} + '.' + std::string{x.key};
}

std::string environment_name(const setting_info& x) {
  auto out = "CALLBOARD_" + std::string{x.section} + '_' + std::string{x.key};
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return out;
}

std::string flag_name(const setting_info& x) {
  auto out = "--" + std::string{x.section} + '-' + std::string{x.key};
  std::ranges::replace(out, '_', '-');
  return out;
}

std::string allowed_values(const setting_info& x) {
  const auto range = [&x] {
    return " from " + shown_amount(x.kind, x.min) + " to "
           + shown_amount(x.kind, x.max);
  };
  switch (x.kind) {
  case setting_kind::text:
    return "one line of text";
  case setting_kind::path:
    return "a path";
  case setting_kind::address:
    return "HOST:PORT, such as 127.0.0.1:8080 or [::1]:0";
  case setting_kind::addresses:
    return "HOST:PORT, separated by commas";
  case setting_kind::choice:
    return "one of " + joined(x.choices);
  case setting_kind::flag:
    return "true or false";
  case setting_kind::count:
    return "a whole number" + range();
  case setting_kind::size:
    return "a size" + range();
  case setting_kind::duration:
    return "a duration" + range();
  }
  return {};
}

result<void> assign(settings& conf, const setting_info& x,
                    std::string_view text) {
  return std::visit(
    [&]<class T>(T* to) -> result<void> {
      if constexpr (std::is_same_v<T, std::string>) {
        return assign_text(*to, x, text);
      } else if constexpr (std::is_same_v<T, bool>) {
        return assign_flag(*to, text);
      } else {
        const auto amount = parse_amount(x.kind, text);
        if (!amount || *amount < x.min || *amount > x.max)
          return fail(errc::invalid, "expected " + allowed_values(x));
        if constexpr (std::is_same_v<T, std::chrono::seconds>) {
          if (*amount % 1000 != 0)
            return fail(errc::invalid, "expected whole seconds");
          *to = std::chrono::seconds{*amount / 1000};
        } else {
          *to = T{static_cast<T>(*amount)};
        }
        return {};
      }
    },
    x.field(conf));
}

std::string shown_value(const settings& conf, const setting_info& x) {
  auto copy = conf; // field() hands out writable pointers only
  return std::visit(
    [&x]<class T>(T* from) -> std::string {
      if constexpr (std::is_same_v<T, std::string>) {
        return x.secret && !from->empty() ? "(set)" : *from;
      } else if constexpr (std::is_same_v<T, bool>) {
        return *from ? "true" : "false";
      } else if constexpr (std::is_integral_v<T>) {
        return shown_amount(x.kind, *from);
      } else {
        return format_duration(*from);
      }
    },
    x.field(copy));
}

} // namespace callboard
