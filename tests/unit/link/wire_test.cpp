// The pure parts: frames, hellos, proofs, the order in the outbox.

#include "transport/link/link_hello.hpp"
#include "transport/link/link_outbox.hpp"
#include "transport/link/link_proof.hpp"
#include "transport/link/link_wire.hpp"
#include "transport/link/rare_log.hpp"

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>

namespace callboard {
namespace {

shared_bytes bytes(std::string x) {
  return std::make_shared<const std::string>(std::move(x));
}

std::string frame(frame_kind kind, const std::string& body) {
  auto header = make_header(kind, body.size());
  return std::string{header.begin(), header.end()} + body;
}

TEST(link_wire, a_stream_cut_anywhere_gives_the_same_frames) {
  auto stream = frame(frame_kind::urgent, "one") + frame(frame_kind::bulk, "")
                + frame(frame_kind::hello, std::string(300, 'h'));
  for (std::size_t step = 1; step <= stream.size(); ++step) {
    frame_reader reader;
    std::vector<std::string> bodies;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      auto part = std::string_view{stream}.substr(at, step);
      while (reader.next(part))
        bodies.push_back(reader.take());
      EXPECT_TRUE(part.empty());
    }
    EXPECT_EQ(bodies,
              (std::vector<std::string>{"one", "", std::string(300, 'h')}));
    EXPECT_EQ(reader.fault(), "");
  }
}

// A TLS record begins with 16 03; so does the length of a frame of 790 bytes.
TEST(link_wire, a_frame_of_any_length_is_none_of_tls) {
  auto hello = frame(frame_kind::hello, std::string(0x0316, 'h'));
  std::string_view first{hello};
  frame_reader reader;
  reader.allow(1 << 20);
  ASSERT_TRUE(reader.next(first)) << reader.fault();
  EXPECT_EQ(reader.take().size(), 0x0316u);
  for (std::size_t size : {0x0315, 0x0316, 0x0317, 0x10316, 0x50316})
    for (auto lane :
         {frame_kind::urgent, frame_kind::normal, frame_kind::bulk}) {
      auto one = frame(lane, std::string(size, 'x'));
      std::string_view in{one};
      ASSERT_TRUE(reader.next(in)) << size << " bytes: " << reader.fault();
      EXPECT_EQ(reader.take().size(), size);
    }
}

TEST(link_wire, a_long_frame_is_refused_before_its_body_came) {
  auto header = make_header(frame_kind::bulk, 5000);
  std::string_view in{header.data(), header.size()};
  frame_reader stranger;
  EXPECT_FALSE(stranger.next(in));
  EXPECT_NE(stranger.fault().find("5000"), std::string::npos);
  frame_reader known;
  known.allow(5000);
  in = {header.data(), header.size()};
  EXPECT_FALSE(known.next(in));
  EXPECT_EQ(known.fault(), "");
  // What is no lane stays small even then.
  header = make_header(frame_kind::ping, 5000);
  frame_reader again;
  again.allow(5000);
  in = {header.data(), header.size()};
  EXPECT_FALSE(again.next(in));
  EXPECT_NE(again.fault(), "");
}

TEST(link_wire, other_protocols_are_no_frames) {
  using namespace std::string_view_literals;
  for (auto in : {"GET / HTTP/1.1\r\n\r\n"sv, "\x16\x03\x01\x02\x01\x01"sv,
                  "\0\0\0\0\x09"sv, "\0\0\0\0\xff"sv}) {
    frame_reader reader;
    EXPECT_FALSE(reader.next(in));
    EXPECT_NE(reader.fault(), "");
  }
}

TEST(link_hello, survives_the_wire_and_what_newer_versions_append) {
  auto x = make_hello({"n", "d", "c", "h:1", "p 1", 77});
  auto y = decode_hello(encode(x) + "something of version 2");
  ASSERT_TRUE(y);
  EXPECT_EQ(y->who, x.who);
  EXPECT_EQ(y->nonce, x.nonce);
  EXPECT_EQ(y->version, link_version);
  EXPECT_NE(make_hello(x.who).nonce, x.nonce);
}

TEST(link_hello, is_refused_when_short_or_unprintable) {
  auto good = encode(make_hello({"n", "d", "c", "h:1", "p 1", 77}));
  for (std::size_t n = 0; n < good.size(); ++n)
    EXPECT_FALSE(decode_hello(std::string_view{good}.substr(0, n))) << n;
  EXPECT_FALSE(decode_hello(encode(make_hello({"n\n", "d", "", "", "", 1}))));
  EXPECT_FALSE(decode_hello(encode(make_hello({"", "d", "", "", "", 1}))));
  EXPECT_FALSE(decode_hello(encode(make_hello({"n", "", "", "", "", 1}))));
  EXPECT_FALSE(decode_hello(
    encode(make_hello({std::string(256, 'n'), "d", "", "", "", 1}))));
}

TEST(link_hello, both_sides_judge_alike) {
  auto of = [](std::string name, std::string disk, std::string cluster,
               std::uint64_t incarnation) {
    return make_hello({std::move(name), std::move(disk), std::move(cluster), "",
                       "", incarnation});
  };
  auto me = of("a", "disk-a", "c-1", 1);
  auto expect = [&](link_refusal why, const link_hello& peer) {
    EXPECT_EQ(judge(me, peer), why);
    EXPECT_EQ(judge(peer, me), why);
  };
  expect(link_refusal::none, of("b", "disk-b", "c-1", 2));
  expect(link_refusal::none, of("b", "disk-b", "", 2));
  expect(link_refusal::other_cluster, of("b", "disk-b", "c-2", 2));
  expect(link_refusal::name_taken, of("a", "disk-b", "c-1", 2));
  expect(link_refusal::copied_disk, of("b", "disk-a", "c-1", 2));
  expect(link_refusal::myself, me);
  auto newer = of("b", "disk-b", "c-1", 2);
  newer.version = 7;
  newer.oldest = 1;
  expect(link_refusal::none, newer);
  newer.oldest = 2;
  expect(link_refusal::version, newer);
}

TEST(link_proof, depends_on_all_that_was_said) {
  link_transcript said{"hello 1", "hello 2", "binding"};
  auto proof = make_proof("secret", link_role::dialer, said);
  EXPECT_EQ(proof.size(), 32u);
  EXPECT_TRUE(same_proof(proof, make_proof("secret", link_role::dialer, said)));
  EXPECT_FALSE(
    same_proof(proof, make_proof("secret", link_role::acceptor, said)));
  EXPECT_FALSE(
    same_proof(proof, make_proof("secreT", link_role::dialer, said)));
  EXPECT_FALSE(same_proof(proof, make_proof("", link_role::dialer, said)));
  EXPECT_FALSE(same_proof(proof, proof.substr(1)));
  for (auto part :
       {&link_transcript::dialer_hello, &link_transcript::acceptor_hello,
        &link_transcript::binding}) {
    auto other = said;
    (other.*part) += "x";
    EXPECT_FALSE(
      same_proof(proof, make_proof("secret", link_role::dialer, other)));
  }
  // Bytes that move from one part to the next are another transcript.
  EXPECT_FALSE(
    same_proof(proof, make_proof("secret", link_role::dialer,
                                 {"hello 1h", "ello 2", "binding"})));
}

// -- outbox -------------------------------------------------------------------

struct writer {
  link_outbox& from;
  std::string scratch;
  frame_reader reader;
  std::vector<std::pair<frame_kind, std::string>> frames;

  explicit writer(link_outbox& x) : from{x} {
    reader.allow(1 << 20);
  }

  /// Writes at most `n` bytes of what is next.
  std::size_t write(std::size_t n, std::size_t limit = 64 << 10) {
    std::string out;
    for (auto& piece : from.gather(scratch, limit))
      out.append(static_cast<char*>(piece.iov_base), piece.iov_len);
    out.resize(std::min(n, out.size()));
    from.consume(out.size());
    std::string_view in{out};
    while (reader.next(in))
      frames.emplace_back(reader.kind(), reader.take());
    EXPECT_EQ(reader.fault(), "");
    return out.size();
  }
};

TEST(link_outbox, an_urgent_frame_waits_for_the_one_being_written_only) {
  link_outbox box{1 << 20};
  writer out{box};
  for (int i = 0; i < 5; ++i)
    box.push(peer_lane::bulk, bytes(std::string(5000, 'b')));
  box.push(peer_lane::normal, bytes("n"));
  ASSERT_EQ(out.write(100), 100u); // "n", and a part of the first bulk frame
  box.push(peer_lane::normal, bytes("n2"));
  box.push(peer_lane::urgent, bytes("u"));
  box.push_own(frame_kind::ping, "12345678");
  while (out.write(777) > 0) {
  }
  std::vector<frame_kind> kinds;
  for (auto& x : out.frames)
    kinds.push_back(x.first);
  using enum frame_kind;
  EXPECT_EQ(kinds, (std::vector{normal, bulk, ping, urgent, normal, bulk, bulk,
                                bulk, bulk}));
}

TEST(link_outbox, takes_at_most_one_bulk_frame_at_a_time) {
  link_outbox box{1 << 20};
  writer out{box};
  for (int i = 0; i < 3; ++i)
    box.push(peer_lane::bulk, bytes("bulk"));
  EXPECT_EQ(out.write(1000), frame_header_bytes + 4);
}

TEST(link_outbox, any_cut_of_the_writes_gives_the_same_bytes) {
  for (std::size_t step : {1, 2, 3, 5, 7, 100, 1023, 1030, 4096, 100'000})
    for (std::size_t limit : {1, 10, 1024, 65536}) {
      link_outbox box{1 << 20};
      writer out{box};
      std::vector<std::string> sent;
      for (std::size_t size : {0, 1, 5, 1000, 1024, 1025, 3000})
        sent.push_back(std::string(size, static_cast<char>('a' + size % 26)));
      for (auto& x : sent)
        ASSERT_EQ(box.push(peer_lane::normal, bytes(x)),
                  x.empty() ? link_outbox::pushed::queued_idle
                            : link_outbox::pushed::queued);
      while (out.write(step, limit) > 0) {
      }
      ASSERT_EQ(out.frames.size(), sent.size());
      for (std::size_t i = 0; i < sent.size(); ++i)
        EXPECT_EQ(out.frames[i].second, sent[i]);
      EXPECT_EQ(box.queued_bytes(), 0u);
      EXPECT_EQ(box.take_written().frames, sent.size());
    }
}

TEST(link_outbox, each_lane_is_full_at_its_bound_by_itself) {
  link_outbox box{10'000};
  using pushed = link_outbox::pushed;
  auto fill = [&](peer_lane lane) {
    int n = 0;
    while (box.push(lane, bytes(std::string(936, 'x'))) != pushed::full)
      ++n;
    return n;
  };
  EXPECT_EQ(fill(peer_lane::bulk), 10);
  EXPECT_EQ(fill(peer_lane::normal), 10);
  EXPECT_EQ(fill(peer_lane::urgent), 10);
  EXPECT_EQ(box.queued_bytes(), 30'000u);
  writer out{box};
  while (out.write(100'000) > 0) {
  }
  EXPECT_EQ(box.queued_bytes(), 0u);
  // A frame longer than the bound goes if it is alone.
  EXPECT_EQ(box.push(peer_lane::bulk, bytes(std::string(20'000, 'x'))),
            pushed::queued_idle);
  EXPECT_EQ(box.push(peer_lane::bulk, bytes("x")), pushed::full);
  box.close();
  EXPECT_EQ(box.push(peer_lane::bulk, bytes("x")), pushed::over);
  EXPECT_EQ(box.queued_bytes(), 0u);
}

/// Under the sanitizers' allocators this sees nothing, and passes.
TEST(link_outbox, a_burst_leaves_no_memory_behind) {
  link_outbox box{64 << 20};
  writer out{box};
  auto body = bytes("x");
  auto used = [] { return ::mallinfo2().uordblks; };
  box.push(peer_lane::normal, body);
  while (out.write(1 << 20) > 0) {
  }
  auto before = used();
  for (int i = 0; i < 100'000; ++i)
    box.push(peer_lane::normal, body);
  out.frames.reserve(100'001);
  while (out.write(1 << 20) > 0) {
  }
  out.frames = std::vector<std::pair<frame_kind, std::string>>(1);
  EXPECT_LT(used(), before + 16'384);
}

TEST(link_outbox, wakes_the_writer_only_when_it_is_idle) {
  link_outbox box{10'000};
  using pushed = link_outbox::pushed;
  writer out{box};
  EXPECT_EQ(box.push(peer_lane::bulk, bytes("x")), pushed::queued_idle);
  EXPECT_EQ(box.push(peer_lane::bulk, bytes("x")), pushed::queued);
  EXPECT_GT(out.write(1000), 0u);
  EXPECT_EQ(box.push(peer_lane::bulk, bytes("x")), pushed::queued);
  while (out.write(1000) > 0) {
  }
  EXPECT_EQ(box.push(peer_lane::bulk, bytes("x")), pushed::queued_idle);
}

TEST(rare_log, says_the_same_once_a_minute_and_remembers_little) {
  rare_log log;
  rare_log::clock::time_point now{std::chrono::hours{1}};
  EXPECT_TRUE(log.may_say("x", now));
  EXPECT_FALSE(log.may_say("x", now + std::chrono::seconds{59}));
  EXPECT_TRUE(log.may_say("y", now));
  EXPECT_TRUE(log.may_say("x", now + std::chrono::seconds{60}));
  for (int i = 0; i < 5000; ++i)
    log.may_say(std::to_string(i), now + std::chrono::seconds{60});
  EXPECT_FALSE(log.may_say("new", now + std::chrono::seconds{61}));
  EXPECT_TRUE(log.may_say("new", now + std::chrono::seconds{130}));
}

} // namespace
} // namespace callboard
