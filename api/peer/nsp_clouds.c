#include <stdlib.h>
#include <string.h>

#include "api/peer/nsp.h"
#include "api/peer/result.h"

static bool is_wanted(const struct nsp_query *q, const struct peer_cloud *cloud)
{
	return q->scope == PNRP_SCOPE_ANY || cloud->scope == q->scope;
}

/* Under the lock. False without memory: the change is lost to the program, as a notification may be. */
static bool add(struct nsp_query *q, const struct peer_cloud *cloud, DWORD flags)
{
	struct nsp_change *change = is_wanted(q, cloud) ? calloc(1, sizeof(*change)) : NULL;

	if (!change)
		return !is_wanted(q, cloud);
	change->cloud = *cloud;
	change->flags = flags;
	*q->last = change;
	q->last = &change->next;
	return true;
}

static const struct peer_cloud *find(const struct peer_clouds *clouds, const struct peer_cloud *cloud)
{
	for (size_t i = 0; i < clouds->count; i++) {
		if (strcmp(clouds->cloud[i].name, cloud->name) == 0 &&
		    strcmp(clouds->cloud[i].service, cloud->service) == 0)
			return &clouds->cloud[i];
	}
	return NULL;
}

static bool is_same(const struct peer_cloud *a, const struct peer_cloud *b)
{
	return a->state == b->state && a->scope == b->scope && a->scope_id == b->scope_id &&
	       a->resolve_only == b->resolve_only;
}

static void compare(struct nsp_query *q, const struct peer_clouds *now)
{
	for (size_t i = 0; i < q->known.count; i++) {
		if (!find(now, &q->known.cloud[i]))
			(void)add(q, &q->known.cloud[i], RESULT_IS_DELETED);
	}
	for (size_t i = 0; i < now->count; i++) {
		const struct peer_cloud *before = find(&q->known, &now->cloud[i]);

		if (!before)
			(void)add(q, &now->cloud[i], RESULT_IS_ADDED);
		else if (!is_same(before, &now->cloud[i]))
			(void)add(q, &now->cloud[i], RESULT_IS_CHANGED);
	}
	q->known = *now;
}

/* Without a daemon there are no clouds, and one that ended took its own along, even if all looks as before. */
static bool changed(struct link_watch *watch)
{
	struct nsp_query *q = (struct nsp_query *)((char *)watch - offsetof(struct nsp_query, watch));
	static const struct peer_clouds none;
	struct peer_clouds now;
	bool known = SUCCEEDED(peer_clouds(false, &now)), news;

	if (!known)
		memset(&now, 0, sizeof(now));
	pthread_mutex_lock(&q->lock);
	if (now.started != q->known.started)
		compare(q, &none);
	compare(q, &now);
	news = q->first != NULL;
	pthread_cond_broadcast(&q->changed);
	pthread_mutex_unlock(&q->lock);
	if (news)
		nsp_tell(q);
	return known;
}

int nsp_clouds_begin(struct nsp_query *q, const BLOB *blob)
{
	PNRPCLOUDINFO filter;
	HRESULT result;

	if (blob) {
		if (!blob->pBlobData)
			return WSAEFAULT;
		if (blob->cbSize < sizeof(filter))
			return WSAEINVAL;
		memcpy(&filter, blob->pBlobData, sizeof(filter));
		if (filter.dwSize != sizeof(filter) || (unsigned)filter.Cloud.Scope > PNRP_LINK_LOCAL_SCOPE ||
		    filter.enCloudState != 0)
			return WSAEINVAL;
		q->scope = filter.Cloud.Scope;
	}
	result = peer_clouds(false, &q->known);
	if (FAILED(result))
		return peer_result_wsa(result);
	q->delimiter = true;
	for (size_t i = 0; i < q->known.count; i++) {
		if (!add(q, &q->known.cloud[i], 0))
			return WSA_NOT_ENOUGH_MEMORY;
	}
	q->watch.changed = changed;
	link_watch(&q->watch);
	return 0;
}

void nsp_clouds_end(struct nsp_query *q)
{
	link_unwatch(&q->watch);
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->changed);
	pthread_mutex_unlock(&q->lock);
}

/* After the last of a set WSA_E_NO_MORE once, then the wait for the next change. */
int nsp_clouds_next(struct nsp_query *q, struct nsp_change **out)
{
	int code = 0;

	pthread_mutex_lock(&q->lock);
	while (!q->first && !q->delimiter && !q->closed)
		pthread_cond_wait(&q->changed, &q->lock);
	if (q->closed) {
		code = WSA_E_CANCELLED;
	} else if (q->first) {
		*out = q->first;
		q->first = q->first->next;
		if (!q->first)
			q->last = &q->first;
		(*out)->next = NULL;
		q->delimiter = true;
	} else {
		q->delimiter = false;
		code = WSA_E_NO_MORE;
	}
	pthread_mutex_unlock(&q->lock);
	return code;
}

void nsp_clouds_return(struct nsp_query *q, struct nsp_change *change)
{
	pthread_mutex_lock(&q->lock);
	change->next = q->first;
	if (!q->first)
		q->last = &change->next;
	q->first = change;
	pthread_mutex_unlock(&q->lock);
}

bool nsp_clouds_ready(struct nsp_query *q)
{
	bool ready;

	pthread_mutex_lock(&q->lock);
	ready = q->first != NULL;
	pthread_mutex_unlock(&q->lock);
	return ready;
}
