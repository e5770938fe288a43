#include "engines/ring/ring_pending.h"

#include <string.h>

void ring_pending_init(struct ring_pending *p, const struct ponto_alloc *alloc)
{
	memset(p, 0, sizeof(*p));
	p->alloc = alloc;
}

void ring_pending_clear(struct ring_pending *p)
{
	while (p->oldest)
		ring_pending_remove(p, p->oldest);
}

static void append(struct ring_pending *p, struct ring_message *m)
{
	m->newer = NULL;
	m->older = p->newest;
	if (p->newest)
		p->newest->newer = m;
	else
		p->oldest = m;
	p->newest = m;
}

static void take_out(struct ring_pending *p, struct ring_message *m)
{
	if (m->older)
		m->older->newer = m->newer;
	else
		p->oldest = m->newer;
	if (m->newer)
		m->newer->older = m->older;
	else
		p->newest = m->older;
}

struct ring_message *ring_pending_add(struct ring_pending *p, uint64_t now, uint8_t type, uint32_t id,
				      struct ponto_bytes bytes)
{
	struct ring_message **bucket = &p->bucket[id % RING_PENDING_BUCKETS];
	struct ring_message *m = ponto_new(p->alloc, 1, sizeof(*m) + bytes.len);

	if (!m)
		return NULL;
	m->type = type;
	m->id = id;
	m->retries = RING_RETRY_COUNT;
	m->first_sent = now;
	m->deadline = now + RING_RETRANSMIT;
	m->len = (uint16_t)bytes.len;
	memcpy(m->bytes, bytes.data, bytes.len);
	m->bucket_next = *bucket;
	*bucket = m;
	append(p, m);
	p->count++;
	p->bytes += (uint32_t)(sizeof(*m) + m->len);
	return m;
}

struct ring_message *ring_pending_find(const struct ring_pending *p, uint32_t id)
{
	struct ring_message *m = p->bucket[id % RING_PENDING_BUCKETS];

	while (m && m->id != id)
		m = m->bucket_next;
	return m;
}

void ring_pending_remove(struct ring_pending *p, struct ring_message *m)
{
	struct ring_message **at = &p->bucket[m->id % RING_PENDING_BUCKETS];

	while (*at != m)
		at = &(*at)->bucket_next;
	*at = m->bucket_next;
	take_out(p, m);
	p->count--;
	p->bytes -= (uint32_t)(sizeof(*m) + m->len);
	ponto_free(p->alloc, m);
}

struct ring_message *ring_pending_due(const struct ring_pending *p, uint64_t now)
{
	return p->oldest && p->oldest->deadline <= now ? p->oldest : NULL;
}

bool ring_pending_retry(struct ring_pending *p, struct ring_message *m, uint64_t now)
{
	if (--m->retries == 0)
		return false;
	m->deadline = now + RING_RETRANSMIT;
	take_out(p, m);
	append(p, m);
	return true;
}
