/* The hosted cache: what is answered, what is pulled of whom, and what is bounded: [MS-PCHC] 3.1. */
#include "tests/unit/content_hosted_test.h"

static void rig_again(struct rig *rig)
{
	content_hosted_destroy(rig->hosted);
	assert_ok(content_hosted_create(&rig->config, &rig->hosted));
}

/* ---- version 1.0 ------------------------------------------------------------------------ */

static void nothing_is_known(void **state)
{
	struct rig rig;
	struct content_id id;
	struct ponto_addr addr = client(1);

	(void)state;
	PONTO_PROVES("DIST-450", "DIST-451", "DIST-458", "DIST-464");
	rig_start(&rig, CONTENT_SHA256, 200000);
	id = segment_id(&rig, 0);
	assert_int_equal(initial(&rig, 1, &id), CONTENT_OFFER_INTERESTED);
	idle(&rig);
	describe(&rig, 1, 0, 0);
	pulls(&rig, CONTENT_HOSTED_DESCRIBED, 4);
	/* At the address that the offer came from, on the port that it names. */
	addr.port = 8080;
	assert_int_equal(rig.e.source_count, 1);
	assert_true(ponto_addr_equal(&rig.e.sources[0], &addr));
	assert_true(content_id_equal(&rig.e.id, &id));
	assert_false(rig.e.replace);
	idle(&rig);
	over(&rig, 1, 4);
	assert_int_equal(stats(&rig).blocks, 4);
	assert_int_equal(stats(&rig).bytes, 4000);
	assert_int_equal(stats(&rig).interested, 1);
	rig_end(&rig);
}

/* What the message says is what blocks are held against. */
static void what_is_passed_on(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-460", "DIST-463", "DIST-465", "DIST-466");
	rig_start(&rig, CONTENT_SHA384, 200000);
	describe(&rig, 1, 0, 0);
	pulls(&rig, CONTENT_HOSTED_DESCRIBED, 4);
	assert_int_equal(rig.e.sources[0].port, 8080);
	assert_int_equal(rig.e.algo, CONTENT_SHA384);
	assert_memory_equal(rig.e.segment.kp, rig.made.segments[0].kp, 48);
	assert_memory_equal(rig.e.segment.hod, rig.made.segments[0].hod, 48);
	assert_true(ponto_bytes_equal(rig.e.segment.block_hashes, rig.made.segments[0].block_hashes));
	assert_string_equal((const char *)rig.e.content_tag, "WinINet");
	assert_int_equal(stats(&rig).tags[CONTENT_TAG_WININET], 1);
	over(&rig, 1, 4);
	rig_end(&rig);
}

static void hashes_are_known(void **state)
{
	struct rig rig;
	struct content_id id;

	(void)state;
	PONTO_PROVES("DIST-457", "DIST-459", "DIST-461");
	rig_start(&rig, CONTENT_SHA256, 200000);
	id = segment_id(&rig, 0);
	hold(&rig, &id, true, CONTENT_SHA256, 200000, 4, 1);
	assert_int_equal(initial(&rig, 2, &id), CONTENT_OFFER_OK);
	pulls(&rig, CONTENT_HOSTED_STORED, 3);
	assert_int_equal(rig.e.sources[0].ip[3], 2);
	over(&rig, 2, 3);
	/* And all the data: OK, and nothing more. */
	hold(&rig, &id, true, CONTENT_SHA256, 200000, 4, 4);
	assert_int_equal(initial(&rig, 2, &id), CONTENT_OFFER_OK);
	idle(&rig);
	assert_int_equal(stats(&rig).held, 1);
	/* Some hashes are not all of them, and relayed blocks have none. */
	hold(&rig, &id, true, CONTENT_SHA256, 200000, 3, 1);
	assert_int_equal(initial(&rig, 2, &id), CONTENT_OFFER_INTERESTED);
	hold(&rig, &id, false, CONTENT_SHA256, 200000, 0, 4);
	assert_int_equal(initial(&rig, 2, &id), CONTENT_OFFER_INTERESTED);
	idle(&rig);
	rig_end(&rig);
}

/* They are also known while the first who told them is asked: others are asked, too. */
static void others_join(void **state)
{
	struct rig rig;
	struct content_id id;
	uint64_t tag;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 200000);
	id = segment_id(&rig, 0);
	describe(&rig, 1, 0, 0);
	assert_int_equal(initial(&rig, 2, &id), CONTENT_OFFER_OK);
	pulls(&rig, CONTENT_HOSTED_DESCRIBED, 4);
	tag = rig.e.tag;
	assert_int_equal(rig.e.source_count, 2);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(initial(&rig, 3, &id), CONTENT_OFFER_OK);
		describe(&rig, 3, 0, 0);
		describe(&rig, 4 + i, 0, 0);
	}
	for (unsigned i = 0; i < 2; i++) {
		assert_true(content_hosted_effect(rig.hosted, rig.now, &rig.e));
		assert_int_equal(rig.e.kind, CONTENT_HOSTED_JOIN);
		assert_int_equal(rig.e.tag, tag);
		assert_int_equal(rig.e.sources[0].ip[3], 3 + i);
	}
	idle(&rig); /* four are enough */
	hold(&rig, &id, true, CONTENT_SHA256, 200000, 4, 4);
	over(&rig, 1, 4);
	idle(&rig);
	rig_end(&rig);
}

/* Who offers more of a segment while he is asked for it is asked again. */
static void more_of_it_meanwhile(void **state)
{
	struct content_descriptor d;
	struct content_id id;
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 200000);
	id = segment_id(&rig, 0);
	describe(&rig, 1, 0, 0);
	pulls(&rig, CONTENT_HOSTED_DESCRIBED, 4);
	hold(&rig, &id, true, CONTENT_SHA256, 200000, 4, 1);
	assert_int_equal(initial(&rig, 1, &id), CONTENT_OFFER_OK);
	idle(&rig);
	over(&rig, 1, 1);
	pulls(&rig, CONTENT_HOSTED_DESCRIBED, 3);
	over(&rig, 1, 1);
	idle(&rig);
	/* Relayed as well. */
	hold(&rig, &id, false, CONTENT_SHA256, 200000, 0, 1);
	d = descriptor(CONTENT_SHA256, 200000, &id);
	batch(&rig, 1, &d, 1);
	pulls(&rig, CONTENT_HOSTED_RELAYED, 3);
	batch(&rig, 1, &d, 1);
	hold(&rig, &id, false, CONTENT_SHA256, 200000, 0, 2);
	over(&rig, 1, 1);
	pulls(&rig, CONTENT_HOSTED_RELAYED, 2);
	/* Not when nothing came. */
	batch(&rig, 1, &d, 1);
	over(&rig, 1, 0);
	idle(&rig);
	rig_end(&rig);
}

/* The store held some of it, which was not known when it was decided to fetch it. */
static void less_than_was_thought(void **state)
{
	struct content_id id, small = other_id(1);
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 4 * CONTENT_BLOCK);
	id = segment_id(&rig, 0);
	describe(&rig, 1, 0, 0);
	pulls(&rig, CONTENT_HOSTED_DESCRIBED, 4);
	hold(&rig, &id, true, CONTENT_SHA256, 4 * CONTENT_BLOCK, 4, 1);
	assert_true(content_hosted_again(rig.hosted, rig.now, &rig.e));
	assert_int_equal(rig.e.mode, CONTENT_HOSTED_DESCRIBED);
	assert_int_equal(content_blocks_count(&rig.e.blocks), 3);
	assert_false(content_blocks_has(&rig.e.blocks, 0));
	over(&rig, 1, 3);
	batch_one(&rig, 1, &small, 5000);
	pulls(&rig, CONTENT_HOSTED_RELAYED, 1);
	hold(&rig, &small, false, CONTENT_TRUNCATED, 5000, 0, 1);
	assert_false(content_hosted_again(rig.hosted, rig.now, &rig.e));
	content_hosted_ended(rig.hosted, rig.now, rig.e.tag, PONTO_EEXIST);
	assert_false(content_hosted_again(rig.hosted, rig.now, &rig.e)); /* it is over */
	assert_int_equal(stats(&rig).held, 1);
	assert_int_equal(stats(&rig).failed, 0);
	assert_int_equal(stats(&rig).active, 0);
	rig_end(&rig);
}

/* What need not be brought, for the store has it, is not counted to him who offered it. */
static void what_was_held_is_not_rationed(void **state)
{
	struct content_id id, other = other_id(1);
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 4 * CONTENT_BLOCK);
	rig.config.bytes_per_client = 4 * CONTENT_BLOCK;
	rig_again(&rig);
	id = segment_id(&rig, 0);
	describe(&rig, 1, 0, 0);
	pulls(&rig, CONTENT_HOSTED_DESCRIBED, 4);
	hold(&rig, &id, true, CONTENT_SHA256, 4 * CONTENT_BLOCK, 4, 1);
	assert_true(content_hosted_again(rig.hosted, rig.now, &rig.e));
	over(&rig, 1, 3);
	batch_one(&rig, 1, &other, CONTENT_BLOCK + 1); /* more than that one block */
	assert_int_equal(stats(&rig).rationed, 1);
	batch_one(&rig, 1, &other, CONTENT_BLOCK);
	pulls(&rig, CONTENT_HOSTED_RELAYED, 1);
	hold(&rig, &other, false, CONTENT_TRUNCATED, CONTENT_BLOCK, 0, 1);
	assert_false(content_hosted_again(rig.hosted, rig.now, &rig.e));
	content_hosted_ended(rig.hosted, rig.now, rig.e.tag, PONTO_EEXIST);
	other = other_id(2);
	batch_one(&rig, 1, &other, CONTENT_BLOCK);
	pulls(&rig, CONTENT_HOSTED_RELAYED, 1);
	assert_int_equal(stats(&rig).rationed, 1);
	rig_end(&rig);
}

/* A list that is not whole cannot be held against the HoD: what comes is relayed, and believed by nobody. */
static void lists_that_are_not_whole(void **state)
{
	struct rig rig;
	struct content_id id;

	(void)state;
	PONTO_PROVES("DIST-453");
	rig_start(&rig, CONTENT_SHA256, 200000);
	id = segment_id(&rig, 0);
	describe(&rig, 1, 0, 3);
	pulls(&rig, CONTENT_HOSTED_RELAYED, 4);
	over(&rig, 1, 4);
	hold(&rig, &id, false, CONTENT_SHA256, 200000, 0, 4);
	/* The whole list comes: all of it is fetched again, and verified. */
	describe(&rig, 2, 0, 0);
	pulls(&rig, CONTENT_HOSTED_DESCRIBED, 4);
	over(&rig, 2, 4);
	/* Nothing less is taken then. */
	hold(&rig, &id, true, CONTENT_SHA256, 200000, 4, 3);
	describe(&rig, 3, 0, 2);
	pulls(&rig, CONTENT_HOSTED_STORED, 1);
	over(&rig, 3, 1);
	rig_end(&rig);
}

/* ---- version 2.0 ------------------------------------------------------------------------- */

static void a_batch(void **state)
{
	struct content_descriptor d[3];
	struct content_id ids[3];
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-452", "DIST-467", "DIST-468", "DIST-470");
	rig_start(&rig, CONTENT_TRUNCATED, 1000);
	for (unsigned i = 0; i < 3; i++) {
		ids[i] = other_id(i);
		d[i] = descriptor(CONTENT_TRUNCATED, 50000 + i, &ids[i]);
	}
	hold(&rig, &ids[1], false, CONTENT_TRUNCATED, 50001, 0, 1);
	batch(&rig, 1, d, 3);
	for (unsigned i = 0; i < 3; i += 2) {
		pulls(&rig, CONTENT_HOSTED_RELAYED, 1);
		assert_true(content_id_equal(&rig.e.id, &ids[i]));
		assert_int_equal(rig.e.size, 50000 + i);
		assert_int_equal(rig.e.sources[0].port, 8080);
		assert_int_equal(rig.e.sources[0].ip[3], 1);
		over(&rig, 1, 1);
	}
	idle(&rig);
	assert_int_equal(stats(&rig).held, 1);
	assert_int_equal(stats(&rig).segments, 3);
	assert_int_equal(stats(&rig).tags[CONTENT_TAG_BITS], 3);
	rig_end(&rig);
}

/* Version 1.0 content under 2.0: by its hashes when they are known, else relayed; SHA-256 alone can be said. */
static void version_1_segments_in_a_batch(void **state)
{
	struct content_descriptor d;
	struct content_id id;
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 200000);
	id = segment_id(&rig, 0);
	d = descriptor(CONTENT_SHA256, 200000, &id);
	batch(&rig, 1, &d, 1);
	pulls(&rig, CONTENT_HOSTED_RELAYED, 4);
	over(&rig, 1, 4);
	hold(&rig, &id, true, CONTENT_SHA256, 200000, 4, 2);
	batch(&rig, 1, &d, 1);
	pulls(&rig, CONTENT_HOSTED_STORED, 2);
	over(&rig, 1, 2);
	/* Without its hashes it stays as it is. */
	hold(&rig, &id, true, CONTENT_SHA256, 200000, 2, 2);
	batch(&rig, 1, &d, 1);
	idle(&rig);
	/* Another size than what was verified. */
	hold(&rig, &id, true, CONTENT_SHA256, 199999, 4, 2);
	batch(&rig, 1, &d, 1);
	idle(&rig);
	rig_end(&rig);
}

static void what_cannot_be_is_answered(void **state)
{
	uint8_t buf[CONTENT_OFFER_MAX], tag[CONTENT_TAG] = {9};
	struct content_id id = other_id(0);
	struct content_descriptor d = descriptor(CONTENT_TRUNCATED, 50000, &id);
	struct rig rig;
	struct content_segment s;
	size_t len;

	(void)state;
	PONTO_PROVES("DIST-435", "DIST-445", "DIST-475");
	rig_start(&rig, CONTENT_SHA256, 200000);
	memcpy(d.tag, tag, CONTENT_TAG);
	d.algo = 0xfe;
	batch(&rig, 1, &d, 1);
	d.algo = 4;
	d.segment_size = 131073;
	batch(&rig, 1, &d, 1);
	s = rig.made.segments[0];
	s.hod[0] ^= 1;
	assert_ok(content_offer_segment(80, tag, CONTENT_SHA256, &s, 0, buf, sizeof(buf), &len));
	assert_int_equal(offered(&rig, 1, 1, buf, len), CONTENT_OFFER_OK);
	idle(&rig);
	assert_int_equal(stats(&rig).unsound, 3);
	assert_int_equal(stats(&rig).tags[CONTENT_TAG_OTHER], 3);
	rig_end(&rig);
}

static void anything_else_is_dropped(void **state)
{
	static const uint8_t junk[] = {0, 2, 0, 3, 1, 2, 3, 4, 5, 6, 7};
	struct ponto_addr addr = client(1);
	enum content_offer_code code = CONTENT_OFFER_INTERESTED;
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-472");
	rig_start(&rig, CONTENT_SHA256, 1000);
	for (size_t len = 0; len <= sizeof(junk); len++) {
		for (unsigned version = 1; version <= 2; version++)
			assert_int_equal(content_hosted_offer(rig.hosted, rig.now, &addr, version,
							      ponto_bytes(junk, len), &code),
					 PONTO_EPROTO);
	}
	assert_int_equal(code, CONTENT_OFFER_INTERESTED);
	assert_int_equal(stats(&rig).malformed, 2 * (sizeof(junk) + 1));
	idle(&rig);
	rig_end(&rig);
}

static void known_tags(void **state)
{
	static const char *const tags[] = {"57696e494e6574000000000000000000", "576562494f0000000000000000000000",
					   "424954532d342e300000000000000000", "35db045d14234553a0510dc2e15e6c4c",
					   "00000000000000000000000000000000"};
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-473");
	rig_start(&rig, CONTENT_SHA256, 1000);
	for (unsigned i = 0; i < PONTO_ARRAY_SIZE(tags); i++) {
		struct content_id id = other_id(i);
		struct content_descriptor d = descriptor(CONTENT_TRUNCATED, 50000, &id);
		struct blob tag = blob_hex(tags[i]);

		memcpy(d.tag, tag.data, CONTENT_TAG);
		batch(&rig, 1, &d, 1);
		for (unsigned k = 0; k < CONTENT_TAGS; k++)
			assert_int_equal(stats(&rig).tags[k], k <= i);
		free(tag.data);
	}
	rig_end(&rig);
}

/* ---- bounds --------------------------------------------------------------------------------- */

static void so_many_at_once(void **state)
{
	uint64_t tags[6];
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 1000);
	rig.config.pulls = 6;
	rig.config.pulls_per_client = 4;
	rig_again(&rig);
	offer_many(&rig, 1, 0, 100);
	offer_many(&rig, 2, 100, 100);
	for (unsigned i = 0; i < 6; i++) {
		pulls(&rig, CONTENT_HOSTED_RELAYED, 1);
		assert_int_equal(rig.e.sources[0].ip[3], i < 4 ? 1 : 2); /* whoever is slow does not hold up others */
		tags[i] = rig.e.tag;
	}
	idle(&rig);
	assert_int_equal(stats(&rig).active, 6);
	assert_int_equal(stats(&rig).waiting, 194);
	content_hosted_ended(rig.hosted, rig.now, tags[0], PONTO_ECLOSED);
	pulls(&rig, CONTENT_HOSTED_RELAYED, 1);
	assert_int_equal(rig.e.sources[0].ip[3], 1);
	idle(&rig);
	rig_end(&rig);
}

static void quotas(void **state)
{
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 1000);
	rig.config.pulls = 1;
	rig.config.waiting = 50;
	rig.config.waiting_per_client = 20;
	rig_again(&rig);
	offer_many(&rig, 1, 0, 30);
	assert_int_equal(stats(&rig).waiting, 20);
	assert_int_equal(stats(&rig).refused, 10);
	offer_many(&rig, 1, 0, 20); /* again: they wait already */
	assert_int_equal(stats(&rig).refused, 10);
	offer_many(&rig, 2, 100, 20);
	offer_many(&rig, 3, 200, 20);
	assert_int_equal(stats(&rig).waiting, 50);
	assert_int_equal(stats(&rig).refused, 20);
	rig_end(&rig);
}

static void bytes_an_hour(void **state)
{
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 1000);
	rig.config.bytes_per_client = 500000;
	rig_again(&rig);
	offer_many(&rig, 1, 0, 15);
	assert_int_equal(stats(&rig).waiting, 10);
	assert_int_equal(stats(&rig).rationed, 5);
	offer_many(&rig, 2, 100, 5);
	assert_int_equal(stats(&rig).waiting, 15);
	rig.now += 1800 * PONTO_SECOND;
	offer_many(&rig, 1, 200, 10);
	assert_int_equal(stats(&rig).waiting, 20);
	/* However long he is silent, it is no more than for an hour. */
	rig.now += 100 * 3600 * PONTO_SECOND;
	offer_many(&rig, 1, 300, 20);
	assert_int_equal(stats(&rig).waiting, 30);
	rig_end(&rig);
}

/* What the cache may keep, and so a share of it, is known only some time after the start. */
static void bytes_that_are_told_later(void **state)
{
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 1000);
	offer_many(&rig, 1, 0, 15);
	assert_int_equal(stats(&rig).waiting, 15);
	content_hosted_ration(rig.hosted, 500000);
	offer_many(&rig, 1, 100, 15); /* nothing was counted before */
	assert_int_equal(stats(&rig).waiting, 25);
	offer_many(&rig, 2, 200, 1);
	content_hosted_ration(rig.hosted, 100000); /* less than he has left */
	offer_many(&rig, 2, 300, 15);
	assert_int_equal(stats(&rig).waiting, 28);
	rig.now += 100 * 3600 * PONTO_SECOND;
	offer_many(&rig, 2, 400, 15);
	assert_int_equal(stats(&rig).waiting, 30);
	rig_end(&rig);
}

static void hosts_are_bounded(void **state)
{
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 1000);
	rig.config.clients = 10;
	rig_again(&rig);
	for (unsigned i = 0; i < 20; i++)
		offer_many(&rig, i, i, 1);
	assert_int_equal(stats(&rig).waiting, 10);
	assert_int_equal(stats(&rig).refused, 10);
	while (content_hosted_effect(rig.hosted, rig.now, &rig.e))
		over(&rig, 0, 1);
	/* Those that want nothing any more make room. */
	for (unsigned i = 100; i < 110; i++)
		offer_many(&rig, i, i, 1);
	assert_int_equal(stats(&rig).waiting, 10);
	rig_end(&rig);
}

/* Many who are left alone do not keep others from being heard: who is to be left alone for the shortest time is forgotten. */
static void who_is_left_alone_makes_room(void **state)
{
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 1000);
	rig.config.clients = 10;
	rig_again(&rig);
	for (unsigned i = 0; i < 10; i++) {
		offer_many(&rig, i, 10 * i, 3);
		for (unsigned k = 0; k < 3; k++) {
			pulls(&rig, CONTENT_HOSTED_RELAYED, 1);
			over(&rig, i, 0);
		}
		rig.now += PONTO_SECOND;
	}
	offer_many(&rig, 100, 1000, 1);
	assert_int_equal(stats(&rig).refused, 0);
	pulls(&rig, CONTENT_HOSTED_RELAYED, 1);
	assert_int_equal(rig.e.sources[0].ip[3], 100);
	offer_many(&rig, 1, 500, 1);
	assert_int_equal(stats(&rig).ignored, 1);
	/* Who has something under way stays, and so does everybody when all have. */
	offer_many(&rig, 0, 600, 1);
	assert_int_equal(stats(&rig).ignored, 1);
	assert_int_equal(stats(&rig).waiting, 1);
	over(&rig, 100, 1);
	rig_end(&rig);
}

static void lists_are_bounded(void **state)
{
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 200000);
	rig.config.lists = 100;
	rig_again(&rig);
	describe(&rig, 1, 0, 0);
	idle(&rig);
	assert_int_equal(stats(&rig).refused, 1);
	rig.config.lists = 128;
	rig_again(&rig);
	describe(&rig, 1, 0, 0);
	pulls(&rig, CONTENT_HOSTED_DESCRIBED, 4);
	rig_end(&rig);
}

/* ---- memory -------------------------------------------------------------------------------------- */

static int play(const struct ponto_alloc *alloc, void *arg)
{
	struct rig *rig = arg;
	struct content_hosted_config config = rig->config;
	struct content_id id = other_id(1);
	struct content_hosted *mine, *kept = rig->hosted;
	int result;

	config.alloc = alloc;
	result = content_hosted_create(&config, &mine);
	if (result != PONTO_OK)
		return result;
	rig->hosted = mine;
	describe(rig, 1, 0, 0);
	batch_one(rig, 2, &id, 5000);
	served(rig, &id, 3);
	while (content_hosted_effect(mine, rig->now, &rig->e))
		over(rig, 1, 1);
	rig->hosted = kept;
	content_hosted_destroy(mine);
	return PONTO_OK;
}

/* Without memory an offer is answered, and comes to nothing. */
static void refused_memory(void **state)
{
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 200000);
	ponto_test_oom(play, &rig, true);
	rig_end(&rig);
}

static void settings(void **state)
{
	struct content_hosted_config config = content_hosted_defaults(&ponto_alloc_system, 1);
	struct content_hosted *hosted;

	(void)state;
	assert_int_equal(content_hosted_create(&config, &hosted), PONTO_EINVAL);
	config.look = look;
	config.pulls = 0;
	assert_int_equal(content_hosted_create(&config, &hosted), PONTO_EINVAL);
	content_hosted_destroy(NULL);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(nothing_is_known),
	cmocka_unit_test(what_is_passed_on),
	cmocka_unit_test(hashes_are_known),
	cmocka_unit_test(others_join),
	cmocka_unit_test(more_of_it_meanwhile),
	cmocka_unit_test(less_than_was_thought),
	cmocka_unit_test(what_was_held_is_not_rationed),
	cmocka_unit_test(lists_that_are_not_whole),
	cmocka_unit_test(a_batch),
	cmocka_unit_test(version_1_segments_in_a_batch),
	cmocka_unit_test(what_cannot_be_is_answered),
	cmocka_unit_test(anything_else_is_dropped),
	cmocka_unit_test(known_tags),
	cmocka_unit_test(so_many_at_once),
	cmocka_unit_test(quotas),
	cmocka_unit_test(bytes_an_hour),
	cmocka_unit_test(bytes_that_are_told_later),
	cmocka_unit_test(hosts_are_bounded),
	cmocka_unit_test(who_is_left_alone_makes_room),
	cmocka_unit_test(lists_are_bounded),
	cmocka_unit_test(refused_memory),
	cmocka_unit_test(settings),
};

PONTO_TEST_MAIN(tests)
