#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace callboard::test {

/// What a client was told of each run: a line for each message, in their order.
using run_stories = std::map<std::string, std::vector<std::string>>;

/// The stories as one text, for a comparison that shows what differs.
std::string to_text(const run_stories& x);

/// How many lines there are in all.
std::size_t lines_of(const run_stories& x);

/// What clients of contracts 2 to 5 are to be told, worked out from native
/// frames and the contracts alone: shares no code with the server.
class native_teller {
public:
  /// Takes the room's next frame.
  void apply(const boost::json::object& frame);

  /// By definition: what its runs are called that have no workflow_name.
  std::map<std::string, std::string> definitions;

  run_stories node, hub, monitor, phase;

private:
  struct step {
    std::string status = "pending";
    bool open = false;
    boost::json::object fields;
  };

  struct run {
    std::string status = "pending";
    bool begun = false, ran = false;
    std::uint64_t phases = 0, done = 0;
    std::string failed_step, reason;
    boost::json::object fields;
    std::map<std::string, step> steps;
  };

  void update_run(const std::string& id, run& of, const boost::json::object& x);
  void end_run(const std::string& id, run& of);
  void update_step(const std::string& id, run& of, const std::string& step_id,
                   const boost::json::object& changes);
  void tell_step(const std::string& id, run& of, const std::string& step_id,
                 step& x);
  void tell_task(const std::string& id, run& of, const std::string& step_id,
                 step& x);
  void add_event(const std::string& id, run& of, const boost::json::object& x);
  void begin(const std::string& id, run& of);
  void tell_progress(const std::string& id, run& of, const std::string& before);
  std::string progress(const run& of) const;
  std::string workflow(const run& of) const;

  std::map<std::string, run> runs_;
};

// The lines that the messages of each contract are.

void add_node_message(run_stories& to, const boost::json::object& message);
/// An Invocation of the hub protocol.
void add_hub_message(run_stories& to, const boost::json::object& message);
void add_monitor_message(run_stories& to, std::string_view event,
                         const boost::json::object& payload);
void add_phase_message(run_stories& to, const boost::json::object& message);

} // namespace callboard::test
