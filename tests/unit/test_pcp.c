/* PCP: messages as RFC 6887's figures draw them, and a client in virtual time. */
#include <stdio.h>

#include "engines/pcp/pcp_client.h"
#include "tests/support/test.h"

#define START (1000 * PONTO_SECOND)

/* Figures 2 and 9 filled in: lifetime 7200, client 10.0.1.2, nonce 00 to 0b, UDP, port 40000, suggested 40000 of any. */
#define REQUEST                                                                                                        \
	"02010000 00001c20 00000000 00000000 0000ffff 0a000102"                                                        \
	"00010203 04050607 08090a0b 11000000 9c409c40 00000000 00000000 0000ffff 00000000"
#define EXACT REQUEST "02000000"

/* Figures 3 and 10: granted for 3600 s at epoch 500, port 41000 of 192.0.2.101. */
#define HEAD "02810000 00000e10 000001f4 00000000 00000000 00000000"
#define BODY "00010203 04050607 08090a0b 11000000 9c40a028 00000000 00000000 0000ffff c0000265"
#define GRANTED HEAD BODY

struct rig {
	struct ponto_random random;
	struct pcp_client c;
	struct ponto_addr server;
	uint64_t now;
	uint64_t draw; /* what ponto_random_below gives: of 2^64; the nonce is 00 to 0b all the same */
	uint8_t out[PCP_MAX];
	size_t len;
};

static void fill(void *ctx, uint8_t *out, size_t len)
{
	struct rig *rig = ctx;

	if (len == PCP_NONCE) {
		for (size_t i = 0; i < len; i++)
			out[i] = (uint8_t)i;
		return;
	}
	for (size_t i = 0; i < len; i++) {
		rig->draw = rig->draw * UINT64_C(6364136223846793005) + 1442695040888963407u;
		out[i] = (uint8_t)(rig->draw >> 56);
	}
}

static struct pcp_client_config config_of(struct rig *rig)
{
	return (struct pcp_client_config){.random = &rig->random,
					  .server = {{10, 0, 1, 1}, 0, PCP_SERVER_PORT, PONTO_FAMILY_IPV4, 0},
					  .client = {{10, 0, 1, 2}, 0, 40000, PONTO_FAMILY_IPV4, 0},
					  .protocol = 17,
					  .external_port = 40000,
					  .lifetime = 7200};
}

static void begin(struct rig *rig)
{
	struct pcp_client_config config;

	rig->random = (struct ponto_random){fill, rig};
	rig->now = START;
	config = config_of(rig);
	rig->server = config.server;
	assert_ok(pcp_client_init(&rig->c, &config, rig->now));
}

static int sent(struct rig *rig)
{
	pcp_client_advance(&rig->c, rig->now);
	return pcp_client_output(&rig->c, rig->now, rig->out, &rig->len);
}

/* Until something is sent, or until. */
static bool sent_before(struct rig *rig, uint64_t until)
{
	for (;;) {
		uint64_t at = pcp_client_deadline(&rig->c);

		if (at > until) {
			rig->now = until;
			return false;
		}
		if (at > rig->now)
			rig->now = at;
		if (sent(rig))
			return true;
	}
}

static int hear_from(struct rig *rig, const struct ponto_addr *from, bool multicast, const char *hex)
{
	size_t len;
	uint8_t *data = ponto_test_hex(hex, &len);
	int result = pcp_client_input(&rig->c, rig->now, from, multicast, ponto_bytes(data, len));

	free(data);
	return result;
}

static int hear(struct rig *rig, const char *hex)
{
	return hear_from(rig, &rig->server, false, hex);
}

static int hear_epoch(struct rig *rig, uint32_t epoch)
{
	char hex[sizeof(GRANTED) + 16];

	snprintf(hex, sizeof(hex), "02810000 00000e10 %08x 00000000 00000000 00000000" BODY, epoch);
	return hear(rig, hex);
}

static int announce(struct rig *rig, uint32_t epoch)
{
	char hex[64];

	snprintf(hex, sizeof(hex), "02800000 00000000 %08x 00000000 00000000 00000000", epoch);
	return hear_from(rig, &rig->server, true, hex);
}

static void held(struct rig *rig)
{
	begin(rig);
	assert_int_equal(sent(rig), 1);
	assert_int_equal(hear(rig, GRANTED), 1);
	assert_int_equal(rig->c.state, PCP_HELD);
}

static void assert_sent(const struct rig *rig, const char *hex)
{
	size_t len;
	uint8_t *wanted = ponto_test_hex(hex, &len);

	assert_int_equal(rig->len, len);
	assert_memory_equal(rig->out, wanted, len);
	free(wanted);
}

/* ---- messages --------------------------------------------------------------- */

static void requests_as_drawn(void **state)
{
	struct rig rig = {0};
	struct pcp_client_config config;

	(void)state;
	PONTO_PROVES("PCP-001", "PCP-002", "PCP-003", "PCP-007");
	begin(&rig);
	assert_int_equal(sent(&rig), 1);
	assert_sent(&rig, REQUEST);
	assert_int_equal(sent(&rig), 0);
	config = config_of(&rig);
	config.exact = true;
	assert_ok(pcp_client_init(&rig.c, &config, rig.now));
	assert_int_equal(sent(&rig), 1);
	assert_sent(&rig, EXACT);
}

static int read_hex(const char *hex, struct pcp_response *out)
{
	size_t len;
	uint8_t *data = ponto_test_hex(hex, &len);
	int result = pcp_read_response(ponto_bytes(data, len), out);

	free(data);
	return result;
}

static void responses_as_drawn(void **state)
{
	struct pcp_response r;
	struct ponto_addr external;
	uint8_t big[PCP_MAX + 4] = {0};
	size_t len;
	uint8_t *granted = ponto_test_hex(GRANTED, &len);

	(void)state;
	PONTO_PROVES("PCP-004", "PCP-005");
	assert_ok(read_hex(GRANTED, &r));
	assert_int_equal(r.opcode, PCP_MAP);
	assert_int_equal(r.result, PCP_SUCCESS);
	assert_int_equal(r.lifetime, 3600);
	assert_int_equal(r.epoch, 500);
	external = pcp_address_to(r.map.external, r.map.external_port);
	assert_int_equal(external.family, PONTO_FAMILY_IPV4);
	assert_int_equal(external.port, 41000);
	assert_memory_equal(external.ip, "\xc0\0\2\x65", 4);
	/* Every cut; the cut to the header alone too, for a MAP that was granted has a body. */
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(pcp_read_response(ponto_bytes(granted, cut), &r), PONTO_EPROTO);
	/* An optional option as long as is needed to be of 1100 bytes, and one more word. */
	memcpy(big, granted, len);
	big[len] = 200;
	big[len + 2] = (uint8_t)((PCP_MAX - len - 4) >> 8);
	big[len + 3] = (uint8_t)(PCP_MAX - len - 4);
	assert_ok(pcp_read_response(ponto_bytes(big, PCP_MAX), &r));
	big[len + 2] = (uint8_t)((PCP_MAX - len) >> 8);
	big[len + 3] = (uint8_t)(PCP_MAX - len);
	assert_int_equal(pcp_read_response(ponto_bytes(big, PCP_MAX + 4), &r), PONTO_EPROTO);
	granted[1] &= 0x7f; /* a request */
	assert_int_equal(pcp_read_response(ponto_bytes(granted, len), &r), PONTO_EPROTO);
	free(granted);
	/* An error may be the header alone. */
	assert_ok(read_hex("02810002 00000e10 000001f4 00000000 00000000 00000000", &r));
	assert_int_equal(r.result, PCP_NOT_AUTHORIZED);
	assert_false(r.has_map);
	assert_string_equal(pcp_result_name(r.result), "NOT_AUTHORIZED");
	assert_string_equal(pcp_result_name(77), "unknown");
}

static void options_of_responses(void **state)
{
	struct pcp_response r;

	(void)state;
	PONTO_PROVES("PCP-006");
	assert_ok(read_hex(GRANTED "02000000", &r));
	assert_ok(read_hex(GRANTED "80000003 01020300", &r));
	assert_ok(read_hex(GRANTED "ff000000 02000000", &r));
	assert_int_equal(read_hex(GRANTED "02000004 00000000", &r), PONTO_EPROTO); /* has no data */
	assert_int_equal(read_hex(GRANTED "01000010 00000000 00000000 0000ffff 0a000103", &r), PONTO_EPROTO);
	assert_int_equal(read_hex(GRANTED "7f000000", &r), PONTO_EPROTO);
	assert_int_equal(read_hex(GRANTED "80000005 01020304", &r), PONTO_EPROTO); /* longer than the message */
	assert_int_equal(read_hex(GRANTED "8000ffff 01020304", &r), PONTO_EPROTO);
}

/* ---- the client ------------------------------------------------------------- */

static void silence(void **state)
{
	struct rig rig = {.draw = 3};
	uint64_t last, rt = 3 * PONTO_SECOND;

	(void)state;
	PONTO_PROVES("PCP-008");
	begin(&rig);
	assert_int_equal(sent(&rig), 1);
	last = rig.now;
	for (unsigned i = 0; i < 20; i++) {
		uint64_t gap;

		assert_true(sent_before(&rig, rig.now + 2000 * PONTO_SECOND));
		assert_sent(&rig, REQUEST); /* the nonce too */
		gap = rig.now - last;
		assert_in_range(gap, rt - rt / 10, rt + rt / 10);
		rt = 2 * gap < 1024 * PONTO_SECOND ? 2 * gap : 1024 * PONTO_SECOND;
		last = rig.now;
	}
	assert_int_equal(rig.c.state, PCP_ASKING);
}

static void whose_answers_count(void **state)
{
	struct rig rig = {0};
	struct ponto_addr other;

	(void)state;
	PONTO_PROVES("PCP-009", "PCP-010", "PCP-011");
	begin(&rig);
	assert_int_equal(hear(&rig, GRANTED), 0); /* nothing was asked yet */
	assert_int_equal(sent(&rig), 1);
	other = rig.server;
	other.port++;
	assert_int_equal(hear_from(&rig, &other, false, GRANTED), 0);
	other = rig.server;
	other.ip[3]++;
	assert_int_equal(hear_from(&rig, &other, false, GRANTED), 0);
	assert_int_equal(hear_from(&rig, &rig.server, true, GRANTED), 0); /* to a group */
	/* nonce, protocol, internal port */
	assert_int_equal(hear(&rig, HEAD "01010203 04050607 08090a0b 11000000 9c40a028 00000000 00000000 0000ffff c0000265"), 0);
	assert_int_equal(hear(&rig, HEAD "00010203 04050607 08090a0b 06000000 9c40a028 00000000 00000000 0000ffff c0000265"), 0);
	assert_int_equal(hear(&rig, HEAD "00010203 04050607 08090a0b 11000000 9c41a028 00000000 00000000 0000ffff c0000265"), 0);
	/* what cannot be a mapping: port 0; a lifetime that would have us ask without pause */
	assert_int_equal(hear(&rig, HEAD "00010203 04050607 08090a0b 11000000 9c400000 00000000 00000000 0000ffff c0000265"), 0);
	assert_int_equal(hear(&rig, "02810000 00000007 000001f4 00000000 00000000 00000000" BODY), 0);
	assert_int_equal(rig.c.state, PCP_ASKING);
	assert_int_equal(hear(&rig, GRANTED), 1);
	assert_int_equal(rig.c.state, PCP_HELD);
	assert_int_equal(rig.c.external.port, 41000);
	assert_int_equal(rig.c.granted, 3600);
}

static void renewed(void **state)
{
	struct rig rig = {.draw = 9};
	uint64_t life = 3600 * PONTO_SECOND, granted, last;
	unsigned power = 1, count = 0;

	(void)state;
	PONTO_PROVES("PCP-012", "PCP-013", "PCP-014");
	held(&rig);
	granted = last = rig.now;
	while (sent_before(&rig, granted + life - 1)) {
		uint64_t from = granted + life - (life >> power), to = from + (life >> (power + 2));

		assert_in_range(rig.now, from, to);
		assert_true(rig.now >= last + 4 * PONTO_SECOND);
		assert_sent(&rig, "02010000 00001c20 00000000 00000000 0000ffff 0a000102" BODY);
		last = rig.now;
		power++;
		count++;
		assert_int_equal(rig.c.state, PCP_HELD);
	}
	assert_in_range(count, 3, 8);
	/* It ends, and is asked for anew. */
	rig.now = granted + life;
	assert_int_equal(pcp_client_advance(&rig.c, rig.now), 1);
	assert_int_equal(rig.c.state, PCP_ASKING);
	assert_int_equal(sent(&rig), 1);
	assert_sent(&rig, "02010000 00001c20 00000000 00000000 0000ffff 0a000102" BODY);
	/* An answer to a renewal counts from then. */
	assert_int_equal(hear(&rig, "02810000 00000e10 00001004 00000000 00000000 00000000" BODY), 1);
	assert_true(rig.c.expires == rig.now + life);
	assert_false(sent_before(&rig, rig.now + life / 2 - 1));
	assert_true(sent_before(&rig, rig.now + life));
}

static void epochs(void **state)
{
	struct pcp_epoch e = {0};
	struct rig rig = {0};

	(void)state;
	PONTO_PROVES("PCP-015");
	assert_true(pcp_epoch_follows(&e, START, 500)); /* the first is always right */
	assert_true(pcp_epoch_follows(&e, START, 499)); /* a second back */
	assert_false(pcp_epoch_follows(&e, START, 497));
	/* 1600 s here: 1600 - 100 - 2 there is the least, and so much is the most that is 1602 without its 16th. */
	assert_true(pcp_epoch_follows(&e, START + 1600 * PONTO_SECOND, 497 + 1498));
	assert_false(pcp_epoch_follows(&e, START + 3200 * PONTO_SECOND, 497 + 1498 + 1497));
	e = (struct pcp_epoch){true, 0, START};
	assert_true(pcp_epoch_follows(&e, START + 1600 * PONTO_SECOND, 1708));
	e = (struct pcp_epoch){true, 0, START};
	assert_false(pcp_epoch_follows(&e, START + 1600 * PONTO_SECOND, 1710));
	/* What an answer says counts; what none of ours says does not. */
	held(&rig);
	rig.now += 2300 * PONTO_SECOND;
	assert_int_equal(sent(&rig), 1);
	assert_int_equal(hear(&rig, "02810000 00000e10 00000001 00000000 00000000 00000000"
				    "ff010203 04050607 08090a0b 11000000 9c40a028 00000000 00000000 0000ffff c0000265"),
			 0);
	assert_int_equal(rig.c.resets, 0);
	assert_int_equal(hear_epoch(&rig, 1), 1); /* granted by the one that started anew */
	assert_int_equal(rig.c.state, PCP_HELD);
}

static void announced(void **state)
{
	struct rig rig = {.draw = 5};
	struct ponto_addr other;
	uint64_t from;

	(void)state;
	PONTO_PROVES("PCP-016", "PCP-017");
	held(&rig);
	rig.now += 60 * PONTO_SECOND;
	assert_int_equal(announce(&rig, 560), 0);
	assert_false(sent_before(&rig, rig.now + 10 * PONTO_SECOND));
	other = rig.server;
	other.ip[2] ^= 1;
	assert_int_equal(hear_from(&rig, &other, true, "02800000 00000000 00000000 00000000 00000000 00000000"), 0);
	assert_false(sent_before(&rig, rig.now + 10 * PONTO_SECOND));
	from = rig.now;
	assert_int_equal(announce(&rig, 0), 0);
	assert_int_equal(rig.c.state, PCP_HELD);
	assert_true(sent_before(&rig, rig.now + 6 * PONTO_SECOND));
	assert_true(rig.now <= from + 5 * PONTO_SECOND);
	assert_sent(&rig, "02010000 00001c20 00000000 00000000 0000ffff 0a000102" BODY);
	/* It is repeated: there may be nothing left to rely on. */
	assert_true(sent_before(&rig, rig.now + 4 * PONTO_SECOND));
	assert_int_equal(hear_epoch(&rig, 6), 1);
	assert_int_equal(rig.c.state, PCP_HELD);
}

static void errors(void **state)
{
	static const struct {
		const char *lifetime;
		unsigned seconds;
	} cases[] = {{"00000000", 30}, {"0000003c", 60}, {"ffffffff", 1800}};

	(void)state;
	PONTO_PROVES("PCP-018");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(cases); i++) {
		struct rig rig = {0};
		char hex[sizeof(GRANTED)];

		snprintf(hex, sizeof(hex), "02810008 %s 000001f4 00000000 00000000 00000000" BODY, cases[i].lifetime);
		begin(&rig);
		assert_int_equal(sent(&rig), 1);
		assert_int_equal(hear(&rig, hex), 1);
		assert_int_equal(rig.c.state, PCP_REFUSED);
		assert_int_equal(rig.c.result, PCP_NO_RESOURCES);
		assert_false(sent_before(&rig, rig.now + cases[i].seconds * PONTO_SECOND - 1));
		assert_true(sent_before(&rig, rig.now + 1));
		assert_int_equal(hear(&rig, GRANTED), 1);
		assert_int_equal(rig.c.state, PCP_HELD);
	}
}

static void other_versions(void **state)
{
	struct rig rig = {0};

	(void)state;
	PONTO_PROVES("PCP-019");
	/* RFC 6886 3.5: a NAT-PMP server says version 0 and result 1 to what it does not know. */
	begin(&rig);
	assert_int_equal(hear(&rig, "00810001 000001f4"), 0); /* unasked */
	assert_int_equal(sent(&rig), 1);
	assert_int_equal(hear_from(&rig, &rig.server, true, "00810001 000001f4"), 0);
	assert_int_equal(hear(&rig, "00810001 000001f4"), 1);
	assert_int_equal(rig.c.state, PCP_FOREIGN);
	assert_int_equal(rig.c.foreign_version, 0);
	assert_true(pcp_client_deadline(&rig.c) == PONTO_NEVER);
	begin(&rig);
	assert_int_equal(sent(&rig), 1);
	assert_int_equal(hear(&rig, "02810001 00000e10 000001f4 00000000 00000000 00000000" BODY), 1);
	assert_int_equal(rig.c.state, PCP_FOREIGN);
	/* One that was granted is not shaken by it. */
	held(&rig);
	assert_int_equal(hear(&rig, "00810001 000001f4"), 0);
	assert_int_equal(rig.c.state, PCP_HELD);
}

static void given_back(void **state)
{
	struct rig rig = {0};

	(void)state;
	PONTO_PROVES("PCP-020");
	held(&rig);
	pcp_client_release(&rig.c, rig.now);
	assert_int_equal(sent(&rig), 1);
	assert_sent(&rig, "02010000 00000000 00000000 00000000 0000ffff 0a000102"
			  "00010203 04050607 08090a0b 11000000 9c400000 00000000 00000000 0000ffff 00000000");
	assert_false(sent_before(&rig, rig.now + 10000 * PONTO_SECOND));
	assert_int_equal(hear(&rig, GRANTED), 0);
	/* One that was never asked for needs no word. */
	begin(&rig);
	pcp_client_release(&rig.c, rig.now);
	assert_int_equal(sent(&rig), 0);
}

static void bounded_and_followed(void **state)
{
	struct rig rig = {0};

	(void)state;
	PONTO_PROVES("PCP-021", "PCP-022");
	begin(&rig);
	assert_int_equal(sent(&rig), 1);
	assert_int_equal(hear(&rig, "02810000 ffffffff 000001f4 00000000 00000000 00000000" BODY), 1);
	assert_int_equal(rig.c.granted, 86400);
	assert_true(rig.c.expires == rig.now + 86400 * PONTO_SECOND);
	/* The address outside changed, and the server tells so. */
	rig.now += PONTO_SECOND;
	assert_int_equal(hear(&rig, HEAD "00010203 04050607 08090a0b 11000000 9c40a029 00000000 00000000 0000ffff c0000266"),
			 1);
	assert_int_equal(rig.c.external.port, 41001);
	assert_int_equal(rig.c.external.ip[3], 0x66);
	/* It takes the mapping away. */
	assert_int_equal(hear(&rig, "02810000 00000000 000001f5 00000000 00000000 00000000" BODY), 1);
	assert_int_equal(rig.c.state, PCP_REFUSED);
	assert_true(sent_before(&rig, rig.now + 31 * PONTO_SECOND));
}

static void settings(void **state)
{
	struct rig rig = {0};
	struct pcp_client_config good, bad;

	(void)state;
	begin(&rig);
	good = config_of(&rig);
	bad = good;
	bad.lifetime = 0;
	assert_int_equal(pcp_client_init(&rig.c, &bad, 0), PONTO_EINVAL);
	bad.lifetime = PCP_LIFETIME_MAX + 1;
	assert_int_equal(pcp_client_init(&rig.c, &bad, 0), PONTO_EINVAL);
	bad = good;
	bad.protocol = 1;
	assert_int_equal(pcp_client_init(&rig.c, &bad, 0), PONTO_EINVAL);
	bad = good;
	bad.client.port = 0;
	assert_int_equal(pcp_client_init(&rig.c, &bad, 0), PONTO_EINVAL);
	bad = good;
	bad.client.family = PONTO_FAMILY_IPV6;
	assert_int_equal(pcp_client_init(&rig.c, &bad, 0), PONTO_EINVAL);
	bad = good;
	bad.exact = true;
	bad.external_port = 0;
	assert_int_equal(pcp_client_init(&rig.c, &bad, 0), PONTO_EINVAL);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(requests_as_drawn),
	cmocka_unit_test(responses_as_drawn),
	cmocka_unit_test(options_of_responses),
	cmocka_unit_test(silence),
	cmocka_unit_test(whose_answers_count),
	cmocka_unit_test(renewed),
	cmocka_unit_test(epochs),
	cmocka_unit_test(announced),
	cmocka_unit_test(errors),
	cmocka_unit_test(other_versions),
	cmocka_unit_test(given_back),
	cmocka_unit_test(bounded_and_followed),
	cmocka_unit_test(settings),
};

PONTO_TEST_MAIN(tests)
