/* The PeerDist encoding of HTTP: [MS-PCCRTP]. */
#include "engines/content/content_coding.h"
#include "tests/unit/content_test.h"

static const struct content_answerable hashed = {true, true, true, true};

/* Headers as "Name: value" lines. */
static struct content_coding read_headers(const char *lines)
{
	struct content_coding coding;
	char *copy = strdup(lines);

	memset(&coding, 0, sizeof(coding));
	assert_non_null(copy);
	for (char *line = strtok(copy, "\n"); line; line = strtok(NULL, "\n")) {
		char *value = strchr(line, ':');

		assert_non_null(value);
		*value = 0;
		content_coding_header(&coding, line, value + 1 + (value[1] == ' '));
	}
	free(copy);
	return coding;
}

static void answered_as(const char *lines, enum content_answer answer)
{
	struct content_coding coding = read_headers(lines);

	assert_int_equal(content_answer(&coding, &hashed), answer);
}

static void answered_with(const char *lines, enum content_answer answer, const char *params, const char *params_ex)
{
	struct content_coding coding = read_headers(lines);
	char a[CONTENT_PARAMS_TEXT], b[CONTENT_PARAMS_TEXT];

	content_answer_params(&coding, answer, 184946, a, b);
	assert_string_equal(a, params);
	assert_string_equal(b, params_ex);
}

#define ACCEPT "Accept-Encoding: gzip, deflate, peerdist\n"
#define V10 "X-P2P-PeerDist: Version=1.0\n"
#define V11 "X-P2P-PeerDist: Version=1.1\n"
#define BOUNDS(min, max) "X-P2P-PeerDistEx: MinContentInformation=" min ", MaxContentInformation=" max "\n"

/* ---- the specification's examples ----------------------------------------------------- */

static void examples_of_requests(void **state)
{
	struct content_coding c = read_headers("Host: www.hostname.com\nAccept: */*\n" ACCEPT V11 BOUNDS("1.0", "1.0"));

	(void)state;
	PONTO_PROVES("DIST-355", "DIST-372", "DIST-373");
	assert_true(c.accepted && c.has_version && c.has_ex && c.has_min && c.has_max);
	assert_false(c.bad_value || c.missing_data || c.hash_request || c.encoded);
	assert_int_equal(c.version.minor, 1);
	assert_int_equal(c.max.major, 1);
	assert_int_equal(content_answer(&c, &hashed), CONTENT_ANSWER_V1);
	c = read_headers(V11
			 "X-P2P-PeerDistEx: MinContentInformation=1.0, MaxContentInformation=2.0, HashRequest=true");
	assert_true(c.hash_request);
	assert_false(c.accepted);
}

static void examples_of_answers(void **state)
{
	struct content_coding c =
		read_headers("Content-Type: text/html\nContent-Encoding: peerdist\nContent-Length: 198\n"
			     "X-P2P-PeerDist: Version=1.1, ContentLength=184946");

	(void)state;
	PONTO_PROVES("DIST-361", "DIST-395");
	assert_true(c.encoded && c.has_length);
	assert_int_equal(c.length, 184946);
	c = read_headers("Content-Encoding: PeerDist\nX-P2P-PeerDist: Version=1.0, ContentLength=102400");
	assert_true(c.encoded);
	assert_int_equal(c.length, 102400);
	assert_int_equal(c.version.minor, 0);
	c = read_headers("Content-Length: 184946\n" V11 "X-P2P-PeerDistEx: MakeHashRequest=true");
	assert_true(c.make_hash);
	assert_false(c.has_length || c.encoded || c.has_max);
}

/* ---- reading ---------------------------------------------------------------------------- */

static void case_does_not_matter(void **state)
{
	(void)state;
	PONTO_PROVES("DIST-352");
	answered_as("accept-encoding: PEERDIST\nx-p2p-peerdist: VERSION=1.1\n"
		    "X-P2P-PEERDISTEX: mincontentinformation=1.0,MAXCONTENTINFORMATION=2.0",
		    CONTENT_ANSWER_V2);
	answered_as("Accept-Encoding: PeerDist\n" V10, CONTENT_ANSWER_V1);
	assert_true(read_headers("content-encoding: PEERDIST").encoded);
	assert_true(read_headers("X-P2P-PeerDist: missingdatarequest=TRUE").missing_data);
}

static void lists(void **state)
{
	static const char *const lists[] = {
		"X-P2P-PeerDist: Version=1.1,MissingDataRequest=true",
		"X-P2P-PeerDist: Version=1.1 ,\t MissingDataRequest=true",
		"X-P2P-PeerDist: ,,Version=1.1,, MissingDataRequest=true,",
		"X-P2P-PeerDist: Unknown=7, Version=1.1, word, MissingDataRequest=true",
		"X-P2P-PeerDist: Version=1.1\nX-P2P-PeerDist: MissingDataRequest=true",
		"X-P2P-PeerDist: Version = 1.1, MissingDataRequest = true",
	};

	(void)state;
	PONTO_PROVES("DIST-356");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(lists); i++) {
		struct content_coding c = read_headers(lists[i]);

		assert_true(c.missing_data && c.has_version && !c.bad_value);
		assert_int_equal(c.version.major * 100 + c.version.minor, 101);
	}
}

static void versions(void **state)
{
	static const char *const bad[] = {"1 .0",  "1. 0", "1",	      "1.",   ".1",  "",
					  "1.0.0", "a.b",  "1.65536", "-1.0", "1,0", "+1.0"};

	(void)state;
	PONTO_PROVES("DIST-357");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		char lines[200];

		strcpy(lines, ACCEPT "X-P2P-PeerDist: Version=");
		strcat(lines, bad[i]);
		assert_true(read_headers(lines).bad_value);
		answered_as(lines, CONTENT_ANSWER_ORDINARY);
	}
	assert_int_equal(read_headers("X-P2P-PeerDist: Version=65535.65535").version.minor, 65535);
}

static void versions_are_two_numbers(void **state)
{
	const struct content_version a = {1, 3}, b = {1, 23}, c = {2, 0};

	(void)state;
	PONTO_PROVES("DIST-358");
	assert_true(content_version_compare(a, b) < 0);
	assert_true(content_version_compare(b, a) > 0);
	assert_true(content_version_compare(b, c) < 0);
	assert_int_equal(content_version_compare(b, b), 0);
}

static void lengths(void **state)
{
	(void)state;
	assert_int_equal(read_headers("X-P2P-PeerDist: ContentLength=9223372036854775807").length, INT64_MAX);
	assert_true(read_headers("X-P2P-PeerDist: ContentLength=9223372036854775808").bad_value);
	assert_true(read_headers("X-P2P-PeerDist: ContentLength=99999999999999999999").bad_value);
	assert_true(read_headers("X-P2P-PeerDist: ContentLength=").bad_value);
	assert_true(read_headers("X-P2P-PeerDist: ContentLength").bad_value);
	assert_true(read_headers("X-P2P-PeerDist: ContentLength=12x").bad_value);
}

static void accepted_codings(void **state)
{
	static const struct {
		const char *value;
		bool accepted;
	} v[] = {
		{"peerdist", true},
		{"gzip;q=1.0, peerdist;q=0.5", true},
		{"peerdist;q=0", false},
		{"peerdist; q=0.000", false},
		{"peerdist;q=0.001", true},
		{"gzip,peerdist", true},
		{"*", false},
		{"", false},
		{"peerdists", false},
		{"xpeerdist", false},
		{"gzip peerdist", false},
		{",,peerdist,", true},
		{"peerdist;level=9;q=0", false},
		{"peerdist ;q=1", true},
	};

	(void)state;
	PONTO_PROVES("DIST-353");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(v); i++) {
		struct content_coding c;

		memset(&c, 0, sizeof(c));
		content_coding_header(&c, "Accept-Encoding", v[i].value);
		assert_int_equal(c.accepted, v[i].accepted);
	}
	assert_false(read_headers("Content-Encoding: gzip, peerdist").encoded);
	assert_false(read_headers("Content-Encoding: identity").encoded);
}

/* ---- deciding --------------------------------------------------------------------------- */

static void only_gets_with_validators(void **state)
{
	struct content_coding c = read_headers(ACCEPT V11 BOUNDS("1.0", "2.0"));
	struct content_answerable a = hashed;

	(void)state;
	PONTO_PROVES("DIST-376");
	assert_int_equal(content_answer(&c, &a), CONTENT_ANSWER_V2);
	a.validator = false;
	assert_int_equal(content_answer(&c, &a), CONTENT_ANSWER_ORDINARY);
	a = hashed;
	a.get = false;
	assert_int_equal(content_answer(&c, &a), CONTENT_ANSWER_ORDINARY);
}

static void plain_clients(void **state)
{
	(void)state;
	answered_as("Accept-Encoding: gzip", CONTENT_ANSWER_ORDINARY);
	answered_as("Host: x", CONTENT_ANSWER_ORDINARY);
	answered_as(V11 BOUNDS("1.0", "2.0"), CONTENT_ANSWER_ORDINARY);
	answered_with("Host: x", CONTENT_ANSWER_ORDINARY, "", "");
}

static void missing_data(void **state)
{
	(void)state;
	PONTO_PROVES("DIST-364", "DIST-365");
	answered_as("X-P2P-PeerDist: Version=1.1, MissingDataRequest=true", CONTENT_ANSWER_ORDINARY);
	answered_as(ACCEPT "X-P2P-PeerDist: Version=1.1, MissingDataRequest=true", CONTENT_ANSWER_ORDINARY);
	answered_as(ACCEPT "X-P2P-PeerDist: Version=1.1, MissingDataRequest=false\n" BOUNDS("1.0", "2.0"),
		    CONTENT_ANSWER_V2);
	answered_as(ACCEPT "X-P2P-PeerDist: Version=1.1, MissingDataRequest=InvalidValue", CONTENT_ANSWER_ORDINARY);
}

static void versions_of_the_encoding(void **state)
{
	(void)state;
	PONTO_PROVES("DIST-394", "DIST-392");
	answered_as(ACCEPT V10, CONTENT_ANSWER_V1);
	answered_as(ACCEPT V11, CONTENT_ANSWER_V1);
	answered_as(ACCEPT "X-P2P-PeerDist: Version=999.999", CONTENT_ANSWER_ORDINARY);
	answered_as(ACCEPT "X-P2P-PeerDist: Version=1.2", CONTENT_ANSWER_ORDINARY);
	answered_as(ACCEPT "X-P2P-PeerDist: Version=0.9", CONTENT_ANSWER_ORDINARY);
	answered_as(ACCEPT "X-P2P-PeerDist: Version=2.0", CONTENT_ANSWER_ORDINARY);
	/* Some name none at all. */
	answered_as(ACCEPT, CONTENT_ANSWER_V1);
}

static void versions_of_the_information(void **state)
{
	(void)state;
	PONTO_PROVES("DIST-379", "DIST-380", "DIST-381", "DIST-382");
	answered_as(ACCEPT V11 BOUNDS("1.0", "1.0"), CONTENT_ANSWER_V1);
	answered_as(ACCEPT V11 BOUNDS("1.0", "2.0"), CONTENT_ANSWER_V2);
	answered_as(ACCEPT V11 BOUNDS("2.0", "2.0"), CONTENT_ANSWER_V2);
	answered_as(ACCEPT V11 BOUNDS("2.0", "1.0"), CONTENT_ANSWER_ORDINARY);
	answered_as(ACCEPT V11 BOUNDS("900.0", "999.0"), CONTENT_ANSWER_ORDINARY);
	answered_as(ACCEPT V11 BOUNDS("1.0", "3.0"), CONTENT_ANSWER_ORDINARY);
	answered_as(ACCEPT V11 BOUNDS("0.0", "2.0"), CONTENT_ANSWER_ORDINARY);
	answered_as(ACCEPT V11 BOUNDS("1.1", "2.0"), CONTENT_ANSWER_ORDINARY);
	answered_as(ACCEPT V11 BOUNDS("x", "2.0"), CONTENT_ANSWER_ORDINARY);
	answered_as(ACCEPT V10, CONTENT_ANSWER_V1);
}

/* Version 2.0 is unknown to older clients. */
static void never_unasked(void **state)
{
	struct content_answerable a = {true, true, false, true};
	struct content_coding c = read_headers(ACCEPT V10);

	(void)state;
	PONTO_PROVES("DIST-096");
	assert_int_equal(content_answer(&c, &a), CONTENT_ANSWER_MAKE);
	c = read_headers(ACCEPT V11 BOUNDS("1.0", "1.0"));
	assert_int_equal(content_answer(&c, &a), CONTENT_ANSWER_MAKE);
	c = read_headers(ACCEPT V11 BOUNDS("1.0", "2.0"));
	assert_int_equal(content_answer(&c, &a), CONTENT_ANSWER_V2);
	/* What is there, if it is understood. */
	a = (struct content_answerable){true, true, true, false};
	assert_int_equal(content_answer(&c, &a), CONTENT_ANSWER_V1);
	c = read_headers(ACCEPT V11 BOUNDS("2.0", "2.0"));
	assert_int_equal(content_answer(&c, &a), CONTENT_ANSWER_MAKE);
}

static void hashes_still_to_be_made(void **state)
{
	const struct content_answerable a = {true, true, false, false};
	struct content_coding c = read_headers(ACCEPT V11 BOUNDS("1.0", "2.0"));

	(void)state;
	PONTO_PROVES("DIST-368", "DIST-385", "DIST-386", "DIST-387");
	assert_int_equal(content_answer(&c, &a), CONTENT_ANSWER_MAKE);
	answered_with(ACCEPT V11 BOUNDS("1.0", "2.0"), CONTENT_ANSWER_MAKE, "Version=1.1", "MakeHashRequest=true");
	answered_with(ACCEPT V10, CONTENT_ANSWER_MAKE, "", "");
	/* The request that follows, with and without the coding. */
	answered_as(V11 "X-P2P-PeerDistEx: MinContentInformation=1.0, MaxContentInformation=2.0, HashRequest=true",
		    CONTENT_ANSWER_V2);
	answered_as(ACCEPT V11
		    "X-P2P-PeerDistEx: MinContentInformation=1.0, MaxContentInformation=1.0, HashRequest=true",
		    CONTENT_ANSWER_V1);
	answered_as(V11 "X-P2P-PeerDistEx: MinContentInformation=1.0, MaxContentInformation=2.0, HashRequest=false",
		    CONTENT_ANSWER_ORDINARY);
}

static void headers_of_answers(void **state)
{
	(void)state;
	PONTO_PROVES("DIST-360", "DIST-383", "DIST-393");
	answered_with(ACCEPT V10, CONTENT_ANSWER_V1, "Version=1.0, ContentLength=184946", "");
	answered_with(ACCEPT V11 BOUNDS("1.0", "2.0"), CONTENT_ANSWER_V2, "Version=1.1, ContentLength=184946", "");
	answered_with(ACCEPT, CONTENT_ANSWER_V1, "Version=1.0, ContentLength=184946", "");
}

/* ---- the client's side --------------------------------------------------------------------- */

static void headers_of_requests(void **state)
{
	char a[CONTENT_PARAMS_TEXT], b[CONTENT_PARAMS_TEXT];

	(void)state;
	PONTO_PROVES("DIST-359", "DIST-366", "DIST-367", "DIST-369");
	content_ask_params(CONTENT_ASK_FIRST, 2, a, b);
	assert_true(content_ask_offers(CONTENT_ASK_FIRST));
	assert_string_equal(a, "Version=1.1");
	assert_string_equal(b, "MinContentInformation=1.0, MaxContentInformation=2.0");
	content_ask_params(CONTENT_ASK_FIRST, 1, a, b);
	assert_string_equal(b, "MinContentInformation=1.0, MaxContentInformation=1.0");
	content_ask_params(CONTENT_ASK_HASHES, 2, a, b);
	assert_true(content_ask_offers(CONTENT_ASK_HASHES));
	assert_string_equal(a, "Version=1.1");
	assert_string_equal(b, "MinContentInformation=1.0, MaxContentInformation=2.0, HashRequest=true");
}

static void asking_for_missing_data(void **state)
{
	char a[CONTENT_PARAMS_TEXT], b[CONTENT_PARAMS_TEXT];

	(void)state;
	PONTO_PROVES("DIST-362", "DIST-363");
	content_ask_params(CONTENT_ASK_MISSING, 2, a, b);
	assert_string_equal(a, "Version=1.1, MissingDataRequest=true");
	assert_false(content_ask_offers(CONTENT_ASK_MISSING));
}

/* ---- ranges ----------------------------------------------------------------------------------- */

static void ranges(void **state)
{
	static const struct {
		const char *value;
		uint64_t size;
		int result;
		uint64_t start, length;
	} v[] = {
		{"bytes=102400-127999", 128000, PONTO_OK, 102400, 25600},
		{"bytes=0-0", 128000, PONTO_OK, 0, 1},
		{"bytes=127999-", 128000, PONTO_OK, 127999, 1},
		{"bytes=0-", 1, PONTO_OK, 0, 1},
		{"bytes=0-999999", 128000, PONTO_OK, 0, 128000},
		{"bytes=-1", 128000, PONTO_OK, 127999, 1},
		{"bytes=-128000", 128000, PONTO_OK, 0, 128000},
		{"bytes=-999999", 128000, PONTO_OK, 0, 128000},
		{"BYTES = 5 - 9", 128000, PONTO_OK, 5, 5},
		{"bytes=18446744073709551614-18446744073709551615", UINT64_MAX, PONTO_OK, UINT64_MAX - 1, 1},
		{"bytes=128000-", 128000, PONTO_EINVAL, 0, 0},
		{"bytes=0-", 0, PONTO_EINVAL, 0, 0},
		{"bytes=-0", 128000, PONTO_EINVAL, 0, 0},
		{"bytes=-5", 0, PONTO_EINVAL, 0, 0},
		{"bytes=0-9,20-29", 128000, PONTO_ENOTSUP, 0, 0},
		{"bytes=9-8", 128000, PONTO_ENOTSUP, 0, 0},
		{"bytes=-", 128000, PONTO_ENOTSUP, 0, 0},
		{"bytes=", 128000, PONTO_ENOTSUP, 0, 0},
		{"bytes", 128000, PONTO_ENOTSUP, 0, 0},
		{"bytes=5", 128000, PONTO_ENOTSUP, 0, 0},
		{"bytes=a-b", 128000, PONTO_ENOTSUP, 0, 0},
		{"bytes=18446744073709551616-", 128000, PONTO_ENOTSUP, 0, 0},
		{"items=0-9", 128000, PONTO_ENOTSUP, 0, 0},
		{"", 128000, PONTO_ENOTSUP, 0, 0},
	};

	(void)state;
	PONTO_PROVES("DIST-091");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(v); i++) {
		uint64_t start = 0, length = 0;

		assert_int_equal(content_range_parse(v[i].value, v[i].size, &start, &length), v[i].result);
		assert_int_equal(start, v[i].start);
		assert_int_equal(length, v[i].length);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(examples_of_requests),
	cmocka_unit_test(examples_of_answers),
	cmocka_unit_test(case_does_not_matter),
	cmocka_unit_test(lists),
	cmocka_unit_test(versions),
	cmocka_unit_test(versions_are_two_numbers),
	cmocka_unit_test(lengths),
	cmocka_unit_test(accepted_codings),
	cmocka_unit_test(only_gets_with_validators),
	cmocka_unit_test(plain_clients),
	cmocka_unit_test(missing_data),
	cmocka_unit_test(versions_of_the_encoding),
	cmocka_unit_test(versions_of_the_information),
	cmocka_unit_test(never_unasked),
	cmocka_unit_test(hashes_still_to_be_made),
	cmocka_unit_test(headers_of_answers),
	cmocka_unit_test(headers_of_requests),
	cmocka_unit_test(asking_for_missing_data),
	cmocka_unit_test(ranges),
};

PONTO_TEST_MAIN(tests)
