#include "storage/raft/raft_consensus.hpp"

#include "storage/raft/configuration.hpp"

#include <algorithm>
#include <cassert>
#include <new>
#include <stdexcept>

namespace callboard {

namespace {

/// Appends to a follower that is far behind leave in messages of about this
/// size.
constexpr std::size_t message_bytes = std::size_t{1} << 20;

/// A barrier says nothing; the library's own have eight zeros.
constexpr std::string_view barrier_payload{"\0\0\0\0\0\0\0\0", 8};

craft_entry to_craft(const log_entry& x) {
  return {x.term.value, static_cast<unsigned>(x.kind), x.payload.data(),
          x.payload.size()};
}

craft_options to_craft(const consensus::options& x) {
  return {x.self.value, x.election_timeout_ms, x.heartbeat_ms,
          x.max_inflight_entries, x.random_seed};
}

} // namespace

raft_consensus::raft_consensus(const options& opts) : opts_{opts} {
  assert(opts.self.value != 0);
  const auto craft_opts = to_craft(opts);
  raft_.reset(craft_new(&craft_opts));
  if (!raft_)
    throw std::bad_alloc{};
}

void raft_consensus::begin(std::uint64_t now_ms) {
  now_ms_ = std::max(now_ms_, now_ms); // the library needs time to be monotonic
  out_.begin();
}

const effects& raft_consensus::finish() {
  settle();
  return out_.finish();
}

// --- start
// --------------------------------------------------------------------

const effects& raft_consensus::start(restored_log found,
                                     std::span<const group_member> bootstrap,
                                     std::uint64_t now_ms) {
  assert(!started_);
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
  log_.restore(found);
  // The library lets a single voter lead at once, in its old term. Ours begins
  // a new term by its own vote, as an election would, so that each leadership
  // has a term to itself.
  auto voters = decode_members(log_.configuration_at(log_.last()).second);
  if (voters && is_only_voter(*voters, opts_.self)) {
    hard_ = {next(hard_.term), opts_.self};
    out_.hard(hard_);
  }
  if (int rv = start_library(found); rv != 0)
    throw std::runtime_error{std::string{"raft cannot start: "}
                             + craft_error(rv)};
  started_ = true;
  return finish();
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

int raft_consensus::start_library(const restored_log& found) {
  const craft_snapshot snapshot{
    found.snapshot_index.value, found.snapshot_term.value,
    found.configuration_index.value, found.configuration.data(),
    found.configuration.size()};
  scratch_.clear();
  auto first = next(log_.base());
  // To offer what follows base() to a follower, the library must know base()'s
  // term, and it knows only those of its entries and of the snapshot.
  if (log_.base() < found.snapshot_index && term_at(log_.base()).value != 0) {
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
  if (rv == 0)
    absorb(update, {});
  return rv;
}

// --- events
// -------------------------------------------------------------------

const effects& raft_consensus::tick(std::uint64_t now_ms) {
  begin(now_ms);
  if (started_ && now_ms_ >= craft_deadline(raft_.get())) {
    craft_update update;
    craft_timeout(raft_.get(), now_ms_, &update);
    absorb(update, {});
  }
  return finish();
}

const effects& raft_consensus::durable(ticket done, std::uint64_t now_ms) {
  begin(now_ms);
  if (auto last = out_.durable(done)) {
    durable_ = std::max(durable_, *last);
    if (last->value > craft_stored(raft_.get())) {
      craft_update update;
      craft_persisted(raft_.get(), now_ms_, last->value, &update);
      absorb(update, {});
    }
  }
  return finish();
}

result<const effects*> raft_consensus::propose(shared_bytes payload,
                                               std::uint64_t now_ms) {
  begin(now_ms);
  const std::string_view bytes{*payload};
  const int rv = leading()
                   ? submit({next(log_.last()), term(), entry_kind::command,
                             bytes, std::move(payload)})
                   : -1;
  if (rv != 0)
    return fail(errc::unavailable,
                "this node does not lead the shard; ask the leader, or again "
                "when one is elected");
  return &finish();
}

int raft_consensus::submit(log_entry entry) {
  craft_update update;
  const auto raw = to_craft(entry);
  int rv = craft_submit(raft_.get(), now_ms_, &raw, 1, &update);
  absorb(update, {&entry, 1});
  return rv;
}

void raft_consensus::trim(log_index keep_from) {
  // Not what is still to be applied, and not while the library would be told of
  // a second snapshot at the same index, which it does not allow.
  if (keep_from.value == 0
      || applied_.value <= craft_snapshot_index(raft_.get()))
    return;
  const log_index upto{std::min(keep_from.value - 1, applied_.value)};
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

// --- what the library asks for
// ------------------------------------------------

void raft_consensus::absorb(const craft_update& update,
                            std::span<const log_entry> offered) {
  absorb_hard_state();
  for (unsigned i = 0; i < update.n_entries; ++i) {
    const log_index index{update.first_index + i};
    if (update.own_barrier)
      take_entry(
        {index, term(), entry_kind::barrier, barrier_payload, nullptr});
    else
      take_entry(offered[static_cast<std::size_t>(
        index.value - offered.front().index.value)]);
  }
  for (unsigned i = 0; i < update.n_messages; ++i)
    send(update.messages[i]);
}

/// Compares instead of trusting flags: a step that fails may have changed them.
void raft_consensus::absorb_hard_state() {
  const hard_state present{raft_term{craft_term(raft_.get())},
                           node_number{craft_vote(raft_.get())}};
  if (present == hard_)
    return;
  hard_ = present;
  out_.hard(present);
}

void raft_consensus::take_entry(const log_entry& x) {
  if (x.index <= log_.last()) {
    out_.erase(x.index, log_.last());
    log_.truncate(x.index);
    durable_ = std::min(durable_, log_index{x.index.value - 1});
  }
  log_.append(x);
  out_.append(x);
}

void raft_consensus::send(const craft_message& head) {
  if (head.type == CRAFT_APPEND && head.n_entries != 0)
    return send_entries(head);
  auto x = head;
  // 0.22.1 answers a pre-vote with the candidate's term even when ours is
  // higher and we refuse: two such nodes can then refuse each other for ever.
  if (x.type == CRAFT_VOTE_RESULT && x.pre_vote && !x.granted)
    x.term = std::max(x.term, term().value);
  out_.send({node_number{x.peer}, encode_message(opts_.group, x, {})});
}

void raft_consensus::send_entries(const craft_message& head) {
  auto part = head;
  std::vector<log_entry> entries;
  std::size_t bytes = 0;
  const auto last = head.index + head.n_entries;
  for (auto i = head.index + 1; i <= last; ++i) {
    entries.push_back(log_.at({i}));
    bytes += entries.back().payload.size();
    if (i != last && bytes < message_bytes)
      continue;
    out_.send(
      {node_number{part.peer}, encode_message(opts_.group, part, entries)});
    part.index = i;
    part.index_term = entries.back().term.value;
    entries.clear();
    bytes = 0;
  }
}

// --- consequences
// -------------------------------------------------------------

void raft_consensus::settle() {
  if (started_)
    while (follow_leadership() || apply_next())
      continue;
}

/// A leadership begins with an entry of its own. The library makes one only
/// when there are several voters and something is uncommitted; else we do.
/// @returns whether something happened.
bool raft_consensus::follow_leadership() {
  const bool leads = craft_state_of(raft_.get()) == CRAFT_LEADER;
  if (leads == leading_)
    return false;
  leading_ = leads;
  barrier_ = {};
  out_.leadership_changed();
  if (!leads)
    return true;
  if (term_at(log_.last()) != term())
    submit({next(log_.last()), term(), entry_kind::barrier, barrier_payload,
            nullptr});
  barrier_ = log_.last();
  return true;
}

/// Hands out the next entry that is committed and on our own disk, so that the
/// state never gets ahead of the log that it restarts from.
bool raft_consensus::apply_next() {
  if (applied_ >= std::min(commit_index(), durable_))
    return false;
  applied_ = next(applied_);
  out_.apply(log_.at(applied_));
  if (log_.at(applied_).kind == entry_kind::change) {
    const auto entry = log_.at(applied_);
    craft_update update;
    craft_configuration_committed(raft_.get(), now_ms_, applied_.value,
                                  entry.payload.data(), entry.payload.size(),
                                  &update);
    absorb(update, {});
  }
  return true;
}

// --- state
// --------------------------------------------------------------------

bool raft_consensus::leading() const noexcept {
  return leading_;
}

node_number raft_consensus::leader() const noexcept {
  return {craft_leader(raft_.get())};
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

std::unique_ptr<consensus> make_raft_consensus(const consensus::options& opts) {
  return std::make_unique<raft_consensus>(opts);
}

} // namespace callboard
