/* discovery-seed, inside: the instance and what is opened on it. */
#ifndef DISCOVERY_SEED_H
#define DISCOVERY_SEED_H

#include "framework/store.h"
#include "plugins/discovery-seed/seed_peers.h"
#include "plugins/discovery-seed/seed_recent.h"
#include "plugins/discovery-seed/seed_resolver.h"

#define SEED_TOPIC "discovery.seed"

/* The instance: immutable after creation, so handles of several threads share it without a lock. */
struct seed {
	const struct ponto_env *env;
	struct ponto_seed *peers;
	size_t peer_count;
	struct ponto_iface store; /* ops NULL: none */
	size_t remember;
	uint64_t refresh; /* microseconds for which a name's addresses are not asked again */
};

/* Reads peers, all of them; what is wrong is logged. PONTO_ECONF; PONTO_ENOMEM. gives *out, NULL when there are none */
PONTO_MUST_CHECK int seed_read_peers(const struct ponto_env *env, const char *const *texts, size_t count,
				     struct ponto_seed **out);

int seed_open(void *self, struct ponto_loop *loop, const struct ponto_discovery_want *want,
	      const struct ponto_discovery_events *events, void *arg, struct ponto_discovery_handle **out);
void seed_close(struct ponto_discovery_handle *handle);
int seed_search(struct ponto_discovery_handle *handle, unsigned sources);
void seed_remember(struct ponto_discovery_handle *handle, const struct ponto_addr *addr);
int seed_seeds(struct ponto_discovery_handle *handle, const char *const *texts, size_t count, bool only);

/* ---- seed_store.c: the remembered addresses of one handle, in memory and in the store ----- */

struct seed_memory {
	struct seed *seed;
	struct ponto_loop *loop;
	uint8_t group[PONTO_STORE_GROUP_MAX];
	size_t group_len;
	struct seed_recent recent;
	struct ponto_timer *timer; /* for the next write */
	struct seed_job *job;	   /* under way: a read or a write, never both */
	uint64_t next_write;	   /* monotonic; not before */
	bool loaded, dirty;
	void (*on_loaded)(void *arg); /* recent is as complete as it gets; called from the loop */
	void *arg;
};

/* PONTO_EINVAL: the topic is too long for a group. */
PONTO_MUST_CHECK int seed_memory_init(struct seed_memory *memory, struct seed *seed, struct ponto_loop *loop,
				      const char *topic, void (*on_loaded)(void *arg), void *arg);
/* What is not yet written is written in the background. Accepts one that was zeroed. */
void seed_memory_fini(struct seed_memory *memory);

/* Reads the store if that has not been done: true when there is nothing to wait for, false when on_loaded comes. */
bool seed_memory_load(struct seed_memory *memory);

void seed_memory_add(struct seed_memory *memory, const struct ponto_addr *addr);

#endif
