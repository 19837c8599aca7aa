#include "cli/serve.hpp"

#include "actors/engine_host.hpp"
#include "actors/model/json.hpp"
#include "cli/logging.hpp"
#include "cli/stop_signals.hpp"
#include "transport/authenticator.hpp"
#include "transport/link/peer_network.hpp"
#include "transport/server.hpp"

#include <openssl/rand.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <memory>

namespace callboard {

namespace {

/// How long a node may replay its log before it gives up starting.
constexpr std::chrono::minutes start_limit{10};

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0)
    return "node";
  std::string out{name.data()};
  return valid_id(out) ? out : "node";
}

/// For `--dev` without a secret: tokens are good until the node ends.
result<std::string> random_secret() {
  std::array<unsigned char, 32> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    return fail(errc::internal, "the system gives no random numbers");
  std::string out;
  for (const auto byte : bytes) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

/// Every connection is a descriptor: take as many as we may have.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0
      && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
      spdlog::warn("the limit of open files stays at its default");
  }
}

std::string url_host(std::string_view address) {
  const auto host = address.substr(0, address.rfind(':'));
  if (host == "0.0.0.0" || host == "*")
    return "127.0.0.1";
  return host == "[::]" ? "[::1]" : std::string{host};
}

result<std::string> development_token(const settings& conf) {
  return authenticator::create(conf.auth).and_then(
    [](const authenticator& auth) {
      return auth.issue({.tenant = "dev",
                         .subject = "dev",
                         .scope = "publish subscribe operate",
                         .projects = {},
                         .lifetime = std::chrono::hours{24}},
                        std::chrono::system_clock::now());
    });
}

result<void> print_ready(const settings& conf, const std::string& node,
                         const server::bound& at) {
  std::string line = "{\"event\":\"ready\",\"url\":";
  json::append_quoted(line, "http://" + url_host(conf.listen.address) + ':'
                              + std::to_string(at.port));
  line += ",\"node\":";
  json::append_quoted(line, node);
  if (conf.node.dev) {
    const auto token = development_token(conf);
    if (!token)
      return tl::unexpected{token.error()};
    line += ",\"token\":";
    json::append_quoted(line, *token);
  }
  line += "}\n";
  std::fputs(line.c_str(), stdout);
  std::fflush(stdout);
  return {};
}

/// Fills in what depends on the machine and the mode.
result<void> complete(settings& conf) {
  if (conf.node.name.empty())
    conf.node.name = host_name();
  if (!conf.node.dev || !conf.auth.secret.empty()
      || !conf.auth.secret_file.empty())
    return {};
  return random_secret().map(
    [&conf](std::string x) { conf.auth.secret = std::move(x); });
}

/// The node's parts. The server is the engine's sink: it is made first and
/// outlives it.
struct node {
  std::unique_ptr<server> edge;
  std::unique_ptr<engine_host> host;
};

result<node> start(const settings& conf, stop_signals& signals) {
  node out;
  auto edge = server::create(conf);
  if (!edge)
    return tl::unexpected{edge.error()};
  out.edge = std::move(*edge);
  std::unique_ptr<peer_network> links;
  if (!conf.cluster.listen.empty()) {
    auto made = make_peer_network(conf);
    if (!made)
      return tl::unexpected{made.error()};
    links = std::move(*made);
  }
  auto host = make_engine(conf, *out.edge, std::move(links), CALLBOARD_VERSION);
  if (!host)
    return tl::unexpected{host.error()};
  out.host = std::move(*host);
  out.edge->on_drain_request([&signals] { signals.request(); });
  const auto undo = [&out](const problem& why) {
    out.edge->stop();
    out.host->stop();
    return tl::unexpected{why};
  };
  // Serving before the log is replayed lets /readyz say "not yet".
  const auto bound = out.edge->start(out.host->api());
  if (!bound)
    return undo(bound.error());
  if (auto ready = out.host->wait_until_ready(start_limit); !ready)
    return undo(ready.error());
  if (auto printed = print_ready(conf, out.host->api().node_name(), *bound);
      !printed)
    return undo(printed.error());
  return out;
}

} // namespace

exit_status serve(settings conf) {
  start_logging(conf.log);
  raise_descriptor_limit();
  if (auto done = complete(conf); !done)
    return complain(done.error());
  // Before any thread starts, so that all of them leave the signals to us.
  stop_signals signals;
  auto running = start(conf, signals);
  if (!running) {
    const auto& why = running.error();
    return complain(why.code == errc::invalid ? exit_status::usage
                                              : exit_status::failed,
                    why.detail);
  }
  spdlog::info("node {} serves, data in {}", conf.node.name,
               conf.node.data_dir);
  signals.wait();
  spdlog::info("draining");
  signals.end_at_once_on_next();
  // Other nodes lead from now on, while viewers and producers are still served.
  running->host->hand_over(conf.listen.drain_timeout / 2);
  running->edge->drain();
  running->host->drain(conf.listen.drain_timeout);
  running->edge->stop();
  running->host->stop();
  spdlog::info("stopped");
  return exit_status::done;
}

} // namespace callboard
