#pragma once

#include "actors/engine.hpp"
#include "actors/model/cluster_map.hpp"

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace callboard::test {

/// An engine that numbers what it gets, says what it was asked, and remembers
/// it. Answers at once, from the caller's thread, unless told to hold them.
class fake_engine final : public engine {
public:
  explicit fake_engine(edge_sink*& sink) : sink_{sink} {
    // nop
  }

  void publish(const reply_address& to, publish_request x) override {
    publish_answer out;
    std::lock_guard guard{mutex_};
    for (auto& item : x.items) {
      if (auto refused = std::get_if<publish_result>(&item)) {
        out.results.push_back(*refused);
        continue;
      }
      auto& draft = std::get<event_draft>(item);
      publish_result one{draft.id.value, {}, {}};
      if (draft.type_name == "test:conflict")
        one.error = problem{errc::conflict, "from ended to running"};
      else if (draft.delivery == event_delivery::durable)
        one.seq = event_seq{++last_seq_};
      out.results.push_back(std::move(one));
    }
    published_.push_back(std::move(x));
    send(to, std::move(out));
  }

  void command(const reply_address& to, command_request x) override {
    std::lock_guard guard{mutex_};
    document_answer out{"{\"id\":\"" + x.arguments.run.value + "\"}"};
    if (x.arguments.what == run_command::create) {
      out.http_status = 201;
      out.location = "/v1/projects/" + x.room.project.value + "/runs/"
                     + x.arguments.run.value;
    }
    commands_.push_back(std::move(x));
    send(to, std::move(out));
  }

  void define(const reply_address& to, definition_request x) override {
    std::lock_guard guard{mutex_};
    definitions_.push_back(std::move(x));
    send(to, document_answer{"{}"});
  }

  void ask(const reply_address& to, query::any x) override {
    std::lock_guard guard{mutex_};
    queries_.push_back(std::move(x));
    send(to, document_answer{next_document_});
  }

  void history(const reply_address& to, history_request) override {
    std::lock_guard guard{mutex_};
    send(to, history_answer{});
  }

  void admin(const reply_address& to, admin_request x) override {
    std::lock_guard guard{mutex_};
    admin_.push_back(x);
    if (std::holds_alternative<find_sessions>(x)
        || std::holds_alternative<end_session>(x))
      return sink_->admin(to, std::move(x));
    send(to, document_answer{"{\"items\":[]}"});
  }

  void reply(const reply_address& to, result<document_answer> x) override {
    ++replies;
    if (!x)
      return sink_->answers(to.hub, {{to, tl::unexpected{x.error()}}});
    std::lock_guard guard{mutex_};
    send(to, std::move(*x));
  }

  void take(const reply_address& to, take_request x) override {
    std::lock_guard guard{mutex_};
    takes_.push_back(std::move(x));
    send(to, document_answer{{}, 204});
  }

  void stop_taking(const reply_address&, const room_key&) override {
    ++stopped_taking;
  }

  void lease(const reply_address& to, lease_request x) override {
    std::lock_guard guard{mutex_};
    leases_.push_back(std::move(x));
    send(to, document_answer{"{}"});
  }

  void join_room(hub_id, room_key, std::uint64_t) override {
    // nop
  }
  void leave_room(hub_id, room_key) override {
    // nop
  }
  void watch_tenant(hub_id, tenant_id, bool) override {
    // nop
  }
  void ask_streams(hub_id, room_key, std::uint64_t) override {
    // nop
  }

  readiness ready() const override {
    return is_ready ? readiness{true, {}}
                    : readiness{false, "the store is opening"};
  }
  engine_metrics metrics() const override {
    engine_metrics out;
    out.events_accepted = 7;
    out.sync_seconds = {{0.001, 0.01}, {3, 2, 1}, 0.5};
    auto& shards = out.shard_replicas;
    shards.resize(2);
    shards[0].role = replica_role::leader;
    shards[0].term = 3;
    shards[0].commit_index = 40;
    shards[0].applied_index = 39;
    shards[0].last_index = 41;
    shards[0].leadership_changes = 2;
    shards[0].followers = {{"n2", 1, true}, {"n3", 30, false}};
    shards[1].shard = directory_shard;
    shards[1].role = replica_role::learner;
    auto& peer = out.peers.emplace_back();
    peer.name = "n2";
    peer.up = true;
    peer.bytes_out = 1000;
    peer.round_trip_us = 250;
    return out;
  }
  std::string node_name() const override {
    return "n1";
  }

  // For tests.

  /// Answers are kept from now on until release().
  void hold() {
    std::lock_guard guard{mutex_};
    holding_ = true;
  }

  /// Sends what was held, the latest first if `backwards`.
  void release(bool backwards = false) {
    std::vector<answer> held;
    {
      std::lock_guard guard{mutex_};
      holding_ = false;
      held = std::exchange(held_, {});
    }
    if (backwards)
      std::reverse(held.begin(), held.end());
    for (auto& x : held)
      sink_->answers(x.to.hub, {std::move(x)});
  }

  std::size_t held() const {
    std::lock_guard guard{mutex_};
    return held_.size();
  }

  std::size_t publish_calls() const {
    std::lock_guard guard{mutex_};
    return published_.size();
  }

  template <class T>
  T last_query() const {
    std::lock_guard guard{mutex_};
    return std::get<T>(queries_.back());
  }

  admin_request last_admin() const {
    std::lock_guard guard{mutex_};
    return admin_.back();
  }

  command_request last_command() const {
    std::lock_guard guard{mutex_};
    return commands_.back();
  }

  definition_request last_definition() const {
    std::lock_guard guard{mutex_};
    return definitions_.back();
  }

  void next_document(std::string text) {
    std::lock_guard guard{mutex_};
    next_document_ = std::move(text);
  }

  std::atomic<bool> is_ready{true};
  std::atomic<int> stopped_taking{0};
  std::atomic<int> replies{0}; ///< About the node's own sessions.

private:
  template <class T>
  void send(const reply_address& to, T what) {
    answer out{to, std::move(what)};
    if (holding_)
      held_.push_back(std::move(out));
    else
      sink_->answers(to.hub, {std::move(out)});
  }

  mutable std::mutex mutex_;
  edge_sink*& sink_;
  bool holding_ = false;
  std::uint64_t last_seq_ = 0;
  std::string next_document_ = "{\"items\":[]}";
  std::vector<answer> held_;
  std::vector<publish_request> published_;
  std::vector<command_request> commands_;
  std::vector<definition_request> definitions_;
  std::vector<query::any> queries_;
  std::vector<take_request> takes_;
  std::vector<lease_request> leases_;
  std::vector<admin_request> admin_;
};

} // namespace callboard::test
