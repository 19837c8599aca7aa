#include "transport/phase_client.hpp"

#include "actors/model/object_writer.hpp"
#include "transport/edge_metrics.hpp"
#include "transport/native_messages.hpp"
#include "transport/viewer_rooms.hpp"
#include "transport/vocabularies/vocabulary.hpp"

#include <algorithm>
#include <optional>

namespace callboard {

namespace {

using json::object_writer;

std::string name_of(const run_id& run) {
  return "execution:" + run.value;
}

std::int64_t member(json::value object, std::string_view name) {
  auto x = object.find(name);
  return x ? x->integer().value_or(0) : 0;
}

} // namespace

void phase_client::opened(client_channel& channel) {
  channel_ = &channel;
}

void phase_client::receive(std::string text, bool) {
  json::document doc;
  json::limits limits;
  limits.max_depth = home_.conf().limits.json_depth;
  result<void> ok;
  if (auto parsed = doc.reset(text, limits); !parsed)
    ok = tl::unexpected{parsed.error()};
  else if (!doc.root().is(json::kind::object))
    ok = fail(errc::invalid, "a frame must be a JSON object");
  else
    ok = handle(doc.root());
  if (ok)
    return;
  home_.metrics().bad_frames.fetch_add(1, std::memory_order_relaxed);
  error(ok.error(), {});
}

result<void> phase_client::handle(json::value frame) {
  auto type = native::text_member(frame, "type");
  if (!type)
    return tl::unexpected{std::move(type.error())};
  if (*type == "ping") {
    send(R"({"type":"pong"})");
    return {};
  }
  if (*type != "subscribe" && *type != "unsubscribe")
    return fail(errc::invalid,
                "there is no frame type " + json::quoted(type->substr(0, 64))
                  + "; known are subscribe, unsubscribe, ping",
                "/type");
  auto id = native::optional_id(frame, "run_id");
  if (!id)
    return tl::unexpected{std::move(id.error())};
  if (!*id)
    return fail(errc::invalid, "run_id is missing", "/run_id");
  run_id run{std::move(**id)};
  if (*type == "subscribe")
    return subscribe(frame, run);
  unsubscribe(run);
  return {};
}

result<void> phase_client::subscribe(json::value frame, const run_id& run) {
  auto since = native::optional_seq(frame, "since_seq");
  if (!since)
    return tl::unexpected{std::move(since.error())};
  if (!who_.may_subscribe)
    return fail(errc::forbidden, "your token lacks the scope subscribe");
  auto most = home_.conf().limits.subscriptions;
  if (subscription_count() + finding_.size() >= most
      && find(name_of(run)) == nullptr)
    return fail(errc::too_large, "a connection may have at most "
                                   + std::to_string(most)
                                   + " subscriptions; unsubscribe from some");
  std::optional<std::uint64_t> after;
  if (*since)
    after = (*since)->value;
  std::erase_if(finding_, [&run](auto& x) { return x.first == run; });
  auto number = ++last_lookup_;
  finding_.emplace_back(run, number);
  find_project(run, [this, run, after, number](result<project_id> found) {
    if (found)
      return find_place(run, *found, after, number);
    if (still_wanted(number))
      error(found.error(), run);
  });
  return {};
}

/// Where in the room the run's phase events behind `since` begin.
void phase_client::find_place(const run_id& run, const project_id& project,
                              std::optional<std::uint64_t> since,
                              std::uint64_t number) {
  ask(
    0,
    [&](const reply_address& to) {
      home_.target().ask(to,
                         query::run_phases{{who_.tenant, project}, run, since});
    },
    [this, run, project, number](answer got) {
      if (!still_wanted(number))
        return;
      auto* place
        = got.outcome ? std::get_if<document_answer>(&*got.outcome) : nullptr;
      if (place == nullptr)
        error(got.outcome ? problem{} : got.outcome.error(), run);
      else
        begin(run, project, place->json);
    });
}

void phase_client::begin(const run_id& run, const project_id& project,
                         std::string_view place) {
  auto doc = json::document::parse(place);
  if (!doc)
    return error(doc.error(), run);
  send(object_writer{}
         .text("type", "subscribed")
         .text("run_id", run.value)
         .number("last_seq", member(doc->root(), "last_seq"))
         .take());
  viewer_rooms::request x;
  x.view = {name_of(run), run, {}, &phase_events()};
  x.room = {who_.tenant, project};
  x.since = event_seq{static_cast<std::uint64_t>(member(doc->root(), "since"))};
  home_.rooms().subscribe(*this, std::move(x));
}

/// Each look-up counts once; a later subscribe or unsubscribe takes its place.
bool phase_client::still_wanted(std::uint64_t number) {
  return std::erase_if(finding_,
                       [number](auto& x) { return x.second == number; })
         > 0;
}

void phase_client::unsubscribe(const run_id& run) {
  std::erase_if(finding_, [&run](auto& x) { return x.first == run; });
  home_.rooms().unsubscribe(*this, name_of(run)); // if any: told in any case
  send(object_writer{}
         .text("type", "unsubscribed")
         .text("run_id", run.value)
         .take());
}

void phase_client::error(const problem& why, const run_id& run) {
  object_writer x;
  x.text("type", "error").text("code", to_string(why.code));
  if (!run.empty())
    x.text("run_id", run.value);
  x.text("detail", why.detail);
  if (!why.pointer.empty())
    x.text("pointer", why.pointer);
  send(x.take());
}

void phase_client::closed() {
  finding_.clear();
  home_.rooms().forget(*this);
}

void phase_client::announce_end(std::chrono::milliseconds) {
  // No word for it: it comes back by itself, and then gets what is dropped.
  out.drop_events([](subscription&, event_seq) {});
}

std::string_view phase_client::vocabulary_name() const noexcept {
  return phase_events().name();
}

void phase_client::subscribed(const subscription&, event_seq, std::uint64_t) {
  // told with the place that it began at
}

void phase_client::lagged(const subscription&, event_seq) {
  // no word for it: the events only come later
}

void phase_client::resync(const subscription& x, event_seq) {
  error({errc::not_found, "events that you missed are not kept any more; read "
                          "the run by HTTP"},
        *x.group->run);
}

void phase_client::warn_of_expiry(std::chrono::seconds) {
  // no word for it: it comes back with a new token
}

} // namespace callboard
