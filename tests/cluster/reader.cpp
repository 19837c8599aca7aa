#include "tests/cluster/clients.hpp"

#include <boost/json/serialize.hpp>

namespace callboard::test {

void reader::work(const std::stop_token& stop) {
  for (int turn = 0; !stop.stop_requested(); ++turn) {
    const auto got = turn % 4 == 3 ? ask_head() : ask_detail();
    if (opts_.changes && (!got || turn % 10 == 9))
      node_ = (node_ + 1) % cluster_.size();
    rest(stop, opts_.pace);
  }
}

std::optional<std::uint64_t> reader::ask_detail() {
  const auto invoked = steady::now();
  try {
    const auto response = cluster_.get(
      node_, "/v1/projects/" + opts_.project + "/runs/" + opts_.run,
      opts_.patience);
    if (response.status != 200)
      return std::nullopt;
    const auto position
      = response.object().at("room_seq").to_number<std::uint64_t>();
    seen_.readings.push_back(
      {opts_.name + " at " + cluster_process::name(node_) + " (detail)",
       opts_.project, invoked, steady::now(), position});
    return position;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

std::optional<std::uint64_t> reader::ask_head() {
  try {
    const auto here = cluster_.where(node_);
    ws_client ws{cluster_.port(node_), {.token = make_token({})}};
    ws.receive(within(opts_.patience));
    const auto invoked = steady::now();
    ws.send({{"type", "subscribe"}, {"room", "project:" + opts_.project}});
    const auto answer = ws.receive_type("subscribed", opts_.patience);
    const auto position = answer.seq();
    seen_.readings.push_back(
      {opts_.name + " at " + cluster_process::name(node_) + " (head)",
       opts_.project, invoked, steady::now(), position, false});
    return position;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

history reader::take() {
  return std::move(seen_);
}

std::vector<seen_event> read_room(const cluster_process& cluster, int i,
                                  const std::string& project,
                                  std::chrono::milliseconds limit) {
  std::vector<seen_event> result;
  const auto until = within(limit);
  std::string last = "nothing";
  while (steady::now() < until) {
    const auto since = result.empty() ? 0 : result.back().seq;
    try {
      const auto response
        = cluster.get(i, "/v1/projects/" + project + "/events?limit=1000&since="
                           + std::to_string(since));
      last = response.body;
      if (response.status == 200) {
        const auto page = response.object();
        for (const auto& item : page.at("items").as_array())
          result.push_back(seen(item.as_object()));
        if (!page.contains("next_cursor"))
          return result;
        continue;
      }
    } catch (const connection_lost& x) {
      last = x.what();
    }
    short_rest();
  }
  throw timed_out{"the history of " + project + " from "
                  + cluster_process::name(i) + ": " + last};
}

} // namespace callboard::test
