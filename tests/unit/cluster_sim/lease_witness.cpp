#include "tests/unit/cluster_sim/lease_witness.hpp"

#include "actors/model/json.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

namespace callboard::sim {

namespace {

std::string name_of(const std::string& run, std::uint64_t term) {
  return "the lease of " + run + " in term " + std::to_string(term);
}

/// As the history tells it.
struct holding {
  std::uint64_t term = 0;
  bool held = false;
};

/// What an event has to do with leases.
struct lease_fact {
  std::string run;
  std::string action; ///< Empty: something published under a lease.
  std::uint64_t term = 0;
};

std::optional<lease_fact> published_under(const std::string& id) {
  const auto from = id.find(".t");
  const auto to = id.find('.', from + 1);
  if (from == std::string::npos || to == std::string::npos)
    return std::nullopt;
  return lease_fact{
    id.substr(0, from), {}, std::stoull(id.substr(from + 2, to - from - 2))};
}

std::optional<lease_fact> fact_of(const std::string& frame) {
  const auto doc = json::document::parse(frame, {});
  if (!doc)
    return std::nullopt;
  const auto id = doc->root().find("id");
  if (auto under = published_under(id ? id->string() : std::string{}))
    return under;
  const auto data = doc->root().find("data");
  const auto event
    = data && data->is(json::kind::object) ? data->find("event") : std::nullopt;
  const auto kind = event ? event->find("kind") : std::nullopt;
  if (!kind || kind->string() != "lease")
    return std::nullopt;
  return lease_fact{data->find("execution_id")->string(),
                    event->find("action")->string(),
                    std::stoull(std::string{event->find("term")->raw()})};
}

/// Empty: it may come next.
std::string judge(const lease_fact& x, holding& run) {
  if (x.action.empty())
    return run.held && x.term == run.term ? "" : "something was accepted under";
  const bool taken = x.action == "taken";
  if (x.term != run.term + 1 || taken == run.held)
    return "out of turn is " + x.action + ":";
  run = {x.term, taken};
  return {};
}

} // namespace

std::string lease_witness::id_of(const std::string& run, std::uint64_t term,
                                 std::uint64_t number) {
  return run + ".t" + std::to_string(term) + '.' + std::to_string(number);
}

std::uint64_t lease_witness::newest(const std::string& run) const {
  const auto at = leases_.find(run);
  return at == leases_.end() ? 0 : at->second.rbegin()->first;
}

void lease_witness::taken(const std::string& run, std::uint64_t term,
                          std::int64_t asked_ms, std::int64_t now_ms) {
  auto& all = leases_[run];
  for (auto& [older, x] : all)
    if (older < term && !x.given_up && x.until_ms > now_ms)
      broken_(name_of(run, term) + " was given away while term "
              + std::to_string(older) + " had "
              + std::to_string(x.until_ms - now_ms) + " ms left");
  if (!all.try_emplace(term, lease{asked_ms + period_ms_}).second)
    broken_(name_of(run, term) + " was given away twice");
}

void lease_witness::good(const std::string& run, std::uint64_t term,
                         std::uint64_t newest_then) {
  if (newest_then > term)
    broken_(name_of(run, term) + " was good when term "
            + std::to_string(newest_then) + " was known");
}

void lease_witness::renewed(const std::string& run, std::uint64_t term,
                            std::int64_t asked_ms) {
  auto& x = leases_[run][term];
  x.until_ms = std::max(x.until_ms, asked_ms + period_ms_);
}

void lease_witness::given_up(const std::string& run, std::uint64_t term) {
  leases_[run][term].given_up = true;
}

void lease_witness::lost(const std::string& run, std::uint64_t term,
                         std::int64_t now_ms) {
  const auto& x = leases_[run][term];
  if (!x.given_up && x.until_ms > now_ms)
    broken_(name_of(run, term) + " was lost with "
            + std::to_string(x.until_ms - now_ms) + " ms left");
}

void lease_witness::history(const std::vector<posted_event>& events) {
  std::map<std::string, holding> runs;
  for (auto& event : events)
    if (auto fact = fact_of(*event.frame))
      if (auto wrong = judge(*fact, runs[fact->run]); !wrong.empty())
        broken_("at " + std::to_string(event.seq.value) + ' ' + wrong + ' '
                + name_of(fact->run, fact->term));
}

} // namespace callboard::sim
