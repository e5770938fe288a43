/* Relaying between IPv6 hosts and Teredo clients: RFC 4380 5.4, RFC 5991 3.2. */
#include "engines/teredo/teredo_relay.h"

#include <stdio.h>

#include "tests/support/test.h"

#define START (1000 * PONTO_SECOND)
#define S1 0xcb007178u				/* 203.0.113.120, A's server */
#define MAP_A (struct teredo_endpoint){0xc0000201u, 4096} /* 192.0.2.1 */
#define OWN (struct teredo_endpoint){0xc63364c8u, 3545}   /* 198.51.100.200 */

#define A "20010000cb0071780000efff3ffffdfe"
#define HOST "20010db8000600000000000000000030"
#define RELAY "20010db8000600000000000000000020"
#define ELSEWHERE "20010db8000700000000000000000001"
#define BUBBLE(src, dst) "6000000000003bff" src dst
#define DATA(src, dst) "60000000000d1140" src dst "0dd40dd4000d0f75504e52503f"

struct rig {
	struct ponto_test_alloc alloc;
	struct ponto_test_random random;
	struct teredo_prefix served;
	struct teredo_relay_config config;
	struct teredo_relay *relay;
	uint64_t now;
	struct teredo_relay_slot slot;
};

static struct teredo_ip6 ip6(const char *hex)
{
	struct teredo_ip6 ip;

	assert_ok(ponto_unhex(hex, ip.bytes, sizeof(ip.bytes)));
	return ip;
}

static void rig_open(struct rig *rig)
{
	const struct teredo_endpoint own = OWN;
	const struct teredo_subnet subnet = {0xc6336400u, 24};

	teredo_relay_destroy(rig->relay);
	assert_ok(teredo_relay_create(&rig->config, &rig->relay));
	teredo_relay_local(rig->relay, &own, 1, &subnet, 1);
}

static void rig_start(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	ponto_test_alloc_init(&rig->alloc);
	ponto_test_random_init(&rig->random, 3);
	rig->now = START;
	rig->served = (struct teredo_prefix){ip6("20010db8000600000000000000000000"), 48};
	rig->config = (struct teredo_relay_config){.alloc = &rig->alloc.alloc,
						   .random = &rig->random.random,
						   .source = ip6(RELAY),
						   .served = &rig->served,
						   .served_count = 1,
						   .peers = 64,
						   .queue = 2 * TEREDO_MTU,
						   .queues = 16 * TEREDO_MTU};
	rig_open(rig);
}

static void rig_end(struct rig *rig)
{
	teredo_relay_destroy(rig->relay);
	assert_int_equal(rig->alloc.live, 0);
}

static uint64_t dropped(struct rig *rig, enum teredo_relay_drop why)
{
	struct teredo_relay_stats stats;

	teredo_relay_stats(rig->relay, &stats);
	return stats.dropped[why];
}

/* From the IPv6 side: 1 when it is to go to *to at once. */
static int give(struct rig *rig, const char *hex, struct teredo_endpoint *to)
{
	size_t len;
	uint8_t *bytes = ponto_test_hex(hex, &len);
	int result = teredo_relay_send(rig->relay, rig->now, ponto_bytes(bytes, len), to);

	free(bytes);
	return result;
}

static void give_dropped(struct rig *rig, const char *hex, enum teredo_relay_drop why)
{
	uint64_t before = dropped(rig, why);
	struct teredo_endpoint to;

	assert_int_equal(give(rig, hex, &to), 0);
	assert_int_equal(dropped(rig, why), before + 1);
	assert_int_equal(teredo_relay_output(rig->relay, &rig->slot), 0);
}

/* From a client: 1 when it is for the IPv6 side, and is what was said from `at` bytes on. */
static int hear(struct rig *rig, struct teredo_endpoint from, const char *hex)
{
	size_t len;
	uint8_t *bytes = ponto_test_hex(hex, &len);
	struct ponto_bytes packet = {0};
	int result = teredo_relay_input(rig->relay, rig->now, &from, ponto_bytes(bytes, len), &packet);

	if (result == 1)
		assert_ptr_equal(packet.data, bytes);
	free(bytes);
	return result;
}

static void hear_dropped(struct rig *rig, struct teredo_endpoint from, const char *hex, enum teredo_relay_drop why)
{
	uint64_t before = dropped(rig, why);

	assert_int_equal(hear(rig, from, hex), 0);
	assert_int_equal(dropped(rig, why), before + 1);
}

static void expect_output(struct rig *rig, uint32_t ip, uint16_t port, const char *hex)
{
	size_t len;
	uint8_t *bytes = ponto_test_hex(hex, &len);

	assert_int_equal(teredo_relay_output(rig->relay, &rig->slot), 1);
	assert_int_equal(rig->slot.to.ip, ip);
	assert_int_equal(rig->slot.to.port, port);
	assert_int_equal(rig->slot.len, len);
	assert_memory_equal(rig->slot.data, bytes, len);
	free(bytes);
}

static void expect_nothing(struct rig *rig)
{
	assert_int_equal(teredo_relay_output(rig->relay, &rig->slot), 0);
}

static uint32_t peers(struct rig *rig)
{
	struct teredo_relay_status status;

	teredo_relay_status(rig->relay, &status);
	return status.peers;
}

/* A is a trusted peer. */
static void meet(struct rig *rig)
{
	struct teredo_endpoint to;

	assert_int_equal(give(rig, DATA(HOST, A), &to), 0);
	expect_output(rig, S1, 3544, BUBBLE(RELAY, A));
	assert_int_equal(hear(rig, MAP_A, BUBBLE(A, RELAY)), 0);
	expect_output(rig, 0xc0000201u, 4096, DATA(HOST, A));
	expect_nothing(rig);
}

static void test_bubbles_first(void **state)
{
	struct teredo_endpoint to;
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-236", "TEREDO-237", "TEREDO-240", "TEREDO-233");
	rig_start(&rig);
	assert_int_equal(give(&rig, DATA(HOST, A), &to), 0);
	expect_output(&rig, S1, 3544, BUBBLE(RELAY, A));
	assert_int_equal(give(&rig, DATA(HOST, A), &to), 0); /* no bubble for each */
	expect_nothing(&rig);
	rig.now += PONTO_SECOND;
	assert_int_equal(hear(&rig, MAP_A, BUBBLE(A, RELAY)), 0);
	expect_output(&rig, 0xc0000201u, 4096, DATA(HOST, A));
	expect_output(&rig, 0xc0000201u, 4096, DATA(HOST, A));
	expect_nothing(&rig);
	assert_int_equal(give(&rig, DATA(HOST, A), &to), 1);
	assert_int_equal(to.ip, 0xc0000201u);
	assert_int_equal(to.port, 4096);
	rig_end(&rig);
}

/* What is believed does not last. */
static void test_valid(void **state)
{
	struct teredo_endpoint to;
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-246");
	rig_start(&rig);
	meet(&rig);
	rig.now += 29 * PONTO_SECOND;
	assert_int_equal(hear(&rig, MAP_A, DATA(A, HOST)), 1);
	rig.now += 29 * PONTO_SECOND;
	assert_int_equal(give(&rig, DATA(HOST, A), &to), 1);
	rig.now += 2 * PONTO_SECOND;
	assert_int_equal(give(&rig, DATA(HOST, A), &to), 0);
	expect_output(&rig, S1, 3544, BUBBLE(RELAY, A));
	rig.now += 299 * PONTO_SECOND;
	teredo_relay_advance(rig.relay, rig.now);
	rig_end(&rig);
}

static void test_silent(void **state)
{
	struct teredo_endpoint to;
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-238", "TEREDO-239");
	rig_start(&rig);
	assert_int_equal(give(&rig, DATA(HOST, A), &to), 0);
	for (unsigned i = 0; i < 4; i++) {
		expect_output(&rig, S1, 3544, BUBBLE(RELAY, A));
		expect_nothing(&rig);
		assert_int_equal(teredo_relay_deadline(rig.relay), rig.now + 2 * PONTO_SECOND);
		teredo_relay_advance(rig.relay, rig.now + 2 * PONTO_SECOND - 1);
		expect_nothing(&rig);
		assert_int_equal(peers(&rig), 1);
		rig.now += 2 * PONTO_SECOND;
		teredo_relay_advance(rig.relay, rig.now);
	}
	expect_nothing(&rig);
	assert_int_equal(peers(&rig), 0);
	assert_int_equal(dropped(&rig, TEREDO_RELAY_SILENT), 1);
	assert_int_equal(teredo_relay_deadline(rig.relay), PONTO_NEVER);
	hear_dropped(&rig, MAP_A, BUBBLE(A, RELAY), TEREDO_RELAY_STRANGER); /* too late */
	rig_end(&rig);
}

static void test_natted(void **state)
{
	struct teredo_endpoint to;
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-242");
	rig_start(&rig);
	rig.config.natted = true;
	rig_open(&rig);
	assert_int_equal(give(&rig, DATA(HOST, A), &to), 0);
	for (unsigned i = 0; i < 2; i++) {
		expect_output(&rig, 0xc0000201u, 4096, BUBBLE(RELAY, A));
		expect_output(&rig, S1, 3544, BUBBLE(RELAY, A));
		expect_nothing(&rig);
		rig.now += 2 * PONTO_SECOND;
		teredo_relay_advance(rig.relay, rig.now);
	}
	rig_end(&rig);
}

#define CONE_A "20010000cb0071788000efff3ffffdfe"

static void test_cone(void **state)
{
	struct teredo_endpoint to;
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-235", "TEREDO-234");
	rig_start(&rig);
	assert_int_equal(give(&rig, DATA(HOST, CONE_A), &to), 0);
	expect_output(&rig, S1, 3544, BUBBLE(RELAY, CONE_A));
	rig.config.cone_trust = true;
	rig_open(&rig);
	assert_int_equal(give(&rig, DATA(HOST, CONE_A), &to), 1);
	assert_int_equal(to.port, 4096);
	assert_int_equal(hear(&rig, MAP_A, DATA(CONE_A, HOST)), 1);
	assert_int_equal(give(&rig, DATA(HOST, A), &to), 0);
	rig_end(&rig);
}

static void test_destinations(void **state)
{
	static const char *const bad[] = {
		"20010000cb0071780000effff5fffffe", /* 10.0.0.1 */
		"20010000cb0071780000efff80fffffe", /* 127.0.0.1 */
		"20010000cb0071780000efff1fffff02", /* 224.0.0.253 */
		"20010000cb0071780000efff00000000", /* 255.255.255.255 */
		"20010000cb0071780000ffff3ffffdfe", /* port 0 */
		"200100000a0000010000efff3ffffdfe", /* a private server */
		"20010000c63364ff0000efff3ffffdfe", /* a server at a broadcast address */
		"20010000cb0071780000efff39cc9b00", /* 198.51.100.255, broadcast here */
		"20010000cb0071780000f22639cc9b37", /* this relay itself */
		ELSEWHERE, "20010001cb0071780000efff3ffffdfe", "ff020000000000000000000000000001",
		"fe800000000000008000f22734ff8e87",
	};
	char hex[256];
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-231", "TEREDO-232");
	rig_start(&rig);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		snprintf(hex, sizeof(hex), DATA(HOST, "%s"), bad[i]);
		give_dropped(&rig, hex, TEREDO_RELAY_DESTINATION);
	}
	rig_end(&rig);
}

/* Relays do not feed each other, nor serve whom they are not for. */
static void test_sources(void **state)
{
	struct rig rig;
	char large[3000];

	(void)state;
	rig_start(&rig);
	give_dropped(&rig, DATA("20010000cb0071780000dfff3ffffdf5", A), TEREDO_RELAY_SOURCE);
	give_dropped(&rig, DATA(ELSEWHERE, A), TEREDO_RELAY_SOURCE);
	give_dropped(&rig, DATA("fe800000000000000000000000000001", A), TEREDO_RELAY_SOURCE);
	give_dropped(&rig, DATA("00000000000000000000000000000000", A), TEREDO_RELAY_SOURCE);
	give_dropped(&rig, "", TEREDO_RELAY_MALFORMED);
	give_dropped(&rig, "4500", TEREDO_RELAY_MALFORMED);
	give_dropped(&rig, DATA(HOST, A) "00", TEREDO_RELAY_MALFORMED);
	give_dropped(&rig, "0000efff3ffffdfe" DATA(HOST, A), TEREDO_RELAY_MALFORMED);
	snprintf(large, sizeof(large), "6000000004d91140" HOST A "%02482x", 0);
	give_dropped(&rig, large, TEREDO_RELAY_LARGE);
	rig_end(&rig);
}

static void test_clients(void **state)
{
	static const char *const bad[] = {
		"", "00", "6000000000013bff" A RELAY, "4500000000003bff" A RELAY, "6000000000003bff" A,
		"0000efff3ffffdfe" BUBBLE(A, RELAY), "00010000010203040506070800" BUBBLE(A, RELAY),
	};
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-243", "TEREDO-244", "TEREDO-245");
	rig_start(&rig);
	hear_dropped(&rig, MAP_A, BUBBLE(A, RELAY), TEREDO_RELAY_STRANGER);
	hear_dropped(&rig, MAP_A, DATA(A, HOST), TEREDO_RELAY_STRANGER);
	meet(&rig);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++)
		hear_dropped(&rig, MAP_A, bad[i], TEREDO_RELAY_MALFORMED);
	hear_dropped(&rig, (struct teredo_endpoint){0xc0000201u, 4097}, DATA(A, HOST), TEREDO_RELAY_FORGED);
	hear_dropped(&rig, (struct teredo_endpoint){0xc0000202u, 4096}, DATA(A, HOST), TEREDO_RELAY_FORGED);
	hear_dropped(&rig, MAP_A, DATA(ELSEWHERE, HOST), TEREDO_RELAY_FORGED);
	hear_dropped(&rig, (struct teredo_endpoint){S1, 3544}, BUBBLE(RELAY, HOST), TEREDO_RELAY_FORGED);
	hear_dropped(&rig, OWN, DATA("20010000cb0071780000f22639cc9b37", HOST), TEREDO_RELAY_FORGED);
	assert_int_equal(hear(&rig, MAP_A, DATA(A, HOST)), 1);
	assert_int_equal(hear(&rig, MAP_A, DATA(A, HOST) "0104a1b2c3d4"), 1); /* without its trailers */
	rig_end(&rig);
}

static void test_served(void **state)
{
	static const char *const others[] = {
		ELSEWHERE, "20010000cb0071780000dfff3ffffdf5", "fe800000000000000000000000000001",
		"ff020000000000000000000000000001", "00000000000000000000000000000001", "20010db8000500000000000000000030",
	};
	char hex[256];
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-247", "TEREDO-248");
	rig_start(&rig);
	meet(&rig);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(others); i++) {
		snprintf(hex, sizeof(hex), DATA(A, "%s"), others[i]);
		hear_dropped(&rig, MAP_A, hex, TEREDO_RELAY_UNSERVED);
	}
	assert_int_equal(hear(&rig, MAP_A, DATA(A, "20010db80006ffffffffffffffffffff")), 1);
	/* A prefix that ends within a byte, one of a host, and none. */
	rig.served.bits = 47;
	rig_open(&rig);
	meet(&rig);
	assert_int_equal(hear(&rig, MAP_A, DATA(A, ELSEWHERE)), 1);
	rig.served = (struct teredo_prefix){ip6(HOST), 128};
	rig_open(&rig);
	meet(&rig);
	assert_int_equal(hear(&rig, MAP_A, DATA(A, HOST)), 1);
	hear_dropped(&rig, MAP_A, DATA(A, RELAY), TEREDO_RELAY_UNSERVED);
	rig.served.bits = 0;
	rig_open(&rig);
	meet(&rig);
	hear_dropped(&rig, MAP_A, DATA(A, "20010000cb0071780000dfff3ffffdf5"), TEREDO_RELAY_UNSERVED);
	rig_end(&rig);
}

static void test_queue(void **state)
{
	struct teredo_relay_status status;
	struct teredo_endpoint to;
	struct rig rig;
	unsigned released = 0;

	(void)state;
	PONTO_PROVES("TEREDO-241");
	rig_start(&rig);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(give(&rig, DATA(HOST, A), &to), 0);
	teredo_relay_status(rig.relay, &status);
	assert_true(status.queued <= 2 * TEREDO_MTU && status.queued > 2 * TEREDO_MTU - 53);
	assert_int_equal(dropped(&rig, TEREDO_RELAY_LIMIT), 1000 - 2 * TEREDO_MTU / 53);
	assert_int_equal(hear(&rig, MAP_A, BUBBLE(A, RELAY)), 0);
	while (teredo_relay_output(rig.relay, &rig.slot))
		released++;
	assert_int_equal(released, 2 * TEREDO_MTU / 53);
	rig_end(&rig);
}

/* Packets to very many who do not exist: neither memory nor those who do are at their mercy. */
static void test_flood(void **state)
{
	struct teredo_relay_status status;
	struct teredo_endpoint to;
	struct rig rig;
	char hex[256];

	(void)state;
	PONTO_PROVES("TEREDO-249");
	rig_start(&rig);
	meet(&rig);
	for (unsigned i = 0; i < 100000; i++) {
		snprintf(hex, sizeof(hex), DATA(HOST, "20010000cb0071780000efff%08x"), ~(0x08000000u + i));
		assert_int_equal(give(&rig, hex, &to), 0);
		while (teredo_relay_output(rig.relay, &rig.slot))
			;
	}
	teredo_relay_status(rig.relay, &status);
	assert_int_equal(status.peers, 33);
	assert_int_equal(status.trusted, 1);
	assert_true(status.queued <= 16 * TEREDO_MTU);
	assert_true(rig.alloc.live < 33 + 16 * TEREDO_MTU / 53 + 8);
	assert_int_equal(give(&rig, DATA(HOST, A), &to), 1);
	rig.config.fresh = 10;
	rig_open(&rig);
	for (unsigned i = 0; i < 20; i++) {
		snprintf(hex, sizeof(hex), DATA(HOST, "20010000cb0071780000efff%08x"), ~(0x08000000u + i));
		assert_int_equal(give(&rig, hex, &to), 0);
	}
	assert_int_equal(peers(&rig), 10);
	rig_end(&rig);
}

/* Trusted peers are bounded too, the longest unused goes first; idle ones go by themselves. */
static void test_trusted_bound(void **state)
{
	struct teredo_relay_status status;
	struct teredo_endpoint to, from;
	struct rig rig;
	char hex[256];

	(void)state;
	rig_start(&rig);
	meet(&rig);
	for (unsigned i = 0; i < 40; i++) {
		rig.now += PONTO_MS;
		from = (struct teredo_endpoint){0x08000000u + i, 4096};
		snprintf(hex, sizeof(hex), DATA(HOST, "20010000cb0071780000efff%08x"), ~from.ip);
		assert_int_equal(give(&rig, hex, &to), 0);
		snprintf(hex, sizeof(hex), BUBBLE("20010000cb0071780000efff%08x", RELAY), ~from.ip);
		assert_int_equal(hear(&rig, from, hex), 0);
		while (teredo_relay_output(rig.relay, &rig.slot))
			;
	}
	teredo_relay_status(rig.relay, &status);
	assert_int_equal(status.trusted, 32);
	hear_dropped(&rig, MAP_A, DATA(A, HOST), TEREDO_RELAY_STRANGER);
	rig.now += 300 * PONTO_SECOND;
	teredo_relay_advance(rig.relay, rig.now);
	assert_int_equal(peers(&rig), 0);
	rig_end(&rig);
}

static void test_refused_configurations(void **state)
{
	struct teredo_relay *relay = NULL;
	struct rig rig;

	(void)state;
	rig_start(&rig);
#define REFUSED(change)                                                                    \
	do {                                                                               \
		struct teredo_relay_config was = rig.config;                               \
		change;                                                                    \
		assert_int_equal(teredo_relay_create(&rig.config, &relay), PONTO_EINVAL);  \
		rig.config = was;                                                          \
	} while (0)
	REFUSED(rig.config.peers = TEREDO_RELAY_PEERS_MIN - 1);
	REFUSED(rig.config.peers = TEREDO_RELAY_PEERS_MAX + 1);
	REFUSED(rig.config.queue = TEREDO_MTU - 1);
	REFUSED(rig.config.queues = rig.config.queue - 1);
	REFUSED(rig.config.source = ip6(A));
	REFUSED(rig.config.source = ip6("fe800000000000000000000000000001"));
	rig.served.bits = 129;
	REFUSED((void)0);
	assert_null(relay);
	assert_string_equal(teredo_relay_drop_name(TEREDO_RELAY_DROPS), "unknown");
	rig_end(&rig);
}

static int live(const struct ponto_alloc *alloc, void *arg)
{
	struct rig *rig = arg;
	struct teredo_endpoint to;
	int result;

	rig->config.alloc = alloc;
	rig->relay = NULL;
	result = teredo_relay_create(&rig->config, &rig->relay);
	if (result != PONTO_OK)
		return result;
	(void)give(rig, DATA(HOST, A), &to);
	while (teredo_relay_output(rig->relay, &rig->slot))
		;
	(void)hear(rig, MAP_A, BUBBLE(A, RELAY));
	/* What found no memory is a lost packet. */
	result = dropped(rig, TEREDO_RELAY_LIMIT) ? PONTO_ENOMEM : PONTO_OK;
	teredo_relay_destroy(rig->relay);
	rig->relay = NULL;
	return result;
}

static void test_memory_refused(void **state)
{
	struct rig rig;

	(void)state;
	rig_start(&rig);
	teredo_relay_destroy(rig.relay);
	ponto_test_oom(live, &rig, false);
	assert_int_equal(rig.alloc.live, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bubbles_first),
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_natted),
		cmocka_unit_test(test_cone),
		cmocka_unit_test(test_destinations),
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_clients),
		cmocka_unit_test(test_served),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_trusted_bound),
		cmocka_unit_test(test_refused_configurations),
		cmocka_unit_test(test_memory_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name(NULL, tests, NULL, NULL);
}
