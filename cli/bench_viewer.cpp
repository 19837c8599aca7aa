#include "cli/bench_viewer.hpp"

#include "cli/bench_events.hpp"

#include <string.h> // memmem

namespace callboard {

namespace {

constexpr std::string_view seq_key = "{\"seq\":";

std::uint64_t digits_at(std::string_view text, std::size_t at) {
  std::uint64_t out = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at)
    out = out * 10 + static_cast<std::uint64_t>(text[at] - '0');
  return out;
}

} // namespace

std::optional<std::int64_t> due_times::find(std::uint64_t seq,
                                            std::string_view event) {
  auto& x = slots_[seq % size];
  if (x.seq != seq) {
    x.seq = seq;
    x.due = static_cast<std::int64_t>(hex_field(event, "\"due\""));
  }
  if (x.due == 0)
    return std::nullopt;
  return x.due;
}

std::size_t bench_viewer::next(std::string_view text, std::size_t from) {
  if (from == 0 && text.starts_with(seq_key))
    return 0;
  // A single event has no other; only batches need the search.
  if (!text.starts_with("{\"type\":\"events\""))
    return std::string_view::npos;
  const auto* at = static_cast<const char*>(::memmem(
    text.data() + from, text.size() - from, seq_key.data(), seq_key.size()));
  return at == nullptr ? std::string_view::npos
                       : static_cast<std::size_t>(at - text.data());
}

std::uint64_t bench_viewer::number(std::string_view event) {
  return digits_at(event, seq_key.size());
}

result<std::uint64_t> subscribed_head(std::string_view text) {
  const auto at = text.find("\"seq\":");
  if (!text.starts_with("{\"type\":\"subscribed\"")
      || at == std::string_view::npos)
    return fail(errc::internal, "the node refused a viewer: "
                                  + std::string{text.substr(0, 300)});
  return digits_at(text, at + 6);
}

std::string subscribe_text(std::string_view project,
                           std::optional<std::uint64_t> since) {
  auto out = "{\"type\":\"subscribe\",\"room\":\"project:"
             + std::string{project} + '"';
  if (since)
    out += ",\"since\":" + std::to_string(*since);
  return out + '}';
}

} // namespace callboard
