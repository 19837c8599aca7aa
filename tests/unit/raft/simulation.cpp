#include "tests/unit/raft/simulation.hpp"

#include <algorithm>
#include <sstream>

namespace callboard::test {

simulation::simulation(const options& opts) : opts_{opts}, engine_{opts.seed} {
  for (std::uint64_t i = 1; i <= opts.nodes; ++i) {
    nodes_.push_back(std::make_unique<simulated_node>());
    nodes_.back()->id = i;
  }
  for (auto& x : nodes_)
    boot(*x);
}

simulation::~simulation() = default;

// --- time
// ---------------------------------------------------------------------

void simulation::at(std::uint64_t time, std::function<void()> what) {
  queue_.push({time, events_++, std::move(what)});
}

void simulation::run_for(std::uint64_t us) {
  run_until([] { return false; }, us);
}

bool simulation::run_until(const std::function<bool()>& done,
                           std::uint64_t us) {
  const auto end = now_ + us;
  while (violations.empty() && !done()) {
    if (queue_.empty() || queue_.top().time > end) {
      now_ = end;
      return done();
    }
    auto next_event = queue_.top();
    queue_.pop();
    now_ = next_event.time;
    next_event.what();
  }
  return violations.empty();
}

std::uint64_t simulation::random(std::uint64_t low, std::uint64_t high) {
  return low + engine_() % (high - low + 1);
}

// --- faults
// -------------------------------------------------------------------

void simulation::crash(std::uint64_t node) {
  auto& x = at_node(node);
  if (!x.up)
    return;
  x.lose_power(random(0, 1) == 1);
  for (auto& other : nodes_)
    if (other->id != node) {
      break_session({node, other->id});
      break_session({other->id, node});
    }
}

void simulation::restart(std::uint64_t node) {
  if (!at_node(node).up)
    boot(at_node(node));
}

bool simulation::up(std::uint64_t node) const {
  return at_node(node).up;
}

void simulation::break_session(link way) {
  ++sessions_[way];
}

void simulation::cut_one_way(std::uint64_t from, std::uint64_t to) {
  cut_.insert({from, to});
  break_session({from, to});
}

void simulation::cut(std::uint64_t a, std::uint64_t b) {
  cut_one_way(a, b);
  cut_one_way(b, a);
}

void simulation::isolate(std::uint64_t node) {
  for (auto& other : nodes_)
    if (other->id != node)
      cut(node, other->id);
}

void simulation::heal() {
  cut_.clear();
}

void simulation::slow_disk(std::uint64_t node, std::uint64_t factor) {
  at_node(node).slow = factor;
}

void simulation::fill_disk(std::uint64_t node, bool full) {
  auto& x = at_node(node);
  x.full = full;
  if (x.up)
    start_write(x);
}

void simulation::jump_clock(std::uint64_t node, std::int64_t ms) {
  at_node(node).clock_offset_ms += ms;
}

void simulation::slow_links(std::uint64_t net_us_max) {
  opts_.net_us_max = std::max(net_us_max, opts_.net_us_min);
}

void simulation::stop_loss() {
  opts_.loss = 0;
}

// --- use
// ----------------------------------------------------------------------

consensus& simulation::replica(std::uint64_t node) {
  return *at_node(node).replica;
}

const simulated_disk& simulation::disk(std::uint64_t node) const {
  return at_node(node).disk;
}

std::uint64_t simulation::leader() const {
  std::uint64_t result = 0;
  raft_term highest;
  for (const auto& x : nodes_)
    if (x->up && x->replica->leading() && x->replica->term() > highest) {
      highest = x->replica->term();
      result = x->id;
    }
  return result;
}

bool simulation::propose(std::uint64_t node, const std::string& more,
                         std::size_t count) {
  auto& x = at_node(node);
  if (!x.up || x.full || !x.replica->leading())
    return false;
  std::vector<shared_bytes> payloads;
  while (payloads.size() < count)
    payloads.push_back(std::make_shared<const std::string>(
      std::to_string(next_command_++) + more));
  auto fx = x.replica->propose(payloads, now_ms(x));
  if (fx)
    carry_out(x, **fx);
  return fx.has_value();
}

bool simulation::transfer(std::uint64_t node, std::uint64_t to) {
  auto& x = at_node(node);
  if (!x.up)
    return false;
  auto fx = x.replica->transfer({to}, now_ms(x));
  if (fx)
    carry_out(x, **fx);
  return fx.has_value();
}

result<void> simulation::change(std::uint64_t node, member_action action,
                                std::uint64_t member) {
  auto& x = at_node(node);
  if (!x.up)
    return fail(errc::unavailable, "down");
  auto fx = x.replica->change(action, {member}, now_ms(x));
  if (!fx)
    return tl::unexpected{fx.error()};
  carry_out(x, **fx);
  return {};
}

bool simulation::read(std::uint64_t node) {
  auto& x = at_node(node);
  if (!x.up || !x.replica->leading())
    return false;
  if (opts_.mutant == mutant::read_without_majority) {
    check_read(x, acknowledged_, {{}, x.replica->commit_index()});
    return true;
  }
  read_ticket asked;
  auto fx = x.replica->read(asked, now_ms(x));
  if (!fx)
    return false;
  x.reads.emplace(asked, acknowledged_);
  carry_out(x, **fx);
  return true;
}

log_index simulation::applied(std::uint64_t node) const {
  return at_node(node).applied;
}

std::string simulation::describe() const {
  std::ostringstream out;
  for (const auto& x : nodes_) {
    out << "\nnode " << x->id << (x->up ? "" : " is down");
    if (!x->up)
      continue;
    const auto& replica = *x->replica;
    out << (replica.leading() ? " leads" : " follows ")
        << (replica.leading() ? "" : std::to_string(replica.leader().value))
        << " in term " << replica.term().value << ", last "
        << replica.last_index().value << ", commit "
        << replica.commit_index().value << ", applied " << x->applied.value
        << ", flushed " << x->disk.flushed.value << ", trimmed "
        << x->disk.trimmed.value << ", on disk "
        << (x->disk.log.empty() ? 0 : x->disk.log.rbegin()->first)
        << ", rebuilt " << replica.rebuilds() << " times, members";
    for (const auto& member : replica.members())
      out << ' ' << member.node.value << (member.voter ? "" : "(non-voter)");
  }
  return out.str();
}

simulated_node& simulation::at_node(std::uint64_t node) {
  return *nodes_.at(node - 1);
}

const simulated_node& simulation::at_node(std::uint64_t node) const {
  return *nodes_.at(node - 1);
}

} // namespace callboard::test
