/* store-rados: librados's error numbers as results, and what the log says of them. */
#include <errno.h>
#include <string.h>

#include "plugins/store-rados/rds_link.h"
#include "plugins/store-rados/rds_store.h"

/* The cluster lists this client as one that must not come back (it was thought dead, or an operator did it): nothing
 * was done, and a new connection has another name. */
static int lock_out(struct rds_store *store, struct rds_link *link)
{
	bool mine;

	pthread_mutex_lock(&store->lock);
	mine = store->link == link;
	if (mine)
		store->link = NULL;
	pthread_cond_broadcast(&store->cond);
	pthread_mutex_unlock(&store->lock);
	if (mine) {
		ponto_warning(store->env->log, RDS_TOPIC, "the cluster locked this client out; connecting anew");
		rds_link_leave(link);
	}
	return RDS_AGAIN;
}

static int translate(struct rds_link *link, int error)
{
	switch (-error) {
	case ENOMEM:
		return PONTO_ENOMEM;
	case ENOSPC:
	case EDQUOT:
		return PONTO_ENOSPC;
	case EPERM:
	case EACCES:
	case EROFS:
		return PONTO_EACCES;
	case EOPNOTSUPP:
		return PONTO_ECONF;
	case ENOENT:
		return rds_link_has_pool(link) ? PONTO_ENOENT : PONTO_EIO;
	default:
		return PONTO_EIO;
	}
}

int rds_failed(struct rds_store *store, struct rds_link *link, int error, bool writing)
{
	const char *pool = ponto_conf_string(store->env->conf, "pool"), *what = writing ? "writing" : "reading";
	int result;

	if (error == -ESHUTDOWN)
		return lock_out(store, link);
	result = translate(link, error);
	if (result == PONTO_ENOENT || atomic_exchange(&store->last_error[writing], result) == result)
		return result;
	if (result == PONTO_ENOSPC)
		ponto_error(store->env->log, RDS_TOPIC,
			    "the cluster is full, or the quota of pool %s used up: writes "
			    "are refused",
			    pool);
	else if (result == PONTO_ECONF)
		ponto_error(store->env->log, RDS_TOPIC, "the pool %s is erasure-coded: records need a replicated one",
			    pool);
	else if (error == -ENOENT)
		ponto_error(store->env->log, RDS_TOPIC, "the pool %s is gone", pool);
	else if (error == -ETIMEDOUT)
		ponto_error(store->env->log, RDS_TOPIC, "pool %s does not answer: %s waited %llu s", pool, what,
			    (unsigned long long)(store->timeout / PONTO_SECOND));
	else
		ponto_error(store->env->log, RDS_TOPIC, "pool %s, %s: %s", pool, what, strerror(-error));
	return result;
}

void rds_works(struct rds_store *store, bool writing)
{
	if (atomic_load_explicit(&store->last_error[writing], memory_order_relaxed) != PONTO_OK &&
	    atomic_exchange(&store->last_error[writing], PONTO_OK) != PONTO_OK)
		ponto_info(store->env->log, RDS_TOPIC, "%s works again", writing ? "writing" : "reading");
}
