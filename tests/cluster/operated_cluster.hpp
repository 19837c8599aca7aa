#pragma once

#include "tests/cluster/cluster_test.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace callboard::test {

/// A cluster that an operator looks at and gives orders to.
class operated_cluster : public cluster_test {
protected:
  static constexpr std::uint64_t directory = 65535;

  /// An order of an operator, to any node that takes it.
  void order(std::string_view method, const std::string& target,
             const json::object& body = {}) {
    std::string answer;
    const bool taken = eventually(
      [&] {
        for (int i = 0; i < nodes().size(); ++i) {
          try {
            if (!nodes().alive(i) || nodes().port(i) == 0)
              continue;
            const auto response
              = nodes().ask(i, method, "/v1/admin/cluster/" + target,
                            body.empty() ? "" : json::serialize(body));
            answer = std::to_string(response.status) + " " + response.body;
            if (response.status / 100 == 2)
              return true;
          } catch (const std::exception& x) {
            answer = x.what();
          }
        }
        return false;
      },
      30s);
    EXPECT_TRUE(taken) << method << " " << target << ": " << answer;
  }

  /// What some living node other than `except` tells of the cluster.
  json::object told(int except = -1) {
    for (int i = 0; i < nodes().size(); ++i) {
      try {
        if (i != except && nodes().alive(i) && nodes().port(i) != 0)
          return nodes().status(i);
      } catch (const std::exception&) {
        // Another one.
      }
    }
    return {{"nodes", json::array{}}, {"shards", json::array{}}};
  }

  static bool has_node(const json::object& cluster, const std::string& name) {
    for (const auto& x : cluster.at("nodes").as_array()) {
      if (x.as_object().at("name").as_string() == name)
        return true;
    }
    return false;
  }

  /// Every shard has the voters that are wanted, no others, and is led by the
  /// first of them.
  static bool at_rest(const json::object& cluster) {
    if (!is_settled(cluster))
      return false;
    for (const auto& item : cluster.at("shards").as_array()) {
      const auto& shard = item.as_object();
      std::set<std::string> wanted;
      for (const auto& x : shard.at("wanted").as_array())
        wanted.emplace(x.as_string());
      std::set<std::string> voters;
      for (const auto& x : shard.at("replicas").as_array()) {
        if (!x.as_object().at("voter").as_bool())
          return false;
        voters.emplace(x.as_object().at("node").as_string());
      }
      if (voters != wanted
          || shard.at("leader") != shard.at("wanted").as_array().front())
        return false;
    }
    return true;
  }

  void expect_rest(int except = -1) {
    EXPECT_TRUE(eventually([&] { return at_rest(told(except)); }, 60s))
      << json::serialize(told(except));
  }

  /// Shards (the directory not counted) that each node leads.
  static std::map<std::string, int> leaders(const json::object& cluster) {
    std::map<std::string, int> result;
    for (const auto& item : cluster.at("shards").as_array()) {
      const auto& shard = item.as_object();
      if (shard.at("shard").to_number<std::uint64_t>() != directory
          && shard.at("leader").is_string())
        ++result[std::string{shard.at("leader").as_string()}];
    }
    return result;
  }

  std::string leader_of_shard(std::uint64_t number) {
    const auto cluster = told();
    for (const auto& item : cluster.at("shards").as_array()) {
      const auto& shard = item.as_object();
      if (shard.at("shard").to_number<std::uint64_t>() == number
          && shard.at("leader").is_string())
        return std::string{shard.at("leader").as_string()};
    }
    return {};
  }
};

} // namespace callboard::test
