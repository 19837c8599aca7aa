#include "transport/link/link_hello.hpp"

#include "transport/link/link_wire.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <cstdlib>

namespace callboard {

namespace {

constexpr std::string_view magic = "callboard link\n";
constexpr std::size_t name_bytes = 255;
constexpr std::size_t address_bytes = 300;

/// Goes into log lines as it is: no control characters.
bool is_printable(std::string_view x) {
  return std::ranges::none_of(x, [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
}

bool take(std::string_view& in, std::string& out, std::size_t limit) {
  auto text = get_text(in);
  if (!text || text->size() > limit || !is_printable(*text))
    return false;
  out = *text;
  return true;
}

std::string range(const link_hello& x) {
  return std::to_string(x.version) + " (understands " + std::to_string(x.oldest)
         + " and newer, program " + x.who.program + ")";
}

} // namespace

link_hello make_hello(const peer_identity& self) {
  link_hello result;
  result.who = self;
  // Without randomness a proof could be replayed: rather no node.
  if (RAND_bytes(result.nonce.data(), static_cast<int>(result.nonce.size()))
      != 1)
    std::abort();
  return result;
}

std::string encode(const link_hello& x) {
  std::string out{magic};
  put_u16(out, x.version);
  put_u16(out, x.oldest);
  out.append(x.nonce.begin(), x.nonce.end());
  put_u64(out, x.who.incarnation);
  for (auto* text : {&x.who.name, &x.who.disk, &x.who.cluster, &x.who.address,
                     &x.who.program})
    put_text(out, *text);
  return out;
}

std::optional<link_hello> decode_hello(std::string_view in) {
  link_hello result;
  if (!in.starts_with(magic))
    return std::nullopt;
  in.remove_prefix(magic.size());
  auto version = get_u16(in);
  auto oldest = get_u16(in);
  if (!version || !oldest || in.size() < result.nonce.size())
    return std::nullopt;
  result.version = *version;
  result.oldest = *oldest;
  std::copy_n(in.begin(), result.nonce.size(), result.nonce.begin());
  in.remove_prefix(result.nonce.size());
  auto incarnation = get_u64(in);
  if (!incarnation)
    return std::nullopt;
  auto& who = result.who;
  who.incarnation = *incarnation;
  if (!take(in, who.name, name_bytes) || !take(in, who.disk, name_bytes)
      || !take(in, who.cluster, name_bytes)
      || !take(in, who.address, address_bytes)
      || !take(in, who.program, name_bytes) || who.name.empty()
      || who.disk.empty())
    return std::nullopt;
  return result;
}

bool same_cluster(std::string_view a, std::string_view b) noexcept {
  return a.empty() || b.empty() || a == b;
}

link_refusal judge(const link_hello& self, const link_hello& peer) {
  if (self.version < peer.oldest || peer.version < self.oldest)
    return link_refusal::version;
  if (self.who.disk == peer.who.disk)
    return self.who.incarnation == peer.who.incarnation
             ? link_refusal::myself
             : link_refusal::copied_disk;
  if (self.who.name == peer.who.name)
    return link_refusal::name_taken;
  if (!same_cluster(self.who.cluster, peer.who.cluster))
    return link_refusal::other_cluster;
  return link_refusal::none;
}

std::string explain(link_refusal why, const link_hello& self,
                    const link_hello& peer) {
  switch (why) {
  case link_refusal::none:
  case link_refusal::myself:
  case link_refusal::redundant:
  case link_refusal::needs_tls: // there is no hello yet: the session says it
    return {};
  case link_refusal::other_cluster:
    return "it belongs to cluster " + peer.who.cluster + ", this node to "
           + self.who.cluster
           + "; a node joins another one with an empty data directory";
  case link_refusal::version:
    return "it speaks link version " + range(peer) + ", this node "
           + range(self) + "; update the older program";
  case link_refusal::wrong_secret:
    return "its cluster.secret is not this node's; give both the same one "
           "(CALLBOARD_CLUSTER_SECRET or cluster.secret_file)";
  case link_refusal::other_name:
    return "its certificate is not for the name \"" + peer.who.name
           + "\"; give it one with that DNS subject alternative name";
  case link_refusal::name_taken:
    return "it has this node's name, \"" + self.who.name
           + "\", and another data directory; give one of them another "
             "node.name";
  case link_refusal::copied_disk:
    return "it runs on a copy of this node's data directory, or on the same "
           "one; give it an empty one";
  }
  return {};
}

std::optional<link_refusal> decode_refusal(std::string_view body) {
  if (body.size() != 1 || body[0] < 1
      || body[0] > static_cast<char>(link_refusal::needs_tls))
    return std::nullopt;
  return static_cast<link_refusal>(body[0]);
}

std::string_view explain_received(link_refusal why) noexcept {
  switch (why) {
  case link_refusal::none:
  case link_refusal::myself:
  case link_refusal::redundant:
    return {};
  case link_refusal::other_cluster:
    return "it belongs to another cluster; this node could join that one with "
           "an empty data directory";
  case link_refusal::version:
    return "its version does not go with this node's; update the older "
           "program";
  case link_refusal::wrong_secret:
    return "this node's cluster.secret is not the same; give both the same "
           "one (CALLBOARD_CLUSTER_SECRET or cluster.secret_file)";
  case link_refusal::other_name:
    return "this node's certificate is not for its node.name; give it one "
           "with that DNS subject alternative name";
  case link_refusal::name_taken:
    return "it has the same node.name; give one of them another name";
  case link_refusal::copied_disk:
    return "it runs on a copy of the same data directory; give one of them an "
           "empty one";
  case link_refusal::needs_tls:
    return "it speaks TLS only; set cluster.certificate_file, cluster.key_file "
           "and cluster.ca_file here";
  }
  return {};
}

} // namespace callboard
