#include "transport/signalr/hub_records.hpp"

#include "transport/signalr/hub_protocol.hpp"

namespace callboard::signalr {

namespace {

class records final : public vocabulary {
public:
  std::string_view name() const noexcept override {
    return hub_events().name();
  }

  std::size_t index() const noexcept override {
    return hub_events().index();
  }

  void say(const posted_event& x,
           std::vector<std::string>& out) const override {
    auto first = out.size();
    hub_events().say(x, out);
    for (auto i = first; i < out.size(); ++i)
      out[i] += record_separator;
  }
};

} // namespace

const vocabulary& hub_records() noexcept {
  static const records the;
  return the;
}

} // namespace callboard::signalr
