#include "actors/forming.hpp"

#include <gtest/gtest.h>

namespace callboard {
namespace {

peer_identity node(const std::string& name, const std::string& cluster = {}) {
  peer_identity x;
  x.name = name;
  x.disk = "disk-of-" + name;
  x.address = name + ":1";
  x.cluster = cluster;
  return x;
}

using what = forming_step::what;

TEST(forming, the_lowest_name_founds_when_all_are_there) {
  forming_view view{node("a"), {"a:1", "b:1", "c:1"}, {node("c"), node("b")}};
  auto step = next_forming_step(view);
  ASSERT_EQ(step.action, what::found) << step.reason;
  ASSERT_EQ(step.founders.size(), 3u);
  EXPECT_EQ(step.founders[0].disk, "disk-of-a");
}

TEST(forming, the_others_wait_for_it) {
  forming_view view{node("b"), {"a:1", "b:1", "c:1"}, {node("a"), node("c")}};
  auto step = next_forming_step(view);
  EXPECT_EQ(step.action, what::wait);
  EXPECT_NE(step.reason.find("node a"), std::string::npos) << step.reason;
}

TEST(forming, nobody_founds_while_one_is_missing) {
  forming_view view{node("a"), {"a:1", "b:1", "c:1"}, {node("b")}};
  auto step = next_forming_step(view);
  EXPECT_EQ(step.action, what::wait);
  EXPECT_NE(step.reason.find("c:1"), std::string::npos) << step.reason;
  EXPECT_EQ(step.reason.find("b:1"), std::string::npos) << step.reason;
}

TEST(forming, other_spellings_of_addresses_do_not_matter_when_all_are_there) {
  forming_view view{node("a"), {"a:1", "10.0.0.2:1"}, {node("b")}};
  EXPECT_EQ(next_forming_step(view).action, what::found);
}

TEST(forming, beside_a_cluster_nobody_founds_another) {
  forming_view view{node("a"), {"b:1"}, {node("b", "cluster-1")}};
  auto step = next_forming_step(view);
  EXPECT_EQ(step.action, what::wait);
  EXPECT_NE(step.reason.find("add-node a"), std::string::npos) << step.reason;
}

TEST(forming, a_node_that_is_to_join_nobody_is_a_cluster_at_once) {
  auto step = next_forming_step({node("a"), {}, {}});
  EXPECT_EQ(step.action, what::found);
  EXPECT_EQ(step.founders.size(), 1u);
}

TEST(forming, addresses_are_separated_by_commas) {
  EXPECT_EQ(split_addresses(" a:1, b:2 ,,c:3"),
            (std::vector<std::string>{"a:1", "b:2", "c:3"}));
  EXPECT_TRUE(split_addresses("").empty());
}

} // namespace
} // namespace callboard
