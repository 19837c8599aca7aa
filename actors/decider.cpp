#include "actors/decider.hpp"

#include <algorithm>
#include <utility>

namespace callboard {

namespace {

/// An ephemeral draft as viewers get it.
passed_on pass_on(const event_draft& draft, const room_key& room,
                  std::int64_t now_ms) {
  passed_on result;
  auto& event = result.event;
  event.frame
    = std::make_shared<const std::string>(ephemeral_frame(draft, room, now_ms));
  event.run = draft.run;
  event.step = draft.step;
  event.type_name = draft.type_name;
  // The view must outlive the request: find the name in the frame.
  std::string_view frame = *event.frame;
  if (auto at = frame.find(draft.type_name); at != std::string_view::npos)
    event.type_name = frame.substr(at, draft.type_name.size());
  if (draft.type == event_type::step_stream)
    result.note = {stream_note::what::chunk, draft.source, draft.data};
  return result;
}

/// What is sent under a lease is about its run, so that nothing of a worker
/// that has lost it slips through.
problem foreign_to(const lease_claim& lease) {
  return {errc::invalid,
          "this event is not of run \"" + lease.run.value
            + "\", whose lease came with it; send it without a lease",
          "/data/execution_id"};
}

stream_note note_of(const event_draft& draft) {
  if (draft.step_status_to && is_ended(*draft.step_status_to))
    return {.kind = stream_note::what::step_ended, .source = {}, .data = {}};
  if (draft.run_status_to && is_ended(*draft.run_status_to))
    return {.kind = stream_note::what::run_ended, .source = {}, .data = {}};
  return {};
}

} // namespace

// -- decider ------------------------------------------------------------------

decider::decider(room_key room, run_id run, bool complete)
    : room_{std::move(room)}, run_{std::move(run)}, complete_{complete} {
  // nop
}

void decider::push(std::uint64_t slot,
                   std::shared_ptr<const publish_request> request,
                   std::vector<std::uint32_t> items, std::int64_t now_ms,
                   outbox& out) {
  job j;
  j.slot = slot;
  j.now_ms = now_ms;
  j.request = std::move(request);
  j.items = std::move(items);
  ask(j, out);
  jobs_.push_back(std::move(j));
  work(out);
}

void decider::push(std::uint64_t slot,
                   std::shared_ptr<const command_arguments> command,
                   run_id successor, std::int64_t now_ms, outbox& out) {
  job j;
  j.slot = slot;
  j.now_ms = now_ms;
  j.command = std::move(command);
  j.successor = std::move(successor);
  jobs_.push_back(std::move(j));
  work(out);
}

void decider::found(ids_found x, outbox& out) {
  auto j = std::ranges::find(jobs_, x.slot, &job::slot);
  if (j == jobs_.end())
    return;
  for (std::size_t k = 0; k < x.items.size() && k < x.seqs.size(); ++k) {
    auto i = std::ranges::find(j->items, x.items[k]) - j->items.begin();
    j->seqs[static_cast<std::size_t>(i)] = x.seqs[k];
  }
  if (x.error)
    j->error = std::move(x.error);
  j->waiting = false;
  work(out);
}

std::size_t decider::memory() const noexcept {
  return sizeof(*this) + seen_.memory() + state_memory()
         + jobs_.size() * sizeof(job);
}

const event_draft& decider::draft(const job& j, std::size_t i) const {
  return std::get<event_draft>(j.request->items[j.items[i]]);
}

// Asks for the ids that cannot be ruled out. An id that was accepted since this
// object was made may still be on its way into the store: such a lookup has to
// wait until everything before the request is applied.
bool decider::ask(job& j, outbox& out) {
  id_lookup now, later;
  for (std::size_t i = 0; i < j.items.size(); ++i) {
    auto& d = draft(j, i);
    if (!d.id_given || d.delivery == event_delivery::ephemeral)
      continue;
    auto recent = seen_.maybe_contains(d.id.value);
    if (!recent && complete_)
      continue;
    if (j.asked.empty()) {
      j.asked.resize(j.items.size());
      j.seqs.resize(j.items.size());
    }
    if (j.asked[i] == 2 || (j.asked[i] == 1 && (!recent || j.seqs[i])))
      continue;
    j.asked[i] = recent ? 2 : 1;
    auto& lookup = recent ? later : now;
    lookup.items.push_back(j.items[i]);
    lookup.ids.push_back(d.id.value);
  }
  // One question at a time for each job: with both kinds, the later one asks
  // for all.
  auto& lookup = later.items.empty() ? now : later;
  if (lookup.items.empty())
    return false;
  if (!later.items.empty() && !now.items.empty()) {
    later.items.insert(later.items.end(), now.items.begin(), now.items.end());
    later.ids.insert(later.ids.end(), now.ids.begin(), now.ids.end());
  }
  lookup.slot = j.slot;
  lookup.run = run_;
  lookup.after_drain = !later.items.empty();
  j.waiting = true;
  out.lookups.push_back(std::move(lookup));
  return true;
}

void decider::work(outbox& out) {
  while (!jobs_.empty() && !jobs_.front().waiting) {
    auto& j = jobs_.front();
    // An earlier job may have accepted one of these ids in the meantime.
    if (j.request && !j.error && ask(j, out))
      return;
    finish(j, out);
    jobs_.pop_front();
  }
}

void decider::finish(job& j, outbox& out) {
  decided result;
  result.slot = j.slot;
  result.run = run_;
  if (j.command) {
    result.is_command = true;
    result.verdicts = decide(*j.command, j.successor, j.now_ms);
    for (auto& v : result.verdicts)
      if (auto x = std::get_if<accepted>(&v))
        seen_.add(x->record.id.value);
    out.decisions.push_back(std::move(result));
    return;
  }
  result.items = std::move(j.items);
  result.verdicts.resize(result.items.size());
  auto earlier = [&](std::size_t i, std::string_view id) {
    for (std::size_t k = 0; k < i; ++k)
      if (auto x = std::get_if<accepted>(&result.verdicts[k]))
        if (x->record.id.value == id)
          return std::optional{result.items[k]};
    return std::optional<std::uint32_t>{};
  };
  auto* lease = j.request->lease ? &*j.request->lease : nullptr;
  // Ids of this request itself: only worth a look once one of them repeats.
  known_ids own;
  for (std::size_t i = 0; i < result.items.size(); ++i) {
    auto& d = std::get<event_draft>(j.request->items[result.items[i]]);
    auto& v = result.verdicts[i];
    auto durable = d.delivery == event_delivery::durable;
    if (durable && !j.seqs.empty() && j.seqs[i]) {
      v = duplicate_of{*j.seqs[i]};
      continue;
    }
    if (j.error && durable && d.id_given && !j.asked.empty()
        && j.asked[i] != 0) {
      v = *j.error;
      continue;
    }
    if (durable && d.id_given && own.maybe_contains(d.id.value)) {
      if (auto first = earlier(i, d.id.value)) {
        v = same_as{*first};
        continue;
      }
    }
    v = decide(d, lease, j.now_ms);
    if (auto x = std::get_if<accepted>(&v)) {
      seen_.add(d.id.value);
      if (d.id_given)
        own.add(d.id.value);
      x->note = note_of(d);
    }
  }
  out.decisions.push_back(std::move(result));
}

// -- run_decider
// ----------------------------------------------------------------

run_decider::run_decider(room_key room, run_id run,
                         std::optional<run_brief> stored,
                         std::shared_ptr<const definition_names> names,
                         std::size_t max_steps)
    : decider{std::move(room), std::move(run), !stored}, max_steps_{max_steps} {
  if (stored)
    machine_ = run_machine{std::move(*stored)};
  machine_.use(std::move(names));
}

verdict run_decider::decide(const event_draft& draft, const lease_claim* lease,
                            std::int64_t now_ms) {
  if (lease != nullptr) {
    if (lease->run != draft.run)
      return foreign_to(*lease);
    if (auto ok = machine_.check_lease(*lease); !ok)
      return std::move(ok.error());
  }
  if (draft.delivery == event_delivery::ephemeral)
    return pass_on(draft, room(), now_ms);
  auto& steps = machine_.brief().steps;
  if (draft.type == event_type::step_updated && steps.size() >= max_steps_
      && !steps.contains(draft.step))
    return problem{errc::too_large,
                   "step \"" + draft.step.value + "\" would be more than the "
                     + std::to_string(max_steps_)
                     + " steps that a run may have (limits.steps_per_run); use "
                       "another run",
                   "/data/step_id"};
  auto record = machine_.decide(draft, room(), now_ms);
  if (!record)
    return std::move(record.error());
  return accepted{std::move(*record)};
}

std::vector<verdict> run_decider::decide(const command_arguments& command,
                                         const run_id& successor,
                                         std::int64_t now_ms) {
  std::vector<verdict> result;
  switch (command.what) {
  case run_command::create: {
    auto record = machine_.create(command, room(), now_ms);
    if (record)
      result.emplace_back(
        accepted{std::move(*record), {}, machine_.brief().dispatch});
    else
      result.emplace_back(std::move(record.error()));
    return result;
  }
  case run_command::retry:
    if (!machine_.exists()) {
      result.emplace_back(problem{errc::not_found, "there is no such run"});
      return result;
    }
    if (auto ok = machine_.check_retry(); !ok)
      result.emplace_back(std::move(ok.error()));
    else
      result.emplace_back(
        accepted{machine_.retried(command, successor, room(), now_ms)});
    return result;
  case run_command::pause:
  case run_command::resume:
  case run_command::cancel:
  case run_command::input:
  case run_command::take:
  case run_command::lose:
  case run_command::release:
    break;
  }
  auto records = machine_.decide(command, room(), now_ms);
  if (!records) {
    result.emplace_back(std::move(records.error()));
    return result;
  }
  for (auto& record : *records) {
    accepted x{std::move(record)};
    if (x.record.dispatch.mark != dispatch_mark::none)
      x.dispatch = machine_.brief().dispatch;
    if (is_ended(machine_.brief().status)
        && x.record.type == event_type::run_updated)
      x.note.kind = stream_note::what::run_ended;
    result.emplace_back(std::move(x));
  }
  return result;
}

std::size_t run_decider::state_memory() const noexcept {
  return machine_.memory();
}

// -- room_decider
// -----------------------------------------------------------------

room_decider::room_decider(room_key room, bool complete)
    : decider{std::move(room), {}, complete} {
  // nop
}

verdict room_decider::decide(const event_draft& draft, const lease_claim* lease,
                             std::int64_t now_ms) {
  if (lease != nullptr)
    return foreign_to(*lease);
  if (draft.delivery == event_delivery::ephemeral)
    return pass_on(draft, room(), now_ms);
  return accepted{decide_room_event(draft, room(), now_ms)};
}

std::vector<verdict> room_decider::decide(const command_arguments&,
                                          const run_id&, std::int64_t) {
  return {problem{errc::internal, "commands go to runs, not to rooms"}};
}

std::size_t room_decider::state_memory() const noexcept {
  return 0;
}

} // namespace callboard
