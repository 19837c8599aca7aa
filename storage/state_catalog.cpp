#include "storage/cursor.hpp"
#include "storage/json_writer.hpp"
#include "storage/state_keys.hpp"
#include "storage/state_queries.hpp"
#include "storage/state_reads.hpp"

#include <algorithm>
#include <memory>

namespace callboard::queries {

namespace {

constexpr char definition_cursor = 'D';

/// The id that a page begins behind; empty for the first page.
result<std::string> start_of(char kind, const std::string& cursor) {
  if (cursor.empty())
    return std::string{};
  auto place = decode_cursor(kind, cursor);
  if (place && !valid_id(*place))
    return bad_cursor();
  return place;
}

void write_definition(std::string& out, std::string_view id,
                      const field_map& fields) {
  out.push_back('{');
  json_writer members{out};
  members.text("id", id);
  auto* name = rows::set_field(fields, "name");
  auto* phases = rows::set_field(fields, "phases");
  members.raw("name", name != nullptr ? *name : std::string_view{});
  members.raw("phases", phases != nullptr ? std::string_view{*phases} : "[]");
  for (auto& [key, raw] : fields.fields())
    if (!raw.empty() && key != "id" && key != "name" && key != "phases")
      members.raw(key, raw);
  out.push_back('}');
}

void write_project(std::string& out, std::string_view id,
                   const rows::room& row) {
  out.push_back('{');
  json_writer members{out};
  members.text("id", id);
  members.number("seq", row.head.value);
  members.text("created_at", iso8601(row.created_ms));
  out.push_back('}');
}

/// Items and the cursor behind the last one.
class project_page {
public:
  explicit project_page(std::size_t limit) : limit_{limit} {
    // nop
  }

  /// False: the page is full, and there is at least this one more.
  bool add(std::string_view id, const rows::room& row) {
    if (count_ == limit_) {
      next_ = encode_cursor(project_cursor, last_);
      return false;
    }
    if (count_++ > 0)
      out_.push_back(',');
    write_project(out_, id, row);
    last_ = id;
    return true;
  }

  std::string take() {
    end_page(out_, next_);
    return std::move(out_);
  }

private:
  std::size_t limit_;
  std::size_t count_ = 0;
  std::string out_ = "{\"items\":[";
  std::string last_;
  std::string next_;
};

result<std::string> chosen_projects(const state_view& at,
                                    const query::list_projects& q,
                                    std::string_view start,
                                    const placement& shard_of) {
  auto ids = q.only;
  std::ranges::sort(ids);
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  project_page page{q.limit};
  for (auto& id : ids) {
    if (id.empty() || id.value <= start)
      continue;
    room_key room{q.tenant, id};
    if (q.shard && shard_of(room) != *q.shard)
      continue;
    auto row = reads::room(at, shard_of(room), keys::ref(room));
    if (!row)
      return tl::unexpected{row.error()};
    if (*row && !page.add(id.value, **row))
      break;
  }
  return page.take();
}

/// The tenant's rooms lie sorted in each shard; this merges the shards.
result<std::string> all_projects(const state_view& at,
                                 const query::list_projects& q,
                                 std::string_view start) {
  std::vector<std::unique_ptr<key_scan>> scans;
  for (std::uint32_t i = 0; i < at.db().shards(); ++i) {
    if (q.shard && q.shard->value != i)
      continue;
    scans.push_back(std::make_unique<key_scan>(
      at, family::rows, keys::rooms({i}, q.tenant.value)));
    // Behind `start`; at first, behind the tenant's own room, whose project is
    // "".
    scans.back()->seek(std::string{start} + '\0');
  }
  project_page page{q.limit};
  for (;;) {
    key_scan* first = nullptr;
    for (auto& scan : scans) {
      if (auto done = scan->check(); !done)
        return tl::unexpected{done.error()};
      if (scan->valid()
          && (first == nullptr || scan->suffix() < first->suffix()))
        first = scan.get();
    }
    if (first == nullptr)
      break;
    auto row = rows::decode_room(first->value());
    if (!row)
      return tl::unexpected{row.error()};
    if (!page.add(first->suffix(), *row))
      break;
    first->next();
  }
  return page.take();
}

} // namespace

result<std::string> list_definitions(const state_view& at,
                                     const query::list_definitions& q,
                                     shard_id shard) {
  auto start = start_of(definition_cursor, q.cursor);
  if (!start)
    return start;
  key_scan scan{at, family::rows, keys::definitions(shard, keys::ref(q.room))};
  std::string out = "{\"items\":[";
  std::string last, next;
  std::size_t count = 0;
  for (scan.seek(*start + '\0'); scan.valid(); scan.next()) {
    if (count == q.limit || out.size() >= max_page_bytes) {
      next = encode_cursor(definition_cursor, last);
      break;
    }
    auto fields = rows::decode_fields(scan.value());
    if (!fields)
      return tl::unexpected{fields.error()};
    if (count++ > 0)
      out.push_back(',');
    last = scan.suffix();
    write_definition(out, last, *fields);
  }
  if (auto done = scan.check(); !done)
    return tl::unexpected{done.error()};
  end_page(out, next);
  return out;
}

result<std::string> definition(const state_view& at, const query::definition& q,
                               shard_id shard) {
  auto fields = definition_fields(at, shard, keys::ref(q.room), q.id.value);
  if (!fields)
    return tl::unexpected{fields.error()};
  if (!*fields)
    return fail(errc::not_found, "no definition \"" + q.id.value
                                   + "\" in project \"" + q.room.project.value
                                   + "\"");
  std::string out;
  write_definition(out, q.id.value, **fields);
  return out;
}

result<std::string> list_projects(const state_view& at,
                                  const query::list_projects& q,
                                  const placement& shard_of) {
  auto start = start_of(project_cursor, q.cursor);
  if (!start)
    return start;
  return q.only.empty() ? all_projects(at, q, *start)
                        : chosen_projects(at, q, *start, shard_of);
}

result<std::string> find_run(const state_view& at, const query::find_run& q) {
  std::vector<std::string> found;
  for (std::uint32_t i = 0; i < at.db().shards(); ++i) {
    if (q.shard && q.shard->value != i)
      continue;
    key_scan scan{at, family::index,
                  keys::projects_of_run({i}, q.tenant.value, q.run.value)};
    for (scan.seek_first(); scan.valid() && found.size() < 2; scan.next()) {
      project_id project{std::string{scan.suffix()}};
      if (q.only.empty() || std::ranges::find(q.only, project) != q.only.end())
        found.push_back(std::move(project.value));
    }
    if (auto done = scan.check(); !done)
      return tl::unexpected{done.error()};
  }
  if (found.size() != 1)
    return fail(errc::not_found,
                found.empty()
                  ? "no run \"" + q.run.value + "\" in any of your projects"
                  : "several projects have a run \"" + q.run.value
                      + "\"; name the project");
  return json::quoted(found.front());
}

} // namespace callboard::queries
