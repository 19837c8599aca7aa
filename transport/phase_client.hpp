#pragma once

#include "actors/model/json.hpp"
#include "actors/model/problem.hpp"
#include "transport/asking_client.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callboard {

/// One client of contract 5: looks at runs, in phase events, each run with
/// numbers of its own. On the hub's thread.
class phase_client final : public asking_client {
public:
  using asking_client::asking_client;

  // socket_client
  void opened(client_channel& channel) override;
  void receive(std::string text, bool binary) override;
  void closed() override;
  void announce_end(std::chrono::milliseconds reconnect_in) override;
  std::string_view vocabulary_name() const noexcept override;

  // viewer
  void subscribed(const subscription& x, event_seq head,
                  std::uint64_t epoch) override;
  void lagged(const subscription& x, event_seq from) override;
  void resync(const subscription& x, event_seq oldest) override;

private:
  void warn_of_expiry(std::chrono::seconds left) override;
  result<void> handle(json::value frame);
  result<void> subscribe(json::value frame, const run_id& run);
  void unsubscribe(const run_id& run);
  void find_place(const run_id& run, const project_id& project,
                  std::optional<std::uint64_t> since, std::uint64_t number);
  void begin(const run_id& run, const project_id& project,
             std::string_view place);
  bool still_wanted(std::uint64_t number);
  void error(const problem& why, const run_id& run);

  /// Runs that are being looked up, and the look-up's number.
  std::vector<std::pair<run_id, std::uint64_t>> finding_;
  std::uint64_t last_lookup_ = 0;
};

} // namespace callboard
