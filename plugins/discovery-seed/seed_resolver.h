/* discovery-seed: names into addresses without blocking the caller, by the system's getaddrinfo.
 *
 * getaddrinfo may take half a minute when a name server is silent and cannot be
 * stopped. So its threads belong to nobody: a resolver that is closed leaves them
 * behind, and each goes when its call returns. That is why they use malloc, not the
 * instance's allocator, and touch nothing of the instance. At most two a resolver.
 *
 * All calls from one thread, the one that watches seed_resolver_fd. */
#ifndef DISCOVERY_SEED_RESOLVER_H
#define DISCOVERY_SEED_RESOLVER_H

#include "plugins/discovery-seed/seed_peers.h"

#define SEED_ANSWER_MAX 32 /* addresses of one name */

struct seed_resolver;

struct seed_answer {
	size_t tag;	  /* as asked */
	int error;	  /* 0, or getaddrinfo's */
	char reason[128]; /* in words */
	size_t count;
	struct ponto_addr addrs[SEED_ANSWER_MAX]; /* in RFC 6724 order; port 0 */
};

/* gives */
PONTO_MUST_CHECK int seed_resolver_create(struct seed_resolver **out);
/* Waits for nothing; unanswered questions are forgotten. Accepts NULL. */
void seed_resolver_close(struct seed_resolver *resolver);

/* Becomes readable when an answer is there. */
int seed_resolver_fd(const struct seed_resolver *resolver);

/* Asks for family's addresses (NONE: both). copies host. PONTO_EBUSY: no thread can be had. */
PONTO_MUST_CHECK int seed_resolver_ask(struct seed_resolver *resolver, const char *host, uint8_t family, size_t tag);

/* The address this host would send from to addr; family NONE when there is no way there. Asks the kernel, sends
 * nothing, does not block. Any thread. */
void seed_source_of(const struct ponto_addr *addr, struct ponto_addr *out);

/* The next answer; false when there is none. */
bool seed_resolver_take(struct seed_resolver *resolver, struct seed_answer *out);

#endif
