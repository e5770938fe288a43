/* Peer names and what is made of them: [MS-PNRP] 1.3.1.1, 1.3.1.2, 2.2.4, 3.1.4.4.1. */
#include "tests/unit/pnrp_test.h"

static void parse_refused(const char *text)
{
	struct pnrp_name name, before;

	memset(&name, 0xa5, sizeof(name));
	before = name;
	assert_int_equal(pnrp_name_parse(text, &name), PONTO_EINVAL);
	assert_memory_equal(&name, &before, sizeof(name));
}

static struct pnrp_name parsed(const char *text)
{
	struct pnrp_name name;
	char back[PNRP_NAME_TEXT];

	assert_ok(pnrp_name_parse(text, &name));
	assert_ok(pnrp_name_format(&name, back));
	assert_string_equal(back, text);
	return name;
}

#define HEX40 "428fed1c3a15ecad4b66ec96935dea8547d32fac"

/* authority, dot, n times a character. */
static char *long_name(const char *authority, const char *unit, size_t count)
{
	static char text[1024];

	strcpy(text, authority);
	strcat(text, ".");
	while (count-- > 0)
		strcat(text, unit);
	return text;
}

/* ---- grammar ------------------------------------------------------------------------------ */

static void name_grammar(void **state)
{
	struct pnrp_name name = parsed("0.MyApplication");

	(void)state;
	PONTO_PROVES("PNRP-259", "PNRP-260");
	assert_false(name.secure);
	assert_int_equal(name.classifier_len, 13);
	name = parsed(HEX40 ".a.b.c");
	assert_true(name.secure);
	assert_hex(name.authority, 20, HEX40);
	assert_int_equal(name.classifier_len, 5);
	parse_refused("test");
	parse_refused("");
	parse_refused(".test");
	parse_refused("1.test");
	parse_refused("00.test");
	parse_refused("428fed1c3a15ecad4b66ec96935dea8547d32fa.test");
	parse_refused(HEX40 "0.test");
	parse_refused("428FED1C3A15ECAD4B66EC96935DEA8547D32FAC.test");
	parse_refused("g28fed1c3a15ecad4b66ec96935dea8547d32fac.test");
	parse_refused(" 0.test");
	parse_refused(HEX40);
}

static void name_is_divided_at_the_first_dot(void **state)
{
	static const uint8_t zero[PNRP_HASH_SIZE];
	struct pnrp_name name = parsed("0.a.b");

	(void)state;
	PONTO_PROVES("PNRP-320", "PNRP-321");
	assert_int_equal(name.classifier_len, 3);
	assert_true(name.classifier[0] == 'a' && name.classifier[1] == '.' && name.classifier[2] == 'b');
	assert_memory_equal(name.authority, zero, sizeof(zero)); /* "0" is 160 zero bits */
	name = parsed(HEX40 ".0.x");
	assert_hex(name.authority, 20, HEX40);
	assert_true(name.classifier_len == 3 && name.classifier[0] == '0' && name.classifier[1] == '.');
	name = parsed("0..");
	assert_true(name.classifier_len == 1 && name.classifier[0] == '.');
}

static void name_classifier_length(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-261");
	assert_int_equal(parsed("0.").classifier_len, 0);
	assert_int_equal(parsed(long_name("0", "x", 149)).classifier_len, 149);
	assert_int_equal(parsed(long_name(HEX40, "x", 149)).classifier_len, 149);
	assert_int_equal(parsed(long_name(HEX40, "\xef\xbf\xbf", 149)).classifier_len, 149);
	parse_refused(long_name("0", "x", 150));
	parse_refused(long_name(HEX40, "x", 150));
	/* Characters beyond U+FFFF are two units. */
	assert_int_equal(parsed(long_name("0", "\xf0\x9f\x98\x80", 74)).classifier_len, 148);
	parse_refused(long_name("0", "\xf0\x9f\x98\x80", 75));
}

static void name_units(void **state)
{
	static const uint16_t lone[] = {'0', '.', 0xd800, 'x'}, nul[] = {'0', '.', 'a', 0, 'b'};
	static const uint16_t ends[] = {'0', '.', 1, 0xffff};
	struct pnrp_name name;
	char text[PNRP_NAME_TEXT] = "untouched";

	(void)state;
	PONTO_PROVES("PNRP-262");
	assert_int_equal(pnrp_name_parse_units(nul, 5, &name), PONTO_EINVAL);
	assert_ok(pnrp_name_parse_units(ends, 4, &name));
	assert_int_equal(name.classifier[0], 1);
	assert_int_equal(name.classifier[1], 0xffff);
	/* A surrogate alone is a legal unit, but has no UTF-8. */
	assert_ok(pnrp_name_parse_units(lone, 4, &name));
	assert_int_equal(pnrp_name_format(&name, text), PONTO_EINVAL);
	assert_string_equal(text, "untouched");
	assert_int_equal(pnrp_name_parse_units(lone, 0, &name), PONTO_EINVAL);
}

static void name_refuses_bad_utf8(void **state)
{
	(void)state;
	parse_refused("0.\x80");
	parse_refused("0.\xc3");
	parse_refused("0.\xc0\xaf");
	parse_refused("0.\xc1\xbf");
	parse_refused("0.\xe0\x80\xaf");
	parse_refused("0.\xed\xa0\x80");
	parse_refused("0.\xf0\x80\x80\xaf");
	parse_refused("0.\xf4\x90\x80\x80");
	parse_refused("0.\xf5\x80\x80\x80");
	parse_refused("0.\xff");
	parse_refused("0.\xe2\x82");
	parsed("0.\xf4\x8f\xbf\xbf\xee\x80\x80\xed\x9f\xbf\xdf\xbf\x7f");
}

static void name_made_of_parts(void **state)
{
	struct pnrp_name a, b = parsed(HEX40 ".t\xc3\xa9st");

	(void)state;
	assert_ok(pnrp_name_make(b.authority, "t\xc3\xa9st", &a));
	assert_true(pnrp_name_equal(&a, &b));
	assert_ok(pnrp_name_make(NULL, "t\xc3\xa9st", &a));
	assert_false(pnrp_name_equal(&a, &b));
	b = parsed("0.t\xc3\xa9st");
	assert_true(pnrp_name_equal(&a, &b));
	assert_int_equal(pnrp_name_make(NULL, long_name("0", "x", 148), &a), PONTO_EINVAL);
	assert_int_equal(pnrp_name_make(NULL, "\xff", &a), PONTO_EINVAL);
}

/* ---- identifiers ------------------------------------------------------------------------------ */

static const struct {
	const char *name, *classifier_hash, *p2p_id;
} id_rows[] = {
	{"0.test", "87f8ed9157125ffc4da9e06a7b8011ad80a53fe1", "4cf68ef1a30357cf94e6f51300219520"},
	{"0.Test", "9ab696a37604d665dc97134dbee44cfe70451b1a", "c6ea3bc2469e2a50d45ea8d6f71d6984"},
	{"0.MyApplication", "5aaeff8d28696055198e4405d0db2444285e37f3", "7775c82766bfb84e1ca6276fe033d797"},
	{"0.410504D41B2CD63C31D0C1539AD9331C", "8cbeb9cd5723728ec20029f7f8aad4cf424dd5c0",
	 "c55fae1f3cb11a6bbd4e76c9ff340732"},
	{"0.", "da39a3ee5e6b4b0d3255bfef95601890afd80709", "f16650999d995aca3e323e4008a7f4bd"},
	{"0.\xc3\xa9\xe6\xbc\xa2\xe5\xad\x97", "69a7a66b3941c6503bc8f3867b8a7d5397329f8f",
	 "6a937a9fd55e39d79d0bc602b130fcf8"},
	{"0.tylersReg", "abe138b942ad9762f2758417c2b89f4887dcb218", "993fed0f19a792b4e1213f32abdaa159"},
	{HEX40 ".test", "87f8ed9157125ffc4da9e06a7b8011ad80a53fe1", "078d2f13fde514df770f96c3cfee8701"},
	{"00112233445566778899aabbccddeeff01234567.test", "87f8ed9157125ffc4da9e06a7b8011ad80a53fe1",
	 "9f845482a644bb15c3f390a87ffd8587"},
	{"ffffffffffffffffffffffffffffffffffffffff.x149", "0a3c61e8d77b8ccac3a5d60685ed30ecee88e6a8",
	 "9408c48958e319929813f84e91c4c7ce"},
};

static void id_table(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-173", "PNRP-263", "PNRP-324");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(id_rows); i++) {
		const char *text = id_rows[i].name;
		struct pnrp_name name;
		uint8_t hash[20], p2p[16];

		if (strstr(text, ".x149"))
			text = long_name("ffffffffffffffffffffffffffffffffffffffff", "x", 149);
		name = parsed(text);
		pnrp_classifier_hash(&pnrp_windows, &name, hash);
		assert_hex(hash, 20, id_rows[i].classifier_hash);
		pnrp_p2p_id(&pnrp_windows, &name, p2p);
		assert_hex(p2p, 16, id_rows[i].p2p_id);
		pnrp_p2p_id_of(&pnrp_windows, name.authority, hash, p2p);
		assert_hex(p2p, 16, id_rows[i].p2p_id);
	}
}

/* The one published hash of a string ([MS-RAIOP] section 4) fits UTF-16LE without terminator only. */
static void classifier_hash_is_utf16le(void **state)
{
	struct pnrp_name name = parsed("0.30E3DBFB314B409A70BCCE744CADE65F");
	uint8_t hash[20];

	(void)state;
	PONTO_PROVES("PNRP-323");
	pnrp_classifier_hash(&pnrp_windows, &name, hash);
	assert_hex(hash, 20, "bb5002abfff3f8236d847d50eea99aba2b2c1e45");
}

static void id_of_a_registration_and_of_a_question(void **state)
{
	struct pnrp_name name = parsed(AUTHORITY_HEX ".test");
	uint8_t p2p[16], location[16], publisher[16], resolver[16], low[8];
	struct ring_id id;

	(void)state;
	PONTO_PROVES("PNRP-322", "PNRP-325");
	assert_ok(ponto_unhex("20010db8000100000000000000000010", publisher, 16));
	assert_ok(ponto_unhex("20010db8000400000000000000000040", resolver, 16));
	assert_ok(ponto_unhex("1122334455667788", low, 8));
	pnrp_p2p_id(&pnrp_windows, &name, p2p);
	pnrp_location_register(publisher, low, location);
	pnrp_id_make(p2p, location, &id);
	assert_hex(id.b, 32, ID_SECURE);
	pnrp_location_resolve(resolver, location);
	pnrp_id_make(p2p, location, &id);
	assert_hex(id.b, 32, ID_TARGET);
}

/* ---- classifier element --------------------------------------------------------------------------- */

/* Written big-endian; read in whichever order the CPA's hash confirms (T3). */
static void classifier_byte_orders(void **state)
{
	struct pnrp_name name = parsed("0.test"), got = parsed(HEX40 ".old");
	uint8_t wire[2 * PNRP_CLASSIFIER_MAX], hash[20];
	struct datagram d;

	(void)state;
	PONTO_PROVES("PNRP-114");
	assert_int_equal(pnrp_classifier_write(&name, wire), 8);
	assert_hex(wire, 8, "0074006500730074");
	pnrp_classifier_hash(&pnrp_windows, &name, hash);
	assert_ok(pnrp_classifier_read(&pnrp_windows, ponto_bytes(wire, 8), hash, &got));
	assert_true(got.secure && got.classifier_len == 4 && got.classifier[0] == 't');
	d = datagram_hex("7400650073007400");
	assert_ok(pnrp_classifier_read(&pnrp_windows, bytes_of(&d), hash, &got));
	assert_true(got.classifier_len == 4 && got.classifier[3] == 't');
	assert_int_equal(pnrp_classifier_read(&pnrp_windows, ponto_bytes(d.data, 6), hash, &got), PONTO_EPROTO);
	assert_int_equal(pnrp_classifier_read(&pnrp_windows, ponto_bytes(d.data, 7), hash, &got), PONTO_EPROTO);
	assert_int_equal(got.classifier_len, 4);
	memset(d.data, 0, 2);
	assert_int_equal(pnrp_classifier_read(&pnrp_windows, bytes_of(&d), hash, &got), PONTO_EPROTO);
	datagram_free(&d);
	name = parsed(long_name("0", "x", 149));
	assert_int_equal(pnrp_classifier_write(&name, wire), 298);
	pnrp_classifier_hash(&pnrp_windows, &name, hash);
	assert_ok(pnrp_classifier_read(&pnrp_windows, ponto_bytes(wire, 298), hash, &got));
	d = datagram_copy(NULL, 0);
	splice(&d, 0, 0, long_name("", "0078", 150) + 1);
	assert_int_equal(pnrp_classifier_read(&pnrp_windows, bytes_of(&d), hash, &got), PONTO_EPROTO);
	datagram_free(&d);
}

/* ---- clouds ----------------------------------------------------------------------------------------- */

static void cloud_names(void **state)
{
	static const struct {
		const char *text;
		uint8_t scope;
		uint32_t zone;
		bool modern;
	} rows[] = {
		{"Global_", PONTO_SCOPE_GLOBAL, 0, false},
		{"SiteLocal_%3", PONTO_SCOPE_SITE, 3, false},
		{"LinkLocal_%12", PONTO_SCOPE_LINK, 12, false},
		{"LinkLocal_%0", PONTO_SCOPE_LINK, 0, false},
		{"Loopback_", PONTO_SCOPE_LOOPBACK, 0, false},
		{"Global_@modern", PONTO_SCOPE_GLOBAL, 0, true},
		{"LinkLocal_%4294967295@modern", PONTO_SCOPE_LINK, UINT32_MAX, true},
	};
	struct pnrp_cloud_name odd = {PONTO_SCOPE_GLOBAL, 1, &pnrp_windows};
	char text[PNRP_CLOUD_TEXT];

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(rows); i++) {
		struct pnrp_cloud_name cloud = {rows[i].scope, rows[i].zone,
						rows[i].modern ? &pnrp_modern : &pnrp_windows};

		assert_ok(pnrp_cloud_format(&cloud, text));
		assert_string_equal(text, rows[i].text);
	}
	assert_int_equal(pnrp_cloud_format(&odd, text), PONTO_EINVAL);
	odd.scope = PONTO_SCOPE_NONE;
	assert_int_equal(pnrp_cloud_format(&odd, text), PONTO_EINVAL);
}

/* ---- time --------------------------------------------------------------------------------------------------- */

static void filetime(void **state)
{
	(void)state;
	assert_int_equal(pnrp_filetime(0), UINT64_C(116444736000000000));
	assert_int_equal(pnrp_filetime(UINT64_C(1893456000000000)), NOT_AFTER);
	assert_int_equal(pnrp_filetime_wall(NOT_AFTER), UINT64_C(1893456000000000));
	assert_int_equal(pnrp_filetime_wall(1), 0);
	assert_int_equal(pnrp_filetime(UINT64_MAX), UINT64_MAX);
	assert_int_equal(pnrp_filetime_wall(UINT64_MAX), (UINT64_MAX - UINT64_C(116444736000000000)) / 10);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(name_grammar),
	cmocka_unit_test(name_is_divided_at_the_first_dot),
	cmocka_unit_test(name_classifier_length),
	cmocka_unit_test(name_units),
	cmocka_unit_test(name_refuses_bad_utf8),
	cmocka_unit_test(name_made_of_parts),
	cmocka_unit_test(id_table),
	cmocka_unit_test(classifier_hash_is_utf16le),
	cmocka_unit_test(id_of_a_registration_and_of_a_question),
	cmocka_unit_test(classifier_byte_orders),
	cmocka_unit_test(cloud_names),
	cmocka_unit_test(filetime),
};

PONTO_TEST_MAIN(tests)
