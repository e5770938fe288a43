/* The list of recent peers, RFC 4380 5.2: a hash table, two lists by age, a heap by what is due, and what waits for
 * each. */
#include "engines/teredo/teredo_state.h"

#include "framework/digest.h"

/* ---- what waits ---------------------------------------------------------------------------- */

void pending_init(struct pending_list *list)
{
	list->head = NULL;
	list->tail = &list->head;
	list->bytes = 0;
}

struct pending *pending_new(struct teredo_client *c, struct ponto_bytes data)
{
	struct pending *one = ponto_new(c->config.alloc, 1, sizeof(*one) + data.len);

	if (!one)
		return NULL;
	one->len = (uint16_t)data.len;
	memcpy(one->data, data.data, data.len);
	return one;
}

void pending_add(struct pending_list *list, struct pending *one)
{
	one->next = NULL;
	*list->tail = one;
	list->tail = &one->next;
	list->bytes += one->len;
}

void pending_clear(struct teredo_client *c, struct pending_list *list)
{
	while (list->head) {
		struct pending *one = list->head;

		list->head = one->next;
		ponto_free(c->config.alloc, one);
	}
	pending_init(list);
}

int peer_queue(struct teredo_client *c, struct peer *p, struct ponto_bytes data)
{
	struct pending *one;

	if (p->queue.bytes + data.len > c->config.queue || c->queued + data.len > c->config.queues)
		return PONTO_EBUSY;
	one = pending_new(c, data);
	if (!one)
		return PONTO_ENOMEM;
	pending_add(&p->queue, one);
	c->queued += one->len;
	c->stats.queued++;
	return PONTO_OK;
}

/* In the order in which it came. */
void peer_flush(struct teredo_client *c, struct peer *p, uint64_t now)
{
	struct teredo_endpoint to = bubble_target(c, p);

	if (!p->queue.head)
		return;
	for (struct pending *one = p->queue.head; one; one = one->next) {
		one->to = to;
		one->via = p->via;
		c->stats.sent++;
	}
	c->queued -= p->queue.bytes;
	*c->out.tail = p->queue.head;
	c->out.tail = p->queue.tail;
	c->out.bytes += p->queue.bytes;
	pending_init(&p->queue);
	p->transmitted = now;
	p->data_at = now;
}

void peer_drop_queue(struct teredo_client *c, struct peer *p)
{
	for (const struct pending *one = p->queue.head; one; one = one->next)
		c->stats.dropped++;
	c->queued -= p->queue.bytes;
	pending_clear(c, &p->queue);
}

/* ---- the table ------------------------------------------------------------------------------ */

static size_t bucket_of(const struct teredo_client *c, const struct teredo_ip6 *ip)
{
	return ponto_siphash(c->hash_key, ponto_bytes(ip->bytes, sizeof(ip->bytes))) & (c->bucket_count - 1);
}

int peers_init(struct teredo_client *c)
{
	c->bucket_count = 16;
	while (c->bucket_count < c->config.peers)
		c->bucket_count *= 2;
	c->buckets = ponto_new(c->config.alloc, c->bucket_count, sizeof(*c->buckets));
	c->heap = ponto_new(c->config.alloc, (size_t)c->config.peers + 1, sizeof(*c->heap));
	return c->buckets && c->heap ? PONTO_OK : PONTO_ENOMEM;
}

struct peer *peer_find(const struct teredo_client *c, const struct teredo_ip6 *ip)
{
	struct peer *p = c->buckets[bucket_of(c, ip)];

	while (p && !teredo_ip6_equal(&p->ip, ip))
		p = p->chain;
	return p;
}

/* ---- by age ---------------------------------------------------------------------------------- */

static struct peer_list *list_of(struct teredo_client *c, const struct peer *p)
{
	return &c->lists[!p->ours ? STANDING_STRANGER : p->trusted ? STANDING_TRUSTED : STANDING_WANTED];
}

static void list_remove(struct peer_list *list, struct peer *p)
{
	*(p->older ? &p->older->newer : &list->oldest) = p->newer;
	*(p->newer ? &p->newer->older : &list->newest) = p->older;
	list->count--;
}

static void list_add(struct peer_list *list, struct peer *p)
{
	p->newer = NULL;
	p->older = list->newest;
	*(list->newest ? &list->newest->newer : &list->oldest) = p;
	list->newest = p;
	list->count++;
}

void peer_touch(struct teredo_client *c, struct peer *p)
{
	struct peer_list *list = list_of(c, p);

	if (list->newest == p)
		return;
	list_remove(list, p);
	list_add(list, p);
}

void peer_trust(struct teredo_client *c, struct peer *p, bool trusted)
{
	list_remove(list_of(c, p), p);
	c->trusted_count += trusted && !p->trusted;
	c->trusted_count -= !trusted && p->trusted;
	p->trusted = trusted;
	list_add(list_of(c, p), p);
}

void peer_ours(struct teredo_client *c, struct peer *p)
{
	if (p->ours)
		return;
	list_remove(list_of(c, p), p);
	p->ours = true;
	list_add(list_of(c, p), p);
}

/* ---- by what is due ---------------------------------------------------------------------------- */

static void heap_place(struct teredo_client *c, struct peer *p, size_t i)
{
	c->heap[i] = p;
	p->heap_index = i;
}

static void heap_up(struct teredo_client *c, struct peer *p, size_t i)
{
	for (; i > 1 && c->heap[i / 2]->due > p->due; i /= 2)
		heap_place(c, c->heap[i / 2], i);
	heap_place(c, p, i);
}

static void heap_down(struct teredo_client *c, struct peer *p, size_t i)
{
	for (size_t child; (child = 2 * i) <= c->heap_count; i = child) {
		if (child < c->heap_count && c->heap[child + 1]->due < c->heap[child]->due)
			child++;
		if (c->heap[child]->due >= p->due)
			break;
		heap_place(c, c->heap[child], i);
	}
	heap_place(c, p, i);
}

static void heap_remove(struct teredo_client *c, struct peer *p)
{
	size_t i = p->heap_index;
	struct peer *last;

	if (!i)
		return;
	p->heap_index = 0;
	last = c->heap[c->heap_count--];
	if (last == p)
		return;
	heap_up(c, last, i);
	heap_down(c, last, last->heap_index);
}

static uint64_t soonest(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void peer_arm(struct teredo_client *c, struct peer *p)
{
	heap_remove(c, p);
	p->due = p->effort != EFFORT_NONE ? p->effort_at : PONTO_NEVER;
	p->due = soonest(p->due, soonest(p->refresh_at, p->failover_at));
	if (p->due == PONTO_NEVER)
		return;
	heap_up(c, p, ++c->heap_count);
}

struct peer *peer_due(const struct teredo_client *c)
{
	return c->heap_count ? c->heap[1] : NULL;
}

/* ---- coming and going ---------------------------------------------------------------------------- */

void peer_drop(struct teredo_client *c, struct peer *p)
{
	struct peer **link = &c->buckets[bucket_of(c, &p->ip)];

	while (*link != p)
		link = &(*link)->chain;
	*link = p->chain;
	port_close(c, p);
	heap_remove(c, p);
	list_remove(list_of(c, p), p);
	c->trusted_count -= p->trusted;
	peer_drop_queue(c, p);
	ponto_wipe(p->echo_nonce, sizeof(p->echo_nonce));
	ponto_free(c->config.alloc, p);
}

uint32_t peer_count(const struct teredo_client *c)
{
	return c->lists[STANDING_STRANGER].count + c->lists[STANDING_WANTED].count + c->lists[STANDING_TRUSTED].count;
}

/* Room for one more: strangers go first, and only for those we speak to do others. */
static bool make_room(struct teredo_client *c, bool stranger)
{
	if (peer_count(c) < c->config.peers)
		return true;
	for (unsigned i = 0; i < (stranger ? STANDING_WANTED : STANDINGS); i++) {
		if (!c->lists[i].oldest)
			continue;
		peer_drop(c, c->lists[i].oldest);
		return true;
	}
	return false;
}

struct peer *peer_get(struct teredo_client *c, uint64_t now, const struct teredo_ip6 *ip, bool stranger)
{
	struct peer *p = peer_find(c, ip);
	struct teredo_address parts;
	size_t bucket;

	if (p && !stranger)
		peer_ours(c, p);
	if (p || !make_room(c, stranger))
		return p;
	p = ponto_new(c->config.alloc, 1, sizeof(*p));
	if (!p)
		return NULL;
	p->ip = *ip;
	/* RFC 4380 5.2.6: as if heard and sent to long ago. */
	p->received = p->transmitted = p->data_at = now - PEER_VALID;
	p->refresh_at = p->failover_at = p->due = PONTO_NEVER;
	pending_init(&p->queue);
	teredo_address_split(ip, &parts);
	if (teredo_is_address(ip))
		p->endpoint = parts.mapped;
	bucket = bucket_of(c, ip);
	p->chain = c->buckets[bucket];
	c->buckets[bucket] = p;
	p->ours = !stranger;
	list_add(list_of(c, p), p);
	return p;
}

void peers_forget(struct teredo_client *c)
{
	for (unsigned i = 0; i < STANDINGS; i++)
		while (c->lists[i].oldest)
			peer_drop(c, c->lists[i].oldest);
}

void peers_fini(struct teredo_client *c)
{
	if (c->buckets && c->heap)
		peers_forget(c);
	ponto_free(c->config.alloc, c->buckets);
	ponto_free(c->config.alloc, c->heap);
}
