#include "transport/call.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <cassert>
#include <charconv>

namespace callboard {

namespace urls = boost::urls;

namespace {

constexpr std::size_t default_page = 50;
constexpr std::size_t largest_page = 1000;
constexpr std::size_t max_cursor_bytes = 1024;
constexpr std::size_t max_query_parameters = 64;

http_reply results_reply(publish_answer& from, answer_shape shape,
                         std::string_view request_id) {
  if (shape == answer_shape::single_event && from.results.size() == 1)
    if (auto& error = from.results.front().error)
      return problem_reply(*error, request_id);
  http_reply reply;
  append_results(reply.body, from.results);
  return reply;
}

} // namespace

result<request_target> request_target::parse(std::string_view text) {
  if (text.empty() || text.size() > (8u << 10))
    return fail(errc::invalid, "the request target is empty or too long");
  auto parsed = text.front() == '/' ? urls::parse_origin_form(text)
                                    : urls::parse_absolute_uri(text);
  if (!parsed)
    return fail(errc::invalid, "the request target is no valid path and query");
  request_target out;
  for (auto segment : parsed->segments())
    out.segments.push_back(std::move(segment));
  urls::encoding_opts plus_is_space{true};
  for (auto parameter : parsed->params(plus_is_space)) {
    if (out.query.size() == max_query_parameters)
      return fail(errc::invalid, "there are too many query parameters");
    out.query.emplace_back(std::move(parameter.key),
                           std::move(parameter.value));
  }
  return out;
}

const std::string* request_target::find(std::string_view name) const noexcept {
  for (auto at = query.rbegin(); at != query.rend(); ++at)
    if (at->first == name)
      return &at->second;
  return nullptr;
}

const std::string* path_values::find(std::string_view name) const noexcept {
  for (auto& [key, value] : values)
    if (key == name)
      return &value;
  return nullptr;
}

const std::string&
path_values::operator[](std::string_view name) const noexcept {
  auto found = find(name);
  assert(found != nullptr);
  return *found;
}

http_reply reply_to(answer& from, answer_shape shape,
                    std::string_view request_id) {
  if (!from.outcome)
    return problem_reply(from.outcome.error(), request_id);
  if (auto published = std::get_if<publish_answer>(&*from.outcome))
    return results_reply(*published, shape, request_id);
  auto document = std::get_if<document_answer>(&*from.outcome);
  if (document == nullptr)
    return problem_reply({errc::internal, "the engine answered something else"},
                         request_id);
  http_reply reply;
  if (shape == answer_shape::no_content) {
    reply.status = 204;
    return reply;
  }
  reply.status = shape == answer_shape::accepted ? 202 : document->http_status;
  reply.body = std::move(document->json);
  reply.location = std::move(document->location);
  return reply;
}

void append_results(std::string& out,
                    const std::vector<publish_result>& results) {
  std::uint64_t accepted = 0;
  for (auto& x : results)
    accepted += x.error ? 0 : 1;
  out += "{\"accepted\":";
  json::append_number(out, accepted);
  out += ",\"results\":[";
  for (auto& x : results) {
    out += &x == &results.front() ? "{" : ",{";
    if (!x.id.empty()) {
      out += "\"id\":";
      json::append_quoted(out, x.id);
    }
    if (x.seq) {
      out += ",\"seq\":";
      json::append_number(out, x.seq->value);
    } else if (x.error) {
      out += x.id.empty() ? "\"error\":" : ",\"error\":";
      append_problem_object(out, *x.error);
    }
    out += '}';
  }
  out += "]}";
}

result<std::optional<json::value>> json_object_body(const call& x) {
  thread_local json::document document;
  if (x.body->empty())
    return std::nullopt;
  json::limits limits;
  limits.max_depth = x.conf.limits.json_depth;
  if (auto ok = document.reset(*x.body, limits); !ok)
    return tl::unexpected{ok.error()};
  if (!document.root().is(json::kind::object))
    return fail(errc::invalid, "the body must be a JSON object");
  return document.root();
}

result<std::uint64_t> number_parameter(const request_target& target,
                                       std::string_view name,
                                       std::uint64_t other) {
  auto text = target.find(name);
  if (text == nullptr)
    return other;
  std::uint64_t value = 0;
  auto last = text->data() + text->size();
  auto [end, ec] = std::from_chars(text->data(), last, value);
  if (ec != std::errc{} || end != last)
    return fail(errc::invalid,
                "query parameter " + std::string{name}
                  + " must be a decimal number",
                "/" + std::string{name});
  return value;
}

result<std::size_t> page_limit(const request_target& target) {
  auto limit = number_parameter(target, "limit", default_page);
  if (!limit || *limit < 1 || *limit > largest_page)
    return fail(errc::invalid,
                "query parameter limit must be a number from 1 to 1000",
                "/limit");
  return static_cast<std::size_t>(*limit);
}

result<std::string> page_cursor(const request_target& target) {
  auto cursor = target.find("cursor");
  if (cursor == nullptr)
    return std::string{};
  if (cursor->size() > max_cursor_bytes)
    return fail(errc::invalid,
                "query parameter cursor was not made by this server",
                "/cursor");
  return *cursor;
}

std::vector<std::string> list_parameter(const request_target& target,
                                        std::string_view name) {
  std::vector<std::string> out;
  for (auto& [key, value] : target.query) {
    if (key != name)
      continue;
    for (std::string_view rest = value; !rest.empty();) {
      auto word = rest.substr(0, rest.find(','));
      if (!word.empty())
        out.emplace_back(word);
      rest.remove_prefix(std::min(word.size() + 1, rest.size()));
    }
  }
  return out;
}

} // namespace callboard
