#include "plugins/service-dist/dist_hash.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugins/service-dist/dist_digest.h"

/* Bytes of a read: pieces enough to be hashed side by side to the last, and still in the core's own cache by then. */
#define BATCH (512u * 1024u)
#define BATCH_PIECES ((BATCH + CONTENT_SEGMENT_V2_MAX) / CONTENT_SEGMENT_V2_MIN + 2)
#define THREADS_MAX 64u
#define TICK_US (20 * PONTO_MS) /* file systems stamp with a clock that stands still for up to 10 ms */

_Static_assert(BATCH % CONTENT_BLOCK == 0, "no block of version 1.0 lies in two batches");

enum state {
	FREE,
	BUSY,
	HASHED,
};

struct batch {
	enum state state;
	unsigned count;
	struct ponto_bytes pieces[BATCH_PIECES];
	uint8_t hashes[BATCH_PIECES][CONTENT_HASH_MAX];
	uint8_t data[CONTENT_SEGMENT_V2_MAX + BATCH];
};

/* All but the batches that are BUSY is under the lock. */
struct hasher {
	const struct dist_hash *setup;
	char *reason;
	const struct dist_sha *way;
	int fd;
	uint64_t size; /* of the file, at the start */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int result;
	bool read_all;
	uint64_t taken, given; /* batches */
	uint64_t read, done;   /* bytes */
	size_t tail_len;       /* of the piece that has begun, */
	uint8_t tail[CONTENT_SEGMENT_V2_MAX];
	struct content_cut cut;
	struct content_maker maker;
	unsigned ring; /* batches in it; number n lies at n % ring */
	struct batch batches[];
};

static int refuse(struct hasher *h, int result, const char *text)
{
	snprintf(h->reason, DIST_REASON_SIZE, "%s", text);
	return result;
}

static int refuse_errno(struct hasher *h)
{
	int result = errno == ENOENT || errno == ENOTDIR ? PONTO_ENOENT
		     : errno == EACCES || errno == EPERM ? PONTO_EACCES
		     : errno == ENOMEM			 ? PONTO_ENOMEM
							 : PONTO_EIO;

	return refuse(h, result, strerror(errno));
}

static int it_changed(struct hasher *h)
{
	return refuse(h, PONTO_EGUARD, "changed while it was hashed; nothing is kept");
}

/* ---- the threads ------------------------------------------------------------------- */

static int read_full(struct hasher *h, uint8_t *data, size_t *len)
{
	*len = 0;
	while (*len < BATCH) {
		ssize_t n = read(h->fd, data + *len, BATCH - *len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return refuse_errno(h);
		if (n == 0)
			break;
		*len += (size_t)n;
	}
	h->read += *len;
	/* Also the end of a file that grows as fast as it is read. */
	return h->read > h->size ? it_changed(h) : PONTO_OK;
}

/* The next pieces of the file; what follows the last cut waits for the next batch. */
static int fill(struct hasher *h, struct batch *b)
{
	size_t at = h->tail_len, begun = 0, len;
	int result = read_full(h, b->data + at, &len);

	if (result != PONTO_OK)
		return result;
	memcpy(b->data, h->tail, at);
	b->count = 0;
	h->read_all = len < BATCH;
	for (len += at; at < len;) {
		size_t used;
		bool end = content_cut_next(&h->cut, ponto_bytes(b->data + at, len - at), &used);

		at += used;
		if (end) {
			b->pieces[b->count++] = ponto_bytes(b->data + begun, at - begun);
			begun = at;
		}
	}
	if (h->read_all && begun < len) {
		b->pieces[b->count++] = ponto_bytes(b->data + begun, len - begun);
		begun = len;
	}
	h->tail_len = len - begun;
	memcpy(h->tail, b->data + begun, h->tail_len);
	return PONTO_OK;
}

static int give(struct hasher *h, const struct batch *b)
{
	struct content_segment segment;
	int result = PONTO_OK;

	for (unsigned i = 0; i < b->count && result == PONTO_OK; i++) {
		result = content_maker_piece(&h->maker, (uint32_t)b->pieces[i].len, b->hashes[i], &segment);
		if (result == 1)
			result = h->setup->segment(h->setup->arg, &segment);
		h->done += b->pieces[i].len;
	}
	if (result == PONTO_OK && h->setup->progress)
		result = h->setup->progress(h->setup->arg, h->done, h->size);
	return result;
}

/* Under the lock: the next batch, filled; NULL when there is none. */
static struct batch *take(struct hasher *h)
{
	struct batch *b;

	while (h->result == PONTO_OK && !h->read_all && h->batches[h->taken % h->ring].state != FREE)
		pthread_cond_wait(&h->changed, &h->lock);
	if (h->result != PONTO_OK || h->read_all)
		return NULL;
	b = &h->batches[h->taken++ % h->ring];
	b->state = BUSY;
	h->result = fill(h, b);
	return h->result == PONTO_OK ? b : NULL;
}

static void *work(void *arg)
{
	struct hasher *h = arg;
	struct batch *b;

	pthread_mutex_lock(&h->lock);
	while ((b = take(h))) {
		pthread_mutex_unlock(&h->lock);
		dist_digests(h->way, h->setup->algo, b->pieces, b->count, b->hashes);
		pthread_mutex_lock(&h->lock);
		b->state = HASHED;
		/* Whoever has the first one hands over all that follow. */
		while ((b = &h->batches[h->given % h->ring])->state == HASHED) {
			if (h->result == PONTO_OK)
				h->result = give(h, b);
			b->state = FREE;
			h->given++;
		}
		pthread_cond_broadcast(&h->changed);
	}
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

/* The caller's thread works too; those that cannot be had are done without. */
static void work_with(struct hasher *h, unsigned threads)
{
	pthread_t others[THREADS_MAX];
	unsigned started = 0;
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the threads that were there */
	while (started + 1 < threads && pthread_create(&others[started], NULL, work, h) == 0)
		started++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	work(h);
	while (started > 0)
		pthread_join(others[--started], NULL);
}

/* ---- the file ------------------------------------------------------------------------ */

static uint64_t nanoseconds(struct timespec t)
{
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       nanoseconds(a->st_ctim) == nanoseconds(b->st_ctim);
}

static int open_file(struct hasher *h, struct stat *st)
{
	/* Not waiting: a FIFO without a writer would, for ever. */
	h->fd = open(h->setup->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (h->fd < 0 || fstat(h->fd, st) != 0)
		return refuse_errno(h);
	if (S_ISDIR(st->st_mode))
		return refuse(h, PONTO_EINVAL, "a directory, not a file");
	if (!S_ISREG(st->st_mode))
		return refuse(h, PONTO_EINVAL, "not a regular file");
	h->size = (uint64_t)st->st_size;
	(void)posix_fadvise(h->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return PONTO_OK;
}

struct dist_file dist_file_of(const struct stat *st)
{
	return (struct dist_file){
		.device = st->st_dev,
		.inode = st->st_ino,
		.size = (uint64_t)st->st_size,
		.changed = nanoseconds(st->st_ctim),
	};
}

/* A change in the tick of the last one leaves the same stamp: wait until that tick is over. */
static void let_tick_pass(const struct hasher *h, const struct stat *st)
{
	uint64_t changed = nanoseconds(st->st_ctim) / 1000, now = ponto_wall(h->setup->clock);

	if (now < changed + TICK_US)
		usleep(TICK_US);
}

static int hash_opened(struct hasher *h, unsigned threads, struct dist_file *out)
{
	struct content_segment segment;
	struct stat before, after, there;
	int result = open_file(h, &before);

	if (result != PONTO_OK)
		return result;
	let_tick_pass(h, &before);
	work_with(h, threads);
	if (h->result != PONTO_OK)
		return h->result;
	if (content_maker_end(&h->maker, &segment) == 1)
		result = h->setup->segment(h->setup->arg, &segment);
	if (result != PONTO_OK)
		return result;
	if (fstat(h->fd, &after) != 0 || stat(h->setup->path, &there) != 0 || !same(&before, &after) ||
	    !same(&before, &there) || h->read != h->size)
		return it_changed(h);
	*out = dist_file_of(&before);
	return PONTO_OK;
}

static unsigned cores(void)
{
	cpu_set_t set;
	long online;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		return (unsigned)CPU_COUNT(&set);
	online = sysconf(_SC_NPROCESSORS_ONLN); /* more than the set has room for */
	return online > 0 ? (unsigned)online : 1;
}

int dist_hash_file(const struct dist_hash *setup, struct dist_file *out, char reason[DIST_REASON_SIZE])
{
	unsigned threads = setup->threads ? setup->threads : cores();
	struct hasher *h;
	int result;

	if (threads > THREADS_MAX)
		threads = THREADS_MAX;
	/* One batch for each thread, and as many that are done and wait for one before them. */
	h = ponto_new(setup->alloc, 1, sizeof(*h) + 2 * threads * sizeof(h->batches[0]));
	if (!h) {
		snprintf(reason, DIST_REASON_SIZE, "%s", ponto_strerror(PONTO_ENOMEM));
		return PONTO_ENOMEM;
	}
	h->setup = setup;
	h->reason = reason;
	h->ring = 2 * threads;
	h->fd = -1;
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->changed, NULL);
	content_cut_init(&h->cut, setup->algo);
	content_maker_init(&h->maker, setup->algo);
	h->way = dist_sha(setup->algo, 0);
	result = hash_opened(h, threads, out);
	pthread_cond_destroy(&h->changed);
	pthread_mutex_destroy(&h->lock);
	if (h->fd >= 0)
		close(h->fd);
	ponto_free(setup->alloc, h);
	return result;
}
