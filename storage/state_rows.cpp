#include "storage/state_rows.hpp"

#include "actors/model/event.hpp"
#include "actors/model/json.hpp"
#include "storage/coding.hpp"

namespace callboard::rows {

namespace {

constexpr std::uint8_t row_format = 1;
constexpr std::uint8_t dispatched_run_format = 2;
constexpr std::uint8_t story_format = 2; // tallies and steps, with their story

// How a field's value is stored.
constexpr char value_inline = 0;
constexpr char value_large = 1;

tl::unexpected<problem> malformed(std::string_view what) {
  return fail(errc::internal,
              "stored " + std::string{what}
                + " is malformed; the store is damaged or of another program");
}

std::string start(std::uint8_t format = row_format) {
  return std::string(1, static_cast<char>(format));
}

bool check_format(coding::reader& in) noexcept {
  std::uint8_t format = 0;
  return in.byte(format) && format == row_format;
}

bool check_format(coding::reader& in, std::uint8_t& format) noexcept {
  return in.byte(format) && format >= row_format && format <= story_format;
}

bool get_flag(coding::reader& in, bool& out) noexcept {
  std::uint8_t x = 0;
  if (!in.byte(x) || x > 1)
    return false;
  out = x == 1;
  return true;
}

void put_fields(std::string& out, const field_map& x) {
  coding::put_varint(out, x.fields().size());
  for (auto& [key, raw] : x.fields()) {
    coding::put_text(out, key);
    if (raw == large_marker) {
      out.push_back(value_large);
    } else {
      out.push_back(value_inline);
      coding::put_text(out, raw);
    }
  }
}

/// Takes all of the rest.
bool get_fields(coding::reader& in, field_map& out) {
  std::uint64_t count = 0;
  if (!in.varint(count))
    return false;
  for (; count > 0; --count) {
    std::string_view key, raw;
    std::uint8_t form = 0;
    if (!in.text(key) || !in.byte(form))
      return false;
    if (form == value_large)
      raw = large_marker;
    else if (form != value_inline || !in.text(raw))
      return false;
    out.append(std::string{key}, std::string{raw});
  }
  return in.done();
}

bool get_dispatch(coding::reader& in, run& out) {
  std::string_view queue, secret, worker;
  auto& x = out.dispatch.emplace();
  if (!in.text(queue) || !in.varint(x.attempt) || !in.varint(x.term)
      || !in.text(secret) || !in.text(worker))
    return false;
  x.queue = queue;
  x.secret = secret;
  x.worker = worker;
  x.created_ms = out.created_ms;
  return true;
}

} // namespace

std::string encode(const room& x) {
  auto out = start();
  coding::put_varint(out, x.head.value);
  coding::put_varint(out, x.oldest.value);
  coding::put_big_endian(out, x.epoch);
  coding::put_zigzag(out, x.created_ms);
  return out;
}

std::string encode(const run& x) {
  std::string out(
    1, static_cast<char>(x.dispatch ? dispatched_run_format : row_format));
  out.push_back(static_cast<char>(x.status));
  coding::put_zigzag(out, x.created_ms);
  if (x.dispatch) {
    coding::put_text(out, x.dispatch->queue);
    coding::put_varint(out, x.dispatch->attempt);
    coding::put_varint(out, x.dispatch->term);
    coding::put_text(out, x.dispatch->secret);
    coding::put_text(out, x.dispatch->worker);
  }
  put_fields(out, x.fields);
  return out;
}

bool is_queued(const run& x) noexcept {
  return x.dispatch && x.status == run_status::pending;
}

bool is_leased(const run& x) noexcept {
  return x.dispatch && !x.dispatch->secret.empty() && !is_ended(x.status);
}

std::string encode(const tally& x) {
  auto out = start(story_format);
  coding::put_varint(out, x.steps);
  coding::put_varint(out, x.events);
  coding::put_varint(out, x.artifacts);
  coding::put_varint(out, x.phases);
  out.push_back(x.begun ? 1 : 0);
  out.push_back(x.ran ? 1 : 0);
  coding::put_text(out, x.failed_step);
  return out;
}

std::string encode(const step& x) {
  auto out = start(story_format);
  coding::put_varint(out, x.place);
  out.push_back(x.open ? 1 : 0);
  put_fields(out, x.fields);
  return out;
}

std::string encode(const field_map& x) {
  auto out = start();
  put_fields(out, x);
  return out;
}

std::string encode_number(std::uint64_t x) {
  std::string out;
  coding::put_varint(out, x);
  return out;
}

result<room> decode_room(std::string_view bytes) {
  coding::reader in{bytes};
  room out;
  if (!check_format(in) || !in.varint(out.head.value)
      || !in.varint(out.oldest.value) || !in.big_endian(out.epoch)
      || !in.zigzag(out.created_ms) || !in.done())
    return malformed("room");
  return out;
}

result<run> decode_run(std::string_view bytes) {
  coding::reader in{bytes};
  run out;
  std::uint8_t format = 0, status = 0;
  if (!in.byte(format)
      || (format != row_format && format != dispatched_run_format)
      || !in.byte(status)
      || status < static_cast<std::uint8_t>(run_status::pending)
      || status > static_cast<std::uint8_t>(run_status::cancelled)
      || !in.zigzag(out.created_ms)
      || (format == dispatched_run_format && !get_dispatch(in, out))
      || !get_fields(in, out.fields))
    return malformed("run");
  out.status = static_cast<run_status>(status);
  return out;
}

result<tally> decode_tally(std::string_view bytes) {
  coding::reader in{bytes};
  tally out;
  std::uint8_t format = 0;
  std::string_view failed_step;
  auto ok = check_format(in, format) && in.varint(out.steps)
            && in.varint(out.events) && in.varint(out.artifacts);
  if (ok && format == story_format)
    ok = in.varint(out.phases) && get_flag(in, out.begun)
         && get_flag(in, out.ran) && in.text(failed_step);
  if (!ok || !in.done())
    return malformed("tally of a run");
  out.failed_step = failed_step;
  return out;
}

result<step> decode_step(std::string_view bytes) {
  coding::reader in{bytes};
  step out;
  std::uint8_t format = 0;
  auto ok = check_format(in, format) && in.varint(out.place)
            && (format < story_format || get_flag(in, out.open))
            && get_fields(in, out.fields);
  if (!ok)
    return malformed("step");
  if (format < story_format) { // of an older program: as far as one can see
    auto status = parse_step_status(text_field(out.fields, "status"));
    out.open = status == step_status::running || status == step_status::waiting;
  }
  return out;
}

result<field_map> decode_fields(std::string_view bytes) {
  coding::reader in{bytes};
  field_map out;
  if (!check_format(in) || !get_fields(in, out))
    return malformed("definition");
  return out;
}

result<std::uint64_t> decode_number(std::string_view bytes) {
  coding::reader in{bytes};
  std::uint64_t out = 0;
  if (!in.varint(out) || !in.done())
    return malformed("number");
  return out;
}

field_map first_fields(std::int64_t ts_ms) {
  field_map out;
  out.set("status", "\"pending\"");
  out.set("created_at", json::quoted(iso8601(ts_ms)));
  return out;
}

std::string listed_definition(const field_map& fields) {
  auto out = text_field(fields, "workflow_definition_id");
  return valid_id(out) ? out : std::string{};
}

std::vector<std::string> large_fields(const field_map& fields) {
  std::vector<std::string> out;
  for (auto& [key, raw] : fields.fields())
    if (raw == large_marker)
      out.push_back(key);
  return out;
}

const std::string* set_field(const field_map& fields, std::string_view key) {
  auto* raw = fields.find(key);
  return raw == nullptr || raw->empty() ? nullptr : raw;
}

std::optional<std::string> unquoted(std::string_view raw) {
  if (raw.size() < 2 || raw.front() != '"' || raw.back() != '"')
    return std::nullopt;
  auto inside = raw.substr(1, raw.size() - 2);
  if (inside.find('\\') == std::string_view::npos)
    return std::string{inside};
  auto doc = json::document::parse(raw);
  if (!doc || !doc->root().is(json::kind::string))
    return std::nullopt;
  return doc->root().string();
}

std::string text_field(const field_map& fields, std::string_view key) {
  auto* raw = set_field(fields, key);
  return raw == nullptr ? std::string{}
                        : unquoted(*raw).value_or(std::string{});
}

} // namespace callboard::rows
