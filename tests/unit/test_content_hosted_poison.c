/* Who offers and does not serve, or serves what is wrong: [MS-PCHC] 3 and docs/distribution.md. */
#include "tests/unit/content_hosted_test.h"

/* Is asked for one block that is relayed, and gives so many. */
static void asked(struct rig *rig, unsigned from, unsigned blocks)
{
	pulls(rig, CONTENT_HOSTED_RELAYED, 1);
	over(rig, from, blocks);
}

/* Got it from here, and offers it. */
static void doubt(struct rig *rig, unsigned from, const struct content_id *id)
{
	served(rig, id, from);
	batch_one(rig, from, id, 50000);
}

/* ---- bounds --------------------------------------------------------------------------------- */

/* Who offers and does not serve: for half a minute, then for a minute, up to an hour. */
static void who_does_not_serve(void **state)
{
	uint64_t gap = 30 * PONTO_SECOND;
	struct rig rig;
	unsigned next = 0;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 1000);
	for (unsigned round = 0; round < 10; round++) {
		offer_many(&rig, 1, next, 10);
		next += 10;
		for (unsigned i = 0; i < 3; i++)
			asked(&rig, 1, 0);
		idle(&rig); /* the others are worth nothing */
		assert_int_equal(stats(&rig).waiting, 0);
		rig.now += gap - 1;
		offer_many(&rig, 1, next, 5);
		idle(&rig);
		assert_int_equal(stats(&rig).ignored, 5 * (round + 1));
		rig.now += 1;
		if (gap < 3600 * PONTO_SECOND)
			gap *= 2;
	}
	assert_int_equal(stats(&rig).failed, 30);
	/* Others are not held up. */
	offer_many(&rig, 1, next, 1);
	offer_many(&rig, 2, next + 1, 1);
	pulls(&rig, CONTENT_HOSTED_RELAYED, 1);
	asked(&rig, 2, 1);
	assert_int_equal(rig.e.sources[0].ip[3], 2);
	rig_end(&rig);
}

/* What could not be tried is nobody's fault; a block in between is forgiven. */
static void what_is_no_fault(void **state)
{
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 1000);
	offer_many(&rig, 1, 0, 20);
	for (unsigned i = 0; i < 10; i++) {
		asked(&rig, 1, i % 3 == 2);
	}
	for (unsigned i = 0; i < 5; i++) {
		pulls(&rig, CONTENT_HOSTED_RELAYED, 1);
		content_hosted_ended(rig.hosted, rig.now, rig.e.tag, PONTO_ENOMEM);
	}
	assert_int_equal(stats(&rig).waiting, 5);
	rig_end(&rig);
}

static void wrong_blocks(void **state)
{
	struct ponto_addr liar = client(1);
	struct content_id id;
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 200000);
	id = segment_id(&rig, 0);
	describe(&rig, 1, 0, 0);
	offer_many(&rig, 1, 0, 5);
	pulls(&rig, CONTENT_HOSTED_DESCRIBED, 4);
	content_hosted_wrong(rig.hosted, rig.now, &liar);
	over(&rig, 1, 0);
	idle(&rig);
	assert_int_equal(stats(&rig).wrong, 1);
	offer_many(&rig, 1, 10, 5);
	assert_int_equal(initial(&rig, 1, &id), CONTENT_OFFER_INTERESTED);
	describe(&rig, 1, 0, 0);
	idle(&rig);
	rig.now += 601 * PONTO_SECOND;
	describe(&rig, 1, 0, 0);
	pulls(&rig, CONTENT_HOSTED_DESCRIBED, 4);
	rig_end(&rig);
}

/* Offers a segment of which nothing is held, is asked for it, and serves. */
static void brings(struct rig *rig, unsigned from, const struct content_id *id, uint32_t size)
{
	batch_one(rig, from, id, size);
	asked(rig, from, 1);
	hold(rig, id, false, CONTENT_TRUNCATED, size, 0, 1);
}

/* ---- poison ------------------------------------------------------------------------------------ */

static void relayed_data_is_doubted_by_who_got_it(void **state)
{
	struct content_id id = other_id(1);
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 1000);
	brings(&rig, 1, &id, 50000);
	/* Others who have it from the content server say nothing against it. */
	batch_one(&rig, 2, &id, 50000);
	idle(&rig);
	/* Nor does who brought it. */
	doubt(&rig, 1, &id);
	idle(&rig);
	/* Who got it from here and offers it does. */
	doubt(&rig, 3, &id);
	asked(&rig, 3, 1);
	assert_true(rig.e.replace);
	assert_int_equal(rig.e.sources[0].ip[3], 3);
	assert_int_equal(stats(&rig).replaced, 1);
	/* Once: who put it there, and who replaced it, are heard no more. */
	for (unsigned i = 1; i <= 3; i += 2) {
		doubt(&rig, i, &id);
		idle(&rig);
	}
	rig_end(&rig);
}

/* Somebody with many addresses: the first few times at once, then ever more rarely. */
static void ever_more_rarely(void **state)
{
	struct content_id id = other_id(1);
	uint64_t gap = CONTENT_TRUST_INTERVAL;
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 1000);
	hold(&rig, &id, false, CONTENT_TRUNCATED, 50000, 0, 1);
	for (unsigned i = 0; i < CONTENT_TRUST_FREELY + 12; i++) {
		doubt(&rig, 10 + i, &id);
		if (i >= CONTENT_TRUST_FREELY) {
			idle(&rig);
			rig.now += gap - 1;
			batch_one(&rig, 10 + i, &id, 50000);
			idle(&rig);
			rig.now++;
			gap *= i < CONTENT_TRUST_FREELY + 6 ? 2 : 1;
			batch_one(&rig, 10 + i, &id, 50000);
		}
		asked(&rig, 10 + i, 1);
		assert_true(rig.e.replace);
	}
	rig_end(&rig);
}

/* A first offer of another size: one of the two is wrong, and everybody is heard once. */
static void contradictions(void **state)
{
	struct content_id id = other_id(1);
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 1000);
	brings(&rig, 1, &id, 7);
	batch_one(&rig, 2, &id, 50000);
	asked(&rig, 2, 1);
	assert_true(rig.e.replace);
	assert_int_equal(rig.e.size, 50000);
	hold(&rig, &id, false, CONTENT_TRUNCATED, 50000, 0, 1);
	batch_one(&rig, 1, &id, 7);
	idle(&rig);
	rig_end(&rig);
}

/* What was verified gives way to nobody. */
static void verified_data_stays(void **state)
{
	struct content_descriptor d;
	struct content_id id;
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 200000);
	id = segment_id(&rig, 0);
	hold(&rig, &id, true, CONTENT_SHA256, 200000, 4, 4);
	served(&rig, &id, 2);
	d = descriptor(CONTENT_SHA256, 200000, &id);
	batch(&rig, 2, &d, 1);
	d = descriptor(CONTENT_SHA256, 100, &id);
	batch(&rig, 2, &d, 1);
	d = descriptor(CONTENT_TRUNCATED, 100, &id);
	batch(&rig, 2, &d, 1);
	describe(&rig, 2, 0, 0);
	idle(&rig);
	assert_int_equal(stats(&rig).held, 4);
	rig_end(&rig);
}

/* One who offers first and never serves holds up nobody who has it. */
static void a_first_who_does_not_serve(void **state)
{
	struct content_id id = other_id(1);
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 1000);
	batch_one(&rig, 1, &id, 50000);
	pulls(&rig, CONTENT_HOSTED_RELAYED, 1);
	batch_one(&rig, 2, &id, 50000);
	assert_true(content_hosted_effect(rig.hosted, rig.now, &rig.e));
	assert_int_equal(rig.e.kind, CONTENT_HOSTED_JOIN);
	assert_int_equal(rig.e.sources[0].ip[3], 2);
	over(&rig, 2, 1);
	assert_int_equal(stats(&rig).failed, 0);
	rig_end(&rig);
}

/* Whom many contradict, of whatever segments, is left alone; a few do nobody harm. */
static void whom_many_contradict(void **state)
{
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 1000);
	for (unsigned i = 0; i < 10; i++) {
		struct content_id id = other_id(i);

		brings(&rig, i < 5 ? 1 : 2, &id, 50000);
	}
	/* Four against the second one, as often as they like; six against the first. */
	for (unsigned i = 0; i < 10; i++) {
		for (unsigned k = 0; k < (i < 5 ? 6u : 4u); k++) {
			struct content_id id = other_id(i);

			if (k != i % 6)
				continue;
			doubt(&rig, 20 + k, &id);
			assert_true(content_hosted_effect(rig.hosted, rig.now, &rig.e));
			over(&rig, 20 + k, 0);
		}
	}
	assert_int_equal(stats(&rig).distrusted, 0);
	{
		struct content_id id = other_id(11);

		brings(&rig, 1, &id, 50000);
		doubt(&rig, 30, &id);
		asked(&rig, 30, 1);
	}
	assert_int_equal(stats(&rig).distrusted, 1);
	offer_many(&rig, 1, 500, 3);
	idle(&rig);
	assert_int_equal(stats(&rig).ignored, 3);
	offer_many(&rig, 2, 600, 1);
	asked(&rig, 2, 1);
	rig.now += 3601 * PONTO_SECOND;
	offer_many(&rig, 1, 500, 3);
	pulls(&rig, CONTENT_HOSTED_RELAYED, 1);
	rig_end(&rig);
}

/* Who got of a segment before it was whole may have had the rest from elsewhere. */
static void who_came_early(void **state)
{
	struct content_id id = other_id(1);
	struct ponto_addr early = client(5), late = client(6);
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 1000);
	hold(&rig, &id, false, CONTENT_TRUNCATED, 50000, 0, 1);
	content_hosted_served(rig.hosted, &id, &early, false);
	content_hosted_served(rig.hosted, &id, &early, true);
	content_hosted_served(rig.hosted, &id, &late, true);
	batch_one(&rig, 5, &id, 50000);
	idle(&rig);
	batch_one(&rig, 6, &id, 50000);
	asked(&rig, 6, 1);
	rig_end(&rig);
}

/* What is remembered of segments is bounded; of the oldest it is forgotten that it was doubted. */
static void trust_is_bounded(void **state)
{
	struct ponto_test_alloc alloc;
	struct content_trust *trust;
	struct ponto_addr a = client(1), got;

	(void)state;
	ponto_test_alloc_init(&alloc);
	assert_ok(content_trust_create(&alloc.alloc, 5, 10, &trust));
	for (unsigned i = 0; i < 100; i++) {
		struct content_id id = other_id(i);

		content_trust_served(trust, &id, &a, true);
	}
	assert_true(alloc.live <= 21); /* the list of who got of it is one of its own */
	for (unsigned i = 0; i < 100; i++) {
		struct content_id id = other_id(i);

		assert_int_equal(content_trust_claims(trust, &id, &a, false), i >= 90);
		assert_false(content_trust_supplier(trust, &id, &got));
	}
	content_trust_destroy(trust);
	content_trust_destroy(NULL);
	assert_int_equal(alloc.live, 0);
}

static void *asked_alloc(void *ctx, size_t size)
{
	*(size_t *)ctx += size;
	return malloc(size);
}

static void *asked_resize(void *ctx, void *block, size_t size)
{
	*(size_t *)ctx += size;
	return realloc(block, size);
}

static void asked_release(void *ctx, void *block)
{
	(void)ctx;
	free(block);
}

/* Thousands of segments are remembered, and of most there are one who offered and one who got: they have no room for 48. */
static void trust_is_small(void **state)
{
	size_t asked = 0;
	struct ponto_alloc alloc = {asked_alloc, asked_resize, asked_release, &asked};
	struct content_trust *trust;
	struct ponto_addr a = client(1), b = client(2), got;

	(void)state;
	assert_ok(content_trust_create(&alloc, 5, 1000, &trust));
	asked = 0;
	for (unsigned i = 0; i < 1000; i++) {
		struct content_id id = other_id(i);

		content_trust_supplied(trust, &id, &a);
		content_trust_served(trust, &id, &b, true);
		assert_true(content_trust_supplier(trust, &id, &got));
	}
	assert_true(asked <= 1000 * 320);
	content_trust_destroy(trust);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(who_does_not_serve),
	cmocka_unit_test(what_is_no_fault),
	cmocka_unit_test(wrong_blocks),
	cmocka_unit_test(relayed_data_is_doubted_by_who_got_it),
	cmocka_unit_test(ever_more_rarely),
	cmocka_unit_test(contradictions),
	cmocka_unit_test(verified_data_stays),
	cmocka_unit_test(a_first_who_does_not_serve),
	cmocka_unit_test(whom_many_contradict),
	cmocka_unit_test(who_came_early),
	cmocka_unit_test(trust_is_bounded),
	cmocka_unit_test(trust_is_small),
};

PONTO_TEST_MAIN(tests)
