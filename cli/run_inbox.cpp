#include "cli/run_inbox.hpp"

#include "actors/model/json.hpp"
#include "cli/ws_client.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace callboard {

namespace {

using namespace std::chrono_literals;

std::string text_of(const json::value& object, std::string_view key) {
  const auto at = object.find(key);
  if (!at)
    return {};
  return at->is(json::kind::string) ? at->string() : std::string{at->raw()};
}

} // namespace

std::optional<run_inbox::message> message_in(std::string_view frame,
                                             std::string_view run) {
  // Nearly everything in the room is our own output: look before parsing.
  const auto has = [frame](std::string_view x) {
    return frame.find(x) != std::string_view::npos;
  };
  if (!has("\"command\"") && !has("\"input_response\""))
    return std::nullopt;
  const auto doc = json::document::parse(frame);
  if (!doc || !doc->root().is(json::kind::object))
    return std::nullopt;
  const auto data = doc->root().find("data");
  const auto event = data ? data->find("event") : std::nullopt;
  if (!event || text_of(*data, "execution_id") != run)
    return std::nullopt;
  using kind = run_inbox::message::kind;
  const auto what = text_of(*event, "kind");
  if (what == "input_response")
    return run_inbox::message{kind::input, text_of(*event, "step_id"),
                              text_of(*event, "value")};
  const auto command = text_of(*event, "command");
  if (what == "command" && command == "pause")
    return run_inbox::message{kind::pause, {}, {}};
  if (what == "command" && command == "resume")
    return run_inbox::message{kind::resume, {}, {}};
  if (what == "command" && command == "cancel")
    return run_inbox::message{kind::cancel, {}, {}};
  return std::nullopt;
}

run_inbox::run_inbox(endpoints nodes, std::string token, std::string project,
                     std::string run, std::uint64_t since,
                     std::function<void()> wake)
    : nodes_{std::move(nodes)}, token_{std::move(token)},
      project_{std::move(project)}, run_{std::move(run)}, last_{since},
      wake_{std::move(wake)}, thread_{[this] { work(); }} {
  // nop
}

run_inbox::~run_inbox() {
  ending_ = true;
  thread_.join();
}

std::vector<run_inbox::message> run_inbox::take() {
  const std::lock_guard guard{mutex_};
  return std::exchange(messages_, {});
}

void run_inbox::work() {
  while (!ending_) {
    ws_client socket;
    if (socket.connect(nodes_.current(), token_)) {
      follow(socket);
      socket.close();
    }
    nodes_.next();
    for (auto waited = 0ms; waited < 500ms && !ending_; waited += 50ms)
      std::this_thread::sleep_for(50ms);
  }
}

void run_inbox::follow(ws_client& socket) {
  const auto subscribe
    = "{\"type\":\"subscribe\",\"room\":" + json::quoted("execution:" + run_)
      + ",\"project_id\":" + json::quoted(project_)
      + ",\"since\":" + std::to_string(last_)
      + ",\"types\":[\"workflow:execution:event:created\"]}";
  if (!socket.send(subscribe))
    return;
  while (!ending_) {
    const auto frame = socket.receive(100ms);
    if (!frame)
      return;
    if (*frame)
      read_frame(**frame);
  }
}

void run_inbox::read_frame(std::string_view frame) {
  if (frame.starts_with("{\"type\":\"error\""))
    std::fprintf(stderr, "callboard: cannot listen for commands: %.*s\n",
                 static_cast<int>(frame.size()), frame.data());
  // `{"seq":41,…`: where we are, without parsing what is mostly our own output.
  constexpr std::string_view seq_key = "{\"seq\":";
  if (frame.starts_with(seq_key)) {
    std::uint64_t seq = 0;
    for (auto i = seq_key.size();
         i < frame.size() && frame[i] >= '0' && frame[i] <= '9'; ++i)
      seq = seq * 10 + static_cast<std::uint64_t>(frame[i] - '0');
    if (seq <= last_)
      return;
    last_ = seq;
  }
  if (auto found = message_in(frame, run_)) {
    {
      const std::lock_guard guard{mutex_};
      messages_.push_back(std::move(*found));
    }
    wake_();
  }
}

} // namespace callboard
