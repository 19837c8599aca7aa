#include "tests/unit/cluster_sim/simulated_cluster.hpp"

#include "actors/type_ids.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace callboard::sim {

namespace {

// One simulation at a time: the engine asks for the time by free functions.
std::int64_t simulated_us = 0;
std::int64_t wall_offset_ms = 0;
std::mt19937* simulated_chance = nullptr;
std::uint64_t simulated_ids = 0;

constexpr std::int64_t begin_wall_ms = 1'767'323'045'000;

const outside_world world{
  [] { return simulated_us; },
  [] { return begin_wall_ms + simulated_us / 1000 + wall_offset_ms; },
  [] { return static_cast<std::uint32_t>((*simulated_chance)()); },
};

std::string next_id() {
  auto count = std::to_string(++simulated_ids);
  return "01a20000-0000-7000-8000-" + std::string(12 - count.size(), '0')
         + count;
}

std::string first_map(const history_shape& shape) {
  std::vector<cluster_node> all;
  for (std::size_t i = 0; i < shape.founders; ++i)
    all.push_back(
      {{}, node_name(i), "disk-" + node_name(i) + "-1", node_name(i), false});
  return encode(make_cluster_map("sim", shard_count, 3, std::move(all)));
}

} // namespace

class simulated_cluster::node_sink : public edge_sink {
public:
  node_sink(simulated_cluster& owner, std::size_t node)
      : owner_{owner}, node_{node} {
    // nop
  }

  void answers(hub_id, std::vector<answer> xs) override {
    for (auto& x : xs) {
      owner_.note(x.to.request);
      owner_.on_answer(node_, std::move(x));
    }
  }

  void room(hub_id hub, std::vector<room_signal> xs) override {
    for (auto& x : xs) {
      owner_.note(x.index());
      if (auto batch = std::get_if<std::shared_ptr<const room_batch>>(&x);
          batch && owner_.mutant_ == mutant::skipped_event
          && owner_.random() % 20 == 0)
        *batch = without_first(**batch);
      owner_.on_room(node_, hub, std::move(x));
    }
  }

  void admin(const reply_address&, admin_request) override {
    // Nobody asks about sessions.
  }

private:
  simulated_cluster& owner_;
  std::size_t node_;
};

simulated_cluster::config::config() {
  add_message_types<caf::id_block::callboard>();
  set("scheduler.policy", caf::atom("testing"));
  set("logger.verbosity", caf::atom("quiet"));
}

simulated_cluster::simulated_cluster(std::uint32_t seed,
                                     const history_shape& shape, witness& seen,
                                     mutant which)
    : random{seed}, on_answer{[](auto, auto) {}},
      on_room{[](auto, auto, auto) {}}, shape_{shape}, mutant_{which},
      links_{shape.nodes(), random, seen}, system_{config_},
      scheduler_{
        dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler())},
      world_{system_, links_, seen, random, shape_, which, first_map(shape)},
      machines_(shape.nodes()) {
  system_.await_actors_before_shutdown(false);
  simulated_us = 0;
  wall_offset_ms = 0;
  simulated_chance = &random;
  simulated_ids = 0;
  use_world(&world);
  use_uuid7(next_id);
  if (which == mutant::forged_votes)
    links_.change_frames(with_forged_votes);
  if (which == mutant::empty_state)
    links_.change_frames(with_empty_state);
  if (which == mutant::unfenced)
    links_.change_frames(without_lease);
  for (std::size_t i = 0; i < machines_.size(); ++i) {
    machines_[i].sink = std::make_unique<node_sink>(*this, i);
    replace_disk(i);
    begin(i);
  }
}

simulated_cluster::~simulated_cluster() {
  on_answer = [](auto, auto) {};
  on_room = [](auto, auto, auto) {};
  for (std::size_t i = 0; i < machines_.size(); ++i)
    if (up(i))
      crash(i);
  use_world(nullptr);
  use_uuid7(nullptr);
}

std::int64_t simulated_cluster::now_ms() const noexcept {
  return simulated_us / 1000;
}

bool simulated_cluster::up(std::size_t node) const noexcept {
  return machines_[node].life != nullptr;
}

bool simulated_cluster::serves(std::size_t node) const {
  if (!up(node))
    return false;
  auto known = machines_[node].life->node.map();
  return std::ranges::find(known->nodes, disk_of(node), &cluster_node::disk)
         != known->nodes.end();
}

engine& simulated_cluster::api(std::size_t node) {
  return machines_[node].life->facade;
}

const std::string& simulated_cluster::disk_of(std::size_t node) const {
  return machines_[node].disk->name();
}

// -- life and death
// --------------------------------------------------------------

void simulated_cluster::begin(std::size_t number) {
  auto& m = machines_[number];
  auto fresh = [&] {
    return std::make_unique<simulated_process>(world_, number, *m.disk,
                                               *m.sink);
  };
  m.life = fresh();
  if (m.life->was_removed()) {
    m.life->close();
    dead_.push_back(std::move(m.life));
    replace_disk(number);
    m.life = fresh();
  }
  m.life->start();
}

void simulated_cluster::restart(std::size_t number) {
  begin(number);
}

void simulated_cluster::replace_disk(std::size_t number) {
  auto& m = machines_[number];
  m.disk = std::make_unique<simulated_disk>("disk-" + node_name(number) + "-"
                                            + std::to_string(++m.disks));
}

// An exit goes before everything else in a mailbox: nothing more is written.
void simulated_cluster::crash(std::size_t number) {
  auto& m = machines_[number];
  links_.detach(number);
  for (auto& x : m.life->actors())
    caf::anon_send_exit(x, caf::exit_reason::kill);
  for (int bound = 0; scheduler_.has_job() && bound < 1'000'000; ++bound)
    scheduler_.run_once();
  m.disk->env().fail_writes(test::power_cut_env::fault::none);
  m.disk->env().cut_after_syncs(0);
  m.life->close();
  m.disk->env().restore_power();
  dead_.push_back(std::move(m.life));
}

void simulated_cluster::fill_disk(std::size_t node, bool full) {
  using fault = test::power_cut_env::fault;
  machines_[node].disk->env().fail_writes(full ? fault::no_space : fault::none);
}

void simulated_cluster::hold_store(std::size_t node, bool held) {
  machines_[node].life->hold_store(held);
}

void simulated_cluster::hold_reader(std::size_t node, bool held) {
  machines_[node].life->hold_reader(held);
}

void simulated_cluster::hand_over(std::size_t node) {
  for (auto& x : machines_[node].life->node.shards)
    caf::anon_send(x, hand_over_now{});
}

// -- what is where
// ---------------------------------------------------------------

std::shared_ptr<const cluster_map> simulated_cluster::map() const {
  std::shared_ptr<const cluster_map> out;
  for (auto& m : machines_)
    if (m.life)
      if (auto x = m.life->node.map(); !out || x->version > out->version)
        out = std::move(x);
  return out;
}

std::optional<std::size_t>
simulated_cluster::place_of(const cluster_node& node) const {
  for (std::size_t i = 0; i < size(); ++i)
    if (up(i) && disk_of(i) == node.disk)
      return i;
  return std::nullopt;
}

std::string simulated_cluster::unsettled() const {
  auto wanted = map();
  if (!wanted)
    return "no node is up";
  for (auto& node : wanted->nodes)
    if (node.leaving)
      return node.name + " has not left";
  for (std::uint32_t i = 0; i < shard_count; ++i)
    if (auto why = unsettled(shard_id{i}, wanted->shards[i]); !why.empty())
      return "shard " + std::to_string(i) + ": " + why;
  return {};
}

// Replicas that applied the same hold the same; others hold nothing.
std::string simulated_cluster::unsettled(shard_id shard,
                                         const placement& wanted) const {
  auto nodes = map();
  std::optional<std::uint64_t> first;
  for (auto& node : nodes->nodes) {
    auto at = place_of(node);
    if (!at)
      return node.name + " is not up";
    auto& state = *machines_[*at].life->node.state;
    auto has = std::ranges::find(wanted.replicas, node.number)
               != wanted.replicas.end();
    if (!has && state.applied(shard).value_or(log_index{1}) != log_index{})
      return node.name + " still holds a replica";
    if (!has)
      continue;
    auto digest = state.digest(shard);
    if (!digest)
      return digest.error().detail;
    if (first.value_or(*digest) != *digest)
      return "the replicas hold different bytes";
    first = *digest;
  }
  return {};
}

shard_id simulated_cluster::shard_of(std::size_t node,
                                     const room_key& room) const {
  return machines_[node].life->node.shard_of(room);
}

// -- time and chance
// -------------------------------------------------------------

void simulated_cluster::note(std::uint64_t what) noexcept {
  // FNV's step, with the time mixed in.
  fingerprint_
    = (fingerprint_ ^ what ^ static_cast<std::uint64_t>(simulated_us))
      * 1099511628211u;
}

void simulated_cluster::jump_clocks() {
  constexpr std::int64_t day_ms = 86'400'000;
  clocks_ms_.clear();
  for (int i = 0; i < 3; ++i)
    clocks_ms_.push_back(static_cast<std::int64_t>(random()) % (2 * day_ms)
                         - day_ms);
}

void simulated_cluster::set_clocks_right() {
  clocks_ms_ = {0};
}

// Whose turn it is cannot be told here: so each turn, of whatever node, gets
// one of the clocks. That is worse than nodes whose clocks differ.
void simulated_cluster::choose_clock() {
  wall_offset_ms = clocks_ms_.size() == 1
                     ? clocks_ms_[0]
                     : clocks_ms_[random() % clocks_ms_.size()];
}

/// All that can happen at this moment, in an order by chance.
void simulated_cluster::settle_now() {
  links_.tick(simulated_us);
  for (int bound = 0; bound < 1'000'000; ++bound) {
    auto& jobs = scheduler_.jobs;
    if (jobs.empty() || random() % 4 == 0) {
      if (auto frame = links_.deliver_one(simulated_us)) {
        note(std::hash<std::string>{}(*frame));
        continue;
      }
      if (jobs.empty())
        return;
    }
    if (jobs.size() > 1)
      std::swap(jobs.front(), jobs[random() % jobs.size()]);
    choose_clock();
    scheduler_.run_once();
  }
  throw std::runtime_error{"the actors never come to rest"};
}

void simulated_cluster::run_for(std::int64_t ms) {
  auto end = simulated_us + ms * 1000;
  settle_now();
  while (simulated_us < end) {
    auto step = static_cast<std::int64_t>(200 + random() % 4000);
    step = std::min(step, end - simulated_us);
    simulated_us += step;
    scheduler_.advance_time(std::chrono::microseconds{step});
    settle_now();
  }
}

} // namespace callboard::sim
