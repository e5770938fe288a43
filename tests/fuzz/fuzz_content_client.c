/* The fetching engine, played by a program: three bytes an operation. Whatever peers answer and in whatever order, a
 * block is accepted once, only with its hash and only while its session is on; every session ends once, naming what is
 * missing; and nothing is kept at the end. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "engines/content/content_client.h"

#define SEGMENTS 6
#define BLOCKS 12
#define OUT_MAX 256

struct game {
	struct content_client *client;
	uint64_t now;
	enum content_algo algo;
	struct content_segment segments[SEGMENTS];
	uint8_t hashes[BLOCKS * CONTENT_HASH_MAX];
	struct content_blocks left[SEGMENTS]; /* of the session */
	bool on[SEGMENTS];
	struct content_request *sent[OUT_MAX]; /* not yet answered */
	struct content_message asked[OUT_MAX];
	uint8_t raw[OUT_MAX][CONTENT_LIST_MAX];
	size_t raw_len[OUT_MAX];
	size_t out;
	struct content_request *opening[OUT_MAX];
	uint64_t opening_tag[OUT_MAX];
	uint32_t opening_index[OUT_MAX];
	size_t open;
};

static struct game game;
static uint8_t body[CONTENT_LIST_MAX + 140000];

/* Block i hashes to what the list says when its first byte is i. */
static void make_segments(void)
{
	for (uint8_t i = 0; i < BLOCKS; i++) {
		struct ponto_bytes part = ponto_bytes(&i, 1);
		uint8_t hash[CONTENT_HASH_MAX];

		content_hash(game.algo, &part, 1, hash);
		memcpy(game.hashes + i * content_hash_size(game.algo), hash, content_hash_size(game.algo));
	}
	for (unsigned s = 0; s < SEGMENTS; s++) {
		struct content_segment *segment = &game.segments[s];

		memset(segment, 0, sizeof(*segment));
		segment->size = content_is_v2(game.algo) ? 100 : BLOCKS * CONTENT_BLOCK - 65436;
		memcpy(segment->hod, game.hashes, content_hash_size(game.algo));
		segment->kp[0] = (uint8_t)s;
		if (!content_is_v2(game.algo))
			segment->block_hashes = ponto_bytes(game.hashes, BLOCKS * content_hash_size(game.algo));
	}
}

static struct content_id id_of(unsigned s)
{
	struct content_id id;

	content_segment_id(game.algo, game.segments[s].kp, game.segments[s].hod, &id);
	return id;
}

static void want(unsigned s, uint8_t bits)
{
	struct content_blocks set = {{0}};
	int result;

	content_blocks_add(&set, bits % BLOCKS, 1u + bits / BLOCKS % 6);
	result = content_client_add(game.client, game.now, game.algo, &game.segments[s], &set, s);
	if (game.on[s])
		FUZZ_REQUIRE(result == PONTO_EEXIST);
	if (result != PONTO_OK)
		return;
	game.on[s] = true;
	game.left[s] = set;
}

static void effects(void)
{
	struct content_client_effect e;

	while (game.out < OUT_MAX && content_client_effect(game.client, game.now, &e)) {
		if (e.kind == CONTENT_CLIENT_ENDED) {
			FUZZ_REQUIRE(e.tag < SEGMENTS && game.on[e.tag]);
			FUZZ_REQUIRE(memcmp(&e.missing, &game.left[e.tag], sizeof(e.missing)) == 0);
			game.on[e.tag] = false;
		}
		if (e.kind != CONTENT_CLIENT_REQUEST)
			continue;
		game.sent[game.out] = e.request;
		memcpy(game.raw[game.out], e.body.data, e.body.len);
		game.raw_len[game.out] = e.body.len;
		FUZZ_REQUIRE(content_request_decode(ponto_bytes(game.raw[game.out], e.body.len), 1, 2,
						    &game.asked[game.out]) == PONTO_OK);
		game.out++;
	}
}

/* An answer that fits the request, and then a byte turned. */
static struct ponto_bytes make_answer(const struct content_message *asked, uint8_t how, uint8_t more)
{
	struct content_message m;
	size_t len = 0;

	memset(&m, 0, sizeof(m));
	memset(body, 0, sizeof(body));
	m.crypto = how & 3;
	m.type = asked->type == CONTENT_GETBLKLIST ? CONTENT_BLKLIST : CONTENT_BLK;
	if (how >> 2 == 1)
		m.type = CONTENT_BLK;
	if (how >> 2 == 2)
		m.type = CONTENT_NEGO_RESP;
	if (m.type == CONTENT_NEGO_RESP) {
		m.nego = (struct content_nego){{(uint16_t)(more & 3), 0}, {(uint16_t)((more & 3) + (more >> 4)), 0}};
	} else if (m.type == CONTENT_BLKLIST) {
		m.blklist.id = asked->wanted.id;
		content_blocks_add(&m.blklist.blocks, more % BLOCKS, more / BLOCKS);
	} else {
		static const uint8_t block[CONTENT_BLOCK + 16];
		bool empty = how >> 2 == 3;

		m.blk.id = asked->wanted.id;
		m.blk.index = asked->wanted.lowest;
		m.blk.data = ponto_bytes(block, empty ? 0 : more & 1 ? 112 : sizeof(block));
	}
	if (content_encode(&m, body, sizeof(body), &len) != PONTO_OK)
		return ponto_bytes(body, 0);
	if (how >> 4 == 15)
		body[more % len] ^= 0x11;
	return ponto_bytes(body, len);
}

static void answer(size_t which, uint8_t how, uint8_t more)
{
	struct content_request *r;
	struct content_message asked;
	struct content_open open;
	struct ponto_bytes reply;

	if (game.out == 0 || game.open == OUT_MAX)
		return;
	which %= game.out;
	r = game.sent[which];
	asked = game.asked[which];
	game.out--;
	game.sent[which] = game.sent[game.out];
	game.asked[which] = game.asked[game.out];
	reply = make_answer(&asked, how, more);
	if (content_client_response(game.client, game.now, r, how == 0xff ? PONTO_EIO : PONTO_OK, reply, &open) == 0)
		return;
	FUZZ_REQUIRE(asked.type == CONTENT_GETBLKS && open.tag < SEGMENTS && game.on[open.tag]);
	FUZZ_REQUIRE(open.index == asked.wanted.lowest && open.size > 0 && open.data.len >= open.size);
	game.opening[game.open] = r;
	game.opening_tag[game.open] = open.tag;
	game.opening_index[game.open++] = open.index;
}

static void opened(size_t which, bool right)
{
	struct content_request *r;
	uint8_t hash[CONTENT_HASH_MAX], first;
	struct ponto_bytes part = ponto_bytes(&first, 1);
	uint64_t tag;
	uint32_t index;

	if (game.open == 0)
		return;
	which %= game.open;
	r = game.opening[which];
	tag = game.opening_tag[which];
	index = game.opening_index[which];
	game.open--;
	game.opening[which] = game.opening[game.open];
	game.opening_tag[which] = game.opening_tag[game.open];
	game.opening_index[which] = game.opening_index[game.open];
	first = (uint8_t)(right ? index : index + 100);
	content_hash(game.algo, &part, 1, hash);
	if (content_client_opened(game.client, game.now, r, PONTO_OK, hash) == 0)
		return;
	FUZZ_REQUIRE(right && game.on[tag] && content_blocks_has(&game.left[tag], index));
	content_blocks_remove(&game.left[tag], index);
}

static void operate(uint8_t op, uint8_t a, uint8_t b)
{
	struct ponto_addr addr = {{10, 0, 0, (uint8_t)(b % 20)}, 0, 80, PONTO_FAMILY_IPV4, 0};
	struct content_id id = id_of(a % SEGMENTS);

	switch (op % 8) {
	case 0:
		want(a % SEGMENTS, b);
		break;
	case 1:
		content_client_found(game.client, game.now, &id, &addr);
		break;
	case 2:
		content_client_searched(game.client, game.now, &id);
		break;
	case 3:
	case 4:
		answer(op / 8u, a, b);
		break;
	case 5:
		opened(a, b & 3);
		break;
	case 6:
		game.now += (uint64_t)a * b * PONTO_MS;
		content_client_advance(game.client, game.now);
		break;
	default:
		content_client_stop(game.client, a % SEGMENTS);
		break;
	}
	effects();
}

/* Everything outstanding is answered, then nothing is left. */
static void finish(void)
{
	for (unsigned s = 0; s < SEGMENTS; s++)
		content_client_stop(game.client, s);
	effects();
	while (game.out > 0 || game.open > 0) {
		answer(0, 0xff, 0);
		opened(0, true);
		effects();
	}
	for (unsigned s = 0; s < SEGMENTS; s++)
		FUZZ_REQUIRE(!game.on[s]);
	FUZZ_REQUIRE(content_client_deadline(game.client) == PONTO_NEVER);
	content_client_destroy(game.client);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct content_client_config config = content_client_defaults(&ponto_alloc_system);

	if (size < 4 || size > 4000)
		return 0;
	memset(&game, 0, offsetof(struct game, sent));
	game.out = game.open = 0;
	game.algo = data[0] & 1 ? CONTENT_TRUNCATED : CONTENT_SHA256;
	game.now = PONTO_SECOND;
	make_segments();
	config.servers = 1 + data[0] / 2 % CONTENT_SERVERS_MAX;
	config.sessions = config.segments = 1 + data[0] / 32u % 7;
	config.requests = 1 + data[0] / 64u * 8;
	FUZZ_REQUIRE(content_client_create(&config, &game.client) == PONTO_OK);
	for (size_t i = 1; i + 3 <= size; i += 3)
		operate(data[i], data[i + 1], data[i + 2]);
	finish();
	return 0;
}
