#pragma once

#include "actors/engine.hpp"
#include "actors/model/json.hpp"
#include "actors/model/problem.hpp"
#include "transport/hub.hpp"
#include "transport/principal.hpp"
#include "transport/signalr/hub_protocol.hpp"
#include "transport/viewer.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace callboard::signalr {

/// The hub's methods (contract 3): turns invocations into calls of the engine
/// and of the hub's rooms, and their answers into completions, which it queues
/// in `owner.out`. On the hub's thread.
class hub_methods {
public:
  /// `alive` gives what keeps all four alive while an answer is handled.
  hub_methods(hub& home, viewer& owner, const principal& who,
              std::function<std::shared_ptr<void>()> alive);

  void invoke(const hub_message& x);

  /// A subscription has begun.
  void subscribed(const subscription& x);

  /// The owner's queue has become low: goes on with replays.
  void go_on();

  /// The owner ends.
  void stop();

  /// So much is unanswered that no more should be read.
  bool is_busy() const noexcept;
  bool awaits_answers() const noexcept {
    return requests_ > 0 || !replays_.empty();
  }

private:
  using arguments = std::vector<json::value>;
  using method
    = result<void> (hub_methods::*)(const std::string& id, const arguments& xs);
  struct method_entry;
  static const method_entry methods[];

  /// An execution's id. What cannot be one is simply not found.
  static result<run_id> run_argument(json::value x);

  result<void> call(const hub_message& x);
  result<void> execute(const std::string& id, const arguments& xs);
  result<void> subscribe(const std::string& id, const arguments& xs);
  result<void> unsubscribe(const std::string& id, const arguments& xs);
  result<void> replay(const std::string& id, const arguments& xs);

  /// A run to be made for ExecuteWorkflow.
  struct new_run {
    std::string invocation;
    project_id project;
    std::string name;
    std::string input; ///< Raw JSON; empty: none.
    std::string definition = {};
  };
  void find_definition(new_run x);
  void search_definitions(new_run x, std::string cursor);
  void create(new_run x);

  /// Somebody who waits to be in a group.
  struct joining {
    std::string group;
    std::string invocation;
    std::uint64_t number;
  };
  void find_home(const run_id& run,
                 std::function<void(result<project_id>)> then);
  void join(std::uint64_t number, const run_id& run,
            const result<project_id>& project);
  std::vector<joining> take_joining(std::string_view group);

  /// A ReplayExecution under way.
  struct replaying {
    std::string invocation;
    room_key room;
    run_id run;
    event_seq after;
    event_seq until = {}; ///< The head when it began; 0: not known yet.
    std::uint64_t sent = 0;
  };
  void take(const history_chunk& chunk);

  void complete(const std::string& id, std::string_view result);
  void refuse(const std::string& id, const problem& why);
  void reply(std::string record);

  /// Has `call` ask the engine; `then` gets the answer, unless the owner has
  /// ended by then.
  void ask(const std::function<void(const reply_address&)>& call,
           std::function<void(answer)> then);

  hub& home_;
  viewer& owner_;
  const principal& who_;
  std::function<std::shared_ptr<void>()> alive_;
  std::size_t requests_ = 0;
  std::vector<joining> joining_;
  std::uint64_t last_join_ = 0;
  std::vector<replaying> replays_; ///< The first one is under way.
  bool reading_ = false;           ///< Its next chunk is asked for.
  bool stopped_ = false;
};

} // namespace callboard::signalr
