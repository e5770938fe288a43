/* Inside lookups: the queue (lookup.c) and the threads that fill it (lookup_work.c). */
#ifndef PONTO_API_PEER_LOOKUP_PRIVATE_H
#define PONTO_API_PEER_LOOKUP_PRIVATE_H

#include <pthread.h>

#include "api/peer/clouds.h"
#include "api/peer/lookup.h"

struct peer_lookup {
	struct handle_object object;
	struct peer_query query;
	uint64_t deadline; /* monotonic ms */
	int cancel;	   /* readable when it has been ended */
	HANDLE handle;	   /* NULL: none */
	unsigned generation;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	struct peer_found *first, **last;
	size_t found;	  /* in total */
	unsigned running; /* clouds still being asked */
	HRESULT failure;  /* why nothing was found; S_OK: nothing to tell */
	bool cancelled, told;
	struct handle_object *event;
	void (*ready)(void *arg);
	void *ready_arg;
	struct peer_lookup *next; /* of all that live */
};

/* The work in one cloud: takes one reference to lookup. E_OUTOFMEMORY: the reference stays the caller's. */
HRESULT peer_work_submit(struct peer_lookup *lookup, const struct peer_cloud *cloud);
void peer_work_end(void);
void peer_work_forget(void);

/* What was found. False: no more is wanted. takes found */
bool peer_lookup_push(struct peer_lookup *lookup, struct peer_found *found);

/* One cloud has been asked. failure S_OK: with no fault. */
void peer_lookup_asked(struct peer_lookup *lookup, HRESULT failure);

/* True until it has been ended or has enough. */
bool peer_lookup_wants(struct peer_lookup *lookup);

uint64_t peer_now_ms(void);

#endif
