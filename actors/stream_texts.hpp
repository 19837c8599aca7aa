#pragma once

#include "actors/engine.hpp"
#include "actors/slot.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

namespace callboard {

/// The text so far of the streams of one room's running steps, for viewers who
/// join late. Follows the room's events in the order in which they are told.
/// Bounded: each text keeps its last bytes, and the stream that was silent for
/// longest goes when all texts together grow too large.
class stream_texts {
public:
  stream_texts(room_key room, std::size_t text_bytes, std::size_t total_bytes)
      : room_{std::move(room)}, text_bytes_{text_bytes}, total_bytes_{
                                                           total_bytes} {
    // nop
  }

  void follow(const posted_event& event, const stream_note& note);

  /// One snapshot event per stream.
  std::vector<posted_event> snapshots(std::int64_t now_ms) const;

  std::size_t size() const noexcept {
    return texts_.size();
  }

  std::size_t bytes() const noexcept {
    return bytes_;
  }

private:
  struct stream {
    run_id run;
    step_id step;
    std::string text; // the inside of a JSON string
  };

  using list = std::list<stream>;

  void erase(list::iterator at);

  room_key room_;
  std::size_t text_bytes_;
  std::size_t total_bytes_;
  std::size_t bytes_ = 0;
  list texts_; // the most recently active last
  std::unordered_map<std::string, list::iterator> index_; // "run\0step"
};

} // namespace callboard
