#include "actors/model/event.hpp"
#include "transport/signalr/hub_methods.hpp"
#include "transport/signalr/hub_records.hpp"

#include <algorithm>
#include <optional>
#include <utility>

/// hub_methods: making executions, and telling again what became of them.
namespace callboard::signalr {

namespace {

constexpr std::size_t definitions_per_page = 1000;

/// Of a replay's chunk; what it becomes in this vocabulary is of like size.
constexpr std::size_t chunk_bytes = 64u << 10;

/// The id of the definition of that name in a page of definitions, and where
/// the next page begins.
struct definition_page {
  std::string found;
  std::string next_cursor;
};

std::string text_of(json::value object, std::string_view key) {
  auto x = object.find(key);
  return x && x->is(json::kind::string) ? x->string() : std::string{};
}

definition_page read_page(const std::string& text, const std::string& name) {
  json::document doc;
  if (!doc.reset(text))
    return {};
  auto items = doc.root().find("items");
  if (items)
    for (auto item : items->items())
      if (text_of(item, "name") == name)
        return {text_of(item, "id"), {}};
  return {{}, text_of(doc.root(), "next_cursor")};
}

/// The two forms of ExecuteWorkflow's arguments.
struct execution_arguments {
  std::string name;
  std::string input; ///< Raw JSON; empty: none.
};

result<execution_arguments> read_execution(std::optional<json::value> name,
                                           std::optional<json::value> input) {
  if (!name || name->is(json::kind::null))
    return fail(errc::invalid, "workflowName is missing");
  if (!name->is(json::kind::string))
    return fail(errc::invalid, "workflowName must be a string");
  execution_arguments out{name->string(), {}};
  if (out.name.find_first_not_of(" \t\r\n") == out.name.npos)
    return fail(errc::invalid, "workflowName is empty");
  if (!input || input->is(json::kind::null))
    return out;
  if (!input->is(json::kind::object))
    return fail(errc::invalid, "input must be an object");
  out.input = input->raw();
  return out;
}

} // namespace

// -- ExecuteWorkflow ----------------------------------------------------------

result<void> hub_methods::execute(const std::string& id, const arguments& xs) {
  if (xs.size() == 1 && !xs[0].is(json::kind::object))
    return fail(errc::invalid,
                "ExecuteWorkflow takes workflowName and input, or one object "
                "with both");
  auto wanted = xs.size() == 2 ? read_execution(xs[0], xs[1])
                               : read_execution(xs[0].find("workflowName"),
                                                xs[0].find("input"));
  if (!wanted)
    return tl::unexpected{std::move(wanted.error())};
  if (!who_.may_publish)
    return fail(errc::forbidden, "your token lacks the scope publish");
  auto project = who_.home_project();
  if (!project)
    return fail(errc::invalid, "your token reaches several projects or none, "
                               "and names no default_project to execute it in");
  if (!who_.reaches(*project))
    return fail(errc::forbidden,
                "your token does not reach project:" + project->value);
  find_definition({id, std::move(*project), std::move(wanted->name),
                   std::move(wanted->input)});
  return {};
}

/// A definition is meant by its id or by its name.
void hub_methods::find_definition(new_run x) {
  if (!valid_id(x.name))
    return search_definitions(std::move(x), {});
  query::definition question{{who_.tenant, x.project}, {x.name}};
  auto call = [&](const reply_address& to) {
    home_.target().ask(to, std::move(question));
  };
  ask(call, [this, x = std::move(x)](answer got) mutable {
    if (got.outcome) {
      x.definition = x.name;
      create(std::move(x));
    } else if (got.outcome.error().code == errc::not_found) {
      search_definitions(std::move(x), {});
    } else {
      refuse(x.invocation, got.outcome.error());
    }
  });
}

void hub_methods::search_definitions(new_run x, std::string cursor) {
  query::list_definitions question{
    {who_.tenant, x.project}, definitions_per_page, std::move(cursor)};
  auto call = [&](const reply_address& to) {
    home_.target().ask(to, std::move(question));
  };
  ask(call, [this, x = std::move(x)](answer got) mutable {
    auto* text
      = got.outcome ? std::get_if<document_answer>(&*got.outcome) : nullptr;
    if (text == nullptr)
      return refuse(x.invocation,
                    got.outcome ? problem{} : got.outcome.error());
    auto page = read_page(text->json, x.name);
    if (!page.next_cursor.empty())
      return search_definitions(std::move(x), std::move(page.next_cursor));
    x.definition = std::move(page.found);
    create(std::move(x));
  });
}

void hub_methods::create(new_run x) {
  command_request request;
  request.room = {who_.tenant, std::move(x.project)};
  auto& command = request.arguments;
  command.what = run_command::create;
  command.asked_by = who_.subject;
  command.run.value = new_uuid7();
  command.fields = R"({"workflow_name":)" + json::quoted(x.name);
  if (!x.definition.empty())
    command.fields
      += R"(,"workflow_definition_id":)" + json::quoted(x.definition);
  if (!x.input.empty())
    command.fields += R"(,"input":)" + x.input;
  command.fields += '}';
  auto run = command.run.value;
  auto call = [&](const reply_address& to) {
    home_.target().command(to, std::move(request));
  };
  ask(call, [this, id = std::move(x.invocation), run](answer got) {
    if (got.outcome)
      complete(id, json::quoted(run));
    else
      refuse(id, got.outcome.error());
  });
}

// -- ReplayExecution ----------------------------------------------------------

result<void> hub_methods::replay(const std::string& id, const arguments& xs) {
  auto run = run_argument(xs[0]);
  if (!run)
    return tl::unexpected{std::move(run.error())};
  auto since = xs[1].is(json::kind::number) ? xs[1].integer() : std::nullopt;
  if (!since || *since < 0)
    return fail(errc::invalid, "sinceSequence must be a number from 0");
  if (!who_.may_subscribe)
    return fail(errc::forbidden, "your token lacks the scope subscribe");
  auto after = event_seq{static_cast<std::uint64_t>(*since)};
  find_home(*run, [this, id, after, run = *run](result<project_id> project) {
    if (!project)
      return refuse(id, project.error());
    replays_.push_back({id, {who_.tenant, std::move(*project)}, run, after});
    go_on();
  });
  return {};
}

void hub_methods::go_on() {
  if (replays_.empty() || reading_ || stopped_
      || owner_.out.reply_bytes() > chunk_bytes)
    return;
  auto& x = replays_.front();
  history_request wanted{x.room, x.after, x.run, {}, chunk_bytes};
  reading_ = true;
  auto call = [&](const reply_address& to) {
    home_.target().history(to, std::move(wanted));
  };
  ask(call, [this](answer got) {
    reading_ = false;
    auto* chunk
      = got.outcome ? std::get_if<history_answer>(&*got.outcome) : nullptr;
    if (chunk != nullptr) {
      take(chunk->chunk);
    } else {
      auto ended = std::move(replays_.front());
      replays_.erase(replays_.begin());
      refuse(ended.invocation, got.outcome ? problem{} : got.outcome.error());
    }
    go_on();
  });
}

/// Only what was there when the replay began: later events come live.
void hub_methods::take(const history_chunk& chunk) {
  auto& x = replays_.front();
  if (x.until.value == 0)
    x.until = chunk.head;
  std::vector<std::string> said;
  for (auto& event : chunk.events) {
    if (event.seq <= x.after || event.seq > x.until)
      continue;
    said.clear();
    hub_records().say(event, said);
    x.sent += said.size();
    if (!said.empty())
      owner_.out.push_reply(outbound_frame::texts(said));
  }
  auto progress = chunk.through > x.after;
  x.after = std::max(x.after, chunk.through);
  owner_.wake();
  if (x.after < x.until && progress)
    return;
  auto ended = std::move(x);
  replays_.erase(replays_.begin());
  if (ended.after < ended.until)
    refuse(ended.invocation,
           {errc::unavailable, "the history is behind here; try again"});
  else
    complete(ended.invocation, std::to_string(ended.sent));
}

} // namespace callboard::signalr
