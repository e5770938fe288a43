#include <stdio.h>

#include "apps/ponto/check.h"
#include "tests/conform/mapping_world.h"

/* In a simulated world, where no gateway answers. */
struct subject {
	const struct ponto_plugin *plugin, *transport_sim;
	struct mapping_world world;
};

static int subject_open(void *ctx, struct mapping_bed *bed)
{
	struct subject *s = ctx;
	int result = mapping_world_open(&s->world, s->transport_sim);

	if (result != PONTO_OK)
		return result;
	result = mapping_world_add(&s->world, s->plugin, NULL, bed);
	if (result != PONTO_OK)
		mapping_world_close(&s->world);
	return result;
}

static void subject_close(void *ctx, struct mapping_bed *bed)
{
	struct subject *s = ctx;

	(void)bed;
	mapping_world_close(&s->world);
}

void check_mapping(struct check *check, const struct ponto_registry *registry)
{
	static const enum check_verdict verdicts[] = {
		[MAPPING_BROKEN] = CHECK_BROKEN, [MAPPING_HOLDS] = CHECK_HOLDS, [MAPPING_NOT_TRIED] = CHECK_NOT_TRIED};
	struct subject subject = {check->plugin, ponto_registry_find(registry, "transport-sim"), {0}};
	const struct mapping_subject mapping = {subject_open, subject_close, &subject};

	if (!subject.transport_sim) {
		check_tell(check, "mapping contract", CHECK_NOT_TRIED, "transport-sim cannot be loaded");
		return;
	}
	for (size_t i = 0; i < mapping_suite_count(); i++) {
		char why[512] = "", sentence[128];
		enum mapping_verdict verdict = mapping_suite_run(i, &mapping, why, sizeof(why));

		snprintf(sentence, sizeof(sentence), "mapping contract: %s", mapping_suite_name(i));
		check_tell(check, sentence, verdicts[verdict], why);
	}
}
