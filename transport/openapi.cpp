#include "transport/openapi.hpp"

#include <algorithm>
#include <vector>

namespace callboard {

namespace {

constexpr std::string_view head
  = R"({"openapi":"3.1.0","info":{"title":"Callboard","version":"1","description":)"
    R"("Events in, events out: durable, numbered, live. Errors are RFC 9457 problem documents."},)"
    R"("components":{"securitySchemes":{"token":{"type":"http","scheme":"bearer","bearerFormat":"JWT"}},)"
    R"("schemas":{"Problem":{"type":"object","required":["type","title","status","code","detail","request_id"],)"
    R"("properties":{"type":{"type":"string"},"title":{"type":"string"},"status":{"type":"integer"},)"
    R"("code":{"type":"string","enum":["invalid","unauthenticated","forbidden","not_found",)"
    R"("method_not_allowed","conflict","too_large","rate_limited","unavailable","internal"]},)"
    R"("detail":{"type":"string"},"pointer":{"type":"string"},"request_id":{"type":"string"}}}},)"
    R"("responses":{"Problem":{"description":"Not applied","content":{"application/problem+json":)"
    R"({"schema":{"$ref":"#/components/schemas/Problem"}}}}}},"paths":{)";

/// A pattern as OpenAPI writes it: the rest of a path is one parameter too.
std::string path_of(std::string_view pattern) {
  std::string out{pattern};
  if (auto at = out.find("..."); at != out.npos)
    out.erase(at, 3);
  return out;
}

std::string lower(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    c = c >= 'A' && c <= 'Z' ? char(c + 32) : c;
  return out;
}

void append_parameter(std::string& out, std::string_view name, bool in_path) {
  out += out.ends_with('[') ? "{\"name\":" : ",{\"name\":";
  json::append_quoted(out, name);
  out
    += in_path ? R"(,"in":"path","required":true,"schema":{"type":"string"}})"
       : name == "limit"
         ? R"(,"in":"query","schema":{"type":"integer","minimum":1,"maximum":1000,"default":50}})"
       : name == "since"
         ? R"(,"in":"query","schema":{"type":"integer","minimum":0}})"
         : R"(,"in":"query","schema":{"type":"string"}})";
}

void append_parameters(std::string& out, const route& x) {
  out += "\"parameters\":[";
  auto path = path_of(x.pattern);
  for (auto at = path.find('{'); at != path.npos; at = path.find('{', at + 1))
    append_parameter(out, path.substr(at + 1, path.find('}', at) - at - 1),
                     true);
  for (auto rest = x.query; !rest.empty();) {
    auto name = rest.substr(0, rest.find(' '));
    append_parameter(out, name, false);
    rest.remove_prefix(std::min(name.size() + 1, rest.size()));
  }
  out += ']';
}

void append_operation(std::string& out, const route& x) {
  json::append_quoted(out, lower(x.method));
  out += ":{\"summary\":";
  json::append_quoted(out, x.summary);
  out += x.needs == access::open ? ",\"security\":[],"
                                 : ",\"security\":[{\"token\":[]}],";
  append_parameters(out, x);
  if (!x.request.empty()) {
    out += ",\"requestBody\":{\"content\":{\"application/json\":{\"example\":";
    out += x.request;
    out += '}';
    if (x.function == publish_events)
      out += ",\"application/x-ndjson\":{}";
    out += "}}";
  }
  out += ",\"responses\":{\"2XX\":{\"description\":\"Done\"},"
         "\"default\":{\"$ref\":\"#/components/responses/Problem\"}}}";
}

} // namespace

std::string openapi_document(std::span<const route> routes) {
  std::string out{head};
  std::vector<std::string_view> done;
  for (auto& first : routes) {
    if (std::find(done.begin(), done.end(), first.pattern) != done.end())
      continue;
    if (!done.empty())
      out += ',';
    done.push_back(first.pattern);
    json::append_quoted(out, path_of(first.pattern));
    out += ":{";
    for (auto& x : routes) {
      if (x.pattern != first.pattern)
        continue;
      out += out.ends_with('{') ? "" : ",";
      append_operation(out, x);
    }
    out += '}';
  }
  return out + "}}";
}

} // namespace callboard
