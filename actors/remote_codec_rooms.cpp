#include "actors/remote_block.hpp"

#include <mutex>

// Events on their way to viewers.
//
//   event := seq:u64 flags:u8 type_begin:u32 type_size:u32 run:u16 step:u16
//            frame:u32 facts:u32 (sizes) run step frame facts
//   batch := room previous:u64 term:u64 count:u32 event*

namespace callboard {

namespace {

using remote::frame_sink;
using remote::frame_source;
using remote::slice;

enum flag : std::uint8_t { is_snapshot = 1, has_facts = 2, all_flags = 3 };

constexpr std::size_t event_block_bytes = 8 + 1 + 8 + 4 + 8;
using event_block = remote::block<event_block_bytes>;

/// The engine's own events name their type by a constant.
slice type_place(std::string_view type, std::string_view frame) {
  if (type.data() >= frame.data()
      && type.data() + type.size() <= frame.data() + frame.size())
    return slice::of(type, frame);
  auto at = frame.find(type);
  return at == std::string_view::npos
           ? slice{}
           : slice::of(frame.substr(at, type.size()), frame);
}

std::size_t size_of(const shared_bytes& x) {
  return x ? x->size() : 0;
}

std::size_t wire_bytes(const room_batch& x) {
  auto bytes = std::size_t{64} + x.room.tenant.value.size()
               + x.room.project.value.size();
  for (auto& event : x.events)
    bytes += event_block_bytes + event.run.value.size()
             + event.step.value.size() + size_of(event.frame)
             + size_of(event.facts);
  return bytes;
}

} // namespace

bool inspect(frame_sink& f, posted_event& x) {
  auto& [seq, type_name, run, step, snapshot, frame, facts] = x;
  auto text = frame ? std::string_view{*frame} : std::string_view{};
  assert(run.value.size() <= UINT16_MAX && step.value.size() <= UINT16_MAX);
  event_block head;
  head.put(seq.value);
  head.put(static_cast<std::uint8_t>((snapshot ? is_snapshot : 0)
                                     | (facts ? has_facts : 0)));
  head.put(type_place(type_name, text));
  head.put(static_cast<std::uint16_t>(run.value.size()));
  head.put(static_cast<std::uint16_t>(step.value.size()));
  head.put(static_cast<std::uint32_t>(text.size()));
  head.put(static_cast<std::uint32_t>(size_of(facts)));
  head.write(f);
  f.raw(run.value);
  f.raw(step.value);
  f.raw(text);
  if (facts)
    f.raw(*facts);
  return true;
}

bool inspect(frame_source& f, posted_event& x) {
  auto& [seq, type_name, run, step, snapshot, frame, facts] = x;
  event_block head;
  if (!head.read(f))
    return false;
  seq.value = head.take<std::uint64_t>();
  auto flags = head.take<std::uint8_t>();
  auto type = head.take_slice();
  auto run_bytes = head.take<std::uint16_t>();
  auto step_bytes = head.take<std::uint16_t>();
  auto frame_bytes = head.take<std::uint32_t>();
  auto facts_bytes = head.take<std::uint32_t>();
  if (flags > all_flags || ((flags & has_facts) == 0 && facts_bytes != 0)
      || !remote::read_id(f, run.value, run_bytes)
      || !remote::read_id(f, step.value, step_bytes)
      || !f.shared(frame, frame_bytes) || !type.in(*frame, type_name))
    return false;
  snapshot = (flags & is_snapshot) != 0;
  facts = nullptr;
  return (flags & has_facts) == 0 || f.shared(facts, facts_bytes);
}

bool inspect(frame_sink& f, const room_batch& x) {
  // Written as it is: the members that are not are made by each node anew.
  auto& [room, previous, events, term, translations, made] = x;
  (void)translations;
  (void)made;
  f.text(room.tenant.value);
  f.text(room.project.value);
  auto count = static_cast<std::uint32_t>(events.size());
  auto before = previous.value;
  auto of_term = term.value;
  f(before, of_term, count);
  for (auto& event : events)
    inspect(f, const_cast<posted_event&>(event)); // a sink changes nothing
  return true;
}

bool inspect(frame_source& f, room_batch& x) {
  return f(x.room, x.previous, x.term, x.events);
}

namespace remote {

shared_bytes encoded(const room_batch& x) {
  std::call_once(x.encoded.once, [&] {
    auto bytes = std::make_shared<std::string>();
    bytes->reserve(wire_bytes(x));
    frame_sink f{*bytes};
    std::uint8_t type = place_of<room_events>();
    std::uint8_t version = wire_version;
    f(type, version);
    inspect(f, x);
    x.encoded.value = std::move(bytes);
  });
  return std::static_pointer_cast<const std::string>(x.encoded.value);
}

} // namespace remote

} // namespace callboard
