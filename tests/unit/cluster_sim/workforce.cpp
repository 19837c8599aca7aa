#include "tests/unit/cluster_sim/workforce.hpp"

#include "actors/model/json.hpp"

#include <utility>

namespace callboard::sim {

namespace {

constexpr std::int64_t patience_ms = 8000;
constexpr const char* queue = "build";

std::string run_name(std::size_t i) {
  return "job-" + std::to_string(i);
}

std::string text_of(const run_id& run, const std::string& id, bool ends) {
  return ends ? R"({"type":"workflow:execution:updated","id":")" + id
                  + R"(","data":{"execution_id":")" + run.value
                  + R"(","changes":{"status":"completed"}}})"
              : R"({"type":"workflow:execution:event:created","id":")" + id
                  + R"(","data":{"execution_id":")" + run.value
                  + R"(","event":{"kind":"log","message":"m"}}})";
}

} // namespace

workforce::workforce(simulated_cluster& cluster, traffic& clients,
                     witness& seen, std::size_t workers, std::size_t runs)
    : cluster_{cluster}, clients_{clients}, seen_{seen},
      leases_{cluster.shape().lease_ms,
              [&seen](std::string what) { seen.broken(std::move(what)); }},
      runs_{runs} {
  for (std::size_t i = 0; i < workers; ++i) {
    worker x;
    x.name = "w" + std::to_string(i);
    x.node = clients_.some_node();
    workers_.push_back(std::move(x));
  }
}

void workforce::tick() {
  if (ordered_ < runs_)
    order();
  else
    look_for_ends();
  for (auto& x : workers_)
    tick(x);
}

std::string workforce::unfinished() const {
  if (ordered_ < runs_)
    return run_name(ordered_) + " could not be ordered";
  for (std::size_t i = 0; i < runs_; ++i)
    if (!ended_.contains(run_name(i)))
      return run_name(i) + " has not ended";
  return {};
}

// -- who wants runs
// ---------------------------------------------------------------

void workforce::order() {
  const auto now = cluster_.now_ms();
  if (now < order_again_ms_)
    return;
  const auto node = clients_.some_node();
  order_again_ms_ = now + patience_ms;
  if (!cluster_.serves(node))
    return;
  command_request x;
  x.room = room_;
  x.arguments.what = run_command::create;
  x.arguments.run.value = run_name(ordered_);
  x.arguments.fields
    = std::string{R"({"workflow_definition_id":")"} + queue + "\"}";
  const auto to = clients_.expect([this](const answer& got) {
    if (got.to.request != ordering_)
      return; // it was asked for again
    order_again_ms_ = cluster_.now_ms() + chance() % 400;
    // conflict: an order whose answer was lost had made it.
    if (got.outcome || got.outcome.error().code == errc::conflict)
      ++ordered_;
    else if (got.outcome.error().code != errc::unavailable)
      seen_.broken("an order was refused: " + got.outcome.error().detail);
  });
  ordering_ = to.request;
  cluster_.api(node).command(to, std::move(x));
}

void workforce::look_for_ends() {
  if (cluster_.now_ms() < look_again_ms_)
    return;
  look_again_ms_ = cluster_.now_ms() + 1000;
  for (std::size_t i = 0; i < runs_; ++i) {
    const auto node = clients_.some_node();
    const auto run = run_name(i);
    if (ended_.contains(run) || !cluster_.serves(node))
      continue;
    cluster_.api(node).ask(clients_.expect([this, run](const answer& got) {
      if (!got.outcome)
        return;
      const auto& text = std::get<document_answer>(*got.outcome).json;
      const auto doc = json::document::parse(text, {});
      const auto status = doc ? doc->root().find("status") : std::nullopt;
      if (status
          && (status->string() == "completed" || status->string() == "failed"))
        ended_.insert(run);
    }),
                           query::run_detail{room_, {run}});
  }
}

// -- workers
// ----------------------------------------------------------------------

void workforce::wait(worker& x, const reply_address& to) {
  x.request = to.request;
  x.until_ms = cluster_.now_ms() + patience_ms;
}

void workforce::rest(worker& x, std::int64_t ms) {
  x.not_before_ms = cluster_.now_ms() + ms;
}

void workforce::tick(worker& x) {
  const auto now = cluster_.now_ms();
  if (now < x.not_before_ms)
    return;
  if (!cluster_.serves(x.node)) {
    x.request = 0;
    x.node = clients_.some_node();
    return rest(x, 50);
  }
  if (x.request != 0 && now >= x.until_ms) {
    if (x.idle()) // as a hub does when the worker's connection ends
      cluster_.api(x.node).stop_taking({hub_id{0}, 1, x.request, {}}, room_);
    x.request = 0;
    x.node = clients_.some_node();
    return;
  }
  if (!x.idle() && now >= x.heartbeat_ms)
    heartbeat(x);
  if (x.request != 0)
    return;
  if (x.idle())
    take(x);
  else
    work(x);
}

void workforce::take(worker& x) {
  const auto now = cluster_.now_ms();
  const auto to
    = clients_.expect([this, index = index_of(x), now](const answer& got) {
        took(at(index), got, now);
      });
  wait(x, to);
  cluster_.api(x.node).take(
    to, {room_, queue, x.name, std::chrono::milliseconds{chance() % 2000}});
}

void workforce::took(worker& x, const answer& got, std::int64_t asked_ms) {
  if (!got.outcome) {
    if (got.outcome.error().code != errc::unavailable)
      seen_.broken(x.name + " could not take: " + got.outcome.error().detail);
  } else if (auto& reply = std::get<document_answer>(*got.outcome);
             reply.http_status == 200) {
    const auto doc = json::document::parse(reply.json, {});
    auto claim
      = parse_lease(doc->root().find("lease")->find("token")->string());
    // Even if nobody waits for it any more: it was given.
    leases_.taken(claim->run.value, claim->term, asked_ms, cluster_.now_ms());
    ++taken_;
    if (x.request != got.to.request)
      return; // it comes back when the lease runs out
    x.claim = std::move(*claim);
    x.heartbeat_ms = cluster_.now_ms();
    x.next_event = 0;
    x.to_do = 1 + chance() % 4;
  }
  if (x.request != got.to.request)
    return;
  x.request = 0;
  rest(x, chance() % 200);
}

void workforce::heartbeat(worker& x) {
  const auto now = cluster_.now_ms();
  x.heartbeat_ms = now + cluster_.shape().lease_ms / 3;
  const auto to = clients_.expect(
    [this, index = index_of(x), claim = x.claim, now,
     newest = leases_.newest(x.claim.run.value)](const answer& got) {
      if (got.outcome) {
        leases_.good(claim.run.value, claim.term, newest);
        leases_.renewed(claim.run.value, claim.term, now);
      } else if (auto& me = at(index); me.claim == claim) {
        drop(me, got.outcome.error());
      }
    });
  cluster_.api(x.node).lease(
    to, {lease_request::what::heartbeat, room_, x.claim, {}});
}

/// It was told no: either it lost the run, or nobody knows.
void workforce::drop(worker& x, const problem& why) {
  if (why.code == errc::unavailable)
    return;
  if (why.code != errc::conflict)
    return seen_.broken(x.name + " was refused: " + why.detail);
  leases_.lost(x.claim.run.value, x.claim.term, cluster_.now_ms());
  ++lost_;
  x.claim = {};
  x.ids.clear();
  x.request = 0;
}

void workforce::work(worker& x) {
  const auto& run = x.claim.run.value;
  if (!x.ids.empty())
    return publish(x); // again
  if (!diligent_ && chance() % 12 == 0) {
    const auto period = cluster_.shape().lease_ms;
    return rest(x, period + static_cast<std::int64_t>(chance() % 1500));
  }
  if (x.to_do == 0) {
    leases_.given_up(run, x.claim.term);
    if (chance() % 6 == 0)
      return release(x);
    x.ends = true;
  } else {
    --x.to_do;
    x.ends = false;
  }
  x.ids = {lease_witness::id_of(run, x.claim.term, x.next_event++)};
  x.sent = false;
  publish(x);
}

void workforce::publish(worker& x) {
  publish_request out;
  out.room = room_;
  out.lease = x.claim;
  for (auto& id : x.ids) {
    const auto text = text_of(x.claim.run, id, x.ends);
    out.bytes += text.size();
    out.items.push_back(draft_of(text, room_.project));
  }
  const auto to = clients_.expect(
    [this, index = index_of(x), first = !std::exchange(x.sent, true),
     newest = leases_.newest(x.claim.run.value)](const answer& got) {
      published(at(index), got, newest, first);
    });
  wait(x, to);
  cluster_.api(x.node).publish(to, std::move(out));
}

void workforce::published(worker& x, const answer& got,
                          std::uint64_t newest_then, bool first_time) {
  if (x.request != got.to.request)
    return; // it was sent again
  x.request = 0;
  rest(x, chance() % 200);
  if (!got.outcome)
    return drop(x, got.outcome.error());
  const auto& one = std::get<publish_answer>(*got.outcome).results.at(0);
  if (one.error)
    return drop(x, *one.error);
  if (first_time)
    leases_.good(x.claim.run.value, x.claim.term, newest_then);
  seen_.acknowledged(room_, x.ids.at(0), *one.seq);
  x.ids.clear();
  if (x.ends)
    x.claim = {};
}

void workforce::release(worker& x) {
  const auto to
    = clients_.expect([this, index = index_of(x)](const answer& got) {
        auto& me = at(index);
        if (me.request != got.to.request)
          return;
        me.request = 0;
        if (!got.outcome)
          return drop(me, got.outcome.error());
        me.claim = {};
      });
  wait(x, to);
  cluster_.api(x.node).lease(
    to, {lease_request::what::release, room_, x.claim, {}});
}

} // namespace callboard::sim
