// An application on the Socket.IO library that does what the protocol's
// reference conformance server does, and an echo on the Engine.IO layer below
// it: `callboard_socketio_echo PORT` serves /socket.io and /engine.io on
// 127.0.0.1 until it gets SIGTERM. PORT 0 takes a free one; the first line on
// standard output says which.

#include "transport/server.hpp"
#include "transport/socketio/plain_client.hpp"
#include "transport/socketio/socketio_client.hpp"

#include "tests/unit/http/fake_engine.hpp"

#include <csignal>
#include <cstdio>
#include <memory>
#include <string>

namespace {

using namespace callboard;
using namespace std::chrono_literals;

/// Sends each message back.
class message_echo : public engine_io::client {
public:
  using engine_io::client::client;

protected:
  void on_message(std::string data, bool binary) override {
    send_message(std::move(data), binary);
  }
  void ended() override {
    // nop
  }
};

/// The reference's application.
class event_echo final : public socket_io::handlers {
public:
  bool serves(std::string_view nsp) const override {
    return nsp == "/" || nsp == "/custom";
  }

  void connecting(socket_io::connection& from, const std::string& nsp,
                  std::string auth) override {
    from.accept(nsp, R"({"sid":")" + engine_io::random_id() + R"("})");
    from.emit(nsp, R"(["auth",)" + auth + "]");
  }

  void on_event(socket_io::connection& from, const std::string& nsp,
                socket_io::event x) override {
    auto words = socket_io::split_event(x.data);
    std::string args;
    for (auto& arg : words.args)
      args += (args.empty() ? "" : ",") + arg;
    if (words.name == "message")
      from.emit(nsp,
                R"(["message-back")" + (args.empty() ? "" : "," + args) + "]",
                std::move(x.attachments));
    else if (words.name == "message-with-ack" && x.ack)
      from.acknowledge(nsp, *x.ack, "[" + args + "]", std::move(x.attachments));
  }

  void disconnected(socket_io::connection&, const std::string&) override {
    // nop
  }
};

engine_io::endpoint_options options(std::string path) {
  engine_io::endpoint_options x;
  x.path = std::move(path);
  x.session = {300ms, 200ms, 10s, 1'000'000};
  return x;
}

socket_io::connection_settings connection_options() {
  socket_io::connection_settings x;
  x.connect_timeout = 1s;
  return x;
}

} // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "usage: %s PORT\n", arguments[0]);
    return 2;
  }
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr); // before the threads begin

  settings conf;
  conf.listen.address = std::string{"127.0.0.1:"} + arguments[1];
  conf.listen.cors_origin = "*";
  conf.auth.secret = engine_io::random_id() + engine_io::random_id();
  auto served = server::create(conf);
  if (!served) {
    std::fprintf(stderr, "%s\n", served.error().detail.c_str());
    return 1;
  }
  auto& front = **served;
  front.serve(socket_io::make_endpoint(options("/socket.io"),
                                       connection_options(),
                                       std::make_shared<event_echo>()));
  front.serve(engine_io::make_endpoint(
    options("/engine.io"), [](hub& home, engine_io::client_opening x) {
      return std::make_shared<engine_io::plain<message_echo>>(home,
                                                              std::move(x));
    }));
  edge_sink* sink = &front;
  test::fake_engine nothing{sink};
  auto at = front.start(nothing);
  if (!at) {
    std::fprintf(stderr, "%s\n", at.error().detail.c_str());
    return 1;
  }
  std::printf("{\"port\":%u}\n", static_cast<unsigned>(at->port));
  std::fflush(stdout);
  int got = 0;
  sigwait(&ends, &got);
  front.stop();
  return 0;
}
