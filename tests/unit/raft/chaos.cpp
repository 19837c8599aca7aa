#include "tests/unit/raft/chaos.hpp"

#include <algorithm>
#include <array>

namespace callboard::test {

namespace {

constexpr std::uint64_t ms = 1000;
constexpr std::uint64_t s = 1000 * ms;

simulation::options to_simulation(const chaos_options& x) {
  simulation::options out;
  out.seed = x.seed;
  out.nodes = x.members ? 5 : 3;
  out.loss = x.loss;
  out.trim_ahead = x.seed % 2 == 0;
  // With so little patience working groups are rebuilt, too.
  out.stuck_after_ms = x.seed % 3 == 0 ? 150 : 5000;
  out.mutant = x.mutant;
  return out;
}

/// One history in the making.
class chaos {
public:
  explicit chaos(const chaos_options& opts)
      : opts_{opts}, sim_{to_simulation(opts)} {
    // nop
  }

  chaos_report run() {
    keep_proposing(opts_.chaos_us + 60 * s);
    keep_reading(opts_.chaos_us + 60 * s);
    sim_.at(500 * ms, [this] { keep_breaking(); });
    if (opts_.members) {
      sim_.at(700 * ms, [this] { keep_changing(); });
      sim_.at(700 * ms, [this] { keep_dropping(); });
    }
    sim_.run_for(opts_.chaos_us);
    repair();
    if (sim_.violations.empty())
      check_recovery();
    if (!sim_.violations.empty())
      report_.failure = sim_.violations.front();
    report_.commands = sim_.commands_committed();
    report_.reads = sim_.reads_answered;
    report_.states = sim_.states_installed;
    report_.dropped = sim_.replicas_dropped;
    report_.leaderships = sim_.leaderships();
    for (std::uint64_t i = 1; i <= sim_.nodes(); ++i)
      if (sim_.up(i))
        report_.rebuilds += sim_.replica(i).rebuilds();
    return report_;
  }

private:
  void again(std::uint64_t low, std::uint64_t high, void (chaos::*what)()) {
    sim_.at(sim_.now() + sim_.random(low, high), [this, what] {
      if (sim_.now() < opts_.chaos_us)
        (this->*what)();
    });
  }

  /// To whoever leads, all the time.
  void keep_proposing(std::uint64_t until) {
    if (sim_.now() >= until)
      return;
    for (std::uint64_t node = 1; node <= sim_.nodes(); ++node)
      sim_.propose(node, {}, sim_.random(0, 4) == 0 ? 5 : 1);
    sim_.at(sim_.now() + sim_.random(500, 20 * ms),
            [this, until] { keep_proposing(until); });
  }

  void keep_reading(std::uint64_t until) {
    if (sim_.now() >= until)
      return;
    for (std::uint64_t node = 1; node <= sim_.nodes(); ++node)
      sim_.read(node);
    sim_.at(sim_.now() + sim_.random(1 * ms, 60 * ms),
            [this, until] { keep_reading(until); });
  }

  void keep_changing() {
    constexpr std::array actions{member_action::add, member_action::promote,
                                 member_action::demote, member_action::remove};
    if (auto leader = sim_.leader(); leader != 0)
      report_.changes += sim_
                           .change(leader, actions[sim_.random(0, 3)],
                                   sim_.random(1, sim_.nodes()))
                           .has_value();
    again(20 * ms, 500 * ms, &chaos::keep_changing);
  }

  /// As leaders of shards do it.
  void keep_dropping() {
    for (std::uint64_t node = 1; node <= sim_.nodes(); ++node)
      sim_.tell_removed(node);
    again(20 * ms, 800 * ms, &chaos::keep_dropping);
  }

  void keep_breaking() {
    const auto a = sim_.random(1, sim_.nodes());
    const auto b = sim_.random(1, sim_.nodes());
    switch (sim_.random(0, 13)) {
    case 0:
    case 1:
    case 2:
      sim_.crash(a);
      sim_.at(sim_.now() + sim_.random(ms, 1500 * ms),
              [this, a] { sim_.restart(a); });
      break;
    case 3:
      if (a != b)
        sim_.cut(a, b);
      break;
    case 4:
      if (a != b)
        sim_.cut_one_way(a, b);
      break;
    case 5:
      sim_.isolate(a);
      break;
    case 6:
    case 7:
    case 8:
      sim_.heal();
      break;
    case 9:
      sim_.slow_disk(a, sim_.random(1, 40));
      break;
    case 10:
      sim_.fill_disk(a, true);
      sim_.at(sim_.now() + sim_.random(ms, 1500 * ms),
              [this, a] { sim_.fill_disk(a, false); });
      break;
    case 11:
      sim_.jump_clock(a, static_cast<std::int64_t>(sim_.random(0, 80'000))
                           - 40'000);
      break;
    case 12:
      if (auto leader = sim_.leader(); leader != 0)
        sim_.transfer(leader);
      break;
    case 13:
      sim_.slow_links(sim_.random(ms, 60 * ms));
      break;
    }
    again(20 * ms, 700 * ms, &chaos::keep_breaking);
  }

  void repair() {
    sim_.heal();
    sim_.stop_loss();
    sim_.slow_links(1500);
    for (std::uint64_t node = 1; node <= sim_.nodes(); ++node) {
      sim_.restart(node);
      sim_.slow_disk(node, 1);
      sim_.fill_disk(node, false);
    }
  }

  bool members_agree() {
    const auto leader = sim_.leader();
    if (leader == 0)
      return false;
    const auto members = sim_.replica(leader).members();
    return std::all_of(members.begin(), members.end(), [&](const auto& x) {
      return sim_.applied(x.node.value) == sim_.applied(leader);
    });
  }

  void check_recovery() {
    const auto before = sim_.commands_committed();
    auto recovered = [&] {
      return sim_.commands_committed() > before + 20 && members_agree();
    };
    if (!sim_.run_until(recovered, 30 * s))
      return stuck("no progress after the repair");
    if (!opts_.members)
      return;
    // Nor may a change of members be impossible for ever.
    auto changed = [&] {
      const auto leader = sim_.leader();
      return leader != 0 && change_something(leader);
    };
    if (!sim_.run_until(changed, 30 * s))
      stuck("members cannot be changed any more");
  }

  bool change_something(std::uint64_t leader) {
    for (auto action : {member_action::add, member_action::remove})
      for (std::uint64_t node = 1; node <= sim_.nodes(); ++node)
        if (sim_.change(leader, action, node))
          return true;
    return false;
  }

  void stuck(const std::string& what) {
    if (sim_.violations.empty())
      sim_.violations.push_back("seed " + std::to_string(opts_.seed) + ": "
                                + what + sim_.describe());
  }

  const chaos_options opts_;
  simulation sim_;
  chaos_report report_;
};

} // namespace

chaos_report run_chaos(const chaos_options& opts) {
  return chaos{opts}.run();
}

} // namespace callboard::test
