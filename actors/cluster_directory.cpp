#include "actors/cluster_actor.hpp"
#include "actors/remote_frame.hpp"
#include "storage/entry.hpp"
#include "storage/raft/configuration.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

// The group that holds the map: one entry is one map.

namespace callboard {

void cluster_state::handle(const log_durable& x) {
  directory_->handle(x, steady_ms());
  after_directory();
}

// An entry is applied: the store has another map.
void cluster_state::handle(const state_applied& x) {
  directory_->handle(x);
  auto bytes = node_->state->cluster_map_bytes();
  if (!bytes)
    node_->die("the map of the cluster cannot be read: "
               + bytes.error().detail);
  if (!bytes->empty())
    hear_map(*bytes);
  if (changing_ && *changing_ <= x.upto) {
    changing_.reset();
    end_change("{\"version\":" + std::to_string(map_.version) + '}');
    begin_change();
  }
  after_directory();
}

void cluster_state::handle(const state_flushed& x) {
  directory_->handle(x);
}

void cluster_state::handle(const state_pinned& x) {
  directory_->handle(x);
}

void cluster_state::handle(const state_installed& x) {
  directory_->handle(x, steady_ms());
  after_directory();
  handle(state_applied{directory_->applied()});
}

void cluster_state::handle(const state_wiped& x) {
  directory_->handle(x);
}

void cluster_state::handle(state_staged& x) {
  directory_->handle(x, steady_ms());
  after_directory();
}

void cluster_state::handle(const stream_over& x) {
  directory_->handle(x);
}

void cluster_state::handle(const digest_made& x) {
  directory_->handle(x);
}

void cluster_state::handle(const replica_loaded& x) {
  directory_->handle(x, steady_ms());
  after_directory();
}

void cluster_state::handle(export_pinned& x) {
  directory_->handle(x);
}

// -- leading it
// ----------------------------------------------------------------

void cluster_state::after_directory() {
  auto ready = directory_->ready();
  if (ready != std::exchange(was_ready_, ready)) {
    checked_store_ = false;
    next_notice_ms_ = 0;
    if (ready) {
      directory_leader_ = node_->self;
      directory_term_ = directory_->raft().term();
    } else {
      if (directory_leader_ == node_->self)
        directory_leader_ = {};
      changing_.reset();
      for (auto& x : std::exchange(changes_, {}))
        if (x.session != peer_session{})
          node_->peers.network()->send(
            x.session, peer_lane::normal,
            frame(remote::message{remote::directory_answer{
              x.token, tl::unexpected{not_leading_now()}}}));
        else
          finish_order(x.token, tl::unexpected{not_leading_now()});
    }
  }
  if (!ready || checked_store_)
    return;
  // The first leader writes down what the cluster began with.
  checked_store_ = true;
  auto bytes = node_->state->cluster_map_bytes();
  if (bytes && bytes->empty())
    directory_->propose(
      std::make_shared<const std::string>(map_entry(encode(map_))),
      steady_ms());
  begin_change();
}

void cluster_state::tick_directory(std::uint64_t now_ms) {
  if (auto order = directory_->wish(now_ms))
    handle(map_wish{encode_order(*order)});
  if (!was_ready_) {
    if (now_ms >= next_address_ms_ && directory_leader_ != node_number{}) {
      constexpr std::uint64_t interval_ms = 2000;
      next_address_ms_ = now_ms + interval_ms;
      check_address();
    }
    return;
  }
  if (now_ms >= next_notice_ms_) {
    constexpr std::uint64_t interval_ms = 1000;
    next_notice_ms_ = now_ms + interval_ms;
    remote::leader_notice notice{directory_shard, directory_->raft().term(),
                                 true, nodes_of(directory_->raft())};
    groups_[directory_shard] = {notice.term, node_->self, notice.members};
    node_->peers.send_all(peer_lane::urgent,
                          frame(remote::message{std::move(notice)}));
    check_address();
  }
  if (node_->handing_over.load(std::memory_order_relaxed)) {
    if (!directory_->raft().transferring() && !changing_)
      (void)directory_->transfer({}, now_ms);
    return;
  }
  move_directory(now_ms);
  auto interval
    = static_cast<std::uint64_t>(node_->conf.cluster.digest_interval.count());
  if (interval > 0 && now_ms >= next_check_ms_) {
    if (next_check_ms_ != 0)
      directory_->check_digests(now_ms, std::exchange(check_anyway_, false));
    next_check_ms_ = now_ms + interval;
  }
  if (now_ms >= next_drop_ms_) {
    constexpr std::uint64_t interval_ms = 500;
    next_drop_ms_ = now_ms + interval_ms;
    drop_left_nodes();
  }
}

void cluster_state::move_directory(std::uint64_t now_ms) {
  // A leader that differs from most leads no longer; the next one lets it go.
  auto to = directory_->differs()
              ? directory_->heir()
              : directory_->move_towards(map_.directory, now_ms);
  if (to && !changing_ && !directory_->raft().transferring())
    (void)directory_->transfer(*to, now_ms);
}

void cluster_state::hear_leader(node_number from,
                                const remote::leader_notice& x) {
  if (!x.leads)
    return;
  auto& group = groups_[x.shard];
  if (x.term >= group.term)
    group = {x.term, from, x.members};
  if (x.shard != directory_shard)
    return;
  if (directory_)
    directory_->hear_members(x);
  if (x.term < directory_term_)
    return;
  directory_term_ = x.term;
  directory_leader_ = from;
}

// A node that leaves goes when no group has it any more.
void cluster_state::drop_left_nodes() {
  for (auto& node : map_.nodes) {
    if (!node.leaving)
      continue;
    auto somewhere = groups_.size() <= map_.shards.size(); // not all are known
    for (auto& [shard, group] : groups_)
      somewhere
        = somewhere
          || std::ranges::find(group.nodes, node.number) != group.nodes.end();
    if (!somewhere)
      return ask_directory(cluster_change::drop_node{node.number},
                           std::nullopt);
  }
}

// -- changes of the map, one at a time
// --------------------------------------

problem cluster_state::not_leading_now() {
  return {errc::unavailable,
          "the map of the cluster cannot be changed at the moment: its group "
          "has no leader that this node can reach; send again in a moment",
          {},
          std::chrono::seconds{1}};
}

void cluster_state::begin_change() {
  while (was_ready_ && checked_store_ && !changing_ && !changes_.empty()) {
    auto next_map = apply_order(
      map_, changes_.front().order,
      {static_cast<std::uint64_t>(std::max<std::int64_t>(wall_ms(), 0)),
       node_->conf.cluster.rebuild_interval});
    if (!next_map) {
      end_change(tl::unexpected{next_map.error()});
      continue;
    }
    if (*next_map == map_) {
      end_change("{\"version\":" + std::to_string(map_.version) + '}');
      continue;
    }
    auto index = directory_->propose(
      std::make_shared<const std::string>(map_entry(encode(*next_map))),
      steady_ms());
    if (!index) {
      end_change(tl::unexpected{not_leading_now()});
      continue;
    }
    changing_ = *index;
  }
}

void cluster_state::end_change(result<std::string> outcome) {
  if (changes_.empty())
    return;
  auto x = std::move(changes_.front());
  changes_.pop_front();
  if (x.session == peer_session{})
    finish_order(x.token, std::move(outcome));
  else
    node_->peers.network()->send(x.session, peer_lane::normal,
                                 frame(remote::message{remote::directory_answer{
                                   x.token, std::move(outcome)}}));
}

} // namespace callboard
