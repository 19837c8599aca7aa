// The section [cluster].
#include "config/setting_fields.hpp"

#include <array>

namespace callboard::setting_fields {

namespace {

using kind = setting_kind;
using cluster_s = settings::cluster_settings;

template <auto Key>
constexpr auto cluster = in<&settings::cluster, Key>;

constexpr std::array table{
  setting_info{"cluster", "listen", kind::address, cluster<&cluster_s::listen>,
               "HOST:PORT for the other nodes. Port 0 takes any free one. "
               "Empty: the node is no part of a cluster."},
  setting_info{"cluster", "advertise", kind::address,
               cluster<&cluster_s::advertise>,
               "HOST:PORT at which other nodes reach this one, where that is "
               "not listen (0.0.0.0, a container, a NAT). Empty: as listen."},
  setting_info{"cluster", "join", kind::addresses, cluster<&cluster_s::join>,
               "Where the nodes that form the cluster are found, separated by "
               "commas; the node's own address may be among them. The same "
               "list on every node, then the order of starts does not matter."},
  setting_info{"cluster",
               "secret",
               kind::text,
               cluster<&cluster_s::secret>,
               "What the nodes of a cluster know and nobody else: a node "
               "without it is refused. From the environment only.",
               0,
               0,
               {},
               true},
  setting_info{"cluster", "secret_file", kind::path,
               cluster<&cluster_s::secret_file>,
               "A file that holds the cluster's secret, unless "
               "CALLBOARD_CLUSTER_SECRET gives it. One newline at the end is "
               "not part of it."},
  setting_info{"cluster", "certificate_file", kind::path,
               cluster<&cluster_s::certificate_file>,
               "PEM file with this node's certificate: with key_file and "
               "ca_file, nodes talk by mutual TLS. It names the node as a DNS "
               "subject alternative name."},
  setting_info{"cluster", "key_file", kind::path, cluster<&cluster_s::key_file>,
               "PEM file with the key of certificate_file."},
  setting_info{"cluster", "ca_file", kind::path, cluster<&cluster_s::ca_file>,
               "PEM file with the authorities that sign nodes' certificates."},
  setting_info{"cluster", "replicas", kind::count,
               cluster<&cluster_s::replicas>,
               "Nodes that hold each shard: 1, 3, 5 or 7. Decided when the "
               "cluster is formed.",
               1, 7},
  setting_info{"cluster", "election_timeout", kind::duration,
               cluster<&cluster_s::election_timeout>,
               "A leader that is silent for so long (up to twice that) is "
               "replaced. The same on every node.",
               50, minute},
  setting_info{"cluster", "heartbeat", kind::duration,
               cluster<&cluster_s::heartbeat>,
               "How often a leader shows that it is alive. The same on every "
               "node; election_timeout is at least three times that.",
               10, 20 * second},
  setting_info{"cluster", "leader_wait", kind::duration,
               cluster<&cluster_s::leader_wait>,
               "How long a call waits for its shard to have a leader before it "
               "gets 503.",
               0, hour},
  setting_info{"cluster", "link_heartbeat", kind::duration,
               cluster<&cluster_s::link_heartbeat>,
               "How often the link between two nodes is checked.", 10, minute},
  setting_info{"cluster", "link_timeout", kind::duration,
               cluster<&cluster_s::link_timeout>,
               "A link on which nothing came for so long is given up and made "
               "anew. More than twice link_heartbeat.",
               50, 10 * minute},
  setting_info{"cluster", "dial_timeout", kind::duration,
               cluster<&cluster_s::dial_timeout>,
               "How long a connection to another node may take to be made.", 10,
               minute},
  setting_info{"cluster", "redial_interval", kind::duration,
               cluster<&cluster_s::redial_interval>,
               "How often a node that is not linked is tried again.", 10,
               minute},
  setting_info{"cluster", "link_queue_bytes", kind::size,
               cluster<&cluster_s::link_queue_bytes>,
               "What may wait for a slow link, for each peer and lane (urgent, "
               "normal, bulk).",
               mib, 16 * gib},
  setting_info{"cluster", "frame_bytes", kind::size,
               cluster<&cluster_s::frame_bytes>,
               "The largest message between nodes; it must hold a request of "
               "limits.body_bytes and an entry of engine.batch_bytes.",
               64 * kib, gib},
  setting_info{
    "cluster", "chunk_bytes", kind::size, cluster<&cluster_s::chunk_bytes>,
    "A replica's state moves in pieces of this size.", 4 * kib, 16 * mib},
  setting_info{
    "cluster", "moves", kind::count, cluster<&cluster_s::moves>,
    "States of replicas that a node sends at a time, and that it takes "
    "in; others wait.",
    1, 64},
  setting_info{"cluster", "asks", kind::count, cluster<&cluster_s::asks>,
               "Questions to all nodes or all shards, and orders of operators, "
               "that a node has open at a time; more get 503.",
               16, 1'000'000},
  setting_info{"cluster", "digest_interval", kind::duration,
               cluster<&cluster_s::digest_interval>,
               "How often replicas compare digests of what they hold; large "
               "shards less often, so that it takes at most a 400th of a core "
               "for each. 0: never.",
               0, day},
  setting_info{
    "cluster", "rebuild_interval", kind::duration,
    cluster<&cluster_s::rebuild_interval>,
    "A replica that differed is taken out, and made anew on the same "
    "node at most once in this time without an operator.",
    minute, 30 * day},
};

} // namespace

std::span<const setting_info> cluster_table() {
  return table;
}

} // namespace callboard::setting_fields
