#pragma once

#include "transport/hub.hpp"
#include "transport/principal.hpp"
#include "transport/socket_client.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace callboard {

/// What clients that speak JSON over a plain WebSocket have in common: a token
/// that ends, requests to the engine with a limit, replies. Hub's thread.
class asking_client : public socket_client {
public:
  asking_client(hub& home, principal who);

  void wrote() override;
  bool is_busy() const noexcept override;
  bool awaits_engine() const noexcept override;
  bool awaits_answers() const noexcept override {
    return requests_ > 0;
  }
  /// Warns 30 seconds before the token expires, closes when it has.
  void check_time(std::chrono::steady_clock::time_point now) override;
  const principal& who() const noexcept override {
    return who_;
  }
  bool reaches(const project_id& project) const override;
  void wake() override;

protected:
  /// The token ends soon: told once.
  virtual void warn_of_expiry(std::chrono::seconds left) = 0;

  /// Queues a reply or notice.
  void send(std::string text);

  /// Has `call(address)` ask the engine; `then(answer)` gets the answer unless
  /// the connection is gone by then.
  template <class Call, class Then>
  void ask(std::size_t bytes, Call call, Then then) {
    ++requests_;
    request_bytes_ += bytes;
    auto handler = [this, bytes, alive = channel_->lifetime(),
                    then = std::move(then)](answer x) mutable {
      auto kept = alive.lock();
      if (!kept)
        return;
      --requests_;
      request_bytes_ -= bytes;
      then(std::move(x));
      wake(); // reading may go on, even if nothing was said
    };
    call(home_.expect(channel_->id(), std::move(handler)));
  }

  /// Looks up the project of a run that the token reaches; `then(result)`.
  /// errc::not_found: there is none, or it is not for this token.
  template <class Then>
  void find_project(const run_id& run, Then then) {
    ask(
      0,
      [this, &run](const reply_address& to) {
        query::find_run question{who_.tenant, run, {}};
        if (who_.restricted)
          question.only = who_.projects;
        home_.target().ask(to, std::move(question));
      },
      [then = std::move(then)](answer got) mutable {
        then(found_project(got));
      });
  }

  hub& home_;
  client_channel* channel_ = nullptr; ///< Null before it is opened.
  principal who_;
  bool warned_ = false; ///< Of this token's end.
  std::size_t requests_ = 0;
  std::size_t request_bytes_ = 0;

private:
  static result<project_id> found_project(answer& x);
};

} // namespace callboard
