/* A message of the Hosted Cache Protocol, taken as one of each version and as an answer: whatever decodes and means
 * something encodes again, to the same bytes but for what is ignored. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "engines/content/content_offer.h"

static uint8_t out[CONTENT_OFFER_MAX];

/* Not by their bytes: what lies between the fields may be anything. */
static bool same_descriptor(const struct content_descriptor *a, const struct content_descriptor *b)
{
	return a->block_size == b->block_size && a->segment_size == b->segment_size && a->algo == b->algo &&
	       memcmp(a->tag, b->tag, CONTENT_TAG) == 0 && content_id_equal(&a->id, &b->id);
}

static void same_batch(const struct content_offer *m, struct ponto_bytes body)
{
	struct content_descriptor d[CONTENT_DESCRIPTORS];
	enum content_algo algo;
	size_t len;

	for (uint32_t i = 0; i < m->count; i++) {
		content_offer_descriptor(m, i, &d[i]);
		if (content_descriptor_sound(&d[i], &algo)) {
			struct content_descriptor made;

			FUZZ_REQUIRE(content_descriptor_of(algo, d[i].segment_size, &d[i].id, d[i].tag, &made) ==
				     PONTO_OK);
			FUZZ_REQUIRE(same_descriptor(&made, &d[i]));
		}
	}
	FUZZ_REQUIRE(content_offer_batch(m->port, d, m->count, out, sizeof(out), &len) == PONTO_OK);
	FUZZ_REQUIRE(len == body.len);
	FUZZ_REQUIRE(memcmp(out + CONTENT_OFFER_HEAD, body.data + CONTENT_OFFER_HEAD, len - CONTENT_OFFER_HEAD) == 0);
}

/* Its range is not kept. */
static void same_segment(const struct content_offer *m, struct ponto_bytes body)
{
	const size_t after_range = CONTENT_OFFER_HEAD + CONTENT_TAG + 2 + 4 + 8;
	struct content_id id;
	size_t len;

	FUZZ_REQUIRE(!content_is_v2(m->algo) && m->segment.size > 0 && m->segment.block_hashes.len > 0);
	FUZZ_REQUIRE(m->segment.block_hashes.len / content_hash_size(m->algo) <=
		     content_segment_blocks(m->algo, m->segment.size));
	content_segment_id(m->algo, m->segment.kp, m->segment.hod, &id);
	FUZZ_REQUIRE(content_id_equal(&id, &m->id));
	FUZZ_REQUIRE(content_offer_segment(m->port, m->tag, m->algo, &m->segment, 0, out, sizeof(out), &len) ==
		     PONTO_OK);
	FUZZ_REQUIRE(len == body.len && memcmp(out + after_range, body.data + after_range, len - after_range) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ponto_bytes body = ponto_bytes(data, size);
	enum content_offer_code code;
	struct content_offer m;
	size_t len;

	if (content_offer_decode(body, 1, &m) == PONTO_OK) {
		FUZZ_REQUIRE(m.port != 0 && m.type != CONTENT_BATCHED_OFFER && size <= UINT32_MAX);
		if (m.type == CONTENT_INITIAL_OFFER) {
			FUZZ_REQUIRE(content_offer_initial(m.port, &m.id, out, sizeof(out), &len) == PONTO_OK);
			FUZZ_REQUIRE(len == size && memcmp(out + 16, data + 16, len - 16) == 0);
		} else if (m.described) {
			same_segment(&m, body);
		}
	}
	if (content_offer_decode(body, 2, &m) == PONTO_OK) {
		FUZZ_REQUIRE(m.port != 0 && m.type == CONTENT_BATCHED_OFFER && m.count > 0 &&
			     m.count <= CONTENT_DESCRIPTORS);
		same_batch(&m, body);
	}
	if (content_offer_answer_decode(body, &code) == PONTO_OK) {
		content_offer_answer(code, out);
		FUZZ_REQUIRE(size == CONTENT_OFFER_ANSWER && memcmp(out, data, size) == 0);
	}
	return 0;
}
