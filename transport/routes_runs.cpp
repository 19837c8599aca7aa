#include "transport/routes.hpp"

#include <algorithm>
#include <array>

namespace callboard {

namespace {

constexpr std::size_t max_type_patterns = 64;

/// What `create` may not set: the run's own course decides about it.
constexpr std::array<std::string_view, 8> not_at_creation{
  "status",       "output",     "error_message", "progress",
  "completed_at", "started_at", "retry_of",      "created_at"};

result<std::vector<run_status>> statuses(const request_target& target) {
  std::vector<run_status> out;
  for (auto& word : list_parameter(target, "status")) {
    auto status = parse_run_status(word);
    if (!status)
      return fail(errc::invalid,
                  "query parameter status must name pending, running, paused, "
                  "completed, failed or cancelled",
                  "/status");
    out.push_back(*status);
  }
  return out;
}

result<query::order> order(const request_target& target) {
  auto text = target.find("order");
  if (text == nullptr || *text == "desc" || *text == "newest"
      || *text == "-created_at")
    return query::order::newest_first;
  if (*text == "asc" || *text == "oldest" || *text == "created_at")
    return query::order::oldest_first;
  return fail(errc::invalid, "query parameter order must be desc or asc",
              "/order");
}

result<plan> list_part(const call& x, query::run_part part) {
  auto limit = page_limit(x.target);
  if (!limit)
    return tl::unexpected{limit.error()};
  auto cursor = page_cursor(x.target);
  if (!cursor)
    return tl::unexpected{cursor.error()};
  return plan{query::any{query::run_page{
    x.room(), {x.path["run_id"]}, part, *limit, std::move(*cursor)}}};
}

/// A time as ISO 8601 or as milliseconds since the Unix epoch.
result<std::optional<std::int64_t>> time_parameter(const request_target& target,
                                                   std::string_view name) {
  auto text = target.find(name);
  if (text == nullptr)
    return std::nullopt;
  if (auto time = parse_iso8601(*text))
    return time;
  auto number = number_parameter(target, name, 0);
  if (!number || *number > static_cast<std::uint64_t>(INT64_MAX))
    return fail(errc::invalid,
                "query parameter " + std::string{name}
                  + " must be a time in ISO 8601 such as "
                    "2026-01-02T03:04:05.678Z, or milliseconds since 1970",
                "/" + std::string{name});
  return static_cast<std::int64_t>(*number);
}

result<void> check_new_run(json::value body) {
  for (auto name : not_at_creation)
    if (body.find(name))
      return fail(errc::invalid,
                  std::string{name}
                    + " cannot be given to a new run; publish it",
                  "/" + std::string{name});
  for (std::string_view name : {"name", "workflow_name"})
    if (auto field = body.find(name);
        field && !field->is(json::kind::string) && !field->is(json::kind::null))
      return fail(errc::invalid, std::string{name} + " must be a string",
                  "/" + std::string{name});
  for (std::string_view name : {"id", "workflow_definition_id"})
    if (auto field = body.find(name);
        field && !field->is(json::kind::null)
        && (!field->is(json::kind::string) || !valid_id(field->string())))
      return fail(errc::invalid,
                  std::string{name}
                    + " must be a string of 1 to 128 of A-Z a-z 0-9 . _ : -",
                  "/" + std::string{name});
  return {};
}

} // namespace

result<plan> read_history(const call& x) {
  // `next_cursor` of such a page is a position, as `since` is.
  auto since = number_parameter(x.target, "since", 0);
  if (since && x.target.find("cursor") != nullptr)
    since = number_parameter(x.target, "cursor", 0);
  if (!since)
    return tl::unexpected{since.error()};
  auto limit = page_limit(x.target);
  if (!limit)
    return tl::unexpected{limit.error()};
  auto types = list_parameter(x.target, "types");
  if (types.size() > max_type_patterns)
    return fail(errc::invalid, "query parameter types may name 64 patterns",
                "/types");
  std::optional<run_id> run;
  if (auto id = x.target.find("execution")) {
    if (!valid_id(*id))
      return fail(errc::invalid, "query parameter execution must be a run's id",
                  "/execution");
    run = run_id{*id};
  }
  return plan{query::any{query::room_events{
    x.room(), {*since}, std::move(types), std::move(run), *limit}}};
}

result<plan> list_runs(const call& x) {
  query::list_runs out{x.room(), {}, {}, query::order::newest_first, 50, {}};
  auto wanted = statuses(x.target);
  if (!wanted)
    return tl::unexpected{wanted.error()};
  out.statuses = std::move(*wanted);
  if (auto id = x.target.find("definition")) {
    if (!valid_id(*id))
      return fail(errc::invalid,
                  "query parameter definition must be a definition's id",
                  "/definition");
    out.definition = definition_id{*id};
  }
  auto sort = order(x.target);
  if (!sort)
    return tl::unexpected{sort.error()};
  out.sort = *sort;
  auto limit = page_limit(x.target);
  if (!limit)
    return tl::unexpected{limit.error()};
  out.limit = *limit;
  auto cursor = page_cursor(x.target);
  if (!cursor)
    return tl::unexpected{cursor.error()};
  out.cursor = std::move(*cursor);
  return plan{query::any{std::move(out)}};
}

result<plan> create_run(const call& x) {
  auto body = json_object_body(x);
  if (!body)
    return tl::unexpected{body.error()};
  command_request out;
  out.room = x.room();
  out.arguments.what = run_command::create;
  out.arguments.asked_by = x.who.subject;
  auto& fields = out.arguments.fields;
  fields = "{";
  if (*body) {
    if (auto ok = check_new_run(**body); !ok)
      return tl::unexpected{ok.error()};
    for (auto [key, value] : (*body)->members()) {
      if (value.is(json::kind::null))
        continue; // as if it was left out
      if (auto name = key.string(); name == "id") {
        out.arguments.run.value = value.string();
        continue;
      }
      fields += fields.size() > 1 ? "," : "";
      fields += key.raw();
      fields += ':';
      fields += value.raw();
    }
  }
  fields += '}';
  if (out.arguments.run.empty())
    out.arguments.run.value = new_uuid7();
  return plan{std::move(out)};
}

result<plan> read_run(const call& x) {
  query::run_detail out;
  out.room = x.room();
  out.run = {x.path["run_id"]};
  return plan{query::any{std::move(out)}};
}

result<plan> list_run_logs(const call& x) {
  auto out = list_part(x, query::run_part::logs);
  if (!out)
    return out;
  auto since = time_parameter(x.target, "since");
  if (!since)
    return tl::unexpected{since.error()};
  auto& page = std::get<query::run_page>(std::get<query::any>(out->what));
  page.levels = list_parameter(x.target, "level");
  page.since_ms = *since;
  return out;
}

result<plan> list_run_events(const call& x) {
  return list_part(x, query::run_part::events);
}

result<plan> list_run_artifacts(const call& x) {
  return list_part(x, query::run_part::artifacts);
}

} // namespace callboard
