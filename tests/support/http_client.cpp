#include "tests/support/http_client.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>

namespace callboard::test {

namespace {

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

/// Receives until `buffer` has `mark` at or after `from`; returns where.
std::size_t receive_until(tcp_socket& socket, std::string& buffer,
                          std::string_view mark, std::size_t from,
                          deadline until) {
  for (;;) {
    const auto at = buffer.find(mark, from);
    if (at != std::string::npos)
      return at;
    if (!socket.receive(buffer, until))
      throw connection_lost{"closed before the end of the answer"};
  }
}

void receive_bytes(tcp_socket& socket, std::string& buffer, std::size_t count,
                   deadline until) {
  while (buffer.size() < count) {
    if (!socket.receive(buffer, until))
      throw connection_lost{"closed in the middle of an answer"};
  }
}

void parse_head(std::string_view head, http_response& into) {
  auto line_end = head.find("\r\n");
  const auto status_line = head.substr(0, line_end);
  if (status_line.size() < 12 || !status_line.starts_with("HTTP/1."))
    throw connection_lost{"not an HTTP answer: " + std::string{head}};
  std::from_chars(status_line.data() + 9, status_line.data() + 12, into.status);
  while (line_end != std::string_view::npos) {
    head.remove_prefix(line_end + 2);
    line_end = head.find("\r\n");
    const auto line = head.substr(0, line_end);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos)
      continue;
    auto value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    into.headers.emplace_back(line.substr(0, colon), value);
  }
}

std::string read_chunks(tcp_socket& socket, std::string& buffer,
                        deadline until) {
  std::string body;
  for (;;) {
    const auto end = receive_until(socket, buffer, "\r\n", 0, until);
    std::size_t size = 0;
    std::from_chars(buffer.data(), buffer.data() + end, size, 16);
    buffer.erase(0, end + 2);
    receive_bytes(socket, buffer, size + 2, until);
    body.append(buffer, 0, size);
    buffer.erase(0, size + 2);
    if (size == 0)
      return body;
  }
}

} // namespace

std::string_view http_response::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (same_name(key, name))
      return value;
  }
  return {};
}

json::value http_response::parsed() const {
  json::error_code ec;
  auto result = json::parse(body, ec);
  if (ec)
    throw std::runtime_error{"not JSON (status " + std::to_string(status)
                             + "): " + body.substr(0, 500)};
  return result;
}

const json::object& http_response::object() const& {
  if (!parsed_)
    parsed_ = parsed();
  if (!parsed_->is_object())
    throw std::runtime_error{"not a JSON object: " + body.substr(0, 500)};
  return parsed_->get_object();
}

json::object http_response::object() && {
  return static_cast<const http_response&>(*this).object();
}

std::string http_response::code() const {
  json::error_code ec;
  const auto value = json::parse(body, ec);
  if (ec || !value.is_object())
    return {};
  const auto* code = value.get_object().if_contains("code");
  return code && code->is_string() ? std::string{code->get_string()}
                                   : std::string{};
}

http_response read_response(tcp_socket& socket, std::string& buffer,
                            deadline until, bool headers_only) {
  http_response result;
  do {
    result = {};
    const auto end = receive_until(socket, buffer, "\r\n\r\n", 0, until);
    parse_head(std::string_view{buffer}.substr(0, end), result);
    buffer.erase(0, end + 4);
  } while (result.status == 100);
  if (headers_only || result.status == 204 || result.status == 304
      || result.status == 101)
    return result;
  if (same_name(result.header("Transfer-Encoding"), "chunked")) {
    result.body = read_chunks(socket, buffer, until);
    return result;
  }
  const auto length = result.header("Content-Length");
  std::size_t size = 0;
  std::from_chars(length.data(), length.data() + length.size(), size);
  if (length.empty()) { // the body ends with the connection
    while (socket.receive(buffer, until)) {
      // nop
    }
    size = buffer.size();
  }
  receive_bytes(socket, buffer, size, until);
  result.body = buffer.substr(0, size);
  buffer.erase(0, size);
  return result;
}

http_response http_client::send(std::string_view method,
                                std::string_view target, std::string_view body,
                                const header_list& headers) {
  std::string text;
  text.append(method).append(" ").append(target).append(" HTTP/1.1\r\n");
  text.append("Host: 127.0.0.1:").append(std::to_string(port_)).append("\r\n");
  if (!token_.empty())
    text.append("Authorization: Bearer ").append(token_).append("\r\n");
  bool has_type = false;
  for (const auto& [key, value] : headers) {
    has_type = has_type || same_name(key, "Content-Type");
    text.append(key).append(": ").append(value).append("\r\n");
  }
  if (!body.empty() && !has_type)
    text.append("Content-Type: application/json\r\n");
  if (!body.empty() || method == "POST" || method == "PUT")
    text.append("Content-Length: ")
      .append(std::to_string(body.size()))
      .append("\r\n");
  text.append("\r\n").append(body);

  const auto until = within(patience_);
  if (socket_ && socket_->readable_now())
    socket_.reset(); // closed by the server while idle
  if (!socket_) {
    buffer_.clear();
    socket_ = tcp_socket::connect(port_);
  }
  try {
    try {
      socket_->send(text, until);
    } catch (const connection_lost&) {
      // The server may have refused early and said why before closing.
    }
    auto result = read_response(*socket_, buffer_, until, method == "HEAD");
    if (same_name(result.header("Connection"), "close"))
      socket_.reset();
    return result;
  } catch (...) {
    socket_.reset();
    throw;
  }
}

http_response http_client::publish(std::string_view project,
                                   const json::value& events) {
  return publish_raw(project, json::serialize(events));
}

http_response http_client::publish_raw(std::string_view project,
                                       std::string_view body,
                                       const header_list& headers) {
  return post("/v1/projects/" + std::string{project} + "/events", body,
              headers);
}

} // namespace callboard::test
