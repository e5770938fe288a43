/* The HTTP contract against every plugin of its kind. */
#include "tests/conform/http_suite.h"

extern const struct ponto_plugin http_mhd_LTX_ponto_plugin, http_sim_LTX_ponto_plugin;

int main(void)
{
	static const struct http_subject subjects[] = {{&http_mhd_LTX_ponto_plugin, NULL, false},
						       {&http_sim_LTX_ponto_plugin, NULL, true}};
	static const char *const names[] = {"http-mhd", "http-sim"};
	struct CMUnitTest *tests = calloc(PONTO_ARRAY_SIZE(subjects) * http_suite_count, sizeof(*tests));
	size_t count = 0;
	int failed;

	if (!tests)
		return 1;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(subjects); i++, count += http_suite_count)
		http_suite_cases(&subjects[i], names[i], tests + count);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	failed = _cmocka_run_group_tests("http", tests, count, NULL, NULL);
	free(tests);
	return failed;
}
