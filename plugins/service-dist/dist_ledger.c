#include "plugins/service-dist/dist_ledger.h"

#include <string.h>

#define CALL_TIME (10 * PONTO_SECOND)
#define TRIES 8
#define GROUP "dist/meta"
#define KEY "ledger"

const char *dist_count_name(enum dist_count which)
{
	static const char *const names[DIST_COUNTS] = {
		"hits",	   "hit-bytes", "given",   "given-bytes", "misses",  "absent",	"neighbour-bytes", "origin-bytes",
		"stored",  "evicted",	"expired", "damaged",	  "refused", "checked-bytes", "found",	   "rounds",
	};

	return names[which];
}

static struct ponto_bytes owner(void)
{
	return ponto_bytes(KEY, sizeof(KEY) - 1);
}

/* ---- bytes ---------------------------------------------------------------------------- */

int dist_ledger_encode(const struct dist_ledger *ledger, uint8_t out[DIST_LEDGER_MAX], size_t *len)
{
	struct ponto_writer w = ponto_writer(out, DIST_LEDGER_MAX);

	ponto_write_u8(&w, DIST_RECORD_VERSION);
	ponto_write_be64(&w, ledger->began);
	ponto_write_be64(&w, ledger->scrub_at);
	ponto_write_be64(&w, ledger->scrub_began);
	ponto_write_be64(&w, ledger->scrub_ended);
	ponto_write_be64(&w, ledger->writer);
	ponto_write_be64(&w, ledger->serial);
	ponto_write_u8(&w, DIST_COUNTS);
	for (size_t i = 0; i < DIST_COUNTS; i++)
		ponto_write_be64(&w, ledger->count[i]);
	ponto_write_u8(&w, (uint8_t)ledger->top_count);
	for (size_t i = 0; i < ledger->top_count; i++) {
		const struct dist_top *top = &ledger->top[i];

		ponto_write_u8(&w, top->id.len);
		ponto_write_bytes(&w, content_id_bytes(&top->id));
		ponto_write_be64(&w, top->bytes);
		ponto_write_be64(&w, top->blocks);
	}
	ponto_write_be64(&w, ledger->scrub_found);
	ponto_write_u8(&w, ledger->scrub_alert);
	return dist_value_close(owner(), &w, len);
}

/* One without what came later is as good. */
static int decode(struct ponto_reader *r, struct dist_ledger *out)
{
	unsigned counts, top;

	out->began = ponto_read_be64(r);
	out->scrub_at = ponto_read_be64(r);
	out->scrub_began = ponto_read_be64(r);
	out->scrub_ended = ponto_read_be64(r);
	out->writer = ponto_read_be64(r);
	out->serial = ponto_read_be64(r);
	counts = ponto_read_u8(r);
	if (counts > DIST_COUNTS)
		return r->failed ? PONTO_EPROTO : PONTO_ENOTSUP;
	for (size_t i = 0; i < counts; i++)
		out->count[i] = ponto_read_be64(r);
	top = ponto_read_u8(r);
	ponto_reader_require(r, top <= DIST_TOP);
	for (; out->top_count < top && !r->failed; out->top_count++) {
		struct dist_top *t = &out->top[out->top_count];

		if (content_id_set(ponto_read_bytes(r, ponto_read_u8(r)), &t->id) != PONTO_OK)
			return PONTO_EPROTO;
		t->bytes = ponto_read_be64(r);
		t->blocks = ponto_read_be64(r);
	}
	if (ponto_reader_left(r) > 0) {
		out->scrub_found = ponto_read_be64(r);
		out->scrub_alert = ponto_read_u8(r) != 0;
	}
	return ponto_reader_done(r);
}

int dist_ledger_decode(struct ponto_bytes value, struct dist_ledger *out)
{
	struct ponto_reader r;
	int result = dist_value_open(owner(), value, &r);

	memset(out, 0, sizeof(*out));
	if (result == PONTO_OK)
		result = decode(&r, out);
	if (result != PONTO_OK)
		memset(out, 0, sizeof(*out));
	return result == PONTO_OK || result == PONTO_ENOTSUP ? result : PONTO_EPROTO;
}

/* ---- sums ------------------------------------------------------------------------------- */

/* Its place, or that of the least read when it is more than that; NULL: there is none. */
static struct dist_top *place_of(struct dist_ledger *ledger, const struct dist_top *top)
{
	struct dist_top *least = ledger->top;

	for (size_t i = 0; i < ledger->top_count; i++) {
		if (content_id_equal(&ledger->top[i].id, &top->id))
			return &ledger->top[i];
		if (ledger->top[i].bytes < least->bytes)
			least = &ledger->top[i];
	}
	if (ledger->top_count < DIST_TOP)
		least = &ledger->top[ledger->top_count++];
	else if (least->bytes >= top->bytes)
		return NULL;
	*least = (struct dist_top){.id = top->id};
	return least;
}

void dist_ledger_add(struct dist_ledger *ledger, const struct dist_ledger *more)
{
	if (!ledger->began || (more->began && more->began < ledger->began))
		ledger->began = more->began;
	for (size_t i = 0; i < DIST_COUNTS; i++)
		ledger->count[i] += more->count[i];
	for (size_t i = 0; i < more->top_count; i++) {
		struct dist_top *top = place_of(ledger, &more->top[i]);

		if (!top)
			continue;
		top->bytes += more->top[i].bytes;
		top->blocks += more->top[i].blocks;
	}
	ledger->scrub_at = more->scrub_at;
	ledger->scrub_began = more->scrub_began;
	ledger->scrub_ended = more->scrub_ended;
	ledger->scrub_found = more->scrub_found;
	/* Who has not read all of it since cannot know better than another cache on the store. */
	ledger->scrub_alert = more->scrub_alert || (ledger->scrub_alert && more->count[DIST_COUNT_ROUNDS] == 0);
	ledger->writer = more->writer;
	ledger->serial = more->serial;
}

/* ---- in the store -------------------------------------------------------------------------- */

static uint64_t soon(const struct dist_shelf *shelf)
{
	return ponto_mono(shelf->clock) + CALL_TIME;
}

/* *value is NULL, or the bytes that out was decoded from, or could not be (PONTO_ECORRUPT). */
static int read(const struct dist_shelf *shelf, uint8_t **value, size_t *len, struct dist_ledger *out)
{
	int result;

	*value = NULL;
	memset(out, 0, sizeof(*out));
	result = ponto_store_get(shelf->store, ponto_bytes(GROUP, sizeof(GROUP) - 1), owner(), soon(shelf),
				 shelf->alloc, value, len, NULL);
	if (result == PONTO_ENOENT)
		return PONTO_OK;
	if (result == PONTO_OK)
		result = dist_ledger_decode(ponto_bytes(*value, *len), out);
	return result == PONTO_EPROTO ? PONTO_ECORRUPT : result;
}

int dist_ledger_read(const struct dist_shelf *shelf, struct dist_ledger *out, bool *damaged)
{
	uint8_t *value;
	size_t len;
	int result = read(shelf, &value, &len, out);

	ponto_free(shelf->alloc, value);
	*damaged = result == PONTO_ECORRUPT;
	return result == PONTO_ECORRUPT ? PONTO_OK : result;
}

struct attempt {
	struct dist_ledger ledger;
	uint8_t encoded[DIST_LEDGER_MAX];
};

static int try_keep(const struct dist_shelf *shelf, const struct dist_ledger *more, struct attempt *a)
{
	struct ponto_store_step steps[2] = {{.kind = PONTO_STEP_PUT, .key = owner()},
					    {.kind = PONTO_STEP_REQUIRE_ABSENT, .key = owner()}};
	uint8_t *old;
	size_t old_len, len;
	int result = read(shelf, &old, &old_len, &a->ledger);

	if (result == PONTO_ECORRUPT)
		result = PONTO_OK; /* it begins anew */
	if (result == PONTO_OK && a->ledger.writer == more->writer && a->ledger.serial == more->serial) {
		ponto_free(shelf->alloc, old);
		return PONTO_OK;
	}
	dist_ledger_add(&a->ledger, more);
	if (result == PONTO_OK)
		result = dist_ledger_encode(&a->ledger, a->encoded, &len);
	if (result == PONTO_OK) {
		steps[0].value = ponto_bytes(a->encoded, len);
		if (old) {
			steps[1].kind = PONTO_STEP_REQUIRE_EQUAL;
			steps[1].value = ponto_bytes(old, old_len);
		}
		/* A damaged one that the store itself cannot give out has no value to guard with. */
		result = ponto_store_batch(shelf->store, ponto_bytes(GROUP, sizeof(GROUP) - 1), steps, 2, 0,
					   soon(shelf));
		if (result == PONTO_ECORRUPT)
			result = ponto_store_put(shelf->store, ponto_bytes(GROUP, sizeof(GROUP) - 1), owner(),
						 steps[0].value, 0, 0, soon(shelf));
	}
	ponto_free(shelf->alloc, old);
	return result;
}

int dist_ledger_keep(const struct dist_shelf *shelf, const struct dist_ledger *more, struct dist_ledger *out)
{
	struct attempt *a = ponto_new(shelf->alloc, 1, sizeof(*a));
	int result = a ? PONTO_EGUARD : PONTO_ENOMEM;

	for (unsigned i = 0; i < TRIES && result == PONTO_EGUARD; i++)
		result = try_keep(shelf, more, a);
	if (result == PONTO_OK)
		*out = a->ledger;
	ponto_free(shelf->alloc, a);
	return result == PONTO_EGUARD ? PONTO_EBUSY : result;
}
