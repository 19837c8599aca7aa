#include "storage/raft/effect_builder.hpp"

#include <algorithm>

namespace callboard {

void effect_builder::begin() {
  out_.hard.reset();
  out_.erase_from.reset();
  out_.erase_last = {};
  out_.append.clear();
  out_.install.reset();
  out_.after = {};
  out_.now.clear();
  out_.after_sync.clear();
  out_.apply.clear();
  out_.reads.clear();
  out_.states.clear();
  out_.leadership_changed = false;
  gate_ = false;
  messages_.clear();
}

void effect_builder::hard(const hard_state& x) {
  out_.hard = x;
  gate();
}

void effect_builder::gate() {
  gate_ = true;
}

void effect_builder::erase(log_index from, log_index last) {
  // What this very call appended never reaches the disk.
  const auto first_new
    = out_.append.empty() ? next(last) : out_.append.front().index;
  std::erase_if(out_.append,
                [from](const log_entry& x) { return x.index >= from; });
  if (from < first_new) {
    if (!out_.erase_from)
      out_.erase_last = {first_new.value - 1};
    out_.erase_from = out_.erase_from ? std::min(*out_.erase_from, from) : from;
  }
  for (auto& x : writes_)
    if (x.last >= from)
      x.last = {from.value - 1};
}

void effect_builder::append(const log_entry& x) {
  out_.append.push_back(x);
}

void effect_builder::send(raft_message_out x) {
  messages_.push_back(std::move(x));
}

void effect_builder::apply(const log_entry& x) {
  out_.apply.push_back(x);
}

void effect_builder::install(state_descriptor x) {
  out_.erase_from.reset();
  out_.erase_last = {};
  out_.append.clear();
  for (auto& write : writes_)
    write.last = {};
  out_.install = std::move(x);
}

void effect_builder::read(read_outcome x) {
  out_.reads.push_back(x);
}

void effect_builder::request_state(const state_request& x) {
  out_.states.push_back(x);
}

void effect_builder::leadership_changed() {
  out_.leadership_changed = true;
}

std::optional<log_index> effect_builder::durable(ticket done) {
  log_index last;
  for (; !writes_.empty() && writes_.front().number <= done;
       writes_.pop_front())
    last = std::max(last, writes_.front().last);
  for (; !held_.empty() && held_.front().until <= done; held_.pop_front())
    out_.now.push_back(std::move(held_.front().message));
  return last.value == 0 ? std::nullopt : std::optional{last};
}

const effects& effect_builder::finish() {
  if (out_.hard || out_.erase_from || !out_.append.empty() || out_.install) {
    last_ticket_ = next(last_ticket_);
    out_.after = last_ticket_;
    writes_.push_back(
      {last_ticket_,
       out_.append.empty() ? log_index{} : out_.append.back().index, gate_});
  }
  route_messages(gate_ && out_.after.value != 0);
  return out_;
}

void effect_builder::route_messages(bool gated) {
  const auto wait_for = open_gate();
  for (auto& x : messages_) {
    if (gated)
      out_.after_sync.push_back(std::move(x));
    else if (wait_for.value != 0)
      held_.push_back({wait_for, std::move(x)});
    else
      out_.now.push_back(std::move(x));
  }
  messages_.clear();
}

ticket effect_builder::open_gate() const {
  auto gate = std::find_if(writes_.rbegin(), writes_.rend(),
                           [](const pending_write& x) { return x.gate; });
  return gate == writes_.rend() ? ticket{} : gate->number;
}

} // namespace callboard
