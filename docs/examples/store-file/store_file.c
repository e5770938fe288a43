/* store-file: a store that keeps each group in one file.
 *
 * A write makes the group's new file beside the old one and renames it over, so
 * a batch is there as a whole or not at all, whatever happens in between. Good
 * for some hundred small records a group, for every write writes its whole
 * group. One lock; calls block, as the contract allows.
 *
 * A file: magic, the group, the records in order of their keys, and the SHA-256
 * of all that. Its name is the SHA-256 of the group, for a group may be any bytes. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/cursor.h"
#include "framework/digest.h"
#include "framework/store.h"

#define TOPIC "store.file"
#define MAGIC UINT64_C(0x506f6e746f477031) /* "PontoGp1" */
#define NAME_SIZE (2 * PONTO_SHA256_SIZE + 1)
#define RECORD_HEAD 14 /* bytes before the key: the key's and the value's length, the expiry */

struct store {
	const struct ponto_env *env;
	pthread_mutex_t lock;
	char *path;
};

struct record {
	struct ponto_bytes key, value;
	uint64_t expires;
};

/* A group in memory: its records point into the file's bytes or into a batch. */
struct group {
	uint8_t *file;
	struct record *records;
	size_t count;
};

/* ---- files ------------------------------------------------------------------------ */

static int result_of(int error)
{
	return error == ENOENT ? PONTO_ENOENT : error == ENOSPC || error == EDQUOT ? PONTO_ENOSPC : PONTO_EIO;
}

static int failed(struct store *s, const char *what, const char *name)
{
	int result = result_of(errno);

	ponto_error(s->env->log, TOPIC, "cannot %s %s/%s: %s", what, s->path, name,
		    strerror(errno));
	return result;
}

static void name_of(struct ponto_bytes group, char name[NAME_SIZE])
{
	uint8_t hash[PONTO_SHA256_SIZE];

	ponto_sha256(&group, 1, hash);
	ponto_hex(ponto_bytes(hash, sizeof(hash)), name);
}

static int open_at(struct store *s, const char *name, int flags)
{
	char file[4096];

	if (snprintf(file, sizeof(file), "%s/%s", s->path, name) >= (int)sizeof(file)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(file, flags | O_CLOEXEC, 0600);
}

/* PONTO_ENOENT without a word in the log: a group nobody wrote. gives *data */
static int read_file(struct store *s, const char *name, uint8_t **data, size_t *len)
{
	uint8_t *bytes = NULL;
	struct stat st;
	size_t at = 0;
	int result = PONTO_OK, fd = open_at(s, name, O_RDONLY);

	if (fd < 0)
		return errno == ENOENT ? PONTO_ENOENT : failed(s, "open", name);
	if (fstat(fd, &st) != 0)
		result = failed(s, "read", name);
	else if (!(bytes = ponto_new(s->env->alloc, (size_t)st.st_size + 1, 1)))
		result = PONTO_ENOMEM;
	while (result == PONTO_OK && at < (size_t)st.st_size) {
		ssize_t n = read(fd, bytes + at, (size_t)st.st_size - at);

		if (n <= 0)
			result = failed(s, "read", name);
		else
			at += (size_t)n;
	}
	close(fd);
	if (result == PONTO_OK) {
		*data = bytes;
		*len = at;
	} else {
		ponto_free(s->env->alloc, bytes);
	}
	return result;
}

static int sync_directory(struct store *s)
{
	int result = PONTO_OK, fd = open_at(s, ".", O_RDONLY | O_DIRECTORY);

	if (fd < 0 || fsync(fd) != 0)
		result = failed(s, "sync", ".");
	if (fd >= 0)
		close(fd);
	return result;
}

static int write_all(struct store *s, int fd, const uint8_t *data, size_t len, unsigned flags)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0)
			return failed(s, "write", "new");
		data += n;
		len -= (size_t)n;
	}
	return (flags & PONTO_STORE_SYNC) && fsync(fd) != 0 ? failed(s, "sync", "new") : PONTO_OK;
}

static int replace_file(struct store *s, const char *name, const uint8_t *data, size_t len, unsigned flags)
{
	char from[4096], to[4096];
	int result, fd = open_at(s, "new", O_WRONLY | O_CREAT | O_TRUNC);

	if (fd < 0)
		return failed(s, "create", "new");
	result = write_all(s, fd, data, len, flags);
	close(fd);
	snprintf(from, sizeof(from), "%s/new", s->path);
	snprintf(to, sizeof(to), "%s/%s", s->path, name);
	if (result == PONTO_OK && rename(from, to) != 0)
		result = failed(s, "rename to", name);
	if (result == PONTO_OK && (flags & PONTO_STORE_SYNC))
		result = sync_directory(s);
	return result;
}

static int remove_file(struct store *s, const char *name, unsigned flags)
{
	char file[4096];

	snprintf(file, sizeof(file), "%s/%s", s->path, name);
	if (unlink(file) != 0 && errno != ENOENT)
		return failed(s, "remove", name);
	return flags & PONTO_STORE_SYNC ? sync_directory(s) : PONTO_OK;
}

/* ---- groups ------------------------------------------------------------------------ */

static int compare(struct ponto_bytes a, struct ponto_bytes b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len ? memcmp(a.data, b.data, len) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* The first record not before key. */
static size_t seek(const struct group *g, struct ponto_bytes key)
{
	size_t low = 0, high = g->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (compare(g->records[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct record *find(const struct group *g, struct ponto_bytes key)
{
	size_t i = seek(g, key);

	return i < g->count && ponto_bytes_equal(g->records[i].key, key) ? &g->records[i] : NULL;
}

static void group_free(struct store *s, struct group *g)
{
	ponto_free(s->env->alloc, g->file);
	ponto_free(s->env->alloc, g->records);
}

/* The unexpired records of a file's bytes; room for more is left behind them. name, if not NULL: whose they are. */
static int parse(struct store *s, size_t len, size_t room, struct group *g, struct ponto_bytes *name)
{
	uint64_t now = ponto_wall(s->env->clock);
	size_t body = len < PONTO_SHA256_SIZE ? 0 : len - PONTO_SHA256_SIZE;
	struct ponto_bytes part = ponto_bytes(g->file, body);
	struct ponto_reader r = ponto_reader(part);
	uint8_t hash[PONTO_SHA256_SIZE];

	ponto_sha256(&part, 1, hash);
	if (ponto_read_be64(&r) != MAGIC || memcmp(hash, g->file + body, sizeof(hash)) != 0)
		return PONTO_ECORRUPT;
	part = ponto_read_bytes(&r, ponto_read_u8(&r));
	if (name)
		*name = part;
	g->records = ponto_new(s->env->alloc, ponto_reader_left(&r) / RECORD_HEAD + room + 1, sizeof(*g->records));
	if (!g->records)
		return PONTO_ENOMEM;
	while (ponto_reader_left(&r) > 0) {
		struct record *record = &g->records[g->count];
		uint16_t key_len = ponto_read_be16(&r);
		uint32_t value_len = ponto_read_be32(&r);

		record->expires = ponto_read_be64(&r);
		record->key = ponto_read_bytes(&r, key_len);
		record->value = ponto_read_bytes(&r, value_len);
		g->count += !r.failed && (record->expires == 0 || record->expires > now);
	}
	return ponto_reader_done(&r) == PONTO_OK ? PONTO_OK : PONTO_ECORRUPT;
}

/* An absent file is an empty group. The caller frees g, also after a failure. */
static int load_name(struct store *s, const char *file, size_t room, struct group *g, struct ponto_bytes *name)
{
	size_t len = 0;
	int result = read_file(s, file, &g->file, &len);

	if (result == PONTO_ENOENT) {
		g->records = ponto_new(s->env->alloc, room + 1, sizeof(*g->records));
		return g->records ? PONTO_OK : PONTO_ENOMEM;
	}
	if (result == PONTO_OK)
		result = parse(s, len, room, g, name);
	if (result == PONTO_ECORRUPT)
		ponto_error(s->env->log, TOPIC, "%s/%s is damaged", s->path, file);
	return result;
}

static int load(struct store *s, struct ponto_bytes group, size_t room, struct group *g)
{
	char name[NAME_SIZE];

	name_of(group, name);
	return load_name(s, name, room, g, NULL);
}

static int save(struct store *s, struct ponto_bytes group, const struct group *g, unsigned flags)
{
	size_t size = 8 + 1 + group.len + PONTO_SHA256_SIZE, body;
	char name[NAME_SIZE];
	struct ponto_writer w;
	struct ponto_bytes part;
	uint8_t *data, hash[PONTO_SHA256_SIZE];
	int result;

	name_of(group, name);
	if (g->count == 0)
		return remove_file(s, name, flags);
	for (size_t i = 0; i < g->count; i++)
		size += RECORD_HEAD + g->records[i].key.len + g->records[i].value.len;
	data = ponto_new(s->env->alloc, size, 1);
	if (!data)
		return PONTO_ENOMEM;
	w = ponto_writer(data, size);
	ponto_write_be64(&w, MAGIC);
	ponto_write_u8(&w, (uint8_t)group.len);
	ponto_write_bytes(&w, group);
	for (size_t i = 0; i < g->count; i++) {
		ponto_write_be16(&w, (uint16_t)g->records[i].key.len);
		ponto_write_be32(&w, (uint32_t)g->records[i].value.len);
		ponto_write_be64(&w, g->records[i].expires);
		ponto_write_bytes(&w, g->records[i].key);
		ponto_write_bytes(&w, g->records[i].value);
	}
	part = ponto_bytes(data, size - PONTO_SHA256_SIZE);
	ponto_sha256(&part, 1, hash);
	ponto_write_copy(&w, hash, sizeof(hash));
	result = ponto_writer_done(&w, &body);
	if (result == PONTO_OK)
		result = replace_file(s, name, data, body, flags);
	ponto_free(s->env->alloc, data);
	return result;
}

/* ---- the contract --------------------------------------------------------------------- */

static bool late(const struct store *s, uint64_t deadline)
{
	return deadline != PONTO_NEVER && ponto_mono(s->env->clock) >= deadline;
}

/* Waiting for the lock may have used up the time. */
static int lock(struct store *s, uint64_t deadline)
{
	if (late(s, deadline))
		return PONTO_ETIME;
	pthread_mutex_lock(&s->lock);
	if (!late(s, deadline))
		return PONTO_OK;
	pthread_mutex_unlock(&s->lock);
	return PONTO_ETIME;
}

static bool guard_holds(const struct group *g, const struct ponto_store_step *step)
{
	const struct record *record = find(g, step->key);

	if (step->kind == PONTO_STEP_REQUIRE_ABSENT)
		return !record;
	return step->kind != PONTO_STEP_REQUIRE_EQUAL || (record && ponto_bytes_equal(record->value, step->value));
}

/* g has room for every step. */
static void apply(struct group *g, const struct ponto_store_step *step)
{
	size_t i = seek(g, step->key);
	bool there = i < g->count && ponto_bytes_equal(g->records[i].key, step->key);

	if (step->kind == PONTO_STEP_DELETE && there) {
		memmove(&g->records[i], &g->records[i + 1], (g->count - i - 1) * sizeof(*g->records));
		g->count--;
	} else if (step->kind == PONTO_STEP_PUT) {
		if (!there) {
			memmove(&g->records[i + 1], &g->records[i], (g->count - i) * sizeof(*g->records));
			g->count++;
		}
		g->records[i] = (struct record){step->key, step->value, step->expires};
	}
}

static int file_batch(void *self, struct ponto_bytes group, const struct ponto_store_step *steps, size_t count,
		      unsigned flags, uint64_t deadline)
{
	struct store *s = self;
	struct group g = {0};
	int result = ponto_store_check_batch(group, steps, count, flags);

	if (result == PONTO_OK)
		result = lock(s, deadline);
	if (result != PONTO_OK)
		return result;
	result = load(s, group, count, &g);
	for (size_t i = 0; i < count && result == PONTO_OK; i++) {
		if (!guard_holds(&g, &steps[i]))
			result = PONTO_EGUARD;
	}
	for (size_t i = 0; i < count && result == PONTO_OK; i++)
		apply(&g, &steps[i]);
	if (result == PONTO_OK && count > 0)
		result = save(s, group, &g, flags);
	pthread_mutex_unlock(&s->lock);
	group_free(s, &g);
	return result;
}

static int file_put(void *self, struct ponto_bytes group, struct ponto_bytes key, struct ponto_bytes value,
		    uint64_t expires, unsigned flags, uint64_t deadline)
{
	struct ponto_store_step step = {PONTO_STEP_PUT, key, value, expires};

	return file_batch(self, group, &step, 1, flags, deadline);
}

static int file_remove(void *self, struct ponto_bytes group, struct ponto_bytes key, unsigned flags, uint64_t deadline)
{
	struct ponto_store_step step = {.kind = PONTO_STEP_DELETE, .key = key};

	return file_batch(self, group, &step, 1, flags, deadline);
}

/* A group as it is now, not locked any more: g owns its bytes. */
static int snapshot(struct store *s, struct ponto_bytes group, uint64_t deadline, struct group *g)
{
	int result = lock(s, deadline);

	if (result != PONTO_OK)
		return result;
	result = load(s, group, 0, g);
	pthread_mutex_unlock(&s->lock);
	return result;
}

static int file_get(void *self, struct ponto_bytes group, struct ponto_bytes key, uint64_t deadline,
		    const struct ponto_alloc *alloc, uint8_t **value, size_t *len, uint64_t *expires)
{
	struct store *s = self;
	struct group g = {0};
	const struct record *record = NULL;
	uint8_t *copy = NULL;
	int result = ponto_store_check_record(group, key, 0, 0);

	if (result == PONTO_OK)
		result = snapshot(s, group, deadline, &g);
	if (result == PONTO_OK && !(record = find(&g, key)))
		result = PONTO_ENOENT;
	if (result == PONTO_OK && !(copy = ponto_bytes_dup(alloc, record->value)))
		result = PONTO_ENOMEM;
	if (result == PONTO_OK) {
		*value = copy;
		*len = record->value.len;
		if (expires)
			*expires = record->expires;
	}
	group_free(s, &g);
	return result;
}

static int file_iterate(void *self, struct ponto_bytes group, struct ponto_bytes prefix, struct ponto_bytes after,
			uint64_t deadline, ponto_store_record_fn *fn, void *arg)
{
	struct store *s = self;
	struct group g = {0};
	int result = ponto_store_check_range(group, prefix, after);

	if (result == PONTO_OK)
		result = snapshot(s, group, deadline, &g);
	for (size_t i = result == PONTO_OK ? seek(&g, prefix) : 0; result == PONTO_OK && i < g.count; i++) {
		const struct record *record = &g.records[i];

		if (record->key.len < prefix.len || (prefix.len && memcmp(record->key.data, prefix.data, prefix.len) != 0))
			break;
		if (late(s, deadline))
			result = PONTO_ETIME;
		else if (compare(record->key, after) > 0 && !fn(arg, record->key, record->value, record->expires))
			break;
	}
	group_free(s, &g);
	return result;
}

static int is_group_file(const struct dirent *entry)
{
	return strlen(entry->d_name) == NAME_SIZE - 1;
}

/* Calls fn for the group of one file, unless everything in it has expired; *more is its answer. */
static int report_group(struct store *s, const char *file, ponto_store_group_fn *fn, void *arg, bool *more, bool *met)
{
	struct group g = {0};
	struct ponto_bytes name = {NULL, 0};
	int result = load_name(s, file, 0, &g, &name);

	*met = result == PONTO_OK && g.count > 0;
	if (*met)
		*more = fn(arg, name);
	group_free(s, &g);
	return result == PONTO_ECORRUPT ? PONTO_OK : result;
}

/* The token is the name of the last file told. */
static int file_groups(void *self, uint8_t **page, size_t *page_len, size_t limit, uint64_t deadline,
		       const struct ponto_alloc *alloc, ponto_store_group_fn *fn, void *arg)
{
	struct store *s = self;
	const char *last = *page ? (const char *)*page : "";
	struct dirent **files = NULL;
	bool more = true, met;
	int i = 0, count = 0, result;
	char *token;

	if (limit == 0 || (*page && (*page_len != NAME_SIZE || last[NAME_SIZE - 1])))
		return PONTO_EINVAL;
	token = ponto_new(alloc, 1, NAME_SIZE);
	if (!token)
		return PONTO_ENOMEM;
	result = lock(s, deadline);
	if (result != PONTO_OK)
		goto out;
	count = scandir(s->path, &files, is_group_file, alphasort);
	if (count < 0)
		result = failed(s, "list", ".");
	for (; result == PONTO_OK && i < count && limit > 0 && more; i++) {
		if (strcmp(files[i]->d_name, last) <= 0)
			continue;
		result = late(s, deadline) ? PONTO_ETIME : report_group(s, files[i]->d_name, fn, arg, &more, &met);
		limit -= result == PONTO_OK && met;
	}
	if (result == PONTO_OK && i > 0)
		memcpy(token, files[i - 1]->d_name, NAME_SIZE);
	pthread_mutex_unlock(&s->lock);
out:
	if (result == PONTO_OK) {
		ponto_free(alloc, *page);
		*page = i < count ? (uint8_t *)token : NULL;
		*page_len = i < count ? NAME_SIZE : 0;
	}
	if (result != PONTO_OK || i >= count)
		ponto_free(alloc, token);
	for (int j = 0; j < count; j++)
		free(files[j]);
	free(files);
	return result;
}

/* Every file that was written without PONTO_STORE_SYNC, then their names. */
static int file_flush(void *self, uint64_t deadline)
{
	struct store *s = self;
	struct dirent **files = NULL;
	int count, result = lock(s, deadline);

	if (result != PONTO_OK)
		return result;
	count = scandir(s->path, &files, is_group_file, alphasort);
	if (count < 0)
		result = failed(s, "list", ".");
	for (int i = 0; i < count; i++) {
		int fd = result == PONTO_OK ? open_at(s, files[i]->d_name, O_RDONLY) : -1;

		if (result == PONTO_OK && (fd < 0 || fsync(fd) != 0))
			result = failed(s, "sync", files[i]->d_name);
		if (fd >= 0)
			close(fd);
		free(files[i]);
	}
	free(files);
	if (result == PONTO_OK)
		result = sync_directory(s);
	pthread_mutex_unlock(&s->lock);
	return result;
}

static void file_destroy(void *self)
{
	struct store *s = self;

	if (!s)
		return;
	pthread_mutex_destroy(&s->lock);
	ponto_free(s->env->alloc, s->path);
	ponto_free(s->env->alloc, s);
}

/* A relative path lies in the node's state directory. */
static int file_create(const struct ponto_env *env, void **self)
{
	const char *path = ponto_conf_string(env->conf, "path");
	struct store *s = ponto_new(env->alloc, 1, sizeof(*s));
	size_t size;

	if (!s)
		return PONTO_ENOMEM;
	s->env = env;
	pthread_mutex_init(&s->lock, NULL);
	if (path[0] != '/' && !env->state_dir) {
		ponto_error(env->log, TOPIC, "the node keeps no state, so path must be absolute");
		file_destroy(s);
		return PONTO_ECONF;
	}
	size = (env->state_dir ? strlen(env->state_dir) : 0) + strlen(path) + 2;
	s->path = ponto_new(env->alloc, size, 1);
	if (!s->path) {
		file_destroy(s);
		return PONTO_ENOMEM;
	}
	if (path[0] == '/')
		snprintf(s->path, size, "%s", path);
	else
		snprintf(s->path, size, "%s/%s", env->state_dir, path);
	if (mkdir(s->path, 0700) != 0 && errno != EEXIST) {
		int result = failed(s, "create", "");

		file_destroy(s);
		return result;
	}
	*self = s;
	return PONTO_OK;
}

static const struct ponto_option options[] = {
	{.name = "path",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "files",
	 .unit = "path",
	 .doc = "folder of the groups' files, relative to the node's state"},
};

static const struct ponto_store_ops ops = {
	.head = {PONTO_STORE_ABI, sizeof(ops)},
	.create = file_create,
	.destroy = file_destroy,
	.get = file_get,
	.put = file_put,
	.remove = file_remove,
	.iterate = file_iterate,
	.groups = file_groups,
	.batch = file_batch,
	.flush = file_flush,
};

PONTO_PLUGIN(store_file) = {
	.abi = PONTO_PLUGIN_ABI,
	.kind = PONTO_KIND_STORE,
	.name = "store-file",
	.version = "1",
	.summary = "each group in a file of its own",
	.options = options,
	.option_count = PONTO_ARRAY_SIZE(options),
	.vtable = &ops.head,
};
