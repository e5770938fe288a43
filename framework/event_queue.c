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
	ponto_free(q->alloc, q->wheel);
}

int ponto_event_queue_look_ahead(struct ponto_event_queue *q, uint32_t events)
{
	if (!q->wheel)
		q->wheel = ponto_new(q->alloc, PONTO_EVENT_BUCKETS, sizeof(*q->wheel));
	if (!q->wheel)
		return PONTO_ENOMEM;
	q->ahead_wanted = events;
	return PONTO_OK;
}

static bool before(const struct ponto_event_entry *a, const struct ponto_event_entry *b)
{
	return (a->at < b->at) | ((a->at == b->at) & (a->key < b->key)); /* no branch could be foreseen */
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
		for (uint32_t child = best + 1; child < last; child++)
			best = before(&q->heap[child], &q->heap[best]) ? child : best;
		if (!before(&q->heap[best], &entry))
			break;
		put(q, place, q->heap[best]);
		place = best;
	}
	put(q, place, entry);
}

static void settle(struct ponto_event_queue *q, uint32_t place, struct ponto_event_entry entry)
{
	if (place > 0 && before(&entry, &q->heap[(place - 1) / ARITY]))
		sift_up(q, place, entry);
	else
		sift_down(q, place, entry);
}

static void take_out(struct ponto_event_queue *q, uint32_t place)
{
	struct ponto_event_entry moved = q->heap[--q->count];

	if (place < q->count)
		settle(q, place, moved);
}

/* ---- looking ahead ---------------------------------------------------------------------- */

static struct ponto_event_entry *ahead_at(struct ponto_event_queue *q, uint32_t nth)
{
	return &q->ahead[(q->ahead_first + nth) % PONTO_EVENT_AHEAD_MAX];
}

/* Whether it belongs among the next few and not into the heap. */
static bool is_ahead(struct ponto_event_queue *q, const struct ponto_event_entry *entry)
{
	return q->ahead_count > 0 && before(entry, ahead_at(q, q->ahead_count - 1));
}

static void insert_ahead(struct ponto_event_queue *q, struct ponto_event_entry entry)
{
	uint32_t i;

	if (q->ahead_count == q->ahead_wanted)
		sift_up(q, q->count++, *ahead_at(q, --q->ahead_count));
	for (i = q->ahead_count++; i > 0 && before(&entry, ahead_at(q, i - 1)); i--)
		*ahead_at(q, i) = *ahead_at(q, i - 1);
	*ahead_at(q, i) = entry;
	q->slots[entry.key & PONTO_EVENT_SLOT_MASK].place = PONTO_EVENT_AHEAD;
}

static void take_out_ahead(struct ponto_event_queue *q, uint32_t slot)
{
	uint32_t i = 0;

	while ((ahead_at(q, i)->key & PONTO_EVENT_SLOT_MASK) != slot)
		i++;
	for (q->ahead_count--; i < q->ahead_count; i++)
		*ahead_at(q, i) = *ahead_at(q, i + 1);
}

/* ---- later ------------------------------------------------------------------------------ */

static uint64_t bucket_of(uint64_t at)
{
	return at >> PONTO_EVENT_BUCKET_BITS;
}

static bool is_later(const struct ponto_event_queue *q, uint64_t at)
{
	return q->wheel && bucket_of(at) >= q->opened;
}

static void put_later(struct ponto_event_queue *q, uint32_t slot, struct ponto_event_entry entry)
{
	struct ponto_event_slot *s = &q->slots[slot];
	uint32_t *head;

	s->bucket = bucket_of(entry.at) % PONTO_EVENT_BUCKETS;
	head = &q->wheel[s->bucket];
	s->later = entry;
	s->place = PONTO_EVENT_LATER;
	s->prev = 0;
	s->next = *head;
	if (*head)
		q->slots[*head - 1].prev = slot + 1;
	*head = slot + 1;
	q->later_count++;
}

static void take_out_later(struct ponto_event_queue *q, uint32_t slot)
{
	const struct ponto_event_slot *s = &q->slots[slot];

	if (s->prev)
		q->slots[s->prev - 1].next = s->next;
	else
		q->wheel[s->bucket] = s->next;
	if (s->next)
		q->slots[s->next - 1].prev = s->prev;
	q->later_count--;
}

/* One step along the list of the bucket that opens next, so that opening it does not wait for each of its slots. The
 * list may change meanwhile: then others are fetched. */
static void follow_next(struct ponto_event_queue *q)
{
	if (!q->wheel)
		return;
	if (q->followed != q->opened) {
		q->followed = q->opened;
		q->follow = q->wheel[q->opened % PONTO_EVENT_BUCKETS];
	} else if (q->follow) {
		q->follow = q->slots[q->follow - 1].next;
	}
	if (q->follow)
		ponto_prefetch(&q->slots[q->follow - 1], sizeof(*q->slots));
}

/* Whether a slot in the wheel may stay where it is and be armed for that time: its bucket opens by then. */
static bool may_stay(const struct ponto_event_queue *q, uint32_t slot, uint64_t at)
{
	const struct ponto_event_slot *s = &q->slots[slot];

	return s->place == PONTO_EVENT_LATER &&
	       q->opened + (s->bucket - q->opened) % PONTO_EVENT_BUCKETS <= bucket_of(at);
}

/* The next bucket's events go into the heap, those of later turns stay, and those armed anew since find their place. */
static void open_bucket(struct ponto_event_queue *q)
{
	uint32_t next, at = q->wheel[q->opened % PONTO_EVENT_BUCKETS];

	for (; at; at = next) {
		const struct ponto_event_slot *s = &q->slots[at - 1];

		next = s->next;
		if (bucket_of(s->later.at) == q->opened) {
			take_out_later(q, at - 1);
			sift_up(q, q->count++, s->later);
		} else if (bucket_of(s->later.at) % PONTO_EVENT_BUCKETS != s->bucket) {
			take_out_later(q, at - 1);
			put_later(q, at - 1, s->later);
		}
	}
	q->opened++;
}

/* When nothing happens for a whole turn, after which each lies in its own bucket. */
static void skip_time(struct ponto_event_queue *q)
{
	uint64_t first = UINT64_MAX;

	for (uint32_t slot = 0; slot < q->used; slot++)
		if (q->slots[slot].place == PONTO_EVENT_LATER && bucket_of(q->slots[slot].later.at) < first)
			first = bucket_of(q->slots[slot].later.at);
	q->opened = first;
}

/* Sees to it that the heap is empty only when the wheel is. */
static void fill_heap(struct ponto_event_queue *q)
{
	for (uint32_t opened = 1; q->count == 0 && q->later_count > 0; opened++) {
		open_bucket(q);
		if (q->count == 0 && opened % PONTO_EVENT_BUCKETS == 0)
			skip_time(q);
	}
}

static void look_ahead(struct ponto_event_queue *q)
{
	while (q->ahead_count < q->ahead_wanted) {
		struct ponto_event_entry entry;

		fill_heap(q);
		if (q->count == 0)
			break;
		entry = q->heap[0];
		take_out(q, 0);
		*ahead_at(q, q->ahead_count++) = entry;
		q->slots[entry.key & PONTO_EVENT_SLOT_MASK].place = PONTO_EVENT_AHEAD;
	}
}

/* ---- slots ------------------------------------------------------------------------------ */

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
	q->slots[slot] = (struct ponto_event_slot){.fn = fn, .arg = arg, .place = PONTO_EVENT_UNARMED, .once = once};
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

void ponto_event_disarm(struct ponto_event_queue *q, uint32_t slot)
{
	uint32_t place = q->slots[slot].place;

	q->slots[slot].place = PONTO_EVENT_UNARMED;
	if (place == PONTO_EVENT_AHEAD)
		take_out_ahead(q, slot);
	else if (place == PONTO_EVENT_LATER)
		take_out_later(q, slot);
	else if (place != PONTO_EVENT_UNARMED)
		take_out(q, place);
}

uint64_t ponto_event_arm(struct ponto_event_queue *q, uint32_t slot, uint64_t at)
{
	struct ponto_event_entry entry = {at, ++q->sequence << PONTO_EVENT_SLOT_BITS | slot};

	/* Timers are mostly put off, and mostly again before they fire: the bucket they lie in will move them. */
	if (may_stay(q, slot, at)) {
		q->slots[slot].later = entry;
		return entry.key;
	}
	ponto_event_disarm(q, slot);
	if (is_later(q, at))
		put_later(q, slot, entry);
	else if (is_ahead(q, &entry))
		insert_ahead(q, entry);
	else
		sift_up(q, q->count++, entry);
	return entry.key;
}

static bool is_armed_as(struct ponto_event_queue *q, uint32_t slot, uint64_t id)
{
	uint32_t place = q->slots[slot].place;

	if (place < PONTO_EVENT_LATER)
		return q->heap[place].key == id;
	if (place == PONTO_EVENT_LATER)
		return q->slots[slot].later.key == id;
	for (uint32_t i = 0; place == PONTO_EVENT_AHEAD && i < q->ahead_count; i++)
		if (ahead_at(q, i)->key == id)
			return true;
	return false;
}

void ponto_event_cancel(struct ponto_event_queue *q, uint64_t id)
{
	uint32_t slot = (uint32_t)(id & PONTO_EVENT_SLOT_MASK);

	if (slot < q->used && is_armed_as(q, slot, id))
		ponto_event_slot_destroy(q, slot);
}

uint64_t ponto_event_next(struct ponto_event_queue *q)
{
	if (q->ahead_count > 0)
		return ahead_at(q, 0)->at;
	fill_heap(q);
	return q->count ? q->heap[0].at : PONTO_NEVER;
}

bool ponto_event_pop(struct ponto_event_queue *q, struct ponto_event_entry *entry, ponto_loop_fn **fn, void **arg)
{
	struct ponto_event_slot *slot;

	if (q->ahead_count == 0)
		look_ahead(q);
	if (q->ahead_count > 0) {
		*entry = *ahead_at(q, 0);
		q->ahead_first++;
		q->ahead_count--;
	} else if (q->count > 0) {
		*entry = q->heap[0];
		take_out(q, 0);
	} else {
		return false;
	}
	slot = &q->slots[entry->key & PONTO_EVENT_SLOT_MASK];
	*fn = slot->fn;
	*arg = slot->arg;
	slot->place = PONTO_EVENT_UNARMED;
	if (slot->once)
		give_back(q, (uint32_t)(entry->key & PONTO_EVENT_SLOT_MASK));
	look_ahead(q);
	follow_next(q);
	return true;
}
