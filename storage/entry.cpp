#include "storage/entry.hpp"

#include "storage/coding.hpp"

#include <utility>

namespace callboard {

namespace {

constexpr std::uint8_t payload_format = 1;      // events and trims
constexpr std::uint8_t map_format = 2;          // a cluster map
constexpr std::uint8_t first_record_format = 1; // without mark and facts
constexpr std::uint8_t record_format = 2;

// Tags of items. The room is said once for all items that follow it.
constexpr char tag_event = 1;
constexpr char tag_trim = 2;
constexpr char tag_room = 3;

void put_room_if_new(std::string& out, room_key& last, const room_key& room,
                     std::size_t count) {
  if (count != 0 && last == room)
    return;
  out.push_back(tag_room);
  coding::put_text(out, room.tenant.value);
  coding::put_text(out, room.project.value);
  last = room;
}

bool slice_of(std::string_view text, std::uint32_t begin, std::uint32_t size,
              std::string_view& out) noexcept {
  if (begin > text.size() || size > text.size() - begin)
    return false;
  out = text.substr(begin, size);
  return true;
}

tl::unexpected<problem> malformed(std::string_view what) {
  return fail(errc::internal,
              "stored event: " + std::string{what}
                + "; the store is damaged or of another program");
}

void put_note(std::string& out, const dispatch_note& x) {
  out.push_back(static_cast<char>(x.mark));
  if (x.mark != dispatch_mark::none)
    coding::put_text(out, x.text);
}

bool get_note(coding::reader& in, record_view& out) {
  std::uint8_t mark = 0;
  if (!in.byte(mark)
      || mark > static_cast<std::uint8_t>(dispatch_mark::released))
    return false;
  out.mark = static_cast<dispatch_mark>(mark);
  return out.mark == dispatch_mark::none || in.text(out.mark_text);
}

bool set_enums(record_view& out, std::uint8_t type, std::uint8_t scope,
               std::uint8_t timeline) noexcept {
  if (type < static_cast<std::uint8_t>(event_type::run_updated)
      || type > static_cast<std::uint8_t>(event_type::custom)
      || scope > static_cast<std::uint8_t>(event_scope::tenant)
      || timeline > static_cast<std::uint8_t>(timeline_kind::other))
    return false;
  out.type = static_cast<event_type>(type);
  out.scope = static_cast<event_scope>(scope);
  out.timeline = static_cast<timeline_kind>(timeline);
  return true;
}

} // namespace

entry_writer::entry_writer() {
  out_.push_back(static_cast<char>(payload_format));
}

void entry_writer::add(const room_key& room, event_seq seq, std::uint64_t epoch,
                       const event_record& record) {
  put_room_if_new(out_, last_room_, room, count_);
  out_.push_back(tag_event);
  coding::put_varint(out_, seq.value);
  if (seq.value == 1) // the only place where it is used
    coding::put_big_endian(out_, epoch);
  // The record's size is not known before it is written, and it is far larger
  // than a number: leave room for a fixed-size length instead of copying it.
  auto at = out_.size();
  coding::put_big_endian(out_, std::uint32_t{0});
  encode_record(out_, record);
  auto size = static_cast<std::uint32_t>(out_.size() - at - 4);
  for (std::size_t i = 0; i < 4; ++i)
    out_[at + i] = static_cast<char>((size >> (24 - 8 * i)) & 0xff);
  ++count_;
}

void entry_writer::trim(const room_key& room, event_seq upto) {
  put_room_if_new(out_, last_room_, room, count_);
  out_.push_back(tag_trim);
  coding::put_varint(out_, upto.value);
  ++count_;
}

std::string entry_writer::take() {
  auto result = std::exchange(out_, std::string(1, payload_format));
  count_ = 0;
  return result;
}

std::string map_entry(std::string_view map_bytes) {
  std::string out(1, static_cast<char>(map_format));
  out.append(map_bytes);
  return out;
}

bool is_map_entry(std::string_view payload) noexcept {
  return !payload.empty()
         && static_cast<std::uint8_t>(payload.front()) == map_format;
}

entry_reader::entry_reader(std::string_view payload) noexcept
    : rest_{payload}, map_{is_map_entry(payload)} {
  // An empty payload is a barrier: nothing to apply.
  if (rest_.empty())
    return;
  ok_ = map_ || static_cast<std::uint8_t>(rest_.front()) == payload_format;
  rest_.remove_prefix(1);
  if (map_ && rest_.empty())
    ok_ = false; // "no map" is said by no entry
}

bool entry_reader::next(entry_item& out) noexcept {
  if (!ok_ || rest_.empty())
    return false;
  if (map_) {
    out = {};
    out.op = entry_item::what::map;
    out.record = std::exchange(rest_, {});
    return true;
  }
  coding::reader in{rest_};
  std::uint8_t tag = 0;
  ok_ = in.byte(tag);
  if (ok_ && tag == tag_room)
    ok_ = in.text(tenant_) && !tenant_.empty() && in.text(project_)
          && in.byte(tag);
  ok_ = ok_ && !tenant_.empty();
  out.tenant = tenant_;
  out.project = project_;
  out.epoch = 0;
  out.record = {};
  if (ok_ && tag == tag_trim) {
    out.op = entry_item::what::trim;
    ok_ = in.varint(out.seq.value);
  } else if (ok_ && tag == tag_event) {
    out.op = entry_item::what::event;
    std::uint32_t size = 0;
    ok_ = in.varint(out.seq.value)
          && (out.seq.value != 1 || in.big_endian(out.epoch))
          && in.big_endian(size) && size <= in.rest().size();
    if (ok_) {
      out.record = in.rest().substr(0, size);
      rest_ = in.rest().substr(size);
      return true;
    }
  } else {
    ok_ = false;
  }
  rest_ = in.rest();
  return ok_;
}

void encode_record(std::string& out, const event_record& x) {
  out.reserve(out.size() + x.tail.size() + x.id.value.size()
              + x.run.value.size() + x.step.value.size()
              + x.definition.value.size() + x.facts.size() + 45);
  out.push_back(static_cast<char>(record_format));
  out.push_back(static_cast<char>(x.type));
  out.push_back(static_cast<char>(x.scope));
  out.push_back(static_cast<char>(x.timeline));
  coding::put_zigzag(out, x.ts_ms);
  coding::put_text(out, x.id.value);
  coding::put_text(out, x.run.value);
  coding::put_text(out, x.step.value);
  coding::put_text(out, x.definition.value);
  coding::put_varint(out, x.type_begin);
  coding::put_varint(out, x.type_size);
  coding::put_varint(out, x.body_begin);
  coding::put_varint(out, x.body_size);
  put_note(out, x.dispatch);
  coding::put_text(out, x.facts);
  out.append(x.tail); // all the rest
}

result<record_view> decode_record(std::string_view bytes) {
  coding::reader in{bytes};
  std::uint8_t format = 0, type = 0, scope = 0, timeline = 0;
  if (!in.byte(format) || format < first_record_format
      || format > record_format)
    return malformed("unknown format");
  record_view out;
  if (!in.byte(type) || !in.byte(scope) || !in.byte(timeline)
      || !set_enums(out, type, scope, timeline))
    return malformed("unknown type, scope or kind");
  std::uint32_t type_begin = 0, type_size = 0, body_begin = 0, body_size = 0;
  if (!in.zigzag(out.ts_ms) || !in.text(out.id) || !in.text(out.run)
      || !in.text(out.step) || !in.text(out.definition)
      || !in.varint32(type_begin) || !in.varint32(type_size)
      || !in.varint32(body_begin) || !in.varint32(body_size))
    return malformed("ends too early");
  if (format >= 2 && !get_note(in, out))
    return malformed("unknown mark");
  if (format >= 2 && !in.text(out.facts))
    return malformed("ends too early");
  out.tail = in.rest();
  if (!slice_of(out.tail, type_begin, type_size, out.type_name)
      || !slice_of(out.tail, body_begin, body_size, out.body))
    return malformed("a part lies outside of the text");
  return out;
}

} // namespace callboard
