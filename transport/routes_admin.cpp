#include "transport/openapi.hpp"
#include "transport/routes.hpp"
#include "transport/session_id.hpp"

#include <algorithm>

namespace callboard {

namespace {

constexpr std::size_t max_actor_id_bytes = 1024;

bool known_kind(std::string_view kind) noexcept {
  return kind == "run" || kind == "room" || kind == "shard" || kind == "edge";
}

} // namespace

result<plan> list_actors(const call& x) {
  find_actors out;
  out.tenant = x.who.tenant;
  if (auto kind = x.target.find("kind"); kind != nullptr && !kind->empty()) {
    if (!known_kind(*kind))
      return fail(errc::invalid,
                  "query parameter kind must be run, room, shard or edge",
                  "/kind");
    out.kind = *kind;
  }
  auto limit = page_limit(x.target);
  if (!limit)
    return tl::unexpected{limit.error()};
  out.limit = *limit;
  auto cursor = page_cursor(x.target);
  if (!cursor)
    return tl::unexpected{cursor.error()};
  out.cursor = std::move(*cursor);
  return plan{admin_request{std::move(out)}};
}

result<plan> read_actor(const call& x) {
  auto& kind = x.path["kind"];
  auto& id = x.path["actor_id"];
  bool printable = std::none_of(id.begin(), id.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20;
  });
  if (!known_kind(kind) || !printable || id.size() > max_actor_id_bytes)
    return fail(errc::not_found, "there is no such actor");
  return plan{admin_request{inspect_actor{x.who.tenant, kind, id}}};
}

result<plan> list_all_sessions(const call& x) {
  auto limit = page_limit(x.target);
  if (!limit)
    return tl::unexpected{limit.error()};
  auto cursor = page_cursor(x.target);
  if (!cursor)
    return tl::unexpected{cursor.error()};
  if (auto last = session_id::parse(*cursor);
      !cursor->empty() && (!last || last->node.empty()))
    return fail(errc::invalid,
                "query parameter cursor was not made by this server",
                "/cursor");
  return plan{
    admin_request{find_sessions{x.who.tenant, *limit, std::move(*cursor)}}};
}

result<plan> delete_session(const call& x) {
  auto& id = x.path["session_id"];
  if (!session_id::parse(id))
    return fail(errc::not_found, "there is no such session");
  return plan{admin_request{end_session{x.who.tenant, id}},
              answer_shape::no_content};
}

result<plan> read_storage(const call& x) {
  return plan{admin_request{inspect_storage{x.who.tenant}}};
}

result<plan> start_drain(const call&) {
  return plan{begin_drain{}};
}

result<plan> read_openapi(const call&) {
  static const std::string document = openapi_document(all_routes());
  return plan{http_reply{200, document}};
}

result<plan> read_health(const call&) {
  return plan{http_reply{200, R"({"status":"ok"})"}};
}

result<plan> read_readiness(const call&) {
  return plan{show_readiness{}};
}

result<plan> read_metrics(const call&) {
  return plan{show_metrics{}};
}

} // namespace callboard
