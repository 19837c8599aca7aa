#include "transport/link/link_wire.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace callboard {

namespace {

template <class T>
void put(std::string& out, T x) {
  for (std::size_t i = 0; i < sizeof(T); ++i)
    out.push_back(static_cast<char>((x >> (8 * i)) & 0xff));
}

template <class T>
std::optional<T> get(std::string_view& in) {
  if (in.size() < sizeof(T))
    return std::nullopt;
  std::uint64_t x = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    x |= std::uint64_t{static_cast<unsigned char>(in[i])} << (8 * i);
  in.remove_prefix(sizeof(T));
  return static_cast<T>(x);
}

bool is_known(frame_kind kind) noexcept {
  return is_lane(kind)
         || (kind >= frame_kind::hello && kind <= frame_kind::cluster);
}

} // namespace

frame_header make_header(frame_kind kind, std::size_t body_bytes) noexcept {
  assert(body_bytes <= 0xffff'ffffu);
  return {static_cast<char>(body_bytes & 0xff),
          static_cast<char>((body_bytes >> 8) & 0xff),
          static_cast<char>((body_bytes >> 16) & 0xff),
          static_cast<char>((body_bytes >> 24) & 0xff),
          static_cast<char>(kind)};
}

void frame_reader::allow(std::size_t bytes) noexcept {
  allowed_ = std::max(bytes, greeting_bytes);
}

bool frame_reader::next(std::string_view& bytes) {
  if (!fault_.empty())
    return false;
  if (header_have_ < frame_header_bytes) {
    auto n = std::min(frame_header_bytes - header_have_, bytes.size());
    std::copy_n(bytes.begin(), n, header_.begin() + header_have_);
    header_have_ += n;
    bytes.remove_prefix(n);
    if (header_have_ < frame_header_bytes || !begin())
      return false;
  }
  auto n = std::min(body_bytes_ - body_.size(), bytes.size());
  body_.append(bytes.data(), n);
  bytes.remove_prefix(n);
  return body_.size() == body_bytes_;
}

/// The header is complete: checks it, and only then makes room for the body.
bool frame_reader::begin() {
  std::string_view in{header_.data(), 4};
  body_bytes_ = *get<std::uint32_t>(in);
  auto limit = is_lane(kind()) ? allowed_ : greeting_bytes;
  // So begins a TLS record, and so does the length of any frame of 790 bytes.
  if (first_ && kind() != frame_kind::hello && header_[0] == 0x16
      && header_[1] == 0x03)
    fault_ = "it speaks TLS, but no certificate is configured here; set "
             "cluster.certificate_file, cluster.key_file and cluster.ca_file";
  else if (!is_known(kind()))
    fault_ = "it sent no frame of a link";
  else if (body_bytes_ > limit)
    fault_ = "a frame of " + std::to_string(body_bytes_)
             + " bytes is longer than the limit of " + std::to_string(limit);
  if (!fault_.empty())
    return false;
  body_.reserve(body_bytes_);
  return true;
}

frame_kind frame_reader::kind() const noexcept {
  return static_cast<frame_kind>(header_[4]);
}

std::string frame_reader::take() {
  assert(header_have_ == frame_header_bytes && body_.size() == body_bytes_);
  header_have_ = 0;
  first_ = false;
  return std::exchange(body_, std::string{});
}

const std::string& frame_reader::fault() const noexcept {
  return fault_;
}

void put_u16(std::string& out, std::uint16_t x) {
  put(out, x);
}

void put_u64(std::string& out, std::uint64_t x) {
  put(out, x);
}

void put_text(std::string& out, std::string_view x) {
  assert(x.size() <= 0xffff);
  put_u16(out, static_cast<std::uint16_t>(x.size()));
  out.append(x);
}

std::optional<std::uint16_t> get_u16(std::string_view& in) {
  return get<std::uint16_t>(in);
}

std::optional<std::uint64_t> get_u64(std::string_view& in) {
  return get<std::uint64_t>(in);
}

std::optional<std::string_view> get_text(std::string_view& in) {
  auto size = get_u16(in);
  if (!size || in.size() < *size)
    return std::nullopt;
  auto text = in.substr(0, *size);
  in.remove_prefix(*size);
  return text;
}

} // namespace callboard
