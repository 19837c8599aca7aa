// Contracts 1 to 5 look at the same runs: a history made up by chance is
// published once, watched by a client of each at the same time, and read again
// by replay, also after a crash. All must have been told the same story.

#include "tests/integration/live_node.hpp"
#include "tests/support/careless_producer.hpp"
#include "tests/support/run_story.hpp"

#include <algorithm>

namespace callboard::test {

namespace {

constexpr int runs = careless_producer::runs;

/// A client of contract 2, or of contract 5, by its path and words.
class plain_client {
public:
  plain_client(std::uint16_t port, const std::string& token, std::string path,
               std::string id_member)
      : ws_{port, {.token = token, .path = std::move(path)}},
        id_member_{std::move(id_member)} {
    // nop
  }

  void subscribe(const std::string& run, json::object extra = {}) {
    extra["type"] = "subscribe";
    extra[id_member_] = run;
    ws_.send(extra);
    ws_.receive_if([&](const ws_message& x) {
      return x.type() == "subscribed" && text(x.data, id_member_) == run;
    });
  }

  ws_client& socket() {
    return ws_;
  }

  json::object receive(deadline until) {
    return ws_.receive(until).data;
  }

private:
  ws_client ws_;
  std::string id_member_;
};

/// A client of contract 3 that has skipped negotiation.
class hub_client {
public:
  hub_client(std::uint16_t port, const std::string& token)
      : ws_{port,
            {.token = {},
             .query = "access_token=" + token,
             .path = "/hubs/workflow-execution"}} {
    ws_.send_text("{\"protocol\":\"json\",\"version\":1}\x1e");
    EXPECT_TRUE(receive(within(patience)).empty()) << "the handshake's answer";
  }

  /// Calls a method; invocations that come before its answer go to `stories`.
  json::object call(std::string_view method, json::array arguments,
                    run_stories& stories) {
    ws_.send_text(json::serialize(json::object{{"type", 1},
                                               {"invocationId", "1"},
                                               {"target", method},
                                               {"arguments", arguments}})
                  + '\x1e');
    for (auto until = within(patience);;) {
      auto x = receive(until);
      if (number(x, "type") == 3)
        return x;
      add_hub_message(stories, x);
    }
  }

  /// The next message that is no ping.
  json::object receive(deadline until) {
    for (;;) {
      if (auto end = rest_.find('\x1e'); end != std::string::npos) {
        auto x = json::parse(rest_.substr(0, end)).as_object();
        rest_.erase(0, end + 1);
        if (!x.contains("type") || number(x, "type") != 6)
          return x;
      } else {
        rest_ += ws_.receive_text(until);
      }
    }
  }

private:
  ws_client ws_;
  std::string rest_;
};

/// A client of contract 4 on a WebSocket from the beginning.
class monitor_client {
public:
  monitor_client(std::uint16_t port, const std::string& token)
      : ws_{port,
            {.token = {},
             .query = "EIO=4&transport=websocket",
             .path = "/socket.io/"}} {
    next('0');
    ws_.send_text("40/workflows,{\"token\":\"" + token + "\"}");
    EXPECT_TRUE(next('4').starts_with("40/workflows,{"));
  }

  void subscribe(const std::string& run) {
    ws_.send_text("42/workflows,7[\"subscribe:execution\",\"" + run + "\"]");
    for (std::string x; !x.starts_with("43");) {
      x = next('4');
      if (x.starts_with("43")) {
        EXPECT_EQ(x, "43/workflows,7[{\"ok\":true}]");
      }
    }
  }

  /// The next event of an execution; `position` only serves recovery.
  json::array receive(deadline until) {
    for (;;) {
      auto packet = next('4', until);
      constexpr std::string_view head = "42/workflows,";
      if (!packet.starts_with(head))
        throw std::runtime_error{"unexpected: " + packet};
      auto x = json::parse(packet.substr(head.size())).as_array();
      if (x.at(0) != "position")
        return x;
    }
  }

private:
  /// The next Engine.IO packet of that type; pings are answered.
  std::string next(char type, deadline until = within(patience)) {
    for (;;) {
      auto x = ws_.receive_text(until);
      if (x == "2")
        ws_.send_text("3");
      else if (x.starts_with(type))
        return x;
    }
  }

  ws_client ws_;
};

class one_truth : public live_node {
protected:
  /// Of the i-th run. Clients that name no project need names of their own.
  std::string name(int i) const {
    return careless_producer::run_name(project, i);
  }

  /// The stories as the room's native history tells them.
  native_teller told() {
    native_teller out;
    out.definitions["d"] = "Nightly build";
    for (auto& frame : history())
      out.apply(frame);
    return out;
  }

  void begin_runs() {
    ASSERT_EQ(http.put(path("/definitions/d"),
                       R"({"name":"Nightly build","phases":[]})")
                  .status
                / 100,
              2);
    for (int i = 0; i < runs; ++i)
      publish(run_event(name(i), {{"name", "n"}}));
    publish(run_event(name(0), {{"workflow_name", "W"}}));
    publish(run_event(name(1), {{"workflow_definition_id", "d"}}));
  }

  void publish_anything(unsigned seed) {
    careless_producer producer{seed, project};
    for (int round = 0; round < 30; ++round) {
      json::array batch;
      for (auto n = 1 + producer.below(12); n > 0; --n)
        batch.push_back(producer.event());
      ASSERT_EQ(http.publish(project, batch).status / 100, 2);
      auto run = name(static_cast<int>(producer.below(runs)));
      if (producer.below(3) == 0) // refused where it makes no sense
        http.post(path("/runs/" + run + "/pause"), R"({"reason":"lunch"})");
      else if (producer.below(3) == 0)
        http.post(path("/runs/" + run + "/resume"));
    }
  }

  /// What is read again from history equals what is due.
  void expect_replays(const native_teller& due) {
    auto token = http.token();
    run_stories node, hub, monitor, phase;
    plain_client canvas{node_port(), token, "/ws", "executionId"};
    plain_client phases{node_port(), token, "/events", "run_id"};
    hub_client caller{node_port(), token};
    for (int i = 0; i < runs; ++i) {
      auto run = name(i);
      canvas.subscribe(run);
      canvas.socket().send(
        {{"type", "replay"}, {"executionId", run}, {"since", 0}});
      std::uint64_t count = 0;
      for (auto until = within(patience);;) {
        auto x = canvas.receive(until);
        if (text(x, "type") == "replay:done") {
          EXPECT_EQ(number(x, "count"), count);
          break;
        }
        EXPECT_EQ(x.at("replayed"), true);
        add_node_message(node, x);
        ++count;
      }
      auto done = caller.call("ReplayExecution", {run, 0}, hub);
      EXPECT_FALSE(done.contains("error")) << json::serialize(done);
      read_log(run, monitor);
      phases.subscribe(run, {{"since_seq", 0}});
      auto phases_due = due.phase.contains(run) ? due.phase.at(run).size() : 0;
      while (phase[run].size() < phases_due)
        add_phase_message(phase, phases.receive(within(patience)));
    }
    std::erase_if(phase, [](auto& x) { return x.second.empty(); });
    EXPECT_EQ(to_text(node), to_text(due.node));
    EXPECT_EQ(to_text(hub), to_text(due.hub));
    EXPECT_EQ(to_text(monitor), to_text(due.monitor));
    EXPECT_EQ(to_text(phase), to_text(due.phase));
  }

  /// The execution log as the messages that its entries stand for.
  void read_log(const std::string& run, run_stories& out) {
    std::string cursor;
    do {
      auto page = http.get(path("/runs/" + run + "/logs?limit=100" + cursor));
      ASSERT_EQ(page.status, 200) << page.body;
      for (auto& item : page.object().at("items").as_array()) {
        auto& x = item.as_object();
        if (x.at("event").is_string())
          add_monitor_message(out, text(x, "event"),
                              x.at("metadata").as_object());
        else
          add_monitor_message(out, "execution:log", x);
      }
      cursor = page.object().contains("next_cursor")
                 ? "&cursor=" + text(page.object(), "next_cursor")
                 : "";
    } while (!cursor.empty());
  }

  static std::uint16_t node_port() {
    return node().port();
  }
};

/// Reads until as many lines are there as are due; the last run's end, which
/// all clients are told, is the last of them.
template <class Step>
void read_until(run_stories& stories, const run_stories& due, Step step) {
  auto until = within(patience);
  try {
    while (lines_of(stories) < lines_of(due))
      step(until);
  } catch (const std::exception& x) {
    ADD_FAILURE() << x.what();
  }
  EXPECT_EQ(to_text(stories), to_text(due));
}

} // namespace

TEST_F(one_truth, five_clients_are_told_the_same_story) {
  begin_runs();
  auto token = http.token();
  auto native = viewer();
  native.subscribe(room(), {{"since", 0}});
  auto mixed = viewer(); // speaks both on one connection
  mixed.subscribe(room(), {{"since", 0}});
  plain_client canvas{node_port(), token, "/ws", "executionId"};
  plain_client phases{node_port(), token, "/events", "run_id"};
  hub_client caller{node_port(), token};
  monitor_client monitor{node_port(), token};
  run_stories node, hub, monitored, phase;
  const auto before = told(); // what they were not there for
  for (int i = 0; i < runs; ++i) {
    canvas.subscribe(name(i));
    phases.subscribe(name(i));
    monitor.subscribe(name(i));
    caller.call("SubscribeToExecution", {name(i)}, hub);
    mixed.send({{"type", "subscribe"}, {"executionId", name(i)}});
  }
  ASSERT_EQ(lines_of(before.node) + lines_of(before.hub), 0u);

  publish_anything(20261);
  for (int i = 0; i < runs; ++i) // each story has an end
    http.post(path("/runs/" + name(i) + "/cancel"), R"({"reason":"end"})");
  const auto due = told();
  ASSERT_GT(lines_of(due.hub), 20u);

  read_until(node, due.node, [&](auto until) {
    add_node_message(node, canvas.receive(until));
  });
  read_until(hub, due.hub,
             [&](auto until) { add_hub_message(hub, caller.receive(until)); });
  read_until(monitored, due.monitor, [&](auto until) {
    auto x = monitor.receive(until);
    add_monitor_message(monitored, std::string{x.at(0).as_string()},
                        x.at(1).as_object());
  });
  read_until(phase, due.phase, [&](auto until) {
    add_phase_message(phase, phases.receive(until));
  });
  native_teller live;
  live.definitions = due.definitions;
  for (std::uint64_t seq = 0, head = history().size(); seq < head;) {
    auto x = native.receive().data;
    EXPECT_EQ(number(x, "seq"), ++seq);
    live.apply(x);
  }
  EXPECT_EQ(to_text(live.node), to_text(due.node));

  native_teller mixed_native;
  mixed_native.definitions = due.definitions;
  run_stories mixed_node;
  for (std::uint64_t seq = 0, head = history().size();
       seq < head || lines_of(mixed_node) < lines_of(due.node);) {
    auto x = mixed.receive().data;
    if (x.contains("seq"))
      mixed_native.apply(x), ++seq;
    else if (x.contains("eventId"))
      add_node_message(mixed_node, x);
  }
  EXPECT_EQ(to_text(mixed_native.node), to_text(due.node));
  EXPECT_EQ(to_text(mixed_node), to_text(due.node));

  expect_replays(due);
}

TEST_F(one_truth, a_crash_changes_no_story) {
  begin_runs();
  publish_anything(20262);
  node().kill();
  node().restart();
  http = http_client{node().port(), http.token()};
  publish_anything(20263); // goes on where it was
  expect_replays(told());
}

} // namespace callboard::test
