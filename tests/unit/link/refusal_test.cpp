// Whom a node has no session with, and what is said about it.

#include "tests/unit/link/raw_peer.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <random>

namespace callboard {
namespace {

using namespace test;

/// The secret of link_settings().
const std::string secret = link_settings().cluster.secret;

/// Lets them dial each other; neither may ever have a session.
void expect_refused(link_node& a, link_node& b, const log_capture& log,
                    const std::vector<std::string>& lines) {
  a.start();
  b.start();
  a.network->set_targets({b.address()});
  b.network->set_targets({a.address()});
  for (auto& line : lines)
    EXPECT_TRUE(eventually([&] { return log.has(line); }))
      << line << "\nis not in\n"
      << log.text();
  // Many dials later each line is still there once.
  EXPECT_TRUE(eventually([&] {
    auto x = a.network->figures();
    return x.size() == 1 && x[0].refused >= 4 && !x[0].up;
  }));
  for (auto& line : lines)
    EXPECT_EQ(log.count(line), 1u) << line;
  EXPECT_TRUE(a.sink->ups().empty());
  EXPECT_TRUE(b.sink->ups().empty());
}

TEST(link_refusal, nodes_of_two_clusters_refuse_each_other) {
  log_capture log;
  link_node a{"a"}, b{"b"};
  a.self.cluster = "c-1";
  b.self.cluster = "c-2";
  expect_refused(
    a, b, log,
    {"with b at 127.0.0.1: it belongs to cluster c-2, this node to c-1",
     "with a at 127.0.0.1: it belongs to cluster c-1, this node to c-2"});
}

TEST(link_refusal, another_secret_is_refused) {
  log_capture log;
  link_node a{"a"}, b{"b"};
  b.conf.cluster.secret = "another secret, also long enough";
  expect_refused(
    a, b, log,
    {"with b at 127.0.0.1: its cluster.secret is not this node's",
     "with a at 127.0.0.1: its cluster.secret is not this node's"});
}

TEST(link_refusal, a_taken_name_is_refused) {
  log_capture log;
  link_node a{"a"}, b{"a"};
  b.self.disk = "another disk";
  expect_refused(a, b, log, {});
  EXPECT_EQ(log.count("it has this node's name, \"a\", and another data"), 2u);
}

TEST(link_refusal, a_copied_data_directory_is_refused) {
  log_capture log;
  link_node a{"a"}, b{"b"};
  b.self.disk = a.self.disk;
  expect_refused(a, b, log,
                 {"with a at 127.0.0.1: it runs on a copy of this node's",
                  "with b at 127.0.0.1: it runs on a copy of this node's"});
}

TEST(link_refusal, incompatible_versions_are_named) {
  log_capture log;
  link_node a{"a"};
  a.start();
  auto hello = make_hello(identity("b"));
  hello.version = 12;
  hello.oldest = 11;
  raw_peer b{a.port};
  b.send(frame_kind::hello, encode(hello));
  auto last = b.read_to_end();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->first, frame_kind::refusal);
  EXPECT_EQ(decode_refusal(last->second), link_refusal::version);
  EXPECT_TRUE(log.has("link version 12 (understands 11 and newer"))
    << log.text();
  EXPECT_TRUE(log.has("this node 1 (understands 1 and newer")) << log.text();
}

TEST(link_refusal, what_the_peer_refuses_is_said_too) {
  log_capture log;
  link_node a{"a"};
  a.start();
  raw_peer b{a.port};
  ASSERT_TRUE(b.prove(make_hello(identity("b")), secret));
  b.send(frame_kind::refusal,
         std::string(1, static_cast<char>(link_refusal::other_name)));
  EXPECT_TRUE(b.closed());
  EXPECT_TRUE(log.has("it refuses this node: this node's certificate is not"))
    << log.text();
}

TEST(link_refusal, a_proof_cannot_be_sent_back_to_its_maker) {
  log_capture log;
  link_node a{"a"};
  a.start();
  raw_peer b{a.port};
  b.send(frame_kind::hello, encode(make_hello(identity("b"))));
  ASSERT_TRUE(b.read());
  auto proof = b.read();
  ASSERT_TRUE(proof);
  ASSERT_EQ(proof->first, frame_kind::proof);
  b.send(frame_kind::proof, proof->second);
  auto last = b.read_to_end();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->first, frame_kind::refusal);
  EXPECT_EQ(decode_refusal(last->second), link_refusal::wrong_secret);
  EXPECT_TRUE(a.sink->ups().empty());
}

TEST(link_refusal, a_proof_of_an_earlier_connection_proves_nothing) {
  link_node a{"a"};
  a.start();
  auto hello = make_hello(identity("b"));
  link_transcript said;
  said.dialer_hello = encode(hello);
  std::string proof;
  {
    raw_peer b{a.port};
    b.send(frame_kind::hello, said.dialer_hello);
    said.acceptor_hello = b.read()->second;
    proof = make_proof(secret, link_role::dialer, said);
    b.send(frame_kind::proof, proof);
    ASSERT_EQ(b.read()->first, frame_kind::proof);
    ASSERT_EQ(b.read()->first, frame_kind::welcome);
  }
  raw_peer replay{a.port};
  replay.send(frame_kind::hello, said.dialer_hello);
  replay.send(frame_kind::proof, proof);
  auto last = replay.read_to_end();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->first, frame_kind::refusal);
  EXPECT_TRUE(a.sink->ups().empty());
}

TEST(link_refusal, no_secret_is_refused_with_a_remedy_unless_dev) {
  auto conf = link_settings();
  conf.cluster.secret = "";
  auto made = make_peer_network(conf);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, errc::invalid);
  EXPECT_NE(made.error().detail.find("CALLBOARD_CLUSTER_SECRET"),
            std::string::npos);
  conf.node.dev = true;
  link_node a{"a", conf}, b{"b", conf};
  a.start();
  b.start();
  meet(a, b);
}

TEST(link_refusal, a_secret_may_lie_in_a_file) {
  auto conf = link_settings();
  conf.cluster.secret = "";
  conf.cluster.secret_file
    = testing::TempDir() + "/link-secret-" + std::to_string(::getpid());
  EXPECT_FALSE(make_peer_network(conf));
  std::ofstream{conf.cluster.secret_file} << secret << "\n";
  link_node a{"a", conf}, b{"b"};
  a.start();
  b.start();
  meet(a, b);
  std::ofstream{conf.cluster.secret_file} << "\n";
  EXPECT_FALSE(make_peer_network(conf));
  std::remove(conf.cluster.secret_file.c_str());
}

// -- garbage ------------------------------------------------------------------

TEST(link_garbage, of_strangers_ends_their_connection_only) {
  log_capture log;
  link_node a{"a"}, b{"b"};
  a.start();
  b.start();
  meet(a, b);
  auto session = a.sink->session();
  auto hello = encode(make_hello(identity("x")));
  auto header = make_header(frame_kind::hello, 1 << 30);
  auto lane = make_header(frame_kind::urgent, 100);
  for (auto& garbage : {
         std::string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
         std::string{header.begin(), header.end()},
         std::string{lane.begin(), lane.end()} + std::string(100, 'x'),
         std::string(100'000, '\0'),
         std::string(100'000, '\xff'),
         std::string{"\x16\x03\x01\x02\x05\x01"},
       }) {
    raw_peer x{a.port};
    x.send(garbage);
    EXPECT_TRUE(x.closed());
  }
  for (auto kind : {frame_kind::welcome, frame_kind::urgent, frame_kind::ping,
                    frame_kind::hello, frame_kind::cluster}) {
    raw_peer x{a.port};
    x.send(frame_kind::hello, hello);
    x.send(kind, "12345678");
    EXPECT_TRUE(x.closed());
  }
  EXPECT_TRUE(log.has("it speaks TLS, but no certificate")) << log.text();
  EXPECT_EQ(a.sink->session(), session);
  EXPECT_EQ(a.sink->frame_count(), 0u);
}

TEST(link_garbage, in_greetings_of_all_sorts_never_gets_in) {
  link_node a{"a"};
  a.conf.cluster.dial_timeout = 200ms;
  a.start();
  std::mt19937 random{42};
  for (int round = 0; round < 300; ++round) {
    raw_peer x{a.port};
    auto body = encode(make_hello(identity("x")));
    auto header = make_header(frame_kind::hello, body.size());
    std::string all{header.begin(), header.end()};
    all += body;
    auto proof = make_header(frame_kind::proof, 32);
    all.append(proof.begin(), proof.end());
    all += std::string(32, 'p');
    for (auto n = random() % 4; n > 0; --n)
      all[random() % all.size()] = static_cast<char>(random());
    x.send(all.substr(0, random() % 2 ? all.size() : random() % all.size()));
    ::shutdown(x.fd(), SHUT_WR);
    EXPECT_TRUE(x.closed()) << round;
  }
  EXPECT_TRUE(a.sink->ups().empty());
}

TEST(link_garbage, of_a_peer_ends_its_session_only) {
  log_capture log;
  link_node a{"a"}, b{"b"};
  a.start();
  b.start();
  meet(a, b);
  auto session = a.sink->session();
  auto oversized
    = make_header(frame_kind::bulk, a.conf.cluster.frame_bytes + 1);
  for (auto& garbage : {std::string(1000, '\xff'),
                        std::string{oversized.begin(), oversized.end()}}) {
    raw_peer x{a.port};
    ASSERT_TRUE(x.greet(identity("x"), secret));
    ASSERT_TRUE(eventually([&] { return a.sink->session_with("x").value; }));
    x.send(garbage);
    EXPECT_TRUE(x.closed());
    ASSERT_TRUE(eventually([&] { return !a.sink->session_with("x").value; }));
  }
  for (auto kind : {frame_kind::hello, frame_kind::welcome, frame_kind::pong,
                    frame_kind::refusal, frame_kind::proof}) {
    raw_peer x{a.port};
    ASSERT_TRUE(x.greet(identity("x"), secret));
    x.send(kind, "xx");
    EXPECT_TRUE(x.closed());
  }
  EXPECT_TRUE(log.has("with x at 127.0.0.1 is over: it sent no frame of"))
    << log.text();
  EXPECT_TRUE(log.has("with x at 127.0.0.1 is over: a frame of 33554433"))
    << log.text();
  EXPECT_EQ(a.sink->session_with("b"), session);
}

TEST(link_garbage, strangers_who_say_nothing_do_not_keep_peers_out) {
  link_node a{"a"};
  a.conf.cluster.dial_timeout = 60s;
  a.start();
  std::vector<std::unique_ptr<raw_peer>> silent;
  for (int i = 0; i < 200; ++i)
    silent.push_back(std::make_unique<raw_peer>(a.port));
  raw_peer x{a.port};
  EXPECT_TRUE(x.greet(identity("x"), secret));
  EXPECT_TRUE(silent.front()->closed()); // the oldest had to go
}

TEST(link_garbage, a_stranger_is_not_waited_for_long) {
  log_capture log;
  link_node a{"a"};
  a.conf.cluster.dial_timeout = 200ms;
  a.start();
  raw_peer x{a.port};
  EXPECT_TRUE(x.closed());
  EXPECT_TRUE(eventually(
    [&] { return log.has("did not finish its greeting within 200 ms"); }))
    << log.text();
}

} // namespace
} // namespace callboard
