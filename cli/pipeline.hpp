#pragma once

#include <tl/expected.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callboard {

/// When a step runs, judged by the steps that it needs.
enum class run_condition : std::uint8_t {
  success, ///< All of them completed.
  failure, ///< At least one of them failed.
  always,  ///< All of them ended, however.
};

/// What a step asks before it goes on.
struct pipeline_input {
  std::string prompt;
  std::string type = "text";        ///< "text", "choice", …: for front ends.
  std::vector<std::string> options; ///< Empty: any answer.
};

using environment_list = std::vector<std::pair<std::string, std::string>>;

struct pipeline_step {
  std::string id;
  std::string name; ///< Defaults to the id.
  std::string phase;
  std::string run; ///< For /bin/sh -c; empty: only asks for input.
  std::vector<std::string> needs;
  std::vector<std::size_t> needed;             ///< `needs` as indexes.
  std::uint32_t retries = 0;                   ///< Attempts after the first.
  std::chrono::milliseconds retry_delay{1000}; ///< Doubles with each retry.
  std::chrono::milliseconds timeout{0};        ///< Of one attempt; 0: none.
  environment_list env;
  std::vector<std::string> artifacts; ///< Files that the step must leave.
  std::optional<pipeline_input> input;
  run_condition when = run_condition::success;
};

/// A pipeline file: steps and the order that `needs` puts them in.
struct pipeline {
  std::string name;
  std::string definition; ///< Workflow definition id.
  std::vector<std::string> phases;
  environment_list env;
  std::vector<pipeline_step> steps;
};

/// Reads and checks a pipeline. `file` is what messages call it. Otherwise all
/// that is wrong, one line each: "file:line: …".
tl::expected<pipeline, std::vector<std::string>>
parse_pipeline(std::string_view text, const std::string& file);

/// The same for a file.
tl::expected<pipeline, std::vector<std::string>>
load_pipeline(const std::string& file);

} // namespace callboard
