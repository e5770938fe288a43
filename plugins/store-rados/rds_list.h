/* store-rados: the names of a namespace's objects, in the order of their places. librados lists only blocking, so the
 * helper's thread does it and the caller waits until his deadline. */
#ifndef PONTO_PLUGINS_STORE_RADOS_LIST_H
#define PONTO_PLUGINS_STORE_RADOS_LIST_H

#include "plugins/store-rados/rds_store.h"

#define RDS_LIST_MAX 256

struct rds_list {
	struct rds_list *next;
	char after[RDS_OBJECT_MAX]; /* "": from the first */
	uint64_t run;
	size_t count;
	bool end; /* there are no more */
	int error;
	bool done, abandoned;
	char names[RDS_LIST_MAX][RDS_OBJECT_MAX];
};

/* Up to RDS_LIST_MAX names after that one ("": from the first on), which need not exist. run: a random number, the same
 * for all calls of who goes through all names; his next call goes on where the last ended, while nobody else lists, and
 * else looks for the place. PONTO_ETIME, PONTO_EIO, PONTO_ENOMEM. gives, to be freed by rds_list_free */
PONTO_MUST_CHECK int rds_list_names(struct rds_store *store, const char *after, uint64_t run, uint64_t deadline,
				    struct rds_list **out);
void rds_list_free(struct rds_store *store, struct rds_list *list);

/* The helper's memory of the list it made last. */
struct rds_recent;
struct rds_recent *rds_recent_new(const struct ponto_alloc *alloc);

#endif
