/* Leaf sets: who is in them, and how leaves are told of each other. */
#include "tests/support/pnrp_rig.h"

static void sixth_on_a_side_pushes_out_the_farthest(void **state)
{
	struct rig *r = rig_open();
	struct ring_id local;
	struct rig_peer p[7];
	uint64_t handle = rig_register(r, &local);
	unsigned leaves = 0;

	(void)state;
	PONTO_PROVES("PNRP-525", "PNRP-458");
	for (unsigned i = 1; i <= 6; i++) {
		p[i] = rig_neighbour(i, &local, 7 - (int)i); /* ever nearer */
		rig_learn_peer(r, &p[i]);
	}
	assert_false(rig_is_leaf(r, &p[1].id));
	assert_true(rig_knows(r, &p[1].id));
	for (unsigned i = 2; i <= 6; i++)
		leaves += rig_is_leaf(r, &p[i].id);
	assert_int_equal(leaves, 5);
	(void)handle;
	rig_free(r);
}

static bool lists(const struct rig_datagram *d, const struct ponto_addr *a)
{
	bool found = false;

	for (unsigned i = 0; i < d->m.flood.count; i++)
		found = found || (memcmp(d->m.flood.endpoints[i].ip, a->ip, 16) == 0 &&
				  d->m.flood.endpoints[i].port == a->port);
	return found;
}

static void new_leaf_is_flooded_to_its_neighbours(void **state)
{
	struct rig *r = rig_open();
	struct ring_id local;
	struct rig_peer above, below, far, x;
	struct rig_datagram *f[2];

	(void)state;
	PONTO_PROVES("PNRP-526", "PNRP-528", "PNRP-530");
	rig_register(r, &local);
	above = rig_neighbour(1, &local, 4);
	below = rig_neighbour(2, &local, 1);
	far = rig_neighbour(3, &local, -2);
	x = rig_neighbour(4, &local, 3);
	rig_learn_peer(r, &above);
	rig_learn_peer(r, &below);
	rig_learn_peer(r, &far);
	rig_run(r, 5 * PONTO_SECOND);
	rig_learn_peer(r, &above); /* silent to our floods: it was dropped */
	rig_learn_peer(r, &below);
	rig_learn_peer(r, &far);
	rig_forget(r);
	rig_learn_peer(r, &x);
	/* x and we lie between below and above; the flooder gets our own entry as well, see below */
	f[0] = NULL;
	for (struct rig_datagram *d = rig_take(r, PNRP_FLOOD); d; d = rig_take(r, PNRP_FLOOD)) {
		if (!ring_id_equal(&d->m.flood.route.id, &x.id))
			continue;
		f[f[0] != NULL] = d;
		assert_false(d->m.flood.no_ack);
		/* both targets and ourselves, and the endpoints of the original, which had none */
		assert_int_equal(d->m.flood.count, 3);
		assert_true(lists(d, &above.addr) && lists(d, &below.addr) && lists(d, &r->local));
	}
	assert_true(ponto_addr_equal(&f[0]->to, &above.addr));
	assert_memory_equal(&f[0]->m.flood.validate_id, &above.id, sizeof(above.id));
	assert_true(ponto_addr_equal(&f[1]->to, &below.addr));
	rig_free(r);
}

static void those_already_told_are_passed_over(void **state)
{
	struct rig *r = rig_open();
	struct ring_id local;
	struct rig_peer near, next, x;
	struct ponto_addr flooder = rig_addr(500);
	struct pnrp_message m = {.type = PNRP_FLOOD, .flood = {.has_route = true, .count = 2}};
	struct rig_datagram *d;
	bool next_told = false, original_listed;

	(void)state;
	PONTO_PROVES("PNRP-527", "PNRP-529");
	rig_register(r, &local);
	near = rig_neighbour(1, &local, 4);
	next = rig_neighbour(2, &local, 5);
	x = rig_neighbour(3, &local, 3);
	rig_learn_peer(r, &near);
	rig_learn_peer(r, &next);
	rig_forget(r);
	rig_peer_route(&x, &m.flood.route);
	m.flood.endpoints[0] = rig_endpoint(&near.addr);
	m.flood.endpoints[1] = rig_endpoint(&flooder);
	rig_send(r, &flooder, &m);
	rig_certify(r, rig_take(r, PNRP_INQUIRE), &x, NULL);
	while ((d = rig_take(r, PNRP_FLOOD)) != NULL) {
		if (!ring_id_equal(&d->m.flood.route.id, &x.id))
			continue;
		assert_false(ponto_addr_equal(&d->to, &near.addr));
		next_told = next_told || ponto_addr_equal(&d->to, &next.addr);
		original_listed = false;
		for (unsigned i = 0; i < d->m.flood.count; i++)
			original_listed = original_listed || memcmp(d->m.flood.endpoints[i].ip, near.addr.ip, 16) == 0;
		assert_true(original_listed);
	}
	assert_true(next_told);
	rig_free(r);
}

static void flooder_learns_of_us(void **state)
{
	struct rig *r = rig_open();
	struct ring_id local;
	struct rig_peer x;
	struct ponto_addr flooder = rig_addr(500);
	struct pnrp_message m = {.type = PNRP_FLOOD, .flood = {.has_route = true}};
	struct rig_datagram *d;
	unsigned to_flooder = 0, to_leaf = 0;

	(void)state;
	PONTO_PROVES("PNRP-531");
	rig_register(r, &local);
	x = rig_neighbour(3, &local, 3);
	rig_peer_route(&x, &m.flood.route);
	rig_send(r, &flooder, &m);
	rig_certify(r, rig_take(r, PNRP_INQUIRE), &x, NULL);
	while ((d = rig_take(r, PNRP_FLOOD)) != NULL) {
		assert_memory_equal(&d->m.flood.route.id, &local, sizeof(local));
		assert_false(d->m.flood.no_ack);
		to_flooder += ponto_addr_equal(&d->to, &flooder);
		to_leaf += ponto_addr_equal(&d->to, &x.addr);
	}
	assert_int_equal(to_flooder, 1);
	assert_int_equal(to_leaf, 1);
	rig_free(r);
}

static void owner_of_the_entry_gets_nothing_back(void **state)
{
	struct rig *r = rig_open();
	struct ring_id local;
	struct rig_peer x;
	struct pnrp_message m = {.type = PNRP_FLOOD, .flood = {.has_route = true}};

	(void)state;
	PONTO_PROVES("PNRP-531");
	rig_register(r, &local);
	x = rig_neighbour(3, &local, 3);
	rig_peer_route(&x, &m.flood.route);
	rig_send(r, &x.addr, &m);
	rig_certify(r, rig_take(r, PNRP_INQUIRE), &x, NULL);
	assert_true(rig_is_leaf(r, &x.id));
	assert_null(rig_take(r, PNRP_FLOOD));
	rig_free(r);
}

/* By a LOOKUP, say: then nobody has told it of us. */
static void leaf_that_nobody_flooded_learns_of_us(void **state)
{
	struct rig *r = rig_open();
	struct ring_id local;
	struct rig_peer x;
	struct ponto_addr stranger = rig_addr(999);
	struct pnrp_message m = {.type = PNRP_LOOKUP, .lookup = {.has_route = true, .count = 1}};
	struct rig_datagram *d;

	(void)state;
	rig_register(r, &local);
	x = rig_neighbour(3, &local, 3);
	rig_peer_route(&x, &m.lookup.route);
	m.lookup.path[0] = rig_endpoint(&stranger);
	rig_send(r, &stranger, &m);
	rig_certify(r, rig_take(r, PNRP_INQUIRE), &x, NULL);
	assert_true(rig_is_leaf(r, &x.id));
	d = rig_take(r, PNRP_FLOOD);
	assert_non_null(d);
	assert_true(ponto_addr_equal(&d->to, &x.addr));
	assert_memory_equal(&d->m.flood.validate_id, &x.id, sizeof(x.id));
	assert_memory_equal(&d->m.flood.route.id, &local, sizeof(local));
	assert_null(rig_take(r, PNRP_FLOOD));
	rig_free(r);
}

static void full_list_ends_the_flood(void **state)
{
	struct rig *r = rig_open();
	struct ring_id local;
	struct rig_peer near, x;
	struct ponto_addr flooder = rig_addr(500);
	struct pnrp_message m = {.type = PNRP_FLOOD, .flood = {.has_route = true, .count = 22}};
	struct rig_datagram *d;

	(void)state;
	rig_register(r, &local);
	near = rig_neighbour(1, &local, 4);
	x = rig_neighbour(3, &local, 3);
	rig_learn_peer(r, &near);
	rig_forget(r);
	rig_peer_route(&x, &m.flood.route);
	for (unsigned i = 0; i < 22; i++) {
		struct ponto_addr a = rig_addr(600 + i);

		m.flood.endpoints[i] = rig_endpoint(&a);
	}
	rig_send(r, &flooder, &m);
	rig_certify(r, rig_take(r, PNRP_INQUIRE), &x, NULL);
	while ((d = rig_take(r, PNRP_FLOOD)) != NULL)
		assert_memory_equal(&d->m.flood.route.id, &local, sizeof(local));
	rig_free(r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(sixth_on_a_side_pushes_out_the_farthest),
	cmocka_unit_test(new_leaf_is_flooded_to_its_neighbours),
	cmocka_unit_test(those_already_told_are_passed_over),
	cmocka_unit_test(flooder_learns_of_us),
	cmocka_unit_test(owner_of_the_entry_gets_nothing_back),
	cmocka_unit_test(leaf_that_nobody_flooded_learns_of_us),
	cmocka_unit_test(full_list_ends_the_flood),
};

PONTO_TEST_MAIN(tests)
