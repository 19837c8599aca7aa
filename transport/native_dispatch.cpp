#include "transport/native_client.hpp"
#include "transport/native_messages.hpp"

#include <algorithm>
#include <utility>

/// native_client: the frames of workers.
namespace callboard {

result<std::optional<lease_claim>>
native_client::claim_of(const frame& x) const {
  auto text = native::optional_text(x.root, "lease");
  if (!text)
    return tl::unexpected{std::move(text.error())};
  if (!*text)
    return std::nullopt;
  auto claim = parse_lease(**text);
  if (!claim)
    return tl::unexpected{std::move(claim.error())};
  return std::move(*claim);
}

result<void> native_client::on_take(const frame& x) {
  if (!who_.may_publish)
    return fail(errc::forbidden, "your token lacks the scope publish");
  auto project = project_of(x);
  auto queue = native::text_member(x.root, "queue");
  auto worker = native::optional_text(x.root, "worker");
  auto wait = native::optional_seq(x.root, "wait"); // in seconds
  for (auto* why :
       {project ? nullptr : &project.error(), queue ? nullptr : &queue.error(),
        worker ? nullptr : &worker.error(), wait ? nullptr : &wait.error()})
    if (why != nullptr)
      return tl::unexpected{std::move(*why)};
  if (!valid_queue(*queue))
    return fail(errc::invalid,
                "queue must be a definition's id or a workflow's name of at "
                "most 256 bytes",
                "/queue");
  if (*worker && !valid_tenant(**worker)) // the same rules
    return fail(errc::invalid, "worker must be 1 to 128 bytes of text",
                "/worker");
  auto most = home_.conf().dispatch.max_wait;
  take_request request{{who_.tenant, std::move(*project)},
                       std::move(*queue),
                       worker->value_or(who_.subject),
                       most};
  auto seconds = wait->value_or(event_seq{}).value;
  if (seconds < static_cast<std::uint64_t>(most.count()) / 1000 + 1)
    request.wait = std::min(most, std::chrono::milliseconds{seconds * 1000});
  auto number = ++last_take_;
  auto call = [&](const reply_address& to) {
    takes_.push_back({number, to, request.room});
    home_.target().take(to, std::move(request));
  };
  auto then = [this, number, ref = std::string{x.ref}](answer got) {
    std::erase_if(takes_, [&](auto& y) { return y.number == number; });
    if (auto* done
        = got.outcome ? std::get_if<document_answer>(&*got.outcome) : nullptr)
      send(native::taken(done->json, ref));
    else
      send(native::error(got.outcome ? problem{} : got.outcome.error(), ref));
  };
  ask(x.source->size(), std::move(call), std::move(then));
  return {};
}

/// What was promised to this connection goes to another worker.
void native_client::stop_taking() {
  for (auto& x : std::exchange(takes_, {}))
    home_.target().stop_taking(x.to, x.room);
}

result<void> native_client::on_heartbeat(const frame& x) {
  return ask_lease(x, lease_request::what::heartbeat);
}

result<void> native_client::on_release(const frame& x) {
  return ask_lease(x, lease_request::what::release);
}

result<void> native_client::ask_lease(const frame& x, lease_request::what op) {
  if (!who_.may_publish)
    return fail(errc::forbidden, "your token lacks the scope publish");
  auto project = project_of(x);
  auto claim = claim_of(x);
  auto reason = native::optional_text(x.root, "reason");
  for (auto* why :
       {project ? nullptr : &project.error(), claim ? nullptr : &claim.error(),
        reason ? nullptr : &reason.error()})
    if (why != nullptr)
      return tl::unexpected{std::move(*why)};
  if (!*claim)
    return fail(errc::invalid,
                "lease is missing: send the token that came with the run",
                "/lease");
  lease_request request{op,
                        {who_.tenant, std::move(*project)},
                        std::move(**claim),
                        reason->value_or("")};
  auto call = [&](const reply_address& to) {
    home_.target().lease(to, std::move(request));
  };
  auto then = [this, ref = std::string{x.ref}](answer got) {
    if (auto* done
        = got.outcome ? std::get_if<document_answer>(&*got.outcome) : nullptr)
      send(native::done(done->json, ref));
    else
      send(native::error(got.outcome ? problem{} : got.outcome.error(), ref));
  };
  ask(x.source->size(), std::move(call), std::move(then));
  return {};
}

} // namespace callboard
