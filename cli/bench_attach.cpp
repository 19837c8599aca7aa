// `callboard bench attach`: viewers that come to a room with a history and read
// it from the beginning.
#include "cli/bench.hpp"
#include "cli/bench_publisher.hpp"
#include "cli/bench_viewer.hpp"
#include "cli/poller.hpp"

#include <cstdio>
#include <map>
#include <vector>

namespace callboard {

namespace {

using namespace std::chrono_literals;

/// How long one viewer may take.
constexpr auto patience = 120s;

/// A viewer under way.
struct attaching {
  bench_viewer viewer;
  std::int64_t begin;
};

class attach_load {
public:
  attach_load(const bench_options& options, endpoint node)
      : options_{options}, node_{std::move(node)} {
    // nop
  }

  /// Publishes the history; a room that has one already keeps it.
  result<void> prepare() {
    auto publish = options_;
    publish.rate = 0;
    publish.batch = 100;
    publish.outstanding = 8;
    auto x = bench_publisher::open(publish, node_, 0, 0);
    if (!x)
      return tl::unexpected{x.error()};
    poller ready;
    ready.add(x->fd(), 0);
    latency_record ignored;
    x->begin(now_ns());
    auto alive = true;
    while (alive && x->done_events() + x->refused_events() < options_.history) {
      alive = x->send(now_ns());
      ready.want_write(x->fd(), 0, x->wants_to_write());
      ready.wait(1s, [&](std::uint64_t) {
        alive = alive && x->read(scratch_, 0, ignored);
      });
    }
    if (!alive || x->refused_events() != 0)
      return fail(errc::unavailable,
                  "the history was refused: " + x->first_refusal());
    return find_head();
  }

  result<void> run() {
    const auto begin = now_ns();
    std::size_t started = 0;
    while (attached_ < options_.viewers) {
      while (started < options_.viewers && under_way_.size() < options_.at_once)
        if (auto done = start(started++); !done)
          return done;
      std::vector<std::uint64_t> ended;
      auto lost = false;
      auto idle = true;
      poller_.wait(patience, [&](std::uint64_t i) {
        auto& x = under_way_.at(i);
        idle = false;
        lost = !read(x) || x.viewer.refused() || lost;
        if (x.viewer.last() >= head_)
          ended.push_back(i);
      });
      if (lost || idle)
        return fail(errc::unavailable, idle ? "the node sends no more"
                                            : "the node closed a viewer");
      for (const auto i : ended)
        end(i);
    }
    took_ns_ = now_ns() - begin;
    return {};
  }

  exit_status print() const {
    const auto seconds = static_cast<double>(took_ns_) / 1e9;
    json_object out;
    out.text("mode", "attach")
      .number("viewers", attached_)
      .number("at_once", options_.at_once)
      .number("events", events_)
      .number("gaps", gaps_)
      .real("seconds", seconds)
      .real("viewers_per_second", static_cast<double>(attached_) / seconds)
      .real("events_per_second", static_cast<double>(events_) / seconds);
    add_latency(out, "connected_after", connected_);
    add_latency(out, "live_after", live_);
    std::printf("%s\n", out.str().c_str());
    return gaps_ == 0
             ? exit_status::done
             : complain(exit_status::failed, "events are missing or doubled");
  }

private:
  result<void> find_head() {
    auto socket = bench_socket::open(node_, options_.node.token);
    if (!socket)
      return tl::unexpected{socket.error()};
    socket->queue_text(subscribe_text(options_.project, std::nullopt));
    return next_text(*socket, 30)
      .and_then(subscribed_head)
      .map([this](std::uint64_t x) { head_ = x; });
  }

  result<void> start(std::uint64_t number) {
    const auto begin = now_ns();
    auto socket = bench_socket::open(node_, options_.node.token,
                                     options_.batch_frames ? "?batch=1" : "");
    if (!socket)
      return tl::unexpected{socket.error()};
    connected_.add(now_ns() - begin);
    socket->queue_text(subscribe_text(options_.project, 0));
    if (!socket->flush())
      return fail(errc::unavailable, "the node closed a viewer");
    poller_.add(socket->fd(), number);
    under_way_.emplace(number,
                       attaching{bench_viewer{std::move(*socket), 0}, begin});
    return {};
  }

  bool read(attaching& x) {
    return x.viewer.read(
      scratch_, [this](std::uint64_t, std::string_view) { ++events_; });
  }

  void end(std::uint64_t number) {
    auto& x = under_way_.at(number);
    live_.add(now_ns() - x.begin);
    gaps_ += x.viewer.gaps();
    poller_.remove(x.viewer.fd());
    under_way_.erase(number);
    ++attached_;
  }

  const bench_options& options_;
  endpoint node_;
  std::map<std::uint64_t, attaching> under_way_;
  poller poller_;
  std::vector<char> scratch_ = std::vector<char>(bench_scratch_bytes);
  latency_record connected_;
  latency_record live_;
  std::uint64_t head_ = 0;
  std::size_t attached_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t gaps_ = 0;
  std::int64_t took_ns_ = 1;
};

} // namespace

exit_status bench_attach(const bench_options& options) {
  const auto node = parse_endpoint(options.node.url);
  if (!node)
    return complain(exit_status::usage, node.error().detail);
  raise_descriptor_limit();
  attach_load load{options, *node};
  if (auto prepared = load.prepare(); !prepared)
    return complain(prepared.error());
  if (auto done = load.run(); !done)
    return complain(done.error());
  return load.print();
}

} // namespace callboard
