#include "storage/node_identity.hpp"

#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace callboard {
namespace {

class node_identity : public ::testing::Test {
protected:
  node_identity_file open() {
    auto found = node_identity_file::open(dir.path());
    EXPECT_TRUE(found) << found.error().detail;
    return std::move(*found);
  }

  problem refusal() {
    auto found = node_identity_file::open(dir.path());
    EXPECT_FALSE(found);
    return found ? problem{errc::none, {}} : found.error();
  }

  std::filesystem::path file() const {
    return dir.path() / "identity";
  }

  std::string bytes() const {
    std::ifstream in{file(), std::ios::binary};
    return {std::istreambuf_iterator<char>{in},
            std::istreambuf_iterator<char>{}};
  }

  void put(const std::string& bytes) const {
    std::ofstream{file(), std::ios::binary | std::ios::trunc} << bytes;
  }

  test::temp_dir dir;
};

TEST_F(node_identity, is_made_with_the_folder_and_stays) {
  auto made = open();
  EXPECT_EQ(made.disk().size(), 32u);
  EXPECT_EQ(made.disk().find_first_not_of("0123456789abcdef"),
            std::string::npos);
  EXPECT_EQ(made.cluster(), "");
  EXPECT_EQ(made.genesis(), "");
  EXPECT_EQ(made.latest(), "");
  EXPECT_EQ(open().disk(), made.disk());
}

TEST_F(node_identity, no_two_disks_are_the_same) {
  auto one = open();
  test::temp_dir other;
  auto two = node_identity_file::open(other.path() / "new" / "folder");
  ASSERT_TRUE(two) << two.error().detail;
  EXPECT_NE(one.disk(), two->disk());
}

TEST_F(node_identity, knows_its_cluster_and_its_maps) {
  const std::string first("map\0one", 7);
  auto at = open();
  auto disk = at.disk();
  ASSERT_TRUE(at.join("c1", first));
  EXPECT_EQ(at.latest(), first);
  ASSERT_TRUE(at.remember("map two"));
  for (int life = 0; life < 2; ++life) {
    EXPECT_EQ(at.disk(), disk);
    EXPECT_EQ(at.cluster(), "c1");
    EXPECT_EQ(at.genesis(), first);
    EXPECT_EQ(at.latest(), "map two");
    at = open();
  }
}

TEST_F(node_identity, one_that_joins_has_no_first_map) {
  auto at = open();
  ASSERT_TRUE(at.join("c1", {}));
  at = open();
  EXPECT_EQ(at.cluster(), "c1");
  EXPECT_EQ(at.genesis(), "");
}

TEST_F(node_identity, belongs_to_one_cluster_for_good) {
  auto at = open();
  EXPECT_EQ(at.remember("map").error().code, errc::conflict);
  EXPECT_EQ(at.join("", "map").error().code, errc::invalid);
  ASSERT_TRUE(at.join("c1", "one"));
  ASSERT_TRUE(at.remember("two"));
  ASSERT_TRUE(at.join("c1", "three")); // changes nothing
  EXPECT_EQ(at.genesis(), "one");
  EXPECT_EQ(at.latest(), "two");
  auto other = at.join("c2", {});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, errc::conflict);
  EXPECT_NE(other.error().detail.find("c1"), std::string::npos);
  EXPECT_NE(other.error().detail.find("c2"), std::string::npos);
}

TEST_F(node_identity, damage_anywhere_is_noticed) {
  auto at = open();
  ASSERT_TRUE(at.join("cluster", "the first map"));
  const auto good = bytes();
  for (std::size_t size = 0; size < good.size(); ++size) {
    put(good.substr(0, size)); // torn
    EXPECT_EQ(refusal().code, errc::internal) << size;
  }
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x20);
    put(bad);
    auto why = refusal();
    EXPECT_NE(why.code, errc::none) << i;
    EXPECT_NE(why.detail.find(file().string()), std::string::npos) << i;
  }
  put(good + "x");
  EXPECT_EQ(refusal().code, errc::internal);
  put(good);
  EXPECT_EQ(open().cluster(), "cluster");
}

TEST_F(node_identity, a_newer_format_is_refused_as_such) {
  open();
  auto newer = bytes();
  newer[newer.find('\n') + 1] = 2;
  put(newer);
  auto why = refusal();
  EXPECT_EQ(why.code, errc::conflict);
  EXPECT_NE(why.detail.find("format 2"), std::string::npos) << why.detail;
}

TEST_F(node_identity, a_crash_while_writing_leaves_the_old_file) {
  auto at = open();
  ASSERT_TRUE(at.join("c1", "map"));
  // What a process that ended between writing and renaming leaves.
  std::ofstream{dir.path() / "identity.new"} << bytes().substr(0, 20);
  at = open();
  EXPECT_EQ(at.cluster(), "c1");
  ASSERT_TRUE(at.remember("map two"));
  EXPECT_EQ(open().latest(), "map two");
  EXPECT_FALSE(std::filesystem::exists(dir.path() / "identity.new"));
}

TEST_F(node_identity, a_change_that_cannot_be_written_changes_nothing) {
  auto at = open();
  ASSERT_TRUE(at.join("c1", "map"));
  std::filesystem::create_directory(dir.path() / "identity.new"); // in the way
  auto failed = at.remember("map two");
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().detail.find("identity.new"), std::string::npos);
  EXPECT_EQ(at.latest(), "map");
  EXPECT_EQ(open().latest(), "map");
}

} // namespace
} // namespace callboard
