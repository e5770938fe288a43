#include "framework/pool.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#define THREADS_MAX 256u
#define IDLE_SECONDS 2 /* a worker without work for so long gives its stack back */

struct worker {
	struct ponto_pool *pool;
	pthread_t thread;
	bool made;  /* and not joined: under the lock of leavers */
	bool ended; /* has left its last job: under the pool's */
};

/* A thread keeps its stack until it is joined: who leaves joins who left before, of whatever pool. So one waits for
 * that in the whole process. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct worker *last;
} leavers = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

struct ponto_pool {
	const struct ponto_alloc *alloc;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct ponto_job *head, *tail;
	unsigned queued, queue_limit;
	unsigned idle, running, threads;
	bool closing;
	char name[16]; /* the longest the kernel takes */
	struct worker workers[];
};

int ponto_pool_create(const struct ponto_alloc *alloc, const char *name, unsigned threads, unsigned queue_limit,
		      struct ponto_pool **out)
{
	pthread_condattr_t attr;
	struct ponto_pool *pool;

	if (threads == 0 || threads > THREADS_MAX || queue_limit == 0)
		return PONTO_EINVAL;
	pool = ponto_new(alloc, 1, sizeof(*pool) + threads * sizeof(pool->workers[0]));
	if (!pool)
		return PONTO_ENOMEM;
	pool->alloc = alloc;
	pool->threads = threads;
	pool->queue_limit = queue_limit;
	snprintf(pool->name, sizeof(pool->name), "%.15s", name);
	pthread_mutex_init(&pool->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&pool->wake, &attr);
	pthread_condattr_destroy(&attr);
	*out = pool;
	return PONTO_OK;
}

/* NULL: nothing came for a while, or the pool closes. */
static struct ponto_job *next_job(struct ponto_pool *pool)
{
	struct ponto_job *job;
	struct timespec until;
	int waited = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += IDLE_SECONDS;
	while (!pool->head && !pool->closing && waited != ETIMEDOUT) {
		pool->idle++;
		waited = pthread_cond_timedwait(&pool->wake, &pool->lock, &until);
		pool->idle--;
	}
	job = pool->head;
	if (!job)
		return NULL;
	pool->head = job->next;
	if (!pool->head)
		pool->tail = NULL;
	pool->queued--;
	return job;
}

static void join(struct worker *worker)
{
	pthread_join(worker->thread, NULL);
	pthread_mutex_lock(&leavers.lock);
	worker->made = false; /* it may be gone with its pool from now on */
	pthread_cond_broadcast(&leavers.changed);
	pthread_mutex_unlock(&leavers.lock);
}

/* The last that a worker does. */
static void leave(struct worker *self)
{
	struct worker *before;

	pthread_mutex_lock(&leavers.lock);
	before = leavers.last;
	leavers.last = self;
	pthread_cond_broadcast(&leavers.changed);
	pthread_mutex_unlock(&leavers.lock);
	if (before)
		join(before);
}

/* Waits until a worker that leaves, if it was ever made, has been joined, by whomever. */
static void await(struct worker *worker)
{
	bool mine;

	pthread_mutex_lock(&leavers.lock);
	while (worker->made && leavers.last != worker)
		pthread_cond_wait(&leavers.changed, &leavers.lock);
	mine = worker->made;
	if (mine)
		leavers.last = NULL;
	pthread_mutex_unlock(&leavers.lock);
	if (mine)
		join(worker);
}

static void *work(void *arg)
{
	struct worker *self = arg;
	struct ponto_pool *pool = self->pool;
	struct ponto_job *job;

	pthread_setname_np(pthread_self(), pool->name);
	pthread_mutex_lock(&pool->lock);
	while ((job = next_job(pool))) {
		pthread_mutex_unlock(&pool->lock);
		job->run(job);
		pthread_mutex_lock(&pool->lock);
	}
	self->ended = true;
	pool->running--;
	pthread_mutex_unlock(&pool->lock);
	leave(self);
	return NULL;
}

/* Under the lock, which a leaving worker does not need any more. Signals belong to the program's own threads. */
static bool start_worker(struct ponto_pool *pool)
{
	struct worker *worker = pool->workers;
	sigset_t all, old;
	int failed;

	while (worker->pool && !worker->ended)
		worker++;
	await(worker);
	*worker = (struct worker){.pool = pool};
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	failed = pthread_create(&worker->thread, NULL, work, worker);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (failed) {
		worker->pool = NULL;
		return false;
	}
	worker->made = true; /* it waits for the lock */
	pool->running++;
	return true;
}

int ponto_pool_push(struct ponto_pool *pool, struct ponto_job *job)
{
	int result = PONTO_OK;

	pthread_mutex_lock(&pool->lock);
	assert(!pool->closing);
	if (pool->queued >= pool->queue_limit) {
		result = PONTO_EBUSY;
	} else if (pool->idle <= pool->queued && pool->running < pool->threads && !start_worker(pool) &&
		   pool->running == 0) {
		result = PONTO_ENOMEM;
	} else {
		job->next = NULL;
		if (pool->tail)
			pool->tail->next = job;
		else
			pool->head = job;
		pool->tail = job;
		pool->queued++;
		pthread_cond_signal(&pool->wake);
	}
	pthread_mutex_unlock(&pool->lock);
	return result;
}

void ponto_pool_destroy(struct ponto_pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->closing = true;
	pthread_cond_broadcast(&pool->wake);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->threads; i++)
		await(&pool->workers[i]);
	pthread_cond_destroy(&pool->wake);
	pthread_mutex_destroy(&pool->lock);
	ponto_free(pool->alloc, pool);
}
