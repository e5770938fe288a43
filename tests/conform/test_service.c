/* The service suite against services: shipped ones and the example. */
#include "tests/support/test.h"

#include <stdio.h>

#include "tests/conform/service_suite.h"

extern const struct ponto_plugin service_pnrp_LTX_ponto_plugin, service_echo_LTX_ponto_plugin,
	service_teredo_server_LTX_ponto_plugin,
	transport_sim_LTX_ponto_plugin, security_sim_LTX_ponto_plugin, store_mem_LTX_ponto_plugin;

struct run {
	const struct service_subject *subject;
	size_t index;
};

static void run_case(void **state)
{
	struct run *run = *state;
	char why[512];

	/* Both can be made and started with what is at hand, so nothing may go untried. */
	if (service_suite_run(run->index, run->subject, why, sizeof(why)) != SERVICE_HOLDS)
		fail_msg("%s", why);
}

int main(void)
{
	static const char *const pnrp_methods[] = {"Clouds", "Cloud", "Peers", "Register", "Unregister",
						   "Names",  "Resolve", NULL};
	static const char *const echo_methods[] = {"Echo", NULL}, *const teredo_methods[] = {"Status", NULL};
	static const struct service_subject subjects[] = {
		{&service_pnrp_LTX_ponto_plugin,
		 {&transport_sim_LTX_ponto_plugin, &security_sim_LTX_ponto_plugin, &store_mem_LTX_ponto_plugin, NULL},
		 pnrp_methods},
		{&service_echo_LTX_ponto_plugin, {NULL}, echo_methods},
		/* It waits for an address there: the simulated network has no IPv4. */
		{&service_teredo_server_LTX_ponto_plugin, {&transport_sim_LTX_ponto_plugin, NULL}, teredo_methods},
	};
	static struct CMUnitTest tests[PONTO_ARRAY_SIZE(subjects) * 16];
	static struct run runs[PONTO_ARRAY_SIZE(tests)];
	static char names[PONTO_ARRAY_SIZE(tests)][64];
	size_t count = 0;

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(subjects); i++) {
		for (size_t j = 0; j < service_suite_count(); j++, count++) {
			snprintf(names[count], sizeof(names[count]), "%s (%s)", service_suite_name(j),
				 subjects[i].plugin->name);
			runs[count] = (struct run){&subjects[i], j};
			tests[count] = (struct CMUnitTest){names[count], run_case, NULL, NULL, &runs[count]};
		}
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return _cmocka_run_group_tests("service", tests, count, NULL, NULL);
}
