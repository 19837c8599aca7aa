#include "storage/raft/raft_consensus.hpp"

#include "storage/raft/configuration.hpp"

#include <algorithm>
#include <cassert>
#include <new>
#include <stdexcept>

namespace callboard {

namespace {

constexpr std::string_view barrier_payload = log_cache::barrier_payload;

craft_entry to_craft(const log_entry& x) {
  return {x.term.value, static_cast<unsigned>(x.kind), x.payload.data(),
          x.payload.size()};
}

craft_options to_craft(const consensus::options& x) {
  return {x.self.value, x.election_timeout_ms, x.heartbeat_ms,
          x.max_inflight_entries, x.random_seed};
}

} // namespace

raft_consensus::raft_consensus(const options& opts)
    : opts_{opts}, watch_{opts.stuck_after_ms} {
  assert(opts.self.value != 0);
  make_library();
}

void raft_consensus::make_library() {
  auto craft_opts = to_craft(opts_);
  craft_opts.random_seed += static_cast<unsigned>(rebuilds_);
  raft_.reset(craft_new(&craft_opts));
  if (!raft_)
    throw std::bad_alloc{};
}

/// The library needs a time that never falls. A clock that jumps back must not
/// stop ours either.
void raft_consensus::begin(std::uint64_t now_ms) {
  if (now_ms < given_ms_)
    skew_ms_ += given_ms_ - now_ms;
  given_ms_ = now_ms;
  now_ms_ = given_ms_ + skew_ms_;
  now_ms_ -= now_ms_ % opts_.time_step_ms;
  out_.begin();
}

const effects& raft_consensus::finish() {
  settle();
  const auto& result = out_.finish();
  if (result.install)
    install_ticket_ = result.after;
  return result;
}

// --- start
// --------------------------------------------------------------------

const effects& raft_consensus::start(restored_log found,
                                     std::span<const group_member> bootstrap,
                                     std::uint64_t now_ms) {
  assert(!started_);
  assert(!would_lead_without_dropped(found, opts_.self));
  begin(now_ms);
  const bool is_new = found.entries.empty() && found.hard.term.value == 0
                      && found.snapshot_index.value == 0;
  if (is_new && !bootstrap.empty())
    bootstrap_log(found, bootstrap);
  else
    durable_ = found.entries.empty() ? found.snapshot_index
                                     : found.entries.back().index;
  applied_ = found.snapshot_index;
  hard_ = found.hard;
  dropped_ = found.dropped;
  log_.restore(found);
  claim_term_if_alone();
  start_library();
  started_ = true;
  return finish();
}

/// The library lets a single voter lead at once, in its old term. Ours begins a
/// new term by its own vote, as an election would, so that each leadership has
/// a term to itself.
void raft_consensus::claim_term_if_alone() {
  if (!alone())
    return;
  hard_ = {next(hard_.term), opts_.self};
  out_.hard(hard_);
}

bool raft_consensus::lacks_dropped() const noexcept {
  return log_position{term_at(log_.last()), log_.last()} < dropped_;
}

bool raft_consensus::alone() const {
  // Members of long ago, on the way to those of today.
  if (lacks_dropped())
    return false;
  auto voters = decode_members(log_.configuration_at(log_.last()).second);
  return voters && is_only_voter(*voters, opts_.self);
}

/// A new group's first entry is its configuration, the same on all members.
void raft_consensus::bootstrap_log(restored_log& found,
                                   std::span<const group_member> members) {
  std::vector<group_member> sorted{members.begin(), members.end()};
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& x, const auto& y) { return x.node < y.node; });
  auto payload = std::make_shared<const std::string>(encode_members(sorted));
  found.hard = {raft_term{1}, node_number{0}};
  found.entries.push_back(
    {log_index{1}, raft_term{1}, entry_kind::change, *payload, payload});
  out_.hard(found.hard);
  out_.append(found.entries.front());
}

/// From the log, and what is applied of it standing for a snapshot.
void raft_consensus::start_library() {
  const auto [configuration_index, configuration]
    = log_.configuration_at(applied_);
  const craft_snapshot snapshot{applied_.value, term_at(applied_).value,
                                configuration_index.value, configuration.data(),
                                configuration.size()};
  scratch_.clear();
  auto first = next(log_.base());
  // To offer what follows base() to a follower, the library must know base()'s
  // term, and it knows only those of its entries and of the snapshot.
  if (log_.base() < applied_ && term_at(log_.base()).value != 0) {
    first = log_.base();
    scratch_.push_back(
      {term_at(first).value, CRAFT_BARRIER, barrier_payload.data(), 0});
  }
  for (auto i = next(log_.base()); i <= log_.last(); i = next(i))
    scratch_.push_back(to_craft(log_.at(i)));
  craft_update update;
  int rv
    = craft_start(raft_.get(), now_ms_, hard_.term.value, hard_.voted_for.value,
                  &snapshot, first.value, scratch_.data(),
                  static_cast<unsigned>(scratch_.size()), &update);
  if (rv != 0)
    throw std::runtime_error{std::string{"raft cannot start: "}
                             + craft_error(rv)};
  absorb(update, {});
}

// --- events
// -------------------------------------------------------------------

const effects& raft_consensus::tick(std::uint64_t now_ms) {
  begin(now_ms);
  if (started_) {
    pass_time();
    rebuild_if_stuck();
    if (reads_.overdue(now_ms_, opts_.heartbeat_ms))
      send_term_checks();
  }
  return finish();
}

// No message makes anything due earlier than in a heartbeat's interval: it puts
// an election off, or begins something that takes longer.
std::uint64_t raft_consensus::next_tick_ms() const {
  auto next = now_ms_ - now_ms_ % opts_.heartbeat_ms + opts_.heartbeat_ms;
  if (started_ && !leading_ && !lacks_dropped())
    next = std::min(next, std::max(craft_deadline(raft_.get()), now_ms_));
  return next - std::min(next, skew_ms_);
}

void raft_consensus::pass_time() {
  if (lacks_dropped())
    return; // it must not be elected, not even by itself
  // Heartbeats wait for the next multiple of their interval, so that those of
  // many groups are one burst. Once they are there, they stay.
  auto now_ms = leading_ ? now_ms_ - now_ms_ % opts_.heartbeat_ms : now_ms_;
  if (now_ms < craft_deadline(raft_.get()))
    return;
  // The library would make a follower that has become the only voter lead in a
  // term that is not its own.
  if (craft_state_of(raft_.get()) == CRAFT_FOLLOWER && alone())
    return rebuild();
  craft_update update;
  craft_timeout(raft_.get(), now_ms_, &update);
  absorb(update, {});
}

void raft_consensus::rebuild_if_stuck() {
  const bool has_work = leading_
                          ? last_index() > commit_index()
                          : leader_commit_ > commit_index() && !awaits_state_;
  if (watch_.stuck({.could_move = out_.quiet() && hears_majority(),
                    .has_leader = leader().value != 0,
                    .has_work = has_work,
                    .commit = commit_index()},
                   now_ms_))
    rebuild();
}

/// Throws the library's instance away and starts a new one from what is on the
/// disk. Not while something is on its way there: what is, would have to be
/// asked from the disk.
void raft_consensus::rebuild() {
  // The library would let a member lead at once that was alone long ago.
  if (!out_.quiet() || installing_ || lacks_dropped())
    return;
  ++rebuilds_;
  if (leading_) {
    leading_ = false;
    barrier_ = {};
    offers_.clear();
    for (const auto& x : reads_.abandon())
      out_.read(x);
    out_.leadership_changed();
  }
  make_library();
  claim_term_if_alone();
  start_library();
}

const effects& raft_consensus::durable(ticket done, std::uint64_t now_ms) {
  begin(now_ms);
  const auto last = out_.durable(done);
  if (installing_ && done >= install_ticket_)
    finish_install();
  if (last) {
    durable_ = std::max(durable_, *last);
    if (last->value > craft_stored(raft_.get())) {
      craft_update update;
      craft_persisted(raft_.get(), now_ms_, last->value, &update);
      absorb(update, {});
    }
  }
  return finish();
}

result<const effects*>
raft_consensus::propose(std::span<const shared_bytes> payloads,
                        std::uint64_t now_ms) {
  begin(now_ms);
  std::vector<log_entry> entries;
  entries.reserve(payloads.size());
  auto index = log_.last();
  for (const auto& x : payloads) {
    index = next(index);
    entries.push_back({index, term(), entry_kind::command, *x, x});
  }
  if (!leading() || (!entries.empty() && submit(entries) != 0))
    return fail(errc::unavailable,
                "this node does not lead the shard; ask the leader, or again "
                "when one is elected");
  return &finish();
}

result<const effects*> raft_consensus::read(read_ticket& asked,
                                            std::uint64_t now_ms) {
  begin(now_ms);
  if (!leading())
    return fail(errc::unavailable,
                "this node does not lead the shard; ask the leader, or again "
                "when one is elected");
  asked = reads_.ask();
  return &finish();
}

int raft_consensus::submit(std::span<const log_entry> entries) {
  std::vector<craft_entry> raw;
  raw.reserve(entries.size());
  for (const auto& x : entries)
    raw.push_back(to_craft(x));
  craft_update update;
  int rv = craft_submit(raft_.get(), now_ms_, raw.data(),
                        static_cast<unsigned>(raw.size()), &update);
  absorb(update, entries);
  return rv;
}

void raft_consensus::trim(log_index keep_from) {
  // Not what is still to be applied, and not while the library would be told of
  // a second snapshot at the same index, which it does not allow.
  if (keep_from.value == 0 || installing_
      || applied_.value <= craft_snapshot_index(raft_.get()))
    return;
  log_index upto{std::min(keep_from.value - 1, applied_.value)};
  // Nor what followers need next who are being brought the state.
  if (auto pinned = offers_.lowest_pin())
    upto = std::min(upto, *pinned);
  if (upto.value < log_.base().value + 2)
    return;
  // What stands for the trimmed part is the state store, which is ahead of it.
  const auto [index, payload] = log_.configuration_at(applied_);
  const craft_snapshot snapshot{applied_.value, term_at(applied_).value,
                                index.value, payload.data(), payload.size()};
  // The library keeps the term of one entry more than we keep entries: that of
  // the one before the first that it can offer to a follower.
  const auto trailing = static_cast<unsigned>(applied_.value - upto.value + 1);
  craft_update update;
  craft_compact(raft_.get(), now_ms_, &snapshot, trailing, &update);
  log_.trim(upto);
}

// --- state
// --------------------------------------------------------------------

bool raft_consensus::leading() const noexcept {
  return leading_;
}

bool raft_consensus::transferring() const noexcept {
  return leading_ && craft_transferee(raft_.get()) != 0;
}

node_number raft_consensus::leader() const noexcept {
  // The library of a non-voter never forgets one.
  const bool alive
    = leading_
      || (leader_heard_ms_
          && now_ms_ - *leader_heard_ms_ < 2 * opts_.election_timeout_ms);
  return alive ? node_number{craft_leader(raft_.get())} : node_number{};
}

raft_term raft_consensus::term() const noexcept {
  return {craft_term(raft_.get())};
}

log_index raft_consensus::barrier_index() const noexcept {
  return barrier_;
}

log_index raft_consensus::commit_index() const noexcept {
  return {craft_commit(raft_.get())};
}

log_index raft_consensus::last_index() const noexcept {
  return log_.last();
}

log_position raft_consensus::log_end() const noexcept {
  return std::max(dropped_, {log_.term_at(log_.last()), log_.last()});
}

raft_term raft_consensus::term_at(log_index index) const noexcept {
  return log_.term_at(index);
}

std::pair<log_index, std::string>
raft_consensus::configuration_at(log_index index) const {
  return log_.configuration_at(index);
}

std::vector<group_member> raft_consensus::members() const {
  std::vector<craft_member> raw(craft_members(raft_.get(), nullptr, 0));
  craft_members(raft_.get(), raw.data(), static_cast<unsigned>(raw.size()));
  std::vector<group_member> result;
  for (const auto& x : raw)
    result.push_back({node_number{x.id}, x.voter != 0});
  return result;
}

std::uint64_t raft_consensus::rebuilds() const noexcept {
  return rebuilds_;
}

std::unique_ptr<consensus> make_raft_consensus(const consensus::options& opts) {
  return std::make_unique<raft_consensus>(opts);
}

} // namespace callboard
