/* security-sim: the identities of an instance, by owner and id, in memory.
 *
 * Not thread-safe: the plugin holds a lock. */
#ifndef SECURITY_SIM_KEYRING_H
#define SECURITY_SIM_KEYRING_H

#include "framework/security.h"

struct sim_keyring {
	const struct ponto_alloc *alloc;
	struct sim_entry **buckets; /* chains by id */
	size_t bucket_count, count;
};

struct sim_entry {
	struct sim_entry *next;
	struct ponto_identity identity;
};

void sim_keyring_init(struct sim_keyring *ring, const struct ponto_alloc *alloc);
void sim_keyring_fini(struct sim_keyring *ring);

/* NULL when there is none. Valid until the ring changes. */
const struct ponto_identity *sim_keyring_find(const struct sim_keyring *ring, uint32_t owner, const char *id);

/* PONTO_EEXIST: owner has that id. copies */
PONTO_MUST_CHECK int sim_keyring_add(struct sim_keyring *ring, const struct ponto_identity *identity);

PONTO_MUST_CHECK int sim_keyring_remove(struct sim_keyring *ring, uint32_t owner, const char *id);

size_t sim_keyring_count(const struct sim_keyring *ring, uint32_t owner);

/* The owner's identities, oldest first. gives *out, allocated with the ring's allocator; NULL when none */
PONTO_MUST_CHECK int sim_keyring_list(const struct sim_keyring *ring, uint32_t owner, struct ponto_identity **out,
				      size_t *count);

#endif
