#include "transport/link/link_table.hpp"

#include <utility>

namespace callboard {

namespace {

constexpr std::size_t most_peers = 1024;
constexpr std::size_t most_claimed = 64;

} // namespace

std::shared_ptr<link_outbox> link_table::find(peer_session session) const {
  std::shared_lock guard{mutex_};
  auto found = outboxes_.find(session.value);
  return found == outboxes_.end() ? nullptr : found->second;
}

void link_table::add(peer_session session, const peer_identity& who,
                     std::shared_ptr<link_outbox> outbox) {
  auto counted = counters(who, known::proved);
  std::unique_lock guard{mutex_};
  outboxes_[session.value] = std::move(outbox);
  if (!counted)
    return;
  counted->sessions.fetch_add(1, std::memory_order_relaxed);
  counted->session = session.value;
  counted->name = who.name;
  counted->address = who.address;
}

void link_table::remove(peer_session session, const peer_identity& who) {
  std::unique_lock guard{mutex_};
  outboxes_.erase(session.value);
  auto found = peers_.find(who.disk);
  if (found != peers_.end() && found->second->session == session.value)
    found->second->session = 0;
}

std::shared_ptr<peer_counters> link_table::counters(const peer_identity& who,
                                                    known how) {
  std::unique_lock guard{mutex_};
  auto found = peers_.find(who.disk);
  if (found == peers_.end()) {
    if (peers_.size() >= (how == known::proved ? most_peers : most_claimed))
      return nullptr;
    auto made = std::make_shared<peer_counters>();
    made->name = who.name;
    made->address = who.address;
    found = peers_.emplace(who.disk, std::move(made)).first;
  }
  return found->second;
}

std::vector<peer_figures> link_table::figures() const {
  auto read = [](const std::atomic<std::uint64_t>& x) {
    return x.load(std::memory_order_relaxed);
  };
  std::vector<peer_figures> result;
  std::shared_lock guard{mutex_};
  for (auto& [disk, peer] : peers_) {
    peer_figures x;
    x.name = peer->name;
    x.address = peer->address;
    x.up = peer->session != 0;
    x.frames_out = read(peer->frames_out);
    x.bytes_out = read(peer->bytes_out);
    x.frames_in = read(peer->frames_in);
    x.bytes_in = read(peer->bytes_in);
    x.sessions = read(peer->sessions);
    x.refused = read(peer->refused);
    x.round_trip_us = read(peer->round_trip_us);
    if (auto found = outboxes_.find(peer->session); found != outboxes_.end())
      x.queued_bytes = found->second->queued_bytes();
    result.push_back(std::move(x));
  }
  return result;
}

void link_table::found_at(const std::string& address, const std::string& disk) {
  std::unique_lock guard{mutex_};
  if (disks_.size() >= most_peers && !disks_.contains(address))
    disks_.clear(); // of addresses that are not dialed any more, most of them
  disks_[address] = disk;
}

std::string link_table::disk_at(const std::string& address) const {
  std::shared_lock guard{mutex_};
  auto found = disks_.find(address);
  return found == disks_.end() ? std::string{} : found->second;
}

} // namespace callboard
