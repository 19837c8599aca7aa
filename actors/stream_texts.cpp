#include "actors/stream_texts.hpp"

#include <utility>

namespace callboard {

namespace {

std::string key_of(const run_id& run, const step_id& step) {
  return run.value + '\0' + step.value;
}

} // namespace

void stream_texts::follow(const posted_event& event, const stream_note& note) {
  switch (note.kind) {
  case stream_note::what::nothing:
    return;
  case stream_note::what::step_ended:
    if (auto at = index_.find(key_of(event.run, event.step));
        at != index_.end())
      erase(at->second);
    return;
  case stream_note::what::run_ended:
    for (auto at = texts_.begin(); at != texts_.end();) {
      auto current = at++;
      if (current->run == event.run)
        erase(current);
    }
    return;
  case stream_note::what::chunk:
    break;
  }
  auto key = key_of(event.run, event.step);
  auto found = index_.find(key);
  if (found == index_.end()) {
    texts_.push_back({event.run, event.step, {}});
    found = index_.emplace(std::move(key), std::prev(texts_.end())).first;
  } else {
    texts_.splice(texts_.end(), texts_, found->second);
  }
  auto& text = found->second->text;
  bytes_ -= text.size();
  append_stream_chunk(text, note.data, text_bytes_);
  bytes_ += text.size();
  while (bytes_ > total_bytes_ && texts_.size() > 1)
    erase(texts_.begin());
}

std::vector<posted_event> stream_texts::snapshots(std::int64_t now_ms) const {
  std::vector<posted_event> result;
  for (auto& x : texts_) {
    posted_event event;
    event.run = x.run;
    event.step = x.step;
    event.snapshot = true;
    event.type_name = "workflow:execution:step:stream";
    event.frame = std::make_shared<const std::string>(
      stream_snapshot_frame(room_, x.run, x.step, x.text, now_ms));
    result.push_back(std::move(event));
  }
  return result;
}

void stream_texts::erase(list::iterator at) {
  bytes_ -= at->text.size();
  index_.erase(key_of(at->run, at->step));
  texts_.erase(at);
}

} // namespace callboard
