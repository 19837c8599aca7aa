#include "config/load_settings.hpp"

#include "actors/model/ids.hpp"
#include "config/suggest.hpp"
#include "config/toml_settings.hpp"

#include <unistd.h>

#include <algorithm>

namespace callboard {

namespace {

/// Variables that other verbs and their children read.
constexpr std::string_view other_variables[]
  = {"CALLBOARD_URL",    "CALLBOARD_TOKEN",   "CALLBOARD_PROJECT",
     "CALLBOARD_RUN_ID", "CALLBOARD_STEP_ID", "CALLBOARD_ATTEMPT"};

bool is_setting_like(std::string_view name) {
  return name.starts_with("CALLBOARD_") && !name.starts_with("CALLBOARD_INPUT")
         && std::ranges::find(other_variables, name)
              == std::end(other_variables);
}

void read_environment(
  settings& conf,
  const std::vector<std::pair<std::string, std::string>>& environment,
  std::vector<std::string>& errors, std::vector<std::string>& warnings) {
  std::vector<std::string> names;
  for (const auto& x : setting_table())
    names.push_back(environment_name(x));
  for (const auto& [name, value] : environment) {
    if (!is_setting_like(name))
      continue;
    const auto at = std::ranges::find(names, name);
    if (at == names.end()) {
      warnings.push_back("environment: " + name + " is not a setting"
                         + did_you_mean(name, names));
      continue;
    }
    const auto& x
      = setting_table()[static_cast<std::size_t>(at - names.begin())];
    if (auto done = assign(conf, x, value); !done)
      errors.push_back("environment: " + name + " = "
                       + (x.secret ? "(hidden)" : '"' + value + '"') + ": "
                       + done.error().detail);
  }
}

/// What belongs to a cluster only. Most of it means nothing without one.
std::vector<std::string> check_cluster(const settings& conf) {
  const auto& x = conf.cluster;
  std::vector<std::string> errors;
  const auto refuse_if = [&errors](bool wrong, const char* what) {
    if (wrong)
      errors.emplace_back(what);
  };
  const auto files = int{!x.certificate_file.empty()} + int{!x.key_file.empty()}
                     + int{!x.ca_file.empty()};
  refuse_if(files != 0 && files != 3,
            "cluster.certificate_file, cluster.key_file and cluster.ca_file "
            "belong together: give all three or none");
  refuse_if(x.listen.empty() && !x.advertise.empty(),
            "cluster.advertise without cluster.listen: nobody would answer "
            "there");
  refuse_if(x.listen.empty() && !x.join.empty(),
            "cluster.join without cluster.listen: give HOST:PORT for the other "
            "nodes");
  refuse_if(x.advertise.ends_with(":0"),
            "cluster.advertise has port 0: nobody could dial it");
  refuse_if(x.replicas % 2 == 0,
            "cluster.replicas is even: an odd number survives as many lost "
            "nodes with one replica less");
  refuse_if(x.election_timeout < 3 * x.heartbeat,
            "cluster.election_timeout is less than three times "
            "cluster.heartbeat: one late heartbeat would cost the leader");
  refuse_if(x.link_timeout <= 2 * x.link_heartbeat,
            "cluster.link_timeout is not more than twice "
            "cluster.link_heartbeat: live links would be given up");
  if (x.listen.empty())
    return errors;
  refuse_if(x.frame_bytes < conf.limits.body_bytes + conf.engine.batch_bytes,
            "cluster.frame_bytes is less than limits.body_bytes and "
            "engine.batch_bytes together: large requests could not be passed "
            "on");
  refuse_if(x.link_queue_bytes < x.frame_bytes,
            "cluster.link_queue_bytes is less than cluster.frame_bytes: large "
            "messages could never leave");
  refuse_if(x.frame_bytes < 2 * x.chunk_bytes,
            "cluster.chunk_bytes is more than half of cluster.frame_bytes");
  refuse_if(x.secret.empty() && x.secret_file.empty() && files == 0
              && !conf.node.dev,
            "cluster.listen without a secret: set CALLBOARD_CLUSTER_SECRET or "
            "cluster.secret_file, the same on every node, or give "
            "certificates");
  return errors;
}

} // namespace

tl::expected<loaded_settings, std::vector<std::string>>
load_settings(const setting_sources& from) {
  loaded_settings out;
  std::vector<std::string> errors;
  if (from.file)
    read_toml_file(out.conf, *from.file, errors);
  read_environment(out.conf, from.environment, errors, out.warnings);
  for (const auto& [x, text] : from.flags)
    if (auto done = assign(out.conf, *x, text); !done)
      errors.push_back("flag: " + flag_name(*x) + " = \"" + text
                       + "\": " + done.error().detail);
  if (errors.empty())
    errors = check_together(out.conf);
  if (!errors.empty())
    return tl::unexpected{std::move(errors)};
  return out;
}

std::vector<std::string> check_together(const settings& conf) {
  auto errors = check_cluster(conf);
  if (!conf.node.name.empty() && !valid_id(conf.node.name))
    errors.push_back("node.name = \"" + conf.node.name
                     + "\": expected 1 to 128 of A-Z a-z 0-9 . _ : -");
  if (conf.node.data_dir.empty())
    errors.emplace_back("node.data_dir is empty: name a directory");
  if (conf.listen.address.empty())
    errors.emplace_back("listen.address is empty: give HOST:PORT");
  if (conf.listen.ping_interval * 2 > conf.listen.idle_timeout)
    errors.emplace_back("listen.ping_interval is more than half of "
                        "listen.idle_timeout: live peers would be dropped");
  if (conf.limits.event_bytes > conf.limits.body_bytes)
    errors.emplace_back("limits.event_bytes is more than limits.body_bytes: no "
                        "request could hold such an event");
  if (conf.limits.event_bytes > conf.limits.proposal_bytes_in_flight)
    errors.emplace_back(
      "limits.event_bytes is more than "
      "limits.proposal_bytes_in_flight: such an event would be "
      "refused for ever");
  if (conf.node.dev)
    for (const auto& address :
         {conf.listen.address, conf.listen.operator_address,
          conf.cluster.listen})
      if (!address.empty() && !is_loopback(address))
        errors.push_back(
          "--dev listens on loopback only, not on " + address
          + ": leave --dev out and give CALLBOARD_AUTH_SECRET, or listen on "
            "127.0.0.1");
  return errors;
}

std::vector<std::pair<std::string, std::string>> process_environment() {
  std::vector<std::pair<std::string, std::string>> out;
  for (auto** at = environ; at != nullptr && *at != nullptr; ++at) {
    const std::string_view line{*at};
    if (const auto equals = line.find('='); equals != std::string_view::npos)
      out.emplace_back(line.substr(0, equals), line.substr(equals + 1));
  }
  return out;
}

bool is_loopback(std::string_view address) {
  const auto host = address.substr(0, address.rfind(':'));
  if (host == "localhost" || host == "[::1]")
    return true;
  // 127.0.0.0/8 in digits only: "127.example.com" is somebody's host.
  return host.starts_with("127.")
         && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

} // namespace callboard
