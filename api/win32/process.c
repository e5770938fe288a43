/* Processes: a pidfd each, readable when the process has ended. A child is reaped by its object. */
#include "api/win32/process.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/win32/work.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

struct process {
	struct handle_object object;
	struct process *next; /* children, so that OpenProcess finds the one object that may reap */
	pid_t pid;
	int fd;
	pthread_mutex_t lock;
	bool child, reaped, terminated;
	DWORD code; /* of one that is reaped or terminated here */
};

static struct {
	pthread_mutex_t lock;
	struct process *first;
} children = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool has_ended(const struct process *process)
{
	struct pollfd poll_fd = {.fd = process->fd, .events = POLLIN};

	return poll(&poll_fd, 1, 0) == 1;
}

/* Under the object's lock. False: it runs, or is nobody's of ours. */
static bool reap(struct process *process, int options)
{
	siginfo_t info = {0};

	if (process->reaped || !process->child)
		return process->reaped;
	while (waitid((idtype_t)P_PIDFD, (id_t)process->fd, &info, WEXITED | options) != 0)
		if (errno != EINTR)
			return false;
	if (info.si_pid == 0)
		return false;
	process->reaped = true;
	if (!process->terminated)
		process->code = info.si_code == CLD_EXITED ? (DWORD)info.si_status : 128 + (DWORD)info.si_status;
	return true;
}

static void release(struct process *process)
{
	close(process->fd);
	pthread_mutex_destroy(&process->lock);
	free(process);
}

static void wait_and_release(void *context)
{
	struct process *process = context;

	reap(process, 0);
	release(process);
}

static void forget(struct process *process)
{
	pthread_mutex_lock(&children.lock);
	for (struct process **at = &children.first; *at; at = &(*at)->next)
		if (*at == process) {
			*at = process->next;
			break;
		}
	pthread_mutex_unlock(&children.lock);
}

/* A child that runs on without a handle is waited for by a thread, so that it leaves no zombie. */
static void process_destroy(struct handle_object *object)
{
	struct process *process = (struct process *)object;

	if (process->child)
		forget(process);
	if (!process->child || reap(process, WNOHANG) || !work_run(wait_and_release, process))
		release(process);
}

static int process_fd(struct handle_object *object)
{
	return ((struct process *)object)->fd;
}

static const struct handle_type process_type = {.name = "process", .destroy = process_destroy, .fd = process_fd};

static struct process *make(pid_t pid)
{
	struct process *process = calloc(1, sizeof(*process));

	if (!process) {
		SetLastError(ERROR_NOT_ENOUGH_MEMORY);
		return NULL;
	}
	process->pid = pid;
	process->fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (process->fd < 0) {
		SetLastError(errno == ESRCH || errno == EINVAL ? ERROR_INVALID_PARAMETER : ERROR_NO_SYSTEM_RESOURCES);
		free(process);
		return NULL;
	}
	handle_init(&process->object, &process_type);
	pthread_mutex_init(&process->lock, NULL);
	return process;
}

struct handle_object *process_adopt(pid_t pid)
{
	struct process *process = make(pid);

	if (!process)
		return NULL;
	process->child = true;
	pthread_mutex_lock(&children.lock);
	process->next = children.first;
	children.first = process;
	pthread_mutex_unlock(&children.lock);
	return &process->object;
}

/* A child's object with one reference more, unless its last one is being dropped. */
static struct handle_object *find_child(pid_t pid)
{
	struct handle_object *found = NULL;

	pthread_mutex_lock(&children.lock);
	for (struct process *at = children.first; at && !found; at = at->next)
		if (at->pid == pid && handle_try_hold(&at->object))
			found = &at->object;
	pthread_mutex_unlock(&children.lock);
	return found;
}

HANDLE WINAPI OpenProcess(DWORD access, BOOL inherit, DWORD id)
{
	struct handle_object *object = NULL;
	struct process *process;
	HANDLE handle;

	(void)access;
	(void)inherit;
	if (id == 0 || id > INT32_MAX) {
		SetLastError(ERROR_INVALID_PARAMETER);
		return NULL;
	}
	object = find_child((pid_t)id);
	if (!object && (process = make((pid_t)id)))
		object = &process->object;
	if (!object)
		return NULL;
	if (handle_open(object, &handle))
		return handle;
	handle_put(object);
	return NULL;
}

BOOL WINAPI GetExitCodeProcess(HANDLE handle, LPDWORD code)
{
	struct process *process;
	BOOL known = TRUE;

	if (!code) {
		SetLastError(ERROR_INVALID_PARAMETER);
		return FALSE;
	}
	if (handle == GetCurrentProcess()) {
		*code = STILL_ACTIVE;
		return TRUE;
	}
	process = (struct process *)handle_get(handle, &process_type);
	if (!process)
		return FALSE;
	pthread_mutex_lock(&process->lock);
	if (reap(process, WNOHANG) || (process->terminated && has_ended(process)))
		*code = process->code;
	else if (!has_ended(process))
		*code = STILL_ACTIVE;
	else
		known = FALSE;
	pthread_mutex_unlock(&process->lock);
	handle_put(&process->object);
	if (!known)
		SetLastError(ERROR_ACCESS_DENIED);
	return known;
}

BOOL WINAPI TerminateProcess(HANDLE handle, UINT code)
{
	struct process *process;
	BOOL sent;

	if (handle == GetCurrentProcess())
		_exit((int)code);
	process = (struct process *)handle_get(handle, &process_type);
	if (!process)
		return FALSE;
	pthread_mutex_lock(&process->lock);
	sent = !has_ended(process) && syscall(SYS_pidfd_send_signal, process->fd, SIGKILL, NULL, 0) == 0;
	if (sent && !process->terminated) {
		process->terminated = true;
		process->code = code;
	}
	pthread_mutex_unlock(&process->lock);
	handle_put(&process->object);
	/* Also for one that has ended. */
	if (!sent)
		SetLastError(ERROR_ACCESS_DENIED);
	return sent;
}

void WINAPI ExitProcess(UINT code)
{
	exit((int)code);
}

DWORD WINAPI GetCurrentProcessId(void)
{
	return (DWORD)getpid();
}

DWORD WINAPI GetProcessId(HANDLE handle)
{
	struct process *process;
	DWORD id;

	if (handle == GetCurrentProcess())
		return GetCurrentProcessId();
	process = (struct process *)handle_get(handle, &process_type);
	id = process ? (DWORD)process->pid : 0;
	handle_put(process ? &process->object : NULL);
	return id;
}

HANDLE WINAPI GetCurrentProcess(void)
{
	return (HANDLE)(LONG_PTR)-1;
}
