#include "cli/client_options.hpp"

#include <charconv>

namespace callboard {

std::string endpoint::text() const {
  const auto bare_v6 = host.find(':') != std::string::npos;
  return (bare_v6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

result<endpoint> parse_endpoint(std::string_view url) {
  const auto refuse = [url] {
    return fail(errc::invalid, "the URL \"" + std::string{url}
                                 + "\" is not of the form http://HOST:PORT");
  };
  auto rest = url;
  if (!rest.starts_with("http://"))
    return refuse();
  rest.remove_prefix(7);
  if (rest.ends_with('/'))
    rest.remove_suffix(1);
  endpoint out;
  const auto bracket = rest.rfind(']');
  const auto colon = rest.rfind(':');
  const auto has_port
    = colon != std::string_view::npos
      && (bracket == std::string_view::npos || colon > bracket);
  out.host = rest.substr(0, has_port ? colon : rest.size());
  if (out.host.starts_with('[') && out.host.ends_with(']'))
    out.host = out.host.substr(1, out.host.size() - 2);
  if (out.host.empty() || out.host.find('/') != std::string::npos)
    return refuse();
  if (has_port) {
    const auto port = rest.substr(colon + 1);
    const auto* const end = port.data() + port.size();
    const auto [last, error] = std::from_chars(port.data(), end, out.port);
    if (error != std::errc{} || last != end || out.port == 0)
      return refuse();
  }
  return out;
}

result<endpoints> parse_endpoints(std::string_view urls) {
  std::vector<endpoint> out;
  for (;;) {
    const auto comma = urls.find(',');
    auto one = parse_endpoint(urls.substr(0, comma));
    if (!one)
      return tl::unexpected{one.error()};
    out.push_back(std::move(*one));
    if (comma == std::string_view::npos)
      return endpoints{std::move(out)};
    urls.remove_prefix(comma + 1);
  }
}

std::string url_encoded(std::string_view text) {
  std::string out;
  for (const auto c : text) {
    const auto plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                       || (c >= '0' && c <= '9') || c == '-' || c == '.'
                       || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += "0123456789ABCDEF"[byte >> 4];
      out += "0123456789ABCDEF"[byte & 15];
    }
  }
  return out;
}

} // namespace callboard
