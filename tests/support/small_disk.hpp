#pragma once

#include "tests/support/temp_dir.hpp"

#include <sys/mount.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace callboard::test {

/// A file system of its own (tmpfs), as small as the test likes; gone with this
/// object, whoever still uses it.
class small_disk {
public:
  ~small_disk() {
    if (mounted_)
      ::umount2(dir_.path().c_str(), MNT_DETACH);
  }

  small_disk() = default;
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;

  /// False where mounting is not permitted.
  bool mount(const std::string& options, unsigned long flags = 0) {
    mounted_
      = ::mount("tmpfs", path().c_str(), "tmpfs", flags, options.c_str()) == 0;
    return mounted_;
  }

  bool grow(const std::string& options) {
    return ::mount(nullptr, path().c_str(), nullptr, MS_REMOUNT,
                   options.c_str())
           == 0;
  }

  /// Somebody else takes all that is left, to the last byte.
  void fill() const {
    std::ofstream out{filler(), std::ios::binary | std::ios::app};
    for (const std::string block(4096, 'x'); out; out.flush())
      out.write(block.data(), static_cast<std::streamsize>(block.size()));
  }

  /// … and gives it back.
  void make_room() const {
    std::filesystem::remove(filler());
  }

  const std::filesystem::path& path() const {
    return dir_.path();
  }

private:
  std::filesystem::path filler() const {
    return path() / "other";
  }

  temp_dir dir_;
  bool mounted_ = false;
};

} // namespace callboard::test
