#include "actors/shard_actor.hpp"

#include <utility>

// What a request is answered when all of it is applied.

namespace callboard {

void shard_state::answer_slot(const slot_ptr& s, std::vector<answer>& out) {
  slots_.erase(s->id);
  node_->counters.publish_seconds.observe(
    std::chrono::microseconds{steady_us() - s->began_us});
  switch (s->kind) {
  case slot::what::publish:
    release(*s);
    if (!s->gather)
      out.push_back({s->to, publish_answer{std::move(s->results)}});
    else if (auto whole = s->gather->add(s->positions, std::move(s->results)))
      out.push_back({s->to, std::move(*whole)});
    return;
  case slot::what::define:
    release(*s);
    if (auto& why = s->results.front().error)
      out.push_back({s->to, tl::unexpected{std::move(*why)}});
    else
      out.push_back(
        {s->to, document_answer{s->definition_json,
                                s->definition_json.empty() ? 204 : 200}});
    return;
  case slot::what::command:
    return answer_command(s, out);
  }
}

void shard_state::answer_command(const slot_ptr& s, std::vector<answer>& out) {
  release(*s);
  std::string_view status;
  switch (s->command->what) {
  case run_command::take:
    return answer_take(s);
  case run_command::lose:
    return;
  case run_command::create:
    return answer_with_detail(s, s->command->run);
  case run_command::retry:
    return answer_with_detail(s, s->successor);
  case run_command::pause:
    status = "paused";
    break;
  case run_command::resume:
  case run_command::input:
    status = "running";
    break;
  case run_command::cancel:
    status = "cancelled";
    break;
  case run_command::release:
    status = "pending";
    break;
  }
  std::string json = "{\"execution_id\":";
  json::append_quoted(json, s->command->run.value);
  if (!s->command->step.empty()) {
    json += ",\"step_id\":";
    json::append_quoted(json, s->command->step.value);
  }
  json += ",\"command\":";
  json::append_quoted(json, to_string(s->command->what));
  json += ",\"status\":";
  json::append_quoted(json, status);
  json += ",\"seq\":";
  json::append_number(json, s->results.back().seq.value_or(event_seq{}).value);
  json += '}';
  out.push_back({s->to, document_answer{std::move(json)}});
}

// A new run is answered as it can be read from now on.
void shard_state::answer_with_detail(const slot_ptr& s, const run_id& run) {
  node_->read([node = node_, to = s->to, room = s->room, run] {
    answer out{to, {}};
    auto detail = node->state->answer(
      query::run_detail{room, run},
      [node](const room_key& x) { return node->shard_of(x); });
    if (detail)
      out.outcome = document_answer{std::move(*detail), 201,
                                    "/v1/projects/" + room.project.value
                                      + "/runs/" + run.value};
    else
      out.outcome = tl::unexpected{std::move(detail.error())};
    std::vector<answer> one;
    one.push_back(std::move(out));
    node->answer(std::move(one));
  });
}

void shard_state::send_answers(std::vector<answer> xs) {
  if (!xs.empty())
    node_->answer(std::move(xs));
}

void shard_state::release(slot& s) {
  node_->shard_bytes_in_flight[id_.value].fetch_sub(s.bytes);
  node_->counters.in_flight_bytes.fetch_sub(s.bytes);
  s.bytes = 0;
}

} // namespace callboard
