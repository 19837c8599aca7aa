#include "transport/routes.hpp"

#include <algorithm>

namespace callboard {

namespace {

constexpr std::size_t max_reason_bytes = 4096;

/// The lease that a call is about: the header, or `lease` in the body.
result<lease_claim> claim_of(const call& x, std::optional<json::value> body) {
  std::string text{x.lease};
  if (auto member = body ? body->find("lease") : std::nullopt; member) {
    if (!member->is(json::kind::string))
      return fail(errc::invalid, "lease must be a string", "/lease");
    text = member->string();
  }
  if (text.empty())
    return fail(errc::invalid,
                "lease is missing: send the token that came with the run, in "
                "the header X-Callboard-Lease or as lease in the body",
                "/lease");
  auto claim = parse_lease(text);
  if (claim && claim->run.value != x.path["run_id"])
    return fail(errc::invalid,
                "this lease is of run \"" + claim->run.value
                  + "\", not of the one in the path",
                "/lease");
  return claim;
}

result<plan> lease_call(const call& x, lease_request::what op) {
  auto body = json_object_body(x);
  if (!body)
    return tl::unexpected{body.error()};
  auto claim = claim_of(x, *body);
  if (!claim)
    return tl::unexpected{claim.error()};
  lease_request out{op, x.room(), std::move(*claim), {}};
  if (auto reason = *body ? (*body)->find("reason") : std::nullopt;
      reason && !reason->is(json::kind::null)) {
    if (!reason->is(json::kind::string)
        || reason->raw().size() > max_reason_bytes)
      return fail(errc::invalid,
                  "reason must be a string of at most 4096 bytes", "/reason");
    out.reason = reason->string();
  }
  return plan{std::move(out)};
}

} // namespace

result<plan> take_queued_run(const call& x) {
  auto& queue = x.path["queue"];
  if (!valid_queue(queue))
    return fail(errc::invalid,
                "the queue in the path must be a definition's id or a "
                "workflow's name of at most 256 bytes",
                "/queue");
  auto wait = number_parameter(x.target, "wait", 0);
  if (!wait)
    return tl::unexpected{wait.error()};
  auto worker = x.target.find("worker");
  if (worker != nullptr && !valid_tenant(*worker)) // the same rules
    return fail(errc::invalid,
                "query parameter worker must be 1 to 128 bytes of text",
                "/worker");
  auto most = x.conf.dispatch.max_wait;
  take_request out{x.room(), queue, worker != nullptr ? *worker : x.who.subject,
                   most};
  if (*wait < static_cast<std::uint64_t>(most.count()) / 1000 + 1)
    out.wait = std::min(most, std::chrono::milliseconds{*wait * 1000});
  return plan{std::move(out)};
}

result<plan> renew_run_lease(const call& x) {
  return lease_call(x, lease_request::what::heartbeat);
}

result<plan> release_run_lease(const call& x) {
  return lease_call(x, lease_request::what::release);
}

} // namespace callboard
