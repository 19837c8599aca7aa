#pragma once

#include <string>
#include <string_view>

namespace callboard {

struct pipeline;

/// Words the events of one run: each a JSON object with an id and a time of its
/// own, so that it can be published late and more than once.
class run_wording {
public:
  run_wording(std::string project, std::string run)
      : project_{std::move(project)}, run_{std::move(run)} {
    // nop
  }

  const std::string& run() const noexcept {
    return run_;
  }

  std::string definition(const pipeline& plan) const;
  std::string run_updated(std::string_view changes) const;
  std::string step_updated(std::string_view step,
                           std::string_view changes) const;
  std::string timeline(std::string_view event) const;
  std::string artifact(std::string_view artifact) const;
  std::string stream(std::string_view step, std::string_view chunk) const;

private:
  std::string event(std::string_view type, std::string_view data) const;

  std::string project_;
  std::string run_;
};

/// Now, as events have it.
std::string timestamp();

} // namespace callboard
