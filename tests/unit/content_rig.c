#include "tests/unit/content_rig.h"

struct ponto_addr peer(unsigned i)
{
	struct ponto_addr addr = {{10, 0, 0, (uint8_t)(1 + i)}, 0, 80, PONTO_FAMILY_IPV4, 0};

	return addr;
}

void rig_start(struct rig *rig, enum content_algo algo, size_t size)
{
	struct content_client_config config;

	memset(rig, 0, sizeof(*rig));
	ponto_test_alloc_init(&rig->alloc);
	rig->now = START;
	rig->content = pattern(size);
	rig->made = content_make(algo, bytes_of(&rig->content), NULL);
	config = content_client_defaults(&rig->alloc.alloc);
	assert_ok(content_client_create(&config, &rig->client));
}

void rig_with(struct rig *rig, const struct content_client_config *config)
{
	content_client_destroy(rig->client);
	assert_ok(content_client_create(config, &rig->client));
}

void rig_end(struct rig *rig)
{
	content_client_destroy(rig->client);
	assert_int_equal(rig->alloc.live, 0);
	content_made_free(&rig->made);
	free(rig->content.data);
}

struct content_blocks blocks_of(uint32_t index, uint32_t count)
{
	struct content_blocks set = {{0}};

	content_blocks_add(&set, index, count);
	return set;
}

int add(struct rig *rig, size_t segment, uint32_t index, uint32_t count)
{
	struct content_blocks wanted = blocks_of(index, count);

	return content_client_add(rig->client, rig->now, rig->made.algo, &rig->made.segments[segment], &wanted,
				  segment);
}

struct content_id id_of(const struct rig *rig, size_t segment)
{
	struct content_id id;

	content_segment_id(rig->made.algo, rig->made.segments[segment].kp, rig->made.segments[segment].hod, &id);
	return id;
}

bool effect(struct rig *rig)
{
	while (content_client_effect(rig->client, rig->now, &rig->e) == 1) {
		if (rig->e.kind != CONTENT_CLIENT_LACKED)
			return true;
		rig->lacked = rig->e.missing;
	}
	return false;
}

void next_effect(struct rig *rig, unsigned kind)
{
	assert_true(effect(rig));
	assert_int_equal(rig->e.kind, kind);
}

void no_effect(struct rig *rig)
{
	assert_false(effect(rig));
}

void found(struct rig *rig, size_t segment, unsigned i)
{
	struct content_id id = id_of(rig, segment);
	struct ponto_addr addr = peer(i);

	content_client_found(rig->client, rig->now, &id, &addr);
}

void searched(struct rig *rig, size_t segment)
{
	struct content_id id = id_of(rig, segment);

	content_client_searched(rig->client, rig->now, &id);
}

void started(struct rig *rig, uint32_t index, uint32_t count)
{
	assert_ok(add(rig, 0, index, count));
	next_effect(rig, CONTENT_CLIENT_PROBE);
	found(rig, 0, 0);
	searched(rig, 0);
}

void ended(struct rig *rig, uint32_t missing)
{
	next_effect(rig, CONTENT_CLIENT_ENDED);
	assert_int_equal(content_blocks_count(&rig->e.missing), missing);
}

struct content_message request(struct rig *rig)
{
	struct content_message m;

	assert_int_equal(rig->e.kind, CONTENT_CLIENT_REQUEST);
	assert_ok(content_request_decode(rig->e.body, 1, 2, &m));
	return m;
}

struct blob encoded(const struct content_message *m)
{
	struct blob b = {malloc(CONTENT_RESPONSE_MAX + 4), 0};

	assert_ok(content_encode(m, b.data, CONTENT_RESPONSE_MAX + 4, &b.len));
	return b;
}

struct blob block(const struct rig *rig, uint32_t index, enum content_crypto crypto)
{
	const struct content_segment *s = &rig->made.segments[0];
	struct content_message m = {.type = CONTENT_BLK, .crypto = crypto};
	struct ponto_bytes plain =
		ponto_bytes(rig->content.data + s->offset + content_block_offset(rig->made.algo, index),
			    content_block_size(rig->made.algo, s->size, index));
	struct blob sealed = {NULL, 0}, out;

	memset(m.blk.iv, 0x5a, sizeof(m.blk.iv));
	m.blk.id = id_of(rig, 0);
	m.blk.index = index;
	m.blk.data = plain;
	if (crypto != CONTENT_PLAIN) {
		sealed = openssl_encrypt(ponto_bytes(s->kp, content_key_size(crypto)), m.blk.iv, plain);
		m.blk.data = bytes_of(&sealed);
	}
	out = encoded(&m);
	free(sealed.data);
	return out;
}

int opened(struct rig *rig, struct content_request *r, const struct content_open *open)
{
	uint8_t hash[CONTENT_HASH_MAX];
	struct blob plain;
	int result;

	plain = open->crypto == CONTENT_PLAIN ? blob_copy(open->data.data, open->data.len)
					      : openssl_decrypt(open->key, open->iv, open->data);
	assert_true(plain.len >= open->size);
	openssl_hash(open->algo, ponto_bytes(plain.data, open->size), hash);
	result = content_client_opened(rig->client, rig->now, r, PONTO_OK, hash);
	if (result == 1)
		assert_memory_equal(plain.data,
				    rig->content.data + rig->made.segments[0].offset +
					    content_block_offset(open->algo, open->index),
				    open->size);
	free(plain.data);
	return result;
}

int answer(struct rig *rig, struct blob body)
{
	struct content_request *r = rig->e.request;
	struct content_open open;
	int result = content_client_response(rig->client, rig->now, r, PONTO_OK, bytes_of(&body), &open);

	if (result == 1)
		result = opened(rig, r, &open);
	free(body.data);
	return result;
}

void fails(struct rig *rig, int result)
{
	struct content_open open;

	assert_int_equal(
		content_client_response(rig->client, rig->now, rig->e.request, result, ponto_bytes(NULL, 0), &open), 0);
}

struct content_client_stats stats_of(struct rig *rig)
{
	struct content_client_stats stats;

	content_client_stats(rig->client, &stats);
	return stats;
}
