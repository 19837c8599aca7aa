#include "cli/logging.hpp"

#include "actors/model/event.hpp"
#include "actors/model/json.hpp"
#include "cli/output_text.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <memory>

namespace callboard {

namespace {

std::string_view view_of(spdlog::string_view_t x) {
  return {x.data(), x.size()};
}

/// `{"ts":…,"level":…,"thread":…,"message":…}`
class json_formatter : public spdlog::formatter {
public:
  void format(const spdlog::details::log_msg& line,
              spdlog::memory_buf_t& to) override {
    const auto since = line.time.time_since_epoch();
    std::string out = "{\"ts\":\"";
    out += iso8601(
      std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
    out += "\",\"level\":\"";
    out += view_of(spdlog::level::to_string_view(line.level));
    out += "\",\"thread\":";
    json::append_number(out, line.thread_id);
    out += ",\"message\":";
    json::append_quoted(out, to_utf8(view_of(line.payload)));
    out += "}\n";
    to.append(out.data(), out.data() + out.size());
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<json_formatter>();
  }
};

} // namespace

void start_logging(const settings::log_settings& conf) {
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  auto logger = std::make_shared<spdlog::logger>("callboard", sink);
  logger->set_level(spdlog::level::from_str(conf.level));
  logger->flush_on(spdlog::level::trace);
  if (conf.format == "json")
    logger->set_formatter(std::make_unique<json_formatter>());
  else
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %L %v",
                        spdlog::pattern_time_type::utc);
  spdlog::set_default_logger(std::move(logger));
}

} // namespace callboard
