#include "actors/model/lease.hpp"

#include <cassert>
#include <charconv>

namespace callboard {
namespace {

// {attempt}.{term}.{secret in hexadecimal}.{run}: the run's id comes last, it
// may have dots.
constexpr char separator = '.';
constexpr std::string_view hex_digits = "0123456789abcdef";

tl::unexpected<problem> bad_token() {
  return fail(errc::invalid,
              "lease is not a token that was given with a run; send it as it "
              "came",
              "/lease");
}

/// Takes the part before the next separator off `rest`.
std::string_view next_part(std::string_view& rest) noexcept {
  auto part = rest.substr(0, rest.find(separator));
  rest.remove_prefix(part.size());
  if (!rest.empty())
    rest.remove_prefix(1);
  return part;
}

bool read_number(std::string_view text, std::uint64_t& out) noexcept {
  auto last = text.data() + text.size();
  auto [end, ec] = std::from_chars(text.data(), last, out);
  return ec == std::errc{} && end == last && !text.empty();
}

bool read_hex(std::string_view text, std::string& out) {
  if (text.size() != 2 * lease_secret_bytes)
    return false;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    auto high = hex_digits.find(text[i]), low = hex_digits.find(text[i + 1]);
    if (high == hex_digits.npos || low == hex_digits.npos)
      return false;
    out.push_back(static_cast<char>(high << 4 | low));
  }
  return true;
}

} // namespace

dispatch_state after(const dispatch_note& note, const dispatch_state* before) {
  auto x = before != nullptr ? *before : dispatch_state{};
  switch (note.mark) {
  case dispatch_mark::none:
    break;
  case dispatch_mark::queued:
    x.queue = note.text;
    break;
  case dispatch_mark::taken:
    ++x.attempt;
    ++x.term;
    x.secret = note.text.substr(0, lease_secret_bytes);
    x.worker = note.text.substr(x.secret.size());
    break;
  case dispatch_mark::released:
    x.attempt -= x.attempt > 0 ? 1 : 0;
    [[fallthrough]];
  case dispatch_mark::lost:
    ++x.term;
    x.secret.clear();
    break;
  }
  return x;
}

bool valid_queue(std::string_view name) noexcept {
  return !name.empty() && name.size() <= max_queue_bytes
         && name.find('\0') == name.npos;
}

std::string queue_of(std::string_view definition, std::string_view workflow) {
  if (valid_id(definition))
    return std::string{definition};
  return valid_queue(workflow) ? std::string{workflow} : std::string{};
}

std::string lease_token(const run_id& run, const dispatch_state& lease) {
  assert(lease.secret.size() == lease_secret_bytes);
  auto out = std::to_string(lease.attempt) + separator
             + std::to_string(lease.term) + separator;
  for (auto c : lease.secret) {
    auto byte = static_cast<unsigned char>(c);
    out += hex_digits[byte >> 4];
    out += hex_digits[byte & 15];
  }
  return out + separator + run.value;
}

result<lease_claim> parse_lease(std::string_view token) {
  lease_claim out;
  auto attempt = next_part(token), term = next_part(token),
       secret = next_part(token);
  if (!read_number(attempt, out.attempt) || !read_number(term, out.term)
      || !read_hex(secret, out.secret) || !valid_id(token))
    return bad_token();
  out.run.value = token;
  return out;
}

bool same_secret(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size())
    return false;
  unsigned different = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    different |= static_cast<unsigned char>(a[i] ^ b[i]);
  return different == 0;
}

result<void> check_claim(const lease_claim& claim, const dispatch_state* held) {
  auto who = "run \"" + claim.run.value + "\"";
  if (held == nullptr || held->term == 0)
    return fail(errc::conflict, who + " was never leased", "/lease");
  if (claim.term == held->term && claim.attempt == held->attempt
      && same_secret(claim.secret, held->secret))
    return {};
  return fail(
    errc::conflict,
    "this lease of " + who + " (term " + std::to_string(claim.term)
      + ") is lost: the run is at term " + std::to_string(held->term)
      + (held->secret.empty() ? ", nobody has it" : ", another lease has it")
      + "; take a run again",
    "/lease");
}

} // namespace callboard
