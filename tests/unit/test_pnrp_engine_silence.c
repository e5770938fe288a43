/* The resolver among nodes that are silent: who is asked again, who is given up, what the next walk knows. */
#include "tests/unit/pnrp_wanted.h"

static void inquire_is_sent_twice(void **state)
{
	struct rig *r = rig_open();
	struct rig_peer p = publisher(5, 1);
	struct rig_datagram *first = asking_publisher(r, &p), *second;

	(void)state;
	PONTO_PROVES("PNRP-337");
	rig_run(r, PONTO_SECOND);
	second = final_inquire(r);
	assert_non_null(second);
	assert_int_equal(second->m.id, first->m.id);
	rig_run(r, 5 * PONTO_SECOND);
	assert_int_equal(r->unresolved, 1);
	assert_int_equal(r->result, PONTO_ENOENT);
	rig_free(r);
}

/* Four datagrams must get lost before who has the name, and has just answered, is given up. */
static void the_publisher_is_inquired_again_once(void **state)
{
	struct rig *r = rig_open();
	struct rig_peer p = publisher(5, 1);
	uint32_t first = asking_publisher(r, &p)->m.id;
	struct rig_datagram *d;

	(void)state;
	PONTO_PROVES("PNRP-338");
	rig_run(r, 2 * PONTO_SECOND);
	d = final_inquire(r);
	assert_non_null(d);
	assert_int_equal(d->m.id, first);
	d = final_inquire(r);
	assert_non_null(d);
	assert_int_not_equal(d->m.id, first);
	assert_memory_equal(&d->m.inquire.validate_id, &p.id, sizeof(p.id));
	rig_certify(r, d, &p, NULL);
	assert_int_equal(r->resolved, 1);
	rig_free(r);
}

static void the_publisher_is_looked_up_again_once(void **state)
{
	struct rig *r = rig_open();
	struct rig_peer p = publisher(5, 1);
	struct ring_id hop = near_target(10);
	unsigned asked = 0;

	(void)state;
	rig_learn(r, &hop, 1);
	rig_resolve(r, NAME);
	answer_with(r, next_lookup(r), &p.id, 5);
	rig_run(r, 4 * PONTO_SECOND);
	for (struct rig_datagram *d = rig_take(r, PNRP_LOOKUP); d; d = rig_take(r, PNRP_LOOKUP))
		if (ponto_addr_equal(&d->to, &p.addr))
			asked++;
		else
			rig_answer_flags(r, d, false);
	assert_int_equal(asked, 4); /* two questions, two copies each */
	assert_int_equal(r->unresolved, 1);
	rig_free(r);
}

/* Silent in one walk for lost datagrams, it is asked in the next, whoever else is silent meanwhile. */
static void the_publisher_is_asked_in_each_walk(void **state)
{
	struct rig *r = rig_open();
	struct rig_peer p = publisher(5, 1);
	struct ring_id hop = near_target(10);
	struct pnrp_query q = {.name = NAME, .criteria = PNRP_CRITERIA_ANY, .max_restarts = 1};
	unsigned asked = 0;
	uint64_t handle;

	(void)state;
	rig_learn(r, &hop, 1);
	assert_ok(pnrp_engine_resolve(r->engine, r->now, &q, &handle));
	rig_pump(r);
	for (unsigned s = 0; s < 28 && r->unresolved == 0; s++) {
		for (struct rig_datagram *d = rig_take(r, PNRP_LOOKUP); d; d = rig_take(r, PNRP_LOOKUP))
			if (ponto_addr_equal(&d->to, &p.addr))
				asked++;
			else
				answer_with(r, d, &p.id, 5);
		rig_run(r, PONTO_SECOND);
	}
	assert_int_equal(r->walks, 2);
	assert_int_equal(asked, 8); /* two questions in each walk, two copies each */
	rig_free(r);
}

/* Whoever named a dead node is asked again, and would name it again if it were not told. */
static void silent_nodes_are_on_the_path(void **state)
{
	struct rig *r = rig_open();
	struct ring_id one = near_target(3), two = near_target(20);
	struct ponto_addr first = rig_addr(1), second = rig_addr(2);
	struct rig_datagram *d;

	(void)state;
	rig_learn(r, &one, 1);
	rig_resolve(r, NAME);
	answer_with(r, next_lookup(r), &two, 2);
	rig_run(r, 2 * PONTO_SECOND);
	for (d = next_lookup(r); ponto_addr_equal(&d->to, &second); d = next_lookup(r))
		;
	assert_true(ponto_addr_equal(&d->to, &first));
	assert_int_equal(d->m.lookup.count, 3);
	assert_memory_equal(d->m.lookup.path[2].ip, second.ip, 16);
	answer_with(r, d, &two, 2); /* not followed */
	d = next_lookup(r);
	assert_true(ponto_addr_equal(&d->to, &first));
	rig_free(r);
}

/* The next walk of a resolve does not ask them again either. */
static void silent_nodes_are_known_to_the_next_walk(void **state)
{
	struct rig *r = rig_open();
	struct ring_id one = near_target(3), two = near_target(20);
	struct pnrp_query q = {.name = NAME, .criteria = PNRP_CRITERIA_ANY, .max_restarts = 1};
	struct ponto_addr second = rig_addr(2);
	unsigned asked = 0;
	uint64_t handle;

	(void)state;
	rig_learn(r, &one, 1);
	assert_ok(pnrp_engine_resolve(r->engine, r->now, &q, &handle));
	rig_pump(r);
	for (unsigned s = 0; s < 20 && r->unresolved == 0; s++) {
		for (struct rig_datagram *d = rig_take(r, PNRP_LOOKUP); d; d = rig_take(r, PNRP_LOOKUP))
			if (ponto_addr_equal(&d->to, &second))
				asked++;
			else
				answer_with(r, d, &two, 2);
		rig_run(r, PONTO_SECOND);
	}
	assert_int_equal(r->unresolved, 1);
	assert_int_equal(r->walks, 2);
	assert_int_equal(asked, 2); /* two copies of one question */
	rig_free(r);
}

static void lookup_is_sent_twice_then_the_hop_dropped(void **state)
{
	struct rig *r = rig_open();
	struct ring_id id = near_target(3);

	(void)state;
	PONTO_PROVES("PNRP-346", "PNRP-335");
	rig_learn(r, &id, 1);
	rig_resolve(r, NAME);
	rig_run(r, 5 * PONTO_SECOND);
	assert_int_equal(rig_count(r, PNRP_LOOKUP), 2);
	assert_false(rig_knows(r, &id)); /* T20 */
	assert_int_equal(r->unresolved, 1);
	assert_int_equal(r->trace[0].kind, PNRP_TRACE_TIMEOUT);
	rig_free(r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(inquire_is_sent_twice),
	cmocka_unit_test(the_publisher_is_inquired_again_once),
	cmocka_unit_test(the_publisher_is_looked_up_again_once),
	cmocka_unit_test(the_publisher_is_asked_in_each_walk),
	cmocka_unit_test(silent_nodes_are_on_the_path),
	cmocka_unit_test(silent_nodes_are_known_to_the_next_walk),
	cmocka_unit_test(lookup_is_sent_twice_then_the_hop_dropped),
};

PONTO_TEST_MAIN(tests)
