#include "storage/shared_memory.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/write_buffer_manager.h>

namespace callboard {

storage_options share_memory(storage_options opts) {
  if (!opts.block_cache)
    opts.block_cache = rocksdb::NewLRUCache(opts.block_cache_bytes);
  if (!opts.write_buffers)
    opts.write_buffers
      = std::make_shared<rocksdb::WriteBufferManager>(opts.write_buffer_bytes);
  return opts;
}

} // namespace callboard
