#include "storage/log_store.hpp"

#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

namespace callboard {
namespace {

problem refusal(const std::filesystem::path& dir) {
  auto opened = log_store::open({.dir = dir});
  if (opened) {
    ADD_FAILURE() << "opened " << dir;
    return {};
  }
  EXPECT_NE(opened.error().detail.find((dir / "log").string()),
            std::string::npos)
    << opened.error().detail;
  return opened.error();
}

void put(const std::filesystem::path& dir, const std::string& key,
         const std::string& value) {
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* raw = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(options, (dir / "log").string(), &raw).ok());
  std::unique_ptr<rocksdb::DB> db{raw};
  ASSERT_TRUE(db->Put({}, key, value).ok());
}

TEST(opening_a_log, is_refused_while_this_process_has_it_open) {
  test::temp_dir dir;
  auto first = log_store::open({.dir = dir.path()});
  ASSERT_TRUE(first);
  EXPECT_EQ(refusal(dir.path()).code, errc::unavailable);
}

TEST(opening_a_log, is_refused_while_another_process_has_it_open) {
  test::temp_dir dir;
  int ready[2];
  int end[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(end), 0);
  const auto child = ::fork();
  ASSERT_GE(child, 0);
  char byte = 'x';
  if (child == 0) {
    ::close(end[1]); // so that the read below ends with the parent
    auto opened = log_store::open({.dir = dir.path()});
    byte = opened ? 'y' : 'n';
    if (::write(ready[1], &byte, 1) != 1 || ::read(end[0], &byte, 1) < 0)
      ::_exit(1);
    ::_exit(0);
  }
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  const auto refused = refusal(dir.path());
  ::close(end[1]);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(refused.code, errc::unavailable);
  EXPECT_NE(refused.detail.find("another process"), std::string::npos);
  EXPECT_TRUE(log_store::open({.dir = dir.path()}));
}

TEST(opening_a_log, is_refused_where_a_file_is_in_the_way) {
  test::temp_dir dir;
  std::ofstream{dir.path() / "log"} << "not a folder";
  EXPECT_EQ(refusal(dir.path()).code, errc::internal);
  EXPECT_EQ(refusal(dir.path() / "log").code, errc::internal);
}

TEST(opening_a_log, is_refused_in_a_folder_that_cannot_be_written) {
  EXPECT_EQ(refusal("/proc/callboard").code, errc::internal);
}

TEST(opening_a_log, is_refused_when_its_format_is_newer) {
  test::temp_dir dir;
  ASSERT_TRUE(log_store::open({.dir = dir.path()}));
  put(dir.path(),
      "\xff\xff"
      "format",
      "2");
  const auto refused = refusal(dir.path());
  EXPECT_EQ(refused.code, errc::conflict);
  EXPECT_NE(refused.detail.find("format 2"), std::string::npos);
}

TEST(opening_a_log, is_refused_when_it_is_something_else) {
  test::temp_dir dir;
  put(dir.path(), "key", "value");
  EXPECT_EQ(refusal(dir.path()).code, errc::conflict);
}

} // namespace
} // namespace callboard
