/* security-sim inside: an instance, and what its parts ask of each other. Thread-safe by its lock. */
#ifndef SECURITY_SIM_SIM_H
#define SECURITY_SIM_SIM_H

#include <pthread.h>

#include "plugins/security-sim/sim_keyring.h"

struct sim_kept; /* sim_delegate.c */

struct sim {
	const struct ponto_env *env;
	pthread_mutex_t lock;
	struct sim_keyring ring; /* under lock */
	struct sim_kept *chains; /* under lock, in the order of their ids */
	uint64_t last_created;	 /* under lock */
	size_t limit;
};

PONTO_MUST_CHECK int sim_identity_get(void *self, uint32_t owner, const char *id, struct ponto_identity *out);

/* ---- sim_delegate.c: the contract's chain calls -------------------------------------- */

PONTO_MUST_CHECK int sim_chain_issue(void *self, uint32_t owner, const char *id, struct ponto_bytes chain,
				     const struct ponto_delegation *delegation, bool text,
				     const struct ponto_alloc *alloc, uint8_t **data, size_t *len);
PONTO_MUST_CHECK int sim_chain_read(void *self, struct ponto_bytes data, ponto_certificate_fn *fn, void *arg,
				    struct ponto_chain *out);
PONTO_MUST_CHECK int sim_chain_verify(void *self, uint32_t profile, struct ponto_bytes chain,
				      const struct ponto_chain_use *use);
PONTO_MUST_CHECK int sim_chain_add(void *self, uint32_t owner, struct ponto_bytes data, struct ponto_chain *out);
PONTO_MUST_CHECK int sim_chain_list(void *self, uint32_t owner, ponto_chain_fn *fn, void *arg);
PONTO_MUST_CHECK int sim_chain_get(void *self, uint32_t owner, const char *id, bool text,
				   const struct ponto_alloc *alloc, uint8_t **data, size_t *len);
PONTO_MUST_CHECK int sim_chain_remove(void *self, uint32_t owner, const char *id);
void sim_chains_clear(struct sim *sim);

#endif
