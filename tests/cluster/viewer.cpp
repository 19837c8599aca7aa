#include "tests/cluster/clients.hpp"

#include <boost/json/serialize.hpp>

#include <functional>

namespace callboard::test {

namespace {

/// How often a viewer that gets nothing looks whether it is done.
constexpr std::chrono::milliseconds look_interval{100};

} // namespace

seen_event seen(const json::object& frame) {
  return {frame.at("seq").to_number<std::uint64_t>(),
          std::string{frame.at("id").as_string()},
          std::hash<std::string>{}(json::serialize(frame))};
}

viewer::viewer(const cluster_process& cluster, options opts)
    : cluster_{cluster}, opts_{std::move(opts)}, node_{opts_.node},
      position_{opts_.since} {
  seen_.viewer = opts_.name;
  seen_.room = opts_.project;
  seen_.since = opts_.since;
}

void viewer::work(const std::stop_token& stop) {
  while (!stop.stop_requested() && !done()) {
    told_to_go_ = false;
    try {
      watch(stop);
      continue;
    } catch (const ws_closed& x) {
      ++(told_to_go_ && x.code == 1012 ? goaways_ : untold_);
    } catch (const std::exception&) {
      // Not there, not ready, or silent: another one.
    }
    ++reconnects_;
    if (opts_.changes)
      node_ = (node_ + 1) % cluster_.size();
    rest(stop, std::chrono::milliseconds{20});
  }
}

void viewer::watch(const std::stop_token& stop) {
  const auto here = cluster_.where(node_);
  ws_client ws{cluster_.port(node_), {.token = make_token({})}};
  ws.send({{"type", "subscribe"},
           {"room", "project:" + opts_.project},
           {"since", position_.load()}});
  while (!stop.stop_requested() && !done()) {
    if (const auto message = ws.try_receive(look_interval))
      note(*message);
  }
}

void viewer::note(const ws_message& x) {
  if (x.type() == "goaway")
    told_to_go_ = true;
  if (x.type() == "error" || x.type() == "unsubscribed")
    throw connection_lost{x.text}; // the subscription did not come about
  if (x.seq() == 0 || !x.data.contains("id"))
    return;
  seen_.events.push_back(seen(x.data));
  position_ = x.seq();
}

history viewer::take() {
  history result;
  seen_.to_the_end = true;
  result.viewings.push_back(std::move(seen_));
  return result;
}

} // namespace callboard::test
