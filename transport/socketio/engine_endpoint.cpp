#include "transport/socketio/engine_endpoint.hpp"

#include "transport/socketio/websocket_link.hpp"

#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

namespace callboard::engine_io {

namespace {

/// Which session lives where. Any thread.
class directory {
public:
  struct entry {
    hub* home = nullptr;
    std::shared_ptr<client> it;
  };

  entry find(const std::string& sid) const {
    std::lock_guard guard{mutex_};
    auto found = entries_.find(sid);
    return found == entries_.end() ? entry{} : found->second;
  }

  void add(const std::string& sid, entry x) {
    std::lock_guard guard{mutex_};
    entries_[sid] = std::move(x);
  }

  void remove(const std::string& sid) {
    entry last; // ends after the lock
    std::lock_guard guard{mutex_};
    if (auto found = entries_.find(sid); found != entries_.end()) {
      last = std::move(found->second);
      entries_.erase(found);
    }
  }

  std::size_t size() const {
    std::lock_guard guard{mutex_};
    return entries_.size();
  }

private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, entry> entries_;
};

class endpoint final : public http_endpoint {
public:
  endpoint(endpoint_options options, client_factory make)
      : options_{std::move(options)}, make_{std::move(make)} {
    // nop
  }

  bool serves(std::string_view path) const noexcept override {
    return path == options_.path
           || (path.size() == options_.path.size() + 1 && path.ends_with('/')
               && path.starts_with(options_.path));
  }

  hub* home_of(const endpoint_request& x) override {
    auto* sid = x.target.find("sid");
    return sid == nullptr ? nullptr : sessions_->find(*sid).home;
  }

  void handle(hub& here, endpoint_request x,
              std::shared_ptr<endpoint_exchange> to) override;

  tl::expected<websocket_opening, http_reply>
  upgrade(hub& here, const endpoint_request& x) override;

private:
  std::optional<refusal> check(hub& here, const endpoint_request& x,
                               bool is_upgrade,
                               std::shared_ptr<client>& found) const;
  std::shared_ptr<client> begin(hub& here, const endpoint_request& x,
                                transport_kind transport);
  bool is_full() const {
    return sessions_->size() >= options_.max_clients;
  }

  endpoint_options options_;
  client_factory make_;
  std::shared_ptr<directory> sessions_ = std::make_shared<directory>();
};

http_reply busy() {
  http_reply x;
  x.status = 503;
  x.body = R"({"code":3,"message":"Too many sessions"})";
  x.retry_after = std::chrono::seconds{2};
  return x;
}

/// What the reference checks, in its order.
std::optional<refusal> endpoint::check(hub& here, const endpoint_request& x,
                                       bool is_upgrade,
                                       std::shared_ptr<client>& found) const {
  auto* transport = x.target.find("transport");
  auto is_websocket = transport != nullptr && *transport == "websocket";
  if (transport == nullptr || (!is_websocket && *transport != "polling"))
    return refusal::unknown_transport;
  if (auto* sid = x.target.find("sid")) {
    auto known = sessions_->find(*sid);
    // One that has begun since home_of() cannot be this client's; a session of
    // somebody else looks like none.
    if (known.home != &here || !known.it->admits(x.token))
      return refusal::unknown_sid;
    found = std::move(known.it);
    if (is_websocket != is_upgrade)
      return refusal::bad_request;
    return std::nullopt;
  }
  if (x.method != "GET")
    return refusal::bad_handshake_method;
  if (is_websocket != is_upgrade)
    return refusal::bad_request;
  auto* version = x.target.find("EIO");
  if (version == nullptr || *version != "4")
    return refusal::unsupported_protocol;
  return std::nullopt;
}

std::shared_ptr<client> endpoint::begin(hub& here, const endpoint_request& x,
                                        transport_kind transport) {
  client_opening opening{random_id(), x.token,          x.peer,
                         transport,   options_.session, {}};
  auto sid = opening.sid;
  opening.on_gone = [all = std::weak_ptr{sessions_}, sid] {
    if (auto alive = all.lock())
      alive->remove(sid);
  };
  auto made = make_(here, std::move(opening));
  sessions_->add(sid, {&here, made});
  made->start();
  return made;
}

void endpoint::handle(hub& here, endpoint_request x,
                      std::shared_ptr<endpoint_exchange> to) {
  std::shared_ptr<client> found;
  if (auto why = check(here, x, false, found))
    return to->reply(refuse(*why));
  if (!found) {
    if (is_full())
      return to->reply(busy());
    return begin(here, x, transport_kind::polling)->get(std::move(to));
  }
  if (x.method == "GET")
    found->get(std::move(to));
  else if (x.method == "POST")
    found->post(x, std::move(to));
  else
    to->reply(refuse(refusal::bad_request));
}

tl::expected<websocket_opening, http_reply>
endpoint::upgrade(hub& here, const endpoint_request& x) {
  std::shared_ptr<client> to;
  if (auto why = check(here, x, true, to))
    return tl::unexpected{refuse(*why)};
  if (to && !to->begin_probe())
    return tl::unexpected{refuse(refusal::bad_request)};
  if (!to && is_full())
    return tl::unexpected{busy()};
  if (!to)
    to = begin(here, x, transport_kind::websocket);
  websocket_opening opening;
  opening.client = std::make_shared<websocket_link>(here, std::move(to));
  opening.max_message_bytes = options_.session.max_payload;
  return opening;
}

} // namespace

std::unique_ptr<http_endpoint> make_endpoint(endpoint_options options,
                                             client_factory make) {
  return std::make_unique<endpoint>(std::move(options), std::move(make));
}

} // namespace callboard::engine_io
