#include "api/win32/work.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define IDLE_SECONDS 5

struct item {
	struct item *next;
	void (*run)(void *context);
	void *context;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t added;
	struct item *first, **last;
	unsigned int waiting, idle;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .added = PTHREAD_COND_INITIALIZER};

/* The next item; NULL after some seconds without one. Under the lock. */
static struct item *next_item(void)
{
	struct timespec end;
	struct item *item;
	int timed_out = 0;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += IDLE_SECONDS;
	queue.idle++;
	while (!queue.first && !timed_out)
		timed_out = pthread_cond_timedwait(&queue.added, &queue.lock, &end);
	queue.idle--;
	item = queue.first;
	if (item) {
		queue.first = item->next;
		if (!queue.first)
			queue.last = &queue.first;
		queue.waiting--;
	}
	return item;
}

static void *worker(void *unused)
{
	struct item *item;

	(void)unused;
	pthread_setname_np(pthread_self(), "ponto");
	pthread_mutex_lock(&queue.lock);
	while ((item = next_item())) {
		pthread_mutex_unlock(&queue.lock);
		item->run(item->context);
		free(item);
		pthread_mutex_lock(&queue.lock);
	}
	pthread_mutex_unlock(&queue.lock);
	return NULL;
}

static bool start_worker(void)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t thread;
	int error;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&thread, &attributes, worker, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return error == 0;
}

/* A thread more than what waits: an item never waits for another that blocks. */
bool work_run(void (*run)(void *context), void *context)
{
	struct item *item = malloc(sizeof(*item));
	bool ok;

	if (!item)
		return false;
	*item = (struct item){.run = run, .context = context};
	pthread_mutex_lock(&queue.lock);
	ok = queue.idle > queue.waiting || start_worker();
	if (ok) {
		if (!queue.last)
			queue.last = &queue.first;
		*queue.last = item;
		queue.last = &item->next;
		queue.waiting++;
		pthread_cond_signal(&queue.added);
	}
	pthread_mutex_unlock(&queue.lock);
	if (!ok)
		free(item);
	return ok;
}
