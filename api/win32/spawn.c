/* CreateProcessW by posix_spawn, and the command line of this process. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/crt/utf16.h"
#include "api/win32/command_line.h"
#include "api/win32/process.h"

extern char **environ;

struct launch {
	char *program;
	char *line;
	char **arguments;
	char *directory;
	char **environment;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
};

static DWORD error_of(int host_errno)
{
	switch (host_errno) {
	case ENOENT:
	case ENOTDIR:
		return ERROR_FILE_NOT_FOUND;
	case EACCES:
	case EPERM:
		return ERROR_ACCESS_DENIED;
	case ENOEXEC:
		return ERROR_BAD_EXE_FORMAT;
	case ENOMEM:
	case EAGAIN:
		return ERROR_NOT_ENOUGH_MEMORY;
	default:
		return ERROR_INVALID_PARAMETER;
	}
}

/* A block of NAME=VALUE texts that ends in an empty one. NULL: no memory. gives the array and its texts, see drop */
static char **environment_of(const WCHAR *block)
{
	size_t count = 0, i = 0;
	char **list;

	for (const WCHAR *at = block; *at; at += utf16_len(at) + 1)
		count++;
	list = calloc(count + 1, sizeof(*list));
	for (; list && i < count; i++, block += utf16_len(block) + 1)
		if (!(list[i] = utf8_dup(block)))
			break;
	if (list && i == count)
		return list;
	for (i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
	return NULL;
}

static void drop(struct launch *launch)
{
	for (size_t i = 0; launch->environment && launch->environment[i]; i++)
		free(launch->environment[i]);
	free(launch->environment);
	free(launch->directory);
	free(launch->arguments);
	free(launch->line);
	free(launch->program);
}

/* ERROR_SUCCESS or what is wrong. Whatever is set in launch is the caller's to drop. */
static DWORD prepare(struct launch *launch, LPCWSTR application, LPCWSTR command, const WCHAR *environment,
		     LPCWSTR directory)
{
	struct stat status;

	if ((application && !(launch->program = utf8_dup(application))) ||
	    !(launch->line = command ? utf8_dup(command) : strdup("")) ||
	    (directory && !(launch->directory = utf8_dup(directory))) ||
	    (environment && !(launch->environment = environment_of(environment))))
		return ERROR_NOT_ENOUGH_MEMORY;
	if (!command) {
		launch->arguments = calloc(2, sizeof(*launch->arguments));
		if (launch->arguments)
			launch->arguments[0] = launch->program;
	} else {
		launch->arguments = command_line_split(launch->line);
	}
	if (!launch->arguments)
		return ERROR_NOT_ENOUGH_MEMORY;
	if (!launch->arguments[0][0])
		return ERROR_INVALID_PARAMETER;
	if (directory && (stat(launch->directory, &status) != 0 || !S_ISDIR(status.st_mode)))
		return ERROR_DIRECTORY;
	return ERROR_SUCCESS;
}

/* The child starts with no signal blocked or ignored by what this library did, and in its own directory. */
static int spawn(struct launch *launch, pid_t *pid)
{
	sigset_t none, defaults;
	int error;

	posix_spawn_file_actions_init(&launch->actions);
	posix_spawnattr_init(&launch->attributes);
	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGINT);
	posix_spawnattr_setsigmask(&launch->attributes, &none);
	posix_spawnattr_setsigdefault(&launch->attributes, &defaults);
	posix_spawnattr_setflags(&launch->attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	error = launch->directory ? posix_spawn_file_actions_addchdir_np(&launch->actions, launch->directory) : 0;
	/* An application is a path; the first word of a command is looked for. */
	if (!error)
		error = (launch->program ? posix_spawn : posix_spawnp)(
			pid, launch->program ? launch->program : launch->arguments[0], &launch->actions,
			&launch->attributes, launch->arguments, launch->environment ? launch->environment : environ);
	posix_spawnattr_destroy(&launch->attributes);
	posix_spawn_file_actions_destroy(&launch->actions);
	return error;
}

/* Both handles are of one object. On failure the child, which nobody could wait for, is ended. */
static BOOL hand_over(pid_t pid, LPPROCESS_INFORMATION information)
{
	struct handle_object *process = process_adopt(pid);
	HANDLE first, second;

	if (!process || !handle_open(handle_hold(process), &first)) {
		kill(pid, SIGKILL);
		if (process)
			handle_put(process);
		else
			waitpid(pid, NULL, 0);
		handle_put(process);
		return FALSE;
	}
	if (!handle_open(process, &second)) {
		kill(pid, SIGKILL);
		handle_put(process);
		CloseHandle(first);
		SetLastError(ERROR_NOT_ENOUGH_MEMORY);
		return FALSE;
	}
	*information = (PROCESS_INFORMATION){first, second, (DWORD)pid, (DWORD)pid};
	return TRUE;
}

BOOL WINAPI CreateProcessW(LPCWSTR application, LPWSTR command, LPSECURITY_ATTRIBUTES process_attributes,
			   LPSECURITY_ATTRIBUTES thread_attributes, BOOL inherit, DWORD flags, LPVOID environment,
			   LPCWSTR directory, LPSTARTUPINFOW startup, LPPROCESS_INFORMATION information)
{
	struct launch launch = {0};
	DWORD error;
	pid_t pid;

	(void)process_attributes;
	(void)thread_attributes;
	(void)inherit;
	if (!startup || !information || (!application && !command) ||
	    (environment && !(flags & CREATE_UNICODE_ENVIRONMENT)))
		error = ERROR_INVALID_PARAMETER;
	else if ((flags & CREATE_SUSPENDED) || (startup->dwFlags & STARTF_USESTDHANDLES))
		error = ERROR_NOT_SUPPORTED;
	else
		error = prepare(&launch, application, command, environment, directory);
	if (error == ERROR_SUCCESS) {
		int failure = spawn(&launch, &pid);

		if (failure)
			error = error_of(failure);
	}
	drop(&launch);
	if (error) {
		SetLastError(error);
		return FALSE;
	}
	return hand_over(pid, information);
}

/* ---- this process ---- */

static WCHAR *own_line;

static void make_own_line(void)
{
	char text[65536], *arguments[4096], *line;
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
	size_t count = 0;

	if (fd >= 0)
		close(fd);
	if (len <= 0)
		return;
	text[len] = 0;
	for (char *at = text; at < text + len && count < 4095; at += strlen(at) + 1)
		arguments[count++] = at;
	arguments[count] = NULL;
	line = command_line_join(arguments);
	if (line)
		own_line = utf16_dup(line);
	free(line);
}

LPWSTR WINAPI GetCommandLineW(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	static WCHAR nothing[1];

	pthread_once(&once, make_own_line);
	return own_line ? own_line : nothing;
}
