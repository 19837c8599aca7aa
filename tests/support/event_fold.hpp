#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace callboard::test {

/// What a client knows of a step after reading the room's events.
struct folded_step {
  boost::json::object fields;
};

/// What a client knows of a run after reading the room's events.
struct folded_run {
  boost::json::object fields;
  std::map<std::string, folded_step> steps;
  std::vector<boost::json::object> events;
  std::vector<boost::json::object> artifacts;
  std::map<std::string, std::int64_t> counters;
};

/// Contract 1's merge rules, written a second time from the contract alone: the
/// state that a client arrives at by applying a room's events in their order.
class event_fold {
public:
  /// Takes the next frame. @throws if `seq` is not one more than the last.
  void apply(const boost::json::object& frame);

  std::uint64_t through() const {
    return through_;
  }

  const std::map<std::string, folded_run>& runs() const {
    return runs_;
  }

private:
  std::uint64_t through_ = 0;
  std::map<std::string, folded_run> runs_;
};

/// Where a run's detail, as the server gives it, differs from the fold: one
/// line per difference; empty when they agree.
std::string differences(const boost::json::object& detail,
                        const folded_run& run);

} // namespace callboard::test
