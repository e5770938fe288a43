/* mapping-gateway: the line that ponto-map writes, and the kernel's table of routes. The gateways themselves are in
 * tests/interop/mapping.sh. */
#include "plugins/mapping-gateway/mg.h"
#include "tests/support/test.h"

static struct mg_answer answer(const char *line)
{
	size_t len = strlen(line);
	uint8_t *copy = malloc(len + 1); /* of exactly its size but one, which is not part of it */
	struct mg_answer a;

	memcpy(copy, line, len);
	mg_answer_read(ponto_bytes(copy, len), &a);
	free(copy);
	return a;
}

static void lines_that_say_something(void **state)
{
	struct mg_answer a = answer("held 192.0.2.101 40000 3600 - -\n");

	(void)state;
	assert_int_equal(a.kind, MG_ANSWER_HELD);
	assert_int_equal(a.external.port, 40000);
	assert_memory_equal(a.external.ip, "\xc0\0\2\x65", 4);
	assert_int_equal(a.lifetime, 3600);
	assert_string_equal(a.control, "");
	assert_string_equal(a.type, "");
	a = answer("held 192.0.2.101 65535 0 http://10.0.1.1:5000/ctl urn:x\n");
	assert_int_equal(a.kind, MG_ANSWER_HELD);
	assert_string_equal(a.control, "http://10.0.1.1:5000/ctl");
	assert_string_equal(a.type, "urn:x");
	assert_int_equal(answer("given-back\n").kind, MG_ANSWER_GIVEN_BACK);
	a = answer("refused the port is taken, error 718\n");
	assert_int_equal(a.kind, MG_ANSWER_REFUSED);
	assert_string_equal(a.words, "the port is taken, error 718");
	a = answer("silent no\x1b[2J answer\n");
	assert_int_equal(a.kind, MG_ANSWER_SILENT);
	assert_string_equal(a.words, "no[2J answer");
}

static void lines_that_do_not(void **state)
{
	static const char *const lines[] = {
		"", "\n", "held\n", "held 192.0.2.101 40000 3600 - -", "held 192.0.2.101 40000 3600 - -\n\n",
		"held 192.0.2.101 40000 3600 -\n", "held 192.0.2.101 40000 3600 - - -\n",
		"held 192.0.2.101 0 3600 - -\n", "held 192.0.2.101 65536 3600 - -\n",
		"held 192.0.2.101 40000 4294967296 - -\n", "held 192.0.2.101 -1 3600 - -\n",
		"held 192.0.2.1011 40000 3600 - -\n", "held 192.0.2.101:5 40000 3600 - -\n",
		"held ::1 40000 3600 - -\n", "held  192.0.2.101 40000 3600 - -\n", "given-back x\n", "other\n",
		"held 192.0.2.101 40000 3600 \x7f -\n",
	};
	char big[MG_CONTROL + 64];

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(lines); i++)
		assert_int_equal(answer(lines[i]).kind, MG_ANSWER_NONE);
	assert_string_equal(answer("").words, "what was answered cannot be used");
	memset(big, 'a', sizeof(big));
	memcpy(big, "held 192.0.2.101 40000 3600 ", 28);
	memcpy(big + sizeof(big) - 4, " -\n", 4);
	assert_int_equal(answer(big).kind, MG_ANSWER_NONE);
}

static void default_routes(void **state)
{
	char one[] = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
		     "eth0\t0001000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
		     "wlan0\t00000000\t0100A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
		     "eth0\t00000000\t0101000A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
		     "eth1\t00000000\t0102000A\t0002\t0\t0\t1\t00000000\t0\t0\t0\n";
	char none[] = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n"
		      "ppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\nrubbish\n\n";
	struct ponto_addr gateway;

	(void)state;
	/* The table is as the kernel's memory is. */
	if (*(const uint8_t *)&(const uint16_t){1} != 1)
		skip();
	assert_ok(mg_route_read(one, &gateway));
	assert_memory_equal(gateway.ip, "\x0a\0\1\1", 4);
	assert_int_equal(gateway.family, PONTO_FAMILY_IPV4);
	assert_int_equal(mg_route_read(none, &gateway), PONTO_ENOENT);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(lines_that_say_something),
	cmocka_unit_test(lines_that_do_not),
	cmocka_unit_test(default_routes),
};

PONTO_TEST_MAIN(tests)
