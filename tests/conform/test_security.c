/* The security contract against every plugin of its kind, and what only the simulated one promises. */
#include "tests/conform/security_suite.h"

extern const struct ponto_plugin security_pki_LTX_ponto_plugin;
extern const struct ponto_plugin security_sim_LTX_ponto_plugin;

#define SIM (&security_sim_LTX_ponto_plugin)

static void sim_is_refused_outside_simulation(void **state)
{
	struct security_fixture f;
	void *self = (void *)1;

	(void)state;
	security_fixture_init(&f, SIM, false);
	assert_ok(ponto_conf_make(&ponto_alloc_system, SIM->options, SIM->option_count, NULL, NULL, 0, &f.conf));
	f.env.conf = f.conf;
	f.env.simulation = false;
	assert_int_equal(((const struct ponto_security_ops *)SIM->vtable)->create(&f.env, &self), PONTO_EACCES);
	assert_ptr_equal(self, (void *)1);
	assert_non_null(strstr(f.last_log, "simulation"));
	assert_int_equal(f.counted.live, 0);
	ponto_conf_destroy(f.conf);
	ponto_log_destroy(f.log);
}

static void sim_is_deterministic_and_cheap(void **state)
{
	const char *const settings[] = {"identities=20000", NULL};
	struct security_fixture *a = security_fixture_new(SIM, false, settings);
	struct security_fixture *b = security_fixture_new(SIM, false, settings);
	struct ponto_identity x, y;

	(void)state;
	for (int i = 0; i < 20000; i++) { /* enough to hang if an addition cost a walk through all others */
		assert_ok(ponto_identity_create(a->security, 1, PONTO_PROFILE_WINDOWS, "x", &x));
		assert_ok(ponto_identity_create(b->security, 1, PONTO_PROFILE_WINDOWS, "x", &y));
		assert_string_equal(x.id, y.id);
	}
	assert_int_equal(ponto_identity_create(a->security, 1, PONTO_PROFILE_WINDOWS, "x", &x), PONTO_ELIMIT);
	assert_int_equal(security_list(a, 1, NULL, 0), 20000);
	security_fixture_free(a);
	security_fixture_free(b);
}

static void sim_nodes_verify_each_other(void **state)
{
	struct security_fixture *a = security_fixture_new(SIM, false, NULL);
	struct security_fixture *b = security_fixture_new(SIM, false, NULL);
	struct ponto_identity me;
	uint8_t sig[PONTO_SIGNATURE_MAX];
	size_t len;

	(void)state;
	assert_ok(ponto_identity_create(a->security, 1, PONTO_PROFILE_WINDOWS, "x", &me));
	assert_ok(ponto_sign(a->security, 1, me.id, ponto_bytes("d", 1), sig, &len));
	assert_ok(ponto_verify(b->security, me.profile, ponto_bytes(me.public_key, me.public_key_len),
			       ponto_bytes("d", 1), ponto_bytes(sig, len)));
	assert_int_equal(ponto_sign(b->security, 1, me.id, ponto_bytes("d", 1), sig, &len), PONTO_ENOENT);
	security_fixture_free(a);
	security_fixture_free(b);
}

int main(void)
{
	static const struct CMUnitTest own[] = {
		cmocka_unit_test(sim_is_refused_outside_simulation),
		cmocka_unit_test(sim_is_deterministic_and_cheap),
		cmocka_unit_test(sim_nodes_verify_each_other),
	};
	size_t n = security_suite_count(), count = 2 * n + PONTO_ARRAY_SIZE(own);
	struct CMUnitTest *tests = calloc(count, sizeof(*tests));
	int failed;

	if (!tests)
		return 1;
	security_suite_cases(&security_pki_LTX_ponto_plugin, tests);
	security_suite_cases(&security_sim_LTX_ponto_plugin, tests + n);
	memcpy(tests + 2 * n, own, sizeof(own));
	cmocka_set_message_output(CM_OUTPUT_TAP);
	failed = _cmocka_run_group_tests("security", tests, count, NULL, NULL);
	free(tests);
	return failed;
}
