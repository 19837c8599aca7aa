// A network that loses everything, as the kernel does it: no reset, no answer
// to a SYN. In a network namespace of the test's own; skipped where that is not
// allowed.

#include "tests/unit/link/link_fixture.hpp"

#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <thread>

namespace callboard {
namespace {

using namespace test;
using clock = std::chrono::steady_clock;

/// The calling thread, and threads that it starts, get a loopback to
/// themselves. False: not allowed.
bool enter_own_network() {
  if (::unshare(CLONE_NEWNET) != 0)
    return false;
  auto fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  auto up = ::ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  ::close(fd);
  return up;
}

bool run(const char* command) {
  return std::system(command) == 0; // NOLINT(cert-env33-c)
}

TEST(link_lost_packets, end_sessions_and_come_back_when_the_network_does) {
  bool done = false;
  // A thread of its own, so that the process stays where it was.
  std::thread{[&] {
    if (!enter_own_network()
        || !run("tc qdisc add dev lo root pfifo limit 1000"))
      return;
    done = true;
    auto conf = link_settings();
    conf.cluster.dial_timeout = 300ms;
    link_node a{"a", conf}, b{"b", conf};
    a.start();
    b.start();
    b.network->set_targets({a.address()});
    meet(a, b);
    for (std::size_t round = 1; round <= 2; ++round) {
      ASSERT_TRUE(run("tc qdisc replace dev lo root pfifo limit 0"));
      auto cut = clock::now();
      ASSERT_TRUE(eventually([&] {
        return a.sink->downs().size() == round
               && b.sink->downs().size() == round;
      }));
      EXPECT_LE(clock::now() - cut, 5s);
      // Still nothing, and several dials were lost.
      auto lost = [&] { return clock::now() - cut > 2s; };
      ASSERT_TRUE(eventually(lost));
      EXPECT_EQ(a.sink->ups().size(), round);
      ASSERT_TRUE(run("tc qdisc replace dev lo root pfifo limit 1000"));
      auto healed = clock::now();
      ASSERT_TRUE(eventually(
        [&] { return a.sink->session().value && b.sink->session().value; }));
      EXPECT_LE(clock::now() - healed, 3s);
      RecordProperty("back_after_ms",
                     static_cast<int>((clock::now() - healed) / 1ms));
    }
    EXPECT_LE(a.sink->ups().size(), 4u); // no flapping on the way
  }}.join();
  if (!done)
    GTEST_SKIP() << "needs the right to make a network namespace, and tc";
}

} // namespace
} // namespace callboard
