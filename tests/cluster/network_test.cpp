// The network that partitions are made of: hosts that hear each other, and do
// not when the test says so.

#include "tests/support/test_network.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>

namespace callboard::test {

namespace {

constexpr std::uint16_t port = 9000;

/// A UDP socket of one host.
class datagrams {
public:
  datagrams(const test_network& net, int host) : net_{net} {
    const test_network::inside here{net, host};
    fd_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const auto address = named("0.0.0.0");
    EXPECT_EQ(
      ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address),
      0);
  }

  ~datagrams() {
    ::close(fd_);
  }

  void send(int host, const std::string& text) const {
    const auto address = named(net_.address(host));
    ::sendto(fd_, text.data(), text.size(), 0,
             reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }

  /// What came within the time, if anything.
  std::optional<std::string> receive(int limit_ms) const {
    pollfd entry{fd_, POLLIN, 0};
    if (::poll(&entry, 1, limit_ms) <= 0)
      return std::nullopt;
    std::string text(2000, '\0');
    const auto size = ::recv(fd_, text.data(), text.size(), 0);
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    return text;
  }

private:
  static sockaddr_in named(const std::string& address) {
    sockaddr_in result{};
    result.sin_family = AF_INET;
    result.sin_port = htons(port);
    ::inet_pton(AF_INET, address.c_str(), &result.sin_addr);
    return result;
  }

  const test_network& net_;
  int fd_ = -1;
};

class network : public ::testing::Test {
protected:
  void SetUp() override {
    if (const auto why = test_network::unavailable(); !why.empty())
      GTEST_SKIP() << "no network of its own: " << why;
  }

  /// Of `count` datagrams, how many arrive. The first finds the way (ARP).
  static int arrivals(const datagrams& from, const datagrams& to, int host,
                      int count) {
    int result = 0;
    for (int i = 0; i < count; ++i) {
      from.send(host, std::to_string(i));
      result += to.receive(i == 0 ? 1000 : 30) ? 1 : 0;
    }
    return result;
  }
};

} // namespace

TEST_F(network, hosts_hear_each_other_until_they_are_cut_off) {
  test_network net{3};
  const datagrams a{net, 0};
  const datagrams b{net, 1};
  const datagrams c{net, 2};
  EXPECT_EQ(arrivals(a, b, 1, 20), 20);
  EXPECT_EQ(arrivals(b, a, 0, 20), 20);
  EXPECT_EQ(arrivals(c, a, 0, 20), 20);
  net.cut(0, 1);
  EXPECT_EQ(arrivals(a, b, 1, 5), 0) << "cut";
  EXPECT_EQ(arrivals(b, a, 0, 5), 5) << "one way only";
  EXPECT_EQ(arrivals(c, a, 0, 5), 5) << "one pair only";
  net.isolate(0);
  EXPECT_EQ(arrivals(c, a, 0, 3), 0);
  EXPECT_EQ(arrivals(b, c, 2, 5), 5) << "the others still hear each other";
  net.heal();
  EXPECT_EQ(arrivals(a, b, 1, 10), 10);
}

TEST_F(network, frames_are_lost_and_delayed_as_told) {
  test_network net{2};
  const datagrams a{net, 0};
  const datagrams b{net, 1};
  EXPECT_EQ(arrivals(a, b, 1, 5), 5);
  net.lose(0.5);
  const auto arrived = arrivals(a, b, 1, 100);
  EXPECT_GT(arrived, 20);
  EXPECT_LT(arrived, 80);
  net.heal();
  net.delay(std::chrono::milliseconds{80});
  a.send(1, "late");
  EXPECT_EQ(b.receive(40), std::nullopt);
  EXPECT_EQ(b.receive(2000), "late");
}

TEST_F(network, the_test_itself_is_where_it_was) {
  test_network net{1};
  const auto place = [] {
    std::string text(100, '\0');
    const auto size
      = ::readlink("/proc/thread-self/ns/net", text.data(), text.size());
    text.resize(static_cast<std::size_t>(size));
    return text;
  };
  const auto before = place();
  {
    const test_network::inside here{net, 0};
    EXPECT_NE(place(), before);
  }
  EXPECT_EQ(place(), before);
}

} // namespace callboard::test
