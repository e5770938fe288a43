/* The client of hosted caches: which is asked, what is offered, when again: [MS-PCHC] 3.2. */
#include "engines/content/content_caches.h"
#include "tests/unit/content_test.h"

#define START (1000 * PONTO_SECOND)

struct rig {
	struct ponto_test_alloc alloc;
	struct content_caches_config config;
	struct content_caches *caches;
	uint64_t now;
	struct content_caches_effect e;
	struct content_offer m;
	struct blob body; /* of the last offer */
	struct blob data;
	struct content_made made;
};

static void rig_start(struct rig *rig, enum content_algo algo, size_t size, uint32_t count, bool secure)
{
	memset(rig, 0, sizeof(*rig));
	ponto_test_alloc_init(&rig->alloc);
	rig->now = START;
	rig->data = pattern(size);
	rig->made = content_make(algo, bytes_of(&rig->data), NULL);
	rig->config = content_caches_defaults(&rig->alloc.alloc);
	rig->config.count = count;
	rig->config.port = 8080;
	for (uint32_t i = 0; i < count; i++)
		rig->config.secure[i] = secure;
	assert_ok(content_caches_create(&rig->config, &rig->caches));
}

static void rig_again(struct rig *rig)
{
	content_caches_destroy(rig->caches);
	assert_ok(content_caches_create(&rig->config, &rig->caches));
}

static void rig_end(struct rig *rig)
{
	content_caches_destroy(rig->caches);
	assert_int_equal(rig->alloc.live, 0);
	content_made_free(&rig->made);
	free(rig->data.data);
	free(rig->body.data);
}

static struct content_caches_stats stats(const struct rig *rig)
{
	struct content_caches_stats out;

	content_caches_stats(rig->caches, &out);
	return out;
}

static struct content_id made_id(const struct rig *rig, size_t i)
{
	struct content_id id;

	content_segment_id(rig->made.algo, rig->made.segments[i].kp, rig->made.segments[i].hod, &id);
	return id;
}

static struct content_fresh fresh_of(const struct rig *rig, size_t i)
{
	struct content_fresh f = {
		.id = made_id(rig, i),
		.algo = rig->made.algo,
		.size = rig->made.segments[i].size,
		.place = rig->made.segments[i].offset,
	};

	memcpy(f.tag, "Ponto", 5);
	return f;
}

/* Blocks first..first+count-1 of segment i came from the content server. */
static void fresh(struct rig *rig, size_t i, uint32_t first, uint32_t count)
{
	struct content_fresh f = fresh_of(rig, i);
	uint32_t all = content_segment_blocks(f.algo, f.size);

	for (uint32_t k = first; k < first + count; k++)
		content_caches_fresh(rig->caches, rig->now, &f, k, k + 1 == all);
}

/* Segments that no content has. */
static void fresh_names(struct rig *rig, unsigned first, unsigned count)
{
	for (unsigned i = first; i < first + count; i++) {
		struct content_fresh f = {.id.len = 32, .algo = CONTENT_TRUNCATED, .size = 1000 + i};

		f.id.b[0] = (uint8_t)i;
		f.id.b[1] = (uint8_t)(i >> 8);
		content_caches_fresh(rig->caches, rig->now, &f, 0, true);
	}
}

static bool effect(struct rig *rig)
{
	return content_caches_effect(rig->caches, rig->now, &rig->e) == 1;
}

static void idle(struct rig *rig)
{
	assert_false(effect(rig));
}

/* The next wish is an offer of that type. */
static void offers(struct rig *rig, unsigned type, uint32_t cache)
{
	assert_true(effect(rig));
	assert_int_equal(rig->e.kind, CONTENT_CACHES_OFFER);
	assert_int_equal(rig->e.cache, cache);
	free(rig->body.data);
	rig->body = blob_copy(rig->e.body.data, rig->e.body.len);
	assert_ok(content_offer_decode(bytes_of(&rig->body), type == CONTENT_BATCHED_OFFER ? 2 : 1, &rig->m));
	assert_int_equal(rig->m.type, type);
	assert_int_equal(rig->m.port, 8080);
}

static void answered(struct rig *rig, unsigned status, const char *hex)
{
	struct blob b = *hex ? blob_hex(hex) : (struct blob){NULL, 0};

	content_caches_response(rig->caches, rig->now, rig->e.request, PONTO_OK, status, bytes_of(&b));
	free(b.data);
}

#define OK "0000000100"
#define INTERESTED "0000000101"

static void fails(struct rig *rig)
{
	content_caches_response(rig->caches, rig->now, rig->e.request, PONTO_EUNREACH, 0, ponto_bytes(NULL, 0));
}

static void later(struct rig *rig, uint64_t us)
{
	rig->now += us;
	content_caches_advance(rig->caches, rig->now);
}

/* ---- version 1.0 ---------------------------------------------------------------------------- */

static void interested(void **state)
{
	struct content_id id;
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-481", "DIST-484", "DIST-485", "DIST-487");
	rig_start(&rig, CONTENT_SHA256, 300000, 1, true);
	id = made_id(&rig, 0);
	fresh(&rig, 0, 0, 1);
	offers(&rig, CONTENT_INITIAL_OFFER, 0);
	assert_true(content_id_equal(&rig.m.id, &id));
	assert_false(rig.e.negotiate);
	idle(&rig);
	answered(&rig, 200, INTERESTED);
	assert_true(effect(&rig));
	assert_int_equal(rig.e.kind, CONTENT_CACHES_DESCRIBE);
	assert_true(content_id_equal(&rig.e.id, &id));
	idle(&rig);
	content_caches_described(rig.caches, rig.e.request, &rig.made.segments[0]);
	offers(&rig, CONTENT_SEGMENT_INFO, 0);
	assert_true(rig.m.described);
	assert_true(content_id_equal(&rig.m.id, &id));
	assert_int_equal(memcmp(rig.m.tag, "Ponto\0", 6), 0);
	assert_true(ponto_bytes_equal(rig.m.segment.block_hashes, rig.made.segments[0].block_hashes));
	answered(&rig, 200, OK);
	idle(&rig);
	assert_int_equal(stats(&rig).offered, 1);
	assert_int_equal(stats(&rig).interested, 1);
	assert_int_equal(content_caches_deadline(rig.caches, rig.now), PONTO_NEVER);
	rig_end(&rig);
}

static void not_interested(void **state)
{
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA512, 300000, 1, true);
	fresh(&rig, 0, 0, 1);
	offers(&rig, CONTENT_INITIAL_OFFER, 0);
	assert_int_equal(rig.m.id.len, 64);
	answered(&rig, 200, OK);
	idle(&rig);
	assert_int_equal(stats(&rig).offered, 1);
	rig_end(&rig);
}

/* Its hashes are gone meanwhile. */
static void nothing_to_describe(void **state)
{
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 300000, 1, true);
	fresh(&rig, 0, 0, 1);
	offers(&rig, CONTENT_INITIAL_OFFER, 0);
	answered(&rig, 200, INTERESTED);
	assert_true(effect(&rig));
	content_caches_described(rig.caches, rig.e.request, NULL);
	idle(&rig);
	assert_int_equal(stats(&rig).dropped, 1);
	rig_end(&rig);
}

/* The range that was wanted began in the segment. */
static void the_offset_of_a_range(void **state)
{
	struct content_fresh f;
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 300000, 1, true);
	f = fresh_of(&rig, 0);
	f.offset = 102400;
	f.place = 3 * (uint64_t)CONTENT_SEGMENT_V1;
	content_caches_fresh(rig.caches, rig.now, &f, 1, false);
	offers(&rig, CONTENT_INITIAL_OFFER, 0);
	answered(&rig, 200, INTERESTED);
	assert_true(effect(&rig));
	content_caches_described(rig.caches, rig.e.request, &rig.made.segments[0]);
	offers(&rig, CONTENT_SEGMENT_INFO, 0);
	assert_hex(rig.e.body.data + 38, 4, "00900100");
	assert_hex(rig.e.body.data + 50, 8, "0000000600000000");
	answered(&rig, 200, OK);
	rig_end(&rig);
}

/* ---- when -------------------------------------------------------------------------------------- */

static void a_fifth_is_new(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-482", "DIST-483");
	rig_start(&rig, CONTENT_SHA256, 10 * 65536, 1, true);
	fresh(&rig, 0, 3, 1);
	idle(&rig);
	fresh(&rig, 0, 3, 1); /* again: not new */
	idle(&rig);
	fresh(&rig, 0, 5, 1);
	offers(&rig, CONTENT_INITIAL_OFFER, 0);
	answered(&rig, 200, OK);
	fresh(&rig, 0, 6, 1);
	idle(&rig);
	fresh(&rig, 0, 7, 1);
	offers(&rig, CONTENT_INITIAL_OFFER, 0);
	answered(&rig, 200, OK);
	fresh(&rig, 0, 9, 1); /* the segment is whole: the last one would be left out otherwise */
	offers(&rig, CONTENT_INITIAL_OFFER, 0);
	answered(&rig, 200, OK);
	idle(&rig);
	rig_end(&rig);
}

static void batches(void **state)
{
	unsigned total = 0;
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-437", "DIST-489");
	rig_start(&rig, CONTENT_TRUNCATED, 1000, 1, false);
	fresh_names(&rig, 0, 300);
	for (unsigned i = 0; i < 2; i++) {
		offers(&rig, CONTENT_BATCHED_OFFER, 0);
		assert_int_equal(rig.m.count, 128);
		total += rig.m.count;
		answered(&rig, 200, OK);
	}
	idle(&rig); /* the rest waits for more */
	assert_int_equal(content_caches_deadline(rig.caches, rig.now), START + PONTO_SECOND);
	later(&rig, PONTO_SECOND - 1);
	idle(&rig);
	later(&rig, 1);
	offers(&rig, CONTENT_BATCHED_OFFER, 0);
	assert_int_equal(rig.m.count, 44);
	answered(&rig, 200, OK);
	idle(&rig);
	assert_int_equal(stats(&rig).offered, 300);
	assert_int_equal(content_caches_deadline(rig.caches, rig.now), PONTO_NEVER);
	rig_end(&rig);
}

/* Version 1.0 contents under 2.0. */
static void segments_of_version_1_in_a_batch(void **state)
{
	struct content_descriptor d;
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-447");
	rig_start(&rig, CONTENT_SHA256, 128000, 1, false);
	fresh(&rig, 0, 0, 1);
	later(&rig, PONTO_SECOND);
	offers(&rig, CONTENT_BATCHED_OFFER, 0);
	content_offer_descriptor(&rig.m, 0, &d);
	assert_int_equal(d.block_size, 65536);
	assert_int_equal(d.segment_size, 128000);
	assert_int_equal(d.algo, 1);
	answered(&rig, 200, OK);
	rig_end(&rig);
}

static void what_cannot_be_said(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-406");
	rig_start(&rig, CONTENT_TRUNCATED, 1000, 1, true);
	fresh_names(&rig, 0, 3);
	later(&rig, PONTO_SECOND);
	idle(&rig);
	assert_int_equal(stats(&rig).unofferable, 3);
	/* With one that can, it goes there. */
	rig.config.count = 2;
	rig_again(&rig);
	fresh_names(&rig, 0, 3);
	later(&rig, PONTO_SECOND);
	offers(&rig, CONTENT_BATCHED_OFFER, 1);
	answered(&rig, 200, OK);
	rig_end(&rig);
	rig_start(&rig, CONTENT_SHA384, 1000, 1, false);
	fresh(&rig, 0, 0, 1);
	later(&rig, PONTO_SECOND);
	idle(&rig);
	assert_int_equal(stats(&rig).unofferable, 1);
	rig_end(&rig);
}

/* Without somebody to retrieve from, or a cache, nothing is offered. */
static void nothing_to_offer_from(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-402", "DIST-414");
	rig_start(&rig, CONTENT_TRUNCATED, 1000, 1, false);
	rig.config.port = 0;
	rig_again(&rig);
	fresh_names(&rig, 0, 200);
	later(&rig, 60 * PONTO_SECOND);
	idle(&rig);
	content_caches_serve(rig.caches, 8080);
	fresh_names(&rig, 0, 1);
	later(&rig, PONTO_SECOND);
	offers(&rig, CONTENT_BATCHED_OFFER, 0);
	rig.config.port = 80;
	rig.config.count = 0;
	rig_again(&rig);
	fresh_names(&rig, 0, 200);
	later(&rig, 60 * PONTO_SECOND);
	idle(&rig);
	rig_end(&rig);
}

/* ---- time ------------------------------------------------------------------------------------------ */

/* The counter advances every five seconds while something is pending; a request lives for two of them, and the one in
 * which it began. */
static void requests_expire(void **state)
{
	struct content_offering *old;
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-476", "DIST-477", "DIST-479", "DIST-491");
	rig_start(&rig, CONTENT_SHA256, 300000, 1, true);
	later(&rig, 3 * PONTO_SECOND); /* nothing runs yet */
	fresh(&rig, 0, 0, 1);
	offers(&rig, CONTENT_INITIAL_OFFER, 0);
	old = rig.e.request;
	assert_int_equal(content_caches_deadline(rig.caches, rig.now), START + 8 * PONTO_SECOND);
	later(&rig, 5 * PONTO_SECOND);
	later(&rig, 5 * PONTO_SECOND);
	later(&rig, 5 * PONTO_SECOND - 1);
	idle(&rig);
	later(&rig, 1);
	assert_int_equal(stats(&rig).expired, 1);
	assert_true(effect(&rig));
	assert_int_equal(rig.e.kind, CONTENT_CACHES_CANCEL);
	assert_ptr_equal(rig.e.request, old);
	idle(&rig); /* the cache is left alone for a second, and the timer stands */
	assert_int_equal(content_caches_deadline(rig.caches, rig.now), rig.now + PONTO_SECOND);
	later(&rig, PONTO_SECOND);
	offers(&rig, CONTENT_INITIAL_OFFER, 0);
	answered(&rig, 200, OK);
	assert_int_equal(content_caches_deadline(rig.caches, rig.now), PONTO_NEVER);
	rig_end(&rig);
}

/* One sent shortly before a tick lives for little more than ten seconds. */
static void a_second_request_expires_by_the_same_clock(void **state)
{
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 300000, 1, true);
	fresh(&rig, 0, 0, 1);
	offers(&rig, CONTENT_INITIAL_OFFER, 0);
	later(&rig, 5 * PONTO_SECOND - 1);
	fresh(&rig, 0, 1, 1);
	offers(&rig, CONTENT_INITIAL_OFFER, 0);
	later(&rig, 10 * PONTO_SECOND);
	assert_int_equal(stats(&rig).expired, 0);
	later(&rig, 1);
	assert_int_equal(stats(&rig).expired, 2);
	rig_end(&rig);
}

static void late_answers(void **state)
{
	struct content_offering *old;
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-478", "DIST-486");
	rig_start(&rig, CONTENT_SHA256, 300000, 1, true);
	rig.config.tries = 1;
	rig_again(&rig);
	fresh(&rig, 0, 0, 1);
	offers(&rig, CONTENT_INITIAL_OFFER, 0);
	old = rig.e.request;
	later(&rig, 20 * PONTO_SECOND);
	rig.e.request = old;
	answered(&rig, 200, INTERESTED); /* it came before it was broken off, and counts as none */
	idle(&rig);
	assert_int_equal(stats(&rig).interested, 0);
	assert_int_equal(stats(&rig).dropped, 1);
	rig_end(&rig);
}

/* ---- what goes wrong --------------------------------------------------------------------------------- */

static void authentication(void **state)
{
	uint64_t sent;
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-416", "DIST-488");
	rig_start(&rig, CONTENT_SHA256, 300000, 1, true);
	fresh(&rig, 0, 0, 1);
	offers(&rig, CONTENT_INITIAL_OFFER, 0);
	later(&rig, 9 * PONTO_SECOND);
	answered(&rig, 401, "");
	sent = rig.now;
	offers(&rig, CONTENT_INITIAL_OFFER, 0); /* the same, with authentication, and all its time again */
	assert_true(rig.e.negotiate);
	later(&rig, 10 * PONTO_SECOND);
	assert_int_equal(stats(&rig).expired, 0);
	assert_true(rig.now >= sent + 10 * PONTO_SECOND);
	answered(&rig, 200, INTERESTED);
	assert_true(effect(&rig));
	content_caches_described(rig.caches, rig.e.request, &rig.made.segments[0]);
	offers(&rig, CONTENT_SEGMENT_INFO, 0);
	answered(&rig, 200, OK);
	assert_int_equal(stats(&rig).failed, 0);
	/* Refused again: it has failed. */
	fresh(&rig, 0, 1, 1);
	offers(&rig, CONTENT_INITIAL_OFFER, 0);
	answered(&rig, 401, "");
	offers(&rig, CONTENT_INITIAL_OFFER, 0);
	answered(&rig, 401, "");
	idle(&rig);
	assert_int_equal(stats(&rig).failed, 1);
	rig_end(&rig);
}

static void answers_that_are_none(void **state)
{
	static const struct {
		unsigned status;
		const char *body;
	} bad[] = {{200, ""}, {200, "000000010000"}, {200, "0000000102"}, {200, "0000000200"}, {404, OK}, {500, ""}};

	(void)state;
	PONTO_PROVES("DIST-490");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		struct rig rig;

		rig_start(&rig, CONTENT_SHA256, 300000, 1, true);
		fresh(&rig, 0, 0, 1);
		offers(&rig, CONTENT_INITIAL_OFFER, 0);
		answered(&rig, bad[i].status, bad[i].body);
		idle(&rig);
		assert_int_equal(stats(&rig).failed, 1);
		assert_int_equal(stats(&rig).offered, 0);
		rig_end(&rig);
	}
}

/* Only an INITIAL_OFFER is asked for more. */
static void interested_in_a_batch(void **state)
{
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_TRUNCATED, 1000, 1, false);
	fresh_names(&rig, 0, 1);
	later(&rig, PONTO_SECOND);
	offers(&rig, CONTENT_BATCHED_OFFER, 0);
	answered(&rig, 200, INTERESTED);
	idle(&rig);
	assert_int_equal(stats(&rig).failed, 1);
	rig_end(&rig);
}

/* The next one takes over, and the first is tried again after a while. */
static void failover(void **state)
{
	uint32_t cache = 9;
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_TRUNCATED, 1000, 3, false);
	assert_true(content_caches_pick(rig.caches, rig.now, &cache));
	assert_int_equal(cache, 0);
	fresh_names(&rig, 0, 5);
	later(&rig, PONTO_SECOND);
	offers(&rig, CONTENT_BATCHED_OFFER, 0);
	fails(&rig);
	later(&rig, PONTO_SECOND / 2);
	assert_true(content_caches_pick(rig.caches, rig.now, &cache));
	assert_int_equal(cache, 1);
	later(&rig, PONTO_SECOND / 2 - 1);
	content_caches_failed(rig.caches, rig.now, 1);
	assert_true(content_caches_pick(rig.caches, rig.now, &cache));
	assert_int_equal(cache, 2);
	content_caches_failed(rig.caches, rig.now, 2);
	assert_false(content_caches_pick(rig.caches, rig.now, &cache));
	idle(&rig);
	later(&rig, 1);
	assert_true(content_caches_pick(rig.caches, rig.now, &cache));
	assert_int_equal(cache, 0);
	later(&rig, PONTO_SECOND);
	offers(&rig, CONTENT_BATCHED_OFFER, 0); /* all five, once more */
	assert_int_equal(rig.m.count, 5);
	answered(&rig, 200, OK);
	assert_int_equal(stats(&rig).offered, 5);
	rig_end(&rig);
}

static void back_off(void **state)
{
	uint64_t gap = PONTO_SECOND;
	uint32_t cache;
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_TRUNCATED, 1000, 1, false);
	for (unsigned i = 0; i < 15; i++) {
		content_caches_failed(rig.caches, rig.now, 0);
		content_caches_failed(rig.caches, rig.now, 0); /* all that was under way fails at once */
		later(&rig, gap - 1);
		assert_false(content_caches_pick(rig.caches, rig.now, &cache));
		later(&rig, 1);
		assert_true(content_caches_pick(rig.caches, rig.now, &cache));
		gap = gap < 300 * PONTO_SECOND ? 2 * gap : 600 * PONTO_SECOND;
	}
	content_caches_right(rig.caches, 0);
	content_caches_failed(rig.caches, rig.now, 0);
	later(&rig, PONTO_SECOND);
	assert_true(content_caches_pick(rig.caches, rig.now, &cache));
	rig_end(&rig);
}

/* A poisoned segment is no fault of its cache; nothing but poison is. */
static void wrong_blocks(void **state)
{
	uint32_t cache;
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_TRUNCATED, 1000, 1, false);
	for (unsigned i = 0; i < 50; i++) {
		content_caches_wrong(rig.caches, rig.now, 0);
		if (i % 7 == 6)
			content_caches_right(rig.caches, 0);
	}
	assert_true(content_caches_pick(rig.caches, rig.now, &cache));
	for (unsigned i = 0; i < 7; i++)
		content_caches_wrong(rig.caches, rig.now, 0);
	assert_false(content_caches_pick(rig.caches, rig.now, &cache));
	rig_end(&rig);
}

static void an_offer_is_tried_so_often(void **state)
{
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 300000, 1, true);
	fresh(&rig, 0, 0, 1);
	for (unsigned i = 0; i < 3; i++) {
		offers(&rig, CONTENT_INITIAL_OFFER, 0);
		fails(&rig);
		later(&rig, 100 * PONTO_SECOND);
	}
	idle(&rig);
	assert_int_equal(stats(&rig).dropped, 1);
	rig_end(&rig);
}

static void bounds(void **state)
{
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_TRUNCATED, 1000, 1, false);
	rig.config.segments = 50;
	rig.config.requests = 2;
	rig_again(&rig);
	fresh_names(&rig, 0, 80);
	assert_int_equal(stats(&rig).dropped, 30);
	later(&rig, PONTO_SECOND);
	offers(&rig, CONTENT_BATCHED_OFFER, 0);
	assert_int_equal(rig.m.count, 50);
	fresh_names(&rig, 100, 10);
	later(&rig, PONTO_SECOND);
	offers(&rig, CONTENT_BATCHED_OFFER, 0);
	fresh_names(&rig, 200, 10);
	later(&rig, PONTO_SECOND);
	idle(&rig);
	answered(&rig, 200, OK);
	offers(&rig, CONTENT_BATCHED_OFFER, 0);
	answered(&rig, 200, OK);
	rig_end(&rig);
	rig_start(&rig, CONTENT_SHA256, 300000, 1, true);
	rig.config.count = CONTENT_CACHES_MAX + 1;
	assert_int_equal(content_caches_create(&rig.config, &rig.caches), PONTO_EINVAL);
	rig_end(&rig);
}

static int play(const struct ponto_alloc *alloc, void *arg)
{
	struct rig *rig = arg;
	struct content_caches *kept = rig->caches;
	struct content_caches_config config = rig->config;
	int result;

	config.alloc = alloc;
	result = content_caches_create(&config, &rig->caches);
	if (result == PONTO_OK) {
		fresh(rig, 0, 0, 1);
		if (effect(rig)) {
			answered(rig, 200, INTERESTED);
			if (effect(rig))
				content_caches_described(rig->caches, rig->e.request, &rig->made.segments[0]);
			if (effect(rig))
				answered(rig, 200, OK);
		}
		content_caches_destroy(rig->caches);
	}
	rig->caches = kept;
	return result;
}

static void refused_memory(void **state)
{
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 300000, 1, true);
	ponto_test_oom(play, &rig, true);
	content_caches_destroy(NULL);
	rig_end(&rig);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(interested),
	cmocka_unit_test(not_interested),
	cmocka_unit_test(nothing_to_describe),
	cmocka_unit_test(the_offset_of_a_range),
	cmocka_unit_test(a_fifth_is_new),
	cmocka_unit_test(batches),
	cmocka_unit_test(segments_of_version_1_in_a_batch),
	cmocka_unit_test(what_cannot_be_said),
	cmocka_unit_test(nothing_to_offer_from),
	cmocka_unit_test(requests_expire),
	cmocka_unit_test(a_second_request_expires_by_the_same_clock),
	cmocka_unit_test(late_answers),
	cmocka_unit_test(authentication),
	cmocka_unit_test(answers_that_are_none),
	cmocka_unit_test(interested_in_a_batch),
	cmocka_unit_test(failover),
	cmocka_unit_test(back_off),
	cmocka_unit_test(wrong_blocks),
	cmocka_unit_test(an_offer_is_tried_so_often),
	cmocka_unit_test(bounds),
	cmocka_unit_test(refused_memory),
};

PONTO_TEST_MAIN(tests)
