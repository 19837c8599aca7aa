#include "cli/publish.hpp"

#include "actors/model/json.hpp"
#include "cli/event_publisher.hpp"

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <vector>

namespace callboard {

namespace {

/// One request stays well below the node's 16 MiB.
constexpr std::size_t max_batch_bytes = 4u << 20;

std::string event_of(const publish_options& x) {
  std::string out = "{\"type\":" + json::quoted(x.type) + ",\"data\":" + x.data;
  if (!x.id.empty())
    out += ",\"id\":" + json::quoted(x.id);
  if (!x.scope.empty())
    out += ",\"scope\":" + json::quoted(x.scope);
  if (x.ephemeral)
    out += ",\"ephemeral\":true";
  return out + '}';
}

/// Gathers events into requests and keeps count of what became of them.
class sending {
public:
  sending(event_publisher& to, const publish_options& options)
      : to_{to}, batch_{options.batch}, results_{options.results} {
    // nop
  }

  /// `line` is only for messages.
  result<void> add(std::string_view event, std::size_t line) {
    auto checked = with_id(event);
    if (!checked) {
      refuse(line, checked.error());
      return {};
    }
    bytes_ += checked->size();
    events_.push_back(std::move(*checked));
    lines_.push_back(line);
    if (events_.size() >= batch_ || bytes_ >= max_batch_bytes)
      return flush();
    return {};
  }

  result<void> flush() {
    if (events_.empty())
      return {};
    auto outcomes = to_.publish(events_);
    if (!outcomes)
      return tl::unexpected{outcomes.error()};
    for (std::size_t i = 0; i < outcomes->size(); ++i) {
      const auto& each = (*outcomes)[i];
      if (each.error) {
        refuse(lines_[i], *each.error);
      } else {
        ++accepted_;
        last_seq_ = std::max(last_seq_, each.seq.value_or(0));
        if (results_ && each.seq)
          std::printf("{\"id\":%s,\"seq\":%llu}\n",
                      json::quoted(each.id).c_str(),
                      static_cast<unsigned long long>(*each.seq));
      }
    }
    std::fflush(stdout);
    events_.clear();
    lines_.clear();
    bytes_ = 0;
    return {};
  }

  void print() const {
    std::printf("{\"accepted\":%zu,\"refused\":%zu,\"last_seq\":%llu}\n",
                accepted_, refused_,
                static_cast<unsigned long long>(last_seq_));
  }

  exit_status status() const {
    return status_;
  }

private:
  void refuse(std::size_t line, problem why) {
    ++refused_;
    if (line != 0)
      why.detail = "line " + std::to_string(line) + ": " + why.detail;
    const auto status = complain(why);
    if (status_ == exit_status::done)
      status_ = status;
  }

  event_publisher& to_;
  std::size_t batch_;
  bool results_;
  std::vector<std::string> events_;
  std::vector<std::size_t> lines_;
  std::size_t bytes_ = 0;
  std::size_t accepted_ = 0;
  std::size_t refused_ = 0;
  std::uint64_t last_seq_ = 0;
  exit_status status_ = exit_status::done;
};

result<void> send_all(const publish_options& options, std::istream& input,
                      sending& to) {
  if (!options.type.empty()) {
    if (auto added = to.add(event_of(options), 0); !added)
      return added;
    return to.flush();
  }
  std::string line;
  for (std::size_t number = 1; std::getline(input, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos)
      continue;
    if (auto added = to.add(line, number); !added)
      return added;
    // Somebody may be typing, or another program writing slowly.
    if (input.rdbuf()->in_avail() <= 0)
      if (auto sent = to.flush(); !sent)
        return sent;
  }
  return to.flush();
}

} // namespace

exit_status publish(const publish_options& options, std::istream& input) {
  auto target = parse_endpoints(options.node.url);
  if (!target)
    return complain(exit_status::usage, target.error().detail);
  if (!options.type.empty() && !json::document::parse(options.data))
    return complain(exit_status::usage, "--data is not JSON");
  event_publisher to{std::move(*target), options.node.token, options.project,
                     options.retry_for};
  sending all{to, options};
  const auto sent = send_all(options, input, all);
  all.print();
  if (!sent)
    return complain(sent.error());
  return all.status();
}

} // namespace callboard
