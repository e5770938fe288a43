/* The discovery contract against every plugin of its kind, on both loops. */
#include "tests/conform/discovery_suite.h"

extern const struct ponto_plugin discovery_seed_LTX_ponto_plugin, discovery_ssdp_LTX_ponto_plugin,
	discovery_wsd_LTX_ponto_plugin;

int main(void)
{
	static const char *const settings[] = {"peers=[2001:db8::1]:3540,2001:db8::2,192.0.2.1,[fe80::1]:3540",
					       "store=main", NULL};
	static const char *const net[] = {"transport=net", NULL}, *const nets[] = {"transports=net", NULL};
	static const struct discovery_subject subjects[] = {
		{&discovery_seed_LTX_ponto_plugin, settings, true}, {&discovery_seed_LTX_ponto_plugin, settings, false},
		{&discovery_ssdp_LTX_ponto_plugin, net, true},	    {&discovery_ssdp_LTX_ponto_plugin, net, false},
		{&discovery_wsd_LTX_ponto_plugin, nets, true},	    {&discovery_wsd_LTX_ponto_plugin, nets, false},
	};
	static const char *const names[] = {"discovery-seed on loop-sim", "discovery-seed on loop-uv",
					    "discovery-ssdp on loop-sim", "discovery-ssdp on loop-uv",
					    "discovery-wsd on loop-sim",  "discovery-wsd on loop-uv"};
	size_t n = discovery_suite_count, count = 0;
	struct CMUnitTest *tests = calloc((PONTO_ARRAY_SIZE(subjects) + 1) * n, sizeof(*tests));
	struct CMUnitTest *mine = tests ? tests + PONTO_ARRAY_SIZE(subjects) * n : NULL;
	int failed;

	if (!tests)
		return 1;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(subjects); i++) {
		discovery_suite_cases(&subjects[i], names[i], mine);
		for (size_t k = 0; k < n; k++)
			if (discovery_suite_applies(&subjects[i], k))
				tests[count++] = mine[k];
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	failed = _cmocka_run_group_tests("discovery", tests, count, NULL, NULL);
	free(tests);
	return failed;
}
