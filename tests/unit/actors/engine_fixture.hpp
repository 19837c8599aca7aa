#pragma once

#include "actors/engine_host.hpp"

#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callboard::test {

/// Stands where the transport stands: keeps what the engine delivers.
class recording_sink : public edge_sink {
public:
  void answers(hub_id, std::vector<answer> xs) override {
    std::lock_guard guard{mutex_};
    for (auto& x : xs)
      answers_.emplace(x.to.request, std::move(x));
    changed_.notify_all();
  }

  void room(hub_id, std::vector<room_signal> xs) override {
    std::lock_guard guard{mutex_};
    for (auto& x : xs)
      signals_.push_back(std::move(x));
    changed_.notify_all();
  }

  void admin(const reply_address& to, admin_request x) override {
    std::lock_guard guard{mutex_};
    asked_.emplace_back(to, std::move(x));
    changed_.notify_all();
  }

  /// Waits for the next question about this node's sessions; the test answers
  /// it with engine::reply().
  std::optional<std::pair<reply_address, admin_request>> take_question() {
    std::unique_lock guard{mutex_};
    if (!changed_.wait_for(guard, std::chrono::seconds{20},
                           [&] { return !asked_.empty(); }))
      return std::nullopt;
    auto out = std::move(asked_.front());
    asked_.pop_front();
    return out;
  }

  /// Waits for the answer to that request.
  std::optional<answer> take(std::uint64_t request) {
    std::unique_lock guard{mutex_};
    if (!changed_.wait_for(guard, std::chrono::seconds{20},
                           [&] { return answers_.contains(request); }))
      return std::nullopt;
    auto node = answers_.extract(request);
    return std::move(node.mapped());
  }

  /// Waits until `done(signals)` holds.
  template <class Predicate>
  bool wait(Predicate done) {
    std::unique_lock guard{mutex_};
    return changed_.wait_for(guard, std::chrono::seconds{20},
                             [&] { return done(signals_); });
  }

  std::vector<room_signal> signals() {
    std::lock_guard guard{mutex_};
    return signals_;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, answer> answers_;
  std::vector<room_signal> signals_;
  std::deque<std::pair<reply_address, admin_request>> asked_;
};

/// A real engine on a real directory.
class engine_fixture : public ::testing::Test {
protected:
  void start() {
    settings conf;
    conf.node.data_dir = dir.path().string();
    conf.node.name = "n1";
    conf.engine.shards = 4;
    adjust(conf);
    auto made = make_engine(conf, sink);
    ASSERT_TRUE(made) << made.error().detail;
    host = std::move(*made);
    auto ready = host->wait_until_ready(std::chrono::seconds{20});
    ASSERT_TRUE(ready) << ready.error().detail;
  }

  virtual void adjust(settings&) {
    // nop
  }

  void SetUp() override {
    start();
  }

  void restart() {
    host->stop();
    host.reset();
    start();
  }

  reply_address next() {
    return {hub_id{0}, 1, ++requests};
  }

  static publish_item parse(const std::string& text,
                            const project_id& project) {
    auto source = std::make_shared<const std::string>(text);
    auto doc = json::document::parse(*source);
    EXPECT_TRUE(doc) << text;
    auto draft = parse_event(doc->root(), source, project, {});
    if (draft)
      return std::move(*draft);
    return publish_result{"", std::nullopt, draft.error()};
  }

  std::uint64_t send(std::vector<std::string> events,
                     const char* project = "p1") {
    publish_request x;
    x.room = {{"t"}, {project}};
    for (auto& text : events) {
      x.bytes += text.size();
      x.items.push_back(parse(text, x.room.project));
    }
    auto to = next();
    host->api().publish(to, std::move(x));
    return to.request;
  }

  std::vector<publish_result> results(std::uint64_t request) {
    auto got = sink.take(request);
    if (!got || !got->outcome) {
      ADD_FAILURE() << (got ? got->outcome.error().detail : "no answer");
      return {};
    }
    return std::get<publish_answer>(std::move(*got->outcome)).results;
  }

  std::vector<publish_result> publish(std::vector<std::string> events,
                                      const char* project = "p1") {
    return results(send(std::move(events), project));
  }

  result<document_answer> document(std::uint64_t request) {
    auto got = sink.take(request);
    if (!got)
      return fail(errc::internal, "no answer");
    if (!got->outcome)
      return tl::unexpected{got->outcome.error()};
    return std::get<document_answer>(std::move(*got->outcome));
  }

  result<document_answer> ask(query::any q) {
    auto to = next();
    host->api().ask(to, std::move(q));
    return document(to.request);
  }

  result<document_answer> command(run_command what, const char* run,
                                  std::string fields = {},
                                  const char* step = "",
                                  std::string value = {}) {
    command_request x;
    x.room = {{"t"}, {"p1"}};
    x.arguments.what = what;
    x.arguments.run = {run};
    x.arguments.step = {step};
    x.arguments.asked_by = "ann";
    x.arguments.fields = std::move(fields);
    x.arguments.value = std::move(value);
    auto to = next();
    host->api().command(to, std::move(x));
    return document(to.request);
  }

  static std::string run_event(const std::string& run,
                               const std::string& status,
                               const std::string& id = {}) {
    return R"({"type":"workflow:execution:updated",)"
           + (id.empty() ? id : "\"id\":\"" + id + "\",")
           + R"("data":{"execution_id":")" + run + R"(","changes":{"status":")"
           + status + R"("}}})";
  }

  static std::string log_event(const std::string& run, const std::string& text,
                               const std::string& id = {}) {
    return R"({"type":"workflow:execution:event:created",)"
           + (id.empty() ? id : "\"id\":\"" + id + "\",")
           + R"("data":{"execution_id":")" + run
           + R"(","event":{"kind":"log","message":")" + text + R"("}}})";
  }

  recording_sink sink; // outlives the host
  temp_dir dir;
  std::unique_ptr<engine_host> host;
  std::uint64_t requests = 0;
};

} // namespace callboard::test
