#include "tests/unit/link/link_fixture.hpp"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <thread>

namespace callboard::test {

bool eventually(const std::function<bool()>& holds,
                std::chrono::milliseconds limit) {
  auto end = std::chrono::steady_clock::now() + limit;
  while (std::chrono::steady_clock::now() < end) {
    if (holds())
      return true;
    std::this_thread::sleep_for(2ms);
  }
  return holds();
}

struct log_capture::lines : spdlog::sinks::base_sink<std::mutex> {
  void sink_it_(const spdlog::details::log_msg& x) override {
    text.append(x.payload.data(), x.payload.size());
    text.push_back('\n');
  }
  void flush_() override {
  }
  std::string copy() {
    std::unique_lock guard{mutex_};
    return text;
  }
  std::string text;
};

log_capture::log_capture()
    : before_{spdlog::default_logger()}, lines_{std::make_shared<lines>()} {
  spdlog::set_default_logger(
    std::make_shared<spdlog::logger>("captured", lines_));
}

log_capture::~log_capture() {
  spdlog::set_default_logger(before_);
}

std::string log_capture::text() const {
  return lines_->copy();
}

bool log_capture::has(const std::string& part) const {
  return count(part) > 0;
}

std::size_t log_capture::count(const std::string& part) const {
  auto all = text();
  std::size_t n = 0;
  for (auto at = all.find(part); at != all.npos; at = all.find(part, at + 1))
    ++n;
  return n;
}

settings link_settings() {
  settings result;
  auto& x = result.cluster;
  x.listen = "127.0.0.1:0";
  x.secret = "a secret of the tests, long enough";
  x.link_heartbeat = 50ms;
  x.link_timeout = 600ms;
  x.dial_timeout = 1000ms;
  x.redial_interval = 30ms;
  return result;
}

peer_identity identity(const std::string& name) {
  static std::uint64_t incarnation = 100;
  peer_identity x;
  x.name = name;
  x.disk = "disk-of-" + name;
  x.program = "test";
  x.incarnation = ++incarnation;
  return x;
}

// -- recording_sink -----------------------------------------------------------

void recording_sink::peer_up(peer_session session, const peer_identity& who) {
  std::unique_lock guard{mutex_};
  if (std::ranges::find(ups_, session) != ups_.end())
    faults_.push_back("a session was up twice");
  for (auto& peer : open_peers_)
    if (peer.disk == who.disk)
      faults_.push_back("two sessions with " + who.name);
  ups_.push_back(session);
  open_.push_back(session);
  peers_.push_back(who);
  open_peers_.push_back(who);
}

void recording_sink::peer_down(peer_session session) {
  std::unique_lock guard{mutex_};
  auto found = std::ranges::find(open_, session);
  if (found == open_.end()) {
    faults_.push_back("a session was down that was not up");
    return;
  }
  open_peers_.erase(open_peers_.begin() + (found - open_.begin()));
  open_.erase(found);
  downs_.push_back(session);
}

void recording_sink::peer_frame(peer_session session, peer_lane lane,
                                std::string frame) {
  std::unique_lock guard{mutex_};
  if (std::ranges::find(open_, session) == open_.end())
    faults_.push_back("a frame of a session that is not up");
  ++frame_count_;
  if (!count_only)
    frames_.push_back({session, lane, std::move(frame)});
}

peer_session recording_sink::session() const {
  std::unique_lock guard{mutex_};
  return open_.empty() ? peer_session{} : open_.front();
}

peer_session recording_sink::session_with(const std::string& name) const {
  std::unique_lock guard{mutex_};
  for (std::size_t i = 0; i < open_.size(); ++i)
    if (open_peers_[i].name == name)
      return open_[i];
  return {};
}

std::vector<peer_session> recording_sink::ups() const {
  std::unique_lock guard{mutex_};
  return ups_;
}

std::vector<peer_session> recording_sink::downs() const {
  std::unique_lock guard{mutex_};
  return downs_;
}

std::vector<peer_identity> recording_sink::peers() const {
  std::unique_lock guard{mutex_};
  return peers_;
}

std::vector<recording_sink::arrival> recording_sink::frames() const {
  std::unique_lock guard{mutex_};
  return frames_;
}

std::size_t recording_sink::frame_count() const {
  std::unique_lock guard{mutex_};
  return frame_count_;
}

std::vector<std::string> recording_sink::faults() const {
  std::unique_lock guard{mutex_};
  return faults_;
}

// -- link_node ----------------------------------------------------------------

link_node::link_node(const std::string& name, const settings& conf_)
    : conf{conf_}, self{identity(name)}, sink{
                                           std::make_unique<recording_sink>()} {
  conf.node.name = name;
}

link_node::~link_node() {
  if (network)
    network->stop();
  for (auto& fault : sink->faults())
    ADD_FAILURE() << self.name << ": " << fault;
}

void link_node::start() {
  auto made = make_peer_network(conf);
  if (!made)
    throw std::runtime_error{made.error().detail};
  network = std::move(*made);
  auto bound = network->start(self, *sink);
  if (!bound)
    throw std::runtime_error{bound.error().detail};
  port = *bound;
}

void link_node::restart() {
  network->stop();
  network.reset();
  self.incarnation += 1000;
  start();
}

std::string link_node::address() const {
  return "127.0.0.1:" + std::to_string(port);
}

bool link_node::send(const std::string& peer, peer_lane lane,
                     std::string frame) {
  return network->send(sink->session_with(peer), lane,
                       std::make_shared<const std::string>(std::move(frame)));
}

void meet(link_node& a, link_node& b) {
  a.network->set_targets({b.address()});
  ASSERT_TRUE(eventually([&] {
    return a.sink->session_with(b.self.name).value
           && b.sink->session_with(a.self.name).value;
  }));
}

} // namespace callboard::test
