#include "storage/coding.hpp"
#include "storage/state_keys.hpp"
#include "storage/state_reads.hpp"

namespace callboard::reads {

namespace {

tl::unexpected<problem> bad_key(std::string_view what) {
  return fail(errc::internal, "a key of the list of " + std::string{what}
                                + " runs is malformed; the store is damaged");
}

} // namespace

result<queue_page> queued_runs(const state_view& at, shard_id shard,
                               keys::room_ref room, std::string_view queue,
                               std::size_t limit) {
  queue_page out;
  key_scan scan{at, family::index, keys::queue(shard, room, queue)};
  for (scan.seek_first(); scan.valid(); scan.next()) {
    if (out.runs.size() == limit) {
      out.more = true;
      break;
    }
    coding::reader in{scan.suffix()};
    queued_run x;
    if (!in.sortable(x.created_ms) || in.rest().empty())
      return bad_key("queued");
    x.run.value = in.rest();
    out.runs.push_back(std::move(x));
  }
  if (auto done = scan.check(); !done)
    return tl::unexpected{done.error()};
  return out;
}

result<std::vector<leased_run>> leased_runs(const state_view& at,
                                            shard_id shard) {
  std::vector<leased_run> out;
  key_scan scan{at, family::index, keys::leased(shard)};
  for (scan.seek_first(); scan.valid(); scan.next()) {
    coding::reader in{scan.suffix()};
    std::string_view tenant, project;
    if (!in.until_zero(tenant) || !in.until_zero(project) || in.rest().empty())
      return bad_key("leased");
    auto header = run_header(at, shard, {tenant, project}, in.rest());
    if (!header)
      return tl::unexpected{header.error()};
    if (!*header || !(*header)->dispatch)
      return bad_key("leased");
    leased_run x;
    x.room.tenant.value = tenant;
    x.room.project.value = project;
    x.run.value = in.rest();
    x.lease
      = std::make_shared<const dispatch_state>(std::move(*(*header)->dispatch));
    out.push_back(std::move(x));
  }
  if (auto done = scan.check(); !done)
    return tl::unexpected{done.error()};
  return out;
}

} // namespace callboard::reads
