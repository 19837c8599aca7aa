// Many histories of a simulated cluster, or one of them again.
//   cluster_soak [--seeds N] [--from N] [--jobs N] [--twice]
//   cluster_soak --seed N                 with the nodes' logs
//   cluster_soak --mutant NAME [--seeds N]
// Ends with 0 when all promises were kept; with --mutant, when the broken
// guarantee was noticed within so many seeds. --twice: and every seed makes the
// same history again.

#include "tests/unit/cluster_sim/soak_jobs.hpp"

#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <string_view>

namespace {

using namespace callboard::sim;

const std::map<std::string_view, mutant> mutants{
  {"early_sync", mutant::early_sync},
  {"lost_entry", mutant::lost_entry},
  {"skipped_event", mutant::skipped_event},
  {"forgotten_ids", mutant::forgotten_ids},
  {"forged_votes", mutant::forged_votes},
  {"empty_state", mutant::empty_state},
  {"hasty_leases", mutant::hasty_leases},
  {"unfenced", mutant::unfenced},
};

std::optional<soak_options> options_of(int count, char** arguments) {
  soak_options out;
  for (int i = 1; i < count; ++i) {
    std::string_view flag{arguments[i]};
    if (flag == "--twice") {
      out.twice = true;
      continue;
    }
    if (++i == count)
      return std::nullopt;
    auto number
      = static_cast<std::uint32_t>(std::strtoul(arguments[i], nullptr, 10));
    if (flag == "--seeds") {
      out.seeds = number;
    } else if (flag == "--from") {
      out.from = number;
    } else if (flag == "--jobs") {
      out.jobs = number;
    } else if (flag == "--seed") {
      out.from = number;
      out.seeds = 1;
    } else if (auto at = mutants.find(arguments[i]);
               flag == "--mutant" && at != mutants.end()) {
      out.which = at->second;
      out.stop_at_first = true;
    } else {
      return std::nullopt;
    }
  }
  return out;
}

unsigned long long wide(std::uint64_t x) {
  return x;
}

void print(const soak_result& x, double seconds) {
  auto& sum = x.sum;
  std::printf(
    "%u histories (%llu s simulated) in %.1f s, %u broken; %llu "
    "events acknowledged, %llu delivered, %llu sent again, %llu "
    "crashes, %llu cuts, %llu full disks, %llu slow stores, "
    "%llu orders, %llu maps, %llu states moved, %llu runs taken, %llu "
    "leases lost, %llu times too late\n",
    x.done, wide(static_cast<std::uint64_t>(sum.simulated_ms) / 1000), seconds,
    x.broken, wide(sum.acknowledged), wide(sum.delivered), wide(sum.sent_again),
    wide(sum.crashes), wide(sum.cuts), wide(sum.full_disks),
    wide(sum.slow_stores), wide(sum.orders), wide(sum.maps), wide(sum.states),
    wide(sum.taken), wide(sum.leases_lost), wide(sum.skipped));
}

} // namespace

int main(int count, char** arguments) {
  auto opts = options_of(count, arguments);
  if (!opts) {
    std::fprintf(stderr, "see the beginning of cluster_soak.cpp\n");
    return 2;
  }
  if (opts->seeds > 1)
    spdlog::set_level(spdlog::level::off);
  auto begin = std::chrono::steady_clock::now();
  auto x = soak(*opts, [](std::uint32_t seed, const std::string& what) {
    std::printf("seed %u: %s\n", seed, what.c_str());
    std::fflush(stdout);
  });
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  print(x, took.count());
  return (x.broken == 0) == (opts->which == mutant::none) ? 0 : 1;
}
