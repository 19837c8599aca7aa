#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

namespace callboard::test {

/// An empty directory that disappears with this object.
class temp_dir {
public:
  temp_dir() : temp_dir{std::filesystem::temp_directory_path()} {
    // nop
  }

  /// In that folder.
  explicit temp_dir(const std::filesystem::path& parent) {
    auto name = (parent / "callboard-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      throw std::runtime_error{"mkdtemp failed: " + name};
    path_ = name;
  }

  temp_dir(const temp_dir&) = delete;
  temp_dir& operator=(const temp_dir&) = delete;

  ~temp_dir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const noexcept {
    return path_;
  }

private:
  std::filesystem::path path_;
};

} // namespace callboard::test
