#include "tests/unit/cluster_sim/traffic.hpp"

#include "actors/model/json.hpp"

#include <algorithm>
#include <stdexcept>

namespace callboard::sim {

namespace {

std::string name_of(const room_key& room, event_seq seq) {
  return room.project.value + " " + std::to_string(seq.value);
}

} // namespace

publish_item draft_of(const std::string& text, const project_id& project) {
  auto source = std::make_shared<const std::string>(text);
  auto doc = json::document::parse(*source, {});
  auto draft = parse_event(doc->root(), source, project, {});
  if (!draft)
    throw std::runtime_error{draft.error().detail};
  return std::move(*draft);
}

// -- everybody
// -------------------------------------------------------------------

traffic::traffic(simulated_cluster& cluster, witness& seen,
                 std::size_t producers, std::size_t viewers,
                 std::size_t events_each)
    : cluster_{cluster}, seen_{seen}, events_each_{events_each} {
  for (std::size_t i = 0; i < producers; ++i) {
    producer x;
    x.name = "p" + std::to_string(i);
    x.room = {{"t"}, {"room" + std::to_string(i % 3)}};
    if (i % 2 == 0)
      x.run = "run-" + std::to_string(i);
    x.node = some_node();
    producers_.push_back(std::move(x));
  }
  for (std::size_t i = 0; i < viewers; ++i) {
    viewer x;
    x.name = "v" + std::to_string(i);
    x.room = {{"t"}, {"room" + std::to_string(i % 3)}};
    x.hub = {i};
    x.node = some_node();
    viewers_.push_back(std::move(x));
  }
  cluster_.on_answer
    = [this](std::size_t node, answer x) { hear(node, std::move(x)); };
  cluster_.on_room = [this](std::size_t node, hub_id hub, room_signal x) {
    hear(node, hub, std::move(x));
  };
}

std::size_t traffic::some_node() {
  auto node = cluster_.random() % cluster_.size();
  for (int i = 0; i < 8 && !cluster_.serves(node); ++i)
    node = cluster_.random() % cluster_.size();
  return node;
}

void traffic::tick() {
  for (auto& x : producers_)
    tick(x);
  for (auto& x : viewers_)
    tick(x);
}

reply_address traffic::expect(reply what) {
  waiting_.emplace(++requests_, std::move(what));
  return {hub_id{0}, 1, requests_, {}};
}

void traffic::hear(std::size_t, answer x) {
  auto at = waiting_.find(x.to.request);
  if (at == waiting_.end())
    return; // nobody waits any more
  auto what = std::move(at->second);
  waiting_.erase(at);
  what(std::move(x));
}

bool traffic::done() const {
  return unfinished().empty();
}

std::string traffic::unfinished() const {
  for (auto& x : producers_)
    if (x.next < events_each_ || !x.ids.empty())
      return x.name + " has sent " + std::to_string(x.next) + " of "
             + std::to_string(events_each_) + " events";
  for (auto& x : viewers_)
    if (auto head = heads_.find(x.room);
        head != heads_.end() && x.cursor < head->second)
      return x.name + " at n" + std::to_string(x.node + 1) + " is at "
             + name_of(x.room, x.cursor) + " of "
             + std::to_string(head->second.value)
             + (x.joined ? " (joined)" : " (not joined)");
  return {};
}

// -- producers
// --------------------------------------------------------------------

void traffic::tick(producer& x) {
  auto now = cluster_.now_ms();
  if (x.request != 0 && (now >= x.until_ms || !cluster_.serves(x.node))) {
    // Nobody knows what became of it.
    waiting_.erase(x.request);
    x.request = 0;
    x.repeated = true;
    x.node = some_node();
  }
  if (x.request != 0 || now < x.not_before_ms)
    return;
  if (x.ids.empty()) {
    for (auto n = 1 + cluster_.random() % 3; n > 0 && x.next < events_each_;
         --n)
      x.ids.push_back(x.name + "-" + std::to_string(x.next++));
    x.repeated = false;
    // Somebody does not know that it was done long ago.
    // (A room's own ids are kept as long as their events.)
    if (!x.known.empty() && cluster_.random() % 8 == 0
        && !(cluster_.shape().retention && x.run.empty()))
      x.ids.push_back(x.known[cluster_.random() % x.known.size()]);
  }
  if (!x.ids.empty())
    send(x);
}

void traffic::send(producer& x) {
  if (!cluster_.serves(x.node)) {
    x.node = some_node();
    x.not_before_ms = cluster_.now_ms() + 50;
    return;
  }
  publish_request request;
  request.room = x.room;
  for (auto& id : x.ids) {
    auto text = x.run.empty()
                  ? R"({"type":"sim:thing:happened","id":")" + id
                      + R"(","ts":"2026-01-02T03:04:05.678Z","data":{"n":1}})"
                  : R"({"type":"workflow:execution:event:created","id":")" + id
                      + R"(","data":{"execution_id":")" + x.run
                      + R"(","event":{"kind":"log","message":"m"}}})";
    if (!x.run.empty() && id.ends_with("-0"))
      text = R"({"type":"workflow:execution:updated","id":")" + id
             + R"(","data":{"execution_id":")" + x.run
             + R"(","changes":{"status":"running"}}})";
    request.bytes += text.size();
    request.items.push_back(draft_of(text, x.room.project));
  }
  sent_again_ += x.repeated;
  auto index = static_cast<std::size_t>(&x - producers_.data());
  auto to = expect(
    [this, index](answer got) { answered(producers_[index], std::move(got)); });
  x.request = to.request;
  x.until_ms = cluster_.now_ms() + 8000;
  cluster_.api(x.node).publish(to, std::move(request));
}

void traffic::answered(producer& x, answer got) {
  x.request = 0;
  x.not_before_ms
    = cluster_.now_ms() + static_cast<std::int64_t>(cluster_.random() % 180);
  auto again = [&](const problem& why) {
    if (why.code != errc::unavailable)
      seen_.broken(x.name + " was refused: " + why.detail);
    x.repeated = true;
    x.not_before_ms += 100;
    x.node = some_node();
  };
  if (!got.outcome)
    return again(got.outcome.error());
  auto& results = std::get<publish_answer>(*got.outcome).results;
  if (results.size() != x.ids.size())
    return seen_.broken(x.name + " got a wrong number of results");
  std::vector<std::string> left;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i].seq) {
      if (seen_.acknowledged(x.room, x.ids[i], *results[i].seq)) {
        ++acknowledged_;
        x.known.push_back(x.ids[i]);
      }
      auto& head = heads_[x.room];
      head = std::max(head, *results[i].seq);
    } else {
      again(results[i].error.value_or(problem{}));
      left.push_back(x.ids[i]);
    }
  }
  x.ids = std::move(left);
}

// -- viewers
// ---------------------------------------------------------------------

void traffic::move_on(viewer& x) {
  x.joined = false;
  x.reading = 0;
  x.node = some_node();
  x.join_again_ms = cluster_.now_ms() + 100;
  ++x.token;
}

void traffic::tick(viewer& x) {
  auto now = cluster_.now_ms();
  if (!cluster_.serves(x.node))
    return move_on(x); // its connection broke
  if (!x.joined && now >= x.join_again_ms) {
    x.join_again_ms = now + 1000;
    x.cursor_then = x.cursor;
    cluster_.api(x.node).join_room(x.hub, x.room, ++x.token);
  }
  if (x.reading != 0 && now >= x.reading_until_ms) {
    waiting_.erase(x.reading);
    x.reading = 0;
  }
  if (x.joined && !x.live() && x.reading == 0)
    read(x);
}

void traffic::read(viewer& x) {
  auto index = static_cast<std::size_t>(&x - viewers_.data());
  // What was acknowledged by now, or seen by any viewer, is known to whoever
  // may answer.
  auto known = std::max(heads_[x.room], seen_heads_[x.room]);
  auto to = expect([this, index, known](answer got) {
    auto& me = viewers_[index];
    if (got.outcome)
      if (auto head = std::get<history_answer>(*got.outcome).chunk.head;
          head < known)
        seen_.broken("a reader was told that " + name_of(me.room, head)
                     + " is the last event, but " + std::to_string(known.value)
                     + " was acknowledged or seen");
    if (me.reading != got.to.request)
      return;
    me.reading = 0;
    if (!got.outcome)
      return; // the next tick asks again
    auto& chunk = std::get<history_answer>(*got.outcome).chunk;
    if (next(me.cursor) < chunk.oldest && me.cursor < chunk.head)
      return skip(me, chunk);
    for (auto& event : chunk.events)
      took(me, event);
  });
  x.reading = to.request;
  x.reading_until_ms = cluster_.now_ms() + 5000;
  cluster_.api(x.node).history(to, {x.room, x.cursor, {}, {}, 2048});
}

/// What it had to see next is forgotten: as a hub does, it goes on at the end.
void traffic::skip(viewer& x, const history_chunk& chunk) {
  const auto kept = chunk.head.value + 1 - chunk.oldest.value;
  if (!cluster_.shape().retention || kept < history_shape::kept_events)
    seen_.broken("of " + x.room.project.value + " only " + std::to_string(kept)
                 + " events are kept");
  x.cursor = chunk.head;
  ++skipped_;
}

/// The next event of the room for this viewer.
void traffic::took(viewer& x, const posted_event& event) {
  if (event.seq != next(x.cursor))
    return seen_.broken(x.name + " at n" + std::to_string(x.node + 1)
                        + " goes from " + name_of(x.room, x.cursor) + " to "
                        + std::to_string(event.seq.value));
  x.cursor = event.seq;
  auto& seen_by_any = seen_heads_[x.room];
  seen_by_any = std::max(seen_by_any, event.seq);
  ++delivered_;
  seen_.saw(x.room, event.seq, *event.frame, x.name);
}

void traffic::hear(std::size_t node, hub_id hub, room_signal signal) {
  auto each = [&](const room_key& room, auto what) {
    for (auto& x : viewers_)
      if (x.node == node && x.hub == hub && x.room == room)
        what(x);
  };
  if (auto joined = std::get_if<room_joined>(&signal))
    each(joined->room, [&](viewer& x) {
      if (joined->token != x.token)
        return;
      x.joined = true;
      // A first join is a read: it knows what was known when it was asked.
      if (joined->head < x.cursor_then)
        seen_.broken(x.name + " has seen " + name_of(x.room, x.cursor_then)
                     + ", but the room is at "
                     + std::to_string(joined->head.value));
      x.told = joined->head;
    });
  else if (auto lost = std::get_if<room_lost>(&signal))
    each(lost->room, [&](viewer& x) {
      x.joined = false;
      x.join_again_ms = 0;
      ++x.token; // an answer that is under way is void
    });
  else if (auto batch = std::get_if<std::shared_ptr<const room_batch>>(&signal))
    each((*batch)->room, [&](viewer& x) { hear(x, **batch); });
}

void traffic::hear(viewer& x, const room_batch& batch) {
  if (!x.joined)
    return;
  // What was missed is read.
  x.told = std::max(x.told, batch.previous);
  auto live = x.live();
  for (auto& event : batch.events) {
    if (event.seq == event_seq{})
      continue;
    x.told = std::max(x.told, event.seq);
    if (live && event.seq > x.cursor)
      took(x, event);
  }
}

// -- the end
// ---------------------------------------------------------------------

bool traffic::read_all(const history_reader& read) {
  for (std::size_t node = 0; node < cluster_.size(); ++node)
    for (int i = 0; i < 3 && cluster_.serves(node); ++i) {
      room_key room{{"t"}, {"room" + std::to_string(i)}};
      std::optional<answer> got;
      auto give_up = cluster_.now_ms() + 10'000;
      while (cluster_.now_ms() < give_up && !(got && got->outcome)) {
        got.reset();
        auto to = expect([&](answer x) { got = std::move(x); });
        cluster_.api(node).history(to, {room, {}, {}, {}, 16u << 20});
        while (!got && cluster_.now_ms() < give_up)
          cluster_.run_for(20);
        waiting_.erase(to.request);
      }
      if (!cluster_.serves(node))
        break; // it was removed meanwhile
      if (!got || !got->outcome)
        return false;
      read(room, std::get<history_answer>(*got->outcome).chunk.events);
    }
  return true;
}

} // namespace callboard::sim
