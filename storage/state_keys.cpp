#include "storage/state_keys.hpp"

#include "storage/coding.hpp"

namespace callboard::keys {

namespace {

void put_part(std::string& out, std::string_view id) {
  out.append(id);
  out.push_back('\0');
}

void put_room(std::string& out, room_ref room) {
  put_part(out, room.tenant);
  put_part(out, room.project);
}

std::string start(shard_id shard, char kind, std::size_t more) {
  std::string out;
  out.reserve(3 + more);
  coding::put_big_endian(out, static_cast<std::uint16_t>(shard.value));
  out.push_back(kind);
  return out;
}

std::string start(shard_id shard, char kind, room_ref room, std::size_t more) {
  auto out
    = start(shard, kind, room.tenant.size() + room.project.size() + more);
  put_room(out, room);
  return out;
}

std::string start(shard_id shard, char kind, room_ref room,
                  std::string_view run) {
  auto out = start(shard, kind, room, run.size() + 64);
  put_part(out, run);
  return out;
}

std::string placed(std::string out, std::int64_t created_ms,
                   std::string_view run) {
  coding::put_sortable(out, created_ms);
  out.append(run);
  return out;
}

} // namespace

std::string shard(shard_id shard) {
  std::string out;
  coding::put_big_endian(out, static_cast<std::uint16_t>(shard.value));
  return out;
}

std::string behind_shard(shard_id shard) {
  auto out = behind(keys::shard(shard));
  // What follows the number is a letter or a tenant, which is UTF-8.
  return out.empty() ? keys::shard(shard) + '\xff' : out;
}

std::string applied(shard_id shard) {
  return start(shard, static_cast<char>(row::applied), 0);
}

std::string cluster_map(shard_id shard) {
  return start(shard, static_cast<char>(row::cluster_map), 0);
}

std::string events(shard_id shard, room_ref room) {
  std::string out;
  out.reserve(room.tenant.size() + room.project.size() + 16);
  coding::put_big_endian(out, static_cast<std::uint16_t>(shard.value));
  put_room(out, room);
  return out;
}

std::string event(shard_id shard, room_ref room, event_seq seq) {
  auto out = events(shard, room);
  coding::put_big_endian(out, seq.value);
  return out;
}

std::string rooms(shard_id shard, std::string_view tenant) {
  auto out = start(shard, static_cast<char>(row::room), tenant.size() + 1);
  put_part(out, tenant);
  return out;
}

std::string room(shard_id shard, room_ref room) {
  auto out = rooms(shard, room.tenant);
  out.append(room.project);
  return out;
}

std::string definitions(shard_id shard, room_ref room) {
  return start(shard, static_cast<char>(row::definition), room, 64);
}

std::string run_rows(shard_id shard, room_ref room, std::string_view run) {
  return start(shard, static_cast<char>(row::run), room, run);
}

std::string run_rows(shard_id shard, room_ref room, std::string_view run,
                     run_part part) {
  auto out = run_rows(shard, room, run);
  out.push_back(static_cast<char>(part));
  return out;
}

std::string of_room(shard_id shard, index what, room_ref room) {
  return start(shard, static_cast<char>(what), room, 64);
}

std::string of_run(shard_id shard, index what, room_ref room,
                   std::string_view run) {
  return start(shard, static_cast<char>(what), room, run);
}

std::string listed(shard_id shard, room_ref room, std::int64_t created_ms,
                   std::string_view run) {
  return placed(of_room(shard, index::run_list, room), created_ms, run);
}

std::string listed(shard_id shard, room_ref room, run_status status,
                   std::int64_t created_ms, std::string_view run) {
  auto out = of_room(shard, index::run_status, room);
  out.push_back(static_cast<char>(status));
  return placed(std::move(out), created_ms, run);
}

std::string listed(shard_id shard, room_ref room, std::string_view definition,
                   run_status status, std::int64_t created_ms,
                   std::string_view run) {
  auto out = of_room(shard, index::run_definition, room);
  put_part(out, definition);
  out.push_back(static_cast<char>(status));
  return placed(std::move(out), created_ms, run);
}

std::string queue(shard_id shard, room_ref room, std::string_view queue) {
  auto out = of_room(shard, index::queued, room);
  put_part(out, queue);
  return out;
}

std::string queued(shard_id shard, room_ref room, std::string_view queue,
                   std::int64_t created_ms, std::string_view run) {
  return placed(keys::queue(shard, room, queue), created_ms, run);
}

std::string leased(shard_id shard) {
  return start(shard, static_cast<char>(index::leased), 0);
}

std::string leased(shard_id shard, room_ref room, std::string_view run) {
  auto out = of_room(shard, index::leased, room);
  out.append(run);
  return out;
}

std::string projects_of_run(shard_id shard, std::string_view tenant,
                            std::string_view run) {
  auto out = start(shard, static_cast<char>(index::run_project),
                   tenant.size() + run.size() + 64);
  put_part(out, tenant);
  put_part(out, run);
  return out;
}

std::string behind(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xff')
    prefix.pop_back();
  if (!prefix.empty())
    prefix.back()
      = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

event_seq trailing_seq(std::string_view key) noexcept {
  event_seq out;
  if (key.size() >= 8)
    (void)coding::reader{key.substr(key.size() - 8)}.big_endian(out.value);
  return out;
}

} // namespace callboard::keys
