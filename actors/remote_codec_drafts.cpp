#include "actors/remote_block.hpp"

#include <unordered_map>

// A publish request. Its drafts have views into the texts that they were parsed
// from: each text travels once, in front of the first draft that needs it, and
// the drafts say where in it their parts are.
//
//   request := room bytes:u64 lease:option count:u32 item*
//   item    := 0:u8 publish_result
//            | 1:u8 draft                    of the text of the draft before
//            | 2:u8 text draft               of a new text
//            | 3:u8 number:u32 draft         of an earlier text
//   draft   := flags:u16 type:u8 timeline:u8 run_status:u8 step_status:u8
//              (begin:u32 size:u32){5} size:u16{4} id run step definition

namespace callboard {

namespace {

using remote::frame_sink;
using remote::frame_source;
using remote::slice;

enum class item_tag : std::uint8_t {
  refused = 0,
  same_text = 1,
  new_text = 2,
  earlier_text = 3,
};

enum flag : std::uint16_t {
  to_tenant = 1,
  is_ephemeral = 2,
  id_given = 4,
  has_created_at = 8,
  has_started_at = 16,
  has_completed_at = 32,
  clears_started_at = 64,
  clears_completed_at = 128,
  has_project_id = 256,
  has_body_id = 512,
  all_flags = 1023,
};

constexpr std::size_t draft_block_bytes = 6 + 5 * 8 + 4 * 2;
using draft_block = remote::block<draft_block_bytes>;

std::uint16_t flags_of(const event_draft& x) {
  auto bit = [](bool on, flag which) { return on ? unsigned{which} : 0u; };
  return static_cast<std::uint16_t>(
    bit(x.scope == event_scope::tenant, to_tenant)
    | bit(x.delivery == event_delivery::ephemeral, is_ephemeral)
    | bit(x.id_given, id_given) | bit(x.has_created_at, has_created_at)
    | bit(x.has_started_at, has_started_at)
    | bit(x.has_completed_at, has_completed_at)
    | bit(x.clears_started_at, clears_started_at)
    | bit(x.clears_completed_at, clears_completed_at)
    | bit(x.has_project_id, has_project_id) | bit(x.has_body_id, has_body_id));
}

void set_flags(event_draft& x, std::uint16_t flags) {
  auto has = [&](flag which) { return (flags & which) != 0; };
  x.scope = has(to_tenant) ? event_scope::tenant : event_scope::project;
  x.delivery
    = has(is_ephemeral) ? event_delivery::ephemeral : event_delivery::durable;
  x.id_given = has(id_given);
  x.has_created_at = has(has_created_at);
  x.has_started_at = has(has_started_at);
  x.has_completed_at = has(has_completed_at);
  x.clears_started_at = has(clears_started_at);
  x.clears_completed_at = has(clears_completed_at);
  x.has_project_id = has(has_project_id);
  x.has_body_id = has(has_body_id);
}

template <class Status>
std::uint8_t byte_of(const std::optional<Status>& x) {
  return x ? static_cast<std::uint8_t>(*x) : 0;
}

/// 0: none.
template <class Status>
bool set_status(std::optional<Status>& x, std::uint8_t byte) {
  if (byte == 0)
    return true;
  x = static_cast<Status>(byte);
  return remote::known(*x);
}

void put_draft(frame_sink& f, const event_draft& x) {
  std::string_view text = x.source ? *x.source : std::string_view{};
  draft_block head;
  head.put(flags_of(x));
  head.put(static_cast<std::uint8_t>(x.type));
  head.put(static_cast<std::uint8_t>(x.timeline));
  head.put(byte_of(x.run_status_to));
  head.put(byte_of(x.step_status_to));
  for (auto part : {x.type_name, x.ts, x.data, x.body, x.input_request})
    head.put(slice::of(part, text));
  const std::string* ids[]
    = {&x.id.value, &x.run.value, &x.step.value, &x.definition.value};
  for (auto id : ids) {
    assert(id->size() <= UINT16_MAX); // valid_id() allows 128
    head.put(static_cast<std::uint16_t>(id->size()));
  }
  head.write(f);
  for (auto id : ids)
    f.raw(*id);
}

bool is_object(std::string_view text) {
  return text.size() >= 2 && text.front() == '{' && text.back() == '}';
}

bool inside(std::string_view part, std::string_view text) {
  return part.empty()
         || (part.data() >= text.data()
             && part.data() + part.size() <= text.data() + text.size());
}

/// What those who build frames of a draft rely on.
bool plausible(const event_draft& x) {
  if (x.type != event_type::custom
      && (!is_object(x.data) || x.body.size() >= x.data.size()))
    return false;
  return inside(x.body, x.data) && (x.body.empty() || is_object(x.body))
         && inside(x.input_request, x.body);
}

/// `x.source` is there.
bool get_draft(frame_source& f, event_draft& x) {
  draft_block head;
  if (!head.read(f))
    return false;
  auto flags = head.take<std::uint16_t>();
  if (flags > all_flags)
    return false;
  set_flags(x, flags);
  x.type = static_cast<event_type>(head.take<std::uint8_t>());
  x.timeline = static_cast<timeline_kind>(head.take<std::uint8_t>());
  if (!remote::known(x.type) || !remote::known(x.timeline)
      || !set_status(x.run_status_to, head.take<std::uint8_t>())
      || !set_status(x.step_status_to, head.take<std::uint8_t>()))
    return false;
  for (auto part : {&x.type_name, &x.ts, &x.data, &x.body, &x.input_request})
    if (!head.take_slice().in(*x.source, *part))
      return false;
  for (auto id :
       {&x.id.value, &x.run.value, &x.step.value, &x.definition.value})
    if (!remote::read_id(f, *id, head.take<std::uint16_t>()))
      return false;
  return plausible(x);
}

/// Writes the items of one request and knows which texts have gone ahead.
class item_writer {
public:
  explicit item_writer(frame_sink& f) : f_{f} {
    // nop
  }

  void operator()(publish_result& x) {
    tag(item_tag::refused);
    f_(x);
  }

  void operator()(event_draft& x) {
    put_text(x.source.get());
    put_draft(f_, x);
  }

private:
  void tag(item_tag x) {
    auto byte = static_cast<char>(x);
    f_.raw({&byte, 1});
  }

  void put_text(const std::string* text) {
    if (text == last_ && count_ > 0)
      return tag(item_tag::same_text);
    last_ = text;
    // Nearly always all drafts have one text: no table before the second.
    if (count_ == 1)
      numbers_.emplace(first_, 0);
    if (count_ > 0) {
      auto [at, fresh] = numbers_.emplace(text, count_);
      if (!fresh) {
        tag(item_tag::earlier_text);
        f_(at->second);
        return;
      }
    } else {
      first_ = text;
    }
    ++count_;
    tag(item_tag::new_text);
    f_.text(text != nullptr ? *text : std::string_view{});
  }

  frame_sink& f_;
  const std::string* first_ = nullptr;
  const std::string* last_ = nullptr;
  std::uint32_t count_ = 0;
  std::unordered_map<const std::string*, std::uint32_t> numbers_;
};

class item_reader {
public:
  explicit item_reader(frame_source& f) : f_{f} {
    // nop
  }

  bool read(publish_item& out) {
    std::uint8_t tag = 0;
    if (!f_(tag))
      return false;
    if (tag == static_cast<std::uint8_t>(item_tag::refused))
      return f_(out.emplace<publish_result>());
    if (!take_text(tag))
      return false;
    auto& draft = out.emplace<event_draft>();
    draft.source = last_;
    return get_draft(f_, draft);
  }

private:
  bool take_text(std::uint8_t tag) {
    switch (static_cast<item_tag>(tag)) {
    case item_tag::same_text:
      return last_ != nullptr;
    case item_tag::new_text: {
      std::uint32_t size = 0;
      if (!f_(size) || !f_.shared(last_, size))
        return false;
      texts_.push_back(last_);
      return true;
    }
    case item_tag::earlier_text: {
      std::uint32_t number = 0;
      if (!f_(number) || number >= texts_.size())
        return false;
      last_ = texts_[number];
      return true;
    }
    case item_tag::refused:
      break;
    }
    return false;
  }

  frame_source& f_;
  shared_bytes last_;
  std::vector<shared_bytes> texts_;
};

} // namespace

bool inspect(frame_sink& f, publish_request& x) {
  auto& [room, items, bytes, lease] = x;
  auto counted = static_cast<std::uint64_t>(bytes);
  auto count = static_cast<std::uint32_t>(items.size());
  f(room, counted, lease, count);
  item_writer write{f};
  for (auto& item : items)
    std::visit(write, item);
  return true;
}

bool inspect(frame_source& f, publish_request& x) {
  auto& [room, items, bytes, lease] = x;
  std::uint64_t counted = 0;
  std::uint32_t count = 0;
  if (!f(room, counted, lease, count) || count > f.remaining())
    return false;
  bytes = static_cast<std::size_t>(counted);
  items.clear();
  items.reserve(
    std::min<std::size_t>(count, f.remaining() / draft_block_bytes + 1));
  item_reader reader{f};
  for (std::uint32_t i = 0; i < count; ++i)
    if (!f.allow(sizeof(publish_item)) || !reader.read(items.emplace_back()))
      return false;
  return true;
}

} // namespace callboard
