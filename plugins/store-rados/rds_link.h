/* store-rados: a connection to the cluster: handle, pool and namespace. Shared by the steps that use it; the last one
 * closes it. */
#ifndef PONTO_PLUGINS_STORE_RADOS_LINK_H
#define PONTO_PLUGINS_STORE_RADOS_LINK_H

#include <rados/librados.h>
#include <stdatomic.h>

#include "framework/env.h"

struct rds_link {
	const struct ponto_alloc *alloc;
	atomic_size_t users;
	rados_t cluster;
	rados_ioctx_t io;
	int64_t pool;
};

/* Connects as the options say; blocks for at most timeout microseconds. On failure one line in the log says what is
 * wrong and with what: PONTO_ECONF, PONTO_EAUTH, PONTO_EACCES, PONTO_EUNREACH, PONTO_ENOMEM, PONTO_EIO. gives, with
 * one user */
PONTO_MUST_CHECK int rds_link_open(const struct ponto_env *env, const char *nspace, uint64_t timeout,
				   struct rds_link **out);

void rds_link_use(struct rds_link *link);

/* Blocks while the last user closes the connection. Accepts NULL. */
void rds_link_leave(struct rds_link *link);

/* False: the pool is gone. */
bool rds_link_has_pool(struct rds_link *link);

#endif
