#pragma once

#include "actors/model/problem.hpp"

#include <filesystem>
#include <string>

namespace rocksdb {
class DB;
class Status;
struct DBOptions;
} // namespace rocksdb

/// What both stores of a node say when their folder cannot be used.
namespace callboard {

/// Creates `dir` with its parents. errc::internal names it and says why not.
result<void> make_database_folder(const std::filesystem::path& dir);

/// Why DB::Open() failed: errc::unavailable when another process has the
/// database open or there is no space, errc::internal otherwise.
problem open_failure(const rocksdb::Status& status,
                     const std::filesystem::path& dir);

/// errc::conflict: the database was made by a newer program.
problem newer_format(const std::filesystem::path& dir, const std::string& found,
                     const std::string& known);

/// Sets what a database needs to live through a full disk: no log file of
/// RocksDB's own (Debian's build aborts when one cannot be written; what
/// matters is in the statuses), and no recovery but by DB::Resume(), which
/// RocksDB otherwise refuses while its own thread waits for room.
void survive_full_disk(rocksdb::DBOptions& opts);

/// Lets a database whose writes found no space try again, if there is room in
/// `dir` by now; the next write tells whether it worked. Blocks.
void resume_database(rocksdb::DB& db, const std::filesystem::path& dir);

/// DB::Resume() begins another write-ahead log only if there is something to
/// flush; the old one, once it found no space, must not be written any more:
/// RocksDB would abort. So a database with such a log is never left without
/// anything: call it after the opening and after resuming.
void leave_something_to_flush(rocksdb::DB& db);

/// Whether the disk, or the user's share of it, is full: now, or when the error
/// occurred that RocksDB still remembers.
bool means_no_space(const rocksdb::Status& status);

} // namespace callboard
