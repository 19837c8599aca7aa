#include "actors/model/states.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace callboard {
namespace {

constexpr std::size_t run_states = 6, step_states = 8;

// Rows: from; columns: to; in the order of the numbers. The contract's text,
// written out by hand.
constexpr std::array<std::string_view, run_states> run_table{
  //  p r P c f x   (pending running Paused completed failed cancelled)
  "110011", // pending
  "011111", // running
  "011011", // paused
  "000100", // completed
  "000010", // failed
  "000001", // cancelled
};

constexpr std::array<std::string_view, step_states> step_table{
  //  pending running waiting retrying completed failed skipped cancelled
  "11111111", // pending
  "11111111", // running
  "11111111", // waiting
  "11111111", // retrying
  "00001000", // completed
  "00010100", // failed: may be retried
  "00000010", // skipped
  "00000001", // cancelled
};

template <class Status, std::size_t N>
void check_table(const std::array<std::string_view, N>& table) {
  for (std::size_t i = 0; i < N; ++i)
    for (std::size_t j = 0; j < N; ++j) {
      auto from = static_cast<Status>(i + 1), to = static_cast<Status>(j + 1);
      EXPECT_EQ(may_follow(from, to), table[i][j] == '1')
        << to_string(from) << " -> " << to_string(to);
    }
}

TEST(states_test, a_run_goes_exactly_where_the_contract_lets_it) {
  check_table<run_status>(run_table);
}

TEST(states_test, a_step_goes_exactly_where_the_contract_lets_it) {
  check_table<step_status>(step_table);
}

TEST(states_test, each_status_is_found_by_its_name) {
  for (std::size_t i = 1; i <= run_states; ++i) {
    auto x = static_cast<run_status>(i);
    EXPECT_FALSE(to_string(x).empty());
    EXPECT_EQ(parse_run_status(to_string(x)), x);
  }
  for (std::size_t i = 1; i <= step_states; ++i) {
    auto x = static_cast<step_status>(i);
    EXPECT_FALSE(to_string(x).empty());
    EXPECT_EQ(parse_step_status(to_string(x)), x);
  }
  for (const auto* bad : {"", "Running", "running ", "waiting"})
    EXPECT_EQ(parse_run_status(bad), std::nullopt) << bad;
  for (const auto* bad : {"", "paused", "done"})
    EXPECT_EQ(parse_step_status(bad), std::nullopt) << bad;
}

TEST(states_test, the_ended_ones_are_the_contracts) {
  EXPECT_FALSE(is_ended(run_status::paused));
  EXPECT_TRUE(is_ended(run_status::cancelled));
  EXPECT_FALSE(is_ended(step_status::retrying));
  EXPECT_TRUE(is_ended(step_status::failed));
  EXPECT_TRUE(is_ended(step_status::skipped));
}

} // namespace
} // namespace callboard
