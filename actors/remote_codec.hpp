#pragma once

#include "actors/remote.hpp"

#include <caf/binary_deserializer.hpp>
#include <caf/serializer_impl.hpp>

#include <algorithm>
#include <bit>
#include <cassert>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

/// How remote.cpp's messages become bytes; private to actors/remote_codec*.cpp.
///
/// Two inspectors over CAF's binary serializer: what has an inspect() is taken
/// apart by it. CAF's own inspectors read sizes without asking whether so much
/// is there; these ask first.
///
///   frame   := type:u8 version:u8 body
///   text    := size:u32 bytes
///   list    := count:u32 item*
///   option  := 0:u8 | 1:u8 value
///   variant := place:u8 value
///   result  := 1:u8 value | 0:u8 problem
///
/// Numbers are in network order.
namespace callboard::remote {

inline constexpr std::uint8_t wire_version = 1;

/// The values that an enum may have on the wire: all from first to last.
template <class Enum>
struct enum_range;

#define CALLBOARD_ENUM_RANGE(type, first_value, last_value)                    \
  template <>                                                                  \
  struct enum_range<type> {                                                    \
    static constexpr auto first = type::first_value;                           \
    static constexpr auto last = type::last_value;                             \
  }

CALLBOARD_ENUM_RANGE(errc, invalid, internal);
CALLBOARD_ENUM_RANGE(event_type, run_updated, custom);
CALLBOARD_ENUM_RANGE(event_scope, project, tenant);
CALLBOARD_ENUM_RANGE(event_delivery, durable, ephemeral);
CALLBOARD_ENUM_RANGE(timeline_kind, none, other);
CALLBOARD_ENUM_RANGE(run_status, pending, cancelled);
CALLBOARD_ENUM_RANGE(step_status, pending, cancelled);
CALLBOARD_ENUM_RANGE(run_command, create, release);
CALLBOARD_ENUM_RANGE(lease_request::what, heartbeat, release);
CALLBOARD_ENUM_RANGE(query::order, newest_first, oldest_first);
CALLBOARD_ENUM_RANGE(query::run_part, logs, artifacts);
CALLBOARD_ENUM_RANGE(call_fate, answered, unknown);
CALLBOARD_ENUM_RANGE(cluster_order::what, add_node, pin);

#undef CALLBOARD_ENUM_RANGE

template <class Enum>
constexpr bool known(Enum x) noexcept {
  return x >= enum_range<Enum>::first && x <= enum_range<Enum>::last;
}

/// Writes. Nothing can go wrong but memory.
class frame_sink {
public:
  using result_type = bool;

  /// Appends to `out`.
  explicit frame_sink(std::string& out) : sink_{nullptr, out} {
    // nop
  }

  template <class... Ts>
  bool operator()(Ts&... xs) {
    return (put(xs) && ...);
  }

  bool raw(std::string_view bytes) {
    // CAF takes void* but only reads.
    sink_.apply_raw(bytes.size(), const_cast<char*>(bytes.data()));
    return true;
  }

  bool text(std::string_view bytes) {
    assert(bytes.size() <= UINT32_MAX);
    return number(static_cast<std::uint32_t>(bytes.size())) && raw(bytes);
  }

private:
  template <class Int>
  bool number(Int x) {
    sink_.apply(x);
    return true;
  }

  template <class T>
  bool put(T& x) {
    if constexpr (std::is_same_v<T, bool>)
      return number(static_cast<std::uint8_t>(x));
    else if constexpr (std::is_enum_v<T>)
      return number(static_cast<std::uint8_t>(x));
    else if constexpr (std::is_integral_v<T>)
      return number(x);
    else
      return inspect(*this, x);
  }

  bool put(std::string& x) {
    return text(x);
  }

  template <class Rep, class Period>
  bool put(std::chrono::duration<Rep, Period>& x) {
    return number(static_cast<std::int64_t>(x.count()));
  }

  template <class T>
  bool put(std::optional<T>& x) {
    return number(static_cast<std::uint8_t>(x.has_value())) && (!x || put(*x));
  }

  template <class T>
  bool put(std::vector<T>& xs) {
    assert(xs.size() <= UINT32_MAX);
    number(static_cast<std::uint32_t>(xs.size()));
    for (auto& x : xs)
      put(x);
    return true;
  }

  template <class... Ts>
  bool put(std::variant<Ts...>& x) {
    number(static_cast<std::uint8_t>(x.index()));
    return std::visit([this](auto& y) { return put(y); }, x);
  }

  template <class T>
  bool put(result<T>& x) {
    number(static_cast<std::uint8_t>(x.has_value()));
    return x ? put(*x) : put(x.error());
  }

  caf::serializer_impl<std::string> sink_;
};

/// Reads. Answers false once the frame turns out to be wrong; what was read up
/// to there is of no use then. Never reads past the frame, and allocates at
/// most `allocation_factor` times its size (and a little).
class frame_source {
public:
  using result_type = bool;

  static constexpr std::size_t allocation_factor = 24;

  explicit frame_source(std::string_view frame)
      : source_{nullptr, frame.data(), frame.size()},
        allowance_{allocation_factor * frame.size() + 4096} {
    // nop
  }

  template <class... Ts>
  bool operator()(Ts&... xs) {
    return (get(xs) && ...);
  }

  std::size_t remaining() const noexcept {
    return source_.remaining();
  }

  /// A view of the next bytes; points into the frame.
  bool raw(std::string_view& bytes, std::size_t size) {
    if (size > remaining())
      return false;
    bytes = {reinterpret_cast<const char*>(source_.remainder().data()), size};
    source_.skip(size);
    return true;
  }

  bool text(std::string_view& bytes) {
    std::uint32_t size = 0;
    return number(size) && raw(bytes, size);
  }

  /// Accounts for memory that what is read will occupy.
  bool allow(std::size_t bytes) noexcept {
    if (bytes > allowance_)
      return false;
    allowance_ -= bytes;
    return true;
  }

  /// Bytes of their own for several owners.
  bool shared(shared_bytes& out, std::size_t size) {
    std::string_view bytes;
    if (!raw(bytes, size) || !allow(size + sizeof(std::string) + 16))
      return false;
    out = std::make_shared<const std::string>(bytes);
    return true;
  }

  /// Reads the alternative at `place`; false also when there is none.
  template <class... Ts>
  bool alternative(std::variant<Ts...>& x, std::size_t place) {
    return get_place(x, place, std::index_sequence_for<Ts...>{});
  }

private:
  template <class Int>
  bool number(Int& x) {
    if (remaining() < sizeof(Int))
      return false;
    return !source_.apply(x);
  }

  template <class T>
  bool get(T& x) {
    if constexpr (std::is_same_v<T, bool>) {
      std::uint8_t bits = 0;
      if (!number(bits) || bits > 1)
        return false;
      x = bits != 0;
      return true;
    } else if constexpr (std::is_enum_v<T>) {
      std::uint8_t bits = 0;
      if (!number(bits))
        return false;
      x = static_cast<T>(bits);
      return known(x);
    } else if constexpr (std::is_integral_v<T>) {
      return number(x);
    } else {
      return inspect(*this, x);
    }
  }

  bool get(std::string& x) {
    std::string_view bytes;
    if (!text(bytes) || !allow(bytes.size()))
      return false;
    x.assign(bytes);
    return true;
  }

  template <class Rep, class Period>
  bool get(std::chrono::duration<Rep, Period>& x) {
    std::int64_t count = 0;
    if (!number(count))
      return false;
    x = std::chrono::duration<Rep, Period>{count};
    return true;
  }

  template <class T>
  bool get(std::optional<T>& x) {
    bool there = false;
    if (!get(there))
      return false;
    if (!there) {
      x.reset();
      return true;
    }
    return get(x.emplace());
  }

  template <class T>
  bool get(std::vector<T>& xs) {
    std::uint32_t count = 0;
    // Everything takes a byte at least; most takes more, so that the items, not
    // their number, make the vector grow.
    if (!number(count) || count > remaining())
      return false;
    xs.clear();
    xs.reserve(std::min<std::size_t>(count, remaining() / sizeof(T) + 1));
    for (std::uint32_t i = 0; i < count; ++i)
      if (!allow(sizeof(T)) || !get(xs.emplace_back()))
        return false;
    return true;
  }

  template <class... Ts>
  bool get(std::variant<Ts...>& x) {
    std::uint8_t place = 0;
    return number(place) && alternative(x, place);
  }

  template <class... Ts, std::size_t... Is>
  bool get_place(std::variant<Ts...>& x, std::size_t place,
                 std::index_sequence<Is...>) {
    bool ok = false;
    (void)((place == Is && (ok = get(x.template emplace<Is>()), true)) || ...);
    return ok;
  }

  template <class T>
  bool get(result<T>& x) {
    bool there = false;
    if (!get(there))
      return false;
    if (there) {
      x.emplace();
      return get(*x);
    }
    problem why;
    if (!get(why))
      return false;
    x = tl::unexpected<problem>{std::move(why)};
    return true;
  }

  caf::binary_deserializer source_;
  std::size_t allowance_;
};

/// The type byte of a message.
template <class T, std::size_t I = 0>
constexpr std::uint8_t place_of() {
  if constexpr (std::is_same_v<T, std::variant_alternative_t<I, message>>)
    return static_cast<std::uint8_t>(I);
  else
    return place_of<T, I + 1>();
}

} // namespace callboard::remote

namespace callboard {

// The hot ones, not templates: remote_codec_drafts.cpp, remote_codec_rooms.cpp.

bool inspect(remote::frame_sink& f, publish_request& x);
bool inspect(remote::frame_source& f, publish_request& x);
bool inspect(remote::frame_sink& f, posted_event& x);
bool inspect(remote::frame_source& f, posted_event& x);
bool inspect(remote::frame_sink& f, const room_batch& x);
bool inspect(remote::frame_source& f, room_batch& x);

// Those that are needed in more than one place.

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, problem& x) {
  auto& [code, detail, pointer, retry_after] = x;
  return f(code, detail, pointer, retry_after);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, publish_result& x) {
  auto& [id, seq, error] = x;
  return f(id, seq, error);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, lease_claim& x) {
  auto& [run, attempt, term, secret] = x;
  return f(run, attempt, term, secret);
}

} // namespace callboard
