/* Operations that go on meanwhile. */
#include <stdlib.h>
#include <string.h>

#include "api/peerdist/object.h"
#include "framework/base.h"
#include "plugins/service-dist/dist.pb-c.h"

/* A call that is under way. The operation may end before its answer comes. */
struct pd_sent {
	struct pd_op *op;	  /* under the lock; NULL: it has ended */
	struct pd_object *object; /* a reference, then, when the lane waits for the answer */
	uint8_t lane;
};

static uint64_t numbers;

/* ---- results ------------------------------------------------------------------------------------ */

DWORD pd_error_of(int result, bool absent)
{
	switch (result) {
	case PONTO_OK:
		return ERROR_SUCCESS;
	case PONTO_ENOMEM:
		return ERROR_NOT_ENOUGH_MEMORY;
	case PONTO_EACCES: /* the administrator keeps it from this user, or from all */
		return ERROR_ACCESS_DISABLED_BY_POLICY;
	case PONTO_ENOTSUP:
		return absent ? ERROR_ACCESS_DISABLED_BY_POLICY : ERROR_NOT_SUPPORTED;
	case PONTO_EINVAL:
		return ERROR_INVALID_PARAMETER;
	case PONTO_ENOENT:
		return PEERDIST_ERROR_INVALIDATED;
	case PONTO_ELIMIT:
		return ERROR_NO_SYSTEM_RESOURCES;
	case PONTO_ENOSPC:
		return ERROR_DISK_FULL;
	case PONTO_ECORRUPT:
		return ERROR_INVALID_DATA;
	case PONTO_EPROTO:
		return PEERDIST_ERROR_NOT_INITIALIZED;
	default:
		return PEERDIST_ERROR_SERVICE_UNAVAILABLE;
	}
}

DWORD pd_error(const struct pd_outcome *outcome)
{
	return pd_error_of(outcome->result, outcome->absent);
}

/* ---- the list ----------------------------------------------------------------------------------- */

static void list(struct pd_op *op)
{
	op->next = NULL;
	*op->object->last_op = op;
	op->object->last_op = &op->next;
}

static void unlist(struct pd_op *op)
{
	struct pd_object *o = op->object;
	struct pd_op **at = &o->ops;

	while (*at != op)
		at = &(*at)->next;
	*at = op->next;
	if (!*at)
		o->last_op = at;
}

static bool is_first_of_lane(const struct pd_op *op)
{
	if (op->object->late[op->type->lane] > 0)
		return false;
	for (const struct pd_op *other = op->object->ops; other != op; other = other->next) {
		if (op->type->lane && other->type->lane == op->type->lane)
			return false;
	}
	return true;
}

/* Whatever may go on does. */
static void pump(struct pd_object *o)
{
	for (struct pd_op *op = o->ops, *next; op; op = next) {
		next = op->next;
		if (op->sent || !is_first_of_lane(op))
			continue;
		if (!op->type->ask(op)) {
			pd_op_end(op, ERROR_NOT_ENOUGH_MEMORY, 0, NULL);
			return; /* which looked at the others */
		}
	}
}

/* The daemon still works for it: what comes after it in its lane waits until it does not. */
static void leave(struct pd_op *op)
{
	struct pd_sent *sent = op->sent;

	sent->op = NULL;
	if (!op->type->lane)
		return;
	sent->lane = op->type->lane;
	sent->object = (struct pd_object *)handle_hold(&op->object->object);
	op->object->late[sent->lane]++;
}

void pd_op_end(struct pd_op *op, DWORD error, DWORD bytes, const ULONGLONG *offset)
{
	struct pd_object *o = op->object;

	unlist(op);
	if (op->sent)
		leave(op);
	overlapped_end(&op->over, error, bytes, offset);
	free(op);
	pump(o);
	pd_put(o);
}

void pd_op_go_on(struct pd_op *op)
{
	if (!op->type->ask(op))
		pd_op_end(op, ERROR_NOT_ENOUGH_MEMORY, op->done, NULL);
}

/* ---- calls ------------------------------------------------------------------------------------------ */

static void answered(void *arg, const struct pd_outcome *outcome)
{
	struct pd_sent *sent = arg;
	struct pd_op *op;

	pthread_mutex_lock(&pd_lock);
	op = sent->op;
	if (op) {
		op->sent = NULL;
		op->type->answered(op, outcome);
	} else if (sent->object) {
		sent->object->late[sent->lane]--;
		pump(sent->object);
	}
	pthread_mutex_unlock(&pd_lock);
	pd_put(sent->object);
	free(sent);
}

bool pd_op_call(struct pd_op *op, const char *method, const ProtobufCMessage *request, unsigned timeout_ms, bool slow)
{
	struct pd_sent *sent = calloc(1, sizeof(*sent));
	const struct pd_call_setup setup = {.method = method,
					    .request = request,
					    .session = op->object->session,
					    .timeout_ms = timeout_ms,
					    .slow = slow,
					    .done = answered,
					    .arg = sent};

	if (!sent)
		return false;
	sent->op = op;
	if (pd_call(&setup) != PONTO_OK) {
		free(sent);
		return false;
	}
	op->sent = sent;
	return true;
}

/* ---- beginning ---------------------------------------------------------------------------------------- */

bool pd_reserved_is_zero(const OVERLAPPED *overlapped)
{
	return overlapped->Offset == 0 && overlapped->OffsetHigh == 0;
}

/* What it does next is asked at once, so that a lack of memory is told by the function itself. */
static DWORD begin(struct pd_op *op)
{
	struct pd_object *o = op->object;

	if (!o->open)
		return ERROR_INVALID_HANDLE;
	if (o->session && o->session != pd_session())
		return PEERDIST_ERROR_INVALIDATED;
	list(op);
	if (is_first_of_lane(op) && !op->type->ask(op)) {
		unlist(op);
		return ERROR_NOT_ENOUGH_MEMORY;
	}
	return ERROR_IO_PENDING;
}

DWORD pd_overlapped_begin(LPOVERLAPPED overlapped, struct handle_object *port, ULONG_PTR key,
			  struct overlapped_op *out)
{
	DWORD error = overlapped_begin(overlapped, port, key, out);

	return error == ERROR_INVALID_HANDLE ? ERROR_INVALID_PARAMETER : error;
}

DWORD pd_op_begin_at(struct pd_object *object, const struct pd_op *fill, LPOVERLAPPED overlapped,
		     struct handle_object *port, ULONG_PTR key)
{
	struct pd_op *op = malloc(sizeof(*op));
	DWORD error;

	if (!op)
		return ERROR_NOT_ENOUGH_MEMORY;
	*op = *fill;
	op->number = __atomic_add_fetch(&numbers, 1, __ATOMIC_RELAXED);
	op->object = object;
	pthread_mutex_lock(&pd_lock); /* the end of one with the same OVERLAPPED is over by now */
	error = pd_overlapped_begin(overlapped, port, key, &op->over);
	if (error == ERROR_SUCCESS) {
		error = begin(op);
		if (error == ERROR_IO_PENDING) {
			(void)handle_hold(&object->object);
		} else {
			overlapped->Internal = error;
			overlapped_undo(&op->over);
		}
	}
	pthread_mutex_unlock(&pd_lock);
	if (error != ERROR_IO_PENDING)
		free(op);
	return error;
}

DWORD pd_op_begin(struct pd_object *object, const struct pd_op *fill, LPOVERLAPPED overlapped)
{
	return pd_op_begin_at(object, fill, overlapped, object->port, object->key);
}

/* ---- cancelling ------------------------------------------------------------------------------------------ */

static void nothing(void *arg, const struct pd_outcome *outcome)
{
	(void)arg;
	(void)outcome;
}

/* The daemon need not go on; without memory to say so, it does until its time is up. */
static void stop_there(const struct pd_op *op)
{
	Ponto__Dist__V1__StopRequest request = PONTO__DIST__V1__STOP_REQUEST__INIT;
	const struct pd_call_setup setup = {.method = "Stop",
					    .request = &request.base,
					    .session = op->object->session,
					    .timeout_ms = 10000,
					    .done = nothing};

	request.handle = op->object->number;
	request.has_operation = true;
	request.operation = op->number;
	(void)pd_call(&setup);
}

/* The last one that is meant: those before it in a lane would let it begin when they end. */
static struct pd_op *last_of(const struct pd_object *o, const OVERLAPPED *overlapped)
{
	struct pd_op *found = NULL;

	for (struct pd_op *op = o->ops; op; op = op->next) {
		if (!overlapped || op->over.overlapped == overlapped)
			found = op;
	}
	return found;
}

unsigned pd_ops_cancel(struct pd_object *o, const OVERLAPPED *overlapped)
{
	unsigned count = 0;
	struct pd_op *op;

	for (; (op = last_of(o, overlapped)); count++) {
		if (op->sent && o->kind == PD_CONTENT && o->open)
			stop_there(op);
		o->broken |= op->sent && o->kind == PD_STREAM; /* whether the bytes arrived nobody knows */
		pd_op_end(op, ERROR_OPERATION_ABORTED, 0, NULL);
	}
	return count;
}
