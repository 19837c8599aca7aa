#include "cli/flag_types.hpp"
#include "cli/publish.hpp"
#include "cli/run.hpp"
#include "cli/tail.hpp"
#include "cli/verbs.hpp"
#include "config/units.hpp"

#include <iostream>
#include <memory>

namespace callboard {

void add_client_flags(CLI::App& verb, client_options& to) {
  verb
    .add_option("--url", to.url,
                "the node, or several separated by commas: the next one is "
                "tried when one does not answer")
    ->envname("CALLBOARD_URL")
    ->type_name("http://HOST:PORT")
    ->capture_default_str();
  verb.add_option("--token", to.token, "bearer token")
    ->envname("CALLBOARD_TOKEN");
}

CLI::Option* add_duration(CLI::App& verb, const std::string& flag,
                          std::chrono::milliseconds& to,
                          const std::string& meaning) {
  return verb
    .add_option_function<std::string>(
      flag,
      [&to, flag](const std::string& text) {
        const auto x = parse_duration(text);
        if (!x)
          throw CLI::ValidationError(flag, x.error().detail);
        to = *x;
      },
      meaning + (to.count() == 0 ? "" : " (" + format_duration(to) + ')'))
    ->type_name("DURATION");
}

namespace {

void add_publish(CLI::App& app, chosen_verb& chosen) {
  auto* verb = app.add_subcommand(
    "publish", "publish one event, or NDJSON from standard input");
  const auto x = std::make_shared<publish_options>();
  add_client_flags(*verb, x->node);
  verb->add_option("--project", x->project, "the project")->required();
  auto* type
    = verb->add_option("--type", x->type,
                       "publish one event of this type; without it, events "
                       "are read from standard input");
  verb->add_option("--data", x->data, "its data (JSON)")->needs(type);
  verb->add_option("--id", x->id, "its id; without it, one is made")
    ->needs(type);
  verb->add_option("--scope", x->scope, "\"tenant\": to the whole tenant")
    ->needs(type);
  verb->add_flag("--ephemeral", x->ephemeral, "live only, not stored")
    ->needs(type);
  verb->add_option("--batch", x->batch, "events in one request")
    ->check(CLI::Range(1, 10'000))
    ->capture_default_str();
  add_duration(*verb, "--retry-for", x->retry_for,
               "how long to go on when the node is away");
  verb->add_flag("--results", x->results,
                 "print id and number of each event as soon as it is durable");
  verb->callback([x, &chosen] {
    chosen = [x] {
      // Without this, std::cin never knows that more lines are waiting.
      std::ios::sync_with_stdio(false);
      return publish(*x, std::cin);
    };
  });
}

void add_tail(CLI::App& app, chosen_verb& chosen) {
  auto* verb = app.add_subcommand("tail", "print a room's events as they come");
  const auto x = std::make_shared<tail_options>();
  const auto execution = std::make_shared<std::string>();
  add_client_flags(*verb, x->node);
  verb->add_option("--project", x->project, "the project");
  verb->add_option("--execution", *execution, "one run of it");
  verb->add_option("--room", x->room, "any room, such as tenant:t");
  verb->add_option("--since", x->since,
                   "start behind this number (0: from the beginning)");
  verb->add_option("--types", x->types, "types, or beginnings with *")
    ->delimiter(',');
  verb->add_option("--count", x->count, "end after so many events");
  verb->add_option("--until", x->until, "end with this sequence number");
  verb->add_flag("--until-ended", x->until_ended, "end when a run ends");
  add_duration(*verb, "--for", x->time, "end after this time");
  add_duration(*verb, "--retry-for", x->retry_for,
               "how long to try to reach the node again");
  verb->add_flag("--check", x->check,
                 "fail on a gap or a repeat in the sequence");
  const auto json = std::make_shared<bool>(false);
  verb->add_flag("--json,--raw", *json, "print the events as they are");
  verb->callback([x, execution, json, &chosen] {
    if (x->room.empty() && execution->empty() && x->project.empty())
      throw CLI::RequiredError("one of --project, --execution, --room");
    if (!execution->empty())
      x->room = "execution:" + *execution;
    else if (x->room.empty())
      x->room = "project:" + x->project;
    if (!x->room.starts_with("execution:"))
      x->project.clear();
    x->format = *json ? tail_format::json : tail_format::text;
    chosen = [x] { return tail(*x); };
  });
}

void add_run(CLI::App& app, chosen_verb& chosen) {
  auto* verb = app.add_subcommand(
    "run", "execute a pipeline file here and publish what happens");
  const auto x = std::make_shared<run_options>();
  add_client_flags(*verb, x->node);
  verb->add_option("pipeline", x->file, "TOML file")
    ->required()
    ->type_name("FILE");
  verb->add_option("--project", x->project, "the project")->required();
  verb->add_option("--id", x->run, "the run's id; without it, one is made");
  verb->add_option("--name", x->name,
                   "the run's name; without it, the pipeline's");
  verb->add_option("--dir", x->directory, "where the steps run")
    ->check(CLI::ExistingDirectory);
  verb->add_option("--jobs", x->jobs, "steps at a time")
    ->check(CLI::Range(1, 256))
    ->capture_default_str();
  add_duration(*verb, "--retry-for", x->retry_for,
               "how long to hold on to events when the node is away");
  verb->add_flag("--quiet", x->quiet, "no summary while it runs");
  verb->callback([x, &chosen] { chosen = [x] { return run_pipeline(*x); }; });
}

} // namespace

void add_client_verbs(CLI::App& app, chosen_verb& chosen) {
  add_publish(app, chosen);
  add_tail(app, chosen);
  add_run(app, chosen);
}

} // namespace callboard
