/* WSANSPIoctl: being told of results and of clouds. */
#include "api/peer/nsp.h"
#include "api/winsock/winsock.h"

#define STATUS_CANCELLED_VALUE 0xC0000120

/* Takes what the program waits with, and tells it. */
static void complete(struct nsp_query *q, ULONG_PTR status)
{
	struct handle_object *event;

	pthread_mutex_lock(&q->lock);
	event = q->event;
	if (q->overlapped) {
		q->overlapped->Internal = status;
		q->overlapped->InternalHigh = 0;
	}
	q->overlapped = NULL;
	q->event = NULL;
	pthread_mutex_unlock(&q->lock);
	if (event)
		event_set(event);
	handle_put(event);
}

void nsp_tell(void *query)
{
	complete(query, 0);
}

void nsp_tell_end(struct nsp_query *q)
{
	complete(q, STATUS_CANCELLED_VALUE);
}

static bool is_ready(struct nsp_query *q)
{
	return q->lookup ? peer_lookup_ready(q->lookup) : nsp_clouds_ready(q);
}

static int wait_with(struct nsp_query *q, LPWSAOVERLAPPED overlapped)
{
	struct handle_object *event, *before;

	if (!overlapped)
		return WSAEINVAL;
	event = handle_get(overlapped->hEvent, &event_type);
	if (!event)
		return WSAEINVAL;
	overlapped->Internal = STATUS_PENDING;
	pthread_mutex_lock(&q->lock);
	before = q->event;
	q->event = event;
	q->overlapped = overlapped;
	pthread_mutex_unlock(&q->lock);
	handle_put(before); /* one at a time: the later counts */
	if (is_ready(q))
		nsp_tell(q);
	return WSA_IO_PENDING;
}

static int notify(struct nsp_query *q, const WSACOMPLETION *completion)
{
	WSACOMPLETIONTYPE type = completion ? completion->Type : NSP_NOTIFY_IMMEDIATELY;

	switch (type) {
	case NSP_NOTIFY_IMMEDIATELY:
		return is_ready(q) ? 0 : WSAEWOULDBLOCK;
	case NSP_NOTIFY_EVENT:
		return wait_with(q, completion->Parameters.Event.lpOverlapped);
	case NSP_NOTIFY_HWND:
	case NSP_NOTIFY_PORT:
	case NSP_NOTIFY_APC:
		return WSAEOPNOTSUPP; /* there are no windows, ports or procedure calls here */
	default:
		return WSAEINVAL;
	}
}

INT WSAAPI WSANSPIoctl(HANDLE lookup, DWORD code, LPVOID in, DWORD in_size, LPVOID out, DWORD out_size,
		       LPDWORD returned, LPWSACOMPLETION completion)
{
	struct nsp_query *q;
	int result;

	if (!winsock_started())
		return SOCKET_ERROR;
	if (code != SIO_NSP_NOTIFY_CHANGE)
		return winsock_fail(WSAEOPNOTSUPP);
	if (in || in_size || out || out_size)
		return winsock_fail(WSAEINVAL);
	q = (struct nsp_query *)handle_get(lookup, &nsp_query_type);
	if (!q)
		return winsock_fail(WSA_INVALID_HANDLE);
	result = notify(q, completion);
	handle_put(&q->object);
	if (returned)
		*returned = 0;
	return result ? winsock_fail(result) : 0;
}
