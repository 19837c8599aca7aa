#include "actors/state_mover.hpp"

#include "actors/type_ids.hpp"

#include <utility>

namespace callboard {

namespace {

std::optional<problem> problem_of(result<void> x) {
  return x ? std::nullopt : std::optional{std::move(x.error())};
}

} // namespace

std::optional<problem> carry_out(node_context& node, const state_install& x) {
  return problem_of(node.state->install(x.shard, x.stream));
}

std::optional<problem> carry_out(node_context& node, const state_wipe& x) {
  return problem_of(node.state->wipe(x.shard));
}

state_mover_actor::behavior_type state_mover(state_mover_actor::pointer,
                                             node_context* node) {
  return {
    [node](const state_install& x) { return state_moved{carry_out(*node, x)}; },
    [node](const state_wipe& x) { return state_moved{carry_out(*node, x)}; },
  };
}

} // namespace callboard
