#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "api/peer/link.h"
#include "api/peer/lookup_private.h"

#define AGAIN_MS 100 /* how often events are looked at */

/* All lookups that live; and the thread that looks at their events. */
static struct {
	pthread_mutex_t lock; /* taken before a lookup's */
	pthread_cond_t news;
	struct peer_lookup *first;
	bool running, stop;
	pthread_t thread;
} all = {.lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER};

uint64_t peer_now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void peer_found_free(struct peer_found *found)
{
	if (!found)
		return;
	ponto__pnrp__v1__resolve_reply__free_unpacked(found->reply, NULL);
	free(found);
}

/* ---- the event ------------------------------------------------------------------------------ */

static bool has_ended(const struct peer_lookup *l)
{
	return l->running == 0 || l->cancelled;
}

static bool is_ready(const struct peer_lookup *l)
{
	return l->first || (has_ended(l) && !l->told);
}

/* Under the lookup's lock, after any change. */
static void show(struct peer_lookup *l)
{
	pthread_cond_broadcast(&l->changed);
	if (l->ready && is_ready(l))
		l->ready(l->ready_arg);
	if (l->event && is_ready(l))
		event_set(l->event);
	else if (l->event)
		event_reset(l->event);
}

static bool look_at_events(void)
{
	bool any = false;

	for (struct peer_lookup *l = all.first; l; l = l->next) {
		pthread_mutex_lock(&l->lock);
		if (l->event && is_ready(l)) {
			event_set(l->event);
			any = true;
		}
		pthread_mutex_unlock(&l->lock);
	}
	return any;
}

static void *look_again(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&all.lock);
	while (!all.stop) {
		struct timespec until;

		if (!look_at_events()) {
			pthread_cond_wait(&all.news, &all.lock);
			continue;
		}
		(void)clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += AGAIN_MS * 1000000L;
		if (until.tv_nsec >= 1000000000L) {
			until.tv_nsec -= 1000000000L;
			until.tv_sec++;
		}
		pthread_cond_timedwait(&all.news, &all.lock, &until);
	}
	pthread_mutex_unlock(&all.lock);
	return NULL;
}

/* Without a lookup's lock. */
static void wake_looking(void)
{
	pthread_mutex_lock(&all.lock);
	pthread_cond_signal(&all.news);
	pthread_mutex_unlock(&all.lock);
}

/* ---- life -------------------------------------------------------------------------------------- */

static void unlist(struct peer_lookup *l)
{
	struct peer_lookup **at = &all.first;

	pthread_mutex_lock(&all.lock);
	while (*at && *at != l)
		at = &(*at)->next;
	if (*at)
		*at = l->next;
	pthread_mutex_unlock(&all.lock);
}

/* Whatever it had is the parent's after a fork: memory, but neither list nor descriptor. */
static void destroy(struct handle_object *object)
{
	struct peer_lookup *l = (struct peer_lookup *)object;

	if (l->generation == link_generation())
		unlist(l);
	while (l->first) {
		struct peer_found *next = l->first->next;

		peer_found_free(l->first);
		l->first = next;
	}
	if (l->event)
		handle_put(l->event);
	if (l->cancel >= 0)
		close(l->cancel);
	pthread_cond_destroy(&l->changed);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static void closed(struct handle_object *object)
{
	peer_lookup_cancel((struct peer_lookup *)object);
}

const struct handle_type peer_lookup_type = {
	.name = "resolution", .destroy = destroy, .closed = closed, .private_close = true};

void peer_lookup_put(struct peer_lookup *l)
{
	if (l)
		handle_put(&l->object);
}

void peer_lookup_opened(struct peer_lookup *l, HANDLE handle)
{
	pthread_mutex_lock(&all.lock);
	l->handle = handle;
	pthread_mutex_unlock(&all.lock);
}

static struct peer_lookup *make(const struct peer_query *query, struct handle_object *event)
{
	struct peer_lookup *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->cancel = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->cancel < 0) {
		free(l);
		return NULL;
	}
	handle_init(&l->object, &peer_lookup_type);
	l->query = *query;
	l->deadline = peer_now_ms() + query->timeout_ms;
	l->generation = link_generation();
	l->running = 1; /* whoever starts it, until all clouds are told */
	l->last = &l->first;
	l->event = event ? handle_hold(event) : NULL;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->changed, NULL);
	return l;
}

/* Where it is from now on, and the thread for events with it. */
static bool list(struct peer_lookup *l)
{
	bool good = true;

	pthread_mutex_lock(&all.lock);
	if (!all.running) {
		all.stop = false;
		good = all.running = link_thread(look_again, NULL, &all.thread);
	}
	l->next = all.first;
	all.first = l;
	pthread_mutex_unlock(&all.lock);
	return good;
}

HRESULT peer_lookup_start(const struct peer_query *query, struct handle_object *event, struct peer_lookup **out)
{
	struct peer_clouds clouds;
	size_t chosen[PEER_CLOUDS_MAX], count;
	struct peer_lookup *l;
	HRESULT result = peer_clouds(false, &clouds);

	if (SUCCEEDED(result))
		result = peer_clouds_match(&clouds, *query->cloud ? query->cloud : NULL, chosen, &count);
	if (FAILED(result))
		return result;
	l = make(query, event);
	if (!l)
		return E_OUTOFMEMORY;
	if (!list(l))
		result = E_OUTOFMEMORY;
	for (size_t i = 0; i < count && SUCCEEDED(result); i++) {
		pthread_mutex_lock(&l->lock);
		l->running++;
		pthread_mutex_unlock(&l->lock);
		(void)handle_hold(&l->object);
		result = peer_work_submit(l, &clouds.cloud[chosen[i]]);
		if (FAILED(result))
			handle_put(&l->object);
	}
	if (FAILED(result)) {
		peer_lookup_cancel(l);
		peer_lookup_put(l);
		return result;
	}
	peer_lookup_asked(l, S_OK);
	*out = l;
	return S_OK;
}

void peer_lookup_cancel(struct peer_lookup *l)
{
	pthread_mutex_lock(&l->lock);
	l->cancelled = true;
	(void)eventfd_write(l->cancel, 1);
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
}

/* ---- filling --------------------------------------------------------------------------------------- */

static bool wants(const struct peer_lookup *l)
{
	return !l->cancelled && (l->query.max == 0 || l->found < l->query.max);
}

bool peer_lookup_wants(struct peer_lookup *l)
{
	bool result;

	pthread_mutex_lock(&l->lock);
	result = wants(l);
	pthread_mutex_unlock(&l->lock);
	return result;
}

bool peer_lookup_push(struct peer_lookup *l, struct peer_found *found)
{
	bool result;

	pthread_mutex_lock(&l->lock);
	if (wants(l)) {
		found->next = NULL;
		*l->last = found;
		l->last = &found->next;
		l->found++;
		found = NULL;
		if (!wants(l))
			(void)eventfd_write(l->cancel, 1); /* what the other clouds are asked is enough */
		show(l);
	}
	result = wants(l);
	pthread_mutex_unlock(&l->lock);
	peer_found_free(found);
	wake_looking();
	return result;
}

void peer_lookup_asked(struct peer_lookup *l, HRESULT failure)
{
	pthread_mutex_lock(&l->lock);
	if (SUCCEEDED(l->failure))
		l->failure = failure;
	if (--l->running == 0)
		show(l);
	pthread_mutex_unlock(&l->lock);
	wake_looking();
}

/* ---- taking ------------------------------------------------------------------------------------------ */

/* The end: first why nothing was found, if that is a fault, then NO_MORE. */
static HRESULT end_of(struct peer_lookup *l)
{
	HRESULT result = l->found == 0 && FAILED(l->failure) ? l->failure : PEER_E_NO_MORE;

	l->failure = S_OK;
	l->told = result == PEER_E_NO_MORE;
	return result;
}

HRESULT peer_lookup_next(struct peer_lookup *l, bool wait, struct peer_found **out)
{
	HRESULT result = S_OK;

	pthread_mutex_lock(&l->lock);
	while (wait && !l->first && !has_ended(l))
		pthread_cond_wait(&l->changed, &l->lock);
	if (l->cancelled) {
		result = E_ABORT;
	} else if (l->first) {
		*out = l->first;
		l->first = l->first->next;
		if (!l->first)
			l->last = &l->first;
		(*out)->next = NULL;
	} else {
		result = has_ended(l) ? end_of(l) : PEER_S_NOT_YET;
	}
	show(l);
	pthread_mutex_unlock(&l->lock);
	return result;
}

void peer_lookup_return(struct peer_lookup *l, struct peer_found *found)
{
	pthread_mutex_lock(&l->lock);
	found->next = l->first;
	if (!l->first)
		l->last = &found->next;
	l->first = found;
	show(l);
	pthread_mutex_unlock(&l->lock);
	wake_looking();
}

bool peer_lookup_ready(struct peer_lookup *l)
{
	bool result;

	pthread_mutex_lock(&l->lock);
	result = is_ready(l);
	pthread_mutex_unlock(&l->lock);
	return result;
}

void peer_lookup_on_ready(struct peer_lookup *l, void (*ready)(void *arg), void *arg)
{
	pthread_mutex_lock(&l->lock);
	l->ready = ready;
	l->ready_arg = arg;
	if (ready && is_ready(l))
		ready(arg);
	pthread_mutex_unlock(&l->lock);
}

/* ---- ends ---------------------------------------------------------------------------------------------- */

/* One of the owner's with a handle; its handle is the caller's to close. */
static HANDLE next_handle(enum peer_owner owner)
{
	HANDLE handle = NULL;

	pthread_mutex_lock(&all.lock);
	for (struct peer_lookup *l = all.first; l && !handle; l = l->next) {
		if (l->query.owner == owner && l->handle) {
			handle = l->handle;
			l->handle = NULL;
		}
	}
	pthread_mutex_unlock(&all.lock);
	return handle;
}

void peer_lookups_close(enum peer_owner owner)
{
	HANDLE handle;

	while ((handle = next_handle(owner)) != NULL)
		(void)handle_close(handle, &peer_lookup_type);
}

void peer_lookups_end(void)
{
	bool running;

	peer_work_end();
	pthread_mutex_lock(&all.lock);
	running = all.running;
	all.stop = true;
	all.running = false;
	pthread_cond_signal(&all.news);
	pthread_mutex_unlock(&all.lock);
	if (running)
		pthread_join(all.thread, NULL);
}

void peer_lookups_forget(void)
{
	pthread_mutex_init(&all.lock, NULL);
	pthread_cond_init(&all.news, NULL);
	all.first = NULL;
	all.running = false;
	peer_work_forget();
}
