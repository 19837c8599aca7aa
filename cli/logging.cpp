#include "cli/logging.hpp"

#include "actors/model/event.hpp"
#include "cli/json_object.hpp"
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

class json_formatter : public spdlog::formatter {
public:
  void format(const spdlog::details::log_msg& line,
              spdlog::memory_buf_t& to) override {
    const auto since = line.time.time_since_epoch();
    const auto out = json_log_line(
      std::chrono::duration_cast<std::chrono::milliseconds>(since).count(),
      view_of(spdlog::level::to_string_view(line.level)), line.thread_id,
      view_of(line.payload));
    to.append(out.data(), out.data() + out.size());
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<json_formatter>();
  }
};

} // namespace

std::string json_log_line(std::int64_t unix_ms, std::string_view level,
                          std::size_t thread, std::string_view message) {
  return json_object{}
           .text("ts", iso8601(unix_ms))
           .text("level", level)
           .number("thread", thread)
           .text("message", to_utf8(message))
           .str()
         + '\n';
}

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
