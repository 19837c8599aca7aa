// Silent, slow, half-dead and unreachable peers.

#include "tests/unit/link/cut_proxy.hpp"
#include "tests/unit/link/raw_peer.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace callboard {
namespace {

using namespace test;
using clock = std::chrono::steady_clock;

const std::string secret = link_settings().cluster.secret;

shared_bytes bytes(std::string x) {
  return std::make_shared<const std::string>(std::move(x));
}

struct direction {
  bool from_dialer, to_dialer;
};

class link_cut : public testing::TestWithParam<direction> {};

TEST_P(link_cut, is_noticed_by_both_and_healed) {
  log_capture log;
  link_node a{"a"}, b{"b"};
  a.start();
  b.start();
  cut_proxy between{b.port};
  a.network->set_targets({between.address()});
  auto both = [&](bool up) {
    return eventually([&] {
      return (a.sink->session().value != 0) == up
             && (b.sink->session().value != 0) == up;
    });
  };
  ASSERT_TRUE(both(true));
  for (int round = 0; round < 3; ++round) {
    auto [from_dialer, to_dialer] = GetParam();
    between.cut(from_dialer, to_dialer);
    auto begun = clock::now();
    ASSERT_TRUE(both(false)) << log.text();
    auto took = clock::now() - begun;
    EXPECT_GE(took,
              a.conf.cluster.link_timeout - 2 * a.conf.cluster.link_heartbeat);
    EXPECT_LE(took, 10 * a.conf.cluster.link_timeout);
    between.heal();
    ASSERT_TRUE(both(true)) << log.text();
    auto seen = b.sink->frame_count();
    ASSERT_TRUE(a.send("b", peer_lane::normal, "again"));
    ASSERT_TRUE(eventually([&] { return b.sink->frame_count() > seen; }));
  }
  EXPECT_TRUE(log.has("nothing was heard of it for 600 ms")) << log.text();
}

INSTANTIATE_TEST_SUITE_P(, link_cut,
                         testing::Values(direction{true, true},
                                         direction{true, false},
                                         direction{false, true}));

TEST(link_silence, of_a_peer_that_was_up_ends_its_session) {
  link_node a{"a"};
  a.start();
  raw_peer x{a.port};
  ASSERT_TRUE(x.greet(identity("x"), secret));
  ASSERT_TRUE(eventually([&] { return a.sink->session().value != 0; }));
  auto begun = clock::now();
  EXPECT_TRUE(x.closed());
  EXPECT_GE(clock::now() - begun, 300ms);
  EXPECT_TRUE(eventually([&] { return a.sink->downs().size() == 1; }));
}

TEST(link_silence, of_whoever_was_dialed_is_not_waited_for) {
  auto conf = link_settings();
  conf.cluster.dial_timeout = 100ms;
  link_node a{"a", conf};
  a.start();
  raw_listener silent;
  a.network->set_targets({silent.address()});
  for (int i = 0; i < 3; ++i) { // again and again, one at a time
    auto x = silent.accept();
    EXPECT_TRUE(x.closed());
  }
}

/// Nobody accepts and the queue is full: the kernel drops each further SYN, as
/// a firewall does.
TEST(link_silence, of_the_network_does_not_hold_up_others_or_the_end) {
  log_capture log;
  raw_listener full{0};
  std::vector<int> fillers;
  for (int i = 0; i < 4; ++i) {
    auto fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(static_cast<std::uint16_t>(
      std::stoi(full.address().substr(full.address().rfind(':') + 1))));
    ::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to);
    fillers.push_back(fd);
  }
  auto conf = link_settings();
  conf.cluster.dial_timeout = 150ms;
  link_node a{"a", conf}, b{"b", conf};
  a.start();
  b.start();
  a.network->set_targets({full.address(), b.address()});
  EXPECT_TRUE(eventually([&] { return a.sink->session_with("b").value != 0; }));
  EXPECT_TRUE(eventually([&] {
    return log.has("reached at " + full.address()
                   + ": no answer within 150 ms");
  }))
    << log.text();
  a.network->set_targets({full.address()});
  auto begun = clock::now();
  a.network->stop();
  EXPECT_LT(clock::now() - begun, 1s);
  for (auto fd : fillers)
    ::close(fd);
}

// -- one session per peer
// ------------------------------------------------------

/// `name` decides who chooses: node "m" does against "x", not against "b".
class link_replacement : public testing::TestWithParam<const char*> {};

TEST_P(link_replacement, a_new_incarnation_takes_the_place_of_the_old) {
  link_node m{"m"};
  m.start();
  auto self = identity(GetParam());
  raw_peer old{m.port};
  ASSERT_TRUE(old.greet(self, secret));
  old.send(frame_kind::normal, "old");
  ASSERT_TRUE(eventually([&] { return m.sink->frame_count() == 1; }));
  ++self.incarnation;
  raw_peer fresh{m.port};
  ASSERT_TRUE(fresh.greet(self, secret));
  old.send(frame_kind::normal, "too late");
  EXPECT_TRUE(old.closed());
  fresh.send(frame_kind::normal, "new");
  ASSERT_TRUE(eventually([&] { return m.sink->frame_count() == 2; }));
  EXPECT_EQ(m.sink->frames()[1].frame, "new");
  EXPECT_EQ(m.sink->ups().size(), 2u); // and its faults are checked at the end
  EXPECT_EQ(m.sink->downs().size(), 1u);
}

TEST_P(link_replacement, a_half_dead_connection_gives_way_to_a_new_one) {
  auto conf = link_settings();
  conf.cluster.link_timeout = 60s; // it would take that long otherwise
  link_node m{"m", conf};
  m.start();
  auto self = identity(GetParam());
  raw_peer old{m.port};
  ASSERT_TRUE(old.greet(self, secret));
  ASSERT_TRUE(eventually([&] { return m.sink->ups().size() == 1; }));
  raw_peer fresh{m.port};
  ASSERT_TRUE(fresh.greet(self, secret));
  ASSERT_TRUE(eventually([&] { return m.sink->ups().size() == 2; }));
  EXPECT_TRUE(old.closed());
}

INSTANTIATE_TEST_SUITE_P(, link_replacement, testing::Values("x", "b"));

TEST(link_choice, a_second_connection_of_a_living_peer_is_redundant) {
  log_capture log;
  link_node a{"a"};
  a.start();
  auto self = identity("x");
  raw_peer first{a.port};
  ASSERT_TRUE(first.greet(self, secret));
  ASSERT_TRUE(eventually([&] { return a.sink->ups().size() == 1; }));
  std::atomic<bool> done = false;
  std::thread alive{[&] {
    while (!done) // answers heartbeats
      if (auto x = first.read(); x && x->first == frame_kind::ping)
        first.send(frame_kind::pong, x->second);
  }};
  raw_peer second{a.port};
  ASSERT_TRUE(second.prove(make_hello(self), secret));
  auto last = second.read_to_end();
  done = true;
  alive.join();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->first, frame_kind::refusal);
  EXPECT_EQ(decode_refusal(last->second), link_refusal::redundant);
  EXPECT_EQ(a.sink->ups().size(), 1u);
  EXPECT_TRUE(a.sink->downs().empty());
  EXPECT_FALSE(log.has("no link with")) << log.text();
}

// -- slow readers
// --------------------------------------------------------------

/// A peer that lives but does not read: says so every 20 ms.
struct slow_reader {
  raw_peer peer;
  std::atomic<bool> done{false};
  std::thread beats;

  explicit slow_reader(std::uint16_t port) : peer{port} {
    int small = 64 << 10;
    ::setsockopt(peer.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  }
  void begin() {
    beats = std::thread{[this] {
      std::string now(8, '\0');
      while (!done) {
        peer.send(frame_kind::ping, now);
        std::this_thread::sleep_for(20ms); // the pace of its heartbeats
      }
    }};
  }
  ~slow_reader() {
    done = true;
    if (beats.joinable())
      beats.join();
  }
};

TEST(link_slow_reader, costs_its_queues_and_no_more_and_delays_nothing_urgent) {
  auto conf = link_settings();
  conf.cluster.link_queue_bytes = 2 << 20;
  link_node a{"a", conf};
  a.start();
  slow_reader x{a.port};
  ASSERT_TRUE(x.peer.greet(identity("x"), secret));
  ASSERT_TRUE(eventually([&] { return a.sink->session().value != 0; }));
  x.begin();
  auto to = a.sink->session();
  auto body = bytes(std::string(20'000, 'b'));
  auto queued = [&] { return a.network->figures()[0].queued_bytes; };
  // Until nothing more goes into the kernel either, for a while.
  std::size_t sent = 0;
  int full = 0;
  ASSERT_TRUE(eventually([&] {
    for (++full; a.network->send(to, peer_lane::bulk, body); ++sent)
      full = 0;
    EXPECT_LE(queued(), conf.cluster.link_queue_bytes);
    return full >= 30 && a.network->figures()[0].frames_out > 0;
  }));
  EXPECT_TRUE(a.network->send(to, peer_lane::normal, bytes("normal")));
  EXPECT_TRUE(a.network->send(to, peer_lane::urgent, bytes("urgent")));
  auto waiting = queued() / (body->size() + 64);
  EXPECT_GE(waiting, 90u);
  // It reads at last: all of it, and what is urgent first.
  std::size_t bulk = 0, at_urgent = 0, at_normal = 0;
  while (bulk < sent) {
    auto frame = x.peer.read();
    ASSERT_TRUE(frame);
    if (frame->first == frame_kind::bulk && ++bulk)
      ASSERT_EQ(frame->second, *body);
    else if (frame->first == frame_kind::urgent)
      at_urgent = bulk;
    else if (frame->first == frame_kind::normal)
      at_normal = bulk;
  }
  // One of those that waited had perhaps begun; one may have left meanwhile.
  EXPECT_LE(at_urgent, sent - waiting + 2);
  EXPECT_LE(at_urgent, at_normal);
  EXPECT_GT(at_urgent, 0u);
  // Nor does the kernel keep much ahead of it: a small receive buffer here, and
  // what was not sent there.
  EXPECT_LT(at_urgent * body->size(), 1u << 20);
  EXPECT_TRUE(eventually([&] { return queued() == 0; }));
  EXPECT_EQ(a.sink->downs().size(), 0u);
}

TEST(link_slow_reader, takes_an_urgent_frame_through_a_flood_of_bulk) {
  link_node a{"a"}, b{"b"};
  a.start();
  b.start();
  meet(a, b);
  b.sink->count_only = true;
  a.sink->count_only = true;
  std::atomic<bool> done{false};
  auto to = a.sink->session();
  std::thread flood{[&] {
    auto body = bytes(std::string(256 << 10, 'b'));
    while (!done)
      if (!a.network->send(to, peer_lane::bulk, body))
        std::this_thread::yield();
  }};
  ASSERT_TRUE(eventually(
    [&] { return a.network->figures()[0].queued_bytes > (32 << 20); }));
  // Heartbeats overtake the flood: their round trip is what urgent ones take.
  EXPECT_TRUE(eventually(
    [&] { return a.network->figures()[0].round_trip_us < 100'000; }));
  done = true;
  flood.join();
  EXPECT_TRUE(a.sink->downs().empty());
  EXPECT_TRUE(b.sink->downs().empty());
}

} // namespace
} // namespace callboard
