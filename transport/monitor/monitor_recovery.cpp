#include "actors/model/json.hpp"
#include "transport/edge_metrics.hpp"
#include "transport/monitor/monitor_ask.hpp"
#include "transport/viewer_rooms.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

/// monitor_client: offsets, and how a client is carried on from one.
namespace callboard {

namespace {

/// Nodes' clocks may differ by so much.
constexpr std::int64_t clock_skew_ms = 60'000;

constexpr std::string_view event_head = "42/workflows,";

std::int64_t unix_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
           std::chrono::system_clock::now().time_since_epoch())
    .count();
}

/// The messages of one event as packets; the last one carries the offset.
frame_ptr with_offset(const outbound_frame& shared, const std::string& offset) {
  std::vector<std::string> messages;
  shared.for_each_message([&messages](std::string_view text, bool) {
    messages.push_back(std::string{event_head}.append(text));
  });
  auto& last = messages.back();
  last.pop_back();
  ((last += ",\"") += offset) += "\"]";
  return outbound_frame::texts(messages);
}

/// Frames that look the same for every client that is in one execution's room
/// only. Lives on one hub's thread, for one turn.
class turn_frames {
public:
  struct key {
    const outbound_frame* shared;
    const viewer_group* group;

    friend bool operator==(const key&, const key&) = default;
  };

  template <class Make>
  frame_ptr get(hub& home, const subscription& x, const frame_ptr& shared,
                Make make) {
    if (frames_.empty())
      home.post([this] { frames_.clear(); });
    auto& slot = frames_[{&*shared, x.group}];
    if (!slot.made) {
      slot.kept = shared; // so that its address means nothing else meanwhile
      slot.made = make();
    }
    return slot.made;
  }

private:
  struct hash {
    std::size_t operator()(const key& x) const noexcept {
      return std::hash<const void*>{}(x.shared)
             ^ std::hash<const void*>{}(x.group) * 31;
    }
  };
  struct entry {
    frame_ptr kept, made;
  };
  std::unordered_map<key, entry, hash> frames_;
};

} // namespace

const std::string* document_of(const answer& got) {
  auto* found
    = got.outcome ? std::get_if<document_answer>(&*got.outcome) : nullptr;
  return found != nullptr ? &found->json : nullptr;
}

const history_chunk* chunk_of(const answer& got) {
  auto* found
    = got.outcome ? std::get_if<history_answer>(&*got.outcome) : nullptr;
  return found != nullptr ? &found->chunk : nullptr;
}

std::optional<std::vector<project_id>> listed_projects(const answer& got) {
  auto* text = document_of(got);
  json::document doc;
  if (text == nullptr || !doc.reset(*text))
    return std::nullopt;
  std::vector<project_id> out;
  auto items = doc.root().find("items");
  if (!items)
    return std::nullopt;
  for (auto item : items->items()) {
    auto id = item.find("id");
    if (!id || !id->is(json::kind::string))
      return std::nullopt;
    out.push_back({id->string()});
  }
  return out;
}

// -- offsets ------------------------------------------------------------------

event_seq monitor_client::position_of(const run_id& run,
                                      const watched_run& x) const {
  auto* at = find("execution:" + run.value);
  if (at == nullptr)
    return {};
  auto seq = at->state == subscription::phase::starting
               ? at->since.value_or(event_seq{})
               : at->cursor;
  // While the tenant's view is on, its events come by that.
  if (auto seen = positions_.find(x.project);
      tenant_ != tenant_view::off && seen != positions_.end())
    seq = std::max(seq, seen->second);
  return seq;
}

recovery_point monitor_client::point_now() const {
  recovery_point x;
  x.unix_ms = unix_ms();
  x.tenant = tenant_ == tenant_view::on;
  auto places = runs_.size() + (x.tenant ? positions_.size() : 0);
  if (places > recovery_point::max_places || (x.tenant && too_many_projects_)) {
    x.places.resize(recovery_point::max_places + 1); // nothing to go on from
    return x;
  }
  if (x.tenant)
    for (auto& [project, seq] : positions_)
      x.places.push_back({project, seq, {}});
  for (auto& [run, watched] : runs_)
    if (watched.ready)
      x.places.push_back({watched.project, position_of(run, watched), run});
  return x;
}

/// Beside a frame that goes to the client now.
std::string monitor_client::offset() {
  auto x = point_now();
  offset_ms_ = x.unix_ms;
  return encode(x);
}

/// An event that only carries the offset. It is as true as the events before it
/// are received: it is dropped with them.
void monitor_client::tell_offset() {
  if (!joined_)
    return;
  auto text = std::string{event_head} + R"(["position",")" + offset() + "\"]";
  push_with_events(outbound_frame::text(std::move(text)));
  wake();
}

frame_ptr monitor_client::own_frame(const subscription& x, event_seq seq,
                                    const frame_ptr& shared) {
  auto of_tenant = x.parent != nullptr;
  if (!of_tenant && tenant_ != tenant_view::off
      && tenant_ != tenant_view::preparing)
    return {}; // it comes by the tenant's view
  if (of_tenant && seq.value != 0)
    positions_[x.room->key.project] = seq;
  auto make = [&] {
    auto point = point_now();
    for (auto& place : point.places)
      if (seq.value != 0 && !of_tenant && x.group->run == place.run)
        place.seq = std::max(place.seq, seq);
    offset_ms_ = point.unix_ms;
    return with_offset(*shared, encode(point));
  };
  if (of_tenant || runs_.size() != 1)
    return make();
  thread_local turn_frames frames; // of this thread's hub
  offset_ms_ = unix_ms();
  return frames.get(home(), x, shared, make);
}

// -- going on from one --------------------------------------------------------

void monitor_client::begin_anew() {
  wanted_.reset();
  pid_ = new_recovery_id(who_);
  greet();
}

void monitor_client::recover(const std::string& pid,
                             const std::string& offset) {
  auto& conf = home().conf().socketio;
  auto from = decode_recovery_point(offset);
  auto now = unix_ms();
  // An offset is renewed when a quarter of the window has passed.
  auto longest = conf.recovery_window + conf.recovery_window / 4;
  auto fits = from && longest.count() > 0 && is_recovery_id_of(who_, pid)
              && who_.may_subscribe && from->unix_ms <= now + clock_skew_ms
              && now - from->unix_ms <= longest.count()
              && from->places.size() <= home().conf().limits.subscriptions
              && std::ranges::all_of(from->places, [this](auto& place) {
                   return reaches(place.project);
                 });
  if (!fits)
    return begin_anew();
  pid_ = pid;
  wanted_ = std::move(from);
  check_places();
}

/// Whether all that the client missed is still there.
void monitor_client::check_places() {
  cannot_recover_ = false;
  checks_awaited_ = wanted_->places.size() + (wanted_->tenant ? 1 : 0);
  if (checks_awaited_ == 0)
    return restore();
  auto places = wanted_->places; // the answers may come at once
  auto tenant = wanted_->tenant;
  for (std::size_t i = 0; i < places.size(); ++i) {
    history_request question;
    question.room = {who_.tenant, places[i].project};
    question.after = places[i].seq;
    question.max_bytes = 1;
    ask([&](const reply_address& to) { home().target().history(to, question); },
        [this, i](answer got) { check_place(i, std::move(got)); });
  }
  if (!tenant)
    return;
  query::list_projects question{
    who_.tenant, {}, recovery_point::max_places + 1, {}};
  if (who_.restricted)
    question.only = who_.projects;
  ask([&](const reply_address& to) { home().target().ask(to, question); },
      [this](answer got) { check_new_projects(std::move(got)); });
}

void monitor_client::check_place(std::size_t index, answer got) {
  auto* chunk = chunk_of(got);
  auto seq = wanted_->places[index].seq;
  if (chunk == nullptr || seq > chunk->head
      || (seq < chunk->head && next(seq) < chunk->oldest))
    cannot_recover_ = true;
  place_checked();
}

/// Projects that have come since then are seen from their beginning.
void monitor_client::check_new_projects(answer got) {
  auto projects = listed_projects(got);
  if (!projects || projects->size() > recovery_point::max_places) {
    cannot_recover_ = true;
    return place_checked();
  }
  for (auto& project : *projects) {
    auto known = std::ranges::any_of(wanted_->places, [&](auto& place) {
      return place.run.empty() && place.project == project;
    });
    if (!known)
      wanted_->places.push_back({project, {}, {}});
  }
  place_checked();
}

void monitor_client::place_checked() {
  if (--checks_awaited_ > 0)
    return;
  if (cannot_recover_)
    return begin_anew();
  restore();
}

void monitor_client::restore() {
  auto from = std::exchange(wanted_, std::nullopt);
  home().metrics().socketio_recovered.fetch_add(1, std::memory_order_relaxed);
  greet();
  offset_ms_ = from->unix_ms;
  if (from->tenant) {
    std::vector<std::pair<project_id, event_seq>> starts;
    for (auto& place : from->places)
      if (place.run.empty()) {
        starts.emplace_back(place.project, place.seq);
        positions_[place.project] = place.seq;
      }
    watch_tenant(std::move(starts));
    tenant_ = tenant_view::on; // as far as offsets are concerned
  }
  for (auto& place : from->places)
    if (!place.run.empty())
      watch(place.run, place.project, place.seq);
}

} // namespace callboard
