#include "actors/lease_clock.hpp"

#include <algorithm>

namespace callboard {

void lease_clock::start(const room_key& room, const run_id& run,
                        dispatch_ptr lease, std::int64_t now_ms) {
  auto [at, fresh] = leases_.try_emplace({room, run});
  auto& x = at->second;
  if (!fresh) {
    if (x.lease->term >= lease->term)
      return;
    order_.erase({x.until_ms, &at->first});
  }
  x = {std::move(lease), now_ms + period_ms_};
  order_.emplace(x.until_ms, &at->first);
}

void lease_clock::end(const room_key& room, const run_id& run) {
  auto at = leases_.find({room, run});
  if (at == leases_.end())
    return;
  order_.erase({at->second.until_ms, &at->first});
  leases_.erase(at);
}

void lease_clock::end(const room_key& room, const run_id& run,
                      std::uint64_t term) {
  auto at = leases_.find({room, run});
  if (at != leases_.end() && at->second.lease->term == term)
    end(room, run);
}

void lease_clock::ask_again(const room_key& room, const run_id& run,
                            std::uint64_t term) {
  auto at = leases_.find({room, run});
  if (at != leases_.end() && at->second.lease->term == term)
    order_.emplace(at->second.until_ms, &at->first);
}

result<dispatch_ptr> lease_clock::renew(const room_key& room,
                                        const lease_claim& claim,
                                        std::int64_t now_ms) {
  auto at = leases_.find({room, claim.run});
  if (at == leases_.end())
    return fail(errc::conflict,
                "run \"" + claim.run.value
                  + "\" is leased to nobody: it has ended, was given back, or "
                    "the lease ran out",
                "/lease");
  auto& x = at->second;
  if (auto ok = check_claim(claim, x.lease.get()); !ok)
    return tl::unexpected{std::move(ok.error())};
  if (x.told)
    return fail(errc::conflict,
                "the lease of run \"" + claim.run.value
                  + "\" ran out before this heartbeat came; take a run again",
                "/lease");
  order_.erase({x.until_ms, &at->first});
  x.until_ms = now_ms + period_ms_;
  order_.emplace(x.until_ms, &at->first);
  return x.lease;
}

bool lease_clock::is_ending(const room_key& room,
                            const lease_claim& claim) const {
  auto at = leases_.find({room, claim.run});
  return at != leases_.end() && at->second.told
         && check_claim(claim, at->second.lease.get());
}

std::optional<std::int64_t> lease_clock::left_ms(const room_key& room,
                                                 const run_id& run,
                                                 std::int64_t now_ms) const {
  auto at = leases_.find({room, run});
  if (at == leases_.end())
    return std::nullopt;
  return std::max(at->second.until_ms - now_ms, std::int64_t{0});
}

std::vector<lease_clock::expiry> lease_clock::expired(std::int64_t now_ms) {
  std::vector<expiry> out;
  while (!order_.empty() && order_.begin()->first <= now_ms) {
    auto& name = *order_.begin()->second;
    auto& x = leases_.find(name)->second;
    x.told = true;
    out.push_back({name.first, name.second, x.lease->term});
    order_.erase(order_.begin());
  }
  return out;
}

void lease_clock::clear() {
  order_.clear();
  leases_.clear();
}

} // namespace callboard
