/* The preloaded library of full_disk.h: stands before the C library's file calls. */
#include "tests/support/full_disk.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define REAL(name) ((__typeof__(&(name)))real_function(#name))

static const char *folder, *kind;
static uint64_t first, last; /* refused calls; none: first is 0 */
static uint64_t calls;
static int mark = -1;

static void *real_function(const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);

	if (!function)
		abort();
	return function;
}

static uint64_t number(const char *variable)
{
	const char *text = getenv(variable);

	return text ? strtoull(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv(FULL_DISK_ENV_MARK);

	folder = getenv(FULL_DISK_ENV_FOLDER);
	kind = getenv(FULL_DISK_ENV_KIND);
	if (!path || !folder || !kind)
		return;
	mark = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	first = number(FULL_DISK_ENV_FIRST);
	last = number(FULL_DISK_ENV_COUNT) ? first + number(FULL_DISK_ENV_COUNT) - 1 : UINT64_MAX;
}

static bool is_ours(const char *path)
{
	size_t len = first ? strlen(folder) : 0;

	return first && strncmp(path, folder, len) == 0 && path[len] == '/' && strstr(path + len, kind);
}

/* Counts a call; its number when it is to fail, else 0. */
static uint64_t refused(const char *path)
{
	uint64_t call = is_ours(path) ? __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) : 0;

	if (call == 0 || call < first || call > last)
		return 0;
	if (REAL(write)(mark, "x", 1) != 1)
		abort();
	errno = ENOSPC;
	return call;
}

static uint64_t refused_fd(int fd)
{
	char link[64], path[4096];
	ssize_t len;

	if (!first)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	if (len < 0)
		return 0;
	path[len] = '\0';
	return refused(path);
}

/* ---- names ---------------------------------------------------------------------- */

static mode_t mode_of(int flags, va_list args)
{
	return flags & O_CREAT ? va_arg(args, mode_t) : 0;
}

static int open_unless_full(const char *path, int flags, mode_t mode)
{
	if (flags & O_CREAT && access(path, F_OK) != 0 && refused(path))
		return -1;
	return REAL(open)(path, flags, mode);
}

EXPORT int open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	return open_unless_full(path, flags, mode);
}

EXPORT int open64(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	return open_unless_full(path, flags | O_LARGEFILE, mode);
}

EXPORT int rename(const char *from, const char *to)
{
	return refused(from) ? -1 : REAL(rename)(from, to);
}

/* ---- data ------------------------------------------------------------------------- */

EXPORT ssize_t write(int fd, const void *data, size_t len)
{
	uint64_t call = refused_fd(fd);

	if (call && (call != first || len < 2))
		return -1;
	return REAL(write)(fd, data, call ? len / 2 : len);
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
	uint64_t call = refused_fd(fd);

	if (call && (call != first || len < 2))
		return -1;
	return REAL(pwrite)(fd, data, call ? len / 2 : len, offset);
}

EXPORT ssize_t pwrite64(int fd, const void *data, size_t len, off64_t offset)
{
	return pwrite(fd, data, len, offset);
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int count)
{
	return refused_fd(fd) ? -1 : REAL(writev)(fd, parts, count);
}

EXPORT int fallocate(int fd, int mode, off_t offset, off_t len)
{
	return refused_fd(fd) ? -1 : REAL(fallocate)(fd, mode, offset, len);
}

EXPORT int fallocate64(int fd, int mode, off64_t offset, off64_t len)
{
	return fallocate(fd, mode, offset, len);
}

EXPORT int ftruncate(int fd, off_t len)
{
	return refused_fd(fd) ? -1 : REAL(ftruncate)(fd, len);
}

EXPORT int ftruncate64(int fd, off64_t len)
{
	return ftruncate(fd, len);
}

EXPORT int fsync(int fd)
{
	return refused_fd(fd) ? -1 : REAL(fsync)(fd);
}

EXPORT int fdatasync(int fd)
{
	return refused_fd(fd) ? -1 : REAL(fdatasync)(fd);
}

EXPORT int sync_file_range(int fd, off64_t offset, off64_t len, unsigned flags)
{
	/* Without flags it asks only whether the kernel knows the call. */
	return flags && refused_fd(fd) ? -1 : REAL(sync_file_range)(fd, offset, len, flags);
}
