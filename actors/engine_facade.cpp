#include "actors/engine_facade.hpp"

#include "actors/admin_task.hpp"
#include "actors/model/json.hpp"

#include <caf/send.hpp>

#include <utility>

namespace callboard {

namespace {

using outcome = decltype(answer::outcome);

/// The room whose shard answers; reads of a whole tenant go by its own room.
room_key room_of(const query::any& q) {
  return std::visit(
    [](const auto& x) {
      if constexpr (requires { x.room; })
        return x.room;
      else
        return room_key{x.tenant, {}};
    },
    q);
}

/// The event that defines (or, without fields, deletes) a definition, and what
/// the caller is answered.
struct definition_event {
  std::string event;
  std::string answer;
};

result<definition_event> make_definition(const definition_request& x) {
  definition_event made;
  std::string changes = "{\"deleted\":true}";
  if (!x.fields.empty()) {
    auto parsed = json::document::parse(x.fields);
    if (!parsed)
      return tl::unexpected{parsed.error()};
    auto fields = parsed->root();
    if (!fields.is(json::kind::object))
      return fail(errc::invalid,
                  "a definition is a JSON object {name, phases}");
    auto name = fields.find("name");
    if (name && !name->is(json::kind::string))
      return fail(errc::invalid, "'name' must be a string", "/name");
    auto phases = fields.find("phases");
    if (phases && !phases->is(json::kind::array))
      return fail(errc::invalid, "'phases' must be an array", "/phases");
    changes = "{\"name\":";
    changes += name ? std::string{name->raw()} : json::quoted(x.id.value);
    changes += ",\"phases\":";
    changes += phases ? phases->raw() : "[]";
    for (auto member : fields.members()) {
      auto key = member.key.string();
      if (key == "name" || key == "phases" || key == "id" || key == "deleted")
        continue;
      changes += ',';
      changes += member.key.raw();
      changes += ':';
      changes += member.val.raw();
    }
    changes += '}';
    made.answer
      = "{\"id\":" + json::quoted(x.id.value) + ',' + changes.substr(1);
  }
  made.event
    = "{\"type\":\"workflow:definition:updated\",\"data\":{\"project_id\":"
      + json::quoted(x.room.project.value) + ",\"definition_id\":"
      + json::quoted(x.id.value) + ",\"changes\":" + changes + "}}";
  return made;
}

} // namespace

engine_facade::engine_facade(caf::actor_system& system, node_context& node,
                             edge_sink& sink)
    : system_{system}, node_{node}, sink_{sink} {
  // nop
}

// -- writes
// -----------------------------------------------------------------------

void engine_facade::publish(const reply_address& to, publish_request x) {
  if (auto why = why_no_writes())
    return refuse(to, std::move(*why));
  // Events for the whole tenant have another room, maybe on another shard.
  auto for_tenant = [](const publish_item& item) {
    auto draft = std::get_if<event_draft>(&item);
    return draft && draft->scope == event_scope::tenant;
  };
  std::size_t tenant_items = 0;
  for (auto& item : x.items)
    tenant_items += for_tenant(item) ? 1 : 0;
  auto make = [&](room_key room) {
    auto s = std::make_shared<slot>();
    s->to = to;
    s->room = std::move(room);
    s->began_us = steady_us();
    s->bytes = x.bytes;
    s->request = std::make_shared<publish_request>();
    s->request->lease = x.lease;
    return s;
  };
  if (tenant_items == 0 || tenant_items == x.items.size()) {
    auto s = make(tenant_items == 0 ? x.room : room_key{x.room.tenant, {}});
    *s->request = std::move(x);
    return enter_shard(std::move(s));
  }
  auto gather = std::make_shared<publish_gather>(x.items.size(), 2);
  auto mine = make(x.room);
  auto tenants = make({x.room.tenant, {}});
  tenants->bytes = 0;
  for (std::uint32_t i = 0; i < x.items.size(); ++i) {
    auto& s = for_tenant(x.items[i]) ? tenants : mine;
    s->positions.push_back(i);
    s->request->items.push_back(std::move(x.items[i]));
  }
  mine->gather = tenants->gather = std::move(gather);
  enter_shard(std::move(mine));
  enter_shard(std::move(tenants));
}

void engine_facade::command(const reply_address& to, command_request x) {
  if (auto why = why_no_writes())
    return refuse(to, std::move(*why));
  auto s = std::make_shared<slot>();
  s->kind = slot::what::command;
  s->to = to;
  s->room = std::move(x.room);
  s->began_us = steady_us();
  s->bytes = x.arguments.fields.size() + x.arguments.value.size() + 256;
  s->command
    = std::make_shared<const command_arguments>(std::move(x.arguments));
  enter_shard(std::move(s));
}

void engine_facade::define(const reply_address& to, definition_request x) {
  if (auto why = why_no_writes())
    return refuse(to, std::move(*why));
  auto made = make_definition(x);
  if (!made)
    return refuse(to, std::move(made.error()));
  auto source = std::make_shared<const std::string>(std::move(made->event));
  auto parsed = json::document::parse(*source);
  if (!parsed)
    return refuse(to, std::move(parsed.error()));
  auto draft = parse_event(parsed->root(), source, x.room.project, {});
  if (!draft)
    return refuse(to, std::move(draft.error()));
  auto s = std::make_shared<slot>();
  s->kind = slot::what::define;
  s->to = to;
  s->room = x.room;
  s->began_us = steady_us();
  s->bytes = source->size();
  s->definition_json = std::move(made->answer);
  s->request = std::make_shared<publish_request>();
  s->request->room = x.room;
  s->request->items.emplace_back(std::move(*draft));
  if (!x.fields.empty())
    return enter_shard(std::move(s));
  // Only what exists can be deleted.
  node_.read([this, s, room = x.room, id = x.id] {
    auto found = node_.state->answer(
      query::definition{room, id},
      [this](const room_key& r) { return node_.shard_of(r); });
    if (found)
      enter_shard(s);
    else
      refuse(s->to, found.error());
  });
}

void engine_facade::take(const reply_address& to, take_request x) {
  if (auto why = why_no_writes())
    return refuse(to, std::move(*why));
  auto shard = node_.shard_of(x.room).value;
  caf::anon_send(node_.shards[shard], take_run{to, std::move(x)});
}

void engine_facade::stop_taking(const reply_address& to, const room_key& room) {
  caf::anon_send(node_.shards[node_.shard_of(room).value],
                 stop_taking_runs{to, room});
}

void engine_facade::lease(const reply_address& to, lease_request x) {
  if (x.op == lease_request::what::heartbeat) {
    auto shard = node_.shard_of(x.room).value;
    return caf::anon_send(node_.shards[shard],
                          renew_lease{to, x.room, std::move(x.claim)});
  }
  command_request y;
  y.room = std::move(x.room);
  y.arguments.what = run_command::release;
  y.arguments.run = x.claim.run;
  y.arguments.reason = std::move(x.reason);
  y.arguments.lease.claim = std::move(x.claim);
  command(to, std::move(y));
}

void engine_facade::enter_shard(slot_ptr s) {
  auto shard = node_.shard_of(s->room).value;
  auto limit = node_.conf.limits.proposal_bytes_in_flight;
  auto& bytes = node_.shard_bytes_in_flight[shard];
  auto before = bytes.fetch_add(s->bytes);
  // One request may always go, however large.
  if (before != 0 && before + s->bytes > limit && !s->gather) {
    bytes.fetch_sub(s->bytes);
    node_.counters.overload.fetch_add(1, std::memory_order_relaxed);
    return refuse(s->to,
                  {errc::unavailable,
                   "too much is under way in this part of the node; wait "
                   "a moment and send again",
                   {},
                   std::chrono::seconds{1}});
  }
  node_.counters.in_flight_bytes.fetch_add(s->bytes);
  caf::anon_send(node_.shards[shard], enter{std::move(s)});
}

std::optional<problem> engine_facade::why_no_writes() const {
  constexpr auto soon = std::chrono::seconds{2};
  if (node_.draining.load(std::memory_order_relaxed))
    return problem{
      errc::unavailable,
      "this node is about to stop; send again to another node or in "
      "a moment",
      {},
      soon};
  if (node_.no_space.load(std::memory_order_relaxed) != 0)
    return problem{
      errc::unavailable,
      "the node's disk is full: nothing can be written until there "
      "is room; reading goes on",
      {},
      soon};
  return std::nullopt;
}

void engine_facade::refuse(const reply_address& to, problem why) {
  node_.counters.refused.fetch_add(1, std::memory_order_relaxed);
  std::vector<answer> xs;
  xs.push_back({to, tl::unexpected{std::move(why)}});
  sink_.answers(to.hub, std::move(xs));
}

// -- reads
// ---------------------------------------------------------------------------

void engine_facade::read_after_barrier(
  const reply_address& to, const room_key& room, std::function<answer()> work,
  std::shared_ptr<read_barrier::run_clock> clock) {
  auto go = [this, to, work = std::move(work)](std::optional<problem> why) {
    if (why)
      return refuse(to, std::move(*why));
    node_.read([this, work] {
      answers_out message;
      message.answers.push_back(work());
      caf::anon_send(node_.edge, std::move(message));
    });
  };
  caf::anon_send(
    node_.shards[node_.shard_of(room).value],
    read_barrier{std::make_shared<std::function<void(std::optional<problem>)>>(
                   std::move(go)),
                 std::move(clock)});
}

void engine_facade::ask(const reply_address& to, query::any x) {
  auto room = room_of(x);
  std::shared_ptr<read_barrier::run_clock> clock;
  if (auto* detail = std::get_if<query::run_detail>(&x))
    clock = std::make_shared<read_barrier::run_clock>(
      read_barrier::run_clock{room, detail->run, {}});
  auto work = [this, to, q = std::move(x), clock]() mutable {
    if (clock && clock->lease_left_ms)
      std::get<query::run_detail>(q).lease_expires_ms
        = wall_ms() + *clock->lease_left_ms;
    auto json = node_.state->answer(
      q, [this](const room_key& r) { return node_.shard_of(r); });
    if (!json)
      return answer{to, tl::unexpected{std::move(json.error())}};
    return answer{to, document_answer{std::move(*json)}};
  };
  read_after_barrier(to, room, std::move(work), std::move(clock));
}

void engine_facade::history(const reply_address& to, history_request x) {
  auto room = x.room;
  read_after_barrier(to, room, [this, to, x = std::move(x)] {
    auto chunk = node_.state->history(node_.shard_of(x.room), x);
    if (!chunk)
      return answer{to, tl::unexpected{std::move(chunk.error())}};
    return answer{to, history_answer{std::move(*chunk)}};
  });
}

void engine_facade::admin(const reply_address& to, admin_request x) {
  system_.spawn(admin_task, &node_, to,
                std::make_shared<admin_request>(std::move(x)));
}

// -- rooms
// ------------------------------------------------------------------------------

void engine_facade::join_room(hub_id hub, room_key room, std::uint64_t token) {
  caf::anon_send(node_.edge, edge_join{hub, std::move(room), token});
}

void engine_facade::leave_room(hub_id hub, room_key room) {
  caf::anon_send(node_.edge, edge_leave{hub, std::move(room)});
}

void engine_facade::watch_tenant(hub_id hub, tenant_id tenant, bool on) {
  caf::anon_send(node_.edge, edge_watch{hub, std::move(tenant), on});
}

void engine_facade::ask_streams(hub_id hub, room_key room,
                                std::uint64_t token) {
  caf::anon_send(node_.edge, edge_ask_streams{hub, std::move(room), token});
}

// -- state of the node
// ------------------------------------------------------------------

readiness engine_facade::ready() const {
  auto shards = node_.ready_shards.load();
  if (shards < node_.shards.size())
    return {false, std::to_string(shards) + " of "
                     + std::to_string(node_.shards.size()) + " shards serve"};
  if (auto why = why_no_writes())
    return {false, why->detail};
  return {true, {}};
}

engine_metrics engine_facade::metrics() const {
  auto& c = node_.counters;
  engine_metrics m;
  m.events_accepted = c.accepted;
  m.events_duplicate = c.duplicate;
  m.events_refused = c.refused;
  m.events_ephemeral = c.ephemeral;
  m.entries_proposed = c.proposed;
  m.log_syncs = c.syncs;
  m.log_bytes = c.log_bytes;
  m.batches_applied = c.applied;
  m.history_reads = c.reads;
  m.refused_overload = c.overload;
  m.runs_taken = c.taken;
  m.leases_lost = c.leases_lost;
  m.leases_released = c.released;
  m.runs_given_up = c.given_up;
  m.heartbeats = c.heartbeats;
  m.lease_conflicts = c.lease_conflicts;
  m.waiting_workers = c.waiting_workers;
  m.leases = c.leases;
  m.in_flight_bytes = c.in_flight_bytes;
  m.active_runs = c.active_runs;
  m.active_rooms = c.active_rooms;
  m.leading_shards = c.leading;
  m.shards = node_.shards.size();
  m.state_disk_bytes = c.state_disk_bytes;
  m.log_disk_bytes = c.log_disk_bytes;
  m.disk_full = node_.no_space.load() != 0;
  m.sync_seconds = c.sync_seconds.read();
  m.publish_seconds = c.publish_seconds.read();
  m.apply_seconds = c.apply_seconds.read();
  return m;
}

std::string engine_facade::node_name() const {
  return node_.name;
}

} // namespace callboard
