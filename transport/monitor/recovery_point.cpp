#include "transport/monitor/recovery_point.hpp"

#include "transport/principal.hpp"
#include "transport/socketio/engine_packet.hpp"

#include <openssl/sha.h>

#include <array>
#include <charconv>

namespace callboard {

namespace {

// version SP milliseconds SP ("T" | "E") *( LF project SP seq [ SP run ] )
constexpr std::string_view version = "1";
constexpr std::string_view nothing = "-";
constexpr std::size_t most_bytes = 16u << 10;
constexpr std::size_t random_bytes = 20; // in characters
constexpr std::size_t tag_bytes = 12;

std::string digest(const std::string& text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> out{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         out.data());
  return engine_io::to_base64url(
    {reinterpret_cast<const char*>(out.data()), out.size()});
}

std::string tag_of(const principal& who, std::string_view random) {
  std::string text{random};
  for (auto part : {&who.tenant.value, &who.subject}) {
    text += '\0';
    text += *part;
  }
  return digest(text).substr(0, tag_bytes);
}

std::string_view take(std::string_view& from, char end) {
  auto at = from.find(end);
  auto out = from.substr(0, at);
  from.remove_prefix(at == from.npos ? from.size() : at + 1);
  return out;
}

template <class T>
bool read_number(std::string_view text, T& x) {
  auto end = text.data() + text.size();
  auto [at, ec] = std::from_chars(text.data(), end, x);
  return ec == std::errc{} && at == end && x >= 0;
}

std::optional<recovery_point::place> read_place(std::string_view line) {
  recovery_point::place x;
  x.project.value = take(line, ' ');
  auto seq = take(line, ' ');
  x.run.value = line;
  if (!valid_id(x.project.value) || !read_number(seq, x.seq.value)
      || (!line.empty() && !valid_id(line)))
    return std::nullopt;
  return x;
}

} // namespace

std::string encode(const recovery_point& x) {
  if (x.places.size() > recovery_point::max_places)
    return std::string{nothing};
  auto text = std::string{version} + ' ' + std::to_string(x.unix_ms)
              + (x.tenant ? " T" : " E");
  for (auto& one : x.places) {
    text += '\n' + one.project.value + ' ' + std::to_string(one.seq.value);
    if (!one.run.empty())
      text += ' ' + one.run.value;
  }
  return engine_io::to_base64url(text);
}

std::optional<recovery_point> decode_recovery_point(std::string_view text) {
  if (text.size() > most_bytes)
    return std::nullopt;
  auto plain = engine_io::from_base64url(text);
  if (!plain)
    return std::nullopt;
  std::string_view rest{*plain};
  auto first = take(rest, '\n');
  recovery_point x;
  if (take(first, ' ') != version || !read_number(take(first, ' '), x.unix_ms)
      || (first != "T" && first != "E"))
    return std::nullopt;
  x.tenant = first == "T";
  while (!rest.empty()) {
    auto place = read_place(take(rest, '\n'));
    if (!place || x.places.size() == recovery_point::max_places
        || (place->run.empty() && !x.tenant))
      return std::nullopt;
    x.places.push_back(std::move(*place));
  }
  return x;
}

std::string new_recovery_id(const principal& who) {
  auto random = engine_io::random_id();
  return random + tag_of(who, random);
}

bool is_recovery_id_of(const principal& who, std::string_view pid) {
  return pid.size() == random_bytes + tag_bytes
         && pid.substr(random_bytes)
              == tag_of(who, pid.substr(0, random_bytes));
}

std::string socket_id_of(std::string_view pid) {
  return digest("socket " + std::string{pid}).substr(0, random_bytes);
}

} // namespace callboard
