// What a link between two nodes carries, over the loopback, in one process:
// frames per second one way, and the round trip of a single frame. Plain TCP
// and mutual TLS (argument 1: 0 or 1; argument 0: bytes of a frame).

#include "transport/link/peer_network.hpp"

#include "tests/support/certificate_maker.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace callboard {
namespace {

using clock = std::chrono::steady_clock;

class bench_sink : public peer_sink {
public:
  void peer_up(peer_session session, const peer_identity&) override {
    session_ = session.value;
  }
  void peer_down(peer_session) override {
    session_ = 0;
  }
  void peer_frame(peer_session session, peer_lane, std::string frame) override {
    if (echo_)
      echo_->send(session, peer_lane::urgent,
                  std::make_shared<const std::string>(std::move(frame)));
    arrived_.fetch_add(1, std::memory_order_release);
  }

  peer_network* echo_ = nullptr;
  std::atomic<std::uint64_t> session_{0}, arrived_{0};
};

struct bench_node {
  bench_node(const std::string& name, bool tls, test::certificate_maker& maker)
      : sink{std::make_unique<bench_sink>()} {
    settings conf;
    conf.cluster.listen = "127.0.0.1:0";
    conf.cluster.secret = "a secret of the benchmark, long enough";
    if (tls) {
      auto files = maker.make(name);
      conf.cluster.certificate_file = files.certificate;
      conf.cluster.key_file = files.key;
      conf.cluster.ca_file = maker.ca_file();
    }
    auto made = make_peer_network(conf);
    if (!made)
      throw std::runtime_error{made.error().detail};
    network = std::move(*made);
    peer_identity self;
    self.name = name;
    self.disk = name;
    self.incarnation = 1;
    address = "127.0.0.1:" + std::to_string(*network->start(self, *sink));
  }
  ~bench_node() {
    network->stop();
  }

  std::unique_ptr<bench_sink> sink;
  std::unique_ptr<peer_network> network;
  std::string address;
};

struct bench_pair {
  explicit bench_pair(bool tls) : a{"a", tls, maker}, b{"b", tls, maker} {
    a.network->set_targets({b.address});
    while (!a.sink->session_ || !b.sink->session_)
      std::this_thread::yield();
    to = {a.sink->session_};
  }

  test::certificate_maker maker;
  bench_node a, b;
  peer_session to;
};

void one_way(benchmark::State& state) {
  bench_pair nodes{state.range(1) != 0};
  auto body = std::make_shared<const std::string>(
    std::string(static_cast<std::size_t>(state.range(0)), 'x'));
  const auto batch
    = std::min<std::uint64_t>(100'000, (256u << 20) / body->size());
  std::uint64_t sent = 0;
  for (auto _ : state) {
    for (std::uint64_t i = 0; i < batch; ++i)
      while (!nodes.a.network->send(nodes.to, peer_lane::normal, body))
        std::this_thread::sleep_for(std::chrono::microseconds{50});
    sent += batch;
    while (nodes.b.sink->arrived_.load(std::memory_order_acquire) < sent)
      std::this_thread::sleep_for(std::chrono::microseconds{50});
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(sent));
  state.SetBytesProcessed(static_cast<std::int64_t>(sent) * state.range(0));
}

void round_trip(benchmark::State& state) {
  bench_pair nodes{state.range(1) != 0};
  nodes.b.sink->echo_ = nodes.b.network.get();
  auto body = std::make_shared<const std::string>(
    std::string(static_cast<std::size_t>(state.range(0)), 'x'));
  std::vector<double> took;
  std::uint64_t back = 0;
  for (auto _ : state) {
    auto begun = clock::now();
    nodes.a.network->send(nodes.to, peer_lane::urgent, body);
    ++back;
    while (nodes.a.sink->arrived_.load(std::memory_order_acquire) < back) {
      // busy: the threads of both nodes have to share what is left
      if (clock::now() - begun > std::chrono::seconds{1})
        throw std::runtime_error{"no answer"};
      std::this_thread::yield();
    }
    took.push_back(
      std::chrono::duration<double, std::micro>(clock::now() - begun).count());
  }
  std::ranges::sort(took);
  auto at = [&](double part) {
    return took[static_cast<std::size_t>(static_cast<double>(took.size() - 1)
                                         * part)];
  };
  state.counters["p50_us"] = at(0.5);
  state.counters["p99_us"] = at(0.99);
}

BENCHMARK(one_way)
  ->ArgsProduct({{100, 1024, 65536}, {0, 1}})
  ->ArgNames({"bytes", "tls"})
  ->UseRealTime()
  ->Unit(benchmark::kMillisecond);
BENCHMARK(round_trip)
  ->ArgsProduct({{100, 1024}, {0, 1}})
  ->ArgNames({"bytes", "tls"})
  ->UseRealTime()
  ->Unit(benchmark::kMicrosecond);

} // namespace
} // namespace callboard

BENCHMARK_MAIN();
