/* Extensions: RFC 6081 5. */
#include "tests/unit/teredo_extend_test.h"

static const struct teredo_trailers theirs = {.has_nonce = true, .nonce = 0xa1b2c3d4};

/* ---- 5.2: symmetric NATs ------------------------------------------------------------------ */

static void nonces_of_indirect_bubbles(void **state)
{
	uint32_t seen[1000];
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-267", "TEREDO-269");
	rig_qualified(&rig, SNS, MAPPED);
	for (uint16_t i = 0; i < 1000; i++) {
		struct teredo_ip6 ip =
			rig_address(S2, 0, (struct teredo_endpoint){IP4(192, 0, 2, 10), (uint16_t)(i + 1)});

		rig_pass(&rig, PONTO_MS);
		assert_int_equal(rig_send(&rig, &ip), 0);
		rig_out(&rig);
		assert_false(rig.trailers.has_nonce);
		rig_out(&rig);
		assert_true(rig.trailers.has_nonce);
		assert_int_equal(rig.slot.len, 46);
		seen[i] = rig.trailers.nonce;
		for (uint16_t j = 0; j < i; j++)
			assert_int_not_equal(seen[i], seen[j]);
	}
	rig_end(&rig);
}

static void nonce_is_given_back(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-268", "TEREDO-270");
	rig_qualified(&rig, SNS, MAPPED);
	rig_indirect(&rig, &rig.b, B_AT, &theirs);
	rig_assert_direct(&rig, &rig.b, B_AT);
	assert_true(rig.trailers.has_nonce);
	assert_int_equal(rig.trailers.nonce, 0xa1b2c3d4);
	rig_assert_indirect(&rig, &rig.b, S2); /* we do not know it either */
	assert_true(rig.trailers.has_nonce);
	assert_int_not_equal(rig.trailers.nonce, 0xa1b2c3d4);
	rig_quiet(&rig);
	/* One without takes it back. */
	rig_pass(&rig, 3 * PONTO_SECOND);
	rig_indirect(&rig, &rig.b, B_AT, NULL);
	rig_assert_direct(&rig, &rig.b, B_AT);
	assert_false(rig.trailers.has_nonce);
	rig_end(&rig);
}

/* Sends to B; what comes out is a round, and the nonce of it. */
static uint32_t started(struct rig *rig)
{
	assert_int_equal(rig_send(rig, &rig->b), 0);
	rig_assert_round(rig, &rig->b, B_AT, S2);
	assert_true(rig->trailers.has_nonce);
	return rig->trailers.nonce;
}

static void direct_bubble_from_elsewhere(void **state)
{
	struct teredo_trailers t = {.has_nonce = true};
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-271", "TEREDO-272", "TEREDO-273", "TEREDO-274");
	rig_qualified(&rig, SNS, MAPPED);
	/* A nonce that was never sent. */
	rig_indirect(&rig, &rig.b, B_AT, &theirs);
	rig_out(&rig);
	rig_out(&rig);
	rig_pass(&rig, 3 * PONTO_SECOND);
	rig_bubble(&rig, &rig.b, ELSEWHERE, 0, &t);
	t.nonce = started(&rig) ^ 1;
	rig_bubble(&rig, &rig.b, ELSEWHERE, 0, &t);
	rig_bubble(&rig, &rig.b, ELSEWHERE, 0, NULL);
	assert_false(rig_data(&rig, &rig.b, ELSEWHERE, 0));
	assert_false(rig_peer(&rig, &rig.b).trusted);
	rig_quiet(&rig);
	t.nonce ^= 1;
	rig_bubble(&rig, &rig.b, (struct teredo_endpoint){IP4(10, 0, 0, 9), 53}, 0, &t); /* nor to the inside */
	assert_false(rig_peer(&rig, &rig.b).trusted);
	rig_bubble(&rig, &rig.b, ELSEWHERE, 0, &t);
	rig_out(&rig);
	rig_assert_data(&rig, &rig.b, ELSEWHERE);
	assert_int_equal(rig_send(&rig, &rig.b), 1);
	rig_assert_data(&rig, &rig.b, ELSEWHERE);
	assert_true(rig_data(&rig, &rig.b, ELSEWHERE, 0));
	assert_true(rig_peer(&rig, &rig.b).symmetric);
	/* And from where its address says, always. */
	rig_bubble(&rig, &rig.b, B_AT, 0, NULL);
	assert_int_equal(rig_send(&rig, &rig.b), 1);
	rig_assert_data(&rig, &rig.b, B_AT);
	rig_end(&rig);
}

/* ---- 5.3: UPnP -------------------------------------------------------------------------------- */

/* A client whose NAT keeps a port, at external as it says. */
static void with_upnp(struct rig *rig, int result, struct teredo_endpoint external, struct teredo_endpoint second)
{
	struct teredo_effect effect;

	rig_init(rig, SNS | TEREDO_FEATURE_UPNP | TEREDO_FEATURE_HAIRPIN);
	rig_start(rig);
	rig_quiet(rig);
	effect = rig_effect(rig, TEREDO_EFFECT_MAP);
	assert_int_equal(effect.port, LOCAL.port);
	teredo_client_mapped(rig->c, rig->now, result, &external);
	rig_out(rig);
	rig_answer(rig, MAPPED);
	rig_out(rig);
	rig_answer(rig, second);
	assert_int_equal(rig_status(rig).state, TEREDO_QUALIFIED);
	rig->a = rig_status(rig).address;
	rig_effect(rig, TEREDO_EFFECT_ADDRESS);
}

static void mapping_of_the_nat(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-277", "TEREDO-279");
	with_upnp(&rig, PONTO_EIO, MAPPED, MAPPED);
	assert_false(rig_status(&rig).single_nat);
	rig_end(&rig);
	with_upnp(&rig, PONTO_OK, MAPPED, MAPPED);
	assert_true(rig_status(&rig).single_nat);
	rig_end(&rig);
	with_upnp(&rig, PONTO_OK, (struct teredo_endpoint){IP4(100, 64, 0, 9), 4096}, MAPPED);
	assert_false(rig_status(&rig).single_nat);
	teredo_client_stop(rig.c);
	rig_effect(&rig, TEREDO_EFFECT_ADDRESS);
	assert_int_equal(rig_effect(&rig, TEREDO_EFFECT_UNMAP).port, LOCAL.port);
	rig_end(&rig);
	/* A NAT that says nothing is not waited for. */
	rig_init(&rig, SNS | TEREDO_FEATURE_UPNP);
	rig_start(&rig);
	rig_quiet(&rig);
	rig_due(&rig);
	rig_assert_solicitation(&rig, S1, false);
	rig_end(&rig);
}

/* Four conditions, of which every one is needed. */
static void embedded_endpoint_of_symmetric_peers(void **state)
{
	(void)state;
	PONTO_PROVES("TEREDO-280", "TEREDO-281");
	for (unsigned i = 0; i < 16; i++) {
		bool symmetric = i & 1, upnp = i & 2, single = i & 4, peer = i & 8;
		struct teredo_endpoint at = peer ? ELSEWHERE : B_AT;
		struct teredo_trailers t = {.has_nonce = true};
		struct rig rig;

		with_upnp(&rig, upnp ? PONTO_OK : PONTO_EIO,
			  single ? MAPPED : (struct teredo_endpoint){IP4(100, 64, 0, 9), 4096},
			  symmetric ? OTHER : MAPPED);
		assert_int_equal(rig_send(&rig, &rig.b), 0);
		rig_assert_round(&rig, &rig.b, B_AT, S2);
		t.nonce = rig.trailers.nonce;
		rig_bubble(&rig, &rig.b, at, 0, &t);
		assert_int_equal(rig_peer(&rig, &rig.b).symmetric, peer);
		rig_out(&rig);
		rig_assert_data(&rig, &rig.b, symmetric && upnp && single && peer ? B_AT : at);
		assert_int_equal(rig_send(&rig, &rig.b), 1);
		rig_assert_data(&rig, &rig.b, symmetric && upnp && single && peer ? B_AT : at);
		rig_pass(&rig, 3 * PONTO_SECOND);
		rig_indirect(&rig, &rig.b, B_AT, &theirs);
		rig_assert_direct(&rig, &rig.b, symmetric && upnp && single && peer ? B_AT : at);
		rig_end(&rig);
	}
}

/* ---- 5.6: hairpinning --------------------------------------------------------------------------- */

static void alternates_are_told(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-264", "TEREDO-295");
	with_upnp(&rig, PONTO_OK, (struct teredo_endpoint){IP4(100, 64, 0, 9), 4096}, MAPPED);
	assert_int_equal(rig_send(&rig, &rig.b), 0);
	rig_assert_direct(&rig, &rig.b, B_AT);
	assert_int_equal(rig.trailers.alternate_count, 0);
	rig_assert_indirect(&rig, &rig.b, S2);
	assert_true(rig.trailers.has_nonce);
	assert_int_equal(rig.trailers.alternate_count, 2);
	assert_true(teredo_endpoint_equal(&rig.trailers.alternates[0], &LOCAL));
	assert_int_equal(rig.trailers.alternates[1].ip, IP4(100, 64, 0, 9));
	rig_end(&rig);
	/* With one NAT there is one of them. */
	rig_qualified(&rig, TEREDO_FEATURE_HAIRPIN, MAPPED);
	assert_int_equal(rig_send(&rig, &rig.b), 0);
	rig_out(&rig);
	rig_assert_indirect(&rig, &rig.b, S2);
	assert_int_equal(rig.trailers.alternate_count, 1);
	rig_end(&rig);
}

static const struct teredo_trailers lists = {.has_nonce = true,
					     .nonce = 7,
					     .alternate_count = 2,
					     .alternates = {{IP4(10, 0, 0, 7), 4096}, {IP4(100, 64, 0, 7), 4096}}};

static void alternates_are_tried(void **state)
{
	struct teredo_endpoint beside = {IP4(192, 0, 2, 1), 5000};
	struct teredo_ip6 near = rig_address(S2, 0, beside);
	struct teredo_trailers t = {.has_nonce = true};
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-296", "TEREDO-297");
	rig_qualified(&rig, SNS | TEREDO_FEATURE_HAIRPIN, MAPPED);
	rig_indirect(&rig, &near, beside, &lists);
	rig_assert_direct(&rig, &near, beside);
	assert_int_equal(rig.trailers.nonce, 7);
	for (int i = 0; i < 2; i++) {
		rig_assert_direct(&rig, &near, lists.alternates[i]);
		assert_true(rig.trailers.has_nonce);
		assert_int_equal(rig.trailers.nonce, 7);
	}
	rig_assert_indirect(&rig, &near, S2);
	t.nonce = rig.trailers.nonce;
	rig_quiet(&rig);
	/* It comes back with our nonce, from inside. */
	rig_bubble(&rig, &near, lists.alternates[0], 0, &t);
	assert_int_equal(rig_send(&rig, &near), 1);
	rig_assert_data(&rig, &near, lists.alternates[0]);
	rig_end(&rig);
}

static void alternates_that_are_not(void **state)
{
	static const char *const bad[] = {N19, N20, N21, N22};
	struct teredo_ip6 near = rig_address(S2, 0, (struct teredo_endpoint){IP4(192, 0, 2, 1), 5000});
	struct teredo_trailers loop = {.has_nonce = true,
				       .nonce = 7,
				       .alternate_count = 2,
				       .alternates = {{IP4(127, 0, 0, 1), 4096}, {IP4(10, 0, 0, 255), 4096}}};
	struct rig rig;

	(void)state;
	rig_qualified(&rig, TEREDO_FEATURE_HAIRPIN, MAPPED);
	/* Of a peer behind another NAT. */
	rig_indirect(&rig, &rig.b, B_AT, &lists);
	rig_assert_direct(&rig, &rig.b, B_AT);
	rig_quiet(&rig);
	rig_indirect(&rig, &near, (struct teredo_endpoint){IP4(192, 0, 2, 1), 5000}, &loop);
	rig_out(&rig);
	rig_quiet(&rig);
	rig_pass(&rig, 3 * PONTO_SECOND);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		struct ponto_writer w = ponto_writer(rig.input, sizeof(rig.input));
		size_t len;
		uint8_t *data = ponto_test_hex(bad[i], &len);

		teredo_write_origin(&w, &B_AT);
		teredo_write_bubble(&w, &rig.b, &rig.a, 255);
		ponto_write_copy(&w, data + 40, len - 40);
		rig_in(&rig, (struct teredo_endpoint){S1, TEREDO_PORT}, 0, rig.input, (size_t)w.pos);
		rig_quiet(&rig);
		free(data);
	}
	rig_end(&rig);
}

/* ---- 5.7: server load reduction ---------------------------------------------------------------------- */

static void silent_peer_is_solicited(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-298", "TEREDO-299");
	rig_qualified(&rig, TEREDO_FEATURE_SOLICIT, MAPPED);
	rig_bubble(&rig, &rig.b, B_AT, 0, NULL);
	rig_due(&rig);
	rig_out(&rig);
	rig_answer(&rig, MAPPED);
	rig_pass(&rig, 31 * PONTO_SECOND - (rig.now - rig_peer(&rig, &rig.b).received));
	while (teredo_client_output(rig.c, &rig.slot))
		;
	assert_int_equal(rig_send(&rig, &rig.b), 0);
	for (int i = 0; i < 3; i++) {
		rig_assert_direct(&rig, &rig.b, B_AT);
		assert_int_equal(rig.trailers.discovery, TEREDO_DISCOVERY_SOLICITATION);
		if (i == 2)
			break;
		rig_pass(&rig, 2 * PONTO_SECOND - 1);
		rig_quiet(&rig);
		rig_pass(&rig, 1);
	}
	rig_assert_indirect(&rig, &rig.b, S2);
	rig_quiet(&rig);
	rig_pass(&rig, 2 * PONTO_SECOND);
	rig_assert_round(&rig, &rig.b, B_AT, S2);
	rig_end(&rig);
}

static void solicitation_is_answered(void **state)
{
	struct teredo_trailers t = {.discovery = TEREDO_DISCOVERY_SOLICITATION};
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-300");
	rig_qualified(&rig, TEREDO_FEATURE_SOLICIT, MAPPED);
	rig_bubble(&rig, &rig.b, B_AT, 0, &t);
	rig_assert_direct(&rig, &rig.b, B_AT);
	assert_int_equal(rig.trailers.discovery, TEREDO_DISCOVERY_ADVERTISEMENT);
	rig_quiet(&rig);
	/* Once in two seconds, and not to whom we do not know. */
	rig_bubble(&rig, &rig.b, B_AT, 0, &t);
	rig_quiet(&rig);
	rig_pass(&rig, 2 * PONTO_SECOND);
	rig_bubble(&rig, &rig.b, ELSEWHERE, 0, &t);
	rig_quiet(&rig);
	rig_bubble(&rig, &rig.b, B_AT, 0, &t);
	rig_out(&rig);
	rig_end(&rig);
	/* And an answer to ours releases what waits. */
	rig_qualified(&rig, TEREDO_FEATURE_SOLICIT, MAPPED);
	rig_bubble(&rig, &rig.b, B_AT, 0, NULL);
	rig_pass(&rig, 31 * PONTO_SECOND);
	while (teredo_client_output(rig.c, &rig.slot))
		;
	assert_int_equal(rig_send(&rig, &rig.b), 0);
	rig_out(&rig);
	t.discovery = TEREDO_DISCOVERY_ADVERTISEMENT;
	rig_bubble(&rig, &rig.b, B_AT, 0, &t);
	rig_out(&rig);
	rig_assert_data(&rig, &rig.b, B_AT);
	rig_end(&rig);
}

/* ---- 5.5: NATs that count ------------------------------------------------------------------------------------ */

/* Nobody has us send two bubbles to one address, or larger ones than came. */
static void answers_are_no_larger_than_questions(void **state)
{
	struct teredo_trailers bare = {.has_nonce = true, .nonce = 1}, full = bare;
	struct teredo_ip6 itself = rig_address(B_AT.ip, 0, B_AT);
	struct rig rig;

	(void)state;
	full.alternate_count = 1;
	full.alternates[0] = ELSEWHERE;
	rig_qualified(&rig, TEREDO_FEATURE_DEFAULT, MAPPED);
	/* No nonce: it gives none back. */
	rig_indirect(&rig, &rig.b, B_AT, NULL);
	rig_assert_direct(&rig, &rig.b, B_AT);
	rig_quiet(&rig);
	rig_pass(&rig, 3 * PONTO_SECOND);
	while (teredo_client_output(rig.c, &rig.slot))
		;
	rig_indirect(&rig, &rig.b, B_AT, &bare);
	rig_assert_round(&rig, &rig.b, B_AT, S2);
	assert_int_equal(rig.trailers.alternate_count, 0);
	rig_pass(&rig, 3 * PONTO_SECOND);
	while (teredo_client_output(rig.c, &rig.slot))
		;
	rig_indirect(&rig, &rig.b, B_AT, &full);
	rig_assert_round(&rig, &rig.b, B_AT, S2);
	assert_int_equal(rig.trailers.alternate_count, 1);
	/* It names itself as its server. */
	rig_indirect(&rig, &itself, B_AT, &full);
	rig_assert_direct(&rig, &itself, B_AT);
	rig_quiet(&rig);
	rig_end(&rig);
}

static void opened_all(struct rig *rig, unsigned *open)
{
	struct teredo_effect effect;

	while (teredo_client_effect(rig->c, &effect)) {
		if (effect.kind == TEREDO_EFFECT_OPEN) {
			++*open;
			teredo_client_opened(rig->c, rig->now, effect.via, PONTO_OK);
		} else if (effect.kind == TEREDO_EFFECT_CLOSE) {
			--*open;
		}
	}
	while (teredo_client_output(rig->c, &rig->slot))
		;
}

/* Strangers may have all of them, but not for long; a peer that is given up has none. */
static void ports_are_not_taken_for_good(void **state)
{
	unsigned open = 0;
	struct rig rig;

	(void)state;
	rig_qualified(&rig, PP, OTHER);
	for (uint16_t i = 1; i <= 45; i++) {
		struct teredo_endpoint at = {IP4(198, 51, 100, 9), i};
		struct teredo_ip6 ip = rig_address(S2, 0, at);

		rig_indirect(&rig, &ip, at, &theirs);
		opened_all(&rig, &open);
	}
	assert_int_equal(open, TEREDO_PORTS_MAX);
	assert_int_equal(rig_send(&rig, &rig.b), 0);
	opened_all(&rig, &open);
	assert_int_equal(rig_peer(&rig, &rig.b).via, 0);
	rig_pass(&rig, 2 * PONTO_SECOND);
	assert_int_equal(rig_peer(&rig, &rig.b).via, 0);
	rig_pass(&rig, 8 * PONTO_SECOND);
	opened_all(&rig, &open);
	rig.b.bytes[9] ^= 1;
	assert_int_equal(rig_send(&rig, &rig.b), 0);
	opened_all(&rig, &open);
	assert_int_not_equal(rig_peer(&rig, &rig.b).via, 0);
	assert_int_equal(open, TEREDO_PORTS_MAX);
	rig_pass(&rig, 9 * PONTO_SECOND);
	opened_all(&rig, &open);
	assert_int_equal(rig_peer(&rig, &rig.b).via, 0);
	assert_int_equal(open, TEREDO_PORTS_MAX - 1);
	rig_end(&rig);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(ports_are_not_taken_for_good),
	cmocka_unit_test(nonces_of_indirect_bubbles),
	cmocka_unit_test(nonce_is_given_back),
	cmocka_unit_test(direct_bubble_from_elsewhere),
	cmocka_unit_test(mapping_of_the_nat),
	cmocka_unit_test(embedded_endpoint_of_symmetric_peers),
	cmocka_unit_test(alternates_are_told),
	cmocka_unit_test(alternates_are_tried),
	cmocka_unit_test(alternates_that_are_not),
	cmocka_unit_test(silent_peer_is_solicited),
	cmocka_unit_test(solicitation_is_answered),
	cmocka_unit_test(answers_are_no_larger_than_questions),
};

PONTO_TEST_MAIN(tests)
