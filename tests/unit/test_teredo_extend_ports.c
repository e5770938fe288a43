/* NATs that keep ports, and those that count: RFC 6081 5.4, 5.5. */
#include "tests/unit/teredo_extend_test.h"

/* ---- 5.4: NATs that keep ports ---------------------------------------------------------------------------- */

static void port_is_kept_or_not(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-283");
	rig_qualified(&rig, PP, OTHER);
	assert_true(rig_status(&rig).preserving);
	rig_end(&rig);
	rig_init(&rig, PP);
	rig_start(&rig);
	rig_out(&rig);
	rig_answer(&rig, (struct teredo_endpoint){IP4(192, 0, 2, 1), 4097});
	rig_out(&rig);
	rig_answer(&rig, OTHER);
	assert_false(rig_status(&rig).preserving);
	rig_end(&rig);
}

/* Sends to B behind a symmetric NAT that keeps ports; the port that is opened for it. */
static uint16_t with_port(struct rig *rig, uint32_t *nonce)
{
	struct teredo_effect effect;

	rig_qualified(rig, PP, OTHER);
	assert_int_equal(rig_send(rig, &rig->b), 0);
	rig_assert_direct(rig, &rig->b, B_AT);
	assert_int_equal(rig->slot.via, TEREDO_VIA_SERVICE);
	rig_quiet(rig); /* the indirect one waits for the port */
	effect = rig_effect(rig, TEREDO_EFFECT_OPEN);
	assert_int_equal(effect.via, 1);
	assert_true(effect.port >= 49152);
	teredo_client_opened(rig->c, rig->now, 1, PONTO_OK);
	rig_assert_indirect(rig, &rig->b, S2);
	assert_int_equal(rig->slot.via, TEREDO_VIA_SERVICE);
	assert_true(rig->trailers.has_port && rig->trailers.has_nonce);
	assert_int_equal(rig->trailers.port, effect.port);
	*nonce = rig->trailers.nonce;
	rig_quiet(rig);
	return effect.port;
}

static void port_is_opened_and_told(void **state)
{
	struct rig rig;
	uint32_t nonce;

	(void)state;
	PONTO_PROVES("TEREDO-286");
	with_port(&rig, &nonce);
	assert_int_equal(rig_peer(&rig, &rig.b).via, 1);
	rig_pass(&rig, 2 * PONTO_SECOND);
	rig_assert_direct(&rig, &rig.b, B_AT);
	rig_assert_indirect(&rig, &rig.b, S2); /* with the same port */
	assert_true(rig.trailers.has_port);
	rig_no_effect(&rig);
	rig_end(&rig);
	/* Another number when one is taken; without a port at last. */
	rig_qualified(&rig, PP, OTHER);
	assert_int_equal(rig_send(&rig, &rig.b), 0);
	rig_out(&rig);
	for (int i = 0; i < 3; i++) {
		rig_effect(&rig, TEREDO_EFFECT_OPEN);
		rig_quiet(&rig);
		teredo_client_opened(rig.c, rig.now, 1, PONTO_EEXIST);
	}
	rig_no_effect(&rig);
	rig_assert_indirect(&rig, &rig.b, S2);
	assert_false(rig.trailers.has_port);
	rig_end(&rig);
}

static void random_port_to_random_port(void **state)
{
	struct teredo_trailers t = {.has_nonce = true, .nonce = 9, .has_port = true, .port = 50001};
	struct teredo_endpoint there = {IP4(192, 0, 2, 10), 50001};
	struct rig rig;
	uint32_t nonce;
	uint16_t port;

	(void)state;
	PONTO_PROVES("TEREDO-287", "TEREDO-290");
	port = with_port(&rig, &nonce);
	rig_indirect(&rig, &rig.b, B_AT, &t);
	rig_assert_direct(&rig, &rig.b, B_AT);
	assert_int_equal(rig.slot.via, TEREDO_VIA_SERVICE);
	rig_assert_direct(&rig, &rig.b, there);
	assert_int_equal(rig.slot.via, 1);
	assert_true(rig.trailers.has_port);
	assert_int_equal(rig.trailers.port, port);
	assert_int_equal(rig.trailers.nonce, 9);
	/* And what comes back by it. */
	t = (struct teredo_trailers){.has_nonce = true, .nonce = nonce ^ 1};
	rig_bubble(&rig, &rig.b, there, 1, &t);
	assert_false(rig_peer(&rig, &rig.b).trusted);
	t.nonce = nonce;
	rig_bubble(&rig, &rig.b, there, 1, &t);
	rig_out(&rig);
	rig_assert_data(&rig, &rig.b, there);
	assert_int_equal(rig.slot.via, 1);
	assert_int_equal(rig_send(&rig, &rig.b), 1);
	assert_int_equal(rig.slot.via, 1);
	assert_true(rig_data(&rig, &rig.b, there, 1));
	assert_false(rig_data(&rig, &rig.b, there, 0));
	assert_false(rig_data(&rig, &rig.native, there, 1));
	rig_end(&rig);
}

static void primary_port_is_better(void **state)
{
	struct teredo_trailers t = {.has_nonce = true};
	struct rig rig;
	uint32_t nonce;

	(void)state;
	PONTO_PROVES("TEREDO-289");
	with_port(&rig, &nonce);
	t.nonce = nonce;
	rig_bubble(&rig, &rig.b, (struct teredo_endpoint){IP4(192, 0, 2, 10), 50001}, 1, &t);
	rig_out(&rig);
	rig_bubble(&rig, &rig.b, ELSEWHERE, 0, &t);
	assert_int_equal(rig_effect(&rig, TEREDO_EFFECT_CLOSE).via, 1);
	assert_int_equal(rig_send(&rig, &rig.b), 1);
	assert_int_equal(rig.slot.via, TEREDO_VIA_SERVICE);
	rig_assert_data(&rig, &rig.b, ELSEWHERE);
	/* Nothing comes by the closed one any more. */
	assert_false(rig_data(&rig, &rig.b, ELSEWHERE, 1));
	rig_end(&rig);
}

/* B is behind a NAT that is not symmetric: it answers an announced port from its only one. */
static void announced_ports(void **state)
{
	static const uint16_t ports[] = {50000, 50002, 50003};
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-288");
	rig_qualified(&rig, PP, MAPPED);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(ports); i++) {
		struct teredo_trailers t = {.has_nonce = true, .nonce = 9, .has_port = true, .port = ports[i]};

		rig_indirect(&rig, &rig.b, B_AT, &t);
		rig_assert_direct(&rig, &rig.b, B_AT);
		/* The second one comes soon after the first, and is not believed; the third one late. */
		rig_assert_direct(&rig, &rig.b, (struct teredo_endpoint){B_AT.ip, i == 2 ? 50003 : 50000});
		assert_int_equal(rig.slot.via, TEREDO_VIA_SERVICE);
		assert_false(rig.trailers.has_port);
		while (teredo_client_output(rig.c, &rig.slot))
			;
		rig_pass(&rig, i == 0 ? 3 * PONTO_SECOND : 31 * PONTO_SECOND);
		while (teredo_client_output(rig.c, &rig.slot))
			;
	}
	rig_end(&rig);
}

static void random_ports_are_refreshed(void **state)
{
	struct teredo_endpoint there = {IP4(192, 0, 2, 10), 50001};
	struct teredo_trailers t = {.has_nonce = true};
	struct rig rig;
	uint32_t nonce;

	(void)state;
	PONTO_PROVES("TEREDO-284", "TEREDO-285");
	with_port(&rig, &nonce);
	t.nonce = nonce;
	rig_bubble(&rig, &rig.b, there, 1, &t);
	rig_out(&rig);
	for (int busy = 1; busy >= 0; busy--) {
		unsigned bubbles = 0, most = busy ? 5 : 20;

		/* Idle for a quarter of an hour, or just for a while before it speaks again. */
		for (int i = 0; i < (busy ? 170 : 900); i++) {
			rig_pass(&rig, PONTO_SECOND);
			rig_bubble(&rig, &rig.b, there, 1, NULL); /* it is there */
			while (teredo_client_output(rig.c, &rig.slot)) {
				assert_ok(teredo_decode(ponto_bytes(rig.slot.data, rig.slot.len), &rig.packet));
				if (rig.packet.next_header == TEREDO_NEXT_ICMP) {
					rig_answer(&rig, MAPPED);
					continue;
				}
				assert_true(teredo_is_bubble(&rig.packet));
				assert_int_equal(rig.slot.via, 1);
				bubbles++;
			}
		}
		assert_true(bubbles <= most && bubbles + 1 >= most);
		/* Data within 30 seconds of the next check: it counts from the beginning. */
		assert_int_equal(rig_send(&rig, &rig.b), 1);
	}
	rig_end(&rig);
}

static void mapping_of_the_peer_changed(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-291");
	rig_qualified(&rig, PP, MAPPED);
	rig_bubble(&rig, &rig.b, B_AT, 0, NULL);
	assert_int_equal(rig_send(&rig, &rig.b), 1);
	rig_pass(&rig, 10 * PONTO_SECOND);
	rig_bubble(&rig, &rig.b, ELSEWHERE, 0, NULL);
	assert_true(rig_peer(&rig, &rig.b).trusted);
	rig_due(&rig);
	rig_out(&rig);
	rig_answer(&rig, MAPPED);
	rig_pass(&rig, 31 * PONTO_SECOND);
	while (teredo_client_output(rig.c, &rig.slot))
		;
	rig_bubble(&rig, &rig.b, ELSEWHERE, 0, NULL);
	assert_false(rig_peer(&rig, &rig.b).trusted);
	rig_assert_indirect(&rig, &rig.b, S2);
	rig_quiet(&rig);
	rig_end(&rig);
}

/* ---- 5.5: NATs that count ------------------------------------------------------------------------------------ */

static void sequential(struct rig *rig)
{
	rig_init(rig, SS);
	rig_start(rig);
	rig_out(rig);
	rig_answer(rig, (struct teredo_endpoint){IP4(192, 0, 2, 1), 1198});
	rig_out(rig);
	rig_answer(rig, (struct teredo_endpoint){IP4(192, 0, 2, 1), 1199});
	rig->a = rig_status(rig).address;
	rig_effect(rig, TEREDO_EFFECT_ADDRESS);
	assert_int_equal(rig_send(rig, &rig->b), 0);
	rig_assert_direct(rig, &rig->b, B_AT);
	rig_quiet(rig);
	rig_effect(rig, TEREDO_EFFECT_OPEN);
	teredo_client_opened(rig->c, rig->now, 1, PONTO_OK);
}

/* The three packets of a test, whose first and last are answered with these ports, unless they are 0. */
static void echo_test(struct rig *rig, uint16_t lower, uint16_t upper)
{
	uint8_t nonce[TEREDO_NONCE];

	rig_assert_solicitation(rig, S1, false);
	assert_int_equal(rig->slot.via, 1);
	assert_true(rig->packet.has_auth);
	memcpy(nonce, rig->packet.auth.nonce, TEREDO_NONCE);
	if (lower)
		rig_answer(rig, (struct teredo_endpoint){IP4(192, 0, 2, 1), lower});
	rig_assert_direct(rig, &rig->b, B_AT);
	assert_int_equal(rig->slot.via, 1);
	rig_assert_solicitation(rig, S1B, false);
	assert_int_equal(rig->slot.via, 1);
	assert_memory_not_equal(nonce, rig->packet.auth.nonce, TEREDO_NONCE);
	if (upper)
		rig_answer(rig, (struct teredo_endpoint){IP4(192, 0, 2, 1), upper});
}

static void ports_are_predicted(void **state)
{
	static const uint16_t cases[][3] = {{1200, 1202, 1201}, {1200, 1203, 1201}, {65535, 65533, 65534}};

	(void)state;
	PONTO_PROVES("TEREDO-292", "TEREDO-293");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(cases); i++) {
		struct rig rig;

		sequential(&rig);
		echo_test(&rig, cases[i][0], cases[i][1]);
		rig_assert_indirect(&rig, &rig.b, S2);
		assert_int_equal(rig.slot.via, TEREDO_VIA_SERVICE);
		assert_true(rig.trailers.has_port && rig.trailers.has_nonce);
		assert_int_equal(rig.trailers.port, cases[i][2]);
		rig_quiet(&rig);
		rig_end(&rig);
	}
}

static void prediction_fails(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-294");
	sequential(&rig);
	echo_test(&rig, 1200, 0);
	rig_pass(&rig, PONTO_SECOND - 1);
	rig_quiet(&rig);
	rig_pass(&rig, 1);
	echo_test(&rig, 0, 1300);
	rig_pass(&rig, PONTO_SECOND);
	rig_assert_direct(&rig, &rig.b, B_AT); /* the next round, whose indirect one waits */
	rig_quiet(&rig);
	rig_pass(&rig, PONTO_SECOND);
	rig_assert_indirect(&rig, &rig.b, S2);
	assert_false(rig.trailers.has_port);
	rig_quiet(&rig);
	rig_end(&rig);
}

/* What comes by a random port and is neither is nothing. */
static void random_ports_are_not_open_to_all(void **state)
{
	struct teredo_auth auth = {.nonce = {1}};
	struct rig rig;
	size_t len;

	(void)state;
	sequential(&rig);
	echo_test(&rig, 0, 0);
	len = rig_advertisement(&rig, &auth, OTHER);
	rig_in(&rig, (struct teredo_endpoint){S1, TEREDO_PORT}, 1, rig.input, len);
	rig_indirect(&rig, &rig.b, B_AT, NULL);
	while (teredo_client_output(rig.c, &rig.slot))
		;
	rig_bubble(&rig, &rig.b, ELSEWHERE, 1, NULL);
	assert_false(rig_data(&rig, &rig.b, ELSEWHERE, 1));
	assert_false(rig_peer(&rig, &rig.b).trusted);
	assert_false(rig_data(&rig, &rig.native, RELAY_AT, 1));
	rig_bubble(&rig, &rig.b, B_AT, 2, NULL);
	rig_bubble(&rig, &rig.b, B_AT, 200, NULL);
	rig_quiet(&rig);
	teredo_client_opened(rig.c, rig.now, 0, PONTO_OK);
	teredo_client_opened(rig.c, rig.now, 1, PONTO_OK);
	teredo_client_opened(rig.c, rig.now, 255, PONTO_OK);
	rig_no_effect(&rig);
	rig_end(&rig);
}

/* The bubble of a peer that is where its address says was lost: its data is believed all the same. */
static void data_by_a_random_port_from_where_the_address_says(void **state)
{
	struct rig rig;

	(void)state;
	sequential(&rig);
	echo_test(&rig, 0, 0);
	assert_false(rig_data(&rig, &rig.b, ELSEWHERE, 1));
	assert_true(rig_data(&rig, &rig.b, B_AT, 1));
	assert_true(rig_peer(&rig, &rig.b).trusted);
	rig_end(&rig);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(port_is_kept_or_not),
	cmocka_unit_test(port_is_opened_and_told),
	cmocka_unit_test(random_port_to_random_port),
	cmocka_unit_test(primary_port_is_better),
	cmocka_unit_test(announced_ports),
	cmocka_unit_test(random_ports_are_refreshed),
	cmocka_unit_test(mapping_of_the_peer_changed),
	cmocka_unit_test(ports_are_predicted),
	cmocka_unit_test(prediction_fails),
	cmocka_unit_test(random_ports_are_not_open_to_all),
	cmocka_unit_test(data_by_a_random_port_from_where_the_address_says),
};

PONTO_TEST_MAIN(tests)
