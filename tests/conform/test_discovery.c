/* The discovery contract against every plugin of its kind, on both loops. */
#include "tests/conform/discovery_suite.h"

extern const struct ponto_plugin discovery_seed_LTX_ponto_plugin;

int main(void)
{
	static const char *const settings[] = {"peers=[2001:db8::1]:3540,2001:db8::2,192.0.2.1,[fe80::1]:3540",
					       "store=main", NULL};
	static const struct discovery_subject subjects[] = {
		{&discovery_seed_LTX_ponto_plugin, settings, true},
		{&discovery_seed_LTX_ponto_plugin, settings, false},
	};
	size_t n = discovery_suite_count;
	struct CMUnitTest *tests = calloc(2 * n, sizeof(*tests));
	int failed;

	if (!tests)
		return 1;
	discovery_suite_cases(&subjects[0], "discovery-seed on loop-sim", tests);
	discovery_suite_cases(&subjects[1], "discovery-seed on loop-uv", tests + n);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	failed = _cmocka_run_group_tests("discovery", tests, 2 * n, NULL, NULL);
	free(tests);
	return failed;
}
