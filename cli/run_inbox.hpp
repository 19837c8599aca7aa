#pragma once

#include "cli/client_options.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace callboard {

class ws_client;

/// What others tell a run: commands and answers, which arrive as events of its
/// room. A thread that stays subscribed, through node restarts.
class run_inbox {
public:
  struct message {
    enum class kind : std::uint8_t { pause, resume, cancel, input };
    kind what = kind::pause;
    std::string step;  ///< input
    std::string value; ///< input: text of a string, else raw JSON
  };

  /// @param since Events up to this one are old.
  /// @param wake Called from the thread when take() has something.
  run_inbox(endpoints nodes, std::string token, std::string project,
            std::string run, std::uint64_t since, std::function<void()> wake);
  ~run_inbox();

  /// What has arrived since the last call.
  std::vector<message> take();

private:
  void work();
  void follow(ws_client& socket);
  void read_frame(std::string_view frame);

  endpoints nodes_;
  std::string token_;
  std::string project_;
  std::string run_;
  std::uint64_t last_;
  std::function<void()> wake_;
  std::mutex mutex_;
  std::vector<message> messages_;
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

/// The message that an event's frame carries for the run; nullopt: none.
std::optional<run_inbox::message> message_in(std::string_view frame,
                                             std::string_view run);

} // namespace callboard
