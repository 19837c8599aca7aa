#include "transport/viewer.hpp"

#include "transport/viewer_room.hpp"

#include <algorithm>

namespace callboard {

const std::string& subscription::name() const noexcept {
  return group->name;
}

viewer::viewer(std::size_t queue_limit_bytes) : out{queue_limit_bytes} {
  // nop
}

viewer::~viewer() = default;

frame_ptr viewer::own_frame(const subscription&, event_seq,
                            const frame_ptr& shared) {
  return shared;
}

void viewer::push_with_events(const frame_ptr& x) {
  auto started = [](auto& one) {
    return one->state == subscription::phase::live
           || one->state == subscription::phase::behind;
  };
  auto with = std::ranges::find_if(subscriptions_, started);
  if (out.event_bytes() == 0 || with == subscriptions_.end())
    return out.push_reply(x); // what is before it is not dropped
  out.push_event(x, **with, next((*with)->cursor));
}

std::size_t viewer::subscription_count() const noexcept {
  auto own = [](auto& x) { return x->parent == nullptr; };
  return static_cast<std::size_t>(std::ranges::count_if(subscriptions_, own));
}

const subscription* viewer::find(std::string_view name) const noexcept {
  for (auto& x : subscriptions_)
    if (x->parent == nullptr && x->name() == name)
      return x.get();
  return nullptr;
}

std::vector<std::string> viewer::room_names() const {
  std::vector<std::string> xs;
  for (auto& x : subscriptions_)
    if (x->parent == nullptr)
      xs.push_back(x->name());
  return xs;
}

} // namespace callboard
