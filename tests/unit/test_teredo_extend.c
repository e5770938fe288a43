/* Extensions: RFC 6081 5. */
#include "tests/unit/teredo_rig.h"

#define SNS TEREDO_FEATURE_SYMMETRIC
#define PP (SNS | TEREDO_FEATURE_PRESERVING)
#define SS (PP | TEREDO_FEATURE_SEQUENTIAL)
#define OTHER ((struct teredo_endpoint){IP4(192, 0, 2, 1), 4098})
#define ELSEWHERE ((struct teredo_endpoint){IP4(192, 0, 2, 10), 9999})

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
	cmocka_unit_test(answers_are_no_larger_than_questions),
};

PONTO_TEST_MAIN(tests)
