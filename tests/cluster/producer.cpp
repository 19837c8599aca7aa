#include "tests/cluster/clients.hpp"

#include <boost/json/serialize.hpp>

#include <condition_variable>

namespace callboard::test {

namespace {

/// Batches of one run: it is created, changed, completed, and then told to run
/// again, which must be refused.
constexpr std::uint64_t batches_per_run = 25;

json::object run_event(const std::string& id, const std::string& run,
                       const char* status) {
  return {{"type", "workflow:execution:updated"},
          {"id", id},
          {"data", {{"execution_id", run}, {"changes", {{"status", status}}}}}};
}

json::object step_event(const std::string& id, const std::string& run,
                        std::uint64_t n) {
  return {{"type", "workflow:execution:step:updated"},
          {"id", id},
          {"data",
           {{"execution_id", run},
            {"step_id", "s" + std::to_string(n % 5)},
            {"changes", {{"status", "running"}, {"n", n}}}}}};
}

json::object other_event(const std::string& id, std::uint64_t n) {
  return {{"type", "test:n"}, {"id", id}, {"data", {{"n", n}}}};
}

/// Whether an error says that the same may succeed later.
bool means_again(const json::value& error) {
  const auto text = json::serialize(error);
  return text.find("unavailable") != std::string::npos
         || text.find("rate_limited") != std::string::npos;
}

} // namespace

void rest(const std::stop_token& stop, std::chrono::milliseconds time) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock{mutex};
  never.wait_for(lock, stop, time, [] { return false; });
}

producer::producer(const cluster_process& cluster, options opts)
    : cluster_{cluster}, opts_{std::move(opts)}, node_{opts_.node} {
  // nop
}

void producer::work(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto batch = next_batch();
    if (!send_until_answered(batch, stop))
      return;
    ++successes_;
    rest(stop, opts_.pace);
  }
}

bool producer::send_until_answered(const sent_batch& x,
                                   const std::stop_token& stop) {
  std::optional<deadline> until; // from when it was told to stop
  while (!attempt_once(x)) {
    if (stop.stop_requested() && !until)
      until = within(opts_.last_attempts);
    if (until && steady::now() > *until)
      return false;
    go_on_elsewhere();
    rest({}, std::chrono::milliseconds{20});
  }
  return true;
}

history producer::take() {
  return std::move(seen_);
}

producer::sent_batch producer::next_batch() {
  const auto place = batches_ % batches_per_run;
  const auto number = batches_ / batches_per_run;
  ++batches_;
  sent_batch result;
  result.project = opts_.projects[number % opts_.projects.size()];
  const auto run = opts_.name + "-r" + std::to_string(number);
  const auto new_id = [&] {
    result.ids.push_back(opts_.name + "-" + std::to_string(++events_));
    return result.ids.back();
  };
  result.single = place + 2 >= batches_per_run || opts_.largest_batch == 1;
  if (place + 1 == batches_per_run) { // it has ended: refused
    result.events.push_back(run_event(new_id(), run, "running"));
    return result;
  }
  if (place + 2 == batches_per_run) {
    result.events.push_back(run_event(new_id(), run, "completed"));
    return result;
  }
  auto& events = result.events;
  if (place == 0)
    events.push_back(run_event(new_id(), run, "running"));
  const auto size
    = 1 + batches_ * 7 % static_cast<std::uint64_t>(opts_.largest_batch);
  while (events.size() < size) {
    const auto id = new_id();
    events.push_back(events_ % 3 == 0 ? other_event(id, events_)
                                      : step_event(id, run, events_));
  }
  return result;
}

bool producer::attempt_once(const sent_batch& x) {
  const auto invoked = steady::now();
  try {
    const auto here = cluster_.where(node_);
    return opts_.websocket ? attempt_by_websocket(x, invoked)
                           : attempt_by_http(x, invoked);
  } catch (const std::exception&) {
    // Lost, or not answered in time: it may have happened.
    note_all(x, invoked, fate::unknown);
    return false;
  }
}

bool producer::attempt_by_http(const sent_batch& x, moment invoked) {
  if (!http_)
    http_ = std::make_unique<http_client>(cluster_.port(node_), make_token({}));
  http_->patience(opts_.patience);
  const auto response = x.single ? http_->publish(x.project, x.events.front())
                                 : http_->publish(x.project, x.events);
  if (response.status / 100 == 2)
    return note_results(x, invoked, response.object().at("results").as_array());
  const bool again = response.status / 100 == 5 || response.status == 429;
  note_all(x, invoked, again ? fate::unknown : fate::refused);
  return !again;
}

bool producer::attempt_by_websocket(const sent_batch& x, moment invoked) {
  if (!ws_)
    ws_ = std::make_unique<ws_client>(
      cluster_.port(node_), ws_client::options{.token = make_token({})});
  const auto ref = x.ids.front();
  ws_->send({{"type", "publish"},
             {"project_id", x.project},
             {"events", x.events},
             {"ref", ref}});
  const auto answer = ws_->receive_if(
    [&](const ws_message& m) {
      const auto* got = m.data.if_contains("ref");
      return got != nullptr && *got == json::value(ref);
    },
    opts_.patience);
  if (answer.type() == "published")
    return note_results(x, invoked, answer.data.at("results").as_array());
  const bool again = means_again(answer.data);
  note_all(x, invoked, again ? fate::unknown : fate::refused);
  return !again;
}

bool producer::note_results(const sent_batch& x, moment invoked,
                            const json::array& results) {
  bool finished = true;
  for (std::size_t i = 0; i < x.ids.size(); ++i) {
    const auto& result = results.at(i).as_object();
    const auto* error = result.if_contains("error");
    if (error == nullptr) {
      note(x, x.ids[i], invoked, fate::acknowledged,
           result.at("seq").to_number<std::uint64_t>());
      continue;
    }
    const bool again = means_again(*error);
    finished = finished && !again;
    note(x, x.ids[i], invoked, again ? fate::unknown : fate::refused);
  }
  return finished;
}

void producer::note_all(const sent_batch& x, moment invoked, fate outcome) {
  for (const auto& id : x.ids)
    note(x, id, invoked, outcome);
}

void producer::note(const sent_batch& x, const std::string& id, moment invoked,
                    fate outcome, std::uint64_t seq) {
  seen_.attempts.push_back(
    {opts_.name, x.project, id, invoked, steady::now(), outcome, seq});
}

void producer::go_on_elsewhere() {
  http_.reset();
  ws_.reset();
  if (opts_.changes)
    node_ = (node_ + 1) % cluster_.size();
}

} // namespace callboard::test
