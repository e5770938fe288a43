/* How route entries enter the cache, and what keeps them out. */
#include "tests/support/pnrp_rig.h"

static void flood_entry(struct rig *r, const struct ponto_addr *from, const struct pnrp_route_entry *route)
{
	struct pnrp_message m = {.type = PNRP_FLOOD, .flood = {.no_ack = true, .has_route = true, .route = *route}};

	rig_send(r, from, &m);
}

static struct rig_datagram *flood_peer(struct rig *r, const struct rig_peer *p)
{
	struct ponto_addr stranger = rig_addr(999);
	struct pnrp_route_entry route;

	rig_peer_route(p, &route);
	flood_entry(r, &stranger, &route);
	return rig_take(r, PNRP_INQUIRE);
}

/* ---- rations ----------------------------------------------------------------------------- */

/* A FLOOD of this ID at peer number n, answered when its test is asked for. True: it was. */
static bool bring(struct rig *r, const struct ring_id *id, unsigned n)
{
	struct ponto_addr stranger = rig_addr(999);
	struct pnrp_route_entry route;
	struct rig_datagram *inquire;

	rig_route(id, n, &route);
	flood_entry(r, &stranger, &route);
	inquire = rig_take(r, PNRP_INQUIRE);
	if (inquire)
		rig_answer_flags(r, inquire, false);
	return inquire;
}

/* Leaves on both sides of a local ID, so that nothing far away is taken for one. */
static void surround(struct rig *r, const struct ring_id *local)
{
	struct rig_datagram *flood;

	for (unsigned i = 0; i < 10; i++) {
		struct rig_peer p = rig_neighbour(100 + i, local, i < 5 ? (int)i + 1 : 4 - (int)i);

		rig_learn_peer(r, &p);
		while ((flood = rig_take(r, PNRP_FLOOD)) != NULL) {
			struct pnrp_message ack = {.type = PNRP_ACK, .ack = {.acked_id = flood->m.id}};

			rig_send(r, &flood->to, &ack);
		}
		while (rig_take(r, PNRP_INQUIRE) || rig_take(r, PNRP_LOOKUP))
			;
	}
}

static void strangers_fill_a_level_only_so_far(void **state)
{
	struct rig *r = rig_open();
	struct ring_id local, old;
	unsigned taken = 0;
	size_t known;

	(void)state;
	rig_register(r, &local);
	surround(r, &local);
	known = rig_known(r);
	for (unsigned i = 0; i < 60; i++) {
		struct ring_id id = rig_id((uint8_t)(local.b[0] + 0x60 + i), (uint8_t)i); /* far away: level 0 */

		taken += bring(r, &id, 200 + i);
	}
	assert_int_equal(taken, 5);
	assert_int_equal(rig_known(r), known + 5);
	/* What was known before is no matter of rations. */
	old = rig_id((uint8_t)(local.b[0] + 0x60), 77);
	rig_learn(r, &old, 300);
	assert_int_equal(rig_known(r), known + 6);
	rig_free(r);
}

/* Ten leaves and eighty others, twenty in each of four levels: what a full engine holds. */
static void full_caches_stay_under_16_kib(void **state)
{
	static const uint8_t away[4][2] = {{0x60, 0}, {0x04, 0}, {0, 0x60}, {0, 0x08}}; /* the first bytes of a level */
	struct rig *r = rig_open();
	struct pnrp_status status;
	struct ring_id local;

	(void)state;
	rig_register(r, &local);
	surround(r, &local);
	for (unsigned i = 0; i < 80; i++) {
		struct ring_id id, far = {{0}};

		far.b[0] = away[i / 20][0];
		far.b[1] = away[i / 20][1];
		far.b[2] = (uint8_t)(5 * (i % 20) + 1);
		id = ring_id_add(&local, &far);
		rig_learn(r, &id, 200 + i);
	}
	rig_run(r, 3 * PONTO_SECOND); /* what was asked and not answered is given up */
	pnrp_engine_status(r->engine, &status);
	assert_int_equal(status.cache_entries, 90);
	print_message("# full caches: %u entries, %u bytes\n", (unsigned)status.cache_entries, (unsigned)status.memory);
	assert_true(status.memory < 16 * 1024);
	rig_free(r);
}

static void neighbours_are_not_rationed(void **state)
{
	struct rig *r = rig_open();
	struct ring_id local;
	unsigned asked = 0;

	(void)state;
	rig_register(r, &local);
	for (unsigned i = 0; i < 12; i++) {
		struct rig_peer p = rig_neighbour(100 + i, &local, (int)i + 1);
		struct rig_datagram *inquire;

		for (inquire = flood_peer(r, &p); inquire; inquire = rig_take(r, PNRP_INQUIRE)) {
			asked += ring_id_equal(&inquire->m.inquire.validate_id, &p.id);
			if (inquire->m.inquire.want_cpa)
				rig_certify(r, inquire, &p, NULL);
			else
				rig_answer_flags(r, inquire, false);
		}
	}
	/* Five of them are leaves, five stand by. */
	assert_true(asked >= 10);
	rig_free(r);
}

static void one_host_has_two_entries(void **state)
{
	struct rig *r = rig_open();
	struct ring_id local, other;

	(void)state;
	rig_register(r, &local);
	surround(r, &local);
	for (unsigned i = 0; i < 4; i++) {
		struct ring_id id = rig_id((uint8_t)(local.b[0] + 0x60 + 8 * i), (uint8_t)i);

		assert_int_equal(bring(r, &id, 300), i < 2);
	}
	/* Another host may still bring some. */
	other = rig_id((uint8_t)(local.b[0] + 0x90), 9);
	assert_true(bring(r, &other, 301));
	rig_free(r);
}

static void rations_hold_for_those_that_come_at_once(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr stranger = rig_addr(999);
	struct rig_datagram *inquire;
	struct ring_id local;
	size_t known, asked = 0;

	(void)state;
	rig_register(r, &local);
	surround(r, &local);
	known = rig_known(r);
	for (unsigned i = 0; i < 16; i++) {
		struct ring_id id = rig_id((uint8_t)(local.b[0] + 0x60 + i), (uint8_t)i);
		struct pnrp_route_entry route;

		rig_route(&id, i < 8 ? 300 : 300 + i, &route);
		flood_entry(r, &stranger, &route);
	}
	for (inquire = rig_take(r, PNRP_INQUIRE); inquire; inquire = rig_take(r, PNRP_INQUIRE)) {
		rig_answer_flags(r, inquire, false);
		asked++;
	}
	assert_int_equal(asked, 16);
	/* Two of the one host, three of the others. */
	assert_int_equal(rig_known(r), known + 5);
	rig_free(r);
}

/* ---- without a CPA ------------------------------------------------------------------- */

static void entry_is_asked_before_it_is_cached(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr stranger = rig_addr(999);
	struct pnrp_route_entry route;
	struct ring_id id = rig_id(0x40, 1);
	struct rig_datagram *inquire;

	(void)state;
	PONTO_PROVES("PNRP-441", "PNRP-442", "PNRP-369", "PNRP-408");
	rig_route(&id, 5, &route);
	flood_entry(r, &stranger, &route);
	inquire = rig_take(r, PNRP_INQUIRE);
	assert_non_null(inquire);
	assert_false(inquire->m.inquire.want_cpa || inquire->m.inquire.want_chain || inquire->m.inquire.want_payload);
	assert_memory_equal(&inquire->m.inquire.validate_id, &id, sizeof(id));
	assert_false(rig_knows(r, &id));
	rig_answer_flags(r, inquire, false);
	assert_true(rig_knows(r, &id));
	assert_int_equal(r->remembered, 1);
	assert_int_equal(r->cloud, PNRP_CLOUD_ACTIVE);
	rig_free(r);
}

static void inquire_goes_to_the_nearest_listed_address(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr stranger = rig_addr(999);
	struct pnrp_route_entry route;
	struct ring_id id = rig_id(0x40, 1);
	struct rig_datagram *inquire;

	(void)state;
	PONTO_PROVES("PNRP-443", "PNRP-336");
	rig_route(&id, 5, &route);
	route.port = 4321;
	route.count = 3;
	memcpy(route.addrs[0], (uint8_t[16]){0xfe, 0x80, [15] = 1}, 16); /* another scope */
	memcpy(route.addrs[1], (uint8_t[16]){0x26, 0x00, [15] = 1}, 16);
	memcpy(route.addrs[2], (uint8_t[16]){0x20, 0x01, 0x0d, 0xb8, [15] = 7}, 16); /* shares our prefix */
	flood_entry(r, &stranger, &route);
	inquire = rig_take(r, PNRP_INQUIRE);
	assert_memory_equal(inquire->to.ip, route.addrs[2], 16);
	assert_int_equal(inquire->to.port, 4321);
	assert_null(rig_take(r, PNRP_INQUIRE));
	rig_free(r);
}

static void answer_with_n_discards(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr stranger = rig_addr(999);
	struct pnrp_route_entry route;
	struct ring_id id = rig_id(0x40, 1);

	(void)state;
	PONTO_PROVES("PNRP-407");
	rig_route(&id, 5, &route);
	flood_entry(r, &stranger, &route);
	rig_answer_flags(r, rig_take(r, PNRP_INQUIRE), true);
	assert_false(rig_knows(r, &id));
	flood_entry(r, &stranger, &route); /* no longer pending: it may be asked again */
	assert_non_null(rig_take(r, PNRP_INQUIRE));
	rig_free(r);
}

static void silence_discards_after_two_copies(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr stranger = rig_addr(999);
	struct pnrp_route_entry route;
	struct ring_id id = rig_id(0x40, 1);
	struct pnrp_status status;
	struct rig_datagram *inquire;

	(void)state;
	PONTO_PROVES("PNRP-552", "PNRP-449", "PNRP-406", "PNRP-444");
	rig_route(&id, 5, &route);
	flood_entry(r, &stranger, &route);
	rig_run(r, 3 * PONTO_SECOND);
	assert_int_equal(rig_count(r, PNRP_INQUIRE), 2);
	pnrp_engine_status(r->engine, &status);
	assert_int_equal(status.pending_adds, 0);
	inquire = rig_take(r, PNRP_INQUIRE);
	rig_answer_flags(r, inquire, false); /* too late */
	assert_false(rig_knows(r, &id));
	rig_free(r);
}

static void answer_must_come_from_whom_was_asked(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr stranger = rig_addr(999);
	struct pnrp_route_entry route;
	struct ring_id id = rig_id(0x40, 1);
	struct rig_datagram *inquire, other;

	(void)state;
	PONTO_PROVES("PNRP-374", "PNRP-400");
	rig_route(&id, 5, &route);
	flood_entry(r, &stranger, &route);
	inquire = rig_take(r, PNRP_INQUIRE);
	other = *inquire;
	other.to = rig_addr(6);
	rig_answer_flags(r, &other, false);
	other = *inquire;
	other.m.id++;
	rig_answer_flags(r, &other, false);
	assert_false(rig_knows(r, &id));
	assert_int_equal(pnrp_engine_stats(r->engine)->dropped[PNRP_DROP_UNMATCHED], 2);
	rig_answer_flags(r, inquire, false);
	assert_true(rig_knows(r, &id));
	rig_free(r);
}

static void known_and_pending_entries_are_not_asked_again(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr stranger = rig_addr(999);
	struct pnrp_route_entry route;
	struct ring_id id = rig_id(0x40, 1);
	struct rig_datagram *inquire;

	(void)state;
	rig_route(&id, 5, &route);
	flood_entry(r, &stranger, &route);
	flood_entry(r, &stranger, &route);
	inquire = rig_take(r, PNRP_INQUIRE);
	assert_null(rig_take(r, PNRP_INQUIRE));
	rig_answer_flags(r, inquire, false);
	flood_entry(r, &stranger, &route);
	assert_null(rig_take(r, PNRP_INQUIRE));
	route.port++; /* but a changed place gets through */
	flood_entry(r, &stranger, &route);
	inquire = rig_take(r, PNRP_INQUIRE);
	assert_non_null(inquire);
	assert_int_equal(inquire->to.port, route.port);
	assert_true(inquire->m.inquire.want_cpa); /* with proof: else anybody could lead it away */
	rig_answer_flags(r, inquire, false);
	assert_true(rig_knows(r, &id));
	rig_free(r);
}

static bool look_for(void *arg, const struct pnrp_route *route)
{
	uint16_t *port = arg;

	if (route->addrs[0].port == *port)
		*port = 0;
	return *port;
}

static bool knows_port(const struct rig *r, uint16_t port)
{
	uint16_t looking = port;

	pnrp_engine_each_route(r->engine, look_for, &looking);
	return looking == 0;
}

/* The ID is known, somebody else moves it: with another key (the name is unsecured), then with its own. */
static void known_ids_move_with_their_own_key_only(void **state)
{
	struct rig *r = rig_open();
	struct ring_id local;
	struct rig_peer p, moved;

	(void)state;
	rig_register(r, &local);
	p = rig_neighbour(1, &local, 1);
	rig_learn_peer(r, &p);
	moved = p;
	moved.addr.port = 4444;
	moved.identity = 666;
	rig_certify(r, flood_peer(r, &moved), &moved, NULL);
	assert_true(knows_port(r, p.addr.port));
	assert_false(knows_port(r, 4444));
	moved.identity = p.identity;
	rig_certify(r, flood_peer(r, &moved), &moved, NULL);
	assert_true(knows_port(r, 4444));
	assert_true(rig_is_leaf(r, &p.id));
	rig_free(r);
}

static void pending_list_is_bounded(void **state)
{
	struct rig *r = rig_open();
	struct pnrp_status status;

	(void)state;
	PONTO_PROVES("PNRP-441");
	for (unsigned i = 0; i < 200; i++) {
		struct ponto_addr stranger = rig_addr(999);
		struct pnrp_route_entry route;
		struct ring_id id = rig_id((uint8_t)i, (uint8_t)(i + 1));

		rig_route(&id, i, &route);
		flood_entry(r, &stranger, &route);
	}
	pnrp_engine_status(r->engine, &status);
	assert_int_equal(status.pending_adds, 64);
	assert_int_equal(rig_count(r, PNRP_INQUIRE), 64);
	assert_int_equal(pnrp_engine_stats(r->engine)->dropped[PNRP_DROP_FULL], 136);
	rig_free(r);
}

static void entries_of_other_scopes_and_our_own_are_ignored(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr stranger = rig_addr(999);
	struct pnrp_route_entry route;
	struct ring_id id = rig_id(0x40, 1), local;

	(void)state;
	rig_register(r, &local);
	rig_route(&id, 5, &route);
	memcpy(route.addrs[0], (uint8_t[16]){[15] = 1}, 16);
	flood_entry(r, &stranger, &route);
	memcpy(route.addrs[0], (uint8_t[16]){0xff, 0x0e, [15] = 1}, 16);
	flood_entry(r, &stranger, &route);
	memcpy(route.addrs[0], r->local.ip, 16); /* we would ask ourselves */
	route.port = r->local.port;
	flood_entry(r, &stranger, &route);
	rig_route(&local, 5, &route); /* somebody else claims our ID */
	flood_entry(r, &stranger, &route);
	assert_null(rig_take(r, PNRP_INQUIRE));
	rig_free(r);
}

/* The codec refuses to build such an entry: the port is changed in the bytes. */
static void entry_with_a_low_port_is_ignored(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr stranger = rig_addr(999);
	struct pnrp_message m = {.type = PNRP_FLOOD, .id = 5, .flood = {.has_route = true}};
	struct ring_id id = rig_id(0x40, 1);
	uint8_t bytes[PNRP_MESSAGE_MAX];
	size_t len, at;

	(void)state;
	PONTO_PROVES("PNRP-440");
	rig_route(&id, 5, &m.flood.route);
	assert_ok(pnrp_encode(&pnrp_windows, &m, bytes, sizeof(bytes), &len));
	for (at = 0; bytes[at] != 4000 >> 8 || bytes[at + 1] != (4000 & 0xff); at++)
		;
	bytes[at] = 1023 >> 8;
	bytes[at + 1] = 1023 & 0xff;
	rig_deliver(r, &stranger, ponto_bytes(bytes, len));
	assert_null(rig_take(r, PNRP_INQUIRE));
	assert_non_null(rig_take(r, PNRP_ACK)); /* the message itself is sound */
	rig_free(r);
}

static void lookup_entry_is_submitted_too(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr stranger = rig_addr(999);
	struct pnrp_message m = {.type = PNRP_LOOKUP, .lookup = {.has_route = true, .count = 1}};
	struct ring_id id = rig_id(0x40, 1);

	(void)state;
	PONTO_PROVES("PNRP-483");
	rig_route(&id, 5, &m.lookup.route);
	m.lookup.path[0] = rig_endpoint(&stranger);
	rig_send(r, &stranger, &m);
	assert_int_equal(rig_count(r, PNRP_INQUIRE), 1);
	rig_free(r);
}

/* ---- with a CPA -------------------------------------------------------------------------- */

struct neighbourhood {
	struct rig *r;
	struct ring_id local;
	struct rig_peer peer;
};

static struct neighbourhood near_local(void)
{
	struct neighbourhood n = {.r = rig_open()};

	rig_register(n.r, &n.local);
	n.peer = rig_neighbour(1, &n.local, 3);
	return n;
}

static void leaf_needs_a_cpa(void **state)
{
	struct neighbourhood n = near_local();
	struct rig_datagram *inquire = flood_peer(n.r, &n.peer);

	(void)state;
	PONTO_PROVES("PNRP-481", "PNRP-412");
	assert_non_null(inquire);
	assert_true(inquire->m.inquire.want_cpa && inquire->m.inquire.want_chain && inquire->m.inquire.has_nonce);
	rig_certify(n.r, inquire, &n.peer, NULL);
	assert_int_equal(n.r->verifies, 1);
	assert_true(rig_knows(n.r, &n.peer.id));
	assert_true(rig_is_leaf(n.r, &n.peer.id));
	rig_free(n.r);
}

static void answer_without_the_cpa_discards(void **state)
{
	struct neighbourhood n = near_local();

	(void)state;
	PONTO_PROVES("PNRP-409");
	rig_answer_flags(n.r, flood_peer(n.r, &n.peer), false);
	assert_false(rig_knows(n.r, &n.peer.id));
	rig_free(n.r);
}

static void refused(const struct rig_forgery *forgery)
{
	struct neighbourhood n = near_local();
	struct pnrp_status status;

	rig_certify(n.r, flood_peer(n.r, &n.peer), &n.peer, forgery);
	assert_false(rig_knows(n.r, &n.peer.id));
	pnrp_engine_status(n.r->engine, &status);
	assert_int_equal(status.pending_adds, 0);
	assert_true(pnrp_engine_stats(n.r->engine)->dropped[PNRP_DROP_CPA] == 1);
	rig_free(n.r);
}

static void expire(struct pnrp_cpa *cpa)
{
	cpa->not_after = pnrp_filetime(WORLD_WALL - PONTO_SECOND);
}

static void change_nonce(struct pnrp_cpa *cpa)
{
	cpa->nonce[7] ^= 1;
}

static void change_location(struct pnrp_cpa *cpa)
{
	cpa->location[9] ^= 1;
}

static void change_service(struct pnrp_cpa *cpa)
{
	cpa->services[0].port++;
}

static void add_service(struct pnrp_cpa *cpa)
{
	cpa->services[1] = cpa->services[0];
	cpa->services[1].ip[15]++;
	cpa->service_count = 2;
}

static void change_route_id(struct pnrp_route_entry *route)
{
	route->id.b[30] ^= 1;
}

static void forged_signature_discards(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-410", "PNRP-420", "PNRP-427");
	refused(&(struct rig_forgery){.bad_signature = true});
}

static void expired_cpa_discards(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-417");
	refused(&(struct rig_forgery){.cpa = expire});
}

static void replayed_cpa_discards(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-418");
	refused(&(struct rig_forgery){.cpa = change_nonce});
}

static void cpa_of_another_id_discards(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-411", "PNRP-419");
	refused(&(struct rig_forgery){.cpa = change_location});
	refused(&(struct rig_forgery){.route = change_route_id});
}

static void cpa_with_other_addresses_discards(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-411");
	refused(&(struct rig_forgery){.cpa = change_service});
	refused(&(struct rig_forgery){.cpa = add_service});
}

static void broken_cpa_discards(void **state)
{
	struct neighbourhood n = near_local();
	struct rig_datagram *inquire = flood_peer(n.r, &n.peer);
	struct pnrp_authority_buffer b = {.has_cpa = true, .has_route = true};
	uint8_t junk[300] = {300 & 0xff, 300 >> 8}; /* CPA Length fits, nothing else does */

	(void)state;
	PONTO_PROVES("PNRP-413");
	rig_peer_route(&n.peer, &b.route);
	b.cpa = ponto_bytes(junk, sizeof(junk));
	rig_answer(n.r, inquire, &b);
	assert_false(rig_knows(n.r, &n.peer.id));
	assert_int_equal(n.r->verifies, 0);
	rig_free(n.r);
}

/* A secured name near ours: its authority must be its key's. */
static void foreign_key_for_a_secured_name_discards(void **state)
{
	struct rig *r = rig_open();
	struct ring_id local;
	uint8_t location[PNRP_LOCATION_SIZE] = {9};
	struct rig_peer p = rig_peer(1, world_secure_name(101, "x"), location);

	(void)state;
	PONTO_PROVES("PNRP-414");
	rig_register(r, &local); /* alone: every ID falls in its leaf set */
	rig_certify(r, flood_peer(r, &p), &p, &(struct rig_forgery){.other_key = true});
	assert_false(rig_knows(r, &p.id));
	rig_certify(r, flood_peer(r, &p), &p, NULL);
	assert_true(rig_knows(r, &p.id));
	rig_free(r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(strangers_fill_a_level_only_so_far),
	cmocka_unit_test(full_caches_stay_under_16_kib),
	cmocka_unit_test(neighbours_are_not_rationed),
	cmocka_unit_test(one_host_has_two_entries),
	cmocka_unit_test(rations_hold_for_those_that_come_at_once),
	cmocka_unit_test(entry_is_asked_before_it_is_cached),
	cmocka_unit_test(inquire_goes_to_the_nearest_listed_address),
	cmocka_unit_test(answer_with_n_discards),
	cmocka_unit_test(silence_discards_after_two_copies),
	cmocka_unit_test(answer_must_come_from_whom_was_asked),
	cmocka_unit_test(known_and_pending_entries_are_not_asked_again),
	cmocka_unit_test(known_ids_move_with_their_own_key_only),
	cmocka_unit_test(pending_list_is_bounded),
	cmocka_unit_test(entries_of_other_scopes_and_our_own_are_ignored),
	cmocka_unit_test(entry_with_a_low_port_is_ignored),
	cmocka_unit_test(lookup_entry_is_submitted_too),
	cmocka_unit_test(leaf_needs_a_cpa),
	cmocka_unit_test(answer_without_the_cpa_discards),
	cmocka_unit_test(forged_signature_discards),
	cmocka_unit_test(expired_cpa_discards),
	cmocka_unit_test(replayed_cpa_discards),
	cmocka_unit_test(cpa_of_another_id_discards),
	cmocka_unit_test(cpa_with_other_addresses_discards),
	cmocka_unit_test(broken_cpa_discards),
	cmocka_unit_test(foreign_key_for_a_secured_name_discards),
};

PONTO_TEST_MAIN(tests)
