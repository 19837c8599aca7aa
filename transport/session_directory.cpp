#include "transport/session_directory.hpp"

#include "actors/model/json.hpp"
#include "transport/session_id.hpp"

#include <algorithm>
#include <limits>
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
  json::append_quoted(out, to_string(session_id{std::string{node}, x.id}));
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
                 const std::string& node) {
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
  if (more && !all.empty())
    append_text(out, "next_cursor", to_string({node, all.back().id}));
  return out + "}";
}

/// Those of one hub that belong on the page: no more than it needs.
std::vector<session::description>
seen_on(const hub& home, const find_sessions& x, std::uint64_t after) {
  std::vector<session::description> out;
  for (auto& one : home.sessions())
    if (auto about = one->describe();
        about.id > after && may_see(x.tenant, about))
      out.push_back(std::move(about));
  if (out.size() <= x.limit)
    return out;
  auto last = out.begin() + static_cast<std::ptrdiff_t>(x.limit + 1);
  std::partial_sort(out.begin(), last, out.end(),
                    [](auto& a, auto& b) { return a.id < b.id; });
  out.erase(last, out.end());
  return out;
}

/// How many of this hub's sessions had to be closed.
std::size_t close_on(const hub& home, const tenant_id& asker,
                     std::uint64_t number) {
  std::size_t closed = 0;
  for (auto& one : home.sessions())
    if (auto about = one->describe();
        about.id == number && may_see(asker, about)) {
      one->close();
      ++closed;
    }
  return closed;
}

/// The number that a page of this node begins behind; ids order by node first.
std::uint64_t first_behind(const session_id& cursor, const std::string& node) {
  if (node == cursor.node)
    return cursor.number;
  return node > cursor.node ? 0 : std::numeric_limits<std::uint64_t>::max();
}

tl::unexpected<problem> no_such_session() {
  return fail(errc::not_found, "there is no such session");
}

} // namespace

void collect_sessions(std::span<const std::unique_ptr<hub>> hubs,
                      const find_sessions& x, const std::string& node,
                      sessions_told done) {
  std::uint64_t after = 0;
  if (!x.cursor.empty()) {
    auto cursor = session_id::parse(x.cursor);
    if (!cursor)
      return done(fail(errc::invalid, "the cursor was not made by this server",
                       "/cursor"));
    after = first_behind(*cursor, node);
  }
  auto state = std::make_shared<gathering>();
  state->awaited = hubs.size();
  for (auto& home : hubs)
    home->post([state, &home = *home, x, node, after, done] {
      auto mine = seen_on(home, x, after);
      {
        std::lock_guard guard{state->mutex};
        std::move(mine.begin(), mine.end(), std::back_inserter(state->found));
        if (--state->awaited > 0)
          return;
      }
      done(document_answer{page(std::move(state->found), x.limit, node)});
    });
}

void close_session(std::span<const std::unique_ptr<hub>> hubs,
                   const end_session& x, const std::string& node,
                   sessions_told done) {
  auto id = session_id::parse(x.id);
  if (!id || (!id->node.empty() && id->node != node))
    return done(no_such_session());
  auto state = std::make_shared<gathering>();
  state->awaited = hubs.size();
  for (auto& home : hubs)
    home->post(
      [state, &home = *home, asker = x.tenant, number = id->number, done] {
        auto closed = close_on(home, asker, number);
        {
          std::lock_guard guard{state->mutex};
          state->closed += closed;
          if (--state->awaited > 0)
            return;
        }
        if (state->closed == 0)
          return done(no_such_session());
        done(document_answer{{}, 204});
      });
}

} // namespace callboard
