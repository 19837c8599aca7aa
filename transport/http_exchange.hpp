#pragma once

#include "transport/call.hpp"
#include "transport/routes.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace callboard {

/// One request under way on a connection, from its head to its reply's bytes.
struct http_exchange {
  using clock = std::chrono::steady_clock;

  std::uint64_t number = 0; ///< Counts the requests of the connection.
  std::string request_id;
  std::string method;
  std::string path; ///< Without the query: it may hold what logs should not.
  std::string cors_origin;
  clock::time_point started;
  content_coding accepts = content_coding::identity;
  bool head_only = false;
  bool keep_alive = true;
  bool http_1_0 = false;
  answer_shape shape = answer_shape::document;
  std::size_t cost = 0; ///< Bytes of the body, which the engine still holds.
  std::optional<reply_address> asked; ///< Set while the engine works on it.
  std::optional<reply_bytes> reply;   ///< Set when done.
  std::optional<room_key> takes; ///< Of a worker: where it waits for a run.
  std::chrono::milliseconds waits{0}; ///< How long it may, by its own wish.

  // Of endpoints only.
  bool of_endpoint = false;
  bool streaming = false; ///< The reply's head is out, its body goes on.
  std::function<void()> drained;
  std::function<void()> gone;
};

/// The requests of one connection that are not yet answered, in order. Replies
/// leave in that order whatever the order in which they are made.
class http_pipeline {
public:
  bool empty() const noexcept {
    return exchanges_ == nullptr || exchanges_->empty();
  }

  std::size_t size() const noexcept {
    return exchanges_ == nullptr ? 0 : exchanges_->size();
  }

  std::size_t cost() const noexcept {
    return cost_;
  }

  /// Whether a request of that pace may be under way with those that are.
  bool admits(pace x) const noexcept {
    return empty() || (x == pace_ && x != pace::alone);
  }

  http_exchange& add(http_exchange x, pace with) {
    if (exchanges_ == nullptr)
      exchanges_ = std::make_unique<std::deque<http_exchange>>();
    pace_ = with;
    cost_ += x.cost;
    x.number = ++last_;
    return exchanges_->emplace_back(std::move(x));
  }

  /// nullptr when it was answered already.
  http_exchange* find(std::uint64_t number) noexcept {
    if (empty() || number < exchanges_->front().number)
      return nullptr;
    auto index = number - exchanges_->front().number;
    return index < exchanges_->size() ? &(*exchanges_)[index] : nullptr;
  }

  http_exchange* oldest() noexcept {
    return empty() ? nullptr : &exchanges_->front();
  }

  void pop() {
    cost_ -= exchanges_->front().cost;
    exchanges_->pop_front();
    if (exchanges_->empty())
      exchanges_.reset(); // idle connections hold nothing
  }

  template <class F>
  void for_each(F f) {
    if (exchanges_ != nullptr)
      for (auto& x : *exchanges_)
        f(x);
  }

private:
  std::unique_ptr<std::deque<http_exchange>> exchanges_;
  std::uint64_t last_ = 0;
  std::size_t cost_ = 0;
  pace pace_ = pace::read;
};

} // namespace callboard
