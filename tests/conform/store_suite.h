/* Ponto tests: the store contract, sentence by sentence, for any plugin of that kind.
 *
 * No test framework inside: a case returns whether it holds and writes a reason when it does not, so that both `make
 * check` and `ponto plugin check` can run it. A case opens fresh stores, moves their clock itself, and may start
 * threads. */
#ifndef PONTO_TESTS_CONFORM_STORE_SUITE_H
#define PONTO_TESTS_CONFORM_STORE_SUITE_H

#include "framework/store.h"

/* What is tested. open makes an empty store that uses this clock, thread-safe as env->clock is, and system memory;
 * close destroys it with all it stored. */
struct store_subject {
	int (*open)(void *ctx, const struct ponto_clock *clock, struct ponto_store *out);
	void (*close)(void *ctx, struct ponto_store store);
	void *ctx;
};

size_t store_suite_count(void);

/* "limits", "expiry", …; index below the count. */
const char *store_suite_name(size_t index);

/* True when the case holds; else why says what went wrong (always terminated). */
bool store_suite_run(size_t index, const struct store_subject *subject, char *why, size_t why_size);

#endif
