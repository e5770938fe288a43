/* Ponto ring: the pending list: messages sent that wait for an answer or for being sent again.
 *
 * Pure. One second between copies, two copies in all (T14). As the period is the same for all, the list in order
 * of sending is the list in order of expiry. [MS-PNRP] 3.1.1, 3.1.2, 3.1.6.3. */
#ifndef ENGINES_RING_RING_PENDING_H
#define ENGINES_RING_RING_PENDING_H

#include "framework/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RING_RETRANSMIT PONTO_SECOND
#define RING_RETRY_COUNT 2
#define RING_PENDING_BUCKETS 8

struct ring_message {
	struct ring_message *older, *newer; /* by deadline */
	struct ring_message *bucket_next;
	uint64_t deadline;
	uint64_t first_sent;
	uint64_t owner; /* what waits for the answer: its owner's business */
	struct ponto_addr to, from;
	uint32_t id;
	uint8_t type;
	uint8_t retries; /* Retry Count */
	uint16_t len;
	uint8_t bytes[];
};

struct ring_pending {
	const struct ponto_alloc *alloc;
	struct ring_message *oldest, *newest;
	struct ring_message *bucket[RING_PENDING_BUCKETS];
	uint32_t count;
	uint32_t bytes;
};

/* borrows alloc for the list's life */
void ring_pending_init(struct ring_pending *p, const struct ponto_alloc *alloc);
void ring_pending_clear(struct ring_pending *p);

/* A message just sent for the first time; the caller fills owner, to, from. NULL: no memory. copies bytes; the
 * result lives until ring_pending_remove */
struct ring_message *ring_pending_add(struct ring_pending *p, uint64_t now, uint8_t type, uint32_t id,
				      struct ponto_bytes bytes);

struct ring_message *ring_pending_find(const struct ring_pending *p, uint32_t id);

/* takes m */
void ring_pending_remove(struct ring_pending *p, struct ring_message *m);

/* The oldest whose timer has expired, or NULL. Its retry count is not changed yet. */
struct ring_message *ring_pending_due(const struct ring_pending *p, uint64_t now);

/* 3.1.6.3: decrements the retry count; true when it is to be sent again (its timer runs anew), false when it has
 * failed and is to be removed. */
bool ring_pending_retry(struct ring_pending *p, struct ring_message *m, uint64_t now);

static inline uint64_t ring_pending_deadline(const struct ring_pending *p)
{
	return p->oldest ? p->oldest->deadline : PONTO_NEVER;
}

#ifdef __cplusplus
}
#endif
#endif
