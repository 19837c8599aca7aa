#include "tests/unit/cluster_sim/simulated_links.hpp"

#include "actors/remote.hpp"

#include <algorithm>

namespace callboard::sim {

namespace {

/// What a frame of such a message begins with.
char type_of(const remote::message& x) {
  return remote::encode(x).front();
}

} // namespace

class simulated_links::node_network : public peer_network {
public:
  node_network(simulated_links& links, std::size_t node)
      : links_{links}, node_{node} {
    // nop
  }

  result<std::uint16_t> start(const peer_identity&, peer_sink&) override {
    return std::uint16_t{1};
  }
  void set_cluster(const std::string& cluster) override {
    links_.places_[node_].who.cluster = cluster;
  }
  void set_targets(std::vector<std::string>) override {
  }
  bool send(peer_session to, peer_lane lane, shared_bytes frame) override {
    return links_.send(node_, to, lane, std::move(frame));
  }
  void reset(peer_session session) override {
    links_.reset(session);
  }
  std::vector<peer_figures> figures() const override {
    return {};
  }
  void stop() override {
  }

private:
  simulated_links& links_;
  std::size_t node_;
};

simulated_links::simulated_links(std::size_t nodes, std::mt19937& random,
                                 witness& seen)
    : random_{random}, seen_{seen}, places_(nodes),
      dial_at_us_(nodes, std::vector<std::int64_t>(nodes, 0)) {
  // nop
}

std::unique_ptr<peer_network> simulated_links::attach(std::size_t node) {
  return std::make_unique<node_network>(*this, node);
}

void simulated_links::start(std::size_t node, peer_identity self,
                            peer_sink& peers) {
  places_[node] = {&peers, std::move(self)};
}

void simulated_links::detach(std::size_t node) {
  places_[node].sink = nullptr;
  for (auto& x : sessions_)
    if (x.ends[0] == node || x.ends[1] == node)
      x.over = true;
}

void simulated_links::cut(std::size_t from, std::size_t to, bool on) {
  if (on)
    cut_.emplace(from, to);
  else
    cut_.erase({from, to});
}

void simulated_links::heal() {
  cut_.clear();
}

bool simulated_links::is_cut(std::size_t from, std::size_t to) const {
  return cut_.contains({from, to});
}

bool simulated_links::send(std::size_t from, peer_session to, peer_lane lane,
                           shared_bytes bytes) {
  auto at = std::ranges::find(sessions_, to.value, &session::number);
  if (at == sessions_.end() || at->over)
    return false;
  watch(from, *bytes);
  if (change_)
    bytes = change_(std::move(bytes));
  auto receiver = at->ends[0] == from ? 1u : 0u;
  auto& queue = at->under_way[receiver][static_cast<std::size_t>(lane)];
  auto due = now_us_ + 50 + static_cast<std::int64_t>(random_() % 1500);
  if (random_() % 50 == 0)
    due += static_cast<std::int64_t>(random_() % 100'000); // a hiccup
  if (!queue.empty())
    due = std::max(due, queue.back().due_us);
  queue.push_back({due, std::move(bytes)});
  return true;
}

/// Who says that it leads, and what moves.
void simulated_links::watch(std::size_t from, const std::string& bytes) {
  static const auto notice_type = type_of(remote::leader_notice{});
  static const auto description_type = type_of(remote::state_description{});
  if (bytes.empty()
      || (bytes.front() != notice_type && bytes.front() != description_type))
    return;
  auto message = remote::decode(bytes);
  if (!message)
    return;
  if (auto x = std::get_if<remote::leader_notice>(&*message); x && x->leads)
    seen_.leads(x->shard, x->term, from + 1);
  if (auto x = std::get_if<remote::state_description>(&*message);
      x && x->complete)
    ++states_;
}

void simulated_links::reset(peer_session which) {
  for (auto& x : sessions_)
    if (x.number == which.value)
      x.over = true; // noticed outside of the actor that asks for it
}

void simulated_links::end(std::size_t i) {
  auto gone = std::move(sessions_[i]);
  sessions_.erase(sessions_.begin() + static_cast<std::ptrdiff_t>(i));
  auto [a, b] = gone.ends;
  dial_at_us_[a][b] = now_us_ + redial_us;
  for (auto node : gone.ends)
    if (places_[node].sink != nullptr)
      places_[node].sink->peer_down({gone.number});
}

void simulated_links::tick(std::int64_t now_us) {
  now_us_ = now_us;
  for (auto i = sessions_.size(); i-- > 0;) {
    auto& x = sessions_[i];
    auto silent = is_cut(x.ends[0], x.ends[1]) || is_cut(x.ends[1], x.ends[0]);
    if (!silent)
      x.silent_since_us = -1;
    else if (x.silent_since_us < 0)
      x.silent_since_us = now_us;
    if (x.over || (silent && now_us - x.silent_since_us > link_timeout_us))
      end(i);
  }
  for (std::size_t a = 0; a < places_.size(); ++a)
    for (auto b = a + 1; b < places_.size(); ++b) {
      auto linked = std::ranges::any_of(sessions_, [&](const session& x) {
        return x.ends[0] == a && x.ends[1] == b;
      });
      if (linked || places_[a].sink == nullptr || places_[b].sink == nullptr
          || is_cut(a, b) || is_cut(b, a) || now_us < dial_at_us_[a][b])
        continue;
      session fresh;
      fresh.number = ++last_number_;
      fresh.ends = {a, b};
      sessions_.push_back(std::move(fresh));
      places_[a].sink->peer_up({last_number_}, places_[b].who);
      places_[b].sink->peer_up({last_number_}, places_[a].who);
    }
}

shared_bytes simulated_links::deliver_one(std::int64_t now_us) {
  now_us_ = now_us;
  struct arrival {
    session* of;
    std::size_t end;
    std::size_t lane;
  };
  std::vector<arrival> arrived;
  for (auto& x : sessions_)
    for (std::size_t end = 0; end < 2 && !x.over; ++end)
      for (std::size_t lane = 0; lane < 3; ++lane) {
        auto& queue = x.under_way[end][lane];
        if (!queue.empty() && queue.front().due_us <= now_us
            && !is_cut(x.ends[1 - end], x.ends[end]))
          arrived.push_back({&x, end, lane});
      }
  if (arrived.empty())
    return nullptr;
  auto& x = arrived[random_() % arrived.size()];
  auto& queue = x.of->under_way[x.end][x.lane];
  auto bytes = std::move(queue.front().bytes);
  queue.pop_front();
  if (auto sink = places_[x.of->ends[x.end]].sink)
    sink->peer_frame({x.of->number}, static_cast<peer_lane>(x.lane), *bytes);
  return bytes;
}

void simulated_links::drop_some_session() {
  if (!sessions_.empty())
    sessions_[random_() % sessions_.size()].over = true;
}

} // namespace callboard::sim
