/* Host names under pnrp.net, both ways. */
#include "tests/unit/pnrp_test.h"

#include "engines/pnrp/pnrp_host.h"

#define DIGIT40 "428fed1c3a15ecad4b66ec96935dea8547d32fac"
#define LETTER40 "b28fed1c3a15ecad4b66ec96935dea8547d32fac"

static struct pnrp_name parsed(const char *text)
{
	struct pnrp_name name;

	assert_ok(pnrp_name_parse(text, &name));
	return name;
}

static const char *host_of(const struct pnrp_name *name)
{
	static char host[PNRP_HOST_TEXT];
	struct pnrp_name back;

	assert_ok(pnrp_host_format(name, host));
	assert_ok(pnrp_host_parse(host, &back));
	assert_true(pnrp_name_equal(name, &back));
	return host;
}

static void no_host(const struct pnrp_name *given)
{
	struct pnrp_name name = *given;
	char host[PNRP_HOST_TEXT] = "untouched";

	assert_int_equal(pnrp_host_format(&name, host), PONTO_ENOTSUP);
	assert_string_equal(host, "untouched");
}

static void no_name(const char *host)
{
	struct pnrp_name name, before;

	memset(&name, 0xa5, sizeof(name));
	before = name;
	assert_int_equal(pnrp_host_parse(host, &name), PONTO_EINVAL);
	assert_memory_equal(&name, &before, sizeof(name));
}

static void names_have_host_names(void **state)
{
	static const struct {
		const char *name, *host;
	} rows[] = {
		{"0.alice", "alice.pnrp.net"},
		{"0.a-1", "a-1.pnrp.net"},
		{"0.p0", "p0.pnrp.net"},
		{"0.games.john", "games.john.pnrp.net"},
		{DIGIT40 ".alice", "alice.p" DIGIT40 ".pnrp.net"},
		{LETTER40 ".alice", "alice." LETTER40 ".pnrp.net"},
		{DIGIT40 ".", "p" DIGIT40 ".pnrp.net"},
		{LETTER40 ".", LETTER40 ".pnrp.net"},
		{DIGIT40 ".a.p0", "a.p0.p" DIGIT40 ".pnrp.net"},
		{LETTER40 "." DIGIT40, DIGIT40 "." LETTER40 ".pnrp.net"},
		{"0.caf\xc3\xa9", "xn--caf-dma.pnrp.net"},
		{"0.b\xc3\xbc"
		 "cher.caf\xc3\xa9",
		 "xn--bcher-kva.xn--caf-dma.pnrp.net"},
		/* RFC 3492 7.1 (B) and, beyond 16 bits, U+1F600 */
		{"0."
		 "\xe4\xbb\x96\xe4\xbb\xac\xe4\xb8\xba\xe4\xbb\x80\xe4\xb9\x88\xe4\xb8\x8d\xe8\xaf\xb4\xe4\xb8\xad\xe6"
		 "\x96\x87",
		 "xn--ihqwcrb4cv8a8dqg056pqjye.pnrp.net"},
		{"0.\xf0\x9f\x98\x80", "xn--e28h.pnrp.net"},
	};

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(rows); i++) {
		struct pnrp_name name = parsed(rows[i].name);

		assert_string_equal(host_of(&name), rows[i].host);
	}
}

/* Of these the form matters less than that it is one, and differs. */
static void what_host_names_cannot_say_is_escaped(void **state)
{
	static const char *const names[] = {
		"0.Alice",	 "0.aLice",	"0.JohnDoe.Games",
		"0.a b",	 "0.-a",	"0.a-",
		"0.a..b",	 "0..",		"0.a.",
		"0.xn--a",	 "0.pn--a",	"0.Caf\xc3\xa9",
		"0." DIGIT40,	 "0.p" DIGIT40, "0.a." LETTER40,
		"0.a.p0",	 "0.a_b",	"0.\x01",
		"0.xn--caf-dma", "0.-",		DIGIT40 ".Alice",
		LETTER40 ".A.B", "0.A\xc3\xa9", "0.a/b",
		"0.pn--alice-",	 "0.A",		DIGIT40 ".\xc3\xa9 x",
		"0.ALLCAPITALS",
	};
	char hosts[PONTO_ARRAY_SIZE(names)][PNRP_HOST_TEXT];

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(names); i++) {
		struct pnrp_name name = parsed(names[i]);

		strcpy(hosts[i], host_of(&name));
		assert_int_equal(strncmp(hosts[i], "pn--", 4), 0);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(hosts[i], hosts[j]);
	}
}

static void people_may_type_otherwise(void **state)
{
	static const struct {
		const char *host, *name;
	} rows[] = {
		{"alice.p0.pnrp.net", "0.alice"},
		{"Alice.P0.PNRP.NET.", "0.alice"},
		{"games.john.p0.pnrp.net", "0.games.john"},
		{"alice." DIGIT40 ".pnrp.net", DIGIT40 ".alice"},
		{"alice.p" LETTER40 ".pnrp.net", LETTER40 ".alice"},
		{"p" LETTER40 ".pnrp.net", LETTER40 "."},
		{"caf\xc3\xa9.pnrp.net", "0.caf\xc3\xa9"},
		{"XN--CAF-DMA.caf\xc3\xa9.PNRP.net", "0.caf\xc3\xa9.caf\xc3\xa9"},
	};

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(rows); i++) {
		struct pnrp_name name, expected = parsed(rows[i].name);

		assert_ok(pnrp_host_parse(rows[i].host, &name));
		assert_true(pnrp_name_equal(&name, &expected));
	}
}

static void what_is_no_host_name_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		".",
		"pnrp.net",
		".pnrp.net",
		"alice.example.net",
		"alice.pnrp.net.x",
		"alicepnrp.net",
		"-a.pnrp.net",
		"a-.pnrp.net",
		"a_b.pnrp.net",
		"a b.pnrp.net",
		".p0.pnrp.net",
		"a..pnrp.net",
		"alice.pnrp.net..",
		"\xc3.pnrp.net",
		"\xff.pnrp.net",
		/* not how that name is written */
		"xn--alice-.pnrp.net",
		"xn--.pnrp.net",
		"pn--lice-Fja0.pnrp.net",
		"xn--Caf-dma9.pnrp.net",
		"pn--.pnrp.net",
		"pn--lice-.pnrp.net",
		"pn--l.ice-fja.pnrp.net",
		"pn--a.b.pnrp.net",
		"pn--99999999999999999999.pnrp.net",
		"xn--zzzzzzzzz99.pnrp.net",
		"pn--\xc3\xa9.pnrp.net",
		"xn--\xc3\xa9-dma.pnrp.net",
		/* a surrogate, in punycode */
		"xn--ib9b.pnrp.net",
	};
	char host[600];

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++)
		no_name(bad[i]);
	memset(host, 'x', sizeof(host));
	strcpy(host + 64, ".pnrp.net");
	no_name(host);
	memset(host, 'x', sizeof(host));
	strcpy(host + sizeof(host) - 10, ".pnrp.net");
	no_name(host);
}

/* authority, dot, n times a character. */
static const char *long_name(const char *authority, const char *unit, size_t count)
{
	static char text[1024];

	strcpy(text, authority);
	strcat(text, ".");
	while (count-- > 0)
		strcat(text, unit);
	return text;
}

static void lengths(void **state)
{
	struct pnrp_name name = parsed(long_name(DIGIT40, "x", 63));

	(void)state;
	assert_int_equal(strncmp(host_of(&name), "xxx", 3), 0);
	for (size_t n = 64; n <= PNRP_CLASSIFIER_MAX; n++) {
		name = parsed(long_name(DIGIT40, "x", n));
		assert_int_equal(strncmp(host_of(&name), "pn--", 4), 0);
		name = parsed(long_name("0", "ab", n / 2));
		host_of(&name);
	}
	name = parsed(long_name("0", "Ab", 74));
	host_of(&name);
	name = parsed("0.");
	no_host(&name);
	name = parsed("0.x");
	name.classifier[0] = 0xd800;
	no_host(&name);
	name.classifier[0] = 0xdc00;
	no_host(&name);
	name.classifier_len = PNRP_CLASSIFIER_MAX;
	for (unsigned i = 0; i < PNRP_CLASSIFIER_MAX; i++)
		name.classifier[i] = (uint16_t)(0x4e00 + i * 7919 % 20000);
	no_host(&name);
}

/* Random classifiers of characters that mean something to the encoding: whatever has a host name comes back from it,
 * whatever case it passes through. */
static void every_name_comes_back(void **state)
{
	static const uint32_t signs[] = {'a',	   'b', 'p',  'x',    'n',    '0',    '4',    '-',    '.',
					 'A',	   'Z', ' ',  '_',    0x7f,   0xe9,   0xc9,   0x4ed6, 0x1f600,
					 0x10ffff, 1,	0x80, 0xd7ff, 0xe000, 0xffff, 0x10000};
	uint64_t seed = 1;
	unsigned encoded = 0;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		struct pnrp_name name = {.secure = round % 3 == 0}, back;
		size_t len = round % 37;
		char host[PNRP_HOST_TEXT];

		for (size_t i = 0; name.secure && i < PNRP_HASH_SIZE; i++)
			name.authority[i] = (uint8_t)(seed >> (i % 8) * 7);
		for (size_t i = 0; i < len; i++) {
			uint32_t point;

			seed = seed * 6364136223846793005u + 1442695040888963407u;
			point = signs[(seed >> 33) % (round % 2 ? 9 : PONTO_ARRAY_SIZE(signs))];
			if (point > 0xffff) {
				name.classifier[name.classifier_len++] = (uint16_t)(0xd7c0 + (point >> 10));
				point = 0xdc00 | (point & 0x3ff);
			}
			name.classifier[name.classifier_len++] = (uint16_t)point;
		}
		if (pnrp_host_format(&name, host) != PONTO_OK)
			continue;
		encoded++;
		for (size_t i = 0; host[i]; i++)
			if (i % 2 && host[i] >= 'a' && host[i] <= 'z')
				host[i] = (char)(host[i] - ('a' - 'A'));
		assert_ok(pnrp_host_parse(host, &back));
		assert_true(pnrp_name_equal(&name, &back));
	}
	assert_in_range(encoded, 15000, 20000);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(names_have_host_names),
	cmocka_unit_test(what_host_names_cannot_say_is_escaped),
	cmocka_unit_test(people_may_type_otherwise),
	cmocka_unit_test(what_is_no_host_name_is_refused),
	cmocka_unit_test(lengths),
	cmocka_unit_test(every_name_comes_back),
};

PONTO_TEST_MAIN(tests)
