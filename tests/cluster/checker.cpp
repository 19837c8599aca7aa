#include "tests/cluster/checker.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

namespace callboard::test {

namespace {

/// What all attempts for one id add up to.
struct sent_event {
  moment first_sent;
  moment acknowledged; ///< The first time; only with a seq.
  std::uint64_t seq = 0;
  bool refused = false;
};

/// Something that shows that the room had come to `position` by `at`.
struct evidence {
  moment at;
  std::uint64_t position = 0;
};

class room_check {
public:
  room_check(std::string name, std::vector<violation>& out)
      : name_{std::move(name)}, out_{out} {
    // nop
  }

  void add(const attempt& x) {
    auto [at, fresh] = sent_.try_emplace(x.id);
    auto& event = at->second;
    event.first_sent
      = fresh ? x.invoked : std::min(event.first_sent, x.invoked);
    switch (x.outcome) {
    case fate::acknowledged:
      add_answer(x, event);
      break;
    case fate::refused:
      event.refused = true;
      break;
    case fate::unknown:
      break;
    }
    if (event.refused && event.seq != 0)
      report(flaw::answers_differ, x.id + " was acknowledged and refused");
  }

  void add(const reading& x) {
    readings_.push_back(&x);
  }

  void events(const std::vector<seen_event>& x) {
    events_ = &x;
  }

  void run() {
    static const std::vector<seen_event> none;
    if (events_ == nullptr)
      events_ = &none;
    check_numbers();
    check_acknowledged();
    check_order();
    check_readings();
  }

  void check_view(const viewing& x) {
    auto due = x.since;
    for (const auto& event : x.events) {
      ++due;
      if (event.seq > due)
        report(flaw::view_gap, x.viewer + " got " + at(event.seq) + " where "
                                 + at(due) + " was due");
      if (event.seq < due)
        report(flaw::view_repeat, x.viewer + " got " + at(event.seq) + " where "
                                    + at(due) + " was due");
      due = std::max(due, event.seq);
      if (event.seq == 0 || event.seq > events_->size())
        report(flaw::view_differs, x.viewer + " got " + at(event.seq) + " "
                                     + event.id + " beyond the end");
      else if ((*events_)[event.seq - 1] != event)
        report(flaw::view_differs, x.viewer + " got " + event.id + " at "
                                     + at(event.seq) + " where the room has "
                                     + (*events_)[event.seq - 1].id);
    }
    if (x.to_the_end && due < events_->size())
      report(flaw::view_short,
             x.viewer + " ended at " + at(due) + " of " + at(events_->size()));
  }

private:
  static std::string at(std::uint64_t seq) {
    return "#" + std::to_string(seq);
  }

  void report(flaw what, const std::string& text) {
    out_.push_back({what, name_ + ": " + text});
  }

  void add_answer(const attempt& x, sent_event& event) {
    if (event.seq != 0 && event.seq != x.seq)
      report(flaw::answers_differ, x.id + " was acknowledged at "
                                     + at(event.seq) + " and at " + at(x.seq));
    event.acknowledged
      = event.seq == 0 ? x.answered : std::min(event.acknowledged, x.answered);
    event.seq = x.seq;
  }

  void check_numbers() {
    std::uint64_t due = 0;
    for (const auto& event : *events_) {
      if (event.seq != ++due) {
        report(flaw::gap, at(event.seq) + " where " + at(due) + " was due");
        due = event.seq;
      }
      const auto [known, fresh] = seq_by_id_.try_emplace(event.id, event.seq);
      if (!fresh)
        report(flaw::doubled, event.id + " is at " + at(known->second)
                                + " and at " + at(event.seq));
      const auto sent = sent_.find(event.id);
      if (sent == sent_.end())
        report(flaw::unasked, event.id + " at " + at(event.seq));
      else if (sent->second.refused)
        report(flaw::refused_applied, event.id + " at " + at(event.seq));
    }
  }

  void check_acknowledged() {
    for (const auto& [id, event] : sent_) {
      if (event.seq == 0)
        continue;
      const auto found = seq_by_id_.find(id);
      if (found == seq_by_id_.end())
        report(flaw::lost, id + ", acknowledged at " + at(event.seq));
      else if (found->second != event.seq)
        report(flaw::misnumbered, id + ", acknowledged at " + at(event.seq)
                                    + ", is at " + at(found->second));
    }
  }

  /// What was acknowledged before something was sent comes before it.
  void check_order() {
    std::vector<evidence> answers;
    std::vector<std::pair<const std::string*, const sent_event*>> sent;
    for (const auto& [id, event] : sent_) {
      if (event.seq != 0)
        answers.push_back({event.acknowledged, event.seq});
      if (seq_by_id_.contains(id))
        sent.emplace_back(&id, &event);
    }
    sort(answers);
    std::sort(sent.begin(), sent.end(), [](const auto& a, const auto& b) {
      return a.second->first_sent < b.second->first_sent;
    });
    std::uint64_t highest = 0;
    auto next = answers.begin();
    for (const auto& [id, event] : sent) {
      for (; next != answers.end() && next->at < event->first_sent; ++next)
        highest = std::max(highest, next->position);
      if (const auto seq = seq_by_id_.at(*id); seq <= highest)
        report(flaw::reordered, *id + " at " + at(seq) + " was sent after "
                                  + at(highest) + " was acknowledged");
    }
  }

  /// A reading shows all that was acknowledged or read before it was asked for.
  void check_readings() {
    std::vector<evidence> known;
    for (const auto& [id, event] : sent_) {
      if (event.seq != 0)
        known.push_back({event.acknowledged, event.seq});
    }
    for (const auto* x : readings_) {
      if (x->current)
        known.push_back({x->answered, x->position});
    }
    sort(known);
    std::sort(
      readings_.begin(), readings_.end(),
      [](const auto* a, const auto* b) { return a->invoked < b->invoked; });
    std::uint64_t highest = 0;
    auto next = known.begin();
    for (const auto* x : readings_) {
      for (; next != known.end() && next->at < x->invoked; ++next)
        highest = std::max(highest, next->position);
      if (x->current && x->position < highest)
        report(flaw::stale, x->reader + " was told " + at(x->position)
                              + " after " + at(highest) + " was known");
      check_cause(*x);
    }
  }

  /// What is read was sent before.
  void check_cause(const reading& x) {
    if (x.position == 0)
      return;
    if (x.position > events_->size()) {
      report(flaw::early,
             x.reader + " was told " + at(x.position) + ", beyond the end");
      return;
    }
    const auto sent = sent_.find((*events_)[x.position - 1].id);
    if (sent != sent_.end() && sent->second.first_sent > x.answered)
      report(flaw::early, x.reader + " was told " + at(x.position)
                            + " before that was sent");
  }

  static void sort(std::vector<evidence>& xs) {
    std::sort(xs.begin(), xs.end(),
              [](const auto& a, const auto& b) { return a.at < b.at; });
  }

  std::string name_;
  std::vector<violation>& out_;
  std::unordered_map<std::string, sent_event> sent_;
  std::unordered_map<std::string, std::uint64_t> seq_by_id_;
  std::vector<const reading*> readings_;
  const std::vector<seen_event>* events_ = nullptr;
};

} // namespace

std::string_view name(flaw x) noexcept {
  switch (x) {
  case flaw::gap:
    return "gap";
  case flaw::doubled:
    return "doubled";
  case flaw::lost:
    return "lost";
  case flaw::misnumbered:
    return "misnumbered";
  case flaw::answers_differ:
    return "answers differ";
  case flaw::refused_applied:
    return "refused and applied";
  case flaw::unasked:
    return "unasked";
  case flaw::reordered:
    return "reordered";
  case flaw::early:
    return "early";
  case flaw::stale:
    return "stale";
  case flaw::view_gap:
    return "gap in a view";
  case flaw::view_repeat:
    return "repeat in a view";
  case flaw::view_differs:
    return "view differs";
  case flaw::view_short:
    return "view too short";
  }
  return "?";
}

std::vector<violation> check(const history& x) {
  std::vector<violation> found;
  std::map<std::string, room_check> rooms;
  const auto room = [&](const std::string& key) -> room_check& {
    return rooms.try_emplace(key, key, found).first->second;
  };
  for (const auto& [key, events] : x.rooms)
    room(key).events(events);
  for (const auto& item : x.attempts)
    room(item.room).add(item);
  for (const auto& item : x.readings)
    room(item.room).add(item);
  for (const auto& item : x.viewings)
    room(item.room);
  for (auto& [key, checks] : rooms)
    checks.run();
  for (const auto& item : x.viewings)
    room(item.room).check_view(item);
  return found;
}

std::string describe(const std::vector<violation>& found,
                     std::size_t of_each_kind) {
  std::string result = std::to_string(found.size()) + " broken promises\n";
  std::map<flaw, std::size_t> shown;
  for (const auto& x : found) {
    if (++shown[x.what] <= of_each_kind)
      result.append(name(x.what)).append(": ").append(x.text).append("\n");
  }
  return result;
}

} // namespace callboard::test
