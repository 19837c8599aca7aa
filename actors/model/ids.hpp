#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace callboard {

/// A 64-bit number that mixes only with numbers of the same `Tag`.
template <class Tag>
struct number {
  std::uint64_t value = 0;

  friend constexpr auto operator<=>(const number&, const number&) = default;
};

template <class Tag>
constexpr number<Tag> next(number<Tag> x) noexcept {
  return {x.value + 1};
}

template <class Inspector, class Tag>
typename Inspector::result_type inspect(Inspector& f, number<Tag>& x) {
  return f(x.value);
}

/// Position of an event in its room. The first event has 1; 0 means "before the
/// first event".
using event_seq = number<struct event_seq_tag>;

/// One Raft group of this engine, 0 .. shards-1.
using shard_id = number<struct shard_id_tag>;

/// Index and term of a Raft log entry. The first entry has index 1.
using log_index = number<struct log_index_tag>;
using raft_term = number<struct raft_term_tag>;

/// Number of a node within Raft groups. Never 0.
using node_number = number<struct node_number_tag>;

/// A name that mixes only with names of the same `Tag`. Bytes as the client
/// sent them; valid_id() says whether they may be an id.
template <class Tag>
struct name {
  std::string value;

  friend auto operator<=>(const name&, const name&) = default;

  bool empty() const noexcept {
    return value.empty();
  }
};

template <class Inspector, class Tag>
typename Inspector::result_type inspect(Inspector& f, name<Tag>& x) {
  return f(x.value);
}

using tenant_id = name<struct tenant_id_tag>;
using project_id = name<struct project_id_tag>;
using run_id = name<struct run_id_tag>;
using step_id = name<struct step_id_tag>;
using event_id = name<struct event_id_tag>;
using definition_id = name<struct definition_id_tag>;

/// A room with a sequence of its own: a tenant's project, or, with an empty
/// project, the tenant itself (events with scope "tenant").
struct room_key {
  tenant_id tenant;
  project_id project;

  friend auto operator<=>(const room_key&, const room_key&) = default;

  bool is_tenant_room() const noexcept {
    return project.empty();
  }
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, room_key& x) {
  auto& [tenant, project] = x;
  return f(tenant, project);
}

/// Whether `text` may be an id: 1 to 128 of `A-Z a-z 0-9 . _ : -`.
bool valid_id(std::string_view text) noexcept;

/// Whether `text` may name a tenant: 1 to 128 bytes of UTF-8 without control
/// characters (a token's `sub` may be an address or hold `|`).
bool valid_tenant(std::string_view text) noexcept;

/// "project:{id}" or "tenant:{id}": the room's name as clients see it.
std::string room_name(const room_key& room);

} // namespace callboard

template <class Tag>
struct std::hash<callboard::number<Tag>> {
  std::size_t operator()(const callboard::number<Tag>& x) const noexcept {
    return std::hash<std::uint64_t>{}(x.value);
  }
};

template <class Tag>
struct std::hash<callboard::name<Tag>> {
  std::size_t operator()(const callboard::name<Tag>& x) const noexcept {
    return std::hash<std::string>{}(x.value);
  }
};

template <>
struct std::hash<callboard::room_key> {
  std::size_t operator()(const callboard::room_key& x) const noexcept {
    return std::hash<std::string>{}(x.tenant.value) * 31
           + std::hash<std::string>{}(x.project.value);
  }
};
