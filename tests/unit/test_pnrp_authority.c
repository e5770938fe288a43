/* AUTHORITY and AUTHORITY_BUFFER: [MS-PNRP] 2.2.2.6. */
#include "tests/unit/pnrp_test.h"

#define HEAD 28 /* bytes of an AUTHORITY before its slice */

/* The buffer inside M18: flags 0, classifier 8, route entry 28, CPA 88. */
static struct datagram buffer18(void)
{
	struct datagram m = vector("M18");
	struct datagram b = datagram_copy(m.data + HEAD, m.len - HEAD);

	datagram_free(&m);
	return b;
}

static struct pnrp_authority_buffer buffer_decodes(const struct datagram *d)
{
	struct pnrp_authority_buffer b;

	assert_ok(pnrp_authority_decode(&pnrp_windows, bytes_of(d), &b));
	return b;
}

static void buffer_refused(const struct datagram *d)
{
	struct pnrp_authority_buffer b, before;

	memset(&b, 0xa5, sizeof(b));
	before = b;
	assert_int_equal(pnrp_authority_decode(&pnrp_windows, bytes_of(d), &b), PONTO_EPROTO);
	assert_memory_equal(&b, &before, sizeof(b));
}

static void buffer_edit_refused(size_t at, const char *hex)
{
	struct datagram d = buffer18();

	edit(&d, at, hex);
	buffer_refused(&d);
	datagram_free(&d);
}

static void buffer_encodes(const struct pnrp_authority_buffer *b, const struct datagram *expected)
{
	uint8_t *buf = malloc(expected->len);
	size_t len = 0;

	assert_non_null(buf);
	assert_ok(pnrp_authority_encode(&pnrp_windows, b, buf, expected->len, &len));
	assert_int_equal(len, expected->len);
	assert_memory_equal(buf, expected->data, len);
	assert_int_equal(pnrp_authority_encode(&pnrp_windows, b, buf, expected->len - 1, &len), PONTO_ELIMIT);
	free(buf);
}

/* ---- the message ------------------------------------------------------------------------ */

static void authority_fields(void **state)
{
	struct datagram d = vector("M18");
	struct pnrp_message m = assert_decodes(&d);

	(void)state;
	PONTO_PROVES("PNRP-093", "PNRP-094", "PNRP-097");
	assert_int_equal(m.authority.acked_id, 0x44444445);
	assert_int_equal(m.authority.size, 537);
	assert_int_equal(m.authority.size, m.authority.slice.len);
	assert_int_equal(m.authority.offset, 0);
	assert_true(pnrp_authority_fits(&m.authority));
	datagram_free(&d);
	d = vector_buffer();
	assert_int_equal(d.len, 1579);
	buffer_decodes(&d);
	datagram_free(&d);
	assert_edit_dropped("M18", 12, "0040");
	assert_edit_dropped("M18", 20, "0097");
	assert_edit_dropped("M18", 22, "000c");
}

static void authority_size_and_offset(void **state)
{
	struct datagram d = vector("M19");
	struct pnrp_message m = assert_decodes(&d);
	uint8_t buf[PNRP_DATAGRAM_MAX];
	size_t len;

	(void)state;
	PONTO_PROVES("PNRP-095", "PNRP-096");
	m.authority.size = 0x91e5;
	assert_int_equal(pnrp_encode(&pnrp_windows, &m, buf, sizeof(buf), &len), PONTO_EINVAL);
	m.authority.size = 1579;
	m.authority.offset = 1187;
	assert_int_equal(pnrp_encode(&pnrp_windows, &m, buf, sizeof(buf), &len), PONTO_EINVAL);
	edit(&d, 24, "91e4");
	assert_int_equal(assert_decodes(&d).authority.size, PNRP_AUTHORITY_MAX);
	datagram_free(&d);
	assert_edit_dropped("M19", 24, "91e5");
	assert_edit_dropped("M19", 24, "ffff");
	assert_edit_dropped("M19", 26, "04a3");
	assert_edit_dropped("M19", 26, "0001");
	d = vector("M20");
	assert_int_equal(assert_decodes(&d).authority.offset, 1188);
	datagram_free(&d);
}

/* Contradictions that also end a reassembly decode, and are told apart here. */
static void authority_slices_that_do_not_fit(void **state)
{
	uint8_t bytes[PNRP_FRAGMENT + 1] = {0};
	struct {
		uint16_t size, offset;
		size_t len;
		bool fits;
	} rows[] = {
		{8, 0, 8, true},	   {8, 0, 7, false},	      {8, 0, 9, false},
		{8, 0, 0, false},	   {1188, 0, 1188, true},     {1189, 0, 1188, true},
		{1189, 0, 1189, false},	   {1189, 1188, 1, true},     {1189, 1188, 0, false},
		{1189, 1188, 2, false},	   {1188, 1188, 1, false},    {2376, 1188, 1188, true},
		{3000, 1188, 1187, false}, {37348, 36828, 520, true}, {37348, 36828, 519, false},
		{0, 0, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(rows); i++) {
		struct pnrp_authority a = {1, rows[i].size, rows[i].offset, ponto_bytes(bytes, rows[i].len)};

		assert_int_equal(pnrp_authority_fits(&a), rows[i].fits);
	}
}

/* ---- the buffer: flags ---------------------------------------------------------------------- */

static void buffer_flags(void **state)
{
	static const struct {
		const char *hex;
		bool leaf_set, busy, not_found;
	} rows[] = {{"0200", true, false, false},
		    {"0008", false, true, false},
		    {"0001", false, false, true},
		    {"0000", false, false, false},
		    {"0209", true, true, true}};

	(void)state;
	PONTO_PROVES("PNRP-098", "PNRP-100", "PNRP-101", "PNRP-102");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(rows); i++) {
		struct datagram d = buffer18();
		struct pnrp_authority_buffer b;

		edit(&d, 4, rows[i].hex);
		b = buffer_decodes(&d);
		assert_int_equal(b.leaf_set, rows[i].leaf_set);
		assert_int_equal(b.busy, rows[i].busy);
		assert_int_equal(b.not_found, rows[i].not_found);
		buffer_encodes(&b, &d);
		datagram_free(&d);
	}
	buffer_edit_refused(0, "0043");
	buffer_edit_refused(2, "0008");
	buffer_edit_refused(2, "0004");
}

static void buffer_reserved_flags_and_pad(void **state)
{
	struct datagram d = buffer18();
	struct pnrp_authority_buffer a = buffer_decodes(&d), b;
	struct datagram edited = datagram_copy(d.data, d.len);

	(void)state;
	PONTO_PROVES("PNRP-099", "PNRP-103");
	edit(&edited, 4, "fdf6");
	edit(&edited, 6, "aaaa");
	b = buffer_decodes(&edited);
	assert_true(buffer_equal(&a, &b));
	buffer_encodes(&b, &d);
	datagram_free(&d);
	datagram_free(&edited);
}

/* A buffer of flags alone: sent with its pad field, accepted without (T8). */
static void buffer_of_flags_alone(void **state)
{
	struct datagram padded = vector("M15"), bare = vector("M16");
	struct pnrp_message a = assert_decodes(&padded), b = assert_decodes(&bare);
	struct pnrp_authority_buffer x, y;
	uint8_t buf[16];
	size_t len;

	(void)state;
	assert_ok(pnrp_authority_decode(&pnrp_windows, a.authority.slice, &x));
	assert_ok(pnrp_authority_decode(&pnrp_windows, b.authority.slice, &y));
	assert_true(x.not_found && buffer_equal(&x, &y));
	assert_ok(pnrp_authority_encode(&pnrp_windows, &y, buf, sizeof(buf), &len));
	assert_hex(buf, len, "0040000600010000");
	datagram_free(&padded);
	datagram_free(&bare);
}

/* ---- the buffer: optional parts ------------------------------------------------------------- */

/* Every combination of the five parts, with bodies of every length modulo four. */
static void buffer_all_combinations(void **state)
{
	struct datagram cpa = vector_cpa();
	uint8_t chain[8] = {1, 2, 3, 4, 5, 6, 7, 8}, payload[16], classifier[8] = {0, 't', 0, 'e'};
	struct ponto_test_random tr;
	uint8_t buf[2048];

	(void)state;
	PONTO_PROVES("PNRP-104", "PNRP-105", "PNRP-108", "PNRP-118");
	ponto_test_random_init(&tr, 6);
	for (unsigned round = 0; round < 32 * 16; round++) {
		struct pnrp_authority_buffer b = {0}, back;
		struct datagram d;
		size_t len;

		memset(payload, 0x5a, sizeof(payload));
		payload[0] = (uint8_t)(2 + round / 32 % 4);
		payload[1] = 0;
		b.has_chain = round & 1;
		b.chain = ponto_bytes(chain, b.has_chain ? 1 + round / 128 % 4 : 0);
		b.has_classifier = round & 2;
		b.classifier = ponto_bytes(classifier, b.has_classifier ? round / 32 % 3 * 2 : 0);
		b.has_payload = round & 4;
		b.payload = ponto_bytes(payload, b.has_payload ? payload[0] : 0);
		b.has_route = round & 8;
		if (b.has_route)
			random_route(&tr, &b.route);
		b.has_cpa = round & 16;
		b.cpa = b.has_cpa ? bytes_of(&cpa) : ponto_bytes(NULL, 0);
		assert_ok(pnrp_authority_encode(&pnrp_windows, &b, buf, sizeof(buf), &len));
		d = datagram_copy(buf, len);
		back = buffer_decodes(&d);
		assert_true(buffer_equal(&b, &back));
		if (!b.has_cpa)
			assert_int_equal(len % 4, 0);
		datagram_free(&d);
	}
	datagram_free(&cpa);
}

/* Pads of every part: zero when sent (the vectors), anything when received. */
static void buffer_pads_are_ignored(void **state)
{
	struct datagram d = datagram_hex("0040000600000000 008000090102030405000000"
					 "0085000e0001000a0084000200740000 005a000602000000");
	struct datagram edited = datagram_copy(d.data, d.len);
	struct pnrp_authority_buffer a = buffer_decodes(&d), b;

	(void)state;
	PONTO_PROVES("PNRP-115", "PNRP-118", "PNRP-122");
	assert_int_equal(a.chain.len, 5);
	assert_int_equal(a.classifier.len, 2);
	assert_int_equal(a.payload.len, 2);
	edit(&edited, 17, "aaaaaa");
	edit(&edited, 34, "bbbb");
	edit(&edited, 42, "cccc");
	b = buffer_decodes(&edited);
	assert_true(buffer_equal(&a, &b));
	buffer_encodes(&b, &d);
	datagram_free(&d);
	datagram_free(&edited);
	d = buffer18();
	edit(&d, 86, "dddd");
	b = buffer_decodes(&d);
	assert_true(b.has_route && b.has_cpa);
	edited = buffer18();
	buffer_encodes(&b, &edited);
	datagram_free(&edited);
	splice(&d, 86, 2, "");
	buffer_refused(&d);
	datagram_free(&d);
}

static void buffer_chain_length(void **state)
{
	struct datagram d = datagram_hex("00400006000000000080000801020304");

	(void)state;
	PONTO_PROVES("PNRP-106");
	assert_int_equal(buffer_decodes(&d).chain.len, 4);
	edit(&d, 10, "0009");
	buffer_refused(&d);
	edit(&d, 10, "0003");
	buffer_refused(&d);
	edit(&d, 10, "0004");
	buffer_refused(&d);
	datagram_free(&d);
}

static void buffer_classifier(void **state)
{
	struct datagram d = buffer18();
	struct pnrp_authority_buffer b = buffer_decodes(&d);

	(void)state;
	PONTO_PROVES("PNRP-109", "PNRP-110", "PNRP-112", "PNRP-113");
	assert_true(b.has_classifier);
	assert_hex(b.classifier.data, b.classifier.len, "0074006500730074");
	datagram_free(&d);
	buffer_edit_refused(8, "0084");
	buffer_edit_refused(10, "0013");
	buffer_edit_refused(10, "0010");
	buffer_edit_refused(14, "000f");
	buffer_edit_refused(14, "0014");
	buffer_edit_refused(16, "0085");
	buffer_edit_refused(18, "0001");
	buffer_edit_refused(18, "0004");
}

static void buffer_classifier_count(void **state)
{
	struct datagram d = datagram_hex("00400006000000000085000c0000000800840002");

	(void)state;
	PONTO_PROVES("PNRP-111");
	assert_true(buffer_decodes(&d).has_classifier);
	/* 0x8000 characters of two bytes are 0 modulo 65536: the 16-bit lengths would fit. */
	edit(&d, 12, "8000");
	buffer_refused(&d);
	datagram_free(&d);
	buffer_edit_refused(12, "0003");
	buffer_edit_refused(12, "0005");
	buffer_edit_refused(12, "0008");
}

static void buffer_payload(void **state)
{
	struct datagram all = vector_buffer(), d;
	struct pnrp_authority_buffer b = buffer_decodes(&all);
	size_t at = 8 + 20; /* flags, classifier */

	(void)state;
	PONTO_PROVES("PNRP-116", "PNRP-117");
	assert_true(b.has_payload);
	assert_int_equal(b.payload.len, 1012);
	assert_memory_equal(b.payload.data, all.data + at + 4, 1012);
	d = datagram_copy(all.data, all.len);
	edit(&d, at, "005b");
	buffer_refused(&d);
	edit(&d, at, "005a03f7");
	buffer_refused(&d);
	edit(&d, at, "005a03f9");
	buffer_refused(&d);
	edit(&d, at, "005a03fc");
	buffer_refused(&d);
	datagram_free(&d);
	datagram_free(&all);
}

static void buffer_route(void **state)
{
	struct datagram d = vector("M17");
	struct pnrp_message m = assert_decodes(&d);
	struct pnrp_authority_buffer b;

	(void)state;
	PONTO_PROVES("PNRP-119", "PNRP-120");
	assert_ok(pnrp_authority_decode(&pnrp_windows, m.authority.slice, &b));
	assert_true(b.has_route);
	assert_false(b.has_cpa);
	assert_hex(b.route.id.b, 32, ID_OPEN);
	assert_int_equal(b.route.count, 2);
	/* The pad after a last route entry may be missing (T8). */
	assert_ok(pnrp_authority_decode(&pnrp_windows, ponto_bytes(m.authority.slice.data, 82), &b));
	assert_int_equal(pnrp_authority_decode(&pnrp_windows, ponto_bytes(m.authority.slice.data, 83), &b),
			 PONTO_EPROTO);
	datagram_free(&d);
	buffer_edit_refused(28, "0099");
	buffer_edit_refused(30, "0039");
	buffer_edit_refused(30, "003b");
	buffer_edit_refused(30, "003c");
}

static void buffer_cpa(void **state)
{
	struct datagram d = buffer18();
	struct pnrp_authority_buffer b = buffer_decodes(&d);

	(void)state;
	PONTO_PROVES("PNRP-123", "PNRP-124");
	assert_true(b.has_cpa);
	assert_int_equal(b.cpa.len, 445);
	/* A pad behind the last part is accepted though never sent (T8). */
	splice(&d, d.len, 0, "000000");
	b = buffer_decodes(&d);
	assert_int_equal(b.cpa.len, 445);
	splice(&d, d.len - 1, 1, "");
	buffer_refused(&d);
	datagram_free(&d);
	buffer_edit_refused(88, "009c");
	buffer_edit_refused(90, "01c0");
	buffer_edit_refused(90, "01c2");
	buffer_edit_refused(90, "0004");
	/* The CPA's own length must agree with its element's. */
	buffer_edit_refused(92, "bc01");
	buffer_edit_refused(92, "be01");
}

/* Any two neighbouring parts exchanged, or one given twice. */
static void buffer_order(void **state)
{
	static const char *const parts[] = {"00800008aaaaaaaa", "0085000c0000000800840002", "005a00080400bbbb",
					    "009a003a" ID_OPEN "04000dd4000120010db80001000000000000000000100000",
					    "009b00080400cccc"};

	(void)state;
	PONTO_PROVES("PNRP-125");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(parts); i++)
		for (size_t j = 0; j < PONTO_ARRAY_SIZE(parts); j++) {
			char hex[512] = "0040000600000000";
			struct datagram d;

			strcat(hex, parts[i]);
			strcat(hex, parts[j]);
			d = datagram_hex(hex);
			if (i < j)
				buffer_decodes(&d);
			else
				buffer_refused(&d);
			datagram_free(&d);
		}
}

static void buffer_refuses_to_encode_nonsense(void **state)
{
	struct datagram all = vector_buffer();
	const struct pnrp_authority_buffer good = buffer_decodes(&all);
	uint8_t *buf = malloc(65536), *big = calloc(1, 65536);
	struct pnrp_authority_buffer b = good;
	size_t len;

	(void)state;
	assert_non_null(buf);
	assert_non_null(big);
	b.classifier.len--;
	assert_int_equal(pnrp_authority_encode(&pnrp_windows, &b, buf, 65536, &len), PONTO_EINVAL);
	b = good;
	b.cpa.len--;
	assert_int_equal(pnrp_authority_encode(&pnrp_windows, &b, buf, 65536, &len), PONTO_EINVAL);
	b = good;
	b.payload.len = 0;
	assert_int_equal(pnrp_authority_encode(&pnrp_windows, &b, buf, 65536, &len), PONTO_EINVAL);
	b = good;
	b.route.count = 0;
	assert_int_equal(pnrp_authority_encode(&pnrp_windows, &b, buf, 65536, &len), PONTO_EINVAL);
	b = good;
	b.has_chain = true;
	b.chain = ponto_bytes(big, PNRP_AUTHORITY_MAX);
	assert_int_equal(pnrp_authority_encode(&pnrp_windows, &b, buf, 65536, &len), PONTO_ELIMIT);
	b.chain.len = 65535;
	assert_int_equal(pnrp_authority_encode(&pnrp_windows, &b, buf, 65536, &len), PONTO_ELIMIT);
	free(buf);
	free(big);
	datagram_free(&all);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(authority_fields),
	cmocka_unit_test(authority_size_and_offset),
	cmocka_unit_test(authority_slices_that_do_not_fit),
	cmocka_unit_test(buffer_flags),
	cmocka_unit_test(buffer_reserved_flags_and_pad),
	cmocka_unit_test(buffer_of_flags_alone),
	cmocka_unit_test(buffer_all_combinations),
	cmocka_unit_test(buffer_pads_are_ignored),
	cmocka_unit_test(buffer_chain_length),
	cmocka_unit_test(buffer_classifier),
	cmocka_unit_test(buffer_classifier_count),
	cmocka_unit_test(buffer_payload),
	cmocka_unit_test(buffer_route),
	cmocka_unit_test(buffer_cpa),
	cmocka_unit_test(buffer_order),
	cmocka_unit_test(buffer_refuses_to_encode_nonsense),
};

PONTO_TEST_MAIN(tests)
