#include "actors/model/event_facts.hpp"
#include "actors/model/object_writer.hpp"
#include "actors/model/told_event.hpp"
#include "transport/vocabularies/vocabulary.hpp"

// Contract 5. Choices where it is silent are in
// docs/vocabularies/phase-events.md.

namespace callboard {

namespace {

using json::object_writer;

class phase_vocabulary : public vocabulary {
public:
  std::string_view name() const noexcept override {
    return "phase-events";
  }

  std::size_t index() const noexcept override {
    return 1;
  }

  void say(const posted_event& event,
           std::vector<std::string>& out) const override;
};

/// A field if it begins with that bracket, else nothing of its kind.
std::string_view of_kind(std::string_view raw, char bracket,
                         std::string_view nothing) noexcept {
  return raw.starts_with(bracket) ? raw : nothing;
}

/// The issues; where there are none, what failed is one.
std::string issues_of(const told_event& x, std::string_view phase) {
  auto own = of_kind(x.field("issues"), '[', "[]");
  auto error = x.field("error_message");
  if (phase != "fail" || own != "[]" || error.empty())
    return std::string{own};
  object_writer issue;
  issue.text("severity", "error").raw("message", error);
  return "[" + issue.take() + "]";
}

std::string phase_text(const told_event& x, std::string_view node,
                       std::string_view phase) {
  object_writer out;
  out.text("ts", x.ts())
    .text("run_id", x.run())
    .text("node", node)
    .text("phase", phase)
    .number("duration_ms", phase == "start" ? 0 : x.duration_ms())
    .raw("metrics", of_kind(x.field("metrics"), '{', "{}"))
    .raw("issues", issues_of(x, phase))
    .number("seq", static_cast<std::int64_t>(x.phase()));
  return out.take();
}

std::string artifact_text(const told_event& x) {
  object_writer out;
  auto node = x.node();
  out.text("ts", x.ts())
    .text("run_id", x.run())
    .raw("node", node.empty() ? R"("RUN")" : node)
    .text("phase", "artifact")
    .raw("artifact", x.body().raw())
    .number("seq", static_cast<std::int64_t>(x.phase()));
  return out.take();
}

std::string_view phase_of(step_status x) noexcept {
  switch (x) {
  case step_status::running:
    return "start";
  case step_status::completed:
    return "end";
  case step_status::failed:
    return "fail";
  case step_status::pending:
  case step_status::waiting:
  case step_status::retrying:
  case step_status::skipped:
  case step_status::cancelled:
    return {};
  }
  return {};
}

void phase_vocabulary::say(const posted_event& event,
                           std::vector<std::string>& out) const {
  if (!event.facts || event.facts->size() <= 2)
    return; // it has no number
  told_event x{event};
  if (!x.ok() || x.phase() == 0)
    return;
  if (x.type() == event_type::artifact_created) {
    out.push_back(artifact_text(x));
  } else if (auto run = x.run_became(); run && is_ended(*run)) {
    out.push_back(
      phase_text(x, "RUN", run == run_status::completed ? "end" : "fail"));
  } else if (auto step = x.step_became()) {
    if (auto phase = phase_of(*step); !phase.empty())
      out.push_back(phase_text(x, x.text("name", x.step()), phase));
  }
}

} // namespace

const vocabulary& phase_events() noexcept {
  static const phase_vocabulary it;
  return it;
}

std::uint64_t phase_seq(const posted_event& x) {
  thread_local json::document scratch;
  return x.facts ? read_marks(*x.facts, scratch).phase : 0;
}

} // namespace callboard
