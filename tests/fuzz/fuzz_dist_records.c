/* What service-dist reads from a store: the first byte says which kind of value the rest is (and for which algorithm);
 * the seal that random bytes do not guess is added here. Whatever is read is exactly what is written of it. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "framework/digest.h"
#include "plugins/service-dist/dist_ledger.h"

enum kind {
	META,
	LIST,
	BLOCK,
	HEAD,
	HASHES,
	KINDS,
};

#define SEAL 8

static const struct content_id id = {32, "the name of a segment: 32 bytes"};
static const struct dist_file file = {.device = 1, .inode = 2, .size = 3, .changed = 4};

/* The value with its seal. gives */
static uint8_t *sealed(struct ponto_bytes owner, struct ponto_bytes body, size_t *len)
{
	const struct ponto_bytes parts[2] = {owner, body};
	uint8_t seal[PONTO_SHA256_SIZE], *value = malloc(body.len + SEAL);

	FUZZ_REQUIRE(value);
	ponto_sha256(parts, 2, seal);
	if (body.len)
		memcpy(value, body.data, body.len);
	memcpy(value + body.len, seal, SEAL);
	*len = body.len + SEAL;
	return value;
}

static void require_same(struct ponto_bytes a, const uint8_t *b, size_t len)
{
	FUZZ_REQUIRE(ponto_bytes_equal(a, ponto_bytes(b, len)));
}

static void meta(struct ponto_bytes body)
{
	uint8_t again[DIST_META_MAX], *value;
	struct dist_meta m;
	size_t len, again_len;

	FUZZ_REQUIRE(body.len < SEAL + 1 || dist_meta_decode(&id, body, &m) != PONTO_OK);
	value = sealed(content_id_bytes(&id), body, &len);
	if (dist_meta_decode(&id, ponto_bytes(value, len), &m) == PONTO_OK) {
		FUZZ_REQUIRE(dist_meta_valid(&m) && content_blocks_count(&m.blocks) > 0);
		FUZZ_REQUIRE(dist_meta_encode(&id, &m, again, &again_len) == PONTO_OK);
		require_same(ponto_bytes(value, len), again, again_len);
	}
	free(value);
}

static void list(enum content_algo algo, struct ponto_bytes body)
{
	static uint8_t again[DIST_LIST_MAX];
	struct ponto_bytes hashes;
	uint8_t *value;
	size_t len, again_len;

	value = sealed(content_id_bytes(&id), body, &len);
	if (dist_list_decode(&id, algo, ponto_bytes(value, len), &hashes) == PONTO_OK) {
		FUZZ_REQUIRE(hashes.len <= CONTENT_SEGMENT_BLOCKS * content_hash_size(algo));
		FUZZ_REQUIRE(dist_list_encode(&id, algo, hashes, again, &again_len) == PONTO_OK);
		require_same(ponto_bytes(value, len), again, again_len);
	}
	free(value);
}

/* Of a segment of 40 bytes, with keys and without. */
static void block(enum content_algo algo, struct ponto_bytes value)
{
	struct dist_meta m = {.algo = algo, .size = 40};
	struct dist_block b;

	for (unsigned keyed = 0; keyed < 2; keyed++) {
		uint8_t again[256];
		struct ponto_writer w = ponto_writer(again, sizeof(again));

		m.keyed = keyed;
		if (dist_block_decode(&m, 0, value, &b) != PONTO_OK)
			continue;
		FUZZ_REQUIRE(b.data.len >= 40 && b.data.len <= 56 && (!keyed || b.crypto == CONTENT_PLAIN));
		dist_block_encode(&b, &w);
		FUZZ_REQUIRE(!w.failed);
		require_same(value, again, (size_t)w.pos);
	}
}

static void head(enum content_algo algo, struct ponto_bytes body)
{
	uint8_t key[DIST_HEAD_KEY], again[DIST_HEAD_MAX], *value;
	enum content_algo key_algo;
	struct dist_file key_file;
	struct dist_head h;
	size_t len, again_len;

	/* The same bytes as a key. */
	if (dist_head_key_decode(body, &key_file, &key_algo) == PONTO_OK) {
		dist_head_key(&key_file, key_algo, key);
		require_same(body, key, sizeof(key));
	}
	dist_head_key(&file, algo, key);
	value = sealed(ponto_bytes(key, sizeof(key)), body, &len);
	if (dist_head_decode(&file, algo, ponto_bytes(value, len), &h) == PONTO_OK) {
		FUZZ_REQUIRE(dist_head_encode(&file, algo, &h, again, &again_len) == PONTO_OK);
		require_same(ponto_bytes(value, len), again, again_len);
	}
	free(value);
}

static void hashes(enum content_algo algo, struct ponto_bytes body)
{
	static uint8_t again[DIST_HASHES_MAX];
	struct ponto_writer w = ponto_writer(again, sizeof(again));
	struct dist_hashes_record record;
	struct content_segment s;
	uint8_t key[DIST_HASHES_KEY], *value;
	uint64_t index, offset;
	struct ponto_reader r;
	size_t len, again_len;
	uint32_t count = 0;

	dist_hashes_key(&file, algo, 9, key);
	value = sealed(ponto_bytes(key, sizeof(key)), body, &len);
	if (dist_hashes_decode(&file, algo, 9, ponto_bytes(value, len), &record) == PONTO_OK) {
		r = ponto_reader(record.segments);
		index = record.index;
		offset = record.offset;
		while (dist_hashes_next(&record, &r, &index, &offset, &s)) {
			if (count++ == 0)
				dist_hashes_begin_record(&w, algo, &s);
			dist_hashes_add(&w, algo, &s);
		}
		FUZZ_REQUIRE(count == record.count && index == record.index + count);
		FUZZ_REQUIRE(dist_hashes_end_record(&file, algo, 9, count, &w, &again_len) == PONTO_OK);
		require_same(ponto_bytes(value, len), again, again_len);
	}
	free(value);
}

static void ledger(struct ponto_bytes body)
{
	static uint8_t again[DIST_LEDGER_MAX];
	static struct dist_ledger one, other;
	uint8_t *value;
	size_t len, again_len;

	value = sealed(ponto_bytes("ledger", 6), body, &len);
	if (dist_ledger_decode(ponto_bytes(value, len), &one) == PONTO_OK) {
		/* It may have fewer counters than are written today. */
		FUZZ_REQUIRE(dist_ledger_encode(&one, again, &again_len) == PONTO_OK);
		FUZZ_REQUIRE(dist_ledger_decode(ponto_bytes(again, again_len), &other) == PONTO_OK);
		FUZZ_REQUIRE(memcmp(one.count, other.count, sizeof(one.count)) == 0);
		FUZZ_REQUIRE(one.top_count == other.top_count);
		dist_ledger_add(&one, &other);
		FUZZ_REQUIRE(one.top_count <= DIST_TOP);
		FUZZ_REQUIRE(dist_ledger_encode(&one, again, &again_len) == PONTO_OK);
	}
	free(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ponto_bytes rest;
	enum content_algo algo;

	if (size == 0)
		return 0;
	algo = (enum content_algo)(1 + data[0] / KINDS % 4);
	rest = ponto_bytes(data + 1, size - 1);
	if (data[0] == UINT8_MAX) { /* it came later than the corpus */
		ledger(rest);
		return 0;
	}
	switch ((enum kind)(data[0] % KINDS)) {
	case META:
		meta(rest);
		break;
	case LIST:
		list(algo, rest);
		break;
	case BLOCK:
		block(algo, rest);
		break;
	case HEAD:
		head(algo, rest);
		break;
	default:
		hashes(algo, rest);
	}
	return 0;
}
