#pragma once

#include "actors/model/ids.hpp"

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace callboard {

/// The names of a project's definitions, for runs that have none of their own.
/// Written by the project's shard, read by its runs. Any thread.
/// Bounds: max_names names of at most max_name_bytes; of others nothing is
/// known.
class definition_names {
public:
  static constexpr std::size_t max_names = 10'000;
  static constexpr std::size_t max_name_bytes = 1024;

  /// `raw`: the name as JSON; empty, or anything but a string: it has none.
  void set(const definition_id& id, std::string_view raw);

  /// What a definition's event says of it. `body` is its `changes`, raw.
  void update(const definition_id& id, std::string_view body);

  /// The name as JSON string.
  std::optional<std::string> find(std::string_view id) const;

private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::string> names_;
};

} // namespace callboard
