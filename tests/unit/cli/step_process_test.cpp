#include "cli/file_digest.hpp"
#include "cli/step_process.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

namespace callboard {

namespace {

/// Waits for the end of `x`; what it wrote to standard output goes to `output`.
step_process::ending end_of(step_process& x, std::string& output) {
  pollfd ended{x.exit_fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 10'000), 1) << "did not end";
  const auto how = x.poll_ending();
  char buffer[4096];
  for (auto n = ::read(x.out(), buffer, sizeof buffer); n > 0;
       n = ::read(x.out(), buffer, sizeof buffer))
    output.append(buffer, static_cast<std::size_t>(n));
  EXPECT_TRUE(how);
  return how.value_or(step_process::ending{-1, -1});
}

} // namespace

TEST(step_process, runs_a_command_with_directory_and_environment) {
  auto x = step_process::start("echo $A $B; pwd; exit 3", "/",
                               {{"A", "old"}, {"B", "b"}, {"A", "new"}});
  ASSERT_TRUE(x);
  std::string output;
  const auto how = end_of(*x, output);
  EXPECT_EQ(output, "new b\n/\n");
  EXPECT_EQ(how.status, 3);
  EXPECT_FALSE(how.good());
  EXPECT_EQ(how.text(), "exit status 3");
}

TEST(step_process, a_signal_reaches_all_that_the_command_started) {
  auto x = step_process::start("sleep 100 & sleep 100; wait", {}, {});
  ASSERT_TRUE(x);
  x->signal_group(SIGTERM);
  std::string output;
  EXPECT_EQ(end_of(*x, output).signal, SIGTERM);
  // Nobody is left to hold the pipe: it is at its end.
  pollfd closed{x->out(), POLLIN, 0};
  EXPECT_EQ(::poll(&closed, 1, 10'000), 1);
  char byte = 0;
  EXPECT_EQ(::read(x->out(), &byte, 1), 0);
}

TEST(step_process, what_a_command_leaves_behind_ends_with_it) {
  auto x = step_process::start("sleep 100 & exit 0", {}, {});
  ASSERT_TRUE(x);
  std::string output;
  EXPECT_TRUE(end_of(*x, output).good());
  pollfd closed{x->out(), POLLIN, 0};
  EXPECT_EQ(::poll(&closed, 1, 10'000), 1) << "the sleeper holds the pipe";
}

TEST(step_process, a_directory_that_is_not_there_is_an_error) {
  EXPECT_FALSE(step_process::start("true", "/nowhere", {}));
}

TEST(digest_file, gives_size_and_sha256) {
  const auto path = std::filesystem::temp_directory_path()
                    / ("callboard-digest-" + std::to_string(::getpid()));
  std::ofstream{path} << "abc";
  const auto x = digest_file(path);
  std::filesystem::remove(path);
  ASSERT_TRUE(x);
  EXPECT_EQ(x->size, 3u);
  EXPECT_EQ(x->sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_FALSE(digest_file("/nowhere"));
}

} // namespace callboard
