/* store-rados: the store contract on librados. This file makes and ends instances; README.md says what the others do.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "framework/plugin.h"
#include "plugins/store-rados/rds_list.h"
#include "plugins/store-rados/rds_op.h"
#include "plugins/store-rados/rds_sweep.h"

#define FORMAT "1"
#define FORMAT_KEY "format"

static const struct ponto_option rds_schema[] = {
	{.name = "conf",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "",
	 .unit = "path",
	 .doc = "the cluster's configuration; empty: $CEPH_CONF, else /etc/ceph/ceph.conf"},
	{.name = "keyring",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "",
	 .unit = "path",
	 .doc = "file with the user's key; empty: where the cluster's configuration says"},
	{.name = "user",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "ponto",
	 .doc = "the user, without \"client.\", who may read and write the pool"},
	{.name = "pool", .type = PONTO_OPTION_STRING, .fallback = "ponto", .doc = "the pool, a replicated one"},
	{.name = "namespace",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "",
	 .doc = "namespace in the pool; instances with the same one share their records; empty: the node's name, a "
		"dash "
		"and the instance's name"},
	{.name = "timeout",
	 .type = PONTO_OPTION_INT,
	 .fallback = "30",
	 .min = 1,
	 .max = 3600,
	 .unit = "seconds",
	 .doc = "longest wait for the cluster in one step, and for the connection at the start"},
	{.name = "parallel",
	 .type = PONTO_OPTION_INT,
	 .fallback = "64",
	 .min = 16,
	 .max = 4096,
	 .doc = "steps under way at most; more wait"},
	{.name = "sweep",
	 .type = PONTO_OPTION_INT,
	 .fallback = "86400",
	 .min = 0,
	 .max = 31536000,
	 .unit = "seconds",
	 .doc = "how often the namespace is searched for what has expired, by one of the instances that share it; 0: "
		"this "
		"one never does"},
};

/* ---- whose namespace it is ------------------------------------------------------------------ */

static int read_meta(struct rds_store *store, uint64_t deadline)
{
	const char *name = FORMAT_KEY;
	size_t len = strlen(FORMAT_KEY);
	struct ponto_bytes key, value = {NULL, 0};
	struct rds_op *op;
	int error, result = rds_op_new(store, false, deadline, &op);

	if (result)
		return result;
	rds_op_keys(op, &name, &len, 1);
	result = rds_op_run(op, RDS_META, deadline, &error);
	if (result)
		return result;
	if (error) {
		result = rds_failed(store, op->link, error, false);
	} else if (!rds_op_next(op->keys, &key, &value)) {
		ponto_error(store->env->log, RDS_TOPIC, "the namespace %s holds another program's objects",
			    store->nspace);
		result = PONTO_ECONF;
	} else if (!ponto_bytes_equal(value, ponto_bytes(FORMAT, strlen(FORMAT)))) {
		ponto_error(store->env->log, RDS_TOPIC, "the namespace %s has a format that is not %s", store->nspace,
			    FORMAT);
		result = PONTO_EABI;
	}
	rds_op_free(op);
	return result;
}

/* RDS_CHANGED: somebody else was first. */
static int write_meta(struct rds_store *store, uint64_t deadline)
{
	const char *name = FORMAT_KEY, *value = FORMAT;
	size_t len = strlen(FORMAT_KEY), value_len = strlen(FORMAT);
	struct rds_op *op;
	int error, result = rds_op_new(store, true, deadline, &op);

	if (result)
		return result;
	rados_write_op_create(op->write, LIBRADOS_CREATE_EXCLUSIVE, NULL);
	rados_write_op_omap_set2(op->write, &name, &value, &len, &value_len, 1);
	result = rds_op_run(op, RDS_META, deadline, &error);
	if (result)
		return result;
	if (error == -EEXIST)
		result = RDS_CHANGED;
	else if (error)
		result = rds_failed(store, op->link, error, true);
	rds_op_free(op);
	return result;
}

/* An empty namespace becomes ours. */
static int take_namespace(struct rds_store *store, uint64_t deadline)
{
	struct rds_list *list;
	int result = rds_list_names(store, "", 1, deadline, &list);
	bool empty;

	if (result)
		return result;
	empty = list->count == 0;
	rds_list_free(store, list);
	return empty ? write_meta(store, deadline) : RDS_CHANGED;
}

static int open_namespace(struct rds_store *store)
{
	uint64_t deadline = ponto_mono(store->env->clock) + store->timeout;
	int result = read_meta(store, deadline);

	if (result == PONTO_ENOENT)
		result = take_namespace(store, deadline);
	if (result == RDS_CHANGED || result == RDS_AGAIN)
		result = read_meta(store, deadline);
	if (result == PONTO_ENOENT) {
		ponto_error(store->env->log, RDS_TOPIC, "the namespace %s holds another program's objects",
			    store->nspace);
		result = PONTO_ECONF;
	}
	if (result == PONTO_ETIME) {
		ponto_error(store->env->log, RDS_TOPIC, "pool %s does not answer within %llu s",
			    ponto_conf_string(store->env->conf, "pool"),
			    (unsigned long long)(store->timeout / PONTO_SECOND));
		result = PONTO_EUNREACH;
	}
	return result > 0 ? PONTO_EIO : result;
}

/* ---- life ------------------------------------------------------------------------------------- */

/* Steps that nobody waits for were called back, so librados lets go of them soon. */
static void end_threads(struct rds_store *store)
{
	pthread_mutex_lock(&store->lock);
	store->ending = true;
	pthread_cond_broadcast(&store->cond);
	pthread_mutex_unlock(&store->lock);
	if (store->sweeps)
		pthread_join(store->sweeper, NULL);
	if (store->helps)
		pthread_join(store->helper, NULL);
	pthread_mutex_lock(&store->lock);
	while (store->under_way > 0)
		rds_wait_locked(store, PONTO_NEVER);
	pthread_mutex_unlock(&store->lock);
}

static void rds_destroy(void *self)
{
	struct rds_store *store = self;

	if (!store)
		return;
	end_threads(store);
	rds_op_reap(store);
	while (store->lists) {
		struct rds_list *next = store->lists->next;

		rds_list_free(store, store->lists);
		store->lists = next;
	}
	rds_link_leave(store->link);
	rds_hints_free(&store->hints);
	ponto_free(store->env->alloc, store->recent);
	pthread_cond_destroy(&store->cond);
	pthread_mutex_destroy(&store->lock);
	ponto_free(store->env->alloc, store);
}

static void set_up(struct rds_store *store, const struct ponto_env *env)
{
	const char *nspace = ponto_conf_string(env->conf, "namespace");
	pthread_condattr_t attr;

	store->env = env;
	store->shared = nspace[0];
	snprintf(store->nspace, sizeof(store->nspace), "%s%s%s", nspace[0] ? nspace : env->node_name,
		 nspace[0] ? "" : "-", nspace[0] ? "" : env->instance);
	store->timeout = (uint64_t)ponto_conf_int(env->conf, "timeout") * PONTO_SECOND;
	store->parallel = (size_t)ponto_conf_int(env->conf, "parallel");
	store->sweep_every = (uint64_t)ponto_conf_int(env->conf, "sweep") * PONTO_SECOND;
	pthread_mutex_init(&store->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&store->cond, &attr);
	pthread_condattr_destroy(&attr);
	if (env->metrics) {
		store->conflicts = ponto_counter(env->metrics, "store_conflicts_total", env->instance,
						 "writes tried again because somebody else had written");
		store->swept = ponto_counter(env->metrics, "store_expired_total", env->instance,
					     "expired records that this instance removed");
	}
}

static int rds_create(const struct ponto_env *env, void **self)
{
	struct rds_store *store = ponto_new(env->alloc, 1, sizeof(*store));
	int result;

	if (!store)
		return PONTO_ENOMEM;
	set_up(store, env);
	result = rds_hints_init(&store->hints, env->alloc);
	if (!result)
		result = rds_link_open(env, store->nspace, store->timeout, &store->link);
	if (!result) {
		store->recent = rds_recent_new(env->alloc);
		result = store->recent ? PONTO_OK : PONTO_ENOMEM;
	}
	if (!result) {
		store->helps = pthread_create(&store->helper, NULL, rds_help, store) == 0;
		result = store->helps ? open_namespace(store) : PONTO_ENOMEM;
	}
	if (!result && store->sweep_every > 0) {
		store->sweeps = pthread_create(&store->sweeper, NULL, rds_sweep, store) == 0;
		result = store->sweeps ? PONTO_OK : PONTO_ENOMEM;
	}
	if (result) {
		rds_destroy(store);
		return result;
	}
	*self = store;
	return PONTO_OK;
}

/* ---- single records --------------------------------------------------------------------------- */

static int rds_put(void *self, struct ponto_bytes group, struct ponto_bytes key, struct ponto_bytes value,
		   uint64_t expires, unsigned flags, uint64_t deadline)
{
	struct ponto_store_step step = {PONTO_STEP_PUT, key, value, expires};

	return rds_batch(self, group, &step, 1, flags, deadline);
}

static int rds_remove(void *self, struct ponto_bytes group, struct ponto_bytes key, unsigned flags, uint64_t deadline)
{
	struct ponto_store_step step = {PONTO_STEP_DELETE, key, {NULL, 0}, 0};

	return rds_batch(self, group, &step, 1, flags, deadline);
}

/* RADOS acknowledges what every replica has on disk: nothing is left to be done. */
static int rds_flush(void *self, uint64_t deadline)
{
	return rds_late(self, deadline) ? PONTO_ETIME : PONTO_OK;
}

static bool rds_shared(void *self)
{
	return ((const struct rds_store *)self)->shared;
}

static const struct ponto_store_ops rds_ops = {
	.head = {PONTO_STORE_ABI, sizeof(struct ponto_store_ops)},
	.create = rds_create,
	.destroy = rds_destroy,
	.get = rds_get,
	.put = rds_put,
	.remove = rds_remove,
	.iterate = rds_iterate,
	.groups = rds_groups,
	.batch = rds_batch,
	.flush = rds_flush,
	.shared = rds_shared,
};

PONTO_PLUGIN(store_rados) = {
	.abi = PONTO_PLUGIN_ABI,
	.kind = PONTO_KIND_STORE,
	.name = "store-rados",
	.version = "1",
	.summary = "records in a Ceph cluster, which several nodes may share",
	.options = rds_schema,
	.option_count = PONTO_ARRAY_SIZE(rds_schema),
	.vtable = &rds_ops.head,
};
