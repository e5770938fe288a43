#include "framework/event_queue.h"

#include <assert.h>

/* Four children a node: fewer levels and one cache line of children, which is what counts at 100,000 events. */
#define ARITY 4u

void ponto_event_queue_init(struct ponto_event_queue *q, const struct ponto_alloc *alloc)
{
	*q = (struct ponto_event_queue){.alloc = alloc};
}

void ponto_event_queue_fini(struct ponto_event_queue *q)
{
	ponto_free(q->alloc, q->heap);
	ponto_free(q->alloc, q->slots);
}

static bool before(const struct ponto_event_entry *a, const struct ponto_event_entry *b)
{
	return a->at != b->at ? a->at < b->at : a->key < b->key;
}

static void put(struct ponto_event_queue *q, uint32_t place, struct ponto_event_entry entry)
{
	q->heap[place] = entry;
	q->slots[entry.key & PONTO_EVENT_SLOT_MASK].place = place;
}

static void sift_up(struct ponto_event_queue *q, uint32_t place, struct ponto_event_entry entry)
{
	while (place > 0) {
		uint32_t parent = (place - 1) / ARITY;

		if (!before(&entry, &q->heap[parent]))
			break;
		put(q, place, q->heap[parent]);
		place = parent;
	}
	put(q, place, entry);
}

static void sift_down(struct ponto_event_queue *q, uint32_t place, struct ponto_event_entry entry)
{
	for (;;) {
		uint64_t first = (uint64_t)place * ARITY + 1;
		uint32_t best, last;

		if (first >= q->count)
			break;
		best = (uint32_t)first;
		last = first + ARITY <= q->count ? best + ARITY : q->count;
		for (uint32_t child = best + 1; child < last; child++) {
			if (before(&q->heap[child], &q->heap[best]))
				best = child;
		}
		if (!before(&q->heap[best], &entry))
			break;
		put(q, place, q->heap[best]);
		place = best;
	}
	put(q, place, entry);
}

static void take_out(struct ponto_event_queue *q, uint32_t place)
{
	struct ponto_event_entry moved = q->heap[--q->count];

	if (place == q->count)
		return;
	if (place > 0 && before(&moved, &q->heap[(place - 1) / ARITY]))
		sift_up(q, place, moved);
	else
		sift_down(q, place, moved);
}

static int grow(struct ponto_event_queue *q)
{
	uint32_t cap = q->cap ? q->cap * 2 : 8;
	struct ponto_event_entry *heap;
	struct ponto_event_slot *slots;

	if (cap > PONTO_EVENT_SLOT_MASK + 1)
		return PONTO_ENOMEM;
	heap = ponto_resize(q->alloc, q->heap, cap, sizeof(*heap));
	if (!heap)
		return PONTO_ENOMEM;
	q->heap = heap;
	slots = ponto_resize(q->alloc, q->slots, cap, sizeof(*slots));
	if (!slots)
		return PONTO_ENOMEM;
	q->slots = slots;
	q->cap = cap;
	return PONTO_OK;
}

int ponto_event_slot_create(struct ponto_event_queue *q, ponto_loop_fn *fn, void *arg, bool once, uint32_t *out)
{
	uint32_t slot;

	if (q->free) {
		slot = q->free - 1;
		q->free = q->slots[slot].next;
	} else {
		if (q->used == q->cap && grow(q) != PONTO_OK)
			return PONTO_ENOMEM;
		slot = q->used++;
	}
	q->slots[slot] = (struct ponto_event_slot){fn, arg, PONTO_EVENT_UNARMED, 0, once};
	*out = slot;
	return PONTO_OK;
}

static void give_back(struct ponto_event_queue *q, uint32_t slot)
{
	q->slots[slot].next = q->free;
	q->free = slot + 1;
}

void ponto_event_slot_destroy(struct ponto_event_queue *q, uint32_t slot)
{
	ponto_event_disarm(q, slot);
	give_back(q, slot);
}

uint64_t ponto_event_arm(struct ponto_event_queue *q, uint32_t slot, uint64_t at)
{
	struct ponto_event_entry entry = {at, ++q->sequence << PONTO_EVENT_SLOT_BITS | slot};

	ponto_event_disarm(q, slot);
	sift_up(q, q->count++, entry);
	return entry.key;
}

void ponto_event_disarm(struct ponto_event_queue *q, uint32_t slot)
{
	uint32_t place = q->slots[slot].place;

	if (place == PONTO_EVENT_UNARMED)
		return;
	q->slots[slot].place = PONTO_EVENT_UNARMED;
	take_out(q, place);
}

void ponto_event_cancel(struct ponto_event_queue *q, uint64_t id)
{
	uint32_t slot = (uint32_t)(id & PONTO_EVENT_SLOT_MASK);
	uint32_t place;

	if (slot >= q->used)
		return;
	place = q->slots[slot].place;
	if (place != PONTO_EVENT_UNARMED && q->heap[place].key == id)
		ponto_event_slot_destroy(q, slot);
}

bool ponto_event_pop(struct ponto_event_queue *q, struct ponto_event_entry *entry, ponto_loop_fn **fn, void **arg)
{
	struct ponto_event_slot *slot;

	if (q->count == 0)
		return false;
	*entry = q->heap[0];
	slot = &q->slots[entry->key & PONTO_EVENT_SLOT_MASK];
	*fn = slot->fn;
	*arg = slot->arg;
	slot->place = PONTO_EVENT_UNARMED;
	take_out(q, 0);
	if (slot->once)
		give_back(q, (uint32_t)(entry->key & PONTO_EVENT_SLOT_MASK));
	return true;
}
