#include "actors/model/field_map.hpp"

#include "actors/model/event_checks.hpp"

#include <algorithm>
#include <unordered_map>

namespace callboard {
namespace {

/// Above this many comparisons an index pays.
constexpr std::size_t max_comparisons = 4096;

template <class Fields>
auto position(Fields& fields, std::string_view key) noexcept {
  return std::find_if(fields.begin(), fields.end(),
                      [key](const auto& x) { return x.key == key; });
}

} // namespace

result<void> field_map::merge(std::string_view changes) {
  thread_local json::document doc;
  if (auto ok = doc.reset(changes); !ok)
    return fail(errc::internal,
                "changes to merge are not JSON: " + ok.error().detail);
  auto object = doc.root();
  if (!object.is(json::kind::object))
    return fail(errc::internal, "changes to merge are not an object: "
                                  + shortened(object.raw()));
  if ((fields_.size() + object.size()) * object.size() > max_comparisons) {
    merge_indexed(object);
    return {};
  }
  std::string buffer;
  for (auto [name, val] : object.members()) {
    auto key = text_of(name, buffer);
    if (val.is(json::kind::null))
      erase(key);
    else
      set(key, std::string{val.raw()});
  }
  return {};
}

/// The same with an index of all fields, for many fields and many changes.
void field_map::merge_indexed(const json::value& changes) {
  fields_.reserve(fields_.size() + changes.size()); // keys stay where they are
  std::unordered_map<std::string_view, std::size_t> index;
  index.reserve(fields_.size() + changes.size());
  for (std::size_t i = 0; i < fields_.size(); ++i)
    index.emplace(fields_[i].key, i);
  std::string buffer;
  for (auto [name, val] : changes.members()) {
    auto key = text_of(name, buffer);
    auto found = index.find(key);
    bool cleared = val.is(json::kind::null);
    if (found != index.end()) {
      fields_[found->second].raw = cleared ? std::string_view{} : val.raw();
    } else if (!cleared) {
      fields_.push_back({std::string{key}, std::string{val.raw()}});
    }
  }
  std::erase_if(fields_, [](const field& x) { return x.raw.empty(); });
}

const std::string* field_map::find(std::string_view key) const noexcept {
  auto found = position(fields_, key);
  return found == fields_.end() ? nullptr : &found->raw;
}

void field_map::set(std::string_view key, std::string raw) {
  auto found = position(fields_, key);
  if (found != fields_.end())
    found->raw = std::move(raw);
  else
    fields_.push_back({std::string{key}, std::move(raw)});
}

void field_map::erase(std::string_view key) {
  auto found = position(fields_, key);
  if (found != fields_.end())
    fields_.erase(found);
}

} // namespace callboard
