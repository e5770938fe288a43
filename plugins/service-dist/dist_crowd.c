#include "plugins/service-dist/dist_crowd.h"

#include <pthread.h>

#define BUCKETS 256u

struct member {
	struct member *next;
	struct ponto_addr addr;
	uint32_t count[DIST_CROWD_SIDES];
};

struct dist_crowd {
	const struct ponto_alloc *alloc;
	uint32_t limit, per_client;
	pthread_mutex_t lock; /* guards what follows */
	uint32_t count[DIST_CROWD_SIDES];
	struct member *buckets[BUCKETS]; /* those that are at work */
};

int dist_crowd_create(const struct ponto_alloc *alloc, uint32_t limit, uint32_t per_client, struct dist_crowd **out)
{
	struct dist_crowd *crowd = ponto_new(alloc, 1, sizeof(*crowd));

	if (!crowd)
		return PONTO_ENOMEM;
	crowd->alloc = alloc;
	crowd->limit = limit;
	crowd->per_client = per_client;
	pthread_mutex_init(&crowd->lock, NULL);
	*out = crowd;
	return PONTO_OK;
}

void dist_crowd_destroy(struct dist_crowd *crowd)
{
	if (!crowd)
		return;
	pthread_mutex_destroy(&crowd->lock);
	ponto_free(crowd->alloc, crowd);
}

/* Under the lock: where a client stands, or would. As many clients as requests at the most: a list that strangers make
 * long is no longer than that. */
static struct member **place(struct dist_crowd *crowd, const struct ponto_addr *client)
{
	struct member **at;
	unsigned sum = 0;

	for (size_t i = 0; i < sizeof(client->ip); i++)
		sum = sum * 31 + client->ip[i];
	at = &crowd->buckets[sum % BUCKETS];
	while (*at && !ponto_addr_same_host(&(*at)->addr, client))
		at = &(*at)->next;
	return at;
}

static bool has_room(const struct dist_crowd *crowd, const struct member *member)
{
	uint32_t own = member ? member->count[DIST_CROWD_LOOP] + member->count[DIST_CROWD_ONCE] : 0;

	return crowd->count[DIST_CROWD_LOOP] + crowd->count[DIST_CROWD_ONCE] < crowd->limit &&
	       (crowd->per_client == 0 || own < crowd->per_client);
}

bool dist_crowd_enter(struct dist_crowd *crowd, const struct ponto_addr *client, enum dist_crowd_side side)
{
	struct member **at;
	bool enters;

	pthread_mutex_lock(&crowd->lock);
	at = place(crowd, client);
	enters = side == DIST_CROWD_LOOP || has_room(crowd, *at);
	if (enters && !*at) {
		*at = ponto_new(crowd->alloc, 1, sizeof(**at));
		if (*at)
			(*at)->addr = *client;
		else
			enters = false;
	}
	if (enters) {
		(*at)->count[side]++;
		crowd->count[side]++;
	}
	pthread_mutex_unlock(&crowd->lock);
	return enters;
}

void dist_crowd_leave(struct dist_crowd *crowd, const struct ponto_addr *client, enum dist_crowd_side side)
{
	struct member **at, *member;

	pthread_mutex_lock(&crowd->lock);
	at = place(crowd, client);
	member = *at;
	member->count[side]--;
	crowd->count[side]--;
	if (member->count[DIST_CROWD_LOOP] + member->count[DIST_CROWD_ONCE] == 0) {
		*at = member->next;
		ponto_free(crowd->alloc, member);
	}
	pthread_mutex_unlock(&crowd->lock);
}

uint32_t dist_crowd_count(struct dist_crowd *crowd, const struct ponto_addr *client, enum dist_crowd_side side)
{
	uint32_t count = 0;

	pthread_mutex_lock(&crowd->lock);
	if (client && *place(crowd, client))
		count = (*place(crowd, client))->count[side];
	else if (!client)
		count = crowd->count[side];
	pthread_mutex_unlock(&crowd->lock);
	return count;
}
