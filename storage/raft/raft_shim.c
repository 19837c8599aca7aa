#include "storage/raft/raft_shim.h"

#include "storage/raft/raft_shim_message.h"

#include <inttypes.h>
#include <raft.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 0.15 loses committed entries; after 0.22.1 the library changed who owns the
 * memory of an event, which this file depends on. */
_Static_assert(
  RAFT_VERSION_NUMBER == 2201,
  "exactly libraft 0.22.1: other versions lose committed entries or "
  "own the memory of events differently");

enum { address_size = 24, ample_disk = 0xffff };

struct craft {
  struct raft raft;
  struct raft_entry* entries; /* Scratch for events. */
  unsigned entries_capacity;
  struct craft_message* messages; /* Scratch for updates. */
  unsigned messages_capacity;
  struct raft_snapshot_metadata installing; /* While `is_installing`. */
  unsigned char is_installing;
};

/* The library wants an address per server and wants them to differ. */
static void write_address(char* out, uint64_t id) {
  snprintf(out, address_size, "%" PRIu64, id);
}

craft* craft_new(const struct craft_options* options) {
  char address[address_size];
  craft* x = calloc(1, sizeof *x);
  if (x == NULL)
    return NULL;
  write_address(address, options->self);
  if (raft_init(&x->raft, NULL, NULL, options->self, address) != 0) {
    free(x);
    return NULL;
  }
  /* The default tracer formats into static buffers: a data race between groups
   * and a third of the speed. */
  x->raft.tracer = NULL;
  raft_seed(&x->raft, options->random_seed);
  raft_set_election_timeout(&x->raft, options->election_timeout_ms);
  raft_set_heartbeat_timeout(&x->raft, options->heartbeat_ms);
  raft_set_max_inflight_entries(&x->raft, options->max_inflight_entries);
  /* The library asks again after this time, also while the state is still under
   * way: state_offers knows. It must ask: when we trim meanwhile, it takes a
   * follower's refusal for an old one and would wait for ever. */
  raft_set_install_snapshot_timeout(&x->raft, options->election_timeout_ms);
  raft_set_pre_vote(&x->raft, true);
  return x;
}

void craft_delete(craft* x) {
  if (x == NULL)
    return;
  raft_close(&x->raft, NULL);
  if (x->is_installing)
    raft_configuration_close(&x->installing.configuration);
  free(x->entries);
  free(x->messages);
  free(x);
}

/* --- translation ---------------------------------------------------------- */

static int decode_configuration(const void* data, size_t size,
                                struct raft_configuration* out) {
  struct raft_buffer buffer = {(void*)(uintptr_t)data, size};
  return raft_configuration_decode(&buffer, out);
}

static void fill_entries(struct raft_entry* out, const struct craft_entry* in,
                         unsigned n, void* batch) {
  for (unsigned i = 0; i < n; ++i) {
    out[i].term = in[i].term;
    out[i].type = (enum raft_entry_type)in[i].kind;
    out[i].buf.base = (void*)(uintptr_t)in[i].data;
    out[i].buf.len = in[i].size;
    out[i].batch = batch;
  }
}

/* Copies `in` into the scratch entries. */
static int load_entries(craft* x, const struct craft_entry* in, unsigned n,
                        void* batch) {
  if (n > x->entries_capacity) {
    struct raft_entry* grown = realloc(x->entries, n * sizeof *grown);
    if (grown == NULL)
      return RAFT_NOMEM;
    x->entries = grown;
    x->entries_capacity = n;
  }
  fill_entries(x->entries, in, n, batch);
  return 0;
}

static int export_messages(craft* x, const struct raft_update* from,
                           struct craft_update* to) {
  const unsigned n = from->messages.n;
  if (n > x->messages_capacity) {
    struct craft_message* grown = realloc(x->messages, n * sizeof *grown);
    if (grown == NULL)
      return RAFT_NOMEM;
    x->messages = grown;
    x->messages_capacity = n;
  }
  for (unsigned i = 0; i < n; ++i)
    craft_from_raft(&x->messages[i], &from->messages.batch[i]);
  to->messages = x->messages;
  to->n_messages = n;
  return 0;
}

static int step(craft* x, uint64_t now_ms, struct raft_event* event,
                struct craft_update* update) {
  struct raft_update raw;
  memset(update, 0, sizeof *update);
  memset(&raw, 0, sizeof raw);
  event->time = now_ms;
  event->capacity = ample_disk; /* Full disks are our own business. */
  int rv = raft_step(&x->raft, event, &raw);
  if (rv != 0)
    return rv;
  if (raw.flags & (RAFT_UPDATE_ENTRIES)) {
    update->first_index = raw.entries.index;
    update->n_entries = raw.entries.n;
    if (raw.entries.batch == &x->raft.barrier) {
      update->own_barrier = 1;
      raft_free(raw.entries.batch->batch);
    }
  }
  if (raw.flags & (RAFT_UPDATE_SNAPSHOT)) {
    update->install = 1;
    x->installing = raw.snapshot.metadata;
    x->is_installing = 1;
  }
  if (raw.flags & (RAFT_UPDATE_MESSAGES))
    return export_messages(x, &raw, update);
  return 0;
}

/* --- events --------------------------------------------------------------- */

static int fill_metadata(struct raft_snapshot_metadata* out,
                         const struct craft_snapshot* in) {
  out->index = in->index;
  out->term = in->term;
  out->configuration_index = in->configuration_index;
  return decode_configuration(in->configuration, in->configuration_size,
                              &out->configuration);
}

int craft_start(craft* x, uint64_t now_ms, uint64_t term, uint64_t vote,
                const struct craft_snapshot* snapshot, uint64_t first_index,
                const struct craft_entry* entries, unsigned n,
                struct craft_update* update) {
  struct raft_event event;
  struct raft_snapshot_metadata metadata;
  struct raft_entry* list = NULL;
  void* batch = NULL;
  memset(&event, 0, sizeof event);
  memset(update, 0, sizeof *update);
  if (snapshot->index != 0) {
    int rv = fill_metadata(&metadata, snapshot); /* The step takes it over. */
    if (rv != 0)
      return rv;
    event.start.metadata = &metadata;
  }
  if (n != 0) {
    /* On failure the library frees the list and the batch; on success neither
     * it nor anybody else looks at them again. */
    list = raft_malloc(n * sizeof *list);
    batch = raft_malloc(1);
    if (list == NULL || batch == NULL) {
      raft_free(list);
      raft_free(batch);
      return RAFT_NOMEM;
    }
    fill_entries(list, entries, n, batch);
  }
  event.type = RAFT_START;
  event.start.term = term;
  event.start.voted_for = vote;
  event.start.start_index = first_index;
  event.start.entries = list;
  event.start.n_entries = n;
  int rv = step(x, now_ms, &event, update);
  if (rv == 0) {
    raft_free(list);
    raft_free(batch);
  }
  return rv;
}

int craft_receive(craft* x, uint64_t now_ms,
                  const struct craft_message* message,
                  const struct craft_entry* entries,
                  struct craft_update* update) {
  struct raft_event event;
  struct raft_message raw;
  char address[address_size];
  void* batch = NULL;
  memset(&event, 0, sizeof event);
  memset(&raw, 0, sizeof raw);
  memset(update, 0, sizeof *update);
  craft_to_raft(&raw, message);
  write_address(address, message->peer);
  raw.server_address = address;
  if (message->type == CRAFT_APPEND && message->n_entries != 0) {
    /* The payloads are ours; what the library wants to free when it has no use
     * for the entries is this. */
    batch = raft_malloc(1);
    int rv = batch == NULL
               ? RAFT_NOMEM
               : load_entries(x, entries, message->n_entries, batch);
    if (rv != 0) {
      raft_free(batch);
      return rv;
    }
    raw.append_entries.entries = x->entries;
    raw.append_entries.n_entries = message->n_entries;
  }
  if (message->type == CRAFT_INSTALL) {
    /* The library would drop a second one, and forget its memory. */
    if (x->is_installing)
      return RAFT_BUSY;
    int rv
      = decode_configuration(message->configuration,
                             message->configuration_size,
                             &raw.install_snapshot.conf);
    if (rv != 0)
      return rv;
  }
  event.type = RAFT_RECEIVE;
  event.receive.message = &raw;
  int rv = step(x, now_ms, &event, update);
  if (rv == 0 && batch != NULL && update->n_entries != 0)
    raft_free(batch); /* It took entries, so it did not free the batch. */
  return rv;
}

int craft_persisted(craft* x, uint64_t now_ms, uint64_t index,
                    struct craft_update* update) {
  struct raft_event event;
  memset(&event, 0, sizeof event);
  event.type = RAFT_PERSISTED_ENTRIES;
  event.persisted_entries.index = index;
  return step(x, now_ms, &event, update);
}

int craft_state_persisted(craft* x, uint64_t now_ms,
                          struct craft_update* update) {
  struct raft_event event;
  memset(&event, 0, sizeof event);
  event.type = RAFT_PERSISTED_SNAPSHOT;
  event.persisted_snapshot.metadata = x->installing; /* Taken over. */
  event.persisted_snapshot.last = true;
  x->is_installing = 0;
  return step(x, now_ms, &event, update);
}

int craft_timeout(craft* x, uint64_t now_ms, struct craft_update* update) {
  struct raft_event event;
  memset(&event, 0, sizeof event);
  event.type = RAFT_TIMEOUT;
  return step(x, now_ms, &event, update);
}

int craft_submit(craft* x, uint64_t now_ms, const struct craft_entry* entries,
                 unsigned n, struct craft_update* update) {
  static char nothing; /* Must not be NULL; never freed for submissions. */
  struct raft_event event;
  memset(&event, 0, sizeof event);
  memset(update, 0, sizeof *update);
  int rv = load_entries(x, entries, n, &nothing);
  if (rv != 0)
    return rv;
  event.type = RAFT_SUBMIT;
  event.submit.entries = x->entries;
  event.submit.n = n;
  return step(x, now_ms, &event, update);
}

void craft_vote_for(craft* x, uint64_t now_ms, uint64_t candidate) {
  x->raft.voted_for = candidate;
  x->raft.election_timer_start = now_ms;
}

int craft_transfer(craft* x, uint64_t now_ms, uint64_t to,
                   struct craft_update* update) {
  struct raft_event event;
  memset(&event, 0, sizeof event);
  event.type = RAFT_TRANSFER;
  event.transfer.server_id = to;
  return step(x, now_ms, &event, update);
}

int craft_configuration_committed(craft* x, uint64_t now_ms, uint64_t index,
                                  const void* data, size_t size,
                                  struct craft_update* update) {
  struct raft_event event;
  memset(&event, 0, sizeof event);
  memset(update, 0, sizeof *update);
  event.type = RAFT_CONFIGURATION;
  event.configuration.index = index;
  int rv = decode_configuration(data, size, &event.configuration.conf);
  return rv != 0 ? rv : step(x, now_ms, &event, update);
}

int craft_compact(craft* x, uint64_t now_ms,
                  const struct craft_snapshot* snapshot, unsigned trailing,
                  struct craft_update* update) {
  struct raft_event event;
  memset(&event, 0, sizeof event);
  memset(update, 0, sizeof *update);
  event.type = RAFT_SNAPSHOT;
  event.snapshot.trailing = trailing;
  int rv = fill_metadata(&event.snapshot.metadata, snapshot);
  return rv != 0 ? rv : step(x, now_ms, &event, update);
}

/* --- state ---------------------------------------------------------------- */

unsigned craft_state_of(const craft* x) {
  return x->raft.state;
}

uint64_t craft_term(const craft* x) {
  return raft_current_term(&x->raft);
}

uint64_t craft_vote(const craft* x) {
  return raft_voted_for(&x->raft);
}

uint64_t craft_commit(const craft* x) {
  return raft_commit_index(&x->raft);
}

uint64_t craft_stored(const craft* x) {
  return x->raft.last_stored;
}

uint64_t craft_leader(const craft* x) {
  raft_id id = 0;
  const char* address = NULL;
  raft_leader((struct raft*)(uintptr_t)&x->raft, &id, &address);
  return id;
}

uint64_t craft_snapshot_index(const craft* x) {
  return x->raft.trail.snapshot.index;
}

uint64_t craft_match(const craft* x, uint64_t id) {
  raft_index index = 0;
  return raft_match_index(&x->raft, id, &index) == 0 ? index : 0;
}

uint64_t craft_transferee(const craft* x) {
  return raft_transferee(&x->raft);
}

int craft_change_pending(const craft* x) {
  return x->raft.configuration_uncommitted_index != 0;
}

uint64_t craft_deadline(const craft* x) {
  return raft_timeout(&x->raft);
}

unsigned craft_members(const craft* x, struct craft_member* out,
                       unsigned capacity) {
  const struct raft_configuration* all = &x->raft.configuration;
  for (unsigned i = 0; i < all->n && i < capacity; ++i) {
    out[i].id = all->servers[i].id;
    out[i].voter = all->servers[i].role == RAFT_VOTER;
  }
  return all->n;
}

const char* craft_error(int code) {
  return raft_strerror(code);
}
