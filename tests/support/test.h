/* Ponto tests: cmocka with TAP output, requirement marks, a failing allocator. */
#ifndef PONTO_TESTS_SUPPORT_TEST_H
#define PONTO_TESTS_SUPPORT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "framework/base.h"

/* Names the requirement rows that this case would fail without, at most four. Counted by `make
 * conformance` only when the case ran and passed: the mark is a TAP comment before the case's result. */
#define PONTO_PROVES(...)                                                                                              \
	do {                                                                                                           \
		static const char *const rows_[] = {__VA_ARGS__};                                                      \
		_Static_assert(sizeof(rows_) / sizeof(rows_[0]) <= 4, "at most four rows a case");                     \
		ponto_test_proves(rows_, sizeof(rows_) / sizeof(rows_[0]));                                            \
	} while (0)

void ponto_test_proves(const char *const *rows, size_t count);

/* Names the public functions that this case tests: the table of docs/status.md is made of it. Counted like a proof. */
#define PONTO_COVERS(...) PONTO_COVERS_AS_("", __VA_ARGS__)
#define PONTO_COVERS_AS_(how, ...)                                                                                     \
	do {                                                                                                           \
		static const char *const names_[] = {__VA_ARGS__};                                                     \
		ponto_test_covers(how, names_, sizeof(names_) / sizeof(names_[0]));                                    \
	} while (0)

void ponto_test_covers(const char *how, const char *const *names, size_t count);

/* The same for what they refuse, and for calls from several threads. */
#define PONTO_COVERS_ERRORS(...) PONTO_COVERS_AS_("errors ", __VA_ARGS__)
#define PONTO_COVERS_THREADS(...) PONTO_COVERS_AS_("threads ", __VA_ARGS__)

/* Runs a group with TAP output; the exit status of main. */
#define PONTO_TEST_MAIN(tests)                                                                                         \
	int main(void)                                                                                                 \
	{                                                                                                              \
		cmocka_set_message_output(CM_OUTPUT_TAP);                                                              \
		return cmocka_run_group_tests_name(NULL, tests, NULL, NULL);                                           \
	}

#define assert_ok(expression) assert_int_equal(expression, PONTO_OK)

/* An allocator that counts live blocks and refuses the nth allocation. */
struct ponto_test_alloc {
	struct ponto_alloc alloc; /* pass this on */
	size_t live;		  /* blocks not yet released */
	size_t made;		  /* allocations asked for since the start */
	size_t fail_at;		  /* the nth (from 1) is refused, and only it; 0: none */
	bool refused;		  /* it happened */
};

void ponto_test_alloc_init(struct ponto_test_alloc *ta);

/* Calls run again and again, refusing the first allocation, then the second, …, until a run asks for
 * fewer. Each refused run must leave no block behind; run returns a PONTO_E* and must not return
 * PONTO_OK only to have lost something: it returns what it saw, and PONTO_ENOMEM is expected of a
 * refused run unless tolerate is true. The unrefused run must return PONTO_OK. */
void ponto_test_oom(int (*run)(const struct ponto_alloc *alloc, void *arg), void *arg, bool tolerate);

/* A seeded generator (splitmix64) for property tests; never the clock. */
struct ponto_test_random {
	struct ponto_random random;
	uint64_t state;
};

void ponto_test_random_init(struct ponto_test_random *tr, uint64_t seed);

/* A clock that stands until moved; both readings in microseconds. */
struct ponto_test_clock {
	struct ponto_clock clock;
	uint64_t mono, wall;
};

void ponto_test_clock_init(struct ponto_test_clock *tc);

/* Bytes from hexadecimal text, white space ignored; ends the test on anything else. gives, from malloc */
uint8_t *ponto_test_hex(const char *text, size_t *len);

/* A fresh private directory under TMPDIR; removed with all it holds by ponto_test_rmdir. gives */
char *ponto_test_mkdir(void);
void ponto_test_rmdir(char *path);

/* A UDP port free on ::1 and 127.0.0.1, each time another: of those that the kernel gives to nobody by itself, and of
 * other ones in each process, so it stays free until it is opened. */
uint16_t ponto_test_port(void);

/* PONTO_SRCDIR / name: for files of the source tree. Static buffer. */
const char *ponto_test_source(const char *name);

#endif
