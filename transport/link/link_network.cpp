#include "transport/link/link_network.hpp"

#include "transport/link/peer_network.hpp"

#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include <atomic>
#include <cassert>
#include <utility>

namespace callboard {

namespace asio = boost::asio;

namespace {

constexpr std::size_t input_bytes = 64 << 10;

/// Connections that others opened and that proved nothing yet.
constexpr std::size_t most_strangers = 128;

peer_session next_session() {
  static std::atomic<std::uint64_t> last{0};
  return {last.fetch_add(1, std::memory_order_relaxed) + 1};
}

/// Who refuses today may not tomorrow, but hardly at the next dial; and an
/// address is hardly ever given from this node to another one.
int pauses_after(link_refusal why) {
  if (why == link_refusal::none)
    return 1;
  return why == link_refusal::myself ? 1000 : 4;
}

} // namespace

result<std::unique_ptr<peer_network>> make_peer_network(const settings& conf) {
  auto options = make_link_options(conf);
  if (!options)
    return tl::unexpected{options.error()};
  return std::make_unique<link_network>(std::move(*options));
}

link_network::link_network(link_options options)
    : io_{std::make_shared<asio::io_context>(1)}, work_{io_->get_executor()},
      commons_{std::move(options), table_, {}, {}, {}, {}},
      listener_{*io_, [this]() -> asio::io_context& { return *io_; },
                [this](asio::ip::tcp::socket socket) {
                  make_room_for_a_stranger();
                  begin_session(std::move(socket), nullptr);
                }} {
  commons_.input.resize(input_bytes);
}

link_network::~link_network() {
  stop();
}

// -- any thread ---------------------------------------------------------------

template <class Action>
void link_network::post(Action action) {
  asio::post(*io_, [this, action = std::move(action)]() mutable {
    if (!closing_)
      action();
  });
}

result<std::uint16_t> link_network::start(const peer_identity& self,
                                          peer_sink& sink) {
  std::unique_lock guard{lifecycle_};
  if (sink_)
    return fail(errc::conflict, "the links of this node were started already");
  auto& options = commons_.options;
  if (options.tls && !options.tls->is_for(self.name))
    return fail(errc::invalid,
                "cluster.certificate_file is not for this node: the DNS "
                "subject alternative name \""
                  + self.name + "\" (node.name) is missing",
                "/cluster/certificate_file");
  auto port = listener_.open(options.listen);
  if (!port)
    return port;
  commons_.self = self;
  sink_ = &sink;
  listener_.start();
  thread_ = std::thread{[this] { io_->run(); }};
  return port;
}

void link_network::stop() {
  std::unique_lock guard{lifecycle_};
  if (!thread_.joinable())
    return;
  assert(thread_.get_id() != std::this_thread::get_id());
  post([this] { close_all(); });
  work_.reset();
  thread_.join();
}

void link_network::set_cluster(const std::string& id) {
  post([this, id] { join(id); });
}

void link_network::set_targets(std::vector<std::string> addresses) {
  post([this, addresses = std::move(addresses)]() mutable {
    replace_targets(std::move(addresses));
  });
}

std::string link_network::disk_at(const std::string& address) const {
  return table_.disk_at(address);
}

bool link_network::send(peer_session to, peer_lane lane, shared_bytes frame) {
  auto outbox = table_.find(to);
  if (!outbox)
    return false;
  if (frame->size() > commons_.options.frame_bytes) {
    spdlog::error("a frame of {} bytes for a peer is over cluster.frame_bytes",
                  frame->size());
    return false;
  }
  switch (outbox->push(lane, std::move(frame))) {
  case link_outbox::pushed::queued:
    return true;
  case link_outbox::pushed::queued_idle:
    post([this, to] {
      if (auto found = sessions_.find(to.value); found != sessions_.end())
        session_ptr {
          found->second
          } -> pump();
    });
    return true;
  case link_outbox::pushed::full:
  case link_outbox::pushed::over:
    return false;
  }
  return false;
}

void link_network::reset(peer_session session) {
  if (auto outbox = table_.find(session))
    outbox->close();
  post([this, session] {
    if (auto found = sessions_.find(session.value); found != sessions_.end())
      session_ptr {
        found->second
        } -> end("this node wants a new one");
  });
}

std::vector<peer_figures> link_network::figures() const {
  return table_.figures();
}

// -- the link's thread --------------------------------------------------------

void link_network::close_all() {
  closing_ = true;
  listener_.close();
  for (auto& [address, target] : targets_)
    target->retire();
  targets_.clear();
  auto all = sessions_; // over() erases
  for (auto& [id, session] : all)
    session->leave();
}

void link_network::join(const std::string& id) {
  if (commons_.self.cluster == id)
    return;
  commons_.self.cluster = id;
  auto all = sessions_;
  for (auto& [number, session] : all) {
    if (!session->is_up())
      continue; // on_welcome() looks again
    if (same_cluster(id, session->who().cluster))
      session->say(frame_kind::cluster, id);
    else
      session->end("it belongs to cluster " + session->who().cluster
                   + ", this node to " + id + " now");
  }
}

void link_network::begin_session(asio::ip::tcp::socket socket,
                                 std::shared_ptr<dial_target> via) {
  if (closing_)
    return;
  auto id = next_session();
  auto made = std::make_shared<link_session>(
    id, std::move(socket), std::move(via), commons_,
    static_cast<session_owner&>(*this));
  sessions_.emplace(id.value, made);
  made->start();
}

/// Whoever opens connections and says nothing does not keep peers away: the
/// oldest stranger goes.
void link_network::make_room_for_a_stranger() {
  std::size_t strangers = 0;
  session_ptr oldest;
  for (auto& [id, session] : sessions_)
    if (session->is_stranger() && ++strangers == 1)
      oldest = session;
  if (strangers >= most_strangers)
    oldest->end("too many others connect");
}

link_session* link_network::current(const std::string& disk) const {
  auto found = current_.find(disk);
  return found == current_.end() ? nullptr : found->second.get();
}

void link_network::proved(link_session& who) {
  if (auto& via = who.via()) {
    via->disk = who.who().disk;
    table_.found_at(via->address(), via->disk);
  }
  if (!who.chooses())
    return; // it will say
  if (auto* old = current(who.who().disk))
    choose(who, *old);
  else
    take(who);
}

void link_network::choose(link_session& fresh, link_session& old) {
  auto& options = commons_.options;
  auto patience = std::min(2 * options.heartbeat,
                           std::chrono::milliseconds{options.dial_timeout / 2});
  auto waited = link_session::clock::now() - fresh.proved_since();
  if (old.who().incarnation != fresh.who().incarnation) {
    old.end("the peer has restarted");
  } else if (old.heard() > fresh.proved_since()) {
    fresh.refuse(link_refusal::redundant);
  } else if (waited >= patience) {
    old.end("the peer has a new connection, and this one is silent");
  } else {
    old.ping(); // until the next tick of `fresh`
  }
}

void link_network::take(link_session& fresh) {
  current_[fresh.who().disk] = fresh.shared_from_this();
  fresh.welcome();
}

void link_network::begins(link_session& who) {
  if (auto* old = current(who.who().disk); old && old != &who)
    old->end(old->who().incarnation == who.who().incarnation
               ? "the peer has a new connection"
               : "the peer has restarted");
  current_[who.who().disk] = who.shared_from_this();
  table_.add(who.id(), who.who(), who.outbox());
  sink_->peer_up(who.id(), who.who());
}

void link_network::arrived(link_session& who, peer_lane lane,
                           std::string frame) {
  sink_->peer_frame(who.id(), lane, std::move(frame));
}

void link_network::over(link_session& who) {
  auto keep = who.shared_from_this();
  auto& peer = who.who();
  sessions_.erase(who.id().value);
  if (who.was_up()) {
    table_.remove(who.id(), peer);
    sink_->peer_down(who.id());
  }
  auto was_current = current(peer.disk) == &who;
  if (was_current)
    current_.erase(peer.disk);
  if (closing_)
    return;
  if (auto& via = who.via())
    via->wake(pauses_after(who.last_refusal()));
  if (!was_current)
    return;
  wake_targets(peer);
  // Another connection of the same peer may have waited for this one's end.
  auto all = sessions_;
  for (auto& [id, other] : all)
    if (other->is_proved() && other->who().disk == peer.disk)
      return proved(*other);
}

// -- dialing ------------------------------------------------------------------

void link_network::replace_targets(std::vector<std::string> addresses) {
  decltype(targets_) next;
  dial_target::times times{commons_.options.dial_timeout,
                           commons_.options.redial_interval};
  for (auto& address : addresses) {
    if (next.contains(address))
      continue;
    auto found = targets_.find(address);
    auto target = found != targets_.end()
                    ? found->second
                    : std::make_shared<dial_target>(
                      io_, address, times, static_cast<dial_owner&>(*this));
    next.emplace(address, std::move(target));
  }
  next.swap(targets_);
  for (auto& [address, target] : next)
    if (!targets_.contains(address))
      target->retire();
  for (auto& [address, target] : targets_)
    if (!next.contains(address))
      target->wake(0);
}

void link_network::wake_targets(const peer_identity& gone) {
  for (auto& [address, target] : targets_)
    if (target->disk == gone.disk || address == gone.address)
      target->wake(1);
}

bool link_network::is_covered(const dial_target& target) {
  if (current(target.disk))
    return true;
  for (auto& [disk, session] : current_)
    if (session->who().address == target.address())
      return true;
  return false;
}

void link_network::connected(const std::shared_ptr<dial_target>& target,
                             asio::ip::tcp::socket socket) {
  begin_session(std::move(socket), target);
}

void link_network::unreachable(const dial_target& target,
                               const std::string& why) {
  if (commons_.log.may_say(target.address() + ": " + why))
    spdlog::warn("no peer can be reached at {}: {}", target.address(), why);
}

} // namespace callboard
