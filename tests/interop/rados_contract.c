/* The store suite against store-rados. Run by tests/interop/store_rados.sh. */
#include "tests/support/test.h"

#include <stdio.h>

#include "tests/conform/store_suite.h"
#include "tests/interop/rados_rig.h"

static int subject_open(void *ctx, const struct ponto_clock *clock, struct ponto_store *out)
{
	struct rados_rig *rig = ctx;
	int result = rados_rig_try(rig, NULL, clock, NULL, NULL);

	*out = rig->store;
	return result;
}

static void subject_close(void *ctx, struct ponto_store store)
{
	(void)store;
	rados_rig_close(ctx);
}

static void run_case(void **state)
{
	static struct rados_rig rig;
	struct store_subject subject = {subject_open, subject_close, &rig};
	char why[512];

	if (!store_suite_run(*(size_t *)*state, &subject, why, sizeof(why)))
		fail_msg("%s", why);
}

int main(void)
{
	static struct CMUnitTest tests[64];
	static size_t indices[PONTO_ARRAY_SIZE(tests)];
	static char names[PONTO_ARRAY_SIZE(tests)][64];
	size_t count = store_suite_count();

	for (size_t i = 0; i < count; i++) {
		indices[i] = i;
		snprintf(names[i], sizeof(names[i]), "store-rados: %s", store_suite_name(i));
		tests[i] = (struct CMUnitTest){names[i], run_case, NULL, NULL, &indices[i]};
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return _cmocka_run_group_tests("store-rados", tests, count, NULL, NULL);
}
