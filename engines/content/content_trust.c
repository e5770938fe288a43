#include "engines/content/content_trust.h"

#include <string.h>

#define BUCKETS 1024u
#define DOUBLED_MAX 6 /* times */

/* The last so many; of most segments there are one or two. */
struct crowd {
	struct ponto_addr *addrs;
	uint32_t room, count, next;
};

struct entry {
	struct entry *in_bucket, *older, *newer;
	struct content_id id;
	struct crowd suppliers, served;
	struct ponto_addr last;
	uint32_t early; /* a bit for each of served: he got of it before it was whole */
	uint32_t replaced;
	uint64_t next_replace;
};

struct content_trust {
	const struct ponto_alloc *alloc;
	uint64_t seed;
	uint32_t most, count;
	struct entry *buckets[BUCKETS], *oldest, *newest;
};

int content_trust_create(const struct ponto_alloc *alloc, uint64_t seed, uint32_t segments, struct content_trust **out)
{
	struct content_trust *t = ponto_new(alloc, 1, sizeof(*t));

	if (!t)
		return PONTO_ENOMEM;
	t->alloc = alloc;
	t->seed = seed;
	t->most = segments;
	*out = t;
	return PONTO_OK;
}

static void free_entry(const struct ponto_alloc *alloc, struct entry *e)
{
	ponto_free(alloc, e->suppliers.addrs);
	ponto_free(alloc, e->served.addrs);
	ponto_free(alloc, e);
}

void content_trust_destroy(struct content_trust *trust)
{
	if (!trust)
		return;
	while (trust->oldest) {
		struct entry *e = trust->oldest;

		trust->oldest = e->newer;
		free_entry(trust->alloc, e);
	}
	ponto_free(trust->alloc, trust);
}

static uint32_t bucket_of(const struct content_trust *t, const struct content_id *id)
{
	return content_id_bucket(id, t->seed, BUCKETS);
}

static struct entry *find(const struct content_trust *t, const struct content_id *id)
{
	struct entry *e = t->buckets[bucket_of(t, id)];

	while (e && !content_id_equal(&e->id, id))
		e = e->in_bucket;
	return e;
}

static void take_out(struct content_trust *t, struct entry *e)
{
	*(e->older ? &e->older->newer : &t->oldest) = e->newer;
	*(e->newer ? &e->newer->older : &t->newest) = e->older;
}

static void put_last(struct content_trust *t, struct entry *e)
{
	e->older = t->newest;
	e->newer = NULL;
	*(t->newest ? &t->newest->newer : &t->oldest) = e;
	t->newest = e;
}

static void drop_oldest(struct content_trust *t)
{
	struct entry *e = t->oldest, **at = &t->buckets[bucket_of(t, &e->id)];

	while (*at != e)
		at = &(*at)->in_bucket;
	*at = e->in_bucket;
	take_out(t, e);
	free_entry(t->alloc, e);
	t->count--;
}

/* NULL: no memory. */
static struct entry *meet(struct content_trust *t, const struct content_id *id)
{
	struct entry *e = find(t, id);
	uint32_t bucket = bucket_of(t, id);

	if (e) {
		take_out(t, e);
		put_last(t, e);
		return e;
	}
	if (t->count >= t->most)
		drop_oldest(t);
	e = ponto_new(t->alloc, 1, sizeof(*e));
	if (!e)
		return NULL;
	e->id = *id;
	e->in_bucket = t->buckets[bucket];
	t->buckets[bucket] = e;
	put_last(t, e);
	t->count++;
	return e;
}

static bool among(const struct crowd *crowd, const struct ponto_addr *addr)
{
	for (uint32_t i = 0; i < crowd->count; i++) {
		if (ponto_addr_same_host(&crowd->addrs[i], addr))
			return true;
	}
	return false;
}

/* Where he is noted, who was not among them; the one longest there makes room. False: no memory. */
static bool note(const struct content_trust *t, struct crowd *crowd, uint32_t most, const struct ponto_addr *addr,
		 uint32_t *at)
{
	if (crowd->next == crowd->room && crowd->room < most) {
		uint32_t room = crowd->room ? 2 * crowd->room : 1;
		struct ponto_addr *grown = ponto_resize(t->alloc, crowd->addrs, room, sizeof(*grown));

		if (!grown)
			return false;
		crowd->addrs = grown;
		crowd->room = room;
	}
	*at = crowd->next;
	crowd->addrs[*at] = *addr;
	if (crowd->count < most)
		crowd->count++;
	crowd->next = (crowd->next + 1) % most;
	return true;
}

static void note_supplier(const struct content_trust *t, struct entry *e, const struct ponto_addr *from)
{
	uint32_t at;

	if (!among(&e->suppliers, from))
		(void)note(t, &e->suppliers, CONTENT_TRUST_SUPPLIERS, from, &at);
}

void content_trust_supplied(struct content_trust *trust, const struct content_id *id, const struct ponto_addr *from)
{
	struct entry *e = meet(trust, id);

	if (!e)
		return;
	note_supplier(trust, e, from);
	e->last = *from;
}

void content_trust_served(struct content_trust *trust, const struct content_id *id, const struct ponto_addr *to,
			  bool whole)
{
	struct entry *e = meet(trust, id);
	uint32_t at;

	if (!e || among(&e->served, to) || !note(trust, &e->served, CONTENT_TRUST_SERVED, to, &at))
		return;
	e->early = (e->early & ~(1u << at)) | (uint32_t)!whole << at;
}

bool content_trust_claims(const struct content_trust *trust, const struct content_id *id, const struct ponto_addr *by,
			  bool contradicts)
{
	const struct entry *e = find(trust, id);

	if (!e || among(&e->suppliers, by))
		return !e && contradicts;
	for (uint32_t i = 0; i < e->served.count && !contradicts; i++) {
		if (ponto_addr_same_host(&e->served.addrs[i], by))
			return !(e->early >> i & 1);
	}
	return contradicts;
}

bool content_trust_due(const struct content_trust *trust, uint64_t now, const struct content_id *id)
{
	const struct entry *e = find(trust, id);

	return !e || now >= e->next_replace;
}

bool content_trust_supplier(const struct content_trust *trust, const struct content_id *id, struct ponto_addr *out)
{
	const struct entry *e = find(trust, id);

	if (!e || e->last.family == PONTO_FAMILY_NONE)
		return false;
	*out = e->last;
	return true;
}

void content_trust_replaced(struct content_trust *trust, uint64_t now, const struct content_id *id,
			    const struct ponto_addr *by)
{
	struct entry *e = meet(trust, id);
	unsigned doubled;

	if (!e)
		return;
	note_supplier(trust, e, by);
	e->served.count = e->served.next = 0;
	if (++e->replaced < CONTENT_TRUST_FREELY)
		return;
	doubled = e->replaced - CONTENT_TRUST_FREELY;
	e->next_replace = now + (CONTENT_TRUST_INTERVAL << (doubled < DOUBLED_MAX ? doubled : DOUBLED_MAX));
}
