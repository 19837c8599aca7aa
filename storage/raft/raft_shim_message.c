#include "storage/raft/raft_shim_message.h"

#include <string.h>

void craft_to_raft(struct raft_message* out, const struct craft_message* in) {
  out->type = (enum raft_message_type)in->type;
  out->server_id = in->peer;
  switch (in->type) {
  case CRAFT_APPEND:
    out->append_entries.term = in->term;
    out->append_entries.prev_log_index = in->index;
    out->append_entries.prev_log_term = in->index_term;
    out->append_entries.leader_commit = in->commit;
    break;
  case CRAFT_APPEND_RESULT:
    out->append_entries_result.version = 1;
    out->append_entries_result.term = in->term;
    out->append_entries_result.rejected = in->rejected;
    out->append_entries_result.last_log_index = in->index;
    out->append_entries_result.features = (unsigned short)in->features;
    out->append_entries_result.capacity = (unsigned short)in->capacity;
    break;
  case CRAFT_VOTE:
    out->request_vote.version = 2;
    out->request_vote.term = in->term;
    out->request_vote.candidate_id = in->peer;
    out->request_vote.last_log_index = in->index;
    out->request_vote.last_log_term = in->index_term;
    out->request_vote.disrupt_leader = in->disrupt_leader != 0;
    out->request_vote.pre_vote = in->pre_vote != 0;
    break;
  case CRAFT_VOTE_RESULT:
    out->request_vote_result.version = 2;
    out->request_vote_result.term = in->term;
    out->request_vote_result.vote_granted = in->granted != 0;
    out->request_vote_result.pre_vote = in->pre_vote != 0;
    out->request_vote_result.features = (unsigned short)in->features;
    out->request_vote_result.capacity = (unsigned short)in->capacity;
    break;
  case CRAFT_INSTALL: /* `conf` is the caller's to fill. */
    out->install_snapshot.term = in->term;
    out->install_snapshot.last_index = in->index;
    out->install_snapshot.last_term = in->index_term;
    out->install_snapshot.conf_index = in->configuration_index;
    break;
  case CRAFT_TIMEOUT_NOW:
    out->timeout_now.term = in->term;
    out->timeout_now.last_log_index = in->index;
    out->timeout_now.last_log_term = in->index_term;
    break;
  default:
    break;
  }
}

void craft_from_raft(struct craft_message* out, const struct raft_message* in) {
  memset(out, 0, sizeof *out);
  out->type = (unsigned)in->type;
  out->peer = in->server_id;
  switch (in->type) {
  case RAFT_APPEND_ENTRIES:
    out->term = in->append_entries.term;
    out->index = in->append_entries.prev_log_index;
    out->index_term = in->append_entries.prev_log_term;
    out->commit = in->append_entries.leader_commit;
    out->n_entries = in->append_entries.n_entries;
    break;
  case RAFT_APPEND_ENTRIES_RESULT:
    out->term = in->append_entries_result.term;
    out->rejected = in->append_entries_result.rejected;
    out->index = in->append_entries_result.last_log_index;
    out->features = in->append_entries_result.features;
    out->capacity = in->append_entries_result.capacity;
    break;
  case RAFT_REQUEST_VOTE:
    out->term = in->request_vote.term;
    out->index = in->request_vote.last_log_index;
    out->index_term = in->request_vote.last_log_term;
    out->disrupt_leader = in->request_vote.disrupt_leader;
    out->pre_vote = in->request_vote.pre_vote;
    break;
  case RAFT_REQUEST_VOTE_RESULT:
    out->term = in->request_vote_result.term;
    out->granted = in->request_vote_result.vote_granted;
    out->pre_vote = in->request_vote_result.pre_vote;
    out->features = in->request_vote_result.features;
    out->capacity = in->request_vote_result.capacity;
    break;
  case RAFT_INSTALL_SNAPSHOT:
    out->term = in->install_snapshot.term;
    out->index = in->install_snapshot.last_index;
    out->index_term = in->install_snapshot.last_term;
    break;
  case RAFT_TIMEOUT_NOW:
    out->term = in->timeout_now.term;
    out->index = in->timeout_now.last_log_index;
    out->index_term = in->timeout_now.last_log_term;
    break;
  }
}
