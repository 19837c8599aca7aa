#pragma once

#include "actors/model/cluster_map.hpp"

#include <string>
#include <string_view>
#include <variant>

/// Changes of the map on their way to the directory's leader, as JSON.
namespace callboard {

using map_order
  = std::variant<cluster_change::add_node, cluster_change::remove_node,
                 cluster_change::drop_node, cluster_change::rebalance,
                 cluster_change::pin, cluster_change::take_out,
                 cluster_change::give_back>;

std::string encode_order(const map_order& x);

/// errc::invalid for anything else.
result<map_order> decode_order(std::string_view text);

result<cluster_map> apply_order(const cluster_map& at, const map_order& x,
                                cluster_change::moment when);

} // namespace callboard
