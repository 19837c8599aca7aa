#include "transport/session_directory.hpp"

#include "actors/model/json.hpp"

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

namespace callboard {

namespace {

bool may_see(const tenant_id& asker, const session::description& x) noexcept {
  return asker.empty() || x.tenant == asker;
}

/// What the hubs said so far. The last one to answer gives the result.
struct gathering {
  std::mutex mutex;
  std::vector<session::description> found;
  std::size_t awaited = 0;
  std::size_t closed = 0;
};

void append_text(std::string& out, std::string_view name,
                 std::string_view value) {
  out += ",\"";
  out += name;
  out += "\":";
  json::append_quoted(out, value);
}

void append_session(std::string& out, const session::description& x,
                    std::string_view node) {
  out += "{\"id\":";
  json::append_quoted(out, std::to_string(x.id));
  append_text(out, "user", x.user);
  append_text(out, "tenant", x.tenant.value);
  append_text(out, "node", node);
  append_text(out, "transport", x.transport);
  append_text(out, "vocabulary", x.vocabulary);
  append_text(out, "peer", x.peer);
  append_text(out, "connected_at", iso8601(x.connected_ms));
  out += ",\"rooms\":[";
  for (auto& room : x.rooms) {
    out += &room == &x.rooms.front() ? "" : ",";
    json::append_quoted(out, room);
  }
  out += ']';
  if (!x.acknowledged.empty())
    append_text(out, "acknowledged", x.acknowledged);
  out += ",\"queue_bytes\":";
  json::append_number(out, x.queue_bytes);
  out += x.lagging ? ",\"lagging\":true}" : ",\"lagging\":false}";
}

std::string page(std::vector<session::description> all, std::size_t limit,
                 std::string_view node) {
  std::sort(all.begin(), all.end(),
            [](auto& a, auto& b) { return a.id < b.id; });
  bool more = all.size() > limit;
  if (more)
    all.resize(limit);
  std::string out = "{\"items\":[";
  for (auto& x : all) {
    out += &x == &all.front() ? "" : ",";
    append_session(out, x, node);
  }
  out += ']';
  if (more)
    append_text(out, "next_cursor", std::to_string(all.back().id));
  return out + "}";
}

/// Those of one hub that belong on the page: no more than it needs.
std::vector<session::description> seen_on(const hub& home,
                                          const list_sessions& x) {
  std::vector<session::description> out;
  for (auto& one : home.sessions())
    if (auto about = one->describe();
        about.id > x.after && may_see(x.tenant, about))
      out.push_back(std::move(about));
  auto keep = std::min(out.size(), x.limit + 1);
  auto last = out.begin() + static_cast<std::ptrdiff_t>(keep);
  std::partial_sort(out.begin(), last, out.end(),
                    [](auto& a, auto& b) { return a.id < b.id; });
  out.erase(last, out.end());
  return out;
}

} // namespace

void collect_sessions(std::span<const std::unique_ptr<hub>> hubs, hub& asker,
                      const list_sessions& x, std::string node,
                      std::function<void(std::string)> done) {
  auto state = std::make_shared<gathering>();
  state->awaited = hubs.size();
  for (auto& home : hubs)
    home->post([state, &home = *home, &asker, x, node, done] {
      auto mine = seen_on(home, x);
      std::lock_guard guard{state->mutex};
      std::move(mine.begin(), mine.end(), std::back_inserter(state->found));
      if (--state->awaited > 0)
        return;
      asker.post([done, text = page(std::move(state->found), x.limit, node)] {
        done(text);
      });
    });
}

void close_session_on(std::span<const std::unique_ptr<hub>> hubs, hub& asker,
                      const close_session& x, std::function<void(bool)> done) {
  auto state = std::make_shared<gathering>();
  state->awaited = hubs.size();
  for (auto& home : hubs)
    home->post([state, &home = *home, &asker, x, done] {
      std::size_t closed = 0;
      for (auto& one : home.sessions())
        if (auto about = one->describe();
            about.id == x.id && may_see(x.tenant, about)) {
          one->close();
          ++closed;
        }
      std::lock_guard guard{state->mutex};
      state->closed += closed;
      if (--state->awaited > 0)
        return;
      asker.post([done, found = state->closed > 0] { done(found); });
    });
}

} // namespace callboard
