#include "transport/monitor/monitor_client.hpp"

#include "actors/model/json.hpp"
#include "transport/edge_metrics.hpp"
#include "transport/viewer_rooms.hpp"

#include <utility>

namespace callboard {

namespace {

std::string text_member(json::value x, std::string_view key) {
  auto found = x.find(key);
  return found && found->is(json::kind::string) ? found->string()
                                                : std::string{};
}

bool same_user(const principal& a, const principal& b) noexcept {
  return a.tenant == b.tenant && a.subject == b.subject;
}

} // namespace

monitor_client::monitor_client(hub& home, engine_io::client_opening x,
                               const socket_io::connection_settings& conf)
    : socket_io::client{home, std::move(x), conf, *this}, handshake_token_{
                                                            opening().token} {
  own_frames = true;
  if (handshake_token_.empty())
    return;
  if (auto from = authenticate(handshake_token_))
    owner_ = std::move(*from);
}

bool monitor_client::serves(std::string_view name) const {
  return name == nsp;
}

// -- who it is ----------------------------------------------------------------

result<principal> monitor_client::authenticate(const std::string& token) {
  auto from = home().auth().verify(token, std::chrono::system_clock::now());
  if (!from)
    home().metrics().auth_failures.fetch_add(1, std::memory_order_relaxed);
  return from;
}

bool monitor_client::admits(const std::string& token) {
  if (token == handshake_token_)
    return true;
  // Who began with a token must go on with one. Who brought it later (as
  // socket.io-client does) has nothing but the session's id in these requests.
  if (token.empty())
    return handshake_token_.empty();
  auto from = authenticate(token);
  return from && (!owner_ || same_user(*from, *owner_));
}

void monitor_client::connecting(socket_io::connection& from,
                                const std::string& name, std::string auth) {
  json::document doc;
  if (!doc.reset(auth))
    return from.refuse(name, "Invalid token");
  auto token = text_member(doc.root(), "token");
  if (token.empty())
    token = handshake_token_;
  if (token.empty())
    return from.refuse(name, "Authentication required");
  auto known = authenticate(token);
  if (!known || (owner_ && !same_user(*known, *owner_)))
    return from.refuse(name, "Invalid token");
  who_ = std::move(*known);
  owner_ = who_;
  ++membership_;
  auto pid = text_member(doc.root(), "pid");
  auto offset = text_member(doc.root(), "offset");
  if (pid.empty() || offset.empty())
    return begin_anew();
  recover(pid, offset);
}

void monitor_client::greet() {
  joined_ = true;
  sockets().accept(std::string{nsp}, R"({"sid":")" + socket_id_of(pid_)
                                       + R"(","pid":")" + pid_ + R"("})");
}

void monitor_client::on_second() {
  if (!joined_)
    return;
  auto now = std::chrono::system_clock::now();
  if (who_.expires && now >= *who_.expires)
    return end_session();
  if (tenant_ == tenant_view::preparing && heads_awaited_ == 0)
    start_tenant();
  // So that the offset of a client to which nothing happens stays fresh.
  auto stale = home().conf().socketio.recovery_window / 4;
  auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
    now.time_since_epoch());
  if (offset_ms_ != 0 && now_ms.count() - offset_ms_ > stale.count())
    tell_offset();
}

void monitor_client::disconnected(socket_io::connection&, const std::string&) {
  leave_rooms();
}

void monitor_client::ended() {
  leave_rooms();
  socket_io::client::ended();
}

void monitor_client::leave_rooms() {
  ++membership_;
  joined_ = false;
  home().rooms().forget(*this);
  runs_.clear();
  positions_.clear();
  tenant_waiting_.clear();
  tenant_ = tenant_view::off;
  heads_.clear();
  heads_awaited_ = 0;
  too_many_projects_ = false;
  wanted_.reset();
  offset_ms_ = 0;
}

bool monitor_client::awaits_engine() const noexcept {
  return asked_ >= home().conf().limits.requests_in_flight;
}

// -- events -------------------------------------------------------------------

void monitor_client::on_event(socket_io::connection&, const std::string&,
                              socket_io::event x) {
  auto words = socket_io::split_event(x.data);
  std::string error;
  if (words.name == "subscribe:execution")
    error = subscribe_run(words.args, x.ack);
  else if (words.name == "unsubscribe:execution")
    error = unsubscribe_run(words.args, x.ack);
  else if (words.name == "subscribe:tenant")
    error = subscribe_tenant(x.ack);
  else if (words.name == "unsubscribe:tenant")
    error = unsubscribe_tenant(x.ack);
  else
    error = "Unknown event " + words.name.substr(0, 64);
  if (error.empty())
    return;
  home().metrics().bad_frames.fetch_add(1, std::memory_order_relaxed);
  acknowledge(x.ack, error);
}

void monitor_client::acknowledge(const ack_id& to, std::string_view error) {
  if (!to)
    return;
  auto answer = error.empty()
                  ? std::string{R"([{"ok":true}])"}
                  : R"([{"ok":false,"error":)" + json::quoted(error) + "}]";
  sockets().acknowledge(std::string{nsp}, *to, answer);
}

void monitor_client::acknowledge_all(std::vector<ack_id> all,
                                     std::string_view error) {
  for (auto& x : all)
    acknowledge(x, error);
}

} // namespace callboard
