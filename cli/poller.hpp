#pragma once

#include "cli/unique_fd.hpp"

#include <sys/epoll.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <ctime>

namespace callboard {

/// Waits for many descriptors at a time.
class poller {
public:
  poller() : fd_{::epoll_create1(EPOLL_CLOEXEC)} {
    // nop
  }

  /// `number` comes back from wait(). Ready to read always counts.
  void add(int fd, std::uint64_t number) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = number;
    ::epoll_ctl(fd_.get(), EPOLL_CTL_ADD, fd, &event);
  }

  /// Whether ready to write counts, too.
  void want_write(int fd, std::uint64_t number, bool on) {
    epoll_event event{};
    event.events = EPOLLIN | (on ? EPOLLOUT : 0u);
    event.data.u64 = number;
    ::epoll_ctl(fd_.get(), EPOLL_CTL_MOD, fd, &event);
  }

  void remove(int fd) {
    ::epoll_ctl(fd_.get(), EPOLL_CTL_DEL, fd, nullptr);
  }

  /// Calls `f(number)` for each that is ready, or for none after `patience`.
  template <class Function>
  void wait(std::chrono::nanoseconds patience, Function f) {
    const auto whole = patience.count() < 0 ? 0 : patience.count();
    const timespec limit{whole / 1'000'000'000, whole % 1'000'000'000};
    const auto n
      = ::epoll_pwait2(fd_.get(), events_.data(),
                       static_cast<int>(events_.size()), &limit, nullptr);
    for (auto i = 0; i < n; ++i)
      f(events_[static_cast<std::size_t>(i)].data.u64);
  }

private:
  unique_fd fd_;
  std::array<epoll_event, 512> events_{};
};

} // namespace callboard
