#include "cli/outbox.hpp"

#include <algorithm>
#include <cstdio>

namespace callboard {

namespace {

constexpr std::size_t batch_events = 500;
constexpr std::size_t batch_bytes = 1u << 20;

} // namespace

outbox::outbox(event_publisher& to, std::function<void()> wake)
    : to_{to}, wake_{std::move(wake)}, thread_{[this] { work(); }} {
  // nop
}

outbox::~outbox() {
  {
    const std::lock_guard guard{mutex_};
    ending_ = true;
    queue_.clear();
  }
  changed_.notify_all();
  to_.stop();
  thread_.join();
}

void outbox::push(std::string event) {
  {
    const std::lock_guard guard{mutex_};
    if (lost_)
      return;
    bytes_ += event.size();
    queue_.push_back(std::move(event));
  }
  changed_.notify_all();
}

void outbox::push_ephemeral(std::string event) {
  {
    const std::lock_guard guard{mutex_};
    if (bytes_ > max_bytes / 4) {
      ++counts_.dropped;
      return;
    }
  }
  push(std::move(event));
}

bool outbox::full() const {
  const std::lock_guard guard{mutex_};
  return bytes_ >= max_bytes;
}

std::optional<problem> outbox::lost() const {
  const std::lock_guard guard{mutex_};
  return lost_;
}

bool outbox::idle() const {
  const std::lock_guard guard{mutex_};
  return lost_ || bytes_ == 0;
}

outbox::counts outbox::count() const {
  const std::lock_guard guard{mutex_};
  return counts_;
}

void outbox::work() {
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock, [this] { return ending_ || !queue_.empty(); });
    if (ending_)
      return;
    const auto batch = take_batch();
    std::size_t bytes = 0;
    for (const auto& event : batch)
      bytes += event.size();
    lock.unlock();
    auto outcomes = to_.publish(batch);
    lock.lock();
    bytes_ -= std::min(bytes, bytes_);
    if (outcomes) {
      account(*outcomes);
    } else {
      lost_ = outcomes.error();
      ending_ = true;
    }
    changed_.notify_all();
    wake_();
  }
}

std::vector<std::string> outbox::take_batch() {
  std::vector<std::string> out;
  std::size_t bytes = 0;
  while (!queue_.empty() && out.size() < batch_events && bytes < batch_bytes) {
    bytes += queue_.front().size();
    out.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return out;
}

void outbox::account(const std::vector<event_publisher::outcome>& outcomes) {
  for (const auto& each : outcomes) {
    if (each.error) {
      ++counts_.refused;
      // A run that somebody cancelled meanwhile refuses our last words.
      if (each.error->code != errc::conflict)
        std::fprintf(stderr, "callboard: an event was refused: %s\n",
                     each.error->detail.c_str());
    } else {
      ++counts_.published;
      counts_.last_seq = std::max(counts_.last_seq, each.seq.value_or(0));
    }
  }
}

} // namespace callboard
