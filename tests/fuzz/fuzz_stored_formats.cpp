// Whatever lies on the disk may come back damaged. Besides not crashing: what a
// decoder accepts can be written again and then reads the same, and an entry is
// folded or refused in words. The first byte says which format the rest is in.

#include "storage/byte_hash.hpp"
#include "storage/coding.hpp"
#include "storage/cursor.hpp"
#include "storage/entry.hpp"
#include "storage/staging_area.hpp"
#include "storage/state_chunk.hpp"
#include "storage/state_fold.hpp"
#include "storage/state_keys.hpp"
#include "storage/state_rows.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

namespace {

using namespace callboard;

void require(bool condition, const char* what) {
  if (condition)
    return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

/// A store to fold into; nothing is ever written to it.
const state_db& store() {
  static auto db = [] {
    auto name
      = (std::filesystem::temp_directory_path() / "fuzz-XXXXXX").string();
    require(::mkdtemp(name.data()) != nullptr, "no folder");
    auto opened = state_db::open({.dir = name}, 1);
    require(opened.has_value(), "no store");
    static struct remover {
      std::string dir;
      ~remover() {
        std::error_code ignored;
        std::filesystem::remove_all(dir, ignored);
      }
    } at_exit{name};
    return std::move(*opened);
  }();
  return *db;
}

/// Rows that were read, written and read again are the same bytes from then on.
template <class Decode>
void check_row(std::string_view bytes, Decode decode) {
  auto row = decode(bytes);
  if (!row) {
    require(!row.error().detail.empty(), "a refusal without words");
    return;
  }
  auto written = rows::encode(*row);
  auto again = decode(written);
  require(again.has_value(), "a row cannot be read back");
  require(rows::encode(*again) == written, "a row changes when read back");
}

void check_record(std::string_view bytes) {
  auto view = decode_record(bytes);
  if (!view) {
    require(!view.error().detail.empty(), "a refusal without words");
    return;
  }
  event_record record;
  record.type = view->type;
  record.scope = view->scope;
  record.timeline = view->timeline;
  record.id.value = view->id;
  record.run.value = view->run;
  record.step.value = view->step;
  record.definition.value = view->definition;
  record.ts_ms = view->ts_ms;
  record.tail = view->tail;
  auto offset = [&](std::string_view part) {
    return static_cast<std::uint32_t>(part.data() - view->tail.data());
  };
  record.type_begin = offset(view->type_name);
  record.type_size = static_cast<std::uint32_t>(view->type_name.size());
  record.body_begin = offset(view->body);
  record.body_size = static_cast<std::uint32_t>(view->body.size());
  std::string written;
  record.dispatch = {view->mark, std::string{view->mark_text}};
  record.facts = view->facts;
  encode_record(written, record);
  if (bytes.front() == written.front()) // else of an older format
    require(written == bytes, "a record changes when written again");
}

void check_payload(std::string_view bytes) {
  entry_item item;
  entry_reader in{bytes};
  while (in.next(item))
    if (item.op == entry_item::what::event)
      check_record(item.record);
  rocksdb::WriteBatch batch;
  state_fold fold{store(), {0}, batch};
  auto done = fold.add(bytes);
  require(done || !done.error().detail.empty(), "a refusal without words");
  require(in.ok() || !done, "a malformed entry was folded");
  if (done)
    fold.finish();
}

void check_cursor(std::string_view bytes) {
  if (auto place = decode_cursor('L', bytes))
    require(encode_cursor('L', *place) == bytes, "a cursor has two spellings");
}

/// A chunk that reads to its end, written again, is the same chunk.
void check_chunk(std::string_view bytes) {
  auto in = chunk_reader::open(bytes);
  if (!in) {
    require(!in.error().detail.empty(), "a refusal without words");
    return;
  }
  chunk_writer out{in->shard(), in->number()};
  chunk_reader::row row;
  while (in->next(row))
    out.add(row.in, row.key, row.value);
  if (in->end())
    out.end(*in->end());
  require(!in->ok() || out.take() == bytes, "a chunk has two spellings");
}

/// The same behind a right checksum, which chance does not find.
void check_chunk_body(std::string_view body) {
  std::string bytes(1, '\1');
  coding::put_big_endian(bytes, hash_of(body));
  check_chunk(bytes.append(body));
}

void check_manifest(std::string_view body) {
  std::string bytes{body};
  coding::put_big_endian(bytes, hash_of(body));
  if (auto x = decode_staged_manifest(bytes))
    require(encode(*x) == bytes, "a manifest has two spellings");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size == 0)
    return 0;
  std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  switch (data[0]) {
  case 'e':
    check_payload(bytes);
    break;
  case 'v':
    check_record(bytes);
    break;
  case 'r':
    check_row(bytes, rows::decode_run);
    break;
  case 's':
    check_row(bytes, rows::decode_step);
    break;
  case 'o':
    check_row(bytes, rows::decode_room);
    break;
  case 't':
    check_row(bytes, rows::decode_tally);
    break;
  case 'f':
    check_row(bytes, rows::decode_fields);
    break;
  case 'c':
    check_cursor(bytes);
    break;
  case 'h':
    check_chunk(bytes);
    check_chunk_body(bytes);
    break;
  case 'm':
    check_manifest(bytes);
    break;
  case 'k':
    (void)keys::trailing_seq(bytes);
    require(bytes.empty()
              || keys::behind(std::string{bytes}).size() <= bytes.size(),
            "the end of a range is longer than its prefix");
    break;
  default:
    break;
  }
  return 0;
}
