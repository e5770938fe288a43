/* The resolver: whom it asks, when it stops, what it believes. */
#include "tests/unit/pnrp_wanted.h"

static void refuses_what_makes_no_sense(void **state)
{
	struct rig *r = rig_new(NULL);
	struct pnrp_query q = {.name = NAME, .criteria = PNRP_CRITERIA_ANY};
	uint64_t handle;

	(void)state;
	PONTO_PROVES("PNRP-314", "PNRP-315", "PNRP-316");
	assert_int_equal(pnrp_engine_resolve(r->engine, r->now, &q, &handle), PONTO_ECLOSED);
	assert_ok(pnrp_engine_open(r->engine, r->now, NULL, 0));
	static const char *const bad[] = {"", "nodot", "0", "1.x", "0123.x", "G.x", ".x"};
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		q.name = bad[i];
		assert_int_equal(pnrp_engine_resolve(r->engine, r->now, &q, &handle), PONTO_EINVAL);
	}
	q.name = NAME;
	q.criteria = 3;
	assert_int_equal(pnrp_engine_resolve(r->engine, r->now, &q, &handle), PONTO_EINVAL);
	q.criteria = PNRP_CRITERIA_ANY;
	assert_ok(pnrp_engine_set_local(r->engine, r->now, NULL, 0));
	assert_int_equal(pnrp_engine_resolve(r->engine, r->now, &q, &handle), PONTO_EUNREACH);
	rig_free(r);
}

static void first_lookup_goes_to_the_closest_known(void **state)
{
	struct rig *r = rig_open();
	struct ring_id closer = near_target(20), other = near_target(3), wanted = target();
	struct rig_datagram *d;
	struct ponto_addr to = rig_addr(2);

	(void)state;
	PONTO_PROVES("PNRP-317", "PNRP-318", "PNRP-328", "PNRP-330");
	rig_learn(r, &other, 1);
	rig_learn(r, &closer, 2);
	rig_resolve(r, NAME);
	d = next_lookup(r);
	assert_true(ponto_addr_equal(&d->to, &to));
	assert_memory_equal(&d->m.lookup.target, &wanted, sizeof(wanted));
	assert_int_equal(d->m.lookup.reason, PNRP_REASON_APPLICATION);
	assert_false(d->m.lookup.has_route);
	assert_int_equal(d->m.lookup.count, 1);
	assert_memory_equal(d->m.lookup.path[0].ip, r->local.ip, 16);
	assert_int_equal(d->m.lookup.path[0].port, r->local.port);
	assert_null(rig_take(r, PNRP_LOOKUP));
	rig_free(r);
}

static void the_callers_prefix_is_the_top_of_the_location(void **state)
{
	struct rig *r = rig_open();
	struct ring_id id = near_target(3);
	struct pnrp_query q = {.name = NAME, .criteria = PNRP_CRITERIA_NEAREST, .prefix = 0x1122334455667788};
	static const uint8_t low[16] = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x80};
	struct rig_datagram *d;
	uint64_t handle;

	(void)state;
	PONTO_PROVES("PNRP-317", "PNRP-329");
	rig_learn(r, &id, 1);
	assert_ok(pnrp_engine_resolve(r->engine, r->now, &q, &handle));
	rig_pump(r);
	d = next_lookup(r);
	assert_memory_equal(d->m.lookup.target.b + 16, low, 16);
	assert_int_equal(d->m.lookup.criteria, PNRP_OPCODE_NEAREST);
	rig_free(r);
}

static void each_hop_is_asked_and_added_to_the_path(void **state)
{
	struct rig *r = rig_open();
	struct ring_id one = near_target(3), two = near_target(20);
	struct rig_datagram *d;
	struct ponto_addr first = rig_addr(1), second = rig_addr(2);

	(void)state;
	PONTO_PROVES("PNRP-343", "PNRP-386", "PNRP-393", "PNRP-396");
	rig_learn(r, &one, 1);
	rig_resolve(r, NAME);
	d = next_lookup(r);
	assert_memory_equal(&d->m.lookup.validate_id, &one, sizeof(one));
	answer_with(r, d, &two, 2);
	d = next_lookup(r);
	assert_true(ponto_addr_equal(&d->to, &second));
	assert_memory_equal(&d->m.lookup.validate_id, &two, sizeof(two));
	assert_int_equal(d->m.lookup.count, 2);
	assert_memory_equal(d->m.lookup.path[1].ip, first.ip, 16);
	assert_true(d->m.lookup.has_route); /* the best match so far */
	assert_memory_equal(&d->m.lookup.route.id, &one, sizeof(one));
	rig_free(r);
}

static void flag_a_while_the_cache_is_small(void **state)
{
	struct rig *r = rig_open();

	(void)state;
	PONTO_PROVES("PNRP-344");
	for (unsigned i = 0; i < 8; i++) {
		struct ring_id id = near_target(i);

		rig_learn(r, &id, i + 1);
		rig_resolve(r, NAME);
		assert_int_equal(next_lookup(r)->m.lookup.accept_any, i + 1 < 8);
	}
	rig_free(r);
}

static void finds_and_believes_a_publisher(void **state)
{
	struct rig *r = rig_open();
	struct rig_peer p = publisher(5, 1);
	struct ring_id hop = near_target(10);
	struct rig_datagram *d;

	(void)state;
	PONTO_PROVES("PNRP-333", "PNRP-334", "PNRP-401", "PNRP-405");
	rig_learn(r, &hop, 1);
	rig_resolve(r, NAME);
	answer_with(r, next_lookup(r), &p.id, 5);
	rig_answer_flags(r, next_lookup(r), false); /* the publisher is asked too, and is now the best match */
	d = final_inquire(r);
	assert_non_null(d);
	assert_memory_equal(&d->m.inquire.validate_id, &p.id, sizeof(p.id));
	assert_true(d->m.inquire.want_cpa && d->m.inquire.want_chain && d->m.inquire.has_nonce);
	assert_int_equal(r->resolved, 0);
	rig_certify(r, d, &p, NULL);
	assert_int_equal(r->resolved, 1);
	assert_string_equal(r->match.name, NAME);
	assert_memory_equal(&r->match.id, &p.id, sizeof(p.id));
	assert_int_equal(r->match.endpoint_count, 1);
	assert_int_equal(r->match.endpoints[0].port, 7000);
	assert_int_equal(r->match.endpoints[0].protocol, 6);
	assert_memory_equal(r->match.endpoints[0].ip, p.addr.ip, 16);
	assert_true(ponto_addr_equal(&r->match.publisher[0], &p.addr));
	rig_free(r);
}

static void forged(const struct rig_forgery *forgery, int expected)
{
	struct rig *r = rig_open();
	struct rig_peer p = publisher(5, 1);

	rig_certify(r, asking_publisher(r, &p), &p, forgery);
	assert_int_equal(r->resolved, 0);
	rig_run(r, 31 * PONTO_SECOND);
	assert_int_equal(r->unresolved, 1);
	assert_int_equal(r->result, expected);
	rig_free(r);
}

static void expire(struct pnrp_cpa *cpa)
{
	cpa->not_after = pnrp_filetime(WORLD_WALL - PONTO_SECOND);
}

static void change_nonce(struct pnrp_cpa *cpa)
{
	cpa->nonce[0] ^= 1;
}

static void change_location(struct pnrp_cpa *cpa)
{
	cpa->location[9] ^= 1;
}

static void forged_answers_are_no_results(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-403", "PNRP-418", "PNRP-420");
	forged(&(struct rig_forgery){.bad_signature = true}, PONTO_EAUTH);
	forged(&(struct rig_forgery){.cpa = expire}, PONTO_EAUTH);
	forged(&(struct rig_forgery){.cpa = change_nonce}, PONTO_EAUTH);
	forged(&(struct rig_forgery){.cpa = change_location}, PONTO_EAUTH);
	forged(&(struct rig_forgery){.no_cpa = true}, PONTO_EAUTH);
}

static void forged_payloads_spoil_the_answer(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-416", "PNRP-422", "PNRP-424", "PNRP-425");
	forged(&(struct rig_forgery){.with_payload = true, .bad_payload_signature = true}, PONTO_EAUTH);
	forged(&(struct rig_forgery){.with_payload = true, .late_payload = true}, PONTO_EAUTH);
	forged(&(struct rig_forgery){.with_payload = true, .foreign_payload_nonce = true}, PONTO_EAUTH);
	forged(&(struct rig_forgery){.with_payload = true, .foreign_payload_id = true}, PONTO_EAUTH);
}

static void payload_of_another_id_spoils_the_answer(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-423");
	forged(&(struct rig_forgery){.with_payload = true, .foreign_payload_id = true}, PONTO_EAUTH);
}

static void sound_payload_is_delivered(void **state)
{
	struct rig *r = rig_open();
	struct rig_peer p = publisher(5, 1);

	(void)state;
	PONTO_PROVES("PNRP-416");
	rig_certify(r, asking_publisher(r, &p), &p, &(struct rig_forgery){.with_payload = true});
	assert_int_equal(r->resolved, 1);
	assert_int_equal(r->match.payload_type, PNRP_PAYLOAD_BINARY);
	assert_int_equal(r->match.payload.len, 7);
	rig_free(r);
}

static void secured_name_needs_its_own_key(void **state)
{
	struct rig *r = rig_open();
	const char *name = world_secure_name(105, "x"); /* identity of peer 5 */
	struct rig_peer p = rig_peer(5, name, middle);

	(void)state;
	PONTO_PROVES("PNRP-414");
	rig_learn(r, &p.id, 5);
	rig_resolve(r, name);
	rig_answer_flags(r, next_lookup(r), false);
	rig_certify(r, final_inquire(r), &p, &(struct rig_forgery){.other_key = true});
	rig_run(r, 31 * PONTO_SECOND);
	assert_int_equal(r->resolved, 0);
	assert_int_equal(r->result, PONTO_EAUTH);
	rig_free(r);
	r = rig_open();
	rig_learn(r, &p.id, 5);
	rig_resolve(r, name);
	rig_answer_flags(r, next_lookup(r), false);
	rig_certify(r, final_inquire(r), &p, NULL);
	assert_int_equal(r->resolved, 1);
	assert_true(r->match.secured);
	assert_string_equal(r->match.name, name);
	rig_free(r);
}

static void waits_for_a_round_of_discovery(void **state)
{
	struct rig *r = rig_new(NULL);
	struct rig_peer p = publisher(5, 1);

	(void)state;
	assert_ok(pnrp_engine_open(r->engine, r->now, &p.addr, 1));
	rig_pump(r);
	rig_run(r, 5 * PONTO_SECOND);
	assert_int_equal(r->cloud, PNRP_CLOUD_ALONE);
	rig_forget(r);
	rig_resolve(r, NAME);
	assert_int_equal(r->unresolved, 0);
	assert_non_null(rig_take(r, PNRP_SOLICIT)); /* the seed is asked again, at once */
	rig_learn(r, &p.id, 5);
	assert_memory_equal(&next_lookup(r)->m.lookup.validate_id, &p.id, sizeof(p.id));
	rig_free(r);
}

/* Two publishers; the nearest turns out bad in some way, the other is then asked. */
static void second_best_is_asked_when_the_best_is_bad(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-338", "PNRP-402", "PNRP-404");
	/* Criteria NEAREST walks to the end: both publishers become best matches before the first INQUIRE. */
	for (int kind = 0; kind < 4; kind++) {
		struct rig *r = rig_open();
		struct rig_peer near = publisher(5, 1), far = publisher(6, 9);
		struct pnrp_query q = {.name = NAME, .criteria = PNRP_CRITERIA_NEAREST};
		struct rig_datagram *d;
		uint64_t handle;

		rig_learn(r, &far.id, 6);
		assert_ok(pnrp_engine_resolve(r->engine, r->now, &q, &handle));
		rig_pump(r);
		answer_with(r, next_lookup(r), &near.id, 5);
		rig_answer_flags(r, next_lookup(r), false);
		for (d = rig_take(r, PNRP_LOOKUP); d; d = rig_take(r, PNRP_LOOKUP))
			rig_answer_flags(r, d, false);
		d = final_inquire(r);
		assert_non_null(d);
		assert_memory_equal(&d->m.inquire.validate_id, &near.id, sizeof(near.id));
		if (kind == 0)
			rig_run(r, 4 * PONTO_SECOND);
		else if (kind == 1)
			rig_answer_flags(r, d, true);
		else if (kind == 2)
			rig_answer_flags(r, d, false);
		else
			rig_certify(r, d, &near, &(struct rig_forgery){.bad_signature = true});
		do {
			d = final_inquire(r);
			assert_non_null(d);
		} while (!ring_id_equal(&d->m.inquire.validate_id, &far.id));
		rig_certify(r, d, &far, NULL);
		assert_int_equal(r->resolved, 1);
		assert_memory_equal(&r->match.id, &far.id, sizeof(far.id));
		rig_free(r);
	}
}

static void unknown_name_is_not_found(void **state)
{
	struct rig *r = rig_open();
	struct ring_id id = near_target(3);

	(void)state;
	PONTO_PROVES("PNRP-342", "PNRP-339");
	rig_learn(r, &id, 1);
	rig_resolve(r, NAME);
	rig_answer_flags(r, next_lookup(r), false);
	assert_int_equal(r->unresolved, 1);
	assert_int_equal(r->result, PONTO_ENOENT);
	assert_null(final_inquire(r));
	rig_free(r);
}

/* A hostile cloud: each answer names yet another node, a little closer. */
static void walks_end(void **state)
{
	struct rig *r = rig_open();
	struct ring_id id = near_target(1);
	struct rig_datagram *d;
	unsigned asked = 0;

	(void)state;
	PONTO_PROVES("PNRP-340", "PNRP-387");
	rig_learn(r, &id, 1);
	rig_resolve(r, NAME);
	while ((d = rig_take(r, PNRP_LOOKUP)) != NULL) {
		asked++;
		id = near_target(1 + asked);
		assert_true(d->m.lookup.count <= 22);
		answer_with(r, d, &id, asked + 1);
	}
	assert_int_equal(asked, 23);
	assert_int_equal(r->unresolved, 1);
	rig_free(r);
}

static void seven_suspicious_answers_end_the_walk(void **state)
{
	struct rig *r = rig_open();
	struct ring_id id = near_target(1);
	struct rig_datagram *d;
	unsigned asked = 0;

	(void)state;
	PONTO_PROVES("PNRP-388", "PNRP-327");
	rig_learn(r, &id, 1);
	rig_resolve(r, NAME);
	while ((d = rig_take(r, PNRP_LOOKUP)) != NULL) {
		struct pnrp_authority_buffer b = {.has_route = true, .leaf_set = true};

		asked++;
		id = near_target(1 + asked);
		rig_route(&id, asked + 1, &b.route);
		rig_answer(r, d, &b);
	}
	assert_int_equal(asked, 7);
	rig_free(r);
}

static void best_match_is_inquired_at_a_stop(void **state)
{
	struct rig *r = rig_open();
	struct rig_peer p = publisher(5, 3);
	struct pnrp_query q = {.name = NAME, .criteria = PNRP_CRITERIA_NEAREST};
	struct rig_datagram *d;
	uint64_t handle;

	(void)state;
	PONTO_PROVES("PNRP-341");
	rig_learn(r, &p.id, 5);
	assert_ok(pnrp_engine_resolve(r->engine, r->now, &q, &handle));
	rig_pump(r);
	d = next_lookup(r);
	assert_null(final_inquire(r)); /* not all 256 bits: first the walk */
	rig_answer_flags(r, d, false);
	assert_non_null(final_inquire(r));
	rig_free(r);
}

static void nearest_never_returns_another_name(void **state)
{
	struct rig *r = rig_open();
	struct ring_id other = near_target(120);
	struct pnrp_query q = {.name = NAME, .criteria = PNRP_CRITERIA_NEAREST};
	uint64_t handle;

	(void)state;
	rig_learn(r, &other, 5);
	assert_ok(pnrp_engine_resolve(r->engine, r->now, &q, &handle));
	rig_pump(r);
	rig_answer_flags(r, next_lookup(r), false);
	assert_null(final_inquire(r)); /* T17 */
	assert_int_equal(r->unresolved, 1);
	rig_free(r);
}

static void answering_hop_is_submitted_to_the_cache(void **state)
{
	struct rig *r = rig_open();
	struct ring_id one = near_target(3), two = near_target(20);
	struct rig_datagram *d;

	(void)state;
	PONTO_PROVES("PNRP-389", "PNRP-385");
	rig_learn(r, &one, 1);
	rig_resolve(r, NAME);
	answer_with(r, next_lookup(r), &two, 2);
	assert_null(rig_take(r, PNRP_INQUIRE)); /* named, but it has not answered yet */
	rig_answer_flags(r, next_lookup(r), false);
	d = rig_take(r, PNRP_INQUIRE);
	assert_non_null(d);
	assert_memory_equal(&d->m.inquire.validate_id, &two, sizeof(two));
	rig_answer_flags(r, d, false);
	assert_true(rig_knows(r, &two));
	rig_free(r);
}

/* Whoever answers the question before the last one again, and says something else, is not heard. */
static void only_the_last_question_has_an_answer(void **state)
{
	struct rig *r = rig_open();
	struct ring_id one = near_target(3), two = near_target(20), three = near_target(30);
	struct rig_datagram *first, *second;

	(void)state;
	PONTO_PROVES("PNRP-335");
	rig_learn(r, &one, 1);
	rig_resolve(r, NAME);
	first = next_lookup(r);
	answer_with(r, first, &two, 2);
	second = next_lookup(r);
	assert_int_not_equal(second->m.id, first->m.id);
	answer_with(r, first, &three, 3);
	assert_null(rig_take(r, PNRP_LOOKUP));
	assert_int_equal(pnrp_engine_stats(r->engine)->dropped[PNRP_DROP_UNMATCHED], 1);
	answer_with(r, second, &three, 3);
	assert_memory_equal(&next_lookup(r)->m.lookup.validate_id, &three, sizeof(three));
	rig_free(r);
}

static void hop_that_is_gone_is_uncached(void **state)
{
	struct rig *r = rig_open();
	struct ring_id one = near_target(3);

	(void)state;
	PONTO_PROVES("PNRP-390");
	rig_learn(r, &one, 1);
	rig_resolve(r, NAME);
	rig_answer_flags(r, next_lookup(r), true);
	assert_false(rig_knows(r, &one));
	assert_int_equal(r->trace[0].kind, PNRP_TRACE_GONE);
	rig_free(r);
}

static void dead_ends_lead_back_and_nobody_is_asked_four_times(void **state)
{
	struct rig *r = rig_open();
	struct ring_id one = near_target(3), id;
	struct ponto_addr first = rig_addr(1);
	struct rig_datagram *d;
	unsigned asked = 0, n = 2;

	(void)state;
	PONTO_PROVES("PNRP-345", "PNRP-392", "PNRP-394");
	rig_learn(r, &one, 1);
	rig_resolve(r, NAME);
	while ((d = rig_take(r, PNRP_LOOKUP)) != NULL) {
		id = near_target(10 + n);
		if (!ponto_addr_equal(&d->to, &first)) {
			rig_answer_flags(r, d, false);
			continue;
		}
		asked++;
		answer_with(r, d, &id, n++);
	}
	assert_int_equal(asked, 3);
	rig_free(r);
}

static void loops_are_not_followed(void **state)
{
	struct rig *r = rig_open();
	struct ring_id one = near_target(3), two = near_target(20), back = near_target(30);
	struct rig_datagram *d;

	(void)state;
	PONTO_PROVES("PNRP-395");
	rig_learn(r, &one, 1);
	rig_resolve(r, NAME);
	answer_with(r, next_lookup(r), &two, 2);
	answer_with(r, next_lookup(r), &back, 1); /* a closer ID, but at an address we have been to */
	while ((d = rig_take(r, PNRP_LOOKUP)) != NULL) {
		assert_false(ring_id_equal(&d->m.lookup.validate_id, &back));
		rig_answer_flags(r, d, false);
	}
	rig_free(r);
}

static void farther_candidates_only_with_a_small_cache(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-397", "PNRP-398");
	for (unsigned known = 7; known <= 8; known++) {
		struct rig *r = rig_open();
		struct ring_id farther = near_target(0);
		struct rig_datagram *d;

		for (unsigned i = 0; i < known; i++) {
			struct ring_id id = near_target(10 + i);

			rig_learn(r, &id, i + 1);
		}
		rig_resolve(r, NAME);
		answer_with(r, next_lookup(r), &farther, 50);
		d = rig_take(r, PNRP_LOOKUP);
		if (known < 8)
			assert_memory_equal(&d->m.lookup.validate_id, &farther, sizeof(farther));
		else
			assert_null(d); /* and the hop that named it is not asked again */
		rig_free(r);
	}
}

static void local_names_count_only_if_asked_for(void **state)
{
	struct rig *r = rig_open();
	struct ring_id id;
	struct pnrp_query q = {.name = "0.local", .criteria = PNRP_CRITERIA_ANY};
	uint64_t handle;

	(void)state;
	PONTO_PROVES("PNRP-319", "PNRP-555");
	rig_register(r, &id);
	assert_ok(pnrp_engine_resolve(r->engine, r->now, &q, &handle));
	rig_pump(r);
	rig_run(r, 5 * PONTO_SECOND);
	assert_int_equal(r->unresolved, 1);
	q.include_local = true;
	assert_ok(pnrp_engine_resolve(r->engine, r->now, &q, &handle));
	rig_pump(r);
	assert_int_equal(r->resolved, 1);
	assert_true(r->match.local);
	assert_memory_equal(&r->match.id, &id, sizeof(id));
	assert_string_equal(r->match.name, "0.local");
	assert_int_equal(r->match.endpoints[0].port, 5000);
	assert_null(rig_take(r, PNRP_LOOKUP));
	rig_free(r);
}

static void resolves_are_bounded(void **state)
{
	struct rig *r = rig_open();
	struct ring_id id = near_target(3);
	struct pnrp_query q = {.name = NAME, .criteria = PNRP_CRITERIA_ANY};
	uint64_t handle;
	int result = PONTO_OK;
	unsigned begun = 0;

	(void)state;
	PONTO_PROVES("PNRP-326");
	rig_learn(r, &id, 1);
	for (; result == PONTO_OK; begun++)
		result = pnrp_engine_resolve(r->engine, r->now, &q, &handle);
	assert_int_equal(result, PONTO_EBUSY);
	assert_int_equal(begun, 65);
	rig_free(r);
}

static void timeouts_restarts_and_cancelling(void **state)
{
	struct rig *r = rig_open();
	struct ring_id id = near_target(3), other = near_target(1);
	struct pnrp_query q = {.name = NAME,
			       .criteria = PNRP_CRITERIA_ANY,
			       .timeout = PONTO_SECOND / 2,
			       .max_restarts = 2,
			       .trace = true};
	uint64_t handle;

	(void)state;
	rig_learn(r, &id, 1);
	rig_learn(r, &other, 2);
	assert_ok(pnrp_engine_resolve(r->engine, r->now, &q, &handle));
	rig_run(r, PONTO_SECOND);
	assert_int_equal(r->unresolved, 1);
	assert_int_equal(r->result, PONTO_ETIME);
	rig_forget(r);
	q.timeout = 0;
	assert_ok(pnrp_engine_resolve(r->engine, r->now, &q, &handle));
	rig_pump(r);
	for (struct rig_datagram *d = rig_take(r, PNRP_LOOKUP); d; d = rig_take(r, PNRP_LOOKUP))
		rig_answer_flags(r, d, false);
	assert_int_equal(r->unresolved, 2);
	assert_int_equal(r->walks, 3);
	assert_ok(pnrp_engine_resolve(r->engine, r->now, &q, &handle));
	pnrp_engine_cancel(r->engine, r->now, handle);
	pnrp_engine_cancel(r->engine, r->now, handle);
	rig_run(r, 40 * PONTO_SECOND);
	assert_int_equal(r->unresolved, 2);
	rig_free(r);
}

static void excluded_ids_are_passed_over(void **state)
{
	struct rig *r = rig_open();
	struct rig_peer near = publisher(5, 1), far = publisher(6, 9);
	struct pnrp_query q = {.name = NAME, .criteria = PNRP_CRITERIA_ANY, .exclude = &near.id, .exclude_count = 1};
	struct rig_datagram *d;
	uint64_t handle;

	(void)state;
	rig_learn(r, &near.id, 5);
	assert_ok(pnrp_engine_resolve(r->engine, r->now, &q, &handle));
	rig_pump(r);
	answer_with(r, next_lookup(r), &far.id, 6);
	assert_null(final_inquire(r));
	rig_answer_flags(r, next_lookup(r), false);
	d = final_inquire(r);
	assert_non_null(d);
	assert_memory_equal(&d->m.inquire.validate_id, &far.id, sizeof(far.id));
	rig_free(r);
}

/* Two of one name here: each is found without the other. */
static void excluded_local_ids_are_passed_over(void **state)
{
	struct rig *r = rig_open();
	struct ring_id barred[2];
	struct pnrp_query q = {
		.name = "0.local", .criteria = PNRP_CRITERIA_ANY, .include_local = true, .exclude = barred};
	uint64_t handle;

	(void)state;
	rig_register(r, &barred[0]);
	rig_register(r, &barred[1]);
	for (q.exclude_count = 1; q.exclude_count > 0; q.exclude_count--) {
		struct ring_id other = barred[1];

		assert_ok(pnrp_engine_resolve(r->engine, r->now, &q, &handle));
		rig_pump(r);
		assert_memory_equal(&r->match.id, &other, sizeof(other));
		barred[1] = barred[0];
		barred[0] = other;
		assert_ok(pnrp_engine_resolve(r->engine, r->now, &q, &handle));
		rig_pump(r);
		assert_memory_equal(&r->match.id, &barred[1], sizeof(other));
	}
	assert_int_equal(r->resolved, 2);
	q.exclude_count = 2;
	assert_ok(pnrp_engine_resolve(r->engine, r->now, &q, &handle));
	rig_run(r, 60 * PONTO_SECOND);
	assert_int_equal(r->unresolved, 1);
	rig_free(r);
}

static void busy_hop_stays_cached(void **state)
{
	struct rig *r = rig_open();
	struct ring_id id = near_target(3);
	struct pnrp_authority_buffer b = {.busy = true};

	(void)state;
	rig_learn(r, &id, 1);
	rig_resolve(r, NAME);
	rig_answer(r, next_lookup(r), &b);
	assert_true(rig_knows(r, &id)); /* T21 */
	rig_free(r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(refuses_what_makes_no_sense),
	cmocka_unit_test(first_lookup_goes_to_the_closest_known),
	cmocka_unit_test(the_callers_prefix_is_the_top_of_the_location),
	cmocka_unit_test(each_hop_is_asked_and_added_to_the_path),
	cmocka_unit_test(flag_a_while_the_cache_is_small),
	cmocka_unit_test(finds_and_believes_a_publisher),
	cmocka_unit_test(forged_answers_are_no_results),
	cmocka_unit_test(forged_payloads_spoil_the_answer),
	cmocka_unit_test(payload_of_another_id_spoils_the_answer),
	cmocka_unit_test(sound_payload_is_delivered),
	cmocka_unit_test(secured_name_needs_its_own_key),
	cmocka_unit_test(waits_for_a_round_of_discovery),
	cmocka_unit_test(second_best_is_asked_when_the_best_is_bad),
	cmocka_unit_test(unknown_name_is_not_found),
	cmocka_unit_test(walks_end),
	cmocka_unit_test(seven_suspicious_answers_end_the_walk),
	cmocka_unit_test(best_match_is_inquired_at_a_stop),
	cmocka_unit_test(nearest_never_returns_another_name),
	cmocka_unit_test(answering_hop_is_submitted_to_the_cache),
	cmocka_unit_test(only_the_last_question_has_an_answer),
	cmocka_unit_test(hop_that_is_gone_is_uncached),
	cmocka_unit_test(dead_ends_lead_back_and_nobody_is_asked_four_times),
	cmocka_unit_test(loops_are_not_followed),
	cmocka_unit_test(farther_candidates_only_with_a_small_cache),
	cmocka_unit_test(local_names_count_only_if_asked_for),
	cmocka_unit_test(resolves_are_bounded),
	cmocka_unit_test(timeouts_restarts_and_cancelling),
	cmocka_unit_test(excluded_ids_are_passed_over),
	cmocka_unit_test(excluded_local_ids_are_passed_over),
	cmocka_unit_test(busy_hop_stays_cached),
};

PONTO_TEST_MAIN(tests)
