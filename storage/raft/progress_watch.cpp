#include "storage/raft/progress_watch.hpp"

#include <algorithm>

namespace callboard {

namespace {

constexpr std::uint64_t max_doublings = 6;

} // namespace

progress_watch::progress_watch(std::uint64_t patience_ms) noexcept
    : first_patience_ms_{patience_ms}, patience_ms_{patience_ms} {
  // nop
}

bool progress_watch::stuck(const view& x, std::uint64_t now_ms) {
  const bool moved = x.commit != commit_;
  commit_ = x.commit;
  if (moved || (x.has_leader && !x.has_work)) {
    patience_ms_ = first_patience_ms_;
    since_ms_ = 0;
    return false;
  }
  if (!x.could_move) {
    since_ms_ = 0;
    return false;
  }
  if (since_ms_ == 0)
    since_ms_ = now_ms;
  if (now_ms - since_ms_ < patience_ms_)
    return false;
  since_ms_ = now_ms;
  patience_ms_
    = std::min(patience_ms_ * 2, first_patience_ms_ << max_doublings);
  return true;
}

} // namespace callboard
