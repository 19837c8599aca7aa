#pragma once

#include <string>
#include <string_view>

namespace callboard::test {

/// Request and response bodies as `Content-Encoding` names them.
std::string gzip(std::string_view plain);
std::string gunzip(std::string_view packed);
std::string zstd(std::string_view plain);
std::string unzstd(std::string_view packed);

} // namespace callboard::test
