#include "storage/entry.hpp"
#include "storage/json_writer.hpp"
#include "storage/run_events.hpp"
#include "storage/state_keys.hpp"
#include "storage/state_queries.hpp"
#include "storage/state_reads.hpp"

#include <algorithm>
#include <map>

namespace callboard::queries {

namespace {

/// The timeline of a detail ends, truncated, at this many bytes.
constexpr std::size_t max_timeline_bytes = 16u << 20;

constexpr std::string_view run_fields[]
  = {"name",          "status",     "current_phase", "workflow_definition_id",
     "workflow_name", "input",      "output",        "error_message",
     "progress",      "created_at", "started_at",    "completed_at"};

constexpr std::string_view step_fields[]
  = {"name",          "kind",          "phase",         "status",
     "attempt",       "next_retry_at", "input_request", "output",
     "error_message", "metrics",       "issues",        "metadata",
     "created_at",    "started_at",    "completed_at"};

/// Members of a detail that are not fields of the run: a producer's field of
/// such a name cannot be shown beside them.
constexpr std::string_view run_members[]
  = {"id",     "project_id",       "workflow_definition", "steps",
     "events", "events_truncated", "artifacts",           "counters",
     "_count", "room_seq"};

/// Likewise of a run for workers.
constexpr std::string_view worker_run_members[]
  = {"id",        "project_id", "workflow_definition",
     "steps",     "events",     "events_truncated",
     "artifacts", "counters",   "_count",
     "room_seq",  "dispatch"};

constexpr std::string_view step_members[] = {"id"};

template <std::size_t N>
bool contains(const std::string_view (&names)[N], std::string_view name) {
  return std::ranges::find(names, name) != std::end(names);
}

/// Everything that one scan over the rows of a run yields.
struct run_contents {
  std::optional<rows::run> header;
  rows::tally tally;
  std::vector<std::pair<std::string, rows::step>> steps;
  std::vector<std::string> artifacts;
  std::vector<std::pair<std::string, std::string>> counters;
  std::map<std::string, std::string, std::less<>> large; // by step, zero, field
};

template <class T, class U>
result<void> take(result<T> decoded, U& into) {
  if (!decoded)
    return tl::unexpected{decoded.error()};
  into = std::move(*decoded);
  return {};
}

result<void> add_row(run_contents& out, std::string_view key,
                     std::string_view value) {
  if (key.empty())
    return fail(errc::internal,
                "a key of a run is too short; the store is damaged");
  auto rest = std::string{key.substr(1)};
  switch (static_cast<keys::run_part>(key.front())) {
  case keys::run_part::header:
    return take(rows::decode_run(value), out.header);
  case keys::run_part::tally:
    return take(rows::decode_tally(value), out.tally);
  case keys::run_part::step:
    return take(rows::decode_step(value),
                out.steps.emplace_back(std::move(rest), rows::step{}).second);
  case keys::run_part::artifact_place: // in their order
    out.artifacts.emplace_back(value);
    return {};
  case keys::run_part::counter:
    out.counters.emplace_back(std::move(rest), value);
    return {};
  case keys::run_part::large:
    out.large.emplace(std::move(rest), value);
    return {};
  case keys::run_part::artifact:
    return {};
  }
  return fail(errc::internal,
              "a row of a run is of no known kind; the store is "
              "damaged or of a newer program");
}

result<run_contents> read_run(const state_view& at, shard_id shard,
                              const query::run_detail& q) {
  run_contents out;
  key_scan scan{at, family::rows,
                keys::run_rows(shard, keys::ref(q.room), q.run.value)};
  for (scan.seek_first(); scan.valid(); scan.next())
    if (auto added = add_row(out, scan.suffix(), scan.value()); !added)
      return tl::unexpected{added.error()};
  if (auto done = scan.check(); !done)
    return tl::unexpected{done.error()};
  if (!out.header)
    return fail(errc::not_found, "no run \"" + q.run.value + "\" in project \""
                                   + q.room.project.value + "\"");
  std::ranges::sort(out.steps, {}, [](auto& x) { return x.second.place; });
  return out;
}

/// Writes known fields in their order, null where unset, then the others.
class field_writer {
public:
  field_writer(json_writer& members, const run_contents& run,
               std::string_view step)
      : members_{members}, run_{run}, step_{step} {
    // nop
  }

  template <std::size_t N, std::size_t M>
  result<void> write(const field_map& fields,
                     const std::string_view (&known)[N],
                     const std::string_view (&taken)[M]) {
    for (auto key : known) {
      auto* raw = rows::set_field(fields, key);
      if (auto done = put(key, raw != nullptr ? *raw : std::string_view{});
          !done)
        return done;
    }
    for (auto& [key, raw] : fields.fields())
      if (!raw.empty() && !contains(known, key) && !contains(taken, key))
        if (auto done = put(key, raw); !done)
          return done;
    return {};
  }

private:
  result<void> put(std::string_view key, std::string_view raw) {
    if (raw == rows::large_marker) {
      auto at = run_.large.find(step_ + '\0' + std::string{key});
      if (at == run_.large.end())
        return fail(errc::internal, "the value of \"" + std::string{key}
                                      + "\" is missing; the store is damaged");
      raw = at->second;
    }
    members_.raw(key, raw);
    return {};
  }

  json_writer& members_;
  const run_contents& run_;
  std::string step_; // empty: the run's own fields
};

result<void> write_steps(std::string& out, const run_contents& run) {
  out.push_back('[');
  for (auto& [id, row] : run.steps) {
    out.append(&row == &run.steps.front().second ? "{" : ",{");
    json_writer members{out};
    members.text("id", id);
    field_writer fields{members, run, id};
    if (auto done = fields.write(row.fields, step_fields, step_members); !done)
      return done;
    out.push_back('}');
  }
  out.push_back(']');
  return {};
}

/// The latest events of the timeline, oldest first; whether there are more.
result<bool> write_events(std::string& out, const state_view& at,
                          shard_id shard, const query::run_detail& q) {
  auto room = keys::ref(q.room);
  run_events scan{at, shard, room, q.run.value, timeline_events};
  std::vector<std::pair<event_seq, std::string>> latest; // newest first
  std::size_t bytes = 0;
  rocksdb::PinnableSlice value;
  for (scan.start_at_end(); scan.valid() && latest.size() < q.max_events
                            && bytes < max_timeline_bytes;
       scan.advance()) {
    auto found
      = at.get(family::events, keys::event(shard, room, scan.seq()), value);
    if (!found)
      return tl::unexpected{found.error()};
    auto event = decode_record(view(value));
    if (!event)
      return tl::unexpected{event.error()};
    bytes += event->body.size();
    latest.emplace_back(scan.seq(), event->body);
  }
  if (auto done = scan.check(); !done)
    return tl::unexpected{done.error()};
  out.push_back('[');
  for (std::size_t i = latest.size(); i-- > 0;) {
    append_event(out, latest[i].first, latest[i].second);
    if (i > 0)
      out.push_back(',');
  }
  out.push_back(']');
  return scan.valid();
}

result<std::string> workflow_of(const state_view& at, shard_id shard,
                                const query::run_detail& q,
                                const field_map& fields) {
  auto room = keys::ref(q.room);
  auto definition
    = definition_fields(at, shard, room, rows::listed_definition(fields));
  if (!definition)
    return tl::unexpected{definition.error()};
  auto name
    = reads::field(at, shard, room, q.run.value, {}, fields, "workflow_name");
  if (!name)
    return name;
  return workflow_definition(*definition, *name);
}

/// Where a run for workers is: `{queue, state, attempt, term, worker,
/// expires_at}`.
void write_dispatch(json_writer& members, const rows::run& run,
                    const query::run_detail& q) {
  auto& x = *run.dispatch;
  auto& out = members.key("dispatch");
  out.push_back('{');
  json_writer inner{out};
  inner.text("queue", x.queue);
  inner.text("state", rows::is_queued(run)   ? "queued"
                      : rows::is_leased(run) ? "leased"
                      : is_ended(run.status) ? "ended"
                                             : "left");
  inner.number("attempt", x.attempt);
  inner.number("term", x.term);
  if (!x.worker.empty())
    inner.text("worker", x.worker);
  if (rows::is_leased(run) && q.lease_expires_ms)
    inner.text("expires_at", iso8601(*q.lease_expires_ms));
  out.push_back('}');
}

void write_counts(json_writer& members, const run_contents& run) {
  auto& artifacts = members.key("artifacts");
  artifacts.push_back('[');
  for (auto& artifact : run.artifacts)
    artifacts.append(&artifact == &run.artifacts.front() ? "" : ",")
      .append(artifact);
  artifacts.push_back(']');
  auto& counters = members.key("counters");
  counters.push_back('{');
  json_writer sums{counters};
  for (auto& [name, sum] : run.counters)
    sums.raw(name, sum);
  counters.push_back('}');
  auto& counts = members.key("_count");
  counts.push_back('{');
  json_writer numbers{counts};
  numbers.number("steps", run.tally.steps);
  numbers.number("events", run.tally.events);
  numbers.number("artifacts", run.tally.artifacts);
  counts.push_back('}');
}

} // namespace

result<std::string> run_detail(const state_view& at, const query::run_detail& q,
                               shard_id shard) {
  auto run = read_run(at, shard, q);
  if (!run)
    return tl::unexpected{run.error()};
  auto room = reads::room(at, shard, keys::ref(q.room));
  if (!room)
    return tl::unexpected{room.error()};
  auto workflow = workflow_of(at, shard, q, run->header->fields);
  if (!workflow)
    return workflow;
  std::string out = "{";
  json_writer members{out};
  members.text("id", q.run.value);
  members.text("project_id", q.room.project.value);
  field_writer fields{members, *run, {}};
  auto& known = run->header->fields;
  if (auto done = run->header->dispatch
                    ? fields.write(known, run_fields, worker_run_members)
                    : fields.write(known, run_fields, run_members);
      !done)
    return tl::unexpected{done.error()};
  members.raw("workflow_definition", *workflow);
  if (auto done = write_steps(members.key("steps"), *run); !done)
    return tl::unexpected{done.error()};
  auto more = write_events(members.key("events"), at, shard, q);
  if (!more)
    return tl::unexpected{more.error()};
  members.raw("events_truncated", *more ? "true" : "false");
  write_counts(members, *run);
  if (run->header->dispatch)
    write_dispatch(members, *run->header, q);
  members.number("room_seq", *room ? (*room)->head.value : 0);
  out.push_back('}');
  return out;
}

} // namespace callboard::queries
