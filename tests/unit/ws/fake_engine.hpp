#pragma once

#include "actors/engine.hpp"

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace callboard::test {

/// An engine in memory: rooms number their events, hubs get them through the
/// sink at once, history is read from a vector. What a test wants to go wrong
/// (owners lost, history refused or trimmed, answers held back) it asks for.
/// Any thread.
class fake_engine : public engine {
public:
  explicit fake_engine(edge_sink& sink) : sink_{sink} {
    // nop
  }

  void publish(const reply_address& to, publish_request x) override;
  void command(const reply_address& to, command_request x) override;
  void define(const reply_address& to, definition_request x) override;
  void ask(const reply_address& to, query::any x) override;
  void history(const reply_address& to, history_request x) override;
  void admin(const reply_address& to, admin_request x) override;
  void reply(const reply_address& to, result<document_answer> x) override;
  void take(const reply_address& to, take_request x) override;
  void stop_taking(const reply_address& to, const room_key& room) override;
  void lease(const reply_address& to, lease_request x) override;
  void join_room(hub_id hub, room_key room, std::uint64_t token) override;
  void leave_room(hub_id hub, room_key room) override;
  void watch_tenant(hub_id hub, tenant_id tenant, bool on) override;
  void ask_streams(hub_id hub, room_key room, std::uint64_t token) override;
  readiness ready() const override;
  engine_metrics metrics() const override;
  std::string node_name() const override;

  // -- what tests do ----------------------------------------------------------

  struct draft {
    std::string type = "test:event";
    std::string run = {};
    std::string text = {}; ///< Inside `data.text`.
    bool ephemeral = false;
  };

  /// Appends events as one batch; returns the room's head.
  event_seq post(const room_key& room, const std::vector<draft>& xs);

  /// The room's owner is gone: hubs must join again.
  void lose(const room_key& room);

  /// Forgets the events before `oldest`.
  void trim(const room_key& room, event_seq oldest);

  /// The text so far of a run's stream: what ask_streams gives.
  void set_stream(const room_key& room, const std::string& run,
                  const std::string& text);

  /// What find_run answers; default: not found.
  void set_home(const run_id& run, const project_id& project);

  void hold_answers(bool on); ///< Publish answers wait; off: all are given.
  void refuse_history(std::size_t times);

  event_seq head(const room_key& room);
  std::size_t hubs_in(const room_key& room);
  std::vector<command_request> commands();
  std::size_t history_reads();

private:
  struct room_state {
    std::vector<posted_event> events; ///< Number i + 1 at place i.
    event_seq oldest{1};
    std::set<hub_id> hubs;
    std::vector<posted_event> streams;
  };

  void answer_with(const reply_address& to, decltype(answer::outcome) x);
  void signal(hub_id hub, room_signal x);

  edge_sink& sink_;
  std::recursive_mutex mutex_;
  std::map<room_key, room_state> rooms_;
  std::map<tenant_id, std::set<hub_id>> watchers_;
  std::map<run_id, project_id> homes_;
  std::vector<command_request> commands_;
  std::vector<std::function<void()>> held_;
  bool holding_ = false;
  std::size_t refusals_ = 0;
  std::size_t reads_ = 0;
};

/// A frame as the engine makes them, for one event.
posted_event make_event(const room_key& room, event_seq seq,
                        const fake_engine::draft& x);

} // namespace callboard::test
