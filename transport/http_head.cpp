#include "transport/http_head.hpp"

#include <algorithm>

namespace callboard {

namespace {

bool same_letters(char a, char b) noexcept {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; };
  return lower(a) == lower(b);
}

} // namespace

std::string_view bearer_token(std::string_view header) noexcept {
  constexpr std::string_view scheme = "bearer ";
  if (header.size() <= scheme.size()
      || !std::equal(scheme.begin(), scheme.end(), header.begin(),
                     same_letters))
    return {};
  header.remove_prefix(scheme.size());
  header.remove_prefix(std::min(header.find_first_not_of(' '), header.size()));
  return header;
}

std::string media_type(std::string_view header) {
  std::string out{header.substr(0, header.find(';'))};
  while (!out.empty() && (out.back() == ' ' || out.back() == '\t'))
    out.pop_back();
  for (auto& c : out)
    c = c >= 'A' && c <= 'Z' ? char(c + 32) : c;
  return out;
}

std::string_view path_of(std::string_view target) noexcept {
  return target.substr(0, target.find('?'));
}

} // namespace callboard
