#pragma once

#include "transport/edge_metrics.hpp"
#include "transport/viewer_rooms.hpp"

#include "tests/unit/ws/fake_engine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <string>
#include <vector>

namespace callboard::test {

inline const room_key room_a{{"acme"}, {"a"}};
inline const room_key room_b{{"acme"}, {"b"}};
inline const room_key tenant_room{{"acme"}, {}};

/// A viewer without a socket: the test decides when it reads.
class fake_viewer : public viewer {
public:
  using viewer::viewer;

  bool reaches(const project_id& project) const override {
    return project.value != "secret";
  }
  void subscribed(const subscription& x, event_seq head,
                  std::uint64_t) override {
    say("subscribed " + x.name() + " " + std::to_string(head.value));
  }
  void lagged(const subscription& x, event_seq from) override {
    ++lags;
    say("lagged " + x.name() + " " + std::to_string(from.value));
  }
  void resync(const subscription& x, event_seq oldest) override {
    say("resync " + x.name() + " " + std::to_string(oldest.value));
  }
  void wake() override {
    ++wakes;
  }

  /// Takes up to `max` bytes off the queue, like a socket that has room.
  void read(std::size_t max) {
    std::array<std::string_view, 64> pieces;
    while (max > 0 && !out.empty()) {
      auto n = out.gather(pieces, max);
      std::size_t taken = 0;
      for (std::size_t i = 0; i < n && taken < max; ++i) {
        auto piece = pieces[i].substr(0, max - taken);
        wire += piece;
        taken += piece.size();
      }
      out.consume(taken);
      max -= taken;
    }
  }

  /// The texts of the frames that have arrived completely.
  std::vector<std::string> frames() {
    std::vector<std::string> xs;
    std::size_t at = 0;
    while (wire.size() - at >= 2) {
      auto size = static_cast<unsigned char>(wire[at + 1]) + std::size_t{0};
      std::size_t header = 2;
      if (size >= 126) {
        header = size == 126 ? 4 : 10;
        size = 0;
        for (std::size_t i = 2; i < header; ++i)
          size = size << 8 | static_cast<unsigned char>(wire[at + i]);
      }
      if (wire.size() - at < header + size)
        break;
      xs.push_back(wire.substr(at + header, size));
      at += header + size;
    }
    wire.erase(0, at);
    return xs;
  }

  std::string wire;
  int wakes = 0;
  int lags = 0;

private:
  void say(std::string text) {
    out.push_reply(outbound_frame::text(std::move(text)));
  }
};

/// The numbers of the durable events in a frame (one, or a batch).
inline std::vector<std::uint64_t> numbers(const std::string& frame) {
  std::vector<std::uint64_t> xs;
  for (std::size_t at = 0; (at = frame.find("\"seq\":", at)) != frame.npos;) {
    at += 6;
    xs.push_back(std::stoull(frame.substr(at)));
  }
  return xs;
}

class viewer_rooms_test : public testing::Test, public edge_sink {
public:
  void answers(hub_id, std::vector<answer> xs) override {
    for (auto& x : xs)
      answers_.push_back(std::move(x));
  }
  void room(hub_id, std::vector<room_signal> xs) override {
    for (auto& x : xs)
      signals_.push_back(std::move(x));
  }
  void admin(const reply_address&, admin_request) override {
    // nop
  }

  bool deliver_answer() {
    if (answers_.empty())
      return false;
    auto x = std::move(answers_.front());
    answers_.pop_front();
    rooms.history(std::move(x));
    return true;
  }
  bool deliver_signal() {
    if (signals_.empty())
      return false;
    auto x = std::move(signals_.front());
    signals_.pop_front();
    rooms.handle(std::move(x));
    return true;
  }
  void settle() {
    while (deliver_signal() || deliver_answer()) {
    }
  }
  void pass(std::chrono::milliseconds x) {
    now += x;
    rooms.tick(now);
  }

  void subscribe(viewer& who, const room_key& key,
                 std::optional<std::uint64_t> since = {},
                 std::vector<std::string> types = {},
                 std::optional<run_id> run = {}) {
    viewer_rooms::request x;
    x.view = {run ? "execution:" + run->value : room_name(key), run,
              std::move(types)};
    x.room = key;
    if (since)
      x.since = event_seq{*since};
    x.whole_tenant = key.is_tenant_room();
    rooms.subscribe(who, std::move(x));
  }

  std::vector<std::string> received(fake_viewer& who) {
    settle();
    who.read(1u << 30);
    return who.frames();
  }

  void post(const room_key& key, int count, std::string text = {}) {
    engine.post(key, std::vector<fake_engine::draft>(
                       static_cast<std::size_t>(count),
                       fake_engine::draft{"test:event", "r", text, false}));
  }

  std::deque<answer> answers_;
  std::deque<room_signal> signals_;
  fake_engine engine{*this};
  edge_metrics metrics;
  viewer_rooms rooms{hub_id{0}, engine, metrics};
  viewer_rooms::clock::time_point now = viewer_rooms::clock::now();
};

using strings = std::vector<std::string>;
using counts = std::vector<std::uint64_t>;

inline counts numbers_of(const strings& frames) {
  counts xs;
  for (auto& x : frames)
    for (auto n : numbers(x))
      xs.push_back(n);
  return xs;
}

} // namespace callboard::test
