#include "cli/logging.hpp"
#include "cli/outbox.hpp"
#include "cli/unique_fd.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace callboard {

namespace {

using namespace std::chrono_literals;

/// A port that is ours and refuses every connection: bound, but not listening.
class closed_port {
public:
  closed_port() : fd_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    ::bind(fd_.get(), reinterpret_cast<sockaddr*>(&at), sizeof at);
    socklen_t size = sizeof at;
    ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ::ntohs(at.sin_port);
  }
  endpoint where() const {
    return {"127.0.0.1", port_};
  }

private:
  unique_fd fd_;
  std::uint16_t port_ = 0;
};

template <class Predicate>
bool becomes_true(Predicate f) {
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (!f() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  return f();
}

} // namespace

TEST(outbox, is_full_past_its_bound_while_the_node_is_away) {
  const closed_port nobody;
  event_publisher to{nobody.where(), "t", "p", 1h};
  std::atomic<int> tries{0};
  to.on_retry = [&tries](const problem&) { ++tries; };
  outbox x{to, [] {}};
  EXPECT_TRUE(x.idle());
  x.push(std::string(outbox::max_bytes / 2, 'x'));
  EXPECT_FALSE(x.full());
  x.push(std::string(outbox::max_bytes / 2, 'x'));
  EXPECT_TRUE(x.full());
  EXPECT_TRUE(becomes_true([&] { return tries > 0; }));
  EXPECT_TRUE(x.full()) << "what is being tried still counts";
  EXPECT_FALSE(x.idle());
  EXPECT_FALSE(x.lost());
}

TEST(outbox, ephemeral_events_are_dropped_before_durable_ones_have_to_wait) {
  const closed_port nobody;
  event_publisher to{nobody.where(), "t", "p", 1h};
  outbox x{to, [] {}};
  x.push(std::string(outbox::max_bytes / 2, 'x'));
  x.push_ephemeral("{}");
  EXPECT_EQ(x.count().dropped, 1u);
  EXPECT_FALSE(x.full());
}

TEST(outbox, is_lost_when_patience_is_over) {
  const closed_port nobody;
  event_publisher to{nobody.where(), "t", "p", 0ms};
  std::atomic<bool> woken{false};
  outbox x{to, [&woken] { woken = true; }};
  x.push("{}");
  EXPECT_TRUE(becomes_true([&] { return woken.load(); }));
  ASSERT_TRUE(x.lost());
  EXPECT_EQ(x.lost()->code, errc::unavailable);
  EXPECT_TRUE(x.idle());
}

TEST(logging, a_json_line_stays_json_whatever_is_logged) {
  EXPECT_EQ(
    json_log_line(0, "info", 7, "a \"b\"\n\xff"),
    "{\"ts\":\"1970-01-01T00:00:00.000Z\",\"level\":\"info\",\"thread\":7,"
    "\"message\":\"a \\\"b\\\"\\n\xef\xbf\xbd\"}\n");
}

} // namespace callboard
