/* The fetching side: [MS-PCCRR] 3.1, [MS-CCROD] 2.8.2. What is asked, and what is believed. */
#include "tests/unit/content_rig.h"

#define PEERS 24

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
	PONTO_PROVES("DIST-294", "DIST-309");
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

/* What all lack is told as soon as the last of them has said so, once, while the session fetches what they have. */
static void what_all_lack_is_told_at_once(void **state)
{
	struct content_message list = {.type = CONTENT_BLKLIST};
	struct content_client_effect first;
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 1000000);
	assert_ok(add(&rig, 0, 0, 8));
	next_effect(&rig, CONTENT_CLIENT_PROBE);
	found(&rig, 0, 0);
	found(&rig, 0, 1);
	searched(&rig, 0);
	list.blklist.id = id_of(&rig, 0);
	list.blklist.blocks = blocks_of(3, 2);
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	first = rig.e;
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	assert_int_equal(answer(&rig, encoded(&list)), 0);
	next_effect(&rig, CONTENT_CLIENT_REQUEST); /* block 3 */
	assert_int_equal(content_blocks_count(&rig.lacked), 0);
	list.blklist.blocks = blocks_of(6, 2);
	rig.e = first;
	assert_int_equal(answer(&rig, encoded(&list)), 0);
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	assert_int_equal(content_blocks_count(&rig.lacked), 4);
	assert_true(content_blocks_has(&rig.lacked, 0) && content_blocks_has(&rig.lacked, 5));
	memset(&rig.lacked, 0, sizeof(rig.lacked));
	content_client_stop(rig.client, 0);
	ended(&rig, 8);
	while (effect(&rig)) {
		assert_int_equal(rig.e.kind, CONTENT_CLIENT_CANCEL);
		assert_int_equal(answer(&rig, encoded(&list)), 0);
	}
	assert_int_equal(content_blocks_count(&rig.lacked), 0);
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
	cmocka_unit_test(what_all_lack_is_told_at_once),
	cmocka_unit_test(a_session_a_segment),
	cmocka_unit_test(one_block_a_server),
	cmocka_unit_test(what_is_told_to_peers),
	cmocka_unit_test(every_cipher),
	cmocka_unit_test(every_hash),
	cmocka_unit_test(wrong_bytes),
	cmocka_unit_test(not_the_answer),
	cmocka_unit_test(malformed_answers),
	cmocka_unit_test(blocks_not_held),
	cmocka_unit_test(liars),
	cmocka_unit_test(refused_memory),
};

PONTO_TEST_MAIN(tests)
