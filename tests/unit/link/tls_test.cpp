// Mutual TLS between nodes.

#include "tests/support/certificate_maker.hpp"
#include "tests/unit/link/raw_peer.hpp"

#include <openssl/ssl.h>
#include <sys/socket.h>

#include <thread>

namespace callboard {
namespace {

using namespace test;

/// Settings of a node with that certificate, which trusts `trusted`.
settings with(const certificate_maker::files& files,
              const certificate_maker& trusted) {
  auto conf = link_settings();
  conf.cluster.certificate_file = files.certificate;
  conf.cluster.key_file = files.key;
  conf.cluster.ca_file = trusted.ca_file();
  return conf;
}

TEST(link_tls, nodes_meet_and_frames_of_all_sizes_pass) {
  certificate_maker maker;
  link_node a{"a", with(maker.make("a"), maker)};
  link_node b{"b", with(maker.make("B"), maker)};     // case does not matter
  b.conf.cluster.secret = a.conf.cluster.secret = ""; // certificates suffice
  a.start();
  b.start();
  meet(a, b);
  std::size_t lengths[] = {0, 1, 1000, 16'384, 16'379, 100'000, 5'000'000};
  constexpr std::size_t many = 210;
  for (std::size_t i = 0; i < many; ++i)
    ASSERT_TRUE(eventually([&] {
      return a.send("b", peer_lane::normal,
                    std::string(lengths[i % 7], static_cast<char>(i)));
    }));
  ASSERT_TRUE(eventually([&] { return b.sink->frame_count() == many; }));
  auto frames = b.sink->frames();
  for (std::size_t i = 0; i < many; ++i)
    ASSERT_TRUE(frames[i].frame
                == std::string(lengths[i % 7], static_cast<char>(i)))
      << i;
  EXPECT_TRUE(b.send("a", peer_lane::urgent, "back"));
  ASSERT_TRUE(eventually([&] { return a.sink->frame_count() == 1; }));
}

TEST(link_tls, both_send_a_lot_at_once) {
  certificate_maker maker;
  link_node a{"a", with(maker.make("a"), maker)};
  link_node b{"b", with(maker.make("b"), maker)};
  a.start();
  b.start();
  meet(a, b);
  constexpr std::size_t many = 2000;
  auto flood = [](link_node& from, const char* to) {
    for (std::size_t i = 0; i < many; ++i)
      EXPECT_TRUE(eventually([&] {
        return from.send(to, peer_lane::bulk, std::string(20'000, 'x'));
      }));
  };
  std::thread other{[&] { flood(b, "a"); }};
  flood(a, "b");
  other.join();
  EXPECT_TRUE(eventually([&] {
    return a.sink->frame_count() == many && b.sink->frame_count() == many;
  }));
  EXPECT_TRUE(a.sink->downs().empty());
}

TEST(link_tls, the_certificate_must_be_for_the_name_of_the_node) {
  log_capture log;
  certificate_maker maker;
  link_node a{"a", with(maker.make("a"), maker)};
  link_node b{"b", with(maker.make("b"), maker)};
  a.start();
  b.start();
  // The node itself would not start; so somebody with a good certificate for
  // "b" says to be "c".
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_use_certificate_chain_file(context,
                                     b.conf.cluster.certificate_file.c_str());
  SSL_CTX_use_PrivateKey_file(context, b.conf.cluster.key_file.c_str(),
                              SSL_FILETYPE_PEM);
  raw_peer c{a.port};
  SSL* tls = SSL_new(context);
  SSL_set_fd(tls, c.fd());
  ASSERT_EQ(SSL_connect(tls), 1);
  auto hello = encode(make_hello(identity("c")));
  auto header = make_header(frame_kind::hello, hello.size());
  SSL_write(tls, header.data(), static_cast<int>(header.size()));
  SSL_write(tls, hello.data(), static_cast<int>(hello.size()));
  char input[4096];
  while (SSL_read(tls, input, sizeof input) > 0) {
  }
  EXPECT_TRUE(log.has("its certificate is not for the name \"c\""))
    << log.text();
  EXPECT_TRUE(a.sink->ups().empty());
  SSL_free(tls);
  SSL_CTX_free(context);
}

TEST(link_tls, a_node_whose_own_certificate_is_for_another_does_not_start) {
  certificate_maker maker;
  // Neither another name nor a common name nor a wildcard will do.
  for (auto& files : {maker.make("b", "a"), maker.make("", "a"),
                      maker.make("*"), maker.make("*.a"), maker.make("a.b")}) {
    auto made = make_peer_network(with(files, maker));
    ASSERT_TRUE(made) << made.error().detail;
    recording_sink sink;
    auto port = (*made)->start(identity("a"), sink);
    ASSERT_FALSE(port);
    EXPECT_EQ(port.error().code, errc::invalid);
    EXPECT_NE(port.error().detail.find("\"a\""), std::string::npos);
  }
}

/// `b` dials and is dialed by a node "a" with a good certificate.
void expect_no_link(link_node& b, const certificate_maker& maker,
                    certificate_maker& a_maker,
                    const std::vector<std::string>& lines) {
  log_capture log;
  link_node a{"a", with(a_maker.make("a"), maker)};
  a.start();
  b.start();
  a.network->set_targets({b.address()});
  b.network->set_targets({a.address()});
  for (auto& line : lines)
    EXPECT_TRUE(eventually([&] { return log.has(line); }))
      << line << "\nis not in\n"
      << log.text();
  EXPECT_TRUE(a.sink->ups().empty());
  EXPECT_TRUE(b.sink->ups().empty());
  EXPECT_FALSE(log.has("is up"));
}

TEST(link_tls, a_certificate_of_another_authority_is_refused_and_both_say_so) {
  certificate_maker maker, stranger;
  link_node b{"b", with(stranger.make("b"), maker)};
  expect_no_link(b, maker, maker,
                 {"TLS: certificate verify failed",
                  "sign its cluster.certificate_file", "alert unknown ca",
                  "sign this node's cluster.certificate_file"});
}

TEST(link_tls, an_expired_certificate_is_refused) {
  certificate_maker maker;
  link_node b{
    "b",
    with(maker.make("b", "b", certificate_maker::validity::expired), maker)};
  expect_no_link(b, maker, maker,
                 {"certificate has expired", "alert certificate expired"});
}

TEST(link_tls, a_node_without_tls_is_refused_and_both_say_so) {
  certificate_maker maker;
  link_node b{"b"};
  expect_no_link(b, maker, maker,
                 {"it speaks TLS, but no certificate is configured here; set",
                  "it refuses this node: it speaks TLS only; set",
                  "TLS: wrong version number; it speaks no TLS"});
}

TEST(link_tls, the_secret_counts_even_with_certificates) {
  certificate_maker maker;
  link_node b{"b", with(maker.make("b"), maker)};
  b.conf.cluster.secret = "another secret, also long enough";
  expect_no_link(b, maker, maker, {"its cluster.secret is not this node's"});
}

TEST(link_tls, whoever_shows_no_certificate_is_refused) {
  log_capture log;
  certificate_maker maker;
  link_node a{"a", with(maker.make("a"), maker)};
  a.start();
  raw_peer x{a.port};
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL* tls = SSL_new(context);
  SSL_set_fd(tls, x.fd());
  SSL_connect(tls);
  char input[100];
  EXPECT_LE(SSL_read(tls, input, sizeof input), 0);
  EXPECT_TRUE(
    eventually([&] { return log.has("peer did not return a certificate"); }))
    << log.text();
  SSL_free(tls);
  SSL_CTX_free(context);
}

TEST(link_tls, garbage_ends_the_connection_only) {
  certificate_maker maker;
  link_node a{"a", with(maker.make("a"), maker)};
  link_node b{"b", with(maker.make("b"), maker)};
  a.start();
  b.start();
  meet(a, b);
  for (auto& garbage : {std::string(100'000, '\xff'), std::string(1000, '\0'),
                        std::string{"\x16\x03\x01\x02\x01\x01"}}) {
    raw_peer x{a.port};
    x.send(garbage);
    ::shutdown(x.fd(), SHUT_WR);
    EXPECT_TRUE(x.closed());
  }
  EXPECT_EQ(a.sink->ups().size(), 1u);
  EXPECT_TRUE(a.sink->downs().empty());
}

TEST(link_tls, files_that_cannot_be_used_are_named) {
  certificate_maker maker;
  auto good = with(maker.make("a"), maker);
  auto expect = [](const settings& conf, const char* pointer) {
    auto made = make_peer_network(conf);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, errc::invalid);
    EXPECT_EQ(made.error().pointer, pointer) << made.error().detail;
  };
  auto conf = good;
  conf.cluster.certificate_file = "/nowhere";
  expect(conf, "/cluster/certificate_file");
  conf = good;
  conf.cluster.key_file = maker.make("a").key; // of another certificate
  expect(conf, "/cluster/key_file");
  conf = good;
  conf.cluster.ca_file = good.cluster.key_file;
  expect(conf, "/cluster/ca_file");
  conf = good;
  conf.cluster.ca_file = "";
  expect(conf, "/cluster/certificate_file");
}

} // namespace
} // namespace callboard
