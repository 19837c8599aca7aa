#include "actors/model/object_writer.hpp"
#include "actors/model/told_event.hpp"
#include "transport/vocabularies/vocabulary.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

// Contract 2. Choices where it is silent are in
// docs/vocabularies/node-events.md.

namespace callboard {

namespace {

using json::object_writer;

std::string_view or_else(std::string_view raw,
                         std::string_view otherwise) noexcept {
  return raw.empty() ? otherwise : raw;
}

class node_vocabulary : public vocabulary {
public:
  std::string_view name() const noexcept override {
    return "node-events";
  }

  std::size_t index() const noexcept override {
    return 0;
  }

  void say(const posted_event& event,
           std::vector<std::string>& out) const override;
};

object_writer start(const told_event& x, std::string_view type) {
  object_writer out;
  out.text("type", type).number("timestamp", x.ts_ms()).text("eventId", x.id());
  if (!x.run().empty())
    out.text("executionId", x.run());
  return out;
}

object_writer of_node(const told_event& x, std::string_view type) {
  auto out = start(x, type);
  out.text("nodeId", x.step());
  return out;
}

// -- runs
// ----------------------------------------------------------------------

std::string plain(const told_event& x, std::string_view type) {
  auto out = start(x, type);
  if (auto reason = x.reason(); !reason.empty())
    out.raw("reason", reason);
  return out.take();
}

std::string started(const told_event& x) {
  auto out = start(x, "execution:started");
  out.raw("workflowName", x.workflow()).raw("totalNodes", x.nodes());
  return out.take();
}

std::string completed(const told_event& x) {
  auto out = start(x, "execution:completed");
  out.text("status", "completed")
    .raw("outputs", or_else(x.field("output"), "{}"))
    .number("duration", x.duration_ms());
  return out.take();
}

std::string failed(const told_event& x) {
  auto out = start(x, "execution:failed");
  out.text("status", "failed")
    .raw("error", or_else(x.field("error_message"), R"("")"));
  if (auto node = x.failed_step(); !node.empty())
    out.raw("failedNodeId", node);
  return out.take();
}

std::string passage(const told_event& x, run_status to) {
  switch (to) {
  case run_status::pending: // back in its queue
    return {};
  case run_status::running:
    if (x.is_first_start())
      return started(x);
    return x.resumes() ? plain(x, "execution:resumed") : std::string{};
  case run_status::paused:
    return plain(x, "execution:paused");
  case run_status::completed:
    return completed(x);
  case run_status::failed:
    return failed(x);
  case run_status::cancelled:
    return plain(x, "execution:cancelled");
  }
  return {};
}

/// Completed of total as a number from 0.0 to 100.0.
std::string percentage(const told_event::progress_numbers& x) {
  auto number = [](std::string_view raw) {
    auto doc = json::document::parse(raw);
    return doc ? doc->root().real().value_or(0) : 0.0;
  };
  auto total = number(x.total);
  auto share = total > 0 ? number(x.completed) / total * 100 : 0.0;
  char text[16];
  auto size
    = std::snprintf(text, sizeof text, "%.1f",
                    std::clamp(std::isnan(share) ? 0.0 : share, 0.0, 100.0));
  return {text, static_cast<std::size_t>(size)};
}

std::string progress(const told_event& x,
                     const told_event::progress_numbers& numbers) {
  object_writer out;
  out.text("type", "execution:progress")
    .number("timestamp", x.ts_ms())
    .text("eventId", x.id() + ":progress")
    .text("executionId", x.run())
    .raw("completed", numbers.completed)
    .raw("total", numbers.total)
    .raw("percentage", percentage(numbers));
  return out.take();
}

void say_run(const told_event& x, std::vector<std::string>& out) {
  auto to = x.run_became();
  auto said = to ? passage(x, *to) : std::string{};
  auto numbers = x.progress();
  auto ends = to && is_ended(*to);
  if (!said.empty() && !ends)
    out.push_back(said);
  if (numbers)
    out.push_back(progress(x, *numbers));
  if (!said.empty() && ends) // the end comes last
    out.push_back(std::move(said));
}

// -- steps
// ---------------------------------------------------------------------

std::string retry(const told_event& x) {
  auto at = parse_iso8601(x.text("next_retry_at"));
  auto out = of_node(x, "node:retry");
  out.raw("attempt", or_else(x.field("attempt"), "1"))
    .number("nextRetryIn", at ? std::max<std::int64_t>(*at - x.ts_ms(), 0) : 0)
    .raw("error", or_else(x.field("error_message"), R"("")"));
  return out.take();
}

std::string asked(const told_event& x) {
  auto out = of_node(x, "user:input:required");
  json::document request;
  auto ok = request.reset(or_else(x.field("input_request"), "{}"));
  auto member = [&](std::string_view name) {
    auto found = ok ? request.root().find(name) : std::nullopt;
    return found && !found->is(json::kind::null) ? found->raw()
                                                 : std::string_view{};
  };
  out.raw("prompt", or_else(member("prompt"), R"("")"))
    .raw("inputType", or_else(member("input_type"), R"("text")"));
  if (auto rules = member("validation"); !rules.empty())
    out.raw("validation", rules);
  return out.take();
}

std::string passage(const told_event& x, step_status to) {
  switch (to) {
  case step_status::running: {
    auto out = of_node(x, "node:started");
    out.text("nodeName", x.text("name", x.step()))
      .raw("nodeType", x.field("kind"));
    return out.take();
  }
  case step_status::completed: {
    auto out = of_node(x, "node:completed");
    out.raw("output", x.field("output")).number("duration", x.duration_ms());
    if (auto metadata = x.field("metadata"); !metadata.empty())
      out.raw("metadata", metadata);
    return out.take();
  }
  case step_status::failed: {
    auto out = of_node(x, "node:failed");
    out.raw("error", or_else(x.field("error_message"), R"("")"));
    return out.take();
  }
  case step_status::retrying:
    return retry(x);
  case step_status::pending:
  case step_status::waiting:
  case step_status::skipped:
  case step_status::cancelled:
    return {};
  }
  return {};
}

void say_step(const told_event& x, std::vector<std::string>& out) {
  if (auto to = x.step_became())
    if (auto said = passage(x, *to); !said.empty())
      out.push_back(std::move(said));
  if (x.asks())
    out.push_back(asked(x));
  if (auto numbers = x.progress())
    out.push_back(progress(x, *numbers));
}

void say_stream(const told_event& x, bool snapshot,
                std::vector<std::string>& out) {
  auto chunk = x.data().find("chunk");
  if (!chunk)
    return;
  auto message = of_node(x, "node:stream");
  if (chunk->is(json::kind::string))
    message.raw("chunk", chunk->raw());
  else
    message.text("chunk", chunk->raw());
  if (snapshot)
    message.raw("snapshot", "true");
  out.push_back(message.take());
}

// -- documents
// -----------------------------------------------------------------

std::string_view in_camel_case(std::string_view name) noexcept {
  if (name == "knowledge_base_id")
    return "knowledgeBaseId";
  if (name == "document_id")
    return "documentId";
  if (name == "document_name")
    return "documentName";
  if (name == "chunk_count")
    return "chunkCount";
  return name;
}

bool is_of_document(std::string_view type) noexcept {
  return type == "kb:document:processing" || type == "kb:document:completed"
         || type == "kb:document:failed";
}

void say_document(const told_event& x, std::string_view type,
                  std::vector<std::string>& out) {
  if (!x.of_tenant() || !x.data().is(json::kind::object))
    return;
  auto message = start(x, type);
  for (auto [key, val] : x.data().members()) {
    auto plain = key.string();
    auto name = in_camel_case(plain);
    if (name != plain && x.data().find(name))
      continue; // sent both ways
    if (name == "type" || name == "timestamp" || name == "eventId")
      continue;
    auto quoted = json::quoted(name);
    message.raw(std::string_view{quoted}.substr(1, quoted.size() - 2),
                val.raw());
  }
  out.push_back(message.take());
}

void node_vocabulary::say(const posted_event& event,
                          std::vector<std::string>& out) const {
  auto type = type_of(event.type_name);
  auto known
    = type == event_type::run_updated || type == event_type::step_updated
      || type == event_type::step_stream
      || (type == event_type::custom && is_of_document(event.type_name));
  if (!known)
    return;
  told_event x{event};
  if (!x.ok())
    return;
  if (type == event_type::run_updated)
    say_run(x, out);
  else if (type == event_type::step_updated)
    say_step(x, out);
  else if (type == event_type::step_stream)
    say_stream(x, event.snapshot, out);
  else
    say_document(x, event.type_name, out);
}

} // namespace

const vocabulary& node_events() noexcept {
  static const node_vocabulary it;
  return it;
}

} // namespace callboard
