// Whatever another node or a damaged disk may hold: messages of replicas and
// the records of the log store. The first byte says which. Besides not
// crashing: what is accepted means the same when it is encoded again, and a
// replica survives it.

#include "storage/log_format.hpp"
#include "storage/raft/configuration.hpp"
#include "storage/raft/message.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace callboard;

constexpr std::uint32_t group = 7;

void require(bool condition, const char* what) {
  if (condition)
    return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

void try_message(std::string_view bytes) {
  auto x = decode_message(group, node_number{2}, bytes);
  if (!x)
    return;
  auto again = decode_message(group, node_number{2},
                              encode_message(group, x->head, x->entries));
  require(again && again->entries.size() == x->entries.size()
            && again->head.term == x->head.term
            && again->head.index == x->head.index,
          "a message changes when encoded again");
}

/// A replica of three that has some log gets the bytes as a message.
void try_replica(std::string_view bytes) {
  const callboard::group_member members[]{
    {node_number{1}, true}, {node_number{2}, true}, {node_number{3}, true}};
  auto node = make_raft_consensus({.self = {1}, .group = group});
  node->durable(node->start({}, members, 1000).after, 1000);
  for (std::uint64_t now = 1001; now < 1004; ++now) {
    const auto after = node->receive(node_number{2}, bytes, now).after;
    node->durable(after, now);
  }
  node->tick(9000);
  node->receive(node_number{3}, bytes, 9001);
}

void try_members(std::string_view bytes) {
  if (auto x = decode_members(bytes))
    require(decode_members(encode_members(*x)) == x,
            "members change when encoded again");
}

void try_records(std::string_view bytes) {
  if (auto x = log_format::decode_hard_state(bytes))
    require(log_format::encode(*x) == bytes, "a vote has two spellings");
  if (auto x = log_format::decode_trim(bytes))
    require(log_format::encode(*x) == bytes, "a trim has two spellings");
  if (auto x = log_format::decode_position(bytes))
    require(log_format::encode(*x) == bytes, "a position has two spellings");
  if (auto x = log_format::decode_entry(bytes)) {
    const auto head = log_format::encode_head(x->term, x->kind);
    require(std::string{head.bytes.data(), head.size} + std::string{x->payload}
              == bytes,
            "an entry has two spellings");
  }
  if (auto x = log_format::decode_entry_key(bytes))
    require(x->value != 0, "entry 0");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  std::string_view bytes{reinterpret_cast<const char*>(data), size};
  if (bytes.empty())
    return 0;
  const auto which = bytes.front();
  bytes.remove_prefix(1);
  switch (which) {
  case 'm':
    try_message(bytes);
    try_replica(bytes);
    break;
  case 'c':
    try_members(bytes);
    break;
  case 'r':
    try_records(bytes);
    break;
  default:
    break;
  }
  return 0;
}
