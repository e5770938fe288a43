/* Registering, announcing, unregistering; address changes; the split test and other maintenance. */
#include "tests/support/pnrp_rig.h"

static uint8_t key[140];

static struct pnrp_registration plain(void)
{
	static struct pnrp_endpoint endpoint = {.ip = {0x20, 1, [15] = 9}, .port = 5000, .protocol = 6};

	world_key(1, key);
	return (struct pnrp_registration){.name = "0.local",
					  .identity = 1,
					  .public_key = ponto_bytes(key, sizeof(key)),
					  .endpoints = &endpoint,
					  .endpoint_count = 1};
}

static int try_register(struct rig *r, const struct pnrp_registration *registration, struct ring_id *id)
{
	uint64_t handle;
	int result = pnrp_engine_register(r->engine, r->now, registration, &handle, id);

	rig_pump(r);
	return result;
}

/* ---- what is refused ------------------------------------------------------------------ */

static void needs_an_open_cloud_and_an_address(void **state)
{
	struct rig *r = rig_new(NULL);
	struct pnrp_registration reg = plain();
	struct ring_id id;

	(void)state;
	PONTO_PROVES("PNRP-465", "PNRP-466");
	assert_int_equal(try_register(r, &reg, &id), PONTO_ECLOSED);
	assert_ok(pnrp_engine_open(r->engine, r->now, NULL, 0));
	assert_ok(pnrp_engine_set_local(r->engine, r->now, NULL, 0));
	assert_int_equal(try_register(r, &reg, &id), PONTO_EUNREACH);
	assert_ok(pnrp_engine_set_local(r->engine, r->now, &r->local, 1));
	assert_ok(try_register(r, &reg, &id));
	rig_free(r);
}

static void checks_name_endpoints_and_payload(void **state)
{
	static const char *const bad[] = {"", "local", "1.local", "0", "ABCDEF0123456789abcdef0123456789abcdef01.x"};
	static char forty[41];
	struct rig *r = rig_open();
	struct pnrp_registration reg = plain();
	struct ring_id id;

	(void)state;
	PONTO_PROVES("PNRP-463", "PNRP-464", "PNRP-467");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		reg.name = bad[i];
		assert_int_equal(try_register(r, &reg, &id), PONTO_EINVAL);
	}
	reg = plain();
	reg.endpoint_count = 0;
	assert_int_equal(try_register(r, &reg, &id), PONTO_EINVAL);
	reg.payload_type = PNRP_PAYLOAD_BINARY;
	reg.payload = ponto_bytes("x", 1);
	assert_ok(try_register(r, &reg, &id));
	reg = plain();
	memset(forty, 'f', 40);
	reg.friendly_name = forty;
	assert_int_equal(try_register(r, &reg, &id), PONTO_EINVAL);
	forty[39] = 0;
	assert_ok(try_register(r, &reg, &id));
	reg.public_key.len--;
	assert_int_equal(try_register(r, &reg, &id), PONTO_EINVAL);
	rig_free(r);
}

static void secured_name_of_another_key_is_refused(void **state)
{
	struct rig *r = rig_open();
	struct pnrp_registration reg = plain();
	struct ring_id id;

	(void)state;
	reg.name = world_secure_name(2, "x");
	assert_int_equal(try_register(r, &reg, &id), PONTO_EAUTH);
	reg.name = world_secure_name(1, "x");
	assert_ok(try_register(r, &reg, &id));
	rig_free(r);
}

static void resolve_only(struct pnrp_engine_config *config)
{
	config->resolve_only = true;
	config->limits.registrations = 3;
}

static void few(struct pnrp_engine_config *config)
{
	config->limits.registrations = 3;
}

static void resolve_only_and_limited(void **state)
{
	struct rig *r = rig_new(resolve_only);
	struct pnrp_registration reg = plain();
	struct ring_id id;

	(void)state;
	assert_ok(pnrp_engine_open(r->engine, r->now, NULL, 0));
	assert_int_equal(try_register(r, &reg, &id), PONTO_EACCES);
	rig_free(r);
	r = rig_new(few);
	assert_ok(pnrp_engine_open(r->engine, r->now, NULL, 0));
	for (int i = 0; i < 3; i++)
		assert_ok(try_register(r, &reg, &id));
	assert_int_equal(try_register(r, &reg, &id), PONTO_EBUSY);
	rig_free(r);
}

/* ---- the ID ------------------------------------------------------------------------------ */

static void location_is_prefix_and_random_suffix(void **state)
{
	struct rig *r = rig_open();
	struct pnrp_registration reg = plain();
	struct ring_id one, two;
	static const uint8_t prefix[8] = {1, 2, 3, 4, 5, 6, 7, 8};

	(void)state;
	PONTO_PROVES("PNRP-468", "PNRP-469");
	assert_ok(try_register(r, &reg, &one));
	assert_ok(try_register(r, &reg, &two));
	assert_memory_equal(one.b, two.b, 24);
	assert_memory_equal(one.b + 16, r->local.ip, 8);
	assert_memory_not_equal(one.b + 24, two.b + 24, 8);
	reg.has_prefix = true;
	reg.prefix = 0x0102030405060708;
	assert_ok(try_register(r, &reg, &two));
	assert_memory_equal(two.b + 16, prefix, 8);
	rig_free(r);
}

static void registered_id_is_answered_for(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr peer = rig_addr(1);
	struct pnrp_message m = {.type = PNRP_INQUIRE};
	struct pnrp_authority_buffer b;
	struct ring_id id;

	(void)state;
	PONTO_PROVES("PNRP-470");
	rig_register(r, &id);
	m.inquire.validate_id = id;
	rig_send(r, &peer, &m);
	assert_ok(pnrp_authority_decode(&pnrp_windows, rig_take(r, PNRP_AUTHORITY)->m.authority.slice, &b));
	assert_false(b.not_found);
	rig_free(r);
}

/* ---- announcing ---------------------------------------------------------------------------- */

static void walk_to_the_next_id_carries_the_own_entry(void **state)
{
	struct rig *r = rig_open();
	struct ring_id id, known = rig_id(0x33, 1), next;
	struct rig_datagram *d;

	(void)state;
	PONTO_PROVES("PNRP-471", "PNRP-472", "PNRP-332", "PNRP-556");
	rig_learn(r, &known, 1);
	rig_register(r, &id);
	next = ring_id_add_u64(&id, 1);
	for (int hop = 0; hop < 3; hop++) {
		struct pnrp_authority_buffer b = {.has_route = true};
		struct ring_id closer = id;

		d = rig_take(r, PNRP_LOOKUP);
		assert_non_null(d);
		assert_memory_equal(&d->m.lookup.target, &next, sizeof(next));
		assert_int_equal(d->m.lookup.criteria, PNRP_OPCODE_NONE);
		assert_int_equal(d->m.lookup.reason, PNRP_REASON_REGISTRATION);
		assert_true(d->m.lookup.has_route);
		assert_memory_equal(&d->m.lookup.route.id, &id, sizeof(id));
		assert_memory_equal(d->m.lookup.route.addrs[0], r->local.ip, 16);
		assert_memory_equal(d->m.lookup.path[0].ip, r->local.ip, 16);
		closer.b[hop] ^= 1;
		rig_route(&closer, 2u + (unsigned)hop, &b.route);
		rig_answer(r, d, &b);
	}
	rig_free(r);
}

static void announcement_ends_active(void **state)
{
	struct rig *r = rig_open();
	struct ring_id id, known = rig_id(0x33, 1);

	(void)state;
	rig_learn(r, &known, 1);
	rig_register(r, &id);
	assert_int_equal(r->registration, PNRP_REGISTRATION_ANNOUNCING);
	rig_answer_flags(r, rig_take(r, PNRP_LOOKUP), false);
	/* T16: the best match, the hop, is inquired at the stop; whatever comes of it, the walk is over */
	rig_run(r, 5 * PONTO_SECOND);
	assert_int_equal(r->registration, PNRP_REGISTRATION_ACTIVE);
	rig_free(r);
}

static void first_and_last_registration_are_published(void **state)
{
	struct rig *r = rig_open();
	struct ring_id id;
	uint64_t one, two;

	(void)state;
	PONTO_PROVES("PNRP-473", "PNRP-478");
	one = rig_register(r, &id);
	assert_int_equal(r->published, 1);
	two = rig_register(r, &id);
	assert_int_equal(r->published, 1);
	assert_ok(pnrp_engine_unregister(r->engine, r->now, one));
	rig_pump(r);
	assert_int_equal(r->unpublished, 0);
	assert_ok(pnrp_engine_unregister(r->engine, r->now, two));
	rig_pump(r);
	assert_int_equal(r->unpublished, 1);
	rig_free(r);
}

static void no_address_is_told_and_fails_what_is_under_way(void **state)
{
	struct rig *r = rig_open();
	struct ring_id known = rig_id(0x33, 1);

	(void)state;
	PONTO_PROVES("PNRP-456");
	rig_learn(r, &known, 1);
	rig_resolve(r, "0.x");
	assert_ok(pnrp_engine_set_local(r->engine, r->now, NULL, 0));
	rig_pump(r);
	assert_int_equal(r->cloud, PNRP_CLOUD_NO_NET);
	assert_int_equal(r->unresolved, 1);
	assert_int_equal(r->result, PONTO_EUNREACH);
	rig_free(r);
}

/* An interface that is down for some minutes is nobody else's fault: the cloud is there again at once. */
static void others_are_not_forgotten_while_there_is_no_address(void **state)
{
	struct rig *r = rig_open();
	struct ring_id known[3] = {rig_id(0x33, 1), rig_id(0x77, 2), rig_id(0xbb, 3)}, id;
	struct rig_datagram *lookup;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		rig_learn(r, &known[i], i + 1);
	rig_register(r, &id); /* its walk is under way, and so are questions about the neighbours */
	assert_non_null(rig_take(r, PNRP_LOOKUP));
	assert_ok(pnrp_engine_set_local(r->engine, r->now, NULL, 0));
	rig_forget(r);
	rig_run(r, 10 * 60 * PONTO_SECOND);
	assert_null(r->out);
	assert_int_equal(rig_known(r), 3);
	assert_ok(pnrp_engine_set_local(r->engine, r->now, &r->local, 1));
	rig_pump(r);
	assert_int_equal(r->cloud, PNRP_CLOUD_ACTIVE);
	lookup = rig_take(r, PNRP_LOOKUP);
	assert_non_null(lookup);
	assert_int_equal(lookup->m.lookup.reason, PNRP_REASON_REGISTRATION);
	rig_free(r);
}

/* ---- unregistering ---------------------------------------------------------------------------- */

static void revoke_and_repair(void **state)
{
	struct rig *r = rig_open();
	struct ring_id id;
	struct rig_peer above[5], below[5];
	struct rig_datagram *d;
	uint64_t handle = rig_register(r, &id);
	struct pnrp_cpa cpa;
	unsigned revokes = 0, repairs = 0;

	(void)state;
	PONTO_PROVES("PNRP-475", "PNRP-476", "PNRP-477");
	for (unsigned i = 0; i < 5; i++) {
		above[i] = rig_neighbour(10 + i, &id, (int)i + 1);
		below[i] = rig_neighbour(20 + i, &id, -(int)i - 1);
		rig_learn_peer(r, &above[i]);
		rig_learn_peer(r, &below[i]);
	}
	rig_forget(r);
	assert_ok(pnrp_engine_unregister(r->engine, r->now, handle));
	rig_pump(r);
	assert_int_equal(r->registration, PNRP_REGISTRATION_GONE);
	while ((d = rig_take(r, PNRP_FLOOD)) != NULL) {
		assert_false(d->m.flood.no_ack);
		if (d->m.flood.has_revoke) {
			assert_ok(pnrp_cpa_decode(&pnrp_windows, d->m.flood.revoke, &cpa));
			assert_true(cpa.revoke);
			assert_ok(pnrp_cpa_match_id(&pnrp_windows, &id, &cpa));
			assert_true(ponto_addr_equal(&d->to, revokes == 0 ? &above[0].addr : &below[0].addr));
			revokes++;
		} else if (ring_id_equal(&d->m.flood.route.id, &above[0].id)) {
			assert_true(ponto_addr_equal(&d->to, &below[4].addr));
			repairs++;
		} else if (ring_id_equal(&d->m.flood.route.id, &below[0].id)) {
			assert_true(ponto_addr_equal(&d->to, &above[4].addr));
			repairs++;
		}
	}
	assert_int_equal(revokes, 2);
	assert_int_equal(repairs, 2);
	assert_int_equal(pnrp_engine_unregister(r->engine, r->now, handle), PONTO_ENOENT);
	rig_free(r);
}

static void revoke_is_sent_twice(void **state)
{
	struct rig *r = rig_open();
	struct ring_id id;
	struct rig_peer p;
	uint64_t handle = rig_register(r, &id);
	unsigned copies = 0;
	struct rig_datagram *d;

	(void)state;
	PONTO_PROVES("PNRP-479");
	p = rig_neighbour(10, &id, 1);
	rig_learn_peer(r, &p);
	rig_forget(r);
	assert_ok(pnrp_engine_unregister(r->engine, r->now, handle));
	rig_pump(r);
	rig_run(r, 5 * PONTO_SECOND);
	while ((d = rig_take(r, PNRP_FLOOD)) != NULL)
		copies += d->m.flood.has_revoke;
	assert_int_equal(copies, 2);
	rig_free(r);
}

static void one_name(struct pnrp_engine_config *config)
{
	config->limits.registrations = 1;
}

/* As when a node with many names gets other addresses: each name is taken back and registered anew. */
static void a_name_that_is_taken_back_makes_room(void **state)
{
	struct rig *r = rig_new(one_name);
	struct pnrp_registration reg = plain();
	struct ring_id id, again;
	struct rig_peer neighbour;
	struct pnrp_status status;
	uint64_t handle;

	(void)state;
	assert_ok(pnrp_engine_open(r->engine, r->now, NULL, 0));
	rig_pump(r);
	handle = rig_register(r, &id);
	neighbour = rig_neighbour(1, &id, 1);
	rig_learn_peer(r, &neighbour);
	assert_int_equal(try_register(r, &reg, &again), PONTO_EBUSY);
	r->hold_jobs = true; /* the revoke is not signed yet */
	assert_ok(pnrp_engine_unregister(r->engine, r->now, handle));
	assert_ok(try_register(r, &reg, &again));
	assert_int_equal(try_register(r, &reg, &id), PONTO_EBUSY);
	rig_complete(r, 0, PONTO_OK);
	pnrp_engine_status(r->engine, &status);
	assert_int_equal(status.registrations, 1);
	rig_free(r);
}

static void unregistered_id_is_unknown_at_once(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr peer = rig_addr(1);
	struct pnrp_message m = {.type = PNRP_INQUIRE};
	struct pnrp_authority_buffer b;
	struct ring_id id;
	struct rig_peer p;
	uint64_t handle = rig_register(r, &id);

	(void)state;
	p = rig_neighbour(10, &id, 1);
	rig_learn_peer(r, &p);
	r->hold_jobs = true; /* the revoke is not signed yet */
	assert_ok(pnrp_engine_unregister(r->engine, r->now, handle));
	m.inquire.validate_id = id;
	rig_send(r, &peer, &m);
	assert_ok(pnrp_authority_decode(&pnrp_windows, rig_take(r, PNRP_AUTHORITY)->m.authority.slice, &b));
	assert_true(b.not_found);
	rig_free(r);
}

static void polite_end(void **state)
{
	struct rig *r = rig_open();
	struct ring_id id;
	struct rig_peer p;
	struct rig_datagram *d;
	struct pnrp_message ack = {.type = PNRP_ACK};

	(void)state;
	rig_register(r, &id);
	p = rig_neighbour(10, &id, 1);
	rig_learn_peer(r, &p);
	rig_resolve(r, "0.x");
	rig_forget(r);
	pnrp_engine_stop(r->engine, r->now, PONTO_SECOND);
	rig_pump(r);
	assert_int_equal(r->result, PONTO_ECLOSED);
	assert_int_not_equal(pnrp_engine_state(r->engine), PNRP_CLOUD_DEAD);
	while ((d = rig_take(r, PNRP_FLOOD)) != NULL) {
		ack.ack.acked_id = d->m.id;
		rig_send(r, &d->to, &ack);
	}
	/* Floods of before wait still; the limit ends it. */
	rig_run(r, PONTO_SECOND);
	assert_int_equal(pnrp_engine_state(r->engine), PNRP_CLOUD_DEAD);
	assert_int_equal(r->registration, PNRP_REGISTRATION_GONE);
	assert_int_equal(pnrp_engine_open(r->engine, r->now, NULL, 0), PONTO_ECLOSED);
	rig_free(r);
}

/* ---- maintenance ------------------------------------------------------------------------------- */

static struct rig *rig_with_seed(void)
{
	struct rig *r = rig_new(NULL);
	struct ponto_addr seed = rig_addr(700);

	assert_ok(pnrp_engine_open(r->engine, r->now, &seed, 1));
	rig_pump(r);
	return r;
}

/* Lets ticks pass, answering what keeps the known peer alive, until a LOOKUP with this reason comes. */
static struct rig_datagram *wait_for(struct rig *r, uint8_t reason, const struct rig_peer *alive)
{
	for (int i = 0; i < 600; i++) {
		struct rig_datagram *d;

		rig_run(r, PONTO_SECOND / 2);
		while ((d = rig_take(r, PNRP_INQUIRE)) != NULL)
			if (ring_id_equal(&d->m.inquire.validate_id, &alive->id))
				rig_certify(r, d, alive, NULL);
			else if (!d->m.inquire.want_cpa)
				rig_answer_flags(r, d, false); /* still there */
		while ((d = rig_take(r, PNRP_FLOOD)) != NULL) {
			struct pnrp_message ack = {.type = PNRP_ACK, .ack = {.acked_id = d->m.id}};

			rig_send(r, &d->to, &ack);
		}
		while ((d = rig_take(r, PNRP_LOOKUP)) != NULL) {
			if (d->m.lookup.reason == reason)
				return d;
			rig_answer_flags(r, d, false);
		}
	}
	return NULL;
}

static void new_addresses_are_announced(void **state)
{
	struct rig *r = rig_open();
	struct ring_id id;
	struct rig_peer p;
	struct ponto_addr moved = rig_addr(800);
	struct rig_datagram *d;
	struct pnrp_status status;

	(void)state;
	PONTO_PROVES("PNRP-454", "PNRP-455", "PNRP-557");
	rig_register(r, &id);
	p = rig_neighbour(1, &id, 1);
	rig_learn_peer(r, &p);
	d = wait_for(r, PNRP_REASON_REGISTRATION, &p);
	assert_memory_equal(d->m.lookup.route.addrs[0], r->local.ip, 16);
	rig_answer_flags(r, d, false);
	assert_ok(pnrp_engine_set_local(r->engine, r->now, &moved, 1));
	r->local = moved;
	rig_pump(r);
	pnrp_engine_status(r->engine, &status);
	assert_int_equal(status.local_count, 1);
	assert_true(ponto_addr_equal(&status.local[0], &moved));
	assert_int_equal(r->published, 2);
	d = wait_for(r, PNRP_REASON_REGISTRATION, &p);
	assert_non_null(d);
	assert_true(ponto_addr_equal(&d->from, &moved));
	assert_memory_equal(&d->m.lookup.route.id, &id, sizeof(id));
	assert_memory_equal(d->m.lookup.route.addrs[0], moved.ip, 16);
	rig_free(r);
}

struct split {
	struct rig *r;
	struct ring_id id;
	struct rig_peer known;
	struct rig_datagram *test;
};

static struct split split_test(void)
{
	struct split s = {.r = rig_with_seed()};

	rig_run(s.r, 3 * PONTO_SECOND);
	rig_register(s.r, &s.id);
	s.known = rig_neighbour(10, &s.id, 4);
	rig_learn_peer(s.r, &s.known);
	s.test = wait_for(s.r, PNRP_REASON_SPLIT, &s.known);
	assert_non_null(s.test);
	return s;
}

static void split_test_asks_a_seed_without_naming_an_id(void **state)
{
	struct split s = split_test();
	struct ponto_addr seed = rig_addr(700);
	struct ring_id next = ring_id_add_u64(&s.id, 1);

	(void)state;
	PONTO_PROVES("PNRP-539", "PNRP-545", "PNRP-546");
	assert_true(ponto_addr_equal(&s.test->to, &seed));
	assert_true(ring_id_is_zero(&s.test->m.lookup.validate_id));
	assert_memory_equal(&s.test->m.lookup.target, &next, sizeof(next));
	assert_int_equal(s.test->m.lookup.criteria, PNRP_OPCODE_NONE);
	assert_false(s.test->m.lookup.has_route);
	rig_free(s.r);
}

static void split_tests_recur(void **state)
{
	struct split s = split_test();

	(void)state;
	PONTO_PROVES("PNRP-543", "PNRP-142");
	rig_answer_flags(s.r, s.test, false);
	assert_non_null(wait_for(s.r, PNRP_REASON_SPLIT, &s.known));
	rig_free(s.r);
}

/* The seed names best, best answers and is inquired. */
static const struct pnrp_stats *verdict(struct split *s, const struct rig_peer *best)
{
	struct pnrp_authority_buffer b = {.has_route = true};
	struct rig_datagram *d;

	rig_peer_route(best, &b.route);
	rig_answer(s->r, s->test, &b);
	do {
		d = rig_take(s->r, PNRP_LOOKUP);
		assert_non_null(d);
	} while (d->m.lookup.reason != PNRP_REASON_SPLIT);
	rig_answer_flags(s->r, d, false);
	while ((d = rig_take(s->r, PNRP_LOOKUP)) != NULL) /* the seed again, as it was pushed back */
		if (d->m.lookup.reason == PNRP_REASON_SPLIT)
			rig_answer_flags(s->r, d, false);
	while ((d = rig_take(s->r, PNRP_INQUIRE)) != NULL)
		if (d->m.inquire.want_payload && ring_id_equal(&d->m.inquire.validate_id, &best->id))
			rig_certify(s->r, d, best, NULL);
	return pnrp_engine_stats(s->r->engine);
}

static void no_split_when_the_best_is_known_and_nearest(void **state)
{
	struct split s = split_test();
	const struct pnrp_stats *stats = verdict(&s, &s.known);

	(void)state;
	PONTO_PROVES("PNRP-533", "PNRP-534");
	assert_true(stats->splits_tested > 0);
	assert_int_equal(stats->splits_found, 0);
	rig_free(s.r);
}

static void bigger_side_when_something_known_lies_between(void **state)
{
	struct split s = split_test();
	struct rig_peer nearer = rig_neighbour(11, &s.id, 2);
	const struct pnrp_stats *stats;

	(void)state;
	PONTO_PROVES("PNRP-535");
	rig_learn_peer(s.r, &nearer);
	stats = verdict(&s, &s.known);
	assert_int_equal(stats->splits_found, 1);
	assert_int_equal(stats->splits_found_smaller, 0);
	rig_free(s.r);
}

static void unknown_best_tells_the_side(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-536");
	for (int closer = 0; closer < 2; closer++) {
		struct split s = split_test();
		struct rig_peer unknown = rig_neighbour(11, &s.id, closer ? 2 : 6);
		const struct pnrp_stats *stats = verdict(&s, &unknown);

		assert_int_equal(stats->splits_found, 1);
		assert_int_equal(stats->splits_found_smaller, closer);
		rig_free(s.r);
	}
}

static void smaller_side_tests_its_other_ids(void **state)
{
	struct split s = split_test();
	struct rig_peer unknown;
	struct ring_id other;
	const struct pnrp_stats *stats;
	uint64_t tested;
	struct pnrp_registration reg = plain();

	(void)state;
	PONTO_PROVES("PNRP-537");
	reg.name = "0.other";
	assert_ok(try_register(s.r, &reg, &other));
	unknown = rig_neighbour(11, &s.id, 2);
	tested = pnrp_engine_stats(s.r->engine)->splits_tested;
	stats = verdict(&s, &unknown);
	assert_int_equal(stats->splits_found_smaller, 1);
	assert_int_equal(stats->splits_tested, tested + 1);
	rig_free(s.r);
}

static void maintenance_fills_gaps(void **state)
{
	struct rig *r = rig_open();
	struct ring_id known = rig_id(0x10, 1);
	struct rig_peer nobody = {0};
	struct rig_datagram *d;

	(void)state;
	PONTO_PROVES("PNRP-447", "PNRP-448", "PNRP-541", "PNRP-542");
	rig_learn(r, &known, 1);
	rig_learn(r, &(struct ring_id){{0x20}}, 2);
	d = wait_for(r, PNRP_REASON_MAINTENANCE, &nobody);
	assert_non_null(d);
	assert_int_equal(d->m.lookup.criteria, PNRP_OPCODE_UPPER_BITS);
	rig_free(r);
}

static void gap_walk_aims_at_the_middle(void **state)
{
	struct rig *r = rig_open();
	struct ring_id low = {{0x10}}, high = {{0x20}}, distance;
	struct rig_peer nobody = {0};
	struct rig_datagram *d;
	struct ring_id middle = {{0x98}};

	(void)state;
	PONTO_PROVES("PNRP-559", "PNRP-142");
	rig_learn(r, &low, 1);
	rig_learn(r, &high, 2);
	do {
		d = wait_for(r, PNRP_REASON_MAINTENANCE, &nobody);
		assert_non_null(d);
		distance = ring_id_distance(&d->m.lookup.target, &middle);
	} while (!ring_id_is_zero(&distance));	    /* now and then the random place lies in the small gap */
	assert_int_equal(d->m.lookup.precision, 2); /* a quarter of the circle around 0x98 is inside the gap */
	rig_free(r);
}

static void nodes_are_ids_by_local_ids(void **state)
{
	struct rig *r = rig_open();
	struct ring_id id;
	struct pnrp_status status;
	struct pnrp_registration reg = plain();
	static const uint8_t location[PNRP_LOCATION_SIZE];
	double alone;

	(void)state;
	PONTO_PROVES("PNRP-551");
	assert_ok(try_register(r, &reg, &id));
	for (unsigned i = 0; i < 8; i++) {
		char name[8] = {'0', '.', (char)('a' + i)};
		struct rig_peer p = rig_peer(30 + i, name, location);

		rig_learn_peer(r, &p);
	}
	pnrp_engine_status(r->engine, &status);
	alone = status.estimated_nodes;
	assert_true(alone > 0 && alone == status.estimated_ids);
	assert_ok(try_register(r, &reg, &id)); /* a second ID of the same node */
	pnrp_engine_status(r->engine, &status);
	assert_true(status.estimated_nodes == status.estimated_ids / 2);
	rig_free(r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(needs_an_open_cloud_and_an_address),
	cmocka_unit_test(checks_name_endpoints_and_payload),
	cmocka_unit_test(secured_name_of_another_key_is_refused),
	cmocka_unit_test(resolve_only_and_limited),
	cmocka_unit_test(location_is_prefix_and_random_suffix),
	cmocka_unit_test(registered_id_is_answered_for),
	cmocka_unit_test(walk_to_the_next_id_carries_the_own_entry),
	cmocka_unit_test(announcement_ends_active),
	cmocka_unit_test(first_and_last_registration_are_published),
	cmocka_unit_test(new_addresses_are_announced),
	cmocka_unit_test(no_address_is_told_and_fails_what_is_under_way),
	cmocka_unit_test(others_are_not_forgotten_while_there_is_no_address),
	cmocka_unit_test(revoke_and_repair),
	cmocka_unit_test(revoke_is_sent_twice),
	cmocka_unit_test(a_name_that_is_taken_back_makes_room),
	cmocka_unit_test(unregistered_id_is_unknown_at_once),
	cmocka_unit_test(polite_end),
	cmocka_unit_test(split_test_asks_a_seed_without_naming_an_id),
	cmocka_unit_test(split_tests_recur),
	cmocka_unit_test(no_split_when_the_best_is_known_and_nearest),
	cmocka_unit_test(bigger_side_when_something_known_lies_between),
	cmocka_unit_test(unknown_best_tells_the_side),
	cmocka_unit_test(smaller_side_tests_its_other_ids),
	cmocka_unit_test(maintenance_fills_gaps),
	cmocka_unit_test(gap_walk_aims_at_the_middle),
	cmocka_unit_test(nodes_are_ids_by_local_ids),
};

PONTO_TEST_MAIN(tests)
