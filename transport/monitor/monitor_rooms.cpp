#include "actors/model/json.hpp"
#include "transport/monitor/monitor_ask.hpp"
#include "transport/viewer_rooms.hpp"
#include "transport/vocabularies/vocabulary.hpp"

#include <algorithm>
#include <utility>

/// monitor_client: the rooms of executions and of the tenant.
namespace callboard {

namespace {

constexpr std::string_view not_found = "Execution not found";
constexpr std::string_view try_again = "Not available, try again";

std::string room_of(const run_id& run) {
  return "execution:" + run.value;
}

std::string room_of(const tenant_id& tenant) {
  return "tenant:" + tenant.value;
}

/// The only argument; empty: it is no id.
run_id run_argument(const std::vector<std::string>& args) {
  json::document doc;
  if (args.empty() || !doc.reset(args.front())
      || !doc.root().is(json::kind::string))
    return {};
  auto id = doc.root().string();
  return valid_id(id) ? run_id{std::move(id)} : run_id{};
}

} // namespace

// -- executions ---------------------------------------------------------------

std::string monitor_client::check_room_left() const {
  if (!who_.may_subscribe)
    return "Not allowed: the token lacks the scope subscribe";
  auto most = home().conf().limits.subscriptions;
  if (runs_.size() + (tenant_ != tenant_view::off) < most)
    return {};
  return "A connection may have at most " + std::to_string(most)
         + " subscriptions";
}

std::string monitor_client::subscribe_run(const std::vector<std::string>& args,
                                          ack_id ack) {
  auto run = run_argument(args);
  if (run.empty())
    return "executionId must be an execution's id";
  auto found = runs_.find(run);
  if (found == runs_.end()) {
    if (auto error = check_room_left(); !error.empty())
      return error;
    if (who_.restricted && who_.projects.empty())
      return std::string{not_found};
    runs_[run].waiting.push_back(ack);
    find_home(run);
  } else if (found->second.ready) {
    acknowledge(ack);
  } else {
    found->second.waiting.push_back(ack);
  }
  return {};
}

void monitor_client::find_home(const run_id& run) {
  query::find_run question{who_.tenant, run, {}};
  if (who_.restricted)
    question.only = who_.projects;
  auto lookup = ++last_lookup_;
  runs_[run].lookup = lookup;
  ask([&](const reply_address& to) { home().target().ask(to, question); },
      [this, run, lookup](answer got) {
        found_home(run, lookup, std::move(got));
      });
}

void monitor_client::found_home(const run_id& run, std::uint64_t lookup,
                                answer got) {
  auto found = runs_.find(run);
  if (found == runs_.end() || found->second.lookup != lookup)
    return; // unsubscribed meanwhile
  json::document doc;
  auto* text = document_of(got);
  if (text != nullptr && doc.reset(*text)
      && doc.root().is(json::kind::string)) {
    project_id project{doc.root().string()};
    if (reaches(project))
      return watch(run, project, {});
  }
  auto waiting = std::move(found->second.waiting);
  runs_.erase(found);
  // One of another tenant is answered as one that is not there.
  auto lost = !got.outcome && got.outcome.error().code != errc::not_found
              && got.outcome.error().code != errc::forbidden;
  acknowledge_all(std::move(waiting), lost ? try_again : not_found);
}

void monitor_client::watch(const run_id& run, const project_id& project,
                           std::optional<event_seq> since) {
  runs_[run].project = project;
  viewer_rooms::request x;
  x.view = {room_of(run), run, {}, &monitor_events()};
  x.room = {who_.tenant, project};
  x.since = since;
  home().rooms().subscribe(*this, std::move(x));
}

std::string
monitor_client::unsubscribe_run(const std::vector<std::string>& args,
                                ack_id ack) {
  auto run = run_argument(args);
  if (run.empty())
    return "executionId must be an execution's id";
  if (auto found = runs_.find(run); found != runs_.end()) {
    auto waiting = std::move(found->second.waiting);
    runs_.erase(found);
    home().rooms().unsubscribe(*this, room_of(run));
    acknowledge_all(std::move(waiting), "Unsubscribed");
    tell_offset();
  }
  acknowledge(ack); // who is not in a room has left it
  return {};
}

// -- the tenant ---------------------------------------------------------------

std::string monitor_client::subscribe_tenant(ack_id ack) {
  if (tenant_ == tenant_view::on) {
    acknowledge(ack);
    return {};
  }
  if (tenant_ == tenant_view::off)
    if (auto error = check_room_left(); !error.empty())
      return error;
  tenant_waiting_.push_back(ack);
  if (tenant_ == tenant_view::off)
    prepare_tenant();
  return {};
}

/// Where the tenant's projects stand before the view begins, so that offsets
/// can say of each how far the client has come.
void monitor_client::prepare_tenant() {
  tenant_ = tenant_view::preparing;
  heads_.clear();
  too_many_projects_ = false;
  heads_awaited_ = 0;
  ++tenant_lookup_;
  if (who_.restricted && who_.projects.empty())
    return start_tenant();
  heads_awaited_ = 1;
  ask_projects([this, lookup = tenant_lookup_](answer got) {
    if (lookup == tenant_lookup_)
      list_heads(std::move(got));
  });
}

void monitor_client::list_heads(answer got) {
  --heads_awaited_;
  auto projects = listed_projects(got);
  too_many_projects_
    = !projects || projects->size() > recovery_point::max_places;
  if (too_many_projects_ || projects->empty())
    return start_tenant();
  heads_awaited_ = projects->size();
  for (auto& project : *projects)
    ask_history({{who_.tenant, project}, {}, {}, {}, 1},
                [this, project, lookup = tenant_lookup_](answer head) {
                  if (lookup == tenant_lookup_)
                    take_head(project, std::move(head));
                });
}

void monitor_client::take_head(const project_id& project, answer got) {
  if (auto* chunk = chunk_of(got))
    heads_[project] = chunk->head;
  else
    too_many_projects_ = true;
  if (--heads_awaited_ == 0)
    start_tenant();
}

/// Not while an execution's events come from history: those that the view has
/// live would come before them. Tried again once a second.
void monitor_client::start_tenant() {
  if (tenant_ != tenant_view::preparing || is_behind())
    return;
  watch_tenant({});
}

void monitor_client::watch_tenant(
  std::vector<std::pair<project_id, event_seq>> starts) {
  tenant_ = tenant_view::starting;
  viewer_rooms::request x;
  x.view = {room_of(who_.tenant), {}, {}, &monitor_events()};
  x.room = {who_.tenant, {}};
  x.whole_tenant = true;
  x.starts = std::move(starts);
  home().rooms().subscribe(*this, std::move(x));
}

std::string monitor_client::unsubscribe_tenant(ack_id ack) {
  if (tenant_ == tenant_view::off) {
    acknowledge(ack);
    return {};
  }
  auto behind = is_behind();
  auto was_watching = tenant_ != tenant_view::preparing;
  tenant_ = tenant_view::off;
  ++tenant_lookup_; // nobody waits for its answers
  home().rooms().unsubscribe(*this, room_of(who_.tenant));
  // The executions' subscriptions stand where the view stood, unless it was
  // behind: then they go on from there.
  if (behind && was_watching)
    for (auto& [run, x] : runs_)
      if (auto at = positions_.find(x.project);
          x.ready && at != positions_.end())
        watch(run, x.project, at->second);
  positions_.clear();
  acknowledge_all(std::exchange(tenant_waiting_, {}), "Unsubscribed");
  tell_offset();
  acknowledge(ack);
  return {};
}

// -- what the rooms say -------------------------------------------------------

bool monitor_client::reaches(const project_id& project) const {
  return who_.reaches(project);
}

void monitor_client::subscribed(const subscription& x, event_seq,
                                std::uint64_t) {
  if (x.parent != nullptr)
    return; // a project of the tenant's view
  if (x.name() == room_of(who_.tenant))
    return tenant_started();
  for (auto& [run, watched] : runs_)
    if (x.name() == room_of(run)) {
      watched.ready = true;
      if (watched.waiting.empty())
        return;
      tell_offset();
      return acknowledge_all(std::exchange(watched.waiting, {}));
    }
}

void monitor_client::tenant_started() {
  tenant_ = tenant_view::on;
  for (auto& [project, head] : std::exchange(heads_, {}))
    positions_[project] = std::max(positions_[project], head);
  if (tenant_waiting_.empty())
    return;
  tell_offset();
  acknowledge_all(std::exchange(tenant_waiting_, {}));
}

void monitor_client::lagged(const subscription& x, event_seq from) {
  if (x.parent == nullptr || from.value == 0)
    return;
  auto at = positions_.find(x.room->key.project);
  if (at != positions_.end())
    at->second = std::min(at->second, event_seq{from.value - 1});
}

/// What it has not got is not kept any more. It comes again and begins anew.
void monitor_client::resync(const subscription&, event_seq) {
  home().post([weak = weak_from_this(), this] {
    if (auto alive = weak.lock())
      end_session();
  });
}

} // namespace callboard
