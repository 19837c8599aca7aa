// Random histories of a Raft group, for as long as one likes:
//   raft_soak [--seeds N] [--first SEED] [--histories crashes|loss|members|
//     members_and_loss]
//   raft_soak --seed SEED [--histories ...]     one history, again
// Every history is a seed; a failing one is printed and replays exactly.

#include "tests/unit/raft/chaos.hpp"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

namespace {

using callboard::test::chaos_options;

const std::map<std::string, chaos_options> kinds{
  {"crashes", {.loss = 0, .members = false}},
  {"loss", {.loss = 0.01, .members = false}},
  {"members", {.loss = 0, .members = true}},
  {"members_and_loss", {.loss = 0.01, .members = true}},
};

/// @returns how many failed.
std::uint64_t run(const std::string& name, chaos_options opts,
                  std::uint64_t first, std::uint64_t count) {
  std::uint64_t failed = 0;
  callboard::test::chaos_report sum;
  for (opts.seed = first; opts.seed < first + count; ++opts.seed) {
    const auto x = callboard::test::run_chaos(opts);
    sum.commands += x.commands;
    sum.reads += x.reads;
    sum.states += x.states;
    sum.changes += x.changes;
    sum.dropped += x.dropped;
    sum.leaderships += x.leaderships;
    sum.rebuilds += x.rebuilds;
    if (x.failure.empty())
      continue;
    ++failed;
    std::printf("%s: %s\n", name.c_str(), x.failure.c_str());
    std::fflush(stdout);
  }
  std::printf("%s: %llu seeds, %llu failed; %llu commands, %llu reads, %llu "
              "leaderships, %llu states, %llu changes, %llu dropped, %llu "
              "rebuilds\n",
              name.c_str(), static_cast<unsigned long long>(count),
              static_cast<unsigned long long>(failed),
              static_cast<unsigned long long>(sum.commands),
              static_cast<unsigned long long>(sum.reads),
              static_cast<unsigned long long>(sum.leaderships),
              static_cast<unsigned long long>(sum.states),
              static_cast<unsigned long long>(sum.changes),
              static_cast<unsigned long long>(sum.dropped),
              static_cast<unsigned long long>(sum.rebuilds));
  std::fflush(stdout);
  return failed;
}

} // namespace

int main(int argc, char** argv) {
  std::uint64_t first = 1;
  std::uint64_t count = 1000;
  std::string only;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string flag{argv[i]};
    const auto number = std::strtoull(argv[i + 1], nullptr, 10);
    if (flag == "--seeds")
      count = number;
    else if (flag == "--first")
      first = number;
    else if (flag == "--seed") {
      first = number;
      count = 1;
    } else if (flag == "--histories" && kinds.contains(argv[i + 1]))
      only = argv[i + 1];
    else {
      std::fprintf(stderr, "unknown: %s %s\n", argv[i], argv[i + 1]);
      return 2;
    }
  }
  std::uint64_t failed = 0;
  for (const auto& [name, opts] : kinds)
    if (only.empty() || only == name)
      failed += run(name, opts, first, count);
  return failed == 0 ? 0 : 1;
}
