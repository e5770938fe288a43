/* The fetching side: [MS-PCCRR] 3.1, [MS-CCROD] 2.8.2. Peers are played here, with OpenSSL's hashes and ciphers. */
#include "engines/content/content_client.h"
#include "tests/unit/content_test.h"

#define START (1000 * PONTO_SECOND)
#define PEERS 24

struct rig {
	struct ponto_test_alloc alloc;
	struct content_client *client;
	uint64_t now;
	struct blob content;
	struct content_made made;
	struct content_client_effect e;
};

static struct ponto_addr peer(unsigned i)
{
	struct ponto_addr addr = {{10, 0, 0, (uint8_t)(1 + i)}, 0, 80, PONTO_FAMILY_IPV4, 0};

	return addr;
}

static void rig_start(struct rig *rig, enum content_algo algo, size_t size)
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

static void rig_with(struct rig *rig, const struct content_client_config *config)
{
	content_client_destroy(rig->client);
	assert_ok(content_client_create(config, &rig->client));
}

static void rig_end(struct rig *rig)
{
	content_client_destroy(rig->client);
	assert_int_equal(rig->alloc.live, 0);
	content_made_free(&rig->made);
	free(rig->content.data);
}

static struct content_blocks blocks_of(uint32_t index, uint32_t count)
{
	struct content_blocks set = {{0}};

	content_blocks_add(&set, index, count);
	return set;
}

static int add(struct rig *rig, size_t segment, uint32_t index, uint32_t count)
{
	struct content_blocks wanted = blocks_of(index, count);

	return content_client_add(rig->client, rig->now, rig->made.algo, &rig->made.segments[segment], &wanted,
				  segment);
}

static struct content_id id_of(const struct rig *rig, size_t segment)
{
	struct content_id id;

	content_segment_id(rig->made.algo, rig->made.segments[segment].kp, rig->made.segments[segment].hod, &id);
	return id;
}

static bool effect(struct rig *rig)
{
	return content_client_effect(rig->client, rig->now, &rig->e) == 1;
}

static void next_effect(struct rig *rig, unsigned kind)
{
	assert_true(effect(rig));
	assert_int_equal(rig->e.kind, kind);
}

static void no_effect(struct rig *rig)
{
	assert_false(effect(rig));
}

static void found(struct rig *rig, size_t segment, unsigned i)
{
	struct content_id id = id_of(rig, segment);
	struct ponto_addr addr = peer(i);

	content_client_found(rig->client, rig->now, &id, &addr);
}

static void searched(struct rig *rig, size_t segment)
{
	struct content_id id = id_of(rig, segment);

	content_client_searched(rig->client, rig->now, &id);
}

/* The session starts with a search that finds peer 0. */
static void started(struct rig *rig, uint32_t index, uint32_t count)
{
	assert_ok(add(rig, 0, index, count));
	next_effect(rig, CONTENT_CLIENT_PROBE);
	found(rig, 0, 0);
	searched(rig, 0);
}

static void ended(struct rig *rig, uint32_t missing)
{
	next_effect(rig, CONTENT_CLIENT_ENDED);
	assert_int_equal(content_blocks_count(&rig->e.missing), missing);
}

/* The request of the last effect. */
static struct content_message request(struct rig *rig)
{
	struct content_message m;

	assert_int_equal(rig->e.kind, CONTENT_CLIENT_REQUEST);
	assert_ok(content_request_decode(rig->e.body, 1, 2, &m));
	return m;
}

static struct blob encoded(const struct content_message *m)
{
	struct blob b = {malloc(CONTENT_RESPONSE_MAX + 4), 0};

	assert_ok(content_encode(m, b.data, CONTENT_RESPONSE_MAX + 4, &b.len));
	return b;
}

/* Block index of the first segment, sealed. gives */
static struct blob block(const struct rig *rig, uint32_t index, enum content_crypto crypto)
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

/* Opens as a pool would; what the engine says to the hash. */
static int opened(struct rig *rig, struct content_request *r, const struct content_open *open)
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

/* Answers the request of the last effect: 1: a block accepted. */
static int answer(struct rig *rig, struct blob body)
{
	struct content_request *r = rig->e.request;
	struct content_open open;
	int result = content_client_response(rig->client, rig->now, r, PONTO_OK, bytes_of(&body), &open);

	if (result == 1)
		result = opened(rig, r, &open);
	free(body.data);
	return result;
}

static void fails(struct rig *rig, int result)
{
	struct content_open open;

	assert_int_equal(
		content_client_response(rig->client, rig->now, rig->e.request, result, ponto_bytes(NULL, 0), &open), 0);
}

static struct content_client_stats stats_of(struct rig *rig)
{
	struct content_client_stats stats;

	content_client_stats(rig->client, &stats);
	return stats;
}

/* ---- what is asked ------------------------------------------------------------------------ */

static void few_blocks_are_fetched_at_once(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-295", "DIST-296", "DIST-297", "DIST-504");
	rig_start(&rig, CONTENT_SHA256, 1000000);
	started(&rig, 2, 3);
	for (uint32_t i = 2; i < 5; i++) {
		struct content_message m;

		next_effect(&rig, CONTENT_CLIENT_REQUEST);
		m = request(&rig);
		assert_int_equal(m.type, CONTENT_GETBLKS);
		assert_int_equal(m.wanted.lowest, i);
		assert_int_equal(content_blocks_count(&m.wanted.blocks), 1);
		no_effect(&rig);
		assert_int_equal(answer(&rig, block(&rig, i, CONTENT_AES_128)), 1);
	}
	ended(&rig, 0);
	no_effect(&rig);
	/* Four in a row: a list first. */
	assert_ok(add(&rig, 0, 2, 4));
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	assert_int_equal(request(&rig).type, CONTENT_GETBLKLIST);
	fails(&rig, PONTO_EIO);
	ended(&rig, 4);
	rig_end(&rig);
}

static void lists_come_first(void **state)
{
	struct content_message m, list = {.type = CONTENT_BLKLIST};
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-294", "DIST-309", "DIST-497");
	rig_start(&rig, CONTENT_SHA256, 1000000);
	started(&rig, 0, 8);
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	m = request(&rig);
	assert_int_equal(m.type, CONTENT_GETBLKLIST);
	assert_int_equal(m.version.major, 1);
	assert_int_equal(content_blocks_count(&m.wanted.blocks), 8);
	list.blklist.id = id_of(&rig, 0);
	list.blklist.blocks = blocks_of(3, 2);
	assert_int_equal(answer(&rig, encoded(&list)), 0);
	for (uint32_t i = 3; i < 5; i++) {
		next_effect(&rig, CONTENT_CLIENT_REQUEST);
		assert_int_equal(request(&rig).wanted.lowest, i);
		assert_int_equal(answer(&rig, block(&rig, i, CONTENT_AES_128)), 1);
	}
	ended(&rig, 6);
	rig_end(&rig);
}

/* Every session: one search, one segment. */
static void a_session_a_segment(void **state)
{
	struct rig rig;
	size_t count = 0;

	(void)state;
	PONTO_PROVES("DIST-503", "DIST-287");
	rig_start(&rig, CONTENT_TRUNCATED, 400000);
	for (size_t i = 0; i < rig.made.count; i++)
		assert_ok(add(&rig, i, 0, 1));
	while (effect(&rig)) {
		assert_int_equal(rig.e.kind, CONTENT_CLIENT_PROBE);
		assert_true(rig.e.v2);
		count++;
	}
	assert_int_equal(count, rig.made.count);
	for (size_t i = 0; i < rig.made.count; i++)
		found(&rig, i, 0);
	while (effect(&rig)) {
		assert_int_equal(request(&rig).type, CONTENT_GETBLKS);
		assert_int_equal(request(&rig).wanted.lowest, 0);
		fails(&rig, PONTO_EIO);
	}
	for (size_t i = 0; i < rig.made.count; i++) {
		searched(&rig, i);
		ended(&rig, 1);
	}
	rig_end(&rig);
}

static void one_block_a_server(void **state)
{
	struct content_request *first, *second;
	struct content_open open;
	struct blob b;
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-508", "DIST-509");
	rig_start(&rig, CONTENT_SHA256, 1000000);
	started(&rig, 0, 3);
	found(&rig, 0, 1);
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	assert_int_equal(request(&rig).wanted.lowest, 0);
	first = rig.e.request;
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	assert_int_equal(request(&rig).wanted.lowest, 1);
	second = rig.e.request;
	no_effect(&rig);
	/* The second is quicker and goes on with the first block that is idle. */
	b = block(&rig, 1, CONTENT_AES_256);
	assert_int_equal(content_client_response(rig.client, rig.now, second, PONTO_OK, bytes_of(&b), &open), 1);
	no_effect(&rig);
	assert_int_equal(opened(&rig, second, &open), 1);
	free(b.data);
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	assert_int_equal(request(&rig).wanted.lowest, 2);
	assert_int_equal(answer(&rig, block(&rig, 2, CONTENT_AES_128)), 1);
	no_effect(&rig);
	rig.e.request = first;
	assert_int_equal(answer(&rig, block(&rig, 0, CONTENT_AES_128)), 1);
	ended(&rig, 0);
	rig_end(&rig);
}

static bool holds(struct ponto_bytes bytes, struct ponto_bytes part)
{
	for (size_t i = 0; i + part.len <= bytes.len; i++) {
		if (memcmp(bytes.data + i, part.data, part.len) == 0)
			return true;
	}
	return false;
}

/* No sixteen bytes of the key that came with the description. */
static void assert_no_key(const struct rig *rig, struct ponto_bytes bytes)
{
	for (size_t i = 0; i + 16 <= 32; i++)
		assert_false(holds(bytes, ponto_bytes(rig->made.segments[0].kp + i, 16)));
}

/* Searches and messages name the segment, in clear, and never the key. */
static void what_is_told_to_peers(void **state)
{
	struct content_id id;
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-007", "DIST-024", "DIST-190", "DIST-350");
	rig_start(&rig, CONTENT_SHA256, 128000);
	id = id_of(&rig, 0);
	assert_hex(id.b, id.len, "784cc201a04478136df716598cc6c8608047bd0536a84738120a115927e6ac31");
	assert_ok(add(&rig, 0, 0, 2));
	next_effect(&rig, CONTENT_CLIENT_PROBE);
	assert_true(content_id_equal(&rig.e.id, &id));
	found(&rig, 0, 0);
	searched(&rig, 0);
	for (uint32_t i = 0; i < 2; i++) {
		struct blob b = block(&rig, i, CONTENT_AES_128);

		next_effect(&rig, CONTENT_CLIENT_REQUEST);
		assert_true(holds(rig.e.body, content_id_bytes(&id)));
		assert_no_key(&rig, rig.e.body);
		assert_true(holds(bytes_of(&b), content_id_bytes(&id)));
		assert_false(holds(bytes_of(&b), ponto_bytes(rig.content.data, 64)));
		assert_no_key(&rig, bytes_of(&b));
		assert_int_equal(answer(&rig, b), 1);
	}
	ended(&rig, 0);
	rig_end(&rig);
}

/* ---- what comes ------------------------------------------------------------------------------ */

static void every_cipher(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-311", "DIST-312", "DIST-313", "DIST-019");
	for (unsigned crypto = CONTENT_PLAIN; crypto <= CONTENT_AES_256; crypto++) {
		rig_start(&rig, CONTENT_SHA256, 128000);
		started(&rig, 0, 2);
		for (uint32_t i = 0; i < 2; i++) {
			next_effect(&rig, CONTENT_CLIENT_REQUEST);
			assert_int_equal(request(&rig).crypto, CONTENT_AES_128);
			assert_int_equal(answer(&rig, block(&rig, i, crypto)), 1);
		}
		ended(&rig, 0);
		rig_end(&rig);
	}
}

static void every_hash(void **state)
{
	struct rig rig;

	(void)state;
	for (unsigned algo = CONTENT_SHA256; algo <= CONTENT_TRUNCATED; algo++) {
		rig_start(&rig, algo, 30000);
		started(&rig, 0, 1);
		next_effect(&rig, CONTENT_CLIENT_REQUEST);
		assert_int_equal(answer(&rig, block(&rig, 0, CONTENT_AES_128)), 1);
		ended(&rig, 0);
		rig_end(&rig);
	}
}

/* Right length, wrong bytes: thrown away, and the server with it; another has it. */
static void wrong_bytes(void **state)
{
	struct rig rig;
	struct blob b;

	(void)state;
	PONTO_PROVES("DIST-027", "DIST-094", "DIST-520", "DIST-513");
	for (unsigned algo = CONTENT_SHA256; algo <= CONTENT_TRUNCATED; algo += 3) {
		rig_start(&rig, algo, 30000);
		started(&rig, 0, 1);
		next_effect(&rig, CONTENT_CLIENT_REQUEST);
		found(&rig, 0, 1);
		b = block(&rig, 0, CONTENT_PLAIN);
		b.data[b.len / 2] ^= 1;
		assert_int_equal(answer(&rig, b), 0);
		next_effect(&rig, CONTENT_CLIENT_REQUEST);
		assert_int_equal(rig.e.addr.ip[3], 2);
		assert_int_equal(answer(&rig, block(&rig, 0, CONTENT_AES_128)), 1);
		ended(&rig, 0);
		assert_int_equal(stats_of(&rig).wrong, 1);
		rig_end(&rig);
	}
}

/* What is not the answer to the request: the exchange ends, and so does the server's part. */
static void not_the_answer(void **state)
{
	struct content_message m;
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-310", "DIST-307", "DIST-308", "DIST-306");
	for (unsigned fault = 0; fault < 7; fault++) {
		bool list = fault >= 4;

		rig_start(&rig, CONTENT_SHA256, 1000000);
		started(&rig, 0, list ? 8 : 2);
		next_effect(&rig, CONTENT_CLIENT_REQUEST);
		memset(&m, 0, sizeof(m));
		m.type = list ? CONTENT_BLKLIST : CONTENT_BLK;
		m.blk.id = id_of(&rig, 0); /* stands first in both */
		if (list)
			m.blklist.blocks = blocks_of(fault == 4 ? 8 : 0, 3);
		else
			m.blk.data = ponto_bytes(rig.content.data, fault == 3 ? 65535 : 65536);
		if (fault == 0)
			m.blk.index = 1;
		if (fault == 1 || fault == 5)
			m.blk.id.b[0] ^= 1;
		if (fault == 2)
			m.type = CONTENT_BLKLIST;
		if (fault == 2)
			memset(&m.blklist.blocks, 0, sizeof(m.blklist.blocks));
		if (fault == 6) {
			m.type = CONTENT_BLK;
			memset(&m.blk.data, 0, sizeof(m.blk.data));
			m.blk.index = 0;
		}
		assert_int_equal(answer(&rig, encoded(&m)), 0);
		ended(&rig, list ? 8 : 2);
		assert_int_equal(stats_of(&rig).dropped, 1);
		rig_end(&rig);
	}
}

static void malformed_answers(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-317");
	rig_start(&rig, CONTENT_SHA256, 128000);
	started(&rig, 0, 1);
	for (unsigned i = 1; i < 12; i++)
		found(&rig, 0, i);
	for (unsigned i = 0; i < 12; i++) {
		struct blob b = block(&rig, 0, CONTENT_AES_128);

		next_effect(&rig, CONTENT_CLIENT_REQUEST);
		no_effect(&rig);
		b.len = b.len * i / 12;
		assert_int_equal(answer(&rig, b), 0);
	}
	ended(&rig, 1);
	assert_int_equal(stats_of(&rig).malformed, 12);
	rig_end(&rig);
}

static void blocks_not_held(void **state)
{
	struct content_message empty = {.type = CONTENT_BLK, .crypto = CONTENT_AES_128};
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-510", "DIST-498");
	rig_start(&rig, CONTENT_SHA256, 1000000);
	started(&rig, 0, 2);
	empty.blk.id = id_of(&rig, 0);
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	assert_int_equal(answer(&rig, encoded(&empty)), 0);
	/* Not of him again, but the other one is. */
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	assert_int_equal(request(&rig).wanted.lowest, 1);
	assert_int_equal(answer(&rig, block(&rig, 1, CONTENT_AES_128)), 1);
	ended(&rig, 1);
	assert_true(content_blocks_has(&rig.e.missing, 0));
	assert_int_equal(stats_of(&rig).dropped, 0);
	rig_end(&rig);
}

/* ---- versions ----------------------------------------------------------------------------------- */

static void versions(void **state)
{
	struct content_message nego = {.type = CONTENT_NEGO_RESP, .nego = {{2, 0}, {3, 1}}};
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-300");
	rig_start(&rig, CONTENT_SHA256, 128000);
	started(&rig, 0, 1);
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	assert_int_equal(request(&rig).version.major, 1);
	assert_int_equal(answer(&rig, encoded(&nego)), 0);
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	assert_int_equal(request(&rig).version.major, 2);
	assert_int_equal(request(&rig).wanted.lowest, 0);
	assert_int_equal(answer(&rig, block(&rig, 0, CONTENT_AES_128)), 1);
	ended(&rig, 0);
	rig_end(&rig);
}

static void no_common_version(void **state)
{
	struct content_message nego = {.type = CONTENT_NEGO_RESP, .nego = {{3, 0}, {4, 0}}};
	struct content_request *other;
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-302");
	rig_start(&rig, CONTENT_TRUNCATED, 300000);
	for (size_t i = 0; i < 2; i++) {
		assert_ok(add(&rig, i, 0, 1));
		next_effect(&rig, CONTENT_CLIENT_PROBE);
	}
	for (size_t i = 0; i < 2; i++)
		found(&rig, i, 0);
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	other = rig.e.request;
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	assert_int_equal(answer(&rig, encoded(&nego)), 0);
	/* The other exchange with it is broken off. */
	next_effect(&rig, CONTENT_CLIENT_CANCEL);
	assert_ptr_equal(rig.e.request, other);
	fails(&rig, PONTO_ECLOSED);
	no_effect(&rig);
	for (size_t i = 0; i < 2; i++) {
		searched(&rig, i);
		ended(&rig, 1);
	}
	rig_end(&rig);
}

static void versions_over_and_over(void **state)
{
	struct content_message nego = {.type = CONTENT_NEGO_RESP, .nego = {{1, 0}, {2, 0}}};
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 128000);
	started(&rig, 0, 1);
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	assert_int_equal(answer(&rig, encoded(&nego)), 0);
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	assert_int_equal(answer(&rig, encoded(&nego)), 0);
	ended(&rig, 1);
	rig_end(&rig);
}

/* ---- time ------------------------------------------------------------------------------------------ */

static void silent_servers(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-290", "DIST-292", "DIST-318", "DIST-514");
	rig_start(&rig, CONTENT_SHA256, 128000);
	started(&rig, 0, 1);
	for (unsigned i = 0; i < CONTENT_STRIKES; i++) {
		struct content_request *r;

		/* A new session each time: the old one would be over by then. */
		if (i == 2) {
			content_client_stop(rig.client, 0);
			while (effect(&rig)) {
				if (rig.e.kind == CONTENT_CLIENT_REQUEST || rig.e.kind == CONTENT_CLIENT_CANCEL)
					fails(&rig, PONTO_ECLOSED);
			}
			assert_ok(add(&rig, 0, 0, 1));
		}
		next_effect(&rig, CONTENT_CLIENT_REQUEST);
		r = rig.e.request;
		assert_int_equal(content_client_deadline(rig.client), rig.now + 2 * PONTO_SECOND);
		rig.now += 2 * PONTO_SECOND - 1;
		content_client_advance(rig.client, rig.now);
		no_effect(&rig);
		content_client_advance(rig.client, ++rig.now);
		if (i == CONTENT_STRIKES - 1)
			ended(&rig, 1);
		next_effect(&rig, CONTENT_CLIENT_CANCEL);
		assert_ptr_equal(rig.e.request, r);
		fails(&rig, PONTO_ETIME);
	}
	assert_int_equal(stats_of(&rig).timeouts, 3);
	assert_int_equal(stats_of(&rig).dropped, 1);
	no_effect(&rig);
	rig_end(&rig);
}

static void sessions_end(void **state)
{
	struct rig rig;
	struct content_request *r;

	(void)state;
	PONTO_PROVES("DIST-500", "DIST-289");
	rig_start(&rig, CONTENT_SHA256, 1000000);
	started(&rig, 0, 3);
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	rig.now += PONTO_SECOND;
	assert_int_equal(answer(&rig, block(&rig, 0, CONTENT_AES_128)), 1);
	/* Counted from the last block. */
	rig.now += 4 * PONTO_SECOND + 500 * PONTO_MS;
	content_client_advance(rig.client, rig.now);
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	r = rig.e.request;
	assert_int_equal(content_client_deadline(rig.client), START + 6 * PONTO_SECOND);
	rig.now = START + 6 * PONTO_SECOND;
	content_client_advance(rig.client, rig.now);
	ended(&rig, 2);
	next_effect(&rig, CONTENT_CLIENT_CANCEL);
	assert_ptr_equal(rig.e.request, r);
	assert_int_equal(content_client_deadline(rig.client), PONTO_NEVER);
	/* Its answer comes all the same: nobody wants it. */
	assert_int_equal(answer(&rig, block(&rig, 1, CONTENT_AES_128)), 0);
	no_effect(&rig);
	rig_end(&rig);
}

static void sessions_end_while_a_block_is_opened(void **state)
{
	struct rig rig;
	struct content_request *r;
	struct content_open open;
	struct blob b;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 128000);
	started(&rig, 0, 2);
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	r = rig.e.request;
	b = block(&rig, 0, CONTENT_AES_128);
	assert_int_equal(content_client_response(rig.client, rig.now, r, PONTO_OK, bytes_of(&b), &open), 1);
	content_client_stop(rig.client, 0);
	ended(&rig, 2);
	no_effect(&rig);
	assert_int_equal(opened(&rig, r, &open), 0);
	free(b.data);
	rig_end(&rig);
}

/* ---- servers ---------------------------------------------------------------------------------------- */

static void nobody_has_it(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-501", "DIST-512");
	rig_start(&rig, CONTENT_SHA256, 128000);
	assert_ok(add(&rig, 0, 0, 2));
	next_effect(&rig, CONTENT_CLIENT_PROBE);
	no_effect(&rig);
	searched(&rig, 0);
	ended(&rig, 2);
	/* For 15 seconds nobody is asked again. */
	rig.now += 15 * PONTO_SECOND - 1;
	assert_ok(add(&rig, 0, 0, 2));
	ended(&rig, 2);
	rig.now++;
	assert_ok(add(&rig, 0, 0, 2));
	next_effect(&rig, CONTENT_CLIENT_PROBE);
	searched(&rig, 0);
	ended(&rig, 2);
	rig_end(&rig);
}

static void servers_are_remembered(void **state)
{
	struct content_client_config config;
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-505", "DIST-502");
	rig_start(&rig, CONTENT_SHA256, 128000);
	config = content_client_defaults(&rig.alloc.alloc);
	config.server_lifetime = 15 * PONTO_SECOND;
	rig_with(&rig, &config);
	started(&rig, 0, 1);
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	assert_int_equal(answer(&rig, block(&rig, 0, CONTENT_AES_128)), 1);
	ended(&rig, 0);
	rig.now += 15 * PONTO_SECOND - 1;
	assert_ok(add(&rig, 0, 1, 1));
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	assert_int_equal(answer(&rig, block(&rig, 1, CONTENT_AES_128)), 1);
	ended(&rig, 0);
	rig.now += 15 * PONTO_SECOND;
	assert_ok(add(&rig, 0, 1, 1));
	next_effect(&rig, CONTENT_CLIENT_PROBE);
	searched(&rig, 0);
	ended(&rig, 1);
	rig_end(&rig);
}

static void the_longest_unused_list_goes(void **state)
{
	struct content_client_config config;
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-506");
	rig_start(&rig, CONTENT_TRUNCATED, 400000);
	assert_true(rig.made.count >= 3);
	config = content_client_defaults(&rig.alloc.alloc);
	config.segments = config.sessions = 2;
	rig_with(&rig, &config);
	for (size_t i = 0; i < 3; i++) {
		assert_ok(add(&rig, i, 0, 1));
		next_effect(&rig, CONTENT_CLIENT_PROBE);
		searched(&rig, i);
		ended(&rig, 1);
		rig.now++;
	}
	/* The third is known, the first forgotten. */
	assert_ok(add(&rig, 2, 0, 1));
	ended(&rig, 1);
	assert_ok(add(&rig, 0, 0, 1));
	next_effect(&rig, CONTENT_CLIENT_PROBE);
	searched(&rig, 0);
	ended(&rig, 1);
	rig_end(&rig);
}

static void as_many_servers_as_there_may_be(void **state)
{
	struct rig rig;
	unsigned requests = 0;

	(void)state;
	PONTO_PROVES("DIST-511");
	rig_start(&rig, CONTENT_SHA256, 30 * 65536);
	started(&rig, 0, 1);
	for (unsigned i = 1; i < 20; i++) {
		rig.now++;
		found(&rig, 0, i);
	}
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	no_effect(&rig);
	assert_int_equal(answer(&rig, block(&rig, 0, CONTENT_AES_128)), 1);
	ended(&rig, 0);
	assert_ok(add(&rig, 0, 0, 30));
	while (effect(&rig)) {
		assert_int_equal(rig.e.kind, CONTENT_CLIENT_REQUEST);
		/* 1 was at work and 17 to 20 came for the others longest not heard of. */
		assert_true(rig.e.addr.ip[3] == 1 || rig.e.addr.ip[3] > 5);
		requests++;
		fails(&rig, PONTO_EIO);
		if (requests == 16)
			break;
	}
	ended(&rig, 30);
	rig_end(&rig);
}

static void too_many_searches(void **state)
{
	struct content_client_config config;
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-507");
	rig_start(&rig, CONTENT_TRUNCATED, 400000);
	config = content_client_defaults(&rig.alloc.alloc);
	config.probes = 1;
	rig_with(&rig, &config);
	assert_ok(add(&rig, 0, 0, 1));
	assert_ok(add(&rig, 1, 0, 1));
	next_effect(&rig, CONTENT_CLIENT_ENDED);
	assert_int_equal(rig.e.tag, 1);
	next_effect(&rig, CONTENT_CLIENT_PROBE);
	assert_int_equal(rig.e.tag, 0);
	no_effect(&rig);
	rig.now += PONTO_SECOND;
	assert_ok(add(&rig, 1, 0, 1));
	next_effect(&rig, CONTENT_CLIENT_PROBE);
	rig_end(&rig);
}

static void settings(void **state)
{
	struct content_client_config c = content_client_defaults(&ponto_alloc_system);
	struct content_client *client = NULL;

	(void)state;
	PONTO_PROVES("DIST-291");
	assert_int_equal(c.request_timeout, 2 * PONTO_SECOND);
	assert_int_equal(c.servers, 16);
	assert_int_equal(c.strikes, 3);
	c.request_timeout = 0;
	assert_int_equal(content_client_create(&c, &client), PONTO_EINVAL);
	c.request_timeout = 61 * PONTO_SECOND;
	assert_int_equal(content_client_create(&c, &client), PONTO_EINVAL);
	c.request_timeout = PONTO_MS;
	assert_ok(content_client_create(&c, &client));
	content_client_destroy(client);
	c.request_timeout = 60 * PONTO_SECOND;
	c.strikes = 0;
	assert_int_equal(content_client_create(&c, &client), PONTO_EINVAL);
	c.strikes = 101;
	assert_int_equal(content_client_create(&c, &client), PONTO_EINVAL);
	c.strikes = 100;
	c.servers = 17;
	assert_int_equal(content_client_create(&c, &client), PONTO_EINVAL);
}

static void what_cannot_be_wanted(void **state)
{
	struct content_client_config config;
	struct content_blocks none = {{0}}, beyond = blocks_of(0, 3);
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-025");
	rig_start(&rig, CONTENT_SHA256, 128000);
	assert_int_equal(content_client_add(rig.client, rig.now, CONTENT_SHA256, &rig.made.segments[0], &none, 1),
			 PONTO_EINVAL);
	assert_int_equal(content_client_add(rig.client, rig.now, CONTENT_SHA256, &rig.made.segments[0], &beyond, 1),
			 PONTO_EINVAL);
	/* A hash that is not listed: nothing could be believed. */
	rig.made.segments[0].block_hashes.len = 32;
	assert_int_equal(add(&rig, 0, 1, 1), PONTO_EINVAL);
	assert_ok(add(&rig, 0, 0, 1));
	assert_int_equal(add(&rig, 0, 0, 1), PONTO_EEXIST);
	config = content_client_defaults(&rig.alloc.alloc);
	config.sessions = 1;
	rig_with(&rig, &config);
	assert_ok(add(&rig, 0, 0, 1));
	rig.made.segments[0].hod[0] ^= 1;
	assert_int_equal(add(&rig, 0, 0, 1), PONTO_EBUSY);
	rig_end(&rig);
}

/* ---- a branch of liars --------------------------------------------------------------------------------- */

struct liar {
	struct content_blocks holds;
	unsigned habit; /* 0..2: honest; else what it does wrong */
};

static struct blob lie(const struct rig *rig, const struct liar *p, const struct content_message *m,
		       const struct ponto_random *random)
{
	struct content_message list = {.type = CONTENT_BLKLIST}, empty = {.type = CONTENT_BLK};
	struct blob b;

	list.blklist.id = empty.blk.id = m->wanted.id;
	empty.blk.index = m->wanted.lowest;
	if (m->type == CONTENT_GETBLKLIST) {
		list.blklist.blocks = p->holds;
		content_blocks_keep(&list.blklist.blocks, &m->wanted.blocks);
		if (p->habit == 3)
			list.blklist.blocks = m->wanted.blocks;
		return encoded(&list);
	}
	if (!content_blocks_has(&p->holds, m->wanted.lowest))
		return encoded(&empty);
	b = block(rig, m->wanted.lowest, ponto_random_below(random, 4));
	if (p->habit == 4)
		b.data[80 + ponto_random_below(random, b.len - 120)] ^= 0x20;
	if (p->habit == 5)
		b.len = ponto_random_below(random, b.len);
	if (p->habit == 6)
		b.data[24 + ponto_random_below(random, 44)] ^= 1;
	return b;
}

/* Whatever they do: each block is accepted once, with the right bytes, or reported missing; and whatever an honest and
 * quick one holds is not missing. */
static void liars(void **state)
{
	struct ponto_test_random tr;

	(void)state;
	PONTO_PROVES("DIST-026", "DIST-012");
	ponto_test_random_init(&tr, 77);
	for (unsigned round = 0; round < 60; round++) {
		struct content_blocks honest = {{0}}, got = {{0}};
		struct liar peers[PEERS];
		struct rig rig;
		bool over = false;

		rig_start(&rig, CONTENT_SHA256, 12 * 65536 - 500);
		assert_ok(add(&rig, 0, 0, 12));
		next_effect(&rig, CONTENT_CLIENT_PROBE);
		for (unsigned i = 0; i < PEERS && i < CONTENT_SERVERS_MAX; i++) {
			peers[i].habit = (unsigned)ponto_random_below(&tr.random, 8);
			peers[i].holds = blocks_of((uint32_t)ponto_random_below(&tr.random, 12),
						   (uint32_t)ponto_random_below(&tr.random, 6));
			for (uint32_t k = 0; k < 12 && peers[i].habit < 3; k++) {
				if (content_blocks_has(&peers[i].holds, k))
					content_blocks_add(&honest, k, 1);
			}
			found(&rig, 0, i);
		}
		searched(&rig, 0);
		while (!over && effect(&rig)) {
			const struct liar *p;
			struct content_message m;

			over = rig.e.kind == CONTENT_CLIENT_ENDED;
			if (over)
				break;
			p = &peers[rig.e.addr.ip[3] - 1];
			if (rig.e.kind == CONTENT_CLIENT_CANCEL || p->habit == 7) {
				fails(&rig, PONTO_EIO);
				continue;
			}
			m = request(&rig);
			if (answer(&rig, lie(&rig, p, &m, &tr.random)) == 1) {
				assert_false(content_blocks_has(&got, m.wanted.lowest));
				content_blocks_add(&got, m.wanted.lowest, 1);
			}
		}
		assert_true(over);
		assert_int_equal(content_blocks_count(&got) + content_blocks_count(&rig.e.missing), 12);
		content_blocks_keep(&honest, &rig.e.missing);
		assert_int_equal(content_blocks_count(&honest), 0);
		rig_end(&rig);
	}
}

/* ---- memory ------------------------------------------------------------------------------------------------ */

static int fetch_one(const struct ponto_alloc *alloc, void *arg)
{
	struct content_made *made = arg;
	struct content_client_config config = content_client_defaults(alloc);
	struct content_blocks wanted = blocks_of(0, 1);
	struct content_client_effect e;
	struct content_client *client;
	struct content_open open;
	struct content_id id;
	struct ponto_addr addr = peer(0);
	int result = content_client_create(&config, &client);

	if (result != PONTO_OK)
		return result;
	result = content_client_add(client, START, made->algo, &made->segments[0], &wanted, 1);
	content_segment_id(made->algo, made->segments[0].kp, made->segments[0].hod, &id);
	content_client_found(client, START, &id, &addr);
	content_client_searched(client, START, &id);
	while (content_client_effect(client, START, &e)) {
		if (e.kind == CONTENT_CLIENT_REQUEST)
			(void)content_client_response(client, START, e.request, PONTO_EIO, ponto_bytes(NULL, 0), &open);
	}
	content_client_destroy(client);
	return result;
}

/* A request for which there is no memory is left to the content server. */
static void refused_memory(void **state)
{
	struct blob content = pattern(1000);
	struct content_made made = content_make(CONTENT_SHA256, bytes_of(&content), NULL);

	(void)state;
	ponto_test_oom(fetch_one, &made, true);
	content_made_free(&made);
	free(content.data);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(few_blocks_are_fetched_at_once),
	cmocka_unit_test(lists_come_first),
	cmocka_unit_test(a_session_a_segment),
	cmocka_unit_test(one_block_a_server),
	cmocka_unit_test(what_is_told_to_peers),
	cmocka_unit_test(every_cipher),
	cmocka_unit_test(every_hash),
	cmocka_unit_test(wrong_bytes),
	cmocka_unit_test(not_the_answer),
	cmocka_unit_test(malformed_answers),
	cmocka_unit_test(blocks_not_held),
	cmocka_unit_test(versions),
	cmocka_unit_test(no_common_version),
	cmocka_unit_test(versions_over_and_over),
	cmocka_unit_test(silent_servers),
	cmocka_unit_test(sessions_end),
	cmocka_unit_test(sessions_end_while_a_block_is_opened),
	cmocka_unit_test(nobody_has_it),
	cmocka_unit_test(servers_are_remembered),
	cmocka_unit_test(the_longest_unused_list_goes),
	cmocka_unit_test(as_many_servers_as_there_may_be),
	cmocka_unit_test(too_many_searches),
	cmocka_unit_test(settings),
	cmocka_unit_test(what_cannot_be_wanted),
	cmocka_unit_test(liars),
	cmocka_unit_test(refused_memory),
};

PONTO_TEST_MAIN(tests)
