#include "transport/server.hpp"

#include "transport/edge_metrics.hpp"
#include "transport/edge_node.hpp"
#include "transport/http_endpoint.hpp"
#include "transport/http_session.hpp"
#include "transport/hub.hpp"
#include "transport/listener.hpp"
#include "transport/metrics_page.hpp"
#include "transport/monitor/monitor_endpoint.hpp"
#include "transport/plain_endpoint.hpp"
#include "transport/session_directory.hpp"
#include "transport/signalr/hub_endpoint.hpp"

#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <random>
#include <thread>
#include <utility>

namespace callboard {

namespace asio = boost::asio;

using tcp = asio::ip::tcp;
using std::chrono::milliseconds;

namespace {

/// Descriptors that sessions must leave for the stores and the log.
constexpr std::uint64_t reserved_descriptors = 512;

/// Viewers come back within this time after a drain, each at its own moment.
constexpr milliseconds reconnect_soonest{100};
constexpr milliseconds reconnect_latest{3000};

constexpr milliseconds drain_check_interval{20};

std::uint32_t sessions_allowed(std::uint32_t configured) {
  if (configured != 0)
    return configured;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return 100'000;
  auto reserved
    = std::min<std::uint64_t>(reserved_descriptors, limit.rlim_cur / 4);
  return static_cast<std::uint32_t>(
    std::min<std::uint64_t>(limit.rlim_cur - reserved, 1'000'000));
}

/// Tells a client that there is no place for it. The answer fits a fresh
/// socket's buffer, so that this never waits; what the client sent is not read.
void turn_away(tcp::socket socket) {
  auto reply
    = problem_reply({errc::unavailable,
                     "this node has as many connections as it may have",
                     {},
                     std::chrono::seconds{2}},
                    {});
  auto bytes
    = render(std::move(reply), {.request_id = {}, .keep_alive = false});
  boost::system::error_code ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(bytes.head + bytes.body), ignored);
  socket.shutdown(tcp::socket::shutdown_send, ignored);
}

void drain_sessions(hub& home) {
  std::minstd_rand random{std::random_device{}()};
  std::uniform_int_distribution<milliseconds::rep> spread{
    reconnect_soonest.count(), reconnect_latest.count()};
  for (auto& x : home.sessions())
    x->drain(milliseconds{spread(random)});
}

} // namespace

struct server::impl final : edge_node {
  impl(const settings& conf_, authenticator auth_)
      : conf{conf_}, auth{std::move(auth_)} {
    conf.listen.max_sessions = sessions_allowed(conf.listen.max_sessions);
    auto threads_wanted = std::max(1u, conf.listen.threads);
    for (std::uint32_t i = 0; i < threads_wanted; ++i)
      hubs.push_back(std::make_unique<hub>(hub_id{i}, conf, auth, metrics));
    endpoints.push_back(make_native_endpoint());
    endpoints.push_back(make_monitor_endpoint(conf));
    endpoints.push_back(signalr::make_hub_endpoint(conf));
    endpoints.push_back(make_phase_endpoint());
  }

  // edge_node
  std::string metrics_page() const override {
    return callboard::metrics_page(*target, metrics, conf, started);
  }
  void ask_for_drain() override {
    if (drain_request)
      drain_request();
  }
  bool draining() const noexcept override {
    return is_draining.load(std::memory_order_relaxed);
  }

  http_endpoint* endpoint_at(std::string_view path) const noexcept override {
    for (auto& x : endpoints)
      if (x->serves(path))
        return x.get();
    return nullptr;
  }

  void about_sessions(const reply_address& to, const admin_request& x);
  hub& next_hub();
  std::unique_ptr<listener> make_listener(listener_kind kind);
  void take_connection(tcp::socket socket, hub& home, listener_kind kind);
  void run_threads();
  void close_listeners();
  std::size_t count_sessions();

  settings conf;
  authenticator auth;
  edge_metrics metrics;
  std::vector<std::unique_ptr<hub>> hubs;
  std::vector<std::unique_ptr<http_endpoint>> endpoints;
  std::unique_ptr<listener> public_listener, operator_listener;
  std::vector<std::thread> threads;
  engine* target = nullptr;
  std::function<void()> drain_request;
  std::atomic<bool> is_draining{false};
  std::chrono::system_clock::time_point started
    = std::chrono::system_clock::now();
  std::size_t last_hub = 0; ///< Only on hub 0, where the listeners live.
};

/// On hub 0's thread.
void server::impl::about_sessions(const reply_address& to,
                                  const admin_request& x) {
  auto done = [this, to](result<document_answer> told) {
    target->reply(to, std::move(told));
  };
  if (auto* list = std::get_if<find_sessions>(&x))
    return collect_sessions(hubs, *list, target->node_name(), done);
  if (auto* one = std::get_if<end_session>(&x))
    return close_session(hubs, *one, target->node_name(), done);
  done(fail(errc::internal, "that is no question about sessions"));
}

/// Connections go round: with many of them the hubs are loaded alike.
hub& server::impl::next_hub() {
  last_hub = (last_hub + 1) % hubs.size();
  return *hubs[last_hub];
}

std::unique_ptr<listener> server::impl::make_listener(listener_kind kind) {
  // The loop of a socket is chosen before it is accepted; its hub is found
  // again by the number that the two closures share.
  auto chosen = std::make_shared<hub*>(nullptr);
  return std::make_unique<listener>(
    hubs.front()->io(),
    [this, chosen]() -> asio::io_context& {
      *chosen = &next_hub();
      return (*chosen)->io();
    },
    [this, chosen, kind](tcp::socket socket) {
      take_connection(std::move(socket), **chosen, kind);
    });
}

void server::impl::take_connection(tcp::socket socket, hub& home,
                                   listener_kind kind) {
  // Not the gauges: those count what the hubs have taken, and in a burst that
  // is less than what was accepted.
  auto now_open = metrics.sessions_opened - metrics.sessions_closed;
  if (kind == listener_kind::everyone && now_open >= conf.listen.max_sessions) {
    ++metrics.sessions_refused;
    return turn_away(std::move(socket));
  }
  ++metrics.sessions_opened;
  asio::post(home.io(),
             [this, &home, kind, taken = std::move(socket)]() mutable {
               if (!draining())
                 start_http_session(home, *this, std::move(taken), kind);
             });
}

void server::impl::run_threads() {
  for (auto& home : hubs)
    threads.emplace_back([&home = *home] { home.run(); });
}

void server::impl::close_listeners() {
  std::promise<void> closed;
  hubs.front()->post([&] {
    if (public_listener)
      public_listener->close();
    if (operator_listener)
      operator_listener->close();
    closed.set_value();
  });
  closed.get_future().wait();
}

std::size_t server::impl::count_sessions() {
  std::size_t count = 0;
  for (auto& home : hubs) {
    std::promise<std::size_t> answer;
    home->post([&] { answer.set_value(home->sessions().size()); });
    count += answer.get_future().get();
  }
  return count;
}

result<std::unique_ptr<server>> server::create(const settings& conf) {
  auto auth = authenticator::create(conf.auth);
  if (!auth)
    return tl::unexpected{auth.error()};
  for (auto* address : {&conf.listen.address, &conf.listen.operator_address})
    if (address == &conf.listen.address || !address->empty())
      if (auto ok = split_address(*address); !ok)
        return tl::unexpected{ok.error()};
  return std::unique_ptr<server>{
    new server{std::make_unique<impl>(conf, std::move(*auth))}};
}

server::server(std::unique_ptr<impl> x) : impl_{std::move(x)} {
  // nop
}

server::~server() {
  stop();
}

void server::serve(std::unique_ptr<http_endpoint> x) {
  auto& all = impl_->endpoints;
  all.insert(all.begin(), std::move(x));
}

result<server::bound> server::start(engine& target) {
  auto& x = *impl_;
  x.target = &target;
  for (auto& home : x.hubs)
    home->attach(target);
  bound out;
  x.public_listener = x.make_listener(listener_kind::everyone);
  auto port = x.public_listener->open(x.conf.listen.address);
  if (!port)
    return tl::unexpected{port.error()};
  out.port = *port;
  if (!x.conf.listen.operator_address.empty()) {
    x.operator_listener = x.make_listener(listener_kind::operators);
    auto operator_port
      = x.operator_listener->open(x.conf.listen.operator_address);
    if (!operator_port)
      return tl::unexpected{operator_port.error()};
    out.operator_port = *operator_port;
  }
  x.public_listener->start();
  if (x.operator_listener)
    x.operator_listener->start();
  x.run_threads();
  return out;
}

void server::drain() {
  auto& x = *impl_;
  if (x.threads.empty() || x.is_draining.exchange(true))
    return;
  x.close_listeners();
  for (auto& home : x.hubs)
    home->post([&home = *home] { drain_sessions(home); });
  auto deadline
    = std::chrono::steady_clock::now() + x.conf.listen.drain_timeout;
  while (x.count_sessions() > 0) {
    if (std::chrono::steady_clock::now() > deadline) {
      spdlog::warn("connections are still open after the drain time-out");
      return;
    }
    std::this_thread::sleep_for(drain_check_interval);
  }
}

void server::stop() {
  auto& x = *impl_;
  for (auto& home : x.hubs)
    home->stop();
  for (auto& thread : x.threads)
    thread.join();
  x.threads.clear();
}

void server::on_drain_request(std::function<void()> f) {
  impl_->drain_request = std::move(f);
}

void server::answers(hub_id at, std::vector<answer> xs) {
  impl_->hubs[at.value]->deliver(std::move(xs));
}

void server::room(hub_id at, std::vector<room_signal> xs) {
  impl_->hubs[at.value]->deliver(std::move(xs));
}

void server::admin(const reply_address& to, admin_request x) {
  // Its thread begins after start() has named the engine.
  impl_->hubs.front()->post([edge = impl_.get(), to, asked = std::move(x)] {
    edge->about_sessions(to, asked);
  });
}

} // namespace callboard
