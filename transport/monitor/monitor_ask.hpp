#pragma once

#include "transport/hub.hpp"
#include "transport/monitor/monitor_client.hpp"

#include <utility>

namespace callboard {

// What an answer of the engine holds; nullptr or nullopt if it holds something
// else, or is an error.
const std::string* document_of(const answer& got);
const history_chunk* chunk_of(const answer& got);
/// The ids on a page of projects.
std::optional<std::vector<project_id>> listed_projects(const answer& got);

template <class Call, class Then>
void monitor_client::ask(Call call, Then then) {
  ++asked_;
  auto handler = [weak = weak_from_this(), membership = membership_, this,
                  then = std::move(then)](answer got) {
    auto alive = weak.lock();
    if (!alive)
      return;
    --asked_;
    if (membership == membership_ && is_open())
      then(std::move(got));
    refresh();
  };
  constexpr std::uint64_t any_session = 1; // 0 stands for the rooms
  call(home().expect(any_session, std::move(handler)));
}

template <class Then>
void monitor_client::ask_history(history_request x, Then then) {
  ask(
    [&](const reply_address& to) { home().target().history(to, std::move(x)); },
    std::move(then));
}

/// One more than an offset has places for.
template <class Then>
void monitor_client::ask_projects(Then then) {
  query::list_projects x{who_.tenant, {}, recovery_point::max_places + 1, {}};
  if (who_.restricted)
    x.only = who_.projects;
  ask([&](const reply_address& to) { home().target().ask(to, std::move(x)); },
      std::move(then));
}

} // namespace callboard
