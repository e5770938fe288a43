/* What the engine puts into its messages: the rules of section 2 that depend on behaviour. */
#include "framework/digest.h"
#include "tests/support/pnrp_rig.h"

static const uint8_t nonce[PNRP_NONCE_SIZE] = {1, 2, 3};

static struct rig *rig_with_seed(void)
{
	struct rig *r = rig_new(NULL);
	struct ponto_addr seed = rig_addr(700);

	assert_ok(pnrp_engine_open(r->engine, r->now, &seed, 1));
	rig_pump(r);
	return r;
}

static struct rig_datagram *solicit(struct rig *r, uint8_t type)
{
	struct ponto_addr peer = rig_addr(1);
	struct pnrp_message m = {.type = PNRP_SOLICIT, .solicit = {.has_controls = true, .solicit_type = type}};
	struct ponto_bytes part = ponto_bytes(nonce, sizeof(nonce));

	ponto_sha1(&part, 1, m.solicit.hashed_nonce);
	rig_send(r, &peer, &m);
	return rig_take(r, PNRP_ADVERTISE);
}

/* ---- synchronisation -------------------------------------------------------------- */

static void solicit_type_1_lists_local_ids_only(void **state)
{
	struct rig *r = rig_open();
	struct ring_id local, listed;
	struct rig_datagram *a;

	(void)state;
	PONTO_PROVES("PNRP-023");
	for (uint8_t i = 0; i < 3; i++)
		rig_learn(r, &(struct ring_id){{(uint8_t)(10 + i)}}, 50u + i);
	rig_register(r, &local);
	assert_int_equal(solicit(r, PNRP_SOLICIT_ANY)->m.advertise.ids.count, 4);
	a = solicit(r, PNRP_SOLICIT_LOCAL);
	assert_int_equal(a->m.advertise.ids.count, 1);
	listed = pnrp_id_at(&a->m.advertise.ids, 0);
	assert_memory_equal(&listed, &local, sizeof(local));
	rig_free(r);
}

static void solicit_shows_a_registered_id_or_none(void **state)
{
	struct rig *r = rig_with_seed();
	struct rig_datagram *s = rig_take(r, PNRP_SOLICIT);
	struct ring_id local;

	(void)state;
	PONTO_PROVES("PNRP-028", "PNRP-030");
	assert_false(s->m.solicit.has_route);
	rig_register(r, &local);
	rig_run(r, 4 * PONTO_SECOND);
	rig_take(r, PNRP_SOLICIT);
	s = rig_take(r, PNRP_SOLICIT);
	assert_true(s->m.solicit.has_route);
	assert_memory_equal(&s->m.solicit.route.id, &local, sizeof(local));
	assert_memory_equal(s->m.solicit.route.addrs[0], r->local.ip, 16);
	assert_int_equal(s->m.solicit.route.port, r->local.port);
	rig_free(r);
}

static void conversation_fields_repeat_each_other(void **state)
{
	struct rig *r = rig_with_seed();
	struct rig_datagram *s = rig_take(r, PNRP_SOLICIT), *request;
	struct pnrp_message m = {.type = PNRP_ADVERTISE};
	struct ring_id ids[2] = {rig_id(1, 1), rig_id(2, 2)};
	struct ponto_bytes part;
	uint8_t hash[PNRP_HASH_SIZE];

	(void)state;
	PONTO_PROVES("PNRP-035", "PNRP-048", "PNRP-055");
	m.advertise.acked_id = s->m.id;
	m.advertise.ids = pnrp_ids(ids, 2);
	memcpy(m.advertise.hashed_nonce, s->m.solicit.hashed_nonce, PNRP_HASH_SIZE);
	rig_send(r, &s->to, &m);
	request = rig_take(r, PNRP_REQUEST);
	part = ponto_bytes(request->m.request.nonce, PNRP_NONCE_SIZE);
	ponto_sha1(&part, 1, hash);
	assert_memory_equal(hash, s->m.solicit.hashed_nonce, PNRP_HASH_SIZE);
	assert_int_equal(request->m.request.ids.count, 2);
	assert_memory_equal(request->m.request.ids.bytes.data, ids, sizeof(ids));
	rig_free(r);
}

static void advertise_names_its_solicit(void **state)
{
	struct rig *r = rig_open();
	struct rig_datagram *a = solicit(r, PNRP_SOLICIT_ANY);
	struct ponto_bytes part = ponto_bytes(nonce, sizeof(nonce));
	uint8_t hash[PNRP_HASH_SIZE];

	(void)state;
	PONTO_PROVES("PNRP-037", "PNRP-046");
	ponto_sha1(&part, 1, hash);
	assert_int_equal(a->m.advertise.acked_id, r->next_id - 1);
	assert_memory_equal(a->m.advertise.hashed_nonce, hash, sizeof(hash));
	rig_free(r);
}

static void ports_are_never_assumed(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr peer = rig_addr(1), stranger = rig_addr(2);
	struct pnrp_message m = {.type = PNRP_FLOOD, .flood = {.no_ack = true, .has_route = true}};
	struct ring_id id = rig_id(9, 9);
	struct rig_datagram *d;

	(void)state;
	PONTO_PROVES("PNRP-004");
	peer.port = 4540;
	rig_route(&id, 1, &m.flood.route);
	m.flood.route.port = 4540;
	rig_send(r, &stranger, &m);
	d = rig_take(r, PNRP_INQUIRE);
	assert_true(ponto_addr_equal(&d->to, &peer));
	rig_answer_flags(r, d, false);
	rig_resolve(r, "0.x");
	assert_true(ponto_addr_equal(&rig_take(r, PNRP_LOOKUP)->to, &peer));
	rig_free(r);
}

static uint64_t other_seed = 1;

static void reseed(struct pnrp_engine_config *config)
{
	struct ponto_test_random *tr = config->random.ctx;

	tr->state += other_seed++;
}

static void message_ids_do_not_repeat(void **state)
{
	uint32_t first[2];

	(void)state;
	PONTO_PROVES("PNRP-015");
	for (int life = 0; life < 2; life++) {
		struct rig *r = rig_new(reseed);
		struct ponto_addr peer = rig_addr(1);
		struct pnrp_message m = {.type = PNRP_INQUIRE};
		static uint32_t ids[2000];

		assert_ok(pnrp_engine_open(r->engine, r->now, NULL, 0));
		for (unsigned i = 0; i < PONTO_ARRAY_SIZE(ids); i++) {
			rig_send(r, &peer, &m);
			ids[i] = rig_take(r, PNRP_AUTHORITY)->m.id;
			for (unsigned k = i > 100 ? i - 100 : 0; k < i; k++)
				assert_int_not_equal(ids[k], ids[i]);
		}
		first[life] = ids[0];
		rig_free(r);
	}
	assert_int_not_equal(first[0], first[1]);
}

/* ---- floods ------------------------------------------------------------------------------ */

static void validate_id_names_the_destination(void **state)
{
	struct rig *r = rig_open();
	struct ring_id local;
	struct rig_peer near, x;
	struct rig_datagram *d;
	unsigned seen = 0;

	(void)state;
	PONTO_PROVES("PNRP-064", "PNRP-071");
	rig_register(r, &local);
	near = rig_neighbour(1, &local, 4);
	x = rig_neighbour(2, &local, 2);
	rig_learn_peer(r, &near);
	rig_forget(r);
	rig_learn_peer(r, &x);
	while ((d = rig_take(r, PNRP_FLOOD)) != NULL) {
		if (!ponto_addr_equal(&d->to, &near.addr))
			continue;
		seen++;
		assert_true(d->m.flood.has_route);
		assert_memory_equal(&d->m.flood.validate_id, &near.id, sizeof(near.id));
	}
	assert_true(seen > 0);
	rig_free(r);
}

static void nodes_without_a_known_id_are_not_validated(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr peer = rig_addr(1);
	struct pnrp_message request = {.type = PNRP_REQUEST}, flood = {.type = PNRP_FLOOD};
	struct ring_id id = rig_id(10, 1);

	(void)state;
	PONTO_PROVES("PNRP-065", "PNRP-066");
	rig_learn(r, &id, 21);
	solicit(r, PNRP_SOLICIT_ANY); /* without a route entry */
	memcpy(request.request.nonce, nonce, sizeof(nonce));
	request.request.ids = pnrp_ids(&id, 1);
	rig_send(r, &peer, &request);
	assert_true(ring_id_is_zero(&rig_take(r, PNRP_FLOOD)->m.flood.validate_id));
	rig_forget(r);
	rig_send(r, &peer, &flood); /* zero Validate PNRP ID */
	assert_false(rig_take(r, PNRP_ACK)->m.ack.not_found);
	rig_free(r);
}

static void flooded_list_grows(void **state)
{
	struct rig *r = rig_open();
	struct ring_id local;
	struct rig_peer near, x;
	struct ponto_addr flooder = rig_addr(500), before = rig_addr(501);
	struct pnrp_message m = {.type = PNRP_FLOOD, .flood = {.has_route = true, .count = 1}};
	struct rig_datagram *d;
	bool lists_before = false, lists_target = false, lists_own = false;

	(void)state;
	PONTO_PROVES("PNRP-080");
	rig_register(r, &local);
	near = rig_neighbour(1, &local, 4);
	x = rig_neighbour(3, &local, 3);
	rig_learn_peer(r, &near);
	rig_forget(r);
	rig_peer_route(&x, &m.flood.route);
	m.flood.endpoints[0] = rig_endpoint(&before);
	rig_send(r, &flooder, &m);
	rig_certify(r, rig_take(r, PNRP_INQUIRE), &x, NULL);
	do {
		d = rig_take(r, PNRP_FLOOD);
		assert_non_null(d);
	} while (!ponto_addr_equal(&d->to, &near.addr));
	for (unsigned i = 0; i < d->m.flood.count; i++) {
		const uint8_t *ip = d->m.flood.endpoints[i].ip;

		lists_before = lists_before || memcmp(ip, before.ip, 16) == 0;
		lists_target = lists_target || memcmp(ip, near.addr.ip, 16) == 0;
		lists_own = lists_own || memcmp(ip, r->local.ip, 16) == 0;
	}
	assert_true(lists_before && lists_target && lists_own);
	rig_free(r);
}

/* ---- what is certified ----------------------------------------------------------------------- */

static struct pnrp_authority_buffer certified(struct rig *r, const struct ring_id *id, struct pnrp_cpa *cpa)
{
	struct ponto_addr peer = rig_addr(1);
	struct pnrp_message m = {.type = PNRP_INQUIRE,
				 .inquire = {.want_cpa = true, .want_payload = true, .has_nonce = true}};
	struct pnrp_authority_buffer b;
	struct rig_datagram *d;

	m.inquire.validate_id = *id;
	memcpy(m.inquire.nonce, nonce, sizeof(nonce));
	rig_send(r, &peer, &m);
	d = rig_take(r, PNRP_AUTHORITY);
	assert_non_null(d);
	assert_int_equal(d->m.authority.acked_id, r->next_id - 1);
	assert_ok(pnrp_authority_decode(&pnrp_windows, d->m.authority.slice, &b));
	assert_ok(pnrp_cpa_decode(&pnrp_windows, b.cpa, cpa));
	return b;
}

static void cpa_of_an_unsecured_name(void **state)
{
	struct rig *r = rig_open();
	struct ring_id local;
	struct pnrp_cpa cpa;
	uint64_t now = WORLD_WALL + r->now;

	(void)state;
	PONTO_PROVES("PNRP-166", "PNRP-169", "PNRP-172", "PNRP-184");
	rig_register(r, &local);
	certified(r, &local, &cpa);
	assert_false(cpa.has_authority);
	assert_memory_equal(cpa.nonce, nonce, sizeof(nonce));
	assert_true(cpa.not_after >= pnrp_filetime(now + 12 * 3600 * PONTO_SECOND));
	assert_true(cpa.not_after <= pnrp_filetime(now + 7 * 24 * 3600 * PONTO_SECOND));
	assert_int_equal(cpa.service_count, 1);
	assert_memory_equal(cpa.services[0].ip, r->local.ip, 16);
	assert_int_equal(cpa.services[0].port, r->local.port);
	rig_free(r);
}

static void nonce_and_acked_id_come_back(void **state)
{
	struct rig *r = rig_open();
	uint8_t key[140];
	struct pnrp_registration reg = {.name = "0.rich",
					.identity = 5,
					.public_key = ponto_bytes(key, sizeof(key)),
					.payload_type = PNRP_PAYLOAD_STRING,
					.payload = ponto_bytes("hello", 5)};
	struct pnrp_authority_buffer b;
	struct pnrp_payload payload;
	struct pnrp_cpa cpa;
	struct ring_id id;
	uint64_t handle;

	(void)state;
	PONTO_PROVES("PNRP-091", "PNRP-092", "PNRP-206");
	world_key(5, key);
	assert_ok(pnrp_engine_register(r->engine, r->now, &reg, &handle, &id));
	rig_pump(r);
	b = certified(r, &id, &cpa);
	assert_memory_equal(cpa.nonce, nonce, sizeof(nonce));
	assert_ok(pnrp_payload_decode(&pnrp_windows, b.payload, &payload));
	assert_memory_equal(payload.nonce, nonce, sizeof(nonce));
	rig_free(r);
}

static void lifetime(struct pnrp_engine_config *config)
{
	config->cpa_lifetime = 12 * 3600 * PONTO_SECOND - 1;
}

static void lifetimes_out_of_range_are_refused(void **state)
{
	struct pnrp_engine_config config = {.profile = PNRP_PROFILE_WINDOWS, .alloc = ponto_alloc_system};
	struct pnrp_engine *e;

	(void)state;
	PONTO_PROVES("PNRP-166");
	lifetime(&config);
	assert_int_equal(pnrp_engine_create(&config, &e), PONTO_EINVAL);
	config.cpa_lifetime = 7 * 24 * 3600 * PONTO_SECOND + 1;
	assert_int_equal(pnrp_engine_create(&config, &e), PONTO_EINVAL);
	config.cpa_lifetime = 0;
	config.profile = 3;
	assert_int_equal(pnrp_engine_create(&config, &e), PONTO_EINVAL);
}

/* ---- lookups ----------------------------------------------------------------------------------- */

static void answer_holds_the_closest_of_what_may_be_returned(void **state)
{
	struct rig *r = rig_open();
	struct ponto_test_random tr;
	unsigned closest_returned = 0, rounds = 400;
	struct ring_id known[12];

	(void)state;
	PONTO_PROVES("PNRP-121");
	ponto_test_random_init(&tr, 3);
	for (unsigned i = 0; i < 12; i++) {
		known[i] = ring_id_random(&tr.random);
		rig_learn(r, &known[i], 40 + i);
	}
	for (unsigned i = 0; i < rounds; i++) {
		struct ponto_addr peer = rig_addr(1);
		struct pnrp_message m = {.type = PNRP_LOOKUP, .lookup = {.count = 1, .accept_any = true}};
		struct pnrp_authority_buffer b;
		unsigned best = 0;

		m.lookup.path[0] = rig_endpoint(&peer);
		m.lookup.target = ring_id_random(&tr.random);
		rig_send(r, &peer, &m);
		assert_ok(pnrp_authority_decode(&pnrp_windows, rig_take(r, PNRP_AUTHORITY)->m.authority.slice, &b));
		for (unsigned k = 1; k < 12; k++)
			if (ring_id_closer(&known[k], &known[best], &m.lookup.target))
				best = k;
		closest_returned += ring_id_equal(&b.route.id, &known[best]);
	}
	assert_true(closest_returned > rounds * 8 / 10); /* the rest is the weighted random choice */
	rig_free(r);
}

static struct rig_datagram *first_lookup(struct rig *r, struct pnrp_query *q)
{
	uint64_t handle;

	q->name = "0.wanted";
	assert_ok(pnrp_engine_resolve(r->engine, r->now, q, &handle));
	rig_pump(r);
	return rig_take(r, PNRP_LOOKUP);
}

static void criteria_and_reason_travel(void **state)
{
	struct rig *r = rig_open();
	struct ring_id known = rig_id(7, 7), local;
	struct pnrp_query q = {.criteria = PNRP_CRITERIA_UPPER_BITS, .precision = 17};
	struct rig_datagram *d;

	(void)state;
	PONTO_PROVES("PNRP-135", "PNRP-142");
	rig_learn(r, &known, 1);
	d = first_lookup(r, &q);
	assert_int_equal(d->m.lookup.criteria, PNRP_OPCODE_UPPER_BITS);
	assert_int_equal(d->m.lookup.precision, 17);
	assert_int_equal(d->m.lookup.reason, PNRP_REASON_APPLICATION);
	rig_register(r, &local);
	assert_int_equal(rig_take(r, PNRP_LOOKUP)->m.lookup.reason, PNRP_REASON_REGISTRATION);
	rig_free(r);
}

static void path_grows_by_a_hop_each_time(void **state)
{
	struct rig *r = rig_open();
	struct ring_id known = rig_id(7, 7);
	struct pnrp_query q = {.criteria = PNRP_CRITERIA_ANY};
	struct rig_datagram *d;

	(void)state;
	PONTO_PROVES("PNRP-152");
	rig_learn(r, &known, 1);
	d = first_lookup(r, &q);
	for (unsigned hop = 1; hop < 6; hop++) {
		struct pnrp_authority_buffer b = {.has_route = true};
		struct ring_id closer = d->m.lookup.target;

		assert_int_equal(d->m.lookup.count, hop);
		closer.b[hop] ^= 1;
		rig_route(&closer, 10 + hop, &b.route);
		rig_answer(r, d, &b);
		d = rig_take(r, PNRP_LOOKUP);
		assert_non_null(d);
	}
	rig_free(r);
}

/* Two publishers of one name, the walk meets the farther one first. */
static void nearest(enum pnrp_criteria criteria, size_t flip)
{
	uint8_t location[PNRP_LOCATION_SIZE] = {[8] = 0x80, [15] = 1};
	struct rig *r = rig_open();
	struct rig_peer near = rig_peer(5, "0.wanted", location), far;
	struct pnrp_query q = {.criteria = criteria};
	struct pnrp_authority_buffer b = {.has_route = true};
	struct rig_datagram *d;

	location[flip] ^= 0x40;
	far = rig_peer(6, "0.wanted", location);
	rig_learn(r, &far.id, 6);
	d = first_lookup(r, &q);
	assert_memory_equal(&d->m.lookup.validate_id, &far.id, sizeof(far.id));
	rig_peer_route(&near, &b.route);
	rig_answer(r, d, &b);
	while ((d = rig_take(r, PNRP_LOOKUP)) != NULL)
		rig_answer_flags(r, d, false);
	while ((d = rig_take(r, PNRP_INQUIRE)) != NULL)
		if (d->m.inquire.want_payload)
			rig_certify(r, d, ring_id_equal(&d->m.inquire.validate_id, &near.id) ? &near : &far, NULL);
	assert_int_equal(r->resolved, 1);
	assert_memory_equal(&r->match.id, &near.id, sizeof(near.id));
	rig_free(r);
}

static void nearest_publisher_wins(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-139", "PNRP-140", "PNRP-391", "PNRP-399");
	nearest(PNRP_CRITERIA_NEAREST, 10);
	nearest(PNRP_CRITERIA_NEAREST_64, 3); /* another /64: the 192 bits of the first do not match */
}

/* ---- broken structures ------------------------------------------------------------------------------ */

/* What a publisher says about "0.wanted" when asked with this INQUIRE. */
static size_t genuine_answer(const struct rig_datagram *inquire, struct ring_id *id, uint8_t out[PNRP_FRAGMENT])
{
	struct rig *publisher = rig_open();
	uint8_t key[140];
	struct pnrp_registration reg = {.name = "0.wanted",
					.identity = 5,
					.public_key = ponto_bytes(key, sizeof(key)),
					.payload_type = PNRP_PAYLOAD_BINARY,
					.payload = ponto_bytes("data", 4)};
	struct ponto_addr asker = rig_addr(1);
	struct rig_datagram *answer;
	uint64_t handle;
	size_t len = 0;

	world_key(5, key);
	assert_ok(pnrp_engine_register(publisher->engine, publisher->now, &reg, &handle, id));
	rig_pump(publisher);
	if (inquire) {
		struct pnrp_message m = inquire->m;

		rig_send(publisher, &asker, &m);
		answer = rig_take(publisher, PNRP_AUTHORITY);
		assert_non_null(answer);
		len = answer->m.authority.slice.len;
		assert_int_equal(len, answer->m.authority.size);
		memcpy(out, answer->m.authority.slice.data, len);
	}
	rig_free(publisher);
	return len;
}

/* One byte of a certified answer changed: never a match. */
static void no_spoiled_answer_is_believed(void **state)
{
	struct ponto_test_random tr;

	(void)state;
	PONTO_PROVES("PNRP-421", "PNRP-426");
	ponto_test_random_init(&tr, 1);
	for (unsigned round = 0; round < 80; round++) {
		struct rig *r = rig_open();
		struct pnrp_query q = {.criteria = PNRP_CRITERIA_ANY};
		struct pnrp_authority_buffer b;
		struct rig_datagram *d;
		uint8_t bytes[PNRP_FRAGMENT];
		struct ring_id id;
		size_t len;

		genuine_answer(NULL, &id, bytes); /* the same seed: the same ID each time */
		rig_learn(r, &id, 5);
		rig_answer_flags(r, first_lookup(r, &q), false);
		d = rig_take(r, PNRP_INQUIRE);
		len = genuine_answer(d, &id, bytes);
		assert_ok(pnrp_authority_decode(&pnrp_windows, ponto_bytes(bytes, len), &b));
		if (round > 0) {
			struct ponto_bytes part = round % 2 ? b.cpa : b.payload;
			size_t at = 2 + ponto_random_below(&tr.random, part.len - 2);

			bytes[(size_t)(part.data - bytes) + at] ^= (uint8_t)(1 + ponto_random_below(&tr.random, 255));
		}
		rig_answer(r, d, &b);
		assert_int_equal(r->resolved, round == 0);
		rig_free(r);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(solicit_type_1_lists_local_ids_only),
	cmocka_unit_test(solicit_shows_a_registered_id_or_none),
	cmocka_unit_test(conversation_fields_repeat_each_other),
	cmocka_unit_test(advertise_names_its_solicit),
	cmocka_unit_test(ports_are_never_assumed),
	cmocka_unit_test(message_ids_do_not_repeat),
	cmocka_unit_test(validate_id_names_the_destination),
	cmocka_unit_test(nodes_without_a_known_id_are_not_validated),
	cmocka_unit_test(flooded_list_grows),
	cmocka_unit_test(cpa_of_an_unsecured_name),
	cmocka_unit_test(nonce_and_acked_id_come_back),
	cmocka_unit_test(lifetimes_out_of_range_are_refused),
	cmocka_unit_test(answer_holds_the_closest_of_what_may_be_returned),
	cmocka_unit_test(criteria_and_reason_travel),
	cmocka_unit_test(path_grows_by_a_hop_each_time),
	cmocka_unit_test(nearest_publisher_wins),
	cmocka_unit_test(no_spoiled_answer_is_believed),
};

PONTO_TEST_MAIN(tests)
