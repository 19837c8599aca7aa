#include "transport/asking_client.hpp"

#include "actors/model/json.hpp"
#include "transport/viewer_rooms.hpp"

namespace callboard {

namespace {

constexpr auto warn_before = std::chrono::seconds{30};

} // namespace

asking_client::asking_client(hub& home, principal who)
    : socket_client{home.conf().limits.outbound_queue_bytes}, home_{home},
      who_{std::move(who)} {
  // nop
}

void asking_client::wrote() {
  if (is_behind() && out.low())
    home_.rooms().drained(*this);
}

bool asking_client::is_busy() const noexcept {
  return awaits_engine()
         || out.reply_bytes() > home_.conf().limits.outbound_queue_bytes;
}

bool asking_client::awaits_engine() const noexcept {
  auto& limits = home_.conf().limits;
  return requests_ >= limits.requests_in_flight
         || request_bytes_ > limits.message_bytes;
}

void asking_client::check_time(std::chrono::steady_clock::time_point) {
  if (!who_.expires)
    return;
  auto left = *who_.expires - std::chrono::system_clock::now();
  if (left <= left.zero()) {
    channel_->close(close_code::token_expired, "token expired");
  } else if (left <= warn_before && !warned_) {
    warned_ = true;
    warn_of_expiry(std::chrono::ceil<std::chrono::seconds>(left));
  }
}

bool asking_client::reaches(const project_id& project) const {
  return who_.reaches(project);
}

void asking_client::wake() {
  if (channel_ != nullptr)
    channel_->wake();
}

void asking_client::send(std::string text) {
  if (channel_ == nullptr || !channel_->is_open())
    return;
  out.push_reply(outbound_frame::text(std::move(text)));
  wake();
}

result<project_id> asking_client::found_project(answer& x) {
  if (!x.outcome)
    return tl::unexpected{std::move(x.outcome.error())};
  json::document doc;
  auto* found = std::get_if<document_answer>(&*x.outcome);
  if (found == nullptr || !doc.reset(found->json)
      || !doc.root().is(json::kind::string))
    return fail(errc::internal, "the run's project was not found out");
  return project_id{doc.root().string()};
}

} // namespace callboard
