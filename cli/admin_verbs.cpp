#include "cli/admin.hpp"
#include "cli/flag_types.hpp"
#include "cli/verbs.hpp"

#include <memory>

namespace callboard {

namespace {

using options_ptr = std::shared_ptr<admin_options>;

void add_status(CLI::App& admin, chosen_verb& chosen) {
  auto* verb = admin.add_subcommand("status", "show nodes and shards");
  const auto x = std::make_shared<admin_options>();
  add_client_flags(*verb, x->node);
  verb->add_flag("--json", x->json, "print the document as it is");
  auto* watch
    = verb->add_flag("--watch", x->watch, "again and again, until Ctrl-C");
  add_duration(*verb, "--interval", x->interval, "how often")->needs(watch);
  verb->add_flag("--check", x->check, "fail (1) if something is wrong");
  verb->callback([x, &chosen] { chosen = [x] { return admin_status(*x); }; });
}

struct order_verb {
  admin_order order;
  const char* name;
  const char* meaning;
  bool shard, node, wait;
};

constexpr order_verb order_verbs[] = {
  {admin_order::add_node, "add-node",
   "take a node in that is linked and belongs to no cluster", false, true,
   true},
  {admin_order::remove_node, "remove-node",
   "move a node's replicas away, then let it go; for a lost node too", false,
   true, true},
  {admin_order::rebalance, "rebalance", "spread replicas and leaders evenly",
   false, false, true},
  {admin_order::transfer, "transfer", "let a node lead a shard now", true, true,
   true},
  {admin_order::pin, "pin", "let a node lead a shard and keep it", true, true,
   true},
  {admin_order::unpin, "unpin", "let any node lead a shard again", true, false,
   false},
};

void add_order(CLI::App& admin, const order_verb& verb, chosen_verb& chosen) {
  auto* out = admin.add_subcommand(verb.name, verb.meaning);
  const auto x = std::make_shared<admin_options>();
  add_client_flags(*out, x->node);
  if (verb.shard)
    out->add_option("shard", x->shard, "the shard's number")->required();
  if (verb.node)
    out->add_option("node", x->name, "the node's name")
      ->required()
      ->type_name("NAME");
  if (verb.wait) {
    auto* wait = out->add_flag("--wait", x->wait, "until it is done");
    add_duration(*out, "--timeout", x->timeout, "how long to wait at most")
      ->needs(wait);
  }
  out->callback([x, order = verb.order, &chosen] {
    chosen = [x, order] { return admin_order_verb(*x, order); };
  });
}

} // namespace

void add_admin_verbs(CLI::App& app, chosen_verb& chosen) {
  auto* admin = app.add_subcommand("admin", "see and change the cluster");
  admin->require_subcommand(1);
  add_status(*admin, chosen);
  for (const auto& verb : order_verbs)
    add_order(*admin, verb, chosen);
}

} // namespace callboard
