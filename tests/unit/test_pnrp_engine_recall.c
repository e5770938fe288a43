/* Restart from a cache that was kept: one round trip, every packet counted. */
#include "tests/support/pnrp_rig.h"

#define ENTRIES 8

static struct rig *restarted(struct pnrp_route routes[ENTRIES])
{
	struct rig *r = rig_new(NULL);

	memset(routes, 0, ENTRIES * sizeof(*routes));
	for (unsigned i = 0; i < ENTRIES; i++) {
		routes[i].id = rig_id((uint8_t)(0x10 + 0x20 * i), (uint8_t)i);
		routes[i].addrs[0] = rig_addr(1 + i);
		routes[i].addr_count = 1;
	}
	r->quiet_discovery = true;
	assert_ok(pnrp_engine_open(r->engine, r->now, NULL, 0));
	return r;
}

static size_t sent(const struct rig *r)
{
	const struct pnrp_stats *stats = pnrp_engine_stats(r->engine);
	size_t all = 0;

	for (unsigned i = 0; i < PNRP_COUNT_TYPES; i++)
		all += (size_t)stats->sent[i];
	return all;
}

static void one_round_trip_after_a_restart(void **state)
{
	struct pnrp_route routes[ENTRIES];
	struct rig *r = restarted(routes);
	struct rig_datagram *inquire;
	uint64_t began = r->now;

	(void)state;
	assert_int_equal(pnrp_engine_recall(r->engine, r->now, routes, ENTRIES), ENTRIES);
	rig_pump(r);
	assert_int_equal(sent(r), ENTRIES);
	assert_int_equal(rig_count(r, PNRP_INQUIRE), ENTRIES);
	assert_int_equal(r->discovers, 0); /* and no search of what is remembered beside it */
	while ((inquire = rig_take(r, PNRP_INQUIRE)))
		rig_answer_flags(r, inquire, false);
	rig_pump(r);
	assert_int_equal(r->now, began);
	assert_int_equal(pnrp_engine_state(r->engine), PNRP_CLOUD_ACTIVE);
	assert_int_equal(rig_known(r), ENTRIES);
	assert_int_equal(sent(r), ENTRIES);
	rig_resolve(r, "0.nobody");
	rig_pump(r);
	assert_true(rig_count(r, PNRP_LOOKUP) == 1); /* it can resolve at once */
	rig_run(r, 5 * PONTO_SECOND);
	assert_int_equal(r->discovers, 0);
	rig_free(r);
}

static void entries_that_are_gone_give_way_to_discovery(void **state)
{
	struct pnrp_route routes[ENTRIES];
	struct rig *r = restarted(routes);
	struct rig_datagram *inquire;

	(void)state;
	assert_int_equal(pnrp_engine_recall(r->engine, r->now, routes, ENTRIES), ENTRIES);
	rig_pump(r);
	inquire = rig_take(r, PNRP_INQUIRE);
	rig_answer_flags(r, inquire, true); /* one says that it is not there, the others nothing */
	rig_run(r, 5 * PONTO_SECOND);
	assert_int_equal(rig_known(r), 0);
	assert_int_equal(r->sources, PNRP_SOURCE_MULTICAST);
	assert_int_equal(r->discovers, 1);
	rig_free(r);
}

static void nonsense_is_passed_over(void **state)
{
	struct pnrp_route routes[ENTRIES];
	struct rig *r = restarted(routes);

	(void)state;
	routes[0].addr_count = 0;
	routes[1].addr_count = PNRP_ROUTE_ADDRS_MAX + 1;
	routes[2].addrs[0].port = 1024;
	routes[3].id = routes[4].id;
	memset(&routes[5].id, 0, sizeof(routes[5].id));
	assert_int_equal(pnrp_engine_recall(r->engine, r->now, routes, ENTRIES), 3);
	rig_pump(r);
	assert_int_equal(sent(r), 3);
	rig_free(r);
	r = restarted(routes); /* nothing usable at all: as if there had been nothing */
	routes[0].addr_count = routes[1].addr_count = 0;
	assert_int_equal(pnrp_engine_recall(r->engine, r->now, routes, 2), 0);
	rig_pump(r);
	assert_int_equal(r->sources, PNRP_SOURCE_REMEMBERED);
	rig_free(r);
	r = rig_new(NULL);
	assert_int_equal(pnrp_engine_recall(r->engine, r->now, routes, ENTRIES), 0); /* not open */
	rig_free(r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(one_round_trip_after_a_restart),
	cmocka_unit_test(entries_that_are_gone_give_way_to_discovery),
	cmocka_unit_test(nonsense_is_passed_over),
};

PONTO_TEST_MAIN(tests)
