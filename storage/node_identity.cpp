#include "storage/node_identity.hpp"

#include "storage/byte_hash.hpp"
#include "storage/coding.hpp"
#include "storage/open_database.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <random>
#include <system_error>
#include <utility>

namespace callboard {

namespace {

constexpr std::string_view magic = "callboard identity\n";
constexpr std::uint8_t version = 1;
constexpr std::size_t disk_digits = 32;

/// A file with more than this is none of ours: maps have some kilobytes.
constexpr std::size_t max_file_bytes = 64u << 20;

/// An open file or folder.
class descriptor {
public:
  descriptor(const std::filesystem::path& path, int flags)
      : fd_{::open(path.c_str(), flags | O_CLOEXEC, 0600)} {
    // nop
  }
  ~descriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;

  bool good() const noexcept {
    return fd_ >= 0;
  }

  bool write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto size = ::write(fd_, bytes.data(), bytes.size());
      if (size < 0 && errno == EINTR)
        continue;
      if (size <= 0)
        return false;
      bytes.remove_prefix(static_cast<std::size_t>(size));
    }
    return true;
  }

  /// Up to `limit` bytes.
  bool read(std::string& out, std::size_t limit) const {
    char block[16 * 1024];
    while (out.size() < limit) {
      const auto size = ::read(fd_, block, sizeof(block));
      if (size < 0 && errno == EINTR)
        continue;
      if (size < 0)
        return false;
      if (size == 0)
        return true;
      out.append(block, static_cast<std::size_t>(size));
    }
    return true;
  }

  bool sync() const {
    return ::fsync(fd_) == 0;
  }

private:
  int fd_;
};

tl::unexpected<problem> trouble(std::string_view doing,
                                const std::filesystem::path& file) {
  const auto why = std::error_code{errno, std::generic_category()};
  const bool full = errno == ENOSPC || errno == EDQUOT;
  return fail(full ? errc::unavailable : errc::internal,
              "cannot " + std::string{doing} + " \"" + file.string()
                + "\": " + why.message()
                + (full ? "; free some space"
                        : "; check that this user may read and write it"));
}

std::string random_hex() {
  constexpr char digits[] = "0123456789abcdef";
  std::random_device device;
  std::string out;
  while (out.size() < disk_digits)
    for (auto bits = device(), i = 0u; i < 8; ++i, bits >>= 4)
      out.push_back(digits[bits & 15]);
  return out;
}

/// The file's bytes; nullopt: there is no such file.
result<std::optional<std::string>> read_file(const std::filesystem::path& at) {
  const descriptor in{at, O_RDONLY};
  if (!in.good()) {
    if (errno == ENOENT)
      return std::optional<std::string>{};
    return trouble("read", at);
  }
  std::string bytes;
  if (!in.read(bytes, max_file_bytes))
    return trouble("read", at);
  return std::optional{std::move(bytes)};
}

} // namespace

node_identity_file::node_identity_file(std::filesystem::path dir)
    : dir_{std::move(dir)} {
  // nop
}

std::filesystem::path node_identity_file::file() const {
  return dir_ / "identity";
}

result<node_identity_file>
node_identity_file::open(const std::filesystem::path& dir) {
  if (auto made = make_database_folder(dir); !made)
    return tl::unexpected{made.error()};
  node_identity_file out{dir};
  auto bytes = read_file(out.file());
  if (!bytes)
    return tl::unexpected{bytes.error()};
  if (!*bytes) {
    if (auto made = out.write({random_hex(), {}, {}, {}}); !made)
      return tl::unexpected{made.error()};
    return out;
  }
  auto found = out.decode(**bytes);
  if (!found)
    return tl::unexpected{found.error()};
  out.now_ = std::move(*found);
  return out;
}

result<void> node_identity_file::join(std::string_view cluster,
                                      std::string_view genesis) {
  if (cluster.empty())
    return fail(errc::invalid, "a cluster has an id");
  if (now_.cluster == cluster)
    return {};
  if (!now_.cluster.empty())
    return fail(errc::conflict,
                "the data in \"" + dir_.string() + "\" belongs to cluster "
                  + now_.cluster + ", not to " + std::string{cluster}
                  + "; give this node the data folder of a node of that "
                    "cluster, or an empty one");
  auto next = now_;
  next.cluster = cluster;
  next.genesis = genesis;
  next.latest = genesis;
  return write(std::move(next));
}

result<void> node_identity_file::remember(std::string_view map) {
  if (now_.cluster.empty())
    return fail(errc::conflict, "the data in \"" + dir_.string()
                                  + "\" belongs to no cluster yet");
  if (now_.latest == map)
    return {};
  auto next = now_;
  next.latest = map;
  return write(std::move(next));
}

/// Under another name first: what stands under the right one is always whole.
result<void> node_identity_file::write(content next) {
  const auto written = dir_ / "identity.new";
  {
    const descriptor out{written, O_WRONLY | O_CREAT | O_TRUNC};
    if (!out.good() || !out.write(encode(next)) || !out.sync())
      return trouble("write", written);
  }
  if (::rename(written.c_str(), file().c_str()) != 0)
    return trouble("write", file());
  const descriptor folder{dir_, O_RDONLY | O_DIRECTORY};
  if (!folder.good() || !folder.sync())
    return trouble("write", file());
  now_ = std::move(next);
  return {};
}

std::string node_identity_file::encode(const content& x) {
  std::string out{magic};
  out.push_back(static_cast<char>(version));
  for (auto* part : {&x.disk, &x.cluster, &x.genesis, &x.latest})
    coding::put_text(out, *part);
  coding::put_big_endian(out, hash_of(out));
  return out;
}

result<node_identity_file::content>
node_identity_file::decode(std::string_view bytes) const {
  auto damaged = [this] {
    return fail(errc::internal,
                "\"" + file().string()
                  + "\" is damaged; restore it from a backup, or remove this "
                    "node from its cluster and let it join again with an "
                    "empty data folder");
  };
  if (!bytes.starts_with(magic) || bytes.size() < magic.size() + 9)
    return damaged();
  const auto number = static_cast<std::uint8_t>(bytes[magic.size()]);
  if (number > version)
    return tl::unexpected{
      newer_format(file(), std::to_string(number), std::to_string(version))};
  const auto body = bytes.substr(0, bytes.size() - 8);
  std::uint64_t hash = 0;
  if (!coding::reader{bytes.substr(body.size())}.big_endian(hash)
      || hash != hash_of(body))
    return damaged();
  coding::reader in{body.substr(magic.size() + 1)};
  std::string_view disk, cluster, genesis, latest;
  if (number != version || !in.text(disk) || !in.text(cluster)
      || !in.text(genesis) || !in.text(latest) || !in.done()
      || disk.size() != disk_digits)
    return damaged();
  return content{std::string{disk}, std::string{cluster}, std::string{genesis},
                 std::string{latest}};
}

} // namespace callboard
