#ifndef CALLBOARD_STORAGE_RAFT_RAFT_SHIM_MESSAGE_H
#define CALLBOARD_STORAGE_RAFT_RAFT_SHIM_MESSAGE_H

/* Between the shim's messages and the library's; for C only. */

#include "storage/raft/raft_shim.h"

#include <raft.h>

/* All but server_address and the entries of an APPEND. */
void craft_to_raft(struct raft_message* out, const struct craft_message* in);

/* Of an APPEND the number of entries only: the library keeps none. */
void craft_from_raft(struct craft_message* out, const struct raft_message* in);

#endif
