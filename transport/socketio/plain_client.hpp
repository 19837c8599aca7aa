#pragma once

#include "transport/principal.hpp"
#include "transport/viewer.hpp"

#include <string>
#include <string_view>

namespace callboard::engine_io {

/// The part of a session that a program without tokens and rooms leaves empty.
/// `Base`: a kind of client.
template <class Base>
class plain : public Base {
public:
  using Base::Base;

  bool admits(const std::string&) override {
    return true;
  }
  const principal& who() const noexcept override {
    static const principal nobody;
    return nobody;
  }
  std::string_view vocabulary_name() const noexcept override {
    return "messages";
  }
  bool reaches(const project_id&) const override {
    return false;
  }
  void subscribed(const subscription&, event_seq, std::uint64_t) override {
    // nop: it looks at no rooms
  }
  void lagged(const subscription&, event_seq) override {
    // nop: likewise
  }
  void resync(const subscription&, event_seq) override {
    // nop: likewise
  }
};

} // namespace callboard::engine_io
