#pragma once

#include "config/setting_table.hpp"

/// What the tables of settings are written with.
namespace callboard::setting_fields {

/// The member `Key` of the section `Section`.
template <auto Section, auto Key>
setting_field in(settings& x) {
  return &(x.*Section.*Key);
}

inline constexpr std::uint64_t kib = 1024;
inline constexpr std::uint64_t mib = 1024 * kib;
inline constexpr std::uint64_t gib = 1024 * mib;
inline constexpr std::uint64_t tib = 1024 * gib;
inline constexpr std::uint64_t second = 1000;
inline constexpr std::uint64_t minute = 60 * second;
inline constexpr std::uint64_t hour = 60 * minute;
inline constexpr std::uint64_t day = 24 * hour;

/// The section [cluster]; part of setting_table().
std::span<const setting_info> cluster_table();

} // namespace callboard::setting_fields
