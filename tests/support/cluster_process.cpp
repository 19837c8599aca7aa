#include "tests/support/cluster_process.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>

namespace callboard::test {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view cluster_secret
  = "nodes-of-one-test-cluster-share-this-0123456789";
constexpr std::uint16_t port_in_network = 7400;

/// Loopback addresses are plenty: each test process takes one that no other
/// uses, so that ports found free stay free.
std::string own_loopback() {
  const auto pid = static_cast<unsigned>(::getpid());
  return "127." + std::to_string(64 + (pid >> 16 & 63)) + "."
         + std::to_string(pid >> 8 & 255) + "." + std::to_string(pid & 255);
}

std::string read_file(const fs::path& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

std::string last_lines(const std::string& text, std::size_t count) {
  auto at = text.size();
  for (std::size_t i = 0; i <= count && at > 0; ++i) {
    at = text.rfind('\n', at - 1);
    if (at == std::string::npos)
      return text;
  }
  return text.substr(at);
}

} // namespace

std::uint16_t free_port(const std::string& host) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  ::inet_pton(AF_INET, host.c_str(), &address.sin_addr);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const bool found = fd >= 0 && ::bind(fd, generic, size) == 0
                     && ::getsockname(fd, generic, &size) == 0;
  const int error = errno;
  ::close(fd);
  if (!found)
    throw std::system_error{error, std::system_category(), "a free port"};
  return ntohs(address.sin_port);
}

bool is_settled(const json::object& cluster, std::uint64_t lag) {
  const auto& shards = cluster.at("shards").as_array();
  return !shards.empty() && std::ranges::all_of(shards, [&](const auto& item) {
    const auto& shard = item.as_object();
    const auto* leader = shard.if_contains("leader");
    if (leader == nullptr || !leader->is_string()
        || leader->get_string().empty())
      return false;
    const auto* replicas = shard.if_contains("replicas");
    if (replicas == nullptr || !replicas->is_array())
      return true;
    return std::ranges::all_of(replicas->get_array(), [&](const auto& replica) {
      const auto* x = replica.is_object()
                        ? replica.get_object().if_contains("lag")
                        : nullptr;
      return x == nullptr || !x->is_number()
             || x->template to_number<std::uint64_t>() <= lag;
    });
  });
}

cluster_process::cluster_process(options opts) : opts_{std::move(opts)} {
  root_ = scratch_.path();
  if (const char* keep = std::getenv("CALLBOARD_TEST_KEEP")) {
    root_ = fs::path{keep} / scratch_.path().filename();
    fs::create_directories(root_);
  }
  for (int i = 0; i < opts_.nodes; ++i)
    make_node();
  if (opts_.start) {
    launch_all();
    await_all();
  }
}

cluster_process::~cluster_process() {
  kill_all();
  if (root_ != scratch_.path())
    std::printf("logs and data: %s\n", root_.c_str());
}

std::string cluster_process::free_address(int i) const {
  if (opts_.network != nullptr)
    return opts_.network->address(i) + ":" + std::to_string(port_in_network);
  const auto host = own_loopback();
  return host + ":" + std::to_string(free_port(host));
}

void cluster_process::make_node() {
  const int i = count_++;
  node_process::options opts;
  opts.dev = false; // it would listen on loopback only
  opts.binary = opts_.binary;
  opts.data_dir = root_ / name(i);
  opts.error_file = root_ / (name(i) + ".log");
  opts.env = opts_.env;
  opts.env.try_emplace("CALLBOARD_CLUSTER_SECRET", cluster_secret);
  opts.ready_limit = opts_.ready_limit;
  opts.start = false;
  nodes_.push_back(std::make_unique<node_process>(std::move(opts)));
  addresses_.push_back(free_address(i));
  paused_.push_back(false);
}

int cluster_process::add() {
  make_node();
  return count_ - 1;
}

std::optional<int> cluster_process::number(std::string_view name) const {
  for (int i = 0; i < count_; ++i) {
    if (cluster_process::name(i) == name)
      return i;
  }
  return std::nullopt;
}

std::vector<std::string> cluster_process::cluster_arguments(int i) const {
  auto result = opts_.arguments;
  if (!opts_.linked || (opts_.nodes == 1 && count_ == 1))
    return result;
  std::string seeds;
  for (int other = 0; other < count_; ++other)
    seeds += (other == 0 ? "" : ",") + address(other);
  for (const auto& word :
       {std::string{"--node"}, name(i), std::string{"--cluster-listen"},
        address(i), std::string{"--join"}, seeds})
    result.push_back(word);
  return result;
}

void cluster_process::launch(int i) {
  auto& process = node(i);
  process.settings().arguments = cluster_arguments(i);
  paused_[static_cast<std::size_t>(i)] = false;
  const auto here = where(i);
  process.launch();
}

void cluster_process::await_ready(int i) {
  try {
    node(i).await_ready();
  } catch (const timed_out& x) {
    throw timed_out{name(i) + ": " + x.what() + "\n" + log_ends()};
  }
  ports_.at(static_cast<std::size_t>(i)) = node(i).port();
}

void cluster_process::launch_all() {
  for (int i = 0; i < count_; ++i)
    launch(i);
}

void cluster_process::await_all() {
  for (int i = 0; i < count_; ++i)
    await_ready(i);
}

void cluster_process::kill(int i) {
  node(i).kill();
}

void cluster_process::kill_all() {
  for (auto& x : nodes_) {
    if (x->pid() > 0)
      x->send_signal(SIGKILL);
  }
  for (auto& x : nodes_)
    x->kill();
}

void cluster_process::pause(int i) {
  node(i).send_signal(SIGSTOP);
  paused_[static_cast<std::size_t>(i)] = true;
}

void cluster_process::resume(int i) {
  node(i).send_signal(SIGCONT);
  paused_[static_cast<std::size_t>(i)] = false;
}

void cluster_process::terminate(int i) {
  node(i).terminate();
}

void cluster_process::restart(int i) {
  kill(i);
  launch(i);
  await_ready(i);
}

void cluster_process::move(int i) {
  addresses_.at(static_cast<std::size_t>(i)) = free_address(i);
}

void cluster_process::lose_disk(int i) {
  fs::remove_all(node(i).data_dir());
}

bool cluster_process::alive(int i) {
  return node(i).pid() > 0 && node(i).running()
         && !paused_[static_cast<std::size_t>(i)];
}

http_response cluster_process::ask(int i, std::string_view method,
                                   std::string_view target,
                                   std::string_view body,
                                   std::chrono::milliseconds limit,
                                   const token_claims& claims) const {
  const auto here = where(i);
  http_client client{port(i), make_token(claims)};
  client.patience(limit);
  return client.send(method, target, body);
}

ws_client cluster_process::viewer(int i, std::string query) const {
  const auto here = where(i);
  ws_client result{port(i),
                   {.token = make_token({}), .query = std::move(query)}};
  result.receive_type("connected");
  return result;
}

json::object cluster_process::status(int i) const {
  const auto response = get(i, "/v1/admin/cluster");
  if (response.status != 200)
    throw std::runtime_error{"GET /v1/admin/cluster: " + response.body};
  return response.object();
}

std::optional<int> cluster_process::leader_of(std::string_view project,
                                              int i) const {
  const auto response
    = get(i, "/v1/admin/actors/room/project:" + std::string{project});
  if (response.status != 200)
    return std::nullopt;
  const auto room = response.object();
  const auto* leader = room.if_contains("node");
  if (leader == nullptr || !leader->is_string())
    return std::nullopt;
  return count_ == 1 ? 0 : number(std::string{leader->get_string()});
}

int cluster_process::find_leader(std::string_view project,
                                 std::chrono::milliseconds limit) {
  int found = -1;
  const bool known = eventually(
    [&] {
      for (int i = 0; i < count_ && found < 0; ++i) {
        try {
          if (alive(i) && port(i) != 0)
            found = leader_of(project, i).value_or(-1);
        } catch (const std::exception&) {
          // It may be on its way up or down; another one knows.
        }
        if (found >= 0 && !alive(found))
          found = -1; // its end is not noticed yet
      }
      return found >= 0;
    },
    limit);
  if (!known)
    throw timed_out{"nobody leads " + std::string{project} + "\n" + log_ends()};
  return found;
}

bool cluster_process::settled(std::chrono::milliseconds limit) {
  return eventually(
    [&] {
      for (int i = 0; i < count_; ++i) {
        try {
          if (alive(i) && (port(i) == 0 || !is_settled(status(i))))
            return false;
        } catch (const std::exception&) {
          return false;
        }
      }
      return true;
    },
    limit);
}

std::string cluster_process::log(int i) const {
  return read_file(root_ / (name(i) + ".log"));
}

std::string cluster_process::log_ends(std::size_t lines) const {
  std::string result;
  for (int i = 0; i < count_; ++i)
    result += "--- " + name(i) + "\n" + last_lines(log(i), lines) + "\n";
  return result;
}

} // namespace callboard::test
