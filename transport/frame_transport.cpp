#include "transport/frame_transport.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <array>

namespace callboard {

namespace {

constexpr std::size_t read_bytes = 64u << 10;

/// Shared by all connections of a thread: nothing stays in it between calls.
std::array<char, read_bytes>& scratch() {
  thread_local std::array<char, read_bytes> bytes;
  return bytes;
}

} // namespace

frame_transport::frame_transport(socket_type socket)
    : socket_{std::move(socket)}, last_input_{
                                    std::chrono::steady_clock::now()} {
  error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(boost::asio::ip::tcp::no_delay{true}, ignored);
}

bool frame_transport::peer_takes() noexcept {
  int unsent = 0;
  if (::ioctl(socket_.native_handle(), SIOCOUTQ, &unsent) != 0)
    return false;
  return std::exchange(last_unsent_, unsent) > unsent;
}

void frame_transport::discard(error_code& ec) {
  while (!ec)
    socket_.read_some(boost::asio::buffer(scratch()), ec);
}

void frame_transport::fill(error_code& ec) {
  auto n = socket_.read_some(boost::asio::buffer(scratch()), ec);
  if (ec)
    return;
  input_.assign(scratch().data(), n);
  input_bytes_ += n;
  last_input_ = std::chrono::steady_clock::now();
}

} // namespace callboard
