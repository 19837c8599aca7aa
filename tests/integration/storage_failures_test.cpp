// Disks that are full or not ours: a clear error, no damage, and on it goes
// when the cause is gone.

#include "storage/log_format.hpp"

#include "tests/integration/live_node.hpp"
#include "tests/support/small_disk.hpp"

#include <rocksdb/db.h>

#include <filesystem>
#include <fstream>

namespace callboard::test {

namespace {

namespace fs = std::filesystem;

void write_file(const fs::path& path, std::size_t bytes) {
  const std::string block(bytes, 'x');
  std::ofstream out{path, std::ios::binary};
  out.write(block.data(), static_cast<std::streamsize>(block.size()));
}

node_failed failed_start(node_process::options opts) {
  try {
    const node_process node{std::move(opts)};
  } catch (const node_failed& x) {
    return x;
  }
  throw std::runtime_error{"the node started where it should not"};
}

/// Writes another format version into a log store; returns what was there.
std::string replace_version(const fs::path& store, const std::string& version) {
  rocksdb::DB* opened = nullptr;
  const auto status = rocksdb::DB::Open({}, store.string(), &opened);
  if (!status.ok())
    throw std::runtime_error{status.ToString()};
  const std::unique_ptr<rocksdb::DB> db{opened};
  std::string before;
  db->Get({}, log_format::version_key(), &before);
  db->Put({}, log_format::version_key(), version);
  return before;
}

json::object filler_event() {
  return custom_event("test:filler", {{"x", std::string(20'000, 'x')}});
}

/// Publishes one event after the other and keeps account of what the answers
/// promise: accepted is there, refused is not, and only what was never answered
/// may be either.
class accountant {
public:
  explicit accountant(std::uint16_t port) : http_{port, make_token({})} {
    // nop
  }

  /// The status, or 0 when the connection was lost before an answer.
  int publish() {
    const auto id = "e" + std::to_string(++sent_);
    try {
      last_ = http_.publish("p", with_id(filler_event(), id));
    } catch (const connection_lost&) {
      open_.insert(id);
      return 0;
    }
    (last_.status / 100 == 2 ? accepted_ : refused_).insert(id);
    return last_.status;
  }

  void check(std::uint16_t port) {
    http_client http{port, make_token({})};
    std::set<std::string> stored;
    for (const auto& frame : read_history(http, "p"))
      EXPECT_TRUE(stored.insert(text(frame, "id")).second) << "doubled";
    for (const auto& id : accepted_)
      EXPECT_TRUE(stored.contains(id)) << id << " was accepted and is missing";
    for (const auto& id : refused_)
      EXPECT_FALSE(stored.contains(id)) << id << " was refused and is there";
    EXPECT_LE(stored.size(), accepted_.size() + open_.size());
  }

  const http_response& last() const {
    return last_;
  }

private:
  http_client http_;
  int sent_ = 0;
  http_response last_;
  std::set<std::string> accepted_;
  std::set<std::string> refused_;
  std::set<std::string> open_;
};

// So that a write that hangs on the full disk is given up soon.
const environment short_timeout{{"CALLBOARD_LISTEN_REQUEST_TIMEOUT", "2s"}};

} // namespace

TEST(storage_failures, a_full_disk_is_told_harms_nothing_and_is_got_over) {
  small_disk disk;
  if (!disk.mount("size=160m"))
    GTEST_SKIP() << "mounting a small tmpfs is not permitted here";
  node_process node{{.data_dir = disk.path() / "data", .env = short_timeout}};
  accountant producer{node.port()};
  for (int i = 0; i < 20; ++i)
    ASSERT_EQ(producer.publish(), 200);

  // Somebody else fills the disk.
  disk.fill();
  ASSERT_TRUE(eventually([&] { return producer.publish() / 100 > 2; },
                         std::chrono::seconds{30}))
    << "a full disk was not noticed";
  const auto& refused = producer.last();
  EXPECT_EQ(refused.status, 503) << refused.body;
  EXPECT_EQ(refused.code(), "unavailable");
  EXPECT_FALSE(refused.header("Retry-After").empty());
  EXPECT_NE(text(refused.object(), "detail").find("disk"), std::string::npos)
    << refused.body;
  EXPECT_TRUE(node.running());
  http_client probe{node.port(), make_token({})};
  EXPECT_EQ(probe.get("/healthz").status, 200);
  EXPECT_EQ(probe.get("/readyz").status, 503);
  EXPECT_NE(probe.get("/metrics").body.find("callboard_disk_full 1"),
            std::string::npos);
  EXPECT_GE(read_history(probe, "p").size(), 20u) << "reading goes on";

  disk.make_room();
  ASSERT_TRUE(eventually([&] { return producer.publish() == 200; },
                         std::chrono::seconds{30}))
    << "there is room again, and no write is taken: " << node.standard_error();
  for (int i = 0; i < 20; ++i)
    ASSERT_EQ(producer.publish(), 200);
  producer.check(node.port());
  node.restart();
  producer.check(node.port());
}

TEST(storage_failures, a_disk_filled_by_its_own_events_to_the_last_byte) {
  small_disk disk;
  if (!disk.mount("size=16m"))
    GTEST_SKIP() << "mounting a small tmpfs is not permitted here";
  auto env = short_timeout;
  env["CALLBOARD_STORAGE_MIN_FREE_BYTES"] = "0";
  node_process node{{.data_dir = disk.path() / "data", .env = env}};
  accountant producer{node.port()};
  int status = 200;
  for (int i = 0; i < 2000 && status == 200; ++i)
    status = producer.publish();
  ASSERT_NE(status, 200) << "the disk was never full";
  EXPECT_TRUE(node.running()) << node.standard_error();
  ASSERT_TRUE(disk.grow("size=200m"));
  ASSERT_TRUE(eventually([&] { return producer.publish() == 200; },
                         std::chrono::seconds{30}))
    << node.standard_error();
  producer.check(node.port());
  node.restart();
  producer.check(node.port());
}

TEST(storage_failures,
     a_node_killed_on_a_full_disk_starts_again_when_there_is_room) {
  small_disk disk;
  if (!disk.mount("size=16m"))
    GTEST_SKIP() << "mounting a small tmpfs is not permitted here";
  auto env = short_timeout;
  env["CALLBOARD_STORAGE_MIN_FREE_BYTES"] = "0";
  node_process node{{.data_dir = disk.path() / "data", .env = env}};
  accountant producer{node.port()};
  int status = 200;
  for (int i = 0; i < 2000 && status == 200; ++i)
    status = producer.publish();
  node.kill();
  ASSERT_TRUE(disk.grow("size=200m"));
  node.restart();
  producer.check(node.port());
}

TEST(storage_failures, a_second_process_on_the_same_directory_is_refused) {
  node_process first;
  http_client http{first.port(), make_token({})};
  ASSERT_EQ(http.publish("p", filler_event()).status / 100, 2);
  const auto second = failed_start({.data_dir = first.data_dir()});
  EXPECT_EQ(second.status, 1) << second.errors;
  EXPECT_NE(second.errors.find(first.data_dir().string()), std::string::npos)
    << second.errors;
  EXPECT_EQ(http.publish("p", filler_event()).status / 100, 2)
    << "the first goes on";
  EXPECT_EQ(read_history(http, "p").size(), 2u);
}

TEST(storage_failures, a_store_of_a_newer_format_is_refused_and_left_alone) {
  const temp_dir dir;
  const auto data = dir.path() / "data";
  {
    node_process node{{.data_dir = data}};
    http_client http{node.port(), make_token({})};
    ASSERT_EQ(http.publish("p", filler_event()).status / 100, 2);
    node.terminate();
    ASSERT_EQ(node.wait_exit(), 0);
  }
  const auto known = replace_version(data / "log", "99");
  const auto failure = failed_start({.data_dir = data});
  EXPECT_EQ(failure.status, 1) << failure.errors;
  EXPECT_NE(failure.errors.find("99"), std::string::npos) << failure.errors;
  EXPECT_NE(failure.errors.find("newer"), std::string::npos) << failure.errors;
  EXPECT_EQ(replace_version(data / "log", known), "99") << "it was overwritten";
  const node_process node{{.data_dir = data}};
  http_client http{node.port(), make_token({})};
  EXPECT_EQ(read_history(http, "p").size(), 1u);
}

TEST(storage_failures, a_directory_that_cannot_be_written_is_named) {
  const auto failure = failed_start({.data_dir = "/proc/callboard-data"});
  EXPECT_EQ(failure.status, 1) << failure.errors;
  EXPECT_NE(failure.errors.find("/proc/callboard-data"), std::string::npos)
    << failure.errors;
}

TEST(storage_failures, a_read_only_directory_is_named) {
  small_disk disk;
  if (!disk.mount("size=1m", MS_RDONLY))
    GTEST_SKIP() << "mounting is not permitted here";
  const auto failure = failed_start({.data_dir = disk.path() / "data"});
  EXPECT_EQ(failure.status, 1) << failure.errors;
  EXPECT_NE(failure.errors.find(disk.path().string()), std::string::npos)
    << failure.errors;
}

TEST(storage_failures, a_data_path_that_is_a_file_is_named) {
  const temp_dir dir;
  write_file(dir.path() / "data", 65536);
  const auto failure = failed_start({.data_dir = dir.path() / "data"});
  EXPECT_EQ(failure.status, 1) << failure.errors;
  EXPECT_NE(failure.errors.find("data"), std::string::npos) << failure.errors;
  EXPECT_EQ(fs::file_size(dir.path() / "data"), 65536u)
    << "the file is untouched";
}

} // namespace callboard::test
