#include "plugins/store-rados/rds_op.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* ---- waiting ------------------------------------------------------------------------ */

bool rds_late(const struct rds_store *store, uint64_t deadline)
{
	return deadline != PONTO_NEVER && ponto_mono(store->env->clock) >= deadline;
}

/* The injected clock says how long; the kernel's only ends the wait. Where the two differ (a clock that stands) the
 * caller looks again. */
void rds_wait_locked(struct rds_store *store, uint64_t deadline)
{
	uint64_t now = ponto_mono(store->env->clock), left = PONTO_SECOND;
	struct timespec until;

	if (deadline != PONTO_NEVER && deadline - now < left)
		left = deadline > now ? deadline - now : 0;
	if (left < 100)
		left = 100;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(left / PONTO_SECOND);
	until.tv_nsec += (long)(left % PONTO_SECOND) * 1000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_cond_timedwait(&store->cond, &store->lock, &until);
}

/* ---- making ------------------------------------------------------------------------- */

static void release(struct rds_op *op)
{
	const struct ponto_alloc *alloc = op->store->env->alloc;

	if (op->keys)
		rados_omap_get_end(op->keys);
	if (op->page)
		rados_omap_get_end(op->page);
	if (op->attributes)
		rados_getxattrs_end(op->attributes);
	if (op->write)
		rados_release_write_op(op->write);
	if (op->read)
		rados_release_read_op(op->read);
	if (op->completion)
		rados_aio_release(op->completion);
	rds_link_leave(op->link);
	ponto_free(alloc, op->data);
	ponto_free(alloc, op);
}

void rds_op_reap(struct rds_store *store)
{
	struct rds_op *dead;

	pthread_mutex_lock(&store->lock);
	dead = store->dead;
	store->dead = NULL;
	pthread_mutex_unlock(&store->lock);
	while (dead) {
		struct rds_op *next = dead->next;

		release(dead);
		dead = next;
	}
}

/* On librados's thread. */
static void completed(rados_completion_t completion, void *arg)
{
	struct rds_op *op = arg;
	struct rds_store *store = op->store;

	(void)completion;
	pthread_mutex_lock(&store->lock);
	op->done = true;
	if (op->abandoned) {
		op->next = store->dead;
		store->dead = op;
	}
	store->under_way--;
	pthread_cond_broadcast(&store->cond);
	pthread_mutex_unlock(&store->lock);
}

/* A place among the steps under way, and the connection. */
static int enter(struct rds_store *store, uint64_t deadline, struct rds_link **link)
{
	uint64_t begun = ponto_mono(store->env->clock);
	int result = PONTO_OK;

	pthread_mutex_lock(&store->lock);
	while (!result && (!store->link || store->under_way >= store->parallel)) {
		if (rds_late(store, deadline))
			result = PONTO_ETIME;
		else if (store->ending)
			result = PONTO_ECLOSED;
		else if (ponto_mono(store->env->clock) - begun >= store->timeout)
			result = PONTO_EIO;
		else
			rds_wait_locked(store, deadline);
	}
	if (!result) {
		store->under_way++;
		*link = store->link;
		rds_link_use(*link);
	}
	pthread_mutex_unlock(&store->lock);
	return result;
}

static void leave(struct rds_store *store)
{
	pthread_mutex_lock(&store->lock);
	store->under_way--;
	pthread_cond_broadcast(&store->cond);
	pthread_mutex_unlock(&store->lock);
}

int rds_op_new(struct rds_store *store, bool write, uint64_t deadline, struct rds_op **out)
{
	struct rds_link *link;
	struct rds_op *op;
	int result;

	rds_op_reap(store);
	if (rds_late(store, deadline))
		return PONTO_ETIME;
	result = enter(store, deadline, &link);
	if (result)
		return result;
	op = ponto_new(store->env->alloc, 1, sizeof(*op));
	if (!op) {
		leave(store);
		rds_link_leave(link);
		return PONTO_ENOMEM;
	}
	op->store = store;
	op->link = link;
	if (write)
		op->write = rados_create_write_op();
	else
		op->read = rados_create_read_op();
	if ((!op->write && !op->read) || rados_aio_create_completion2(op, completed, &op->completion) < 0) {
		op->completion = NULL;
		rds_op_free(op);
		return PONTO_ENOMEM;
	}
	*out = op;
	return PONTO_OK;
}

void rds_op_free(struct rds_op *op)
{
	struct rds_store *store = op->store;
	bool started = op->started;

	release(op);
	if (!started)
		leave(store);
}

/* ---- filling -------------------------------------------------------------------------- */

void rds_op_keys(struct rds_op *op, const char *const *keys, const size_t *lens, size_t count)
{
	rados_read_op_omap_get_vals_by_keys2(op->read, keys, count, lens, &op->keys, &op->keys_error);
}

void rds_op_page(struct rds_op *op, const char *after, const char *prefix, size_t limit)
{
	rados_read_op_omap_get_vals2(op->read, after, prefix, limit, &op->page, &op->more, &op->page_error);
}

int rds_op_data(struct rds_op *op, uint64_t offset, size_t len)
{
	op->data = ponto_new(op->store->env->alloc, 1, len);
	if (!op->data)
		return PONTO_ENOMEM;
	op->data_room = len;
	rados_read_op_read(op->read, offset, len, (char *)op->data, &op->data_len, &op->data_error);
	return PONTO_OK;
}

bool rds_op_next(rados_omap_iter_t iter, struct ponto_bytes *key, struct ponto_bytes *value)
{
	char *name = NULL, *bytes = NULL;
	size_t name_len = 0, len = 0;

	if (!iter || rados_omap_get_next2(iter, &name, &bytes, &name_len, &len) < 0 || !name)
		return false;
	*key = ponto_bytes(name, name_len);
	*value = ponto_bytes(bytes, len);
	return true;
}

/* ---- running -------------------------------------------------------------------------- */

/* A full cluster shall say so instead of holding writes back. */
int rds_op_start(struct rds_op *op, const char *object)
{
	int error;

	op->started = true;
	if (op->write)
		error = rados_aio_write_op_operate(op->write, op->link->io, op->completion, object, NULL,
						   LIBRADOS_OPERATION_FULL_TRY);
	else
		error = rados_aio_read_op_operate(op->read, op->link->io, op->completion, object,
						  LIBRADOS_OPERATION_NOFLAG);
	if (!error)
		return PONTO_OK;
	op->started = false;
	return rds_failed(op->store, op->link, error, op->write != NULL);
}

int rds_op_wait(struct rds_op *op, uint64_t deadline, int *error)
{
	struct rds_store *store = op->store;
	bool called_back = false, done;

	pthread_mutex_lock(&store->lock);
	while (!op->done && !called_back) {
		if (rds_late(store, deadline) || store->ending) {
			/* Not abandoned yet, so that nobody frees it meanwhile. */
			pthread_mutex_unlock(&store->lock);
			rados_aio_cancel(op->link->io, op->completion);
			pthread_mutex_lock(&store->lock);
			called_back = true;
		} else {
			rds_wait_locked(store, deadline);
		}
	}
	done = op->done;
	if (!done)
		op->abandoned = true;
	pthread_mutex_unlock(&store->lock);
	if (called_back) {
		if (done)
			rds_op_free(op);
		return PONTO_ETIME;
	}
	*error = rados_aio_get_return_value(op->completion);
	if (*error >= 0) {
		*error = 0;
		op->version = rados_aio_get_version(op->completion);
		rds_works(store, op->write != NULL);
	}
	return PONTO_OK;
}

int rds_op_run(struct rds_op *op, const char *object, uint64_t deadline, int *error)
{
	int result = rds_op_start(op, object);

	if (result) {
		rds_op_free(op);
		return result;
	}
	return rds_op_wait(op, deadline, error);
}
