#pragma once

#include "actors/engine.hpp"
#include "actors/model/ids.hpp"
#include "actors/model/json.hpp"
#include "actors/model/problem.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// The frames of contract 1 that are not events, as text. Pure. `ref` is the
/// raw JSON that the client sent along, echoed as it was; empty: none.
namespace callboard::native {

inline constexpr std::string_view protocol_name = "callboard.v1";

/// `id`: a version 4 UUID; `session`: as operators name the connection.
std::string connected(std::string_view id, std::uint64_t session,
                      std::string_view node);
std::string subscribed(std::string_view room, event_seq head,
                       std::uint64_t epoch, std::string_view ref);
std::string unsubscribed(std::string_view room, std::string_view ref);
/// The server's own doing; `reason` is an error code such as "forbidden".
std::string unsubscribed_because(std::string_view room,
                                 std::string_view reason);
std::string lagged(std::string_view room, event_seq from);
std::string resync(std::string_view room, event_seq oldest);
std::string error(const problem& why, std::string_view ref);
std::string published(const std::vector<publish_result>& results,
                      std::string_view ref);
/// `result` is a raw JSON document, or empty.
std::string done(std::string_view result, std::string_view ref);
/// `result`: `{"lease","run"}` raw, or empty when there was none.
std::string taken(std::string_view result, std::string_view ref);
std::string authenticated(std::string_view ref);
std::string pong(std::string_view ref);
std::string expiring(std::chrono::seconds in);
std::string goaway(std::chrono::milliseconds reconnect_in);

/// A room as clients name it.
struct project_room {
  project_id id;
};
struct run_room {
  run_id id;
};
struct tenant_room {
  tenant_id id;
};
using named_room = std::variant<project_room, run_room, tenant_room>;

/// errc::invalid (pointer "/room") for anything else than `project:{id}`,
/// `execution:{id}` or `tenant:{id}`.
result<named_room> parse_room(std::string_view name);

/// Members of a client's frame. All errors are errc::invalid with the member's
/// pointer.
result<std::string> text_member(json::value frame, std::string_view key);
result<std::optional<std::string>> optional_text(json::value frame,
                                                 std::string_view key);
/// An id, checked by valid_id().
result<std::optional<std::string>> optional_id(json::value frame,
                                               std::string_view key);
result<std::optional<event_seq>> optional_seq(json::value frame,
                                              std::string_view key);
/// Type patterns: at most 64 non-empty strings.
result<std::vector<std::string>> optional_types(json::value frame);

/// Checks type patterns, from a frame or a query parameter.
result<void> check_types(const std::vector<std::string>& types);

} // namespace callboard::native
