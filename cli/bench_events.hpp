#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace callboard {

/// A ready-made publish request whose changing fields have a fixed width, so
/// that sending one means filling in a few digits and copying.
class publish_frame {
public:
  /// @param run The run that the log events belong to.
  /// @param prefix Makes event ids unique between connections; 8 characters.
  publish_frame(std::string_view project, std::string_view run,
                std::string_view prefix, std::size_t event_bytes,
                std::size_t batch);

  /// The frame of request `ref` with events `first_event` and up, which say
  /// that they were due at `due_ns`.
  std::string_view fill(std::uint64_t ref, std::uint64_t first_event,
                        std::int64_t due_ns);

private:
  struct event_place {
    std::size_t id;
    std::size_t due;
  };

  std::string bytes_;
  std::size_t ref_ = 0;
  std::vector<event_place> events_;
};

/// The number of the field `name` (16 hexadecimal digits in quotes) in `text`;
/// 0 if there is none.
std::uint64_t hex_field(std::string_view text, std::string_view name);

/// How often `word` occurs in `text`.
std::size_t occurrences(std::string_view text, std::string_view word);

} // namespace callboard
