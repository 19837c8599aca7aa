#pragma once

#include "transport/call.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace callboard {

/// What a token needs for a call.
enum class access : std::uint8_t { open, publish, subscribe, operate };

/// Which calls of one connection may be under way together: reads with reads,
/// publishing with publishing (the engine keeps the order of a room), and
/// nothing with the others (RFC 9112, 9.3.2).
enum class pace : std::uint8_t { read, publish, alone };

/// One call of contract 1.
struct route {
  std::string_view method;  ///< GET serves HEAD too.
  std::string_view pattern; ///< `{name}` is one segment, `{name...}` the rest.
  access needs;
  result<plan> (*function)(const call&);
  std::string_view summary;      ///< For the OpenAPI document.
  std::string_view query = {};   ///< Names of query parameters, with spaces.
  std::string_view request = {}; ///< The request body's example; empty: none.
};

std::span<const route> all_routes() noexcept;

pace pace_of(const route& x) noexcept;

/// A request that has a route.
struct routed {
  const route* to = nullptr;
  request_target target;
  path_values path;
};

/// Why there is no route, or it may not be used.
struct refusal {
  problem why;
  std::string allow = {}; ///< For 405.
};

/// errc::not_found, errc::method_not_allowed, errc::invalid.
tl::expected<routed, refusal> find_route(std::string_view method,
                                         std::string_view target);

/// Whether the route may be used by `who`, and the ids in the path are ids.
result<void> check_access(const routed& x, const principal& who);

/// The calls, by file.
result<plan> publish_events(const call&); // routes_publish.cpp
result<plan> read_history(const call&);   // routes_runs.cpp from here
result<plan> list_runs(const call&);
result<plan> create_run(const call&);
result<plan> read_run(const call&);
result<plan> list_run_logs(const call&);
result<plan> list_run_events(const call&);
result<plan> list_run_artifacts(const call&);
result<plan> pause_run(const call&); // routes_commands.cpp from here
result<plan> resume_run(const call&);
result<plan> cancel_run(const call&);
result<plan> retry_run(const call&);
result<plan> answer_step(const call&);
result<plan> take_queued_run(const call&); // routes_dispatch.cpp from here
result<plan> renew_run_lease(const call&);
result<plan> release_run_lease(const call&);
result<plan> put_definition(const call&); // routes_definitions.cpp from here
result<plan> read_definition(const call&);
result<plan> delete_definition(const call&);
result<plan> list_definitions(const call&);
result<plan> list_projects(const call&);
result<plan> list_actors(const call&); // routes_admin.cpp from here
result<plan> read_actor(const call&);
result<plan> list_all_sessions(const call&);
result<plan> delete_session(const call&);
result<plan> read_storage(const call&);
result<plan> start_drain(const call&);
result<plan> read_openapi(const call&);
result<plan> read_cluster(const call&); // routes_cluster.cpp from here
result<plan> add_cluster_node(const call&);
result<plan> remove_cluster_node(const call&);
result<plan> rebalance_cluster(const call&);
result<plan> transfer_shard(const call&);
result<plan> pin_shard(const call&);
result<plan> unpin_shard(const call&);
result<plan> read_health(const call&); // routes_admin.cpp
result<plan> read_readiness(const call&);
result<plan> read_metrics(const call&);

} // namespace callboard
