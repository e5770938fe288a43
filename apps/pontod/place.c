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

/* mkdir -p, private. */
static int make_directories(char *path, char reason[PONTOD_REASON])
{
	for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = '\0';
		if (mkdir(path, 0700) != 0 && errno != EEXIST) {
			int result = cannot("cannot make the state directory", path, reason);

			if (slash)
				*slash = '/';
			return result;
		}
		if (!slash)
			return PONTO_OK;
		*slash = '/';
	}
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

/* Nothing in it may be anybody else's to read or change. */
static int check_directory(const char *dir, uid_t uid, char reason[PONTOD_REASON])
{
	struct stat st;

	if (stat(dir, &st) != 0)
		return cannot("cannot read the state directory", dir, reason);
	if (!S_ISDIR(st.st_mode)) {
		snprintf(reason, PONTOD_REASON, "the state directory %.300s is not a directory", dir);
		return PONTO_EACCES;
	}
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

static int take_lock(const char *dir, uid_t uid, gid_t gid, int *lock, char reason[PONTOD_REASON])
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
	if (geteuid() == 0 && fchown(fd, uid, gid) != 0) {
		close(fd);
		return cannot("cannot give away", path, reason);
	}
	*lock = fd;
	return PONTO_OK;
}

int place_state(const struct ponto_conf *conf, char dir[PONTOD_PATH], int *lock, char reason[PONTOD_REASON])
{
	uid_t uid;
	gid_t gid;
	int result = owner_of(conf, &uid, &gid, reason);
	bool fresh;

	if (result == PONTO_OK)
		result = given_state(conf, dir, reason);
	if (result)
		return result;
	fresh = access(dir, F_OK) != 0;
	result = make_directories(dir, reason);
	if (result)
		return result;
	if (fresh && uid != geteuid() && chown(dir, uid, gid) != 0)
		return cannot("cannot give away", dir, reason);
	result = check_directory(dir, uid, reason);
	return result ? result : take_lock(dir, uid, gid, lock, reason);
}

/* The runtime directory as root makes it for the user that the daemon becomes. */
static void give_runtime(uid_t uid, gid_t gid)
{
	if (mkdir("/run/ponto", 0755) == 0)
		(void)chmod("/run/ponto", 0755);
	if (mkdir("/run/ponto/bus", 0700) == 0)
		(void)!chown("/run/ponto/bus", uid, gid);
	(void)!chown("/run/ponto", uid, gid);
}

int place_become(const struct ponto_conf *conf, char reason[PONTOD_REASON])
{
	uid_t uid;
	gid_t gid;
	int result = owner_of(conf, &uid, &gid, reason);
	int error = 0;

	if (result)
		return result;
	capng_clear(CAPNG_SELECT_BOTH);
	if (geteuid() == 0 && uid == 0 && ponto_conf_string(conf, "group")[0]) /* to give the socket to the group */
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_CHOWN);
	if (geteuid() == 0 && uid != 0) {
		give_runtime(uid, gid);
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
