#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace callboard {
class hub;
} // namespace callboard

namespace callboard::signalr {

class hub_session;

/// The node's connections by their tokens. Any thread; but a session that it
/// gives belongs to its hub's thread.
class hub_directory {
public:
  explicit hub_directory(std::size_t most) : most_{most} {
    // nop
  }

  /// False: there are as many as there may be.
  bool add(const std::string& token, hub& home, std::shared_ptr<hub_session> x);
  void remove(const std::string& token);

  /// nullptr: no such connection.
  hub* home_of(const std::string& token) const;
  std::shared_ptr<hub_session> find(const std::string& token) const;

private:
  struct entry {
    hub* home;
    std::shared_ptr<hub_session> session;
  };

  std::size_t most_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, entry> entries_;
};

/// 128 bits that cannot be guessed, as text for an address. Empty: the system's
/// random source has failed.
std::string new_secret();

} // namespace callboard::signalr
