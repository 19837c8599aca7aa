#include "transport/routes.hpp"

namespace callboard {

result<plan> put_definition(const call& x) {
  auto body = json_object_body(x);
  if (!body)
    return tl::unexpected{body.error()};
  auto name = *body ? (*body)->find("name") : std::nullopt;
  if (!name || !name->is(json::kind::string))
    return fail(errc::invalid, "name is missing or no string", "/name");
  auto phases = (*body)->find("phases");
  if (!phases || !phases->is(json::kind::array))
    return fail(errc::invalid, "phases is missing or no array", "/phases");
  if ((*body)->raw().size() > x.conf.limits.event_bytes)
    return fail(errc::too_large,
                "the definition is larger than an event may be");
  return plan{definition_request{
    x.room(), {x.path["definition_id"]}, std::string{(*body)->raw()}}};
}

result<plan> read_definition(const call& x) {
  return plan{
    query::any{query::definition{x.room(), {x.path["definition_id"]}}}};
}

result<plan> delete_definition(const call& x) {
  return plan{definition_request{x.room(), {x.path["definition_id"]}, {}},
              answer_shape::no_content};
}

result<plan> list_definitions(const call& x) {
  auto limit = page_limit(x.target);
  if (!limit)
    return tl::unexpected{limit.error()};
  auto cursor = page_cursor(x.target);
  if (!cursor)
    return tl::unexpected{cursor.error()};
  return plan{
    query::any{query::list_definitions{x.room(), *limit, std::move(*cursor)}}};
}

result<plan> list_projects(const call& x) {
  auto limit = page_limit(x.target);
  if (!limit)
    return tl::unexpected{limit.error()};
  auto cursor = page_cursor(x.target);
  if (!cursor)
    return tl::unexpected{cursor.error()};
  // To the engine an empty list means all projects; to a token it means none.
  if (x.who.restricted && x.who.projects.empty())
    return plan{http_reply{200, R"({"items":[]})"}};
  return plan{query::any{query::list_projects{x.who.tenant, x.who.projects,
                                              *limit, std::move(*cursor)}}};
}

} // namespace callboard
