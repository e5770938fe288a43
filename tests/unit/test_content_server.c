/* The serving side: [MS-PCCRR] 3.2. */
#include "engines/content/content_server.h"
#include "tests/unit/content_test.h"

#define START (1000 * PONTO_SECOND)

struct rig {
	struct ponto_test_alloc alloc;
	struct content_server *server;
	struct ponto_addr client;
	uint64_t now;
};

static void rig_start(struct rig *rig, struct content_server_config config)
{
	ponto_test_alloc_init(&rig->alloc);
	config.alloc = &rig->alloc.alloc;
	rig->now = START;
	assert_ok(ponto_addr_parse("10.0.0.9:5000", 0, &rig->client));
	assert_ok(content_server_create(&config, &rig->server));
}

static struct content_server_config usual(void)
{
	return (struct content_server_config){
		.limit = CONTENT_SERVER_LIMIT, .timeout = CONTENT_UPLOAD_TIMEOUT, .crypto = CONTENT_AES_128, .most = 2};
}

static void rig_end(struct rig *rig)
{
	content_server_destroy(rig->server);
	assert_int_equal(rig->alloc.live, 0);
}

static struct content_id an_id(uint8_t byte)
{
	uint8_t bytes[32] = {byte};
	struct content_id id;

	assert_ok(content_id_set(ponto_bytes(bytes, 32), &id));
	return id;
}

/* A request for one block, or several. */
static struct blob request_of(uint8_t type, uint32_t index, uint32_t count)
{
	struct content_message m = {.type = type, .crypto = CONTENT_AES_128};
	uint8_t buf[CONTENT_LIST_MAX];
	size_t len;

	m.wanted.id = an_id(1);
	content_blocks_add(&m.wanted.blocks, index, count);
	assert_ok(content_encode(&m, buf, sizeof(buf), &len));
	return blob_copy(buf, len);
}

static struct content_serving *sent(struct rig *rig, struct blob request)
{
	struct content_serving *v = NULL;

	assert_ok(content_server_input(rig->server, rig->now, &rig->client, bytes_of(&request), rig, &v));
	free(request.data);
	return v;
}

static struct content_server_effect next_effect(struct rig *rig, unsigned kind)
{
	struct content_server_effect e;

	assert_int_equal(content_server_effect(rig->server, &e), 1);
	assert_int_equal(e.kind, kind);
	assert_ptr_equal(e.user, rig);
	return e;
}

static void no_effect(struct rig *rig)
{
	struct content_server_effect e;

	assert_int_equal(content_server_effect(rig->server, &e), 0);
}

/* Blocks of the segment that are held: runs of index, count, ending with a count of 0. */
static struct content_held holding(const uint32_t *runs)
{
	struct content_held held = {{{0}}, 5 * PONTO_SECOND};

	for (; runs[1]; runs += 2)
		content_blocks_add(&held.blocks, runs[0], runs[1]);
	return held;
}

/* What a request is answered with; SERVE is an answer too. */
static struct content_server_effect asked(struct rig *rig, struct blob request, const uint32_t *runs)
{
	struct content_serving *v = sent(rig, request);
	struct content_server_effect e = next_effect(rig, CONTENT_SERVER_LOOKUP);
	struct content_held held = holding(runs);
	struct ponto_reader r = ponto_reader(e.ids.bytes);
	struct content_id id, expected = an_id(1);

	assert_ptr_equal(e.serving, v);
	assert_int_equal(e.ids.count, 1);
	assert_true(content_ids_next(&r, &id));
	assert_true(content_id_equal(&id, &expected));
	no_effect(rig);
	assert_ok(content_server_held(rig->server, v, &held, 1));
	assert_int_equal(content_server_effect(rig->server, &e), 1);
	no_effect(rig);
	return e;
}

static struct content_message answered(const struct content_server_effect *e)
{
	struct content_message m;

	assert_int_equal(e->kind, CONTENT_SERVER_ANSWER);
	assert_ok(content_response_decode(e->body, &m));
	return m;
}

static uint32_t active(struct rig *rig)
{
	struct content_server_stats stats;

	content_server_stats(rig->server, &stats);
	return stats.active;
}

static const uint32_t nothing[] = {0, 0}, from_3[] = {3, 4, 0, 0}, all[] = {0, 512, 0, 0}, ten[] = {0, 10, 0, 0};
static const uint32_t gaps[] = {1, 3, 7, 1, 0, 0}, two[] = {0, 1, 5, 1, 0, 0};

/* ---- lists -------------------------------------------------------------------------- */

static struct content_blklist list_of(struct rig *rig, uint32_t index, uint32_t count, const uint32_t *runs)
{
	struct content_server_effect e = asked(rig, request_of(CONTENT_GETBLKLIST, index, count), runs);
	struct content_message m = answered(&e);
	struct content_id id = an_id(1);

	assert_int_equal(m.type, CONTENT_BLKLIST);
	assert_true(content_id_equal(&m.blklist.id, &id));
	content_server_done(rig->server, e.serving);
	return m.blklist;
}

static void lists(void **state)
{
	struct content_blklist list;
	struct rig rig;
	uint32_t index, count;

	(void)state;
	PONTO_PROVES("DIST-332", "DIST-256", "DIST-319", "DIST-255");
	rig_start(&rig, usual());
	list = list_of(&rig, 0, 5, from_3);
	assert_true(content_blocks_run(&list.blocks, 0, &index, &count));
	assert_int_equal(index, 3);
	assert_int_equal(count, 2);
	assert_int_equal(list.next, 5);
	list = list_of(&rig, 10, 5, all);
	assert_int_equal(content_blocks_count(&list.blocks), 5);
	assert_int_equal(list.next, 15);
	list = list_of(&rig, 0, 512, nothing);
	assert_int_equal(content_blocks_count(&list.blocks), 0);
	assert_int_equal(list.next, 0);
	rig_end(&rig);
}

static void lists_are_normal(void **state)
{
	struct rig rig;
	struct content_server_effect e;

	(void)state;
	PONTO_PROVES("DIST-257", "DIST-258", "DIST-259");
	rig_start(&rig, usual());
	e = asked(&rig, request_of(CONTENT_GETBLKLIST, 0, 512), gaps);
	assert_hex(e.body.data + 56, e.body.len - 56, "00000002 00000001 00000003 00000007 00000001 00000000");
	content_server_done(rig.server, e.serving);
	assert_int_equal(list_of(&rig, 0, 2, ten).next, 2);
	assert_int_equal(list_of(&rig, 8, 2, ten).next, 0);
	assert_int_equal(list_of(&rig, 511, 1, all).next, 0);
	rig_end(&rig);
}

/* What test suites send: no range at all. */
static void a_list_of_nothing(void **state)
{
	struct rig rig;
	struct content_server_effect e;
	struct content_message m;
	struct blob b = request_of(CONTENT_GETBLKLIST, 0, 1);

	(void)state;
	PONTO_PROVES("DIST-236");
	rig_start(&rig, usual());
	b.len -= 8;
	blob_edit(&b, 8, "00000038");
	blob_edit(&b, 52, "00000000");
	e = asked(&rig, b, all);
	m = answered(&e);
	assert_int_equal(m.type, CONTENT_BLKLIST);
	assert_int_equal(content_blocks_count(&m.blklist.blocks), 0);
	content_server_done(rig.server, e.serving);
	rig_end(&rig);
}

/* ---- blocks -------------------------------------------------------------------------- */

static void blocks(void **state)
{
	struct rig rig;
	struct content_server_effect e;
	struct content_id id = an_id(1);

	(void)state;
	PONTO_PROVES("DIST-261", "DIST-262", "DIST-336", "DIST-340");
	for (unsigned crypto = CONTENT_PLAIN; crypto <= CONTENT_AES_256; crypto++) {
		struct content_server_config config = usual();

		config.crypto = crypto;
		rig_start(&rig, config);
		e = asked(&rig, request_of(CONTENT_GETBLKS, 0, 1), two);
		assert_int_equal(e.kind, CONTENT_SERVER_SERVE);
		assert_int_equal(e.blk.index, 0);
		assert_int_equal(e.blk.next, 5);
		assert_int_equal(e.crypto, crypto);
		assert_true(content_id_equal(&e.blk.id, &id));
		assert_ok(content_server_served(rig.server, e.serving, PONTO_OK));
		no_effect(&rig);
		content_server_done(rig.server, e.serving);
		e = asked(&rig, request_of(CONTENT_GETBLKS, 5, 1), two);
		assert_int_equal(e.blk.index, 5);
		assert_int_equal(e.blk.next, 0);
		content_server_done(rig.server, e.serving);
		rig_end(&rig);
	}
}

static void blocks_not_held(void **state)
{
	struct rig rig;
	struct content_server_effect e;
	struct content_message m;
	struct content_id id = an_id(1);

	(void)state;
	PONTO_PROVES("DIST-338", "DIST-339");
	rig_start(&rig, usual());
	e = asked(&rig, request_of(CONTENT_GETBLKS, 2, 1), two);
	m = answered(&e);
	assert_int_equal(m.type, CONTENT_BLK);
	assert_int_equal(m.crypto, CONTENT_AES_128);
	assert_int_equal(m.blk.index, 2);
	assert_int_equal(m.blk.next, 5);
	assert_int_equal(m.blk.data.len, 0);
	assert_true(content_id_equal(&m.blk.id, &id));
	content_server_done(rig.server, e.serving);
	/* Gone since it was looked up. */
	e = asked(&rig, request_of(CONTENT_GETBLKS, 5, 1), two);
	assert_ok(content_server_served(rig.server, e.serving, PONTO_ENOENT));
	e = next_effect(&rig, CONTENT_SERVER_ANSWER);
	m = answered(&e);
	assert_int_equal(m.blk.index, 5);
	assert_int_equal(m.blk.data.len, 0);
	content_server_done(rig.server, e.serving);
	rig_end(&rig);
}

/* Several blocks, no block, and an index beyond every segment. */
static void odd_ranges(void **state)
{
	struct rig rig;
	struct content_server_effect e;
	struct blob b = blob_hex("00000001 00000003 0000004c 00000001 00000020"
				 "0100000000000000000000000000000000000000000000000000000000000000"
				 "00000002 00000009 00000002 00000003 00000001 00000000");

	(void)state;
	PONTO_PROVES("DIST-337", "DIST-244");
	rig_start(&rig, usual());
	e = asked(&rig, blob_copy(b.data, b.len), all);
	assert_int_equal(e.kind, CONTENT_SERVER_SERVE);
	assert_int_equal(e.blk.index, 3);
	content_server_done(rig.server, e.serving);
	blob_edit(&b, 56, "00000000 00000000 00000000 00000000");
	e = asked(&rig, blob_copy(b.data, b.len), all);
	assert_int_equal(answered(&e).blk.index, 0);
	assert_int_equal(answered(&e).blk.data.len, 0);
	content_server_done(rig.server, e.serving);
	blob_edit(&b, 56, "ffffffff ffffffff fffffffe ffffffff");
	e = asked(&rig, b, all);
	assert_int_equal(answered(&e).blk.index, 0xfffffffe);
	assert_int_equal(answered(&e).blk.next, 0);
	content_server_done(rig.server, e.serving);
	rig_end(&rig);
}

/* ---- segments ------------------------------------------------------------------------- */

static struct blob segments_wanted(uint8_t from, uint32_t count)
{
	struct content_message m = {.type = CONTENT_GETSEGLIST, .crypto = CONTENT_AES_128};
	uint8_t *list = malloc(count * 36), *buf = malloc(CONTENT_REQUEST_MAX);
	size_t len = 0, total;
	struct blob b;

	for (uint32_t i = 0; i < count; i++) {
		struct content_id id = an_id((uint8_t)(from + i));

		assert_ok(content_ids_append(&id, list, count * 36, &len));
	}
	memset(m.getseglist.request_id, 0xa7, CONTENT_REQUEST_ID);
	m.getseglist.ids = (struct content_ids){ponto_bytes(list, len), count};
	m.getseglist.blob = ponto_bytes(list, 8);
	assert_ok(content_encode(&m, buf, CONTENT_REQUEST_MAX, &total));
	b = blob_copy(buf, total);
	free(list);
	free(buf);
	return b;
}

static void segments(void **state)
{
	struct content_held held[4];
	struct content_server_effect e;
	struct content_message m;
	struct content_ages ages;
	struct content_id id;
	struct ponto_reader r;
	struct rig rig;
	uint8_t n = 0, index;
	uint64_t age;

	(void)state;
	PONTO_PROVES("DIST-344", "DIST-273", "DIST-206", "DIST-275");
	rig_start(&rig, usual());
	(void)sent(&rig, segments_wanted(10, 4));
	e = next_effect(&rig, CONTENT_SERVER_LOOKUP);
	assert_int_equal(e.ids.count, 4);
	r = ponto_reader(e.ids.bytes);
	while (content_ids_next(&r, &id))
		assert_int_equal(id.b[0], 10 + n++);
	memset(held, 0, sizeof(held));
	held[1] = holding(two);
	held[3] = holding(all);
	held[3].age = 70 * PONTO_SECOND;
	assert_ok(content_server_held(rig.server, e.serving, held, 4));
	e = next_effect(&rig, CONTENT_SERVER_ANSWER);
	m = answered(&e);
	assert_int_equal(m.type, CONTENT_SEGLIST);
	assert_int_equal(m.seglist.request_id[0], 0xa7);
	assert_hex(m.seglist.ranges.bytes.data, m.seglist.ranges.bytes.len, "00000001 00000001 00000003 00000001");
	assert_ok(content_ages_decode(m.seglist.blob, &ages));
	assert_int_equal(ages.count, 2);
	content_age_at(&ages, 0, &index, &age);
	assert_int_equal(index, 0);
	assert_int_equal(age, 5 * PONTO_SECOND);
	content_age_at(&ages, 1, &index, &age);
	assert_int_equal(index, 2);
	assert_int_equal(age, 70 * PONTO_SECOND);
	content_server_done(rig.server, e.serving);
	rig_end(&rig);
}

static void many_segments(void **state)
{
	struct content_held *held = calloc(2700, sizeof(*held));
	struct content_server_effect e;
	struct content_message m;
	struct content_ages ages;
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-271", "DIST-272", "DIST-249");
	rig_start(&rig, usual());
	(void)sent(&rig, segments_wanted(0, 2700));
	e = next_effect(&rig, CONTENT_SERVER_LOOKUP);
	assert_ok(content_server_held(rig.server, e.serving, held, 2700));
	e = next_effect(&rig, CONTENT_SERVER_ANSWER);
	assert_int_equal(answered(&e).seglist.ranges.count, 0);
	content_server_done(rig.server, e.serving);
	for (unsigned i = 0; i < 2700; i += 2)
		held[i].blocks.bits[7] = 1;
	(void)sent(&rig, segments_wanted(0, 2700));
	e = next_effect(&rig, CONTENT_SERVER_LOOKUP);
	assert_ok(content_server_held(rig.server, e.serving, held, 2700));
	e = next_effect(&rig, CONTENT_SERVER_ANSWER);
	m = answered(&e);
	assert_int_equal(m.seglist.ranges.count, 1350);
	assert_ok(content_ages_decode(m.seglist.blob, &ages));
	assert_int_equal(ages.count, 128);
	content_server_done(rig.server, e.serving);
	rig_end(&rig);
	free(held);
}

/* ---- versions -------------------------------------------------------------------------- */

static void versions(void **state)
{
	struct content_server_config config = usual();
	struct content_server_effect e;
	struct content_message m;
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-285", "DIST-328");
	for (config.most = 1; config.most <= 2; config.most++) {
		rig_start(&rig, config);
		(void)sent(&rig, blob_hex("00000001 00000000 00000018 00000001 00000001 00000002"));
		e = next_effect(&rig, CONTENT_SERVER_ANSWER);
		m = answered(&e);
		assert_int_equal(m.type, CONTENT_NEGO_RESP);
		assert_int_equal(m.nego.least.major, 1);
		assert_int_equal(m.nego.most.major, config.most);
		content_server_done(rig.server, e.serving);
		(void)sent(&rig, segments_wanted(0, 3));
		e = next_effect(&rig, config.most == 1 ? CONTENT_SERVER_ANSWER : CONTENT_SERVER_LOOKUP);
		if (config.most == 1)
			assert_int_equal(answered(&e).type, CONTENT_NEGO_RESP);
		content_server_done(rig.server, e.serving);
		rig_end(&rig);
	}
}

/* Version, then load, then content: with no room, an unknown version is still told the versions, and nobody looks for
 * what is held. */
static void the_order_of_decisions(void **state)
{
	static const uint8_t types[] = {CONTENT_GETBLKLIST, CONTENT_GETBLKS, CONTENT_GETSEGLIST};
	struct content_server_config config = usual();
	struct content_serving *busy;
	struct content_server_effect e;
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-329", "DIST-330", "DIST-334", "DIST-342");
	config.limit = 1;
	rig_start(&rig, config);
	busy = sent(&rig, request_of(CONTENT_GETBLKS, 0, 1));
	(void)next_effect(&rig, CONTENT_SERVER_LOOKUP);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(types); i++) {
		struct blob b = types[i] == CONTENT_GETSEGLIST ? segments_wanted(0, 3) : request_of(types[i], 0, 1);
		struct blob other = blob_copy(b.data, b.len);

		blob_edit(&other, 0, "00000009");
		(void)sent(&rig, other);
		e = next_effect(&rig, CONTENT_SERVER_ANSWER);
		assert_int_equal(answered(&e).type, CONTENT_NEGO_RESP);
		content_server_done(rig.server, e.serving);
		(void)sent(&rig, b);
		e = next_effect(&rig, CONTENT_SERVER_ANSWER);
		assert_int_not_equal(answered(&e).type, CONTENT_NEGO_RESP);
		content_server_done(rig.server, e.serving);
	}
	content_server_done(rig.server, busy);
	rig_end(&rig);
}

/* ---- load ---------------------------------------------------------------------------- */

static void too_many(void **state)
{
	struct content_serving *busy[CONTENT_SERVER_LIMIT];
	struct content_server_effect e;
	struct content_message m;
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-321", "DIST-331", "DIST-335", "DIST-343");
	rig_start(&rig, usual());
	for (unsigned i = 0; i < CONTENT_SERVER_LIMIT; i++) {
		busy[i] = sent(&rig, request_of(CONTENT_GETBLKS, i, 1));
		(void)next_effect(&rig, CONTENT_SERVER_LOOKUP);
	}
	assert_int_equal(active(&rig), CONTENT_SERVER_LIMIT);
	(void)sent(&rig, request_of(CONTENT_GETBLKLIST, 7, 3));
	e = next_effect(&rig, CONTENT_SERVER_ANSWER);
	m = answered(&e);
	assert_int_equal(m.type, CONTENT_BLKLIST);
	assert_int_equal(content_blocks_count(&m.blklist.blocks), 0);
	content_server_done(rig.server, e.serving);
	(void)sent(&rig, request_of(CONTENT_GETBLKS, 7, 1));
	e = next_effect(&rig, CONTENT_SERVER_ANSWER);
	m = answered(&e);
	assert_int_equal(m.type, CONTENT_BLK);
	assert_int_equal(m.blk.index, 7);
	assert_int_equal(m.blk.data.len, 0);
	content_server_done(rig.server, e.serving);
	(void)sent(&rig, segments_wanted(0, 3));
	e = next_effect(&rig, CONTENT_SERVER_ANSWER);
	assert_int_equal(answered(&e).seglist.ranges.count, 0);
	content_server_done(rig.server, e.serving);
	/* One leaves, one comes. */
	content_server_done(rig.server, busy[5]);
	busy[5] = sent(&rig, request_of(CONTENT_GETBLKS, 7, 1));
	(void)next_effect(&rig, CONTENT_SERVER_LOOKUP);
	for (unsigned i = 0; i < CONTENT_SERVER_LIMIT; i++)
		content_server_done(rig.server, busy[i]);
	rig_end(&rig);
}

static uint32_t some_elsewhere(void *arg, const struct ponto_addr *client)
{
	(void)arg;
	return client ? 2 : 5;
}

/* Requests that others answer take the same room. */
static void others_count(void **state)
{
	struct content_server_config config = usual();
	struct content_server_effect e;
	struct rig rig;

	(void)state;
	config.elsewhere = some_elsewhere;
	for (config.limit = 5; config.limit <= 6; config.limit++) {
		rig_start(&rig, config);
		(void)sent(&rig, request_of(CONTENT_GETBLKS, 7, 1));
		e = next_effect(&rig, config.limit == 5 ? CONTENT_SERVER_ANSWER : CONTENT_SERVER_LOOKUP);
		content_server_done(rig.server, e.serving);
		rig_end(&rig);
	}
	for (config.per_client = 2; config.per_client <= 3; config.per_client++) {
		rig_start(&rig, config);
		(void)sent(&rig, request_of(CONTENT_GETBLKS, 7, 1));
		e = next_effect(&rig, config.per_client == 2 ? CONTENT_SERVER_ANSWER : CONTENT_SERVER_LOOKUP);
		content_server_done(rig.server, e.serving);
		rig_end(&rig);
	}
}

static void counted_once(void **state)
{
	static const uint8_t types[] = {CONTENT_GETBLKLIST, CONTENT_GETBLKS, CONTENT_GETSEGLIST};
	struct rig rig;
	struct blob junk = pattern(40);
	struct content_serving *v;

	(void)state;
	PONTO_PROVES("DIST-320", "DIST-333", "DIST-341", "DIST-345");
	rig_start(&rig, usual());
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(types); i++) {
		v = sent(&rig, types[i] == CONTENT_GETSEGLIST ? segments_wanted(0, 3) : request_of(types[i], 0, 1));
		assert_int_equal(active(&rig), 1);
		/* The client left, whatever was going on. */
		content_server_done(rig.server, v);
		assert_int_equal(active(&rig), 0);
		no_effect(&rig);
	}
	assert_int_equal(content_server_input(rig.server, rig.now, &rig.client, bytes_of(&junk), &rig, &v),
			 PONTO_EPROTO);
	assert_int_equal(active(&rig), 0);
	v = sent(&rig, blob_hex("00000001 00000000 00000018 00000001 00000001 00000002"));
	assert_int_equal(active(&rig), 0);
	content_server_done(rig.server, v);
	assert_int_equal(active(&rig), 0);
	free(junk.data);
	rig_end(&rig);
}

static void malformed_requests(void **state)
{
	struct content_server_stats stats;
	struct content_serving *v = NULL;
	struct rig rig;
	struct blob b = request_of(CONTENT_GETBLKS, 0, 1);

	(void)state;
	PONTO_PROVES("DIST-346");
	rig_start(&rig, usual());
	for (size_t n = 0; n < b.len; n++) {
		struct blob cut = blob_copy(b.data, n);

		assert_int_equal(content_server_input(rig.server, rig.now, &rig.client, bytes_of(&cut), &rig, &v),
				 PONTO_EPROTO);
		free(cut.data);
	}
	assert_null(v);
	no_effect(&rig);
	content_server_stats(rig.server, &stats);
	assert_int_equal(stats.malformed, b.len);
	free(b.data);
	rig_end(&rig);
}

static void limits_of_one_client(void **state)
{
	struct content_server_config config = usual();
	struct content_serving *v[3];
	struct rig rig;
	struct content_server_effect e;

	(void)state;
	config.per_client = 2;
	rig_start(&rig, config);
	for (unsigned i = 0; i < 2; i++) {
		rig.client.port++;
		v[i] = sent(&rig, request_of(CONTENT_GETBLKS, 0, 1));
		(void)next_effect(&rig, CONTENT_SERVER_LOOKUP);
	}
	(void)sent(&rig, request_of(CONTENT_GETBLKS, 0, 1));
	e = next_effect(&rig, CONTENT_SERVER_ANSWER);
	content_server_done(rig.server, e.serving);
	assert_ok(ponto_addr_parse("10.0.0.10:5000", 0, &rig.client));
	v[2] = sent(&rig, request_of(CONTENT_GETBLKS, 0, 1));
	(void)next_effect(&rig, CONTENT_SERVER_LOOKUP);
	for (unsigned i = 0; i < 3; i++)
		content_server_done(rig.server, v[i]);
	rig_end(&rig);
}

/* ---- time ----------------------------------------------------------------------------- */

static void slow_clients(void **state)
{
	struct content_serving *a, *b;
	struct content_held held = holding(all);
	struct content_server_effect e;
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-325", "DIST-347");
	rig_start(&rig, usual());
	assert_int_equal(content_server_deadline(rig.server), PONTO_NEVER);
	a = sent(&rig, request_of(CONTENT_GETBLKS, 0, 1));
	(void)next_effect(&rig, CONTENT_SERVER_LOOKUP);
	rig.now += PONTO_SECOND;
	b = sent(&rig, request_of(CONTENT_GETBLKS, 1, 1));
	(void)next_effect(&rig, CONTENT_SERVER_LOOKUP);
	assert_int_equal(content_server_deadline(rig.server), START + 15 * PONTO_SECOND);
	content_server_advance(rig.server, START + 15 * PONTO_SECOND - 1);
	no_effect(&rig);
	content_server_advance(rig.server, START + 15 * PONTO_SECOND);
	e = next_effect(&rig, CONTENT_SERVER_ABORT);
	assert_ptr_equal(e.serving, a);
	no_effect(&rig);
	/* What comes late changes nothing. */
	assert_ok(content_server_held(rig.server, a, &held, 1));
	assert_ok(content_server_served(rig.server, a, PONTO_EIO));
	no_effect(&rig);
	content_server_done(rig.server, a);
	assert_int_equal(content_server_deadline(rig.server), START + 16 * PONTO_SECOND);
	assert_ok(content_server_held(rig.server, b, &held, 1));
	/* Due and overdue at once: the later wish counts. */
	content_server_advance(rig.server, START + 60 * PONTO_SECOND);
	e = next_effect(&rig, CONTENT_SERVER_ABORT);
	assert_ptr_equal(e.serving, b);
	no_effect(&rig);
	content_server_done(rig.server, b);
	assert_int_equal(content_server_deadline(rig.server), PONTO_NEVER);
	rig_end(&rig);
}

static int created(struct content_server_config config)
{
	struct content_server *server = NULL;
	int result;

	config.alloc = &ponto_alloc_system;
	result = content_server_create(&config, &server);
	content_server_destroy(server);
	return result;
}

static void settings(void **state)
{
	struct content_server_config c = usual();

	(void)state;
	PONTO_PROVES("DIST-322", "DIST-323", "DIST-324", "DIST-326");
	assert_int_equal(c.limit, 64);
	assert_int_equal(CONTENT_HOSTED_LIMIT, 1024);
	c.limit = 0;
	assert_int_equal(created(c), PONTO_EINVAL);
	c.limit = 1;
	assert_ok(created(c));
	c.limit = 16384;
	assert_ok(created(c));
	c.limit = 16385;
	assert_int_equal(created(c), PONTO_EINVAL);
	c.hosted = true;
	c.limit = UINT32_MAX;
	assert_ok(created(c));
	c.timeout = 100 * PONTO_MS - 1;
	assert_int_equal(created(c), PONTO_EINVAL);
	c.timeout = 100 * PONTO_MS;
	assert_ok(created(c));
	c.timeout = 3600 * PONTO_SECOND;
	assert_ok(created(c));
	c.timeout++;
	assert_int_equal(created(c), PONTO_EINVAL);
	c = usual();
	c.crypto = 4;
	assert_int_equal(created(c), PONTO_EINVAL);
	c = usual();
	c.most = 3;
	assert_int_equal(created(c), PONTO_EINVAL);
	c.most = 0;
	assert_int_equal(created(c), PONTO_EINVAL);
}

/* ---- memory ------------------------------------------------------------------------------ */

static int one_of_each(const struct ponto_alloc *alloc, void *arg)
{
	struct content_server_config config = usual();
	struct content_server *server;
	struct content_server_effect e;
	struct content_held held[3];
	struct ponto_addr client = {{10}, 0, 1, PONTO_FAMILY_IPV4, 0};
	int result;

	(void)arg;
	config.alloc = alloc;
	result = content_server_create(&config, &server);
	if (result != PONTO_OK)
		return result;
	for (unsigned i = 0; i < 3; i++)
		held[i] = holding(two);
	for (uint8_t type = CONTENT_GETBLKLIST; type <= CONTENT_GETSEGLIST && result == PONTO_OK; type++) {
		struct content_serving *v;
		struct blob b;

		if (!content_is_request(type))
			continue;
		b = type == CONTENT_GETSEGLIST ? segments_wanted(0, 3) : request_of(type, 1, 1);
		result = content_server_input(server, START, &client, bytes_of(&b), NULL, &v);
		free(b.data);
		if (result != PONTO_OK)
			break;
		assert_int_equal(content_server_effect(server, &e), 1);
		result = content_server_held(server, v, held, e.ids.count);
		assert_int_equal(content_server_effect(server, &e), 1);
		assert_int_equal(e.kind, result == PONTO_OK ? CONTENT_SERVER_ANSWER : CONTENT_SERVER_ABORT);
		content_server_done(server, v);
	}
	content_server_destroy(server);
	return result;
}

static void refused_memory(void **state)
{
	(void)state;
	ponto_test_oom(one_of_each, NULL, false);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(lists),
	cmocka_unit_test(lists_are_normal),
	cmocka_unit_test(a_list_of_nothing),
	cmocka_unit_test(blocks),
	cmocka_unit_test(blocks_not_held),
	cmocka_unit_test(odd_ranges),
	cmocka_unit_test(segments),
	cmocka_unit_test(many_segments),
	cmocka_unit_test(versions),
	cmocka_unit_test(the_order_of_decisions),
	cmocka_unit_test(too_many),
	cmocka_unit_test(others_count),
	cmocka_unit_test(counted_once),
	cmocka_unit_test(malformed_requests),
	cmocka_unit_test(limits_of_one_client),
	cmocka_unit_test(slow_clients),
	cmocka_unit_test(settings),
	cmocka_unit_test(refused_memory),
};

PONTO_TEST_MAIN(tests)
