#include "storage/state_statistics.hpp"

#include "storage/json_writer.hpp"
#include "storage/state_keys.hpp"
#include "storage/state_rows.hpp"

namespace callboard {

namespace {

std::uint64_t property(const state_db& db, const std::string& name) {
  std::uint64_t sum = 0;
  for (auto* handle : db.all()) {
    std::uint64_t value = 0;
    if (db.db().GetIntProperty(handle, name, &value))
      sum += value;
  }
  return sum;
}

std::uint64_t file_count(const state_db& db) {
  std::uint64_t count = 0;
  for (auto* handle : db.all()) {
    rocksdb::ColumnFamilyMetaData data;
    db.db().GetColumnFamilyMetaData(handle, &data);
    count += data.file_count;
  }
  return count;
}

} // namespace

std::string state_statistics(const state_db& db) {
  std::string out;
  json_writer members{out};
  members.number("keys",
                 property(db, rocksdb::DB::Properties::kEstimateNumKeys));
  members.number("bytes", state_disk_bytes(db));
  members.number("files", file_count(db));
  members.number("memtable_bytes",
                 property(db, rocksdb::DB::Properties::kCurSizeAllMemTables));
  members.number(
    "pending_compaction_bytes",
    property(db, rocksdb::DB::Properties::kEstimatePendingCompactionBytes));
  members.number("running_compactions",
                 property(db, rocksdb::DB::Properties::kNumRunningCompactions));
  return out;
}

std::uint64_t state_disk_bytes(const state_db& db) {
  return property(db, rocksdb::DB::Properties::kTotalSstFilesSize);
}

result<std::string> room_statistics(const state_view& at,
                                    const tenant_id& tenant) {
  std::string out = "[";
  for (std::uint32_t i = 0; i < at.db().shards(); ++i) {
    key_scan scan{at, family::rows, keys::rooms({i}, tenant.value)};
    for (scan.seek_first(); scan.valid(); scan.next()) {
      auto row = rows::decode_room(scan.value());
      if (!row)
        return tl::unexpected{row.error()};
      if (out.size() > 1)
        out.push_back(',');
      out.push_back('{');
      json_writer members{out};
      members.text("room", room_name({tenant, {std::string{scan.suffix()}}}));
      members.number("shard", i);
      members.number("head", row->head.value);
      members.number("oldest", row->oldest.value);
      out.push_back('}');
    }
    if (auto done = scan.check(); !done)
      return tl::unexpected{done.error()};
  }
  out.push_back(']');
  return out;
}

} // namespace callboard
