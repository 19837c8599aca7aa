#include "actors/admin_task.hpp"

#include "actors/model/json.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>

namespace callboard {

namespace {

constexpr auto patience = std::chrono::seconds{2};

/// Sorts and pages the list: stays good while actors come and go. The node is
/// part of it, because each has its own shards.
std::string cursor_of(const actor_entry& x, const std::string& node) {
  return x.kind + '|' + x.tenant + '|' + x.id + '|' + node;
}

/// Splits "a/b" at the last slash; the first part is empty without one.
std::pair<std::string, std::string> split_last(const std::string& text) {
  auto at = text.rfind('/');
  if (at == std::string::npos)
    return {{}, text};
  return {text.substr(0, at), text.substr(at + 1)};
}

} // namespace

void admin_task_state::init(node_context& node, reply_address to,
                            admin_request what) {
  node_ = &node;
  to_ = to;
  what_ = std::move(what);
  std::visit([this](const auto& x) { start(x); }, what_);
}

// -- the list
// --------------------------------------------------------------------

void admin_task_state::start(const find_actors& x) {
  auto wanted
    = [&](std::string_view kind) { return x.kind.empty() || x.kind == kind; };
  if (wanted("edge"))
    entries_.push_back({"edge", "", node_->name,
                        caf::actor_cast<caf::actor>(node_->edge), wall_ms()});
  if (wanted("shard"))
    for (std::size_t i = 0; i < node_->shards.size(); ++i)
      entries_.push_back({"shard", "", std::to_string(i),
                          caf::actor_cast<caf::actor>(node_->shards[i]),
                          wall_ms()});
  if (!wanted("run") && !wanted("room"))
    return list_complete();
  missing_ = node_->shards.size();
  for (auto& shard : node_->shards)
    self_
      ->request(shard, patience,
                list_actors{x.tenant, wanted("run"), wanted("room")})
      .then([this](actor_list& found) { on_list(found); },
            [this](caf::error&) {
              actor_list nothing;
              on_list(nothing);
            });
}

void admin_task_state::on_list(actor_list& x) {
  std::ranges::move(x.entries, std::back_inserter(entries_));
  if (--missing_ == 0)
    list_complete();
}

void admin_task_state::list_complete() {
  auto& asked = std::get<find_actors>(what_);
  auto key = [this](const actor_entry& x) { return cursor_of(x, node_->name); };
  std::ranges::sort(entries_, {}, key);
  if (!asked.cursor.empty())
    std::erase_if(entries_,
                  [&](const actor_entry& x) { return key(x) <= asked.cursor; });
  if (entries_.size() > asked.limit) {
    entries_.resize(asked.limit);
    next_cursor_ = key(entries_.back());
  }
  items_.resize(entries_.size());
  missing_ = entries_.size();
  if (missing_ == 0)
    return page_complete();
  for (std::size_t i = 0; i < entries_.size(); ++i)
    self_->request(entries_[i].handle, patience, describe{})
      .then([this, i](const description& x) { on_description(i, &x); },
            [this, i](caf::error&) { on_description(i, nullptr); });
}

void admin_task_state::on_description(std::size_t place, const description* x) {
  if (x) // else it ended in the meantime
    items_[place] = item(entries_[place], x);
  if (--missing_ == 0)
    page_complete();
}

void admin_task_state::page_complete() {
  std::string out = "{\"items\":[";
  auto separator = "";
  for (auto& text : items_)
    if (!text.empty()) {
      out += std::exchange(separator, ",");
      out += text;
    }
  out += ']';
  if (!next_cursor_.empty()) {
    out += ",\"next_cursor\":";
    json::append_quoted(out, next_cursor_);
  }
  out += '}';
  finish(document_answer{std::move(out)});
}

// -- one actor
// --------------------------------------------------------------------

void admin_task_state::start(const inspect_actor& x) {
  if (x.kind == "run")
    return inspect_run(x);
  if (x.kind == "room")
    return inspect_room(x);
  if (x.kind == "edge" && x.id == node_->name)
    return show(x.kind, x.id, caf::actor_cast<caf::actor>(node_->edge),
                wall_ms());
  if (x.kind == "shard") {
    std::size_t i = 0;
    auto [end, error]
      = std::from_chars(x.id.data(), x.id.data() + x.id.size(), i);
    if (error == std::errc{} && end == x.id.data() + x.id.size()
        && i < node_->shards.size())
      return show(x.kind, x.id, caf::actor_cast<caf::actor>(node_->shards[i]),
                  wall_ms());
  }
  not_found();
}

void admin_task_state::inspect_run(const inspect_actor& x) {
  auto [before, run] = split_last(x.id);
  auto tenant = x.tenant;
  auto project = before;
  if (tenant.empty())
    std::tie(tenant.value, project) = split_last(before);
  if (tenant.empty() || run.empty())
    return not_found();
  if (!project.empty())
    return find({tenant, {project}}, {run});
  // A bare id: the store knows the project.
  node_->read([node = node_, me = caf::actor{self_}, tenant, run = run] {
    auto found = node->state->answer(
      query::find_run{tenant, {run}, {}},
      [node](const room_key& room) { return node->shard_of(room); });
    caf::anon_send(me, found ? *found : std::string{});
  });
}

void admin_task_state::on_project(const std::string& quoted) {
  auto& asked = std::get<inspect_actor>(what_);
  if (quoted.size() < 3)
    return not_found();
  find({asked.tenant, {quoted.substr(1, quoted.size() - 2)}}, {asked.id});
}

void admin_task_state::inspect_room(const inspect_actor& x) {
  auto tenant = x.tenant;
  auto room = x.id;
  if (tenant.empty())
    std::tie(tenant.value, room) = split_last(x.id);
  if (room == "tenant:" + tenant.value)
    return find({tenant, {}}, {});
  if (room.starts_with("project:"))
    room.erase(0, 8);
  if (tenant.empty() || !valid_id(room))
    return not_found();
  find({tenant, {room}}, {});
}

void admin_task_state::find(const room_key& room, const run_id& run) {
  auto& asked = std::get<inspect_actor>(what_);
  if (!room.is_tenant_room() && !valid_id(room.project.value))
    return not_found();
  self_
    ->request(node_->shards[node_->shard_of(room).value], patience,
              find_actor{room, run})
    .then(
      [this, asked](found_actor& x) {
        if (x.handle)
          show(asked.kind, asked.id, x.handle, x.last_activity_ms);
        else
          not_found();
      },
      [this](caf::error&) { not_found(); });
}

void admin_task_state::show(const std::string& kind, const std::string& id,
                            caf::actor handle, std::int64_t last_activity_ms) {
  actor_entry entry{kind, "", id, handle, last_activity_ms};
  self_->request(handle, patience, describe{})
    .then(
      [this, entry](const description& x) {
        // Asking for a run or a room makes its actor; one that nobody else ever
        // used is none for operators.
        if (!x.exists)
          return not_found();
        finish(document_answer{item(entry, &x)});
      },
      [this](caf::error&) { not_found(); });
}

// -- storage
// ------------------------------------------------------------------------

void admin_task_state::start(const inspect_storage& x) {
  node_->read([node = node_, to = to_, tenant = x.tenant] {
    struct statvfs disk {};
    ::statvfs(node->conf.node.data_dir.c_str(), &disk);
    std::string out = "{\"node\":";
    json::append_quoted(out, node->name);
    out += ",\"log_bytes\":";
    json::append_number(out, node->log->disk_bytes());
    out += ",\"state_bytes\":";
    json::append_number(out, node->state->disk_bytes());
    out += ",\"free_bytes\":";
    json::append_number(out, std::uint64_t{disk.f_bavail} * disk.f_frsize);
    out += ",\"writable\":";
    out += node->no_space.load() == 0 ? "true" : "false";
    out += ',';
    out += node->state->statistics();
    out += ",\"rooms\":";
    auto rooms = node->state->room_statistics(tenant);
    out += rooms ? *rooms : "[]";
    out += '}';
    std::vector<answer> one;
    one.push_back({to, document_answer{std::move(out)}});
    node->answer(std::move(one));
  });
  self_->quit();
}

// -- not ours
// -----------------------------------------------------------------------

void admin_task_state::start(const inspect_cluster&) {
  not_alone();
}

void admin_task_state::start(const cluster_order&) {
  not_alone();
}

void admin_task_state::start(const find_sessions&) {
  finish(fail(errc::internal, "sessions are the transport's"));
}

void admin_task_state::start(const end_session&) {
  finish(fail(errc::internal, "sessions are the transport's"));
}

void admin_task_state::not_alone() {
  finish(fail(errc::unavailable,
              "this node is alone: start it with --cluster-listen to make it "
              "one of a cluster"));
}

// -- the end
// -------------------------------------------------------------------------

void admin_task_state::finish(result<document_answer> outcome) {
  std::vector<answer> one;
  if (outcome)
    one.push_back({to_, std::move(*outcome)});
  else
    one.push_back({to_, tl::unexpected{std::move(outcome.error())}});
  node_->answer(std::move(one));
  self_->quit();
}

void admin_task_state::not_found() {
  auto& asked = std::get<inspect_actor>(what_);
  finish(fail(errc::not_found, "there is no " + asked.kind + " '" + asked.id
                                 + "'; GET /v1/admin/actors lists what lives"));
}

std::string admin_task_state::shown_id(const actor_entry& x) const {
  auto asked = std::get_if<find_actors>(&what_);
  if (asked && asked->tenant.empty() && !x.tenant.empty())
    return x.tenant + '/' + x.id;
  return x.id;
}

std::string admin_task_state::item(const actor_entry& x,
                                   const description* state) const {
  std::string out = "{\"kind\":";
  json::append_quoted(out, x.kind);
  out += ",\"id\":";
  json::append_quoted(out, shown_id(x));
  out += ",\"node\":";
  json::append_quoted(out, node_->name);
  out += ",\"mailbox\":";
  json::append_number(out, state->mailbox);
  out += ",\"last_activity\":";
  json::append_quoted(out, iso8601(x.last_activity_ms));
  out += ",\"memory_bytes\":";
  json::append_number(out, state->memory_bytes);
  out += ",\"state\":";
  out += state->state;
  out += '}';
  return out;
}

caf::behavior admin_task(caf::stateful_actor<admin_task_state>* self,
                         node_context* node, reply_address to,
                         std::shared_ptr<admin_request> what) {
  self->state.init(*node, to, std::move(*what));
  return {
    // The project of a run that was asked for by its bare id, as JSON string.
    [self](const std::string& project) { self->state.on_project(project); },
  };
}

} // namespace callboard
