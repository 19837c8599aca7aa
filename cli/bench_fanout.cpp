// `callboard bench fanout`: one publisher, many viewers of one room.
#include "cli/bench.hpp"
#include "cli/bench_publisher.hpp"
#include "cli/bench_viewer.hpp"
#include "cli/poller.hpp"

#include <algorithm>
#include <cstdio>
#include <vector>

namespace callboard {

namespace {

using namespace std::chrono_literals;

/// How long the last deliveries may take.
constexpr auto last_deliveries = 20s;

class fanout_load {
public:
  explicit fanout_load(const bench_options& options) : options_{options} {
    // nop
  }

  result<void> open(const endpoint& node, const endpoints& viewed) {
    auto publisher = bench_publisher::open(options_, node, 0,
                                           static_cast<double>(options_.rate));
    if (!publisher)
      return tl::unexpected{publisher.error()};
    publisher_.push_back(std::move(*publisher));
    poller_.add(publisher_[0].fd(), options_.viewers);
    for (std::size_t i = 0; i < options_.viewers; ++i) {
      auto socket = bench_socket::open(viewed.all()[i % viewed.all().size()],
                                       options_.node.token,
                                       options_.batch_frames ? "?batch=1" : "");
      if (!socket)
        return tl::unexpected{socket.error()};
      socket->queue_text(subscribe_text(options_.project, std::nullopt));
      const auto answer = next_text(*socket, 10);
      const auto head
        = answer ? subscribed_head(*answer)
                 : result<std::uint64_t>{tl::unexpected{answer.error()}};
      if (!head)
        return tl::unexpected{head.error()};
      poller_.add(socket->fd(), i);
      viewers_.emplace_back(std::move(*socket), *head);
    }
    first_ = viewers_.empty() ? 0 : viewers_[0].last();
    return {};
  }

  result<void> run() {
    const auto begin = now_ns();
    measure_from_ = begin + std::chrono::nanoseconds{options_.warm_up}.count();
    const auto end
      = measure_from_ + std::chrono::nanoseconds{options_.time}.count();
    publisher_[0].begin(begin);
    auto warm = true;
    std::uint64_t before = 0;
    while (now_ns() < end) {
      if (auto done = turn(end); !done)
        return done;
      if (warm && now_ns() >= measure_from_) {
        warm = false;
        measured_from_ = now_ns();
        before = deliveries_;
      }
    }
    measured_ns_ = now_ns() - measured_from_;
    measured_ = deliveries_ - before;
    publisher_[0].stop();
    const auto given_up
      = now_ns() + std::chrono::nanoseconds{last_deliveries}.count();
    while ((publisher_[0].in_flight() != 0 || missing() != 0)
           && now_ns() < given_up)
      if (auto done = turn(std::min(given_up, now_ns() + 100'000'000)); !done)
        return done;
    return {};
  }

  exit_status print() const {
    const auto seconds = static_cast<double>(measured_ns_) / 1e9;
    std::uint64_t gaps = 0;
    std::uint64_t lagged = 0;
    for (const auto& x : viewers_) {
      gaps += x.gaps();
      lagged += x.lagged();
    }
    json_object out;
    out.text("mode", "fanout")
      .number("viewers", viewers_.size())
      .number("rate", options_.rate)
      .number("event_bytes", options_.event_bytes)
      .raw("batch_frames", options_.batch_frames ? "true" : "false")
      .real("seconds", seconds)
      .number("deliveries", measured_)
      .real("deliveries_per_second", static_cast<double>(measured_) / seconds)
      .number("published", publisher_[0].done_events())
      .number("refused", publisher_[0].refused_events())
      .number("missing", missing())
      .number("gaps", gaps)
      .number("lagged", lagged);
    add_latency(out, "publish_latency", publish_latency_);
    add_latency(out, "delivery_latency", delivery_latency_);
    std::printf("%s\n", out.str().c_str());
    if (missing() != 0 || gaps != 0 || publisher_[0].refused_events() != 0)
      return complain(exit_status::failed,
                      "events are missing, out of order or refused");
    return exit_status::done;
  }

private:
  result<void> turn(std::int64_t until) {
    auto& publisher = publisher_[0];
    const auto wrote = publisher.wants_to_write();
    auto lost = !publisher.send(now_ns());
    if (publisher.wants_to_write() != wrote)
      poller_.want_write(publisher.fd(), options_.viewers,
                         publisher.wants_to_write());
    const auto next = std::min(until, publisher.next_due().value_or(until));
    poller_.wait(
      std::chrono::nanoseconds{next - now_ns()}, [&](std::uint64_t i) {
        const auto alive
          = i == options_.viewers
              ? publisher.read(scratch_, measure_from_, publish_latency_)
              : read_viewer(viewers_[i]);
        lost = lost || !alive;
      });
    if (lost)
      return fail(errc::unavailable, "the node closed a connection");
    return {};
  }

  bool read_viewer(bench_viewer& x) {
    const auto now = now_ns();
    return x.read(scratch_, [&](std::uint64_t seq, std::string_view event) {
      ++deliveries_;
      const auto due = due_.find(seq, event);
      if (due && *due >= measure_from_)
        delivery_latency_.add(now - *due);
    });
  }

  /// Deliveries that are still to come of what was published.
  std::uint64_t missing() const {
    const auto last = first_ + publisher_[0].done_events();
    std::uint64_t out = 0;
    for (const auto& x : viewers_)
      out += last > x.last() ? last - x.last() : 0;
    return out;
  }

  const bench_options& options_;
  std::vector<bench_publisher> publisher_; // one
  std::vector<bench_viewer> viewers_;
  poller poller_;
  std::vector<char> scratch_ = std::vector<char>(bench_scratch_bytes);
  due_times due_;
  latency_record publish_latency_;
  latency_record delivery_latency_;
  std::uint64_t first_ = 0;
  std::uint64_t deliveries_ = 0;
  std::int64_t measure_from_ = 0;
  std::int64_t measured_from_ = 0;
  std::int64_t measured_ns_ = 1;
  std::uint64_t measured_ = 0;
};

} // namespace

exit_status bench_fanout(const bench_options& options) {
  const auto node = parse_endpoint(options.node.url);
  if (!node)
    return complain(exit_status::usage, node.error().detail);
  const auto viewed = parse_endpoints(
    options.viewers_url.empty() ? options.node.url : options.viewers_url);
  if (!viewed)
    return complain(exit_status::usage, viewed.error().detail);
  raise_descriptor_limit();
  fanout_load load{options};
  if (auto opened = load.open(*node, *viewed); !opened)
    return complain(opened.error());
  if (auto done = load.run(); !done)
    return complain(done.error());
  return load.print();
}

} // namespace callboard
