/* RegisterWaitForSingleObject: one thread of the library waits for each registration and calls back itself. That costs
 * a thread where Windows shares one among 63, and buys that calls never wait for one another. */
#include "api/win32/handle.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "api/win32/work.h"

struct registration {
	struct handle_object object;
	struct handle_object *awaited;
	struct handle_object *stop; /* set when the registration is ended */
	WAITORTIMERCALLBACK callback;
	PVOID context;
	DWORD milliseconds;
	bool once;
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool stopping, calling, ended;
	pthread_t caller;		  /* while calling */
	struct handle_object *completion; /* set when the last call is over; or NULL */
};

static void registration_destroy(struct handle_object *object)
{
	struct registration *r = (struct registration *)object;

	handle_put(r->awaited);
	handle_put(r->stop);
	handle_put(r->completion);
	pthread_cond_destroy(&r->done);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static const struct handle_type registration_type = {
	.name = "registered wait",
	.destroy = registration_destroy,
	.private_close = true,
};

/* False: it was ended before the call. */
static bool call(struct registration *r, BOOLEAN timed_out)
{
	bool stopping;

	pthread_mutex_lock(&r->lock);
	stopping = r->stopping;
	r->calling = !stopping;
	r->caller = pthread_self();
	pthread_mutex_unlock(&r->lock);
	if (stopping)
		return false;
	r->callback(r->context, timed_out);
	pthread_mutex_lock(&r->lock);
	r->calling = false;
	pthread_cond_broadcast(&r->done);
	pthread_mutex_unlock(&r->lock);
	return true;
}

static void wait_and_call(void *context)
{
	struct registration *r = context;
	struct handle_object *const both[] = {r->stop, r->awaited};
	DWORD result;

	do {
		result = handle_wait(both, 2, false, r->milliseconds);
	} while ((result == WAIT_OBJECT_0 + 1 || result == WAIT_TIMEOUT) && call(r, result == WAIT_TIMEOUT) &&
		 !r->once);
	pthread_mutex_lock(&r->lock);
	r->ended = true;
	if (r->completion)
		event_set(r->completion);
	pthread_cond_broadcast(&r->done);
	pthread_mutex_unlock(&r->lock);
	handle_put(&r->object);
}

/* NULL: no memory, or no descriptor. */
static struct registration *make(struct handle_object *awaited, WAITORTIMERCALLBACK callback, PVOID context,
				 ULONG milliseconds, ULONG flags)
{
	struct registration *r = calloc(1, sizeof(*r));

	if (!r) {
		SetLastError(ERROR_NOT_ENOUGH_MEMORY);
		return NULL;
	}
	handle_init(&r->object, &registration_type);
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->done, NULL);
	r->callback = callback;
	r->context = context;
	r->milliseconds = milliseconds;
	r->once = flags & WT_EXECUTEONLYONCE;
	r->stop = event_create(true, false);
	if (!r->stop) {
		handle_put(&r->object);
		return NULL;
	}
	r->awaited = handle_hold(awaited);
	return r;
}

/* Enters the registration into the table and starts its thread, each with a reference of its own. */
static bool start(struct registration *r, PHANDLE wait)
{
	HANDLE handle;

	if (!handle_open(handle_hold(&r->object), &handle)) {
		handle_put(&r->object);
		return false;
	}
	/* Before the thread starts: a call may end the registration by what is in *wait. */
	*wait = handle;
	handle_hold(&r->object);
	if (work_run(wait_and_call, r))
		return true;
	handle_put(&r->object);
	handle_close(handle, &registration_type);
	SetLastError(ERROR_NOT_ENOUGH_MEMORY);
	return false;
}

BOOL WINAPI RegisterWaitForSingleObject(PHANDLE wait, HANDLE object, WAITORTIMERCALLBACK callback, PVOID context,
					ULONG milliseconds, ULONG flags)
{
	struct handle_object *awaited;
	struct registration *r;
	bool started;

	if (!wait || !callback) {
		SetLastError(ERROR_INVALID_PARAMETER);
		return FALSE;
	}
	awaited = handle_get(object, NULL);
	if (awaited && !awaited->type->fd)
		SetLastError(ERROR_INVALID_HANDLE);
	r = awaited && awaited->type->fd ? make(awaited, callback, context, milliseconds, flags) : NULL;
	handle_put(awaited);
	if (!r)
		return FALSE;
	started = start(r, wait);
	handle_put(&r->object);
	return started;
}

/* Ends r. True when no call is under way, or none any more after waiting for it. A call that ends its own registration
 * cannot wait for itself. */
static bool end(struct registration *r, struct handle_object *completion, bool blocking)
{
	bool idle;

	pthread_mutex_lock(&r->lock);
	r->stopping = true;
	event_set(r->stop);
	if (completion && (r->ended || !r->calling))
		event_set(completion);
	else if (completion)
		r->completion = handle_hold(completion);
	while (blocking && r->calling && !r->ended && !pthread_equal(r->caller, pthread_self()))
		pthread_cond_wait(&r->done, &r->lock);
	idle = !r->calling || r->ended;
	pthread_mutex_unlock(&r->lock);
	return idle;
}

BOOL WINAPI UnregisterWaitEx(HANDLE wait, HANDLE completion)
{
	bool blocking = completion == INVALID_HANDLE_VALUE;
	struct handle_object *event = NULL;
	struct registration *r;
	bool idle;

	if (completion && !blocking && !(event = handle_get(completion, &event_type)))
		return FALSE;
	r = (struct registration *)handle_get(wait, &registration_type);
	if (!r || !handle_close(wait, &registration_type)) {
		handle_put(r ? &r->object : NULL);
		handle_put(event);
		return FALSE;
	}
	idle = end(r, event, blocking);
	handle_put(&r->object);
	handle_put(event);
	if (!idle)
		SetLastError(ERROR_IO_PENDING);
	return idle;
}

BOOL WINAPI UnregisterWait(HANDLE wait)
{
	return UnregisterWaitEx(wait, NULL);
}
