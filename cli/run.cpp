#include "cli/run.hpp"

#include "actors/model/event.hpp"
#include "cli/event_publisher.hpp"
#include "cli/json_object.hpp"
#include "cli/outbox.hpp"
#include "cli/pipeline.hpp"
#include "cli/run_inbox.hpp"
#include "cli/run_report.hpp"
#include "cli/runner.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace callboard {

namespace {

/// How long a node may be away when a run begins: there is nothing to save yet.
constexpr std::chrono::milliseconds first_patience{5000};

unique_fd stop_fd() {
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGINT);
  ::sigaddset(&set, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return unique_fd{::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
}

/// Creates the run; returns the number of the event that did.
result<std::uint64_t> begin(const run_options& options, const endpoints& node,
                            const pipeline& plan, const run_wording& events) {
  event_publisher first{node, options.node.token, options.project,
                        std::min(first_patience, options.retry_for)};
  const auto name = options.name.empty() ? plan.name : options.name;
  const auto created = json_object{}
                         .text("name", name)
                         .text("workflow_definition_id", plan.definition)
                         .text("workflow_name", plan.name)
                         .raw("progress", json_object{}
                                            .number("completed", 0)
                                            .number("total", plan.steps.size())
                                            .str())
                         .str();
  const std::vector<std::string> opening{
    events.definition(plan), events.run_updated(created),
    events.run_updated("{\"status\":\"running\"}")};
  const auto outcomes = first.publish(opening);
  if (!outcomes)
    return tl::unexpected{outcomes.error()};
  std::uint64_t seq = 0;
  for (const auto& each : *outcomes) {
    if (each.error)
      return tl::unexpected{*each.error};
    seq = std::max(seq, each.seq.value_or(0));
  }
  return seq;
}

/// Waits until the last events are with the node. A signal ends the patience.
void finish(const outbox& to, event_publisher& publisher, int wake, int stop) {
  while (!to.idle()) {
    pollfd fds[]{{wake, POLLIN, 0}, {stop, POLLIN, 0}};
    ::poll(fds, 2, 1000);
    std::uint64_t news = 0;
    if ((fds[0].revents & POLLIN) != 0)
      static_cast<void>(!::read(wake, &news, sizeof news));
    if ((fds[1].revents & POLLIN) != 0)
      publisher.stop();
  }
}

exit_status print_errors(const std::vector<std::string>& errors) {
  for (const auto& error : errors)
    complain(exit_status::usage, error);
  return exit_status::usage;
}

exit_status end(const run_options& options, const outbox& to,
                const result<run_status>& outcome) {
  if (const auto lost = to.lost())
    return complain(*lost);
  if (!outcome)
    return complain(outcome.error());
  if (!options.quiet) {
    const auto x = to.count();
    std::printf("events: %llu published, %llu refused, %llu stream chunks "
                "dropped, last #%llu\n",
                static_cast<unsigned long long>(x.published),
                static_cast<unsigned long long>(x.refused),
                static_cast<unsigned long long>(x.dropped),
                static_cast<unsigned long long>(x.last_seq));
  }
  return *outcome == run_status::completed ? exit_status::done
                                           : exit_status::failed;
}

} // namespace

exit_status run_pipeline(const run_options& options) {
  const auto plan = load_pipeline(options.file);
  if (!plan)
    return print_errors(plan.error());
  const auto node = parse_endpoints(options.node.url);
  if (!node)
    return complain(exit_status::usage, node.error().detail);
  const auto stop = stop_fd(); // before any thread starts
  const auto run = options.run.empty() ? new_uuid7() : options.run;
  const run_wording events{options.project, run};
  const auto since = begin(options, *node, *plan, events);
  if (!since)
    return complain(since.error());

  const unique_fd wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  const auto on_news = [fd = wake.get()] {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(fd, &one, sizeof one));
  };
  event_publisher publisher{*node, options.node.token, options.project,
                            options.retry_for};
  publisher.on_retry = [](const problem& why) {
    std::fprintf(stderr, "callboard: %s; trying again\n", why.detail.c_str());
  };
  outbox to{publisher, on_news};
  run_inbox from{*node,  options.node.token, options.project, run, *since,
                 on_news};
  run_report report{*plan, events, to,
                    options.quiet ? run_report::terminal::silent
                                  : run_report::terminal::lines};
  report.say("run", run + " of " + plan->name);
  report.steps_known();
  runner execution{
    *plan,
    options.jobs,
    report,
    to,
    from,
    {.directory = options.directory,
     .env = {{"CALLBOARD_RUN_ID", run}, {"CALLBOARD_PROJECT", options.project}},
     .wake_fd = wake.get(),
     .signal_fd = stop.get()}};
  const auto outcome = execution.run();
  finish(to, publisher, wake.get(), stop.get());
  return end(options, to, outcome);
}

} // namespace callboard
