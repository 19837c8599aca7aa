#pragma once

#include "tests/unit/raft/simulation.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace callboard::test {

/// What may happen in a random history.
struct chaos_options {
  std::uint64_t seed = 1;
  double loss = 0;
  /// Five nodes, members are changed all the time; removed ones drop what they
  /// have.
  bool members = false;
  test::mutant mutant = mutant::none;
  std::uint64_t chaos_us = 8'000'000; ///< Then everything is repaired.
};

/// What became of it.
struct chaos_report {
  /// Empty: all was well. Else what was wrong first, with the seed.
  std::string failure;
  std::uint64_t commands = 0;
  std::uint64_t reads = 0;
  std::uint64_t states = 0;
  std::uint64_t leaderships = 0;
  std::uint64_t changes = 0;
  std::uint64_t dropped = 0; ///< Replicas of removed members.
  std::uint64_t rebuilds = 0;
};

/// Commands, reads, transfers, changes of members, crashes, partitions of any
/// kind, slow and full disks, jumping clocks, slow links and streams of the
/// state; then a repair, after which the group must go on by itself. The same
/// options are the same history, always.
chaos_report run_chaos(const chaos_options& opts);

} // namespace callboard::test
