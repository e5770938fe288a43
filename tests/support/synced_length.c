/* The preloaded half of synced_length.h: stands before the C library's file calls. */
#include "tests/support/synced_length.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define REAL(name) ((__typeof__(&(name)))real_function(#name))

static struct synced_table *table;
static const char *folder;
static uint64_t folder_inode;
static uint64_t moments;   /* passed */
static uint64_t killed_at; /* 0: never */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *real_function(const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);

	if (!function)
		abort();
	return function;
}

/* The power may fail here. */
static void moment(void)
{
	if (__atomic_add_fetch(&moments, 1, __ATOMIC_RELAXED) == killed_at)
		kill(getpid(), SIGKILL);
}

/* The name of a path directly in the folder; NULL for others. */
static const char *inside(const char *path)
{
	size_t len = folder ? strlen(folder) : 0;

	if (!table || strncmp(path, folder, len) != 0 || path[len] != '/')
		return NULL;
	path += len;
	while (*path == '/')
		path++;
	return *path && !strchr(path, '/') ? path : NULL;
}

static struct synced_file *find(uint64_t inode)
{
	for (size_t i = 0; i < SYNCED_FILES; i++) {
		if (table->files[i].inode == inode)
			return &table->files[i];
	}
	return NULL;
}

static void add(uint64_t inode, int64_t length, bool named)
{
	struct synced_file *file = find(inode);

	if (!file)
		file = find(0);
	if (!file) {
		table->overflows++;
		return;
	}
	/* The inode last: killed in between, the file counts as unknown and so as lost. */
	file->inode = 0;
	file->length = length;
	file->named = named;
	__atomic_store_n(&file->inode, inode, __ATOMIC_RELEASE);
}

static struct synced_file *of(int fd, struct stat *st)
{
	if (!table || fstat(fd, st) != 0 || !S_ISREG(st->st_mode))
		return NULL;
	return find(st->st_ino);
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv(SYNCED_ENV_TABLE), *at = getenv(SYNCED_ENV_MOMENT);
	struct dirent *entry;
	struct synced_table *made;
	struct stat st;
	DIR *dir;
	int fd;

	folder = getenv(SYNCED_ENV_FOLDER);
	if (!path || !folder || stat(folder, &st) != 0)
		return;
	folder_inode = st.st_ino;
	killed_at = at ? strtoull(at, NULL, 10) : 0;
	moment();
	fd = REAL(open)(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	moment();
	if (fd < 0 || REAL(ftruncate)(fd, sizeof(*made)) != 0)
		abort();
	made = mmap(NULL, sizeof(*made), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	dir = opendir(folder);
	if (made == MAP_FAILED || !dir)
		abort();
	table = made;
	/* What is there already survived an earlier power failure. */
	while ((entry = readdir(dir))) {
		if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
			add(st.st_ino, st.st_size, true);
		moment();
	}
	closedir(dir);
	__atomic_store_n(&table->begun, true, __ATOMIC_RELEASE);
}

/* ---- names ---------------------------------------------------------------------- */

static int open_noting(const char *path, int flags, mode_t mode)
{
	struct stat st;
	bool mine = inside(path) != NULL, existed = mine && stat(path, &st) == 0;
	int fd;

	if (!mine)
		return REAL(open)(path, flags, mode);
	pthread_mutex_lock(&lock);
	moment();
	fd = REAL(open)(path, flags, mode);
	moment();
	if (fd >= 0 && !existed && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		add(st.st_ino, 0, false);
	if (fd >= 0 && existed && flags & O_TRUNC && find(st.st_ino))
		find(st.st_ino)->length = 0;
	pthread_mutex_unlock(&lock);
	return fd;
}

static mode_t mode_of(int flags, va_list args)
{
	return flags & O_CREAT ? va_arg(args, mode_t) : 0;
}

EXPORT int open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	return open_noting(path, flags, mode);
}

EXPORT int open64(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	return open_noting(path, flags | O_LARGEFILE, mode);
}

EXPORT int rename(const char *from, const char *to)
{
	const char *from_name = inside(from), *to_name = inside(to);
	struct synced_rename *r;
	char saved[4096];
	int result;

	if (!from_name || !to_name)
		return REAL(rename)(from, to);
	pthread_mutex_lock(&lock);
	if (table->rename_count == SYNCED_RENAMES) {
		table->overflows++;
		pthread_mutex_unlock(&lock);
		return REAL(rename)(from, to);
	}
	moment();
	r = &table->renames[table->rename_count];
	snprintf(r->from, sizeof(r->from), "%s", from_name);
	snprintf(r->to, sizeof(r->to), "%s", to_name);
	snprintf(r->saved, sizeof(r->saved), ".synced-%u", table->rename_count);
	snprintf(saved, sizeof(saved), "%s/%s", folder, r->saved);
	if (link(to, saved) != 0)
		r->saved[0] = '\0';
	moment();
	r->open = true;
	table->rename_count++;
	moment();
	result = REAL(rename)(from, to);
	moment();
	if (result != 0)
		r->open = false;
	pthread_mutex_unlock(&lock);
	return result;
}

EXPORT int unlink(const char *path)
{
	struct synced_file *file;
	struct stat st;
	int result;

	if (!inside(path))
		return REAL(unlink)(path);
	pthread_mutex_lock(&lock);
	moment();
	file = stat(path, &st) == 0 && st.st_nlink == 1 ? find(st.st_ino) : NULL;
	result = REAL(unlink)(path);
	moment();
	if (result == 0 && file)
		file->inode = 0;
	pthread_mutex_unlock(&lock);
	return result;
}

/* ---- data ------------------------------------------------------------------------- */

/* Notes a write at offset (-1: where the descriptor stands). */
static void note_write(int fd, off_t offset)
{
	struct stat st;
	struct synced_file *file = of(fd, &st);

	moment();
	if (!file)
		return;
	if (offset < 0)
		offset = fcntl(fd, F_GETFL) & O_APPEND ? st.st_size : lseek(fd, 0, SEEK_CUR);
	if (offset < file->length)
		__atomic_fetch_add(&table->overwrites, 1, __ATOMIC_RELAXED);
}

EXPORT ssize_t write(int fd, const void *data, size_t len)
{
	note_write(fd, -1);
	return REAL(write)(fd, data, len);
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int count)
{
	note_write(fd, -1);
	return REAL(writev)(fd, parts, count);
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
	note_write(fd, offset);
	return REAL(pwrite)(fd, data, len, offset);
}

EXPORT ssize_t pwrite64(int fd, const void *data, size_t len, off64_t offset)
{
	note_write(fd, offset);
	return REAL(pwrite64)(fd, data, len, offset);
}

EXPORT int ftruncate(int fd, off_t len)
{
	struct stat st;
	struct synced_file *file;
	int result;

	pthread_mutex_lock(&lock);
	moment();
	file = of(fd, &st);
	result = REAL(ftruncate)(fd, len);
	moment();
	if (result == 0 && file && len < file->length)
		file->length = len;
	pthread_mutex_unlock(&lock);
	return result;
}

/* The folder's names are safe now: those made, and those renamed. */
static void sync_names(void)
{
	char saved[4096];

	/* In this order: killed in between, a renamed file is lost only while its predecessor is there. */
	for (size_t i = 0; i < SYNCED_FILES; i++)
		table->files[i].named = true;
	for (uint32_t i = 0; i < table->rename_count; i++) {
		moment();
		table->renames[i].open = false;
		if (!table->renames[i].saved[0])
			continue;
		snprintf(saved, sizeof(saved), "%s/%s", folder, table->renames[i].saved);
		REAL(unlink)(saved);
	}
	table->rename_count = 0;
}

/* 1: noted; 0: not one of ours, sync it really. */
static int note_sync(int fd)
{
	struct stat st;
	struct synced_file *file;
	int noted = 1;

	if (!table)
		return 0;
	pthread_mutex_lock(&lock);
	moment();
	/* The size within the lock: of two syncs at once the one that saw less must not come last. */
	if (fstat(fd, &st) != 0)
		noted = 0;
	else if (S_ISDIR(st.st_mode) && st.st_ino == folder_inode)
		sync_names();
	else if (S_ISREG(st.st_mode) && (file = find(st.st_ino)))
		file->length = st.st_size;
	else
		noted = 0;
	if (noted)
		table->syncs++;
	moment();
	pthread_mutex_unlock(&lock);
	return noted;
}

EXPORT int fsync(int fd)
{
	return note_sync(fd) ? 0 : REAL(fsync)(fd);
}

EXPORT int fdatasync(int fd)
{
	return note_sync(fd) ? 0 : REAL(fdatasync)(fd);
}

/* Shared writable mappings would be written behind our back. */
EXPORT void *mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset)
{
	struct stat st;

	if (fd >= 0 && protection & PROT_WRITE && flags & MAP_SHARED && of(fd, &st))
		__atomic_fetch_add(&table->overflows, 1, __ATOMIC_RELAXED);
	return REAL(mmap)(address, len, protection, flags, fd, offset);
}
