/* Ponto tests: what the cases of the store suite share. Internal to the suite. */
#ifndef PONTO_TESTS_CONFORM_STORE_CASE_H
#define PONTO_TESTS_CONFORM_STORE_CASE_H

#include <stdatomic.h>

#include "framework/store.h"

struct store_case {
	struct ponto_store store;
	struct ponto_clock clock;
	_Atomic uint64_t mono, wall;
	char *why;
	size_t why_size;
};

/* Records met while iterating: the first of them, cut to what fits. */
#define STORE_SEEN_MAX 512
struct store_seen {
	size_t count, stop_after; /* 0: never */
	size_t key_lens[STORE_SEEN_MAX], value_lens[STORE_SEEN_MAX];
	uint8_t keys[STORE_SEEN_MAX][16], values[STORE_SEEN_MAX][16];
};

#define B(text)                                                                                                        \
	(struct ponto_bytes)                                                                                           \
	{                                                                                                              \
		(const uint8_t *)(text), sizeof(text) - 1                                                              \
	}
#define ALLOC (&ponto_alloc_system)

bool store_case_fail(struct store_case *c, const char *file, int line, const char *text, int got, int want);

#define RETURNS(call, want)                                                                                            \
	do {                                                                                                           \
		int got_ = (call);                                                                                     \
		if (got_ != (want))                                                                                    \
			return store_case_fail(c, __FILE__, __LINE__, #call, got_, want);                              \
	} while (0)
#define HOLDS(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			return store_case_fail(c, __FILE__, __LINE__, #condition, 0, 0);                               \
	} while (0)
#define TRY(step)                                                                                                      \
	do {                                                                                                           \
		if (!(step))                                                                                           \
			return false;                                                                                  \
	} while (0)

#define PUT(c, group, key, value) ponto_store_put((c)->store, group, key, value, 0, 0, PONTO_NEVER)
#define BATCH(c, steps, count) ponto_store_batch((c)->store, B("g"), steps, count, 0, PONTO_NEVER)
#define ITERATE(c, group, prefix, after, seen)                                                                         \
	ponto_store_iterate((c)->store, group, prefix, after, PONTO_NEVER, store_see, seen)

/* The record's value is that; NULL: there is no such record. */
bool store_holds(struct store_case *c, struct ponto_bytes group, struct ponto_bytes key,
		 const struct ponto_bytes *value);

/* The group has so many records, the store so many groups. */
bool store_count(struct store_case *c, struct ponto_bytes group, size_t records, size_t groups);

/* Paging through all groups meets so many, none left out; fn stops each page after stop_after (0: never). */
bool store_groups(struct store_case *c, size_t limit, size_t stop_after, size_t expected);

bool store_see(void *seen, struct ponto_bytes key, struct ponto_bytes value, uint64_t expires);
bool store_seen_is(const struct store_seen *seen, size_t index, struct ponto_bytes key, struct ponto_bytes value);

/* Cases in store_batch_cases.c, store_thread_cases.c and store_model.c. */
bool store_case_batch(struct store_case *c);
bool store_case_guards(struct store_case *c);
bool store_case_deadlines(struct store_case *c);
bool store_case_late_iteration(struct store_case *c);
bool store_case_memory(struct store_case *c);
bool store_case_counter(struct store_case *c);
bool store_case_atomic(struct store_case *c);
bool store_case_threads(struct store_case *c);
bool store_case_model(struct store_case *c);

#endif
