#include "cli/bench.hpp"
#include "cli/flag_types.hpp"
#include "cli/verbs.hpp"

#include <memory>

namespace callboard {

namespace {

using options_ptr = std::shared_ptr<bench_options>;
using bench_function = exit_status (*)(const bench_options&);

CLI::App* add_mode(CLI::App& bench, const std::string& name,
                   const std::string& meaning, const options_ptr& x,
                   bench_function f, chosen_verb& chosen) {
  auto* mode = bench.add_subcommand(name, meaning);
  add_client_flags(*mode, x->node);
  mode->add_option("--project", x->project, "the project")
    ->capture_default_str();
  mode->callback([x, f, &chosen] { chosen = [x, f] { return f(*x); }; });
  return mode;
}

void add_publish_flags(CLI::App& mode, const options_ptr& x) {
  mode
    .add_option("--outstanding", x->outstanding,
                "requests under way per connection")
    ->check(CLI::Range(1, 65'536))
    ->capture_default_str();
  mode.add_option("--batch", x->batch, "events in one request")
    ->check(CLI::Range(1, 1000))
    ->capture_default_str();
  mode.add_option("--event-bytes", x->event_bytes, "size of one event")
    ->check(CLI::Range(250, 1'000'000))
    ->capture_default_str();
  mode.add_option("--rate", x->rate, "events per second; 0: as many as go")
    ->capture_default_str();
  add_duration(mode, "--time", x->time, "how long to measure");
  add_duration(mode, "--warm-up", x->warm_up, "how long not to measure before");
}

} // namespace

void add_bench_verbs(CLI::App& app, chosen_verb& chosen) {
  auto* bench = app.add_subcommand("bench", "put load on a node and measure");
  bench->require_subcommand(1);

  const auto publish = std::make_shared<bench_options>();
  auto* mode = add_mode(*bench, "publish", "durable events per second", publish,
                        bench_publish, chosen);
  mode
    ->add_option("--connections", publish->connections,
                 "publishing connections")
    ->check(CLI::Range(1, 10'000))
    ->capture_default_str();
  mode
    ->add_option("--projects", publish->projects,
                 "spread the connections over so many projects")
    ->check(CLI::Range(1, 10'000))
    ->capture_default_str();
  add_publish_flags(*mode, publish);

  const auto fanout = std::make_shared<bench_options>();
  mode = add_mode(*bench, "fanout", "one publisher, many viewers of one room",
                  fanout, bench_fanout, chosen);
  mode->add_option("--viewers", fanout->viewers, "viewers")
    ->capture_default_str();
  mode->add_option("--viewers-url", fanout->viewers_url,
                   "the nodes that viewers attach to, separated by commas; "
                   "without it, the publisher's");
  mode->add_flag("--batch-frames", fanout->batch_frames,
                 "viewers take several events in one frame");
  add_publish_flags(*mode, fanout);

  const auto attach = std::make_shared<bench_options>();
  mode
    = add_mode(*bench, "attach", "viewers that read a room from its beginning",
               attach, bench_attach, chosen);
  attach->viewers = 200;
  mode->add_option("--viewers", attach->viewers, "viewers")
    ->capture_default_str();
  mode->add_option("--at-once", attach->at_once, "viewers at a time")
    ->check(CLI::Range(1, 10'000))
    ->capture_default_str();
  mode->add_option("--history", attach->history, "events to publish first")
    ->capture_default_str();
  mode->add_flag("--batch-frames", attach->batch_frames,
                 "viewers take several events in one frame");

  const auto idle = std::make_shared<bench_options>();
  mode = add_mode(*bench, "idle", "what a connection costs that does nothing",
                  idle, bench_idle, chosen);
  mode->add_option("--connections", idle->idle, "connections")
    ->capture_default_str();
  mode->add_flag("--subscribed", idle->subscribed, "each watches the project");
  mode->add_option(
    "--pid", idle->pid,
    "the node's process, to read its memory; without it, /metrics is "
    "asked");
}

} // namespace callboard
