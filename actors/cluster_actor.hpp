#pragma once

#include "actors/cluster_report.hpp"
#include "actors/directory_orders.hpp"
#include "actors/forming.hpp"
#include "actors/messages.hpp"
#include "actors/node_context.hpp"
#include "actors/peer_router.hpp"
#include "actors/shard_raft.hpp"
#include "storage/node_identity.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace callboard {

/// Who this node is in the cluster, and the map that says who else belongs to
/// it. Forms the cluster with the others, keeps the identity file, drives this
/// node's replica of the directory (the Raft group that holds the map), tells
/// everybody of newer maps, and carries operators' orders to the directory's
/// leader. Spawned detached: the identity file is synced here.
///
/// The members are spread over cluster_actor.cpp (forming, peers, maps),
/// cluster_directory.cpp (the group, orders) and cluster_asks.cpp (operators).
class cluster_state {
public:
  static constexpr const char* name = "cluster";

  explicit cluster_state(cluster_actor::pointer self) noexcept : self_{self} {
    // nop
  }

  void init(node_context& node, peer_router& router, edge_sink& sink,
            std::shared_ptr<node_identity_file> identity, peer_identity me);

  void handle(const peer_came& x);
  void handle(const peer_went& x);
  void handle(peer_message& x);
  void handle(map_changed);
  void handle(cluster_ask& x);
  void handle(cluster_query& x);
  void handle(const map_wish& x);
  void handle(tick);

  void handle(const log_durable& x);
  void handle(const state_applied& x);
  void handle(const state_flushed& x);
  void handle(const state_pinned& x);
  void handle(const state_installed& x);
  void handle(const state_wiped& x);
  void handle(state_staged& x);
  void handle(const stream_over& x);
  void handle(const digest_made& x);
  void handle(const replica_loaded& x);
  void handle(export_pinned& x);
  description describe() const;

private:
  /// An order on its way to the directory's leader and back.
  struct pending_order {
    std::string order;
    std::optional<reply_address> to; ///< Who is answered; nobody: our own.
    node_number sent_to;
    std::uint64_t until_ms = 0;
  };
  /// At the directory's leader: decided one after the other.
  struct waiting_change {
    map_order order;
    peer_session session; ///< Who asked; 0: this node.
    std::uint64_t token = 0;
  };
  /// An admin call that other nodes answer, too.
  struct gathering {
    reply_address to;
    admin_request what;
    std::optional<query::any> question;    ///< Then of all shards, not nodes.
    std::vector<node_report_text> reports; ///< inspect_cluster
    std::vector<decltype(callboard::answer::outcome)> answers; ///< all others
    std::size_t missing = 0;
    std::uint64_t until_ms = 0;
  };

  // Forming, peers, maps.
  bool formed() const noexcept {
    return map_.version != 0;
  }
  void form(std::uint64_t now_ms);
  void become_member(cluster_map map, bool from_start);
  void hear_map(const std::string& bytes, peer_session from = {});
  std::vector<join_address> named_nodes() const;
  void take_map(cluster_map map);
  void tell_map(peer_session session);
  void dial();
  void check_address();
  void say_now_and_then(const std::string& what, std::uint64_t now_ms);

  // The directory.
  void after_directory();
  void tick_directory(std::uint64_t now_ms);
  void move_directory(std::uint64_t now_ms);
  static problem not_leading_now();
  void begin_change();
  void end_change(result<std::string> outcome);
  void drop_left_nodes();
  void hear_leader(node_number from, const remote::leader_notice& x);

  // Orders and asks.
  bool too_much(const reply_address& to);
  void ask_directory(map_order order, std::optional<reply_address> to);
  void send_order(std::uint64_t token, pending_order& x);
  void finish_order(std::uint64_t token, result<std::string> outcome);
  void carry_out(const reply_address& to, const cluster_order& x);
  bool was_removed(const peer_identity& who) const;
  void transfer(const reply_address& to, const cluster_order& x);
  void gather(const reply_address& to, admin_request what);
  void gather_answers(const reply_address& to, admin_request what);
  void ask_here(const reply_address& to, admin_request what);
  void add_answers(remote::call_answers& x);
  void report_to(peer_session session, std::uint64_t token);
  void add_report(std::uint64_t token, std::string json);
  void finish_gathering(std::uint64_t token);
  void answer(const reply_address& to, result<std::string> json,
              int status = 200);
  void tick_asks(std::uint64_t now_ms);

  cluster_actor::pointer self_;
  node_context* node_ = nullptr;
  peer_router* router_ = nullptr;
  edge_sink* sink_ = nullptr;
  std::shared_ptr<node_identity_file> identity_;
  peer_identity me_;
  cluster_map map_; ///< The newest known.
  /// Disks of nodes that left while this one looked. What they hold is of old
  /// numbers: they do not come back.
  std::set<std::string> left_disks_;
  std::map<peer_session, peer_identity> peers_;
  std::string met_cluster_; ///< One that this node is not of.
  /// A cluster that begins with this node, but founded by one that cluster.join
  /// does not name, as far as is known; nobody: none.
  peer_identity offered_by_;
  std::string offered_map_;
  bool has_data_ = false; ///< Of a life as a single node.
  std::string last_said_;
  std::uint64_t said_ms_ = 0;

  std::optional<shard_raft> directory_;
  bool was_ready_ = false;
  bool checked_store_ = false; ///< This leadership knows the stored map.
  node_number directory_leader_;
  raft_term directory_term_;
  std::deque<waiting_change> changes_; // bounded: see directory_request
  std::optional<log_index> changing_;  // the front's entry
  std::uint64_t next_notice_ms_ = 0, next_drop_ms_ = 0, next_address_ms_ = 0,
                next_figures_ms_ = 0, next_check_ms_ = 0;
  bool check_anyway_ = false; ///< As shard_state's.

  /// Members of every group as its leader says, for leaving nodes.
  struct group_members {
    raft_term term;
    node_number leader;
    std::vector<node_number> nodes;
  };
  std::unordered_map<shard_id, group_members> groups_;

  // Both together at most cluster.asks, and each for a few seconds.
  std::map<std::uint64_t, pending_order> orders_;
  std::map<std::uint64_t, gathering> gatherings_;
  std::uint64_t next_token_ = 1;
  std::uint64_t started_ms_ = 0;
};

cluster_actor::behavior_type
cluster(cluster_actor::stateful_pointer<cluster_state> self, node_context* node,
        peer_router* router, edge_sink* sink,
        std::shared_ptr<node_identity_file> identity, peer_identity me);

} // namespace callboard
