#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

/// What clients of a cluster saw, as plain data: each client keeps its own part
/// (no locks), the test joins the parts and hands them to check().
namespace callboard::test {

using moment = std::chrono::steady_clock::time_point;

/// What a producer knows of an event that it sent.
enum class fate : std::uint8_t {
  acknowledged, ///< Durable, at a seq that was told.
  refused,      ///< An answer said that it is not, and never will be (4xx).
  unknown,      ///< No answer, or one that says "try again".
};

/// One event sent once. The same id may be sent again: another attempt.
struct attempt {
  std::string producer;
  std::string room;
  std::string id; ///< Unique in the whole history.
  moment invoked; ///< Before the first byte was sent.
  moment answered;
  fate outcome = fate::unknown;
  std::uint64_t seq = 0; ///< Of an acknowledged one.
};

/// An event as a viewer or a reader got it.
struct seen_event {
  std::uint64_t seq = 0;
  std::string id;
  std::uint64_t content = 0; ///< Hash of the whole frame.

  friend bool operator==(const seen_event&, const seen_event&) = default;
};

/// All that one viewer got of a room in the order in which it came, across its
/// connections: each began with `since` at the last event of the one before.
struct viewing {
  std::string viewer;
  std::string room;
  std::uint64_t since = 0;
  std::vector<seen_event> events;
  bool to_the_end = true; ///< It had time to get everything.
};

/// An answer that says which position of the room it is true at.
struct reading {
  std::string reader;
  std::string room;
  moment invoked;
  moment answered;
  std::uint64_t position = 0;
  /// Told as current, as a run's detail is. Where a subscription begins is not:
  /// the node may have been told of later events only after that.
  bool current = true;
};

struct history {
  std::vector<attempt> attempts;
  std::vector<viewing> viewings;
  std::vector<reading> readings;
  /// Each room from its first event to its last, read when all was quiet.
  std::map<std::string, std::vector<seen_event>> rooms;

  /// Takes the parts of another client.
  void join(history part);
};

} // namespace callboard::test
