/* Where the daemon lives and who it is: the state directory, its lock, the user, no capabilities. */
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/pontod/pontod.h"

#define LOCK_NAME "pontod.lock"

static int given_state(const struct ponto_conf *conf, char out[PONTOD_PATH], char reason[PONTOD_REASON])
{
	const char *given = ponto_conf_string(conf, "state");
	const char *service = getenv("STATE_DIRECTORY"); /* systemd.exec(5) */
	const char *xdg = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	int length;

	if (given[0] == '/')
		length = snprintf(out, PONTOD_PATH, "%s", given);
	else if (service && service[0] == '/' && !strchr(service, ':'))
		length = snprintf(out, PONTOD_PATH, "%s", service);
	else if (geteuid() == 0)
		length = snprintf(out, PONTOD_PATH, "/var/lib/ponto");
	else if (xdg && xdg[0] == '/')
		length = snprintf(out, PONTOD_PATH, "%s/ponto", xdg);
	else if (home && home[0] == '/')
		length = snprintf(out, PONTOD_PATH, "%s/.local/state/ponto", home);
	else
		length = 0;
	if (length == 0 || length >= PONTOD_PATH) {
		snprintf(reason, PONTOD_REASON,
			 "no place for the state: set node.state, or HOME or XDG_STATE_HOME in the environment");
		return PONTO_ECONF;
	}
	return PONTO_OK;
}

static int cannot(const char *what, const char *path, char reason[PONTOD_REASON])
{
	int error = errno;

	snprintf(reason, PONTOD_REASON, "%s %.300s: %s", what, path, strerror(error));
	return error == ENOSPC ? PONTO_ENOSPC : PONTO_EACCES;
}

static int owner_of(const struct ponto_conf *conf, uid_t *uid, gid_t *gid, char reason[PONTOD_REASON])
{
	const char *name = ponto_conf_string(conf, "user");
	struct passwd *user;

	*uid = geteuid();
	*gid = getegid();
	if (!name[0] || *uid != 0)
		return PONTO_OK;
	user = getpwnam(name);
	if (!user) {
		snprintf(reason, PONTOD_REASON, "node.user: there is no user '%.100s'", name);
		return PONTO_ECONF;
	}
	*uid = user->pw_uid;
	*gid = user->pw_gid;
	return PONTO_OK;
}

/* ---- the state directory ---------------------------------------------------------- */

/* Only what no other user can turn elsewhere is followed while the directory is made for another user. */
static bool trusted(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_uid == 0 && (!(st.st_mode & 0022) || (st.st_mode & S_ISVTX));
}

/* The directory name in the directory parent, made with mode if there is none; one that was there is opened as a mere
 * place, which needs no permission on it. -1 with errno. takes parent */
static int step(int parent, const char *name, bool give, mode_t mode, bool *made)
{
	int flags = O_DIRECTORY | O_CLOEXEC | (give && !trusted(parent) ? O_NOFOLLOW : 0);
	int fd = -1, error = 0;

	*made = mkdirat(parent, name, mode) == 0;
	if (!*made)
		error = errno;
	if (*made || error == EEXIST) {
		fd = openat(parent, name, flags | (*made ? O_RDONLY : O_PATH));
		error = errno;
	}
	close(parent);
	errno = error;
	return fd;
}

/* A parent that only may be passed through. */
static int pass(int parent, const char *name, bool give)
{
	int fd = openat(parent, name, O_PATH | O_DIRECTORY | O_CLOEXEC | (give && !trusted(parent) ? O_NOFOLLOW : 0));
	int error = errno;

	close(parent);
	errno = error;
	return fd;
}

/* Goes down path; what is missing on the way is made: 0755 by root, who makes it for whoever comes by, else private.
 * The last one is private. Gives its descriptor, or -1 with errno and the part that failed in path. */
static int descend(char *path, bool give, bool *made)
{
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char *at = path + 1;

	while (fd >= 0) {
		char *slash = strchr(at, '/');
		bool last = !slash || slash[strspn(slash, "/")] == '\0';
		struct stat st;

		*made = false;
		if (slash)
			*slash = '\0';
		if (*at == '\0')
			; /* two slashes */
		else if (last)
			fd = step(fd, at, give, 0700, made);
		else if (fstatat(fd, at, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
			fd = step(fd, at, give, 0700, made);
		else
			fd = pass(fd, at, give);
		if (fd < 0)
			return -1;
		if (!last && *at && *made && geteuid() == 0 && fchmod(fd, 0755) != 0) {
			close(fd);
			return -1;
		}
		if (slash)
			*slash = '/';
		if (last)
			return fd;
		at = slash + 1;
	}
	return -1;
}

/* Nothing in it may be anybody else's to read or change. */
static int check_directory(int fd, const char *dir, uid_t uid, char reason[PONTOD_REASON])
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return cannot("cannot read the state directory", dir, reason);
	if (st.st_uid != uid) {
		snprintf(reason, PONTOD_REASON, "the state directory %.300s belongs to user %u, not to %u", dir,
			 (unsigned)st.st_uid, (unsigned)uid);
		return PONTO_EACCES;
	}
	if (st.st_mode & 0077) {
		snprintf(reason, PONTOD_REASON, "the state directory %.300s is open to others (mode %03o): it must be 0700",
			 dir, (unsigned)(st.st_mode & 0777));
		return PONTO_EACCES;
	}
	return PONTO_OK;
}

int place_state(const struct ponto_conf *conf, char dir[PONTOD_PATH], char reason[PONTOD_REASON])
{
	char path[PONTOD_PATH];
	bool made = false;
	uid_t uid;
	gid_t gid;
	int fd;
	int result = owner_of(conf, &uid, &gid, reason);

	if (result == PONTO_OK)
		result = given_state(conf, dir, reason);
	if (result)
		return result;
	strcpy(path, dir);
	fd = descend(path, uid != geteuid(), &made);
	if (fd < 0 && errno == ENOTDIR) {
		snprintf(reason, PONTOD_REASON, "the state directory %.300s is not a directory", path);
		return PONTO_EACCES;
	}
	if (fd < 0)
		return cannot("cannot make the state directory", path, reason);
	if (made && uid != geteuid() && fchownat(fd, "", uid, gid, AT_EMPTY_PATH) != 0)
		result = cannot("cannot give away", dir, reason);
	else
		result = check_directory(fd, dir, uid, reason);
	close(fd);
	return result;
}

int place_lock(const char *dir, int *lock, char reason[PONTOD_REASON])
{
	char path[PONTOD_PATH + sizeof(LOCK_NAME) + 1];
	int fd;

	snprintf(path, sizeof(path), "%s/" LOCK_NAME, dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return cannot("cannot write in the state directory", dir, reason);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		snprintf(reason, PONTOD_REASON, "another daemon uses the state directory %.300s", dir);
		close(fd);
		return PONTO_ELOCKED;
	}
	*lock = fd;
	return PONTO_OK;
}

/* ---- the user ------------------------------------------------------------------------- */

/* A directory under /run, made for that user, or taken over from root. takes parent */
static int give_directory(int parent, const char *name, mode_t mode, uid_t uid, gid_t gid)
{
	struct stat st;
	bool made;
	int fd = step(parent, name, true, mode, &made);

	if (fd >= 0 && (fstat(fd, &st) != 0 || (made && fchmod(fd, mode) != 0) ||
			(st.st_uid == 0 && fchownat(fd, "", uid, gid, AT_EMPTY_PATH) != 0))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The default places of sockets, which only root can make, for the user that the daemon becomes. What fails here is
 * told by whoever needs it. */
static void give_runtime(const struct daemon *d, uid_t uid, gid_t gid)
{
	static const char run[] = "/run/ponto/", bus[] = "ipc:///run/ponto/bus/";
	bool resolves = strncmp(d->resolve_path, run, sizeof(run) - 1) == 0;
	bool serves = strncmp(d->endpoint, bus, sizeof(bus) - 1) == 0;
	int fd;

	if (!resolves && !serves)
		return;
	fd = open("/run", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		fd = give_directory(fd, "ponto", 0755, uid, gid);
	if (fd >= 0 && serves)
		fd = give_directory(fd, "bus", 0700, uid, gid);
	if (fd >= 0)
		close(fd);
}

int place_become(const struct daemon *d, int kept, char reason[PONTOD_REASON])
{
	const struct ponto_conf *conf = daemon_node_conf(d);
	uid_t uid;
	gid_t gid;
	int result = owner_of(conf, &uid, &gid, reason);
	int error = 0;

	if (result)
		return result;
	capng_clear(CAPNG_SELECT_BOTH);
	if (geteuid() == 0 && uid == 0 && ponto_conf_string(conf, "group")[0]) /* to give the socket to the group */
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_CHOWN);
	if (kept >= 0)
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, (unsigned)kept);
	if (geteuid() == 0 && uid != 0) {
		give_runtime(d, uid, gid);
		error = capng_change_id((int)uid, (int)gid, CAPNG_INIT_SUPP_GRP | CAPNG_CLEAR_BOUNDING);
	} else if (geteuid() == 0) {
		error = capng_apply(CAPNG_SELECT_BOTH);
	} else {
		error = capng_apply(CAPNG_SELECT_CAPS);
	}
	if (error) {
		snprintf(reason, PONTOD_REASON, "cannot give up privileges: step %d of libcap-ng", error);
		return PONTO_EACCES;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		snprintf(reason, PONTOD_REASON, "cannot give up new privileges: %s", strerror(errno));
		return PONTO_EACCES;
	}
	return PONTO_OK;
}
