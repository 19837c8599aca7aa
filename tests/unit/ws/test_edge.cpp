#include "tests/unit/ws/test_edge.hpp"

#include "transport/http_head.hpp"
#include "transport/plain_endpoint.hpp"
#include "transport/websocket_entry.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>

#include <future>
#include <stdexcept>
#include <utility>

namespace callboard::test {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

class test_edge::listener {
public:
  explicit listener(hub& home)
      : home_{home}, acceptor_{home.io(),
                               {asio::ip::address_v4::loopback(), 0}} {
    accept();
  }

  std::uint16_t port() const {
    return acceptor_.local_endpoint().port();
  }

private:
  struct connection {
    explicit connection(tcp::socket x) : socket{std::move(x)} {
      // nop
    }
    tcp::socket socket;
    beast::flat_buffer buffer;
    http::request<http::string_body> request;
  };

  void accept() {
    acceptor_.async_accept([this](beast::error_code ec, tcp::socket socket) {
      if (ec)
        return;
      auto x = std::make_shared<connection>(std::move(socket));
      http::async_read(x->socket, x->buffer, x->request,
                       [this, x](beast::error_code failed, std::size_t) {
                         if (!failed)
                           open(*x);
                       });
      accept();
    });
  }

  /// What http_connection does with an upgrade.
  void open(connection& x) {
    endpoint_request asked;
    auto text = [&x](http::field name) { return std::string{x.request[name]}; };
    asked.target
      = request_target::parse(std::string{x.request.target()}).value();
    asked.token = bearer_token(text(http::field::authorization));
    for (auto name : {"access_token", "token"})
      if (auto* token = asked.target.find(name); token && asked.token.empty())
        asked.token = *token;
    asked.subprotocols = text(http::field::sec_websocket_protocol);
    auto opening = endpoint_->upgrade(home_, asked);
    start_websocket(home_, std::move(x.socket), x.request,
                    std::move(opening.value()));
  }

  hub& home_;
  std::unique_ptr<http_endpoint> endpoint_ = make_native_endpoint();
  tcp::acceptor acceptor_;
};

test_edge::test_edge(settings x) : conf{std::move(x)} {
  conf.auth.secret = "a secret that only the tests know, long enough";
  auto made = authenticator::create(conf.auth);
  if (!made)
    throw std::runtime_error{made.error().detail};
  auth_ = std::make_unique<authenticator>(std::move(*made));
  home = std::make_unique<hub>(hub_id{0}, conf, *auth_, metrics);
  home->attach(engine);
  listener_ = std::make_unique<listener>(*home);
  port = listener_->port();
  thread_ = std::thread{[this] { home->run(); }};
}

test_edge::~test_edge() {
  home->stop();
  thread_.join();
  listener_.reset();
}

std::string test_edge::token(authenticator::claims x) const {
  if (x.tenant.empty())
    x.tenant = "acme";
  if (x.subject.empty())
    x.subject = "ann";
  auto made = auth_->issue(x, std::chrono::system_clock::now());
  if (!made)
    throw std::runtime_error{made.error().detail};
  return *made;
}

std::string test_edge::token(std::string scope) const {
  authenticator::claims x;
  x.scope = std::move(scope);
  return token(std::move(x));
}

ws_client test_edge::connect(const std::string& target) {
  return connect_with({.target = target, .token = token()});
}

ws_client test_edge::connect_with(const ws_client::options& x) {
  return ws_client{port, x};
}

void test_edge::on_hub(std::function<void()> f) {
  std::promise<void> done;
  home->post([&] {
    f();
    done.set_value();
  });
  done.get_future().wait();
}

void test_edge::answers(hub_id, std::vector<answer> xs) {
  home->deliver(std::move(xs));
}

void test_edge::room(hub_id, std::vector<room_signal> xs) {
  home->deliver(std::move(xs));
}

void test_edge::admin(const reply_address&, admin_request) {
  // nop: nobody asks about its sessions
}

} // namespace callboard::test
