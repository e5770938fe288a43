/* Opening a cloud, finding it, and synchronisation from both ends. */
#include "engines/ring/ring_conversation.h"
#include "framework/digest.h"
#include "tests/support/pnrp_rig.h"

static void hash_of(const uint8_t nonce[PNRP_NONCE_SIZE], uint8_t out[PNRP_HASH_SIZE])
{
	struct ponto_bytes part = ponto_bytes(nonce, PNRP_NONCE_SIZE);

	ponto_sha1(&part, 1, out);
}

/* ---- opening and discovery ---------------------------------------------------------- */

static struct rig *rig_with_seeds(unsigned count)
{
	struct rig *r = rig_new(NULL);
	struct ponto_addr seeds[2] = {rig_addr(1), rig_addr(2)};

	assert_ok(pnrp_engine_open(r->engine, r->now, seeds, count));
	rig_pump(r);
	return r;
}

static void open_counts_and_close_lingers(void **state)
{
	struct rig *r = rig_open();
	struct pnrp_status status;

	(void)state;
	PONTO_PROVES("PNRP-275", "PNRP-347", "PNRP-348", "PNRP-349");
	assert_ok(pnrp_engine_open(r->engine, r->now, NULL, 0));
	assert_ok(pnrp_engine_close(r->engine, r->now));
	pnrp_engine_status(r->engine, &status);
	assert_int_equal(status.opens, 1);
	rig_run(r, 20 * 60 * PONTO_SECOND);
	assert_int_not_equal(pnrp_engine_state(r->engine), PNRP_CLOUD_VIRTUAL);
	assert_ok(pnrp_engine_close(r->engine, r->now));
	assert_int_equal(pnrp_engine_close(r->engine, r->now), PONTO_ENOENT);
	rig_run(r, 15 * 60 * PONTO_SECOND - 1);
	assert_int_not_equal(pnrp_engine_state(r->engine), PNRP_CLOUD_VIRTUAL);
	rig_run(r, 1);
	assert_int_equal(pnrp_engine_state(r->engine), PNRP_CLOUD_VIRTUAL);
	rig_free(r);
}

/* What one opening learnt, the other has; and the three things there are to do with a cloud. */
static void opening_twice_gives_the_same_cloud(void **state)
{
	struct rig *r = rig_open();
	struct pnrp_query q = {.name = "0.here", .criteria = PNRP_CRITERIA_ANY, .include_local = true};
	struct ring_id id = rig_id(0x70, 7);
	struct pnrp_status status;
	uint64_t handle;

	(void)state;
	PONTO_PROVES("PNRP-273", "PNRP-274");
	rig_learn(r, &id, 7);
	assert_ok(pnrp_engine_open(r->engine, r->now, NULL, 0));
	pnrp_engine_status(r->engine, &status);
	assert_int_equal(status.opens, 2);
	assert_int_equal(status.cache_entries, 1);
	assert_ok(pnrp_engine_resolve(r->engine, r->now, &q, &handle));
	assert_ok(pnrp_engine_close(r->engine, r->now));
	assert_ok(pnrp_engine_close(r->engine, r->now));
	assert_int_equal(pnrp_engine_resolve(r->engine, r->now, &q, &handle), PONTO_ECLOSED);
	rig_free(r);
}

static void cleanup_forgets_everything(void **state)
{
	struct rig *r = rig_open();
	struct rig_peer neighbour;
	struct ring_id local;
	struct pnrp_status status;

	(void)state;
	PONTO_PROVES("PNRP-270", "PNRP-445");
	rig_register(r, &local);
	neighbour = rig_neighbour(1, &local, 1);
	rig_learn_peer(r, &neighbour);
	assert_ok(pnrp_engine_close(r->engine, r->now));
	rig_run(r, 15 * 60 * PONTO_SECOND - 1);
	pnrp_engine_status(r->engine, &status);
	assert_int_equal(status.registrations, 1);
	rig_run(r, 1);
	rig_pump(r);
	pnrp_engine_status(r->engine, &status);
	assert_int_equal(status.registrations + status.cache_entries + status.pending + status.resolves, 0);
	assert_int_equal(r->registration, PNRP_REGISTRATION_GONE);
	assert_ok(pnrp_engine_open(r->engine, r->now, NULL, 0)); /* and may be opened again */
	rig_free(r);
}

/* Who opens it next has seeds of its own, or none. */
static void cleanup_forgets_the_seeds(void **state)
{
	struct rig *r = rig_with_seeds(1);

	(void)state;
	PONTO_PROVES("PNRP-445");
	assert_ok(pnrp_engine_close(r->engine, r->now));
	rig_run(r, 16 * 60 * PONTO_SECOND);
	assert_int_equal(pnrp_engine_state(r->engine), PNRP_CLOUD_VIRTUAL);
	rig_forget(r);
	assert_ok(pnrp_engine_open(r->engine, r->now, NULL, 0));
	rig_run(r, 16 * PONTO_SECOND);
	assert_int_equal(rig_count(r, PNRP_SOLICIT), 0);
	assert_int_equal(r->cloud, PNRP_CLOUD_ALONE);
	rig_free(r);
}

static void opening_needs_an_address(void **state)
{
	struct rig *r = rig_new(NULL);
	struct ponto_addr link = rig_addr(1);

	(void)state;
	PONTO_PROVES("PNRP-281");
	assert_ok(pnrp_engine_set_local(r->engine, r->now, NULL, 0));
	assert_int_equal(pnrp_engine_open(r->engine, r->now, NULL, 0), PONTO_EUNREACH);
	memcpy(link.ip, (uint8_t[16]){0xfe, 0x80, [15] = 1}, 16);
	assert_ok(pnrp_engine_set_local(r->engine, r->now, &link, 1));
	assert_int_equal(pnrp_engine_open(r->engine, r->now, NULL, 0), PONTO_EUNREACH); /* of another scope */
	rig_free(r);
}

static void four_addresses_of_one_scope_and_port(void **state)
{
	struct rig *r = rig_new(NULL);
	struct ponto_addr a[8];
	struct pnrp_status status;

	(void)state;
	PONTO_PROVES("PNRP-277", "PNRP-278", "PNRP-279", "PNRP-282");
	for (unsigned i = 0; i < 8; i++) {
		a[i] = rig_addr(i);
		a[i].port = 3540;
	}
	memcpy(a[0].ip, (uint8_t[16]){0xfe, 0x80, [15] = 1}, 16); /* link-local: another cloud */
	a[2].port = 3541;
	assert_ok(pnrp_engine_set_local(r->engine, r->now, a, 8));
	pnrp_engine_status(r->engine, &status);
	assert_int_equal(status.local_count, 4);
	assert_true(ponto_addr_equal(&status.local[0], &a[1]));
	assert_true(ponto_addr_equal(&status.local[1], &a[3]));
	assert_true(ponto_addr_equal(&status.local[3], &a[5]));
	rig_free(r);
}

static void low_ports_are_refused(void **state)
{
	struct rig *r = rig_new(NULL);
	struct ponto_addr a = rig_addr(1);

	(void)state;
	a.port = 1024;
	assert_int_equal(pnrp_engine_set_local(r->engine, r->now, &a, 1), PONTO_EINVAL);
	rig_free(r);
}

static void remembered_addresses_come_first(void **state)
{
	struct rig *r = rig_new(NULL);
	struct ponto_addr known[3] = {rig_addr(1), rig_addr(2), rig_addr(3)};

	(void)state;
	PONTO_PROVES("PNRP-284", "PNRP-286", "PNRP-287", "PNRP-289");
	r->quiet_discovery = true;
	assert_ok(pnrp_engine_open(r->engine, r->now, NULL, 0));
	rig_pump(r);
	assert_int_equal(r->sources, PNRP_SOURCE_REMEMBERED);
	pnrp_engine_found(r->engine, r->now, PNRP_SOURCE_REMEMBERED, known, 3);
	pnrp_engine_discovery_done(r->engine, r->now, PNRP_SOURCE_REMEMBERED);
	rig_pump(r);
	assert_int_equal(rig_count(r, PNRP_SOLICIT), 3);
	assert_int_equal(r->discovers, 1); /* the round goes no further while they may answer */
	rig_free(r);
}

static void modes_follow_each_other(void **state)
{
	struct rig *r = rig_new(NULL);
	struct ponto_addr seed = rig_addr(1);
	struct rig_datagram *solicit;

	(void)state;
	PONTO_PROVES("PNRP-288", "PNRP-290", "PNRP-291", "PNRP-293");
	r->quiet_discovery = true;
	assert_ok(pnrp_engine_open(r->engine, r->now, NULL, 0));
	rig_pump(r);
	pnrp_engine_discovery_done(r->engine, r->now, PNRP_SOURCE_REMEMBERED);
	rig_pump(r);
	assert_int_equal(r->sources, PNRP_SOURCE_MULTICAST); /* nothing remembered: at once */
	pnrp_engine_discovery_done(r->engine, r->now, PNRP_SOURCE_MULTICAST);
	rig_pump(r);
	assert_int_equal(r->sources, PNRP_SOURCE_SEED);
	pnrp_engine_found(r->engine, r->now, PNRP_SOURCE_SEED, &seed, 1);
	pnrp_engine_discovery_done(r->engine, r->now, PNRP_SOURCE_SEED);
	rig_pump(r);
	solicit = rig_take(r, PNRP_SOLICIT);
	assert_non_null(solicit);
	assert_true(ponto_addr_equal(&solicit->to, &seed));
	rig_free(r);
}

static void five_multicast_answers_each_round(void **state)
{
	struct rig *r = rig_new(NULL);

	(void)state;
	PONTO_PROVES("PNRP-304", "PNRP-352", "PNRP-353");
	r->quiet_discovery = true;
	assert_ok(pnrp_engine_open(r->engine, r->now, NULL, 0));
	rig_pump(r);
	for (int round = 0; round < 2; round++) {
		pnrp_engine_discovery_done(r->engine, r->now, PNRP_SOURCE_REMEMBERED);
		rig_pump(r);
		for (unsigned i = 0; i < 8; i++) {
			struct ponto_addr a = rig_addr(10 + i);

			pnrp_engine_found(r->engine, r->now, PNRP_SOURCE_MULTICAST, &a, 1);
		}
		pnrp_engine_discovery_done(r->engine, r->now, PNRP_SOURCE_MULTICAST);
		rig_pump(r);
		assert_int_equal(rig_count(r, PNRP_SOLICIT), 5);
		rig_forget(r);
		rig_run(r, 3 * PONTO_SECOND); /* nobody answers: the seed is next, and there is none */
		pnrp_engine_discovery_done(r->engine, r->now, PNRP_SOURCE_SEED);
		rig_pump(r);
		rig_run(r, 13 * PONTO_SECOND);
		rig_forget(r);
	}
	rig_free(r);
}

/* Whatever discovery says: no other scope's, and no group's. */
static void addresses_of_other_clouds_are_not_contacted(void **state)
{
	struct rig *r = rig_new(NULL);
	struct ponto_addr foreign[3] = {rig_addr(1), rig_addr(2), rig_addr(3)};

	(void)state;
	memcpy(foreign[0].ip, (uint8_t[16]){0xfe, 0x80, [15] = 1}, 16);
	memcpy(foreign[1].ip, (uint8_t[16]){0xff, 0x0e, [15] = 1}, 16);
	memcpy(foreign[2].ip, (uint8_t[16]){[15] = 1}, 16);
	r->quiet_discovery = true;
	assert_ok(pnrp_engine_open(r->engine, r->now, foreign, 3));
	rig_pump(r);
	pnrp_engine_found(r->engine, r->now, PNRP_SOURCE_REMEMBERED, foreign, 3);
	pnrp_engine_discovery_done(r->engine, r->now, PNRP_SOURCE_REMEMBERED);
	pnrp_engine_found(r->engine, r->now, PNRP_SOURCE_MULTICAST, foreign, 3);
	pnrp_engine_discovery_done(r->engine, r->now, PNRP_SOURCE_MULTICAST);
	rig_run(r, PONTO_SECOND);
	assert_null(r->out);
	rig_free(r);
}

static void configured_seeds_come_after_those_given(void **state)
{
	struct rig *r = rig_with_seeds(1);
	struct ponto_addr configured = rig_addr(2), given = rig_addr(1);

	(void)state;
	PONTO_PROVES("PNRP-294", "PNRP-295");
	pnrp_engine_found(r->engine, r->now, PNRP_SOURCE_SEED, &configured, 1);
	assert_true(ponto_addr_equal(&rig_take(r, PNRP_SOLICIT)->to, &given));
	rig_run(r, 3 * PONTO_SECOND);
	rig_forget(r);
	rig_run(r, 13 * PONTO_SECOND);
	assert_true(ponto_addr_equal(&rig_take(r, PNRP_SOLICIT)->to, &configured));
	rig_free(r);
}

static void seeds_take_turns(void **state)
{
	struct rig *r = rig_with_seeds(2);
	struct ponto_addr first = rig_addr(1), second = rig_addr(2);

	(void)state;
	PONTO_PROVES("PNRP-294", "PNRP-300", "PNRP-301", "PNRP-303");
	for (int round = 0; round < 4; round++) {
		struct rig_datagram *solicit = rig_take(r, PNRP_SOLICIT);

		assert_non_null(solicit);
		assert_true(ponto_addr_equal(&solicit->to, round % 2 ? &second : &first));
		rig_forget(r);
		rig_run(r, 3 * PONTO_SECOND);
		assert_int_equal(r->cloud, PNRP_CLOUD_ALONE);
		rig_forget(r);
		rig_run(r, 12 * PONTO_SECOND);
	}
	rig_free(r);
}

static void seeds_without_port_get_the_standard_one(void **state)
{
	struct rig *r = rig_new(NULL);
	struct ponto_addr seed = rig_addr(1);

	(void)state;
	PONTO_PROVES("PNRP-302");
	seed.port = 0;
	assert_ok(pnrp_engine_open(r->engine, r->now, &seed, 1));
	rig_pump(r);
	assert_int_equal(rig_take(r, PNRP_SOLICIT)->to.port, 3540);
	rig_free(r);
}

static void alone_without_any_seed(void **state)
{
	struct rig *r = rig_open();

	(void)state;
	PONTO_PROVES("PNRP-296", "PNRP-446", "PNRP-285", "PNRP-271");
	assert_int_equal(r->cloud, PNRP_CLOUD_ALONE);
	assert_int_equal(r->discovers, 3);
	rig_run(r, 15 * PONTO_SECOND - 1);
	assert_int_equal(r->discovers, 3);
	rig_run(r, 1); /* the tick begins again with what is remembered */
	assert_int_equal(r->discovers, 6);
	rig_run(r, 15 * PONTO_SECOND);
	assert_int_equal(r->discovers, 9);
	rig_free(r);
}

/* ---- asking ------------------------------------------------------------------------------ */

static void solicit_hides_a_fresh_nonce(void **state)
{
	struct rig *r = rig_with_seeds(1);
	struct rig_datagram *first = rig_take(r, PNRP_SOLICIT), *second;
	struct pnrp_message m = {.type = PNRP_ADVERTISE};
	struct rig_datagram *request;
	struct ring_id id = rig_id(5, 5);
	uint8_t hash[PNRP_HASH_SIZE];

	(void)state;
	PONTO_PROVES("PNRP-309", "PNRP-310", "PNRP-311", "PNRP-312");
	rig_run(r, 16 * PONTO_SECOND);
	rig_take(r, PNRP_SOLICIT); /* the second copy of the first */
	second = rig_take(r, PNRP_SOLICIT);
	assert_non_null(second);
	assert_memory_not_equal(first->m.solicit.hashed_nonce, second->m.solicit.hashed_nonce, PNRP_HASH_SIZE);
	m.advertise.acked_id = second->m.id + 17; /* no such SOLICIT */
	m.advertise.ids = pnrp_ids(&id, 1);
	memcpy(m.advertise.hashed_nonce, second->m.solicit.hashed_nonce, PNRP_HASH_SIZE);
	rig_send(r, &second->to, &m);
	assert_null(rig_take(r, PNRP_REQUEST));
	m.advertise.acked_id = second->m.id;
	rig_send(r, &second->to, &m);
	request = rig_take(r, PNRP_REQUEST);
	assert_non_null(request);
	hash_of(request->m.request.nonce, hash);
	assert_memory_equal(hash, second->m.solicit.hashed_nonce, PNRP_HASH_SIZE);
	rig_free(r);
}

static void solicit_is_sent_twice_then_given_up(void **state)
{
	struct rig *r = rig_with_seeds(1);
	struct rig_datagram *first, *second;
	struct pnrp_status status;

	(void)state;
	PONTO_PROVES("PNRP-313", "PNRP-272", "PNRP-450", "PNRP-451");
	rig_run(r, 5 * PONTO_SECOND);
	first = rig_take(r, PNRP_SOLICIT);
	second = rig_take(r, PNRP_SOLICIT);
	assert_non_null(second);
	assert_null(rig_take(r, PNRP_SOLICIT));
	assert_int_equal(second->at - first->at, PONTO_SECOND);
	assert_int_equal(first->len, second->len);
	assert_memory_equal(first->bytes, second->bytes, first->len);
	pnrp_engine_status(r->engine, &status);
	assert_int_equal(status.pending, 0);
	assert_int_equal(pnrp_engine_stats(r->engine)->timeouts, 1);
	rig_free(r);
}

struct exchange {
	struct rig *r;
	struct rig_datagram *solicit;
	struct pnrp_message m;
	struct ring_id ids[3];
};

static struct exchange advertised(uint16_t count)
{
	struct exchange x = {.r = rig_with_seeds(1), .m = {.type = PNRP_ADVERTISE}};

	x.solicit = rig_take(x.r, PNRP_SOLICIT);
	for (uint8_t i = 0; i < 3; i++)
		x.ids[i] = rig_id((uint8_t)(i * 80 + 1), 1);
	x.m.advertise.acked_id = x.solicit->m.id;
	x.m.advertise.ids = pnrp_ids(x.ids, count);
	memcpy(x.m.advertise.hashed_nonce, x.solicit->m.solicit.hashed_nonce, PNRP_HASH_SIZE);
	return x;
}

static void advertise_leads_to_a_request_for_all(void **state)
{
	struct exchange x = advertised(3);
	struct rig_datagram *request;

	(void)state;
	PONTO_PROVES("PNRP-358", "PNRP-359", "PNRP-362");
	x.m.advertise.ids = pnrp_ids(x.ids, 3);
	rig_send(x.r, &x.solicit->to, &x.m);
	request = rig_take(x.r, PNRP_REQUEST);
	assert_non_null(request);
	assert_true(ponto_addr_equal(&request->to, &x.solicit->to));
	assert_int_equal(request->m.request.ids.count, 3);
	assert_memory_equal(request->m.request.ids.bytes.data, x.ids, sizeof(x.ids));
	rig_run(x.r, 3 * PONTO_SECOND);
	assert_null(rig_take(x.r, PNRP_SOLICIT));
	rig_send(x.r, &x.solicit->to, &x.m); /* once more: nobody waits for it now */
	assert_int_equal(pnrp_engine_stats(x.r->engine)->dropped[PNRP_DROP_UNMATCHED], 1);
	rig_free(x.r);
}

static void request_is_sent_twice(void **state)
{
	struct exchange x = advertised(1);

	(void)state;
	PONTO_PROVES("PNRP-363");
	x.m.advertise.ids = pnrp_ids(x.ids, 1);
	rig_send(x.r, &x.solicit->to, &x.m);
	rig_run(x.r, 4 * PONTO_SECOND);
	assert_int_equal(rig_count(x.r, PNRP_REQUEST), 2);
	rig_free(x.r);
}

static void advertise_with_a_wrong_hash_ends_it(void **state)
{
	struct exchange x = advertised(1);

	(void)state;
	PONTO_PROVES("PNRP-360");
	x.m.advertise.ids = pnrp_ids(x.ids, 1);
	x.m.advertise.hashed_nonce[3] ^= 1;
	rig_send(x.r, &x.solicit->to, &x.m);
	assert_null(rig_take(x.r, PNRP_REQUEST));
	assert_int_equal(pnrp_engine_stats(x.r->engine)->dropped[PNRP_DROP_NONCE], 1);
	rig_free(x.r);
}

static void empty_advertise_ends_it(void **state)
{
	struct exchange x = advertised(0);

	(void)state;
	PONTO_PROVES("PNRP-361");
	rig_send(x.r, &x.solicit->to, &x.m);
	assert_null(rig_take(x.r, PNRP_REQUEST));
	assert_int_equal(x.r->cloud, PNRP_CLOUD_ALONE);
	rig_free(x.r);
}

static void advertise_from_elsewhere_is_nobodys(void **state)
{
	struct exchange x = advertised(1);
	struct ponto_addr other = rig_addr(50);

	(void)state;
	x.m.advertise.ids = pnrp_ids(x.ids, 1);
	rig_send(x.r, &other, &x.m);
	assert_null(rig_take(x.r, PNRP_REQUEST));
	rig_free(x.r);
}

static void registered_node_shows_its_entry(void **state)
{
	struct rig *r = rig_with_seeds(1);
	struct rig_datagram *solicit = rig_take(r, PNRP_SOLICIT);
	struct ring_id id;

	(void)state;
	assert_false(solicit->m.solicit.has_route);
	rig_register(r, &id);
	rig_run(r, 4 * PONTO_SECOND);
	rig_take(r, PNRP_SOLICIT);
	solicit = rig_take(r, PNRP_SOLICIT); /* nobody was known: the seed is told at once */
	assert_non_null(solicit);
	assert_true(solicit->m.solicit.has_route);
	assert_memory_equal(&solicit->m.solicit.route.id, &id, sizeof(id));
	rig_free(r);
}

/* ---- answering ------------------------------------------------------------------------------ */

static const uint8_t nonce[PNRP_NONCE_SIZE] = {1, 2, 3};

static struct rig_datagram *solicit(struct rig *r, const struct ponto_addr *from, uint8_t type)
{
	struct pnrp_message m = {.type = PNRP_SOLICIT, .solicit = {.has_controls = true, .solicit_type = type}};

	hash_of(nonce, m.solicit.hashed_nonce);
	rig_send(r, from, &m);
	return rig_take(r, PNRP_ADVERTISE);
}

static void ask(struct rig *r, const struct ponto_addr *from, const uint8_t *with, const struct ring_id *ids,
		uint16_t count)
{
	struct pnrp_message m = {.type = PNRP_REQUEST};

	memcpy(m.request.nonce, with, PNRP_NONCE_SIZE);
	m.request.ids = pnrp_ids(ids, count);
	rig_send(r, from, &m);
}

static void solicit_is_answered_by_advertise(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr peer = rig_addr(1);
	struct rig_datagram *a;
	uint8_t hash[PNRP_HASH_SIZE];

	(void)state;
	PONTO_PROVES("PNRP-265", "PNRP-264", "PNRP-501");
	a = solicit(r, &peer, PNRP_SOLICIT_ANY);
	assert_non_null(a);
	assert_true(ponto_addr_equal(&a->to, &peer));
	assert_int_equal(a->m.advertise.acked_id, r->next_id - 1);
	hash_of(nonce, hash);
	assert_memory_equal(a->m.advertise.hashed_nonce, hash, sizeof(hash));
	rig_free(r);
}

static void five_ids_of_a_large_cache(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr peer = rig_addr(1);
	struct rig_datagram *a;

	(void)state;
	PONTO_PROVES("PNRP-498", "PNRP-499");
	for (uint8_t i = 0; i < 20; i++)
		rig_learn(r, &(struct ring_id){{(uint8_t)(i * 12 + 1)}}, 100u + i);
	a = solicit(r, &peer, PNRP_SOLICIT_ANY);
	assert_int_equal(a->m.advertise.ids.count, 5);
	for (uint16_t i = 0; i < 5; i++)
		for (uint16_t k = 0; k < i; k++) {
			struct ring_id one = pnrp_id_at(&a->m.advertise.ids, i),
				       other = pnrp_id_at(&a->m.advertise.ids, k);
			struct ring_id d = ring_id_distance(&one, &other);

			assert_true(ring_id_fraction(&d) > 0.08);
		}
	rig_free(r);
}

static void own_ids_fill_a_short_list(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr peer = rig_addr(1);
	struct rig_datagram *a;
	struct ring_id local, listed;
	struct rig_peer neighbour;

	(void)state;
	PONTO_PROVES("PNRP-500");
	rig_register(r, &local);
	neighbour = rig_neighbour(1, &local, 1);
	rig_learn_peer(r, &neighbour);
	a = solicit(r, &peer, PNRP_SOLICIT_ANY);
	assert_int_equal(a->m.advertise.ids.count, 2);
	listed = pnrp_id_at(&a->m.advertise.ids, 1);
	assert_memory_equal(&listed, &local, sizeof(local));
	a = solicit(r, &peer, PNRP_SOLICIT_LOCAL); /* T28 */
	assert_int_equal(a->m.advertise.ids.count, 1);
	rig_free(r);
}

static void full_table_answers_with_nothing(void **state)
{
	struct rig *r = rig_open();
	unsigned empty = 0;

	(void)state;
	PONTO_PROVES("PNRP-497");
	rig_learn(r, &(struct ring_id){{5}}, 5);
	for (unsigned i = 0; i < 100; i++) {
		struct ponto_addr peer = rig_addr(1000 + i);

		empty += solicit(r, &peer, PNRP_SOLICIT_ANY)->m.advertise.ids.count == 0;
	}
	assert_int_equal(empty, 100 - 64);
	rig_free(r);
}

static void solicit_with_an_entry_leads_to_inquire(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr peer = rig_addr(1);
	struct pnrp_message m = {.type = PNRP_SOLICIT, .solicit = {.has_route = true}};
	struct ring_id id = rig_id(9, 9);
	struct rig_datagram *inquire;

	(void)state;
	PONTO_PROVES("PNRP-502");
	rig_route(&id, 7, &m.solicit.route);
	rig_send(r, &peer, &m);
	inquire = rig_take(r, PNRP_INQUIRE);
	assert_non_null(inquire);
	assert_memory_equal(&inquire->m.inquire.validate_id, &id, sizeof(id));
	rig_free(r);
}

static void request_is_acknowledged_and_flooded(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr peer = rig_addr(1);
	struct ring_id ids[2] = {rig_id(10, 1), rig_id(200, 2)};
	struct rig_datagram *ack, *flood;

	(void)state;
	PONTO_PROVES("PNRP-266", "PNRP-506", "PNRP-507");
	rig_learn(r, &ids[0], 21);
	rig_learn(r, &ids[1], 22);
	solicit(r, &peer, PNRP_SOLICIT_ANY);
	ask(r, &peer, nonce, ids, 2);
	ack = rig_take(r, PNRP_ACK);
	assert_non_null(ack);
	assert_true(ponto_addr_equal(&ack->to, &peer));
	assert_int_equal(ack->m.ack.acked_id, r->next_id - 1);
	for (int i = 0; i < 2; i++) {
		flood = rig_take(r, PNRP_FLOOD);
		assert_non_null(flood);
		assert_true(flood->m.flood.no_ack && flood->m.flood.has_route);
		assert_true(ring_id_is_zero(&flood->m.flood.validate_id)); /* T22 */
		assert_memory_equal(&flood->m.flood.route.id, &ids[i], sizeof(ids[i]));
	}
	assert_null(rig_take(r, PNRP_FLOOD));
	rig_free(r);
}

static void request_works_once(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr peer = rig_addr(1);
	struct ring_id id = rig_id(10, 1);

	(void)state;
	PONTO_PROVES("PNRP-508");
	rig_learn(r, &id, 21);
	solicit(r, &peer, PNRP_SOLICIT_ANY);
	ask(r, &peer, nonce, &id, 1);
	assert_non_null(rig_take(r, PNRP_ACK));
	rig_forget(r);
	ask(r, &peer, nonce, &id, 1);
	assert_null(rig_take(r, PNRP_ACK));
	assert_null(rig_take(r, PNRP_FLOOD));
	rig_free(r);
}

static void request_without_conversation_or_with_a_wrong_nonce(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr peer = rig_addr(1), other = rig_addr(2);
	struct ring_id id = rig_id(10, 1);
	uint8_t wrong[PNRP_NONCE_SIZE] = {1, 2, 4};

	(void)state;
	PONTO_PROVES("PNRP-504", "PNRP-505");
	rig_learn(r, &id, 21);
	ask(r, &peer, nonce, &id, 1);
	solicit(r, &peer, PNRP_SOLICIT_ANY);
	ask(r, &other, nonce, &id, 1);
	ask(r, &peer, wrong, &id, 1);
	other = peer;
	other.port++;
	ask(r, &other, nonce, &id, 1);
	assert_null(rig_take(r, PNRP_ACK));
	assert_null(rig_take(r, PNRP_FLOOD));
	assert_int_equal(pnrp_engine_stats(r->engine)->dropped[PNRP_DROP_NONCE], 1);
	rig_free(r);
}

static void conversation_timer(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr peer = rig_addr(1);
	struct ring_id id = rig_id(10, 1);

	(void)state;
	PONTO_PROVES("PNRP-462", "PNRP-496", "PNRP-538");
	rig_learn(r, &id, 21);
	solicit(r, &peer, PNRP_SOLICIT_ANY);
	rig_run(r, 10 * PONTO_SECOND);
	solicit(r, &peer, PNRP_SOLICIT_ANY); /* the timer runs anew */
	rig_run(r, 10 * PONTO_SECOND);
	ask(r, &peer, nonce, &id, 1);
	assert_non_null(rig_take(r, PNRP_ACK));
	solicit(r, &peer, PNRP_SOLICIT_ANY);
	rig_run(r, 16 * PONTO_SECOND);
	ask(r, &peer, nonce, &id, 1);
	assert_null(rig_take(r, PNRP_ACK));
	rig_free(r);
}

static void dead_solicit_releases_its_conversation(void **state)
{
	struct rig *r = rig_with_seeds(1);
	struct rig_datagram *s = rig_take(r, PNRP_SOLICIT);
	struct pnrp_message m = {.type = PNRP_ADVERTISE};
	struct ring_id id = rig_id(5, 5);

	(void)state;
	PONTO_PROVES("PNRP-553", "PNRP-540");
	rig_run(r, 3 * PONTO_SECOND);
	m.advertise.acked_id = s->m.id;
	m.advertise.ids = pnrp_ids(&id, 1);
	memcpy(m.advertise.hashed_nonce, s->m.solicit.hashed_nonce, PNRP_HASH_SIZE);
	rig_send(r, &s->to, &m);
	assert_null(rig_take(r, PNRP_REQUEST));
	rig_forget(r);
	rig_run(r, 12 * PONTO_SECOND); /* the cache is still empty: the seed again */
	assert_non_null(rig_take(r, PNRP_SOLICIT));
	rig_free(r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(open_counts_and_close_lingers),
	cmocka_unit_test(opening_twice_gives_the_same_cloud),
	cmocka_unit_test(cleanup_forgets_everything),
	cmocka_unit_test(cleanup_forgets_the_seeds),
	cmocka_unit_test(opening_needs_an_address),
	cmocka_unit_test(four_addresses_of_one_scope_and_port),
	cmocka_unit_test(low_ports_are_refused),
	cmocka_unit_test(remembered_addresses_come_first),
	cmocka_unit_test(modes_follow_each_other),
	cmocka_unit_test(five_multicast_answers_each_round),
	cmocka_unit_test(addresses_of_other_clouds_are_not_contacted),
	cmocka_unit_test(configured_seeds_come_after_those_given),
	cmocka_unit_test(seeds_take_turns),
	cmocka_unit_test(seeds_without_port_get_the_standard_one),
	cmocka_unit_test(alone_without_any_seed),
	cmocka_unit_test(solicit_hides_a_fresh_nonce),
	cmocka_unit_test(solicit_is_sent_twice_then_given_up),
	cmocka_unit_test(advertise_leads_to_a_request_for_all),
	cmocka_unit_test(request_is_sent_twice),
	cmocka_unit_test(advertise_with_a_wrong_hash_ends_it),
	cmocka_unit_test(empty_advertise_ends_it),
	cmocka_unit_test(advertise_from_elsewhere_is_nobodys),
	cmocka_unit_test(registered_node_shows_its_entry),
	cmocka_unit_test(solicit_is_answered_by_advertise),
	cmocka_unit_test(five_ids_of_a_large_cache),
	cmocka_unit_test(own_ids_fill_a_short_list),
	cmocka_unit_test(full_table_answers_with_nothing),
	cmocka_unit_test(solicit_with_an_entry_leads_to_inquire),
	cmocka_unit_test(request_is_acknowledged_and_flooded),
	cmocka_unit_test(request_works_once),
	cmocka_unit_test(request_without_conversation_or_with_a_wrong_nonce),
	cmocka_unit_test(conversation_timer),
	cmocka_unit_test(dead_solicit_releases_its_conversation),
};

PONTO_TEST_MAIN(tests)
