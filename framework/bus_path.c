/* Endpoints, and the directory, lock file and sockets behind an ipc one. */
#include "framework/bus_private.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define IPC "ipc://"
#define TCP "tcp://"
#define EVENTS "-events"
#define LOCK ".lock"
#define SYSTEM_ENDPOINT IPC "/run/ponto/bus/socket"
#define SUN_SIZE sizeof(((struct sockaddr_un *)0)->sun_path)

const char *bus_endpoint_path(const char *endpoint)
{
	return strncmp(endpoint, IPC, strlen(IPC)) == 0 ? endpoint + strlen(IPC) : NULL;
}

int ponto_bus_endpoint(const char *text, char reason[256], char out[PONTO_ENDPOINT_SIZE])
{
	char unused[256];
	const char *path = text[0] == '/' ? text : bus_endpoint_path(text);

	if (!reason)
		reason = unused;
	if (path) {
		if (path[0] != '/') {
			snprintf(reason, 256, "%s: an ipc endpoint needs an absolute path", text);
			return PONTO_EINVAL;
		}
		if (strlen(path) + strlen(EVENTS) >= SUN_SIZE) {
			snprintf(reason, 256, "%.120s…: a socket's path has at most %zu bytes", path,
				 SUN_SIZE - strlen(EVENTS) - 1);
			return PONTO_EINVAL;
		}
		snprintf(out, PONTO_ENDPOINT_SIZE, IPC "%s", path);
		return PONTO_OK;
	}
	if (strncmp(text, TCP, strlen(TCP)) != 0 || !strrchr(text + strlen(TCP), ':') ||
	    strlen(text) >= PONTO_ENDPOINT_SIZE) {
		snprintf(reason, 256, "%.160s: an endpoint is ipc:///path, /path or tcp://address:port", text);
		return PONTO_EINVAL;
	}
	snprintf(out, PONTO_ENDPOINT_SIZE, "%s", text);
	return PONTO_OK;
}

int bus_endpoint_events(const char *endpoint, char out[BUS_EVENTS_SIZE])
{
	const char *colon = strrchr(endpoint, ':');
	char *end;
	long port;

	if (bus_endpoint_path(endpoint)) {
		snprintf(out, BUS_EVENTS_SIZE, "%s" EVENTS, endpoint);
		return PONTO_OK;
	}
	if (!colon)
		return PONTO_EINVAL;
	port = strtol(colon + 1, &end, 10);
	if (end == colon + 1 || *end || port < 1 || port > 65534)
		return PONTO_EINVAL;
	snprintf(out, BUS_EVENTS_SIZE, "%.*s:%ld", (int)(colon - endpoint), endpoint, port + 1);
	return PONTO_OK;
}

/* Where a daemon of this user binds. */
static void own_endpoint(char out[PONTO_ENDPOINT_SIZE])
{
	const char *service = getenv("RUNTIME_DIRECTORY"); /* systemd.exec(5) */
	const char *run = getenv("XDG_RUNTIME_DIR");
	uid_t uid = geteuid();

	if (service && service[0] == '/' && strlen(service) < 72 && !strchr(service, ':'))
		snprintf(out, PONTO_ENDPOINT_SIZE, IPC "%s/bus/socket", service);
	else if (uid == 0)
		snprintf(out, PONTO_ENDPOINT_SIZE, SYSTEM_ENDPOINT);
	else if (run && run[0] == '/' && strlen(run) < 80)
		snprintf(out, PONTO_ENDPOINT_SIZE, IPC "%s/ponto/bus", run);
	else
		snprintf(out, PONTO_ENDPOINT_SIZE, IPC "/tmp/ponto-%u/bus", (unsigned)uid);
}

/* Whoever may write in /tmp could wait there for our calls. */
static bool ours(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && (st.st_uid == geteuid() || st.st_uid == 0);
}

const char *ponto_bus_own_endpoint(char out[PONTO_ENDPOINT_SIZE])
{
	own_endpoint(out);
	return out;
}

const char *ponto_bus_default_endpoint(char out[PONTO_ENDPOINT_SIZE])
{
	const char *given = getenv("PONTO_ENDPOINT");

	if (given && given[0] && ponto_bus_endpoint(given, NULL, out) == PONTO_OK)
		return out;
	own_endpoint(out);
	if (!ours(bus_endpoint_path(out)) && access(bus_endpoint_path(SYSTEM_ENDPOINT), F_OK) == 0)
		snprintf(out, PONTO_ENDPOINT_SIZE, SYSTEM_ENDPOINT);
	return out;
}

/* ---- the directory ------------------------------------------------------------ */

/* The directory's parent, if only that one is missing, is public: /run/ponto holds the resolve socket too. */
static void make_parent(const char *dir)
{
	char copy[PONTO_ENDPOINT_SIZE];
	char *parent;

	snprintf(copy, sizeof(copy), "%s", dir);
	parent = dirname(copy);
	if (mkdir(parent, 0755) == 0)
		(void)chmod(parent, 0755); /* whatever the umask */
}

static int make_directory(const char *dir, const struct bus_access *access, char reason[256])
{
	make_parent(dir);
	if (mkdir(dir, 0700) != 0) {
		if (errno == EEXIST)
			return PONTO_OK;
		snprintf(reason, 256, "%.160s: cannot make the directory: %s", dir, strerror(errno));
		return errno == EACCES || errno == EPERM || errno == EROFS ? PONTO_EACCES : PONTO_EIO;
	}
	if (!access->group_set)
		return PONTO_OK;
	if (chown(dir, (uid_t)-1, access->group) != 0 || chmod(dir, 0750) != 0) {
		snprintf(reason, 256, "%.160s: cannot give the directory to the group: %s", dir, strerror(errno));
		(void)rmdir(dir);
		return PONTO_EACCES;
	}
	return PONTO_OK;
}

/* Nobody else may put a socket there or, without a group, reach it. */
static int check_directory(const char *dir, const struct bus_access *access, char reason[256])
{
	struct stat st;

	if (lstat(dir, &st) != 0) {
		snprintf(reason, 256, "%.160s: %s", dir, strerror(errno));
		return PONTO_EACCES;
	}
	if (!S_ISDIR(st.st_mode)) {
		snprintf(reason, 256, "%.160s is not a directory", dir);
		return PONTO_EINVAL;
	}
	if (st.st_uid != access->own_uid && st.st_uid != 0) {
		snprintf(reason, 256, "%.160s belongs to user %u", dir, (unsigned)st.st_uid);
		return PONTO_EINVAL;
	}
	if (st.st_mode & 0007 || st.st_mode & 0020) {
		snprintf(reason, 256, "%.160s is open to others (mode %03o): it must be 0700, or 0750 with a group", dir,
			 (unsigned)(st.st_mode & 0777));
		return PONTO_EINVAL;
	}
	if (st.st_mode & 0050 && (!access->group_set || st.st_gid != access->group)) {
		snprintf(reason, 256, "%.160s is open to group %u, which is not the one configured", dir,
			 (unsigned)st.st_gid);
		return PONTO_EINVAL;
	}
	if (access->group_set && (st.st_mode & 0010) == 0) {
		snprintf(reason, 256, "%.160s is closed to the configured group (mode %03o)", dir,
			 (unsigned)(st.st_mode & 0777));
		return PONTO_EINVAL;
	}
	return PONTO_OK;
}

static int remove_stale(const char *path, char reason[256])
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return PONTO_OK;
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(reason, 256, "%.160s exists and is not a socket", path);
		return PONTO_EINVAL;
	}
	if (unlink(path) != 0) {
		snprintf(reason, 256, "%.160s: cannot remove the old socket: %s", path, strerror(errno));
		return PONTO_EACCES;
	}
	return PONTO_OK;
}

static int take_lock(const char *path, char reason[256], int *out)
{
	char name[SUN_SIZE + 16];
	int fd;

	snprintf(name, sizeof(name), "%s" LOCK, path);
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		snprintf(reason, 256, "%.160s: %s", name, strerror(errno));
		return PONTO_EACCES;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		snprintf(reason, 256, "another daemon holds %.160s", path);
		close(fd);
		return PONTO_ELOCKED;
	}
	*out = fd;
	return PONTO_OK;
}

int bus_path_claim(const char *path, const struct bus_access *access, char reason[256], int *lock)
{
	char copy[PONTO_ENDPOINT_SIZE], events[SUN_SIZE + 16];
	char *dir;
	int fd = -1;
	int result;

	snprintf(copy, sizeof(copy), "%s", path);
	dir = dirname(copy);
	result = make_directory(dir, access, reason);
	if (result == PONTO_OK)
		result = check_directory(dir, access, reason);
	if (result == PONTO_OK)
		result = take_lock(path, reason, &fd);
	if (result)
		return result;
	snprintf(events, sizeof(events), "%s" EVENTS, path);
	result = remove_stale(path, reason);
	if (result == PONTO_OK)
		result = remove_stale(events, reason);
	if (result) {
		close(fd);
		return result;
	}
	*lock = fd;
	return PONTO_OK;
}

int bus_path_open(const char *path, const struct bus_access *access, char reason[256])
{
	char events[SUN_SIZE + 16];
	const char *const names[] = {path, events};

	snprintf(events, sizeof(events), "%s" EVENTS, path);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(names); i++) {
		if ((access->group_set && chown(names[i], (uid_t)-1, access->group) != 0) ||
		    chmod(names[i], access->group_set ? 0660 : 0600) != 0) {
			snprintf(reason, 256, "%.160s: cannot set its mode: %s", names[i], strerror(errno));
			return PONTO_EACCES;
		}
	}
	return PONTO_OK;
}

void bus_path_remove(const char *path)
{
	char events[SUN_SIZE + 16];

	snprintf(events, sizeof(events), "%s" EVENTS, path);
	(void)unlink(path);
	(void)unlink(events);
}
