#include "framework/pool.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

#define THREADS_MAX 256u

struct ponto_pool {
	const struct ponto_alloc *alloc;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct ponto_job *head, *tail;
	unsigned queued, queue_limit;
	unsigned idle, started, threads;
	bool closing;
	char name[16]; /* the longest the kernel takes */
	pthread_t thread[];
};

int ponto_pool_create(const struct ponto_alloc *alloc, const char *name, unsigned threads, unsigned queue_limit,
		      struct ponto_pool **out)
{
	struct ponto_pool *pool;

	if (threads == 0 || threads > THREADS_MAX || queue_limit == 0)
		return PONTO_EINVAL;
	pool = ponto_new(alloc, 1, sizeof(*pool) + threads * sizeof(pool->thread[0]));
	if (!pool)
		return PONTO_ENOMEM;
	pool->alloc = alloc;
	pool->threads = threads;
	pool->queue_limit = queue_limit;
	snprintf(pool->name, sizeof(pool->name), "%.15s", name);
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->wake, NULL);
	*out = pool;
	return PONTO_OK;
}

static struct ponto_job *next_job(struct ponto_pool *pool)
{
	struct ponto_job *job;

	while (!pool->head && !pool->closing) {
		pool->idle++;
		pthread_cond_wait(&pool->wake, &pool->lock);
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

static void *worker(void *arg)
{
	struct ponto_pool *pool = arg;
	struct ponto_job *job;

	pthread_setname_np(pthread_self(), pool->name);
	pthread_mutex_lock(&pool->lock);
	while ((job = next_job(pool))) {
		pthread_mutex_unlock(&pool->lock);
		job->run(job);
		pthread_mutex_lock(&pool->lock);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

/* Signals belong to the program's own threads. */
static bool start_worker(struct ponto_pool *pool)
{
	sigset_t all, old;
	int failed;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	failed = pthread_create(&pool->thread[pool->started], NULL, worker, pool);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (failed)
		return false;
	pool->started++;
	return true;
}

int ponto_pool_push(struct ponto_pool *pool, struct ponto_job *job)
{
	int result = PONTO_OK;

	pthread_mutex_lock(&pool->lock);
	assert(!pool->closing);
	if (pool->queued >= pool->queue_limit) {
		result = PONTO_EBUSY;
	} else if (pool->idle <= pool->queued && pool->started < pool->threads && !start_worker(pool) &&
		   pool->started == 0) {
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
	for (unsigned i = 0; i < pool->started; i++)
		pthread_join(pool->thread[i], NULL);
	pthread_cond_destroy(&pool->wake);
	pthread_mutex_destroy(&pool->lock);
	ponto_free(pool->alloc, pool);
}
