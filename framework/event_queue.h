/* Ponto: events in order of (time, sequence): what both loop backends and the
 * simulated world keep their deadlines in. Internal to the framework; one thread.
 *
 * A slot is a place for one event. There is always room to arm every slot, so
 * only making a slot can fail; arming, disarming and running allocate nothing.
 *
 * A queue that looks ahead is for very many events. It keeps the next few out of
 * the heap, in order, so that what they will touch can be fetched from memory
 * meanwhile; and those that come later than the next milliseconds lie unsorted in
 * a wheel of buckets by time, for a heap of a million is itself a wait for memory. */
#ifndef PONTO_EVENT_QUEUE_H
#define PONTO_EVENT_QUEUE_H

#include "framework/base.h"
#include "framework/loop.h"

/* An entry's key is its sequence number above its slot, so one comparison settles equal times. */
#define PONTO_EVENT_SLOT_BITS 24
#define PONTO_EVENT_SLOT_MASK ((UINT64_C(1) << PONTO_EVENT_SLOT_BITS) - 1)
#define PONTO_EVENT_UNARMED UINT32_MAX
#define PONTO_EVENT_AHEAD (UINT32_MAX - 1)
#define PONTO_EVENT_LATER (UINT32_MAX - 2)
#define PONTO_EVENT_AHEAD_MAX 32u   /* a power of two */
#define PONTO_EVENT_BUCKETS 16384u  /* of the wheel */
#define PONTO_EVENT_BUCKET_BITS 10u /* of microseconds in one bucket: the wheel turns in 16.8 s */

struct ponto_event_entry {
	uint64_t at;
	uint64_t key;
};

struct ponto_event_slot {
	ponto_loop_fn *fn;
	void *arg;
	struct ponto_event_entry later; /* when in the wheel */
	uint32_t place;			/* in the heap, or PONTO_EVENT_AHEAD, _LATER or _UNARMED */
	uint32_t next, prev;		/* plus one: in a bucket, or (next) among the free slots */
	uint16_t bucket;		/* that it lies in when in the wheel: it opens by then, or long before */
	bool once;			/* freed when it runs */
};

struct ponto_event_queue {
	const struct ponto_alloc *alloc;
	struct ponto_event_entry *heap;
	struct ponto_event_slot *slots;
	uint32_t count; /* in the heap */
	uint32_t used;	/* slots ever handed out */
	uint32_t cap;
	uint32_t free; /* head of the free list plus one */
	uint64_t sequence;
	struct ponto_event_entry ahead[PONTO_EVENT_AHEAD_MAX]; /* a ring: what comes before all of the heap, in order */
	uint32_t ahead_first, ahead_count, ahead_wanted;
	uint32_t *wheel;      /* heads of buckets plus one; NULL: this queue does not look ahead */
	uint32_t later_count; /* in the wheel */
	uint64_t opened;      /* buckets before this one, counted from time 0, are in the heap */
	uint64_t followed;    /* the bucket whose list is being fetched, */
	uint32_t follow;      /* and the slot in it to fetch next, plus one */
};

/* copies the pointer alloc */
void ponto_event_queue_init(struct ponto_event_queue *q, const struct ponto_alloc *alloc);

/* From now on it looks that many events ahead, 1 to PONTO_EVENT_AHEAD_MAX. PONTO_ENOMEM. */
PONTO_MUST_CHECK int ponto_event_queue_look_ahead(struct ponto_event_queue *q, uint32_t events);
void ponto_event_queue_fini(struct ponto_event_queue *q);

/* A slot, not armed. PONTO_ENOMEM, also when 2^24 are in use. once: the slot is given back when it runs. */
PONTO_MUST_CHECK int ponto_event_slot_create(struct ponto_event_queue *q, ponto_loop_fn *fn, void *arg, bool once,
					     uint32_t *out);
void ponto_event_slot_destroy(struct ponto_event_queue *q, uint32_t slot);

/* Arms or re-arms; returns an id that no other arming of this queue has, never 0. */
uint64_t ponto_event_arm(struct ponto_event_queue *q, uint32_t slot, uint64_t at);
void ponto_event_disarm(struct ponto_event_queue *q, uint32_t slot);

/* Disarms and destroys the slot if that very arming still waits. */
void ponto_event_cancel(struct ponto_event_queue *q, uint64_t id);

/* The nth (from 0) of the events that come next, as far as the queue looks ahead; NULL when it does not. */
static inline const struct ponto_event_entry *ponto_event_ahead(const struct ponto_event_queue *q, uint32_t nth)
{
	return nth < q->ahead_count ? &q->ahead[(q->ahead_first + nth) % PONTO_EVENT_AHEAD_MAX] : NULL;
}

/* The earliest time, or PONTO_NEVER. */
uint64_t ponto_event_next(struct ponto_event_queue *q);

/* Takes the earliest event off the queue: false when there is none. The caller runs *fn. */
bool ponto_event_pop(struct ponto_event_queue *q, struct ponto_event_entry *entry, ponto_loop_fn **fn, void **arg);

#endif
