/* Completion ports: a queue, and an eventfd that is readable while something is in it. */
#include "api/win32/completion.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct port_packet {
	struct port_packet *next;
	OVERLAPPED_ENTRY entry;
	DWORD error;
};

struct port {
	struct handle_object object;
	int fd;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	struct port_packet *first, **last;
	bool closed;
};

static struct port *port_of(struct handle_object *object)
{
	return (struct port *)object;
}

static void port_destroy(struct handle_object *object)
{
	struct port *port = port_of(object);

	while (port->first) {
		struct port_packet *next = port->first->next;

		free(port->first);
		port->first = next;
	}
	close(port->fd);
	pthread_cond_destroy(&port->changed);
	pthread_mutex_destroy(&port->lock);
	free(port);
}

/* Whoever waits is told. */
static void port_closed(struct handle_object *object)
{
	struct port *port = port_of(object);

	pthread_mutex_lock(&port->lock);
	port->closed = true;
	pthread_cond_broadcast(&port->changed);
	pthread_mutex_unlock(&port->lock);
}

static int port_fd(struct handle_object *object)
{
	return port_of(object)->fd;
}

const struct handle_type port_type = {
	.name = "completion port", .destroy = port_destroy, .closed = port_closed, .fd = port_fd};

/* takes packet */
static void port_post(struct port *port, struct port_packet *packet)
{
	packet->next = NULL;
	pthread_mutex_lock(&port->lock);
	if (!port->first)
		(void)eventfd_write(port->fd, 1);
	*port->last = packet;
	port->last = &packet->next;
	pthread_cond_signal(&port->changed);
	pthread_mutex_unlock(&port->lock);
}

static struct port *port_create(void)
{
	struct port *port = calloc(1, sizeof(*port));
	pthread_condattr_t attributes;

	if (!port) {
		SetLastError(ERROR_NOT_ENOUGH_MEMORY);
		return NULL;
	}
	port->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (port->fd < 0) {
		SetLastError(errno == EMFILE || errno == ENFILE ? ERROR_TOO_MANY_OPEN_FILES
								: ERROR_NO_SYSTEM_RESOURCES);
		free(port);
		return NULL;
	}
	pthread_mutex_init(&port->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&port->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	port->last = &port->first;
	handle_init(&port->object, &port_type);
	return port;
}

/* The only files that end anything at a port are those of the families, which are told it when they are opened. */
HANDLE WINAPI CreateIoCompletionPort(HANDLE file, HANDLE existing, ULONG_PTR key, DWORD threads)
{
	struct port *port;
	HANDLE handle;

	(void)key;
	(void)threads;
	if (file != INVALID_HANDLE_VALUE || existing) {
		struct handle_object *object = file == INVALID_HANDLE_VALUE ? NULL : handle_get(file, NULL);

		if (object || file == INVALID_HANDLE_VALUE)
			SetLastError(ERROR_INVALID_PARAMETER);
		handle_put(object);
		return NULL;
	}
	port = port_create();
	if (!port)
		return NULL;
	if (!handle_open(&port->object, &handle)) {
		handle_put(&port->object);
		return NULL;
	}
	return handle;
}

BOOL WINAPI PostQueuedCompletionStatus(HANDLE handle, DWORD bytes, ULONG_PTR key, LPOVERLAPPED overlapped)
{
	struct handle_object *object = handle_get(handle, &port_type);
	struct port_packet *packet;

	if (!object)
		return FALSE;
	packet = calloc(1, sizeof(*packet));
	if (packet) {
		packet->entry = (OVERLAPPED_ENTRY){
			.lpCompletionKey = key, .lpOverlapped = overlapped, .dwNumberOfBytesTransferred = bytes};
		port_post(port_of(object), packet);
	} else {
		SetLastError(ERROR_NOT_ENOUGH_MEMORY);
	}
	handle_put(object);
	return packet != NULL;
}

/* ---- taking ---------------------------------------------------------------------------------- */

static struct timespec deadline_of(DWORD milliseconds)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += milliseconds / 1000;
	t.tv_nsec += (long)(milliseconds % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	return t;
}

/* Up to count packets as a list; NULL with the last error: WAIT_TIMEOUT, or ERROR_ABANDONED_WAIT_0: it was closed. */
static struct port_packet *port_take(struct port *port, ULONG count, DWORD milliseconds)
{
	struct timespec until = deadline_of(milliseconds);
	struct port_packet *taken, **end = &taken;
	int waited = 0;

	pthread_mutex_lock(&port->lock);
	while (!port->first && !port->closed && waited == 0 && milliseconds > 0)
		waited = milliseconds == INFINITE ? pthread_cond_wait(&port->changed, &port->lock)
						  : pthread_cond_timedwait(&port->changed, &port->lock, &until);
	if (!port->first)
		SetLastError(port->closed ? ERROR_ABANDONED_WAIT_0 : WAIT_TIMEOUT);
	for (; port->first && count > 0; count--) {
		*end = port->first;
		end = &port->first->next;
		port->first = *end;
	}
	*end = NULL;
	if (!port->first) {
		eventfd_t value;

		port->last = &port->first;
		(void)eventfd_read(port->fd, &value);
	}
	pthread_mutex_unlock(&port->lock);
	return taken;
}

BOOL WINAPI GetQueuedCompletionStatus(HANDLE handle, LPDWORD bytes, PULONG_PTR key, LPOVERLAPPED *overlapped,
				      DWORD milliseconds)
{
	struct handle_object *object;
	struct port_packet *packet;
	DWORD error;

	if (!bytes || !key || !overlapped) {
		SetLastError(ERROR_INVALID_PARAMETER);
		return FALSE;
	}
	*overlapped = NULL;
	object = handle_get(handle, &port_type);
	if (!object)
		return FALSE;
	packet = port_take(port_of(object), 1, milliseconds);
	handle_put(object);
	if (!packet)
		return FALSE;
	*bytes = packet->entry.dwNumberOfBytesTransferred;
	*key = packet->entry.lpCompletionKey;
	*overlapped = packet->entry.lpOverlapped;
	error = packet->error;
	free(packet);
	if (error != ERROR_SUCCESS)
		SetLastError(error);
	return error == ERROR_SUCCESS;
}

BOOL WINAPI GetQueuedCompletionStatusEx(HANDLE handle, LPOVERLAPPED_ENTRY entries, ULONG count, PULONG removed,
					DWORD milliseconds, BOOL alertable)
{
	struct handle_object *object;
	struct port_packet *packet;

	(void)alertable;
	if (!entries || count == 0 || !removed) {
		SetLastError(ERROR_INVALID_PARAMETER);
		return FALSE;
	}
	object = handle_get(handle, &port_type);
	if (!object)
		return FALSE;
	packet = port_take(port_of(object), count, milliseconds);
	handle_put(object);
	if (!packet)
		return FALSE;
	*removed = 0;
	while (packet) {
		struct port_packet *next = packet->next;

		entries[*removed] = packet->entry;
		entries[(*removed)++].Internal = packet->error;
		free(packet);
		packet = next;
	}
	return TRUE;
}

/* ---- operations that end later ----------------------------------------------------------------- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t ended;
} ends = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER};

static bool is_pending(const OVERLAPPED *overlapped)
{
	return (DWORD)__atomic_load_n(&overlapped->Internal, __ATOMIC_ACQUIRE) == STATUS_PENDING;
}

DWORD overlapped_begin(LPOVERLAPPED overlapped, struct handle_object *port, ULONG_PTR key, struct overlapped_op *out)
{
	ULONG_PTR event = (ULONG_PTR)overlapped->hEvent;
	struct overlapped_op op = {.overlapped = overlapped};

	if (event & ~(ULONG_PTR)1) {
		op.event = handle_get((HANDLE)(event & ~(ULONG_PTR)1), &event_type);
		if (!op.event)
			return ERROR_INVALID_HANDLE;
	}
	if (port && !(event & 1)) {
		op.packet = calloc(1, sizeof(*op.packet));
		if (!op.packet) {
			handle_put(op.event);
			return ERROR_NOT_ENOUGH_MEMORY;
		}
		op.packet->entry.lpCompletionKey = key;
		op.packet->entry.lpOverlapped = overlapped;
		op.port = handle_hold(port);
	}
	if (op.event)
		event_reset(op.event);
	overlapped->InternalHigh = 0;
	__atomic_store_n(&overlapped->Internal, STATUS_PENDING, __ATOMIC_RELEASE);
	*out = op;
	return ERROR_SUCCESS;
}

static void let_go(struct overlapped_op *op)
{
	handle_put(op->event);
	handle_put(op->port);
	*op = (struct overlapped_op){.overlapped = NULL};
}

void overlapped_undo(struct overlapped_op *op)
{
	free(op->packet);
	let_go(op);
}

/* Once Internal is written the OVERLAPPED may be gone. */
void overlapped_end(struct overlapped_op *op, DWORD error, DWORD bytes, const ULONGLONG *offset)
{
	LPOVERLAPPED overlapped = op->overlapped;

	if (offset) {
		overlapped->Offset = (DWORD)*offset;
		overlapped->OffsetHigh = (DWORD)(*offset >> 32);
	}
	pthread_mutex_lock(&ends.lock);
	overlapped->InternalHigh = bytes;
	__atomic_store_n(&overlapped->Internal, error, __ATOMIC_RELEASE);
	pthread_cond_broadcast(&ends.ended);
	pthread_mutex_unlock(&ends.lock);
	if (op->packet) {
		op->packet->entry.dwNumberOfBytesTransferred = bytes;
		op->packet->error = error;
		port_post(port_of(op->port), op->packet);
	}
	if (op->event)
		event_set(op->event);
	let_go(op);
}

bool overlapped_wait(const OVERLAPPED *overlapped, DWORD milliseconds)
{
	struct timespec until;
	int waited = 0;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += milliseconds / 1000;
	until.tv_nsec += (long)(milliseconds % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&ends.lock);
	while (is_pending(overlapped) && waited == 0 && milliseconds > 0)
		waited = milliseconds == INFINITE ? pthread_cond_wait(&ends.ended, &ends.lock)
						  : pthread_cond_timedwait(&ends.ended, &ends.lock, &until);
	pthread_mutex_unlock(&ends.lock);
	return !is_pending(overlapped);
}

BOOL WINAPI GetOverlappedResult(HANDLE file, LPOVERLAPPED overlapped, LPDWORD bytes, BOOL wait)
{
	DWORD error;

	(void)file;
	if (!overlapped || !bytes) {
		SetLastError(ERROR_INVALID_PARAMETER);
		return FALSE;
	}
	if (!overlapped_wait(overlapped, wait ? INFINITE : 0)) {
		SetLastError(ERROR_IO_INCOMPLETE);
		return FALSE;
	}
	*bytes = (DWORD)overlapped->InternalHigh;
	error = (DWORD)overlapped->Internal;
	if (error != ERROR_SUCCESS)
		SetLastError(error);
	return error == ERROR_SUCCESS;
}

BOOL WINAPI CancelIoEx(HANDLE file, LPOVERLAPPED overlapped)
{
	struct handle_object *object = handle_get(file, NULL);
	DWORD error;

	if (!object)
		return FALSE;
	error = object->type->cancel ? object->type->cancel(object, overlapped) : ERROR_INVALID_HANDLE;
	handle_put(object);
	if (error != ERROR_SUCCESS)
		SetLastError(error);
	return error == ERROR_SUCCESS;
}
