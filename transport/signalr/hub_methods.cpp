#include "transport/signalr/hub_methods.hpp"

#include "actors/model/event.hpp"
#include "transport/signalr/hub_records.hpp"
#include "transport/viewer_rooms.hpp"

#include <algorithm>
#include <utility>

namespace callboard::signalr {

namespace {

constexpr std::size_t longest_echo = 128;

problem bad(std::string detail) {
  return {errc::invalid, std::move(detail)};
}

tl::unexpected<problem> not_found() {
  return fail(errc::not_found, "not found");
}

std::string group_name(const run_id& run) {
  return "execution-" + run.value;
}

/// What a `T` of the engine's answer is, or nullptr.
template <class T>
T* answer_of(answer& x) {
  return x.outcome ? std::get_if<T>(&*x.outcome) : nullptr;
}

problem reason_of(answer& x) {
  return x.outcome ? problem{errc::internal, "an unexpected answer"}
                   : std::move(x.outcome.error());
}

} // namespace

struct hub_methods::method_entry {
  std::string_view target;
  std::size_t fewest, most; ///< Arguments.
  method run;
};

const hub_methods::method_entry hub_methods::methods[] = {
  {"ExecuteWorkflow", 1, 2, &hub_methods::execute},
  {"SubscribeToExecution", 1, 1, &hub_methods::subscribe},
  {"UnsubscribeFromExecution", 1, 1, &hub_methods::unsubscribe},
  {"ReplayExecution", 2, 2, &hub_methods::replay},
};

hub_methods::hub_methods(hub& home, viewer& owner, const principal& who,
                         std::function<std::shared_ptr<void>()> alive)
    : home_{home}, owner_{owner}, who_{who}, alive_{std::move(alive)} {
  // nop
}

// -- calling ------------------------------------------------------------------

void hub_methods::invoke(const hub_message& x) {
  if (auto ok = call(x); !ok)
    refuse(x.invocation_id, ok.error());
}

result<void> hub_methods::call(const hub_message& x) {
  auto named
    = "Failed to invoke"
      + (x.target.size() > longest_echo ? std::string{} : " '" + x.target + "'")
      + ": ";
  auto known = std::ranges::find(methods, x.target, &method_entry::target);
  if (known == std::ranges::end(methods))
    return tl::unexpected{bad(named + "Method does not exist.")};
  if (x.type == message_type::stream_invocation)
    return tl::unexpected{bad(named + "it gives no stream; invoke it.")};
  if (x.has_streams)
    return tl::unexpected{bad(named + "it takes no streams.")};
  if (!x.arguments)
    return tl::unexpected{bad(named + "arguments must be an array.")};
  arguments xs;
  for (auto item : x.arguments->items())
    xs.push_back(item);
  if (xs.size() < known->fewest || xs.size() > known->most)
    return tl::unexpected{bad(named + "Invocation provides "
                              + std::to_string(xs.size())
                              + " argument(s) but target expects "
                              + std::to_string(known->most) + ".")};
  return (this->*known->run)(x.invocation_id, xs);
}

bool hub_methods::is_busy() const noexcept {
  return requests_ + replays_.size() >= home_.conf().limits.requests_in_flight;
}

void hub_methods::stop() {
  stopped_ = true;
  joining_.clear();
  replays_.clear();
}

void hub_methods::ask(const std::function<void(const reply_address&)>& call,
                      std::function<void(answer)> then) {
  ++requests_;
  auto handler = [this, alive = alive_, then = std::move(then)](answer x) {
    auto kept = alive();
    if (!kept)
      return;
    --requests_;
    if (!stopped_)
      then(std::move(x));
    owner_.wake(); // reading may go on, even if nothing was said
  };
  constexpr std::uint64_t any_session = 1; // answers are found by number
  call(home_.expect(any_session, std::move(handler)));
}

result<run_id> hub_methods::run_argument(json::value x) {
  if (!x.is(json::kind::string))
    return fail(errc::invalid, "executionId must be a string");
  run_id run{x.string()};
  if (!valid_id(run.value))
    return not_found();
  return run;
}

void hub_methods::complete(const std::string& id, std::string_view result) {
  if (!id.empty())
    reply(completion(id, result));
}

void hub_methods::refuse(const std::string& id, const problem& why) {
  if (!id.empty())
    reply(failed_completion(id, why.detail.empty()
                                  ? to_string(why.code)
                                  : std::string_view{why.detail}));
}

void hub_methods::reply(std::string record) {
  owner_.out.push_reply(outbound_frame::text(std::move(record)));
  owner_.wake();
}

// -- groups -------------------------------------------------------------------

/// The project of a run that the token reaches; errc::not_found if there is
/// none.
void hub_methods::find_home(const run_id& run,
                            std::function<void(result<project_id>)> then) {
  query::find_run question{who_.tenant, run, {}};
  if (who_.restricted)
    question.only = who_.projects;
  if (who_.restricted && who_.projects.empty())
    return then(not_found());
  auto call = [&](const reply_address& to) {
    home_.target().ask(to, std::move(question));
  };
  ask(call, [this, then = std::move(then)](answer got) {
    json::document doc;
    auto* found = answer_of<document_answer>(got);
    if (found == nullptr) {
      auto why = reason_of(got);
      return then(why.code == errc::not_found ? not_found()
                                              : tl::unexpected{std::move(why)});
    }
    project_id project;
    if (doc.reset(found->json) && doc.root().is(json::kind::string))
      project.value = doc.root().string();
    if (who_.reaches(project))
      return then(std::move(project));
    then(not_found());
  });
}

result<void> hub_methods::subscribe(const std::string& id,
                                    const arguments& xs) {
  auto run = run_argument(xs[0]);
  if (!run)
    return tl::unexpected{std::move(run.error())};
  if (!who_.may_subscribe)
    return fail(errc::forbidden, "your token lacks the scope subscribe");
  auto name = group_name(*run);
  auto* present = owner_.find(name);
  if (present != nullptr && present->state != subscription::phase::starting) {
    complete(id, "null");
    return {};
  }
  auto most = home_.conf().limits.subscriptions;
  if (present == nullptr
      && owner_.subscription_count() + joining_.size() >= most)
    return fail(errc::too_large, "a connection may subscribe to at most "
                                   + std::to_string(most) + " executions");
  auto number = ++last_join_;
  joining_.push_back({std::move(name), id, number});
  if (present == nullptr) // else subscribed() tells all who wait
    find_home(*run, [this, number, run = *run](result<project_id> project) {
      join(number, run, project);
    });
  return {};
}

void hub_methods::join(std::uint64_t number, const run_id& run,
                       const result<project_id>& project) {
  auto who = std::ranges::find(joining_, number, &joining::number);
  if (who == joining_.end())
    return; // unsubscribed meanwhile
  if (!project) {
    auto id = std::move(who->invocation);
    joining_.erase(who);
    return refuse(id, project.error());
  }
  if (auto* present = owner_.find(who->group)) { // by another invocation
    if (present->state != subscription::phase::starting)
      subscribed(*present);
    return;
  }
  viewer_rooms::request x;
  x.view = {who->group, run, {}, &hub_records()};
  x.room = {who_.tenant, *project};
  home_.rooms().subscribe(owner_, std::move(x));
}

std::vector<hub_methods::joining>
hub_methods::take_joining(std::string_view group) {
  std::vector<joining> taken;
  for (auto& x : joining_)
    if (x.group == group)
      taken.push_back(x);
  std::erase_if(joining_, [group](auto& x) { return x.group == group; });
  return taken;
}

void hub_methods::subscribed(const subscription& x) {
  for (auto& waiting : take_joining(x.name()))
    complete(waiting.invocation, "null");
}

result<void> hub_methods::unsubscribe(const std::string& id,
                                      const arguments& xs) {
  auto run = run_argument(xs[0]);
  if (!run && run.error().code != errc::not_found)
    return tl::unexpected{std::move(run.error())};
  if (run) {
    auto name = group_name(*run);
    home_.rooms().unsubscribe(owner_, name);
    for (auto& waiting : take_joining(name))
      refuse(waiting.invocation, {errc::conflict, "unsubscribed meanwhile"});
  }
  complete(id, "null"); // as leaving a group that one is not in
  return {};
}

} // namespace callboard::signalr
