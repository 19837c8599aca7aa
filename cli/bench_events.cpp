#include "cli/bench_events.hpp"

#include "cli/bench_socket.hpp"

#include <string.h> // memmem

#include <algorithm>

namespace callboard {

namespace {

constexpr std::size_t digits = 16;
const std::string blank(digits, '0');

void put_hex(char* to, std::uint64_t x) {
  for (auto i = digits; i-- > 0; x >>= 4)
    to[i] = "0123456789abcdef"[x & 15];
}

std::size_t position_of(std::string_view text, std::string_view word,
                        std::size_t from) {
  const auto* at = static_cast<const char*>(
    ::memmem(text.data() + from, text.size() - from, word.data(), word.size()));
  return at == nullptr ? std::string_view::npos
                       : static_cast<std::size_t>(at - text.data());
}

} // namespace

publish_frame::publish_frame(std::string_view project, std::string_view run,
                             std::string_view prefix, std::size_t event_bytes,
                             std::size_t batch) {
  const auto id_key = "{\"id\":\"" + std::string{prefix} + '-';
  const std::string_view due_key = "\"due\":\"";
  auto event = id_key + blank
               + "\",\"type\":\"workflow:execution:event:created\",\"data\":{"
                 "\"execution_id\":\""
               + std::string{run}
               + "\",\"event\":{\"kind\":\"log\",\"level\":\"info\","
               + std::string{due_key} + blank + "\",\"message\":\"";
  const std::string_view end = "\"}}}";
  if (event.size() + end.size() < event_bytes)
    event.append(event_bytes - event.size() - end.size(), 'x');
  event += end;
  auto text = "{\"type\":\"publish\",\"ref\":\"" + blank
              + "\",\"project_id\":\"" + std::string{project}
              + "\",\"events\":[";
  const auto ref_at = text.find(blank);
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < batch; ++i) {
    if (i != 0)
      text += ',';
    starts.push_back(text.size());
    text += event;
  }
  text += "]}";
  const auto base = append_frame(bytes_, text);
  ref_ = base + ref_at;
  const auto due_at = event.find(due_key) + due_key.size();
  for (const auto start : starts)
    events_.push_back({base + start + id_key.size(), base + start + due_at});
}

std::string_view publish_frame::fill(std::uint64_t ref,
                                     std::uint64_t first_event,
                                     std::int64_t due_ns) {
  put_hex(bytes_.data() + ref_, ref);
  for (const auto& at : events_) {
    put_hex(bytes_.data() + at.id, first_event++);
    put_hex(bytes_.data() + at.due, static_cast<std::uint64_t>(due_ns));
  }
  return bytes_;
}

std::uint64_t hex_field(std::string_view text, std::string_view name) {
  const auto at = position_of(text, name, 0);
  if (at == std::string_view::npos)
    return 0;
  auto from = at + name.size();
  while (from < text.size() && text[from] != ':')
    ++from;
  std::uint64_t out = 0;
  for (from += 2; from < text.size() && text[from] != '"'; ++from) {
    const auto c = text[from];
    out = out << 4
          | static_cast<std::uint64_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  }
  return out;
}

std::size_t occurrences(std::string_view text, std::string_view word) {
  std::size_t out = 0;
  for (auto at = position_of(text, word, 0); at != std::string_view::npos;
       at = position_of(text, word, at + word.size()))
    ++out;
  return out;
}

} // namespace callboard
