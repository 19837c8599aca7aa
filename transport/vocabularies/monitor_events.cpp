#include "actors/model/monitor_story.hpp"
#include "transport/vocabularies/vocabulary.hpp"

// Contract 4. What is said, and the choices where it is silent, is in
// actors/model/monitor_story.cpp, where the execution log has it from, and in
// docs/vocabularies/socketio.md.

namespace callboard {

namespace {

class monitor_vocabulary : public vocabulary {
public:
  std::string_view name() const noexcept override {
    return "socketio";
  }

  std::size_t index() const noexcept override {
    return 3;
  }

  void say(const posted_event& event,
           std::vector<std::string>& out) const override {
    if (!monitor_may_tell(event.type_name))
      return;
    std::vector<monitor_message> messages;
    tell_monitor(told_event{event}, messages);
    for (auto& x : messages)
      out.push_back("[" + json::quoted(x.name) + "," + x.payload + "]");
  }
};

} // namespace

const vocabulary& monitor_events() noexcept {
  static const monitor_vocabulary it;
  return it;
}

} // namespace callboard
