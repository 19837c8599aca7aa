#include "storage/log_format.hpp"

#include "storage/coding.hpp"
#include "storage/raft/configuration.hpp"

#include <cassert>

namespace callboard::log_format {

namespace {

constexpr std::size_t prefix_size = 3;
constexpr std::size_t index_size = 8;

void put_big_endian(char* out, std::uint64_t x, std::size_t size) {
  for (; size-- > 0; x >>= 8)
    out[size] = static_cast<char>(x & 0xff);
}

} // namespace

key::key(shard_id shard, tag kind) noexcept : bytes_{}, size_{prefix_size} {
  assert(shard.value <= last_shard);
  put_big_endian(bytes_.data(), shard.value, 2);
  bytes_[2] = static_cast<char>(kind);
}

key::key(shard_id shard, log_index entry) noexcept : key{shard, tag::entry} {
  put_big_endian(bytes_.data() + prefix_size, entry.value, index_size);
  size_ = prefix_size + index_size;
}

std::string version_key() {
  return "\xff\xff"
         "format";
}

std::optional<log_index> decode_entry_key(std::string_view bytes) {
  if (bytes.size() != prefix_size + index_size
      || bytes[2] != static_cast<char>(tag::entry))
    return std::nullopt;
  log_index out;
  coding::reader in{bytes.substr(prefix_size)};
  if (!in.big_endian(out.value) || out.value == 0)
    return std::nullopt;
  return out;
}

std::string encode(const hard_state& x) {
  std::string out;
  coding::put_varint(out, x.term.value);
  coding::put_varint(out, x.voted_for.value);
  return out;
}

std::optional<hard_state> decode_hard_state(std::string_view bytes) {
  hard_state out;
  coding::reader in{bytes};
  if (!in.varint(out.term.value) || !in.varint(out.voted_for.value)
      || !in.done() || out.term.value == 0)
    return std::nullopt;
  return out;
}

entry_head encode_head(raft_term term, entry_kind kind) {
  entry_head out{};
  out.bytes[out.size++] = static_cast<char>(kind);
  auto x = term.value;
  for (; x >= 0x80; x >>= 7)
    out.bytes[out.size++] = static_cast<char>((x & 0x7f) | 0x80);
  out.bytes[out.size++] = static_cast<char>(x);
  return out;
}

std::optional<entry_value> decode_entry(std::string_view bytes) {
  entry_value out;
  coding::reader in{bytes};
  std::uint8_t kind = 0;
  if (!in.byte(kind) || !in.varint(out.term.value) || out.term.value == 0)
    return std::nullopt;
  out.kind = static_cast<entry_kind>(kind);
  out.payload = in.rest();
  switch (out.kind) {
  case entry_kind::command:
  case entry_kind::barrier:
    return out;
  case entry_kind::change:
    if (decode_members(out.payload))
      return out;
  }
  return std::nullopt;
}

std::string encode(const trim_record& x) {
  std::string out;
  coding::put_varint(out, x.upto.value);
  coding::put_varint(out, x.term.value);
  coding::put_varint(out, x.configuration_index.value);
  out += x.configuration;
  return out;
}

std::optional<trim_record> decode_trim(std::string_view bytes) {
  trim_record out;
  coding::reader in{bytes};
  if (!in.varint(out.upto.value) || !in.varint(out.term.value)
      || !in.varint(out.configuration_index.value) || out.upto.value == 0
      || out.term.value == 0 || out.configuration_index.value == 0
      || !decode_members(in.rest()))
    return std::nullopt;
  out.configuration = in.rest();
  return out;
}

std::string encode(const log_position& x) {
  std::string out;
  coding::put_varint(out, x.term.value);
  coding::put_varint(out, x.index.value);
  return out;
}

std::optional<log_position> decode_position(std::string_view bytes) {
  log_position out;
  coding::reader in{bytes};
  if (!in.varint(out.term.value) || !in.varint(out.index.value) || !in.done())
    return std::nullopt;
  return out;
}

std::string encode(stream_id x) {
  std::string out;
  coding::put_varint(out, x.value);
  return out;
}

std::optional<stream_id> decode_stream(std::string_view bytes) {
  stream_id out;
  coding::reader in{bytes};
  if (!in.varint(out.value) || !in.done() || out.value == 0)
    return std::nullopt;
  return out;
}

} // namespace callboard::log_format
