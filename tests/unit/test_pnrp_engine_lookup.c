/* Serving LOOKUP. */
#include "tests/support/pnrp_rig.h"

static struct pnrp_authority_buffer lookup(struct rig *r, struct pnrp_message *m)
{
	struct ponto_addr peer = rig_addr(1);
	struct pnrp_authority_buffer b;
	struct rig_datagram *d;

	m->type = PNRP_LOOKUP;
	if (m->lookup.count == 0) {
		m->lookup.path[0] = rig_endpoint(&peer);
		m->lookup.count = 1;
	}
	rig_send(r, &peer, m);
	d = rig_take(r, PNRP_AUTHORITY);
	assert_non_null(d);
	assert_int_equal(d->m.authority.acked_id, r->next_id - 1);
	assert_true(ponto_addr_equal(&d->to, &peer));
	assert_ok(pnrp_authority_decode(&pnrp_windows, d->m.authority.slice, &b));
	return b;
}

static void lookup_is_answered_to_its_sender(void **state)
{
	struct rig *r = rig_open();
	struct pnrp_message m = {.lookup = {.target = rig_id(9, 9)}};
	struct pnrp_authority_buffer b;

	(void)state;
	PONTO_PROVES("PNRP-267", "PNRP-494");
	b = lookup(r, &m);
	assert_false(b.has_route || b.not_found || b.leaf_set);
	rig_free(r);
}

static void validate_id_that_is_not_here(void **state)
{
	struct rig *r = rig_open();
	struct ring_id local;
	struct pnrp_message m = {.lookup = {.target = rig_id(9, 9), .validate_id = rig_id(8, 8)}};

	(void)state;
	PONTO_PROVES("PNRP-484", "PNRP-492");
	rig_register(r, &local);
	assert_true(lookup(r, &m).not_found);
	m.lookup.validate_id = local;
	assert_false(lookup(r, &m).not_found);
	memset(&m.lookup.validate_id, 0, sizeof(m.lookup.validate_id));
	assert_false(lookup(r, &m).not_found);
	rig_free(r);
}

static void local_id_is_returned_unless_we_were_asked(void **state)
{
	struct rig *r = rig_open();
	struct ring_id local;
	struct pnrp_message m = {.lookup = {.validate_id = rig_id(8, 8)}};
	struct pnrp_authority_buffer b;

	(void)state;
	PONTO_PROVES("PNRP-485");
	rig_register(r, &local);
	m.lookup.target = local;
	b = lookup(r, &m);
	assert_true(b.has_route);
	assert_memory_equal(&b.route.id, &local, sizeof(local));
	m.lookup.path[1] = rig_endpoint(&r->local);
	m.lookup.count = 2;
	assert_false(lookup(r, &m).has_route);
	rig_free(r);
}

static void local_candidate_must_be_closer_than_validate_id(void **state)
{
	struct rig *r = rig_open();
	struct ring_id local;
	struct pnrp_message m = {0};

	(void)state;
	PONTO_PROVES("PNRP-486");
	rig_register(r, &local);
	m.lookup.target = ring_id_add_u64(&local, 1);
	m.lookup.validate_id = local;
	assert_false(lookup(r, &m).has_route); /* not closer than itself */
	memset(&m.lookup.validate_id, 0, sizeof(local));
	assert_true(lookup(r, &m).has_route); /* no limit (T40) */
	rig_free(r);
}

static void remote_candidate_must_be_closer_unless_a_is_set(void **state)
{
	struct rig *r = rig_open();
	struct ring_id far = {{0x10}};
	struct pnrp_message m = {.lookup = {.target = {{0x80}}, .validate_id = {{0x60}}}};

	(void)state;
	PONTO_PROVES("PNRP-488");
	rig_learn(r, &far, 30);
	assert_false(lookup(r, &m).has_route);
	m.lookup.accept_any = true;
	assert_true(lookup(r, &m).has_route);
	rig_free(r);
}

static void remote_candidates_in_the_path_are_left_out(void **state)
{
	struct rig *r = rig_open();
	struct ring_id a = {{0x70}}, b = {{0x72}};
	struct ponto_addr asked = rig_addr(31), other = rig_addr(30);
	struct pnrp_message m = {.lookup = {.target = {{0x80}}, .validate_id = {{0x10}}, .count = 1}};
	struct pnrp_authority_buffer answer;

	(void)state;
	PONTO_PROVES("PNRP-487");
	rig_learn(r, &a, 30);
	rig_learn(r, &b, 31);
	m.lookup.path[0] = rig_endpoint(&asked);
	for (int i = 0; i < 50; i++) {
		answer = lookup(r, &m);
		assert_memory_equal(&answer.route.id, &a, sizeof(a));
	}
	m.lookup.path[1] = rig_endpoint(&other);
	m.lookup.count = 2;
	assert_false(lookup(r, &m).has_route);
	rig_free(r);
}

static void choice_is_random_with_weight_on_the_closest(void **state)
{
	struct rig *r = rig_open();
	struct pnrp_message m = {.lookup = {.target = {{0x80}}, .validate_id = {{0x10}}}};
	unsigned chosen[3] = {0};

	(void)state;
	PONTO_PROVES("PNRP-489");
	for (uint8_t i = 0; i < 3; i++)
		rig_learn(r, &(struct ring_id){{(uint8_t)(0x70 - i * 0x10)}}, 30u + i);
	for (int i = 0; i < 1000; i++)
		chosen[(0x70 - lookup(r, &m).route.id.b[0]) / 0x10]++;
	assert_true(chosen[0] > 2 * chosen[1]);
	assert_true(chosen[1] > chosen[2]);
	assert_true(chosen[1] > 0);
	rig_free(r);
}

static void target_in_the_leaf_set_is_suspicious(void **state)
{
	struct rig *r = rig_open();
	struct ring_id local;
	struct rig_peer p[6];
	struct pnrp_message m = {0};

	(void)state;
	PONTO_PROVES("PNRP-490", "PNRP-493");
	rig_register(r, &local);
	for (unsigned i = 0; i < 6; i++) {
		p[i] = rig_neighbour(i + 1, &local, (int)i + 1);
		rig_learn_peer(r, &p[i]);
	}
	m.lookup.validate_id = local;
	m.lookup.target = ring_id_add_u64(&local, 1);
	assert_true(lookup(r, &m).leaf_set);
	m.lookup.target = ring_id_add_u64(&p[2].id, 1); /* something is closer: nothing suspicious */
	assert_false(lookup(r, &m).leaf_set);
	m.lookup.target = ring_id_add_u64(&p[5].id, 1); /* beyond the fifth */
	m.lookup.validate_id = p[5].id;
	assert_false(lookup(r, &m).leaf_set);
	rig_free(r);
}

static void the_closer_of_both_candidates_is_returned(void **state)
{
	struct rig *r = rig_open();
	struct ring_id local;
	struct rig_peer p;
	struct pnrp_message m = {.lookup = {.validate_id = {{1}}}};
	struct pnrp_authority_buffer b;

	(void)state;
	PONTO_PROVES("PNRP-491");
	rig_register(r, &local);
	p = rig_neighbour(1, &local, 10);
	rig_learn_peer(r, &p);
	m.lookup.target = ring_id_add_u64(&local, 5);
	m.lookup.path[0] = rig_endpoint(&(struct ponto_addr){.port = 4000});
	m.lookup.count = 1;
	b = lookup(r, &m);
	assert_memory_equal(&b.route.id, &local, sizeof(local));
	m.lookup.target = ring_id_add_u64(&p.id, 5);
	b = lookup(r, &m);
	assert_memory_equal(&b.route.id, &p.id, sizeof(local));
	rig_free(r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(lookup_is_answered_to_its_sender),
	cmocka_unit_test(validate_id_that_is_not_here),
	cmocka_unit_test(local_id_is_returned_unless_we_were_asked),
	cmocka_unit_test(local_candidate_must_be_closer_than_validate_id),
	cmocka_unit_test(remote_candidate_must_be_closer_unless_a_is_set),
	cmocka_unit_test(remote_candidates_in_the_path_are_left_out),
	cmocka_unit_test(choice_is_random_with_weight_on_the_closest),
	cmocka_unit_test(target_in_the_leaf_set_is_suspicious),
	cmocka_unit_test(the_closer_of_both_candidates_is_returned),
};

PONTO_TEST_MAIN(tests)
