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

#define OTHER "0.other"
#define DEAD 7

static void acknowledge_floods(struct rig *r)
{
	for (struct rig_datagram *d = rig_take(r, PNRP_FLOOD); d; d = rig_take(r, PNRP_FLOOD)) {
		struct pnrp_message ack = {.type = PNRP_ACK, .ack = {.acked_id = d->m.id}};

		rig_send(r, &d->to, &ack);
	}
}

/* Five entries on each side of a name, all at one host: only leaves may be so many, so for a moment it is registered. */
static void surrounded_name(struct rig *r, const char *name)
{
	struct pnrp_endpoint endpoint = {.ip = {0x20, 1}, .port = 5000, .protocol = 6};
	uint8_t key[140];
	struct pnrp_registration reg = {.name = name,
					.identity = 1,
					.public_key = ponto_bytes(key, sizeof(key)),
					.endpoints = &endpoint,
					.endpoint_count = 1};
	struct ring_id id;
	uint64_t handle;

	world_key(1, key);
	assert_ok(pnrp_engine_register(r->engine, r->now, &reg, &handle, &id));
	for (int step = -5; step <= 5; step++) {
		struct rig_peer at = rig_neighbour(DEAD, &id, step), p = rig_peer(DEAD, name, at.location);

		rig_pump(r);
		while (rig_take(r, PNRP_INQUIRE))
			;
		if (step != 0)
			rig_learn_peer(r, &p);
	}
	assert_ok(pnrp_engine_unregister(r->engine, r->now, handle));
	rig_pump(r);
	acknowledge_floods(r);
}

static struct ring_id half_way(const struct ring_id *from, const struct ring_id *to)
{
	struct ring_id gap = ring_id_sub(to, from), half = ring_id_shift_right(&gap, 1);

	return ring_id_add(from, &half);
}

/* A host with many names has other addresses now, or is gone: whoever is nearest was there, on either side. The next
 * walk begins beyond them, not with the next of the dead. */
static void a_dead_host_with_many_names_costs_one_silence(void **state)
{
	struct rig *r = rig_open();
	struct ring_id one = rig_peer(0, "0.local", middle).id, two = rig_peer(0, OTHER, middle).id, wanted = target();
	struct ring_id up_one = ring_id_sub(&one, &wanted), up_two = ring_id_sub(&two, &wanted);
	struct ring_id live = memcmp(up_one.b, up_two.b, RING_ID_SIZE) < 0 ? half_way(&one, &two) : half_way(&two, &one);
	struct pnrp_query q = {.name = NAME, .criteria = PNRP_CRITERIA_ANY, .max_restarts = 16};
	struct ponto_addr there = rig_addr(1);
	bool asked = false;
	uint64_t handle;

	(void)state;
	rig_learn(r, &live, 1);
	surrounded_name(r, "0.local");
	surrounded_name(r, OTHER);
	rig_run(r, PONTO_MS); /* walks that announced the names end */
	rig_forget(r);
	assert_ok(pnrp_engine_resolve(r->engine, r->now, &q, &handle));
	rig_pump(r);
	rig_run(r, 2 * PONTO_SECOND);
	for (struct rig_datagram *d = rig_take(r, PNRP_LOOKUP); d; d = rig_take(r, PNRP_LOOKUP))
		asked = asked || (d->m.lookup.reason == PNRP_REASON_APPLICATION && ponto_addr_equal(&d->to, &there));
	assert_true(asked);
	rig_free(r);
}

static void lookup_is_sent_twice_then_the_hop_dropped(void **state)
{
	struct rig *r = rig_open();
	struct ring_id id = near_target(3);

	(void)state;
	PONTO_PROVES("PNRP-346");
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
	cmocka_unit_test(a_dead_host_with_many_names_costs_one_silence),
	cmocka_unit_test(lookup_is_sent_twice_then_the_hop_dropped),
};

PONTO_TEST_MAIN(tests)
