#include "tests/cluster/load.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>

namespace callboard::test {

namespace {

constexpr const char* anchor_run = "anchor";

} // namespace

load::load(cluster_process& cluster, options opts)
    : cluster_{cluster}, opts_{std::move(opts)} {
  const auto nodes = cluster_.size();
  for (const auto& project : opts_.projects) {
    make_anchor(project);
    for (int i = 0; i < nodes * opts_.viewers; ++i) {
      const int node = i % nodes;
      auto& x = viewers_.emplace_back();
      x.project = project;
      x.node = node;
      x.client = std::make_unique<viewer>(
        cluster_, viewer::options{.name = "viewer of " + project + " at "
                                          + cluster_process::name(node),
                                  .project = project,
                                  .node = node,
                                  .changes = opts_.viewers_change});
      x.thread = std::jthread{
        [&client = *x.client](const std::stop_token& s) { client.work(s); }};
    }
  }
  for (int i = 0; i < opts_.producers; ++i) {
    producers_.push_back(std::make_unique<producer>(
      cluster_,
      producer::options{.name = opts_.prefix + "w" + std::to_string(i),
                        .projects = opts_.projects,
                        .node = i % nodes,
                        .websocket = i % 2 == 1,
                        .pace = opts_.pace}));
    threads_.emplace_back([&client = *producers_.back()](
                            const std::stop_token& s) { client.work(s); });
  }
  for (int i = 0; i < opts_.readers; ++i) {
    const auto& project
      = opts_.projects[static_cast<std::size_t>(i) % opts_.projects.size()];
    readers_.push_back(std::make_unique<reader>(
      cluster_, reader::options{.name = "reader " + std::to_string(i),
                                .project = project,
                                .run = anchor_run,
                                .node = i % nodes}));
    threads_.emplace_back([&client = *readers_.back()](
                            const std::stop_token& s) { client.work(s); });
  }
}

load::~load() {
  for (auto& thread : threads_)
    thread.request_stop();
  for (auto& x : viewers_)
    x.thread.request_stop();
}

void load::make_anchor(const std::string& project) {
  const auto id = opts_.prefix + "anchor-" + project;
  const json::object event{
    {"type", "workflow:execution:updated"},
    {"id", id},
    {"data", {{"execution_id", anchor_run}, {"changes", {{"metadata", id}}}}}};
  const auto until = within(opts_.settling);
  for (int node = 0;; node = (node + 1) % cluster_.size()) {
    const auto invoked = steady::now();
    attempt x{"anchor", project, id, invoked, invoked, fate::unknown, 0};
    std::string answer = "no answer";
    try {
      const auto response
        = cluster_.ask(node, "POST", "/v1/projects/" + project + "/events",
                       json::serialize(event));
      answer = response.body;
      if (response.status / 100 == 2) {
        x.outcome = fate::acknowledged;
        const auto result = response.object();
        x.seq = result.at("results")
                  .as_array()
                  .front()
                  .at("seq")
                  .to_number<std::uint64_t>();
      }
    } catch (const connection_lost&) {
      // Another node, another try.
    }
    x.answered = steady::now();
    history_.attempts.push_back(x);
    if (x.outcome == fate::acknowledged)
      return;
    if (steady::now() > until)
      throw timed_out{"no first event of " + project + ": " + answer};
    short_rest();
  }
}

bool load::flows(std::uint64_t batches, std::chrono::milliseconds limit) {
  const auto wanted = successes() + batches;
  return eventually([&] { return successes() >= wanted; }, limit);
}

std::uint64_t load::successes() const {
  std::uint64_t result = 0;
  for (const auto& x : producers_)
    result += x->successes();
  return result;
}

viewer& load::viewer_at(const std::string& project, int node) {
  return *std::ranges::find_if(viewers_, [&](const placed_viewer& x) {
            return x.project == project && x.node == node;
          })->client;
}

std::string load::finish() {
  for (auto& thread : threads_)
    thread.request_stop();
  threads_.clear(); // joins
  auto wrong = read_rooms();
  end_viewers();
  for (auto& x : producers_)
    history_.join(x->take());
  for (auto& x : readers_)
    history_.join(x->take());
  const auto found = check(history_);
  if (!found.empty())
    wrong += describe(found);
  return wrong;
}

std::string load::read_rooms() {
  std::string wrong;
  for (const auto& project : opts_.projects) {
    try {
      wrong += read_one(project);
    } catch (const std::exception& x) {
      wrong += std::string{x.what()} + "\n";
    }
  }
  return wrong;
}

std::string load::read_one(const std::string& project) {
  std::string wrong;
  auto& events = history_.rooms[project];
  for (int i = 0; i < cluster_.size(); ++i) {
    if (!cluster_.alive(i))
      continue;
    const auto invoked = steady::now();
    auto mine = read_room(cluster_, i, project, opts_.settling);
    history_.readings.push_back({"history at " + cluster_process::name(i),
                                 project, invoked, steady::now(),
                                 mine.empty() ? 0 : mine.back().seq});
    const auto common = std::min(mine.size(), events.size());
    if (!std::equal(mine.begin(),
                    mine.begin() + static_cast<std::ptrdiff_t>(common),
                    events.begin()))
      wrong += cluster_process::name(i) + " tells another history of " + project
               + " than the nodes before it\n";
    if (mine.size() > events.size())
      events = std::move(mine);
  }
  return wrong;
}

void load::end_viewers() {
  for (auto& x : viewers_)
    x.client->finish(history_.rooms[x.project].size());
  const auto until = within(opts_.settling);
  for (auto& x : viewers_) {
    eventually(
      [&] {
        return x.client->position() >= history_.rooms[x.project].size()
               || steady::now() > until;
      },
      opts_.settling);
  }
  for (auto& x : viewers_) {
    x.thread.request_stop();
    x.thread.join();
    history_.join(x.client->take());
  }
  viewers_.clear();
}

} // namespace callboard::test
