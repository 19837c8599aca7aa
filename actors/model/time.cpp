#include "actors/model/event.hpp"

#include <algorithm>
#include <chrono>

namespace callboard {
namespace {

using std::chrono::milliseconds;
using std::chrono::sys_days;
using std::chrono::sys_time;

void put(char* out, unsigned value, int digits) noexcept {
  for (int i = digits - 1; i >= 0; --i, value /= 10)
    out[i] = static_cast<char>('0' + value % 10);
}

/// Reads the pieces of a date from left to right.
class scanner {
public:
  explicit scanner(std::string_view text) noexcept : rest_{text} {
    // nop
  }

  /// Exactly `digits` digits, or -1.
  int number(std::size_t digits) noexcept {
    if (rest_.size() < digits)
      return -1;
    int x = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9')
        return -1;
      x = x * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(digits);
    return x;
  }

  bool skip(char x) noexcept {
    if (rest_.empty() || rest_.front() != x)
      return false;
    rest_.remove_prefix(1);
    return true;
  }

  /// Any number of digits (at least one) as milliseconds, cut; or -1.
  int fraction() noexcept {
    int ms = 0;
    std::size_t count = 0;
    for (; !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; ++count) {
      if (count < 3)
        ms = ms * 10 + (rest_[0] - '0');
      rest_.remove_prefix(1);
    }
    if (count == 0)
      return -1;
    for (; count < 3; ++count)
      ms *= 10;
    return ms;
  }

  /// `Z` or `+hh:mm` in minutes; nullopt for anything else.
  std::optional<int> offset() noexcept {
    if (skip('Z') || skip('z'))
      return 0;
    int sign = skip('+') ? 1 : skip('-') ? -1 : 0;
    if (sign == 0)
      return std::nullopt;
    int hours = number(2);
    if (!skip(':'))
      return std::nullopt;
    int minutes = number(2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
      return std::nullopt;
    return sign * (hours * 60 + minutes);
  }

  bool done() const noexcept {
    return rest_.empty();
  }

private:
  std::string_view rest_;
};

} // namespace

std::string iso8601(std::int64_t unix_ms) {
  using namespace std::chrono;
  // Years 0000 to 9999: the format has no others.
  constexpr std::int64_t first = -62'167'219'200'000,
                         last = 253'402'300'799'999;
  sys_time<milliseconds> t{milliseconds{std::clamp(unix_ms, first, last)}};
  auto day = floor<days>(t);
  year_month_day date{day};
  auto in_day = static_cast<unsigned>((t - day).count());
  std::string out{"0000-00-00T00:00:00.000Z"};
  put(&out[0], static_cast<unsigned>(static_cast<int>(date.year())), 4);
  put(&out[5], static_cast<unsigned>(date.month()), 2);
  put(&out[8], static_cast<unsigned>(date.day()), 2);
  put(&out[11], in_day / 3'600'000, 2);
  put(&out[14], in_day / 60'000 % 60, 2);
  put(&out[17], in_day / 1000 % 60, 2);
  put(&out[20], in_day % 1000, 3);
  return out;
}

std::optional<std::int64_t> parse_iso8601(std::string_view text) noexcept {
  using namespace std::chrono;
  scanner in{text};
  int y = in.number(4);
  if (y < 0 || !in.skip('-'))
    return std::nullopt;
  int mon = in.number(2);
  if (mon < 0 || !in.skip('-'))
    return std::nullopt;
  int d = in.number(2);
  if (d < 0 || !(in.skip('T') || in.skip('t')))
    return std::nullopt;
  int h = in.number(2);
  if (h < 0 || h > 23 || !in.skip(':'))
    return std::nullopt;
  int min = in.number(2);
  if (min < 0 || min > 59 || !in.skip(':'))
    return std::nullopt;
  int s = in.number(2);
  if (s < 0 || s > 60) // 60: a leap second; it is the next minute's first
    return std::nullopt;
  int ms = in.skip('.') ? in.fraction() : 0;
  auto offset = in.offset();
  if (ms < 0 || !offset || !in.done())
    return std::nullopt;
  year_month_day date{year{y}, month{static_cast<unsigned>(mon)},
                      day{static_cast<unsigned>(d)}};
  if (!date.ok())
    return std::nullopt;
  auto t = sys_days{date} + hours{h} + minutes{min - *offset} + seconds{s}
           + milliseconds{ms};
  return duration_cast<milliseconds>(t.time_since_epoch()).count();
}

} // namespace callboard
