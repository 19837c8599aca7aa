#pragma once

#include "actors/model/json.hpp"

#include "tests/unit/cluster_sim/simulated_cluster.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callboard::sim {

/// Three nodes, on which nothing breaks by chance, and one room.
class quiet_cluster : public ::testing::Test {
protected:
  quiet_cluster() {
    cluster.on_answer = [this](std::size_t, answer x) {
      answers.insert_or_assign(x.to.request, std::move(x));
    };
    cluster.run_for(5000); // leaders are where they should be, and known
  }

  template <class Condition>
  void wait(Condition holds) {
    for (int i = 0; i < 1000 && !holds(); ++i)
      cluster.run_for(20);
  }

  static reply_address to(std::uint64_t request) {
    return {hub_id{0}, 1, request, {}};
  }

  /// Null: there is none in time, or it is an error.
  const answer* answered(std::uint64_t request) {
    wait([&] { return answers.contains(request); });
    auto at = answers.find(request);
    return at != answers.end() && at->second.outcome ? &at->second : nullptr;
  }

  void publish(std::size_t node, std::uint64_t request, std::string event) {
    auto text = std::make_shared<const std::string>(std::move(event));
    auto doc = json::document::parse(*text, {});
    ASSERT_TRUE(doc);
    auto draft = parse_event(doc->root(), text, room.project, {});
    ASSERT_TRUE(draft) << draft.error().detail;
    publish_request x;
    x.room = room;
    x.bytes = text->size();
    x.items.push_back(std::move(*draft));
    cluster.api(node).publish(to(request), std::move(x));
  }

  /// The node that leads the room's shard.
  std::size_t leader() {
    return seen.leader(cluster.shard_of(0, room)) - 1;
  }

  room_key room{{"t"}, {"p"}};
  witness seen;
  simulated_cluster cluster{1, {}, seen, mutant::none};
  std::map<std::uint64_t, answer> answers;
};

} // namespace callboard::sim
