#pragma once

#include "actors/remote.hpp"

#include <string>
#include <vector>

namespace callboard::test {

/// A message of every kind, calls with every body, answers with every outcome:
/// all fields distinct and none at its default.
std::vector<remote::message> remote_samples();

/// So many drafts of one text, as a producer sends them.
publish_request published_drafts(std::size_t count);

} // namespace callboard::test
