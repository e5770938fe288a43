/* Ten nodes want the same content at the same moment, behind one thin line, on the production glue and in virtual time:
 * the origin sends little more than one copy, descriptions included, and all have it little later than that takes. */
#include <stdio.h>

#include "tests/sim/sim_lan.h"

#define URL "http://origin.example/update"
#define NODES 10
#define SIZE ((size_t)64 << 20)
#define LINE (20 * 1000 * 1000 / 8) /* bytes a second */

struct swarm {
	struct lan lan;
	struct lan_download downloads[NODES];
};

static bool all_done(const struct swarm *s)
{
	unsigned done = 0;

	for (unsigned i = 0; i < NODES; i++)
		done += s->downloads[i].done;
	return done == NODES;
}

static void ten(enum content_algo algo, const char *what)
{
	struct swarm *s = calloc(1, sizeof(*s));
	uint64_t blocks = 0, began, took;

	assert_non_null(s);
	lan_init(&s->lan, 1);
	lan_content_init(&s->lan, algo, SIZE);
	s->lan.arg = s;
	s->lan.line_rate = LINE;
	for (unsigned i = 0; i < NODES; i++)
		assert_int_equal(lan_add(&s->lan, NULL), i);
	began = ponto_sim_now(s->lan.sim);
	for (unsigned i = 0; i < NODES; i++) {
		s->downloads[i].any_order = true;
		lan_download(&s->lan, i, URL, &s->downloads[i]);
	}
	for (unsigned i = 0; i < 600 && !all_done(s); i++)
		lan_run(&s->lan, PONTO_SECOND);
	took = 0;
	for (unsigned i = 0; i < NODES; i++) {
		if (!lan_downloaded(&s->downloads[i]))
			fail_msg("node %u: %s", i, s->downloads[i].error);
		blocks += s->downloads[i].origin;
		took = s->downloads[i].ended - began > took ? s->downloads[i].ended - began : took;
	}
	printf("# %s: %.3f copies from the origin, of which %.3f blocks; %.2f times as long as one copy takes; %.2f "
	       "requests among neighbours for a block of 64 KiB, %u searches\n",
	       what, (double)s->lan.origin_bytes / (double)SIZE, (double)blocks / (double)SIZE,
	       (double)took * LINE / (double)SIZE / PONTO_SECOND,
	       (double)s->lan.peer_requests / (double)(SIZE / 65536 * (NODES - 1)), s->lan.searches);
	assert_true(s->lan.origin_bytes * 100 <= SIZE * 110);
	assert_true(took * LINE / PONTO_SECOND * 100 <= SIZE * 120);
	for (unsigned i = 0; i < NODES; i++)
		lan_download_clear(&s->downloads[i]);
	lan_clear(&s->lan);
	free(s);
}

static void version_1(void **state)
{
	(void)state;
	ten(CONTENT_SHA256, "version 1.0");
}

static void version_2(void **state)
{
	(void)state;
	ten(CONTENT_TRUNCATED, "version 2.0");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(version_1),
	cmocka_unit_test(version_2),
};

PONTO_TEST_MAIN(tests)
