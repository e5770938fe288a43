/* Serving: RFC 4380 5.3, 5.2.2; RFC 5991 3.2; RFC 6081 4. Packets and addresses are worked examples of those texts'
 * formats; RFC 6081's figures have the same clients. */
#include "engines/teredo/teredo_server.h"

#include <stdio.h>

#include "tests/support/test.h"

#define START (1000 * PONTO_SECOND)

#define S1 0xcb007178u /* 203.0.113.120, the server under test; its clients A and C */
#define S1B 0xcb007179u
#define MAP_A 0xc0000201u, 4096 /* 192.0.2.1 */
#define MAP_B 0xc000020au, 8192 /* 192.0.2.10, a client of S2, 198.51.100.118 */
#define MAP_R 0xc63364c8u, 3545 /* 198.51.100.200, a relay */

#define ADDR_A "20010000cb0071780000efff3ffffdfe"
#define ADDR_B "20010000c63364760000dfff3ffffdf5"
#define ADDR_C "20010000cb0071780000dfff3ffffdf5" /* as B, of S1 */
#define ADDR_NATIVE "20010db8000600000000000000000030"
#define ADDR_RELAY "20010db8000600000000000000000020"
#define RS_SRC "fe800000000000000000ffffffffffff"
#define RS_SRC_CONE "fe800000000000008000ffffffffffff"
#define ROUTERS "ff020000000000000000000000000002"
#define LINK_SERVER "fe800000000000008000f22734ff8e87"
#define HEAD_RS "6000000000083aff"
#define HEAD_RA "6000000000383aff"
#define RS HEAD_RS RS_SRC ROUTERS "85007d3700000000"
#define RS_CONE HEAD_RS RS_SRC_CONE ROUTERS "8500fd3600000000"
#define NONCE "00010000" "010203040506070800"
#define PREFIX "03044040ffffffffffffffff0000000020010000cb0071780000000000000000" "0501000000000500"
#define RA HEAD_RA LINK_SERVER RS_SRC "8600954c0000000000000000000007d0" PREFIX
#define RA_CONE HEAD_RA LINK_SERVER RS_SRC_CONE "8600154c0000000000000000000007d0" PREFIX
#define ORIGIN_A "0000efff3ffffdfe"
#define ORIGIN_R "0000f22639cc9b37"
#define BUBBLE "6000000000003bff"
#define ECHO(src, dst, sum) "6000000000103a80" src dst "8000" sum "12340001" "0102030405060708"

/* client-7, vector-secret; values computed with OpenSSL */
#define ID7 "00010814" "636c69656e742d37"
#define RS_KEYED ID7 "a1f9df199216831cc0178bbad48c23827ac37910" "010203040506070800" RS
#define RA_KEYED ID7 "110e11a22f0925b8f1803051f09237c11d2bfb3f" "010203040506070800" ORIGIN_A RA
#define RA_EXPIRED ID7 "8687e4ac52e57e579ea4926a830252641c32b808" "010203040506070801" ORIGIN_A RA

struct rig {
	struct ponto_test_alloc alloc;
	struct ponto_test_random random;
	struct teredo_server_config config;
	struct teredo_server *server;
	uint64_t now;
	struct teredo_server_output out;
	uint8_t buf[TEREDO_SERVER_OUTPUT_MAX];
};

static void rig_open(struct rig *rig)
{
	teredo_server_destroy(rig->server);
	assert_ok(teredo_server_create(&rig->config, &rig->server));
}

static void rig_start(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	ponto_test_alloc_init(&rig->alloc);
	ponto_test_random_init(&rig->random, 7);
	rig->now = START;
	rig->config = (struct teredo_server_config){.alloc = &rig->alloc.alloc,
						    .random = &rig->random.random,
						    .primary = S1,
						    .secondary = S1B,
						    .native = true,
						    .extra_max = 128,
						    .limit = {.rate = 0, .burst = 1, .slots = 16}};
	rig_open(rig);
}

static void rig_end(struct rig *rig)
{
	teredo_server_destroy(rig->server);
	assert_int_equal(rig->alloc.live, 0);
}

static void say(struct rig *rig, uint32_t ip, uint16_t port, uint32_t to, const char *hex)
{
	size_t len;
	uint8_t *bytes = ponto_test_hex(hex, &len);
	struct teredo_endpoint from = {ip, port};

	teredo_server_input(rig->server, rig->now, &from, to, ponto_bytes(bytes, len), rig->buf, &rig->out);
	free(bytes);
}

static void expect_bytes(struct rig *rig, const char *hex)
{
	size_t len;
	uint8_t *bytes = ponto_test_hex(hex, &len);

	assert_int_equal(rig->out.len, len);
	assert_memory_equal(rig->buf, bytes, len);
	free(bytes);
}

static void expect(struct rig *rig, enum teredo_server_kind kind, uint32_t from, uint32_t ip, uint16_t port,
		   const char *hex)
{
	assert_int_equal(rig->out.kind, kind);
	assert_int_equal(rig->out.from, from);
	assert_int_equal(rig->out.to.ip, ip);
	assert_int_equal(rig->out.to.port, port);
	expect_bytes(rig, hex);
}

/* Nothing goes out, for that reason, which is counted. */
static void refused(struct rig *rig, enum teredo_server_refusal why)
{
	struct teredo_server_stats stats;

	assert_int_equal(rig->out.kind, TEREDO_SERVER_NOTHING);
	assert_string_equal(teredo_server_refusal_name(rig->out.refusal), teredo_server_refusal_name(why));
	assert_int_equal(rig->out.len, 0);
	teredo_server_stats(rig->server, &stats);
	assert_true(stats.refused[why] > 0);
}

static void deny(struct rig *rig, uint32_t ip, uint16_t port, uint32_t to, enum teredo_server_refusal why,
		 const char *hex)
{
	say(rig, ip, port, to, hex);
	refused(rig, why);
}

/* ---- qualification ------------------------------------------------------------------------- */

static void test_qualifies(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-197", "TEREDO-217", "TEREDO-220", "TEREDO-221");
	rig_start(&rig);
	say(&rig, MAP_A, S1, RS);
	expect(&rig, TEREDO_SERVER_ADVERTISEMENT, S1, MAP_A, ORIGIN_A RA);
	say(&rig, 0xc6336476u, 65535, S1, RS);
	expect(&rig, TEREDO_SERVER_ADVERTISEMENT, S1, 0xc6336476u, 65535, "0000" "0000" "39cc9b89" RA);
	rig_end(&rig);
}

/* A client may build its link-local address of a private one: 10.0.1.2:36011. */
static void test_private_source(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-005");
	rig_start(&rig);
	say(&rig, MAP_A, S1, HEAD_RS "fe8000000000000000007354f5fffefd" ROUTERS "850014e500000000");
	assert_int_equal(rig.out.kind, TEREDO_SERVER_ADVERTISEMENT);
	rig_end(&rig);
}

static void test_advertises(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-218", "TEREDO-219", "TEREDO-026");
	rig_start(&rig);
	say(&rig, MAP_A, S1B, RS); /* the primary's prefix and link-local address all the same */
	expect(&rig, TEREDO_SERVER_ADVERTISEMENT, S1B, MAP_A, ORIGIN_A RA);
	rig_end(&rig);
}

static void test_cone(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-222", "TEREDO-223", "TEREDO-224");
	rig_start(&rig);
	say(&rig, MAP_A, S1, RS_CONE);
	expect(&rig, TEREDO_SERVER_ADVERTISEMENT, S1B, MAP_A, ORIGIN_A RA_CONE);
	say(&rig, MAP_A, S1B, RS_CONE);
	expect(&rig, TEREDO_SERVER_ADVERTISEMENT, S1, MAP_A, ORIGIN_A RA_CONE);
	say(&rig, MAP_A, S1, RS);
	expect(&rig, TEREDO_SERVER_ADVERTISEMENT, S1, MAP_A, ORIGIN_A RA);
	say(&rig, MAP_A, S1B, RS);
	expect(&rig, TEREDO_SERVER_ADVERTISEMENT, S1B, MAP_A, ORIGIN_A RA);
	rig.config.secondary = 0; /* an answer from the same address would make every NAT a cone */
	rig_open(&rig);
	deny(&rig, MAP_A, S1, TEREDO_REFUSED_CONE, RS_CONE);
	rig_end(&rig);
}

static void test_nonce(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-072", "TEREDO-019", "TEREDO-020");
	rig_start(&rig);
	say(&rig, MAP_A, S1, NONCE RS);
	expect(&rig, TEREDO_SERVER_ADVERTISEMENT, S1, MAP_A, NONCE ORIGIN_A RA);
	/* An identifier that is unknown is of no use to a server that asks for none. */
	say(&rig, MAP_A, S1, RS_KEYED);
	expect(&rig, TEREDO_SERVER_ADVERTISEMENT, S1, MAP_A, NONCE ORIGIN_A RA);
	rig_end(&rig);
}

static void test_teredo_source(void **state)
{
	struct teredo_packet p;
	struct rig rig;
	char hex[33];

	(void)state;
	rig_start(&rig);
	/* Rule 5 with destination ff02::2: answered to the Teredo address. */
	say(&rig, MAP_A, S1, HEAD_RS ADDR_A ROUTERS "8500f13f00000000");
	assert_int_equal(rig.out.kind, TEREDO_SERVER_ADVERTISEMENT);
	assert_ok(teredo_decode(ponto_bytes(rig.buf, rig.out.len), &p));
	ponto_hex(ponto_bytes(p.dst.bytes, 16), hex);
	assert_string_equal(hex, ADDR_A);
	deny(&rig, 0xc0000201u, 4097, S1, TEREDO_REFUSED_MISMATCH, HEAD_RS ADDR_A ROUTERS "8500f13f00000000");
	deny(&rig, MAP_A, S1, TEREDO_REFUSED_FOREIGN, HEAD_RS ADDR_NATIVE ROUTERS "8500000000000000");
	deny(&rig, MAP_A, S1, TEREDO_REFUSED_FOREIGN,
		    HEAD_RS "00000000000000000000000000000000" ROUTERS "8500000000000000");
	/* To the server's link-local address: rule 4 does not accept it. */
	deny(&rig, MAP_A, S1, TEREDO_REFUSED_KIND, HEAD_RS RS_SRC LINK_SERVER "8500000000000000");
	rig_end(&rig);
}

static void test_bad_solicitations(void **state)
{
	static const char *const bad[] = {
		HEAD_RS RS_SRC ROUTERS "85007d3800000000",	 /* checksum */
		HEAD_RS RS_SRC ROUTERS "85017d3600000000",	 /* code */
		"6000000000083a40" RS_SRC ROUTERS "85007d3700000000", /* hop limit */
		"6000000000043aff" RS_SRC ROUTERS "85007d3b",	 /* cut off */
		"6000000000103aff" RS_SRC ROUTERS "85007c2f0000000001000000000000", /* shorter than it says */
		"6000000000103aff" RS_SRC ROUTERS "85007c2f000000000100000000000000", /* an option without length */
	};
	struct rig rig;

	(void)state;
	rig_start(&rig);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++)
		deny(&rig, MAP_A, S1, TEREDO_REFUSED_MALFORMED, bad[i]);
	deny(&rig, MAP_A, S1, TEREDO_REFUSED_KIND, HEAD_RS RS_SRC ROUTERS "86007c3700000000");
	deny(&rig, MAP_A, S1, TEREDO_REFUSED_KIND, BUBBLE RS_SRC ROUTERS);
	rig_end(&rig);
}

/* ---- secure qualification ---------------------------------------------------------------------- */

static const struct teredo_key client_7 = {.id = {(const uint8_t *)"client-7", 8},
					   .secret = {(const uint8_t *)"vector-secret", 13}};

static void secure(struct rig *rig, const struct teredo_key *keys, size_t count)
{
	rig->config.keys = keys;
	rig->config.key_count = count;
	rig->config.secure = true;
	rig_open(rig);
	rig->config.keys = NULL;
}

static void test_secure(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-226", "TEREDO-227", "TEREDO-229", "TEREDO-077");
	rig_start(&rig);
	secure(&rig, &client_7, 1);
	say(&rig, MAP_A, S1, RS_KEYED);
	expect(&rig, TEREDO_SERVER_ADVERTISEMENT, S1, MAP_A, RA_KEYED);
	rig_end(&rig);
}

static void test_expired(void **state)
{
	struct teredo_key keys[2] = {client_7, {.id = {(const uint8_t *)"x", 1}}};
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-228", "TEREDO-018");
	rig_start(&rig);
	keys[0].expired = true;
	secure(&rig, keys, 2);
	say(&rig, MAP_A, S1, RS_KEYED);
	expect(&rig, TEREDO_SERVER_ADVERTISEMENT, S1, MAP_A, RA_EXPIRED);
	keys[0].expired = false;
	secure(&rig, keys, 2);
	say(&rig, MAP_A, S1, RS_KEYED);
	expect(&rig, TEREDO_SERVER_ADVERTISEMENT, S1, MAP_A, RA_KEYED);
	rig_end(&rig);
}

static void test_unauthenticated(void **state)
{
	struct teredo_key other = client_7;
	struct rig rig;
	size_t len;
	uint8_t *bytes;
	struct teredo_endpoint from = {MAP_A};

	(void)state;
	PONTO_PROVES("TEREDO-198", "TEREDO-076", "TEREDO-078");
	rig_start(&rig);
	secure(&rig, &client_7, 1);
	deny(&rig, MAP_A, S1, TEREDO_REFUSED_UNAUTHENTICATED, RS);
	deny(&rig, MAP_A, S1, TEREDO_REFUSED_UNAUTHENTICATED, NONCE RS);
	/* Whatever bit of what the value covers is changed, and of the value itself: nothing comes back. */
	bytes = ponto_test_hex(RS_KEYED, &len);
	for (size_t bit = 12 * 8; bit < len * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		teredo_server_input(rig.server, rig.now, &from, S1, ponto_bytes(bytes, len), rig.buf, &rig.out);
		assert_int_equal(rig.out.kind, TEREDO_SERVER_NOTHING);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	/* With the checksum put right after a change, only the value is left to tell. */
	bytes[len - 1] ^= 1;
	bytes[len - 5] ^= 1;
	teredo_server_input(rig.server, rig.now, &from, S1, ponto_bytes(bytes, len), rig.buf, &rig.out);
	refused(&rig, TEREDO_REFUSED_UNAUTHENTICATED);
	free(bytes);
	other.id.len = 7;
	secure(&rig, &other, 1);
	deny(&rig, MAP_A, S1, TEREDO_REFUSED_UNAUTHENTICATED, RS_KEYED);
	/* Also where it is not required. */
	other = client_7;
	other.secret.len--;
	secure(&rig, &other, 1);
	rig.config.secure = false;
	rig.config.keys = &other;
	rig_open(&rig);
	deny(&rig, MAP_A, S1, TEREDO_REFUSED_UNAUTHENTICATED, RS_KEYED);
	rig_end(&rig);
}

static void test_other_hash(void **state)
{
	struct teredo_key key = client_7;
	uint8_t datagram[256];
	struct ponto_writer w = ponto_writer(datagram, sizeof(datagram));
	struct teredo_auth auth = {.id = client_7.id, .nonce = {9}};
	struct teredo_endpoint from = {MAP_A};
	struct teredo_packet p;
	struct rig rig;
	size_t len;
	uint8_t *rs = ponto_test_hex(RS, &len);

	(void)state;
	PONTO_PROVES("TEREDO-079");
	rig_start(&rig);
	key.algo = TEREDO_HMAC_SHA256;
	secure(&rig, &key, 1);
	teredo_write_auth(&w, &auth, 32);
	ponto_write_copy(&w, rs, len);
	teredo_write_value(&w, 0, TEREDO_HMAC_SHA256, key.secret);
	free(rs);
	assert_ok(ponto_writer_done(&w, &len));
	teredo_server_input(rig.server, rig.now, &from, S1, ponto_bytes(datagram, len), rig.buf, &rig.out);
	assert_int_equal(rig.out.kind, TEREDO_SERVER_ADVERTISEMENT);
	assert_ok(teredo_decode(ponto_bytes(rig.buf, rig.out.len), &p));
	assert_true(teredo_authentic(&p, TEREDO_HMAC_SHA256, key.secret));
	assert_memory_equal(p.auth.nonce, auth.nonce, sizeof(auth.nonce));
	deny(&rig, MAP_A, S1, TEREDO_REFUSED_UNAUTHENTICATED, RS_KEYED);
	rig_end(&rig);
}

/* ---- what is discarded -------------------------------------------------------------------------- */

static void test_malformed(void **state)
{
	static const char *const bad[] = {
		"", "00", "0000efff3ffffd", ORIGIN_A, ORIGIN_A NONCE BUBBLE ADDR_A ADDR_C,
		ORIGIN_A ORIGIN_A BUBBLE ADDR_A ADDR_C, "0001c8140000000000000000000000000000000000000000",
		"0002000000000000" BUBBLE ADDR_A ADDR_C, "4500000000003bff" ADDR_A ADDR_C,
		BUBBLE ADDR_A "20010000cb0071780000dfff3ffffd", "6000000000013bff" ADDR_A ADDR_C,
	};
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-194", "TEREDO-021");
	rig_start(&rig);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++)
		deny(&rig, MAP_A, S1, TEREDO_REFUSED_MALFORMED, bad[i]);
	/* Sources that no host has. */
	deny(&rig, MAP_R, S1, TEREDO_REFUSED_MALFORMED, BUBBLE "ff020000000000000000000000000001" ADDR_A);
	deny(&rig, MAP_R, S1, TEREDO_REFUSED_MALFORMED, BUBBLE "00000000000000000000000000000000" ADDR_A);
	deny(&rig, MAP_R, S1, TEREDO_REFUSED_MALFORMED, BUBBLE "00000000000000000000000000000001" ADDR_A);
	rig_end(&rig);
}

static void test_kinds(void **state)
{
	static const uint8_t types[] = {1, 2, 3, 4, 100, 127, 130, 131, 132, 133, 134, 135, 136, 137, 143, 255};
	char hex[256];
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-195", "TEREDO-211", "TEREDO-029", "TEREDO-022");
	rig_start(&rig);
	/* UDP, a routing header, "no next header" with something behind it, an authentication before a bubble. */
	deny(&rig, MAP_A, S1, TEREDO_REFUSED_KIND,
		    "60000000000d1140" ADDR_A ADDR_C "0dd40dd4000d0f75504e52503f");
	deny(&rig, MAP_A, S1, TEREDO_REFUSED_KIND,
		    "6000000000182bff" ADDR_A ADDR_C "3b02000100000000" ADDR_NATIVE);
	deny(&rig, MAP_A, S1, TEREDO_REFUSED_KIND, "6000000000043b40" ADDR_A ADDR_C "61626364");
	deny(&rig, MAP_A, S1, TEREDO_REFUSED_KIND, NONCE BUBBLE ADDR_A ADDR_C);
	deny(&rig, MAP_A, S1, TEREDO_REFUSED_KIND, "6000000000073a80" ADDR_A ADDR_C "80000000123400");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(types); i++) {
		snprintf(hex, sizeof(hex), "6000000000083aff" ADDR_A ADDR_C "%02x00000000000000", types[i]);
		deny(&rig, MAP_A, S1, TEREDO_REFUSED_KIND, hex);
	}
	say(&rig, MAP_A, S1, "6000000000083aff" ADDR_A ADDR_C "8000000000000000");
	assert_int_equal(rig.out.kind, TEREDO_SERVER_RELAYED);
	say(&rig, MAP_A, S1, "6000000000083aff" ADDR_A ADDR_C "8100000000000000");
	assert_int_equal(rig.out.kind, TEREDO_SERVER_RELAYED);
	rig_end(&rig);
}

static void test_large(void **state)
{
	static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
	char hex[1024];
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-216");
	rig_start(&rig);
	snprintf(hex, sizeof(hex), "6000000000803a80" ADDR_A ADDR_C "80000000%s%s%s%.56s", zeros, zeros, zeros, zeros);
	say(&rig, MAP_A, S1, hex);
	assert_int_equal(rig.out.kind, TEREDO_SERVER_RELAYED);
	snprintf(hex, sizeof(hex), "6000000000813a80" ADDR_A ADDR_C "80000000%s%s%s%.58s", zeros, zeros, zeros, zeros);
	deny(&rig, MAP_A, S1, TEREDO_REFUSED_LARGE, hex);
	/* Nor does data pass as trailers. */
	snprintf(hex, sizeof(hex), BUBBLE ADDR_A ADDR_C "%s%s%s%s", zeros, zeros, zeros, zeros);
	say(&rig, MAP_A, S1, hex);
	assert_int_equal(rig.out.kind, TEREDO_SERVER_RELAYED);
	strcat(hex, "00");
	deny(&rig, MAP_A, S1, TEREDO_REFUSED_LARGE, hex);
	rig_end(&rig);
}

static const uint32_t not_global[] = {0x00010203, 0x0a000002, 0x0affffff, 0x7f000001, 0xa9fe0101, 0xac100000,
				      0xac1fffff, 0xc0a80001, 0xc0586301, 0xe00000fd, 0xefffffff, 0xffffffff,
				      0xc00002ff /* the broadcast address of a subnet given below */};
static const struct teredo_subnet attached = {0xc0000205, 24};

static void test_sources(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-196", "TEREDO-225", "TEREDO-142", "TEREDO-215");
	rig_start(&rig);
	teredo_server_subnets(rig.server, &attached, 1);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(not_global); i++) {
		deny(&rig, not_global[i], 4096, S1, TEREDO_REFUSED_SOURCE, RS);
		deny(&rig, not_global[i], 4096, S1, TEREDO_REFUSED_SOURCE, BUBBLE RS_SRC ADDR_A);
	}
	deny(&rig, 0xc0000201u, 0, S1, TEREDO_REFUSED_SOURCE, RS);
	deny(&rig, S1, 3544, S1, TEREDO_REFUSED_LOOP, RS);
	deny(&rig, S1B, 3544, S1, TEREDO_REFUSED_LOOP, BUBBLE RS_SRC ADDR_A);
	say(&rig, S1, 3545, S1, BUBBLE RS_SRC ADDR_A); /* a relay on the same host */
	assert_int_equal(rig.out.kind, TEREDO_SERVER_RELAYED);
	rig_end(&rig);
}

/* ---- bubbles on their way ---------------------------------------------------------------------- */

static void test_relays(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-199", "TEREDO-207", "TEREDO-208", "TEREDO-209");
	rig_start(&rig);
	say(&rig, MAP_A, S1, BUBBLE ADDR_A ADDR_C);
	expect(&rig, TEREDO_SERVER_RELAYED, S1, MAP_B, ORIGIN_A BUBBLE ADDR_A ADDR_C);
	say(&rig, MAP_A, S1B, BUBBLE ADDR_A ADDR_C);
	expect(&rig, TEREDO_SERVER_RELAYED, S1, MAP_B, ORIGIN_A BUBBLE ADDR_A ADDR_C);
	say(&rig, MAP_B, S1, BUBBLE ADDR_B ADDR_A); /* of another server's client */
	expect(&rig, TEREDO_SERVER_RELAYED, S1, MAP_A, "0000dfff3ffffdf5" BUBBLE ADDR_B ADDR_A);
	rig_end(&rig);
}

static void test_mismatch(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-200", "TEREDO-201");
	rig_start(&rig);
	deny(&rig, 0xc0000201u, 4097, S1, TEREDO_REFUSED_MISMATCH, BUBBLE ADDR_A ADDR_C);
	deny(&rig, 0xc0000202u, 4096, S1, TEREDO_REFUSED_MISMATCH, BUBBLE ADDR_A ADDR_C);
	rig.config.tolerant = true;
	rig_open(&rig);
	say(&rig, 0xc0000201u, 4097, S1, BUBBLE ADDR_A ADDR_C);
	expect(&rig, TEREDO_SERVER_RELAYED, S1, MAP_B, "0000effe3ffffdfe" BUBBLE ADDR_A ADDR_C);
	deny(&rig, 0xc0000202u, 4096, S1, TEREDO_REFUSED_MISMATCH, BUBBLE ADDR_A ADDR_C);
	deny(&rig, 0xc0000201u, 4097, S1, TEREDO_REFUSED_MISMATCH, ECHO(ADDR_A, ADDR_NATIVE, "a504"));
	rig_end(&rig);
}

static void test_others(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-202", "TEREDO-214", "TEREDO-203", "TEREDO-210");
	rig_start(&rig);
	say(&rig, MAP_R, S1, BUBBLE ADDR_RELAY ADDR_A);
	expect(&rig, TEREDO_SERVER_RELAYED, S1, MAP_A, ORIGIN_R BUBBLE ADDR_RELAY ADDR_A);
	/* miredo's: a link-local source, hop limit 0. */
	say(&rig, MAP_A, S1, "6000000000003b00" "fe80000000000000b83052f806f1546f" ADDR_C);
	expect(&rig, TEREDO_SERVER_RELAYED, S1, MAP_B,
	       ORIGIN_A "6000000000003b00" "fe80000000000000b83052f806f1546f" ADDR_C);
	deny(&rig, MAP_R, S1, TEREDO_REFUSED_FOREIGN, BUBBLE ADDR_RELAY ADDR_B);
	deny(&rig, MAP_R, S1, TEREDO_REFUSED_FOREIGN, BUBBLE ADDR_RELAY ADDR_NATIVE);
	deny(&rig, MAP_R, S1, TEREDO_REFUSED_FOREIGN, ECHO(RS_SRC, LINK_SERVER, "0000"));
	/* A client of this server may be given to, one of another is that one's. */
	deny(&rig, MAP_A, S1, TEREDO_REFUSED_FOREIGN, BUBBLE ADDR_A ADDR_B);
	rig_end(&rig);
}

static void test_destinations(void **state)
{
	static const char *const wide[] = {
		"fe800000000000000000000000000001", "ff020000000000000000000000000001", LINK_SERVER,
		"ff050000000000000000000000000001", "00000000000000000000000000000001",
		"00000000000000000000000000000000", "fd000000000000000000000000000001",
		"fec00000000000000000000000000001", "00000000000000000000ffffc0000201",
	};
	char hex[256];
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-204", "TEREDO-206", "TEREDO-205");
	rig_start(&rig);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(wide); i++) {
		snprintf(hex, sizeof(hex), BUBBLE ADDR_A "%s", wide[i]);
		deny(&rig, MAP_A, S1, TEREDO_REFUSED_SCOPE, hex);
	}
	teredo_server_subnets(rig.server, &attached, 1);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(not_global); i++) {
		snprintf(hex, sizeof(hex), BUBBLE ADDR_A "20010000cb0071780000efff%08x", (unsigned)~not_global[i]);
		deny(&rig, MAP_A, S1, TEREDO_REFUSED_DESTINATION, hex);
	}
	deny(&rig, MAP_A, S1, TEREDO_REFUSED_DESTINATION, BUBBLE ADDR_A "20010000cb0071780000ffff3ffffdfe");
	/* To itself: 203.0.113.121:3544. */
	deny(&rig, MAP_A, S1, TEREDO_REFUSED_LOOP, BUBBLE ADDR_A "20010000cb0071780000f22734ff8e86");
	say(&rig, MAP_A, S1, ECHO(ADDR_A, ADDR_NATIVE, "a504"));
	assert_int_equal(rig.out.kind, TEREDO_SERVER_NATIVE);
	expect_bytes(&rig, ECHO(ADDR_A, ADDR_NATIVE, "a504"));
	rig.config.native = false;
	rig_open(&rig);
	deny(&rig, MAP_A, S1, TEREDO_REFUSED_NATIVE, ECHO(ADDR_A, ADDR_NATIVE, "a504"));
	rig_end(&rig);
}

static void test_trailers(void **state)
{
	static const char trailers[] = "0104a1b2c3d4" "030e00000a0000021000c0a801011000" "0502c350" "4101aa";
	char hex[256], wanted[256];
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-212", "TEREDO-213");
	rig_start(&rig);
	snprintf(hex, sizeof(hex), ORIGIN_R BUBBLE ADDR_A ADDR_C "%s", trailers);
	snprintf(wanted, sizeof(wanted), ORIGIN_A BUBBLE ADDR_A ADDR_C "%s", trailers);
	say(&rig, MAP_A, S1, hex);
	expect(&rig, TEREDO_SERVER_RELAYED, S1, MAP_B, wanted);
	rig_end(&rig);
}

/* Flags of foreign addresses change nothing. */
static void test_flags(void **state)
{
	static const char *const flags[] = {"0000", "8000", "3cff", "2481", "0300", "4000"};
	char hex[256];
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-012");
	rig_start(&rig);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(flags); i++) {
		snprintf(hex, sizeof(hex), BUBBLE "20010000cb007178%sefff3ffffdfe" "20010000cb007178%sdfff3ffffdf5",
			 flags[i], flags[i]);
		say(&rig, MAP_A, S1, hex);
		assert_int_equal(rig.out.kind, TEREDO_SERVER_RELAYED);
		assert_int_equal(rig.out.to.port, 8192);
	}
	rig_end(&rig);
}

/* ---- memory and limits ------------------------------------------------------------------------- */

static void test_no_state(void **state)
{
	struct rig rig;
	size_t made;

	(void)state;
	PONTO_PROVES("TEREDO-193");
	rig_start(&rig);
	rig.config.limit = (struct teredo_limit_config){.rate = 50, .burst = 100, .slots = 256};
	rig_open(&rig);
	made = rig.alloc.made;
	for (uint32_t i = 0; i < 100000; i++) {
		say(&rig, 0x08000000 + i, (uint16_t)(i | 1), S1, RS);
		rig.now += 100;
	}
	assert_int_equal(rig.alloc.made, made);
	rig_end(&rig);
}

static unsigned served(struct rig *rig, uint32_t ip, unsigned count, const char *hex)
{
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++) {
		say(rig, ip, 4096, S1, hex);
		n += rig->out.kind != TEREDO_SERVER_NOTHING;
	}
	return n;
}

static void test_limits(void **state)
{
	struct teredo_server_stats stats;
	struct rig rig;

	(void)state;
	rig_start(&rig);
	rig.config.limit = (struct teredo_limit_config){.rate = 10, .burst = 20, .slots = 1024};
	rig_open(&rig);
	assert_int_equal(served(&rig, 0xc0000201u, 100, RS), 20);
	refused(&rig, TEREDO_REFUSED_LIMIT);
	assert_int_equal(served(&rig, 0xc0000202u, 100, RS), 20); /* others are not touched */
	rig.now += PONTO_SECOND;
	assert_int_equal(served(&rig, 0xc0000201u, 100, RS), 10);
	rig.now += 1000 * PONTO_SECOND;
	assert_int_equal(served(&rig, 0xc0000201u, 100, RS), 20);
	/* Who is sent to is spared as well, however many send. */
	rig.now += 1000 * PONTO_SECOND;
	for (uint32_t i = 0; i < 100; i++)
		(void)served(&rig, 0x08000000 + i, 1, BUBBLE RS_SRC ADDR_C);
	teredo_server_stats(rig.server, &stats);
	assert_int_equal(stats.relayed, 20);
	assert_int_equal(teredo_server_limit(rig.server, 10, 0), PONTO_EINVAL);
	assert_ok(teredo_server_limit(rig.server, 0, 1));
	assert_int_equal(served(&rig, 0xc0000201u, 1000, RS), 1000);
	rig_end(&rig);
}

/* A crowd that fills a table much too small: who asks seldom is served nearly always all the same. */
static void test_crowd(void **state)
{
	struct rig rig;
	unsigned quiet = 0;

	(void)state;
	rig_start(&rig);
	rig.config.limit = (struct teredo_limit_config){.rate = 1, .burst = 4, .slots = 4096};
	rig_open(&rig);
	for (uint32_t round = 0; round < 200; round++) {
		for (uint32_t i = 0; i < 256; i++) /* heavy ones hold a sixteenth of the slots */
			(void)served(&rig, 0x08000000 + i, 2, RS);
		quiet += served(&rig, 0x09000000 + round, 1, RS);
		rig.now += PONTO_SECOND;
	}
	assert_true(quiet >= 192);
	rig_end(&rig);
}

static void test_refused_configurations(void **state)
{
	struct teredo_key twice[2] = {client_7, client_7}, nameless = {.secret = client_7.secret};
	struct teredo_server *server = NULL;
	struct rig rig;

	(void)state;
	rig_start(&rig);
#define REFUSED(change)                                                                             \
	do {                                                                                        \
		struct teredo_server_config was = rig.config;                                       \
		change;                                                                             \
		assert_int_equal(teredo_server_create(&rig.config, &server), PONTO_EINVAL);         \
		rig.config = was;                                                                   \
	} while (0)
	REFUSED(rig.config.primary = 0x0a000001);
	REFUSED(rig.config.secondary = 0x7f000001);
	REFUSED(rig.config.secondary = S1);
	REFUSED(rig.config.secure = true);
	REFUSED(rig.config.extra_max = TEREDO_SERVER_EXTRA_MAX + 1);
	REFUSED(rig.config.limit.burst = 0);
	REFUSED(rig.config.limit.slots = 0);
	REFUSED(rig.config.limit.slots = TEREDO_LIMIT_SLOTS_MAX + 1);
	REFUSED((rig.config.keys = twice, rig.config.key_count = 2));
	REFUSED((rig.config.keys = &nameless, rig.config.key_count = 1));
	REFUSED((nameless.id = client_7.id, nameless.algo = 2, rig.config.keys = &nameless, rig.config.key_count = 1));
	assert_null(server);
	assert_string_equal(teredo_server_refusal_name(TEREDO_REFUSALS), "unknown");
	rig_end(&rig);
}

static int create_once(const struct ponto_alloc *alloc, void *arg)
{
	struct rig *rig = arg;
	struct teredo_server *server = NULL;
	int result;

	rig->config.alloc = alloc;
	rig->config.keys = &client_7;
	rig->config.key_count = 1;
	result = teredo_server_create(&rig->config, &server);
	teredo_server_destroy(server);
	return result;
}

static void test_memory_refused(void **state)
{
	struct rig rig;

	(void)state;
	rig_start(&rig);
	ponto_test_oom(create_once, &rig, false);
	rig_end(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_qualifies),
		cmocka_unit_test(test_private_source),
		cmocka_unit_test(test_advertises),
		cmocka_unit_test(test_cone),
		cmocka_unit_test(test_nonce),
		cmocka_unit_test(test_teredo_source),
		cmocka_unit_test(test_bad_solicitations),
		cmocka_unit_test(test_secure),
		cmocka_unit_test(test_expired),
		cmocka_unit_test(test_unauthenticated),
		cmocka_unit_test(test_other_hash),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_relays),
		cmocka_unit_test(test_mismatch),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_destinations),
		cmocka_unit_test(test_trailers),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_no_state),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_refused_configurations),
		cmocka_unit_test(test_memory_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name(NULL, tests, NULL, NULL);
}
