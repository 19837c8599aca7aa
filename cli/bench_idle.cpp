// `callboard bench idle`: what a connection costs that does nothing.
#include "cli/bench.hpp"
#include "cli/bench_socket.hpp"
#include "cli/http_client.hpp"
#include "cli/poller.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <vector>

namespace callboard {

namespace {

using namespace std::chrono_literals;

/// How long the node may take to come to rest before its memory is read.
constexpr auto rest = 3s;

/// Resident bytes of a process of this machine.
result<std::uint64_t> resident_of(int pid) {
  std::ifstream file{"/proc/" + std::to_string(pid) + "/statm"};
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  if (!(file >> size >> resident))
    return fail(errc::not_found, "there is no process " + std::to_string(pid));
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// Resident bytes as the node itself says.
result<std::uint64_t> resident_by_metrics(const endpoint& node,
                                          const std::string& token) {
  auto reply = http_client{node, token}.call("GET", "/metrics");
  if (!reply)
    return tl::unexpected{reply.error()};
  if (reply->status != 200)
    return tl::unexpected{problem_of(*reply)};
  constexpr std::string_view name = "\ncallboard_resident_memory_bytes ";
  const auto at = reply->body.find(name);
  double out = 0;
  if (at != std::string::npos)
    std::from_chars(reply->body.data() + at + name.size(),
                    reply->body.data() + reply->body.size(), out);
  if (out <= 0)
    return fail(errc::not_found,
                "/metrics does not say how much memory the node "
                "has: give --pid");
  return static_cast<std::uint64_t>(out);
}

class idle_load {
public:
  idle_load(const bench_options& options, endpoint node)
      : options_{options}, node_{std::move(node)} {
    // nop
  }

  result<void> run() {
    // The first few connections make the node's fixed parts grow.
    if (auto opened = open(std::min<std::size_t>(options_.idle, 64)); !opened)
      return opened;
    const auto fixed = sockets_.size();
    if (auto read = settle().map([this](std::uint64_t x) { before_ = x; });
        !read)
      return read;
    if (auto opened = open(options_.idle - fixed); !opened)
      return opened;
    counted_ = sockets_.size() - fixed;
    return settle().map([this](std::uint64_t x) { after_ = x; });
  }

  exit_status print() const {
    const auto each
      = counted_ == 0
          ? 0.0
          : (static_cast<double>(after_) - static_cast<double>(before_))
              / static_cast<double>(counted_);
    json_object out;
    out.text("mode", "idle")
      .number("connections", sockets_.size())
      .raw("subscribed", options_.subscribed ? "true" : "false")
      .number("resident_before_bytes", before_)
      .number("resident_after_bytes", after_)
      .real("bytes_per_connection", each);
    add_latency(out, "connected_after", connected_);
    std::printf("%s\n", out.str().c_str());
    return exit_status::done;
  }

private:
  result<void> open(std::size_t count) {
    const auto query = options_.subscribed
                         ? "?projectId=" + url_encoded(options_.project)
                         : std::string{};
    for (std::size_t i = 0; i < count; ++i) {
      const auto begin = now_ns();
      auto socket = bench_socket::open(node_, options_.node.token, query);
      if (!socket)
        return fail(socket.error().code, "connection "
                                           + std::to_string(sockets_.size() + 1)
                                           + ": " + socket.error().detail);
      connected_.add(now_ns() - begin);
      poller_.add(socket->fd(), sockets_.size());
      sockets_.push_back(std::move(*socket));
    }
    return {};
  }

  /// Answers pings for a while, then reads the node's memory.
  result<std::uint64_t> settle() {
    const auto until = now_ns() + std::chrono::nanoseconds{rest}.count();
    auto alive = true;
    while (alive && now_ns() < until)
      poller_.wait(
        std::chrono::nanoseconds{until - now_ns()}, [&](std::uint64_t i) {
          alive = sockets_[i].read(scratch_, [](std::string_view) {}) && alive;
        });
    if (!alive)
      return fail(errc::unavailable, "the node closed a connection");
    return options_.pid != 0 ? resident_of(options_.pid)
                             : resident_by_metrics(node_, options_.node.token);
  }

  const bench_options& options_;
  endpoint node_;
  std::vector<bench_socket> sockets_;
  poller poller_;
  std::vector<char> scratch_ = std::vector<char>(bench_scratch_bytes);
  latency_record connected_;
  std::uint64_t before_ = 0;
  std::uint64_t after_ = 0;
  std::size_t counted_ = 0;
};

} // namespace

exit_status bench_idle(const bench_options& options) {
  const auto node = parse_endpoint(options.node.url);
  if (!node)
    return complain(exit_status::usage, node.error().detail);
  constexpr std::size_t our_own = 32;
  if (const auto limit = raise_descriptor_limit();
      options.idle + our_own > limit)
    return complain(exit_status::usage, "--connections: this process may have "
                                          + std::to_string(limit - our_own)
                                          + " at most");
  idle_load load{options, *node};
  if (auto done = load.run(); !done)
    return complain(done.error());
  return load.print();
}

} // namespace callboard
