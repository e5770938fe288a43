/* The search for a longer refresh interval: RFC 4380 5.2.7. */
#include "tests/unit/teredo_rig.h"

#define FEATURES (TEREDO_FEATURE_DEFAULT | TEREDO_FEATURE_INTERVAL)
#define VIA TEREDO_PORTS_MAX
#define SECONDARY ((struct teredo_endpoint){IP4(192, 0, 2, 1), 5001})

/* Qualified, and the secondary port open. */
static void searching(struct rig *rig)
{
	struct teredo_effect effect;

	rig_init(rig, FEATURES);
	rig_start(rig);
	rig_out(rig);
	rig_answer(rig, MAPPED);
	rig_out(rig);
	rig_answer(rig, MAPPED);
	rig->a = rig_status(rig).address;
	rig_effect(rig, TEREDO_EFFECT_ADDRESS);
	effect = rig_effect(rig, TEREDO_EFFECT_OPEN);
	assert_int_equal(effect.via, VIA);
	assert_int_not_equal(effect.port, LOCAL.port);
	rig_quiet(rig);
	teredo_client_opened(rig->c, rig->now, VIA, PONTO_OK);
}

static void assert_asks(struct rig *rig)
{
	rig_assert_solicitation(rig, S1, false);
	assert_int_equal(rig->slot.via, VIA);
	assert_true(rig->packet.has_auth);
}

/* Time passes, and maintenance is answered, until something else goes out; how long that was. */
static uint64_t until_other(struct rig *rig)
{
	uint64_t begun = rig->now;

	for (int i = 0; i < 100; i++) {
		rig_due(rig);
		while (teredo_client_output(rig->c, &rig->slot)) {
			assert_ok(teredo_decode(ponto_bytes(rig->slot.data, rig->slot.len), &rig->packet));
			if (rig->slot.via != VIA && teredo_solicitation_parse(&rig->packet) == PONTO_OK)
				rig_answer(rig, MAPPED);
			else
				return rig->now - begun;
		}
	}
	fail_msg("nothing goes out");
	return 0;
}

static struct teredo_ip6 assert_probe(struct rig *rig)
{
	struct teredo_address parts;

	assert_true(teredo_is_bubble(&rig->packet));
	assert_int_equal(rig->slot.via, TEREDO_VIA_SERVICE);
	assert_int_equal(rig->slot.to.ip, S1);
	assert_int_equal(rig->slot.to.port, TEREDO_PORT);
	assert_true(teredo_ip6_equal(&rig->packet.src, &rig->a));
	teredo_address_split(&rig->packet.dst, &parts);
	assert_true(teredo_is_address(&rig->packet.dst));
	assert_int_equal(parts.server, S1);
	assert_true(teredo_endpoint_equal(&parts.mapped, &SECONDARY));
	return rig->packet.dst;
}

/* The server passes a bubble on to the secondary port, if the NAT still lets it. */
static void passed_on(struct rig *rig, const struct teredo_ip6 *dst, struct teredo_endpoint from)
{
	struct ponto_writer w = ponto_writer(rig->input, sizeof(rig->input));

	teredo_write_origin(&w, &MAPPED);
	teredo_write_bubble(&w, &rig->a, dst, 255);
	assert_false(rig_in(rig, from, VIA, rig->input, (size_t)w.pos));
}

/* One candidate, asked for already. */
static void tried(struct rig *rig, uint64_t candidate, bool heard)
{
	struct teredo_ip6 dst;

	rig_answer(rig, SECONDARY);
	assert_int_equal(until_other(rig), candidate);
	dst = assert_probe(rig);
	for (int i = 0; i < 3 && !heard; i++) {
		assert_int_equal(until_other(rig), 2 * PONTO_SECOND);
		assert_probe(rig);
	}
	if (heard)
		passed_on(rig, &dst, (struct teredo_endpoint){S1, TEREDO_PORT});
}

static void assert_over(struct rig *rig, uint64_t refresh)
{
	assert_int_equal(rig_effect(rig, TEREDO_EFFECT_CLOSE).via, VIA);
	assert_false(rig_status(rig).searching);
	assert_int_equal(rig_status(rig).refresh, refresh);
}

static void follows_qualification(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-165", "TEREDO-166");
	searching(&rig);
	assert_asks(&rig);
	rig_quiet(&rig);
	rig_end(&rig);
	/* Only when it is wanted. */
	rig_qualified(&rig, TEREDO_FEATURE_DEFAULT, MAPPED);
	rig_no_effect(&rig);
	assert_false(rig_status(&rig).searching);
	rig_end(&rig);
}

static void without_a_secondary_address(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-167");
	searching(&rig);
	assert_asks(&rig);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(until_other(&rig), 4 * PONTO_SECOND);
		assert_int_equal(rig.slot.via, VIA);
	}
	rig_pass(&rig, 4 * PONTO_SECOND);
	assert_over(&rig, TEREDO_REFRESH);
	rig_end(&rig);
	/* Nor without a port. */
	rig_init(&rig, FEATURES);
	rig_start(&rig);
	rig_out(&rig);
	rig_answer(&rig, MAPPED);
	rig_out(&rig);
	rig_answer(&rig, MAPPED);
	teredo_client_opened(rig.c, rig.now, VIA, PONTO_EACCES);
	rig_quiet(&rig);
	assert_false(rig_status(&rig).searching);
	rig_end(&rig);
}

static void probes_come_from_the_service_port(void **state)
{
	struct teredo_ip6 dst;
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-167", "TEREDO-168", "TEREDO-169");
	searching(&rig);
	assert_asks(&rig);
	rig_answer(&rig, SECONDARY);
	assert_int_equal(until_other(&rig), 60 * PONTO_SECOND);
	dst = assert_probe(&rig);
	/* From elsewhere, to another, by another port: it is not the one. */
	passed_on(&rig, &dst, B_AT);
	passed_on(&rig, &rig.b, (struct teredo_endpoint){S1, TEREDO_PORT});
	for (int i = 0; i < 3; i++) {
		assert_int_equal(until_other(&rig), 2 * PONTO_SECOND);
		assert_probe(&rig);
	}
	assert_int_equal(until_other(&rig), 2 * PONTO_SECOND);
	assert_int_equal(rig.slot.via, VIA); /* another candidate */
	assert_int_equal(rig_status(&rig).refresh, TEREDO_REFRESH);
	rig_end(&rig);
}

static void longer_ones_are_found(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-170", "TEREDO-172");
	searching(&rig);
	assert_asks(&rig);
	tried(&rig, 60 * PONTO_SECOND, true);
	assert_int_equal(rig_status(&rig).refresh, 60 * PONTO_SECOND);
	assert_asks(&rig);
	tried(&rig, 90 * PONTO_SECOND, true);
	assert_over(&rig, 90 * PONTO_SECOND);
	/* The interval in use when the next begins. */
	rig_due(&rig);
	rig_assert_solicitation(&rig, S1, false);
	rig_answer(&rig, MAPPED);
	for (int i = 0; i < 20; i++) {
		assert_in_range(rig_due(&rig), 90 * PONTO_SECOND / 100 * 75, 90 * PONTO_SECOND);
		rig_assert_solicitation(&rig, S1, false);
		assert_int_equal(rig.slot.via, TEREDO_VIA_SERVICE);
		rig_answer(&rig, MAPPED);
	}
	rig_end(&rig);
}

static void shorter_ones_after_silence(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-171");
	searching(&rig);
	assert_asks(&rig);
	tried(&rig, 60 * PONTO_SECOND, false);
	assert_int_equal(until_other(&rig), 2 * PONTO_SECOND);
	assert_int_equal(rig.slot.via, VIA);
	tried(&rig, 45 * PONTO_SECOND, true);
	/* 45 is three quarters of 60. */
	assert_over(&rig, 45 * PONTO_SECOND);
	rig_end(&rig);
	searching(&rig);
	assert_asks(&rig);
	tried(&rig, 60 * PONTO_SECOND, false);
	assert_int_equal(until_other(&rig), 2 * PONTO_SECOND);
	tried(&rig, 45 * PONTO_SECOND, false);
	assert_int_equal(until_other(&rig), 2 * PONTO_SECOND);
	tried(&rig, 37500 * PONTO_MS, false);
	while (rig_status(&rig).searching) {
		rig_due(&rig);
		while (teredo_client_output(rig.c, &rig.slot)) {
			assert_int_equal(rig.slot.via, TEREDO_VIA_SERVICE);
			rig_answer(&rig, MAPPED);
		}
	}
	assert_over(&rig, TEREDO_REFRESH);
	rig_end(&rig);
}

/* Nothing else goes by the secondary port, and nothing that comes by it is delivered. */
static void it_is_for_that_alone(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-172");
	searching(&rig);
	assert_asks(&rig);
	rig_answer(&rig, SECONDARY);
	assert_false(rig_data(&rig, &rig.b, B_AT, VIA));
	assert_false(rig_has_peer(&rig, &rig.b));
	rig_bubble(&rig, &rig.b, B_AT, 0, NULL);
	assert_int_equal(rig_send(&rig, &rig.b), 1);
	assert_int_equal(rig.slot.via, TEREDO_VIA_SERVICE);
	teredo_client_stop(rig.c);
	assert_int_equal(rig_effect(&rig, TEREDO_EFFECT_ADDRESS).kind, TEREDO_EFFECT_ADDRESS);
	assert_int_equal(rig_effect(&rig, TEREDO_EFFECT_CLOSE).via, VIA);
	assert_true(teredo_client_deadline(rig.c) == PONTO_NEVER);
	rig_end(&rig);
}

/* The interval was too long after all: it is as at first. */
static void a_lost_mapping_begins_anew(void **state)
{
	struct teredo_endpoint moved = {IP4(192, 0, 2, 1), 4097};
	struct rig rig;

	(void)state;
	searching(&rig);
	assert_asks(&rig);
	tried(&rig, 60 * PONTO_SECOND, true);
	assert_asks(&rig);
	tried(&rig, 90 * PONTO_SECOND, true);
	assert_over(&rig, 90 * PONTO_SECOND);
	rig_due(&rig);
	rig_out(&rig);
	rig_answer(&rig, moved);
	assert_int_equal(rig_status(&rig).refresh, TEREDO_REFRESH);
	assert_true(rig_status(&rig).searching);
	rig_effect(&rig, TEREDO_EFFECT_ADDRESS);
	assert_int_equal(rig_effect(&rig, TEREDO_EFFECT_OPEN).via, VIA);
	/* And again before the port is there: it is closed when it is. */
	teredo_client_stop(rig.c);
	teredo_client_opened(rig.c, rig.now, VIA, PONTO_OK);
	rig_effect(&rig, TEREDO_EFFECT_ADDRESS);
	assert_int_equal(rig_effect(&rig, TEREDO_EFFECT_CLOSE).via, VIA);
	rig_quiet(&rig);
	rig_end(&rig);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(follows_qualification),
	cmocka_unit_test(without_a_secondary_address),
	cmocka_unit_test(probes_come_from_the_service_port),
	cmocka_unit_test(longer_ones_are_found),
	cmocka_unit_test(shorter_ones_after_silence),
	cmocka_unit_test(it_is_for_that_alone),
	cmocka_unit_test(a_lost_mapping_begins_anew),
};

PONTO_TEST_MAIN(tests)
