#include "transport/socketio/socket_connection.hpp"

#include "actors/model/json.hpp"

#include <utility>

namespace callboard::socket_io {

namespace {

/// Open acknowledgements of one client; the oldest is given up first.
constexpr std::size_t most_acks = 1000;

} // namespace

connection::connection(const connection_settings& conf, handlers& app,
                       message_output& out, time_point now)
    : conf_{conf}, app_{&app}, out_{&out}, parts_{conf.packets},
      connect_by_{now + conf.connect_timeout} {
  // nop
}

void connection::receive(std::string text, bool binary) {
  if (!open_)
    return;
  message x;
  switch (parts_.feed(std::move(text), binary, x)) {
  case assembler::verdict::complete:
    return handle(std::move(x));
  case assembler::verdict::incomplete:
    return;
  case assembler::verdict::invalid:
    return fail();
  }
}

void connection::handle(message x) {
  auto found = namespaces_.find(x.head.nsp);
  if (x.head.type == packet_type::connect && found == namespaces_.end())
    return connect(std::move(x.head));
  // As the reference does: what belongs to no namespace, and a second CONNECT.
  if (found == namespaces_.end() || !found->second.accepted)
    return fail();
  auto nsp = x.head.nsp;
  switch (x.head.type) {
  case packet_type::connect:
  case packet_type::connect_error:
    return fail();
  case packet_type::disconnect:
    return leave(nsp);
  case packet_type::event:
  case packet_type::binary_event:
    return app_->on_event(
      *this, nsp,
      {std::move(x.head.data), std::move(x.attachments), x.head.id});
  case packet_type::ack:
  case packet_type::binary_ack: {
    auto& acks = found->second.acks;
    auto asked = x.head.id ? acks.find(*x.head.id) : acks.end();
    if (asked == acks.end())
      return;
    auto done = std::move(asked->second);
    acks.erase(asked);
    return done({std::move(x.head.data), std::move(x.attachments), {}});
  }
  }
}

void connection::connect(packet x) {
  if (!app_->serves(x.nsp))
    return refuse(x.nsp, "Invalid namespace");
  if (namespaces_.size() == conf_.max_namespaces)
    return fail();
  namespaces_[x.nsp];
  app_->connecting(*this, x.nsp, x.data.empty() ? "{}" : std::move(x.data));
}

void connection::accept(const std::string& nsp, std::string_view data) {
  auto found = namespaces_.find(nsp);
  if (!open_ || found == namespaces_.end() || found->second.accepted)
    return;
  found->second.accepted = connected_once_ = true;
  packet head{packet_type::connect};
  head.nsp = nsp;
  send(std::move(head), data, {});
}

void connection::refuse(const std::string& nsp, std::string_view message,
                        std::string_view data) {
  if (!open_)
    return;
  if (auto found = namespaces_.find(nsp); found != namespaces_.end())
    namespaces_.erase(found);
  auto text = R"({"message":)" + json::quoted(message);
  if (!data.empty())
    (text += R"(,"data":)") += data;
  packet head{packet_type::connect_error};
  head.nsp = nsp;
  send(std::move(head), text + "}", {});
}

void connection::emit(const std::string& nsp, std::string_view data,
                      std::vector<std::string> attachments) {
  if (!is_in(nsp))
    return;
  packet head{attachments.empty() ? packet_type::event
                                  : packet_type::binary_event};
  head.nsp = nsp;
  send(std::move(head), data, std::move(attachments));
}

void connection::emit(const std::string& nsp, std::string_view data,
                      std::vector<std::string> attachments, ack_handler done) {
  if (!is_in(nsp))
    return;
  auto& to = namespaces_.find(nsp)->second;
  packet head{attachments.empty() ? packet_type::event
                                  : packet_type::binary_event};
  head.nsp = nsp;
  head.id = to.last_ack++;
  if (to.acks.size() == most_acks)
    to.acks.erase(to.acks.begin());
  to.acks.emplace(*head.id, std::move(done));
  send(std::move(head), data, std::move(attachments));
}

void connection::acknowledge(const std::string& nsp, std::uint64_t id,
                             std::string_view data,
                             std::vector<std::string> attachments) {
  if (!is_in(nsp))
    return;
  packet head{attachments.empty() ? packet_type::ack : packet_type::binary_ack};
  head.nsp = nsp;
  head.id = id;
  send(std::move(head), data, std::move(attachments));
}

void connection::disconnect(const std::string& nsp) {
  if (!is_in(nsp))
    return;
  packet head{packet_type::disconnect};
  head.nsp = nsp;
  send(std::move(head), {}, {});
  leave(nsp);
}

bool connection::is_in(std::string_view nsp) const noexcept {
  auto found = namespaces_.find(nsp);
  return open_ && found != namespaces_.end() && found->second.accepted;
}

void connection::send(packet head, std::string_view data,
                      std::vector<std::string> attachments) {
  head.attachments = attachments.size();
  out_->send_message(packet_head(head).append(data), false);
  for (auto& x : attachments)
    out_->send_message(std::move(x), true);
}

void connection::leave(const std::string& nsp) {
  namespaces_.erase(namespaces_.find(nsp));
  app_->disconnected(*this, nsp);
}

void connection::fail() {
  if (open_)
    out_->end_connection();
}

void connection::tick(time_point now) {
  if (!open_ || connected_once_ || now < connect_by_)
    return;
  if (namespaces_.empty())
    return fail();
  connect_by_ = now + conf_.connect_timeout; // its CONNECT is being looked at
}

void connection::closed() {
  if (!std::exchange(open_, false))
    return;
  auto gone = std::exchange(namespaces_, {});
  for (auto& [nsp, x] : gone)
    if (x.accepted)
      app_->disconnected(*this, nsp);
}

} // namespace callboard::socket_io
