/* The threads that ask: each takes one cloud of one lookup at a time. */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "api/peer/ask.h"
#include "api/peer/link.h"
#include "api/peer/lookup_private.h"
#include "api/peer/result.h"

#define THREADS_MAX 16
#define GRACE_MS 1000 /* the daemon's own time is up first */
#define ID_SIZE 32
#define EXCLUDE_MAX 31

struct job {
	struct job *next;
	struct peer_lookup *lookup; /* one reference */
	struct peer_cloud cloud;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t news;
	struct job *first, **last;
	pthread_t threads[THREADS_MAX];
	unsigned count, idle;
	bool stop;
} work = {.lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER, .last = &work.first};

/* ---- asking one cloud ----------------------------------------------------------------------- */

void peer_query_request(const struct peer_query *query, const char *cloud, Ponto__Pnrp__V1__ResolveRequest *request)
{
	PNRP_RESOLVE_CRITERIA criteria = query->criteria;

	ponto__pnrp__v1__resolve_request__init(request);
	request->name = (char *)(uintptr_t)query->name;
	request->cloud = (char *)(uintptr_t)cloud;
	request->has_max = request->has_timeout_ms = request->has_include_local = true;
	request->has_other_process = request->has_nearest = true;
	request->max = query->max && query->max < PEER_FOUND_MAX ? query->max : PEER_FOUND_MAX;
	request->timeout_ms = query->timeout_ms;
	request->include_local = criteria != PNRP_RESOLVE_CRITERIA_REMOTE_PEER_NAME &&
				 criteria != PNRP_RESOLVE_CRITERIA_NEAREST_REMOTE_PEER_NAME;
	request->other_process = criteria == PNRP_RESOLVE_CRITERIA_DEFAULT ||
				 criteria == PNRP_RESOLVE_CRITERIA_NON_CURRENT_PROCESS_PEER_NAME ||
				 criteria == PNRP_RESOLVE_CRITERIA_NEAREST_NON_CURRENT_PROCESS_PEER_NAME;
	request->nearest = criteria == PNRP_RESOLVE_CRITERIA_NEAREST_REMOTE_PEER_NAME ||
			   criteria == PNRP_RESOLVE_CRITERIA_NEAREST_NON_CURRENT_PROCESS_PEER_NAME ||
			   criteria == PNRP_RESOLVE_CRITERIA_NEAREST_PEER_NAME;
	request->has_prefix = query->has_prefix;
	request->prefix.data = (uint8_t *)(uintptr_t)query->prefix;
	request->prefix.len = query->has_prefix ? sizeof(query->prefix) : 0;
}

/* S_OK with *out NULL: there is no further one. */
static HRESULT ask(const struct job *job, const Ponto__Pnrp__V1__ResolveRequest *request, struct peer_found **out)
{
	const struct peer_question question = {job->cloud.service, "Resolve",
					       &ponto__pnrp__v1__resolve_reply__descriptor, peer_result_resolve};
	struct peer_found *found = calloc(1, sizeof(*found));
	ProtobufCMessage *reply;
	HRESULT result =
		found ? peer_ask(&question, &request->base, request->timeout_ms + GRACE_MS, job->lookup->cancel, &reply)
		      : E_OUTOFMEMORY;

	*out = NULL;
	if (result == S_OK) {
		found->reply = (Ponto__Pnrp__V1__ResolveReply *)reply;
		snprintf(found->cloud, sizeof(found->cloud), "%s", job->cloud.name);
		found->scope_id = job->cloud.scope_id;
		if (found->reply->n_match > 0)
			*out = found;
	}
	if (!*out)
		peer_found_free(found);
	return result;
}

/* One after the other, each without those before it, so that each is told when it is found. */
static HRESULT ask_all(const struct job *job)
{
	struct peer_lookup *lookup = job->lookup;
	uint8_t ids[EXCLUDE_MAX][ID_SIZE];
	ProtobufCBinaryData exclude[EXCLUDE_MAX];
	Ponto__Pnrp__V1__ResolveRequest request;
	size_t count = 0;

	peer_query_request(&lookup->query, job->cloud.name, &request);
	request.max = 1;
	request.exclude = exclude;
	while (count <= EXCLUDE_MAX && peer_lookup_wants(lookup)) {
		uint64_t now = peer_now_ms();
		struct peer_found *found;
		HRESULT result;

		if (now >= lookup->deadline)
			return S_OK;
		request.timeout_ms = (uint32_t)(lookup->deadline - now);
		request.n_exclude = count;
		result = ask(job, &request, &found);
		if (FAILED(result) || !found)
			return peer_lookup_wants(lookup) ? result : S_OK;
		if (count == EXCLUDE_MAX || ponto_unhex(found->reply->match[0]->id, ids[count], ID_SIZE) != PONTO_OK) {
			(void)peer_lookup_push(lookup, found);
			return S_OK;
		}
		exclude[count] = (ProtobufCBinaryData){ID_SIZE, ids[count]};
		count++;
		if (!peer_lookup_push(lookup, found))
			return S_OK;
	}
	return S_OK;
}

/* ---- threads -------------------------------------------------------------------------------------- */

static struct job *take(void)
{
	struct job *job;

	pthread_mutex_lock(&work.lock);
	work.idle++;
	while (!work.first && !work.stop)
		pthread_cond_wait(&work.news, &work.lock);
	work.idle--;
	job = work.first;
	if (job) {
		work.first = job->next;
		if (!work.first)
			work.last = &work.first;
	}
	pthread_mutex_unlock(&work.lock);
	return job;
}

static void *run(void *arg)
{
	struct job *job;

	(void)arg;
	while ((job = take()) != NULL) {
		peer_lookup_asked(job->lookup, ask_all(job));
		peer_lookup_put(job->lookup);
		free(job);
	}
	return NULL;
}

HRESULT peer_work_submit(struct peer_lookup *lookup, const struct peer_cloud *cloud)
{
	struct job *job = calloc(1, sizeof(*job));
	size_t waiting = 1;
	bool good;

	if (!job)
		return E_OUTOFMEMORY;
	job->lookup = lookup;
	job->cloud = *cloud;
	pthread_mutex_lock(&work.lock);
	for (const struct job *j = work.first; j; j = j->next)
		waiting++;
	if (waiting > work.idle && work.count < THREADS_MAX && link_thread(run, NULL, &work.threads[work.count]))
		work.count++;
	good = work.count > 0;
	if (good) {
		*work.last = job;
		work.last = &job->next;
		pthread_cond_signal(&work.news);
	}
	pthread_mutex_unlock(&work.lock);
	if (!good)
		free(job);
	return good ? S_OK : E_OUTOFMEMORY;
}

/* What is queued is done first: of lookups that have been ended that takes no time. */
void peer_work_end(void)
{
	pthread_t threads[THREADS_MAX];
	unsigned count;

	pthread_mutex_lock(&work.lock);
	count = work.count;
	memcpy(threads, work.threads, sizeof(threads));
	work.count = 0;
	work.stop = true;
	pthread_cond_broadcast(&work.news);
	pthread_mutex_unlock(&work.lock);
	for (unsigned i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	pthread_mutex_lock(&work.lock);
	work.stop = false;
	pthread_mutex_unlock(&work.lock);
}

void peer_work_forget(void)
{
	pthread_mutex_init(&work.lock, NULL);
	pthread_cond_init(&work.news, NULL);
	work.first = NULL;
	work.last = &work.first;
	work.count = work.idle = 0;
	work.stop = false;
}
