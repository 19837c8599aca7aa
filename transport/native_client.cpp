#include "transport/native_client.hpp"

#include "transport/edge_metrics.hpp"
#include "transport/native_messages.hpp"
#include "transport/viewer_rooms.hpp"

#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid_io.hpp>

#include <algorithm>
#include <utility>

namespace callboard {

namespace {

/// Contract 2: a version 4 UUID.
std::string connection_id() {
  thread_local boost::uuids::random_generator make;
  return boost::uuids::to_string(make());
}

std::string forbidden_room(std::string_view name) {
  return "your token does not reach " + std::string{name};
}

} // namespace

struct native_client::operation_entry {
  std::string_view type;
  operation run;
};

const native_client::operation_entry native_client::operations[] = {
  {"subscribe", &native_client::on_subscribe},
  {"unsubscribe", &native_client::on_unsubscribe},
  {"publish", &native_client::on_publish},
  {"command", &native_client::on_command},
  {"presence", &native_client::on_presence},
  {"take", &native_client::on_take},
  {"heartbeat", &native_client::on_heartbeat},
  {"release", &native_client::on_release},
  {"auth", &native_client::on_auth},
  {"ping", &native_client::on_ping},
};

native_client::native_client(hub& home, principal who, connect_options options)
    : asking_client{home, std::move(who)}, options_{
                                             std::make_unique<connect_options>(
                                               std::move(options))} {
  batching = options_->batching;
}

native_client::~native_client() = default;

void native_client::opened(client_channel& channel) {
  channel_ = &channel;
  auto asked = std::move(options_);
  send(native::connected(connection_id(), channel.id(),
                         home_.target().node_name()));
  if (asked->node_events)
    show_documents();
  if (!asked->project)
    return;
  if (auto ok = check_reach(*asked->project); !ok) {
    send(native::error(ok.error(), {}));
    channel.close(close_code::forbidden, "project not reached by the token");
    return;
  }
  wanted x{"project:" + asked->project->value,
           {},
           std::move(asked->types),
           asked->since,
           {}};
  if (auto ok = subscribe(std::move(x), *asked->project); !ok)
    send(native::error(ok.error(), {}));
}

void native_client::receive(std::string text, bool) {
  thread_local json::document kept;
  json::document large; // does not stay as large as the largest message
  auto& doc = text.size() > (64u << 10) ? large : kept;
  auto source = std::make_shared<const std::string>(std::move(text));
  json::limits limits;
  limits.max_depth = home_.conf().limits.json_depth + 2; // frame and list
  auto refuse = [this](const problem& why, std::string_view ref) {
    home_.metrics().bad_frames.fetch_add(1, std::memory_order_relaxed);
    send(native::error(why, ref));
  };
  if (auto ok = doc.reset(*source, limits); !ok)
    return refuse(ok.error(), {});
  auto root = doc.root();
  if (!root.is(json::kind::object))
    return refuse({errc::invalid, "a frame must be a JSON object"}, {});
  auto ref = root.find("ref");
  frame x{source, root, ref ? ref->raw() : std::string_view{}};
  if (auto ok = handle(x); !ok)
    refuse(ok.error(), x.ref);
}

result<void> native_client::handle(const frame& x) {
  auto type = native::text_member(x.root, "type");
  if (!type)
    return tl::unexpected{std::move(type.error())};
  if (is_of_nodes(x, *type))
    return handle_of_nodes(x, *type);
  auto known = std::ranges::find(operations, *type, &operation_entry::type);
  if (known != std::ranges::end(operations))
    return (this->*known->run)(x);
  std::string detail = "there is no frame type "
                       + json::quoted(type->substr(0, 64)) + "; known are";
  for (auto& entry : operations)
    detail += (&entry == operations ? " " : ", ") + std::string{entry.type};
  return fail(errc::invalid, std::move(detail), "/type");
}

void native_client::announce_end(std::chrono::milliseconds reconnect_in) {
  // What is dropped comes again from history, after the reconnect.
  out.drop_events([](subscription&, event_seq) {});
  send(native::goaway(reconnect_in));
}

// -- rooms --------------------------------------------------------------------

result<void> native_client::check_reach(const project_id& project) const {
  if (!who_.reaches(project))
    return fail(errc::forbidden, forbidden_room("project:" + project.value));
  return {};
}

result<void> native_client::check_room_left(std::string_view name) const {
  // What the engine added by itself does not count.
  auto own = subscription_count() - (shows_documents_ ? 1 : 0);
  auto most = home_.conf().limits.subscriptions;
  if (own + finding_.size() < most || find(name) != nullptr)
    return {};
  return fail(errc::too_large, "a connection may have at most "
                                 + std::to_string(most)
                                 + " subscriptions; unsubscribe from some");
}

result<void> native_client::on_subscribe(const frame& x) {
  auto name = native::text_member(x.root, "room");
  if (!name)
    return tl::unexpected{std::move(name.error())};
  auto room = native::parse_room(*name);
  auto project = native::optional_id(x.root, "project_id");
  auto since = native::optional_seq(x.root, "since");
  auto types = native::optional_types(x.root);
  for (auto* why :
       {room ? nullptr : &room.error(), project ? nullptr : &project.error(),
        since ? nullptr : &since.error(), types ? nullptr : &types.error()})
    if (why != nullptr)
      return tl::unexpected{std::move(*why)};
  wanted y{*name, {}, std::move(*types), *since, std::string{x.ref}};
  if (auto* of = std::get_if<native::project_room>(&*room))
    return subscribe(std::move(y), of->id);
  if (!who_.may_subscribe)
    return fail(errc::forbidden, "your token lacks the scope subscribe");
  if (auto ok = check_room_left(*name); !ok)
    return ok;
  if (auto* of = std::get_if<native::run_room>(&*room)) {
    y.run = of->id;
    if (*project)
      return subscribe(std::move(y), project_id{**project});
    if (who_.restricted && who_.projects.empty())
      return fail(errc::forbidden, forbidden_room(*name));
    find_home(std::move(y));
    return {};
  }
  if (std::get<native::tenant_room>(*room).id != who_.tenant)
    return fail(errc::forbidden, forbidden_room(*name));
  subscribe_tenant(std::move(y));
  return {};
}

result<void> native_client::subscribe(wanted x, const project_id& project) {
  if (!who_.may_subscribe)
    return fail(errc::forbidden, "your token lacks the scope subscribe");
  if (auto ok = check_reach(project); !ok)
    return ok;
  if (auto ok = check_room_left(x.name); !ok)
    return ok;
  viewer_rooms::request y;
  y.view = {std::move(x.name), std::move(x.run), std::move(x.types)};
  y.room = {who_.tenant, project};
  y.since = x.since;
  y.ref = std::move(x.ref);
  home_.rooms().subscribe(*this, std::move(y));
  return {};
}

void native_client::subscribe_tenant(wanted x) {
  viewer_rooms::request y;
  y.view = {std::move(x.name), {}, std::move(x.types)};
  y.room = {who_.tenant, {}};
  y.since = x.since;
  y.ref = std::move(x.ref);
  y.whole_tenant = true;
  home_.rooms().subscribe(*this, std::move(y));
}

void native_client::find_home(wanted x) {
  auto number = begin_finding(x.name);
  auto run = *x.run;
  find_project(run, [this, number, x = std::move(x)](result<project_id> got) {
    result<void> ok;
    if (!end_finding(number))
      ok = fail(errc::conflict, "given up: " + x.name
                                  + " was asked for again, or unsubscribed");
    else if (!got)
      ok = tl::unexpected{std::move(got.error())};
    else
      ok = subscribe(x, *got);
    if (!ok)
      send(native::error(ok.error(), x.ref));
  });
}

std::uint64_t native_client::begin_finding(const std::string& name) {
  std::erase_if(finding_, [&name](auto& y) { return y.first == name; });
  finding_.emplace_back(name, ++last_lookup_);
  return last_lookup_;
}

bool native_client::end_finding(std::uint64_t number) {
  return std::erase_if(finding_,
                       [number](auto& y) { return y.second == number; })
         > 0;
}

result<void> native_client::on_unsubscribe(const frame& x) {
  auto name = native::text_member(x.root, "room");
  if (!name)
    return tl::unexpected{std::move(name.error())};
  auto was_finding
    = std::erase_if(finding_, [&name](auto& y) { return y.first == *name; })
      > 0;
  if (!home_.rooms().unsubscribe(*this, *name) && !was_finding)
    return fail(errc::not_found, "there is no subscription to " + *name,
                "/room");
  send(native::unsubscribed(*name, x.ref));
  return {};
}

void native_client::subscribed(const subscription& x, event_seq head,
                               std::uint64_t epoch) {
  if (x.group->speaks != nullptr)
    return subscribed_to_nodes(x);
  send(native::subscribed(x.name(), head, epoch, x.ref));
}

void native_client::lagged(const subscription& x, event_seq from) {
  if (x.group->speaks != nullptr)
    return; // it has no word for that: the events only come later
  send(native::lagged(x.parent != nullptr ? room_name(x.room->key) : x.name(),
                      from));
}

void native_client::resync(const subscription& x, event_seq oldest) {
  if (x.group->speaks != nullptr)
    return resync_nodes(x);
  send(native::resync(x.parent != nullptr ? room_name(x.room->key) : x.name(),
                      oldest));
}

void native_client::closed() {
  finding_.clear();
  home_.rooms().forget(*this);
  stop_taking();
  replays_.clear();
}

// -- the token ----------------------------------------------------------------

result<void> native_client::on_auth(const frame& x) {
  auto token = native::text_member(x.root, "token");
  if (!token)
    return tl::unexpected{std::move(token.error())};
  auto renewed = home_.auth().verify(*token, std::chrono::system_clock::now());
  if (!renewed) {
    home_.metrics().auth_failures.fetch_add(1, std::memory_order_relaxed);
    renewed.error().pointer = "/token";
    return tl::unexpected{std::move(renewed.error())};
  }
  if (renewed->tenant != who_.tenant || renewed->subject != who_.subject)
    return fail(errc::forbidden,
                "the new token is another user's; open a new connection",
                "/token");
  who_ = std::move(*renewed);
  warned_ = false;
  send(native::authenticated(x.ref));
  leave_what_is_forbidden();
  return {};
}

void native_client::leave_what_is_forbidden() {
  for (auto& name : room_names()) {
    auto* x = find(name);
    auto& key = x->room->key;
    if (who_.may_subscribe && (key.is_tenant_room() || reaches(key.project)))
      continue;
    auto notice
      = x->group->speaks != nullptr
          ? nodes_unsubscribed(*x)
          : native::unsubscribed_because(name, to_string(errc::forbidden));
    home_.rooms().unsubscribe(*this, name);
    if (!notice.empty())
      send(std::move(notice));
  }
  home_.rooms().drop_unreached(*this);
}

void native_client::warn_of_expiry(std::chrono::seconds left) {
  send(native::expiring(left));
}

result<void> native_client::on_ping(const frame& x) {
  send(native::pong(x.ref));
  return {};
}

result<void> native_client::on_presence(const frame&) {
  return fail(errc::invalid, "presence is not available on this node", "/type");
}

} // namespace callboard
