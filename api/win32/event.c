/* Events: an eventfd, readable while the event is set. */
#include "api/win32/handle.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct event {
	struct handle_object object;
	int fd;
	bool manual_reset;
	/* Counts signals. The descriptor wakes; by this word what was written before a signal is seen after the wait.
	 */
	unsigned int signals;
};

static struct event *event_of(struct handle_object *object)
{
	return (struct event *)object;
}

static void event_destroy(struct handle_object *object)
{
	close(event_of(object)->fd);
	free(object);
}

static int event_fd(struct handle_object *object)
{
	return event_of(object)->fd;
}

/* Reading an eventfd sets its counter to 0. */
static bool drain(struct event *event)
{
	uint64_t count;

	return read(event->fd, &count, sizeof(count)) == (ssize_t)sizeof(count);
}

static bool event_take(struct handle_object *object)
{
	struct event *event = event_of(object);
	struct pollfd poll_fd = {.fd = event->fd, .events = POLLIN};

	if (event->manual_reset ? poll(&poll_fd, 1, 0) != 1 : !drain(event))
		return false;
	(void)__atomic_load_n(&event->signals, __ATOMIC_ACQUIRE);
	return true;
}

static void event_give_back(struct handle_object *object)
{
	if (!event_of(object)->manual_reset)
		event_set(object);
}

const struct handle_type event_type = {
	.name = "event",
	.destroy = event_destroy,
	.fd = event_fd,
	.take = event_take,
	.give_back = event_give_back,
};

struct handle_object *event_create(bool manual_reset, bool initial_state)
{
	struct event *event = calloc(1, sizeof(*event));

	if (!event) {
		SetLastError(ERROR_NOT_ENOUGH_MEMORY);
		return NULL;
	}
	event->fd = eventfd(initial_state ? 1 : 0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (event->fd < 0) {
		SetLastError(errno == EMFILE || errno == ENFILE ? ERROR_TOO_MANY_OPEN_FILES
								: ERROR_NO_SYSTEM_RESOURCES);
		free(event);
		return NULL;
	}
	event->manual_reset = manual_reset;
	handle_init(&event->object, &event_type);
	return &event->object;
}

/* A counter too full to be added to is set already. */
void event_set(struct handle_object *object)
{
	struct event *event = event_of(object);
	uint64_t one = 1;
	ssize_t written;

	__atomic_add_fetch(&event->signals, 1, __ATOMIC_RELEASE);
	written = write(event->fd, &one, sizeof(one));
	(void)written;
}

void event_reset(struct handle_object *object)
{
	drain(event_of(object));
}

HANDLE WINAPI CreateEventW(LPSECURITY_ATTRIBUTES attributes, BOOL manual_reset, BOOL initial_state, LPCWSTR name)
{
	struct handle_object *event;
	HANDLE handle;

	(void)attributes;
	if (name && *name) {
		SetLastError(ERROR_NOT_SUPPORTED);
		return NULL;
	}
	event = event_create(manual_reset, initial_state);
	if (!event)
		return NULL;
	if (!handle_open(event, &handle)) {
		handle_put(event);
		return NULL;
	}
	SetLastError(ERROR_SUCCESS);
	return handle;
}

HANDLE WINAPI CreateEventA(LPSECURITY_ATTRIBUTES attributes, BOOL manual_reset, BOOL initial_state, LPCSTR name)
{
	return CreateEventW(attributes, manual_reset, initial_state, name && *name ? u"named" : NULL);
}

BOOL WINAPI SetEvent(HANDLE handle)
{
	struct handle_object *event = handle_get(handle, &event_type);

	if (!event)
		return FALSE;
	event_set(event);
	handle_put(event);
	return TRUE;
}

BOOL WINAPI ResetEvent(HANDLE handle)
{
	struct handle_object *event = handle_get(handle, &event_type);

	if (!event)
		return FALSE;
	event_reset(event);
	handle_put(event);
	return TRUE;
}
