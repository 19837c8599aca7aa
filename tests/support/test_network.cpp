#include "tests/support/test_network.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

namespace callboard::test {

namespace {

constexpr std::size_t largest_frame = 65'536;
constexpr std::size_t ethernet_head = 14;
/// Frames that wait for their delay to pass; more are dropped.
constexpr std::size_t most_late_frames = 20'000;

int checked(int result, const char* what) {
  if (result < 0)
    throw std::system_error{errno, std::system_category(), what};
  return result;
}

int own_namespace() {
  return checked(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC),
                 "open own network namespace");
}

ifreq named(const char* device) {
  ifreq result{};
  std::strncpy(result.ifr_name, device, IFNAMSIZ - 1);
  return result;
}

/// A descriptor that is closed in any case.
struct scoped_fd {
  int fd;
  ~scoped_fd() {
    ::close(fd);
  }
};

void bring_up(int socket, const char* device) {
  auto request = named(device);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  checked(::ioctl(socket, SIOCSIFFLAGS, &request), "bring up a device");
}

void set_address(int socket, const char* device, std::uint32_t host_order,
                 unsigned long what) {
  auto request = named(device);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(host_order);
  std::memcpy(&request.ifr_addr, &address, sizeof address);
  checked(::ioctl(socket, what, &request), "give a device its address");
}

std::uint32_t address_of(int host) {
  return (10u << 24) + (77u << 16) + static_cast<std::uint32_t>(host) + 1;
}

/// 02:00:00:00:00:NN.
void set_hardware_address(int socket, const char* device, int host) {
  auto request = named(device);
  request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
  request.ifr_hwaddr.sa_data[0] = 2;
  request.ifr_hwaddr.sa_data[5] = static_cast<char>(host + 1);
  checked(::ioctl(socket, SIOCSIFHWADDR, &request), "name a device");
}

void write_file(const char* path, const std::string& text) {
  std::ofstream{path} << text;
}

/// A user namespace in which this process is root, and a network namespace of
/// that user's as the place to return to: it may not return to the one before.
void become_root_of_its_own() {
  const auto user = std::to_string(::getuid());
  const auto group = std::to_string(::getgid());
  checked(::unshare(CLONE_NEWUSER), "make a user namespace");
  write_file("/proc/self/setgroups", "deny");
  write_file("/proc/self/uid_map", "0 " + user + " 1");
  write_file("/proc/self/gid_map", "0 " + group + " 1");
  checked(::unshare(CLONE_NEWNET), "make a network namespace");
  const scoped_fd control{
    checked(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket")};
  bring_up(control.fd, "lo");
}

} // namespace

std::string test_network::unavailable() {
  try {
    if (::geteuid() != 0)
      become_root_of_its_own();
    const test_network probe{1};
    return {};
  } catch (const std::system_error& x) {
    return x.what();
  }
}

test_network::test_network(int hosts, std::uint32_t seed) : random_{seed} {
  const scoped_fd before{own_namespace()};
  try {
    for (int i = 0; i < std::min(hosts, most_hosts); ++i)
      make_host(i);
  } catch (...) {
    ::setns(before.fd, CLONE_NEWNET);
    throw;
  }
  checked(::setns(before.fd, CLONE_NEWNET), "return from a namespace");
  wake_ = checked(::eventfd(0, EFD_CLOEXEC), "eventfd");
  thread_ = std::jthread{[this](const std::stop_token& stop) { work(stop); }};
}

test_network::~test_network() {
  thread_.request_stop();
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto ignored = ::write(wake_, &one, sizeof one);
  thread_.join();
  ::close(wake_);
  for (const auto& x : hosts_) {
    ::close(x.tap);
    ::close(x.name_space);
  }
}

void test_network::make_host(int number) {
  checked(::unshare(CLONE_NEWNET), "make a network namespace");
  auto& made = hosts_.emplace_back();
  made.name_space = own_namespace();
  made.tap = checked(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK),
                     "/dev/net/tun");
  auto request = named("eth0");
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  checked(::ioctl(made.tap, TUNSETIFF, &request), "make a TAP device");
  const scoped_fd control{
    checked(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket")};
  set_hardware_address(control.fd, "eth0", number);
  set_address(control.fd, "eth0", address_of(number), SIOCSIFADDR);
  set_address(control.fd, "eth0", 0xffffff00u, SIOCSIFNETMASK);
  bring_up(control.fd, "lo");
  bring_up(control.fd, "eth0");
}

std::string test_network::address(int host) const {
  return "10.77.0." + std::to_string(host + 1);
}

test_network::inside::inside(const test_network& net, int host)
    : before_{own_namespace()} {
  checked(::setns(net.hosts_.at(static_cast<std::size_t>(host)).name_space,
                  CLONE_NEWNET),
          "enter a namespace");
}

test_network::inside::~inside() {
  // Cannot fail: it is where this thread came from.
  ::setns(before_, CLONE_NEWNET);
  ::close(before_);
}

void test_network::cut(int from, int to) {
  loss(from, to) = whole;
}

void test_network::isolate(int host) {
  for (int other = 0; other < size(); ++other) {
    cut(host, other);
    cut(other, host);
  }
}

void test_network::heal() {
  delay_ms_ = 0;
  for (auto& x : loss_)
    x = 0;
}

void test_network::lose(double share) {
  for (auto& x : loss_) {
    if (x != whole)
      x = static_cast<std::uint32_t>(share * whole);
  }
}

void test_network::delay(std::chrono::milliseconds x) {
  delay_ms_ = x.count();
}

void test_network::work(const std::stop_token& stop) {
  std::vector<pollfd> entries;
  for (const auto& x : hosts_)
    entries.push_back({x.tap, POLLIN, 0});
  entries.push_back({wake_, POLLIN, 0});
  while (!stop.stop_requested()) {
    int wait = -1;
    if (!late_.empty()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        late_.front().due - clock::now());
      wait = static_cast<int>(std::max<std::int64_t>(left.count(), 0));
    }
    if (::poll(entries.data(), entries.size(), wait) < 0 && errno != EINTR)
      return;
    for (int from = 0; from < size(); ++from)
      take_frames(from);
    deliver_due();
  }
}

void test_network::take_frames(int from) {
  frame_.resize(largest_frame);
  for (int i = 0; i < 64; ++i) { // then it is another host's turn
    const auto got = ::read(hosts_[static_cast<std::size_t>(from)].tap,
                            frame_.data(), frame_.size());
    if (got < static_cast<ssize_t>(ethernet_head))
      return;
    const std::string taken = frame_.substr(0, static_cast<std::size_t>(got));
    const bool for_all = (taken[0] & 1) != 0;
    for (int to = 0; to < size(); ++to) {
      if (to != from && (for_all || taken[5] == static_cast<char>(to + 1)))
        pass(from, to, taken);
    }
  }
}

void test_network::pass(int from, int to, const std::string& frame) {
  if (random_() % whole < loss(from, to)) {
    ++dropped_;
    return;
  }
  late_.push_back(
    {clock::now() + std::chrono::milliseconds{delay_ms_}, to, frame});
  if (late_.size() > most_late_frames) {
    late_.pop_front();
    ++dropped_;
  }
}

void test_network::deliver_due() {
  while (!late_.empty() && late_.front().due <= clock::now()) {
    const auto& frame = late_.front();
    // A device whose queue is full drops, as real ones do.
    const auto sent = ::write(hosts_[static_cast<std::size_t>(frame.to)].tap,
                              frame.bytes.data(), frame.bytes.size());
    ++(sent > 0 ? passed_ : dropped_);
    late_.pop_front();
  }
}

} // namespace callboard::test
