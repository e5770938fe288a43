/* The store suite's cases with threads. What they check holds in every interleaving; no time is measured. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/conform/store_case.h"

#define THREADS 4
#define COUNTS 150

struct worker {
	struct store_case *c;
	pthread_t thread;
	unsigned number;
	int result; /* the first that was not expected */
	bool broken;
	atomic_bool *stop;
};

static bool start(struct store_case *c, struct worker *workers, size_t count, void *(*run)(void *), atomic_bool *stop)
{
	for (size_t i = 0; i < count; i++) {
		workers[i] = (struct worker){.c = c, .number = (unsigned)i, .stop = stop};
		HOLDS(pthread_create(&workers[i].thread, NULL, run, &workers[i]) == 0);
	}
	return true;
}

static bool finish(struct store_case *c, struct worker *workers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		pthread_join(workers[i].thread, NULL);
	for (size_t i = 0; i < count; i++) {
		RETURNS(workers[i].result, PONTO_OK);
		HOLDS(!workers[i].broken);
	}
	return true;
}

/* ---- a counter that only guards protect -------------------------------------------- */

static int count_once(struct ponto_store store)
{
	struct ponto_store_step steps[] = {{PONTO_STEP_REQUIRE_EQUAL, B("n"), B(""), 0},
					   {PONTO_STEP_PUT, B("n"), B(""), 0}};
	uint64_t next;
	uint8_t *value;
	size_t len;
	int result = ponto_store_get(store, B("g"), B("n"), PONTO_NEVER, ALLOC, &value, &len, NULL);

	if (result)
		return result;
	memcpy(&next, value, sizeof(next));
	next++;
	steps[0].value = ponto_bytes(value, len);
	steps[1].value = ponto_bytes(&next, sizeof(next));
	result = ponto_store_batch(store, B("g"), steps, 2, 0, PONTO_NEVER);
	free(value);
	return result;
}

static void *count_up(void *arg)
{
	struct worker *worker = arg;

	for (unsigned done = 0; done < COUNTS && !worker->result;) {
		int result = count_once(worker->c->store);

		if (result == PONTO_OK)
			done++;
		else if (result != PONTO_EGUARD)
			worker->result = result;
	}
	return NULL;
}

bool store_case_counter(struct store_case *c)
{
	struct worker workers[THREADS];
	uint64_t zero = 0, sum = THREADS * COUNTS;
	struct ponto_bytes expected = ponto_bytes(&sum, sizeof(sum));

	RETURNS(PUT(c, B("g"), B("n"), ponto_bytes(&zero, sizeof(zero))), PONTO_OK);
	TRY(start(c, workers, THREADS, count_up, NULL));
	TRY(finish(c, workers, THREADS));
	return store_holds(c, B("g"), B("n"), &expected);
}

/* ---- a record that moves between two keys, always in exactly one ---------------------- */

static void *move_about(void *arg)
{
	struct worker *worker = arg;
	struct ponto_store_step there[] = {{PONTO_STEP_PUT, B("y"), B("1"), 0}, {PONTO_STEP_DELETE, B("x"), B(""), 0}};
	struct ponto_store_step back[] = {{PONTO_STEP_DELETE, B("y"), B(""), 0}, {PONTO_STEP_PUT, B("x"), B("1"), 0}};

	for (unsigned i = 0; i < 3000 && !worker->result; i++)
		worker->result = BATCH(worker->c, i % 2 ? back : there, 2);
	atomic_store(worker->stop, true);
	return NULL;
}

static void *watch(void *arg)
{
	struct worker *worker = arg;
	struct ponto_store_step neither[] = {{PONTO_STEP_REQUIRE_ABSENT, B("x"), B(""), 0},
					     {PONTO_STEP_REQUIRE_ABSENT, B("y"), B(""), 0}};
	struct ponto_store_step both[] = {{PONTO_STEP_REQUIRE_EQUAL, B("x"), B("1"), 0},
					  {PONTO_STEP_REQUIRE_EQUAL, B("y"), B("1"), 0}};

	while (!atomic_load(worker->stop)) {
		if (BATCH(worker->c, neither, 2) != PONTO_EGUARD || BATCH(worker->c, both, 2) != PONTO_EGUARD)
			worker->broken = true;
	}
	return NULL;
}

bool store_case_atomic(struct store_case *c)
{
	struct worker mover, watchers[2];
	atomic_bool stop = false;

	RETURNS(PUT(c, B("g"), B("x"), B("1")), PONTO_OK);
	TRY(start(c, watchers, 2, watch, &stop));
	TRY(start(c, &mover, 1, move_about, &stop));
	TRY(finish(c, &mover, 1));
	return finish(c, watchers, 2);
}

/* ---- everything at once, each thread with records of its own ---------------------------- */

static bool see_own(void *arg, struct ponto_bytes key, struct ponto_bytes value, uint64_t expires)
{
	struct worker *worker = arg;

	(void)expires;
	/* Each value repeats its key: a mixture of two would show. */
	if (!ponto_bytes_equal(key, value))
		worker->broken = true;
	return true;
}

static bool see_group(void *arg, struct ponto_bytes group)
{
	struct worker *worker = arg;

	if (group.len != 6 || memcmp(group.data, "group", 5) != 0)
		worker->broken = true;
	return true;
}

static int do_one(struct worker *worker, unsigned i)
{
	struct ponto_store store = worker->c->store;
	char text[24], group_text[8];
	struct ponto_bytes group, key;
	uint8_t *value, *page = NULL;
	size_t len, page_len = 0;
	int result;

	snprintf(group_text, sizeof(group_text), "group%u", i % 3);
	group = ponto_bytes(group_text, 6);
	snprintf(text, sizeof(text), "%u-%u", worker->number, i % 20);
	key = ponto_bytes(text, strlen(text));
	switch (i % 6) {
	case 0:
	case 1:
	case 2:
		return ponto_store_put(store, group, key, key, 0, 0, PONTO_NEVER);
	case 3:
		return ponto_store_remove(store, group, key, 0, PONTO_NEVER);
	case 4:
		result = ponto_store_groups(store, &page, &page_len, 100, PONTO_NEVER, ALLOC, see_group, worker);
		free(page);
		return result ? result : ponto_store_iterate(store, group, B(""), B(""), PONTO_NEVER, see_own, worker);
	default:
		result = ponto_store_get(store, group, key, PONTO_NEVER, ALLOC, &value, &len, NULL);
		if (result == PONTO_OK) {
			worker->broken |= !ponto_bytes_equal(ponto_bytes(value, len), key);
			free(value);
		}
		return result == PONTO_ENOENT ? PONTO_OK : result;
	}
}

static void *do_many(void *arg)
{
	struct worker *worker = arg;

	for (unsigned i = 0; i < 600 && !worker->result; i++)
		worker->result = do_one(worker, i * 7 + worker->number);
	return NULL;
}

bool store_case_threads(struct store_case *c)
{
	struct worker workers[THREADS];

	TRY(start(c, workers, THREADS, do_many, NULL));
	return finish(c, workers, THREADS);
}
