/* service-dist: bytes on their way from an origin to a client: put on a loop, taken on a thread of the server's.
 *
 * Bounded: who puts is told to wait, and who takes says when it may go on. Thread-safe where said. */
#ifndef PLUGINS_SERVICE_DIST_DIST_QUEUE_H
#define PLUGINS_SERVICE_DIST_DIST_QUEUE_H

#include <pthread.h>

#include "framework/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DIST_QUEUE_BYTES (256u * 1024) /* that wait; what is put in one go may be on top */

struct dist_chunk;

/* Opaque. */
struct dist_queue {
	const struct ponto_alloc *alloc;
	pthread_mutex_t lock;
	struct dist_chunk *first, **last;
	size_t bytes;
	bool hungry, full; /* who takes waits; who puts waits */
	bool ended;
	int result;
};

void dist_queue_init(struct dist_queue *queue, const struct ponto_alloc *alloc);

/* Nobody takes any more. */
void dist_queue_clear(struct dist_queue *queue);

/* Room is not needed for bytes, but for the next ones. PONTO_EBUSY: none of them is taken, until dist_queue_take said
 * more; PONTO_ENOMEM. *wake: who takes waits. copies */
PONTO_MUST_CHECK int dist_queue_put(struct dist_queue *queue, struct ponto_bytes bytes, bool *wake);

/* Nothing more comes; result: how it went. True: who takes waits. */
PONTO_MUST_CHECK bool dist_queue_end(struct dist_queue *queue, int result);

/* On one thread, any: the number filled; 0: the end; PONTO_EBUSY: nothing yet; the result that it ended with, once all
 * is taken. *more: who puts waits, and is to be told; when that failed: dist_queue_untold, and the next call says so
 * again. */
int64_t dist_queue_take(struct dist_queue *queue, uint8_t *out, size_t cap, bool *more);
void dist_queue_untold(struct dist_queue *queue);

#ifdef __cplusplus
}
#endif
#endif
