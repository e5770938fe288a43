#include "plugins/security-pki/pki_vault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOPIC "security.pki.vault"
#define UNFINISHED ".new-"
#define FILE_NAME (PONTO_IDENTITY_ID + 8)
#define SUFFIX_SIZE 4

static const struct {
	char suffix[SUFFIX_SIZE + 1];
	size_t max; /* bytes */
} kinds[PKI_KINDS] = {
	[PKI_IDENTITY] = {".pem", PONTO_EXPORT_MAX},
	[PKI_CHAIN] = {".p7b", PONTO_CHAIN_MAX},
	[PKI_DEFAULT] = {".def", PONTO_IDENTITY_ID},
};

/* One in memory. */
struct kept {
	struct kept *next;
	enum pki_kind kind;
	uint32_t owner;
	char id[PONTO_IDENTITY_ID];
	size_t len;
	uint8_t text[];
};

struct pki_vault {
	const struct ponto_alloc *alloc;
	struct ponto_log *log;
	char *state_dir; /* NULL: in memory */
	char *instance;
	struct kept *kept;
};

/* ---- in memory ---------------------------------------------------------------- */

static struct kept **memory_find(struct pki_vault *vault, enum pki_kind kind, uint32_t owner, const char *id)
{
	struct kept **at = &vault->kept;

	while (*at && ((*at)->kind != kind || (*at)->owner != owner || strcmp((*at)->id, id) != 0))
		at = &(*at)->next;
	return at;
}

static void memory_drop(struct pki_vault *vault, struct kept **at)
{
	struct kept *gone = *at;

	*at = gone->next;
	ponto_wipe(gone->text, gone->len);
	ponto_free(vault->alloc, gone);
}

static int memory_add(struct pki_vault *vault, enum pki_kind kind, uint32_t owner, const char *id,
		      struct ponto_bytes text, bool replace)
{
	struct kept **at = memory_find(vault, kind, owner, id);
	struct kept *kept;

	if (*at && !replace)
		return PONTO_EEXIST;
	kept = ponto_new(vault->alloc, 1, sizeof(*kept) + text.len);
	if (!kept)
		return PONTO_ENOMEM;
	kept->kind = kind;
	kept->owner = owner;
	strcpy(kept->id, id);
	kept->len = text.len;
	if (text.len)
		memcpy(kept->text, text.data, text.len);
	if (*at)
		memory_drop(vault, at);
	kept->next = *at;
	*at = kept;
	return PONTO_OK;
}

/* ---- in files ----------------------------------------------------------------- */

static int from_errno(int error)
{
	switch (error) {
	case ENOENT:
		return PONTO_ENOENT;
	case EACCES:
	case EPERM:
	case EROFS:
		return PONTO_EACCES;
	case ENOSPC:
	case EDQUOT:
		return PONTO_ENOSPC;
	case ENOMEM:
		return PONTO_ENOMEM;
	case EMFILE:
	case ENFILE:
		return PONTO_EBUSY;
	default:
		return PONTO_EIO;
	}
}

static int complain(struct pki_vault *vault, const char *what, uint32_t owner, const char *id)
{
	int error = errno;

	ponto_error(vault->log, TOPIC, "%s %s/%s/%" PRIu32 "%s%s: %s", what, vault->state_dir, vault->instance, owner,
		    id ? "/" : "", id ? id : "", strerror(error));
	return from_errno(error);
}

/* A directory below parent, private; made and made durable when make is set. The descriptor, or -1 and errno. */
static int open_dir(struct pki_vault *vault, int parent, const char *name, bool make)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	struct stat st;
	int fd = openat(parent, name, flags);

	if (fd < 0 && errno == ENOENT && make) {
		if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
			return -1;
		if (fsync(parent) < 0)
			return -1;
		fd = openat(parent, name, flags);
	}
	if (fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & 077) && fchmod(fd, 0700) == 0)
		ponto_warning(vault->log, TOPIC, "directory %s was open to other users; closed", name);
	return fd;
}

static int open_instance(struct pki_vault *vault, bool make)
{
	int state = open(vault->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd, error;

	if (state < 0)
		return -1;
	fd = open_dir(vault, state, vault->instance, make);
	error = errno;
	close(state);
	errno = error;
	return fd;
}

static int open_owner(struct pki_vault *vault, uint32_t owner, bool make)
{
	int instance = open_instance(vault, make);
	char name[16];
	int fd, error;

	if (instance < 0)
		return -1;
	snprintf(name, sizeof(name), "%" PRIu32, owner);
	fd = open_dir(vault, instance, name, make);
	error = errno;
	close(instance);
	errno = error;
	return fd;
}

/* Writes name whole and durable: 0, or -1 and errno. */
static int write_file(int dir, const char *name, struct ponto_bytes text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	size_t done = 0;
	int error = 0;

	if (fd < 0)
		return -1;
	if (fchmod(fd, 0600) < 0)
		error = errno;
	while (!error && done < text.len) {
		ssize_t n = write(fd, text.data + done, text.len - done);

		if (n > 0)
			done += (size_t)n;
		else if (n < 0 && errno != EINTR)
			error = errno;
	}
	if (!error && fsync(fd) < 0)
		error = errno;
	if (close(fd) < 0 && !error)
		error = errno;
	errno = error;
	return error ? -1 : 0;
}

static int file_write(struct pki_vault *vault, enum pki_kind kind, uint32_t owner, const char *id,
		      struct ponto_bytes text, bool replace)
{
	int dir = open_owner(vault, owner, true);
	char name[FILE_NAME], unfinished[FILE_NAME];
	struct stat st;
	int result = PONTO_OK;

	if (dir < 0) {
		result = complain(vault, "cannot make", owner, NULL);
		return result == PONTO_ENOENT ? PONTO_EIO : result; /* the state directory itself is gone */
	}
	snprintf(name, sizeof(name), "%s%s", id, kinds[kind].suffix);
	snprintf(unfinished, sizeof(unfinished), UNFINISHED "%s", id);
	if (replace)
		;
	else if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		result = PONTO_EEXIST;
	else if (errno != ENOENT)
		result = complain(vault, "cannot look for", owner, id);
	if (!result && (write_file(dir, unfinished, text) < 0 || renameat(dir, unfinished, dir, name) < 0)) {
		result = complain(vault, "cannot write", owner, id);
		unlinkat(dir, unfinished, 0);
	}
	if (!result && fsync(dir) < 0) {
		result = complain(vault, "cannot write", owner, id);
		if (!replace) /* else either is whole, and neither may be lost */
			unlinkat(dir, name, 0);
	}
	close(dir);
	return result;
}

static int read_all(int fd, size_t max, const struct ponto_alloc *alloc, uint8_t **text, size_t *len)
{
	uint8_t *buffer = ponto_new(alloc, max + 2, 1);
	size_t done = 0;

	if (!buffer)
		return PONTO_ENOMEM;
	for (;;) {
		ssize_t n = read(fd, buffer + done, max + 1 - done);

		if (n > 0)
			done += (size_t)n;
		else if (n == 0)
			break;
		else if (errno != EINTR) {
			ponto_wipe(buffer, done);
			ponto_free(alloc, buffer);
			return PONTO_EIO;
		}
	}
	if (done > max) {
		ponto_wipe(buffer, done);
		ponto_free(alloc, buffer);
		return PONTO_ECORRUPT;
	}
	*text = buffer;
	*len = done;
	return PONTO_OK;
}

static int file_get(struct pki_vault *vault, enum pki_kind kind, uint32_t owner, const char *id,
		    const struct ponto_alloc *alloc, uint8_t **text, size_t *len)
{
	int dir = open_owner(vault, owner, false);
	char name[FILE_NAME];
	struct stat st;
	int fd, result;

	if (dir < 0)
		return errno == ENOENT ? PONTO_ENOENT : complain(vault, "cannot open", owner, NULL);
	snprintf(name, sizeof(name), "%s%s", id, kinds[kind].suffix);
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		result = errno == ENOENT  ? PONTO_ENOENT
			 : errno == ELOOP ? PONTO_ECORRUPT
					  : complain(vault, "cannot open", owner, id);
		close(dir);
		return result;
	}
	close(dir);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return PONTO_ECORRUPT;
	}
	if ((st.st_mode & 077) && fchmod(fd, 0600) == 0)
		ponto_warning(vault->log, TOPIC, "%s was open to other users; closed", id);
	result = read_all(fd, kinds[kind].max, alloc, text, len);
	close(fd);
	return result;
}

static int file_remove(struct pki_vault *vault, enum pki_kind kind, uint32_t owner, const char *id)
{
	int dir = open_owner(vault, owner, false);
	char name[FILE_NAME];
	int result = PONTO_OK;

	if (dir < 0)
		return errno == ENOENT ? PONTO_ENOENT : complain(vault, "cannot open", owner, NULL);
	snprintf(name, sizeof(name), "%s%s", id, kinds[kind].suffix);
	if (unlinkat(dir, name, 0) < 0)
		result = errno == ENOENT ? PONTO_ENOENT : complain(vault, "cannot remove", owner, id);
	else if (fsync(dir) < 0)
		result = complain(vault, "cannot remove", owner, id);
	close(dir);
	return result;
}

/* ---- ids ---------------------------------------------------------------------- */

struct id_list {
	enum pki_kind kind;
	const struct ponto_alloc *alloc;
	char (*ids)[PONTO_IDENTITY_ID];
	size_t count, room;
};

static int id_list_add(struct id_list *list, const char *id)
{
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 16;
		void *more = ponto_resize(list->alloc, list->ids, room, sizeof(*list->ids));

		if (!more)
			return PONTO_ENOMEM;
		list->ids = more;
		list->room = room;
	}
	memcpy(list->ids[list->count++], id, PONTO_IDENTITY_ID);
	return PONTO_OK;
}

/* Calls fn with every name in the directory. takes fd */
static int each_name(int fd, int (*fn)(void *arg, int dir, const char *name), void *arg)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	int result = PONTO_OK;

	if (!dir) {
		close(fd);
		return PONTO_ENOMEM;
	}
	while (!result && (errno = 0, entry = readdir(dir)))
		result = fn(arg, fd, entry->d_name);
	if (!result && errno)
		result = PONTO_EIO;
	closedir(dir);
	return result;
}

static int collect_id(void *arg, int dir, const char *name)
{
	const struct id_list *list = arg;
	char id[PONTO_IDENTITY_ID];

	(void)dir;
	if (strlen(name) != PONTO_IDENTITY_ID - 1 + SUFFIX_SIZE ||
	    strcmp(name + PONTO_IDENTITY_ID - 1, kinds[list->kind].suffix) != 0)
		return PONTO_OK;
	memcpy(id, name, PONTO_IDENTITY_ID - 1);
	id[PONTO_IDENTITY_ID - 1] = 0;
	return ponto_identity_id_valid(id) ? id_list_add(arg, id) : PONTO_OK;
}

static int clear_unfinished(void *arg, int dir, const char *name)
{
	struct pki_vault *vault = arg;

	if (strncmp(name, UNFINISHED, strlen(UNFINISHED)) == 0 && unlinkat(dir, name, 0) == 0)
		ponto_info(vault->log, TOPIC, "removed %s, which was never finished", name);
	return PONTO_OK;
}

static int clear_owner(void *arg, int dir, const char *name)
{
	int fd = name[0] == '.' ? -1 : openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? PONTO_OK : each_name(fd, clear_unfinished, arg);
}

/* ---- both ----------------------------------------------------------------------- */

int pki_vault_create(const struct ponto_env *env, struct pki_vault **out)
{
	struct pki_vault *vault = ponto_new(env->alloc, 1, sizeof(*vault));
	int fd, result = PONTO_OK;

	if (!vault)
		return PONTO_ENOMEM;
	vault->alloc = env->alloc;
	vault->log = env->log;
	vault->instance = ponto_strdup(env->alloc, env->instance);
	if (env->state_dir)
		vault->state_dir = ponto_strdup(env->alloc, env->state_dir);
	if (!vault->instance || (env->state_dir && !vault->state_dir))
		result = PONTO_ENOMEM;
	else if (vault->instance[0] == 0 || vault->instance[0] == '.' || strchr(vault->instance, '/'))
		result = PONTO_EINVAL; /* it becomes the name of a directory */
	if (!result && vault->state_dir) {
		fd = open_instance(vault, false);
		if (fd >= 0)
			result = each_name(fd, clear_owner, vault);
		else if (errno != ENOENT)
			result = complain(vault, "cannot open", 0, NULL);
	}
	if (result) {
		pki_vault_destroy(vault);
		return result;
	}
	*out = vault;
	return PONTO_OK;
}

void pki_vault_destroy(struct pki_vault *vault)
{
	if (!vault)
		return;
	while (vault->kept)
		memory_drop(vault, &vault->kept);
	ponto_free(vault->alloc, vault->state_dir);
	ponto_free(vault->alloc, vault->instance);
	ponto_free(vault->alloc, vault);
}

int pki_vault_add(struct pki_vault *vault, enum pki_kind kind, uint32_t owner, const char *id, struct ponto_bytes text)
{
	return vault->state_dir ? file_write(vault, kind, owner, id, text, false)
				: memory_add(vault, kind, owner, id, text, false);
}

int pki_vault_put(struct pki_vault *vault, enum pki_kind kind, uint32_t owner, const char *id, struct ponto_bytes text)
{
	return vault->state_dir ? file_write(vault, kind, owner, id, text, true)
				: memory_add(vault, kind, owner, id, text, true);
}

int pki_vault_get(struct pki_vault *vault, enum pki_kind kind, uint32_t owner, const char *id,
		  const struct ponto_alloc *alloc, uint8_t **text, size_t *len)
{
	struct kept *kept;
	uint8_t *copy;

	if (vault->state_dir)
		return file_get(vault, kind, owner, id, alloc, text, len);
	kept = *memory_find(vault, kind, owner, id);
	if (!kept)
		return PONTO_ENOENT;
	copy = ponto_bytes_dup(alloc, ponto_bytes(kept->text, kept->len));
	if (!copy)
		return PONTO_ENOMEM;
	*text = copy;
	*len = kept->len;
	return PONTO_OK;
}

int pki_vault_remove(struct pki_vault *vault, enum pki_kind kind, uint32_t owner, const char *id)
{
	struct kept **at;

	if (vault->state_dir)
		return file_remove(vault, kind, owner, id);
	at = memory_find(vault, kind, owner, id);
	if (!*at)
		return PONTO_ENOENT;
	memory_drop(vault, at);
	return PONTO_OK;
}

int pki_vault_ids(struct pki_vault *vault, enum pki_kind kind, uint32_t owner, char (**ids)[PONTO_IDENTITY_ID],
		  size_t *count)
{
	struct id_list list = {kind, vault->alloc, NULL, 0, 0};
	int result = PONTO_OK;
	int fd;

	if (vault->state_dir) {
		fd = open_owner(vault, owner, false);
		if (fd >= 0)
			result = each_name(fd, collect_id, &list);
		else if (errno != ENOENT)
			result = complain(vault, "cannot open", owner, NULL);
	} else {
		for (struct kept *kept = vault->kept; kept && !result; kept = kept->next)
			if (kept->kind == kind && kept->owner == owner)
				result = id_list_add(&list, kept->id);
	}
	if (result) {
		ponto_free(vault->alloc, list.ids);
		return result;
	}
	*ids = list.ids;
	*count = list.count;
	return PONTO_OK;
}
