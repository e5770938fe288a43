/* Which of many segments a hosted cache has: [MS-PCCRR] 3.1.4.4, 3.1.5.4. */
#include "engines/content/content_lists.h"
#include "tests/unit/content_test.h"

#define START (1000 * PONTO_SECOND)

struct rig {
	struct ponto_test_alloc alloc;
	struct content_lists *lists;
	uint64_t now;
	struct content_lists_effect e;
	struct content_message m; /* the last request */
};

static struct ponto_addr cache(unsigned i)
{
	struct ponto_addr addr = {{10, 0, 0, (uint8_t)(1 + i)}, 0, 80, PONTO_FAMILY_IPV4, 0};

	return addr;
}

static struct content_id name(unsigned i)
{
	struct content_id id = {.len = 32};

	id.b[0] = (uint8_t)i;
	id.b[1] = (uint8_t)(i >> 8);
	id.b[31] = 7;
	return id;
}

static void rig_start(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	ponto_test_alloc_init(&rig->alloc);
	rig->now = START;
	assert_ok(content_lists_create(&rig->alloc.alloc, 2 * PONTO_SECOND, 0x1234567890, &rig->lists));
}

static void rig_end(struct rig *rig)
{
	content_lists_destroy(rig->lists);
	assert_int_equal(rig->alloc.live, 0);
}

static struct content_lists_stats stats(const struct rig *rig)
{
	struct content_lists_stats out;

	content_lists_stats(rig->lists, &out);
	return out;
}

static void ask(struct rig *rig, unsigned of, unsigned first, unsigned count)
{
	struct ponto_addr addr = cache(of);

	for (unsigned i = first; i < first + count; i++) {
		struct content_id id = name(i);

		assert_ok(content_lists_ask(rig->lists, &addr, &id));
	}
}

static void idle(struct rig *rig)
{
	assert_false(content_lists_effect(rig->lists, rig->now, &rig->e));
}

static void requests(struct rig *rig, unsigned of, uint32_t count)
{
	struct ponto_addr addr = cache(of);

	assert_true(content_lists_effect(rig->lists, rig->now, &rig->e));
	assert_int_equal(rig->e.kind, CONTENT_LISTS_REQUEST);
	assert_true(ponto_addr_equal(&rig->e.addr, &addr));
	assert_ok(content_request_decode(rig->e.body, 1, 2, &rig->m));
	assert_int_equal(rig->m.type, CONTENT_GETSEGLIST);
	assert_int_equal(rig->m.version.major, 2);
	assert_int_equal(rig->m.getseglist.ids.count, count);
}

/* Each of the next count is told so, in order. */
static void told(struct rig *rig, unsigned first, unsigned count, unsigned kind)
{
	for (unsigned i = first; i < first + count; i++) {
		struct content_id id = name(i);

		assert_true(content_lists_effect(rig->lists, rig->now, &rig->e));
		assert_int_equal(rig->e.kind, kind);
		assert_true(content_id_equal(&rig->e.id, &id));
	}
}

/* The answer to the last request: with that RequestID if it is its own, and those ranges. */
static struct blob list(const struct rig *rig, const char *ranges, uint32_t count, bool own)
{
	struct content_message m = {.type = CONTENT_SEGLIST};
	struct blob r = *ranges ? blob_hex(ranges) : (struct blob){NULL, 0}, out = {malloc(100000), 0};

	memcpy(m.seglist.request_id, rig->m.getseglist.request_id, CONTENT_REQUEST_ID);
	m.seglist.request_id[15] ^= !own;
	m.seglist.ranges = (struct content_ranges){bytes_of(&r), count};
	assert_ok(content_encode(&m, out.data, 100000, &out.len));
	free(r.data);
	return out;
}

static int answered(struct rig *rig, struct blob body)
{
	int result = content_lists_response(rig->lists, rig->e.request, PONTO_OK, bytes_of(&body));

	free(body.data);
	return result;
}

static void a_list(void **state)
{
	struct ponto_addr addr = cache(0);
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-316");
	rig_start(&rig);
	ask(&rig, 0, 0, 5);
	requests(&rig, 0, 5);
	idle(&rig);
	assert_ok(answered(&rig, list(&rig, "00000001 00000002 00000004 00000001", 2, true)));
	told(&rig, 0, 1, CONTENT_LISTS_LACKS);
	told(&rig, 1, 2, CONTENT_LISTS_HELD);
	assert_true(ponto_addr_equal(&rig.e.addr, &addr));
	told(&rig, 3, 1, CONTENT_LISTS_LACKS);
	told(&rig, 4, 1, CONTENT_LISTS_HELD);
	idle(&rig);
	assert_int_equal(stats(&rig).held, 3);
	assert_int_equal(stats(&rig).lacks, 2);
	rig_end(&rig);
}

static void nothing_held(void **state)
{
	struct rig rig;

	(void)state;
	rig_start(&rig);
	ask(&rig, 0, 0, 3);
	requests(&rig, 0, 3);
	assert_ok(answered(&rig, list(&rig, "", 0, true)));
	told(&rig, 0, 3, CONTENT_LISTS_LACKS);
	idle(&rig);
	rig_end(&rig);
}

/* As many as there are go together, each cache's by themselves. */
static void batches(void **state)
{
	struct rig rig;

	(void)state;
	rig_start(&rig);
	ask(&rig, 0, 0, 300);
	ask(&rig, 1, 1000, 3);
	ask(&rig, 0, 300, 2);
	/* The last made are told first. */
	requests(&rig, 1, 3);
	requests(&rig, 0, 302 - 2 * CONTENT_LISTS_IDS);
	requests(&rig, 0, CONTENT_LISTS_IDS);
	requests(&rig, 0, CONTENT_LISTS_IDS);
	idle(&rig);
	rig_end(&rig);
}

/* Ages are not needed here: whatever is wrong with them, the list is as good. */
static void blobs(void **state)
{
	static const char *const blob[] = {"",		 "00", "0002 03 00", "0001 03 02 00 60ea00",
					   "0001 05 00", "0001 03 00 ff"};
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-277", "DIST-278", "DIST-279", "DIST-283");
	rig_start(&rig);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(blob); i++) {
		struct content_message m = {.type = CONTENT_SEGLIST};
		struct blob ranges = blob_hex("00000000 00000001"), b = blob_hex(blob[i]), out = {malloc(1000), 0};

		ask(&rig, 0, 0, 2);
		requests(&rig, 0, 2);
		memcpy(m.seglist.request_id, rig.m.getseglist.request_id, CONTENT_REQUEST_ID);
		m.seglist.ranges = (struct content_ranges){bytes_of(&ranges), 1};
		m.seglist.blob = bytes_of(&b);
		assert_ok(content_encode(&m, out.data, 1000, &out.len));
		free(ranges.data);
		free(b.data);
		assert_ok(answered(&rig, out));
		told(&rig, 0, 1, CONTENT_LISTS_HELD);
		told(&rig, 1, 1, CONTENT_LISTS_LACKS);
	}
	rig_end(&rig);
}

static void request_ids(void **state)
{
	static uint8_t ids[100][CONTENT_REQUEST_ID];
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-246", "DIST-298");
	rig_start(&rig);
	for (unsigned i = 0; i < 100; i++) {
		ask(&rig, i, i, 1);
		requests(&rig, i, 1);
		memcpy(ids[i], rig.m.getseglist.request_id, CONTENT_REQUEST_ID);
		for (unsigned k = 0; k < i; k++)
			assert_int_not_equal(memcmp(ids[k], ids[i], CONTENT_REQUEST_ID), 0);
	}
	rig_end(&rig);
}

static void answers_to_something_else(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-314");
	rig_start(&rig);
	ask(&rig, 0, 0, 3);
	requests(&rig, 0, 3);
	assert_int_equal(answered(&rig, list(&rig, "00000000 00000003", 1, false)), PONTO_EPROTO);
	told(&rig, 0, 3, CONTENT_LISTS_FAILED);
	assert_int_equal(stats(&rig).malformed, 1);
	rig_end(&rig);
}

static void ranges_beyond_what_was_asked(void **state)
{
	static const char *const bad[] = {"00000002 00000002", "00000003 00000001", "00000000 00000004",
					  "ffffffff 00000001", "00000001 ffffffff"};

	(void)state;
	PONTO_PROVES("DIST-315");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		struct rig rig;

		rig_start(&rig);
		ask(&rig, 0, 0, 3);
		requests(&rig, 0, 3);
		assert_int_equal(answered(&rig, list(&rig, bad[i], 1, true)), PONTO_EPROTO);
		told(&rig, 0, 3, CONTENT_LISTS_FAILED);
		rig_end(&rig);
	}
}

static void other_answers(void **state)
{
	struct content_message nego = {.type = CONTENT_NEGO_RESP, .nego = {{1, 0}, {1, 0}}};
	struct content_message list_of_blocks = {.type = CONTENT_BLKLIST};
	struct blob b = {malloc(1000), 0};
	struct rig rig;

	(void)state;
	rig_start(&rig);
	/* Only version 1.0: to be asked for each. */
	ask(&rig, 0, 0, 2);
	requests(&rig, 0, 2);
	assert_ok(content_encode(&nego, b.data, 1000, &b.len));
	assert_ok(answered(&rig, b));
	told(&rig, 0, 2, CONTENT_LISTS_UNKNOWN);
	/* Another message, and none. */
	ask(&rig, 0, 0, 2);
	requests(&rig, 0, 2);
	b = (struct blob){malloc(1000), 0};
	list_of_blocks.blklist.id = name(0);
	assert_ok(content_encode(&list_of_blocks, b.data, 1000, &b.len));
	assert_int_equal(answered(&rig, b), PONTO_EPROTO);
	told(&rig, 0, 2, CONTENT_LISTS_FAILED);
	ask(&rig, 0, 0, 2);
	requests(&rig, 0, 2);
	assert_int_equal(answered(&rig, blob_hex("00")), PONTO_EPROTO);
	told(&rig, 0, 2, CONTENT_LISTS_FAILED);
	ask(&rig, 0, 0, 2);
	requests(&rig, 0, 2);
	assert_int_equal(content_lists_response(rig.lists, rig.e.request, PONTO_EUNREACH, ponto_bytes(NULL, 0)),
			 PONTO_EUNREACH);
	told(&rig, 0, 2, CONTENT_LISTS_FAILED);
	assert_int_equal(stats(&rig).failed, 1);
	idle(&rig);
	rig_end(&rig);
}

static void silence(void **state)
{
	struct rig rig;

	(void)state;
	rig_start(&rig);
	ask(&rig, 0, 0, 2);
	requests(&rig, 0, 2);
	assert_int_equal(content_lists_deadline(rig.lists), START + 2 * PONTO_SECOND);
	rig.now += 2 * PONTO_SECOND - 1;
	content_lists_advance(rig.lists, rig.now);
	idle(&rig);
	rig.now++;
	content_lists_advance(rig.lists, rig.now);
	assert_true(content_lists_effect(rig.lists, rig.now, &rig.e));
	assert_int_equal(rig.e.kind, CONTENT_LISTS_CANCEL);
	told(&rig, 0, 2, CONTENT_LISTS_FAILED);
	idle(&rig);
	assert_int_equal(content_lists_deadline(rig.lists), PONTO_NEVER);
	assert_int_equal(stats(&rig).timeouts, 1);
	rig_end(&rig);
}

static void bounds(void **state)
{
	struct ponto_addr addr = cache(0);
	struct content_id id = name(9999);
	struct content_lists *lists;
	struct rig rig;

	(void)state;
	rig_start(&rig);
	ask(&rig, 0, 0, CONTENT_LISTS_WAITING);
	assert_int_equal(content_lists_ask(rig.lists, &addr, &id), PONTO_EBUSY);
	rig_end(&rig);
	assert_int_equal(content_lists_create(&ponto_alloc_system, 0, 1, &lists), PONTO_EINVAL);
	content_lists_destroy(NULL);
}

static int play(const struct ponto_alloc *alloc, void *arg)
{
	struct ponto_addr addr = cache(0);
	struct content_id id = name(1);
	struct content_lists_effect e;
	struct content_lists *lists;
	unsigned told_of = 0;
	int result = content_lists_create(alloc, PONTO_SECOND, 1, &lists);

	(void)arg;
	if (result != PONTO_OK)
		return result;
	result = content_lists_ask(lists, &addr, &id);
	while (content_lists_effect(lists, START, &e)) {
		if (e.kind == CONTENT_LISTS_REQUEST)
			assert_int_equal(content_lists_response(lists, e.request, PONTO_EIO, ponto_bytes(NULL, 0)),
					 PONTO_EIO);
		else
			told_of++;
	}
	assert_int_equal(told_of, result == PONTO_OK); /* whatever memory there was */
	content_lists_destroy(lists);
	return result;
}

static void refused_memory(void **state)
{
	(void)state;
	ponto_test_oom(play, NULL, true);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_list),
	cmocka_unit_test(nothing_held),
	cmocka_unit_test(batches),
	cmocka_unit_test(blobs),
	cmocka_unit_test(request_ids),
	cmocka_unit_test(answers_to_something_else),
	cmocka_unit_test(ranges_beyond_what_was_asked),
	cmocka_unit_test(other_answers),
	cmocka_unit_test(silence),
	cmocka_unit_test(bounds),
	cmocka_unit_test(refused_memory),
};

PONTO_TEST_MAIN(tests)
