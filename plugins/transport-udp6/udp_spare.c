/* Receivers and senders are needed for the length of a call only, and large: all handles of the process that have the
 * same allocator share them, and few are ever in use at once. */
#include "plugins/transport-udp6/udp_transport.h"

#include <pthread.h>

#define SPARES_MAX 8 /* kept of each kind; more go when they are given back */

static const struct {
	int (*create)(const struct ponto_alloc *alloc, void **out);
	void (*destroy)(const struct ponto_alloc *alloc, void *spare);
} kinds[UDP_SPARE_KINDS] = {
	[UDP_RECEIVER] = {udp_receiver_create, udp_receiver_destroy},
	[UDP_SENDER] = {udp_sender_create, udp_sender_destroy},
};

struct udp_spares {
	struct udp_spares *next;
	struct ponto_alloc alloc;
	unsigned users;
	size_t count[UDP_SPARE_KINDS];
	void *idle[UDP_SPARE_KINDS][SPARES_MAX];
};

static struct {
	pthread_mutex_t lock; /* of all spares, too */
	struct udp_spares *first;
} all = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool same_alloc(const struct ponto_alloc *a, const struct ponto_alloc *b)
{
	return a->alloc == b->alloc && a->resize == b->resize && a->release == b->release && a->ctx == b->ctx;
}

int udp_spares_join(const struct ponto_alloc *alloc, struct udp_spares **out)
{
	struct udp_spares *spares;

	pthread_mutex_lock(&all.lock);
	spares = all.first;
	while (spares && !same_alloc(&spares->alloc, alloc))
		spares = spares->next;
	if (!spares) {
		spares = ponto_new(alloc, 1, sizeof(*spares));
		if (spares) {
			spares->alloc = *alloc;
			spares->next = all.first;
			all.first = spares;
		}
	}
	if (spares)
		spares->users++;
	pthread_mutex_unlock(&all.lock);
	if (!spares)
		return PONTO_ENOMEM;
	*out = spares;
	return PONTO_OK;
}

static void destroy_all(struct udp_spares *spares)
{
	struct ponto_alloc alloc = spares->alloc;

	for (unsigned kind = 0; kind < UDP_SPARE_KINDS; kind++) {
		while (spares->count[kind] > 0)
			kinds[kind].destroy(&alloc, spares->idle[kind][--spares->count[kind]]);
	}
	ponto_free(&alloc, spares);
}

void udp_spares_leave(struct udp_spares *spares)
{
	struct udp_spares **at = &all.first;
	bool last;

	if (!spares)
		return;
	pthread_mutex_lock(&all.lock);
	last = --spares->users == 0;
	while (last && *at != spares)
		at = &(*at)->next;
	if (last)
		*at = spares->next;
	pthread_mutex_unlock(&all.lock);
	if (last)
		destroy_all(spares);
}

int udp_spare_take(struct udp_spares *spares, enum udp_spare_kind kind, void **out)
{
	void *spare = NULL;

	pthread_mutex_lock(&all.lock);
	if (spares->count[kind] > 0)
		spare = spares->idle[kind][--spares->count[kind]];
	pthread_mutex_unlock(&all.lock);
	if (!spare)
		return kinds[kind].create(&spares->alloc, out);
	*out = spare;
	return PONTO_OK;
}

void udp_spare_give(struct udp_spares *spares, enum udp_spare_kind kind, void *spare)
{
	pthread_mutex_lock(&all.lock);
	if (spares->count[kind] < SPARES_MAX) {
		spares->idle[kind][spares->count[kind]++] = spare;
		spare = NULL;
	}
	pthread_mutex_unlock(&all.lock);
	if (spare)
		kinds[kind].destroy(&spares->alloc, spare);
}
