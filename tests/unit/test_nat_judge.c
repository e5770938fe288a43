/* What nat-test makes of a transport's words: RFC 6081 3. */
#include "apps/ponto/nat_judge.h"
#include "tests/support/test.h"

/* Facts as "key=value" texts. */
static struct nat_verdict judge(const char *const *texts)
{
	static char copies[16][64];
	struct nat_facts facts = {0};
	struct nat_verdict v;

	for (size_t i = 0; texts[i]; i++) {
		char *equals;

		assert_true(i < 16 && strlen(texts[i]) < sizeof(copies[0]));
		memcpy(copies[i], texts[i], strlen(texts[i]) + 1);
		equals = strchr(copies[i], '=');
		*equals = '\0';
		nat_fact(&facts, copies[i], equals + 1);
	}
	nat_judge(&facts, &v);
	return v;
}

#define FACTS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define BEHIND "state=qualified", "address=2001::1", "local=10.0.1.2:50000", "mapped=192.0.2.101:50000"

/* The answers for: peers without NAT or behind a cone, restricted, symmetric, native hosts. */
static void expect(struct nat_verdict v, enum nat_kind kind, const char *answers)
{
	assert_int_equal(v.kind, kind);
	assert_int_equal(v.count, NAT_LINES);
	assert_int_equal(v.line[0].answer, NAT_YES);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(nat_answer_name(v.line[i + 1].answer)[0], answers[i]);
		assert_true(strlen(v.line[i + 1].why) > 10);
	}
}

static void kinds_of_nats(void **state)
{
	(void)state;
	expect(judge(FACTS("state=qualified", "address=2001::1", "local=192.0.2.101:5", "mapped=192.0.2.101:5",
			   "nat=restricted")),
	       NAT_NONE, "yyyy");
	expect(judge(FACTS(BEHIND, "nat=cone")), NAT_CONE, "yyyy");
	expect(judge(FACTS(BEHIND, "nat=restricted")), NAT_RESTRICTED, "yypy");
	expect(judge(FACTS(BEHIND, "nat=unknown")), NAT_UNKNOWN, "yppp");
	expect(judge(FACTS(BEHIND, "nat=symmetric")), NAT_SYMMETRIC, "ypnn");
	expect(judge(FACTS(BEHIND, "nat=symmetric", "keeps-ports=yes")), NAT_SYMMETRIC, "yypn");
	expect(judge(FACTS(BEHIND, "nat=symmetric", "mapping=held", "mapping-only-nat=yes")), NAT_SYMMETRIC, "yppn");
	/* Similar addresses are not the same. */
	expect(judge(FACTS("state=qualified", "address=2001::1", "local=192.0.2.10:5", "mapped=192.0.2.101:5",
			   "nat=cone")),
	       NAT_CONE, "yyyy");
}

static void mapped_ports(void **state)
{
	(void)state;
	expect(judge(FACTS(BEHIND, "nat=restricted", "mapping=held", "mapping-only-nat=yes")), NAT_OPEN, "yyyy");
	/* A second NAT behind the gateway: its port is of no use. */
	expect(judge(FACTS(BEHIND, "nat=restricted", "mapping=held", "mapping-only-nat=no")), NAT_RESTRICTED, "yypy");
	expect(judge(FACTS(BEHIND, "nat=restricted", "mapping=none")), NAT_RESTRICTED, "yypy");
}

static void native_hosts(void **state)
{
	(void)state;
	expect(judge(FACTS("state=relaying", "address=2001:db8::1", "local=192.0.2.20:5")), NAT_NATIVE, "yyny");
}

static void no_address(const char *const *facts, enum nat_kind kind, const char *why)
{
	struct nat_verdict v = judge(facts);

	assert_int_equal(v.kind, kind);
	assert_int_equal(v.count, 1);
	assert_int_equal(v.line[0].answer, NAT_NO);
	assert_non_null(strstr(v.line[0].why, why));
}

static void no_addresses(void **state)
{
	(void)state;
	no_address(FACTS("state=idle"), NAT_IDLE, "name this transport");
	no_address(FACTS("state=starting"), NAT_STARTING, "again");
	no_address(FACTS("state=off-line", "solicitations=3", "advertisements=0"), NAT_SILENT, "UDP port 3544");
	no_address(FACTS("state=off-line", "advertisements-refused=2"), NAT_SILENT, "secret");
	no_address(FACTS("state=off-line", "advertisements=2"), NAT_SILENT, "before");
	no_address(FACTS("state=off-line", "advertisements=2", "nat=symmetric"), NAT_SILENT, "symmetric");
}

static void hosts(void **state)
{
	(void)state;
	assert_true(nat_same_host("192.0.2.1:5", "192.0.2.1:6"));
	assert_true(nat_same_host("192.0.2.1", "192.0.2.1:6"));
	assert_false(nat_same_host("192.0.2.1:5", "192.0.2.11:5"));
	assert_false(nat_same_host(NULL, "192.0.2.1:5"));
	assert_false(nat_same_host("192.0.2.1:5", NULL));
	assert_false(nat_same_host("", ""));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(kinds_of_nats),
	cmocka_unit_test(mapped_ports),
	cmocka_unit_test(native_hosts),
	cmocka_unit_test(no_addresses),
	cmocka_unit_test(hosts),
};

PONTO_TEST_MAIN(tests)
