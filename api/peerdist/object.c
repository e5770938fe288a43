#include <stdlib.h>
#include <string.h>

#include "api/peer/link.h"
#include "api/peerdist/object.h"
#include "api/peerdist/status.h"
#include "framework/base.h"
#include "plugins/service-dist/dist.pb-c.h"

pthread_mutex_t pd_lock = PTHREAD_MUTEX_INITIALIZER;

#define END_MS 5000    /* for a daemon that hangs */
#define QUIET_MS 10000 /* of calls whose answer nobody needs */

/* ---- types ----------------------------------------------------------------------------------- */

static void destroy(struct handle_object *object)
{
	struct pd_object *o = (struct pd_object *)object;

	handle_put(o->port);
	pd_put(o->instance);
	free(o->content);
	free(o);
}

static void nothing(void *arg, const struct pd_outcome *outcome)
{
	(void)arg;
	(void)outcome;
}

/* Without memory for it the daemon closes it with the connection. */
static void close_there(uint64_t number, uint64_t session)
{
	Ponto__Dist__V1__CloseRequest request = PONTO__DIST__V1__CLOSE_REQUEST__INIT;
	const struct pd_call_setup setup = {.method = "Close",
					    .request = &request.base,
					    .session = session,
					    .timeout_ms = QUIET_MS,
					    .done = nothing};

	request.handle = number;
	(void)pd_call(&setup);
}

static void unlist(struct pd_object *o)
{
	struct pd_object **at = &o->instance->objects;

	while (*at && *at != o)
		at = &(*at)->next;
	if (*at)
		*at = o->next;
}

/* The handle was closed. */
static void closed(struct handle_object *object)
{
	struct pd_object *o = (struct pd_object *)object;

	pthread_mutex_lock(&pd_lock);
	o->open = false;
	unlist(o);
	(void)pd_ops_cancel(o, NULL);
	pthread_mutex_unlock(&pd_lock);
	close_there(o->number, o->session);
}

static DWORD cancel(struct handle_object *object, LPOVERLAPPED overlapped)
{
	unsigned count;

	pthread_mutex_lock(&pd_lock);
	count = pd_ops_cancel((struct pd_object *)object, overlapped);
	pthread_mutex_unlock(&pd_lock);
	return count ? ERROR_SUCCESS : ERROR_NOT_FOUND;
}

#define PD_TYPE(text, at_end)                                                                                          \
	{                                                                                                              \
		.name = text, .destroy = destroy, .closed = at_end, .cancel = cancel, .private_close = true            \
	}

const struct handle_type pd_instance_type = PD_TYPE("distribution instance", NULL);
const struct handle_type pd_stream_type = PD_TYPE("publication stream", closed);
const struct handle_type pd_info_type = PD_TYPE("content information", closed);
const struct handle_type pd_content_type = PD_TYPE("content", closed);

/* ---- objects ---------------------------------------------------------------------------------- */

struct pd_object *pd_instance(PEERDIST_INSTANCE_HANDLE handle)
{
	struct pd_object *o = (struct pd_object *)handle_get(handle, &pd_instance_type);

	if (o && o->generation != link_generation()) {
		pd_put(o);
		o = NULL;
	}
	return o;
}

void pd_put(struct pd_object *object)
{
	if (object)
		handle_put(&object->object);
}

struct pd_object *pd_object(PEERDIST_INSTANCE_HANDLE instance, HANDLE handle, const struct handle_type *type)
{
	struct handle_object *in = handle_get(instance, &pd_instance_type);
	struct pd_object *o = in ? (struct pd_object *)handle_get(handle, type) : NULL;

	if (o && &o->instance->object != in) {
		pd_put(o);
		o = NULL;
	}
	handle_put(in);
	return o;
}

DWORD pd_object_new(const struct handle_type *type, enum pd_kind kind, struct pd_object *instance, HANDLE port,
		    ULONG_PTR key, struct pd_object **out)
{
	struct handle_object *held = NULL;
	struct pd_object *o;

	if (port && !(held = handle_get(port, &port_type)))
		return ERROR_INVALID_PARAMETER;
	o = calloc(1, sizeof(*o));
	if (!o) {
		handle_put(held);
		return ERROR_NOT_ENOUGH_MEMORY;
	}
	handle_init(&o->object, type);
	o->kind = (uint8_t)kind;
	o->port = held;
	o->key = key;
	o->last_op = &o->ops;
	if (instance)
		o->instance = (struct pd_object *)handle_hold(&instance->object);
	*out = o;
	return ERROR_SUCCESS;
}

/* The handle is given under the lock, so that an instance that ends meanwhile closes it, or is seen to have ended. */
DWORD pd_object_open(struct pd_object *o, HANDLE *out)
{
	DWORD error = ERROR_INVALID_HANDLE;
	HANDLE handle = NULL;

	pthread_mutex_lock(&pd_lock);
	if (o->instance->open) {
		error = handle_open(&o->object, &handle) ? ERROR_SUCCESS : ERROR_NOT_ENOUGH_MEMORY;
		if (error == ERROR_SUCCESS) {
			o->handle = handle;
			o->open = true;
			o->next = o->instance->objects;
			o->instance->objects = o;
			*out = handle;
		}
	}
	pthread_mutex_unlock(&pd_lock);
	if (error != ERROR_SUCCESS) {
		close_there(o->number, o->session);
		pd_put(o);
	}
	return error;
}

DWORD pd_object_close(PEERDIST_INSTANCE_HANDLE instance, HANDLE handle, const struct handle_type *type)
{
	struct pd_object *o = pd_object(instance, handle, type);
	bool good = o && handle_close(handle, type);

	pd_put(o);
	return good ? ERROR_SUCCESS : ERROR_INVALID_HANDLE;
}

/* ---- instances ----------------------------------------------------------------------------------- */

DWORD WINAPI PeerDistStartup(DWORD version, PPEERDIST_INSTANCE_HANDLE out, PDWORD supported)
{
	static uint64_t numbers;
	struct pd_object *o;
	HANDLE handle;
	DWORD error;

	if (!out || LOBYTE(version) == 0)
		return ERROR_INVALID_PARAMETER;
	if (supported)
		*supported = MAKEWORD(2, 0);
	if (version > 0xffff || LOBYTE(version) > 2 || HIBYTE(version) > 0)
		return PEERDIST_ERROR_VERSION_UNSUPPORTED;
	error = pd_object_new(&pd_instance_type, PD_INSTANCE, NULL, NULL, 0, &o);
	if (error != ERROR_SUCCESS)
		return error;
	error = pd_wire_use();
	if (error != ERROR_SUCCESS) {
		pd_put(o);
		return error;
	}
	o->version = LOBYTE(version);
	o->generation = link_generation();
	o->number = __atomic_add_fetch(&numbers, 1, __ATOMIC_RELAXED);
	o->told = PEERDIST_STATUS_DISABLED;
	o->open = true;
	if (!handle_open(&o->object, &handle)) {
		pd_put(o);
		pd_wire_drop();
		return ERROR_NOT_ENOUGH_MEMORY;
	}
	*out = handle;
	return ERROR_SUCCESS;
}

/* Everything opened through it, one after the other: each is closed once, whoever else closes it. */
static void close_all(struct pd_object *instance)
{
	for (;;) {
		struct pd_object *o;
		HANDLE handle = NULL;
		const struct handle_type *type = NULL;

		pthread_mutex_lock(&pd_lock);
		o = instance->objects;
		if (o) {
			handle = o->handle;
			type = o->object.type;
			unlist(o); /* who closes it at this moment does not find it */
			o->open = false;
			(void)pd_ops_cancel(o, NULL);
		}
		pthread_mutex_unlock(&pd_lock);
		if (!o)
			return;
		(void)handle_close(handle, type);
	}
}

DWORD WINAPI PeerDistShutdown(PEERDIST_INSTANCE_HANDLE handle)
{
	Ponto__Dist__V1__EndInstanceRequest request = PONTO__DIST__V1__END_INSTANCE_REQUEST__INIT;
	struct pd_object *o = pd_instance(handle);
	uint64_t session = pd_session();

	if (!o || !handle_close(handle, &pd_instance_type)) {
		pd_put(o);
		return ERROR_INVALID_HANDLE;
	}
	pthread_mutex_lock(&pd_lock);
	o->open = false;
	pd_watch_end(o);
	(void)pd_ops_cancel(o, NULL);
	pthread_mutex_unlock(&pd_lock);
	close_all(o);
	request.instance = o->number;
	/* What it published is withdrawn when this returns; without a daemon nothing is published. */
	(void)pd_ask_in("EndInstance", &request.base, NULL, &session, END_MS, NULL, NULL);
	pd_put(o);
	pd_wire_drop();
	return ERROR_SUCCESS;
}

BOOL WINAPI PeerDistGetOverlappedResult(LPOVERLAPPED overlapped, LPDWORD bytes, BOOL wait)
{
	return GetOverlappedResult(NULL, overlapped, bytes, wait);
}

void pd_forget(void)
{
	pthread_mutex_init(&pd_lock, NULL);
	pd_wire_forget();
	pd_watch_forget();
}
