#include "cli/stop_signals.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace callboard {

stop_signals::stop_signals() {
  ::signal(SIGPIPE, SIG_IGN);
  ::sigemptyset(&set_);
  ::sigaddset(&set_, SIGTERM);
  ::sigaddset(&set_, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &set_, &previous_);
}

stop_signals::~stop_signals() {
  if (second_.joinable()) {
    // SIGCONT is harmless to everybody and wakes the thread up.
    ::pthread_kill(second_.native_handle(), SIGCONT);
    second_.join();
  }
  ::pthread_sigmask(SIG_SETMASK, &previous_, nullptr);
}

void stop_signals::wait() {
  int signal = 0;
  while (::sigwait(&set_, &signal) == EINTR)
    ;
}

void stop_signals::request() {
  ::kill(::getpid(), SIGTERM);
}

void stop_signals::end_at_once_on_next() {
  sigset_t set = set_;
  ::sigaddset(&set, SIGCONT);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  second_ = std::thread{[set] {
    int signal = 0;
    while (::sigwait(&set, &signal) == EINTR)
      ;
    if (signal != SIGCONT)
      ::_exit(1);
  }};
}

} // namespace callboard
