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

/// Nothing but addresses is known yet.
std::vector<join_address> at(const std::vector<std::string>& addresses) {
  std::vector<join_address> out;
  for (auto& x : addresses)
    out.push_back({x, {}});
  return out;
}

using what = forming_step::what;

TEST(forming, the_lowest_name_founds_when_all_are_there) {
  forming_view view{
    node("a"), at({"a:1", "b:1", "c:1"}), {node("c"), node("b")}};
  auto step = next_forming_step(view);
  ASSERT_EQ(step.action, what::found) << step.reason;
  ASSERT_EQ(step.founders.size(), 3u);
  EXPECT_EQ(step.founders[0].disk, "disk-of-a");
}

TEST(forming, the_others_wait_for_it) {
  forming_view view{
    node("b"), at({"a:1", "b:1", "c:1"}), {node("a"), node("c")}};
  auto step = next_forming_step(view);
  EXPECT_EQ(step.action, what::wait);
  EXPECT_NE(step.reason.find("node a"), std::string::npos) << step.reason;
}

TEST(forming, nobody_founds_while_one_is_missing) {
  forming_view view{node("a"), at({"a:1", "b:1", "c:1"}), {node("b")}};
  auto step = next_forming_step(view);
  EXPECT_EQ(step.action, what::wait);
  EXPECT_NE(step.reason.find("c:1"), std::string::npos) << step.reason;
  EXPECT_EQ(step.reason.find("b:1"), std::string::npos) << step.reason;
}

TEST(forming, other_spellings_of_addresses_do_not_matter_when_all_are_there) {
  forming_view view{node("a"), at({"a:1", "10.0.0.2:1"}), {node("b")}};
  EXPECT_EQ(next_forming_step(view).action, what::wait)
    << "nobody knows yet who is behind that address";
  view.join[1].disk = "disk-of-b";
  auto step = next_forming_step(view);
  EXPECT_EQ(step.action, what::found);
  EXPECT_EQ(step.founders.size(), 2u);
}

TEST(forming, who_is_not_named_is_no_founder) {
  forming_view view{
    node("b"), at({"b:1", "c:1"}), {node("a"), node("c"), node("d", "other")}};
  auto step = next_forming_step(view);
  ASSERT_EQ(step.action, what::found) << step.reason;
  ASSERT_EQ(step.founders.size(), 2u);
  EXPECT_EQ(step.founders[0].name, "b");
  EXPECT_EQ(step.founders[1].name, "c");
  // And it does not stand in for one that is missing.
  view.join = at({"b:1", "c:1", "e:1"});
  step = next_forming_step(view);
  EXPECT_EQ(step.action, what::wait);
  EXPECT_NE(step.reason.find("e:1"), std::string::npos) << step.reason;
  EXPECT_NE(step.reason.find("a at a:1"), std::string::npos) << step.reason;
}

TEST(forming, a_node_knows_whom_it_is_to_join) {
  auto join = at({"a:1", "10.0.0.2:1"});
  EXPECT_TRUE(is_named(join, node("a")));
  EXPECT_FALSE(is_named(join, node("b")));
  EXPECT_FALSE(is_named(join, peer_identity{}));
  join[1].disk = "disk-of-b";
  EXPECT_TRUE(is_named(join, node("b")));
}

TEST(forming, beside_a_cluster_nobody_founds_another) {
  forming_view view{node("a"), at({"b:1"}), {node("b", "cluster-1")}};
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
