/* EXTENDED_PAYLOAD: [MS-PNRP] 2.2.3.3. The standalone vector (Unicode "hi") has its length at 0, Signature
 * Offset at 6, Not After at 8, PNRP ID at 16, nonce at 48, count at 64, total at 66, type at 68, Payload Length
 * at 72, String Type at 74, signature at 82. */
#include "tests/unit/pnrp_test.h"

#define STRING_VECTOR                                                                                                  \
	"da0000020000520000c005a0c0f6e001887766554433221100000100b80d0120"                                             \
	"70d809d9174d789f382671daa8874be1a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"                                             \
	"01001200020000800800000068006900000088008000048000004f67665894f7"                                             \
	"68fa1bc99a7540764ac737d4a18e627286bf1c16ac2ad871f8a8be352bc80334"                                             \
	"5fbe1313e8472f9a672e5a006dc78f64a0ff90c69c816bbc757846a8e722bdab"                                             \
	"70fc92fdd1ae0445a72d0b651bab265c05874fa8da1b65372c4003934eac13ed"                                             \
	"fe4f0bdc94f6c59d026aa6e54fbaa7b31fbd3e1061fbc2daca49"

static struct pnrp_payload payload_decodes(const struct datagram *d)
{
	struct pnrp_payload p;

	assert_ok(pnrp_payload_decode(&pnrp_windows, bytes_of(d), &p));
	return p;
}

static void payload_refused(const struct datagram *d)
{
	struct pnrp_payload p, before;

	memset(&p, 0xa5, sizeof(p));
	before = p;
	assert_int_equal(pnrp_payload_decode(&pnrp_windows, bytes_of(d), &p), PONTO_EPROTO);
	assert_memory_equal(&p, &before, sizeof(p));
}

static void edit_refused(size_t at, const char *hex)
{
	struct datagram d = datagram_hex(STRING_VECTOR);

	edit(&d, at, hex);
	payload_refused(&d);
	datagram_free(&d);
}

/* A whole structure of this kind, or a refusal. */
static int make(uint8_t kind, const void *data, size_t len, struct datagram *out)
{
	static uint8_t buf[PNRP_PAYLOAD_ENCODED_MAX], signature[128];
	struct pnrp_payload p = {.kind = kind, .data = ponto_bytes(data, len)};
	size_t made;
	int result = pnrp_payload_encode(&pnrp_windows, &p, buf, sizeof(buf), &made);

	if (result == PONTO_OK) {
		assert_ok(pnrp_signature_append(&pnrp_windows, ponto_bytes(signature, 128), buf, sizeof(buf), &made));
		*out = datagram_copy(buf, made);
	}
	return result;
}

/* Replaces the bytes that Payload Length counts and puts every length right. */
static struct datagram with_body(const char *type, const char *hex)
{
	struct datagram d = datagram_hex(STRING_VECTOR);
	size_t len = strlen(hex) / 2;

	splice(&d, 74, 8, hex);
	edit(&d, 68, type);
	d.data[72] = (uint8_t)len;
	d.data[73] = (uint8_t)(len >> 8);
	d.data[66] = (uint8_t)(len + 10);
	d.data[6] = (uint8_t)(len + 74);
	d.data[0] = (uint8_t)d.len;
	d.data[1] = (uint8_t)(d.len >> 8);
	return d;
}

static void body_refused(const char *type, const char *hex)
{
	struct datagram d = with_body(type, hex);

	payload_refused(&d);
	datagram_free(&d);
}

#define STRING "02000080"
#define BINARY "03000080"

static void payload_of_the_vector(void **state)
{
	struct datagram d = datagram_hex(STRING_VECTOR);
	struct pnrp_payload p = payload_decodes(&d);
	uint8_t buf[256];
	size_t len;

	(void)state;
	PONTO_PROVES("PNRP-204", "PNRP-205", "PNRP-215");
	assert_int_equal(p.not_after, NOT_AFTER);
	assert_hex(p.id.b, 32, ID_SECURE);
	assert_hex(p.nonce, 16, NONCE);
	assert_int_equal(p.kind, PNRP_KIND_UNICODE);
	assert_hex(p.data.data, p.data.len, "68006900");
	assert_int_equal(p.signed_part.len, 82);
	assert_ptr_equal(p.signature.data, d.data + 90);
	assert_int_equal(p.signature.len, 128);
	assert_ok(pnrp_payload_encode(&pnrp_windows, &p, buf, sizeof(buf), &len));
	assert_int_equal(len, 82);
	assert_ok(pnrp_signature_append(&pnrp_windows, p.signature, buf, sizeof(buf), &len));
	assert_int_equal(len, d.len);
	assert_memory_equal(buf, d.data, len);
	assert_int_equal(pnrp_payload_encode(&pnrp_windows, &p, buf, 81, &len), PONTO_ELIMIT);
	datagram_free(&d);
	edit_refused(82, "8900");
	edit_refused(84, "8100");
	edit_refused(86, "03800000");
}

static void payload_binary_of_the_vector(void **state)
{
	struct datagram d = vector_payload();
	struct pnrp_payload p = payload_decodes(&d);

	(void)state;
	assert_int_equal(p.kind, PNRP_KIND_BINARY);
	assert_int_equal(p.data.len, 802);
	for (size_t i = 0; i < p.data.len; i++)
		assert_int_equal(p.data.data[i], (7 * i + 3) % 256);
	datagram_free(&d);
}

static void payload_head(void **state)
{
	struct datagram d = datagram_hex(STRING_VECTOR);
	struct pnrp_payload a = payload_decodes(&d), b;
	struct datagram edited = datagram_copy(d.data, d.len);
	uint8_t buf[256];
	size_t len;

	(void)state;
	PONTO_PROVES("PNRP-200", "PNRP-201", "PNRP-202", "PNRP-203");
	edit_refused(0, "d900");
	edit_refused(0, "db00");
	edit_refused(0, "00da");
	edit_refused(2, "01");
	edit_refused(2, "0200");
	edit_refused(3, "01");
	edit_refused(6, "5100");
	edit_refused(6, "0052");
	edit(&edited, 4, "ffff");
	b = payload_decodes(&edited);
	assert_true(payload_equal(&a, &b));
	assert_ok(pnrp_payload_encode(&pnrp_windows, &b, buf, sizeof(buf), &len));
	assert_memory_equal(buf, d.data, len);
	splice(&edited, edited.len, 0, "00");
	payload_refused(&edited);
	datagram_free(&edited);
	datagram_free(&d);
}

static void payload_counts_and_types(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-207", "PNRP-208", "PNRP-209");
	edit_refused(64, "0000");
	edit_refused(64, "0200");
	edit_refused(64, "0001");
	edit_refused(66, "1100");
	edit_refused(66, "1300");
	edit_refused(66, "0012");
	edit_refused(68, "01000080");
	edit_refused(68, "04000080");
	edit_refused(68, "02000000");
	edit_refused(68, "80000002");
	edit_refused(72, "0700");
	edit_refused(72, "0900");
}

static void payload_binary_length(void **state)
{
	uint8_t *data = calloc(1, 4200);
	struct datagram d;

	(void)state;
	PONTO_PROVES("PNRP-210");
	assert_non_null(data);
	assert_int_equal(make(PNRP_KIND_BINARY, data, 0, &d), PONTO_EINVAL);
	assert_int_equal(make(PNRP_KIND_BINARY, data, 4097, &d), PONTO_EINVAL);
	assert_ok(make(PNRP_KIND_BINARY, data, 1, &d));
	assert_int_equal(payload_decodes(&d).data.len, 1);
	datagram_free(&d);
	assert_ok(make(PNRP_KIND_BINARY, data, 4096, &d));
	assert_int_equal(payload_decodes(&d).data.len, 4096);
	splice(&d, 74, 0, "00");
	edit(&d, 72, "0110");
	edit(&d, 66, "0b10");
	edit(&d, 6, "4b10");
	edit(&d, 0, "d310");
	payload_refused(&d);
	splice(&d, 74, 1, "");
	edit(&d, 72, "0010");
	edit(&d, 66, "0a10");
	edit(&d, 6, "4a10");
	edit(&d, 0, "d210");
	payload_decodes(&d);
	datagram_free(&d);
	body_refused(BINARY, "");
	free(data);
}

static void payload_string_length(void **state)
{
	uint8_t *text = malloc(4200);
	struct datagram d;

	(void)state;
	PONTO_PROVES("PNRP-211");
	assert_non_null(text);
	memset(text, 'x', 4200);
	assert_int_equal(make(PNRP_KIND_UNICODE, text, 0, &d), PONTO_EINVAL);
	assert_int_equal(make(PNRP_KIND_UNICODE, text, 4096, &d), PONTO_EINVAL);
	assert_int_equal(make(PNRP_KIND_UTF8, text, 0, &d), PONTO_EINVAL);
	assert_int_equal(make(PNRP_KIND_UTF8, text, 4096, &d), PONTO_EINVAL);
	assert_ok(make(PNRP_KIND_UTF8, text, 4095, &d));
	assert_int_equal(d.len, PNRP_PAYLOAD_ENCODED_MAX);
	assert_int_equal(payload_decodes(&d).data.len, 4095);
	splice(&d, 76, 0, "78");
	edit(&d, 72, "0310");
	edit(&d, 66, "0d10");
	edit(&d, 6, "4d10");
	edit(&d, 0, "d510");
	payload_refused(&d);
	datagram_free(&d);
	assert_ok(make(PNRP_KIND_UNICODE, text, 4094, &d));
	assert_int_equal(d.len, PNRP_PAYLOAD_ENCODED_MAX);
	datagram_free(&d);
	assert_ok(make(PNRP_KIND_UNICODE, text, 2, &d));
	assert_int_equal(d.data[72], 6);
	datagram_free(&d);
	body_refused(STRING, "0100787800");
	body_refused(STRING, "01007800");
	body_refused(STRING, "00000000");
	d = with_body(STRING, "010078787800");
	assert_int_equal(payload_decodes(&d).data.len, 3);
	datagram_free(&d);
	free(text);
}

static void payload_string_type(void **state)
{
	struct datagram d = with_body(STRING, "0100"
					      "c3a9e6bca200");
	struct pnrp_payload p = payload_decodes(&d);

	(void)state;
	PONTO_PROVES("PNRP-212", "PNRP-213");
	assert_int_equal(p.kind, PNRP_KIND_UTF8);
	assert_hex(p.data.data, p.data.len, "c3a9e6bca2");
	datagram_free(&d);
	/* Binary has none: the same two bytes are data. */
	d = with_body(BINARY, "0100"
			      "c3a9");
	p = payload_decodes(&d);
	assert_int_equal(p.kind, PNRP_KIND_BINARY);
	assert_int_equal(p.data.len, 4);
	datagram_free(&d);
	body_refused(STRING, "0200"
			     "680069000000");
	body_refused(STRING, "0001"
			     "680069000000");
	body_refused(STRING, "ffff"
			     "680069000000");
}

static void payload_string_terminator(void **state)
{
	struct datagram d;

	(void)state;
	PONTO_PROVES("PNRP-214");
	body_refused(STRING, "0000"
			     "680069006a00");
	body_refused(STRING, "0000"
			     "6800690000");
	body_refused(STRING, "0000"
			     "680000000000");
	body_refused(STRING, "0100"
			     "68696a6b");
	body_refused(STRING, "0100"
			     "6800696a00");
	assert_int_equal(make(PNRP_KIND_UTF8, "a\0bc", 4, &d), PONTO_EINVAL);
	assert_int_equal(make(PNRP_KIND_UNICODE, "a\0\0\0b", 6, &d), PONTO_EINVAL);
	assert_int_equal(make(PNRP_KIND_UNICODE, "abc", 3, &d), PONTO_EINVAL);
	/* A zero byte that is half a character ends nothing. */
	assert_ok(make(PNRP_KIND_UNICODE, "\0a\0b", 4, &d));
	assert_int_equal(payload_decodes(&d).data.len, 4);
	datagram_free(&d);
}

/* UTF-8 of one or two bytes would be shorter than the least length, so it is sent as UTF-16 (T34). */
static void short_utf8_goes_as_unicode(void **state)
{
	static const struct {
		const char *utf8, *utf16;
	} rows[] = {
		{"a", "6100"}, {"hi", "68006900"}, {"\xc3\xa9", "e900"}, {"\xdf\xbf", "ff07"}, {"\xc2\x80", "8000"}};
	struct datagram d;

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(rows); i++) {
		struct pnrp_payload p;

		assert_ok(make(PNRP_KIND_UTF8, rows[i].utf8, strlen(rows[i].utf8), &d));
		p = payload_decodes(&d);
		assert_int_equal(p.kind, PNRP_KIND_UNICODE);
		assert_hex(p.data.data, p.data.len, rows[i].utf16);
		datagram_free(&d);
	}
	assert_int_equal(make(PNRP_KIND_UTF8, "\xff", 1, &d), PONTO_EINVAL);
	assert_int_equal(make(PNRP_KIND_UTF8, "\xc3", 1, &d), PONTO_EINVAL);
	assert_int_equal(make(PNRP_KIND_UTF8, "\xc1\x80", 2, &d), PONTO_EINVAL);
	assert_int_equal(make(9, "abc", 3, &d), PONTO_EINVAL);
}

static void random_payloads_survive_the_trip(void **state)
{
	struct ponto_test_random tr;
	uint8_t data[PNRP_PAYLOAD_MAX], signature[128], buf[PNRP_PAYLOAD_ENCODED_MAX];

	(void)state;
	ponto_test_random_init(&tr, 10);
	for (unsigned round = 0; round < 1500; round++) {
		const struct pnrp_wire *wire = round % 2 ? &pnrp_windows : &pnrp_modern;
		struct pnrp_payload p = {0}, back;
		struct datagram d;
		size_t len;

		p.kind = (uint8_t)random_below(&tr, 3);
		random_bytes(&tr, data, sizeof(data));
		for (size_t i = 0; i < sizeof(data) && p.kind != PNRP_KIND_BINARY; i++)
			data[i] |= 1;
		p.data = ponto_bytes(data, 2 * (2 + random_below(&tr, 2046)));
		random_bytes(&tr, p.id.b, 32);
		random_bytes(&tr, p.nonce, 16);
		random_bytes(&tr, &p.not_after, 8);
		random_bytes(&tr, signature, sizeof(signature));
		assert_ok(pnrp_payload_encode(wire, &p, buf, sizeof(buf), &len));
		assert_ok(pnrp_signature_append(wire, ponto_bytes(signature, wire->signature_len), buf, sizeof(buf),
						&len));
		d = datagram_copy(buf, len);
		assert_ok(pnrp_payload_decode(wire, bytes_of(&d), &back));
		assert_true(payload_equal(&p, &back));
		datagram_free(&d);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(payload_of_the_vector),
	cmocka_unit_test(payload_binary_of_the_vector),
	cmocka_unit_test(payload_head),
	cmocka_unit_test(payload_counts_and_types),
	cmocka_unit_test(payload_binary_length),
	cmocka_unit_test(payload_string_length),
	cmocka_unit_test(payload_string_type),
	cmocka_unit_test(payload_string_terminator),
	cmocka_unit_test(short_utf8_goes_as_unicode),
	cmocka_unit_test(random_payloads_survive_the_trip),
};

PONTO_TEST_MAIN(tests)
