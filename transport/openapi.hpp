#pragma once

#include "transport/routes.hpp"

#include <span>
#include <string>

namespace callboard {

/// The HTTP interface as an OpenAPI 3.1 document, made from the table that
/// requests are routed by, so that the two cannot differ.
std::string openapi_document(std::span<const route> routes);

} // namespace callboard
