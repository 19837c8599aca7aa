#include "transport/http_message.hpp"

#include "actors/model/ids.hpp"
#include "actors/model/json.hpp"

#include <array>
#include <ctime>

namespace callboard {

namespace {

/// Below this size the headers outweigh what compression wins.
constexpr std::size_t worth_compressing = 1024;

std::string_view reason(int status) noexcept {
  switch (status) {
  case 200:
    return "OK";
  case 201:
    return "Created";
  case 202:
    return "Accepted";
  case 204:
    return "No Content";
  case 400:
    return "Bad Request";
  case 401:
    return "Unauthorized";
  case 403:
    return "Forbidden";
  case 404:
    return "Not Found";
  case 405:
    return "Method Not Allowed";
  case 408:
    return "Request Timeout";
  case 409:
    return "Conflict";
  case 413:
    return "Content Too Large";
  case 429:
    return "Too Many Requests";
  case 431:
    return "Request Header Fields Too Large";
  case 500:
    return "Internal Server Error";
  case 503:
    return "Service Unavailable";
  default:
    return "Unknown"; // an int, not an enum: whatever the engine says
  }
}

void append_problem_members(std::string& out, const problem& why, int status) {
  out += "\"status\":";
  json::append_number(out, static_cast<std::uint64_t>(status));
  out += ",\"code\":";
  json::append_quoted(out, to_string(why.code));
  out += ",\"detail\":";
  json::append_quoted(out, why.detail);
  if (!why.pointer.empty()) {
    out += ",\"pointer\":";
    json::append_quoted(out, why.pointer);
  }
}

void append_header(std::string& out, std::string_view name,
                   std::string_view value) {
  if (value.empty())
    return;
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

constexpr std::string_view usual_request_headers
  = "Authorization, Content-Type, Content-Encoding, X-Request-Id";

/// The `Date` header's value; made once a second by each thread.
std::string_view http_date() {
  thread_local std::time_t made_at = 0;
  thread_local std::array<char, 40> text{};
  auto now = std::time(nullptr);
  if (now != made_at) {
    std::tm utc{};
    gmtime_r(&now, &utc);
    std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    made_at = now;
  }
  return text.data();
}

} // namespace

http_reply problem_reply(const problem& why, std::string_view request_id,
                         int status) {
  http_reply reply;
  reply.status = status != 0 ? status : http_status(why.code);
  reply.content_type = "application/problem+json";
  reply.body = "{\"type\":\"about:blank\",\"title\":";
  json::append_quoted(reply.body, reason(reply.status));
  reply.body += ',';
  append_problem_members(reply.body, why, reply.status);
  reply.body += ",\"request_id\":";
  json::append_quoted(reply.body, request_id);
  reply.body += '}';
  reply.retry_after = why.retry_after;
  if (why.code == errc::rate_limited || why.code == errc::unavailable)
    reply.retry_after = std::max(reply.retry_after, std::chrono::seconds{1});
  if (why.code == errc::unauthenticated)
    reply.challenge = "Bearer";
  return reply;
}

void append_problem_object(std::string& out, const problem& why) {
  out += '{';
  append_problem_members(out, why, http_status(why.code));
  out += '}';
}

reply_bytes render(http_reply reply, const reply_facts& facts) {
  auto coding = content_coding::identity;
  bool compressible = reply.body.size() > worth_compressing;
  if (compressible && facts.accepts != content_coding::identity)
    if (auto packed = compress(reply.body, facts.accepts)) {
      reply.body = std::move(*packed);
      coding = facts.accepts;
    }
  reply_bytes out;
  auto& head = out.head;
  head.reserve(320);
  head += facts.http_1_0 ? "HTTP/1.0 " : "HTTP/1.1 ";
  json::append_number(head, static_cast<std::uint64_t>(reply.status));
  head += ' ';
  head += reason(reply.status);
  head += "\r\n";
  append_header(head, "Date", http_date());
  append_header(head, "X-Request-Id", facts.request_id);
  append_header(head, "Location", reply.location);
  append_header(head, "Allow", reply.allow);
  append_header(head, "WWW-Authenticate", reply.challenge);
  if (reply.retry_after.count() > 0)
    append_header(head, "Retry-After",
                  std::to_string(reply.retry_after.count()));
  if (!facts.cors_origin.empty()) {
    append_header(head, "Access-Control-Allow-Origin", facts.cors_origin);
    append_header(head, "Access-Control-Expose-Headers",
                  "X-Request-Id, Location, Retry-After");
    if (facts.cors_credentials)
      append_header(head, "Access-Control-Allow-Credentials", "true");
    if (facts.cors_origin != "*")
      append_header(head, "Vary", "Origin");
  }
  if (reply.preflight) {
    append_header(head, "Access-Control-Allow-Methods", reply.allow);
    append_header(head, "Access-Control-Allow-Headers",
                  reply.allow_headers.empty() ? usual_request_headers
                                              : reply.allow_headers);
    append_header(head, "Access-Control-Max-Age", "600");
  }
  if (!facts.keep_alive)
    append_header(head, "Connection", "close");
  else if (facts.http_1_0)
    append_header(head, "Connection", "keep-alive");
  append_header(head, "Content-Encoding", to_string(coding));
  if (compressible)
    append_header(head, "Vary", "Accept-Encoding");
  if (reply.stream) {
    append_header(head, "Content-Type", reply.content_type);
    if (!facts.http_1_0)
      append_header(head, "Transfer-Encoding", "chunked");
  } else if (reply.status != 204) {
    append_header(head, "Content-Type", reply.content_type);
    head += "Content-Length: ";
    json::append_number(head, reply.body.size());
    head += "\r\n";
  }
  // Answers are of the moment and of one tenant: no cache may keep them.
  append_header(head, "Cache-Control", "no-store");
  append_header(head, "X-Content-Type-Options", "nosniff");
  head += "\r\n";
  if (!facts.head_only && reply.status != 204)
    out.body = std::move(reply.body);
  return out;
}

bool sane_request_id(std::string_view text) noexcept {
  return valid_id(text);
}

} // namespace callboard
