#include "tests/integration/live_node.hpp"

#include <atomic>
#include <utility>

namespace callboard::test {

std::unique_ptr<node_process> live_node::node_;

live_node::live_node()
    : project{unique_name("p")}, http{node_->port(), make_token({})} {
  // nop
}

void live_node::start_node(node_process::options opts) {
  node_ = std::make_unique<node_process>(std::move(opts));
}

http_client live_node::client(const token_claims& claims) {
  return {node_->port(), make_token(claims)};
}

ws_client live_node::viewer(std::string query,
                            tcp_socket::options socket) const {
  ws_client result{
    node_->port(),
    {.token = http.token(), .query = std::move(query), .socket = socket}};
  result.receive_type("connected");
  return result;
}

ws_client live_node::viewer_with(const token_claims& claims,
                                 std::string query) {
  ws_client result{node_->port(),
                   {.token = make_token(claims), .query = std::move(query)}};
  result.receive_type("connected");
  return result;
}

std::vector<std::uint64_t> live_node::publish(const json::value& events) {
  const auto response = http.publish(project, events);
  EXPECT_EQ(response.status / 100, 2) << response.body;
  std::vector<std::uint64_t> result;
  if (response.status / 100 != 2)
    return result;
  for (const auto& item : response.object().at("results").as_array()) {
    const auto& entry = item.as_object();
    EXPECT_FALSE(entry.contains("error")) << json::serialize(entry);
    result.push_back(entry.contains("seq") ? number(entry, "seq") : 0);
  }
  return result;
}

std::vector<json::object> live_node::history() {
  return read_history(http, project);
}

json::object live_node::detail(std::string_view run) {
  const auto response = http.get(path("/runs/" + std::string{run}));
  EXPECT_EQ(response.status, 200) << response.body;
  return response.status == 200 ? response.object() : json::object{};
}

std::vector<json::object>
read_history(http_client& http, std::string_view project, std::uint64_t since) {
  std::vector<json::object> result;
  for (auto at = since;;) {
    const auto response
      = http.get("/v1/projects/" + std::string{project}
                 + "/events?limit=1000&since=" + std::to_string(at));
    EXPECT_EQ(response.status, 200) << response.body;
    if (response.status != 200)
      return result;
    const auto page = response.object();
    for (const auto& item : page.at("items").as_array()) {
      const auto& frame = item.as_object();
      if (number(frame, "seq") != ++at) {
        ADD_FAILURE() << "seq " << number(frame, "seq") << " where " << at
                      << " was due";
        return result;
      }
      result.push_back(frame);
    }
    if (!page.contains("next_cursor"))
      return result;
  }
}

namespace {

json::object event(std::string_view type, json::object data) {
  return {{"type", type}, {"data", std::move(data)}};
}

} // namespace

json::object run_event(std::string_view run, json::object changes) {
  return event("workflow:execution:updated",
               {{"execution_id", run}, {"changes", std::move(changes)}});
}

json::object step_event(std::string_view run, std::string_view step,
                        json::object changes) {
  return event("workflow:execution:step:updated",
               {{"execution_id", run},
                {"step_id", step},
                {"changes", std::move(changes)}});
}

json::object timeline_event(std::string_view run, json::object x) {
  return event("workflow:execution:event:created",
               {{"execution_id", run}, {"event", std::move(x)}});
}

json::object artifact_event(std::string_view run, json::object artifact) {
  return event("workflow:execution:artifact:created",
               {{"execution_id", run}, {"artifact", std::move(artifact)}});
}

json::object stream_event(std::string_view run, std::string_view step,
                          std::string_view chunk) {
  return event("workflow:execution:step:stream",
               {{"execution_id", run}, {"step_id", step}, {"chunk", chunk}});
}

json::object custom_event(std::string_view type, json::object data) {
  return event(type, std::move(data));
}

json::object with_id(json::object x, std::string_view id) {
  x["id"] = id;
  return x;
}

std::string text(const json::object& x, std::string_view key) {
  const auto* value = x.if_contains(key);
  if (value == nullptr || !value->is_string())
    throw std::runtime_error{"no text '" + std::string{key} + "' in "
                             + json::serialize(x)};
  return std::string{value->get_string()};
}

std::uint64_t number(const json::object& x, std::string_view key) {
  const auto* value = x.if_contains(key);
  if (value == nullptr || !value->is_number())
    throw std::runtime_error{"no number '" + std::string{key} + "' in "
                             + json::serialize(x)};
  return value->to_number<std::uint64_t>();
}

std::string unique_name(std::string_view prefix) {
  static std::atomic<int> last{0};
  return std::string{prefix} + std::to_string(++last);
}

} // namespace callboard::test
