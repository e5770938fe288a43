/* Teredo packets: RFC 4380 5.1.1, 5.2.1, 5.2.2, 5.3.2; RFC 6081 4. */
#include "engines/teredo/teredo_auth.h"
#include "engines/teredo/teredo_icmp.h"
#include "engines/teredo/teredo_server.h"
#include "engines/teredo/teredo_trailer.h"
#include "tests/support/test.h"
#include "tests/unit/teredo_vectors.h"

#define S1 0xcb007178u
#define A_IP 0xc0000201u
#define SECRET ponto_bytes("vector-secret", 13)

/* Decoded from a block of exactly its size, which lives until the program ends. */
static int decode(const char *hex, struct teredo_packet *out)
{
	size_t len;
	uint8_t *data = ponto_test_hex(hex, &len);
	int result = teredo_decode(ponto_bytes(data, len), out);

	if (result != PONTO_OK)
		free(data);
	return result;
}

static void done(const struct teredo_packet *p)
{
	/* The datagram begins with the packet or what stands before it. */
	const uint8_t *start = p->ip6.data;

	start -= p->has_origin ? TEREDO_ORIGIN : 0;
	start -= p->has_auth ? 13 + p->auth.id.len + p->auth.value.len : 0;
	free((void *)(uintptr_t)start);
}

static void assert_written(const struct ponto_writer *w, const char *hex)
{
	size_t len;
	uint8_t *wanted = ponto_test_hex(hex, &len);

	assert_false(w->failed);
	assert_int_equal(w->pos, len);
	assert_memory_equal(w->data, wanted, len);
	free(wanted);
}

static void what_parts_there_are(void **state)
{
	struct teredo_packet p;

	(void)state;
	PONTO_PROVES("TEREDO-015", "TEREDO-017", "TEREDO-018", "TEREDO-019");
	assert_ok(decode(P09, &p));
	assert_false(p.has_auth || p.has_origin);
	assert_true(teredo_is_bubble(&p));
	done(&p);
	assert_ok(decode(P03, &p));
	assert_true(p.has_auth && !p.has_origin);
	assert_true(ponto_bytes_equal(p.auth.id, ponto_bytes("client-7", 8)));
	assert_int_equal(p.auth.value.len, 20);
	assert_memory_equal(p.auth.nonce, "\1\2\3\4\5\6\7\10", 8);
	assert_int_equal(p.auth.confirmation, 0);
	done(&p);
	assert_ok(decode(P04, &p));
	assert_true(p.has_auth && p.has_origin);
	assert_int_equal(p.auth.id.len + p.auth.value.len, 0);
	assert_int_equal(p.origin.ip, A_IP);
	assert_int_equal(p.origin.port, 4096);
	done(&p);
}

static void origin_of_the_standard(void **state)
{
	uint8_t buf[TEREDO_ORIGIN];
	struct ponto_writer w = ponto_writer(buf, sizeof(buf));

	(void)state;
	PONTO_PROVES("TEREDO-016");
	teredo_write_origin(&w, &(struct teredo_endpoint){0x01020304, 337});
	assert_written(&w, "0000feaefefdfcfb");
}

static void malformed_is_refused(void **state)
{
	static const char *const bad[] = {N01, N02, N03, N04, N05, N06, N07, N08, N09, N10, N11};
	struct teredo_packet p, before;

	(void)state;
	PONTO_PROVES("TEREDO-023", "TEREDO-084");
	memset(&p, 0xa5, sizeof(p));
	before = p;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++)
		assert_int_equal(decode(bad[i], &p), PONTO_EPROTO);
	assert_memory_equal(&p, &before, sizeof(p));
	assert_ok(decode(N24, &p));
	assert_int_equal(p.payload.len, 9);
	assert_int_equal(p.trailers.len, 6);
	done(&p);
}

/* Every prefix of a packet is refused, but for those that only lack trailers. */
static void cut_off_is_refused(void **state)
{
	static const char *const whole[] = {P05, P13, P27};
	static const size_t trailers[] = {0, 6, 0};

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(whole); i++) {
		size_t len;
		uint8_t *data = ponto_test_hex(whole[i], &len);

		for (size_t n = 0; n < len; n++) {
			uint8_t *cut = malloc(n ? n : 1);
			struct teredo_packet p;

			memcpy(cut, data, n);
			assert_int_equal(teredo_decode(ponto_bytes(cut, n), &p),
					 n + trailers[i] < len ? PONTO_EPROTO : PONTO_OK);
			free(cut);
		}
		free(data);
	}
}

static void bubbles(void **state)
{
	uint8_t buf[64];
	struct ponto_writer w = ponto_writer(buf, sizeof(buf));
	struct teredo_packet p;

	(void)state;
	PONTO_PROVES("TEREDO-029");
	assert_ok(decode(P09, &p));
	teredo_write_bubble(&w, &p.src, &p.dst, 255);
	assert_written(&w, P09);
	done(&p);
	assert_ok(decode(N25, &p));
	assert_false(teredo_is_bubble(&p));
	done(&p);
	assert_ok(decode(P27, &p));
	assert_false(teredo_is_bubble(&p));
	done(&p);
	assert_ok(decode(P11, &p));
	w = ponto_writer(buf, sizeof(buf));
	teredo_write_origin(&w, &p.origin);
	teredo_write_bubble(&w, &p.src, &p.dst, p.hop_limit);
	assert_written(&w, P11);
	done(&p);
}

static void udp_both_ways(void **state)
{
	static const char *const packets[] = {P27, P28};
	uint8_t buf[64];

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(packets); i++) {
		struct ponto_writer w = ponto_writer(buf, sizeof(buf));
		struct teredo_packet p;
		struct teredo_udp udp;

		assert_ok(decode(packets[i], &p));
		assert_ok(teredo_udp_parse(&p, &udp));
		assert_int_equal(udp.from, 3540);
		assert_int_equal(udp.to, 3540);
		teredo_write_udp(&w, &p.src, &p.dst, TEREDO_HOP_LIMIT, &udp);
		assert_written(&w, packets[i]);
		done(&p);
	}
}

static void udp_that_is_refused(void **state)
{
	struct teredo_packet p;
	struct teredo_udp udp;
	size_t len;
	uint8_t *data = ponto_test_hex(P27, &len);

	(void)state;
	/* Any bit of addresses, ports, length, checksum or data. */
	for (size_t bit = 8 * 8; bit < len * 8; bit++) {
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_ok(teredo_decode(ponto_bytes(data, len), &p));
		assert_int_equal(teredo_udp_parse(&p, &udp), PONTO_EPROTO);
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	data[46] = data[47] = 0; /* none */
	assert_ok(teredo_decode(ponto_bytes(data, len), &p));
	assert_int_equal(teredo_udp_parse(&p, &udp), PONTO_EPROTO);
	free(data);
	assert_ok(decode(P21, &p));
	assert_int_equal(teredo_udp_parse(&p, &udp), PONTO_EPROTO);
	done(&p);
}

/* Odd and even lengths against the plain definition. */
static void checksum_of_all_lengths(void **state)
{
	struct teredo_ip6 src = {{1, 2, 3}}, dst = {{0xff, 0xfe, [15] = 0xfd}};
	struct ponto_test_random tr;
	uint8_t data[40];

	(void)state;
	ponto_test_random_init(&tr, 1);
	tr.random.fill(tr.random.ctx, data, sizeof(data));
	for (size_t n = 0; n <= sizeof(data); n++) {
		uint32_t sum = (uint32_t)n + 17;

		for (size_t i = 0; i < 16; i++)
			sum += (uint32_t)(src.bytes[i] + dst.bytes[i]) << (i & 1 ? 0 : 8);
		for (size_t i = 0; i < n; i++)
			sum += (uint32_t)data[i] << (i & 1 ? 0 : 8);
		sum = (sum & 0xffff) + (sum >> 16);
		sum = (sum & 0xffff) + (sum >> 16);
		assert_int_equal(teredo_checksum(&src, &dst, 17, ponto_bytes(data, n)), (uint16_t)~sum);
	}
}

static void solicitations(void **state)
{
	struct teredo_packet p;
	uint8_t buf[128];
	struct ponto_writer w = ponto_writer(buf, sizeof(buf));
	struct teredo_auth auth = {.id = ponto_bytes("client-7", 8), .nonce = {1, 2, 3, 4, 5, 6, 7, 8}};

	(void)state;
	PONTO_PROVES("TEREDO-077");
	assert_ok(decode(P01, &p));
	assert_ok(teredo_solicitation_parse(&p));
	teredo_write_solicitation(&w, &p.src);
	assert_written(&w, P01);
	done(&p);
	assert_ok(decode(P03, &p));
	assert_ok(teredo_solicitation_parse(&p));
	assert_true(teredo_authentic(&p, TEREDO_HMAC_SHA1, SECRET));
	w = ponto_writer(buf, sizeof(buf));
	teredo_write_auth(&w, &auth, teredo_value_size(TEREDO_HMAC_SHA1));
	teredo_write_solicitation(&w, &p.src);
	teredo_write_value(&w, 0, TEREDO_HMAC_SHA1, SECRET);
	assert_written(&w, P03);
	w = ponto_writer(buf, sizeof(buf));
	auth.id.len = 0;
	teredo_write_auth(&w, &auth, 0);
	teredo_write_solicitation(&w, &p.src);
	assert_written(&w, P02);
	done(&p);
}

static void write_answer(struct ponto_writer *w, uint8_t confirmation, const struct teredo_ip6 *to)
{
	struct teredo_auth auth = {.id = ponto_bytes("client-7", 8), .nonce = {1, 2, 3, 4, 5, 6, 7, 8}};

	auth.confirmation = confirmation;
	teredo_write_auth(w, &auth, 20);
	teredo_write_origin(w, &(struct teredo_endpoint){A_IP, 4096});
	teredo_write_advertisement(w, S1, to);
	teredo_write_value(w, 0, TEREDO_HMAC_SHA1, SECRET);
}

static void advertisements(void **state)
{
	static const char *const answers[] = {P05, P06};
	struct teredo_advertisement a;
	struct teredo_address prefix;
	struct teredo_packet p;
	uint8_t buf[256];

	(void)state;
	PONTO_PROVES("TEREDO-078");
	for (uint8_t i = 0; i < 2; i++) {
		struct ponto_writer w = ponto_writer(buf, sizeof(buf));

		assert_ok(decode(answers[i], &p));
		assert_ok(teredo_advertisement_parse(&p, &a));
		assert_int_equal(a.prefixes, 1);
		assert_int_equal(a.prefix_bits, 64);
		assert_int_equal(a.mtu, 1280);
		assert_int_equal(a.router_lifetime, 0);
		teredo_address_split(&a.prefix, &prefix);
		assert_int_equal(prefix.server, S1);
		assert_true(teredo_authentic(&p, TEREDO_HMAC_SHA1, SECRET));
		assert_false(teredo_authentic(&p, TEREDO_HMAC_SHA256, SECRET));
		assert_false(teredo_authentic(&p, TEREDO_HMAC_SHA1, ponto_bytes("vector-secreT", 13)));
		write_answer(&w, i, &p.dst);
		assert_written(&w, answers[i]);
		done(&p);
	}
}

/* Every byte that the value covers, and none that it does not. */
static void what_a_value_covers(void **state)
{
	struct teredo_packet p;
	size_t len;
	uint8_t *data = ponto_test_hex(P05 "0102", &len);

	(void)state;
	for (size_t i = 4; i < len; i++) {
		bool covered = i >= 12 && i < len - 2;

		data[i] ^= 1;
		if (teredo_decode(ponto_bytes(data, len), &p) == PONTO_OK)
			assert_int_equal(teredo_authentic(&p, TEREDO_HMAC_SHA1, SECRET), !covered);
		data[i] ^= 1;
	}
	free(data);
}

/* RFC 4231 4.2, 4.7; RFC 2202 3: keys of all kinds of lengths. */
static void values_of_the_standards(void **state)
{
	uint8_t key[131], value[TEREDO_VALUE_MAX];
	char hex[2 * TEREDO_VALUE_MAX + 1];

	(void)state;
	memset(key, 0x0b, 20);
	teredo_value(TEREDO_HMAC_SHA256, ponto_bytes(key, 20), ponto_bytes("Hi There", 8), value);
	ponto_hex(ponto_bytes(value, 32), hex);
	assert_string_equal(hex, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	teredo_value(TEREDO_HMAC_SHA1, ponto_bytes(key, 20), ponto_bytes("Hi There", 8), value);
	ponto_hex(ponto_bytes(value, 20), hex);
	assert_string_equal(hex, "b617318655057264e28bc0b6fb378c8ef146be00");
	memset(key, 0xaa, sizeof(key));
	teredo_value(TEREDO_HMAC_SHA256, ponto_bytes(key, 131),
		     ponto_bytes("Test Using Larger Than Block-Size Key - Hash Key First", 54), value);
	ponto_hex(ponto_bytes(value, 32), hex);
	assert_string_equal(hex, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void put16(uint8_t *at, uint16_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

/* P01 or the advertisement of P07 changed, its checksum set right again. */
static int parse_changed(const char *hex, size_t at, uint8_t value, struct teredo_advertisement *a)
{
	struct teredo_packet p;
	size_t len;
	uint8_t *data = ponto_test_hex(hex, &len), *icmp;
	int result;

	data[at] = value;
	assert_ok(teredo_decode(ponto_bytes(data, len), &p));
	icmp = data + (p.payload.data - data);
	put16(icmp + 2, 0);
	put16(icmp + 2, teredo_checksum(&p.src, &p.dst, TEREDO_NEXT_ICMP, p.payload));
	result = a ? teredo_advertisement_parse(&p, a) : teredo_solicitation_parse(&p);
	free(data);
	return result;
}

static void router_discovery_is_checked(void **state)
{
	struct teredo_advertisement a;
	struct teredo_packet p;

	(void)state;
	assert_ok(parse_changed(P01, 0, 0x60, NULL));
	assert_int_equal(parse_changed(P01, 7, 254, NULL), PONTO_EPROTO);
	assert_int_equal(parse_changed(P01, 40, 134, NULL), PONTO_EPROTO);
	assert_int_equal(parse_changed(P01, 41, 1, NULL), PONTO_EPROTO);
	assert_ok(parse_changed(P07, 8, 0x60, &a));
	assert_int_equal(parse_changed(P07, 8 + 7, 254, &a), PONTO_EPROTO);
	assert_int_equal(parse_changed(P07, 8 + 8, 0x20, &a), PONTO_EPROTO); /* a source that is not link-local */
	assert_int_equal(parse_changed(P07, 48, 133, &a), PONTO_EPROTO);
	assert_int_equal(parse_changed(P07, 49, 1, &a), PONTO_EPROTO);
	assert_int_equal(parse_changed(P07, 65, 0, &a), PONTO_EPROTO); /* length of an option */
	assert_int_equal(parse_changed(P07, 65, 3, &a), PONTO_EPROTO);
	assert_int_equal(parse_changed(P07, 97, 2, &a), PONTO_EPROTO);
	assert_ok(parse_changed(P07, 64, 200, &a)); /* an unknown option is skipped */
	assert_int_equal(a.prefixes, 0);
	assert_ok(decode(P07, &p));
	((uint8_t *)(uintptr_t)p.payload.data)[3] ^= 1;
	assert_int_equal(teredo_advertisement_parse(&p, &a), PONTO_EPROTO);
	done(&p);
}

static void echoes(void **state)
{
	static const char *const packets[] = {P21, P22};
	uint8_t buf[128];

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(packets); i++) {
		struct ponto_writer w = ponto_writer(buf, sizeof(buf));
		struct teredo_packet p;
		struct teredo_icmp icmp;

		assert_ok(decode(packets[i], &p));
		assert_ok(teredo_icmp_parse(&p, &icmp));
		assert_int_equal(icmp.type, i ? TEREDO_ICMP_ECHO_REPLY : TEREDO_ICMP_ECHO_REQUEST);
		assert_int_equal(icmp.word, 0x12340001);
		assert_memory_equal(icmp.body.data, "\1\2\3\4\5\6\7\10", icmp.body.len);
		assert_false(teredo_icmp_is_error(&icmp));
		teredo_write_icmp(&w, &p.src, &p.dst, p.hop_limit, &icmp);
		assert_written(&w, packets[i]);
		done(&p);
	}
}

/* An error quotes as much as fits, and what it quotes is read again. */
static void errors(void **state)
{
	static uint8_t large[2000], buf[TEREDO_MTU];
	struct ponto_writer w = ponto_writer(large, sizeof(large));
	struct teredo_ip6 src = {{0x20, 1, [15] = 1}}, dst = {{0x20, 1, [15] = 2}};
	struct teredo_udp udp = {1, 2, ponto_bytes(buf, sizeof(buf))};
	struct teredo_packet p, quoted;
	struct teredo_icmp icmp;

	(void)state;
	teredo_write_udp(&w, &src, &dst, 9, &udp);
	assert_false(w.failed);
	udp.data.len = UINT16_MAX;
	teredo_write_udp(&w, &src, &dst, 9, &udp);
	assert_true(w.failed);
	w = ponto_writer(buf, sizeof(buf));
	teredo_write_error(&w, &dst, &src, 64, TEREDO_ICMP_UNREACHABLE, TEREDO_UNREACHABLE_PORT, 0,
			   ponto_bytes(large, 1280 + 48));
	assert_false(w.failed);
	assert_int_equal(w.pos, TEREDO_MTU);
	assert_ok(teredo_decode(ponto_bytes(buf, sizeof(buf)), &p));
	assert_ok(teredo_icmp_parse(&p, &icmp));
	assert_true(teredo_icmp_is_error(&icmp));
	assert_ok(teredo_decode_quoted(icmp.body, &quoted));
	assert_true(teredo_ip6_equal(&quoted.src, &src) && teredo_ip6_equal(&quoted.dst, &dst));
	assert_int_equal(quoted.payload.len, TEREDO_MTU - 88);
	assert_int_equal(teredo_decode_quoted(ponto_bytes(icmp.body.data, 39), &quoted), PONTO_EPROTO);
}

static struct teredo_trailers trailers_of(const char *hex)
{
	struct teredo_trailers t;
	struct teredo_packet p;

	assert_ok(decode(hex, &p));
	assert_ok(teredo_trailers_parse(p.trailers, &t));
	done(&p);
	return t;
}

static void trailers_in_order(void **state)
{
	struct teredo_packet p;
	struct teredo_trailers t;
	static const char *const skipped[] = {N14, N16, N17};

	(void)state;
	PONTO_PROVES("TEREDO-254", "TEREDO-255", "TEREDO-256", "TEREDO-257");
	t = trailers_of(P12);
	assert_true(t.has_nonce);
	assert_int_equal(t.nonce, 0xa1b2c3d4);
	t = trailers_of(P12 "010400000007");
	assert_int_equal(t.nonce, 7);
	assert_ok(decode(N15, &p));
	assert_int_equal(teredo_trailers_parse(p.trailers, &t), PONTO_EPROTO);
	done(&p);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(skipped); i++)
		assert_int_equal(trailers_of(skipped[i]).nonce, 0xa1b2c3d4);
	assert_false(trailers_of(N12).has_nonce);
}

static void trailers_malformed(void **state)
{
	struct teredo_trailers t;

	(void)state;
	PONTO_PROVES("TEREDO-258", "TEREDO-259");
	assert_false(trailers_of(N13).has_nonce);
	assert_false(
		trailers_of(N23).has_nonce); /* and the one behind it, which would have it discarded, is not reached */
	assert_false(trailers_of(N18).has_nonce);
	t = trailers_of(N26);
	assert_true(t.has_nonce && t.has_port);
	assert_int_equal(t.port, 50000);
	assert_false(trailers_of(P09 "05020000").has_port);
	assert_int_equal(trailers_of(P09 "040402000000").discovery, TEREDO_DISCOVERY_NONE);
	assert_int_equal(trailers_of(P09 "0403000000").discovery, TEREDO_DISCOVERY_NONE);
	assert_int_equal(trailers_of(P09 "0404ffffffff").discovery, TEREDO_DISCOVERY_NONE);
	assert_int_equal(trailers_of(P09 "040401ffffff").discovery, TEREDO_DISCOVERY_ADVERTISEMENT);
}

static void alternates(void **state)
{
	static const char *const bad[] = {N19, N20, N21, N22, P09 "0302ffff"};
	struct teredo_trailers t;

	(void)state;
	PONTO_PROVES("TEREDO-260", "TEREDO-262", "TEREDO-263");
	t = trailers_of(P15);
	assert_int_equal(t.alternate_count, 2);
	assert_false(t.alternates_bad);
	assert_int_equal(t.alternates[0].ip, 0x0a000002);
	assert_int_equal(t.alternates[0].port, 4096);
	assert_int_equal(t.alternates[1].ip, 0xc0a80101);
	assert_int_equal(trailers_of(P09 "0308ffff0a0000021000").alternate_count, 1);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		t = trailers_of(bad[i]);
		assert_true(t.alternates_bad);
		assert_int_equal(t.alternate_count, 0);
	}
}

static void trailers_written(void **state)
{
	static const char *const packets[] = {P12, P15, P16, P17, P18, P19};
	uint8_t buf[64];

	(void)state;
	PONTO_PROVES("TEREDO-261", "TEREDO-265", "TEREDO-266");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(packets); i++) {
		struct ponto_writer w = ponto_writer(buf, sizeof(buf));
		struct teredo_packet p;
		struct teredo_trailers t = trailers_of(packets[i]);

		assert_ok(decode(packets[i], &p));
		teredo_write_bubble(&w, &p.src, &p.dst, p.hop_limit);
		teredo_write_trailers(&w, &t);
		assert_written(&w, packets[i]);
		/* Never more than two are told, however many there are. */
		w = ponto_writer(buf, sizeof(buf));
		t = (struct teredo_trailers){.alternate_count = 4};
		teredo_write_trailers(&w, &t);
		assert_int_equal(w.pos, 16);
		done(&p);
	}
}

/* L05: a source made from a private address is answered by a server. */
static void private_identifiers(void **state)
{
	struct teredo_endpoint private = {0x0a000102, 36011}, from = {A_IP, 4096};
	struct teredo_server_config config = {.alloc = &ponto_alloc_system,
					      .primary = S1,
					      .secondary = S1 + 1,
					      .extra_max = 64,
					      .limit = {.burst = 1, .slots = 16}};
	uint8_t buf[TEREDO_SERVER_OUTPUT_MAX], in[64];
	struct ponto_writer w = ponto_writer(in, sizeof(in));
	struct teredo_server_output out;
	struct ponto_test_random tr;
	struct teredo_server *server;
	struct teredo_ip6 source;
	struct teredo_packet p;

	(void)state;
	PONTO_PROVES("TEREDO-005");
	ponto_test_random_init(&tr, 1);
	config.random = &tr.random;
	assert_ok(teredo_server_create(&config, &server));
	teredo_link_local(0, &private, &source);
	teredo_write_solicitation(&w, &source);
	teredo_server_input(server, 0, &from, S1, ponto_bytes(in, (size_t)w.pos), buf, &out);
	assert_int_equal(out.kind, TEREDO_SERVER_ADVERTISEMENT);
	assert_ok(teredo_decode(ponto_bytes(buf, out.len), &p));
	assert_true(teredo_ip6_equal(&p.dst, &source));
	teredo_server_destroy(server);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(private_identifiers),
	cmocka_unit_test(what_parts_there_are),
	cmocka_unit_test(origin_of_the_standard),
	cmocka_unit_test(malformed_is_refused),
	cmocka_unit_test(cut_off_is_refused),
	cmocka_unit_test(bubbles),
	cmocka_unit_test(udp_both_ways),
	cmocka_unit_test(udp_that_is_refused),
	cmocka_unit_test(checksum_of_all_lengths),
	cmocka_unit_test(solicitations),
	cmocka_unit_test(advertisements),
	cmocka_unit_test(what_a_value_covers),
	cmocka_unit_test(values_of_the_standards),
	cmocka_unit_test(router_discovery_is_checked),
	cmocka_unit_test(echoes),
	cmocka_unit_test(errors),
	cmocka_unit_test(trailers_in_order),
	cmocka_unit_test(trailers_malformed),
	cmocka_unit_test(alternates),
	cmocka_unit_test(trailers_written),
};

PONTO_TEST_MAIN(tests)
