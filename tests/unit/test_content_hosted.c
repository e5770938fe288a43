/* The hosted cache: what is answered, what is pulled of whom, and what is bounded: [MS-PCHC] 3.1. */
#include "engines/content/content_hosted.h"
#include "engines/content/content_trust.h"
#include "tests/unit/content_test.h"

#define START (1000 * PONTO_SECOND)
#define HELD_MAX 64

struct held {
	struct content_id id;
	struct content_hosted_known known;
};

struct rig {
	struct ponto_test_alloc alloc;
	struct content_hosted_config config;
	struct content_hosted *hosted;
	uint64_t now;
	struct held held[HELD_MAX];
	unsigned held_count;
	struct content_hosted_effect e;
	struct blob data;
	struct content_made made;
};

static bool look(void *arg, const struct content_id *id, struct content_hosted_known *out)
{
	struct rig *rig = arg;

	for (unsigned i = 0; i < rig->held_count; i++) {
		if (content_id_equal(&rig->held[i].id, id)) {
			*out = rig->held[i].known;
			return true;
		}
	}
	return false;
}

static void rig_start(struct rig *rig, enum content_algo algo, size_t size)
{
	memset(rig, 0, sizeof(*rig));
	ponto_test_alloc_init(&rig->alloc);
	rig->now = START;
	rig->config = content_hosted_defaults(&rig->alloc.alloc, 17);
	rig->config.look = look;
	rig->config.arg = rig;
	rig->data = pattern(size);
	rig->made = content_make(algo, bytes_of(&rig->data), NULL);
	assert_ok(content_hosted_create(&rig->config, &rig->hosted));
}

static void rig_again(struct rig *rig)
{
	content_hosted_destroy(rig->hosted);
	assert_ok(content_hosted_create(&rig->config, &rig->hosted));
}

static void rig_end(struct rig *rig)
{
	content_hosted_destroy(rig->hosted);
	assert_int_equal(rig->alloc.live, 0);
	content_made_free(&rig->made);
	free(rig->data.data);
}

static struct ponto_addr client(unsigned i)
{
	struct ponto_addr addr = {{10, 0, (uint8_t)(i >> 8), (uint8_t)i}, 0, 50000, PONTO_FAMILY_IPV4, 0};

	return addr;
}

static struct content_id segment_id(const struct rig *rig, size_t i)
{
	struct content_id id;

	content_segment_id(rig->made.algo, rig->made.segments[i].kp, rig->made.segments[i].hod, &id);
	return id;
}

static struct content_id other_id(unsigned i)
{
	struct content_id id = {.len = 32};

	memset(id.b, 0x11, 32);
	id.b[0] = (uint8_t)i;
	id.b[1] = (uint8_t)(i >> 8);
	return id;
}

static struct content_hosted_stats stats(const struct rig *rig)
{
	struct content_hosted_stats out;

	content_hosted_stats(rig->hosted, &out);
	return out;
}

static enum content_offer_code offered(struct rig *rig, unsigned from, unsigned version, const uint8_t *body,
				       size_t len)
{
	struct ponto_addr addr = client(from);
	enum content_offer_code code = CONTENT_OFFER_INTERESTED;

	assert_ok(content_hosted_offer(rig->hosted, rig->now, &addr, version, ponto_bytes(body, len), &code));
	return code;
}

static enum content_offer_code initial(struct rig *rig, unsigned from, const struct content_id *id)
{
	uint8_t buf[CONTENT_OFFER_MAX];
	size_t len;

	assert_ok(content_offer_initial(8080, id, buf, sizeof(buf), &len));
	return offered(rig, from, 1, buf, len);
}

/* Segment i of the content, with so many of its hashes; 0: all. */
static void describe(struct rig *rig, unsigned from, size_t i, size_t hashes)
{
	uint8_t *buf = malloc(CONTENT_OFFER_MAX), tag[CONTENT_TAG] = "WinINet";
	struct content_segment s = rig->made.segments[i];
	size_t len;

	if (hashes)
		s.block_hashes.len = hashes * content_hash_size(rig->made.algo);
	assert_ok(content_offer_segment(8080, tag, rig->made.algo, &s, 0, buf, CONTENT_OFFER_MAX, &len));
	assert_int_equal(offered(rig, from, 1, buf, len), CONTENT_OFFER_OK);
	free(buf);
}

static void batch(struct rig *rig, unsigned from, const struct content_descriptor *d, size_t count)
{
	uint8_t buf[CONTENT_OFFER_MAX];
	size_t len;

	assert_ok(content_offer_batch(8080, d, count, buf, sizeof(buf), &len));
	assert_int_equal(offered(rig, from, 2, buf, len), CONTENT_OFFER_OK);
}

static struct content_descriptor descriptor(enum content_algo algo, uint32_t size, const struct content_id *id)
{
	const uint8_t tag[CONTENT_TAG] = "BITS-4.0";
	struct content_descriptor d;

	assert_ok(content_descriptor_of(algo, size, id, tag, &d));
	return d;
}

static void batch_one(struct rig *rig, unsigned from, const struct content_id *id, uint32_t size)
{
	struct content_descriptor d = descriptor(CONTENT_TRUNCATED, size, id);

	batch(rig, from, &d, 1);
}

static void hold(struct rig *rig, const struct content_id *id, bool keyed, enum content_algo algo, uint32_t size,
		 uint32_t hashes, uint32_t blocks)
{
	struct held *h = NULL;

	for (unsigned i = 0; i < rig->held_count; i++) {
		if (content_id_equal(&rig->held[i].id, id))
			h = &rig->held[i];
	}
	if (!h)
		h = &rig->held[rig->held_count++];
	memset(h, 0, sizeof(*h));
	h->id = *id;
	h->known = (struct content_hosted_known){.keyed = keyed, .algo = algo, .size = size, .hashes = hashes};
	content_blocks_add(&h->known.blocks, 0, blocks);
}

static void pulls(struct rig *rig, unsigned mode, uint32_t blocks)
{
	assert_true(content_hosted_effect(rig->hosted, rig->now, &rig->e));
	assert_int_equal(rig->e.kind, CONTENT_HOSTED_PULL);
	assert_int_equal(rig->e.mode, mode);
	assert_int_equal(content_blocks_count(&rig->e.blocks), blocks);
}

static void idle(struct rig *rig)
{
	assert_false(content_hosted_effect(rig->hosted, rig->now, &rig->e));
}

/* The last pull is over; so many blocks came from that client. */
static void over(struct rig *rig, unsigned from, unsigned blocks)
{
	struct ponto_addr addr = client(from);

	for (unsigned i = 0; i < blocks; i++)
		content_hosted_block(rig->hosted, rig->now, rig->e.tag, &addr, 1000);
	content_hosted_ended(rig->hosted, rig->now, rig->e.tag, PONTO_OK);
}

static void served(struct rig *rig, const struct content_id *id, unsigned to)
{
	struct ponto_addr addr = client(to);

	content_hosted_served(rig->hosted, id, &addr, true);
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

static void offer_many(struct rig *rig, unsigned from, unsigned first, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct content_id id = other_id(first + i);

		batch_one(rig, from, &id, 50000);
	}
}

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
		for (unsigned i = 0; i < 3; i++) {
			pulls(&rig, CONTENT_HOSTED_RELAYED, 1);
			over(&rig, 1, 0);
		}
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
	pulls(&rig, CONTENT_HOSTED_RELAYED, 1);
	assert_int_equal(rig.e.sources[0].ip[3], 2);
	over(&rig, 2, 1);
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
		pulls(&rig, CONTENT_HOSTED_RELAYED, 1);
		if (i % 3 == 2)
			over(&rig, 1, 1);
		else
			over(&rig, 1, 0);
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

/* ---- poison ------------------------------------------------------------------------------------ */

static void relayed_data_is_doubted_by_who_got_it(void **state)
{
	struct content_id id = other_id(1);
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 1000);
	batch_one(&rig, 1, &id, 50000);
	pulls(&rig, CONTENT_HOSTED_RELAYED, 1);
	over(&rig, 1, 1);
	hold(&rig, &id, false, CONTENT_TRUNCATED, 50000, 0, 1);
	/* Others who have it from the content server say nothing against it. */
	batch_one(&rig, 2, &id, 50000);
	idle(&rig);
	/* Nor does who brought it. */
	served(&rig, &id, 1);
	batch_one(&rig, 1, &id, 50000);
	idle(&rig);
	/* Who got it from here and offers it does. */
	served(&rig, &id, 3);
	batch_one(&rig, 3, &id, 50000);
	pulls(&rig, CONTENT_HOSTED_RELAYED, 1);
	assert_true(rig.e.replace);
	assert_int_equal(rig.e.sources[0].ip[3], 3);
	over(&rig, 3, 1);
	assert_int_equal(stats(&rig).replaced, 1);
	/* Once: who put it there, and who replaced it, are heard no more. */
	for (unsigned i = 1; i <= 3; i += 2) {
		served(&rig, &id, i);
		batch_one(&rig, i, &id, 50000);
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
		served(&rig, &id, 10 + i);
		batch_one(&rig, 10 + i, &id, 50000);
		if (i >= CONTENT_TRUST_FREELY) {
			idle(&rig);
			rig.now += gap - 1;
			batch_one(&rig, 10 + i, &id, 50000);
			idle(&rig);
			rig.now++;
			gap *= i < CONTENT_TRUST_FREELY + 6 ? 2 : 1;
			batch_one(&rig, 10 + i, &id, 50000);
		}
		pulls(&rig, CONTENT_HOSTED_RELAYED, 1);
		assert_true(rig.e.replace);
		over(&rig, 10 + i, 1);
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
	batch_one(&rig, 1, &id, 7);
	pulls(&rig, CONTENT_HOSTED_RELAYED, 1);
	over(&rig, 1, 1);
	hold(&rig, &id, false, CONTENT_TRUNCATED, 7, 0, 1);
	batch_one(&rig, 2, &id, 50000);
	pulls(&rig, CONTENT_HOSTED_RELAYED, 1);
	assert_true(rig.e.replace);
	assert_int_equal(rig.e.size, 50000);
	over(&rig, 2, 1);
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

		batch_one(&rig, i < 5 ? 1 : 2, &id, 50000);
		pulls(&rig, CONTENT_HOSTED_RELAYED, 1);
		over(&rig, i < 5 ? 1 : 2, 1);
		hold(&rig, &id, false, CONTENT_TRUNCATED, 50000, 0, 1);
	}
	/* Four against the second one, as often as they like; six against the first. */
	for (unsigned i = 0; i < 10; i++) {
		for (unsigned k = 0; k < (i < 5 ? 6u : 4u); k++) {
			struct content_id id = other_id(i);

			if (k != i % 6)
				continue;
			served(&rig, &id, 20 + k);
			batch_one(&rig, 20 + k, &id, 50000);
			assert_true(content_hosted_effect(rig.hosted, rig.now, &rig.e));
			over(&rig, 20 + k, 0);
		}
	}
	assert_int_equal(stats(&rig).distrusted, 0);
	{
		struct content_id id = other_id(11);

		batch_one(&rig, 1, &id, 50000);
		pulls(&rig, CONTENT_HOSTED_RELAYED, 1);
		over(&rig, 1, 1);
		hold(&rig, &id, false, CONTENT_TRUNCATED, 50000, 0, 1);
		served(&rig, &id, 30);
		batch_one(&rig, 30, &id, 50000);
		pulls(&rig, CONTENT_HOSTED_RELAYED, 1);
		over(&rig, 30, 1);
	}
	assert_int_equal(stats(&rig).distrusted, 1);
	offer_many(&rig, 1, 500, 3);
	idle(&rig);
	assert_int_equal(stats(&rig).ignored, 3);
	offer_many(&rig, 2, 600, 1);
	pulls(&rig, CONTENT_HOSTED_RELAYED, 1);
	over(&rig, 2, 1);
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
	pulls(&rig, CONTENT_HOSTED_RELAYED, 1);
	over(&rig, 6, 1);
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
	assert_true(alloc.live <= 11);
	for (unsigned i = 0; i < 100; i++) {
		struct content_id id = other_id(i);

		assert_int_equal(content_trust_claims(trust, &id, &a, false), i >= 90);
		assert_false(content_trust_supplier(trust, &id, &got));
	}
	content_trust_destroy(trust);
	content_trust_destroy(NULL);
	assert_int_equal(alloc.live, 0);
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
	cmocka_unit_test(lists_that_are_not_whole),
	cmocka_unit_test(a_batch),
	cmocka_unit_test(version_1_segments_in_a_batch),
	cmocka_unit_test(what_cannot_be_is_answered),
	cmocka_unit_test(anything_else_is_dropped),
	cmocka_unit_test(known_tags),
	cmocka_unit_test(so_many_at_once),
	cmocka_unit_test(quotas),
	cmocka_unit_test(bytes_an_hour),
	cmocka_unit_test(hosts_are_bounded),
	cmocka_unit_test(lists_are_bounded),
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
	cmocka_unit_test(refused_memory),
	cmocka_unit_test(settings),
};

PONTO_TEST_MAIN(tests)
