#include "actors/model/event.hpp"

#include <atomic>
#include <chrono>
#include <random>

namespace callboard {
namespace {

/// Makes the UUIDs of one thread. Within a millisecond the 12 bits behind the
/// time count up from a random start; when they run over, the time is pushed
/// ahead, so that a thread's UUIDs always increase.
class uuid7_source {
public:
  uuid7_source() {
    std::random_device device;
    state_ = (std::uint64_t{device()} << 32) ^ device();
  }

  std::string make() {
    using namespace std::chrono;
    auto now = static_cast<std::uint64_t>(
      duration_cast<milliseconds>(system_clock::now().time_since_epoch())
        .count());
    if (now > ms_) {
      ms_ = now;
      count_ = random() & 0x7ff; // the upper half is left to count in
    } else if (++count_ > 0xfff) {
      ++ms_;
      count_ = random() & 0x7ff;
    }
    auto high = ms_ << 16 | 0x7000 | count_;
    auto low = (random() & 0x3fff'ffff'ffff'ffff) | 0x8000'0000'0000'0000;
    return text(high, low);
  }

private:
  /// SplitMix64: ids need to differ, not to be secret.
  std::uint64_t random() noexcept {
    auto z = state_ += 0x9e37'79b9'7f4a'7c15;
    z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9;
    z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11eb;
    return z ^ (z >> 31);
  }

  static std::string text(std::uint64_t high, std::uint64_t low) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out(36, '-');
    std::size_t at = 0;
    for (unsigned i = 0; i < 32; ++i) {
      if (i == 8 || i == 12 || i == 16 || i == 20)
        ++at;
      auto word = i < 16 ? high : low;
      out[at++] = digits[word >> (60 - 4 * (i % 16)) & 0xf];
    }
    return out;
  }

  std::uint64_t state_;
  std::uint64_t ms_ = 0;
  std::uint64_t count_ = 0;
};

std::atomic<std::string (*)()> simulated{nullptr};

} // namespace

void use_uuid7(std::string (*make)()) noexcept {
  simulated.store(make, std::memory_order_relaxed);
}

std::string new_uuid7() {
  if (auto make = simulated.load(std::memory_order_relaxed))
    return make();
  thread_local uuid7_source source;
  return source.make();
}

} // namespace callboard
