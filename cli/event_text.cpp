#include "cli/event_text.hpp"

#include "actors/model/json.hpp"

namespace callboard {

namespace {

constexpr std::size_t longest_detail = 160;

std::string text_of(const json::value& object, std::string_view key) {
  const auto at = object.find(key);
  if (!at || at->is(json::kind::null))
    return {};
  return at->is(json::kind::string) ? at->string() : std::string{at->raw()};
}

/// `text` on one line, safe for a terminal, of bounded length.
std::string one_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
    text.pop_back();
  for (auto& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      c = ' ';
  if (text.size() > longest_detail) {
    auto end = longest_detail;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
      --end;
    text.resize(end);
    text += "…";
  }
  return text;
}

void add(std::string& out, std::string_view word) {
  if (word.empty())
    return;
  if (!out.empty())
    out += ' ';
  out += word;
}

/// `changes` in words: the status first, then the rest as key=value.
std::string changes_text(const json::value& changes) {
  std::string out = text_of(changes, "status");
  for (const auto& [key, val] : changes.members()) {
    const auto name = key.string();
    if (name == "status" || name.ends_with("_at"))
      continue;
    add(out, name + '=' + std::string{val.raw()});
  }
  return out;
}

std::string timeline_text(const json::value& event) {
  const auto kind = text_of(event, "kind");
  std::string out = kind;
  if (kind == "log")
    out = text_of(event, "level");
  if (kind == "counter") {
    add(out, text_of(event, "name"));
    add(out, "+" + text_of(event, "count"));
  }
  for (const auto* key : {"step_id", "command", "phase", "value", "message"})
    add(out, text_of(event, key));
  return out;
}

std::string detail_of(const json::value& data) {
  std::string out = text_of(data, "step_id");
  if (const auto changes = data.find("changes"))
    add(out, changes_text(*changes));
  else if (const auto event = data.find("event"))
    add(out, timeline_text(*event));
  else if (const auto artifact = data.find("artifact"))
    add(out, text_of(*artifact, "name") + ' ' + text_of(*artifact, "size"));
  else if (const auto chunk = data.find("chunk"))
    add(out, "> " + text_of(data, "chunk"));
  else
    add(out, data.raw());
  return out;
}

/// "workflow:execution:step:updated" -> "step:updated": people know the rest.
std::string_view short_type(std::string_view type) {
  for (const std::string_view prefix : {"workflow:execution:", "workflow:"})
    if (type.starts_with(prefix))
      return type == "workflow:execution:updated" ? "run:updated"
                                                  : type.substr(prefix.size());
  return type;
}

std::string_view colour_of(const event_summary& x) {
  if (x.status == "completed")
    return "\x1b[32m";
  if (x.status == "failed" || x.status == "cancelled")
    return "\x1b[31m";
  if (x.status == "waiting" || x.status == "paused" || x.status == "retrying")
    return "\x1b[33m";
  return x.seq ? "\x1b[36m" : "\x1b[90m";
}

} // namespace

std::optional<event_summary> summarize(std::string_view frame) {
  const auto doc = json::document::parse(frame);
  if (!doc || !doc->root().is(json::kind::object))
    return std::nullopt;
  const auto root = doc->root();
  event_summary out;
  out.type = text_of(root, "type");
  if (out.type.empty())
    return std::nullopt;
  out.room = text_of(root, "room");
  out.ts = text_of(root, "ts");
  if (const auto seq = root.find("seq"); seq && seq->integer())
    out.seq = static_cast<std::uint64_t>(*seq->integer());
  const auto data = root.find("data");
  if (!data || !data->is(json::kind::object))
    return out;
  out.run = text_of(*data, "execution_id");
  if (const auto changes = data->find("changes"))
    out.status = text_of(*changes, "status");
  out.text = one_line(detail_of(*data));
  return out;
}

std::string event_line(const event_summary& event, bool colours) {
  std::string out;
  // 2026-01-02T03:04:05.678Z -> 03:04:05.678
  if (event.ts.size() == 24)
    out = event.ts.substr(11, 12);
  const auto number = event.seq ? '#' + std::to_string(*event.seq) : "live";
  out += std::string(number.size() < 7 ? 7 - number.size() : 1, ' ') + number;
  const auto type = short_type(event.type);
  out += "  ";
  if (colours)
    out += colour_of(event);
  out += type;
  if (colours)
    out += "\x1b[0m";
  out += std::string(type.size() < 16 ? 16 - type.size() : 1, ' ');
  if (!event.run.empty())
    out += event.run + "  ";
  return out + event.text;
}

} // namespace callboard
