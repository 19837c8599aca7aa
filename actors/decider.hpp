#pragma once

#include "actors/model/run_machine.hpp"
#include "actors/slot.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace callboard {

/// Takes requests in order and decides about their events: duplicate, refused
/// or accepted. What it cannot know by itself (an id that may have been seen
/// before) it asks for, and goes on in order when the answer comes. The logic
/// of run and room actors, without actors: everything it wants to say goes to
/// an outbox.
class decider {
public:
  struct outbox {
    std::vector<id_lookup> lookups;
    std::vector<decided> decisions;
  };

  /// `complete`: there is nothing in the store yet that could be a duplicate.
  decider(room_key room, run_id run, bool complete);
  virtual ~decider() = default;

  /// Some items of a publish request.
  void push(std::uint64_t slot, std::shared_ptr<const publish_request> request,
            std::vector<std::uint32_t> items, std::int64_t now_ms, outbox& out);

  /// A command.
  void push(std::uint64_t slot,
            std::shared_ptr<const command_arguments> command, run_id successor,
            std::int64_t now_ms, outbox& out);

  void found(ids_found x, outbox& out);

  /// Nothing is waiting for an answer.
  bool idle() const noexcept {
    return jobs_.empty();
  }

  std::size_t memory() const noexcept;

  const room_key& room() const noexcept {
    return room_;
  }

  const run_id& run() const noexcept {
    return run_;
  }

protected:
  /// `lease`: what the event's sender claims to hold; null: nothing.
  virtual verdict decide(const event_draft& draft, const lease_claim* lease,
                         std::int64_t now_ms)
    = 0;
  virtual std::vector<verdict> decide(const command_arguments& command,
                                      const run_id& successor,
                                      std::int64_t now_ms)
    = 0;
  virtual std::size_t state_memory() const noexcept = 0;

private:
  struct job {
    std::uint64_t slot = 0;
    std::int64_t now_ms = 0;
    std::shared_ptr<const publish_request> request; // null: a command
    std::vector<std::uint32_t> items;
    std::shared_ptr<const command_arguments> command;
    run_id successor;
    // Per item: what the store said. Empty while nothing had to be asked.
    std::vector<std::optional<event_seq>> seqs;
    std::vector<std::uint8_t> asked; // 0 not, 1 at once, 2 after drain
    std::optional<problem> error;
    bool waiting = false;
  };

  const event_draft& draft(const job& j, std::size_t i) const;
  bool ask(job& j, outbox& out);
  void work(outbox& out);
  void finish(job& j, outbox& out);

  room_key room_;
  run_id run_;
  bool complete_;
  known_ids seen_;      // since this object was made
  std::list<job> jobs_; // a resting deque would hold 600 bytes
};

/// Decides for one run.
class run_decider : public decider {
public:
  /// nullopt: a run that does not exist yet.
  /// `names`: of the project's definitions; null: none are known.
  /// `max_steps`: limits.steps_per_run; a further step is refused.
  run_decider(room_key room, run_id run, std::optional<run_brief> stored,
              std::shared_ptr<const definition_names> names,
              std::size_t max_steps);

  const run_machine& machine() const noexcept {
    return machine_;
  }

protected:
  verdict decide(const event_draft& draft, const lease_claim* lease,
                 std::int64_t now_ms) override;
  std::vector<verdict> decide(const command_arguments& command,
                              const run_id& successor,
                              std::int64_t now_ms) override;
  std::size_t state_memory() const noexcept override;

private:
  run_machine machine_;
  std::size_t max_steps_;
};

/// Decides for the events of a room that belong to no run.
class room_decider : public decider {
public:
  room_decider(room_key room, bool complete);

protected:
  verdict decide(const event_draft& draft, const lease_claim* lease,
                 std::int64_t now_ms) override;
  std::vector<verdict> decide(const command_arguments& command,
                              const run_id& successor,
                              std::int64_t now_ms) override;
  std::size_t state_memory() const noexcept override;
};

} // namespace callboard
