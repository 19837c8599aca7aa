// What a session says and hears before it is up. The other half of
// link_session.

#include "transport/link/link_session.hpp"

#include <boost/asio/buffer.hpp>
#include <spdlog/spdlog.h>

#include <utility>

namespace callboard {

namespace {

link_role other(link_role x) {
  return x == link_role::dialer ? link_role::acceptor : link_role::dialer;
}

} // namespace

void link_session::on_greeting(frame_kind kind, std::string body) {
  if (kind == frame_kind::refusal && phase_ != phase::securing)
    return on_refusal(body);
  if (kind == frame_kind::hello && phase_ == phase::greeting)
    return on_hello(std::move(body));
  if (kind == frame_kind::proof && phase_ == phase::proving)
    return on_proof(body);
  if (kind == frame_kind::welcome && phase_ == phase::proved
      && welcomed_ == chooses())
    return on_welcome();
  malformed("it greets in the wrong order");
}

void link_session::on_hello(std::string body) {
  auto hello = decode_hello(body);
  if (!hello)
    return malformed("its hello cannot be read");
  theirs_ = std::move(*hello);
  auto why = judge(ours_, theirs_);
  if (why == link_refusal::none && stream_.is_tls()
      && !stream_.peer_is(theirs_.who.name))
    why = link_refusal::other_name;
  if (why != link_refusal::none)
    return refuse(why);
  (via_ ? said_.acceptor_hello : said_.dialer_hello) = std::move(body);
  said_.binding = stream_.binding();
  phase_ = phase::proving;
  say(frame_kind::proof, make_proof(commons_.options.secret, role(), said_));
}

void link_session::on_proof(const std::string& body) {
  auto& secret = commons_.options.secret;
  if (!same_proof(body, make_proof(secret, other(role()), said_)))
    return refuse(link_refusal::wrong_secret);
  said_ = {};
  phase_ = phase::proved;
  proved_since_ = clock::now();
  owner_.proved(*this);
}

bool link_session::chooses() const noexcept {
  return ours_.who.name < theirs_.who.name;
}

void link_session::welcome() {
  welcomed_ = true;
  say(frame_kind::welcome);
}

/// The one that chooses has said welcome and now hears it back; the other one
/// hears it first.
void link_session::on_welcome() {
  // This node may have become a member of a cluster since it said hello.
  auto now = ours_;
  now.who.cluster = commons_.self.cluster;
  auto why = judge(now, theirs_);
  if (why != link_refusal::none) {
    ours_ = std::move(now);
    return refuse(why);
  }
  auto joined = commons_.self.cluster != ours_.who.cluster;
  if (!welcomed_)
    outbox_->push_own(frame_kind::welcome, {});
  if (joined)
    outbox_->push_own(frame_kind::cluster, commons_.self.cluster);
  phase_ = phase::up;
  was_up_ = true;
  counters_ = commons_.table.counters(theirs_.who, link_table::known::proved);
  reader_.allow(commons_.options.frame_bytes);
  spdlog::info("the link with {} is up", peer_text());
  owner_.begins(*this);
  ping();
  rest();
}

void link_session::refuse(link_refusal why) {
  refusal_ = why;
  auto text = explain(why, ours_, theirs_);
  if (!text.empty()) {
    complain(text);
    if (auto counted
        = commons_.table.counters(theirs_.who, link_table::known::claimed))
      counted->refused.fetch_add(1, std::memory_order_relaxed);
  }
  phase_ = phase::refused;
  say(frame_kind::refusal, std::string(1, static_cast<char>(why)));
}

/// To a peer that speaks no TLS: past the stream, in bytes that it reads. A
/// socket that was just opened takes them.
void link_session::refuse_plainly() {
  const auto header = make_header(frame_kind::refusal, 1);
  std::string bytes{header.begin(), header.end()};
  bytes += static_cast<char>(link_refusal::needs_tls);
  boost::system::error_code ignored;
  socket_.write_some(boost::asio::buffer(bytes), ignored);
}

void link_session::on_refusal(const std::string& body) {
  auto why = decode_refusal(body);
  if (!why)
    return malformed("its refusal cannot be read");
  if (*why != link_refusal::myself) // that we would have found out ourselves
    refusal_ = *why;
  if (auto text = explain_received(*why); !text.empty())
    complain("it refuses this node: " + std::string{text});
  close(false);
}

bool link_session::is_stranger() const noexcept {
  return !via_ && phase_ < phase::proved;
}

link_role link_session::role() const noexcept {
  return via_ ? link_role::dialer : link_role::acceptor;
}

} // namespace callboard
