#pragma once

#include "tests/support/event_fold.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/node_process.hpp"
#include "tests/support/token_maker.hpp"
#include "tests/support/ws_client.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <memory>
#include <ranges>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace callboard::test {

/// One node for all tests of a suite; each test has a project of its own, so
/// that none sees what another left.
class live_node : public ::testing::Test {
public:
  static void SetUpTestSuite() {
    start_node({});
  }

  static void TearDownTestSuite() {
    node_.reset();
  }

protected:
  live_node();

  static void start_node(node_process::options opts);

  static node_process& node() {
    return *node_;
  }

  /// A client of tenant t1 with all scopes, or with another token.
  static http_client client(const token_claims& claims = {});

  /// A WebSocket of tenant t1 with all scopes; past `connected`.
  ws_client viewer(std::string query = {},
                   tcp_socket::options socket = {}) const;
  static ws_client viewer_with(const token_claims& claims,
                               std::string query = {});

  /// Target of the project's resources: "/v1/projects/P" + rest.
  std::string path(std::string_view rest) const {
    return "/v1/projects/" + project + std::string{rest};
  }

  std::string room() const {
    return "project:" + project;
  }

  /// Publishes and expects every event to be accepted; the numbers they got.
  std::vector<std::uint64_t> publish(const json::value& events);

  /// The whole history of the test's room, checked to be contiguous from 1.
  std::vector<json::object> history();

  json::object detail(std::string_view run);

  std::string project;
  http_client http;

private:
  static std::unique_ptr<node_process> node_;
};

/// The whole history of a room as seen by `http`; fails the test on a gap.
std::vector<json::object> read_history(http_client& http,
                                       std::string_view project,
                                       std::uint64_t since = 0);

// The canonical events, as a producer sends them.
json::object run_event(std::string_view run, json::object changes);
json::object step_event(std::string_view run, std::string_view step,
                        json::object changes);
json::object timeline_event(std::string_view run, json::object event);
json::object artifact_event(std::string_view run, json::object artifact);
json::object stream_event(std::string_view run, std::string_view step,
                          std::string_view chunk);
json::object custom_event(std::string_view type, json::object data);

/// The same event with an id, so that it may be sent again.
json::object with_id(json::object event, std::string_view id);

std::string text(const json::object& x, std::string_view key);
std::uint64_t number(const json::object& x, std::string_view key);

/// Runs `f` beside the test; what it throws fails the test instead of ending
/// it.
template <class F>
std::jthread in_background(F f) {
  return std::jthread{[f = std::move(f)]() mutable {
    try {
      f();
    } catch (const std::exception& x) {
      ADD_FAILURE() << x.what();
    }
  }};
}

/// A name that no other call in this process has returned.
std::string unique_name(std::string_view prefix);

} // namespace callboard::test
