#include "tests/support/power_cut_env.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

namespace callboard::test {

namespace {

rocksdb::Status power_out() {
  return rocksdb::Status::IOError("the power is out");
}

std::string folder_of(const std::string& path) {
  return std::filesystem::path{path}.parent_path().string();
}

std::string content_of(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
}

void write_content(const std::string& path, const std::string& bytes) {
  std::ofstream{path, std::ios::binary | std::ios::trunc} << bytes;
}

/// Does to the bytes from `safe` on what `how` says.
void damage_tail(const std::string& path, std::uint64_t safe,
                 power_cut_env::tail how) {
  const auto size = std::filesystem::file_size(path);
  if (size <= safe)
    return;
  switch (how) {
  case power_cut_env::tail::lost:
    std::filesystem::resize_file(path, safe);
    break;
  case power_cut_env::tail::torn:
    std::filesystem::resize_file(path, safe + (size - safe) / 2);
    break;
  case power_cut_env::tail::scrambled: {
    auto bytes = content_of(path);
    for (auto i = static_cast<std::size_t>(safe); i < bytes.size(); ++i)
      bytes[i] = static_cast<char>(bytes[i] ^ 0x5a);
    write_content(path, bytes);
    break;
  }
  }
}

} // namespace

class power_cut_env::file : public rocksdb::WritableFileWrapper {
public:
  file(std::unique_ptr<rocksdb::WritableFile> inner, power_cut_env& env,
       std::string path)
      : WritableFileWrapper{inner.get()}, inner_{std::move(inner)}, env_{env},
        path_{std::move(path)} {
    // nop
  }

  rocksdb::Status Append(const rocksdb::Slice& data) override {
    if (auto status = env_.check_write(path_); !status.ok())
      return status;
    return WritableFileWrapper::Append(data);
  }

  rocksdb::Status
  Append(const rocksdb::Slice& data,
         const rocksdb::DataVerificationInfo& checksum) override {
    if (auto status = env_.check_write(path_); !status.ok())
      return status;
    return WritableFileWrapper::Append(data, checksum);
  }

  rocksdb::Status Sync() override {
    if (auto status = env_.count_sync(path_); !status.ok())
      return status;
    // A file that was opened again counts only what it wrote since.
    std::error_code none;
    const auto size = std::filesystem::file_size(path_, none);
    env_.file_synced(path_, none ? GetFileSize() : size);
    return rocksdb::Status::OK();
  }

  rocksdb::Status Fsync() override {
    return Sync();
  }

  rocksdb::Status RangeSync(uint64_t /*offset*/, uint64_t /*size*/) override {
    return rocksdb::Status::OK(); // promises nothing
  }

private:
  std::unique_ptr<rocksdb::WritableFile> inner_;
  power_cut_env& env_;
  const std::string path_;
};

class power_cut_env::folder : public rocksdb::Directory {
public:
  folder(std::unique_ptr<rocksdb::Directory> inner, power_cut_env& env,
         std::string path)
      : inner_{std::move(inner)}, env_{env}, path_{std::move(path)} {
    // nop
  }

  rocksdb::Status Fsync() override {
    if (auto status = env_.count_sync(path_); !status.ok())
      return status;
    env_.folder_synced(path_);
    return rocksdb::Status::OK();
  }

  rocksdb::Status Close() override {
    return inner_->Close();
  }

private:
  std::unique_ptr<rocksdb::Directory> inner_;
  power_cut_env& env_;
  const std::string path_;
};

power_cut_env::power_cut_env() : EnvWrapper{rocksdb::Env::Default()} {
  // nop
}

void power_cut_env::cut_after_syncs(std::uint64_t syncs) {
  std::lock_guard guard{mutex_};
  cut_at_ = syncs_ + syncs;
}

bool power_cut_env::power_is_out() const {
  std::lock_guard guard{mutex_};
  return cut_at_ && syncs_ >= *cut_at_;
}

std::uint64_t power_cut_env::syncs() const {
  std::lock_guard guard{mutex_};
  return syncs_;
}

void power_cut_env::fail_writes(fault what, std::string suffix) {
  std::lock_guard guard{mutex_};
  fault_ = what;
  fault_suffix_ = std::move(suffix);
}

void power_cut_env::restore_power(tail how) {
  std::lock_guard guard{mutex_};
  for (auto& [path, state] : files_) {
    if (!std::filesystem::exists(path))
      continue;
    if (state.entry_synced)
      damage_tail(path, state.synced_bytes, how);
    else if (state.replaced)
      write_content(path, *state.replaced);
    else
      std::filesystem::remove(path);
  }
  files_.clear();
  cut_at_.reset();
}

rocksdb::Status power_cut_env::check_write(const std::string& path) const {
  std::lock_guard guard{mutex_};
  if (cut_at_ && syncs_ >= *cut_at_)
    return power_out();
  if (fault_ == fault::none || !path.ends_with(fault_suffix_))
    return rocksdb::Status::OK();
  return fault_ == fault::no_space
           ? rocksdb::Status::NoSpace(path, "No space left on device")
           : rocksdb::Status::IOError(path, "Input/output error");
}

rocksdb::Status power_cut_env::count_sync(const std::string& path) {
  if (auto status = check_write(path); !status.ok() && !status.IsNoSpace())
    return status;
  std::lock_guard guard{mutex_};
  ++syncs_;
  return rocksdb::Status::OK();
}

void power_cut_env::file_synced(const std::string& path, std::uint64_t bytes) {
  std::lock_guard guard{mutex_};
  files_[path].synced_bytes = bytes;
}

void power_cut_env::folder_synced(const std::string& path) {
  std::lock_guard guard{mutex_};
  for (auto& [name, state] : files_) {
    if (folder_of(name) != std::filesystem::path{path}.string())
      continue;
    state.entry_synced = true;
    state.replaced.reset();
  }
}

rocksdb::Status
power_cut_env::NewWritableFile(const std::string& path,
                               std::unique_ptr<rocksdb::WritableFile>* out,
                               const rocksdb::EnvOptions& opts) {
  if (auto status = check_write(path); !status.ok())
    return status;
  auto status = EnvWrapper::NewWritableFile(path, out, opts);
  if (!status.ok())
    return status;
  std::lock_guard guard{mutex_};
  files_[path] = {};
  *out = std::make_unique<file>(std::move(*out), *this, path);
  return status;
}

rocksdb::Status
power_cut_env::ReopenWritableFile(const std::string& path,
                                  std::unique_ptr<rocksdb::WritableFile>* out,
                                  const rocksdb::EnvOptions& opts) {
  if (auto status = check_write(path); !status.ok())
    return status;
  auto status = EnvWrapper::ReopenWritableFile(path, out, opts);
  if (status.ok())
    *out = std::make_unique<file>(std::move(*out), *this, path);
  return status;
}

rocksdb::Status
power_cut_env::ReuseWritableFile(const std::string& path,
                                 const std::string& old_path,
                                 std::unique_ptr<rocksdb::WritableFile>* out,
                                 const rocksdb::EnvOptions& opts) {
  if (auto status = RenameFile(old_path, path); !status.ok())
    return status;
  return NewWritableFile(path, out, opts);
}

rocksdb::Status
power_cut_env::NewDirectory(const std::string& path,
                            std::unique_ptr<rocksdb::Directory>* out) {
  auto status = EnvWrapper::NewDirectory(path, out);
  if (status.ok())
    *out = std::make_unique<folder>(std::move(*out), *this, path);
  return status;
}

rocksdb::Status power_cut_env::DeleteFile(const std::string& path) {
  if (power_is_out())
    return power_out();
  auto status = EnvWrapper::DeleteFile(path);
  std::lock_guard guard{mutex_};
  files_.erase(path);
  return status;
}

rocksdb::Status power_cut_env::RenameFile(const std::string& from,
                                          const std::string& to) {
  if (power_is_out())
    return power_out();
  std::optional<std::string> replaced;
  if (std::filesystem::exists(to))
    replaced = content_of(to);
  auto status = EnvWrapper::RenameFile(from, to);
  if (!status.ok())
    return status;
  std::lock_guard guard{mutex_};
  auto node = files_.extract(from);
  if (node.empty())
    return status;
  node.mapped().entry_synced = false;
  node.mapped().replaced = std::move(replaced);
  files_[to] = std::move(node.mapped());
  return status;
}

void power_cut_env::SleepForMicroseconds(int micros) {
  EnvWrapper::SleepForMicroseconds(std::min(micros, 1000));
}

rocksdb::Status power_cut_env::LinkFile(const std::string& from,
                                        const std::string& to) {
  if (auto status = check_write(to); !status.ok())
    return status;
  auto status = EnvWrapper::LinkFile(from, to);
  if (!status.ok())
    return status;
  std::lock_guard guard{mutex_};
  auto known = files_.find(from);
  files_[to].synced_bytes = known != files_.end()
                              ? known->second.synced_bytes
                              : std::filesystem::file_size(to);
  return status;
}

} // namespace callboard::test
