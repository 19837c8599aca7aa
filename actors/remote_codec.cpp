#include "actors/remote_inspect.hpp"

namespace callboard::remote {

namespace {

/// Bytes to set aside for a frame: exact enough for those with a payload.
struct expected_bytes {
  std::size_t operator()(const raft& x) const {
    return x.bytes.size();
  }
  std::size_t operator()(const call& x) const {
    auto request = std::get_if<publish_request>(&x.body);
    return request != nullptr ? request->bytes + 192 * request->items.size()
                              : 256;
  }
  std::size_t operator()(const call_answers& x) const {
    std::size_t bytes = 0;
    for (auto& answer : x.answers) {
      bytes += 32;
      if (!answer.outcome)
        continue;
      if (auto published = std::get_if<publish_answer>(&*answer.outcome))
        bytes += 64 * published->results.size();
      else if (auto document = std::get_if<document_answer>(&*answer.outcome))
        bytes += document->json.size() + document->location.size() + 16;
    }
    return bytes;
  }
  std::size_t operator()(const state_description& x) const {
    return x.message.size();
  }
  std::size_t operator()(const state_chunk& x) const {
    return x.rows.size();
  }
  std::size_t operator()(const map_notice& x) const {
    return x.map.size();
  }
  std::size_t operator()(const node_report& x) const {
    return x.json.size();
  }
  template <class T>
  std::size_t operator()(const T&) const {
    return 128;
  }
};

} // namespace

std::string encode(const message& x) {
  // `bytes` of a request is a caller's word: good for a hint only.
  constexpr std::size_t longest_hint = 16u << 20;
  std::string out;
  out.reserve(std::min(std::visit(expected_bytes{}, x) + 64, longest_hint));
  frame_sink f{out};
  auto type = static_cast<std::uint8_t>(x.index());
  auto version = wire_version;
  f(type, version);
  // Inspectors take everything by reference; a sink changes nothing.
  std::visit([&](auto& y) { f(y); }, const_cast<message&>(x));
  return out;
}

result<message> decode(std::string_view frame) {
  if (frame.size() < 2)
    return fail(errc::invalid,
                "a frame of " + std::to_string(frame.size()) + " bytes");
  if (static_cast<std::uint8_t>(frame[1]) != wire_version)
    return fail(errc::invalid,
                "a frame of version "
                  + std::to_string(static_cast<std::uint8_t>(frame[1])));
  // Behind the type, the message is what any other variant is.
  auto type = static_cast<std::uint8_t>(frame[0]);
  result<message> out{tl::in_place};
  frame_source f{frame.substr(2)};
  if (type >= std::variant_size_v<message>)
    return fail(errc::invalid, "a frame of type " + std::to_string(type));
  if (!f.alternative(*out, type))
    return fail(errc::invalid,
                "a malformed frame of type " + std::to_string(type));
  if (f.remaining() != 0)
    return fail(errc::invalid, std::to_string(f.remaining())
                                 + " bytes too many in a frame of type "
                                 + std::to_string(type));
  return out;
}

} // namespace callboard::remote
