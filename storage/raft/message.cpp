#include "storage/raft/message.hpp"

#include "storage/coding.hpp"
#include "storage/raft/configuration.hpp"

#include <algorithm>
#include <memory>

namespace callboard {

namespace {

constexpr std::uint8_t version = 1;
/// No log gets this far; sums of such numbers do not overflow.
constexpr std::uint64_t max_number = std::uint64_t{1} << 62;

enum flag : std::uint8_t { granted = 1, pre_vote = 2, disrupt_leader = 4 };

std::uint8_t flags_of(const craft_message& x) {
  return static_cast<std::uint8_t>((x.granted ? granted : 0)
                                   | (x.pre_vote ? pre_vote : 0)
                                   | (x.disrupt_leader ? disrupt_leader : 0));
}

void put_entry(std::string& out, const log_entry& x) {
  coding::put_varint(out, x.term.value);
  out.push_back(static_cast<char>(x.kind));
  coding::put_text(out, x.payload);
}

bool known(unsigned type) {
  return type >= CRAFT_APPEND && type <= CRAFT_TERM_CHECK_RESULT;
}

bool plausible(const craft_message& x) {
  if (x.term == 0 || x.term > max_number || x.index > max_number
      || x.commit > max_number || x.rejected > max_number || x.features > 0xffff
      || x.capacity > 0xffff)
    return false;
  if (x.type == CRAFT_INSTALL)
    return x.index != 0 && x.index_term != 0 && x.index_term <= x.term;
  if (x.type != CRAFT_APPEND)
    return true;
  // An entry has a term, and no entry is newer than its leader.
  return x.index == 0 ? x.index_term == 0
                      : x.index_term != 0 && x.index_term <= x.term;
}

/// Terms never fall along a log, and a configuration must be readable: the
/// library does not check.
bool plausible(const log_entry& x, raft_term before, raft_term leader) {
  switch (x.kind) {
  case entry_kind::command:
  case entry_kind::barrier:
    break;
  case entry_kind::change:
    if (!decode_members(x.payload))
      return false;
    break;
  default: // a byte from outside
    return false;
  }
  return x.term.value != 0 && x.term >= before && x.term <= leader;
}

bool read_head(coding::reader& in, craft_message& x, std::uint64_t& count) {
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  if (!in.byte(type) || !in.byte(flags) || !in.varint(x.term)
      || !in.varint(x.index) || !in.varint(x.index_term) || !in.varint(x.commit)
      || !in.varint(x.rejected) || !in.varint32(x.features)
      || !in.varint32(x.capacity) || !in.varint(count))
    return false;
  x.type = type;
  x.granted = (flags & granted) != 0;
  x.pre_vote = (flags & pre_vote) != 0;
  x.disrupt_leader = (flags & disrupt_leader) != 0;
  return known(x.type) && plausible(x);
}

/// Behind the head of an offer or a description of a state.
bool read_state(coding::reader& in, decoded_message& out) {
  std::string_view configuration;
  auto& x = out.head;
  if (!in.varint(x.stream) || !in.varint(x.configuration_index)
      || !in.text(configuration) || !in.done())
    return false;
  if (x.stream == 0) // a mere offer
    return x.configuration_index == 0 && configuration.empty();
  if (x.configuration_index == 0 || x.configuration_index > x.index
      || !decode_members(configuration))
    return false;
  out.configuration = std::make_shared<const std::string>(configuration);
  x.configuration = out.configuration->data();
  x.configuration_size = out.configuration->size();
  return true;
}

void put_state(std::string& out, const craft_message& x) {
  coding::put_varint(out, x.stream);
  coding::put_varint(out, x.configuration_index);
  coding::put_text(
    out, {static_cast<const char*>(x.configuration), x.configuration_size});
}

bool read_entry(coding::reader& in, log_entry& x) {
  std::uint8_t kind = 0;
  if (!in.varint(x.term.value) || !in.byte(kind) || !in.text(x.payload))
    return false;
  x.kind = static_cast<entry_kind>(kind);
  return true;
}

bool read_entries(decoded_message& out, std::string_view bytes,
                  std::uint64_t count) {
  auto block = std::make_shared<const std::string>(bytes);
  coding::reader in{*block};
  raft_term term{out.head.index_term};
  for (std::uint64_t i = 0; i < count; ++i) {
    log_entry x;
    x.index = {out.head.index + 1 + i};
    x.block = block;
    if (!read_entry(in, x) || !plausible(x, term, raft_term{out.head.term}))
      return false;
    term = x.term;
    out.entries.push_back(std::move(x));
  }
  return in.done();
}

} // namespace

std::string encode_message(std::uint32_t group, const craft_message& head,
                           std::span<const log_entry> entries) {
  std::size_t bytes = 96 + head.configuration_size;
  for (const auto& x : entries)
    bytes += x.payload.size() + 21;
  std::string out;
  out.reserve(bytes);
  out.push_back(static_cast<char>(version));
  coding::put_varint(out, group);
  out.push_back(static_cast<char>(head.type));
  out.push_back(static_cast<char>(flags_of(head)));
  for (auto x :
       {head.term, head.index, head.index_term, head.commit, head.rejected,
        std::uint64_t{head.features}, std::uint64_t{head.capacity}})
    coding::put_varint(out, x);
  coding::put_varint(out, entries.size());
  for (const auto& x : entries)
    put_entry(out, x);
  if (head.type == CRAFT_INSTALL)
    put_state(out, head);
  return out;
}

std::optional<decoded_message>
decode_message(std::uint32_t group, node_number from, std::string_view bytes) {
  coding::reader in{bytes};
  std::uint8_t found_version = 0;
  std::uint32_t found_group = 0;
  if (!in.byte(found_version) || found_version != version
      || !in.varint32(found_group) || found_group != group)
    return std::nullopt;
  decoded_message out;
  out.head.peer = from.value;
  std::uint64_t count = 0;
  // An entry takes three bytes at least: a count beyond that is a lie.
  if (!read_head(in, out.head, count) || count > in.rest().size() / 3
      || (count != 0 && out.head.type != CRAFT_APPEND))
    return std::nullopt;
  if (out.head.type == CRAFT_INSTALL ? !read_state(in, out)
                                     : !read_entries(out, in.rest(), count))
    return std::nullopt;
  out.head.n_entries = static_cast<unsigned>(count);
  return out;
}

std::optional<state_descriptor> described_state(std::uint32_t group,
                                                std::string_view bytes) {
  auto x = decode_message(group, {}, bytes);
  if (!x || x->head.type != CRAFT_INSTALL || x->head.stream == 0)
    return std::nullopt;
  return state_descriptor{{x->head.stream},
                          {x->head.index},
                          {x->head.index_term},
                          {x->head.configuration_index},
                          *x->configuration};
}

} // namespace callboard
