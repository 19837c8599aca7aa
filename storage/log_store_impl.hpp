#pragma once

#include "storage/log_store.hpp"

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <filesystem>
#include <memory>

namespace callboard {

struct log_store::batch::impl {
  rocksdb::WriteBatch operations;
};

struct log_store::impl {
  std::filesystem::path dir;
  std::unique_ptr<rocksdb::DB> db;
};

} // namespace callboard
