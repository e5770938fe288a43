/* store-rados: one instance, and what its files share. Thread-safe but for creating and destroying. */
#ifndef PONTO_PLUGINS_STORE_RADOS_STORE_H
#define PONTO_PLUGINS_STORE_RADOS_STORE_H

#include <pthread.h>
#include <rados/librados.h>
#include <stdatomic.h>

#include "framework/store.h"
#include "plugins/store-rados/rds_hint.h"
#include "plugins/store-rados/rds_name.h"

#define RDS_TOPIC "store.rados"
#define RDS_NAMESPACE_MAX 512
#define RDS_META "meta" /* the object that says whose namespace this is */

/* Internal results, besides PONTO_E*: what was believed of a group does not hold any more; the connection was
 * replaced. The caller tries again. */
#define RDS_CHANGED 1
#define RDS_AGAIN 2

struct rds_link;
struct rds_op;
struct rds_list;
struct rds_recent;

struct rds_store {
	const struct ponto_env *env;
	char nspace[RDS_NAMESPACE_MAX];
	uint64_t timeout; /* microseconds: the longest that one step may take */
	size_t parallel;  /* steps under way at most */
	bool shared;	  /* the namespace was given a name, so it is meant for several; without one it is the node's own */

	pthread_mutex_t lock;
	pthread_cond_t cond;	/* something below changed, or a step ended */
	struct rds_link *link;	/* NULL: being replaced */
	struct rds_list *lists; /* asked for, first come first */
	struct rds_op *dead;	/* ended after nobody waited for them any more */
	size_t under_way;
	bool ending;
	pthread_t helper, sweeper;
	bool helps, sweeps;
	struct rds_recent *recent; /* the helper's */

	struct rds_hints hints;
	uint64_t sweep_every;	  /* microseconds, 0: never */
	atomic_int last_error[2]; /* of reading and of writing: the last logged; PONTO_OK: none */
	struct ponto_counter *conflicts, *swept;
};

/* Holding the lock: waits for a change, at most until the deadline and at most a second. */
void rds_wait_locked(struct rds_store *store, uint64_t deadline);

bool rds_late(const struct rds_store *store, uint64_t deadline);

/* The result of librados's error number, other than what the caller handles itself; logs it when it differs from the
 * last one. -ESHUTDOWN (the cluster locked this client out) has the connection replaced: RDS_AGAIN. */
int rds_failed(struct rds_store *store, struct rds_link *link, int error, bool writing);

/* A step succeeded: says so in the log after an error. */
void rds_works(struct rds_store *store, bool writing);

/* The thread that makes new connections and lists objects, both of which librados can only do blocking. */
void *rds_help(void *store);

/* Entries of the vtable, see framework/store.h. */
int rds_get(void *self, struct ponto_bytes group, struct ponto_bytes key, uint64_t deadline,
	    const struct ponto_alloc *alloc, uint8_t **value, size_t *len, uint64_t *expires);
int rds_iterate(void *self, struct ponto_bytes group, struct ponto_bytes prefix, struct ponto_bytes after,
		uint64_t deadline, ponto_store_record_fn *fn, void *arg);
int rds_groups(void *self, uint8_t **page, size_t *page_len, size_t limit, uint64_t deadline,
	       const struct ponto_alloc *alloc, ponto_store_group_fn *fn, void *arg);
int rds_batch(void *self, struct ponto_bytes group, const struct ponto_store_step *steps, size_t count, unsigned flags,
	      uint64_t deadline);

#endif
