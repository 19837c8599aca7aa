#pragma once

#include "actors/model/query.hpp"
#include "actors/model/told_event.hpp"

#include <string>
#include <vector>

/// What contract 4 makes of canonical events. Its messages go to sockets, and
/// the same ones are the entries of a run's execution log.
namespace callboard {

struct monitor_message {
  std::string name; ///< Such as "execution:started".
  std::string id; ///< Of its event; the event's second one ends in ":progress".
  std::string payload; ///< A raw JSON object.
  // As an entry of the log: raw JSON each. Empty metadata: the payload.
  std::string level = R"("info")";
  std::string event;
  std::string message;
  std::string metadata;
};

/// Whether contract 4 may have words for events of this type, without a look at
/// the event itself.
bool monitor_may_tell(std::string_view type_name) noexcept;

/// Appends the messages that say `x`, in their order.
void tell_monitor(const told_event& x, std::vector<monitor_message>& out);

/// `{id, executionId, tenantId, level, event, message, metadata, createdAt}`.
std::string log_entry(const monitor_message& x, const told_event& of,
                      const tenant_id& tenant);

} // namespace callboard
