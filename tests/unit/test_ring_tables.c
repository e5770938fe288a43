/* The small tables: pending messages, reassembly, conversations. */
#include "engines/ring/ring_conversation.h"
#include "engines/ring/ring_pending.h"
#include "engines/ring/ring_reassembly.h"
#include "tests/support/test.h"

static struct ponto_addr from(uint16_t port)
{
	return (struct ponto_addr){.ip = {0x20, 1, [15] = 1}, .family = PONTO_FAMILY_IPV6, .port = port};
}

/* ---- pending -------------------------------------------------------------------- */

static void two_copies_one_second_apart(void **state)
{
	struct ponto_test_alloc ta;
	struct ring_pending p;
	struct ring_message *m;

	(void)state;
	ponto_test_alloc_init(&ta);
	ring_pending_init(&p, &ta.alloc);
	assert_true(ring_pending_deadline(&p) == PONTO_NEVER);
	m = ring_pending_add(&p, 100, 7, 42, ponto_bytes("abc", 3));
	assert_non_null(m);
	assert_null(ring_pending_due(&p, 100 + PONTO_SECOND - 1));
	assert_ptr_equal(ring_pending_due(&p, 100 + PONTO_SECOND), m);
	assert_true(ring_pending_retry(&p, m, 100 + PONTO_SECOND));
	assert_null(ring_pending_due(&p, 100 + 2 * PONTO_SECOND - 1));
	assert_false(ring_pending_retry(&p, m, 100 + 2 * PONTO_SECOND));
	ring_pending_remove(&p, m);
	assert_int_equal(ta.live, 0);
}

static void pending_is_found_by_message_id(void **state)
{
	struct ponto_test_alloc ta;
	struct ring_pending p;

	(void)state;
	ponto_test_alloc_init(&ta);
	ring_pending_init(&p, &ta.alloc);
	for (uint32_t id = 0; id < 100; id++)
		assert_non_null(ring_pending_add(&p, id, 7, id * 3, ponto_bytes("x", 1)));
	for (uint32_t id = 0; id < 100; id += 2)
		ring_pending_remove(&p, ring_pending_find(&p, id * 3));
	for (uint32_t id = 0; id < 100; id++)
		assert_int_equal(ring_pending_find(&p, id * 3) != NULL, id % 2);
	assert_int_equal(ring_pending_deadline(&p), 1 + PONTO_SECOND);
	ring_pending_clear(&p);
	assert_int_equal(p.count + p.bytes, 0);
	assert_int_equal(ta.live, 0);
}

/* ---- reassembly ------------------------------------------------------------------- */

struct pieces {
	struct ponto_test_alloc ta;
	struct ring_reassembly r;
	uint8_t whole[250];
};

static void begin(struct pieces *p)
{
	ponto_test_alloc_init(&p->ta);
	ring_reassembly_init(&p->r, &p->ta.alloc, 3, 2000);
	for (size_t i = 0; i < sizeof(p->whole); i++)
		p->whole[i] = (uint8_t)i;
}

static void end(struct pieces *p)
{
	ring_reassembly_clear(&p->r);
	assert_int_equal(p->ta.live, 0);
}

static struct ring_fragment piece(struct pieces *p, uint32_t id, uint16_t port, uint16_t offset, size_t len)
{
	return (struct ring_fragment){.from = from(port),
				      .message_id = id,
				      .acked_id = 9,
				      .size = sizeof(p->whole),
				      .offset = offset,
				      .unit = 100,
				      .data = ponto_bytes(p->whole + offset, len)};
}

static int put(struct pieces *p, struct ring_fragment f)
{
	struct ring_partial *whole;
	int result = ring_reassembly_add(&p->r, &f, &whole);

	if (result == PONTO_OK) {
		assert_int_equal(whole->size, sizeof(p->whole));
		assert_memory_equal(whole->bytes, p->whole, sizeof(p->whole));
		ring_reassembly_release(&p->r, whole);
	}
	return result;
}

static void pieces_in_any_order(void **state)
{
	static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	struct pieces p;

	(void)state;
	begin(&p);
	for (int o = 0; o < 6; o++)
		for (int i = 0; i < 3; i++) {
			int n = orders[o][i];

			assert_int_equal(put(&p, piece(&p, 1, 5000, (uint16_t)(n * 100), n == 2 ? 50 : 100)),
					 i == 2 ? PONTO_OK : PONTO_EBUSY);
		}
	end(&p);
}

static void repeated_pieces_do_not_complete(void **state)
{
	struct pieces p;

	(void)state;
	begin(&p);
	assert_int_equal(put(&p, piece(&p, 1, 5000, 0, 100)), PONTO_EBUSY);
	assert_int_equal(put(&p, piece(&p, 1, 5000, 0, 100)), PONTO_EBUSY);
	assert_int_equal(put(&p, piece(&p, 1, 5000, 100, 100)), PONTO_EBUSY);
	assert_int_equal(put(&p, piece(&p, 1, 5001, 200, 50)), PONTO_EBUSY); /* another source */
	assert_int_equal(put(&p, piece(&p, 1, 5000, 200, 50)), PONTO_OK);
	assert_int_equal(p.r.count, 1);
	end(&p);
}

static void contradictions_end_the_reassembly(void **state)
{
	struct ring_fragment bad;
	struct pieces p;

	(void)state;
	begin(&p);
	for (int kind = 0; kind < 5; kind++) {
		assert_int_equal(put(&p, piece(&p, 1, 5000, 0, 100)), PONTO_EBUSY);
		bad = piece(&p, 1, 5000, 100, 100);
		if (kind == 0)
			bad.size--;
		else if (kind == 1)
			bad.data.len = 40; /* short, and not the last */
		else if (kind == 2)
			bad = piece(&p, 1, 5000, 200, 50), bad.size = 240, bad.data.len = 50;
		else if (kind == 3)
			bad.acked_id++;
		else
			bad.data.len = 0;
		assert_int_equal(put(&p, bad), PONTO_EPROTO);
		assert_int_equal(p.r.count, 0);
	}
	end(&p);
}

static void memory_is_bounded(void **state)
{
	struct ring_fragment f;
	struct pieces p;
	unsigned open = 0;

	(void)state;
	begin(&p);
	for (uint32_t id = 0; id < 100; id++) {
		f = piece(&p, id, 5000, 0, 100);
		f.acked_id = id / 3; /* the third for a request is refused too */
		open += put(&p, f) == PONTO_EBUSY;
	}
	assert_int_equal(open, 3);
	ring_reassembly_forget(&p.r, 0);
	assert_int_equal(p.r.count, 1);
	f = piece(&p, 200, 5000, 0, 100);
	f.size = 2000;
	assert_int_equal(put(&p, f), PONTO_ELIMIT); /* more bytes than all together may have */
	ring_reassembly_forget(&p.r, 1);
	assert_int_equal(p.r.count + p.r.bytes, 0);
	end(&p);
}

/* ---- conversations ------------------------------------------------------------------- */

static void conversations_live_fifteen_seconds(void **state)
{
	struct ponto_test_alloc ta;
	struct ring_conversations c;
	struct ring_id id = {{7}}, told;
	struct ponto_addr peer = from(5000);
	uint8_t hash[RING_HASH_SIZE] = {1};

	(void)state;
	ponto_test_alloc_init(&ta);
	ring_conversations_init(&c, &ta.alloc, 8);
	assert_ok(ring_conversation_open(&c, 0, &peer, hash, &id));
	assert_ok(ring_conversation_open(&c, 10 * PONTO_SECOND, &peer, hash, &id));
	assert_int_equal(c.count, 1);
	ring_conversations_expire(&c, 24 * PONTO_SECOND);
	assert_int_equal(c.count, 1);
	assert_ok(ring_conversation_take(&c, &peer, hash, &told));
	assert_memory_equal(&told, &id, sizeof(id));
	assert_int_equal(ring_conversation_take(&c, &peer, hash, &told), PONTO_ENOENT);
	assert_ok(ring_conversation_open(&c, 0, &peer, hash, &id));
	ring_conversations_expire(&c, RING_CONVERSATION_TIME);
	assert_int_equal(c.count, 0);
	assert_int_equal(ta.live, 0);
}

static void conversations_are_bounded_for_all_and_each_host(void **state)
{
	struct ponto_test_alloc ta;
	struct ring_conversations c;
	struct ring_id id = {{7}};
	uint8_t hash[RING_HASH_SIZE] = {1};
	unsigned opened = 0;

	(void)state;
	ponto_test_alloc_init(&ta);
	ring_conversations_init(&c, &ta.alloc, 8);
	for (uint16_t port = 5000; port < 5100; port++) {
		struct ponto_addr peer = from(port);

		opened += ring_conversation_open(&c, 0, &peer, hash, &id) == PONTO_OK;
	}
	assert_int_equal(opened, 2);
	for (int host = 2; host < 100; host++) {
		struct ponto_addr peer = from(5000);

		peer.ip[14] = (uint8_t)host;
		opened += ring_conversation_open(&c, 0, &peer, hash, &id) == PONTO_OK;
	}
	assert_int_equal(opened, 8);
	ring_conversations_clear(&c);
	assert_int_equal(ta.live, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(two_copies_one_second_apart),
	cmocka_unit_test(pending_is_found_by_message_id),
	cmocka_unit_test(pieces_in_any_order),
	cmocka_unit_test(repeated_pieces_do_not_complete),
	cmocka_unit_test(contradictions_end_the_reassembly),
	cmocka_unit_test(memory_is_bounded),
	cmocka_unit_test(conversations_live_fifteen_seconds),
	cmocka_unit_test(conversations_are_bounded_for_all_and_each_host),
};

PONTO_TEST_MAIN(tests)
