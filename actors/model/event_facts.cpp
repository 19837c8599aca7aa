#include "actors/model/event_facts.hpp"

#include "actors/model/definition_names.hpp"
#include "actors/model/json_text.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <span>

namespace callboard {
namespace {

using json::kind;

constexpr std::array<std::string_view, 10> run_fields{
  "name",     "workflow_name", "workflow_definition_id",
  "progress", "started_at",    "completed_at",
  "output",   "error_message", "metrics",
  "issues"};

constexpr std::array<std::string_view, 11> step_fields{
  "name",          "kind",    "started_at",   "completed_at",
  "output",        "metrics", "issues",       "metadata",
  "error_message", "attempt", "next_retry_at"};

using names_span = std::span<const std::string_view>;

/// What is said with a run's end, besides its workflow.
constexpr std::array<std::string_view, 6> of_run_end{
  "started_at", "completed_at", "output", "error_message", "metrics", "issues"};

constexpr std::array<std::string_view, 4> of_step_start{"name", "kind",
                                                        "metrics", "issues"};
constexpr std::array<std::string_view, 8> of_step_end{
  "name",    "started_at", "completed_at", "output",
  "metrics", "issues",     "metadata",     "error_message"};
constexpr std::array<std::string_view, 4> of_step_retry{
  "name", "attempt", "next_retry_at", "error_message"};
constexpr std::array<std::string_view, 1> of_step_wait{"name"};

names_span said_with(step_status x) noexcept {
  switch (x) {
  case step_status::pending:
    return {};
  case step_status::running:
    return of_step_start;
  case step_status::waiting:
    return of_step_wait;
  case step_status::retrying:
    return of_step_retry;
  case step_status::completed:
  case step_status::failed:
  case step_status::skipped:
  case step_status::cancelled:
    return of_step_end;
  }
  return {};
}

bool among(names_span names, std::string_view name) noexcept {
  return std::ranges::find(names, name) != names.end();
}

/// Completed and total as JSON numbers.
struct progress_text {
  std::string completed, total;
  friend bool operator==(const progress_text&, const progress_text&) = default;
};

void take_number(std::string& out, json::value object, std::string_view key) {
  if (auto x = object.find(key); x && x->is(kind::number))
    out = x->raw();
}

/// As the producer gives it; what it does not give is counted.
progress_text progress_of(const run_story& run, std::size_t steps) {
  progress_text out{std::to_string(run.done), std::to_string(steps)};
  const auto* given = run.fields.find("progress");
  if (given == nullptr)
    return out;
  json::document doc;
  if (!doc.reset(*given))
    return out;
  take_number(out.completed, doc.root(), "completed");
  take_number(out.total, doc.root(), "total");
  return out;
}

/// Writes facts. Members in the order of the calls.
class fact_writer {
public:
  void raw(std::string_view name, std::string_view value) {
    json::append_member(out_, name, value);
  }
  void text(std::string_view name, std::string_view value) {
    json::append_string_member(out_, name, value);
  }
  void number(std::string_view name, std::uint64_t value) {
    raw(name, std::to_string(value));
  }
  void progress(const progress_text& before, const progress_text& after) {
    if (before != after)
      raw("progress", "[" + after.completed + "," + after.total + "]");
  }

  /// Those of `kept` that `names` has and `body` has not.
  void fields(const field_map& kept, names_span names, json::value body,
              std::string_view input_request = {}) {
    std::string members{"{"};
    for (auto key : names)
      if (const auto* value = kept.find(key); value && !body.find(key))
        json::append_member(members, key, *value);
    if (!input_request.empty() && !body.find("input_request"))
      json::append_member(members, "input_request", input_request);
    if (members.size() > 1)
      raw("fields", members + "}");
  }

  std::string take() {
    return std::move(out_) + "}";
  }

private:
  std::string out_{"{"};
};

void keep(field_map& into, json::value body, names_span names) {
  std::string buffer;
  for (auto [key, val] : body.members()) {
    auto plain = key.plain_string();
    if (!plain)
      plain = buffer = key.string();
    if (!among(names, *plain))
      continue;
    if (val.is(kind::null))
      into.erase(*plain);
    else
      into.set(*plain, std::string{val.raw()});
  }
}

void keep_only_name(field_map& fields) {
  if (fields.fields().empty())
    return;
  field_map rest;
  if (const auto* name = fields.find("name"))
    rest.set("name", *name);
  fields = std::move(rest);
}

const std::string* text_of(const field_map& fields, std::string_view key) {
  const auto* raw = fields.find(key);
  return raw != nullptr && raw->starts_with('"') && raw->size() > 2 ? raw
                                                                    : nullptr;
}

/// What a run's workflow is called, as JSON string.
std::string workflow_of(const run_story& run, const definition_names* names) {
  if (const auto* own = text_of(run.fields, "workflow_name"))
    return *own;
  if (const auto* id = text_of(run.fields, "workflow_definition_id");
      id && names)
    if (auto name
        = names->find(std::string_view{*id}.substr(1, id->size() - 2)))
      return *name;
  if (const auto* name = text_of(run.fields, "name"))
    return *name;
  return "\"\"";
}

/// Bodies are parsed one at a time on each thread: nothing to allocate.
result<json::value> parsed(std::string_view body) {
  thread_local json::document doc;
  if (auto ok = doc.reset(body); !ok)
    return tl::unexpected<problem>{std::move(ok.error())};
  return doc.root();
}

void begin(fact_writer& out, run_story& run, const definition_names* names,
           bool names_workflow) {
  if (!run.begun)
    out.raw("begins", "true");
  if (!run.begun || names_workflow)
    out.raw("workflow", workflow_of(run, names));
  run.begun = true;
}

/// What a step's task does when the step goes to `to`.
std::string_view task_of(step_story& step, step_status to) noexcept {
  auto was_open = step.open;
  if (to == step_status::running && !was_open) {
    step.open = true;
    return "start";
  }
  if (!is_ended(to))
    return {};
  step.open = false;
  return was_open ? "end" : "both";
}

bool is_phase(step_status x) noexcept {
  return x == step_status::running || x == step_status::completed
         || x == step_status::failed;
}

} // namespace

bool is_told_of_run(std::string_view field) noexcept {
  return among(run_fields, field);
}

bool is_told_of_step(std::string_view field) noexcept {
  return among(step_fields, field);
}

bool is_told_of_ended_step(std::string_view field) noexcept {
  return field == "name";
}

bool may_go_on(step_status x) noexcept {
  return !is_ended(x) || x == step_status::failed;
}

bool is_done(step_status x) noexcept {
  return x == step_status::completed || x == step_status::skipped;
}

fact_marks read_marks(std::string_view facts, json::document& scratch) {
  fact_marks out;
  if (facts.size() <= 2 || !scratch.reset(facts))
    return out;
  for (auto [key, val] : scratch.root().members()) {
    auto name = key.raw();
    if (name == R"("phase")")
      out.phase = static_cast<std::uint64_t>(val.integer().value_or(0));
    else if (name == R"("begins")")
      out.begins = true;
    else if (name == R"("first")")
      out.first = true;
    else if (name == R"("was")")
      out.moved = true;
    else if (name == R"("task")")
      out.task = val.raw() == R"("start")" ? 1 : -1;
  }
  return out;
}

std::string run_facts(run_story& run, const run_passage& x,
                      std::string_view body, const definition_names* names) {
  auto changes = parsed(body);
  if (!changes)
    return "{}";
  fact_writer out;
  auto moved = x.from != x.to;
  if (moved)
    out.text("was", to_string(x.from));
  auto ends = moved && is_ended(x.to);
  if (!is_ended(x.from)) {
    auto before = progress_of(run, x.steps);
    keep(run.fields, *changes, run_fields);
    auto after = progress_of(run, x.steps);
    auto starts = moved && x.to == run_status::running && !run.ran;
    run.ran = run.ran || starts || ends;
    if (starts || ends)
      begin(out, run, names, true);
    if (starts) {
      out.raw("first", "true");
      out.raw("nodes", after.total);
    }
    out.progress(before, after);
  }
  if (ends) {
    out.number("phase", ++run.phases);
    if (x.to == run_status::failed && !run.failed_step.empty())
      out.text("failed_step", run.failed_step.value);
    out.fields(run.fields, of_run_end, *changes);
    run.fields = {};
  }
  return out.take();
}

std::string step_facts(run_story& run, step_story& step, const step_id& id,
                       const step_passage& x, std::string_view body,
                       const definition_names* names) {
  auto changes = parsed(body);
  if (!changes)
    return "{}";
  fact_writer out;
  auto moved = x.from != x.to;
  if (moved)
    out.text("was", to_string(x.from));
  keep(step.fields, *changes, step_fields);
  auto before = progress_of(run, x.steps_before);
  if (moved && is_done(x.to))
    ++run.done;
  if (moved && x.to == step_status::failed)
    run.failed_step = id;
  if (!is_ended(x.of_run)) {
    if (moved)
      if (auto task = task_of(step, x.to); !task.empty()) {
        begin(out, run, names, false);
        out.text("task", task);
      }
    out.progress(before, progress_of(run, x.steps));
  }
  if (moved && is_phase(x.to))
    out.number("phase", ++run.phases);
  auto asks = x.to == step_status::waiting && !x.input_request.empty()
              && (moved || changes->find("input_request"));
  if (asks)
    out.raw("asks", "true");
  if (moved || asks)
    out.fields(step.fields, said_with(x.to), *changes,
               asks ? x.input_request : std::string_view{});
  if (!may_go_on(x.to))
    keep_only_name(step.fields);
  return out.take();
}

std::string artifact_facts(run_story& run, std::string_view node) {
  fact_writer out;
  out.number("phase", ++run.phases);
  if (!node.empty())
    out.raw("node", node);
  return out.take();
}

shared_bytes shared_facts(std::string_view facts) {
  static const shared_bytes nothing_new
    = std::make_shared<const std::string>("{}");
  if (facts.empty())
    return nullptr;
  if (facts == *nothing_new)
    return nothing_new;
  return std::make_shared<const std::string>(facts);
}

void add_reason(std::string& facts, std::string_view reason) {
  facts.pop_back(); // the closing brace
  json::append_string_member(facts, "reason", reason);
  facts += '}';
}

std::size_t held_bytes(const field_map& x) noexcept {
  auto out = x.fields().capacity() * sizeof(field_map::field);
  for (const auto& [key, raw] : x.fields())
    for (const auto* text : {&key, &raw})
      if (text->capacity() > 15) // not inside the string itself
        out += text->capacity() + 1;
  return out;
}

} // namespace callboard
