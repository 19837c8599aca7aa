// The requests of a connection: who asks, what is to be done, and the reply.

#include "transport/edge_metrics.hpp"
#include "transport/http_connection.hpp"
#include "transport/http_head.hpp"
#include "transport/session_id.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace callboard {

namespace {

/// Up to this size, the body of a refused request is read all the same, so that
/// the connection can go on.
constexpr std::uint64_t read_refused_body_below = 64u << 10;

template <class... Fs>
struct overload : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
overload(Fs...) -> overload<Fs...>; // clang 14 does not deduce it by itself

/// What a browser asks before it lets a page call us.
http_reply preflight_reply(std::string_view methods) {
  http_reply reply;
  reply.status = 204;
  reply.allow = methods;
  reply.preflight = true;
  return reply;
}

} // namespace

http_exchange http_connection::new_exchange(const http_head& head) const {
  http_exchange out;
  out.started = clock::now();
  out.request_id = sane_request_id(head.request_id)
                     ? std::string{head.request_id}
                     : new_uuid7();
  out.method = head.method;
  out.path = path_of(head.target);
  out.accepts = choose_coding(head.accept_encoding);
  out.cors_origin = cors_origin(head);
  out.of_endpoint = endpoint_ != nullptr;
  out.head_only = head.method == "HEAD";
  out.keep_alive = head.keep_alive && !draining_;
  out.http_1_0 = head.http_1_0;
  return out;
}

/// What `Access-Control-Allow-Origin` says to that request; empty: nothing.
std::string_view
http_connection::cors_origin(const http_head& head) const noexcept {
  std::string_view allowed = hub_.conf().listen.cors_origin;
  // Cookies are allowed to client protocols only, and never with "any".
  if (allowed == "*")
    return endpoint_ != nullptr ? head.origin : allowed;
  while (!allowed.empty() && !head.origin.empty()) {
    auto comma = allowed.find(',');
    auto one = allowed.substr(0, comma);
    one.remove_prefix(std::min(one.find_first_not_of(' '), one.size()));
    if (one == head.origin)
      return head.origin;
    allowed.remove_prefix(comma == allowed.npos ? allowed.size() : comma + 1);
  }
  return {};
}

/// Decides as early as possible, so that nobody uploads megabytes in vain.
void http_connection::on_head() {
  auto& head = reader_->head();
  endpoint_ = kind_ == listener_kind::everyone
                ? node_.endpoint_at(path_of(head.target))
                : nullptr;
  if (endpoint_ != nullptr) { // they decide by the whole request
    owes_continue_ = head.expects_continue && !head.http_1_0 && in_.empty();
    return send_ready_replies();
  }
  admission_ = std::make_unique<admission>(admit(head));
  bool large = head.chunked || head.expects_continue
               || head.content_length.value_or(0) > read_refused_body_below;
  if (*admission_ || !large) {
    owes_continue_ = head.expects_continue && !head.http_1_0 && in_.empty();
    if (owes_continue_)
      send_ready_replies();
    return;
  }
  auto exchange = new_exchange(head);
  exchange.keep_alive = false;
  auto number = pipeline_.add(std::move(exchange), pace::alone).number;
  input_done_ = unread_input_ = true;
  refuse(number, admission_->error());
  reader_.reset();
  admission_.reset();
}

http_connection::admission http_connection::admit(const http_head& head) {
  auto found = find_route(head.method, head.target);
  if (!found) {
    // What is not there under /v1 is told to those with a token only. (A method
    // that is not there is told to anyone: browsers ask without one.)
    if (found.error().why.code == errc::not_found
        && head.target.starts_with("/v1/"))
      if (auto known = authenticate(head); !known)
        return tl::unexpected{refusal{known.error()}};
    return found;
  }
  auto needs = found->to->needs;
  if (needs == access::open)
    return found;
  if (kind_ == listener_kind::operators && needs != access::operate)
    return tl::unexpected{
      refusal{{errc::not_found, "this listener serves operators only"}}};
  if (auto known = authenticate(head); !known) {
    ++hub_.metrics().auth_failures;
    return tl::unexpected{refusal{known.error()}};
  }
  if (auto ok = check_access(*found, *who_); !ok)
    return tl::unexpected{refusal{ok.error()}};
  return found;
}

result<void> http_connection::authenticate(const http_head& head) {
  auto now = std::chrono::system_clock::now();
  bool same = who_ && head.authorization == last_authorization_;
  if (same && (!who_->expires || now < *who_->expires))
    return {};
  who_.reset();
  last_authorization_.clear();
  if (head.authorization.empty() && kind_ == listener_kind::operators) {
    principal anyone; // who reaches this listener is an operator of all tenants
    anyone.may_operate = true;
    who_ = std::make_shared<const principal>(std::move(anyone));
    return {};
  }
  auto token = bearer_token(head.authorization);
  if (token.empty())
    return fail(errc::unauthenticated,
                "bring a token: Authorization: Bearer <JWT>");
  auto who = hub_.auth().verify(token, now);
  if (!who)
    return tl::unexpected{who.error()};
  who_ = std::make_shared<const principal>(std::move(*who));
  last_authorization_ = head.authorization;
  return {};
}

/// The request is complete. False when it must wait for those before it.
bool http_connection::on_request() {
  if (endpoint_ != nullptr)
    return on_endpoint_request(*endpoint_);
  auto with = *admission_ ? pace_of(*(*admission_)->to) : pace::read;
  if (!pipeline_.admits(with)) {
    blocked_ = true;
    return false;
  }
  dispatch();
  reader_.reset();
  admission_.reset();
  return true;
}

void http_connection::dispatch() {
  auto& head = reader_->head();
  auto& metrics = hub_.metrics();
  ++metrics.http_requests;
  auto made = new_exchange(head);
  input_done_ = !made.keep_alive;
  if (!*admission_) {
    bool preflight = head.method == "OPTIONS" && !made.cors_origin.empty();
    auto number = pipeline_.add(std::move(made), pace::read).number;
    if (preflight && !admission_->error().allow.empty())
      return finish(number, preflight_reply(admission_->error().allow));
    return refuse(number, admission_->error());
  }
  auto& to = **admission_;
  auto planned = plan_request(head, to);
  if (planned)
    made.shape = planned->shape;
  if (planned && std::holds_alternative<publish_request>(planned->what))
    made.cost = std::get<publish_request>(planned->what).bytes;
  auto number = pipeline_.add(std::move(made), pace_of(*to.to)).number;
  if (!planned)
    return refuse(number, {planned.error()});
  run(number, std::move(planned->what));
}

result<std::string> http_connection::unpacked_body() {
  auto coding = parse_content_encoding(reader_->head().content_encoding);
  if (!coding)
    return tl::unexpected{coding.error()};
  auto body = reader_->take_body();
  if (*coding == content_coding::identity)
    return body;
  return decompress(body, *coding, hub_.conf().limits.body_bytes);
}

result<plan> http_connection::plan_request(const http_head& head,
                                           const routed& to) {
  auto body = unpacked_body();
  if (!body)
    return tl::unexpected{body.error()};
  static const principal nobody;
  bool open = to.to->needs == access::open;
  auto type = media_type(head.content_type);
  return to.to->function({to.path, to.target, open ? nobody : *who_,
                          std::make_shared<const std::string>(std::move(*body)),
                          type, hub_.conf(), head.lease});
}

/// Whether it is this connection that is to be closed. A number alone gets this
/// node's name, so that no other node takes it for its own.
bool http_connection::names_itself(end_session& x) const {
  auto id = session_id::parse(x.id);
  if (!id)
    return false;
  auto here = hub_.target().node_name();
  if (id->node.empty()) {
    id->node = here;
    x.id = to_string(*id);
  }
  return *id == session_id{std::move(here), id_};
}

void http_connection::run(std::uint64_t number, action what) {
  // `this` is safe: close() forgets what is under way.
  auto ask = [&] {
    auto to = hub_.expect(id_, [this, number](answer from) {
      if (auto* x = pipeline_.find(number))
        finish(number, reply_to(from, x->shape, x->request_id));
    });
    pipeline_.find(number)->asked = to;
    return to;
  };
  auto request_id = pipeline_.find(number)->request_id;
  std::visit(
    overload{
      [&](http_reply& x) { finish(number, std::move(x)); },
      [&](publish_request& x) { hub_.target().publish(ask(), std::move(x)); },
      [&](command_request& x) { hub_.target().command(ask(), std::move(x)); },
      [&](take_request& x) {
        auto to = ask();
        auto* asked = pipeline_.find(number);
        asked->takes = x.room;
        asked->waits = x.wait;
        hub_.target().take(to, std::move(x));
      },
      [&](lease_request& x) { hub_.target().lease(ask(), std::move(x)); },
      [&](definition_request& x) { hub_.target().define(ask(), std::move(x)); },
      [&](query::any& x) { hub_.target().ask(ask(), std::move(x)); },
      [&](admin_request& x) {
        auto* ending = std::get_if<end_session>(&x);
        if (ending != nullptr && names_itself(*ending)) { // after the answer
          pipeline_.find(number)->keep_alive = false;
          input_done_ = true;
          return finish(number, {204});
        }
        hub_.target().admin(ask(), std::move(x));
      },
      [&](show_readiness&) { finish(number, readiness_reply(request_id)); },
      [&](show_metrics&) {
        finish(number, {200, node_.metrics_page(),
                        "text/plain; version=0.0.4; charset=utf-8"});
      },
      [&](begin_drain&) {
        finish(number, {202, R"({"draining":true})"});
        node_.ask_for_drain();
      }},
    what);
}

http_reply http_connection::readiness_reply(std::string_view request_id) {
  auto now = hub_.target().ready();
  if (node_.draining())
    now = {false, "the node is draining"};
  if (!now.ready)
    return problem_reply({errc::unavailable, now.reason}, request_id);
  return {200, R"({"status":"ready"})"};
}

void http_connection::refuse(std::uint64_t number, const refusal& why,
                             int status) {
  auto* x = pipeline_.find(number);
  if (x == nullptr)
    return;
  auto reply = problem_reply(why.why, x->request_id, status);
  reply.allow = why.allow;
  finish(number, std::move(reply));
}

void http_connection::finish(std::uint64_t number, http_reply reply) {
  auto* x = pipeline_.find(number);
  if (closed_ || x == nullptr || x->reply)
    return;
  x->asked.reset();
  if (draining_ && !reader_ && pipeline_.size() == 1) {
    x->keep_alive = false;
    input_done_ = true;
  }
  auto took = clock::now() - x->started;
  auto& metrics = hub_.metrics();
  if (!x->takes) // its time is the worker's wish
    metrics.http_seconds.observe(took);
  if (reply.status >= 400)
    ++metrics.http_problems;
  if (reply.status >= 100 && reply.status < 600)
    ++metrics.http_responses[static_cast<std::size_t>(reply.status / 100 - 1)];
  spdlog::debug("{} {} {} {} {:.3f} ms", x->request_id, x->method, x->path,
                reply.status,
                std::chrono::duration<double, std::milli>(took).count());
  x->gone = nullptr;
  x->reply = render(std::move(reply),
                    {x->request_id, x->accepts, x->head_only, x->keep_alive,
                     x->http_1_0, x->cors_origin, x->of_endpoint});
  send_ready_replies();
}

} // namespace callboard
