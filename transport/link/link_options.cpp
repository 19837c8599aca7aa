#include "transport/link/link_options.hpp"

#include <spdlog/spdlog.h>

#include <fstream>
#include <iterator>
#include <utility>

namespace callboard {

namespace {

/// As long as the hash that it keys. Proofs can be heard on a network without
/// TLS and tried against guesses.
constexpr std::size_t good_secret_bytes = 32;

result<std::string> read_secret(const settings::cluster_settings& conf) {
  if (!conf.secret.empty() || conf.secret_file.empty())
    return conf.secret;
  std::ifstream file{conf.secret_file, std::ios::binary};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  if (!file.is_open() || file.bad())
    return fail(errc::invalid,
                "cluster.secret_file \"" + conf.secret_file
                  + "\" cannot be read",
                "/cluster/secret_file");
  if (text.ends_with('\n'))
    text.pop_back();
  if (text.ends_with('\r'))
    text.pop_back();
  if (text.empty())
    return fail(errc::invalid,
                "cluster.secret_file \"" + conf.secret_file + "\" is empty",
                "/cluster/secret_file");
  return text;
}

result<std::shared_ptr<const tls_credentials>>
read_certificates(const settings::cluster_settings& conf) {
  auto given = !conf.certificate_file.empty() + !conf.key_file.empty()
               + !conf.ca_file.empty();
  if (given == 0)
    return std::shared_ptr<const tls_credentials>{};
  if (given < 3)
    return fail(errc::invalid,
                "TLS between nodes needs all three: cluster.certificate_file, "
                "cluster.key_file and cluster.ca_file",
                "/cluster/certificate_file");
  return tls_credentials::read(conf.certificate_file, conf.key_file,
                               conf.ca_file);
}

} // namespace

result<link_options> make_link_options(const settings& conf) {
  auto& from = conf.cluster;
  auto secret = read_secret(from);
  if (!secret)
    return tl::unexpected{secret.error()};
  auto tls = read_certificates(from);
  if (!tls)
    return tl::unexpected{tls.error()};
  if (secret->empty() && !*tls && !conf.node.dev)
    return fail(errc::invalid,
                "a node of a cluster needs a secret that its peers know too: "
                "set CALLBOARD_CLUSTER_SECRET or cluster.secret_file, or "
                "cluster.certificate_file, cluster.key_file and "
                "cluster.ca_file",
                "/cluster/secret_file");
  if (!secret->empty() && secret->size() < good_secret_bytes)
    spdlog::warn("cluster.secret has {} bytes; {} or more cannot be guessed",
                 secret->size(), good_secret_bytes);
  if (from.link_heartbeat.count() <= 0
      || from.link_timeout < 2 * from.link_heartbeat)
    return fail(errc::invalid,
                "cluster.link_timeout must be at least twice "
                "cluster.link_heartbeat",
                "/cluster/link_timeout");
  if (from.frame_bytes > 0xffff'ffffu)
    return fail(errc::invalid, "cluster.frame_bytes must be below 4 GiB",
                "/cluster/frame_bytes");
  return link_options{
    from.listen,           std::move(*secret), std::move(*tls),
    from.link_queue_bytes, from.frame_bytes,   from.link_heartbeat,
    from.link_timeout,     from.dial_timeout,  from.redial_interval};
}

} // namespace callboard
