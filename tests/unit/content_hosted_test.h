/* Tests: a hosted cache's engine, and clients who offer. */
#ifndef PONTO_TESTS_CONTENT_HOSTED_TEST_H
#define PONTO_TESTS_CONTENT_HOSTED_TEST_H

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

static inline bool look(void *arg, const struct content_id *id, struct content_hosted_known *out)
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

static inline void rig_start(struct rig *rig, enum content_algo algo, size_t size)
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

static inline void rig_end(struct rig *rig)
{
	content_hosted_destroy(rig->hosted);
	assert_int_equal(rig->alloc.live, 0);
	content_made_free(&rig->made);
	free(rig->data.data);
}

static inline struct ponto_addr client(unsigned i)
{
	struct ponto_addr addr = {{10, 0, (uint8_t)(i >> 8), (uint8_t)i}, 0, 50000, PONTO_FAMILY_IPV4, 0};

	return addr;
}

static inline struct content_id segment_id(const struct rig *rig, size_t i)
{
	struct content_id id;

	content_segment_id(rig->made.algo, rig->made.segments[i].kp, rig->made.segments[i].hod, &id);
	return id;
}

static inline struct content_id other_id(unsigned i)
{
	struct content_id id = {.len = 32};

	memset(id.b, 0x11, 32);
	id.b[0] = (uint8_t)i;
	id.b[1] = (uint8_t)(i >> 8);
	return id;
}

static inline struct content_hosted_stats stats(const struct rig *rig)
{
	struct content_hosted_stats out;

	content_hosted_stats(rig->hosted, &out);
	return out;
}

static inline enum content_offer_code offered(struct rig *rig, unsigned from, unsigned version, const uint8_t *body,
				       size_t len)
{
	struct ponto_addr addr = client(from);
	enum content_offer_code code = CONTENT_OFFER_INTERESTED;

	assert_ok(content_hosted_offer(rig->hosted, rig->now, &addr, version, ponto_bytes(body, len), &code));
	return code;
}

static inline enum content_offer_code initial(struct rig *rig, unsigned from, const struct content_id *id)
{
	uint8_t buf[CONTENT_OFFER_MAX];
	size_t len;

	assert_ok(content_offer_initial(8080, id, buf, sizeof(buf), &len));
	return offered(rig, from, 1, buf, len);
}

/* Segment i of the content, with so many of its hashes; 0: all. */
static inline void describe(struct rig *rig, unsigned from, size_t i, size_t hashes)
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

static inline void batch(struct rig *rig, unsigned from, const struct content_descriptor *d, size_t count)
{
	uint8_t buf[CONTENT_OFFER_MAX];
	size_t len;

	assert_ok(content_offer_batch(8080, d, count, buf, sizeof(buf), &len));
	assert_int_equal(offered(rig, from, 2, buf, len), CONTENT_OFFER_OK);
}

static inline struct content_descriptor descriptor(enum content_algo algo, uint32_t size, const struct content_id *id)
{
	const uint8_t tag[CONTENT_TAG] = "BITS-4.0";
	struct content_descriptor d;

	assert_ok(content_descriptor_of(algo, size, id, tag, &d));
	return d;
}

static inline void batch_one(struct rig *rig, unsigned from, const struct content_id *id, uint32_t size)
{
	struct content_descriptor d = descriptor(CONTENT_TRUNCATED, size, id);

	batch(rig, from, &d, 1);
}

static inline void hold(struct rig *rig, const struct content_id *id, bool keyed, enum content_algo algo, uint32_t size,
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

static inline void pulls(struct rig *rig, unsigned mode, uint32_t blocks)
{
	assert_true(content_hosted_effect(rig->hosted, rig->now, &rig->e));
	assert_int_equal(rig->e.kind, CONTENT_HOSTED_PULL);
	assert_int_equal(rig->e.mode, mode);
	assert_int_equal(content_blocks_count(&rig->e.blocks), blocks);
}

static inline void idle(struct rig *rig)
{
	assert_false(content_hosted_effect(rig->hosted, rig->now, &rig->e));
}

/* The last pull is over; so many blocks came from that client. */
static inline void over(struct rig *rig, unsigned from, unsigned blocks)
{
	struct ponto_addr addr = client(from);

	for (unsigned i = 0; i < blocks; i++)
		content_hosted_block(rig->hosted, rig->now, rig->e.tag, &addr, 1000);
	content_hosted_ended(rig->hosted, rig->now, rig->e.tag, PONTO_OK);
}

static inline void served(struct rig *rig, const struct content_id *id, unsigned to)
{
	struct ponto_addr addr = client(to);

	content_hosted_served(rig->hosted, id, &addr, true);
}

static inline void offer_many(struct rig *rig, unsigned from, unsigned first, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct content_id id = other_id(first + i);

		batch_one(rig, from, &id, 50000);
	}
}

#endif
