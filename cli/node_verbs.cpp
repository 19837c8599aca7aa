// The verbs that the configuration decides about, and how flags become
// settings.
#include "cli/serve.hpp"
#include "cli/token.hpp"
#include "cli/verbs.hpp"
#include "config/describe_settings.hpp"
#include "config/load_settings.hpp"
#include "config/units.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>

namespace callboard {

namespace {

using sources_ptr = std::shared_ptr<setting_sources>;

/// Adds `--config` and one flag for every setting that may be one.
sources_ptr add_setting_flags(CLI::App& verb) {
  auto sources = std::make_shared<setting_sources>();
  verb.add_option("--config", sources->file, "TOML file with settings")
    ->type_name("FILE");
  for (const auto& x : setting_table()) {
    if (x.secret)
      continue;
    verb
      .add_option_function<std::string>(
        flag_name(x),
        [sources, &x](const std::string& text) {
          sources->flags.emplace_back(&x, text);
        },
        std::string{x.meaning})
      ->type_name(x.kind == setting_kind::address     ? "HOST:PORT"
                  : x.kind == setting_kind::addresses ? "HOST:PORT,..."
                                                      : "VALUE")
      ->group("Settings (also CALLBOARD_SECTION_KEY, or in the file)");
  }
  return sources;
}

void add_short_flag(CLI::App& verb, const sources_ptr& sources,
                    const std::string& flag, const std::string& type,
                    const setting_info* x, const std::string& meaning) {
  verb
    .add_option_function<std::string>(
      flag,
      [sources, x](const std::string& text) {
        sources->flags.emplace_back(x, text);
      },
      meaning)
    ->type_name(type);
}

exit_status print_errors(const std::vector<std::string>& errors) {
  for (const auto& error : errors)
    complain(exit_status::usage, error);
  return exit_status::usage;
}

/// Loads the settings and hands them on, or says what is wrong with them.
template <class Function>
exit_status with_settings(setting_sources& sources, Function f) {
  sources.environment = process_environment();
  auto loaded = load_settings(sources);
  if (!loaded)
    return print_errors(loaded.error());
  for (const auto& warning : loaded->warnings)
    std::fprintf(stderr, "callboard: warning: %s\n", warning.c_str());
  return f(std::move(loaded->conf));
}

void add_serve(CLI::App& app, chosen_verb& chosen) {
  auto* verb = app.add_subcommand("serve", "run a node until SIGTERM");
  const auto sources = add_setting_flags(*verb);
  const auto* dev = find_setting("node", "dev");
  verb->add_flag_callback(
    "--dev", [sources, dev] { sources->flags.emplace_back(dev, "true"); },
    "development mode: loopback only, prints a token");
  add_short_flag(*verb, sources, "--data", "DIR",
                 find_setting("node", "data_dir"), "data directory");
  add_short_flag(*verb, sources, "--listen", "HOST:PORT",
                 find_setting("listen", "address"),
                 "where to listen; port 0 takes a free one");
  add_short_flag(*verb, sources, "--node", "NAME", find_setting("node", "name"),
                 "the node's name");
  add_short_flag(*verb, sources, "--join", "HOST:PORT,...",
                 find_setting("cluster", "join"),
                 "the nodes that form the cluster; with --cluster-listen");
  verb->callback([sources, &chosen] {
    chosen = [sources] {
      return with_settings(
        *sources, [](settings conf) { return serve(std::move(conf)); });
    };
  });
}

void add_token(CLI::App& app, chosen_verb& chosen) {
  auto* verb
    = app.add_subcommand("token", "print a token signed with the secret");
  const auto sources = add_setting_flags(*verb);
  const auto options = std::make_shared<token_options>();
  verb->add_option("--tenant", options->tenant, "claim tenant")->required();
  verb->add_option("--sub", options->subject, "claim sub: who it is for")
    ->required();
  verb
    ->add_option("--scope", options->scope,
                 "words of publish, subscribe, operate")
    ->capture_default_str();
  verb->add_option("--project", options->projects,
                   "project that it reaches (may be repeated); none: all");
  verb->add_option("--default-project", options->default_project,
                   "project of clients that name none");
  verb
    ->add_option_function<std::string>(
      "--expires",
      [options](const std::string& text) {
        const auto x = parse_duration(text);
        if (!x || *x < std::chrono::seconds{1})
          throw CLI::ValidationError("--expires", "expected a duration of at "
                                                  "least 1s, such as 1h");
        options->lifetime
          = std::chrono::duration_cast<std::chrono::seconds>(*x);
      },
      "how long it is good for (1h)")
    ->type_name("DURATION");
  verb->callback([sources, options, &chosen] {
    chosen = [sources, options] {
      return with_settings(*sources, [&options](const settings& conf) {
        return print_token(conf, *options);
      });
    };
  });
}

void add_check_config(CLI::App& app, chosen_verb& chosen) {
  auto* verb = app.add_subcommand("check-config",
                                  "say what is wrong with a configuration");
  const auto sources = add_setting_flags(*verb);
  verb->add_option("file", sources->file, "TOML file")->type_name("FILE");
  verb->callback([sources, &chosen] {
    chosen = [sources] {
      return with_settings(*sources, [](const settings&) {
        std::puts("OK");
        return exit_status::done;
      });
    };
  });
}

void add_gen_config(CLI::App& app, chosen_verb& chosen) {
  auto* verb
    = app.add_subcommand("gen-config", "print all settings with defaults");
  const auto format = std::make_shared<std::string>("toml");
  verb->add_option("--format", *format, "toml, or markdown for the manual")
    ->check(CLI::IsMember({"toml", "markdown"}))
    ->capture_default_str();
  verb->callback([format, &chosen] {
    chosen = [format] {
      std::fputs(
        (*format == "toml" ? settings_as_toml() : settings_as_markdown())
          .c_str(),
        stdout);
      return exit_status::done;
    };
  });
}

} // namespace

void add_node_verbs(CLI::App& app, chosen_verb& chosen) {
  add_serve(app, chosen);
  add_token(app, chosen);
  add_check_config(app, chosen);
  add_gen_config(app, chosen);
}

} // namespace callboard
