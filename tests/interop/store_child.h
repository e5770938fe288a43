/* Ponto tests: a store in a process of its own that writes until it is killed or the disk is full, and the record of
 * what it wrote. Used by the test_store_… beside it. */
#ifndef PONTO_TESTS_INTEROP_STORE_CHILD_H
#define PONTO_TESTS_INTEROP_STORE_CHILD_H

#include <sys/types.h>

#include "framework/env.h"
#include "framework/store.h"

/* What an open store stands on. The clock stands until moved. */
struct store_child_env {
	struct ponto_env env;
	struct ponto_conf *conf;
	struct ponto_log *log;
	struct ponto_clock clock;
	_Atomic uint64_t mono, wall;
	_Atomic unsigned lines; /* logged at warning or worse */
};

/* A new folder with an empty folder "main", in memory when possible: no test here needs a disk. gives */
char *store_child_folder(void);

/* Opens store-rocksdb on folder/main with these settings; NULL: a small write buffer and no reserve. What create
 * returned. *env is freed by store_child_close also when it failed; store.self is NULL then. */
int store_child_try(const char *folder, const char *const *settings, const struct ponto_alloc *alloc,
		    struct ponto_store *store, struct store_child_env **env);

/* The same with NULL settings and system memory; fails the test when it cannot. */
struct ponto_store store_child_open(const char *folder, struct store_child_env **env);
void store_child_close(struct ponto_store store, struct store_child_env *env);

/* Call first thing in main: becomes the writing child, and never returns, when the arguments say so. */
void store_child_main(int argc, char **argv);

/* The child's exit status when the store said that there is no space and, told so, closed; when it could not be opened.
 */
#define STORE_CHILD_FULL 42
#define STORE_CHILD_UNOPENED 43

/* A library that stands between a child and the C library, and what tells it what to do. */
struct store_child_preload {
	const char *library;	      /* its file in tests/support, without ".so" */
	const char *const *variables; /* "NAME=value"; NULL ends */
};

/* Starts this program again as a child that does operation after operation from `first` on, with flags, and writes
 * each acknowledged number to *acks. preload: NULL for none. */
pid_t store_child_start(const char *folder, uint64_t first, unsigned flags, const struct store_child_preload *preload,
			int *acks);

/* The highest acknowledged number; first - 1 when none. Reads until the other end closes; then closes. */
uint64_t store_child_acked(int acks, uint64_t first);

/* What operations 1 to count leave: for each key the number of the operation that wrote it, 0 when it has none. */
#define STORE_CHILD_KEYS 64
struct store_child_state {
	uint64_t written[STORE_CHILD_KEYS];
};
void store_child_apply(struct store_child_state *state, uint64_t number);

/* What a store holds; a value that is not exactly what its operation wrote fails the test. */
void store_child_read(struct ponto_store store, struct store_child_state *state);

#endif
