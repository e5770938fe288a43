#include "plugins/service-dist/dist_tee.h"

#include <string.h>
#include <openssl/evp.h>

#include "plugins/service-dist/dist_digest.h"

#define BATCH (256u * 1024)
#define AGAIN (100 * PONTO_MS) /* after which a pool that was full is asked again */

struct batch {
	uint8_t *data;
	size_t len, room;
};

struct dist_tee {
	struct dist_tee_setup setup;
	struct batch filling, work; /* work is the worker's while it is busy */
	bool busy, ended, whole, blocked;
	struct ponto_timer *again;
	int fault; /* nothing will come of it, for this reason */
	/* the worker's: */
	bool begun, last;
	int result;
	struct dist_saving *saving;
	EVP_MD_CTX *ctx;
	uint32_t piece; /* bytes of the piece that has begun */
	struct content_cut cut;
	struct content_maker maker;
};

/* ---- on a worker ------------------------------------------------------------------------- */

#define THERE 1 /* no result of the store's */

static int is_there(void *arg, const struct content_segment *segment)
{
	(void)arg;
	(void)segment;
	return THERE;
}

static int begin(struct dist_tee *t)
{
	const struct dist_tee_setup *s = &t->setup;
	int result = dist_hashes_load(s->hashes, &s->file, s->algo, is_there, NULL);

	if (result == THERE)
		return PONTO_EEXIST;
	if (result != PONTO_ENOENT)
		return result == PONTO_OK ? PONTO_ECORRUPT : result;
	return dist_hashes_begin(s->hashes, &s->file, s->algo, &t->saving);
}

static int end_piece(struct dist_tee *t)
{
	struct content_segment segment;
	uint8_t hash[EVP_MAX_MD_SIZE];
	int result;

	if (EVP_DigestFinal_ex(t->ctx, hash, NULL) != 1 || EVP_DigestInit_ex2(t->ctx, NULL, NULL) != 1)
		return PONTO_ENOMEM;
	result = content_maker_piece(&t->maker, t->piece, hash, &segment);
	t->piece = 0;
	return result == 1 ? dist_hashes_segment(t->saving, &segment) : result;
}

static int hash(struct dist_tee *t, struct ponto_bytes bytes)
{
	int result = PONTO_OK;

	while (bytes.len > 0 && result == PONTO_OK) {
		size_t used;
		bool end = content_cut_next(&t->cut, bytes, &used);

		if (EVP_DigestUpdate(t->ctx, bytes.data, used) != 1)
			return PONTO_ENOMEM;
		t->piece += (uint32_t)used;
		bytes = ponto_bytes(bytes.data + used, bytes.len - used);
		if (end)
			result = end_piece(t);
	}
	return result;
}

static int finish(struct dist_tee *t)
{
	struct content_segment segment;
	struct dist_saving *saving;
	int result = t->piece > 0 ? end_piece(t) : PONTO_OK;

	if (result == PONTO_OK && content_maker_end(&t->maker, &segment) == 1)
		result = dist_hashes_segment(t->saving, &segment);
	if (result != PONTO_OK)
		return result;
	saving = t->saving;
	t->saving = NULL;
	return dist_hashes_commit(saving, &t->setup.file); /* looks at the length */
}

static void run(void *arg)
{
	struct dist_tee *t = arg;
	int result = t->result;

	if (result == PONTO_OK && !t->begun)
		result = begin(t);
	t->begun = true;
	if (result == PONTO_OK)
		result = hash(t, ponto_bytes(t->work.data, t->work.len));
	if (result == PONTO_OK && t->last)
		result = finish(t);
	if (result != PONTO_OK) {
		dist_hashes_abort(t->saving);
		t->saving = NULL;
	}
	t->result = result;
}

/* ---- on the component's thread -------------------------------------------------------------- */

static void tee_free(struct dist_tee *t)
{
	EVP_MD_CTX_free(t->ctx);
	ponto_timer_destroy(t->setup.loop, t->again);
	ponto_free(t->setup.alloc, t->filling.data);
	ponto_free(t->setup.alloc, t->work.data);
	ponto_free(t->setup.alloc, t);
}

static void try_again(void *arg);
static void worked(void *arg);

/* What has come is handed to a worker when it is enough, or all: then in any case, so that done comes from there, and
 * what was begun in the store is taken back. While too much else is to be done it waits. */
static void work_on(struct dist_tee *t)
{
	struct batch filled = t->filling;

	if (t->busy || (!t->ended && filled.len < BATCH))
		return;
	if (t->ended && !t->whole && t->fault == PONTO_OK)
		t->fault = PONTO_ECLOSED;
	if (t->fault != PONTO_OK)
		t->result = t->fault;
	t->last = t->ended;
	t->filling = t->work;
	t->work = filled;
	t->busy = true;
	if (ponto_pool_submit(t->setup.pool, t->setup.loop, run, worked, t) == PONTO_OK)
		return;
	t->busy = false;
	t->work = t->filling;
	t->filling = filled;
	ponto_timer_set(t->setup.loop, t->again, ponto_loop_now(t->setup.loop) + AGAIN);
}

static void worked(void *arg)
{
	struct dist_tee *t = arg;

	t->busy = false;
	t->work.len = 0;
	if (t->fault == PONTO_OK)
		t->fault = t->result;
	if (t->last) {
		t->setup.done(t->setup.arg, t->fault);
		tee_free(t);
		return;
	}
	try_again(t);
}

static void try_again(void *arg)
{
	struct dist_tee *t = arg;

	work_on(t);
	if (!t->blocked || t->ended || t->filling.len >= BATCH)
		return;
	t->blocked = false;
	t->setup.room(t->setup.arg);
}

int dist_tee_open(const struct dist_tee_setup *setup, struct dist_tee **out)
{
	struct dist_tee *t = ponto_new(setup->alloc, 1, sizeof(*t));
	int result;

	if (!t)
		return PONTO_ENOMEM;
	t->setup = *setup;
	content_cut_init(&t->cut, setup->algo);
	content_maker_init(&t->maker, setup->algo);
	t->ctx = EVP_MD_CTX_new();
	result = t->ctx && EVP_DigestInit_ex2(t->ctx, dist_digest_md(setup->algo), NULL) == 1 ? PONTO_OK : PONTO_ENOMEM;
	if (result == PONTO_OK)
		result = ponto_timer_create(setup->loop, try_again, t, &t->again);
	if (result != PONTO_OK) {
		tee_free(t);
		return result;
	}
	*out = t;
	return PONTO_OK;
}

static bool keep(struct dist_tee *t, struct ponto_bytes bytes)
{
	struct batch *b = &t->filling;

	if (bytes.len > b->room - b->len) {
		size_t room = b->len + bytes.len < BATCH ? BATCH : b->len + bytes.len;
		uint8_t *grown = ponto_resize(t->setup.alloc, b->data, room, 1);

		if (!grown)
			return false;
		b->data = grown;
		b->room = room;
	}
	memcpy(b->data + b->len, bytes.data, bytes.len);
	b->len += bytes.len;
	return true;
}

bool dist_tee_ready(struct dist_tee *t)
{
	t->blocked = t->fault == PONTO_OK && t->filling.len >= BATCH;
	return !t->blocked;
}

void dist_tee_put(struct dist_tee *t, struct ponto_bytes bytes)
{
	if (t->fault != PONTO_OK)
		return;
	if (keep(t, bytes))
		work_on(t);
	else
		t->fault = PONTO_ENOMEM;
}

void dist_tee_end(struct dist_tee *t, bool whole)
{
	t->ended = true;
	t->whole = whole;
	work_on(t);
}
