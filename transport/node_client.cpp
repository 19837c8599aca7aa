#include "actors/model/json.hpp"
#include "actors/model/object_writer.hpp"
#include "transport/native_client.hpp"
#include "transport/native_messages.hpp"
#include "transport/translated_batch.hpp"
#include "transport/viewer_rooms.hpp"

#include <algorithm>
#include <utility>

/// native_client: the frames of contract 2, which shares `/ws` with contract 1.
/// Its subscriptions are the viewer's own, in other words and under names of
/// their own.
namespace callboard {

namespace {

using json::object_writer;

constexpr std::string_view documents = "kb:document:*";
constexpr std::string_view documents_name = "node-events:documents";
constexpr std::string_view name_prefix = "node-events:execution:";
constexpr std::size_t most_replays = 16;

std::string name_of(const run_id& run) {
  return std::string{name_prefix} + run.value;
}

/// The time in ms that a message of this vocabulary has.
std::int64_t time_of(std::string_view message) {
  auto doc = json::document::parse(message);
  auto found = doc ? doc->root().find("timestamp") : std::nullopt;
  return found ? found->integer().value_or(0) : 0;
}

std::string mark_replayed(std::string_view message) {
  std::string out{message.substr(0, message.size() - 1)};
  out += ",\"replayed\":true}";
  return out;
}

result<std::int64_t> since_of(json::value frame) {
  auto x = frame.find("since");
  auto since = x && x->is(json::kind::number) ? x->integer() : std::nullopt;
  if (!since || *since < 0)
    return fail(errc::invalid,
                "since must be a time in milliseconds since the Unix epoch",
                "/since");
  return *since;
}

} // namespace

/// What a client sends decides what it is answered with.
bool native_client::is_of_nodes(const frame& x, std::string_view type) const {
  if (type == "user:input:response" || type == "replay" || type == "ack")
    return true;
  return (type == "subscribe" || type == "unsubscribe")
         && x.root.find("executionId") && !x.root.find("room");
}

result<void> native_client::handle_of_nodes(const frame& x,
                                            std::string_view type) {
  if (type == "ack") {
    auto event = native::optional_id(x.root, "eventId");
    if (!event)
      return tl::unexpected{std::move(event.error())};
    if (!*event)
      return fail(errc::invalid, "eventId is missing", "/eventId");
    acknowledged_ = std::move(**event);
    return {};
  }
  auto id = native::optional_id(x.root, "executionId");
  if (!id)
    return tl::unexpected{std::move(id.error())};
  if (!*id)
    return fail(errc::invalid, "executionId is missing", "/executionId");
  run_id run{std::move(**id)};
  if (type == "unsubscribe")
    return unsubscribe_nodes(x, run);
  if (type == "user:input:response")
    return answer_node(x, run);
  if (!who_.may_subscribe)
    return fail(errc::forbidden, "your token lacks the scope subscribe");
  return type == "subscribe" ? subscribe_nodes(x, run) : replay_nodes(x, run);
}

// -- subscriptions
// --------------------------------------------------------------

/// Documents are told to whole tenants: this client subscribes to nothing for
/// them.
void native_client::show_documents() {
  if (!who_.may_subscribe)
    return;
  shows_documents_ = true;
  viewer_rooms::request x;
  x.view = {
    std::string{documents_name}, {}, {std::string{documents}}, &node_events()};
  x.room = {who_.tenant, {}};
  home_.rooms().subscribe(*this, std::move(x));
}

result<void> native_client::subscribe_nodes(const frame&, const run_id& run) {
  auto name = name_of(run);
  if (auto ok = check_room_left(name); !ok)
    return ok;
  auto number = begin_finding(name);
  find_project(run, [this, run, number](result<project_id> found) {
    if (!end_finding(number))
      return;
    if (!found)
      return nodes_error(found.error(), run, {});
    viewer_rooms::request x;
    x.view = {name_of(run), run, {}, &node_events()};
    x.room = {who_.tenant, std::move(*found)};
    home_.rooms().subscribe(*this, std::move(x));
  });
  return {};
}

void native_client::subscribed_to_nodes(const subscription& x) {
  if (x.group->run)
    send(object_writer{}
           .text("type", "subscribed")
           .text("executionId", x.group->run->value)
           .take());
}

void native_client::resync_nodes(const subscription& x) {
  if (x.group->run)
    nodes_error({errc::not_found,
                 "events that you missed are not kept any more; read the run "
                 "by HTTP"},
                *x.group->run, {});
}

std::string native_client::nodes_unsubscribed(const subscription& x) const {
  if (!x.group->run)
    return {};
  return object_writer{}
    .text("type", "unsubscribed")
    .text("executionId", x.group->run->value)
    .text("reason", to_string(errc::forbidden))
    .take();
}

result<void> native_client::unsubscribe_nodes(const frame&, const run_id& run) {
  auto name = name_of(run);
  std::erase_if(finding_, [&name](auto& y) { return y.first == name; });
  home_.rooms().unsubscribe(*this, name); // if there is any: told in any case
  send(object_writer{}
         .text("type", "unsubscribed")
         .text("executionId", run.value)
         .take());
  return {};
}

void native_client::nodes_error(const problem& why, const run_id& run,
                                std::string_view node) {
  object_writer x;
  x.text("type", "error")
    .text("code", to_string(why.code))
    .text("executionId", run.value);
  if (!node.empty())
    x.text("nodeId", node);
  x.text("detail", why.detail).text("message", why.detail);
  if (!why.pointer.empty())
    x.text("pointer", why.pointer);
  send(x.take());
}

void native_client::describe(session::description& x) const {
  socket_client::describe(x);
  std::erase(x.rooms, documents_name);
  auto of_nodes = [](auto& name) { return name.starts_with(name_prefix); };
  if (std::ranges::any_of(x.rooms, of_nodes))
    x.vocabulary = std::ranges::all_of(x.rooms, of_nodes)
                     ? node_events().name()
                     : "native, node-events";
  x.acknowledged = acknowledged_;
}

// -- input
// ----------------------------------------------------------------------

result<void> native_client::answer_node(const frame& x, const run_id& run) {
  if (!who_.may_publish)
    return fail(errc::forbidden, "your token lacks the scope publish");
  auto node = native::optional_id(x.root, "nodeId");
  if (!node)
    return tl::unexpected{std::move(node.error())};
  auto value = x.root.find("value");
  if (!*node)
    return fail(errc::invalid, "nodeId is missing", "/nodeId");
  if (!value)
    return fail(errc::invalid, "value is missing", "/value");
  command_arguments arguments;
  arguments.what = run_command::input;
  arguments.run = run;
  arguments.step = {std::move(**node)};
  arguments.asked_by = who_.subject;
  arguments.value = value->raw();
  find_project(run, [this, arguments = std::move(arguments)](
                      result<project_id> found) mutable {
    auto of = arguments.run;
    auto at = arguments.step.value;
    if (!found)
      return nodes_error(found.error(), of, at);
    ask(
      arguments.value.size(),
      [&](const reply_address& to) {
        home_.target().command(
          to, {{who_.tenant, std::move(*found)}, std::move(arguments)});
      },
      [this, of, at](answer got) {
        if (!got.outcome) // else its events say so
          nodes_error(got.outcome.error(), of, at);
      });
  });
  return {};
}

// -- replay
// ---------------------------------------------------------------------

result<void> native_client::replay_nodes(const frame& x, const run_id& run) {
  auto since = since_of(x.root);
  if (!since)
    return tl::unexpected{std::move(since.error())};
  if (replays_.size() >= most_replays)
    return fail(errc::rate_limited,
                "a connection may have " + std::to_string(most_replays)
                  + " replays under way; wait for their end");
  find_project(run, [this, run, since = *since](result<project_id> found) {
    if (found && replays_.size() >= most_replays) // asked for meanwhile
      found = fail(errc::rate_limited, "too many replays are under way");
    if (!found)
      return nodes_error(found.error(), run, {});
    replays_.push_back(
      {{who_.tenant, std::move(*found)}, run, since, {}, 0, false});
    if (replays_.size() == 1)
      read_replay();
  });
  return {};
}

/// One chunk at a time, and only while the client reads what it got.
void native_client::read_replay() {
  if (replays_.empty() || replays_.front().reading || !out.low()
      || out.reply_bytes() > out.limit_bytes() / 4)
    return;
  auto& x = replays_.front();
  x.reading = true;
  ask(
    0,
    [this, &x](const reply_address& to) {
      history_request chunk;
      chunk.room = x.room;
      chunk.after = x.after;
      chunk.run = x.run;
      home_.target().history(to, std::move(chunk));
    },
    [this](answer got) {
      if (replays_.empty())
        return; // the connection says goodbye
      auto* chunk
        = got.outcome ? std::get_if<history_answer>(&*got.outcome) : nullptr;
      if (chunk != nullptr)
        return take_replay(chunk->chunk);
      nodes_error(got.outcome ? problem{} : got.outcome.error(),
                  replays_.front().run, {});
      end_replay();
    });
}

void native_client::take_replay(const history_chunk& chunk) {
  auto& x = replays_.front();
  x.reading = false;
  for (auto& event : chunk.events) {
    auto said = make_frame(event, &node_events(), home_.metrics().translations);
    if (!said)
      continue;
    said->for_each_message([&](std::string_view message, bool) {
      if (time_of(message) < x.since_ms)
        return;
      ++x.count;
      send(mark_replayed(message));
    });
  }
  auto done = chunk.through >= chunk.head || chunk.through <= x.after;
  x.after = std::max(x.after, chunk.through);
  if (!done)
    return read_replay();
  send(object_writer{}
         .text("type", "replay:done")
         .text("executionId", x.run.value)
         .number("count", x.count)
         .take());
  end_replay();
}

void native_client::end_replay() {
  replays_.pop_front();
  read_replay();
}

void native_client::wrote() {
  asking_client::wrote();
  read_replay();
}

} // namespace callboard
