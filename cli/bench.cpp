#include "cli/bench.hpp"

#include <sys/resource.h>

namespace callboard {

json_object& add_latency(json_object& to, std::string_view name,
                         const latency_record& x) {
  return to.raw(name, json_object{}
                        .real("p50_ms", x.percentile_ms(0.5))
                        .real("p90_ms", x.percentile_ms(0.9))
                        .real("p99_ms", x.percentile_ms(0.99))
                        .real("p999_ms", x.percentile_ms(0.999))
                        .real("max_ms", x.max_ms())
                        .str());
}

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return 1024;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

std::int64_t now_ns() noexcept {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}

} // namespace callboard
