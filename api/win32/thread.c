/* Threads: the object is signalled when the thread has ended. */
#include "api/win32/handle.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <process.h>

struct thread {
	struct handle_object object;
	struct handle_object *ended;
	LPTHREAD_START_ROUTINE start;
	unsigned int (*start_c)(void *);
	LPVOID parameter;
	DWORD code;
	DWORD id;
	struct handle_object *started;
};

static _Thread_local struct thread *current;

static void thread_destroy(struct handle_object *object)
{
	struct thread *thread = (struct thread *)object;

	handle_put(thread->ended);
	handle_put(thread->started);
	free(thread);
}

static int thread_fd(struct handle_object *object)
{
	struct handle_object *ended = ((struct thread *)object)->ended;

	return ended->type->fd(ended);
}

static bool thread_take(struct handle_object *object)
{
	struct handle_object *ended = ((struct thread *)object)->ended;

	return ended->type->take(ended);
}

static const struct handle_type thread_type = {
	.name = "thread", .destroy = thread_destroy, .fd = thread_fd, .take = thread_take};

static void finish(void *unused)
{
	(void)unused;
	event_set(current->ended);
	handle_put(&current->object);
	current = NULL;
}

static void *run(void *argument)
{
	DWORD code;

	current = argument;
	current->id = GetCurrentThreadId();
	event_set(current->started);
	pthread_cleanup_push(finish, NULL);
	code = current->start ? current->start(current->parameter) : current->start_c(current->parameter);
	__atomic_store_n(&current->code, code, __ATOMIC_RELEASE);
	pthread_cleanup_pop(1);
	return NULL;
}

static bool launch(struct thread *thread, SIZE_T stack)
{
	pthread_attr_t attributes;
	pthread_t id;
	int error;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	/* Windows counts what is committed at first, which may be less than a thread can live with. */
	if (stack > 1u << 20)
		pthread_attr_setstacksize(&attributes, stack);
	handle_hold(&thread->object);
	error = pthread_create(&id, &attributes, run, thread);
	pthread_attr_destroy(&attributes);
	if (error)
		handle_put(&thread->object);
	return error == 0;
}

/* Into the table, which holds a reference of its own. */
static bool enter(struct thread *thread, HANDLE *out)
{
	if (handle_open(handle_hold(&thread->object), out))
		return true;
	handle_put(&thread->object);
	return false;
}

/* thread_id is known once the thread runs, so its start is awaited. */
static HANDLE begin(struct thread prepared, SIZE_T stack, DWORD flags, DWORD *thread_id)
{
	struct thread *thread;
	HANDLE handle;

	if ((flags & CREATE_SUSPENDED) || (!prepared.start && !prepared.start_c)) {
		SetLastError((flags & CREATE_SUSPENDED) ? ERROR_NOT_SUPPORTED : ERROR_INVALID_PARAMETER);
		return NULL;
	}
	thread = malloc(sizeof(*thread));
	if (!thread) {
		SetLastError(ERROR_NOT_ENOUGH_MEMORY);
		return NULL;
	}
	*thread = prepared;
	handle_init(&thread->object, &thread_type);
	if (!(thread->ended = event_create(true, false)) || !(thread->started = event_create(true, false)) ||
	    !enter(thread, &handle)) {
		handle_put(&thread->object);
		return NULL;
	}
	if (!launch(thread, stack)) {
		handle_close(handle, &thread_type);
		handle_put(&thread->object);
		SetLastError(ERROR_NO_SYSTEM_RESOURCES);
		return NULL;
	}
	handle_wait(&thread->started, 1, false, INFINITE);
	if (thread_id)
		*thread_id = thread->id;
	handle_put(&thread->object);
	return handle;
}

HANDLE WINAPI CreateThread(LPSECURITY_ATTRIBUTES attributes, SIZE_T stack, LPTHREAD_START_ROUTINE start,
			   LPVOID parameter, DWORD flags, LPDWORD id)
{
	(void)attributes;
	return begin((struct thread){.start = start, .parameter = parameter, .code = STILL_ACTIVE}, stack, flags, id);
}

uintptr_t _beginthreadex(void *security, unsigned int stack, unsigned int (*start)(void *), void *argument,
			 unsigned int flags, unsigned int *id)
{
	HANDLE handle;

	(void)security;
	handle =
		begin((struct thread){.start_c = start, .parameter = argument, .code = STILL_ACTIVE}, stack, flags, id);
	if (!handle)
		errno = GetLastError() == ERROR_INVALID_PARAMETER ? EINVAL : EAGAIN;
	return (uintptr_t)handle;
}

void WINAPI ExitThread(DWORD code)
{
	if (current)
		__atomic_store_n(&current->code, code, __ATOMIC_RELEASE);
	pthread_exit(NULL);
}

void _endthreadex(unsigned int code)
{
	ExitThread(code);
}

BOOL WINAPI GetExitCodeThread(HANDLE handle, LPDWORD code)
{
	struct thread *thread = code ? (struct thread *)handle_get(handle, &thread_type) : NULL;

	if (!thread) {
		if (!code)
			SetLastError(ERROR_INVALID_PARAMETER);
		return FALSE;
	}
	*code = __atomic_load_n(&thread->code, __ATOMIC_ACQUIRE);
	handle_put(&thread->object);
	return TRUE;
}

DWORD WINAPI GetCurrentThreadId(void)
{
	return (DWORD)syscall(SYS_gettid);
}

int _getpid(void)
{
	return getpid();
}
