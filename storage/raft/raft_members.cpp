#include "storage/raft/configuration.hpp"
#include "storage/raft/raft_consensus.hpp"

#include <algorithm>

namespace callboard {

namespace {

std::string named(node_number node) {
  return "node " + std::to_string(node.value);
}

auto by_node(node_number node) {
  return [node](const group_member& x) { return x.node == node; };
}

} // namespace

// --- what the leader knows of the others
// ---------------------------------------

bool raft_consensus::heard_within(node_number node, std::uint64_t ms) const {
  auto heard = heard_ms_.find(node);
  return heard != heard_ms_.end() && now_ms_ - heard->second < ms;
}

/// By the log's members, whatever the library takes them to be. Who has no
/// leader hears from the others at each attempt to elect one, hence the longer
/// time.
bool raft_consensus::hears_majority() const {
  auto all = decode_members(log_.configuration_at(log_.last()).second);
  if (!all)
    return false;
  std::size_t voters = 0;
  std::size_t heard = 0;
  for (const auto& x : *all) {
    voters += x.voter;
    heard += x.voter
             && (x.node == opts_.self
                 || heard_within(x.node, 4 * opts_.election_timeout_ms));
  }
  return heard > voters / 2;
}

std::optional<std::string> raft_consensus::behind(node_number node) const {
  if (!heard_within(node, opts_.election_timeout_ms))
    return named(node) + " is not heard of";
  const auto match = craft_match(raft_.get(), node.value);
  if (match + opts_.caught_up_entries < last_index().value)
    return named(node) + " lacks " + std::to_string(last_index().value - match)
           + " entries";
  return std::nullopt;
}

std::vector<member_progress> raft_consensus::progress() const {
  std::vector<member_progress> result;
  if (!leading_)
    return result;
  for (const auto& x : members()) {
    if (x.node == opts_.self)
      continue;
    member_progress line{x, {craft_match(raft_.get(), x.node.value)}, {}};
    if (auto heard = heard_ms_.find(x.node); heard != heard_ms_.end())
      line.silent_ms = now_ms_ - heard->second;
    result.push_back(line);
  }
  return result;
}

// --- transfer
// -----------------------------------------------------------------

result<const effects*> raft_consensus::transfer(node_number to,
                                                std::uint64_t now_ms) {
  begin(now_ms);
  if (!leading())
    return fail(errc::unavailable, "this node does not lead the shard");
  if (transferring() || craft_change_pending(raft_.get()))
    return fail(errc::unavailable, "the shard's leadership or its members are "
                                   "just being changed; try again");
  auto candidates = progress();
  std::erase_if(candidates, [&](const member_progress& x) {
    return !x.member.voter || (to.value != 0 && x.member.node != to);
  });
  if (candidates.empty())
    return fail(errc::invalid,
                to.value == 0 ? "the shard has no other voter"
                              : named(to) + " is no other voter of the shard");
  auto best = std::max_element(
    candidates.begin(), candidates.end(), [this](const auto& x, const auto& y) {
      const bool x_late = !!behind(x.member.node);
      const bool y_late = !!behind(y.member.node);
      return x_late != y_late ? x_late : x.match < y.match;
    });
  if (auto why = behind(best->member.node))
    return fail(errc::unavailable, "leadership cannot be handed over: " + *why);
  craft_update update;
  const int rv
    = craft_transfer(raft_.get(), now_ms_, best->member.node.value, &update);
  absorb(update, {});
  if (rv != 0)
    return fail(errc::unavailable, craft_error(rv));
  return &finish();
}

// --- change of members
// --------------------------------------------------------

result<const effects*> raft_consensus::change(member_action action,
                                              node_number node,
                                              std::uint64_t now_ms) {
  begin(now_ms);
  if (!leading() || commit_index() < barrier_)
    return fail(errc::unavailable, "this node does not lead the shard, or not "
                                   "for long enough");
  if (transferring() || craft_change_pending(raft_.get()))
    return fail(errc::conflict, "the shard's leadership or its members are "
                                "just being changed");
  auto changed = changed_members(action, node);
  if (!changed)
    return tl::unexpected{changed.error()};
  // 0.22.1 gets stuck when it changes members while voters lag. One that is
  // lost for good is demoted or removed first, then replaced.
  for (const auto& x : *changed)
    if (x.voter && x.node != opts_.self)
      if (auto why = behind(x.node))
        return fail(errc::unavailable, "the shard's members cannot be changed "
                                       "now: "
                                         + *why);
  auto payload = std::make_shared<const std::string>(encode_members(*changed));
  const log_entry entry{next(log_.last()), term(), entry_kind::change, *payload,
                        payload};
  // Nobody else gets it before our own disk has it. Who has ceased to vote by
  // an entry that we then lose would be needed, and would neither vote for our
  // shorter log nor stand for election itself.
  out_.gate();
  if (const int rv = submit({&entry, 1}); rv != 0)
    return fail(errc::unavailable, craft_error(rv));
  return &finish();
}

result<std::vector<group_member>>
raft_consensus::changed_members(member_action action, node_number node) const {
  auto all = members();
  auto found = std::find_if(all.begin(), all.end(), by_node(node));
  const bool present = found != all.end();
  if (action == member_action::add) {
    if (present || node.value == 0)
      return fail(errc::conflict, named(node) + " is a member already");
    all.insert(std::find_if(all.begin(), all.end(),
                            [node](const auto& x) { return node < x.node; }),
               {node, false});
    return all;
  }
  if (!present)
    return fail(errc::not_found, named(node) + " is no member of the shard");
  if (action == member_action::promote && found->voter)
    return fail(errc::conflict, named(node) + " is a voter already");
  if (action == member_action::demote && !found->voter)
    return fail(errc::conflict, named(node) + " is a non-voter already");
  if (action != member_action::promote && node == opts_.self)
    return fail(errc::conflict, named(node)
                                  + " leads the shard; transfer the "
                                    "leadership first");
  if (action == member_action::remove)
    all.erase(found);
  else
    found->voter = action == member_action::promote;
  return all;
}

} // namespace callboard
