// `callboard bench publish`: how many durable events per second, and how long
// each takes to be acknowledged.
#include "cli/bench.hpp"
#include "cli/bench_publisher.hpp"
#include "cli/poller.hpp"

#include <algorithm>
#include <cstdio>
#include <vector>

namespace callboard {

namespace {

using namespace std::chrono_literals;

/// How long the answers under way at the end may take.
constexpr auto last_answers = 10s;

class publish_load {
public:
  explicit publish_load(const bench_options& options) : options_{options} {
    // nop
  }

  result<void> open(const endpoints& nodes) {
    for (std::size_t i = 0; i < options_.connections; ++i) {
      auto each = options_;
      if (options_.projects > 1)
        each.project += '-' + std::to_string(i % options_.projects);
      auto x
        = bench_publisher::open(each, nodes.all()[i % nodes.all().size()], i,
                                static_cast<double>(options_.rate)
                                  / static_cast<double>(options_.connections));
      if (!x)
        return tl::unexpected{x.error()};
      poller_.add(x->fd(), i);
      publishers_.push_back(std::move(*x));
    }
    return {};
  }

  result<void> run() {
    const auto begin = now_ns();
    measure_from_ = begin + std::chrono::nanoseconds{options_.warm_up}.count();
    const auto end
      = measure_from_ + std::chrono::nanoseconds{options_.time}.count();
    for (auto& x : publishers_)
      x.begin(begin);
    auto before = std::uint64_t{0};
    auto warm = true;
    while (now_ns() < end) {
      if (auto done = turn(end); !done)
        return done;
      if (warm && now_ns() >= measure_from_) {
        warm = false;
        measured_from_ = now_ns();
        before = total();
      }
    }
    measured_events_ = total() - before;
    measured_ns_ = now_ns() - measured_from_;
    for (auto& x : publishers_)
      x.stop();
    const auto given_up
      = now_ns() + std::chrono::nanoseconds{last_answers}.count();
    while (in_flight() != 0 && now_ns() < given_up)
      if (auto done = turn(given_up); !done)
        return done;
    return {};
  }

  exit_status print() const {
    const auto seconds = static_cast<double>(measured_ns_) / 1e9;
    std::uint64_t refused = 0;
    std::string why;
    for (const auto& x : publishers_) {
      refused += x.refused_events();
      if (why.empty())
        why = x.first_refusal();
    }
    json_object out;
    out.text("mode", "publish")
      .number("projects", options_.projects)
      .number("connections", options_.connections)
      .number("outstanding", options_.outstanding)
      .number("batch", options_.batch)
      .number("event_bytes", options_.event_bytes)
      .number("rate", options_.rate)
      .real("seconds", seconds)
      .number("events", measured_events_)
      .real("events_per_second",
            static_cast<double>(measured_events_) / seconds)
      .number("refused", refused)
      .number("unanswered_requests", in_flight());
    add_latency(out, "latency", latency_);
    std::printf("%s\n", out.str().c_str());
    if (refused != 0)
      return complain(exit_status::failed, "the node refused events: " + why);
    return in_flight() == 0
             ? exit_status::done
             : complain(exit_status::failed, "requests were not answered");
  }

private:
  result<void> turn(std::int64_t until) {
    const auto now = now_ns();
    auto next = until;
    for (std::size_t i = 0; i < publishers_.size(); ++i) {
      auto& x = publishers_[i];
      const auto wrote = x.wants_to_write();
      if (!x.send(now))
        return fail(errc::unavailable, "the node closed a connection");
      if (x.wants_to_write() != wrote)
        poller_.want_write(x.fd(), i, x.wants_to_write());
      if (const auto due = x.next_due())
        next = std::min(next, *due);
    }
    auto lost = false;
    poller_.wait(
      std::chrono::nanoseconds{next - now_ns()}, [&](std::uint64_t i) {
        lost = !publishers_[i].read(scratch_, measure_from_, latency_) || lost;
      });
    if (lost)
      return fail(errc::unavailable, "the node closed a connection");
    return {};
  }

  std::uint64_t total() const {
    std::uint64_t out = 0;
    for (const auto& x : publishers_)
      out += x.done_events();
    return out;
  }

  std::uint64_t in_flight() const {
    std::uint64_t out = 0;
    for (const auto& x : publishers_)
      out += x.in_flight();
    return out;
  }

  const bench_options& options_;
  std::vector<bench_publisher> publishers_;
  poller poller_;
  std::vector<char> scratch_ = std::vector<char>(bench_scratch_bytes);
  latency_record latency_;
  std::int64_t measure_from_ = 0;
  std::int64_t measured_from_ = 0;
  std::int64_t measured_ns_ = 1;
  std::uint64_t measured_events_ = 0;
};

} // namespace

exit_status bench_publish(const bench_options& options) {
  const auto node = parse_endpoints(options.node.url);
  if (!node)
    return complain(exit_status::usage, node.error().detail);
  raise_descriptor_limit();
  publish_load load{options};
  if (auto opened = load.open(*node); !opened)
    return complain(opened.error());
  if (auto done = load.run(); !done)
    return complain(done.error());
  return load.print();
}

} // namespace callboard
