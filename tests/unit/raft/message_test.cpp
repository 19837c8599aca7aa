#include "tests/unit/raft/follower.hpp"

namespace callboard {
namespace {

using namespace test;

craft_message filled(unsigned type) {
  craft_message x{};
  x.type = type;
  x.term = 1001;
  x.index = 1002;
  x.index_term = 900;
  x.commit = 1004;
  x.rejected = 1005;
  x.features = 6;
  x.capacity = 7;
  x.granted = 1;
  x.pre_vote = 1;
  x.disrupt_leader = 1;
  return x;
}

/// Every kind of message, with a value of its own in each field.
std::vector<std::string> all_messages() {
  std::vector<std::string> result;
  for (unsigned type = CRAFT_APPEND; type <= CRAFT_TERM_CHECK_RESULT; ++type)
    result.push_back(encode_message(played_group, filled(type), {}));
  const std::vector<log_entry> entries{
    command(1003, 900, "a"),
    entry(1004, 1000, entry_kind::change, encode_members(four)),
    entry(1005, 1001, entry_kind::barrier, std::string(8, '\0'))};
  result.push_back(encode_message(played_group, filled(CRAFT_APPEND), entries));
  auto state = filled(CRAFT_INSTALL);
  const auto configuration = encode_members(three);
  state.stream = 1010;
  state.configuration_index = 1001;
  state.configuration = configuration.data();
  state.configuration_size = configuration.size();
  result.push_back(encode_message(played_group, state, {}));
  return result;
}

TEST(messages, arrive_as_they_were_sent) {
  for (const auto& bytes : all_messages()) {
    auto x = decode_message(played_group, n2, bytes);
    ASSERT_TRUE(x);
    const auto expected = filled(x->head.type);
    EXPECT_EQ(x->head.peer, n2.value);
    EXPECT_EQ(x->head.term, expected.term);
    EXPECT_EQ(x->head.index, expected.index);
    EXPECT_EQ(x->head.index_term, expected.index_term);
    EXPECT_EQ(x->head.commit, expected.commit);
    EXPECT_EQ(x->head.rejected, expected.rejected);
    EXPECT_EQ(x->head.features, expected.features);
    EXPECT_EQ(x->head.capacity, expected.capacity);
    EXPECT_EQ(x->head.granted, 1);
    EXPECT_EQ(x->head.pre_vote, 1);
    EXPECT_EQ(x->head.disrupt_leader, 1);
    EXPECT_EQ(encode_message(played_group, x->head, x->entries), bytes);
  }
}

TEST(messages, a_described_state_can_be_read_without_a_replica) {
  const auto all = all_messages();
  auto x = described_state(played_group, all.back());
  ASSERT_TRUE(x);
  EXPECT_EQ(*x, (state_descriptor{
                  {1010}, {1002}, {900}, {1001}, encode_members(three)}));
  EXPECT_FALSE(described_state(played_group + 1, all.back()));
  for (std::size_t i = 0; i + 1 < all.size(); ++i)
    EXPECT_FALSE(
      described_state(played_group, all[i])); // offers describe nothing
}

TEST(messages, that_are_cut_short_too_long_or_of_another_version_are_dropped) {
  for (const auto& bytes : all_messages()) {
    for (std::size_t size = 0; size < bytes.size(); ++size)
      EXPECT_FALSE(decode_message(played_group, n2,
                                  std::string_view{bytes}.substr(0, size)));
    EXPECT_FALSE(decode_message(played_group, n2, bytes + '\0'));
    auto newer = bytes;
    ++newer[0];
    EXPECT_FALSE(decode_message(played_group, n2, newer));
  }
}

TEST(messages, a_state_without_members_or_ahead_of_its_leader_is_dropped) {
  auto x = filled(CRAFT_INSTALL);
  x.stream = 1;
  x.configuration_index = 1;
  EXPECT_FALSE(
    decode_message(played_group, n2, encode_message(played_group, x, {})));
  const auto configuration = encode_members(three);
  x.configuration = configuration.data();
  x.configuration_size = configuration.size();
  EXPECT_TRUE(
    decode_message(played_group, n2, encode_message(played_group, x, {})));
  x.configuration_index = x.index + 1;
  EXPECT_FALSE(
    decode_message(played_group, n2, encode_message(played_group, x, {})));
  x.configuration_index = 1;
  x.index_term = x.term + 1;
  EXPECT_FALSE(
    decode_message(played_group, n2, encode_message(played_group, x, {})));
}

} // namespace
} // namespace callboard
