/// What it costs to bring one event to many viewers of a room on one hub:
/// first without sockets (rooms and queues alone), then over loopback
/// connections, then the memory of connections at rest.

#include "transport/edge_metrics.hpp"
#include "transport/viewer_rooms.hpp"

#include "tests/unit/ws/fake_engine.hpp"
#include "tests/unit/ws/test_edge.hpp"

#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace callboard;
using test::fake_engine;

const room_key room{{"acme"}, {"p"}};

/// A viewer that forgets what it gets, as fast as it gets it.
class silent_viewer : public viewer {
public:
  silent_viewer() : viewer{1u << 20} {
    // nop
  }
  bool reaches(const project_id&) const override {
    return true;
  }
  void subscribed(const subscription&, event_seq, std::uint64_t) override {
    // nop
  }
  void lagged(const subscription&, event_seq) override {
    // nop
  }
  void resync(const subscription&, event_seq) override {
    // nop
  }
  void wake() override {
    // nop
  }
};

/// Hands the engine's signals to the rooms at once.
class direct_sink : public edge_sink {
public:
  void answers(hub_id, std::vector<answer> xs) override {
    for (auto& x : xs)
      rooms->history(std::move(x));
  }
  void room(hub_id, std::vector<room_signal> xs) override {
    for (auto& x : xs)
      signals.push_back(std::move(x));
  }
  void admin(const reply_address&, admin_request) override {
    // nop
  }
  void pass_on() {
    auto xs = std::move(signals);
    signals.clear();
    for (auto& x : xs)
      rooms->handle(std::move(x));
  }

  viewer_rooms* rooms = nullptr;
  std::vector<room_signal> signals;
};

void fan_out_to_queues(benchmark::State& state) {
  auto viewers_count = static_cast<std::size_t>(state.range(0));
  auto events = static_cast<std::size_t>(state.range(1));
  direct_sink sink;
  fake_engine engine{sink};
  edge_metrics metrics;
  viewer_rooms rooms{hub_id{0}, engine, metrics};
  sink.rooms = &rooms;
  std::vector<std::unique_ptr<silent_viewer>> viewers;
  for (std::size_t i = 0; i < viewers_count; ++i) {
    auto& x = viewers.emplace_back(std::make_unique<silent_viewer>());
    rooms.subscribe(*x, {{"project:p", {}, {}}, room, {}, {}, false});
  }
  while (!sink.signals.empty())
    sink.pass_on();
  std::vector<fake_engine::draft> drafts(
    events, {"test:event", "r", std::string(300, 'x'), false});
  std::array<std::string_view, 64> pieces;
  for (auto _ : state) {
    state.PauseTiming();
    engine.post(room, drafts);
    state.ResumeTiming();
    sink.pass_on();
    // What a session does with it, but for the system call.
    for (auto& x : viewers)
      while (!x->out.empty()) {
        auto n = x->out.gather(pieces, 256u << 10);
        std::size_t bytes = 0;
        for (std::size_t i = 0; i < n; ++i)
          bytes += pieces[i].size();
        x->out.consume(bytes);
      }
  }
  auto deliveries = static_cast<double>(viewers_count * events)
                    * static_cast<double>(state.iterations());
  state.counters["per_delivery"] = benchmark::Counter(
    deliveries, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  for (auto& x : viewers)
    rooms.forget(*x);
}
BENCHMARK(fan_out_to_queues)
  ->Args({1000, 1})
  ->Args({1000, 16})
  ->Args({1000, 256})
  ->Unit(benchmark::kMicrosecond);

/// Connects and shakes hands by hand: a client that costs this process nothing
/// but a descriptor. Returns it once `subscribed` has arrived.
int connect_viewer(std::uint16_t port, const std::string& token) {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || ::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
    throw std::runtime_error{"cannot connect"};
  auto request = "GET /ws?projectId=p&token=" + token
                 + " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                   "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  if (::send(fd, request.data(), request.size(), 0) < 0)
    throw std::runtime_error{"cannot send"};
  std::string got;
  std::array<char, 4096> buffer;
  while (got.find("\"subscribed\"") == got.npos || got.back() != '}') {
    auto n = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (n <= 0)
      throw std::runtime_error{"refused: " + got};
    got.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return fd;
}

/// Reads all descriptors on a thread of its own and counts the bytes.
class reader {
public:
  explicit reader(const std::vector<int>& fds) : epoll_{::epoll_create1(0)} {
    for (auto fd : fds) {
      epoll_event x{};
      x.events = EPOLLIN;
      x.data.fd = fd;
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &x);
    }
    thread_ = std::thread{[this] { run(); }};
  }
  ~reader() {
    stop_ = true;
    thread_.join();
    ::close(epoll_);
  }
  std::size_t bytes() const {
    return bytes_.load(std::memory_order_relaxed);
  }

private:
  void run() {
    std::array<epoll_event, 256> ready;
    std::vector<char> buffer(256u << 10);
    while (!stop_) {
      auto n = ::epoll_wait(epoll_, ready.data(), ready.size(), 10);
      for (int i = 0; i < n; ++i) {
        auto got = ::recv(ready[static_cast<std::size_t>(i)].data.fd,
                          buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (got > 0)
          bytes_ += static_cast<std::size_t>(got);
      }
    }
  }

  int epoll_;
  std::atomic<bool> stop_{false};
  std::atomic<std::size_t> bytes_{0};
  std::thread thread_;
};

void fan_out_over_sockets(benchmark::State& state) {
  auto viewers = static_cast<std::size_t>(state.range(0));
  auto events = static_cast<std::size_t>(state.range(1));
  test::test_edge edge;
  auto token = edge.token();
  std::vector<int> fds;
  for (std::size_t i = 0; i < viewers; ++i)
    fds.push_back(connect_viewer(edge.port, token));
  std::vector<fake_engine::draft> drafts(
    events, {"test:event", "r", std::string(300, 'x'), false});
  auto bytes_of = [&drafts](event_seq seq) { // with the frame's header
    return make_event(room, seq, drafts.front()).frame->size() + 4;
  };
  {
    reader all{fds};
    std::size_t sent = 0;
    event_seq last;
    for (auto _ : state) {
      auto head = edge.engine.post(room, drafts);
      while (last < head)
        sent += viewers * bytes_of(last = next(last));
      while (all.bytes() < sent)
        std::this_thread::yield();
    }
  }
  auto deliveries = static_cast<double>(viewers * events)
                    * static_cast<double>(state.iterations());
  state.counters["deliveries_per_s"]
    = benchmark::Counter(deliveries, benchmark::Counter::kIsRate);
  for (auto fd : fds)
    ::close(fd);
}
BENCHMARK(fan_out_over_sockets)
  ->Args({1000, 1})
  ->Args({1000, 16})
  ->Args({1000, 64})
  ->UseRealTime()
  ->MinTime(2)
  ->Unit(benchmark::kMillisecond);

std::size_t resident_bytes() {
  std::ifstream in{"/proc/self/statm"};
  std::size_t size = 0, resident = 0;
  in >> size >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

void memory_at_rest(benchmark::State& state) {
  auto count = static_cast<std::size_t>(state.range(0));
  rlimit most{};
  ::getrlimit(RLIMIT_NOFILE, &most);
  most.rlim_cur = most.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &most);
  for (auto _ : state) {
    test::test_edge edge;
    auto token = edge.token();
    std::vector<int> fds;
    for (std::size_t i = 0; i < 100; ++i) // what is only allocated once
      fds.push_back(connect_viewer(edge.port, token));
    auto before = resident_bytes();
    for (std::size_t i = 0; i < count; ++i)
      fds.push_back(connect_viewer(edge.port, token));
    state.counters["bytes_per_session"]
      = static_cast<double>(resident_bytes() - before)
        / static_cast<double>(count);
    for (auto fd : fds)
      ::close(fd);
  }
}
BENCHMARK(memory_at_rest)->Arg(5000)->Iterations(1)->Unit(benchmark::kSecond);

} // namespace

BENCHMARK_MAIN();
