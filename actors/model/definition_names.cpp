#include "actors/model/definition_names.hpp"

#include "actors/model/json.hpp"

namespace callboard {

void definition_names::set(const definition_id& id, std::string_view raw) {
  std::lock_guard guard{mutex_};
  if (!raw.starts_with('"') || raw.size() > max_name_bytes) {
    names_.erase(id.value);
    return;
  }
  if (names_.size() < max_names || names_.contains(id.value))
    names_[id.value] = raw;
}

void definition_names::update(const definition_id& id, std::string_view body) {
  json::document doc;
  if (!doc.reset(body))
    return;
  auto deleted = doc.root().find("deleted");
  if (deleted && deleted->boolean() == true)
    set(id, {});
  else if (auto name = doc.root().find("name"))
    set(id, name->raw());
}

std::optional<std::string> definition_names::find(std::string_view id) const {
  std::lock_guard guard{mutex_};
  auto found = names_.find(std::string{id});
  if (found == names_.end())
    return std::nullopt;
  return found->second;
}

} // namespace callboard
