/* A branch of 500 nodes on the production glue, in virtual time: they come within a minute and want the same content;
 * every tenth lies, every fifth leaves in the middle of it, half of those come back as new ones. */
#include <stdio.h>

#include "tests/sim/sim_lan.h"

#define URL "http://origin.example/update"
#define NODES 500
#define BLOCKS 10
#define SIZE ((BLOCKS - 1) * 65536 + 4321)

struct branch {
	struct lan lan;
	struct lan_download downloads[LAN_NODES];
	bool liar[LAN_NODES];
	struct ponto_test_random random;
	uint64_t mangled;
};

/* Half of a liar's blocks are wrong, of the right length. */
static void on_answer(void *arg, struct lan_exchange *ex)
{
	struct branch *b = arg;

	if (ex->to < 0 || !b->liar[ex->to] || ex->data.len < 3000 || ponto_random_below(&b->random.random, 2))
		return;
	ex->data.data[2000] ^= 1;
	b->mangled += ex->data.len;
}

static uint64_t below(struct branch *b, uint64_t n)
{
	return ponto_random_below(&b->random.random, n);
}

static unsigned join(struct branch *b)
{
	unsigned node = lan_add(&b->lan, NULL);

	b->liar[node] = node % 10 == 9;
	b->downloads[node].any_order = node % 2;
	lan_download(&b->lan, node, URL, &b->downloads[node]);
	return node;
}

static void a_branch(void **state)
{
	struct branch *b = calloc(1, sizeof(*b));
	uint64_t useful = 0, origin = 0, waste;
	unsigned complete = 0, gone = 0;

	(void)state;
	assert_non_null(b);
	ponto_test_random_init(&b->random, 1);
	lan_init(&b->lan, 1);
	lan_content_init(&b->lan, CONTENT_SHA256, SIZE);
	b->lan.mangle = on_answer;
	b->lan.arg = b;
	for (unsigned i = 0; i < NODES; i++) {
		unsigned node = join(b);

		lan_run(&b->lan, below(b, 200) * PONTO_MS);
		if (i % 5 != 1)
			continue;
		lan_run(&b->lan, below(b, 100) * PONTO_MS);
		lan_remove(&b->lan, node);
		gone++;
		if (i % 10 == 1)
			(void)join(b);
	}
	lan_run(&b->lan, 300 * PONTO_SECOND);
	for (unsigned i = 0; i < b->lan.count; i++) {
		const struct lan_download *d = &b->downloads[i];

		useful += d->peers;
		origin += d->origin;
		if (b->lan.nodes[i].gone)
			continue;
		if (!lan_downloaded(d))
			fail_msg("node %u: %s", i, d->error);
		complete++;
	}
	/* Lists and headers count as waste too; what liars sent is theirs. */
	waste = b->lan.peer_bytes - b->mangled > useful ? b->lan.peer_bytes - b->mangled - useful : 0;
	printf("# %u complete, %u left; from neighbours %.1f MB, wasted %.2f %%, lies %.1f MB; from the origin %.1f "
	       "MB\n",
	       complete, gone, (double)useful / 1e6, 100.0 * (double)waste / (double)useful, (double)b->mangled / 1e6,
	       (double)origin / 1e6);
	assert_int_equal(complete, NODES - gone + gone / 2);
	assert_true(waste * 20 < useful);
	assert_true(origin * 10 < (uint64_t)complete * SIZE);
	for (unsigned i = 0; i < b->lan.count; i++)
		lan_download_clear(&b->downloads[i]);
	lan_clear(&b->lan);
	free(b);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_branch),
};

PONTO_TEST_MAIN(tests)
