#include "storage/raft/configuration.hpp"

#include "storage/coding.hpp"

#include <algorithm>

namespace callboard {

namespace {

constexpr std::uint8_t format = 1;
constexpr std::uint8_t standby_role = 0;
constexpr std::uint8_t voter_role = 1;
constexpr std::uint64_t max_members = 1024;

void put_little_endian(std::string& out, std::uint64_t x) {
  for (int i = 0; i < 8; ++i, x >>= 8)
    out.push_back(static_cast<char>(x & 0xff));
}

bool little_endian(coding::reader& in, std::uint64_t& out) {
  out = 0;
  for (unsigned shift = 0; shift < 64; shift += 8) {
    std::uint8_t x = 0;
    if (!in.byte(x))
      return false;
    out |= std::uint64_t{x} << shift;
  }
  return true;
}

/// The address is for the library only, which wants one and wants it unique.
bool read_member(coding::reader& in, group_member& out) {
  std::string_view address;
  std::uint8_t role = 0;
  if (!little_endian(in, out.node.value) || !in.until_zero(address)
      || !in.byte(role))
    return false;
  out.voter = role == voter_role;
  return out.node.value != 0 && role <= voter_role
         && address == std::to_string(out.node.value);
}

} // namespace

std::string encode_members(std::span<const group_member> members) {
  std::string out;
  out.push_back(static_cast<char>(format));
  put_little_endian(out, members.size());
  for (const auto& x : members) {
    put_little_endian(out, x.node.value);
    out += std::to_string(x.node.value);
    out.push_back('\0');
    out.push_back(static_cast<char>(x.voter ? voter_role : standby_role));
  }
  out.resize((out.size() + 7) / 8 * 8, '\0');
  return out;
}

std::optional<std::vector<group_member>>
decode_members(std::string_view bytes) {
  coding::reader in{bytes};
  std::uint8_t version = 0;
  std::uint64_t count = 0;
  if (!in.byte(version) || version != format || !little_endian(in, count)
      || count == 0 || count > max_members)
    return std::nullopt;
  std::vector<group_member> result;
  for (std::uint64_t i = 0; i < count; ++i) {
    group_member x;
    auto same = [&x](const group_member& y) { return y.node == x.node; };
    if (!read_member(in, x) || std::any_of(result.begin(), result.end(), same))
      return std::nullopt;
    result.push_back(x);
  }
  return result;
}

bool is_only_voter(std::span<const group_member> members, node_number self) {
  auto votes = [](const group_member& x) { return x.voter; };
  auto voter = std::find_if(members.begin(), members.end(), votes);
  return voter != members.end() && voter->node == self
         && std::count_if(members.begin(), members.end(), votes) == 1;
}

std::vector<node_number> nodes_of(const consensus& leader) {
  auto committed
    = decode_members(leader.configuration_at(leader.commit_index()).second);
  auto all = leader.members();
  if (committed)
    all.insert(all.end(), committed->begin(), committed->end());
  std::vector<node_number> result;
  for (const auto& x : all)
    if (std::ranges::find(result, x.node) == result.end())
      result.push_back(x.node);
  return result;
}

bool would_lead_without_dropped(const restored_log& found, node_number self) {
  if (found.end() >= found.dropped)
    return false;
  std::string_view last = found.configuration;
  for (const auto& x : found.entries)
    if (x.kind == entry_kind::change && x.index > found.configuration_index)
      last = x.payload;
  const auto members = decode_members(last);
  return members && is_only_voter(*members, self);
}

} // namespace callboard
