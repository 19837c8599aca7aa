#include "transport/routes.hpp"

#include <algorithm>
#include <array>

namespace callboard {

namespace {

#define RUN "/v1/projects/{project_id}/runs/{run_id}"
#define DEFINITIONS "/v1/projects/{project_id}/definitions"
#define CLUSTER "/v1/admin/cluster"

/// The whole HTTP interface; the busiest first.
constexpr std::array routes{
  route{
    "POST", "/v1/projects/{project_id}/events", access::publish, publish_events,
    "Publish one event, an array of events, or NDJSON", "",
    R"({"type":"workflow:execution:updated","data":{"execution_id":"e1","changes":{"status":"running"}}})"},
  route{"GET", "/v1/projects/{project_id}/events", access::subscribe,
        read_history, "The history of the project's room",
        "since limit cursor types execution"},
  route{"GET", "/v1/projects/{project_id}/runs", access::subscribe, list_runs,
        "List runs", "status definition order limit cursor"},
  route{"POST", "/v1/projects/{project_id}/runs", access::publish, create_run,
        "Create a run", "",
        R"({"name":"nightly","workflow_definition_id":"build"})"},
  route{"GET", RUN, access::subscribe, read_run,
        "Everything about a run, true at `room_seq`"},
  route{"GET", RUN "/logs", access::subscribe, list_run_logs,
        "The run's execution log, oldest first", "level since limit cursor"},
  route{"GET", RUN "/events", access::subscribe, list_run_events,
        "The run's timeline, oldest first", "limit cursor"},
  route{"GET", RUN "/artifacts", access::subscribe, list_run_artifacts,
        "The run's artifacts, oldest first", "limit cursor"},
  route{"POST", RUN "/pause", access::publish, pause_run, "Pause a run", "",
        R"({"reason":"checking"})"},
  route{"POST", RUN "/resume", access::publish, resume_run,
        "Resume a paused run", "", R"({"reason":"checked"})"},
  route{"POST", RUN "/cancel", access::publish, cancel_run, "Cancel a run", "",
        R"({"reason":"not needed"})"},
  route{"POST", RUN "/retry", access::publish, retry_run,
        "Make a new run from one that has ended", "",
        R"({"reason":"once more"})"},
  route{"POST", RUN "/steps/{step_id}/input", access::publish, answer_step,
        "Answer a step that waits for input", "", R"({"value":"yes"})"},
  route{
    "POST", "/v1/projects/{project_id}/queue/{queue}/take", access::publish,
    take_queued_run,
    "Take the oldest pending run of a workflow, with a lease; waits for one",
    "wait worker"},
  route{"POST", RUN "/lease/heartbeat", access::publish, renew_run_lease,
        "Keep a run that was taken", "", R"({"lease":"1.1.…"})"},
  route{"POST", RUN "/lease/release", access::publish, release_run_lease,
        "Give a run back that was taken", "",
        R"({"lease":"1.1.…","reason":"shutting down"})"},
  route{"GET", DEFINITIONS, access::subscribe, list_definitions,
        "List workflow definitions", "limit cursor"},
  route{"PUT", DEFINITIONS "/{definition_id}", access::publish, put_definition,
        "Set a workflow's name and phases", "",
        R"({"name":"Build","phases":["fetch","make"]})"},
  route{"GET", DEFINITIONS "/{definition_id}", access::subscribe,
        read_definition, "Read a workflow definition"},
  route{"DELETE", DEFINITIONS "/{definition_id}", access::publish,
        delete_definition, "Delete a workflow definition"},
  route{"GET", "/v1/projects", access::subscribe, list_projects,
        "The tenant's projects", "limit cursor"},
  route{"GET", "/v1/admin/actors", access::operate, list_actors, "Live actors",
        "kind limit cursor"},
  route{"GET", "/v1/admin/actors/{kind}/{actor_id...}", access::operate,
        read_actor, "One actor and its state"},
  route{"GET", "/v1/admin/sessions", access::operate, list_all_sessions,
        "Connections of all nodes, by `{node}:{number}`", "limit cursor"},
  route{"DELETE", "/v1/admin/sessions/{session_id}", access::operate,
        delete_session, "Close a connection"},
  route{"GET", "/v1/admin/storage", access::operate, read_storage,
        "Sizes of the stores"},
  route{"POST", "/v1/admin/drain", access::operate, start_drain,
        "Send viewers elsewhere, then stop"},
  route{"GET", CLUSTER, access::operate, read_cluster,
        "Nodes, shards and their replicas"},
  route{"POST", CLUSTER "/nodes", access::operate, add_cluster_node,
        "Take a node in that is linked and belongs to no cluster", "",
        R"({"node":"node-4"})"},
  route{"DELETE", CLUSTER "/nodes/{node}", access::operate, remove_cluster_node,
        "Move a node's replicas away, then let it go"},
  route{"POST", CLUSTER "/rebalance", access::operate, rebalance_cluster,
        "Spread replicas and leaders evenly"},
  route{"POST", CLUSTER "/shards/{shard}/transfer", access::operate,
        transfer_shard, "Let a node lead a shard now", "",
        R"({"node":"node-2"})"},
  route{"PUT", CLUSTER "/shards/{shard}/pin", access::operate, pin_shard,
        "Let a node lead a shard and keep it", "", R"({"node":"node-2"})"},
  route{"DELETE", CLUSTER "/shards/{shard}/pin", access::operate, unpin_shard,
        "Let a shard be led by any node again"},
  route{"GET", "/v1/admin/openapi.json", access::operate, read_openapi,
        "This document"},
  route{"GET", "/healthz", access::open, read_health, "Alive"},
  route{"GET", "/readyz", access::open, read_readiness, "Ready to serve"},
  route{"GET", "/metrics", access::operate, read_metrics, "Prometheus metrics"},
};

#undef RUN
#undef DEFINITIONS
#undef CLUSTER

/// Takes the first segment off a pattern (which begins with '/').
std::string_view next_segment(std::string_view& pattern) noexcept {
  pattern.remove_prefix(1);
  auto segment = pattern.substr(0, pattern.find('/'));
  pattern.remove_prefix(segment.size());
  return segment;
}

std::string joined(const std::vector<std::string>& segments, std::size_t from) {
  std::string out;
  for (auto i = from; i < segments.size(); ++i)
    out += (i == from ? "" : "/") + segments[i];
  return out;
}

bool matches(std::string_view pattern, const std::vector<std::string>& segments,
             path_values* values) {
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (pattern.empty())
      return false;
    auto part = next_segment(pattern);
    if (!part.starts_with('{')) {
      if (part != segments[i])
        return false;
      continue;
    }
    if (segments[i].empty())
      return false;
    auto name = part.substr(1, part.size() - 2);
    bool rest = name.ends_with("...");
    if (rest)
      name.remove_suffix(3);
    if (values != nullptr)
      values->values.emplace_back(name,
                                  rest ? joined(segments, i) : segments[i]);
    if (rest)
      return true;
  }
  return pattern.empty();
}

std::string_view scope_name(access x) noexcept {
  switch (x) {
  case access::open:
    return "";
  case access::publish:
    return "publish";
  case access::subscribe:
    return "subscribe";
  case access::operate:
    return "operate";
  }
  return "";
}

bool allowed(access needs, const principal& who) noexcept {
  switch (needs) {
  case access::open:
    return true;
  case access::publish:
    return who.may_publish;
  case access::subscribe:
    return who.may_subscribe;
  case access::operate:
    return who.may_operate;
  }
  return false;
}

} // namespace

std::span<const route> all_routes() noexcept {
  return routes;
}

pace pace_of(const route& x) noexcept {
  if (x.method == "GET")
    return pace::read;
  return x.function == publish_events ? pace::publish : pace::alone;
}

tl::expected<routed, refusal> find_route(std::string_view method,
                                         std::string_view target) {
  auto parsed = request_target::parse(target);
  if (!parsed)
    return tl::unexpected{refusal{parsed.error()}};
  auto wanted = method == "HEAD" ? std::string_view{"GET"} : method;
  std::string allow;
  for (auto& x : routes) {
    if (!matches(x.pattern, parsed->segments, nullptr))
      continue;
    if (x.method == wanted) {
      routed out{&x, std::move(*parsed), {}};
      matches(x.pattern, out.target.segments, &out.path);
      return out;
    }
    if (!allow.empty())
      allow += ", ";
    allow += x.method == "GET" ? std::string_view{"GET, HEAD"} : x.method;
  }
  if (allow.empty())
    return tl::unexpected{refusal{{errc::not_found, "there is no such call"}}};
  return tl::unexpected{refusal{
    {errc::method_not_allowed, "this path allows " + allow}, std::move(allow)}};
}

result<void> check_access(const routed& x, const principal& who) {
  if (!allowed(x.to->needs, who))
    return fail(errc::forbidden, "the token's scope lacks \""
                                   + std::string{scope_name(x.to->needs)}
                                   + "\", which this call needs");
  for (auto& [name, value] : x.path.values) {
    bool checked = name == "project_id" || name == "run_id" || name == "step_id"
                   || name == "definition_id";
    if (checked && !valid_id(value))
      return fail(errc::invalid,
                  std::string{name}
                    + " in the path must have 1 to 128 of "
                      "A-Z a-z 0-9 . _ : -",
                  "/" + std::string{name});
  }
  auto project = x.path.find("project_id");
  if (project != nullptr && !who.reaches({*project}))
    return fail(errc::forbidden, "the token does not reach this project");
  return {};
}

} // namespace callboard
