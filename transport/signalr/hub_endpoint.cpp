#include "transport/signalr/hub_endpoint.hpp"

#include "transport/edge_metrics.hpp"
#include "transport/signalr/http_links.hpp"
#include "transport/signalr/hub_directory.hpp"
#include "transport/signalr/negotiation.hpp"
#include "transport/signalr/socket_link.hpp"

#include <chrono>
#include <string_view>
#include <utility>

namespace callboard::signalr {

namespace {

constexpr std::string_view hub_path = "/hubs/workflow-execution";
constexpr std::string_view negotiate_segment = "negotiate";
constexpr std::string_view stream_type = "text/event-stream";

using session_ptr = std::shared_ptr<hub_session>;

http_reply text_reply(int status, std::string body = {}) {
  http_reply x;
  x.status = status;
  x.body = std::move(body);
  x.content_type = "text/plain; charset=utf-8";
  return x;
}

http_reply method_not_allowed(std::string allow) {
  auto x = text_reply(405);
  x.allow = std::move(allow);
  return x;
}

template <class T>
using or_reply = tl::expected<T, http_reply>;

tl::unexpected<http_reply> refusal(int status, std::string body) {
  return tl::unexpected{text_reply(status, std::move(body))};
}

bool is_negotiation(const endpoint_request& x) {
  auto& segments = x.target.segments;
  return segments.size() > 2 && segments[2] == negotiate_segment;
}

class hub_endpoint final : public http_endpoint {
public:
  explicit hub_endpoint(const settings& conf)
      : sessions_{
        std::make_shared<hub_directory>(conf.signalr.max_connections)} {
    // nop
  }

  bool serves(std::string_view path) const noexcept override {
    if (!path.starts_with(hub_path))
      return false;
    path.remove_prefix(hub_path.size());
    return path.empty() || path == "/" || path == "/negotiate";
  }

  hub* home_of(const endpoint_request& x) override {
    auto* id = is_negotiation(x) ? nullptr : x.target.find("id");
    return id == nullptr ? nullptr : sessions_->home_of(*id);
  }

  void handle(hub& here, endpoint_request x,
              std::shared_ptr<endpoint_exchange> to) override {
    auto who = identify(here, x);
    if (!who)
      return to->reply(std::move(who.error()));
    if (is_negotiation(x))
      return to->reply(negotiate(here, x, std::move(*who)));
    auto found = find(x, std::move(*who));
    if (!found)
      return to->reply(std::move(found.error()));
    auto& session = *found;
    if (x.method == "GET" && x.accept.find(stream_type) != x.accept.npos)
      stream(session, std::move(to));
    else if (x.method == "GET")
      poll(session, std::move(to));
    else if (x.method == "POST")
      post(session, x.body, std::move(to));
    else if (x.method == "DELETE")
      to->reply(remove(session));
    else
      to->reply(method_not_allowed("GET, POST, DELETE"));
  }

  or_reply<websocket_opening> upgrade(hub& here,
                                      const endpoint_request& x) override {
    auto who = identify(here, x);
    if (!who)
      return tl::unexpected{std::move(who.error())};
    auto session = x.target.find("id") != nullptr
                     ? find(x, std::move(*who))
                     : make(here, x, std::move(*who), {});
    if (!session)
      return tl::unexpected{std::move(session.error())};
    if (auto ok = claim(**session, transport_kind::websocket); !ok)
      return tl::unexpected{std::move(ok.error())};
    return websocket_opening{
      std::make_shared<socket_link>(std::move(*session))};
  }

private:
  or_reply<principal> identify(hub& here, const endpoint_request& x) {
    auto who
      = x.token.empty()
          ? fail(errc::unauthenticated, "a token is needed: as bearer token or "
                                        "as query parameter access_token")
          : here.auth().verify(x.token, std::chrono::system_clock::now());
    if (who)
      return std::move(*who);
    here.metrics().auth_failures.fetch_add(1, std::memory_order_relaxed);
    who.error().pointer.clear();
    return tl::unexpected{problem_reply(who.error(), x.request_id)};
  }

  http_reply negotiate(hub& here, const endpoint_request& x, principal who) {
    if (x.method != "POST")
      return method_not_allowed("POST");
    http_reply out;
    auto wanted = read_negotiate(x.target);
    if (!wanted.error.empty()) {
      out.body = negotiate_refusal(wanted.error);
      return out;
    }
    auto session = make(here, x, std::move(who), wanted);
    if (!session)
      return std::move(session.error());
    auto& from = (*session)->from();
    out.body
      = negotiate_response(wanted, from.connection_id, from.connection_token);
    return out;
  }

  or_reply<session_ptr> make(hub& here, const endpoint_request& x,
                             principal who, const negotiate_request& wanted) {
    hub_session::origin from;
    from.connection_id = new_secret();
    from.connection_token
      = wanted.version == 0 ? from.connection_id : new_secret();
    from.peer = x.peer;
    from.stateful = wanted.stateful;
    if (from.connection_token.empty() || from.connection_id.empty())
      return tl::unexpected{
        problem_reply({errc::internal, "no random numbers"}, x.request_id)};
    auto ended
      = [all = std::weak_ptr{sessions_}, token = from.connection_token] {
          if (auto y = all.lock())
            y->remove(token);
        };
    auto token = from.connection_token;
    auto session = std::make_shared<hub_session>(
      here, std::move(who), std::move(from), std::move(ended));
    if (!sessions_->add(token, here, session))
      return tl::unexpected{
        problem_reply({errc::unavailable,
                       "this node has as many connections as it may have",
                       {},
                       std::chrono::seconds{2}},
                      x.request_id)};
    session->start();
    return session;
  }

  /// The connection that a request names, if it is its user's.
  or_reply<session_ptr> find(const endpoint_request& x, principal who) {
    auto* id = x.target.find("id");
    if (id == nullptr || id->empty())
      return refusal(400, "Connection ID required");
    auto session = sessions_->find(*id);
    if (!session)
      return refusal(404, "No Connection with that ID");
    auto& owner = session->who();
    if (owner.tenant != who.tenant || owner.subject != who.subject)
      return refusal(403, "The connection is another user's");
    session->renew(std::move(who));
    return session;
  }

  /// Has the connection use that transport and no other.
  or_reply<void> claim(hub_session& session, transport_kind kind) {
    if (session.is_over() && kind != transport_kind::polling)
      return refusal(404, "No Connection with that ID");
    if (session.kind() == transport_kind::none) {
      session.choose(kind);
      return {};
    }
    if (session.kind() != kind)
      return refusal(400, "Cannot change transports mid-connection");
    if (kind == transport_kind::polling)
      return {};
    if (!session.may_reattach())
      return refusal(409, "The connection is active already");
    session.displace();
    return {};
  }

  void stream(const session_ptr& session,
              std::shared_ptr<endpoint_exchange> to) {
    if (auto ok = claim(*session, transport_kind::stream); !ok)
      return to->reply(std::move(ok.error()));
    session->attach(std::make_unique<stream_link>(*session, std::move(to)));
  }

  void poll(const session_ptr& session, std::shared_ptr<endpoint_exchange> to) {
    if (auto ok = claim(*session, transport_kind::polling); !ok)
      return to->reply(std::move(ok.error()));
    if (session->own_link() == nullptr)
      session->attach(std::make_unique<poll_link>(*session));
    static_cast<poll_link*>(session->own_link())->take(std::move(to));
  }

  void post(const session_ptr& session, const std::string& body,
            std::shared_ptr<endpoint_exchange> to) {
    if (session->kind() == transport_kind::websocket)
      return to->reply(text_reply(
        405, "POST requests are not allowed for WebSocket connections."));
    if (session->is_over())
      return to->reply(text_reply(404, "No Connection with that ID"));
    if (!session->is_attached() || session->has_waiter())
      return to->reply(text_reply(409, session->has_waiter()
                                         ? "The last one is not done yet"
                                         : "No transport is connected"));
    session->receive(body);
    if (!session->is_busy())
      return to->reply(text_reply(200));
    session->when_free([to = std::move(to)] { to->reply(text_reply(200)); });
  }

  http_reply remove(const session_ptr& session) {
    if (session->kind() != transport_kind::polling)
      return text_reply(
        400, "Cannot terminate this connection using the DELETE endpoint.");
    session->leave();
    return text_reply(202);
  }

  std::shared_ptr<hub_directory> sessions_;
};

} // namespace

std::unique_ptr<http_endpoint> make_hub_endpoint(const settings& conf) {
  return std::make_unique<hub_endpoint>(conf);
}

} // namespace callboard::signalr
