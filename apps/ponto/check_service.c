#include <stdio.h>

#include "apps/ponto/check.h"
#include "tests/conform/service_suite.h"

static const char *const helpers[] = {"transport-sim", "security-sim", "store-mem"};

void check_service_prepare(struct ponto_registry *registry)
{
	char reason[PONTO_REASON_SIZE];

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(helpers); i++) {
		if (ponto_registry_load(registry, helpers[i], reason) != PONTO_OK)
			continue; /* what needs it will say so */
	}
}

void check_service(struct check *check, const struct ponto_registry *registry)
{
	static const enum check_verdict verdicts[] = {
		[SERVICE_BROKEN] = CHECK_BROKEN, [SERVICE_HOLDS] = CHECK_HOLDS, [SERVICE_NOT_TRIED] = CHECK_NOT_TRIED};
	struct service_subject subject = {.plugin = check->plugin};
	size_t count = 0;

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(helpers); i++) {
		subject.helpers[count] = ponto_registry_find(registry, helpers[i]);
		count += subject.helpers[count] != NULL;
	}
	for (size_t i = 0; i < service_suite_count(); i++) {
		char why[512] = "", sentence[128];
		enum service_verdict verdict = service_suite_run(i, &subject, why, sizeof(why));

		snprintf(sentence, sizeof(sentence), "service contract: %s", service_suite_name(i));
		check_tell(check, sentence, verdicts[verdict], why);
	}
}
