/* The plan of a download: every block once, nothing forgotten, every wait bounded; and ten nodes behind one line. */
#include "engines/content/content_plan.h"
#include "tests/support/test.h"

#include <stdio.h>

/* ---- one node and a world that answers ------------------------------------------------------ */

#define PENDING_MAX 256

struct pending {
	uint64_t at;
	struct content_plan_step step;
	unsigned node;
	bool listed; /* a session: neighbours have said what they lack */
};

struct node {
	struct content_plan *plan;
	bool done, failed;
	uint64_t asked, from_peers; /* blocks */
	uint64_t deadline;	    /* looked at again then; 0: at once */
	uint64_t read;		    /* in order: by its reader */
	uint64_t first_block;	    /* asked for or sought first */
	bool begun;
};

struct branch {
	struct ponto_test_random random;
	struct node nodes[16];
	unsigned count;
	uint64_t now, line_free;
	uint64_t block_time; /* of a block on the line to the content server */
	uint64_t peer_time;  /* of a block from neighbours; 0: a session is over at once */
	struct pending pending[PENDING_MAX];
	size_t pending_count;
	uint64_t origin;       /* blocks that went over it */
	unsigned origin_fails; /* out of ten */
	bool deaf;	       /* sessions find nothing */
	bool hangs;	       /* sessions end when they are stopped, not before */
	unsigned sessions, asks, stops;
};

static uint64_t below(struct branch *b, uint64_t n)
{
	return ponto_random_below(&b->random.random, n);
}

static void add_pending(struct branch *b, uint64_t at, unsigned node, const struct content_plan_step *step)
{
	assert_true(b->pending_count < PENDING_MAX);
	b->pending[b->pending_count++] = (struct pending){at, *step, node, false};
}

static void make(struct branch *b, unsigned node, const struct content_plan_config *config, uint32_t segments,
		 uint32_t blocks, uint32_t last)
{
	assert_ok(content_plan_create(config, &b->nodes[node].plan));
	for (uint32_t i = 0; i < segments; i++)
		assert_ok(content_plan_add(b->nodes[node].plan, 0, i + 1 == segments ? last : blocks));
	assert_ok(content_plan_begin(b->nodes[node].plan, b->now));
	if (node >= b->count)
		b->count = node + 1;
}

/* Steps until it waits. False: it wants nothing more. */
static bool pump(struct branch *b, unsigned i, uint64_t *deadline)
{
	struct node *n = &b->nodes[i];
	struct content_plan_step step;

	for (unsigned guard = 0; guard < 10000; guard++) {
		content_plan_next(n->plan, b->now, &step);
		switch (step.kind) {
		case CONTENT_PLAN_WAIT:
			assert_true(step.deadline > b->now);
			*deadline = step.deadline;
			return true;
		case CONTENT_PLAN_DONE:
			n->done = true;
			return false;
		case CONTENT_PLAN_FAILED:
			n->failed = true;
			return false;
		case CONTENT_PLAN_ASK:
			if (b->line_free < b->now)
				b->line_free = b->now;
			b->line_free += step.count * b->block_time;
			b->origin += step.count;
			b->asks++;
			n->asked += step.count;
			add_pending(b, b->line_free + 20 * PONTO_MS, i, &step);
			break;
		case CONTENT_PLAN_SESSION_BEGIN:
			assert_true(content_blocks_count(&step.blocks) > 0);
			b->sessions++;
			if (!n->begun)
				n->first_block =
					content_plan_block(n->plan, step.segment, content_blocks_next(&step.blocks, 0));
			n->begun = true;
			add_pending(b, b->now + (b->hangs ? 3600 * PONTO_SECOND : 2 * PONTO_MS), i, &step);
			break;
		default:
			b->stops++;
			for (size_t k = 0; k < b->pending_count; k++) {
				struct pending *p = &b->pending[k];

				if (p->node == i && p->step.kind == CONTENT_PLAN_SESSION_BEGIN &&
				    p->step.segment == step.segment)
					p->at = b->now + PONTO_MS;
			}
			break;
		}
	}
	fail_msg("a plan without end");
	return false;
}

static bool somebody_has(const struct branch *b, unsigned node, uint64_t block)
{
	bool has = false;

	for (unsigned i = 0; i < b->count && !b->deaf; i++)
		has |= i != node && b->nodes[i].plan && content_plan_has(b->nodes[i].plan, block);
	return has;
}

/* Neighbours list what they have; then that is fetched of them. */
static void deliver_lists(struct branch *b, const struct pending *p)
{
	struct content_plan *plan = b->nodes[p->node].plan;
	struct content_blocks lacked = p->step.blocks;
	struct pending rest = *p;

	for (uint32_t index = content_blocks_next(&p->step.blocks, 0); index < CONTENT_BLOCKS_MAX;
	     index = content_blocks_next(&p->step.blocks, index + 1)) {
		if (somebody_has(b, p->node, content_plan_block(plan, p->step.segment, index)))
			content_blocks_remove(&lacked, index);
	}
	content_blocks_drop(&rest.step.blocks, &lacked);
	if (content_blocks_count(&rest.step.blocks) == 0) {
		content_plan_session_ended(plan, b->now, p->step.segment);
		return;
	}
	content_plan_lacked(plan, b->now, p->step.segment, &lacked);
	rest.listed = true;
	rest.at = b->now + content_blocks_count(&rest.step.blocks) * b->peer_time;
	b->pending[b->pending_count++] = rest;
}

static void deliver(struct branch *b, const struct pending *p)
{
	struct node *n = &b->nodes[p->node];
	struct content_plan *plan = n->plan;
	const struct content_plan_step *step = &p->step;

	if (step->kind == CONTENT_PLAN_SESSION_BEGIN && b->peer_time && !p->listed) {
		deliver_lists(b, p);
		return;
	}

	if (step->kind == CONTENT_PLAN_ASK) {
		bool fails = below(b, 10) < b->origin_fails;

		for (uint64_t k = step->first; !fails && k < step->first + step->count; k++)
			assert_true(content_plan_had(plan, b->now, k)); /* nobody else was to fetch it */
		content_plan_asked(plan, b->now, step->first, step->count, fails ? PONTO_EIO : PONTO_OK);
		return;
	}
	for (uint32_t index = content_blocks_next(&step->blocks, 0); index < CONTENT_BLOCKS_MAX;
	     index = content_blocks_next(&step->blocks, index + 1)) {
		uint64_t block = content_plan_block(plan, step->segment, index);

		if (!somebody_has(b, p->node, block))
			continue;
		assert_true(content_plan_had(plan, b->now, block));
		content_plan_from_peer(plan, block);
		n->from_peers++;
	}
	content_plan_session_ended(plan, b->now, step->segment);
}

/* A reader takes what is there. */
static void read_on(struct branch *b, struct node *n)
{
	(void)b;
	while (n->read < content_plan_blocks(n->plan) && content_plan_has(n->plan, n->read))
		n->read++;
	content_plan_reader(n->plan, n->read);
}

/* Until all are done or failed, or virtual time runs out. */
static void run(struct branch *b, uint64_t limit)
{
	bool going = true;

	while (going) {
		uint64_t next = PONTO_NEVER;
		size_t at = PENDING_MAX;

		going = false;
		for (unsigned i = 0; i < b->count; i++) {
			struct node *n = &b->nodes[i];

			if (n->done || n->failed || (n->deadline <= b->now && !pump(b, i, &n->deadline)))
				continue;
			going = true;
			next = n->deadline < next ? n->deadline : next;
		}
		for (size_t k = 0; k < b->pending_count; k++) {
			if (b->pending[k].at < next || (b->pending[k].at == next && at == PENDING_MAX)) {
				next = b->pending[k].at;
				at = k;
			}
		}
		if (!going)
			break;
		assert_true(next != PONTO_NEVER);
		b->now = next > b->now ? next : b->now;
		assert_true(b->now < limit);
		if (at < PENDING_MAX) {
			struct pending p = b->pending[at];

			b->pending[at] = b->pending[--b->pending_count];
			b->nodes[p.node].deadline = 0;
			deliver(b, &p);
			read_on(b, &b->nodes[p.node]);
		}
	}
}

static void clear(struct branch *b)
{
	for (unsigned i = 0; i < b->count; i++)
		content_plan_destroy(b->nodes[i].plan);
	free(b);
}

static struct branch *branch(uint64_t seed)
{
	struct branch *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	ponto_test_random_init(&b->random, seed);
	b->now = PONTO_SECOND;
	b->block_time = 5 * PONTO_MS; /* 100 Mbit/s */
	return b;
}

/* ---- the cases ------------------------------------------------------------------------------------ */

/* Every block once, whatever the shape. */
static void alone(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 20; seed++) {
		struct branch *b = branch(seed);
		struct content_plan_config config = content_plan_defaults(&ponto_alloc_system, seed);
		uint32_t blocks = seed % 3 ? 1 + (uint32_t)below(b, 512) : 1, segments = 1 + (uint32_t)below(b, 40);

		config.in_order = seed % 2;
		config.window = seed % 4 < 2 ? 512 : 7;
		make(b, 0, &config, segments, blocks, 1 + (uint32_t)below(b, blocks));
		run(b, 4000 * PONTO_SECOND);
		assert_true(b->nodes[0].done);
		assert_int_equal(b->origin, content_plan_blocks(b->nodes[0].plan));
		assert_int_equal(content_plan_had_count(b->nodes[0].plan), content_plan_blocks(b->nodes[0].plan));
		clear(b);
	}
}

/* In order, nothing lies further ahead of the reader than the window. */
static void a_window(void **state)
{
	struct branch *b = branch(1);
	struct content_plan_config config = content_plan_defaults(&ponto_alloc_system, 1);
	uint64_t deadline;

	(void)state;
	config.in_order = true;
	config.window = 100;
	make(b, 0, &config, 4, 512, 512);
	for (uint64_t read = 0; read < 4 * 512;) {
		assert_true(pump(b, 0, &deadline));
		for (size_t k = 0; k < b->pending_count; k++) {
			const struct content_plan_step *step = &b->pending[k].step;
			uint64_t last = step->kind == CONTENT_PLAN_ASK ? step->first + step->count - 1 : read;

			for (uint32_t i = content_blocks_next(&step->blocks, 0); i < CONTENT_BLOCKS_MAX;
			     i = content_blocks_next(&step->blocks, i + 1))
				last = content_plan_block(b->nodes[0].plan, step->segment, i);
			assert_true(last < read + 100);
		}
		if (b->pending_count) {
			struct pending p = b->pending[0];

			b->pending[0] = b->pending[--b->pending_count];
			deliver(b, &p);
		} else {
			b->now = deadline;
		}
		while (read < 4 * 512 && content_plan_has(b->nodes[0].plan, read))
			read++;
		content_plan_reader(b->nodes[0].plan, read);
	}
	clear(b);
}

/* A reader that reads nothing stops everything at the window, and nothing spins. */
static void a_reader_asleep(void **state)
{
	struct branch *b = branch(1);
	struct content_plan_config config = content_plan_defaults(&ponto_alloc_system, 1);
	uint64_t deadline;

	(void)state;
	make(b, 0, &config, 8, 512, 512);
	for (;;) {
		content_plan_held(b->nodes[0].plan, (uint32_t)content_plan_had_count(b->nodes[0].plan));
		assert_true(pump(b, 0, &deadline));
		if (b->pending_count == 0)
			break;
		b->now = b->pending[0].at > b->now ? b->pending[0].at : b->now;
		deliver(b, &b->pending[0]);
		b->pending[0] = b->pending[--b->pending_count];
	}
	assert_true(content_plan_had_count(b->nodes[0].plan) <= config.window);
	assert_true(content_plan_had_count(b->nodes[0].plan) > config.window / 2);
	b->deaf = true;
	content_plan_held(b->nodes[0].plan, 0);
	run(b, 4000 * PONTO_SECOND);
	assert_true(b->nodes[0].done);
	clear(b);
}

/* Sessions that hang are stopped; the content server that fails now and then is asked again, one that always fails is
 * given up, and then it ends. */
static void trouble(void **state)
{
	(void)state;
	for (unsigned fails = 0; fails <= 10; fails += 2) {
		struct branch *b = branch(fails + 1);
		struct content_plan_config config = content_plan_defaults(&ponto_alloc_system, fails);

		b->origin_fails = fails;
		b->hangs = true;
		config.failures = fails == 10 ? 5 : 60;
		make(b, 0, &config, 3, 200, 17);
		content_plan_peers(b->nodes[0].plan, 3);
		run(b, 20000 * PONTO_SECOND);
		assert_int_equal(b->nodes[0].done, fails < 10);
		assert_int_equal(b->nodes[0].failed, fails == 10);
		assert_true(b->stops > 0);
		if (fails == 10)
			assert_true(b->asks == 5);
		clear(b);
	}
}

/* Without a content server: what neighbours have is had, the rest ends as failed, after a bounded while. */
static void no_origin(void **state)
{
	struct branch *b = branch(5);
	struct content_plan_config config = content_plan_defaults(&ponto_alloc_system, 5);

	(void)state;
	config.origin = false;
	make(b, 0, &config, 3, 100, 100);
	make(b, 1, &config, 3, 100, 100);
	for (uint64_t block = 0; block < 299; block++)
		assert_true(content_plan_had(b->nodes[1].plan, b->now, block));
	content_plan_peers(b->nodes[0].plan, 1);
	run(b, 200 * PONTO_SECOND);
	assert_true(b->nodes[0].failed);
	assert_int_equal(content_plan_had_count(b->nodes[0].plan), 299);
	assert_int_equal(b->nodes[0].from_peers, 299);
	assert_int_equal(b->asks, 0);
	assert_true(b->sessions < 200); /* looked again, ever more rarely */
	clear(b);
}

/* What was had and got lost is fetched once more, wherever it lies. */
static void lost(void **state)
{
	(void)state;
	for (unsigned in_order = 0; in_order < 2; in_order++) {
		struct branch *b = branch(7);
		struct content_plan_config config = content_plan_defaults(&ponto_alloc_system, 7);

		config.in_order = in_order;
		make(b, 0, &config, 3000, 1, 1);
		for (uint64_t block = 0; block < 3000; block++)
			assert_true(content_plan_had(b->nodes[0].plan, b->now, block));
		assert_false(content_plan_had(b->nodes[0].plan, b->now, 7));
		content_plan_lost(b->nodes[0].plan, 2999);
		content_plan_lost(b->nodes[0].plan, 0);
		content_plan_lost(b->nodes[0].plan, 0);
		run(b, 100 * PONTO_SECOND);
		assert_true(b->nodes[0].done);
		assert_int_equal(b->origin, 2);
		clear(b);
	}
}

/* Others begin elsewhere. */
static void places(void **state)
{
	struct branch *b = branch(1);
	unsigned same = 0;
	uint64_t deadline;

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		struct content_plan_config config = content_plan_defaults(&ponto_alloc_system, i);

		make(b, i, &config, 32, 512, 512);
		assert_true(pump(b, i, &deadline));
		for (unsigned k = 0; k < i; k++)
			same += b->nodes[k].first_block == b->nodes[i].first_block;
	}
	assert_true(same == 0);
	clear(b);
}

static void refusals(void **state)
{
	struct content_plan_config config = content_plan_defaults(&ponto_alloc_system, 1), bad = config;
	struct content_plan_step step;
	struct content_plan *plan;
	uint32_t segment, index;

	(void)state;
	bad.window = 0;
	assert_int_equal(content_plan_create(&bad, &plan), PONTO_EINVAL);
	bad = config;
	bad.sessions = 0;
	assert_int_equal(content_plan_create(&bad, &plan), PONTO_EINVAL);
	assert_ok(content_plan_create(&config, &plan));
	assert_int_equal(content_plan_add(plan, 0, 0), PONTO_EINVAL);
	assert_int_equal(content_plan_add(plan, 512, 1), PONTO_EINVAL);
	assert_int_equal(content_plan_add(plan, 1, 512), PONTO_EINVAL);
	assert_ok(content_plan_add(plan, 500, 12));
	assert_ok(content_plan_add(plan, 0, 3));
	assert_ok(content_plan_begin(plan, 1));
	assert_int_equal(content_plan_add(plan, 0, 1), PONTO_EINVAL);
	assert_int_equal(content_plan_blocks(plan), 15);
	content_plan_locate(plan, 11, &segment, &index);
	assert_int_equal(segment, 0);
	assert_int_equal(index, 511);
	content_plan_locate(plan, 12, &segment, &index);
	assert_int_equal(segment, 1);
	assert_int_equal(index, 0);
	assert_int_equal(content_plan_block(plan, 0, 501), 1);
	content_plan_destroy(plan);
	/* Of nothing at all. */
	assert_ok(content_plan_create(&config, &plan));
	assert_ok(content_plan_begin(plan, 1));
	content_plan_next(plan, 1, &step);
	assert_int_equal(step.kind, CONTENT_PLAN_DONE);
	content_plan_destroy(plan);
	content_plan_destroy(NULL);
}

static int without_memory(const struct ponto_alloc *alloc, void *arg)
{
	struct content_plan_config config = content_plan_defaults(alloc, 1);
	struct content_plan *plan = NULL;
	int result = content_plan_create(&config, &plan);

	(void)arg;
	for (unsigned i = 0; i < 40 && result == PONTO_OK; i++)
		result = content_plan_add(plan, 0, 512);
	if (result == PONTO_OK)
		result = content_plan_begin(plan, 1);
	content_plan_destroy(plan);
	return result;
}

static void no_memory(void **state)
{
	(void)state;
	ponto_test_oom(without_memory, NULL, false);
}

/* Ten that begin at once; the content server sends little more than one copy, and all have it little later than one
 * copy takes; each looks little more often for small segments than there are any. All limits are in hundredths. */
static void ten(uint32_t segments, uint32_t blocks, uint32_t last, uint64_t block_time, uint64_t peer_time,
		uint64_t copies, uint64_t times, uint64_t looks, const char *what)
{
	for (unsigned seed = 1; seed <= 2; seed++) {
		struct branch *b = branch(seed);
		uint64_t wanted;

		b->block_time = block_time;
		b->peer_time = peer_time;
		for (unsigned i = 0; i < 10; i++) {
			struct content_plan_config config = content_plan_defaults(&ponto_alloc_system, seed * 100 + i);

			make(b, i, &config, segments, blocks, last);
			content_plan_peers(b->nodes[i].plan, 9);
		}
		run(b, 4000 * PONTO_SECOND);
		wanted = content_plan_blocks(b->nodes[0].plan);
		for (unsigned i = 0; i < 10; i++) {
			assert_true(b->nodes[i].done);
			assert_int_equal(b->nodes[i].asked + b->nodes[i].from_peers, wanted);
		}
		printf("# %s, seed %u: %.3f of one copy, %.2f times as long as one copy takes, %.2f looks for a block\n",
		       what, seed, (double)b->origin / (double)wanted,
		       (double)(b->now - PONTO_SECOND) / ((double)wanted * (double)b->block_time),
		       (double)b->sessions / 10 / (double)wanted);
		assert_true(b->origin * 100 <= wanted * copies);
		assert_true((b->now - PONTO_SECOND) * 100 <= wanted * b->block_time * times);
		assert_true(b->sessions * 10 <= wanted * looks);
		clear(b);
	}
}

static void ten_at_once(void **state)
{
	(void)state;
	ten(32, 512, 100, 5 * PONTO_MS, 5 * PONTO_MS, 102, 105, 15, "1 GB, version 1.0, 100 Mbit/s");
	ten(8, 512, 512, 26 * PONTO_MS, 5 * PONTO_MS, 103, 105, 25, "256 MB, version 1.0, 20 Mbit/s");
	ten(1000, 1, 1, 5 * PONTO_MS, 5 * PONTO_MS, 107, 120, 150, "64 MB, version 2.0, 100 Mbit/s");
	ten(4000, 1, 1, 26 * PONTO_MS, 5 * PONTO_MS, 103, 104, 150, "256 MB, version 2.0, 20 Mbit/s");
	ten(16000, 1, 1, 5 * PONTO_MS, 5 * PONTO_MS, 102, 104, 150, "1 GB, version 2.0, 100 Mbit/s");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(alone),       cmocka_unit_test(a_window),  cmocka_unit_test(a_reader_asleep),
	cmocka_unit_test(trouble),     cmocka_unit_test(no_origin), cmocka_unit_test(lost),
	cmocka_unit_test(places),      cmocka_unit_test(refusals),  cmocka_unit_test(no_memory),
	cmocka_unit_test(ten_at_once),
};

PONTO_TEST_MAIN(tests)
