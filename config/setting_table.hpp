#pragma once

#include "actors/model/problem.hpp"
#include "config/settings.hpp"

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace callboard {

/// What a setting's text means.
enum class setting_kind : std::uint8_t {
  text,
  path,
  address,   ///< HOST:PORT
  addresses, ///< HOST:PORT, separated by commas.
  choice,    ///< One of a few words.
  flag,      ///< true or false
  count,     ///< A whole number.
  size,      ///< Bytes: "64MiB".
  duration,  ///< "30s", "500ms".
};

/// The member of `settings` that a setting fills.
using setting_field
  = std::variant<std::string*, bool*, std::uint32_t*, std::uint64_t*,
                 std::chrono::milliseconds*, std::chrono::seconds*>;

/// One thing that can be set. The table of these drives the file, environment
/// and flag readers, `gen-config` and docs/configuration.md.
struct setting_info {
  std::string_view section;
  std::string_view key;
  setting_kind kind;
  setting_field (*field)(settings&);
  std::string_view meaning; ///< One or two sentences.
  std::uint64_t min = 0;    ///< Count, bytes or milliseconds.
  std::uint64_t max = 0;
  std::span<const std::string_view> choices = {};
  bool secret = false; ///< From the environment only; never printed.
};

/// All settings, by section, in the order in which they are documented.
std::span<const setting_info> setting_table();

/// nullptr if there is none of that name.
const setting_info* find_setting(std::string_view section,
                                 std::string_view key);

std::string dotted_name(const setting_info& x); ///< listen.idle_timeout
std::string
environment_name(const setting_info& x);      ///< CALLBOARD_LISTEN_IDLE_TIMEOUT
std::string flag_name(const setting_info& x); ///< --listen-idle-timeout

/// What may be given, in words: "a duration from 1s to 1h".
std::string allowed_values(const setting_info& x);

/// Sets the member from `text`, the one spelling for all sources.
/// errc::invalid: the detail says what is allowed.
result<void> assign(settings& conf, const setting_info& x,
                    std::string_view text);

/// The value as assign() would read it back; "(set)" or "" for a secret.
std::string shown_value(const settings& conf, const setting_info& x);

} // namespace callboard
