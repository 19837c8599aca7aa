#include "storage/state_chunk.hpp"

#include "storage/byte_hash.hpp"
#include "storage/coding.hpp"

namespace callboard {

namespace {

constexpr std::uint8_t chunk_format = 1;
constexpr std::uint8_t tag_end = 0; // else the number of a family

/// Format and checksum; the checksum is over what follows it.
constexpr std::size_t hash_at = 1;
constexpr std::size_t body_at = hash_at + 8;

bool get_end(coding::reader& in, state_end& out) {
  return in.varint(out.rows) && in.big_endian(out.digest) && in.done();
}

} // namespace

chunk_writer::chunk_writer(shard_id shard, std::uint32_t number) {
  out_.push_back(static_cast<char>(chunk_format));
  coding::put_big_endian(out_, std::uint64_t{0}); // set by take()
  coding::put_big_endian(out_, number);
  coding::put_big_endian(out_, static_cast<std::uint16_t>(shard.value));
}

void chunk_writer::add(family in, std::string_view key,
                       std::string_view value) {
  out_.push_back(static_cast<char>(in));
  coding::put_text(out_, key);
  coding::put_text(out_, value);
}

void chunk_writer::end(const state_end& x) {
  out_.push_back(static_cast<char>(tag_end));
  coding::put_varint(out_, x.rows);
  coding::put_big_endian(out_, x.digest);
}

std::string chunk_writer::take() {
  std::string hash;
  coding::put_big_endian(hash, hash_of(std::string_view{out_}.substr(body_at)));
  out_.replace(hash_at, hash.size(), hash);
  return std::move(out_);
}

result<chunk_reader> chunk_reader::open(std::string_view chunk) {
  coding::reader in{chunk};
  std::uint8_t format = 0;
  std::uint64_t hash = 0;
  if (!in.byte(format) || format != chunk_format)
    return fail(errc::invalid,
                "a chunk of a shard's state is of a format that this program "
                "does not know; the other node may be newer");
  if (!in.big_endian(hash) || hash != hash_of(in.rest()))
    return fail(errc::invalid,
                "a chunk of a shard's state was damaged on its way");
  chunk_reader out;
  std::uint16_t shard = 0;
  if (!in.big_endian(out.number_) || !in.big_endian(shard))
    return fail(errc::invalid, "a chunk of a shard's state ends too early");
  out.shard_ = {shard};
  out.rest_ = in.rest();
  return out;
}

bool chunk_reader::next(row& out) noexcept {
  if (!ok_ || rest_.empty())
    return false;
  coding::reader in{rest_};
  std::uint8_t tag = 0;
  ok_ = in.byte(tag);
  if (ok_ && tag == tag_end) {
    state_end found;
    ok_ = get_end(in, found);
    if (ok_)
      end_ = found;
    rest_ = {};
    return false;
  }
  ok_ = ok_ && tag <= static_cast<std::uint8_t>(family::index)
        && in.text(out.key) && !out.key.empty() && in.text(out.value);
  out.in = static_cast<family>(tag);
  rest_ = in.rest();
  return ok_;
}

} // namespace callboard
