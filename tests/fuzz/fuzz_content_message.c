/* A retrieval message, taken as a request and as an answer: whatever decodes encodes again, to something that decodes
 * to the same. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "engines/content/content_codec.h"

static uint8_t out[CONTENT_RESPONSE_MAX + CONTENT_LENGTH_PREFIX];

static void look_into(const struct content_message *m)
{
	struct content_ages ages;
	struct content_id id;
	struct ponto_reader r;
	uint32_t count = 0;

	if (m->type == CONTENT_GETSEGLIST) {
		r = ponto_reader(m->getseglist.ids.bytes);
		while (content_ids_next(&r, &id))
			count++;
		FUZZ_REQUIRE(count == m->getseglist.ids.count && !r.failed);
	}
	if (m->type == CONTENT_SEGLIST) {
		(void)content_ranges_fit(&m->seglist.ranges, 3);
		if (content_ages_decode(m->seglist.blob, &ages) == PONTO_OK) {
			for (unsigned i = 0; i < ages.count; i++) {
				uint8_t index;
				uint64_t age;

				content_age_at(&ages, i, &index, &age);
				FUZZ_REQUIRE(age <= UINT64_C(0xffffff) * PONTO_SECOND);
			}
		}
	}
}

/* The parts that both have. */
static bool same(const struct content_message *a, const struct content_message *b)
{
	switch (a->type) {
	case CONTENT_NEGO_REQ:
	case CONTENT_NEGO_RESP:
		return memcmp(&a->nego, &b->nego, sizeof(a->nego)) == 0;
	case CONTENT_GETBLKLIST:
	case CONTENT_GETBLKS:
		return content_id_equal(&a->wanted.id, &b->wanted.id) &&
		       memcmp(&a->wanted.blocks, &b->wanted.blocks, sizeof(a->wanted.blocks)) == 0;
	case CONTENT_BLKLIST:
		return content_id_equal(&a->blklist.id, &b->blklist.id) && a->blklist.next == b->blklist.next &&
		       memcmp(&a->blklist.blocks, &b->blklist.blocks, sizeof(a->blklist.blocks)) == 0;
	case CONTENT_BLK:
		return content_id_equal(&a->blk.id, &b->blk.id) && a->blk.index == b->blk.index &&
		       a->blk.next == b->blk.next && ponto_bytes_equal(a->blk.data, b->blk.data) &&
		       memcmp(a->blk.iv, b->blk.iv, sizeof(a->blk.iv)) == 0;
	case CONTENT_GETSEGLIST:
		return memcmp(a->getseglist.request_id, b->getseglist.request_id, CONTENT_REQUEST_ID) == 0 &&
		       ponto_bytes_equal(a->getseglist.ids.bytes, b->getseglist.ids.bytes) &&
		       ponto_bytes_equal(a->getseglist.blob, b->getseglist.blob);
	default:
		return memcmp(a->seglist.request_id, b->seglist.request_id, CONTENT_REQUEST_ID) == 0 &&
		       ponto_bytes_equal(a->seglist.ranges.bytes, b->seglist.ranges.bytes) &&
		       ponto_bytes_equal(a->seglist.blob, b->seglist.blob);
	}
}

static void again(struct content_message *m)
{
	struct content_message b;
	size_t len;
	int result;

	look_into(m);
	if (m->crypto > CONTENT_AES_256)
		m->crypto = CONTENT_AES_128;
	result = content_encode(m, out, sizeof(out), &len);
	/* What is accepted but never sent: no block or several, a range of versions upside down. */
	if (result == PONTO_EINVAL) {
		FUZZ_REQUIRE(m->type <= CONTENT_GETBLKS);
		return;
	}
	FUZZ_REQUIRE(result == PONTO_OK);
	if (content_is_request(m->type))
		FUZZ_REQUIRE(content_request_decode(ponto_bytes(out, len), 1, 2, &b) == PONTO_OK);
	else
		FUZZ_REQUIRE(content_response_decode(ponto_bytes(out, len), &b) == PONTO_OK);
	FUZZ_REQUIRE(b.type == m->type && b.crypto == m->crypto && same(m, &b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct content_message m;

	if (content_request_decode(ponto_bytes(data, size), 1, 2, &m) == PONTO_OK)
		again(&m);
	if (content_response_decode(ponto_bytes(data, size), &m) == PONTO_OK)
		again(&m);
	return 0;
}
