#include "cli/bench_publisher.hpp"

#include "actors/model/event.hpp"

#include <algorithm>

namespace callboard {

namespace {

/// Requests at a fixed rate pile up here at most, when the node stalls.
constexpr std::size_t most_under_way = 1u << 16;
constexpr std::size_t most_queued_bytes = 1u << 20;

/// The end of a UUIDv7 is random: good for telling runs of the benchmark apart.
std::string unique_word() {
  const auto id = new_uuid7();
  return id.substr(id.size() - 8);
}

} // namespace

result<bench_publisher> bench_publisher::open(const bench_options& options,
                                              const endpoint& node,
                                              std::size_t number,
                                              double events_per_second) {
  auto socket = bench_socket::open(node, options.node.token);
  if (!socket)
    return tl::unexpected{socket.error()};
  const auto word = unique_word();
  const auto run = "bench-" + word;
  const auto create
    = "{\"type\":\"publish\",\"ref\":\"run\",\"project_id\":\""
      + options.project
      + "\",\"events\":[{\"type\":\"workflow:execution:updated\",\"data\":{"
        "\"execution_id\":\""
      + run + "\",\"changes\":{\"name\":\"bench " + std::to_string(number)
      + "\"}}},{\"type\":\"workflow:execution:updated\",\"data\":{\"execution_"
        "id\":\""
      + run + "\",\"changes\":{\"status\":\"running\"}}}]}";
  socket->queue_text(create);
  const auto created = next_text(*socket, 10);
  if (!created)
    return tl::unexpected{created.error()};
  if (created->find("\"published\"") == std::string::npos
      || created->find("\"error\"") != std::string::npos)
    return fail(errc::internal, "the node refused the run: " + *created);
  bench_publisher out{std::move(*socket),
                      publish_frame{options.project, run, word,
                                    options.event_bytes, options.batch}};
  out.batch_ = options.batch;
  out.outstanding_ = options.outstanding;
  if (events_per_second > 0)
    out.interval_ns_ = static_cast<std::int64_t>(
      1e9 * static_cast<double>(options.batch) / events_per_second);
  out.due_.resize(most_under_way);
  return out;
}

void bench_publisher::begin(std::int64_t now) {
  next_due_ = now;
}

bool bench_publisher::send(std::int64_t now) {
  const auto limit = interval_ns_ == 0 ? std::min(outstanding_, most_under_way)
                                       : most_under_way;
  while (!stopped_ && in_flight() < limit
         && socket_.queued() < most_queued_bytes) {
    auto due = now;
    if (interval_ns_ != 0) {
      if (next_due_ > now)
        break;
      due = next_due_;
      next_due_ += interval_ns_;
    }
    due_[requests_ % due_.size()] = due;
    socket_.queue(frame_.fill(requests_, requests_ * batch_, due));
    ++requests_;
  }
  return socket_.flush();
}

bool bench_publisher::read(std::span<char> scratch, std::int64_t from,
                           latency_record& latency) {
  const auto now = now_ns();
  return socket_.read(
    scratch, [&](std::string_view text) { answer(text, now, from, latency); });
}

void bench_publisher::answer(std::string_view text, std::int64_t now,
                             std::int64_t from, latency_record& latency) {
  if (!text.starts_with("{\"type\":\"published\"")
      && !text.starts_with("{\"type\":\"error\""))
    return;
  ++answers_;
  auto good = batch_;
  if (text.find("\"error\"") != std::string_view::npos) {
    good = occurrences(text, "\"seq\":");
    refused_ += batch_ - std::min(good, batch_);
    if (first_refusal_.empty())
      first_refusal_ = text.substr(0, 300);
  }
  done_ += good;
  const auto due = due_[hex_field(text, "\"ref\"") % due_.size()];
  if (due >= from)
    latency.add(now - due, good);
}

std::optional<std::int64_t> bench_publisher::next_due() const {
  if (interval_ns_ == 0 || stopped_)
    return std::nullopt;
  return next_due_;
}

} // namespace callboard
