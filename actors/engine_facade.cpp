#include "actors/engine_facade.hpp"

#include "actors/actor_pool.hpp"
#include "actors/admin_task.hpp"
#include "actors/call_slots.hpp"

#include <caf/send.hpp>

#include <string_view>
#include <utility>

namespace callboard {

namespace {

constexpr std::string_view stopping
  = "this node is about to stop; send again to another node or in a moment";
constexpr std::string_view disk_full
  = "the node's disk is full: nothing can be written until there is room; "
    "reading goes on";

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
  if (tenant_items == 0)
    return enter_shard(make_slot(to, std::move(x)));
  room_key tenant{x.room.tenant, {}};
  if (tenant_items == x.items.size()) {
    x.room = tenant;
    return enter_shard(make_slot(to, std::move(x)));
  }
  auto gather = std::make_shared<publish_gather>(x.items.size(), 2);
  publish_request of_project{x.room, {}, x.bytes, x.lease};
  publish_request of_tenant{tenant, {}, 0, x.lease};
  std::vector<std::uint32_t> project_places, tenant_places;
  for (std::uint32_t i = 0; i < x.items.size(); ++i) {
    auto tenants = for_tenant(x.items[i]);
    (tenants ? tenant_places : project_places).push_back(i);
    (tenants ? of_tenant : of_project).items.push_back(std::move(x.items[i]));
  }
  auto mine = make_slot(to, std::move(of_project));
  auto tenants = make_slot(to, std::move(of_tenant));
  mine->positions = std::move(project_places);
  tenants->positions = std::move(tenant_places);
  mine->gather = tenants->gather = std::move(gather);
  enter_shard(std::move(mine));
  enter_shard(std::move(tenants));
}

void engine_facade::command(const reply_address& to, command_request x) {
  if (auto why = why_no_writes())
    return refuse(to, std::move(*why));
  enter_shard(make_slot(to, std::move(x)));
}

void engine_facade::define(const reply_address& to, definition_request x) {
  if (auto why = why_no_writes())
    return refuse(to, std::move(*why));
  auto made = make_slot(to, std::move(x));
  if (!made)
    return refuse(to, std::move(made.error()));
  enter_shard(std::move(*made));
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
  caller_runs here{system_};
  caf::anon_send(node_.shards[shard], enter{std::move(s)});
}

std::optional<problem> engine_facade::why_no_writes() const {
  constexpr auto soon = std::chrono::seconds{2};
  if (node_.draining.load(std::memory_order_relaxed))
    return problem{errc::unavailable, std::string{stopping}, {}, soon};
  // In a cluster another node may lead, whose disk has room.
  if (!node_.cluster && node_.no_space.load(std::memory_order_relaxed) != 0)
    return problem{errc::unavailable, std::string{disk_full}, {}, soon};
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

void engine_facade::ask(const reply_address& to, query::any x) {
  auto of_all_shards = std::holds_alternative<query::list_projects>(x)
                       || std::holds_alternative<query::find_run>(x);
  if (of_all_shards && node_.cluster && node_.map()->nodes.size() > 1)
    return caf::anon_send(node_.cluster, cluster_query{to, std::move(x)});
  auto shard = node_.shard_of(room_of(x)).value;
  caf::anon_send(node_.shards[shard], enter_read{to, std::move(x)});
}

void engine_facade::history(const reply_address& to, history_request x) {
  auto shard = node_.shard_of(x.room).value;
  caf::anon_send(node_.shards[shard], enter_read{to, std::move(x)});
}

void engine_facade::admin(const reply_address& to, admin_request x) {
  // Storage is each node's own; everything else is the cluster's.
  if (node_.cluster && !std::holds_alternative<inspect_storage>(x))
    return caf::anon_send(node_.cluster, cluster_ask{to, std::move(x)});
  if (std::holds_alternative<find_sessions>(x)
      || std::holds_alternative<end_session>(x))
    return sink_.admin(to, std::move(x));
  system_.spawn(admin_task, &node_, to,
                std::make_shared<admin_request>(std::move(x)));
}

void engine_facade::reply(const reply_address& to, result<document_answer> x) {
  std::vector<answer> one;
  if (x)
    one.push_back({to, std::move(*x)});
  else
    one.push_back({to, tl::unexpected{std::move(x.error())}});
  node_.answer(std::move(one));
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

// A full disk may be why shards do not serve: each reason is told.
readiness engine_facade::ready() const {
  std::string why;
  const auto add = [&why](std::string_view reason) {
    why += why.empty() ? "" : ", and ";
    why += reason;
  };
  const auto serving = node_.ready_shards.load();
  if (serving < node_.shards.size())
    add(std::to_string(serving) + " of " + std::to_string(node_.shards.size())
        + " shards serve");
  if (node_.draining.load(std::memory_order_relaxed))
    add(stopping);
  if (node_.no_space.load(std::memory_order_relaxed) != 0)
    add(disk_full);
  return {why.empty(), std::move(why)};
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
  m.asks = c.asks;
  m.asks_refused = c.asks_refused;
  m.states_out = node_.states_out.used();
  m.states_in = node_.states_in.used();
  m.states_put_off = node_.states_out.refused() + node_.states_in.refused();
  m.active_rooms = c.active_rooms;
  m.leading_shards = c.leading;
  m.shards = node_.shards.size();
  m.state_disk_bytes = c.state_disk_bytes;
  m.log_disk_bytes = c.log_disk_bytes;
  m.disk_full = node_.no_space.load() != 0;
  if (auto since = c.recovering_since_ms.load(); since != 0)
    m.recovery_seconds = static_cast<double>(steady_ms() - since) / 1000;
  m.sync_seconds = c.sync_seconds.read();
  m.publish_seconds = c.publish_seconds.read();
  m.apply_seconds = c.apply_seconds.read();
  m.shard_replicas = node_.replicas.all();
  if (auto network = node_.peers.network())
    m.peers = network->figures();
  return m;
}

std::string engine_facade::node_name() const {
  return node_.name;
}

} // namespace callboard
