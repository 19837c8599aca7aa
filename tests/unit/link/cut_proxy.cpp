#include "tests/unit/link/cut_proxy.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <atomic>
#include <thread>
#include <utility>
#include <vector>

namespace callboard::test {

namespace asio = boost::asio;

using boost::system::error_code;
using tcp = asio::ip::tcp;

namespace {

struct cuts {
  bool from_dialer = false, to_dialer = false;
};

/// One connection; its two ways are pumped by themselves.
struct passage : std::enable_shared_from_this<passage> {
  passage(asio::io_context& io, const cuts& now_)
      : dialer{io}, node{io}, now{now_} {
  }

  tcp::socket dialer, node;
  const cuts& now;
  struct way {
    std::array<char, 16 << 10> bytes;
    bool waits = false; ///< For the cut to heal.
  } out, back;

  bool is_cut(const way& w) const {
    return &w == &out ? now.from_dialer : now.to_dialer;
  }

  void pump(way& w) {
    if (is_cut(w)) {
      w.waits = true;
      return;
    }
    auto& from = &w == &out ? dialer : node;
    from.async_read_some(
      asio::buffer(w.bytes),
      [self = shared_from_this(), &w](const error_code& ec, std::size_t n) {
        self->read(w, ec, n);
      });
  }

  void read(way& w, const error_code& ec, std::size_t n) {
    // What was read just before the cut is lost with the connection.
    if (is_cut(w)) {
      w.waits = true;
      return;
    }
    if (ec)
      return close();
    auto& to = &w == &out ? node : dialer;
    asio::async_write(
      to, asio::buffer(w.bytes.data(), n),
      [self = shared_from_this(), &w](const error_code& failed, std::size_t) {
        if (failed)
          self->close();
        else
          self->pump(w);
      });
  }

  void close() {
    error_code ignored;
    dialer.close(ignored);
    node.close(ignored);
  }

  /// A cut lost bytes, so this connection is over. Whoever still holds it hears
  /// of it now.
  void heal() {
    if (out.waits || back.waits)
      close();
  }
};

} // namespace

struct cut_proxy::impl {
  asio::io_context io;
  tcp::acceptor acceptor{io, {asio::ip::address_v4::loopback(), 0}};
  std::uint16_t to;
  cuts now;
  std::vector<std::shared_ptr<passage>> passages;
  std::atomic<std::size_t> connections{0};
  std::thread thread;

  void accept() {
    auto made = std::make_shared<passage>(io, now);
    acceptor.async_accept(made->dialer, [this, made](const error_code& ec) {
      if (ec)
        return;
      ++connections;
      passages.push_back(made);
      tcp::endpoint node{asio::ip::address_v4::loopback(), to};
      made->node.async_connect(node, [made](const error_code& failed) {
        if (failed)
          return made->close();
        made->pump(made->out);
        made->pump(made->back);
      });
      accept();
    });
  }
};

cut_proxy::cut_proxy(std::uint16_t to) : impl_{std::make_unique<impl>()} {
  impl_->to = to;
  impl_->accept();
  impl_->thread = std::thread{[this] { impl_->io.run(); }};
}

cut_proxy::~cut_proxy() {
  impl_->io.stop();
  impl_->thread.join();
}

std::string cut_proxy::address() const {
  return "127.0.0.1:" + std::to_string(impl_->acceptor.local_endpoint().port());
}

void cut_proxy::cut(bool from_dialer, bool to_dialer) {
  asio::post(impl_->io, [this, from_dialer, to_dialer] {
    impl_->now = {from_dialer, to_dialer};
  });
}

void cut_proxy::heal() {
  asio::post(impl_->io, [this] {
    impl_->now = {};
    for (auto& x : impl_->passages)
      x->heal();
    impl_->passages.clear();
  });
}

std::size_t cut_proxy::connections() const {
  return impl_->connections;
}

} // namespace callboard::test
