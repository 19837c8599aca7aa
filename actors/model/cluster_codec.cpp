#include "actors/model/cluster_map.hpp"

#include <algorithm>
#include <set>

// map       := version:u8 cluster:text version:number replicas:number
//              next_number:number nodes:count node* shards:count placement*
//              directory:placement [taken:count taken*]
// node      := number name:text disk:text address:text leaving:u8
// taken     := shard:number node:number version:number out_ms:number
//              back_ms:number empty:u8
// placement := pinned:number replicas:count number*
// text      := size:number bytes
// number    := 7 bits a byte, least significant first, high bit: more follow
// version   := 1 without taken, 2 with at least one: so that programs that know
// version 1 only read every map of a cluster in which nothing ever differed.

namespace callboard {

namespace {

constexpr char plain_version = 1;
constexpr char taken_version = 2;
/// Such that sums of them do not overflow.
constexpr std::uint64_t max_number = std::uint64_t{1} << 62;

void put(std::string& out, std::uint64_t x) {
  for (; x >= 0x80; x >>= 7)
    out.push_back(static_cast<char>((x & 0x7f) | 0x80));
  out.push_back(static_cast<char>(x));
}

void put(std::string& out, std::string_view x) {
  put(out, std::uint64_t{x.size()});
  out += x;
}

void put(std::string& out, const placement& x) {
  put(out, x.pinned.value);
  put(out, std::uint64_t{x.replicas.size()});
  for (auto node : x.replicas)
    put(out, node.value);
}

class map_reader {
public:
  explicit map_reader(std::string_view bytes) noexcept : rest_{bytes} {
    // nop
  }

  bool read(cluster_map& out, bool with_taken);

private:
  bool number(std::uint64_t& out);
  bool text(std::string& out);
  bool flag(bool& out);
  /// How many items follow, each of so many bytes at least.
  bool count(std::uint64_t& out, std::size_t item_bytes);
  bool node(cluster_node& out);
  bool group(placement& out);
  bool taken(taken_replica& out);

  std::string_view rest_;
};

bool map_reader::number(std::uint64_t& out) {
  out = 0;
  for (unsigned shift = 0; shift < 63 && !rest_.empty(); shift += 7) {
    auto bits = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    out |= std::uint64_t{bits & 0x7fu} << shift;
    if ((bits & 0x80) == 0) // one number has one spelling
      return (bits != 0 || shift == 0) && out < max_number;
  }
  return false;
}

bool map_reader::text(std::string& out) {
  std::uint64_t size = 0;
  if (!number(size) || size > rest_.size())
    return false;
  out.assign(rest_.substr(0, static_cast<std::size_t>(size)));
  rest_.remove_prefix(out.size());
  return true;
}

bool map_reader::flag(bool& out) {
  std::uint64_t bits = 0;
  if (!number(bits) || bits > 1)
    return false;
  out = bits == 1;
  return true;
}

bool map_reader::count(std::uint64_t& out, std::size_t item_bytes) {
  return number(out) && out <= rest_.size() / item_bytes;
}

bool map_reader::node(cluster_node& out) {
  return number(out.number.value) && text(out.name) && text(out.disk)
         && text(out.address) && flag(out.leaving);
}

bool map_reader::group(placement& out) {
  std::uint64_t replicas = 0;
  if (!number(out.pinned.value) || !count(replicas, 1))
    return false;
  out.replicas.resize(static_cast<std::size_t>(replicas));
  return std::ranges::all_of(
    out.replicas, [this](node_number& x) { return number(x.value); });
}

bool map_reader::taken(taken_replica& out) {
  return number(out.shard.value) && number(out.node.value)
         && number(out.version) && number(out.out_ms) && number(out.back_ms)
         && flag(out.empty);
}

bool map_reader::read(cluster_map& out, bool with_taken) {
  std::uint64_t replicas = 0, nodes = 0, shards = 0;
  if (!text(out.cluster) || !number(out.version) || !number(replicas)
      || replicas == 0 || replicas > UINT32_MAX || !number(out.next_number)
      || !count(nodes, 5))
    return false;
  out.replicas = static_cast<std::uint32_t>(replicas);
  for (std::uint64_t i = 0; i < nodes; ++i)
    if (!node(out.nodes.emplace_back()))
      return false;
  if (!count(shards, 2) || shards >= directory_shard.value)
    return false;
  for (std::uint64_t i = 0; i < shards; ++i)
    if (!group(out.shards.emplace_back()))
      return false;
  if (!group(out.directory))
    return false;
  if (with_taken) {
    std::uint64_t count_taken = 0;
    if (!count(count_taken, 6) || count_taken == 0)
      return false;
    for (std::uint64_t i = 0; i < count_taken; ++i)
      if (!taken(out.taken.emplace_back()))
        return false;
  }
  return rest_.empty();
}

/// What everyone who has a map relies on.
bool consistent(const cluster_map& x) {
  std::set<std::string_view> names, disks;
  node_number last;
  for (auto& node : x.nodes) {
    if (node.number <= last || node.number.value >= x.next_number
        || !names.insert(node.name).second || !disks.insert(node.disk).second)
      return false;
    last = node.number;
  }
  auto sound = [&x](const placement& group) {
    std::set<node_number> replicas;
    for (auto node : group.replicas)
      if (x.find(node) == nullptr || !replicas.insert(node).second)
        return false;
    return group.pinned == node_number{} || replicas.contains(group.pinned);
  };
  auto place = [](const taken_replica& y) {
    return std::pair{y.shard, y.node};
  };
  auto in_order
    = std::ranges::adjacent_find(x.taken, std::ranges::greater_equal{}, place)
      == x.taken.end();
  return in_order && sound(x.directory) && std::ranges::all_of(x.shards, sound)
         && std::ranges::all_of(x.taken, [&x](const taken_replica& y) {
              return x.of(y.shard) != nullptr && x.find(y.node) != nullptr;
            });
}

} // namespace

std::string encode(const cluster_map& x) {
  std::string out{x.taken.empty() ? plain_version : taken_version};
  put(out, x.cluster);
  put(out, x.version);
  put(out, std::uint64_t{x.replicas});
  put(out, x.next_number);
  put(out, std::uint64_t{x.nodes.size()});
  for (auto& node : x.nodes) {
    put(out, node.number.value);
    put(out, node.name);
    put(out, node.disk);
    put(out, node.address);
    put(out, std::uint64_t{node.leaving ? 1u : 0u});
  }
  put(out, std::uint64_t{x.shards.size()});
  for (auto& group : x.shards)
    put(out, group);
  put(out, x.directory);
  if (x.taken.empty())
    return out;
  put(out, std::uint64_t{x.taken.size()});
  for (auto& y : x.taken) {
    for (auto number :
         {y.shard.value, y.node.value, y.version, y.out_ms, y.back_ms})
      put(out, number);
    put(out, std::uint64_t{y.empty ? 1u : 0u});
  }
  return out;
}

result<cluster_map> decode_cluster_map(std::string_view bytes) {
  if (bytes.empty()
      || (bytes.front() != plain_version && bytes.front() != taken_version))
    return fail(errc::invalid, "no cluster map of a known version");
  cluster_map out;
  auto with_taken = bytes.front() == taken_version;
  if (!map_reader{bytes.substr(1)}.read(out, with_taken) || !consistent(out))
    return fail(errc::invalid, "a malformed cluster map");
  return out;
}

} // namespace callboard
