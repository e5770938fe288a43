/* One call waits at the daemon for another state, whoever wants to know; each instance is told what differs from what
 * it was told last. */
#include "api/peerdist/status.h"

#include <stdlib.h>

#include "framework/base.h"
#include "framework/unpack.h"
#include "plugins/service-dist/dist.pb-c.h"

#define WATCH_MS 20000 /* a call waits so long for a change */
#define AGAIN_MS 500   /* without a daemon: until it is tried again */

static struct {
	struct pd_op *ops; /* notifications, by next */
	bool asking;	   /* a call is under way */
	bool known;
	PEERDIST_STATUS status; /* as of its last answer */
} watch;

/* ---- the state ----------------------------------------------------------------------------------- */

static PEERDIST_STATUS status_of(int result, bool absent, const Ponto__Dist__V1__StateReply *reply)
{
	if (result == PONTO_OK && reply)
		return reply->state <= PEERDIST_STATUS_AVAILABLE ? (PEERDIST_STATUS)reply->state
								 : PEERDIST_STATUS_UNAVAILABLE;
	return absent || result == PONTO_EACCES ? PEERDIST_STATUS_DISABLED : PEERDIST_STATUS_UNAVAILABLE;
}

static DWORD ask_status(PEERDIST_STATUS *status, DWORD *min, DWORD *max)
{
	Ponto__Dist__V1__StateRequest request = PONTO__DIST__V1__STATE_REQUEST__INIT;
	const Ponto__Dist__V1__StateReply *state = NULL;
	ProtobufCMessage *reply = NULL;
	uint64_t session = 0;
	bool absent = false;
	int result =
		pd_ask("State", &request.base, &ponto__dist__v1__state_reply__descriptor, &session, &absent, &reply);

	if (result == PONTO_ENOMEM)
		return ERROR_NOT_ENOUGH_MEMORY;
	state = (const Ponto__Dist__V1__StateReply *)reply;
	*status = status_of(result, absent, state);
	*min = state ? state->min_version : PEERDIST_RETRIEVAL_OPTIONS_CONTENTINFO_VERSION_1;
	*max = state ? state->max_version : PEERDIST_RETRIEVAL_OPTIONS_CONTENTINFO_VERSION;
	if (reply)
		protobuf_c_message_free_unpacked(reply, NULL);
	return ERROR_SUCCESS;
}

static DWORD get_status(PEERDIST_INSTANCE_HANDLE handle, PEERDIST_STATUS *status, DWORD *min, DWORD *max)
{
	struct pd_object *o = pd_instance(handle);
	DWORD error;

	if (!o)
		return ERROR_INVALID_HANDLE;
	error = ask_status(status, min, max);
	pd_put(o);
	return error;
}

DWORD WINAPI PeerDistGetStatus(PEERDIST_INSTANCE_HANDLE handle, PEERDIST_STATUS *out)
{
	DWORD min, max;

	return out ? get_status(handle, out, &min, &max) : ERROR_INVALID_PARAMETER;
}

static bool good_info(const PEERDIST_STATUS_INFO *info)
{
	return info && info->cbSize == sizeof(*info);
}

DWORD WINAPI PeerDistGetStatusEx(PEERDIST_INSTANCE_HANDLE handle, PEERDIST_STATUS_INFO *out)
{
	return good_info(out) ? get_status(handle, &out->status, &out->dwMinVer, &out->dwMaxVer)
			      : ERROR_INVALID_PARAMETER;
}

/* ---- notifications ---------------------------------------------------------------------------------- */

static void end_watch(struct pd_op *op, DWORD error)
{
	struct pd_op **at = &watch.ops;

	while (*at != op)
		at = &(*at)->next;
	*at = op->next;
	op->object->watch = NULL;
	overlapped_end(&op->over, error, 0, NULL);
	pd_put(op->object);
	free(op);
}

bool pd_watch_end(struct pd_object *instance)
{
	if (!instance->watch)
		return false;
	end_watch(instance->watch, ERROR_OPERATION_ABORTED);
	return true;
}

void pd_watch_forget(void)
{
	watch.ops = NULL;
	watch.asking = watch.known = false;
}

static void tell(PEERDIST_STATUS status)
{
	for (struct pd_op *op = watch.ops, *next; op; op = next) {
		next = op->next;
		if (op->object->told == status)
			continue;
		op->object->told = status;
		end_watch(op, ERROR_SUCCESS);
	}
}

static void on_state(void *arg, const struct pd_outcome *outcome);

/* While somebody waits. Without memory it is tried when the next one registers. */
static void ask_on(unsigned delay)
{
	Ponto__Dist__V1__StateRequest request = PONTO__DIST__V1__STATE_REQUEST__INIT;
	const struct pd_call_setup setup = {.method = "State",
					    .request = &request.base,
					    .timeout_ms = WATCH_MS,
					    .delay_ms = delay,
					    .slow = true,
					    .done = on_state};

	request.has_unlike = watch.known;
	request.unlike = (uint32_t)watch.status;
	watch.asking = watch.ops && pd_call(&setup) == PONTO_OK;
}

static void on_state(void *arg, const struct pd_outcome *outcome)
{
	ProtobufCMessage *reply = NULL;
	int result = outcome->result;

	(void)arg;
	if (result == PONTO_OK)
		result = ponto_unpack(&ponto_alloc_system, &ponto__dist__v1__state_reply__descriptor,
				      ponto_bytes(outcome->payload, outcome->len), &reply);
	pthread_mutex_lock(&pd_lock);
	watch.status = status_of(result, outcome->absent, (const Ponto__Dist__V1__StateReply *)reply);
	watch.known = result == PONTO_OK;
	tell(watch.status);
	ask_on(result == PONTO_OK ? 0 : AGAIN_MS);
	pthread_mutex_unlock(&pd_lock);
	if (reply)
		protobuf_c_message_free_unpacked(reply, NULL);
}

/* The state is known by now: what differs from the last notification is told at once. */
static DWORD add_watch(struct pd_object *o, struct handle_object *port, ULONG_PTR key, LPOVERLAPPED overlapped,
		       PEERDIST_STATUS status)
{
	struct pd_op *op = calloc(1, sizeof(*op));
	DWORD error;

	if (!op)
		return ERROR_NOT_ENOUGH_MEMORY;
	pthread_mutex_lock(&pd_lock);
	error = o->watch ? ERROR_INVALID_PARAMETER : o->open ? ERROR_SUCCESS : ERROR_INVALID_HANDLE;
	if (error == ERROR_SUCCESS)
		error = pd_overlapped_begin(overlapped, port, key, &op->over);
	if (error != ERROR_SUCCESS) {
		pthread_mutex_unlock(&pd_lock);
		free(op);
		return error;
	}
	op->object = (struct pd_object *)handle_hold(&o->object);
	op->next = watch.ops;
	watch.ops = o->watch = op;
	if (status != o->told) {
		o->told = status;
		end_watch(op, ERROR_SUCCESS);
	} else if (!watch.asking) {
		ask_on(0);
		if (!watch.asking) {
			end_watch(op, ERROR_NOT_ENOUGH_MEMORY);
		}
	}
	pthread_mutex_unlock(&pd_lock);
	return ERROR_IO_PENDING;
}

static DWORD register_for(PEERDIST_INSTANCE_HANDLE handle, HANDLE port_handle, ULONG_PTR key, LPOVERLAPPED overlapped,
			  PEERDIST_STATUS *status, DWORD *min, DWORD *max)
{
	struct handle_object *port = NULL;
	struct pd_object *o;
	DWORD error = ERROR_SUCCESS;

	if (!overlapped)
		return ERROR_INVALID_PARAMETER;
	o = pd_instance(handle);
	if (!o)
		return ERROR_INVALID_HANDLE;
	if (port_handle && !(port = handle_get(port_handle, &port_type)))
		error = ERROR_INVALID_PARAMETER;
	if (error == ERROR_SUCCESS)
		error = ask_status(status, min, max);
	if (error == ERROR_SUCCESS)
		error = add_watch(o, port, key, overlapped, *status);
	handle_put(port);
	pd_put(o);
	return error;
}

DWORD WINAPI PeerDistRegisterForStatusChangeNotification(PEERDIST_INSTANCE_HANDLE handle, HANDLE port, ULONG_PTR key,
							 LPOVERLAPPED overlapped, PEERDIST_STATUS *status)
{
	DWORD min, max;

	return status ? register_for(handle, port, key, overlapped, status, &min, &max) : ERROR_INVALID_PARAMETER;
}

DWORD WINAPI PeerDistRegisterForStatusChangeNotificationEx(PEERDIST_INSTANCE_HANDLE handle, HANDLE port, ULONG_PTR key,
							   LPOVERLAPPED overlapped, PEERDIST_STATUS_INFO *info)
{
	return good_info(info)
		       ? register_for(handle, port, key, overlapped, &info->status, &info->dwMinVer, &info->dwMaxVer)
		       : ERROR_INVALID_PARAMETER;
}

DWORD WINAPI PeerDistUnregisterForStatusChangeNotification(PEERDIST_INSTANCE_HANDLE handle)
{
	struct pd_object *o = pd_instance(handle);
	bool ended;

	if (!o)
		return ERROR_INVALID_HANDLE;
	pthread_mutex_lock(&pd_lock);
	ended = pd_watch_end(o);
	pthread_mutex_unlock(&pd_lock);
	pd_put(o);
	if (ended) /* as the page has it */
		SetLastError(ERROR_OPERATION_ABORTED);
	return ERROR_SUCCESS;
}
