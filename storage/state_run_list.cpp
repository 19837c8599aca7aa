#include "storage/coding.hpp"
#include "storage/cursor.hpp"
#include "storage/json_writer.hpp"
#include "storage/state_keys.hpp"
#include "storage/state_queries.hpp"
#include "storage/state_reads.hpp"

#include <algorithm>
#include <map>
#include <memory>

namespace callboard::queries {

namespace {

constexpr char cursor_kind = 'L';

/// The last part of all list keys: be64 of the creation, then the run's id.
/// Also what cursors hold, so that they stay good whatever happens to the runs.
constexpr std::size_t created_bytes = 8;

constexpr run_status all_statuses[]
  = {run_status::pending,   run_status::running, run_status::paused,
     run_status::completed, run_status::failed,  run_status::cancelled};

/// Walks the runs of a project in order of creation: one range of the index, or
/// several (one per status) merged. Nothing is looked at that does not match.
class run_walk {
public:
  run_walk(const state_view& at, const query::list_runs& q, shard_id shard)
      : newest_first_{q.sort == query::order::newest_first} {
    auto room = keys::ref(q.room);
    if (!q.definition && q.statuses.empty()) {
      add(at, keys::of_room(shard, keys::index::run_list, room));
      return;
    }
    auto prefix = keys::of_room(shard,
                                q.definition ? keys::index::run_definition
                                             : keys::index::run_status,
                                room);
    if (q.definition)
      prefix.append(q.definition->value).push_back('\0');
    for (auto status : all_statuses)
      if (q.statuses.empty()
          || std::ranges::find(q.statuses, status) != q.statuses.end())
        add(at, prefix + static_cast<char>(status));
  }

  /// To the first run, or to the first behind `place`.
  void start(std::string_view place) {
    for (auto& scan : scans_) {
      if (place.empty())
        newest_first_ ? scan->seek_last() : scan->seek_first();
      else if (newest_first_)
        scan->seek_before(place);
      else
        scan->seek(place);
      if (!place.empty() && scan->valid() && scan->suffix() == place)
        step(*scan);
    }
    choose();
  }

  bool valid() const noexcept {
    return current_ != nullptr;
  }
  std::string_view place() const {
    return current_->suffix();
  }
  void advance() {
    step(*current_);
    choose();
  }
  result<void> check() const {
    for (auto& scan : scans_)
      if (auto done = scan->check(); !done)
        return done;
    return {};
  }

private:
  void add(const state_view& at, std::string prefix) {
    scans_.push_back(
      std::make_unique<key_scan>(at, family::index, std::move(prefix)));
  }
  void step(key_scan& scan) const {
    newest_first_ ? scan.prev() : scan.next();
  }
  void choose() {
    current_ = nullptr;
    for (auto& scan : scans_)
      if (scan->valid()
          && (current_ == nullptr
              || (newest_first_ ? scan->suffix() > current_->suffix()
                                : scan->suffix() < current_->suffix())))
        current_ = scan.get();
  }

  bool newest_first_;
  std::vector<std::unique_ptr<key_scan>> scans_;
  key_scan* current_ = nullptr;
};

/// Writes items; looks every definition up once.
class item_writer {
public:
  item_writer(const state_view& at, shard_id shard, keys::room_ref room)
      : at_{at}, shard_{shard}, room_{room} {
    // nop
  }

  result<void> write(std::string& out, std::string_view id,
                     std::string_view header, std::string_view tally) {
    auto run = rows::decode_run(header);
    if (!run)
      return tl::unexpected{run.error()};
    auto counts = rows::decode_tally(tally);
    if (!counts)
      return tl::unexpected{counts.error()};
    out.push_back('{');
    json_writer members{out};
    members.text("id", id);
    for (std::string_view key :
         {"name", "status", "current_phase", "workflow_definition_id",
          "started_at", "created_at"}) {
      auto raw = reads::field(at_, shard_, room_, id, {}, run->fields, key);
      if (!raw)
        return tl::unexpected{raw.error()};
      members.raw(key, *raw);
    }
    auto workflow = workflow_of(id, run->fields);
    if (!workflow)
      return tl::unexpected{workflow.error()};
    members.raw("workflow_definition", *workflow);
    members.key("_count").append("{\"steps\":");
    json::append_number(out, counts->steps);
    out.append("}}");
    return {};
  }

private:
  result<std::string> workflow_of(std::string_view id,
                                  const field_map& fields) {
    auto definition = rows::listed_definition(fields);
    if (!definition.empty()) {
      auto known = known_.find(definition);
      if (known == known_.end()) {
        auto found = definition_fields(at_, shard_, room_, definition);
        if (!found)
          return tl::unexpected{found.error()};
        known = known_
                  .emplace(definition, *found ? workflow_definition(*found, {})
                                              : std::string{})
                  .first;
      }
      if (!known->second.empty())
        return known->second;
    }
    auto name
      = reads::field(at_, shard_, room_, id, {}, fields, "workflow_name");
    if (!name)
      return name;
    return workflow_definition(std::nullopt, *name);
  }

  const state_view& at_;
  shard_id shard_;
  keys::room_ref room_;
  std::map<std::string, std::string> known_; // definitions, as written
};

/// Places of the page's runs; `next` gets the cursor of the page behind it.
result<std::vector<std::string>> choose_runs(const state_view& at,
                                             const query::list_runs& q,
                                             shard_id shard,
                                             std::string& next) {
  std::string start;
  if (!q.cursor.empty()) {
    auto place = decode_cursor(cursor_kind, q.cursor);
    if (!place)
      return tl::unexpected{place.error()};
    if (place->size() <= created_bytes
        || !valid_id(std::string_view{*place}.substr(created_bytes)))
      return bad_cursor();
    start = std::move(*place);
  }
  run_walk walk{at, q, shard};
  std::vector<std::string> places;
  for (walk.start(start); walk.valid(); walk.advance()) {
    if (places.size() == q.limit) {
      next = encode_cursor(cursor_kind, places.back());
      break;
    }
    places.emplace_back(walk.place());
  }
  if (auto done = walk.check(); !done)
    return tl::unexpected{done.error()};
  return places;
}

} // namespace

result<std::string> list_runs(const state_view& at, const query::list_runs& q,
                              shard_id shard) {
  std::string next;
  auto places = choose_runs(at, q, shard, next);
  if (!places)
    return tl::unexpected{places.error()};
  auto room = keys::ref(q.room);
  std::vector<std::string> row_keys; // header and tally of each run
  row_keys.reserve(2 * places->size());
  for (auto& place : *places) {
    auto run = std::string_view{place}.substr(created_bytes);
    row_keys.push_back(
      keys::run_rows(shard, room, run, keys::run_part::header));
    row_keys.push_back(keys::run_rows(shard, room, run, keys::run_part::tally));
  }
  auto values = at.get(family::rows, row_keys);
  if (!values)
    return tl::unexpected{values.error()};
  std::string out = "{\"items\":[";
  item_writer items{at, shard, room};
  for (std::size_t i = 0; i < places->size(); ++i) {
    if (i > 0 && out.size() >= max_page_bytes) {
      next = encode_cursor(cursor_kind, (*places)[i - 1]);
      break;
    }
    if (i > 0)
      out.push_back(',');
    auto run = std::string_view{(*places)[i]}.substr(created_bytes);
    auto written = items.write(out, run, view((*values)[2 * i]),
                               view((*values)[2 * i + 1]));
    if (!written)
      return tl::unexpected{written.error()};
  }
  end_page(out, next);
  return out;
}

} // namespace callboard::queries
