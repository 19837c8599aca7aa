#include "actors/merged_answers.hpp"

#include "actors/model/json_members.hpp"
#include "storage/cursor.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>

namespace callboard {

namespace {

using json::text_of;
using outcome = decltype(answer::outcome);

/// What an item of a list sorts by, and the cursor behind it.
struct item_place {
  std::string key;
  std::string cursor;
};

/// Runs and rooms of all tenants are shown as `{tenant}/…`; see admin_task.
item_place actor_place(json::value item, const find_actors& asked) {
  auto kind = text_of(item, "kind");
  auto id = text_of(item, "id");
  auto tenant = asked.tenant.value;
  if (kind != "run" && kind != "room") {
    tenant.clear();
  } else if (tenant.empty()) {
    auto end = id.rfind('/');
    if (kind == "run" && end != std::string::npos && end > 0)
      end = id.rfind('/', end - 1);
    if (end != std::string::npos) {
      tenant = id.substr(0, end);
      id.erase(0, end + 1);
    }
  }
  auto key = kind + '|' + tenant + '|' + id + '|' + text_of(item, "node");
  return {key, key};
}

/// `{node}:{number}`: by node, then by number.
item_place session_place(json::value item) {
  auto id = text_of(item, "id");
  auto colon = id.rfind(':');
  auto number = colon == std::string::npos ? id : id.substr(colon + 1);
  auto node = colon == std::string::npos ? std::string{} : id.substr(0, colon);
  // As many digits as the largest number has.
  number.insert(0, 20 - std::min<std::size_t>(number.size(), 20), '0');
  return {node + '\0' + number, id};
}

template <class Place>
outcome merge_lists(const std::vector<outcome>& answers, std::size_t limit,
                    Place place_of) {
  struct item {
    item_place place;
    std::string json;
  };
  std::vector<item> items;
  auto more = false;
  for (auto& x : answers) {
    auto doc = x ? std::get_if<document_answer>(&*x) : nullptr;
    if (!doc)
      continue;
    auto parsed = json::document::parse(doc->json);
    if (!parsed)
      continue;
    auto root = parsed->root();
    auto behind = root.find("next_cursor");
    more = more || (behind && behind->is(json::kind::string));
    if (auto list = root.find("items"); list && list->is(json::kind::array))
      for (auto value : list->items())
        items.push_back({place_of(value), std::string{value.raw()}});
  }
  std::ranges::sort(items, {}, [](const item& x) { return x.place.key; });
  if (items.size() > limit) {
    items.resize(limit);
    more = true;
  }
  std::string out = "{\"items\":[";
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0)
      out += ',';
    out += items[i].json;
  }
  out += ']';
  if (more && !items.empty()) {
    out += ",\"next_cursor\":";
    json::append_quoted(out, items.back().place.cursor);
  }
  out += '}';
  return document_answer{std::move(out)};
}

bool by_leader(const outcome& x) {
  auto doc = x ? std::get_if<document_answer>(&*x) : nullptr;
  return doc && doc->json.find("\"role\":\"leader\"") != std::string::npos;
}

} // namespace

outcome merge_answers(const admin_request& asked, std::vector<outcome> answers,
                      bool complete) {
  if (auto list = std::get_if<find_actors>(&asked))
    return merge_lists(answers, list->limit,
                       [list](json::value x) { return actor_place(x, *list); });
  if (auto list = std::get_if<find_sessions>(&asked))
    return merge_lists(answers, list->limit, session_place);
  auto best = std::ranges::find_if(answers, by_leader);
  if (best == answers.end())
    best = std::ranges::find_if(answers,
                                [](const outcome& x) { return x.has_value(); });
  if (best != answers.end())
    return std::move(*best);
  if (!answers.empty() && complete)
    return std::move(answers.front());
  return fail(errc::unavailable, "not every node answered in time, and the "
                                 "others do not have it; ask again");
}

outcome merge_parts(const query::any& asked, std::vector<outcome> parts,
                    bool complete) {
  if (!complete)
    return fail(errc::unavailable,
                "not every part of the cluster answered in time; ask again");
  if (auto list = std::get_if<query::list_projects>(&asked)) {
    for (auto& x : parts)
      if (!x)
        return std::move(x);
    return merge_lists(parts, list->limit, [](json::value x) {
      auto id = text_of(x, "id");
      return item_place{id, encode_cursor(project_cursor, id)};
    });
  }
  // find_run: in exactly one project, and so in one shard.
  std::vector<outcome*> found;
  for (auto& x : parts) {
    if (x)
      found.push_back(&x);
    else if (x.error().code != errc::not_found)
      return std::move(x);
  }
  if (found.size() == 1)
    return std::move(*found.front());
  if (found.empty() && !parts.empty())
    return std::move(parts.front());
  return fail(errc::not_found,
              "several projects have this run; name the project");
}

} // namespace callboard
