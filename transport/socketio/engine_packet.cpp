#include "transport/socketio/engine_packet.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <new>
#include <utility>

namespace callboard::engine_io {

namespace {

constexpr char separator = '\x1e';
constexpr char binary_mark = 'b';
constexpr char first_digit = '0';
constexpr char last_digit = '6';

bool is_base64(char c) noexcept {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')
         || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

const unsigned char* bytes_of(std::string_view x) noexcept {
  return reinterpret_cast<const unsigned char*>(x.data());
}

unsigned char* bytes_of(std::string& x) noexcept {
  return reinterpret_cast<unsigned char*>(x.data());
}

std::optional<packet> decode_part(std::string_view text) {
  if (!text.starts_with(binary_mark))
    return decode_packet(text);
  auto data = from_base64(text.substr(1));
  if (!data)
    return std::nullopt;
  return packet{packet_type::message, true, std::move(*data)};
}

} // namespace

std::optional<packet> decode_packet(std::string_view text) {
  if (text.empty() || text.front() < first_digit || text.front() > last_digit)
    return std::nullopt;
  return packet{static_cast<packet_type>(text.front() - first_digit), false,
                std::string{text.substr(1)}};
}

std::string encode_packet(packet_type type, std::string_view data) {
  std::string out;
  out.reserve(1 + data.size());
  out += static_cast<char>(first_digit + static_cast<int>(type));
  return out.append(data);
}

std::optional<std::vector<packet>> decode_payload(std::string_view body,
                                                  std::size_t max_packets) {
  std::vector<packet> out;
  for (;;) {
    auto end = body.find(separator);
    auto one = decode_part(body.substr(0, end));
    if (!one || out.size() == max_packets)
      return std::nullopt;
    out.push_back(std::move(*one));
    if (end == body.npos)
      return out;
    body.remove_prefix(end + 1);
  }
}

void payload::add(std::string_view packet, bool binary) {
  if (!text_.empty())
    text_ += separator;
  if (binary)
    (text_ += binary_mark) += to_base64(packet);
  else
    text_ += packet;
}

std::string payload::take() noexcept {
  return std::exchange(text_, {});
}

std::string to_base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0'); // and its final zero
  EVP_EncodeBlock(bytes_of(out), bytes_of(bytes),
                  static_cast<int>(bytes.size()));
  out.pop_back();
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  for (int i = 0; i < 2 && text.ends_with('='); ++i)
    text.remove_suffix(1);
  if (text.size() % 4 == 1 || !std::ranges::all_of(text, is_base64))
    return std::nullopt;
  std::string padded{text};
  padded.append((4 - text.size() % 4) % 4, '=');
  std::string out(padded.size() / 4 * 3, '\0');
  if (EVP_DecodeBlock(bytes_of(out), bytes_of(padded),
                      static_cast<int>(padded.size()))
      < 0)
    return std::nullopt;
  out.resize(text.size() * 3 / 4);
  return out;
}

std::string to_base64url(std::string_view bytes) {
  auto out = to_base64(bytes);
  std::ranges::replace(out, '+', '-');
  std::ranges::replace(out, '/', '_');
  while (out.ends_with('='))
    out.pop_back();
  return out;
}

std::optional<std::string> from_base64url(std::string_view text) {
  if (text.find_first_of("+/=") != text.npos)
    return std::nullopt;
  std::string other{text};
  std::ranges::replace(other, '-', '+');
  std::ranges::replace(other, '_', '/');
  return from_base64(other);
}

std::string random_id() {
  std::array<unsigned char, 15> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    throw std::bad_alloc{}; // without randomness there is no session
  return to_base64url(
    {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

} // namespace callboard::engine_io
