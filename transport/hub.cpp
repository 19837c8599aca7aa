#include "transport/hub.hpp"

#include "transport/edge_metrics.hpp"
#include "transport/viewer_rooms.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cassert>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace callboard {

namespace asio = boost::asio;

namespace {

/// Rooms try again this often; sessions look at their time-outs every fourth
/// time.
constexpr auto tick_interval = std::chrono::milliseconds{250};
constexpr unsigned ticks_per_session_tick = 4;

/// Session ids are unique in the node: the hub's number is above this bit. Ids
/// stay below 2^53, so that JSON readers keep them exact.
constexpr unsigned session_id_bits = 40;

/// Requests under way, found by number in constant time without hashing. A
/// number is a slot and the slot's generation, so that a late answer to a
/// forgotten request never meets the slot's next tenant.
class request_table {
public:
  std::uint64_t add(hub::answer_handler f) {
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(slots_.size()));
      slots_.emplace_back();
    }
    auto index = free_.back();
    free_.pop_back();
    slots_[index].handler = std::move(f);
    return std::uint64_t{slots_[index].generation} << 32 | index;
  }

  /// The request's handler, which is then forgotten; empty if it was before.
  hub::answer_handler take(std::uint64_t request) {
    auto index = static_cast<std::uint32_t>(request);
    if (index >= slots_.size() || slots_[index].generation != request >> 32)
      return {};
    ++slots_[index].generation;
    free_.push_back(index);
    return std::exchange(slots_[index].handler, {});
  }

private:
  struct slot {
    hub::answer_handler handler;
    std::uint32_t generation = 1;
  };

  std::vector<slot> slots_;
  std::vector<std::uint32_t> free_;
};

} // namespace

void session::tick(std::chrono::steady_clock::time_point) {
  // nop: not every session has time-outs
}

void session::flush() {
  // nop: not every session queues
}

struct hub::impl {
  impl(hub_id id_, const settings& conf_, const authenticator& auth_,
       edge_metrics& metrics_)
      : id{id_}, conf{conf_}, auth{auth_}, metrics{metrics_} {
    // nop
  }

  void arm_tick();
  void wake();
  void take_delivered();
  void flush_dirty();

  hub_id id;
  const settings& conf;
  const authenticator& auth;
  edge_metrics& metrics;
  engine* target = nullptr;

  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{
    io.get_executor()};
  asio::steady_timer ticker{io};

  // Written by actor threads.
  std::mutex mutex;
  std::vector<answer> answers;
  std::vector<room_signal> signals;
  bool wake_pending = false;

  // The loop's side of the two vectors above; kept for their capacity.
  std::vector<answer> taken_answers;
  std::vector<room_signal> taken_signals;

  request_table requests;
  std::unique_ptr<viewer_rooms> rooms;
  unsigned ticks = 0;
  std::vector<session*> dirty;
  bool flush_pending = false;

  std::uint64_t last_session = 0;
  std::unordered_map<std::uint64_t, std::shared_ptr<session>> sessions;
};

void hub::impl::arm_tick() {
  ticker.expires_after(tick_interval);
  ticker.async_wait([this](const boost::system::error_code& ec) {
    if (ec)
      return;
    auto now = std::chrono::steady_clock::now();
    rooms->tick(now);
    arm_tick();
    if (++ticks % ticks_per_session_tick != 0)
      return;
    // Sessions may remove themselves while they are told the time.
    std::vector<session*> all;
    all.reserve(sessions.size());
    for (auto& entry : sessions)
      all.push_back(entry.second.get());
    for (auto* x : all)
      x->tick(now);
  });
}

void hub::impl::wake() {
  asio::post(io, [this] { take_delivered(); });
}

void hub::impl::take_delivered() {
  {
    std::lock_guard guard{mutex};
    taken_answers.swap(answers);
    taken_signals.swap(signals);
    wake_pending = false;
  }
  flush_pending = true; // at the end of this very turn
  for (auto& x : taken_answers) {
    if (x.to.session == 0)
      rooms->history(std::move(x));
    else if (auto f = requests.take(x.to.request))
      f(std::move(x));
  }
  taken_answers.clear();
  for (auto& x : taken_signals)
    rooms->handle(std::move(x));
  taken_signals.clear();
  flush_dirty();
  flush_pending = false;
}

void hub::impl::flush_dirty() {
  // A flush may make other sessions dirty: by index, to the end.
  for (std::size_t i = 0; i < dirty.size(); ++i)
    if (dirty[i] != nullptr)
      dirty[i]->flush();
  dirty.clear();
}

hub::hub(hub_id id, const settings& conf, const authenticator& auth,
         edge_metrics& metrics)
    : impl_{std::make_unique<impl>(id, conf, auth, metrics)} {
  // nop
}

hub::~hub() = default;

hub_id hub::id() const noexcept {
  return impl_->id;
}

asio::io_context& hub::io() noexcept {
  return impl_->io;
}

const settings& hub::conf() const noexcept {
  return impl_->conf;
}

const authenticator& hub::auth() const noexcept {
  return impl_->auth;
}

edge_metrics& hub::metrics() noexcept {
  return impl_->metrics;
}

engine& hub::target() noexcept {
  assert(impl_->target != nullptr);
  return *impl_->target;
}

viewer_rooms& hub::rooms() noexcept {
  assert(impl_->rooms != nullptr);
  return *impl_->rooms;
}

void hub::attach(engine& target) {
  impl_->target = &target;
  impl_->rooms
    = std::make_unique<viewer_rooms>(impl_->id, target, impl_->metrics);
}

void hub::run() {
  impl_->arm_tick();
  for (;;) {
    try {
      impl_->io.run();
      return;
    } catch (const std::exception& e) {
      // One handler failed (out of memory, say); the others go on.
      spdlog::error("hub {}: a handler threw: {}", impl_->id.value, e.what());
    }
  }
}

void hub::stop() {
  impl_->io.stop();
}

void hub::post(std::function<void()> f) {
  asio::post(impl_->io, std::move(f));
}

reply_address hub::expect(std::uint64_t session, answer_handler on_answer) {
  return {impl_->id, session, impl_->requests.add(std::move(on_answer))};
}

void hub::forget(const reply_address& to) {
  impl_->requests.take(to.request);
}

void hub::deliver(std::vector<answer> xs) {
  std::unique_lock guard{impl_->mutex};
  impl_->answers.insert(impl_->answers.end(),
                        std::make_move_iterator(xs.begin()),
                        std::make_move_iterator(xs.end()));
  if (std::exchange(impl_->wake_pending, true))
    return;
  guard.unlock();
  impl_->wake();
}

void hub::deliver(std::vector<room_signal> xs) {
  std::unique_lock guard{impl_->mutex};
  impl_->signals.insert(impl_->signals.end(),
                        std::make_move_iterator(xs.begin()),
                        std::make_move_iterator(xs.end()));
  if (std::exchange(impl_->wake_pending, true))
    return;
  guard.unlock();
  impl_->wake();
}

void hub::flush_later(session& x) {
  impl_->dirty.push_back(&x);
  if (std::exchange(impl_->flush_pending, true))
    return;
  asio::post(impl_->io, [self = impl_.get()] {
    self->flush_pending = false;
    self->flush_dirty();
  });
}

std::uint64_t hub::add(const std::shared_ptr<session>& x) {
  auto id = (impl_->id.value + 1) << session_id_bits | ++impl_->last_session;
  impl_->sessions.emplace(id, x);
  return id;
}

void hub::remove(std::uint64_t id) {
  auto found = impl_->sessions.find(id);
  if (found == impl_->sessions.end())
    return;
  std::replace(impl_->dirty.begin(), impl_->dirty.end(), found->second.get(),
               static_cast<session*>(nullptr));
  // The caller is most likely a member function of that session.
  asio::post(impl_->io, [last = std::move(found->second)] {});
  impl_->sessions.erase(found);
}

std::vector<std::shared_ptr<session>> hub::sessions() const {
  std::vector<std::shared_ptr<session>> xs;
  xs.reserve(impl_->sessions.size());
  for (auto& [id, x] : impl_->sessions)
    xs.push_back(x);
  return xs;
}

} // namespace callboard
