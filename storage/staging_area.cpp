#include "storage/staging_area.hpp"

#include "storage/byte_hash.hpp"
#include "storage/coding.hpp"
#include "storage/state_db.hpp"

#include <algorithm>
#include <charconv>

namespace callboard {

namespace {

constexpr std::uint8_t manifest_format = 1;
constexpr const char* manifest_name = "complete";
constexpr const char* manifest_draft = "complete.new";

/// "SHARD-STREAM"
std::optional<staged_state> parse_name(std::string_view name) {
  staged_state out;
  const auto* end = name.data() + name.size();
  auto [dash, bad_shard] = std::from_chars(name.data(), end, out.shard.value);
  if (bad_shard != std::errc{} || dash == end || *dash != '-')
    return std::nullopt;
  auto [last, bad_stream] = std::from_chars(dash + 1, end, out.stream.value);
  if (bad_stream != std::errc{} || last != end)
    return std::nullopt;
  return out;
}

/// Children of a folder without "." and ".."; none if there is no such folder.
rocksdb::Status children(rocksdb::Env& env, const std::string& path,
                         std::vector<std::string>& out) {
  auto status = env.GetChildren(path, &out);
  std::erase_if(out, [](auto& x) { return x == "." || x == ".."; });
  return status.IsNotFound() ? rocksdb::Status::OK() : status;
}

} // namespace

std::string encode(const staged_manifest& x) {
  std::string out(1, static_cast<char>(manifest_format));
  coding::put_varint(out, x.shard.value);
  coding::put_varint(out, x.stream.value);
  coding::put_varint(out, x.files.size());
  for (auto& file : x.files) {
    coding::put_text(out, file.name);
    coding::put_varint(out, file.bytes);
  }
  coding::put_big_endian(out, hash_of(out));
  return out;
}

std::optional<staged_manifest> decode_staged_manifest(std::string_view bytes) {
  if (bytes.size() < 9)
    return std::nullopt;
  const auto body = bytes.substr(0, bytes.size() - 8);
  std::uint64_t hash = 0, count = 0;
  if (!coding::reader{bytes.substr(body.size())}.big_endian(hash)
      || hash != hash_of(body))
    return std::nullopt;
  staged_manifest out;
  coding::reader in{body};
  std::uint8_t format = 0;
  if (!in.byte(format) || format != manifest_format
      || !in.varint(out.shard.value) || !in.varint(out.stream.value)
      || !in.varint(count) || count > body.size())
    return std::nullopt;
  for (; count > 0; --count) {
    std::string_view name;
    std::uint64_t size = 0;
    if (!in.text(name) || !in.varint(size))
      return std::nullopt;
    out.files.push_back({std::string{name}, size});
  }
  if (!in.done())
    return std::nullopt;
  return out;
}

staging_area::staging_area(rocksdb::Env& env, std::string dir)
    : env_{env}, dir_{std::move(dir)} {
  // nop
}

std::string staging_area::folder(shard_id shard, stream_id stream) const {
  return dir_ + '/' + std::to_string(shard.value) + '-'
         + std::to_string(stream.value);
}

result<std::shared_ptr<staging_claim>> staging_area::begin(shard_id shard,
                                                           stream_id stream) {
  const std::lock_guard guard{mutex_};
  revoke(shard);
  auto dropped
    = drop_where([&](const staged_state& x) { return x.shard != shard; });
  if (!dropped)
    return tl::unexpected{dropped.error()};
  const auto path = folder(shard, stream);
  auto status = env_.CreateDirIfMissing(dir_);
  if (status.ok())
    status = env_.CreateDirIfMissing(path);
  if (!status.ok())
    return storage_problem(status, "staging a shard's state");
  auto out = std::make_shared<staging_claim>();
  claims_[shard] = out;
  return out;
}

result<void> staging_area::complete(const staged_manifest& x) {
  // Files, folder, and its place are on the disk before anything says so.
  const auto path = folder(x.shard, x.stream);
  const auto parent = dir_.substr(0, dir_.rfind('/'));
  for (auto* synced : {&path, &dir_, &parent})
    if (auto done = sync_folder(*synced); !done)
      return done;
  const auto draft = path + '/' + manifest_draft;
  auto status = rocksdb::WriteStringToFile(&env_, encode(x), draft, true);
  if (status.ok())
    status = env_.RenameFile(draft, path + '/' + manifest_name);
  if (!status.ok())
    return storage_problem(status, "finishing a staged state");
  return sync_folder(path);
}

result<staged_manifest> staging_area::find(shard_id shard,
                                           stream_id stream) const {
  const auto path = folder(shard, stream);
  auto missing = [&](std::string_view why) {
    return fail(errc::not_found, "there is no staged state in \"" + path
                                   + "\": " + std::string{why});
  };
  const auto manifest = path + '/' + manifest_name;
  if (env_.FileExists(manifest).IsNotFound())
    return missing("it was dropped or never finished");
  std::string bytes;
  auto status = rocksdb::ReadFileToString(&env_, manifest, &bytes);
  if (!status.ok())
    return storage_problem(status, "reading a staged state");
  auto found = decode_staged_manifest(bytes);
  if (!found || found->shard != shard || found->stream != stream)
    return fail(errc::internal, "the file \"" + manifest
                                  + "\" is damaged; remove this replica and "
                                    "let it be made again");
  for (auto& file : found->files) {
    std::uint64_t size = 0;
    status = env_.GetFileSize(path + '/' + file.name, &size);
    if (!status.ok() || size != file.bytes)
      return fail(errc::internal, "the file \"" + path + '/' + file.name
                                    + "\" is not the one that was staged");
  }
  return *found;
}

result<void> staging_area::drop(shard_id shard) {
  const std::lock_guard guard{mutex_};
  revoke(shard);
  return drop_where([&](const staged_state& x) { return x.shard != shard; });
}

result<void> staging_area::drop_except(std::span<const staged_state> keep) {
  const std::lock_guard guard{mutex_};
  std::vector<shard_id> claimed;
  for (auto& [shard, claim] : claims_)
    claimed.push_back(shard);
  for (auto shard : claimed)
    revoke(shard);
  return drop_where([&](const staged_state& x) {
    return std::ranges::find(keep, x) != keep.end();
  });
}

result<void> staging_area::drop_folder(const std::string& path) const {
  std::vector<std::string> names;
  auto status = children(env_, path, names);
  // Without it the state is none: it goes first.
  std::ranges::sort(names, {}, [](auto& x) { return x != manifest_name; });
  for (auto& name : names) {
    if (status.ok())
      status = env_.DeleteFile(path + '/' + name);
    if (status.ok() && name == manifest_name)
      if (auto done = sync_folder(path); !done)
        return done;
  }
  if (status.ok() && env_.FileExists(path).ok())
    status = env_.DeleteDir(path);
  if (!status.ok())
    return storage_problem(status, "dropping a staged state");
  return {};
}

result<void> staging_area::sync_folder(const std::string& path) const {
  std::unique_ptr<rocksdb::Directory> opened;
  auto status = env_.NewDirectory(path, &opened);
  if (status.ok())
    status = opened->Fsync();
  if (!status.ok())
    return storage_problem(status, "staging a shard's state");
  return {};
}

template <class Wanted>
result<void> staging_area::drop_where(Wanted wanted) const {
  std::vector<std::string> names;
  if (auto status = children(env_, dir_, names); !status.ok())
    return storage_problem(status, "looking for staged states");
  for (auto& name : names) {
    auto state = parse_name(name);
    if (!state || wanted(*state))
      continue;
    if (auto done = drop_folder(dir_ + '/' + name); !done)
      return done;
  }
  return {};
}

void staging_area::revoke(shard_id shard) {
  auto found = claims_.find(shard);
  if (found == claims_.end())
    return;
  if (auto claim = found->second.lock()) {
    const std::lock_guard guard{claim->mutex};
    claim->void_ = true;
  }
  claims_.erase(found);
}

} // namespace callboard
