// HTTP requests as bytes: the reader, the routes, the query and the bodies, all
// but sockets and tokens.

#include "transport/http_reader.hpp"
#include "transport/routes.hpp"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

using namespace callboard;

namespace {

settings small_limits() {
  settings out;
  out.limits.body_bytes = 1u << 16;
  out.limits.events_per_request = 100;
  return out;
}

principal anyone() {
  principal out;
  out.tenant = {"t"};
  out.subject = "s";
  out.may_publish = out.may_subscribe = out.may_operate = true;
  return out;
}

void require(bool x) {
  if (!x)
    std::abort();
}

void require_json(const std::string& text) {
  require(json::document::parse(text).has_value());
}

void check_reply(http_reply reply) {
  if (reply.content_type != "text/plain" && !reply.body.empty())
    require_json(reply.body);
  auto bytes = render(std::move(reply), {"r1", content_coding::gzip});
  require(bytes.head.starts_with("HTTP/1.1 ")
          && bytes.head.ends_with("\r\n\r\n"));
}

void check_plan(plan& x, const settings& conf) {
  if (auto reply = std::get_if<http_reply>(&x.what))
    return check_reply(std::move(*reply));
  auto publish = std::get_if<publish_request>(&x.what);
  if (publish == nullptr)
    return;
  require(!publish->items.empty()
          && publish->items.size() <= conf.limits.events_per_request);
  answer said{{}, publish_answer{}};
  for (auto& item : publish->items)
    if (auto refused = std::get_if<publish_result>(&item))
      std::get<publish_answer>(*said.outcome).results.push_back(*refused);
  check_reply(reply_to(said, x.shape, "r1"));
}

void answer_request(http_reader& reader) {
  static const settings conf = small_limits();
  static const principal who = anyone();
  auto& head = reader.head();
  auto found = find_route(head.method, head.target);
  if (!found)
    return check_reply(problem_reply(found.error().why, "r1"));
  if (auto ok = check_access(*found, who); !ok)
    return check_reply(problem_reply(ok.error(), "r1"));
  auto body = reader.take_body();
  auto coding = parse_content_encoding(head.content_encoding);
  if (coding && *coding != content_coding::identity) {
    auto unpacked = decompress(body, *coding, conf.limits.body_bytes);
    require(!unpacked || unpacked->size() <= conf.limits.body_bytes);
    body = unpacked ? *unpacked : "";
  }
  auto planned
    = found->to->function({found->path, found->target, who,
                           std::make_shared<const std::string>(std::move(body)),
                           head.content_type, conf, head.lease});
  if (!planned)
    return check_reply(problem_reply(planned.error(), "r1"));
  check_plan(*planned, conf);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  input_buffer in;
  if (size > 0) {
    std::memcpy(in.prepare(size).data(), data, size);
    in.commit(size);
  }
  choose_coding({reinterpret_cast<const char*>(data), size});
  // Pipelined requests follow each other, as on a connection.
  while (!in.empty()) {
    http_reader reader{{1u << 16, 16u << 10}};
    auto state = reader.feed(in);
    if (state == http_reader::state::head)
      state = reader.feed(in);
    if (state == http_reader::state::failed)
      check_reply(problem_reply(reader.why(), "r1", reader.status()));
    if (state != http_reader::state::done)
      break;
    answer_request(reader);
  }
  return 0;
}
