#pragma once

#include "storage/log_store.hpp"

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <filesystem>
#include <memory>
#include <mutex>

namespace callboard {

struct log_store::batch::impl {
  rocksdb::WriteBatch operations;
  bool replaces = false; ///< Takes the place of what was trimmed.
};

struct log_store::impl {
  std::filesystem::path dir;
  std::unique_ptr<rocksdb::DB> db;
  /// A trim reads what was trimmed before, which installs and wipes replace.
  std::mutex trim_mutex;
};

} // namespace callboard
