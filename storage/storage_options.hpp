#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>

namespace rocksdb {
class Env;
class Cache;
class WriteBufferManager;
} // namespace rocksdb

namespace callboard {

/// How both databases of a node use memory and disk.
struct storage_options {
  std::filesystem::path dir;                   ///< Holds log/ and state/.
  std::size_t block_cache_bytes = 256u << 20;  ///< Shared by both.
  std::size_t write_buffer_bytes = 192u << 20; ///< Shared by both.
  /// The state store is flushed when this much log would have to be replayed.
  std::size_t flush_after_log_bytes = 64u << 20;
  int background_threads = 2;
  /// How many open the files of a database when it is opened.
  int opening_threads = 16;
  rocksdb::Env* env = nullptr; ///< Not owned; null: the default. Tests fail it.
  /// What both stores of a node share; null: see share_memory().
  std::shared_ptr<rocksdb::Cache> block_cache = nullptr;
  std::shared_ptr<rocksdb::WriteBufferManager> write_buffers = nullptr;
};

} // namespace callboard
