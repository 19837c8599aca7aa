#include "cli/tail.hpp"

#include "actors/model/json.hpp"
#include "cli/event_text.hpp"
#include "cli/ws_client.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <thread>

namespace callboard {

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

/// Control frames have these types; everything else is an event.
constexpr std::string_view control_types[]
  = {"connected", "subscribed", "unsubscribed", "lagged", "resync",
     "goaway",    "error",      "expiring",     "pong"};

bool is_ended_status(std::string_view status) {
  return status == "completed" || status == "failed" || status == "cancelled";
}

/// One tail: where it is in the room, and when it ends.
class follower {
public:
  follower(const tail_options& options, endpoints nodes)
      : options_{options}, nodes_{std::move(nodes)},
        colours_{::isatty(STDOUT_FILENO) == 1}, last_{options.since} {
    if (options.time > 0ms)
      end_ = clock::now() + options.time;
  }

  exit_status run() {
    auto wait = 100ms;
    auto given_up = clock::now() + first_patience();
    while (!over()) {
      const auto followed = follow();
      if (followed)
        break;
      if (followed.error().code != errc::unavailable)
        return complain(followed.error());
      nodes_.next();
      if (subscribed_) { // it was good: patience and pauses start afresh
        subscribed_ = false;
        wait = 100ms;
        given_up = clock::now() + options_.retry_for;
        std::fprintf(stderr, "callboard: %s; connecting again\n",
                     followed.error().detail.c_str());
      }
      if (clock::now() + wait > given_up)
        return complain(followed.error());
      std::this_thread::sleep_for(wait);
      wait = std::min<std::chrono::milliseconds>(wait * 2, 1000ms);
    }
    return finish();
  }

private:
  std::chrono::milliseconds first_patience() const {
    return std::min<std::chrono::milliseconds>(options_.retry_for, 5s);
  }

  bool over() const {
    return done_ || (end_ && clock::now() >= *end_);
  }

  exit_status finish() {
    std::fflush(stdout);
    if (broken_)
      return exit_status::failed;
    // What was asked for by number must have come; a time limit may just pass.
    if (!done_
        && (options_.count != 0 || options_.until || options_.until_ended))
      return complain(exit_status::failed, "the time is over after "
                                             + std::to_string(printed_)
                                             + " events");
    return exit_status::done;
  }

  std::string subscription() const {
    std::string out
      = "{\"type\":\"subscribe\",\"room\":" + json::quoted(options_.room);
    if (!options_.project.empty())
      out += ",\"project_id\":" + json::quoted(options_.project);
    if (last_)
      out += ",\"since\":" + std::to_string(*last_);
    if (!options_.types.empty()) {
      out += ",\"types\":[";
      for (const auto& type : options_.types) {
        if (out.back() != '[')
          out += ',';
        json::append_quoted(out, type);
      }
      out += ']';
    }
    return out + '}';
  }

  /// One connection, to its end. A value: no more is wanted.
  result<void> follow() {
    ws_client socket;
    if (auto up = socket.connect(nodes_.current(), options_.node.token); !up)
      return up;
    if (auto sent = socket.send(subscription()); !sent)
      return sent;
    while (!over()) {
      auto patience = std::chrono::milliseconds{1000};
      if (end_)
        patience
          = std::clamp(std::chrono::duration_cast<std::chrono::milliseconds>(
                         *end_ - clock::now()),
                       0ms, 1000ms);
      auto frame = socket.receive(patience);
      if (!frame)
        return tl::unexpected{frame.error()};
      if (!*frame)
        std::fflush(stdout);
      else if (auto taken = take(**frame); !taken)
        return taken;
    }
    socket.close();
    return {};
  }

  result<void> take(const std::string& frame) {
    const auto event = summarize(frame);
    if (!event)
      return {};
    if (std::ranges::find(control_types, event->type)
        != std::end(control_types))
      return control(event->type, frame);
    if (event->seq && !in_order(*event))
      return {};
    print(*event, frame);
    return {};
  }

  result<void> control(const std::string& type, const std::string& frame) {
    const auto doc = json::document::parse(frame);
    const auto number = [&doc](std::string_view key) {
      const auto at = doc->root().find(key);
      return static_cast<std::uint64_t>(at ? at->integer().value_or(0) : 0);
    };
    if (type == "subscribed") {
      subscribed_ = true;
      if (!last_)
        last_ = number("seq");
    } else if (type == "resync") {
      const auto oldest = number("oldest_seq");
      std::fprintf(stderr,
                   "callboard: events before #%llu are not kept any more\n",
                   static_cast<unsigned long long>(oldest));
      last_ = oldest == 0 ? 0 : oldest - 1;
      return fail(errc::unavailable, "going on with what is kept");
    } else if (type == "error" || type == "unsubscribed") {
      const auto detail = doc->root().find("detail");
      const auto code = doc->root().find("code");
      problem why{errc::invalid, detail && detail->is(json::kind::string)
                                   ? detail->string()
                                   : frame};
      if (code && code->is(json::kind::string))
        for (const auto each : {errc::forbidden, errc::unauthenticated,
                                errc::not_found, errc::unavailable})
          if (code->string() == to_string(each))
            why.code = each;
      return tl::unexpected{std::move(why)};
    }
    return {};
  }

  /// Keeps the place in the room; false: a repeat, not to be printed.
  bool in_order(const event_summary& event) {
    // A tenant's view shows projects' events with their own numbers.
    if (event.room != options_.room && options_.room.starts_with("tenant:"))
      return true;
    const auto seq = *event.seq;
    const auto all
      = options_.types.empty() && options_.room.starts_with("project:");
    if (options_.check && last_ && all && seq != *last_ + 1) {
      std::fprintf(stderr, "callboard: #%llu came after #%llu\n",
                   static_cast<unsigned long long>(seq),
                   static_cast<unsigned long long>(*last_));
      broken_ = done_ = true;
    }
    if (last_ && seq <= *last_)
      return false;
    last_ = seq;
    return true;
  }

  void print(const event_summary& event, const std::string& frame) {
    const auto line = options_.format == tail_format::json
                        ? frame
                        : event_line(event, colours_);
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fputc('\n', stdout);
    // Whoever reads a pipe wants to see events as they come, too.
    std::fflush(stdout);
    ++printed_;
    done_
      = done_ || (options_.count != 0 && printed_ >= options_.count)
        || (options_.until && event.seq && *event.seq >= *options_.until)
        || (options_.until_ended && event.type == "workflow:execution:updated"
            && is_ended_status(event.status));
  }

  const tail_options& options_;
  endpoints nodes_;
  bool colours_;
  std::optional<clock::time_point> end_;
  std::optional<std::uint64_t> last_; // nullopt: from now on
  std::uint64_t printed_ = 0;
  bool subscribed_ = false;
  bool done_ = false;
  bool broken_ = false;
};

} // namespace

exit_status tail(const tail_options& options) {
  auto target = parse_endpoints(options.node.url);
  if (!target)
    return complain(exit_status::usage, target.error().detail);
  return follower{options, std::move(*target)}.run();
}

} // namespace callboard
