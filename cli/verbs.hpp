#pragma once

#include "cli/exit_status.hpp"

#include <functional>

namespace CLI {
class App;
} // namespace CLI

/// Each function adds verbs to the command line. A verb that was chosen puts
/// what is to be done into `chosen`; it runs after all arguments were read.
namespace callboard {

using chosen_verb = std::function<exit_status()>;

/// serve, token, check-config, gen-config: what the configuration decides.
void add_node_verbs(CLI::App& app, chosen_verb& chosen);

/// publish, tail, run: clients of a node.
void add_client_verbs(CLI::App& app, chosen_verb& chosen);

/// admin status, admin add-node …: clients of operators.
void add_admin_verbs(CLI::App& app, chosen_verb& chosen);

/// bench: the load generator.
void add_bench_verbs(CLI::App& app, chosen_verb& chosen);

} // namespace callboard
