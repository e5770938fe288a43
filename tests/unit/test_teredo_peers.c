/* The client and its peers: RFC 4380 5.2.3, 5.2.4, 5.2.6, 5.2.8, 5.2.9. */
#include "tests/unit/teredo_peers_test.h"

/* ---- finding a peer --------------------------------------------------------------------------- */

static void bubbles_come_before_data(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-127", "TEREDO-128", "TEREDO-129", "TEREDO-157");
	qualified(&rig);
	assert_int_equal(rig_send(&rig, &rig.b), 0);
	rig_assert_round(&rig, &rig.b, B_AT, S2);
	rig_quiet(&rig);
	rig_bubble(&rig, &rig.b, B_AT, 0, NULL);
	rig_out(&rig);
	rig_assert_data(&rig, &rig.b, B_AT);
	rig_quiet(&rig);
	rig_end(&rig);
}

/* The same as the vectors, when their flags and hop limits are ours. */
static void bubbles_are_those_of_the_vectors(void **state)
{
	struct rig rig;
	size_t len;
	uint8_t *wanted = ponto_test_hex(P10, &len);

	(void)state;
	PONTO_PROVES("TEREDO-022", "TEREDO-159");
	qualified(&rig);
	assert_int_equal(rig_send(&rig, &rig.b), 0);
	memcpy(wanted + 8, rig.a.bytes, 16);
	for (int i = 0; i < 2; i++) {
		rig_out(&rig);
		assert_int_equal(rig.slot.len, len);
		assert_memory_equal(rig.slot.data, wanted, len);
	}
	free(wanted);
	rig_end(&rig);
}

static void behind_a_cone_nothing_is_opened(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, TEREDO_FEATURE_CONE_PROBE);
	rig_start(&rig);
	rig_out(&rig);
	rig_answer(&rig, MAPPED);
	rig.a = rig_status(&rig).address;
	assert_int_equal(rig_send(&rig, &rig.b), 0);
	rig_assert_indirect(&rig, &rig.b, S2);
	rig_quiet(&rig);
	rig_end(&rig);
}

static void silent_peer(void **state)
{
	struct teredo_effect effect;
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-130", "TEREDO-160", "TEREDO-161", "TEREDO-162");
	qualified(&rig);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(rig_send(&rig, &rig.b), 0);
		rig_assert_round(&rig, &rig.b, B_AT, S2);
		assert_int_equal(rig_send(&rig, &rig.b), 0);
		rig_pass(&rig, 2 * PONTO_SECOND - 1);
		rig_quiet(&rig);
		rig_pass(&rig, 1);
	}
	rig_quiet(&rig);
	effect = rig_effect(&rig, TEREDO_EFFECT_UNREACHABLE);
	assert_true(teredo_ip6_equal(&effect.peer, &rig.b));
	assert_int_equal(rig_status(&rig).queued, 0);
	/* No more until the 300 seconds are over. */
	for (int i = 0; i < 291; i++) {
		assert_int_equal(rig_send(&rig, &rig.b), PONTO_EUNREACH);
		rig_pass(&rig, PONTO_SECOND);
		while (teredo_client_output(rig.c, &rig.slot)) {
			assert_ok(teredo_decode(ponto_bytes(rig.slot.data, rig.slot.len), &rig.packet));
			assert_int_equal(rig.packet.next_header,
					 TEREDO_NEXT_ICMP); /* the server's silence is another matter */
			rig_answer(&rig, MAPPED);
		}
	}
	rig_pass(&rig, PONTO_SECOND);
	assert_int_equal(rig_send(&rig, &rig.b), 0);
	rig_assert_round(&rig, &rig.b, B_AT, S2);
	rig_end(&rig);
}

static void entry_of_a_bubble(void **state)
{
	struct teredo_peer_info info;
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-158", "TEREDO-163", "TEREDO-164");
	qualified(&rig);
	assert_int_equal(rig_send(&rig, &rig.b), 0);
	info = rig_peer(&rig, &rig.b);
	assert_false(info.trusted);
	assert_int_equal(info.received, rig.now - 30 * PONTO_SECOND);
	assert_int_equal(info.transmitted, rig.now);
	assert_int_equal(info.bubbles, 1);
	rig_pass(&rig, 4 * PONTO_SECOND);
	info = rig_peer(&rig, &rig.b);
	assert_int_equal(info.bubbles, 3);
	assert_int_equal(info.transmitted, rig.now);
	rig_bubble(&rig, &rig.b, B_AT, 0, NULL);
	assert_int_equal(rig_peer(&rig, &rig.b).bubbles, 0);
	rig_end(&rig);
}

static void data_releases_too(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-101", "TEREDO-131");
	qualified(&rig);
	assert_int_equal(rig_send(&rig, &rig.b), 0);
	assert_int_equal(rig_send(&rig, &rig.b), 0);
	rig_assert_round(&rig, &rig.b, B_AT, S2);
	assert_true(rig_data(&rig, &rig.b, B_AT, 0));
	for (int i = 0; i < 2; i++) {
		rig_out(&rig);
		rig_assert_data(&rig, &rig.b, B_AT);
	}
	rig_quiet(&rig);
	rig_end(&rig);
}

static void where_nothing_may_be_sent(void **state)
{
	static const char *const bad[] = {
		"20010000cb0071780000effff5fffffe", /* A13: 10.0.0.1 */
		"20010000cb0071780000efff1fffff02", /* A14: 224.0.0.253 */
		"20010000cb0071780000efff00000000", /* A15: 255.255.255.255 */
		"20010000000000000000efff3ffffdfe", /* A12: server 0.0.0.0 */
		"20010000cb0071780000ffff3ffffdfe", /* A16: port 0 */
		"fe800000000000000000000000000001", "ff0e0000000000000000000000000001",
		"00000000000000000000000000000001",
	};
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-132", "TEREDO-145", "TEREDO-146");
	qualified(&rig);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		struct teredo_ip6 ip;

		assert_ok(ponto_unhex(bad[i], ip.bytes, 16));
		assert_int_equal(rig_send(&rig, &ip), PONTO_EUNREACH);
		assert_false(rig_has_peer(&rig, &ip));
	}
	assert_int_equal(rig_send(&rig, &rig.a), PONTO_EUNREACH);
	rig_quiet(&rig);
	rig_end(&rig);
}

static void cone_bit_of_peers(void **state)
{
	struct teredo_ip6 cone = rig_address(S2, TEREDO_CONE, B_AT);
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-125", "TEREDO-126");
	qualified(&rig);
	assert_int_equal(rig_send(&rig, &cone), 0);
	rig_assert_round(&rig, &cone, B_AT, S2);
	rig_end(&rig);
	rig_qualified(&rig, TEREDO_FEATURE_CONE_TRUST, MAPPED);
	assert_int_equal(rig_send(&rig, &cone), 1);
	rig_assert_data(&rig, &cone, B_AT);
	rig_end(&rig);
}

static void flags_do_not_matter(void **state)
{
	static const uint16_t flags[] = {0, 0x3cff, 0x2481, 0x0300, 0x4000};
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-012", "TEREDO-013");
	qualified(&rig);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(flags); i++) {
		struct teredo_ip6 ip = rig_address(S2, flags[i], B_AT);

		assert_int_equal(rig_send(&rig, &ip), 0);
		rig_assert_round(&rig, &ip, B_AT, S2);
		rig_bubble(&rig, &ip, B_AT, 0, NULL);
		rig_out(&rig);
		rig_assert_data(&rig, &ip, B_AT);
		assert_true(rig_data(&rig, &ip, B_AT, 0));
	}
	assert_int_equal(rig_status(&rig).peers, PONTO_ARRAY_SIZE(flags)); /* each its own entry */
	rig_end(&rig);
}

/* ---- who is believed ------------------------------------------------------------------------------ */

static void embedded_mapping_is_trusted(void **state)
{
	struct teredo_peer_info info;
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-097", "TEREDO-098", "TEREDO-099", "TEREDO-116");
	qualified(&rig);
	rig_bubble(&rig, &rig.b, B_AT, 0, NULL);
	info = rig_peer(&rig, &rig.b);
	assert_true(info.trusted);
	assert_true(teredo_endpoint_equal(&info.endpoint, &B_AT));
	assert_int_equal(info.transmitted, rig.now - 30 * PONTO_SECOND);
	assert_int_equal(info.bubbles, 0);
	assert_int_equal(rig_send(&rig, &rig.b), 1);
	rig_assert_data(&rig, &rig.b, B_AT);
	rig_end(&rig);
}

static void bubbles_end_here_data_does_not(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-091", "TEREDO-092", "TEREDO-100", "TEREDO-117");
	qualified(&rig);
	rig_bubble(&rig, &rig.b, B_AT, 0, NULL);
	assert_true(rig_data(&rig, &rig.b, B_AT, 0));
	rig_pass(&rig, 5 * PONTO_SECOND);
	assert_true(rig_data(&rig, &rig.b, B_AT, 0));
	assert_int_equal(rig_peer(&rig, &rig.b).received, rig.now);
	assert_false(rig_data(&rig, &rig.b, ELSEWHERE, 0));
	rig_pass(&rig, PONTO_SECOND);
	assert_int_equal(rig_send(&rig, &rig.b), 1);
	assert_int_equal(rig_peer(&rig, &rig.b).transmitted, rig.now);
	rig_end(&rig);
}

static void valid_for_thirty_seconds(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-115");
	qualified(&rig);
	rig_bubble(&rig, &rig.b, B_AT, 0, NULL);
	rig_pass(&rig, 20 * PONTO_SECOND);
	assert_int_equal(rig_send(&rig, &rig.b), 1);
	rig_pass(&rig, 11 * PONTO_SECOND);
	while (teredo_client_output(rig.c, &rig.slot))
		;
	assert_int_equal(rig_send(&rig, &rig.b), 0);
	rig_assert_round(&rig, &rig.b, B_AT, S2);
	rig_end(&rig);
}

static void private_mappings_are_not_believed(void **state)
{
	static const uint32_t bad[] = {IP4(10, 9, 9, 9), IP4(127, 0, 0, 1), IP4(224, 0, 0, 5), IP4(192, 88, 99, 1)};
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-102");
	qualified(&rig);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		struct teredo_endpoint at = {bad[i], 5};
		struct teredo_ip6 ip = rig_address(S2, 0, at);

		rig_bubble(&rig, &ip, at, 0, NULL);
		assert_false(rig_data(&rig, &ip, at, 0));
		assert_false(rig_has_peer(&rig, &ip));
		rig_indirect(&rig, &ip, at, NULL);
	}
	rig_quiet(&rig);
	rig_end(&rig);
}

static void malformed_is_dropped(void **state)
{
	static const char *const bad[] = {N01, N02, N03, N04, N05, N06, N07, N08, N09, N10, N11, N15};
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-020", "TEREDO-021", "TEREDO-083");
	qualified(&rig);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		size_t len;
		uint8_t *data = ponto_test_hex(bad[i], &len);

		assert_false(rig_in(&rig, B_AT, 0, data, len));
		free(data);
	}
	assert_int_equal(teredo_client_stats(rig.c)->malformed, PONTO_ARRAY_SIZE(bad));
	assert_int_equal(rig_status(&rig).peers, 0);
	rig_quiet(&rig);
	rig_end(&rig);
}

static void only_for_us(void **state)
{
	struct teredo_ip6 own;
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-085");
	qualified(&rig);
	own = rig.a;
	rig.a.bytes[8] ^= 4; /* a random flag */
	assert_false(rig_data(&rig, &rig.b, B_AT, 0));
	rig_bubble(&rig, &rig.b, B_AT, 0, NULL);
	assert_int_equal(teredo_client_stats(rig.c)->foreign, 2);
	assert_false(rig_has_peer(&rig, &rig.b));
	rig.a = own;
	assert_true(rig_data(&rig, &rig.b, B_AT, 0));
	/* Nor from ourselves. */
	assert_false(rig_data(&rig, &rig.a, MAPPED, 0));
	rig_end(&rig);
}

static void never_delivered(void **state)
{
	struct teredo_ip6 link = {{0xfe, 0x80, [15] = 1}}, group = {{0xff, 0x0e, [15] = 1}};
	struct ponto_writer w;
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-112", "TEREDO-113");
	qualified(&rig);
	assert_false(rig_data(&rig, &link, B_AT, 0));
	assert_false(rig_data(&rig, &group, B_AT, 0));
	rig_quiet(&rig);
	/* From a peer that is believed: a routing header, a fragment, no next header with a payload. */
	rig_bubble(&rig, &rig.b, B_AT, 0, NULL);
	for (int i = 0; i < 3; i++) {
		static const uint8_t next[] = {TEREDO_NEXT_ROUTING, TEREDO_NEXT_FRAGMENT, TEREDO_NEXT_NONE};

		w = ponto_writer(rig.input, sizeof(rig.input));
		teredo_write_ip6(&w, &rig.b, &rig.a, next[i], 64, 24);
		ponto_write_be32(&w, 0x11020001);
		ponto_write_zeros(&w, 20);
		assert_false(rig_in(&rig, B_AT, 0, rig.input, (size_t)w.pos));
	}
	assert_int_equal(teredo_client_stats(rig.c)->fragments, 1);
	rig_quiet(&rig);
	rig_end(&rig);
}

static void trailers_are_not_delivered(void **state)
{
	struct ponto_writer w;
	struct rig rig;

	(void)state;
	qualified(&rig);
	w = ponto_writer(rig.input, sizeof(rig.input));
	teredo_write_udp(&w, &rig.b, &rig.a, 9, &(struct teredo_udp){7, 8, ponto_bytes("x", 1)});
	ponto_patch_be16(&w, 0, 0x6020); /* ECN 2 */
	teredo_write_trailers(&w, &(struct teredo_trailers){.has_nonce = true, .nonce = 5});
	assert_true(rig_in(&rig, B_AT, 0, rig.input, (size_t)w.pos));
	assert_int_equal(rig.delivery.udp.data.len, 1);
	assert_int_equal(rig.delivery.udp.from, 7);
	assert_int_equal(rig.delivery.hop_limit, 9);
	assert_int_equal(rig.delivery.ecn, 2);
	rig_end(&rig);
}

/* ---- through the server ---------------------------------------------------------------------------- */

static void indirect_bubbles_are_answered(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-087", "TEREDO-088");
	qualified(&rig);
	rig_indirect(&rig, &rig.b, B_AT, NULL);
	rig_assert_direct(&rig, &rig.b, B_AT);
	rig_quiet(&rig);
	assert_false(rig_peer(&rig, &rig.b).trusted);
	rig_end(&rig);
}

/* Its peer repeats it after two seconds; on the way one may gain on the other. */
static void repeated_bubbles_are_answered(void **state)
{
	struct rig rig;

	(void)state;
	qualified(&rig);
	rig_indirect(&rig, &rig.b, B_AT, NULL);
	rig_out(&rig);
	rig_pass(&rig, 1700 * PONTO_MS);
	rig_indirect(&rig, &rig.b, B_AT, NULL);
	rig_assert_direct(&rig, &rig.b, B_AT);
	rig_end(&rig);
}

static void sources_of_all_kinds(void **state)
{
	struct teredo_ip6 link, relay;
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-089", "TEREDO-090");
	qualified(&rig);
	assert_ok(ponto_unhex("fe80000000000000b83052f806f1546f", link.bytes, 16));
	assert_ok(ponto_unhex("20010db8000600000000000000000020", relay.bytes, 16));
	rig_indirect(&rig, &link, B_AT, NULL);
	rig_assert_direct(&rig, &link, B_AT);
	rig_indirect(&rig, &relay, RELAY_AT, NULL);
	rig_assert_direct(&rig, &relay, RELAY_AT);
	/* P25: directly, hop limit 0. */
	rig_bubble(&rig, &link, B_AT, 0, NULL);
	rig_assert_direct(&rig, &link, B_AT);
	rig_quiet(&rig);
	assert_int_equal(rig_status(&rig).peers, 0);
	rig_end(&rig);
}

static void origins_must_be_usable(void **state)
{
	static const struct teredo_endpoint bad[] = {
		{IP4(10, 0, 0, 9), 5}, {IP4(224, 0, 0, 1), 5}, {IP4(192, 0, 2, 10), 0}, {UINT32_MAX, 5}};
	struct rig rig;

	(void)state;
	qualified(&rig);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++)
		rig_indirect(&rig, &rig.b, bad[i], NULL);
	rig_quiet(&rig);
	rig_end(&rig);
}

/* A flood gives one packet for one, none larger, so many a second, and no more peers than may be. */
static void floods_are_limited(void **state)
{
	size_t out = 0;
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-111");
	rig_init(&rig, TEREDO_FEATURE_DEFAULT & ~TEREDO_FEATURE_SYMMETRIC & ~TEREDO_FEATURE_PRESERVING &
			       ~TEREDO_FEATURE_SEQUENTIAL);
	rig.config.peers = 16;
	rig_start(&rig);
	rig_out(&rig);
	rig_answer(&rig, MAPPED);
	rig_out(&rig);
	rig_answer(&rig, MAPPED);
	rig.a = rig_status(&rig).address;
	/* Who is spoken to is not put out by them. */
	assert_int_equal(rig_send(&rig, &rig.b), 0);
	rig_assert_round(&rig, &rig.b, B_AT, S2);
	rig_bubble(&rig, &rig.b, B_AT, 0, NULL);
	rig_out(&rig);
	for (uint32_t i = 0; i < 5000; i++) {
		struct teredo_endpoint at = {IP4(198, 51, 100, 1) + (i & 63), (uint16_t)(1 + i)};
		struct teredo_ip6 ip = rig_address(S2, (uint16_t)(i >> 6), at);

		rig_indirect(&rig, &ip, at, NULL);
		while (teredo_client_output(rig.c, &rig.slot)) {
			out++;
			assert_true(rig.slot.len <= 48);
		}
	}
	assert_int_equal(out, rig.config.tests);
	assert_int_equal(rig_status(&rig).peers, 16);
	assert_true(rig_peer(&rig, &rig.b).trusted);
	/* From one of them over and over: once. */
	rig_pass(&rig, PONTO_SECOND);
	out = 0;
	for (int i = 0; i < 100; i++) {
		rig_indirect(&rig, &rig.b, B_AT, NULL);
		while (teredo_client_output(rig.c, &rig.slot))
			out++;
	}
	assert_int_equal(out, 1);
	rig_end(&rig);
}

/* Forged sources are trusted at where they say they are, and yet keep nobody out: neither whom we seek, nor who comes. */
static void forged_sources_displace_each_other(void **state)
{
	struct teredo_endpoint other_at = {IP4(192, 0, 2, 11), 8192};
	struct teredo_ip6 other = rig_address(S2, 0, other_at);
	struct rig rig;

	(void)state;
	rig_init(&rig, BASE);
	rig.config.peers = 16;
	rig_start(&rig);
	rig_out(&rig);
	rig_answer(&rig, MAPPED);
	rig_out(&rig);
	rig_answer(&rig, MAPPED);
	rig.a = rig_status(&rig).address;
	for (uint32_t i = 0; i < 2000; i++) {
		struct teredo_endpoint at = {IP4(198, 51, 100, 1) + (i & 63), (uint16_t)(1 + i)};
		struct teredo_ip6 ip = rig_address(S2, (uint16_t)(i >> 6), at);

		if (i == 1000)
			assert_int_equal(rig_send(&rig, &rig.b), 0);
		rig_bubble(&rig, &ip, at, 0, NULL);
	}
	assert_int_equal(rig_status(&rig).peers, 16);
	assert_int_equal(rig_status(&rig).trusted, 15);
	assert_true(rig_has_peer(&rig, &rig.b));
	rig_assert_round(&rig, &rig.b, B_AT, S2);
	rig_bubble(&rig, &rig.b, B_AT, 0, NULL);
	rig_out(&rig);
	rig_assert_data(&rig, &rig.b, B_AT);
	rig_bubble(&rig, &other, other_at, 0, NULL);
	assert_true(rig_has_peer(&rig, &other));
	assert_true(rig_data(&rig, &other, other_at, 0));
	rig_end(&rig);
}

/* A flood that uses up what strangers may cause leaves a share to all, also to those who try again after whole seconds. */
static void limits_do_not_beat_time(void **state)
{
	unsigned answered = 0;
	struct rig rig;

	(void)state;
	qualified(&rig);
	for (uint32_t i = 0; i < 4000; i++) {
		struct teredo_endpoint at = {IP4(198, 51, 100, 1) + (i & 63), (uint16_t)(1 + i)};
		struct teredo_ip6 ip = rig_address(S2, (uint16_t)(i >> 6), at);

		/* 200 a second; each 399th is the honest one, about two seconds apart and late in them. */
		rig_pass(&rig, 5 * PONTO_MS);
		if (i % 399 == 398)
			rig_indirect(&rig, &rig.b, B_AT, NULL);
		else
			rig_indirect(&rig, &ip, at, NULL);
		while (teredo_client_output(rig.c, &rig.slot))
			answered += i % 399 == 398;
	}
	assert_true(answered > 0);
	rig_end(&rig);
}

/* Nor does a flood that comes directly keep out who comes by the server. */
static void direct_floods_do_not_limit_relayed_bubbles(void **state)
{
	struct teredo_ip6 from;
	struct rig rig;

	(void)state;
	qualified(&rig);
	teredo_link_local(0, &RELAY_AT, &from);
	for (uint32_t i = 0; i < 1000; i++) {
		rig_bubble(&rig, &from, RELAY_AT, 0, NULL);
		while (teredo_client_output(rig.c, &rig.slot))
			;
	}
	rig_indirect(&rig, &rig.b, B_AT, NULL);
	rig_assert_direct(&rig, &rig.b, B_AT);
	rig_end(&rig);
}

static void least_recently_used_goes_first(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-035");
	rig_init(&rig, BASE);
	rig.config.peers = 16;
	rig_start(&rig);
	rig_out(&rig);
	rig_answer(&rig, MAPPED);
	rig_out(&rig);
	rig_answer(&rig, MAPPED);
	rig.a = rig_status(&rig).address;
	for (uint16_t i = 1; i <= 40; i++) {
		struct teredo_endpoint at = {IP4(192, 0, 2, 10), i};
		struct teredo_ip6 ip = rig_address(S2, 0, at);

		assert_int_equal(rig_send(&rig, &ip), 0);
		rig_bubble(&rig, &ip, at, 0, NULL);
	}
	assert_int_equal(rig_status(&rig).peers, 16);
	for (uint16_t i = 1; i <= 40; i++) {
		struct teredo_ip6 ip = rig_address(S2, 0, (struct teredo_endpoint){IP4(192, 0, 2, 10), i});

		assert_int_equal(rig_has_peer(&rig, &ip), i > 24);
	}
	rig_end(&rig);
}

static void queues_are_bounded(void **state)
{
	struct teredo_udp udp = {1, 2, {0}};
	uint8_t data[TEREDO_UDP_MAX + 1] = {0};
	int queued = 0;
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-025");
	qualified(&rig);
	udp.data = ponto_bytes(data, TEREDO_UDP_MAX + 1);
	assert_int_equal(teredo_client_send(rig.c, rig.now, &rig.b, &udp, 0, 0, &rig.slot), PONTO_ELIMIT);
	udp.data.len = TEREDO_UDP_MAX;
	while (teredo_client_send(rig.c, rig.now, &rig.b, &udp, 0, 0, &rig.slot) == 0)
		queued++;
	assert_int_equal(queued, 8);
	assert_int_equal(teredo_client_send(rig.c, rig.now, &rig.b, &udp, 0, 0, &rig.slot), PONTO_EBUSY);
	rig_bubble(&rig, &rig.b, B_AT, 0, NULL);
	rig_out(&rig);
	rig_out(&rig);
	while (queued-- > 0) {
		rig_out(&rig);
		assert_int_equal(rig.slot.len, TEREDO_MTU);
	}
	assert_int_equal(teredo_client_send(rig.c, rig.now, &rig.b, &udp, 0, 0, &rig.slot), 1);
	rig_end(&rig);
	/* And all of them together. */
	qualified(&rig);
	queued = 0;
	for (uint16_t i = 1; i <= 100; i++) {
		struct teredo_ip6 ip = rig_address(S2, 0, (struct teredo_endpoint){IP4(192, 0, 2, 10), i});

		while (teredo_client_send(rig.c, rig.now, &ip, &udp, 0, 0, &rig.slot) == 0)
			queued++;
	}
	assert_int_equal(queued, 256);
	rig_end(&rig);
}

/* ---- memory --------------------------------------------------------------------------------------------------- */

static int oom_run(const struct ponto_alloc *alloc, void *arg)
{
	struct teredo_udp udp = {1, 2, ponto_bytes("x", 1)};
	struct rig *rig = arg;
	struct teredo_slot slot;
	int result;

	rig_init(rig, TEREDO_FEATURE_DEFAULT);
	rig->config.alloc = alloc;
	result = teredo_client_create(&rig->config, &rig->c);
	if (result != PONTO_OK)
		return result;
	teredo_client_local(rig->c, rig->now, &LOCAL, NULL, 0);
	for (int i = 0; i < 2; i++) {
		/* A solicitation for which there was no memory is asked again. */
		while (!teredo_client_output(rig->c, &rig->slot))
			rig_due(rig);
		assert_ok(teredo_decode(ponto_bytes(rig->slot.data, rig->slot.len), &rig->packet));
		rig_answer(rig, MAPPED);
	}
	rig->a = rig_status(rig).address;
	result = teredo_client_send(rig->c, rig->now, &rig->b, &udp, 0, 0, &slot);
	if (result >= 0) {
		rig_bubble(rig, &rig->b, B_AT, 0, NULL);
		result =
			teredo_client_send(rig->c, rig->now, &rig->b, &udp, 0, 0, &slot) == 1 ? PONTO_OK : PONTO_ENOMEM;
	}
	teredo_client_destroy(rig->c);
	return result;
}

static void memory_runs_out(void **state)
{
	struct rig rig;

	(void)state;
	ponto_test_oom(oom_run, &rig, true);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(bubbles_come_before_data),
	cmocka_unit_test(bubbles_are_those_of_the_vectors),
	cmocka_unit_test(behind_a_cone_nothing_is_opened),
	cmocka_unit_test(silent_peer),
	cmocka_unit_test(entry_of_a_bubble),
	cmocka_unit_test(data_releases_too),
	cmocka_unit_test(where_nothing_may_be_sent),
	cmocka_unit_test(cone_bit_of_peers),
	cmocka_unit_test(flags_do_not_matter),
	cmocka_unit_test(embedded_mapping_is_trusted),
	cmocka_unit_test(bubbles_end_here_data_does_not),
	cmocka_unit_test(valid_for_thirty_seconds),
	cmocka_unit_test(private_mappings_are_not_believed),
	cmocka_unit_test(malformed_is_dropped),
	cmocka_unit_test(only_for_us),
	cmocka_unit_test(never_delivered),
	cmocka_unit_test(trailers_are_not_delivered),
	cmocka_unit_test(indirect_bubbles_are_answered),
	cmocka_unit_test(repeated_bubbles_are_answered),
	cmocka_unit_test(sources_of_all_kinds),
	cmocka_unit_test(origins_must_be_usable),
	cmocka_unit_test(floods_are_limited),
	cmocka_unit_test(forged_sources_displace_each_other),
	cmocka_unit_test(limits_do_not_beat_time),
	cmocka_unit_test(direct_floods_do_not_limit_relayed_bubbles),
	cmocka_unit_test(least_recently_used_goes_first),
	cmocka_unit_test(queues_are_bounded),
	cmocka_unit_test(memory_runs_out),
};

PONTO_TEST_MAIN(tests)
