#pragma once

#include "tests/unit/cluster_sim/history.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace callboard::sim {

struct soak_options {
  std::uint32_t from = 1;
  std::uint32_t seeds = 1000;
  std::uint32_t jobs = 1;
  mutant which = mutant::none;
  bool stop_at_first = false; ///< Of those that broke something.
  bool twice = false;         ///< Each seed must make the same history again.
};

struct soak_result {
  std::uint32_t done = 0, broken = 0;
  std::uint32_t first_broken = 0; ///< 0: none.
  history_figures sum;
};

/// Hears of each promise that a seed broke.
using broken_listener
  = std::function<void(std::uint32_t seed, const std::string& what)>;

/// Runs histories in processes of their own, `jobs` at a time, because the
/// engine has one clock per process, and because a node that finds its data
/// wrong ends its process: that counts as broken, too. Before the first thread
/// of the process.
soak_result soak(const soak_options& opts, const broken_listener& say);

} // namespace callboard::sim
