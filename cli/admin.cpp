#include "cli/admin.hpp"

#include "actors/model/json.hpp"
#include "cli/cluster_tables.hpp"

#include <unistd.h>

#include <cstdio>
#include <memory>
#include <thread>

namespace callboard {

namespace {

constexpr std::string_view cluster_path = "/v1/admin/cluster";
constexpr std::chrono::milliseconds poll_interval{500};

/// The document, or why there is none.
result<std::string> fetch_status(admin_node& node) {
  auto reply = node.call("GET", cluster_path, {});
  if (!reply)
    return tl::unexpected{reply.error()};
  if (reply->status != 200)
    return tl::unexpected{problem_of(*reply)};
  return std::move(reply->body);
}

struct order_request {
  std::string_view method;
  std::string target;
  std::string body;
};

order_request request_for(const admin_options& x, admin_order order) {
  const std::string cluster{cluster_path};
  const auto shard = cluster + "/shards/" + std::to_string(x.shard);
  const auto body = "{\"node\":" + json::quoted(x.name) + '}';
  switch (order) {
  case admin_order::add_node:
    return {"POST", cluster + "/nodes", body};
  case admin_order::remove_node:
    return {"DELETE", cluster + "/nodes/" + url_encoded(x.name), {}};
  case admin_order::rebalance:
    return {"POST", cluster + "/rebalance", {}};
  case admin_order::transfer:
    return {"POST", shard + "/transfer", body};
  case admin_order::pin:
    return {"PUT", shard + "/pin", body};
  case admin_order::unpin:
    return {"DELETE", shard + "/pin", {}};
  }
  return {};
}

/// What is still missing; empty: the order is carried out.
std::string missing(const admin_options& x, admin_order order,
                    const cluster_status& now) {
  const auto* node = now.find(x.name);
  const auto leads = [&] {
    for (const auto& shard : now.shards)
      if (shard.name == std::to_string(x.shard))
        return shard.leader == x.name;
    return false;
  };
  switch (order) {
  case admin_order::add_node:
    if (node == nullptr || node->state != "up")
      return "node " + x.name + " is "
             + (node == nullptr ? "not a member yet" : node->state);
    return unsettled(now);
  case admin_order::remove_node:
    if (node != nullptr)
      return "node " + x.name + " still has " + std::to_string(node->replicas)
             + " replicas";
    return unsettled(now);
  case admin_order::rebalance:
    return unsettled(now);
  case admin_order::transfer:
  case admin_order::pin:
    return leads() ? std::string{}
                   : x.name + " does not lead shard " + std::to_string(x.shard)
                       + " yet";
  case admin_order::unpin:
    return {};
  }
  return {};
}

/// The map's version that an order's answer names; 0: none.
std::uint64_t version_in(std::string_view body) {
  const auto doc = json::document::parse(body);
  if (!doc)
    return 0;
  const auto version = doc->root().find("version");
  const auto number = version ? version->integer() : std::nullopt;
  return number && *number > 0 ? static_cast<std::uint64_t>(*number) : 0;
}

exit_status wait_for(const admin_options& x, admin_order order,
                     std::uint64_t version, admin_node& node) {
  const auto deadline = node.now() + x.timeout;
  std::string last;
  for (;;) {
    const auto document = fetch_status(node);
    auto now = document
                 ? parse_cluster_status(*document)
                 : result<cluster_status>{tl::unexpected{document.error()}};
    auto what = !now                     ? now.error().detail
                : now->version < version ? "the map is older than the order"
                                         : missing(x, order, *now);
    if (!now && status_of(now.error()) != exit_status::unreachable)
      return complain(now.error());
    if (what.empty()) {
      node.print(summary_line(*now) + '\n');
      return exit_status::done;
    }
    if (node.now() + poll_interval > deadline)
      return complain(exit_status::failed, "not done in time: " + what);
    if (what != last)
      node.progress(what + '\n');
    last = std::move(what);
    node.pause(poll_interval);
  }
}

result<admin_node> connect(const admin_options& x) {
  auto target = parse_endpoints(x.node.url);
  if (!target)
    return tl::unexpected{target.error()};
  auto client = std::make_shared<http_client>(std::move(*target), x.node.token);
  return admin_node{
    .call
    = [client](
        std::string_view method, std::string_view path,
        std::string_view body) { return client->call(method, path, body); },
    .now = [] { return std::chrono::steady_clock::now(); },
    .pause
    = [](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); },
    .print =
      [](const std::string& text) {
        std::fputs(text.c_str(), stdout);
        std::fflush(stdout);
      },
    .progress
    = [](const std::string& text) { std::fputs(text.c_str(), stderr); }};
}

} // namespace

exit_status show_status(const admin_options& x, admin_node& node) {
  auto document = fetch_status(node);
  if (!document)
    return complain(document.error());
  const auto now = parse_cluster_status(*document);
  if (!now)
    return complain(now.error());
  node.print(x.json ? *document + '\n' : cluster_tables(*now));
  return x.check && !troubles(*now).empty() ? exit_status::failed
                                            : exit_status::done;
}

exit_status give_order(const admin_options& x, admin_order order,
                       admin_node& node) {
  const auto request = request_for(x, order);
  const auto reply = node.call(request.method, request.target, request.body);
  if (!reply)
    return complain(reply.error());
  if (reply->status < 200 || reply->status > 299)
    return complain(problem_of(*reply));
  if (x.wait)
    return wait_for(x, order, version_in(reply->body), node);
  if (!reply->body.empty())
    node.print(reply->body + '\n');
  return exit_status::done;
}

exit_status admin_status(const admin_options& x) {
  auto node = connect(x);
  if (!node)
    return complain(exit_status::usage, node.error().detail);
  if (!x.watch)
    return show_status(x, *node);
  const auto screen = !x.json && ::isatty(STDOUT_FILENO) == 1;
  for (;;) { // until a signal ends us
    if (screen)
      node->print("\x1b[H\x1b[2J");
    // A node that is away for a while comes back: watching goes on.
    const auto status = show_status(x, *node);
    if (status != exit_status::done && status != exit_status::unreachable)
      return status;
    if (!screen && !x.json)
      node->print("\n");
    node->pause(x.interval);
  }
}

exit_status admin_order_verb(const admin_options& x, admin_order order) {
  auto node = connect(x);
  if (!node)
    return complain(exit_status::usage, node.error().detail);
  return give_order(x, order, *node);
}

} // namespace callboard
