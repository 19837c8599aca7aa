#include "transport/signalr/hub_directory.hpp"

#include "transport/signalr/hub_session.hpp"

#include <openssl/rand.h>

#include <array>
#include <utility>

namespace callboard::signalr {

bool hub_directory::add(const std::string& token, hub& home,
                        std::shared_ptr<hub_session> x) {
  std::lock_guard guard{mutex_};
  if (entries_.size() >= most_)
    return false;
  entries_.insert_or_assign(token, entry{&home, std::move(x)});
  return true;
}

void hub_directory::remove(const std::string& token) {
  std::shared_ptr<hub_session> gone; // ends outside the lock
  std::lock_guard guard{mutex_};
  auto found = entries_.find(token);
  if (found == entries_.end())
    return;
  gone = std::move(found->second.session);
  entries_.erase(found);
}

hub* hub_directory::home_of(const std::string& token) const {
  std::lock_guard guard{mutex_};
  auto found = entries_.find(token);
  return found == entries_.end() ? nullptr : found->second.home;
}

std::shared_ptr<hub_session>
hub_directory::find(const std::string& token) const {
  std::lock_guard guard{mutex_};
  auto found = entries_.find(token);
  return found == entries_.end() ? nullptr : found->second.session;
}

std::string new_secret() {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    return {};
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (auto x : bytes) {
    text += digits[x >> 4];
    text += digits[x & 0xf];
  }
  return text;
}

} // namespace callboard::signalr
