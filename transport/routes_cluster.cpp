// What operators see and want of the cluster. It belongs to no tenant: the
// document names nodes and shards only, and scope `operate` is enough, as it is
// for a drain.
#include "transport/routes.hpp"

#include <charconv>

namespace callboard {

namespace {

using what = cluster_order::what;

/// An order is answered when it is decided; what follows takes its time.
result<plan> ordered(cluster_order x) {
  return plan{admin_request{std::move(x)}, answer_shape::accepted};
}

/// The body's member `node`.
result<std::string> node_of_body(const call& x) {
  auto body = json_object_body(x);
  if (!body)
    return tl::unexpected{body.error()};
  auto node = *body ? (*body)->find("node") : std::nullopt;
  if (!node || !node->is(json::kind::string) || !valid_id(node->string()))
    return fail(errc::invalid, "node must be the name of a node", "/node");
  return node->string();
}

/// A shard's number in the path. Whether there is such a shard is the engine's
/// to say.
result<std::uint32_t> shard_of_path(const call& x) {
  auto& text = x.path["shard"];
  std::uint32_t out = 0;
  auto last = text.data() + text.size();
  auto [end, ec] = std::from_chars(text.data(), last, out);
  if (ec != std::errc{} || end != last)
    return fail(errc::not_found, "there is no such shard");
  return out;
}

result<plan> order_for_shard(const call& x, what order, std::string node) {
  auto shard = shard_of_path(x);
  if (!shard)
    return tl::unexpected{shard.error()};
  return ordered({order, std::move(node), *shard});
}

result<plan> order_for_shard_and_node(const call& x, what order) {
  auto node = node_of_body(x);
  if (!node)
    return tl::unexpected{node.error()};
  return order_for_shard(x, order, std::move(*node));
}

} // namespace

result<plan> read_cluster(const call&) {
  return plan{admin_request{inspect_cluster{}}};
}

result<plan> add_cluster_node(const call& x) {
  auto node = node_of_body(x);
  if (!node)
    return tl::unexpected{node.error()};
  return ordered({what::add_node, std::move(*node), std::nullopt});
}

result<plan> remove_cluster_node(const call& x) {
  auto& node = x.path["node"];
  if (!valid_id(node))
    return fail(errc::not_found, "there is no such node");
  return ordered({what::remove_node, node, std::nullopt});
}

result<plan> rebalance_cluster(const call&) {
  return ordered({what::rebalance, {}, std::nullopt});
}

result<plan> transfer_shard(const call& x) {
  return order_for_shard_and_node(x, what::transfer);
}

result<plan> pin_shard(const call& x) {
  return order_for_shard_and_node(x, what::pin);
}

result<plan> unpin_shard(const call& x) {
  return order_for_shard(x, what::pin, {});
}

} // namespace callboard
