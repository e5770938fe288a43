/* The client gets its address and keeps it: RFC 4380 5.2.1, 5.2.2, 5.2.5; RFC 5991; RFC 6081 5.1.1. */
#include "tests/unit/teredo_rig.h"

#define BASE 0u /* no extension */
#define OTHER ((struct teredo_endpoint){IP4(192, 0, 2, 1), 4098})

static void becomes_qualified(void **state)
{
	struct teredo_address parts;
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-001", "TEREDO-057", "TEREDO-060", "TEREDO-064");
	rig_init(&rig, BASE);
	rig_start(&rig);
	assert_int_equal(rig_status(&rig).state, TEREDO_STARTING);
	rig_assert_solicitation(&rig, S1, false);
	rig_answer(&rig, MAPPED);
	assert_false(rig_status(&rig).has_address);
	rig_assert_solicitation(&rig, S1B, false);
	rig_answer(&rig, MAPPED);
	assert_int_equal(rig_status(&rig).state, TEREDO_QUALIFIED);
	assert_int_equal(rig_status(&rig).nat, TEREDO_NAT_RESTRICTED);
	teredo_address_split(&(struct teredo_ip6){0}, &parts);
	teredo_address_split((struct teredo_ip6[]){rig_status(&rig).address}, &parts);
	assert_int_equal(parts.server, S1);
	assert_true(teredo_endpoint_equal(&parts.mapped, &MAPPED));
	assert_int_equal(parts.flags & ~TEREDO_RANDOM, 0);
	rig_effect(&rig, TEREDO_EFFECT_ADDRESS);
	rig_no_effect(&rig);
	rig_end(&rig);
}

static void first_is_a_solicitation(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-034", "TEREDO-040", "TEREDO-041", "TEREDO-042");
	rig_init(&rig, BASE);
	assert_ok(teredo_client_create(&rig.config, &rig.c));
	assert_int_equal(rig_status(&rig).state, TEREDO_INITIAL);
	assert_int_equal(rig_send(&rig, &rig.b), PONTO_EUNREACH);
	rig_quiet(&rig);
	teredo_client_local(rig.c, rig.now, &LOCAL, NULL, 0);
	assert_int_equal(rig_status(&rig).state, TEREDO_STARTING);
	assert_int_equal(rig_send(&rig, &rig.b), PONTO_EUNREACH);
	rig_assert_solicitation(&rig, S1, false);
	rig_quiet(&rig);
	rig_end(&rig);
}

static void what_a_solicitation_is(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-043", "TEREDO-044", "TEREDO-048", "TEREDO-073");
	rig_init(&rig, BASE);
	rig_start(&rig);
	rig_assert_solicitation(&rig, S1, false);
	assert_int_equal(rig.slot.via, TEREDO_VIA_SERVICE);
	assert_int_equal(rig.packet.hop_limit, 255);
	assert_true(rig.packet.has_auth);
	assert_int_equal(rig.packet.auth.id.len + rig.packet.auth.value.len, 0);
	assert_int_equal(rig.packet.auth.confirmation, 0);
	assert_int_equal(rig.slot.len, 61); /* P02 but for the nonce */
	rig_end(&rig);
}

static void silence_ends_in_offline(void **state)
{
	struct rig rig;
	uint64_t wait;

	(void)state;
	PONTO_PROVES("TEREDO-045", "TEREDO-046", "TEREDO-049", "TEREDO-067");
	rig_init(&rig, BASE);
	rig_start(&rig);
	for (int i = 0; i < 3; i++) {
		rig_assert_solicitation(&rig, S1, false);
		rig_pass(&rig, 4 * PONTO_SECOND - 1);
		assert_int_equal(rig_status(&rig).state, TEREDO_STARTING);
		rig_quiet(&rig);
		rig_pass(&rig, 1);
	}
	rig_quiet(&rig);
	assert_int_equal(rig_status(&rig).state, TEREDO_OFFLINE);
	/* Again after a while, and each time a longer one. */
	wait = rig_due(&rig);
	assert_true(wait >= 7500 * PONTO_MS && wait <= 10 * PONTO_SECOND);
	assert_int_equal(rig_status(&rig).state, TEREDO_STARTING);
	rig_assert_solicitation(&rig, S1, false);
	rig_pass(&rig, 12 * PONTO_SECOND);
	rig_out(&rig);
	rig_out(&rig);
	assert_int_equal(rig_status(&rig).state, TEREDO_OFFLINE);
	wait = rig_due(&rig);
	assert_true(wait >= 15 * PONTO_SECOND && wait <= 20 * PONTO_SECOND);
	rig_assert_solicitation(&rig, S1, false);
	rig_answer(&rig, MAPPED);
	rig_out(&rig);
	rig_answer(&rig, MAPPED);
	assert_int_equal(rig_status(&rig).state, TEREDO_QUALIFIED);
	rig_end(&rig);
}

static void cone_phase_when_asked_for(void **state)
{
	struct rig rig;
	struct teredo_auth auth;
	size_t len;

	(void)state;
	PONTO_PROVES("TEREDO-006", "TEREDO-058", "TEREDO-059", "TEREDO-065");
	rig_init(&rig, TEREDO_FEATURE_CONE_PROBE);
	rig_start(&rig);
	rig_assert_solicitation(&rig, S1, true);
	auth = rig.packet.auth;
	len = rig_advertisement(&rig, &auth, MAPPED);
	rig_in(&rig, (struct teredo_endpoint){S1B, TEREDO_PORT}, TEREDO_VIA_SERVICE, rig.input, len);
	assert_int_equal(rig_status(&rig).nat, TEREDO_NAT_CONE);
	assert_int_equal(rig_status(&rig).address.bytes[8] >> 7, 1);
	rig_quiet(&rig);
	rig_end(&rig);
}

static void cone_phase_fails(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-047", "TEREDO-149");
	rig_init(&rig, TEREDO_FEATURE_CONE_PROBE);
	rig_start(&rig);
	for (int i = 0; i < 3; i++) {
		rig_assert_solicitation(&rig, S1, true);
		rig_pass(&rig, 4 * PONTO_SECOND);
	}
	rig_assert_solicitation(&rig, S1, false);
	rig_answer(&rig, MAPPED);
	rig_assert_solicitation(&rig, S1B, false);
	rig_answer(&rig, MAPPED);
	assert_int_equal(rig_status(&rig).nat, TEREDO_NAT_RESTRICTED);
	assert_int_equal(rig_status(&rig).address.bytes[8] >> 7, 0);
	rig_due(&rig);
	rig_assert_solicitation(&rig, S1, false);
	rig_end(&rig);
	/* And behind a cone NAT the mapping is kept with the cone bit. */
	rig_init(&rig, TEREDO_FEATURE_CONE_PROBE);
	rig_start(&rig);
	rig_out(&rig);
	rig_answer(&rig, MAPPED);
	rig_due(&rig);
	rig_assert_solicitation(&rig, S1, true);
	rig_end(&rig);
}

/* The answer to the solicitation that is out, with one byte changed; 255 changes none. */
static void changed(struct rig *rig, size_t at, uint8_t value)
{
	struct teredo_auth auth = rig->packet.auth;
	struct teredo_packet p;
	size_t len = rig_advertisement(rig, &auth, MAPPED);
	uint8_t *icmp = rig->input + 13 + 8 + 40;

	rig->input[at] = value;
	if (at >= 21 && teredo_decode(ponto_bytes(rig->input, len), &p) == PONTO_OK && at != 21 + 42) {
		uint16_t sum;

		icmp[2] = icmp[3] = 0;
		sum = teredo_checksum(&p.src, &p.dst, TEREDO_NEXT_ICMP, p.payload);
		icmp[2] = (uint8_t)(sum >> 8);
		icmp[3] = (uint8_t)sum;
	}
	rig_in(rig, (struct teredo_endpoint){S1, TEREDO_PORT}, TEREDO_VIA_SERVICE, rig->input, len);
}

static void bad_answers_are_ignored(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} bad[] = {
		{21 + 7, 254},	 /* hop limit */
		{21 + 8, 0x20},	 /* source not link-local */
		{21 + 40, 133},	 /* type */
		{21 + 41, 1},	 /* code */
		{21 + 42, 0},	 /* checksum */
		{21 + 57, 0},	 /* length of an option */
		{21 + 39, 0xfe}, /* another destination */
		{21 + 56, 200},	 /* no prefix */
		{21 + 88, 3},	 /* a second one, broken */
		{21 + 72, 0x3f}, /* 3f01:… */
		{21 + 75, 1},	 /* 2001:1:… */
		{21 + 79, 121},	 /* of the secondary address */
		{4, 0xff},	 /* nonce */
	};
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-051", "TEREDO-052", "TEREDO-054", "TEREDO-055");
	rig_init(&rig, BASE);
	rig_start(&rig);
	rig_out(&rig);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		changed(&rig, bad[i].at, bad[i].value);
		rig_quiet(&rig);
	}
	assert_int_equal(teredo_client_stats(rig.c)->bad_advertisements, PONTO_ARRAY_SIZE(bad) - 1);
	assert_int_equal(teredo_client_stats(rig.c)->refused, 1); /* no advertisement at all */
	rig_answer(&rig, MAPPED);
	rig_assert_solicitation(&rig, S1B, false);
	rig_end(&rig);
}

/* One whose options are those given behind the header, in hexadecimal. */
static void with_options(struct rig *rig, const char *hex, bool origin)
{
	struct ponto_writer w = ponto_writer(rig->input, sizeof(rig->input));
	struct teredo_auth auth = rig->packet.auth;
	struct teredo_icmp icmp = {.type = TEREDO_ICMP_ADVERTISEMENT};
	struct teredo_ip6 src;
	size_t len;
	uint8_t *body = ponto_test_hex(hex, &len);

	teredo_server_link_local(S1, &src);
	teredo_write_auth(&w, &auth, 0);
	if (origin)
		teredo_write_origin(&w, &MAPPED);
	icmp.body = ponto_bytes(body, len);
	teredo_write_icmp(&w, &src, &rig->packet.src, 255, &icmp);
	rig_in(rig, (struct teredo_endpoint){S1, TEREDO_PORT}, TEREDO_VIA_SERVICE, rig->input, (size_t)w.pos);
	free(body);
}

#define TIMES "0000000000000000"
#define PREFIX "03044040ffffffffffffffff0000000020010000cb0071780000000000000000"

static void exactly_one_prefix(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-050", "TEREDO-053", "TEREDO-056", "TEREDO-066");
	rig_init(&rig, BASE);
	rig_start(&rig);
	rig_out(&rig);
	with_options(&rig, TIMES, true);
	with_options(&rig, TIMES PREFIX PREFIX, true);
	with_options(&rig, TIMES PREFIX, false);
	rig_quiet(&rig);
	rig_pass(&rig, 3 * PONTO_SECOND);
	with_options(&rig, TIMES PREFIX, true); /* router lifetime 0, no MTU */
	rig_assert_solicitation(&rig, S1B, false);
	rig_end(&rig);
}

static void mapping_must_be_global(void **state)
{
	static const uint32_t bad[] = {IP4(10, 0, 0, 1), IP4(127, 0, 0, 1), IP4(224, 0, 0, 1), IP4(192, 168, 1, 1)};
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-004");
	rig_init(&rig, BASE);
	rig_start(&rig);
	rig_out(&rig);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++)
		rig_answer(&rig, (struct teredo_endpoint){bad[i], 4096});
	rig_answer(&rig, (struct teredo_endpoint){IP4(192, 0, 2, 1), 0});
	rig_quiet(&rig);
	assert_false(rig_status(&rig).has_address);
	rig_end(&rig);
}

static void secondary_silent(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-061");
	rig_init(&rig, TEREDO_FEATURE_DEFAULT);
	rig_start(&rig);
	rig_out(&rig);
	rig_answer(&rig, MAPPED);
	for (int i = 0; i < 3; i++) {
		rig_assert_solicitation(&rig, S1B, false);
		rig_pass(&rig, 4 * PONTO_SECOND);
	}
	assert_int_equal(rig_status(&rig).state, TEREDO_OFFLINE);
	assert_false(rig_status(&rig).has_address);
	rig_end(&rig);
}

static void symmetric_without_the_extension(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-062", "TEREDO-063");
	rig_init(&rig, BASE);
	rig_start(&rig);
	rig_out(&rig);
	rig_answer(&rig, MAPPED);
	rig_out(&rig);
	rig_answer(&rig, OTHER);
	assert_int_equal(rig_status(&rig).state, TEREDO_OFFLINE);
	assert_int_equal(rig_status(&rig).nat, TEREDO_NAT_SYMMETRIC);
	assert_false(rig_status(&rig).has_address);
	rig_end(&rig);
	/* With it, the mapping is the one that the primary saw. */
	rig_qualified(&rig, TEREDO_FEATURE_DEFAULT, OTHER);
	assert_int_equal(rig_status(&rig).nat, TEREDO_NAT_SYMMETRIC);
	assert_true(teredo_endpoint_equal((struct teredo_endpoint[]){rig_status(&rig).mapped}, &MAPPED));
	rig_end(&rig);
}

static void one_address_only(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, BASE);
	rig.config.servers[0].secondary = 0;
	rig_start(&rig);
	rig_out(&rig);
	rig_answer(&rig, MAPPED);
	assert_int_equal(rig_status(&rig).state, TEREDO_QUALIFIED);
	assert_int_equal(rig_status(&rig).nat, TEREDO_NAT_UNKNOWN);
	rig_quiet(&rig);
	rig_end(&rig);
}

static void next_server(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-068");
	rig_init(&rig, BASE);
	rig.config.servers[1] = (struct teredo_pair){S2, S2 + 1};
	rig.config.server_count = 2;
	rig_start(&rig);
	for (int i = 0; i < 3; i++) {
		rig_assert_solicitation(&rig, S1, false);
		rig_pass(&rig, 4 * PONTO_SECOND);
	}
	rig_pass(&rig, 10 * PONTO_SECOND);
	rig_assert_solicitation(&rig, S2, false);
	rig_end(&rig);
}

/* ---- secure qualification ------------------------------------------------------------------- */

static void secured(struct rig *rig, enum teredo_algo algo)
{
	rig_init(rig, BASE);
	rig->config.id = ponto_bytes("client-7", 8);
	rig->config.secret = ponto_bytes("vector-secret", 13);
	rig->config.algo = algo;
	rig_start(rig);
	rig_out(rig);
}

static void secured_exchange(void **state)
{
	static const enum teredo_algo algos[] = {TEREDO_HMAC_SHA1, TEREDO_HMAC_SHA256};

	(void)state;
	PONTO_PROVES("TEREDO-031", "TEREDO-069", "TEREDO-074", "TEREDO-079");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(algos); i++) {
		struct teredo_auth auth;
		struct rig rig;
		size_t len;

		secured(&rig, algos[i]);
		assert_true(ponto_bytes_equal(rig.packet.auth.id, ponto_bytes("client-7", 8)));
		assert_true(teredo_authentic(&rig.packet, algos[i], rig.config.secret));
		assert_int_equal(rig.packet.auth.confirmation, 0);
		auth = rig.packet.auth;
		/* Every bit that counts, and the value itself. */
		len = rig_advertisement(&rig, &auth, MAPPED);
		for (size_t bit = 12 * 8; bit < len * 8; bit += 7) {
			rig.input[bit / 8] ^= (uint8_t)(1 << bit % 8);
			rig_in(&rig, (struct teredo_endpoint){S1, TEREDO_PORT}, 0, rig.input, len);
			rig_quiet(&rig);
			rig.input[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		rig_in(&rig, (struct teredo_endpoint){S1, TEREDO_PORT}, 0, rig.input, len);
		rig_assert_solicitation(&rig, S1B, false);
		rig_end(&rig);
	}
}

static void authentication_is_demanded(void **state)
{
	struct teredo_auth auth;
	struct rig rig;
	size_t len;

	(void)state;
	PONTO_PROVES("TEREDO-070", "TEREDO-075", "TEREDO-076");
	secured(&rig, TEREDO_HMAC_SHA1);
	auth = rig.packet.auth;
	len = rig_advertisement(&rig, NULL, MAPPED);
	rig_in(&rig, (struct teredo_endpoint){S1, TEREDO_PORT}, 0, rig.input, len);
	rig_quiet(&rig);
	rig.config.secret = ponto_bytes("other-secret", 12);
	len = rig_advertisement(&rig, &auth, MAPPED);
	rig_in(&rig, (struct teredo_endpoint){S1, TEREDO_PORT}, 0, rig.input, len);
	rig_quiet(&rig);
	/* A good one that wants another key. */
	rig.config.secret = ponto_bytes("vector-secret", 13);
	auth.confirmation = 1;
	len = rig_advertisement(&rig, &auth, MAPPED);
	rig_in(&rig, (struct teredo_endpoint){S1, TEREDO_PORT}, 0, rig.input, len);
	assert_true(rig_status(&rig).renew);
	rig_effect(&rig, TEREDO_EFFECT_KEY);
	rig_assert_solicitation(&rig, S1B, false);
	rig_end(&rig);
}

static void nonces(void **state)
{
	uint8_t seen[3][TEREDO_NONCE];
	struct teredo_auth auth;
	struct rig rig;
	size_t len;

	(void)state;
	PONTO_PROVES("TEREDO-071", "TEREDO-080", "TEREDO-081");
	rig_init(&rig, BASE);
	rig_start(&rig);
	for (int i = 0; i < 3; i++) {
		rig_out(&rig);
		memcpy(seen[i], rig.packet.auth.nonce, TEREDO_NONCE);
		for (int j = 0; j < i; j++)
			assert_memory_not_equal(seen[i], seen[j], TEREDO_NONCE);
		if (i < 2)
			rig_pass(&rig, 4 * PONTO_SECOND);
	}
	auth = rig.packet.auth;
	memcpy(auth.nonce, seen[1], TEREDO_NONCE); /* an answer to the one before */
	len = rig_advertisement(&rig, &auth, MAPPED);
	rig_in(&rig, (struct teredo_endpoint){S1, TEREDO_PORT}, 0, rig.input, len);
	rig_quiet(&rig);
	memcpy(auth.nonce, seen[2], TEREDO_NONCE);
	auth.nonce[7] ^= 1;
	len = rig_advertisement(&rig, &auth, MAPPED);
	rig_in(&rig, (struct teredo_endpoint){S1, TEREDO_PORT}, 0, rig.input, len);
	rig_quiet(&rig);
	rig_end(&rig);
}

static void without_nonce(void **state)
{
	struct teredo_auth stale = {.nonce = {9}};
	struct rig rig;
	size_t len;

	(void)state;
	PONTO_PROVES("TEREDO-082");
	rig_init(&rig, TEREDO_FEATURE_NO_NONCE);
	rig_start(&rig);
	rig_assert_solicitation(&rig, S1, false);
	assert_false(rig.packet.has_auth);
	len = rig_advertisement(&rig, &stale, MAPPED);
	rig_in(&rig, (struct teredo_endpoint){IP4(192, 0, 2, 9), TEREDO_PORT}, 0, rig.input, len);
	rig_quiet(&rig); /* only the server's address tells then */
	rig_in(&rig, (struct teredo_endpoint){S1, TEREDO_PORT}, 0, rig.input, len);
	rig_assert_solicitation(&rig, S1B, false);
	rig_end(&rig);
}

/* ---- maintenance ------------------------------------------------------------------------------ */

static void refreshed_at_random(void **state)
{
	uint64_t least = UINT64_MAX, most = 0;
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-036", "TEREDO-038", "TEREDO-147", "TEREDO-148");
	rig_qualified(&rig, BASE, MAPPED);
	for (int i = 0; i < 100; i++) {
		uint64_t wait = teredo_client_deadline(rig.c) - rig.now;

		least = wait < least ? wait : least;
		most = wait > most ? wait : most;
		rig_pass(&rig, wait - 1);
		rig_quiet(&rig);
		rig_pass(&rig, 1);
		rig_assert_solicitation(&rig, S1, false);
		rig_answer(&rig, MAPPED);
	}
	assert_true(least >= 22500 * PONTO_MS && least < 23000 * PONTO_MS);
	assert_true(most <= 30000 * PONTO_MS && most > 29500 * PONTO_MS);
	rig_end(&rig);
}

static void refresh_is_configurable(void **state)
{
	static const uint64_t seconds[] = {1, 10, 60, 86400};
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-037", "TEREDO-039");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(seconds); i++) {
		rig_init(&rig, BASE);
		rig.config.refresh = seconds[i] * PONTO_SECOND;
		rig.config.refresh_low = 100;
		rig_start(&rig);
		rig_out(&rig);
		rig_answer(&rig, MAPPED);
		rig_out(&rig);
		rig_answer(&rig, MAPPED);
		assert_int_equal(teredo_client_deadline(rig.c) - rig.now, seconds[i] * PONTO_SECOND);
		rig_end(&rig);
	}
	rig_init(&rig, BASE);
	rig.config.refresh_low = 49;
	assert_int_equal(teredo_client_create(&rig.config, &rig.c), PONTO_EINVAL);
	rig.config.refresh_low = 75;
	rig.config.refresh_high = 151;
	assert_int_equal(teredo_client_create(&rig.config, &rig.c), PONTO_EINVAL);
	rig.config.refresh_high = 74;
	assert_int_equal(teredo_client_create(&rig.config, &rig.c), PONTO_EINVAL);
}

static void address_stays_while_the_mapping_does(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-014", "TEREDO-154");
	rig_qualified(&rig, TEREDO_FEATURE_DEFAULT, MAPPED);
	for (int i = 0; i < 20; i++) {
		if (i % 4 == 3)
			teredo_client_refresh(rig.c, rig.now);
		else
			rig_due(&rig);
		rig_assert_solicitation(&rig, S1, false);
		rig_answer(&rig, MAPPED);
		assert_true(teredo_ip6_equal(&rig.a, (struct teredo_ip6[]){rig_status(&rig).address}));
		rig_no_effect(&rig);
	}
	rig_end(&rig);
}

static void mapping_changes(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-150", "TEREDO-151", "TEREDO-152", "TEREDO-153");
	rig_qualified(&rig, BASE, MAPPED);
	rig_bubble(&rig, &rig.b, B_AT, 0, NULL);
	rig_due(&rig);
	rig_assert_solicitation(&rig, S1, false);
	changed(&rig, 21 + 7, 64); /* not valid */
	assert_true(teredo_ip6_equal(&rig.a, (struct teredo_ip6[]){rig_status(&rig).address}));
	rig_answer(&rig, OTHER);
	rig_effect(&rig, TEREDO_EFFECT_ADDRESS);
	assert_false(teredo_ip6_equal(&rig.a, (struct teredo_ip6[]){rig_status(&rig).address}));
	assert_int_equal(rig_status(&rig).mapped.port, OTHER.port);
	assert_false(rig_has_peer(&rig, &rig.b));
	/* What comes for the old one is not ours any more. */
	assert_false(rig_data(&rig, &rig.b, B_AT, 0));
	assert_int_equal(teredo_client_stats(rig.c)->foreign, 1);
	rig_end(&rig);
}

static void server_is_lost_and_found(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-155");
	rig_qualified(&rig, BASE, MAPPED);
	rig_pass(&rig, 30 * PONTO_SECOND + 12 * PONTO_SECOND);
	for (int i = 0; i < 3; i++)
		rig_assert_solicitation(&rig, S1, false);
	assert_int_equal(rig_status(&rig).state, TEREDO_OFFLINE);
	assert_false(rig_status(&rig).has_address);
	rig_effect(&rig, TEREDO_EFFECT_ADDRESS);
	rig_due(&rig);
	rig_out(&rig);
	rig_answer(&rig, MAPPED);
	rig_out(&rig);
	rig_answer(&rig, MAPPED);
	assert_int_equal(rig_status(&rig).state, TEREDO_QUALIFIED);
	rig_effect(&rig, TEREDO_EFFECT_ADDRESS);
	rig_end(&rig);
}

/* Two that talk go on, as their mappings live by what they say; nobody new is found meanwhile. */
static void peers_talk_without_the_server(void **state)
{
	struct teredo_ip6 other = rig_address(S2, 0, (struct teredo_endpoint){IP4(192, 0, 2, 11), 5});
	struct rig rig;

	(void)state;
	rig_qualified(&rig, BASE, MAPPED);
	rig_bubble(&rig, &rig.b, B_AT, 0, NULL);
	for (int i = 0; i < 60; i++) {
		rig_pass(&rig, PONTO_SECOND);
		assert_true(rig_data(&rig, &rig.b, B_AT, 0));
		assert_int_equal(rig_send(&rig, &rig.b), 1);
	}
	assert_int_equal(rig_status(&rig).state, TEREDO_OFFLINE);
	assert_true(rig_status(&rig).has_address);
	assert_int_equal(rig_send(&rig, &other), PONTO_EUNREACH);
	while (teredo_client_output(rig.c, &rig.slot))
		;
	/* The server is back, the mapping is the same. */
	do {
		rig_due(&rig);
		assert_true(rig_data(&rig, &rig.b, B_AT, 0));
	} while (!teredo_client_output(rig.c, &rig.slot));
	assert_ok(teredo_decode(ponto_bytes(rig.slot.data, rig.slot.len), &rig.packet));
	rig_answer(&rig, MAPPED);
	rig_out(&rig);
	rig_answer(&rig, MAPPED);
	assert_int_equal(rig_status(&rig).state, TEREDO_QUALIFIED);
	assert_true(teredo_ip6_equal(&rig.a, (struct teredo_ip6[]){rig_status(&rig).address}));
	rig_no_effect(&rig);
	assert_int_equal(rig_send(&rig, &rig.b), 1);
	/* Away again, and the peer silent: then there is no address. */
	rig_pass(&rig, 120 * PONTO_SECOND);
	assert_false(rig_status(&rig).has_address);
	rig_end(&rig);
}

static void forged_packets_do_not_postpone(void **state)
{
	struct rig rig;
	uint64_t due;

	(void)state;
	PONTO_PROVES("TEREDO-086", "TEREDO-114", "TEREDO-156");
	rig_qualified(&rig, BASE, MAPPED);
	due = teredo_client_deadline(rig.c);
	for (int i = 0; i < 2; i++) {
		rig_pass(&rig, 10 * PONTO_SECOND);
		rig_indirect(&rig, &rig.b, B_AT, NULL);
		rig_out(&rig);
		assert_int_equal(rig_status(&rig).interaction, rig.now);
		/* An advertisement that nobody asked for. */
		rig_advertisement(&rig, &(struct teredo_auth){.nonce = {1}}, OTHER);
		rig_in(&rig, (struct teredo_endpoint){S1, TEREDO_PORT}, 0, rig.input, 117);
		assert_int_equal(rig_status(&rig).mapped.port, MAPPED.port);
	}
	rig_pass(&rig, due - rig.now);
	rig_assert_solicitation(&rig, S1, false);
	rig_end(&rig);
}

static void moves_with_its_local_address(void **state)
{
	struct teredo_endpoint moved = {IP4(10, 0, 0, 3), 4096};
	struct rig rig;

	(void)state;
	rig_qualified(&rig, BASE, MAPPED);
	teredo_client_local(rig.c, rig.now, &LOCAL, NULL, 0);
	rig_quiet(&rig);
	assert_true(rig_status(&rig).has_address);
	teredo_client_local(rig.c, rig.now, &moved, NULL, 0);
	rig_effect(&rig, TEREDO_EFFECT_ADDRESS);
	assert_false(rig_status(&rig).has_address);
	rig_assert_solicitation(&rig, S1, false);
	teredo_client_stop(rig.c);
	assert_int_equal(rig_status(&rig).state, TEREDO_INITIAL);
	rig_quiet(&rig);
	assert_true(teredo_client_deadline(rig.c) == PONTO_NEVER);
	rig_end(&rig);
}

static void settings_are_checked(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-030");
	rig_init(&rig, TEREDO_FEATURE_SEQUENTIAL);
	assert_int_equal(teredo_client_create(&rig.config, &rig.c), PONTO_EINVAL);
	rig_init(&rig, BASE);
	rig.config.servers[0].primary = IP4(10, 0, 0, 1);
	assert_int_equal(teredo_client_create(&rig.config, &rig.c), PONTO_EINVAL);
	rig_init(&rig, BASE);
	rig.config.server_count = 0;
	assert_int_equal(teredo_client_create(&rig.config, &rig.c), PONTO_EINVAL);
	rig_init(&rig, BASE);
	rig.config.queue = 100;
	assert_int_equal(teredo_client_create(&rig.config, &rig.c), PONTO_EINVAL);
	teredo_client_destroy(NULL);
	assert_string_equal(teredo_client_state_name(TEREDO_OFFLINE), "off-line");
	assert_string_equal(teredo_nat_name(TEREDO_NAT_SYMMETRIC), "symmetric");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(becomes_qualified),
	cmocka_unit_test(first_is_a_solicitation),
	cmocka_unit_test(what_a_solicitation_is),
	cmocka_unit_test(silence_ends_in_offline),
	cmocka_unit_test(cone_phase_when_asked_for),
	cmocka_unit_test(cone_phase_fails),
	cmocka_unit_test(bad_answers_are_ignored),
	cmocka_unit_test(exactly_one_prefix),
	cmocka_unit_test(mapping_must_be_global),
	cmocka_unit_test(secondary_silent),
	cmocka_unit_test(symmetric_without_the_extension),
	cmocka_unit_test(one_address_only),
	cmocka_unit_test(next_server),
	cmocka_unit_test(secured_exchange),
	cmocka_unit_test(authentication_is_demanded),
	cmocka_unit_test(nonces),
	cmocka_unit_test(without_nonce),
	cmocka_unit_test(refreshed_at_random),
	cmocka_unit_test(refresh_is_configurable),
	cmocka_unit_test(address_stays_while_the_mapping_does),
	cmocka_unit_test(mapping_changes),
	cmocka_unit_test(server_is_lost_and_found),
	cmocka_unit_test(peers_talk_without_the_server),
	cmocka_unit_test(forged_packets_do_not_postpone),
	cmocka_unit_test(moves_with_its_local_address),
	cmocka_unit_test(settings_are_checked),
};

PONTO_TEST_MAIN(tests)
