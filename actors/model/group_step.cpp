#include "actors/model/cluster_map.hpp"

#include <algorithm>
#include <optional>

namespace callboard {

namespace {

using what = group_step::what;

/// A group as its leader sees it, and what may be done to it.
class group_view {
public:
  group_view(node_number self, const std::vector<member_state>& members,
             const placement& wanted)
      : self_{self}, members_{members}, wanted_{wanted} {
    // nop
  }

  group_step next() const {
    if (wanted_.replicas.empty() || !working({}, {}))
      return {};
    if (auto step = let_lost_go())
      return *step;
    // A silent voter keeps the group from changing; who is to blame for it
    // knows the map, or comes back.
    if (!lost_voter())
      for (auto attempt : {&group_view::let_surplus_go, &group_view::promote,
                           &group_view::add, &group_view::let_rest_go})
        if (auto step = (this->*attempt)())
          return *step;
    return hand_over();
  }

private:
  bool wants(node_number node) const {
    return std::ranges::find(wanted_.replicas, node) != wanted_.replicas.end();
  }

  bool hears(const member_state& x) const {
    return x.heard || x.node == self_;
  }

  const member_state* member(node_number node) const {
    auto at = std::ranges::find(members_, node, &member_state::node);
    return at == members_.end() ? nullptr : &*at;
  }

  /// Whether a majority of the voters is heard, were `without` none of them and
  /// `with` one.
  bool working(node_number without, node_number with) const {
    std::size_t voters = 0, heard = 0;
    for (auto& x : members_)
      if ((x.voter && x.node != without) || x.node == with) {
        ++voters;
        heard += hears(x);
      }
    return voters > 0 && heard > voters / 2;
  }

  const member_state* lost_voter() const {
    auto at = std::ranges::find_if(
      members_, [this](auto& x) { return x.voter && !hears(x); });
    return at == members_.end() ? nullptr : &*at;
  }

  std::optional<group_step> let_go(const member_state& x) const {
    if (x.voter && !working(x.node, {}))
      return std::nullopt;
    return group_step{what::remove, x.node};
  }

  std::optional<group_step> let_lost_go() const {
    auto lost_wanted = std::ranges::any_of(members_, [this](auto& x) {
      return x.voter && !hears(x) && wants(x.node);
    });
    for (auto& x : members_) // voters first: they are in the way
      if (x.voter && !hears(x) && !wants(x.node) && !lost_wanted)
        return let_go(x);
    for (auto& x : members_)
      if (!x.voter && !hears(x) && !wants(x.node) && lost_voter() == nullptr)
        return let_go(x);
    return std::nullopt;
  }

  /// Who is not wanted and does not vote, or there are more voters than wanted.
  std::optional<group_step> let_surplus_go() const {
    for (auto& x : members_)
      if (!x.voter && !wants(x.node))
        return let_go(x);
    auto voters = std::ranges::count(members_, true, &member_state::voter);
    if (static_cast<std::size_t>(voters) <= wanted_.replicas.size())
      return std::nullopt;
    return let_voter_go();
  }

  /// Rather one that lags; the leader last, by handing over first.
  std::optional<group_step> let_voter_go() const {
    const member_state* found = nullptr;
    for (auto& x : members_)
      if (x.voter && !wants(x.node) && x.node != self_
          && (found == nullptr || (found->caught_up && !x.caught_up)))
        found = &x;
    if (found != nullptr)
      return let_go(*found);
    auto step = wants(self_) ? group_step{} : hand_over();
    return step.action == what::nothing ? std::nullopt : std::optional{step};
  }

  std::optional<group_step> promote() const {
    for (auto& x : members_)
      if (!x.voter && wants(x.node) && x.heard && x.caught_up
          && working({}, x.node))
        return group_step{what::promote, x.node};
    return std::nullopt;
  }

  std::optional<group_step> add() const {
    for (auto node : wanted_.replicas)
      if (member(node) == nullptr)
        return group_step{what::add, node};
    return std::nullopt;
  }

  /// When all that are wanted vote.
  std::optional<group_step> let_rest_go() const {
    for (auto node : wanted_.replicas)
      if (auto x = member(node); x == nullptr || !x->voter)
        return std::nullopt;
    return let_voter_go();
  }

  bool can_lead(node_number node) const {
    auto x = member(node);
    return node != self_ && x != nullptr && x->voter && x->heard
           && x->caught_up;
  }

  /// To the one that all leaders prefer, or, from one that is not wanted, to
  /// any that is: so it does not go round in circles.
  group_step hand_over() const {
    auto first = wanted_.pinned != node_number{} && wants(wanted_.pinned)
                   ? wanted_.pinned
                   : wanted_.replicas.front();
    if (can_lead(first))
      return {what::hand_over, first};
    if (!wants(self_))
      for (auto node : wanted_.replicas)
        if (can_lead(node))
          return {what::hand_over, node};
    return {};
  }

  node_number self_;
  const std::vector<member_state>& members_;
  const placement& wanted_;
};

} // namespace

group_step next_step(node_number self, const std::vector<member_state>& members,
                     const placement& wanted) {
  return group_view{self, members, wanted}.next();
}

} // namespace callboard
