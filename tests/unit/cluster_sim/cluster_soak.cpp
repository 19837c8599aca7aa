// Many histories of a simulated cluster, or one of them again.
//   cluster_soak [--seeds N] [--from N]
//   cluster_soak --seed N

#include "tests/unit/cluster_sim/history.hpp"

#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

int main(int count, char** arguments) {
  using namespace callboard::sim;
  std::uint32_t from = 1, seeds = 1000;
  for (int i = 1; i + 1 < count; i += 2) {
    auto value
      = static_cast<std::uint32_t>(std::strtoul(arguments[i + 1], nullptr, 10));
    if (std::strcmp(arguments[i], "--seeds") == 0)
      seeds = value;
    else if (std::strcmp(arguments[i], "--from") == 0)
      from = value;
    else if (std::strcmp(arguments[i], "--seed") == 0)
      from = value, seeds = 1;
  }
  if (seeds > 1)
    spdlog::set_level(spdlog::level::off);
  auto begin = std::chrono::steady_clock::now();
  std::uint32_t failed = 0;
  history_report sum;
  for (auto seed = from; seed - from < seeds; ++seed) {
    auto x = run_history(seed);
    sum.acknowledged += x.acknowledged;
    sum.delivered += x.delivered;
    sum.sent_again += x.sent_again;
    sum.crashes += x.crashes;
    sum.cuts += x.cuts;
    sum.simulated_ms += x.simulated_ms;
    failed += !x.broken.empty();
    for (auto& line : x.broken)
      std::printf("seed %u: %s\n", seed, line.c_str());
    std::fflush(stdout);
  }
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("%u histories (%lld s simulated) in %.1f s, %u broken; %llu "
              "events acknowledged, %llu delivered, %llu sent again, %llu "
              "crashes, %llu cuts\n",
              seeds, static_cast<long long>(sum.simulated_ms / 1000),
              took.count(), failed,
              static_cast<unsigned long long>(sum.acknowledged),
              static_cast<unsigned long long>(sum.delivered),
              static_cast<unsigned long long>(sum.sent_again),
              static_cast<unsigned long long>(sum.crashes),
              static_cast<unsigned long long>(sum.cuts));
  return failed == 0 ? 0 : 1;
}
