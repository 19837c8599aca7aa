#pragma once

#include <unistd.h>

#include <utility>

namespace callboard {

/// A file descriptor with one owner.
class unique_fd {
public:
  unique_fd() = default;
  explicit unique_fd(int fd) noexcept : fd_{fd} {
    // nop
  }
  unique_fd(unique_fd&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {
    // nop
  }
  unique_fd& operator=(unique_fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~unique_fd() {
    reset();
  }

  int get() const noexcept {
    return fd_;
  }

  void reset() {
    if (fd_ >= 0)
      ::close(std::exchange(fd_, -1));
  }

private:
  int fd_ = -1;
};

} // namespace callboard
