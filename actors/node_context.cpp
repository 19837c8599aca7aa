#include "actors/node_context.hpp"

#include "actors/remote_frame.hpp"
#include "actors/watched_call.hpp"

#include <caf/send.hpp>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <random>
#include <utility>

namespace callboard {

namespace {

// FNV-1a, 64 bit (Fowler, Noll, Vo): stable across builds, since the placement
// of rooms on shards is stored.
std::uint64_t fnv1a(std::string_view text, std::uint64_t hash) noexcept {
  for (unsigned char c : text) {
    hash ^= c;
    hash *= 0x100000001b3ull;
  }
  return hash;
}

constexpr std::uint64_t virtual_slots = 1024;

} // namespace

shard_id node_context::shard_of(const room_key& room) const noexcept {
  auto hash = fnv1a(room.tenant.value, 0xcbf29ce484222325ull);
  hash = fnv1a(std::string_view{"\0", 1}, hash);
  hash = fnv1a(room.project.value, hash);
  auto slot = (hash ^ (hash >> 32)) % virtual_slots;
  return {slot * conf.engine.shards / virtual_slots};
}

void node_context::read(std::function<void()> work) {
  counters.reads.fetch_add(1, std::memory_order_relaxed);
  auto i = next_reader_.fetch_add(1, std::memory_order_relaxed);
  caf::anon_send(
    readers[i % readers.size()],
    read_job{std::make_shared<std::function<void()>>(std::move(work))});
}

void node_context::answer(std::vector<callboard::answer> xs) const {
  answers_out here;
  std::map<std::pair<std::uint64_t, std::uint64_t>, remote::call_answers> there;
  for (auto& x : xs) {
    if (x.to.node == node_number{}) {
      here.answers.push_back(std::move(x));
      continue;
    }
    auto& out = there[{x.to.session, x.to.hub.value}];
    out.shard = {x.to.hub.value};
    out.answers.push_back(
      {x.to.request, remote::call_fate::answered, std::move(x.outcome)});
  }
  if (!here.answers.empty())
    caf::anon_send(edge, std::move(here));
  for (auto& [to, out] : there)
    if (to.first == 0) // the cluster's actor gathers what all nodes answer
      caf::anon_send(
        cluster,
        peer_message{
          {}, self, std::make_shared<remote::message>(std::move(out))});
    else
      send_to_session({to.first}, std::move(out));
}

void node_context::bounce(const reply_address& to,
                          remote::call_fate fate) const {
  remote::call_answers out;
  out.shard = {to.hub.value};
  out.answers.push_back({to.request, fate, document_answer{}});
  send_to_session({to.session}, std::move(out));
}

// What cannot be queued is lost with the session: whoever waits for it hears of
// that.
void node_context::send_to_session(peer_session session,
                                   remote::message x) const {
  auto network = peers.network();
  if (!network->send(session, peer_lane::normal, frame(x)))
    network->reset(session);
}

void node_context::set_no_space(no_space_reason why, bool on) {
  auto bit = static_cast<std::uint8_t>(why);
  auto before = on ? no_space.fetch_or(bit)
                   : no_space.fetch_and(static_cast<std::uint8_t>(~bit));
  if (((before & bit) != 0) != on)
    say_no_space();
}

void node_context::say_no_space() const {
  if (cluster)
    peers.send_all(peer_lane::urgent,
                   frame(remote::disk_notice{no_space.load()}));
}

void node_context::recover(const std::function<void()>& resume) {
  const std::lock_guard one_at_a_time{recovering_mutex_};
  const watched_call watched{
    conf.storage.recovery_timeout, [this] {
      die("the database in " + conf.node.data_dir
          + " does not come back from a full disk "
            "(storage.recovery_timeout); started again, it does, and nothing "
            "that was acknowledged is lost");
    }};
  counters.recovering_since_ms = steady_ms();
  resume();
  counters.recovering_since_ms = 0;
}

void node_context::die(const std::string& why) const {
  spdlog::critical("the node ends: {}", why);
  spdlog::default_logger()->flush();
  std::_Exit(1);
}

namespace {

std::atomic<const outside_world*> simulated{nullptr};

} // namespace

void use_world(const outside_world* world) noexcept {
  simulated.store(world, std::memory_order_relaxed);
}

std::uint32_t random_seed() {
  if (auto world = simulated.load(std::memory_order_relaxed))
    return world->random();
  return std::random_device{}();
}

std::int64_t wall_ms() noexcept {
  if (auto world = simulated.load(std::memory_order_relaxed))
    return world->wall_ms();
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch())
    .count();
}

std::uint64_t steady_ms() noexcept {
  return static_cast<std::uint64_t>(steady_us() / 1000);
}

std::int64_t steady_us() noexcept {
  if (auto world = simulated.load(std::memory_order_relaxed))
    return world->steady_us();
  using namespace std::chrono;
  return duration_cast<microseconds>(steady_clock::now().time_since_epoch())
    .count();
}

} // namespace callboard
