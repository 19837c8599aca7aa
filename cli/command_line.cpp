#include "cli/command_line.hpp"

#include "cli/verbs.hpp"
#include "config/suggest.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#ifndef CALLBOARD_VERSION
#error "the build gives CALLBOARD_VERSION"
#endif

namespace callboard {

namespace {

exit_status print_version() {
  std::puts("callboard " CALLBOARD_VERSION);
  return exit_status::done;
}

/// CLI11 says what is wrong; we add which verb was probably meant.
int usage_error(const CLI::App& app, const CLI::ParseError& error, int argc,
                const char* const* argv) {
  if (error.get_exit_code() == 0)
    return app.exit(error); // --help, --version
  std::vector<std::string> verbs;
  for (const auto* verb : app.get_subcommands({}))
    verbs.push_back(verb->get_name());
  std::string detail = error.what();
  if (argc > 1 && argv[1][0] != '-' && app.get_subcommands().empty())
    detail = '"' + std::string{argv[1]} + "\" is not a verb"
             + did_you_mean(argv[1], verbs);
  complain(exit_status::usage, detail + " (see callboard --help)");
  return static_cast<int>(exit_status::usage);
}

} // namespace

int command_line(int argc, const char* const* argv) {
  chosen_verb chosen;
  CLI::App app{"Callboard keeps the state of running workflows and shows every "
               "change of it, live.",
               "callboard"};
  app.set_version_flag("--version", "callboard " CALLBOARD_VERSION);
  app.require_subcommand(1);
  add_node_verbs(app, chosen);
  add_client_verbs(app, chosen);
  add_admin_verbs(app, chosen);
  add_bench_verbs(app, chosen);
  app.add_subcommand("version", "print the version")->callback([&chosen] {
    chosen = print_version;
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return usage_error(app, e, argc, argv);
  }
  try {
    return static_cast<int>(chosen());
  } catch (const std::exception& e) { // the edge: libraries throw, we do not
    return static_cast<int>(complain(exit_status::failed, e.what()));
  }
}

} // namespace callboard
