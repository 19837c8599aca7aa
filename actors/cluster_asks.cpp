#include "actors/admin_task.hpp"
#include "actors/cluster_actor.hpp"
#include "actors/merged_answers.hpp"
#include "actors/model/json.hpp"
#include "actors/remote_frame.hpp"
#include "actors/shard_actor.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

// What operators ask and order, and what nodes ask each other for it.

namespace callboard {

namespace {

constexpr std::uint64_t order_patience_ms = 10'000;
constexpr std::uint64_t report_patience_ms = 1000;

} // namespace

void cluster_state::handle(peer_message& x) {
  auto& what = *x.what;
  if (auto notice = std::get_if<remote::map_notice>(&what))
    return hear_map(notice->map, x.session);
  if (x.from == node_number{} || !formed())
    return; // strangers have nothing else to say
  if (directory_ && directory_->receive(x.from, what, steady_ms()))
    return after_directory();
  if (auto leads = std::get_if<remote::leader_notice>(&what))
    return hear_leader(x.from, *leads);
  if (auto request = std::get_if<remote::directory_request>(&what)) {
    auto order = decode_order(request->order);
    constexpr std::size_t most = 1024;
    if (order && was_ready_ && changes_.size() < most) {
      changes_.push_back({std::move(*order), x.session, request->token});
      return begin_change();
    }
    auto why = order ? not_leading_now() : order.error();
    node_->peers.network()->send(x.session, peer_lane::normal,
                                 frame(remote::message{remote::directory_answer{
                                   request->token, tl::unexpected{why}}}));
    return;
  }
  if (auto answered = std::get_if<remote::directory_answer>(&what))
    return finish_order(answered->token, std::move(answered->outcome));
  if (auto request = std::get_if<remote::node_report_request>(&what))
    return report_to(x.session, request->token);
  if (auto asked = std::get_if<remote::admin_call>(&what)) {
    reply_address to{
      {directory_shard.value}, x.session.value, asked->token, x.from};
    if (auto order = std::get_if<cluster_order>(&asked->request))
      return carry_out(to, *order);
    return ask_here(to, std::move(asked->request));
  }
  if (auto answers = std::get_if<remote::call_answers>(&what))
    return add_answers(*answers);
  if (auto report = std::get_if<remote::node_report>(&what))
    return add_report(report->token, std::move(report->json));
}

/// Whether so much is under way that no more is taken; then `to` hears of it.
bool cluster_state::too_much(const reply_address& to) {
  node_->counters.asks.store(orders_.size() + gatherings_.size());
  if (orders_.size() + gatherings_.size() < node_->conf.cluster.asks)
    return false;
  node_->counters.asks_refused.fetch_add(1);
  answer(to, tl::unexpected{
               problem{errc::unavailable,
                       "this node has too many questions to all nodes open "
                       "(cluster.asks); send again in a moment",
                       {},
                       std::chrono::seconds{1}}});
  return true;
}

void cluster_state::handle(cluster_ask& x) {
  if (too_much(x.to))
    return;
  if (!formed()) {
    return answer(x.to,
                  fail(errc::unavailable,
                       "this node belongs to no cluster yet: " + last_said_));
  }
  if (auto order = std::get_if<cluster_order>(&x.what))
    return carry_out(x.to, *order);
  if (std::holds_alternative<inspect_cluster>(x.what))
    return gather(x.to, std::move(x.what));
  gather_answers(x.to, std::move(x.what));
}

// Each shard's leader answers for its shard.
void cluster_state::handle(cluster_query& x) {
  if (too_much(x.to))
    return;
  auto token = next_token_++;
  auto& all = gatherings_[token];
  all.to = x.to;
  all.missing = node_->shards.size();
  all.until_ms
    = steady_ms()
      + static_cast<std::uint64_t>(node_->conf.cluster.leader_wait.count())
      + report_patience_ms;
  reply_address back{{directory_shard.value}, 0, token, node_->self};
  for (std::uint64_t i = 0; i < node_->shards.size(); ++i) {
    auto part = x.what;
    if (auto projects = std::get_if<query::list_projects>(&part))
      projects->shard = shard_id{i};
    if (auto run = std::get_if<query::find_run>(&part))
      run->shard = shard_id{i};
    self_->send(node_->shards[i], enter_read{back, std::move(part)});
  }
  all.question = std::move(x.what);
}

void cluster_state::answer(const reply_address& to, result<std::string> json,
                           int status) {
  std::vector<callboard::answer> out;
  if (json)
    out.push_back({to, document_answer{std::move(*json), status}});
  else
    out.push_back({to, tl::unexpected{std::move(json.error())}});
  node_->answer(std::move(out));
}

// -- orders
// -------------------------------------------------------------------

void cluster_state::carry_out(const reply_address& to, const cluster_order& x) {
  using what = cluster_order::what;
  switch (x.order) {
  case what::add_node: {
    auto at = std::ranges::find_if(
      peers_, [&](const auto& y) { return y.second.name == x.node; });
    if (at == peers_.end())
      return answer(
        to, fail(errc::not_found, "no node '" + x.node
                                    + "' is linked to this one; start it with "
                                      "--join and this node's address first"));
    auto& who = at->second;
    if (was_removed(who))
      return answer(
        to, fail(errc::conflict,
                 "node '" + x.node
                   + "' was removed from this cluster and still has its data; "
                     "stop it, start it with an empty data directory, and add "
                     "it then"));
    return ask_directory(
      cluster_change::add_node{who.name, who.disk, who.address}, to);
  }
  case what::remove_node:
    return ask_directory(cluster_change::remove_node{x.node}, to);
  case what::rebalance:
    return ask_directory(cluster_change::rebalance{}, to);
  case what::pin:
    return ask_directory(cluster_change::pin{{x.shard.value_or(0)}, x.node},
                         to);
  case what::transfer:
    return transfer(to, x);
  }
}

/// It was a member, and is none by that disk any more. Its identity is as of
/// the beginning of its session.
bool cluster_state::was_removed(const peer_identity& who) const {
  if (std::ranges::find(map_.nodes, who.disk, &cluster_node::disk)
      != map_.nodes.end())
    return false;
  return who.cluster == map_.cluster || left_disks_.contains(who.disk);
}

void cluster_state::transfer(const reply_address& to, const cluster_order& x) {
  auto node = map_.find(std::string_view{x.node});
  if (!node)
    return answer(to, fail(errc::not_found,
                           "there is no node '" + x.node + "' in the cluster"));
  if (!x.shard || *x.shard >= node_->shards.size())
    return answer(to, fail(errc::not_found, "there is no such shard"));
  auto leader = groups_[shard_id{*x.shard}].leader;
  if (leader == node_->self || to.node != node_number{}) // passed on once
    return self_->send(node_->shards[*x.shard], transfer_to{to, node->number});
  auto token = next_token_++;
  if (!node_->peers.send(
        leader, peer_lane::normal,
        frame(remote::message{remote::admin_call{token, admin_request{x}}})))
    return answer(to, tl::unexpected{not_ready()});
  auto& passed_on = gatherings_[token];
  passed_on.to = to;
  passed_on.what = x;
  passed_on.missing = 1;
  passed_on.until_ms = steady_ms() + report_patience_ms;
}

// One that is under way already is enough.
void cluster_state::handle(const map_wish& x) {
  if (!formed() || std::ranges::any_of(orders_, [&](auto& y) {
        return !y.second.to && y.second.order == x.order;
      }))
    return;
  if (auto order = decode_order(x.order))
    ask_directory(std::move(*order), std::nullopt);
}

void cluster_state::ask_directory(map_order order,
                                  std::optional<reply_address> to) {
  if (!to && orders_.size() >= node_->conf.cluster.asks)
    return; // what this node itself wants it wants again in a moment
  auto token = next_token_++;
  auto& x = orders_[token];
  x = {encode_order(order), to, {}, steady_ms() + order_patience_ms};
  send_order(token, x);
}

void cluster_state::send_order(std::uint64_t token, pending_order& x) {
  if (was_ready_) {
    x.sent_to = node_->self;
    if (auto order = decode_order(x.order))
      changes_.push_back({std::move(*order), {}, token});
    return begin_change();
  }
  if (directory_leader_ != node_number{}
      && node_->peers.send(
        directory_leader_, peer_lane::normal,
        frame(remote::message{remote::directory_request{token, x.order}})))
    x.sent_to = directory_leader_;
}

void cluster_state::finish_order(std::uint64_t token,
                                 result<std::string> outcome) {
  auto at = orders_.find(token);
  if (at == orders_.end())
    return;
  if (!outcome && outcome.error().code == errc::unavailable
      && steady_ms() < at->second.until_ms) {
    at->second.sent_to = {}; // another leader, in a moment
    return;
  }
  auto x = std::move(at->second);
  orders_.erase(at);
  if (x.to)
    return answer(*x.to, std::move(outcome), 202);
  if (!outcome)
    spdlog::warn("the map of the cluster was not changed: {}",
                 outcome.error().detail);
}

// -- reports
// ------------------------------------------------------------------

void cluster_state::gather(const reply_address& to, admin_request what) {
  auto token = next_token_++;
  auto& x = gatherings_[token];
  x.to = to;
  x.what = std::move(what);
  x.until_ms = steady_ms() + report_patience_ms;
  x.missing = 1;
  for (auto& node : map_.nodes)
    if (node.number != node_->self
        && node_->peers.send(
          node.number, peer_lane::normal,
          frame(remote::message{remote::node_report_request{token}})))
      ++x.missing;
  report_to({}, token);
}

void cluster_state::report_to(peer_session session, std::uint64_t token) {
  struct collecting {
    std::string json;
    std::size_t missing;
    bool first = true;
  };
  auto all = std::make_shared<collecting>();
  all->missing = node_->shards.size();
  auto& out = all->json;
  out = "{\"name\":";
  json::append_quoted(out, node_->name);
  out += ",\"number\":";
  json::append_number(out, node_->self.load().value);
  out += ",\"program\":";
  json::append_quoted(out, me_.program);
  out += ",\"disk_full\":";
  out += node_->no_space.load() != 0 ? "true" : "false";
  out += ",\"uptime_ms\":";
  json::append_number(out, steady_ms() - started_ms_);
  out += ",\"shards\":[";
  out += replica_json(*directory_, directory_shard);
  auto done = [this, all, session, token] {
    if (--all->missing > 0)
      return;
    all->json += "]}";
    if (session == peer_session{})
      return add_report(token, std::move(all->json));
    node_->peers.network()->send(
      session, peer_lane::normal,
      frame(remote::message{remote::node_report{token, std::move(all->json)}}));
  };
  for (auto& shard : node_->shards)
    self_
      ->request(shard, std::chrono::milliseconds{report_patience_ms},
                callboard::describe{})
      .then(
        [all, done](const description& x) {
          all->json += ',' + x.state;
          done();
        },
        [done](const caf::error&) { done(); });
}

void cluster_state::add_report(std::uint64_t token, std::string json) {
  auto at = gatherings_.find(token);
  if (at == gatherings_.end())
    return;
  at->second.reports.push_back({std::move(json)});
  if (--at->second.missing == 0)
    finish_gathering(token);
}

// Every node answers for itself.
void cluster_state::gather_answers(const reply_address& to,
                                   admin_request what) {
  auto token = next_token_++;
  auto& x = gatherings_[token];
  x.to = to;
  x.until_ms = steady_ms() + report_patience_ms;
  x.missing = 1;
  for (auto& node : map_.nodes)
    if (node.number != node_->self
        && node_->peers.send(
          node.number, peer_lane::normal,
          frame(remote::message{remote::admin_call{token, what}})))
      ++x.missing;
  x.what = what;
  ask_here({{directory_shard.value}, 0, token, node_->self}, std::move(what));
}

void cluster_state::ask_here(const reply_address& to, admin_request what) {
  if (std::holds_alternative<find_sessions>(what)
      || std::holds_alternative<end_session>(what))
    return sink_->admin(to, std::move(what));
  self_->home_system().spawn(admin_task, node_, to,
                             std::make_shared<admin_request>(std::move(what)));
}

void cluster_state::add_answers(remote::call_answers& x) {
  for (auto& got : x.answers) {
    auto at = gatherings_.find(got.token);
    if (at == gatherings_.end())
      continue;
    at->second.answers.push_back(std::move(got.outcome));
    if (--at->second.missing == 0)
      finish_gathering(got.token);
  }
}

void cluster_state::finish_gathering(std::uint64_t token) {
  auto x = std::move(gatherings_.at(token));
  gatherings_.erase(token);
  if (x.question) {
    std::vector<callboard::answer> one;
    one.push_back(
      {x.to, merge_parts(*x.question, std::move(x.answers), x.missing == 0)});
    return node_->answer(std::move(one));
  }
  if (!std::holds_alternative<inspect_cluster>(x.what)) {
    std::vector<callboard::answer> one;
    one.push_back(
      {x.to, merge_answers(x.what, std::move(x.answers), x.missing == 0)});
    return node_->answer(std::move(one));
  }
  answer(x.to,
         cluster_document(map_, x.reports, node_->peers.network()->figures()));
}

void cluster_state::tick_asks(std::uint64_t now_ms) {
  node_->counters.asks.store(orders_.size() + gatherings_.size());
  std::vector<std::uint64_t> late, unsent;
  for (auto& [token, x] : gatherings_)
    if (now_ms >= x.until_ms)
      late.push_back(token);
  for (auto token : late)
    finish_gathering(token);
  late.clear();
  for (auto& [token, x] : orders_)
    if (now_ms >= x.until_ms)
      late.push_back(token);
    else if (x.sent_to == node_number{})
      unsent.push_back(token);
  for (auto token : unsent)
    if (auto at = orders_.find(token); at != orders_.end())
      send_order(token, at->second);
  for (auto token : late)
    finish_order(token, tl::unexpected{not_leading_now()});
}

} // namespace callboard
