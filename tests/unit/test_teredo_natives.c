/* The client, native and local peers, ICMPv6 and stacks: RFC 4380 5.2.8, 5.2.9, RFC 4443. */
#include "tests/unit/teredo_peers_test.h"

/* ---- native peers ------------------------------------------------------------------------------------ */

/* What came out is an echo request to the native peer by our server; its reply comes from there. */
static void echo_reply(struct rig *rig, struct teredo_endpoint from, bool right)
{
	struct ponto_writer w = ponto_writer(rig->input, sizeof(rig->input));
	struct teredo_icmp icmp;

	rig_out(rig);
	assert_ok(teredo_icmp_parse(&rig->packet, &icmp));
	assert_int_equal(icmp.type, TEREDO_ICMP_ECHO_REQUEST);
	assert_true(teredo_ip6_equal(&rig->packet.dst, &rig->native));
	assert_true(teredo_ip6_equal(&rig->packet.src, &rig->a));
	assert_int_equal(rig->slot.to.ip, S1);
	assert_int_equal(rig->slot.to.port, TEREDO_PORT);
	assert_true(icmp.body.len >= 8);
	assert_true(rig->packet.payload.len <= 88); /* more is not forwarded by servers that are there */
	icmp.type = TEREDO_ICMP_ECHO_REPLY;
	if (!right)
		((uint8_t *)(uintptr_t)icmp.body.data)[0] ^= 1;
	teredo_write_icmp(&w, &rig->native, &rig->a, 63, &icmp);
	if (!right)
		((uint8_t *)(uintptr_t)icmp.body.data)[0] ^= 1;
	assert_false(rig_in(rig, from, 0, rig->input, (size_t)w.pos));
}

static void relay_is_found_by_an_echo(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-093", "TEREDO-094", "TEREDO-095", "TEREDO-118");
	qualified(&rig);
	assert_int_equal(rig_send(&rig, &rig.native), 0);
	assert_int_equal(rig_send(&rig, &rig.native), 0);
	echo_reply(&rig, RELAY_AT, true);
	for (int i = 0; i < 2; i++) {
		rig_out(&rig);
		rig_assert_data(&rig, &rig.native, RELAY_AT);
	}
	rig_quiet(&rig);
	assert_int_equal(rig_send(&rig, &rig.native), 1);
	rig_assert_data(&rig, &rig.native, RELAY_AT);
	assert_true(rig_data(&rig, &rig.native, RELAY_AT, 0));
	rig_end(&rig);
}

static void echo_with_a_nonce(void **state)
{
	struct teredo_icmp icmp;
	uint8_t nonce[8];
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-096", "TEREDO-186", "TEREDO-187", "TEREDO-188");
	qualified(&rig);
	assert_int_equal(rig_send(&rig, &rig.native), 0);
	echo_reply(&rig, RELAY_AT, false);
	assert_false(rig_peer(&rig, &rig.native).trusted);
	rig_quiet(&rig);
	assert_ok(teredo_icmp_parse(&rig.packet, &icmp));
	memcpy(nonce, icmp.body.data, 8);
	rig_pass(&rig, 8 * PONTO_SECOND);
	while (teredo_client_output(rig.c, &rig.slot))
		;
	/* Another test has another one. */
	assert_int_equal(rig_send(&rig, &rig.native), 0);
	rig_out(&rig);
	assert_ok(teredo_icmp_parse(&rig.packet, &icmp));
	assert_memory_not_equal(nonce, icmp.body.data, 8);
	rig_end(&rig);
}

static void silent_native_peer(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-119", "TEREDO-120", "TEREDO-121", "TEREDO-189");
	qualified(&rig);
	assert_int_equal(rig_send(&rig, &rig.native), 0);
	assert_int_equal(rig_peer(&rig, &rig.native).transmitted, rig.now);
	for (int i = 0; i < 4; i++) {
		rig_out(&rig);
		assert_int_equal(rig.packet.next_header, TEREDO_NEXT_ICMP);
		rig_pass(&rig, 2 * PONTO_SECOND - 1);
		rig_quiet(&rig);
		rig_pass(&rig, 1);
	}
	rig_quiet(&rig);
	assert_true(
		teredo_ip6_equal((struct teredo_ip6[]){rig_effect(&rig, TEREDO_EFFECT_UNREACHABLE).peer}, &rig.native));
	assert_int_equal(rig_status(&rig).queued, 0);
	/* A late answer is none. */
	rig_end(&rig);
}

static void no_test_while_valid(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-190");
	qualified(&rig);
	assert_int_equal(rig_send(&rig, &rig.native), 0);
	echo_reply(&rig, RELAY_AT, true);
	rig_out(&rig);
	rig_pass(&rig, 20 * PONTO_SECOND);
	assert_true(rig_data(&rig, &rig.native, RELAY_AT, 0));
	rig_pass(&rig, PONTO_SECOND);
	assert_int_equal(rig_send(&rig, &rig.native), 1);
	rig_quiet(&rig);
	rig_end(&rig);
}

static void native_strangers_are_tested(void **state)
{
	struct rig rig;
	unsigned tests = 0;

	(void)state;
	PONTO_PROVES("TEREDO-109", "TEREDO-110");
	qualified(&rig);
	/* 53 bytes are less than a test has, which somebody else may get. */
	assert_false(rig_data(&rig, &rig.native, RELAY_AT, 0));
	rig_quiet(&rig);
	assert_false(rig_data(&rig, &rig.native, RELAY_AT, 0));
	echo_reply(&rig, RELAY_AT, true);
	assert_true(rig_data(&rig, &rig.native, RELAY_AT, 0));
	for (uint32_t i = 0; i < 1000; i++) {
		struct teredo_ip6 ip = rig.native;

		ip.bytes[14] = (uint8_t)(1 + (i >> 8));
		ip.bytes[15] = (uint8_t)i;
		assert_false(rig_data(&rig, &ip, RELAY_AT, 0));
		assert_false(rig_data(&rig, &ip, RELAY_AT, 0));
		while (teredo_client_output(rig.c, &rig.slot))
			tests++;
	}
	assert_int_equal(tests, rig.config.tests - 1);
	/* And none of these is repeated. */
	rig_pass(&rig, 10 * PONTO_SECOND);
	rig_quiet(&rig);
	rig_end(&rig);
}

/* Another relay: what we know stays until it answered. */
static void relay_changes(void **state)
{
	struct teredo_endpoint other = {IP4(198, 51, 100, 201), 3545};
	struct rig rig;

	(void)state;
	qualified(&rig);
	assert_int_equal(rig_send(&rig, &rig.native), 0);
	echo_reply(&rig, RELAY_AT, true);
	rig_out(&rig);
	rig_pass(&rig, 3 * PONTO_SECOND);
	assert_false(rig_data(&rig, &rig.native, other, 0));
	assert_false(rig_data(&rig, &rig.native, other, 0));
	assert_int_equal(rig_send(&rig, &rig.native), 1);
	rig_assert_data(&rig, &rig.native, RELAY_AT);
	echo_reply(&rig, other, true);
	assert_int_equal(rig_send(&rig, &rig.native), 1);
	rig_assert_data(&rig, &rig.native, other);
	rig_end(&rig);
}

/* ---- local peers --------------------------------------------------------------------------------------- */

static void discovered(struct rig *rig, const struct teredo_ip6 *src, struct teredo_endpoint from, uint8_t via)
{
	struct ponto_writer w = ponto_writer(rig->input, sizeof(rig->input));

	teredo_write_bubble(&w, src, &teredo_all_nodes, 1);
	assert_false(rig_in(rig, from, via, rig->input, (size_t)w.pos));
}

static void local_peer_is_discovered(void **state)
{
	struct teredo_peer_info info;
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-103", "TEREDO-104", "TEREDO-105", "TEREDO-183");
	rig_qualified(&rig, TEREDO_FEATURE_LOCAL, MAPPED);
	discovered(&rig, &rig.b, LAN_B, TEREDO_VIA_GROUP);
	rig_assert_direct(&rig, &rig.b, LAN_B);
	info = rig_peer(&rig, &rig.b);
	assert_true(info.local && !info.trusted);
	assert_true(teredo_endpoint_equal(&info.local_endpoint, &LAN_B));
	assert_int_equal(info.received, rig.now);
	assert_int_equal(info.transmitted, rig.now - 30 * PONTO_SECOND);
	assert_int_equal(info.bubbles, 0);
	rig_quiet(&rig);
	rig_end(&rig);
}

static void local_peer_is_reached(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-107", "TEREDO-122", "TEREDO-123", "TEREDO-144");
	rig_qualified(&rig, TEREDO_FEATURE_LOCAL, MAPPED);
	discovered(&rig, &rig.b, LAN_B, TEREDO_VIA_GROUP);
	rig_out(&rig);
	assert_int_equal(rig_send(&rig, &rig.b), 0);
	rig_assert_direct(&rig, &rig.b, LAN_B);
	rig_out(&rig);
	assert_true(teredo_ip6_equal(&rig.packet.dst, &teredo_all_nodes));
	assert_int_equal(rig.slot.to.ip, IP4(224, 0, 0, 253));
	rig_bubble(&rig, &rig.b, LAN_B, 0, NULL);
	assert_true(rig_peer(&rig, &rig.b).trusted);
	rig_out(&rig);
	rig_assert_data(&rig, &rig.b, LAN_B);
	assert_int_equal(rig_send(&rig, &rig.b), 1);
	rig_assert_data(&rig, &rig.b, LAN_B);
	rig_end(&rig);
}

static void local_data_releases(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-108");
	rig_qualified(&rig, TEREDO_FEATURE_LOCAL, MAPPED);
	discovered(&rig, &rig.b, LAN_B, TEREDO_VIA_GROUP);
	rig_out(&rig);
	assert_int_equal(rig_send(&rig, &rig.b), 0);
	rig_out(&rig);
	rig_out(&rig);
	assert_true(rig_data(&rig, &rig.b, LAN_B, 0));
	rig_out(&rig);
	rig_assert_data(&rig, &rig.b, LAN_B);
	rig_end(&rig);
}

static void local_for_ten_minutes(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-124");
	for (int late = 0; late < 2; late++) {
		rig_qualified(&rig, TEREDO_FEATURE_LOCAL, MAPPED);
		discovered(&rig, &rig.b, LAN_B, TEREDO_VIA_GROUP);
		for (int i = 0; i < 599 + 2 * late; i++) {
			rig_pass(&rig, PONTO_SECOND);
			while (teredo_client_output(rig.c, &rig.slot)) {
				assert_ok(teredo_decode(ponto_bytes(rig.slot.data, rig.slot.len), &rig.packet));
				if (rig.packet.next_header == TEREDO_NEXT_ICMP)
					rig_answer(&rig, MAPPED);
			}
		}
		assert_int_equal(rig_send(&rig, &rig.b), 0);
		rig_assert_direct(&rig, &rig.b, late ? B_AT : LAN_B);
		rig_end(&rig);
	}
}

static void local_peer_that_left_is_sought_elsewhere(void **state)
{
	struct rig rig;

	(void)state;
	rig_qualified(&rig, TEREDO_FEATURE_LOCAL, MAPPED);
	discovered(&rig, &rig.b, LAN_B, TEREDO_VIA_GROUP);
	rig_out(&rig);
	assert_int_equal(rig_send(&rig, &rig.b), 0);
	for (int i = 0; i < 4; i++) {
		rig_assert_direct(&rig, &rig.b, LAN_B);
		rig_out(&rig);
		rig_pass(&rig, 2 * PONTO_SECOND);
	}
	rig_assert_round(&rig, &rig.b, B_AT, S2);
	rig_end(&rig);
}

static void discovery_bubbles_that_are_refused(void **state)
{
	struct teredo_ip6 bad[4] = {{{[15] = 1}}, {{0xfe, 0x80, [15] = 1}}, {{0}}, {{0}}};
	struct teredo_endpoint moved = {IP4(10, 0, 0, 8), 5};
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-178", "TEREDO-179", "TEREDO-180", "TEREDO-182");
	rig_qualified(&rig, TEREDO_FEATURE_LOCAL, MAPPED);
	bad[2] = rig.native;
	bad[3] = rig_address(S2, 0, LAN_B);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		discovered(&rig, &bad[i], LAN_B, TEREDO_VIA_GROUP);
		assert_false(rig_has_peer(&rig, &bad[i]));
	}
	discovered(&rig, &rig.b, LAN_B, TEREDO_VIA_SERVICE);
	discovered(&rig, &rig.b, (struct teredo_endpoint){IP4(198, 51, 100, 7), 5}, TEREDO_VIA_GROUP);
	assert_false(rig_has_peer(&rig, &rig.b));
	rig_quiet(&rig);
	discovered(&rig, &rig.b, LAN_B, TEREDO_VIA_GROUP);
	discovered(&rig, &rig.b, moved, TEREDO_VIA_GROUP);
	assert_true(teredo_endpoint_equal((struct teredo_endpoint[]){rig_peer(&rig, &rig.b).local_endpoint}, &moved));
	rig_end(&rig);
}

static void own_and_unwanted_discovery(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-106", "TEREDO-181", "TEREDO-184", "TEREDO-185");
	rig_qualified(&rig, TEREDO_FEATURE_LOCAL | TEREDO_FEATURE_LOCAL_SAME, MAPPED);
	discovered(&rig, &rig.a, LOCAL, TEREDO_VIA_GROUP);
	discovered(&rig, &rig.b, LAN_B, TEREDO_VIA_GROUP); /* mapped to another address than ours */
	assert_int_equal(rig_status(&rig).peers, 0);
	rig_quiet(&rig);
	rig_end(&rig);
	qualified(&rig);
	discovered(&rig, &rig.b, LAN_B, TEREDO_VIA_GROUP);
	assert_int_equal(rig_status(&rig).peers, 0);
	for (int i = 0; i < 20; i++) {
		rig_due(&rig);
		rig_assert_solicitation(&rig, S1, false); /* and nothing to a group */
		rig_answer(&rig, MAPPED);
		rig_quiet(&rig);
	}
	rig_end(&rig);
}

static void discovery_bubbles_are_sent(void **state)
{
	uint64_t last, least = UINT64_MAX, most = 0;
	struct rig rig;
	int seen = 0;

	(void)state;
	PONTO_PROVES("TEREDO-174", "TEREDO-175", "TEREDO-176", "TEREDO-177");
	rig_qualified(&rig, TEREDO_FEATURE_LOCAL, MAPPED);
	last = rig.now;
	while (seen < 100) {
		uint64_t wait;

		rig_due(&rig);
		while (teredo_client_output(rig.c, &rig.slot)) {
			assert_ok(teredo_decode(ponto_bytes(rig.slot.data, rig.slot.len), &rig.packet));
			if (rig.packet.next_header == TEREDO_NEXT_ICMP) {
				rig_answer(&rig, MAPPED);
				continue;
			}
			assert_int_equal(rig.slot.ttl, 1);
			assert_int_equal(rig.slot.via, TEREDO_VIA_SERVICE);
			assert_int_equal(rig.slot.to.ip, IP4(224, 0, 0, 253));
			assert_int_equal(rig.slot.to.port, 3544);
			assert_true(teredo_is_bubble(&rig.packet));
			assert_int_equal(rig.packet.hop_limit, 1);
			assert_true(teredo_ip6_equal(&rig.packet.src, &rig.a));
			assert_true(teredo_ip6_equal(&rig.packet.dst, &teredo_all_nodes));
			wait = rig.now - last;
			last = rig.now;
			least = wait < least ? wait : least;
			most = wait > most ? wait : most;
			seen++;
		}
	}
	assert_true(least >= 200 * PONTO_SECOND && least < 210 * PONTO_SECOND);
	assert_true(most <= 300 * PONTO_SECOND && most > 290 * PONTO_SECOND);
	rig_end(&rig);
}

/* ---- ICMPv6 ------------------------------------------------------------------------------------------------ */

static void write_icmp(struct rig *rig, const struct teredo_ip6 *src, const struct teredo_icmp *icmp,
		       struct teredo_endpoint from, bool delivered)
{
	struct ponto_writer w = ponto_writer(rig->input, sizeof(rig->input));

	teredo_write_icmp(&w, src, &rig->a, 64, icmp);
	assert_false(w.failed);
	assert_int_equal(rig_in(rig, from, 0, rig->input, (size_t)w.pos), delivered);
}

static void echo_requests_are_answered(void **state)
{
	struct teredo_icmp icmp = {.type = TEREDO_ICMP_ECHO_REQUEST, .word = 0x10002};
	unsigned replies = 0;
	struct rig rig;

	(void)state;
	qualified(&rig);
	icmp.body = ponto_bytes("abc", 3);
	write_icmp(&rig, &rig.b, &icmp, B_AT, false);
	rig_out(&rig);
	assert_int_equal(rig.slot.to.port, B_AT.port);
	assert_ok(teredo_icmp_parse(&rig.packet, &icmp));
	assert_int_equal(icmp.type, TEREDO_ICMP_ECHO_REPLY);
	assert_int_equal(icmp.word, 0x10002);
	assert_memory_equal(icmp.body.data, "abc", 3);
	icmp = (struct teredo_icmp){.type = TEREDO_ICMP_ECHO_REQUEST};
	for (int i = 0; i < 1000; i++) {
		write_icmp(&rig, &rig.b, &icmp, B_AT, false);
		while (teredo_client_output(rig.c, &rig.slot))
			replies++;
	}
	assert_int_equal(replies, rig.config.echoes - 1);
	write_icmp(&rig, &rig.b, &icmp, ELSEWHERE, false);
	rig_quiet(&rig);
	rig_end(&rig);
}

/* Errors are told when they are about a datagram of ours and come from where it went. */
static void errors_are_checked(void **state)
{
	struct teredo_ip6 router = {{0x20, 1, 0x0d, 0xb8, [15] = 9}};
	struct teredo_icmp icmp = {.type = TEREDO_ICMP_UNREACHABLE, .code = TEREDO_UNREACHABLE_PORT};
	uint8_t sent[64], bubble[40];
	struct ponto_writer w = ponto_writer(bubble, sizeof(bubble));
	struct rig rig;

	(void)state;
	qualified(&rig);
	rig_bubble(&rig, &rig.b, B_AT, 0, NULL);
	assert_int_equal(rig_send(&rig, &rig.b), 1);
	memcpy(sent, rig.slot.data, rig.slot.len);
	icmp.body = ponto_bytes(sent, rig.slot.len);
	write_icmp(&rig, &rig.b, &icmp, B_AT, true);
	assert_int_equal(rig.delivery.kind, TEREDO_DELIVERY_ERROR);
	assert_true(teredo_ip6_equal(&rig.delivery.peer, &rig.b));
	assert_int_equal(rig.delivery.udp.from, 3540);
	assert_int_equal(rig.delivery.udp.to, 3541);
	assert_int_equal(rig.delivery.mtu, 0);
	/* A router between us. */
	write_icmp(&rig, &router, &(struct teredo_icmp){.type = TEREDO_ICMP_TOO_BIG, .word = 1280, .body = icmp.body},
		   B_AT, true);
	assert_int_equal(rig.delivery.mtu, 1280);
	write_icmp(&rig, &router, &icmp, ELSEWHERE, false);
	/* Garbage, a quoted bubble, and what others sent. */
	icmp.body.len = 44;
	sent[43] = 0;
	write_icmp(&rig, &router, &icmp, B_AT, true);
	icmp.body.len = 43;
	write_icmp(&rig, &router, &icmp, B_AT, false);
	icmp.body.len = 5;
	write_icmp(&rig, &router, &icmp, B_AT, false);
	teredo_write_bubble(&w, &rig.a, &rig.b, 0);
	icmp = (struct teredo_icmp){.type = TEREDO_ICMP_TIME_EXCEEDED, .body = ponto_bytes(bubble, sizeof(bubble))};
	write_icmp(&rig, &router, &icmp, B_AT, false);
	sent[8] ^= 1;
	icmp.body = ponto_bytes(sent, 53);
	write_icmp(&rig, &rig.b, &icmp, B_AT, false);
	rig_quiet(&rig);
	rig_end(&rig);
}

static void nobody_listens(void **state)
{
	struct teredo_received in = {.from = B_AT};
	struct teredo_icmp icmp;
	struct rig rig;

	(void)state;
	qualified(&rig);
	/* Its source may be forged: nothing larger than what came goes there. */
	assert_true(rig_data(&rig, &rig.b, B_AT, 0));
	in.data = ponto_bytes(rig.input, 53);
	teredo_client_refuse(rig.c, rig.now, &in);
	rig_quiet(&rig);
	assert_int_equal(rig_send(&rig, &rig.b), 1);
	assert_true(rig_data(&rig, &rig.b, B_AT, 0));
	teredo_client_refuse(rig.c, rig.now, &in);
	rig_out(&rig);
	assert_ok(teredo_icmp_parse(&rig.packet, &icmp));
	assert_int_equal(icmp.type, TEREDO_ICMP_UNREACHABLE);
	assert_int_equal(icmp.code, TEREDO_UNREACHABLE_PORT);
	assert_memory_equal(icmp.body.data, rig.input, 53);
	in.from = ELSEWHERE;
	teredo_client_refuse(rig.c, rig.now, &in);
	rig_quiet(&rig);
	rig_end(&rig);
}

/* ---- packets of a stack --------------------------------------------------------------------------- */

/* A segment of five bytes; TCP is the stack's affair. */
static struct ponto_bytes segment(uint8_t out[64], const struct teredo_ip6 *src, const struct teredo_ip6 *dst)
{
	struct ponto_writer w = ponto_writer(out, 64);
	size_t len = 0;

	teredo_write_ip6(&w, src, dst, TEREDO_NEXT_TCP, 64, 5);
	ponto_write_bytes(&w, ponto_bytes("hello", 5));
	assert_ok(ponto_writer_done(&w, &len));
	return ponto_bytes(out, len);
}

static void packets_of_a_stack_wait_and_go_like_datagrams(void **state)
{
	uint8_t buf[64];
	struct ponto_bytes packet;
	struct rig rig;

	(void)state;
	qualified(&rig);
	packet = segment(buf, &rig.a, &rig.b);
	assert_int_equal(teredo_client_send_packet(rig.c, rig.now, packet, &rig.slot), 0);
	rig_assert_round(&rig, &rig.b, B_AT, S2);
	rig_bubble(&rig, &rig.b, B_AT, 0, NULL);
	rig_out(&rig);
	assert_true(teredo_endpoint_equal(&rig.slot.to, &B_AT));
	assert_int_equal(rig.slot.len, packet.len);
	assert_memory_equal(rig.slot.data, packet.data, packet.len);
	assert_int_equal(teredo_client_send_packet(rig.c, rig.now, packet, &rig.slot), 1);
	assert_memory_equal(rig.slot.data, packet.data, packet.len);
	rig_end(&rig);
}

static void only_packets_of_a_stack_are_taken(void **state)
{
	static uint8_t large[TEREDO_MTU + 1];
	uint8_t buf[64];
	struct rig rig;

	(void)state;
	qualified(&rig);
	segment(buf, &rig.a, &rig.b);
	for (size_t cut = 0; cut < TEREDO_IP6_HEADER + 5; cut++)
		assert_int_equal(teredo_client_send_packet(rig.c, rig.now, ponto_bytes(buf, cut), &rig.slot), PONTO_EINVAL);
	assert_int_equal(teredo_client_send_packet(rig.c, rig.now, ponto_bytes(buf, 60), &rig.slot), PONTO_EINVAL);
	assert_int_equal(teredo_client_send_packet(rig.c, rig.now, ponto_bytes(large, sizeof(large)), &rig.slot), PONTO_ELIMIT);
	buf[6] = TEREDO_NEXT_UDP;
	assert_int_equal(teredo_client_send_packet(rig.c, rig.now, ponto_bytes(buf, TEREDO_IP6_HEADER + 5), &rig.slot),
			 PONTO_EINVAL);
	/* From another address, or to none that can be reached. */
	assert_int_equal(teredo_client_send_packet(rig.c, rig.now, segment(buf, &rig.b, &rig.native), &rig.slot),
			 PONTO_EUNREACH);
	assert_int_equal(teredo_client_send_packet(rig.c, rig.now, segment(buf, &rig.a, &rig.a), &rig.slot), PONTO_EUNREACH);
	rig_quiet(&rig);
	rig_end(&rig);
}

static void packets_for_a_stack_come_from_those_who_are_believed(void **state)
{
	uint8_t buf[64], error[TEREDO_MTU];
	struct ponto_writer w;
	struct ponto_bytes packet;
	struct rig rig;
	size_t len;

	(void)state;
	qualified(&rig);
	packet = segment(buf, &rig.b, &rig.a);
	assert_false(rig_in(&rig, ELSEWHERE, TEREDO_VIA_SERVICE, packet.data, packet.len));
	assert_true(rig_in(&rig, B_AT, TEREDO_VIA_SERVICE, packet.data, packet.len));
	assert_int_equal(rig.delivery.kind, TEREDO_DELIVERY_PACKET);
	assert_int_equal(rig.delivery.packet.len, packet.len);
	assert_memory_equal(rig.delivery.packet.data, packet.data, packet.len);
	/* An error about a segment of ours, from the way to the peer. */
	packet = segment(buf, &rig.a, &rig.b);
	w = ponto_writer(error, sizeof(error));
	teredo_write_error(&w, &rig.native, &rig.a, 64, TEREDO_ICMP_TOO_BIG, 0, 1280, packet);
	assert_ok(ponto_writer_done(&w, &len));
	assert_false(rig_in(&rig, ELSEWHERE, TEREDO_VIA_SERVICE, error, len));
	assert_true(rig_in(&rig, B_AT, TEREDO_VIA_SERVICE, error, len));
	assert_int_equal(rig.delivery.kind, TEREDO_DELIVERY_PACKET);
	assert_int_equal(rig.delivery.packet.len, len);
	rig_end(&rig);
}

/* It answers echo requests itself, and gets what no application here knows of. */
static void a_whole_host_gets_all_that_is_believed(void **state)
{
	const struct teredo_icmp echo = {.type = TEREDO_ICMP_ECHO_REQUEST, .word = 7};
	uint8_t buf[TEREDO_MTU];
	struct ponto_writer w = ponto_writer(buf, sizeof(buf));
	struct ponto_bytes packet;
	struct rig rig;
	size_t len = 0;

	(void)state;
	rig_qualified(&rig, TEREDO_FEATURE_DEFAULT | TEREDO_FEATURE_WHOLE, MAPPED);
	teredo_write_icmp(&w, &rig.b, &rig.a, 64, &echo);
	assert_ok(ponto_writer_done(&w, &len));
	assert_false(rig_in(&rig, ELSEWHERE, TEREDO_VIA_SERVICE, buf, len));
	assert_true(rig_in(&rig, B_AT, TEREDO_VIA_SERVICE, buf, len));
	assert_int_equal(rig.delivery.kind, TEREDO_DELIVERY_PACKET);
	assert_int_equal(rig.delivery.packet.len, len);
	rig_quiet(&rig);
	assert_true(rig_data(&rig, &rig.b, B_AT, TEREDO_VIA_SERVICE));
	assert_int_equal(rig.delivery.kind, TEREDO_DELIVERY_DATAGRAM);
	assert_int_equal(rig.delivery.packet.len, TEREDO_IP6_HEADER + TEREDO_UDP_HEADER + 5);
	packet = segment(buf, &rig.b, &rig.a);
	buf[6] = 132; /* SCTP */
	assert_true(rig_in(&rig, B_AT, TEREDO_VIA_SERVICE, packet.data, packet.len));
	assert_int_equal(rig.delivery.kind, TEREDO_DELIVERY_PACKET);
	/* And may send all. */
	packet = segment(buf, &rig.a, &rig.b);
	buf[6] = 132;
	assert_int_equal(teredo_client_send_packet(rig.c, rig.now, packet, &rig.slot), 1);
	/* An error about that comes in too, from the way there alone. */
	w = ponto_writer(rig.input + 1024, 1024);
	teredo_write_error(&w, &rig.native, &rig.a, 64, TEREDO_ICMP_TIME_EXCEEDED, 0, 0, packet);
	assert_ok(ponto_writer_done(&w, &len));
	memcpy(buf, rig.input + 1024, len);
	assert_false(rig_in(&rig, ELSEWHERE, TEREDO_VIA_SERVICE, buf, len));
	assert_true(rig_in(&rig, B_AT, TEREDO_VIA_SERVICE, buf, len));
	assert_int_equal(rig.delivery.kind, TEREDO_DELIVERY_PACKET);
	rig_end(&rig);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(relay_is_found_by_an_echo),
	cmocka_unit_test(echo_with_a_nonce),
	cmocka_unit_test(silent_native_peer),
	cmocka_unit_test(no_test_while_valid),
	cmocka_unit_test(native_strangers_are_tested),
	cmocka_unit_test(relay_changes),
	cmocka_unit_test(local_peer_is_discovered),
	cmocka_unit_test(local_peer_is_reached),
	cmocka_unit_test(local_data_releases),
	cmocka_unit_test(local_for_ten_minutes),
	cmocka_unit_test(local_peer_that_left_is_sought_elsewhere),
	cmocka_unit_test(discovery_bubbles_that_are_refused),
	cmocka_unit_test(own_and_unwanted_discovery),
	cmocka_unit_test(discovery_bubbles_are_sent),
	cmocka_unit_test(echo_requests_are_answered),
	cmocka_unit_test(errors_are_checked),
	cmocka_unit_test(nobody_listens),
	cmocka_unit_test(packets_of_a_stack_wait_and_go_like_datagrams),
	cmocka_unit_test(only_packets_of_a_stack_are_taken),
	cmocka_unit_test(packets_for_a_stack_come_from_those_who_are_believed),
	cmocka_unit_test(a_whole_host_gets_all_that_is_believed),
};

PONTO_TEST_MAIN(tests)
