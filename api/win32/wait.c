/* Waiting: poll until something is readable, then try to take the signals. Taking happens under one lock, so that a
 * wait for all objects is seen by the other waits of the process to take all or none. */
#include "api/win32/handle.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <time.h>

#include <ponto.h>

static pthread_mutex_t taking = PTHREAD_MUTEX_INITIALIZER;

static bool take(struct handle_object *object)
{
	struct pollfd poll_fd = {.events = POLLIN};

	if (object->type->take)
		return object->type->take(object);
	poll_fd.fd = object->type->fd(object);
	return poll(&poll_fd, 1, 0) == 1;
}

static bool take_any(struct handle_object *const *objects, DWORD count, DWORD *which)
{
	bool taken = false;

	pthread_mutex_lock(&taking);
	for (DWORD i = 0; i < count && !taken; i++) {
		taken = take(objects[i]);
		*which = i;
	}
	pthread_mutex_unlock(&taking);
	return taken;
}

/* False: *which is one that is not signalled. */
static bool take_all(struct handle_object *const *objects, DWORD count, DWORD *which)
{
	DWORD i;

	pthread_mutex_lock(&taking);
	for (i = 0; i < count && take(objects[i]); i++)
		;
	*which = i;
	for (DWORD j = i; i < count && j > 0; j--)
		if (objects[j - 1]->type->give_back)
			objects[j - 1]->type->give_back(objects[j - 1]);
	pthread_mutex_unlock(&taking);
	return i == count;
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Polls until end (nanoseconds; negative: no end). Returns what poll does; a signal of the host's kind is 1: look
 * again. */
static int poll_until(struct pollfd *fds, DWORD count, int64_t end)
{
	struct timespec left, *limit = NULL;
	int ready;

	if (end >= 0) {
		int64_t rest = end - now_ns();

		if (rest < 0)
			rest = 0;
		left = (struct timespec){.tv_sec = rest / 1000000000, .tv_nsec = rest % 1000000000};
		limit = &left;
	}
	ready = ppoll(fds, count, limit, NULL);
	return ready < 0 && errno == EINTR ? 1 : ready;
}

DWORD handle_wait(struct handle_object *const *objects, DWORD count, bool all, DWORD milliseconds)
{
	int64_t end = milliseconds == INFINITE ? -1 : now_ns() + milliseconds * INT64_C(1000000);
	struct pollfd fds[MAXIMUM_WAIT_OBJECTS];
	DWORD which = 0;
	int ready = 1;

	for (DWORD i = 0; i < count; i++)
		fds[i] = (struct pollfd){.fd = objects[i]->type->fd(objects[i]), .events = POLLIN};
	while (all ? !take_all(objects, count, &which) : !take_any(objects, count, &which)) {
		if (milliseconds == 0 || ready == 0)
			return WAIT_TIMEOUT;
		/* For all: the one that is missing, for the others would wake us in vain. */
		ready = all ? poll_until(&fds[which], 1, end) : poll_until(fds, count, end);
		if (ready < 0) {
			SetLastError(ERROR_NO_SYSTEM_RESOURCES);
			return WAIT_FAILED;
		}
	}
	return WAIT_OBJECT_0 + (all ? 0 : which);
}

/* The object of a handle that can be waited for, or NULL. */
static struct handle_object *get_waitable(HANDLE handle)
{
	struct handle_object *object = handle_get(handle, NULL);

	if (object && !object->type->fd) {
		handle_put(object);
		SetLastError(ERROR_INVALID_HANDLE);
		return NULL;
	}
	return object;
}

DWORD WINAPI WaitForSingleObject(HANDLE handle, DWORD milliseconds)
{
	struct handle_object *object = get_waitable(handle);
	DWORD result;

	if (!object)
		return WAIT_FAILED;
	result = handle_wait(&object, 1, false, milliseconds);
	handle_put(object);
	return result;
}

DWORD WINAPI WaitForSingleObjectEx(HANDLE handle, DWORD milliseconds, BOOL alertable)
{
	(void)alertable;
	return WaitForSingleObject(handle, milliseconds);
}

static bool twice(const HANDLE *handles, DWORD count)
{
	for (DWORD i = 0; i < count; i++)
		for (DWORD j = 0; j < i; j++)
			if (handles[i] == handles[j])
				return true;
	return false;
}

DWORD WINAPI WaitForMultipleObjects(DWORD count, const HANDLE *handles, BOOL wait_all, DWORD milliseconds)
{
	struct handle_object *objects[MAXIMUM_WAIT_OBJECTS];
	DWORD result = WAIT_FAILED;
	DWORD held = 0;

	if (!handles || count == 0 || count > MAXIMUM_WAIT_OBJECTS || (wait_all && twice(handles, count))) {
		SetLastError(ERROR_INVALID_PARAMETER);
		return WAIT_FAILED;
	}
	while (held < count && (objects[held] = get_waitable(handles[held])))
		held++;
	if (held == count)
		result = handle_wait(objects, count, wait_all, milliseconds);
	while (held > 0)
		handle_put(objects[--held]);
	return result;
}

DWORD WINAPI WaitForMultipleObjectsEx(DWORD count, const HANDLE *handles, BOOL wait_all, DWORD milliseconds,
				      BOOL alertable)
{
	(void)alertable;
	return WaitForMultipleObjects(count, handles, wait_all, milliseconds);
}

int PontoHandleFd(HANDLE handle)
{
	struct handle_object *object = handle_get(handle, NULL);
	int fd = -1;

	if (!object)
		return -1;
	if (object->type->fd)
		fd = object->type->fd(object);
	else
		SetLastError(ERROR_NOT_SUPPORTED);
	handle_put(object);
	return fd;
}
