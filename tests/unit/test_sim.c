#include "tests/support/test.h"

#include "framework/event_queue.h"
#include "framework/sim.h"

struct script {
	struct ponto_sim *sim;
	char text[64];
	size_t len;
};

struct act {
	struct script *script;
	char letter;
};

static void play(void *arg)
{
	struct act *act = arg;

	act->script->text[act->script->len++] = act->letter;
}

static void events_run_by_time_and_then_sequence(void **state)
{
	struct script script = {0};
	struct act a = {&script, 'a'}, b = {&script, 'b'}, c = {&script, 'c'}, d = {&script, 'd'};

	(void)state;
	assert_ok(ponto_sim_create(&ponto_alloc_system, 1, &script.sim));
	assert_int_not_equal(ponto_sim_at(script.sim, 20, play, &c), 0);
	assert_int_not_equal(ponto_sim_at(script.sim, 10, play, &a), 0);
	assert_int_not_equal(ponto_sim_at(script.sim, 10, play, &b), 0);
	assert_int_not_equal(ponto_sim_at(script.sim, 21, play, &d), 0);
	assert_int_equal(ponto_sim_run(script.sim, 20), 3);
	assert_string_equal(script.text, "abc");
	assert_int_equal(ponto_sim_now(script.sim), 20);
	/* The past is now. */
	assert_int_not_equal(ponto_sim_at(script.sim, 5, play, &a), 0);
	assert_true(ponto_sim_step(script.sim));
	assert_int_equal(ponto_sim_now(script.sim), 20);
	assert_int_equal(ponto_sim_run(script.sim, 100), 1);
	assert_int_equal(ponto_sim_now(script.sim), 100);
	assert_false(ponto_sim_step(script.sim));
	assert_string_equal(script.text, "abcad");
	ponto_sim_destroy(script.sim);
}

static void a_cancelled_event_does_not_run(void **state)
{
	struct script script = {0};
	struct act a = {&script, 'a'}, b = {&script, 'b'}, x = {&script, 'x'};
	uint64_t first, second;

	(void)state;
	assert_ok(ponto_sim_create(&ponto_alloc_system, 1, &script.sim));
	first = ponto_sim_at(script.sim, 1, play, &x);
	ponto_sim_cancel(script.sim, first);
	ponto_sim_cancel(script.sim, first);
	second = ponto_sim_at(script.sim, 1, play, &a); /* uses the same slot again */
	assert_int_not_equal(first, second);
	ponto_sim_cancel(script.sim, first);
	ponto_sim_cancel(script.sim, 0);
	ponto_sim_cancel(script.sim, UINT64_MAX);
	assert_int_not_equal(ponto_sim_at(script.sim, 2, play, &b), 0);
	assert_int_equal(ponto_sim_run(script.sim, 10), 2);
	ponto_sim_cancel(script.sim, second);
	assert_string_equal(script.text, "ab");
	ponto_sim_destroy(script.sim);
}

/* The queue against a plain list: random arming, re-arming, disarming and popping. */
#define SLOTS 200

struct model {
	uint64_t at, key;
	bool armed;
};

static size_t model_first(const struct model *model)
{
	size_t best = SLOTS;

	for (size_t i = 0; i < SLOTS; i++) {
		if (model[i].armed && (best == SLOTS || model[i].at < model[best].at ||
				       (model[i].at == model[best].at && model[i].key < model[best].key)))
			best = i;
	}
	return best;
}

/* Times go on, up to span ahead of the one popped last. */
static void check_queue(uint32_t ahead, uint64_t span)
{
	struct ponto_test_random random;
	struct ponto_event_queue q;
	struct model model[SLOTS] = {{0}};
	struct ponto_event_entry entry = {0};
	ponto_loop_fn *fn;
	void *arg;

	ponto_test_random_init(&random, 7);
	ponto_event_queue_init(&q, &ponto_alloc_system);
	if (ahead > 0)
		assert_ok(ponto_event_queue_look_ahead(&q, ahead));
	for (uint32_t i = 0; i < SLOTS; i++) {
		uint32_t slot;

		assert_ok(ponto_event_slot_create(&q, play, &model[i], false, &slot));
		assert_int_equal(slot, i);
	}
	for (unsigned round = 0; round < 20000; round++) {
		uint32_t slot = (uint32_t)ponto_random_below(&random.random, SLOTS), again;
		size_t first;

		first = model_first(model);
		assert_int_equal(ponto_event_next(&q), first < SLOTS ? model[first].at : PONTO_NEVER);
		switch (ponto_random_below(&random.random, 5)) {
		case 0:
			ponto_event_disarm(&q, slot);
			model[slot].armed = false;
			break;
		case 1:
			assert_int_equal(ponto_event_pop(&q, &entry, &fn, &arg), first < SLOTS);
			if (first < SLOTS) {
				assert_ptr_equal(arg, &model[first]);
				assert_int_equal(entry.at, model[first].at);
				model[first].armed = false;
			}
			break;
		case 2:
			if (!model[slot].armed)
				break;
			ponto_event_cancel(&q, model[slot].key);
			ponto_event_cancel(&q, model[slot].key);
			model[slot].armed = false;
			assert_ok(ponto_event_slot_create(&q, play, &model[slot], false, &again));
			assert_int_equal(again, slot);
			break;
		default:
			model[slot].at = entry.at + ponto_random_below(&random.random, span);
			model[slot].key = ponto_event_arm(&q, slot, model[slot].at);
			model[slot].armed = true;
		}
	}
	ponto_event_queue_fini(&q);
}

static void the_queue_agrees_with_a_plain_list(void **state)
{
	(void)state;
	check_queue(0, 50);
	for (uint64_t span = 50; span < 100000 * PONTO_SECOND; span *= 400) {
		check_queue(1, span);
		check_queue(16, span);
		check_queue(PONTO_EVENT_AHEAD_MAX, span);
	}
}

/* ---- looking ahead --------------------------------------------------------------------- */

struct foreseen {
	unsigned steps; /* so far */
	unsigned next;	/* step */
	bool ran;
};

static void foresee(void *arg, unsigned step)
{
	struct foreseen *f = arg;

	assert_false(f->ran);
	assert_true(step == f->next || f->steps == 0);
	f->next = step + 1;
	f->steps++;
}

static void happen(void *arg)
{
	((struct foreseen *)arg)->ran = true;
}

static void events_are_foreseen_step_by_step(void **state)
{
	struct foreseen f[100] = {{0}}, other = {0};
	struct ponto_sim *sim;

	(void)state;
	assert_ok(ponto_sim_create(&ponto_alloc_system, 1, &sim));
	assert_ok(ponto_sim_ahead(sim, happen, foresee));
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(f); i++)
		assert_int_not_equal(ponto_sim_at(sim, 100 - i, happen, &f[i]), 0);
	assert_int_not_equal(ponto_sim_at(sim, 0, happen, &other), 0); /* the first of all: nothing ran before it */
	assert_int_equal(ponto_sim_run(sim, 1000), 101);
	assert_int_equal(other.steps, 0);
	assert_int_equal(f[0].steps, PONTO_SIM_AHEAD_STEPS);
	assert_int_equal(f[50].steps, PONTO_SIM_AHEAD_STEPS);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(f); i++)
		assert_true(f[i].ran);
	ponto_sim_destroy(sim);
}

/* ---- determinism --------------------------------------------------------------------- */

struct walker {
	struct ponto_sim_node *node;
	struct ponto_timer *timer;
};

static void walk(void *arg)
{
	struct walker *walker = arg;
	struct ponto_sim *sim = ponto_sim_node_world(walker->node);
	uint64_t word = ponto_random_u64(ponto_sim_node_random(walker->node));

	ponto_sim_trace(sim, ponto_sim_node_number(walker->node), "walk", ponto_bytes(&word, sizeof(word)));
	ponto_timer_set(ponto_sim_node_loop(walker->node), walker->timer, ponto_sim_now(sim) + 1 + word % 1000);
}

static uint64_t walk_hash(uint64_t seed)
{
	struct walker walkers[50];
	struct ponto_sim *sim;
	uint64_t hash;

	assert_ok(ponto_sim_create(&ponto_alloc_system, seed, &sim));
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(walkers); i++) {
		struct walker *walker = &walkers[i];

		assert_ok(ponto_sim_node(sim, &walker->node));
		assert_int_equal(ponto_sim_node_number(walker->node), i);
		assert_ok(ponto_timer_create(ponto_sim_node_loop(walker->node), walk, walker, &walker->timer));
		ponto_timer_set(ponto_sim_node_loop(walker->node), walker->timer, 1);
	}
	assert_true(ponto_sim_run(sim, 100000) > 5000);
	hash = ponto_sim_hash(sim);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(walkers); i++)
		ponto_timer_destroy(ponto_sim_node_loop(walkers[i].node), walkers[i].timer);
	ponto_sim_destroy(sim);
	return hash;
}

static void the_same_seed_gives_the_same_trace(void **state)
{
	(void)state;
	assert_true(walk_hash(1) == walk_hash(1));
	assert_true(walk_hash(1) != walk_hash(2));
	assert_true(walk_hash(0) != walk_hash(UINT64_MAX));
}

static void the_trace_tells_who_what_and_when(void **state)
{
	static const struct {
		uint32_t node;
		const char *what;
		const char *bytes;
		uint64_t now;
	} lines[] = {{1, "a", "x", 0}, {2, "a", "x", 0},  {1, "b", "x", 0}, {1, "a", "y", 0},
		     {1, "a", "x", 1}, {1, "a", "xx", 0}, {1, "ax", "", 0}};
	uint64_t hash[PONTO_ARRAY_SIZE(lines)];

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(lines); i++) {
		struct ponto_sim *sim;

		assert_ok(ponto_sim_create(&ponto_alloc_system, 1, &sim));
		ponto_sim_run(sim, lines[i].now);
		ponto_sim_trace(sim, lines[i].node, lines[i].what, ponto_bytes(lines[i].bytes, strlen(lines[i].bytes)));
		hash[i] = ponto_sim_hash(sim);
		for (size_t j = 0; j < i; j++)
			assert_true(hash[i] != hash[j]);
		ponto_sim_destroy(sim);
	}
}

static void nodes_have_randomness_of_their_own(void **state)
{
	struct ponto_sim *one, *two;
	struct ponto_sim_node *a, *b, *a2, *b2;
	uint64_t first, second;

	(void)state;
	assert_ok(ponto_sim_create(&ponto_alloc_system, 5, &one));
	assert_ok(ponto_sim_create(&ponto_alloc_system, 5, &two));
	assert_ok(ponto_sim_node(one, &a));
	assert_ok(ponto_sim_node(one, &b));
	assert_ok(ponto_sim_node(two, &a2));
	assert_ok(ponto_sim_node(two, &b2));
	first = ponto_random_u64(ponto_sim_node_random(a));
	second = ponto_random_u64(ponto_sim_node_random(b));
	assert_true(first != second);
	assert_true(ponto_random_u64(ponto_sim_random(one)) != first);
	/* What one node draws does not change what another gets. */
	assert_true(ponto_random_u64(ponto_sim_node_random(b2)) == second);
	assert_true(ponto_random_u64(ponto_sim_node_random(a2)) == first);
	ponto_sim_destroy(one);
	ponto_sim_destroy(two);
}

/* ---- the world's furniture --------------------------------------------------------------- */

static void destroy_slot(void *value)
{
	(*(unsigned *)value)++;
}

static void slots_are_found_by_name_and_end_with_the_world(void **state)
{
	struct ponto_sim *sim;
	void **slot;
	unsigned destroyed = 0;

	(void)state;
	assert_ok(ponto_sim_create(&ponto_alloc_system, 1, &sim));
	slot = ponto_sim_slot(sim, "network", destroy_slot);
	assert_non_null(slot);
	assert_null(*slot);
	*slot = &destroyed;
	assert_non_null(ponto_sim_slot(sim, "other", destroy_slot));
	assert_ptr_equal(ponto_sim_slot(sim, "network", destroy_slot), slot);
	ponto_sim_destroy(sim);
	assert_int_equal(destroyed, 1);
}

static void work_takes_virtual_time(void **state)
{
	struct script script = {0};
	struct act ran = {&script, 'r'}, done = {&script, 'd'};
	struct ponto_sim_node *node;
	const struct ponto_clock *clock;

	(void)state;
	(void)ran;
	assert_ok(ponto_sim_create(&ponto_alloc_system, 1, &script.sim));
	assert_ok(ponto_sim_node(script.sim, &node));
	clock = ponto_sim_node_clock(node);
	ponto_sim_set_work_time(script.sim, 250);
	assert_ok(ponto_pool_submit(NULL, ponto_sim_node_loop(node), play, play, &done));
	assert_string_equal(script.text, "d");
	assert_int_equal(ponto_sim_run(script.sim, 249), 0);
	assert_int_equal(ponto_sim_run(script.sim, 250), 1);
	assert_string_equal(script.text, "dd");
	assert_int_equal(ponto_mono(clock), 250);
	assert_int_equal(ponto_wall(clock) - ponto_mono(clock), UINT64_C(1767225600) * PONTO_SECOND);
	assert_ptr_equal(ponto_loop_sim(ponto_sim_node_loop(node)), node);
	ponto_sim_destroy(script.sim);
}

static void nothing(void *arg)
{
	(void)arg;
}

static int build_world(const struct ponto_alloc *alloc, void *arg)
{
	struct ponto_sim *sim;
	struct ponto_sim_node *node = NULL;
	int result = ponto_sim_create(alloc, 1, &sim);

	(void)arg;
	if (result != PONTO_OK)
		return result;
	for (unsigned i = 0; i < 40 && result == PONTO_OK; i++)
		result = ponto_sim_node(sim, &node);
	for (unsigned i = 0; i < 40 && result == PONTO_OK; i++)
		result = ponto_sim_at(sim, i, nothing, NULL) ? PONTO_OK : PONTO_ENOMEM;
	if (result == PONTO_OK)
		result = ponto_sim_slot(sim, "network", NULL) ? PONTO_OK : PONTO_ENOMEM;
	if (result == PONTO_OK)
		result = ponto_loop_post(ponto_sim_node_loop(node), nothing, NULL);
	ponto_sim_destroy(sim);
	return result;
}

static void memory_running_out_leaves_nothing_behind(void **state)
{
	(void)state;
	ponto_test_oom(build_world, NULL, false);
	ponto_sim_destroy(NULL);
}

/* In the steady state the world allocates nothing. */
static void tick(void *arg)
{
	struct ponto_sim_node *node = arg;
	struct ponto_sim *sim = ponto_sim_node_world(node);

	assert_int_not_equal(ponto_sim_at(sim, ponto_sim_now(sim) + 5, tick, node), 0);
	assert_ok(ponto_loop_post(ponto_sim_node_loop(node), nothing, NULL));
}

static void running_allocates_nothing(void **state)
{
	struct ponto_test_alloc ta;
	struct ponto_sim *sim;
	struct ponto_sim_node *node;
	size_t made;

	(void)state;
	ponto_test_alloc_init(&ta);
	assert_ok(ponto_sim_create(&ta.alloc, 1, &sim));
	for (unsigned i = 0; i < 100; i++) {
		assert_ok(ponto_sim_node(sim, &node));
		assert_int_not_equal(ponto_sim_at(sim, i % 7, tick, node), 0);
	}
	ponto_sim_run(sim, 1000);
	made = ta.made;
	assert_true(ponto_sim_run(sim, 10000) > 100000);
	assert_int_equal(ta.made, made);
	ponto_sim_destroy(sim);
	assert_int_equal(ta.live, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(events_run_by_time_and_then_sequence),
	cmocka_unit_test(a_cancelled_event_does_not_run),
	cmocka_unit_test(the_queue_agrees_with_a_plain_list),
	cmocka_unit_test(events_are_foreseen_step_by_step),
	cmocka_unit_test(the_same_seed_gives_the_same_trace),
	cmocka_unit_test(the_trace_tells_who_what_and_when),
	cmocka_unit_test(nodes_have_randomness_of_their_own),
	cmocka_unit_test(slots_are_found_by_name_and_end_with_the_world),
	cmocka_unit_test(work_takes_virtual_time),
	cmocka_unit_test(memory_running_out_leaves_nothing_behind),
	cmocka_unit_test(running_allocates_nothing),
};

PONTO_TEST_MAIN(tests)
