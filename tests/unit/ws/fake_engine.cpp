#include "tests/unit/ws/fake_engine.hpp"

#include "actors/model/json.hpp"

#include <algorithm>
#include <utility>

namespace callboard::test {

posted_event make_event(const room_key& room, event_seq seq,
                        const fake_engine::draft& x) {
  std::string text = "{";
  if (seq.value != 0)
    text += "\"seq\":" + std::to_string(seq.value) + ",";
  auto type_begin = text.size() + 8;
  text
    += "\"type\":\"" + x.type + "\",\"room\":" + json::quoted(room_name(room));
  text += ",\"data\":{\"text\":" + json::quoted(x.text) + "}";
  text += seq.value == 0 ? ",\"ephemeral\":true}" : "}";
  posted_event y;
  y.seq = seq;
  y.run = {x.run};
  y.frame = std::make_shared<const std::string>(std::move(text));
  y.type_name = std::string_view{*y.frame}.substr(type_begin, x.type.size());
  return y;
}

void fake_engine::publish(const reply_address& to, publish_request x) {
  std::lock_guard guard{mutex_};
  publish_answer results;
  for (auto& item : x.items) {
    if (auto* refused = std::get_if<publish_result>(&item)) {
      results.results.push_back(*refused);
      continue;
    }
    auto& event = std::get<event_draft>(item);
    auto room = event.scope == event_scope::tenant ? room_key{x.room.tenant, {}}
                                                   : x.room;
    draft y;
    y.type = event.type_name;
    y.run = event.run.value;
    y.ephemeral = event.delivery == event_delivery::ephemeral;
    auto seq = post(room, {y});
    auto& result = results.results.emplace_back();
    result.id = event.id.value;
    if (!y.ephemeral)
      result.seq = seq;
  }
  answer_with(to, {std::move(results)});
}

void fake_engine::command(const reply_address& to, command_request x) {
  std::lock_guard guard{mutex_};
  commands_.push_back(x);
  if (x.arguments.run.value == "ended")
    answer_with(to, fail(errc::conflict, "run is completed, cannot be paused"));
  else
    answer_with(to, {document_answer{R"({"status":"paused"})"}});
}

void fake_engine::define(const reply_address& to, definition_request) {
  answer_with(to, fail(errc::internal, "not part of this fake"));
}

void fake_engine::ask(const reply_address& to, query::any x) {
  std::lock_guard guard{mutex_};
  auto* find = std::get_if<query::find_run>(&x);
  auto home = find == nullptr ? homes_.end() : homes_.find(find->run);
  if (home == homes_.end())
    answer_with(to, fail(errc::not_found, "no such run"));
  else
    answer_with(to, {document_answer{json::quoted(home->second.value)}});
}

void fake_engine::history(const reply_address& to, history_request x) {
  std::lock_guard guard{mutex_};
  ++reads_;
  if (refusals_ > 0) {
    --refusals_;
    answer_with(to, fail(errc::unavailable, "try again"));
    return;
  }
  auto& room = rooms_[x.room];
  history_chunk chunk;
  chunk.head = {room.events.size()};
  chunk.oldest = room.oldest;
  chunk.through = x.after;
  std::size_t bytes = 0;
  auto first = std::max(x.after.value, room.oldest.value - 1);
  for (auto i = first; i < room.events.size() && bytes < x.max_bytes; ++i) {
    auto& event = room.events[i];
    chunk.through = event.seq;
    auto wanted = x.types.empty()
                  || std::ranges::any_of(x.types, [&event](auto& pattern) {
                       return type_matches(pattern, event.type_name);
                     });
    if (!wanted || (x.run && *x.run != event.run))
      continue;
    bytes += event.frame->size();
    chunk.events.push_back(event);
  }
  answer_with(to, {history_answer{std::move(chunk)}});
}

void fake_engine::admin(const reply_address& to, admin_request) {
  answer_with(to, fail(errc::internal, "not part of this fake"));
}

void fake_engine::reply(const reply_address& to, result<document_answer> x) {
  if (x)
    answer_with(to, std::move(*x));
  else
    answer_with(to, tl::unexpected{x.error()});
}

void fake_engine::take(const reply_address& to, take_request) {
  answer_with(to, document_answer{{}, 204});
}

void fake_engine::stop_taking(const reply_address&, const room_key&) {
  // nop
}

void fake_engine::lease(const reply_address& to, lease_request) {
  answer_with(to, document_answer{"{}"});
}

void fake_engine::join_room(hub_id hub, room_key key, std::uint64_t token) {
  std::lock_guard guard{mutex_};
  auto& room = rooms_[key];
  room.hubs.insert(hub);
  signal(hub, room_joined{key, {room.events.size()}, room.oldest, 7, token});
}

void fake_engine::leave_room(hub_id hub, room_key room) {
  std::lock_guard guard{mutex_};
  rooms_[room].hubs.erase(hub);
}

void fake_engine::watch_tenant(hub_id hub, tenant_id tenant, bool on) {
  std::lock_guard guard{mutex_};
  if (on)
    watchers_[tenant].insert(hub);
  else
    watchers_[tenant].erase(hub);
}

void fake_engine::ask_streams(hub_id hub, room_key room, std::uint64_t token) {
  std::lock_guard guard{mutex_};
  signal(hub, stream_snapshots{room, token, rooms_[room].streams});
}

readiness fake_engine::ready() const {
  return {true, {}};
}

engine_metrics fake_engine::metrics() const {
  return {};
}

std::string fake_engine::node_name() const {
  return "test-node";
}

event_seq fake_engine::post(const room_key& key, const std::vector<draft>& xs) {
  std::lock_guard guard{mutex_};
  auto& room = rooms_[key];
  auto batch = std::make_shared<room_batch>();
  batch->room = key;
  batch->previous = {room.events.size()};
  for (auto& x : xs) {
    event_seq seq{x.ephemeral ? 0 : room.events.size() + 1};
    batch->events.push_back(make_event(key, seq, x));
    if (!x.ephemeral)
      room.events.push_back(batch->events.back());
  }
  auto hubs = room.hubs;
  if (!key.is_tenant_room())
    hubs.insert(watchers_[key.tenant].begin(), watchers_[key.tenant].end());
  for (auto hub : hubs)
    signal(hub, std::shared_ptr<const room_batch>{batch});
  return {room.events.size()};
}

void fake_engine::lose(const room_key& key) {
  std::lock_guard guard{mutex_};
  for (auto hub : std::exchange(rooms_[key].hubs, {}))
    signal(hub, room_lost{key});
}

void fake_engine::trim(const room_key& room, event_seq oldest) {
  std::lock_guard guard{mutex_};
  rooms_[room].oldest = oldest;
}

void fake_engine::set_stream(const room_key& room, const std::string& run,
                             const std::string& text) {
  std::lock_guard guard{mutex_};
  auto x
    = make_event(room, {}, {"workflow:execution:step:stream", run, text, true});
  x.snapshot = true;
  rooms_[room].streams = {x};
}

void fake_engine::set_home(const run_id& run, const project_id& project) {
  std::lock_guard guard{mutex_};
  homes_[run] = project;
}

void fake_engine::hold_answers(bool on) {
  std::lock_guard guard{mutex_};
  holding_ = on;
  if (!on)
    for (auto& give : std::exchange(held_, {}))
      give();
}

void fake_engine::refuse_history(std::size_t times) {
  std::lock_guard guard{mutex_};
  refusals_ = times;
}

event_seq fake_engine::head(const room_key& room) {
  std::lock_guard guard{mutex_};
  return {rooms_[room].events.size()};
}

std::size_t fake_engine::hubs_in(const room_key& room) {
  std::lock_guard guard{mutex_};
  return rooms_[room].hubs.size();
}

std::vector<command_request> fake_engine::commands() {
  std::lock_guard guard{mutex_};
  return commands_;
}

std::size_t fake_engine::history_reads() {
  std::lock_guard guard{mutex_};
  return reads_;
}

void fake_engine::answer_with(const reply_address& to,
                              decltype(answer::outcome) x) {
  auto give = [this, to, x = std::move(x)] {
    std::vector<answer> all;
    all.push_back({to, x});
    sink_.answers(to.hub, std::move(all));
  };
  std::lock_guard guard{mutex_};
  if (holding_)
    held_.push_back(std::move(give));
  else
    give();
}

void fake_engine::signal(hub_id hub, room_signal x) {
  std::vector<room_signal> all;
  all.push_back(std::move(x));
  sink_.room(hub, std::move(all));
}

} // namespace callboard::test
