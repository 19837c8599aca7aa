#pragma once

#include "actors/model/problem.hpp"

#include <filesystem>
#include <string>

namespace rocksdb {
class Status;
}

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

/// Whether the disk, or the user's share of it, is full: now, or when the error
/// occurred that RocksDB still remembers.
bool means_no_space(const rocksdb::Status& status);

} // namespace callboard
