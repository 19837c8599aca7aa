#ifndef CALLBOARD_STORAGE_RAFT_RAFT_SHIM_H
#define CALLBOARD_STORAGE_RAFT_RAFT_SHIM_H

/* cowsql/raft as C++ can see it: raft.h defines types inside sizeof, which C++
 * forbids. This header wraps what we use of raft_step() and of nothing else,
 * and hides who frees what:
 *
 * - what goes in is only looked at during the call;
 * - what comes out in craft_update is valid until the next call;
 * - the library never keeps a pointer to a payload.
 *
 * One thread at a time per instance. Calls return 0 or the library's error
 * code; craft_error() puts it in words. After an error `update` is empty, but
 * term and vote may have changed. */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct craft craft;

/* The numbers of raft.h. */
enum craft_state { CRAFT_FOLLOWER = 1, CRAFT_CANDIDATE = 2, CRAFT_LEADER = 3 };
enum craft_kind { CRAFT_COMMAND = 1, CRAFT_BARRIER = 2, CRAFT_CHANGE = 3 };
enum craft_type {
  CRAFT_APPEND = 1,
  CRAFT_APPEND_RESULT = 2,
  CRAFT_VOTE = 3,
  CRAFT_VOTE_RESULT = 4,
  CRAFT_INSTALL = 5,
  CRAFT_TIMEOUT_NOW = 6,
  /* Not the library's: the read barrier (read_barrier.hpp). */
  CRAFT_TERM_CHECK = 7,
  CRAFT_TERM_CHECK_RESULT = 8
};

struct craft_options {
  uint64_t self;
  unsigned election_timeout_ms;
  unsigned heartbeat_ms;
  unsigned max_inflight_entries;
  unsigned random_seed;
};

struct craft_entry {
  uint64_t term;
  unsigned kind;
  const void* data;
  size_t size;
};

/* All message types in one; which fields count follows from the type. */
struct craft_message {
  unsigned type;
  uint64_t peer; /* Sender, or receiver of an outgoing one. */
  uint64_t term;
  /* APPEND: of the entry before; INSTALL: of the state; TERM_CHECK: the round;
   * else the last of the log. */
  uint64_t index;
  uint64_t index_term;          /* Term of that entry; not in results. */
  uint64_t commit;              /* APPEND */
  uint64_t rejected;            /* APPEND_RESULT: the index refused, or 0. */
  unsigned features;            /* Results. */
  unsigned capacity;            /* Results. */
  unsigned n_entries;           /* APPEND: entries that follow `index`. */
  unsigned char granted;        /* VOTE_RESULT */
  unsigned char pre_vote;       /* VOTE, VOTE_RESULT */
  unsigned char disrupt_leader; /* VOTE */
  /* INSTALL: the stream that brings the state, 0 for a mere offer, which has
   * nothing of the following. */
  uint64_t stream;
  uint64_t configuration_index;
  const void* configuration;
  size_t configuration_size;
};

struct craft_member {
  uint64_t id;
  unsigned char voter;
};

struct craft_snapshot {
  uint64_t index; /* 0: none */
  uint64_t term;
  uint64_t configuration_index;
  const void* configuration;
  size_t configuration_size;
};

/* What a step asks for, besides term, vote, state and commit index, which the
 * getters tell. */
struct craft_update {
  uint64_t first_index; /* Persist n_entries from here; drop what was there. */
  unsigned n_entries;
  unsigned char own_barrier; /* They are one barrier that the library made. */
  unsigned char install;     /* Persist the state of the INSTALL just received;
                              * then call craft_state_persisted(). */
  const struct craft_message* messages;
  unsigned n_messages;
};

/* NULL: out of memory. */
craft* craft_new(const struct craft_options* options);
void craft_delete(craft* x);

/* `entries` have the indexes first_index and up. */
int craft_start(craft* x, uint64_t now_ms, uint64_t term, uint64_t vote,
                const struct craft_snapshot* snapshot, uint64_t first_index,
                const struct craft_entry* entries, unsigned n,
                struct craft_update* update);
int craft_receive(craft* x, uint64_t now_ms,
                  const struct craft_message* message,
                  const struct craft_entry* entries,
                  struct craft_update* update);
/* `index` must be above craft_stored(). */
int craft_persisted(craft* x, uint64_t now_ms, uint64_t index,
                    struct craft_update* update);
/* The state of an INSTALL is there, the log is empty. */
int craft_state_persisted(craft* x, uint64_t now_ms,
                          struct craft_update* update);
/* To be called when craft_deadline() has come. */
int craft_timeout(craft* x, uint64_t now_ms, struct craft_update* update);
int craft_submit(craft* x, uint64_t now_ms, const struct craft_entry* entries,
                 unsigned n, struct craft_update* update);
/* Records a vote in the present term, in which nobody has it yet. For followers
 * only. */
void craft_vote_for(craft* x, uint64_t now_ms, uint64_t candidate);
/* `to` must be a voter. */
int craft_transfer(craft* x, uint64_t now_ms, uint64_t to,
                   struct craft_update* update);
/* The configuration entry at `index` has been committed. */
int craft_configuration_committed(craft* x, uint64_t now_ms, uint64_t index,
                                  const void* data, size_t size,
                                  struct craft_update* update);
/* The log keeps `trailing` entries up to snapshot->index, and what follows.
 * snapshot->index must be above craft_snapshot_index(). */
int craft_compact(craft* x, uint64_t now_ms,
                  const struct craft_snapshot* snapshot, unsigned trailing,
                  struct craft_update* update);

unsigned craft_state_of(const craft* x); /* enum craft_state */
uint64_t craft_term(const craft* x);
uint64_t craft_vote(const craft* x);
uint64_t craft_commit(const craft* x);
uint64_t craft_stored(const craft* x); /* Last index known to be durable. */
uint64_t craft_leader(const craft* x); /* 0: unknown */
uint64_t craft_snapshot_index(const craft* x);
uint64_t craft_match(const craft* x, uint64_t id); /* 0: unknown */
uint64_t craft_transferee(const craft* x);         /* 0: no transfer */
int craft_change_pending(const craft* x);          /* Not committed yet. */
uint64_t craft_deadline(const craft* x);
/* Writes at most `capacity` members; returns how many there are. */
unsigned craft_members(const craft* x, struct craft_member* out,
                       unsigned capacity);
const char* craft_error(int code);

#ifdef __cplusplus
}
#endif

#endif
