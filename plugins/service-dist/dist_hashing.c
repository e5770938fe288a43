/* Hashes that are wanted: one file after the other, on a worker that takes others to help, into the store. */
#include <stdio.h>
#include <string.h>

#include "plugins/service-dist/dist_server.h"

#define TOPIC "service.dist.hashing"
#define WANTED_MAX 4096

struct wanted {
	struct wanted *next;
	enum content_algo algo;
	char path[]; /* absolute */
};

struct dist_hashing {
	struct dist *dist;
	struct dist_hashes *kept; /* NULL: not read yet */
	struct wanted *first, **last;
	size_t count;
	bool working; /* a worker is at first, or opens what is kept */
	_Atomic bool stop;
	/* the worker's: */
	struct dist_hashes *opened;
	struct dist_saving *saving;
	int result;
	char reason[DIST_REASON_SIZE];
	struct ponto_counter *files, *bytes, *failed;
};

static void work_on(struct dist_hashing *h);

/* ---- on a worker ------------------------------------------------------------------------ */

static int on_segment(void *arg, const struct content_segment *segment)
{
	struct dist_hashing *h = arg;

	return h->stop ? PONTO_ECLOSED : dist_hashes_segment(h->saving, segment);
}

static int on_progress(void *arg, uint64_t bytes, uint64_t size)
{
	struct dist_hashing *h = arg;

	(void)bytes;
	(void)size;
	return h->stop ? PONTO_ECLOSED : PONTO_OK;
}

static void hash_run(void *arg)
{
	struct dist_hashing *h = arg;
	const struct ponto_env *env = h->dist->env;
	struct dist_hash setup = {
		.path = h->first->path,
		.algo = h->first->algo,
		.alloc = env->alloc,
		.clock = env->clock,
		.segment = on_segment,
		.progress = on_progress,
		.arg = h,
	};
	struct dist_file before, after;
	struct stat st;

	h->saving = NULL;
	h->reason[0] = '\0';
	h->result = stat(h->first->path, &st) == 0 ? PONTO_OK : PONTO_ENOENT;
	before = dist_file_of(&st);
	if (h->result == PONTO_OK)
		h->result = dist_hashes_begin(h->kept, &before, h->first->algo, &h->saving);
	if (h->result == PONTO_OK)
		h->result = dist_hash_file(&setup, &after, h->reason);
	if (h->result == PONTO_OK) {
		h->result = dist_hashes_commit(h->saving, &after);
		ponto_counter_add(h->bytes, after.size);
	} else {
		dist_hashes_abort(h->saving);
	}
}

static void open_run(void *arg)
{
	struct dist_hashing *h = arg;
	const struct ponto_env *env = h->dist->env;
	struct dist_hashes_config config = {
		.alloc = env->alloc,
		.clock = env->clock,
		.log = env->log,
		.metrics = env->metrics,
		.instance = env->instance,
		.store = h->dist->store,
		.max_pieces = DIST_HASHES_MAX_PIECES,
	};

	h->result = dist_hashes_open(&config, &h->opened);
}

/* ---- on the component's thread ------------------------------------------------------------ */

static void forget_first(struct dist_hashing *h)
{
	struct wanted *wanted = h->first;

	h->first = wanted->next;
	if (!h->first)
		h->last = &h->first;
	h->count--;
	ponto_free(h->dist->env->alloc, wanted);
}

static void hash_done(void *arg)
{
	struct dist_hashing *h = arg;

	h->working = false;
	if (h->result == PONTO_OK) {
		ponto_counter_add(h->files, 1);
		ponto_info(h->dist->env->log, TOPIC, "%s is hashed", h->first->path);
	} else if (h->result != PONTO_ECLOSED) {
		ponto_counter_add(h->failed, 1);
		ponto_warning(h->dist->env->log, TOPIC, "%s is not hashed: %s", h->first->path,
			      *h->reason ? h->reason : ponto_strerror(h->result));
	}
	forget_first(h);
	work_on(h);
	dist_check_stopped(h->dist);
}

static void open_done(void *arg)
{
	struct dist_hashing *h = arg;

	h->working = false;
	if (h->result == PONTO_OK)
		h->kept = h->opened;
	else
		ponto_error(h->dist->env->log, TOPIC, "no hashes are kept: the store cannot be read: %s",
			    ponto_strerror(h->result));
	work_on(h);
	dist_check_stopped(h->dist);
}

static void work_on(struct dist_hashing *h)
{
	if (h->stop || h->working || !h->first || !h->kept)
		return;
	h->working = ponto_pool_submit(h->dist->pool, h->dist->env->loop, hash_run, hash_done, h) == PONTO_OK;
	if (!h->working)
		forget_first(h); /* too much else is to be done; whoever wants them asks again */
}

int dist_hashing_create(struct dist *dist, struct dist_hashing **out)
{
	struct dist_hashing *h = ponto_new(dist->env->alloc, 1, sizeof(*h));
	struct ponto_metrics *m = dist->env->metrics;
	const char *instance = dist->env->instance;
	int result;

	if (!h)
		return PONTO_ENOMEM;
	h->dist = dist;
	h->last = &h->first;
	h->files = ponto_counter(m, "dist_hashed_files_total", instance, "Files hashed");
	h->bytes = ponto_counter(m, "dist_hashed_bytes_total", instance, "Bytes of them");
	h->failed = ponto_counter(m, "dist_hash_failures_total", instance, "Files that could not be hashed");
	result = ponto_pool_submit(dist->store.pool, dist->env->loop, open_run, open_done, h);
	if (result != PONTO_OK) {
		ponto_free(dist->env->alloc, h);
		return result;
	}
	h->working = true;
	*out = h;
	return PONTO_OK;
}

void dist_hashing_stop(struct dist_hashing *h)
{
	if (h)
		h->stop = true;
}

bool dist_hashing_idle(const struct dist_hashing *h)
{
	return !h || !h->working;
}

void dist_hashing_destroy(struct dist_hashing *h)
{
	if (!h)
		return;
	while (h->first)
		forget_first(h);
	dist_hashes_close(h->kept);
	ponto_free(h->dist->env->alloc, h);
}

struct dist_hashes *dist_hashing_kept(const struct dist_hashing *h)
{
	return h->kept;
}

void dist_hashing_want(struct dist_hashing *h, const char *folder, const char *path, enum content_algo algo)
{
	size_t size = strlen(folder) + strlen(path) + sizeof("/index.html");
	struct wanted *wanted;

	if (h->stop || h->count == WANTED_MAX)
		return;
	wanted = ponto_new(h->dist->env->alloc, 1, sizeof(*wanted) + size);
	if (!wanted)
		return;
	wanted->algo = algo;
	snprintf(wanted->path, size, "%s/%s", folder, path);
	for (struct wanted *w = h->first; w; w = w->next) {
		if (w->algo == algo && strcmp(w->path, wanted->path) == 0) {
			ponto_free(h->dist->env->alloc, wanted);
			return;
		}
	}
	*h->last = wanted;
	h->last = &wanted->next;
	h->count++;
	work_on(h);
}
