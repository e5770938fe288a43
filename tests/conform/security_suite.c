#include "tests/conform/security_case.h"

#include <stdio.h>

typedef struct security_cases cases_fn(void);

static cases_fn *const parts[] = {
	security_identity_cases, security_sign_cases,  security_export_cases,
	security_detail_cases,	 security_chain_cases, security_stress_cases,
};

size_t security_suite_count(void)
{
	size_t count = 0;

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(parts); i++)
		count += parts[i]().count;
	return count;
}

void security_suite_cases(const struct ponto_plugin *plugin, struct CMUnitTest *out)
{
	static char names[16][128][96]; /* for each plugin tried, each case */
	static size_t plugins;
	size_t mine = plugins++ % 16, n = 0;

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(parts); i++) {
		struct security_cases part = parts[i]();

		for (size_t k = 0; k < part.count; k++, n++) {
			snprintf(names[mine][n], sizeof(names[mine][n]), "%s: %s", plugin->name, part.cases[k].name);
			out[n] = part.cases[k];
			out[n].name = names[mine][n];
			out[n].initial_state = (void *)(uintptr_t)plugin;
		}
	}
}
