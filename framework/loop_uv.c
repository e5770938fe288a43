#include "framework/event_queue.h"
#include "framework/pool.h"

#include <assert.h>
#include <pthread.h>
#include <uv.h>

/* The order of a round: wait, watches, due timers, posted calls. libuv waits and watches; deadlines are kept in
 * microseconds in our own queue, with one libuv timer (milliseconds) for the earliest. */

struct uv_backend {
	struct ponto_loop base;
	const struct ponto_alloc *alloc;
	uv_loop_t uv;
	uv_async_t wake;
	uv_timer_t alarm;
	struct ponto_event_queue timers;
	uint64_t now;
	bool fresh;	/* now was read in this round */
	bool running;
	unsigned outstanding; /* jobs whose done call has not run */

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t posted;
	struct uv_call *head, *tail;
	bool stopping;
};

/* A posted call, or the done call of a job. */
struct uv_call {
	struct uv_call *next;
	ponto_loop_fn *fn;
	void *arg;
	bool job;
};

struct uv_job {
	struct ponto_job job;
	struct uv_call call;
	struct uv_backend *backend;
	ponto_loop_fn *run;
};

struct ponto_timer {
	uint32_t slot;
};

struct ponto_watch {
	uv_poll_t poll;
	struct uv_backend *backend;
	ponto_watch_fn *fn;
	void *arg;
	unsigned events;
};

static struct uv_backend *backend_of(struct ponto_loop *loop)
{
	return (struct uv_backend *)loop;
}

static int uv_result(int status)
{
	switch (status) {
	case 0:
		return PONTO_OK;
	case UV_ENOMEM:
		return PONTO_ENOMEM;
	case UV_EEXIST:
		return PONTO_EEXIST;
	default:
		return PONTO_EIO;
	}
}

/* ---- time ------------------------------------------------------------------------ */

static uint64_t backend_now(struct ponto_loop *loop)
{
	struct uv_backend *b = backend_of(loop);

	if (!b->fresh || !b->running) {
		b->now = uv_hrtime() / 1000;
		b->fresh = true;
	}
	return b->now;
}

static int backend_timer(struct ponto_loop *loop, ponto_loop_fn *fn, void *arg, struct ponto_timer **out)
{
	struct uv_backend *b = backend_of(loop);
	struct ponto_timer *timer = ponto_new(b->alloc, 1, sizeof(*timer));

	if (!timer)
		return PONTO_ENOMEM;
	if (ponto_event_slot_create(&b->timers, fn, arg, false, &timer->slot) != PONTO_OK) {
		ponto_free(b->alloc, timer);
		return PONTO_ENOMEM;
	}
	*out = timer;
	return PONTO_OK;
}

static void backend_timer_set(struct ponto_loop *loop, struct ponto_timer *timer, uint64_t deadline)
{
	struct uv_backend *b = backend_of(loop);
	uint64_t earliest = b->running ? backend_now(loop) : 0;

	if (deadline == PONTO_NEVER) {
		ponto_event_disarm(&b->timers, timer->slot);
		return;
	}
	/* What a callback sets for the past must not overtake those that are due since before. */
	ponto_event_arm(&b->timers, timer->slot, deadline > earliest ? deadline : earliest);
}

static void backend_timer_destroy(struct ponto_loop *loop, struct ponto_timer *timer)
{
	struct uv_backend *b = backend_of(loop);

	ponto_event_slot_destroy(&b->timers, timer->slot);
	ponto_free(b->alloc, timer);
}

/* Only those armed before this pass: a timer that re-arms itself must not keep the loop from its watches. */
static void run_timers(struct uv_backend *b)
{
	uint64_t now = backend_now(&b->base);
	uint64_t last = b->timers.sequence;

	while (ponto_event_next(&b->timers) <= now &&
	       b->timers.heap[0].key >> PONTO_EVENT_SLOT_BITS <= last) {
		struct ponto_event_entry entry;
		ponto_loop_fn *fn;
		void *arg;

		ponto_event_pop(&b->timers, &entry, &fn, &arg);
		fn(arg);
	}
}

/* Without the stop a timer already due at the start of uv_run would fire there and then wait without end. */
static void alarm_rang(uv_timer_t *alarm)
{
	uv_stop(alarm->loop);
}

static void set_alarm(struct uv_backend *b)
{
	uint64_t next = ponto_event_next(&b->timers);
	uint64_t next_ms = next / 1000 + (next % 1000 != 0);
	uint64_t now_ms;

	if (next == PONTO_NEVER) {
		uv_timer_stop(&b->alarm);
		return;
	}
	uv_update_time(&b->uv);
	now_ms = uv_now(&b->uv);
	uv_timer_start(&b->alarm, alarm_rang, next_ms > now_ms ? next_ms - now_ms : 0, 0);
}

/* ---- watches --------------------------------------------------------------------- */

static int start_watch(struct ponto_watch *watch);

static void watch_ready(uv_poll_t *poll, int status, int ready)
{
	struct ponto_watch *watch = poll->data;
	unsigned events = (ready & UV_READABLE ? PONTO_READABLE : 0) | (ready & UV_WRITABLE ? PONTO_WRITABLE : 0);

	/* libuv stops a watch whose socket has an error queued (POLLERR): reading it is the owner's affair. */
	if (status < 0) {
		events = watch->events;
		if (start_watch(watch) != PONTO_OK)
			watch->events = 0;
	}
	watch->fn(watch->arg, events);
}

static int start_watch(struct ponto_watch *watch)
{
	int events = (watch->events & PONTO_READABLE ? UV_READABLE : 0) |
		     (watch->events & PONTO_WRITABLE ? UV_WRITABLE : 0);

	return uv_result(events ? uv_poll_start(&watch->poll, events, watch_ready) : uv_poll_stop(&watch->poll));
}

static void watch_closed(uv_handle_t *handle)
{
	struct ponto_watch *watch = handle->data;

	ponto_free(watch->backend->alloc, watch);
}

static int backend_watch(struct ponto_loop *loop, int fd, unsigned events, ponto_watch_fn *fn, void *arg,
			 struct ponto_watch **out)
{
	struct uv_backend *b = backend_of(loop);
	struct ponto_watch *watch = ponto_new(b->alloc, 1, sizeof(*watch));
	int result;

	if (!watch)
		return PONTO_ENOMEM;
	watch->backend = b;
	watch->fn = fn;
	watch->arg = arg;
	watch->events = events;
	result = uv_result(uv_poll_init(&b->uv, &watch->poll, fd));
	if (result != PONTO_OK) {
		ponto_free(b->alloc, watch);
		return result;
	}
	watch->poll.data = watch;
	result = start_watch(watch);
	if (result != PONTO_OK) {
		uv_close((uv_handle_t *)&watch->poll, watch_closed);
		return result;
	}
	*out = watch;
	return PONTO_OK;
}

static int backend_watch_set(struct ponto_loop *loop, struct ponto_watch *watch, unsigned events)
{
	(void)loop;
	watch->events = events;
	return start_watch(watch);
}

static void backend_watch_destroy(struct ponto_loop *loop, struct ponto_watch *watch)
{
	(void)loop;
	uv_close((uv_handle_t *)&watch->poll, watch_closed);
}

/* ---- calls from other threads ------------------------------------------------------ */

static void enqueue(struct uv_backend *b, struct uv_call *call)
{
	pthread_mutex_lock(&b->lock);
	call->next = NULL;
	if (b->tail)
		b->tail->next = call;
	else
		b->head = call;
	b->tail = call;
	pthread_cond_signal(&b->posted);
	/* Inside the lock: once the loop's thread has seen the call, the loop may be gone. */
	uv_async_send(&b->wake);
	pthread_mutex_unlock(&b->lock);
}

static int backend_post(struct ponto_loop *loop, ponto_loop_fn *fn, void *arg)
{
	struct uv_backend *b = backend_of(loop);
	struct uv_call *call = ponto_new(b->alloc, 1, sizeof(*call));

	if (!call)
		return PONTO_ENOMEM;
	call->fn = fn;
	call->arg = arg;
	enqueue(b, call);
	return PONTO_OK;
}

static void run_job(struct ponto_job *job)
{
	struct uv_job *j = (struct uv_job *)job;

	j->run(j->call.arg);
	enqueue(j->backend, &j->call);
}

static int backend_submit(struct ponto_loop *loop, struct ponto_pool *pool, ponto_loop_fn *run, ponto_loop_fn *done,
			  void *arg)
{
	struct uv_backend *b = backend_of(loop);
	struct uv_job *job = ponto_new(b->alloc, 1, sizeof(*job));
	int result;

	if (!job)
		return PONTO_ENOMEM;
	job->job.run = run_job;
	job->call = (struct uv_call){.fn = done, .arg = arg, .job = true};
	job->backend = b;
	job->run = run;
	result = ponto_pool_push(pool, &job->job);
	if (result != PONTO_OK) {
		ponto_free(b->alloc, job);
		return result;
	}
	b->outstanding++;
	return PONTO_OK;
}

/* Runs one call, or with drop only what a job still owes. */
static void finish_call(struct uv_backend *b, struct uv_call *call, bool drop)
{
	ponto_loop_fn *fn = call->fn;
	void *arg = call->arg;

	if (call->job) {
		b->outstanding--;
		ponto_free(b->alloc, (struct uv_job *)((char *)call - offsetof(struct uv_job, call)));
		fn(arg);
		return;
	}
	ponto_free(b->alloc, call);
	if (!drop)
		fn(arg);
}

/* Runs what was posted before this pass; waits for something first if told so. Returns whether to stop. */
static bool run_calls(struct uv_backend *b, bool wait, bool drop)
{
	struct uv_call *call;
	bool stopping;

	pthread_mutex_lock(&b->lock);
	while (wait && !b->head)
		pthread_cond_wait(&b->posted, &b->lock);
	call = b->head;
	b->head = b->tail = NULL;
	stopping = b->stopping;
	pthread_mutex_unlock(&b->lock);
	while (call) {
		struct uv_call *next = call->next;

		finish_call(b, call, drop);
		call = next;
	}
	return stopping;
}

static int backend_run(struct ponto_loop *loop)
{
	struct uv_backend *b = backend_of(loop);

	b->fresh = false;
	b->running = true;
	while (!run_calls(b, false, false)) {
		set_alarm(b);
		b->fresh = false;
		uv_run(&b->uv, UV_RUN_ONCE);
		run_timers(b);
	}
	/* After the stop nothing fires any more but what workers still owe. */
	while (b->outstanding > 0) {
		b->fresh = false;
		run_calls(b, true, false);
	}
	pthread_mutex_lock(&b->lock);
	b->stopping = false;
	pthread_mutex_unlock(&b->lock);
	b->running = false;
	return PONTO_OK;
}

static void backend_stop(struct ponto_loop *loop)
{
	struct uv_backend *b = backend_of(loop);

	pthread_mutex_lock(&b->lock);
	b->stopping = true;
	uv_async_send(&b->wake);
	pthread_mutex_unlock(&b->lock);
}

/* ---- making and unmaking ------------------------------------------------------------- */

/* Being woken is all: the round that follows looks at the queue. */
static void woken(uv_async_t *wake)
{
	(void)wake;
}

static void backend_destroy(struct ponto_loop *loop)
{
	struct uv_backend *b = backend_of(loop);
	int closed;

	while (b->outstanding > 0)
		run_calls(b, true, true);
	run_calls(b, false, true);
	uv_close((uv_handle_t *)&b->alarm, NULL);
	uv_close((uv_handle_t *)&b->wake, NULL);
	uv_run(&b->uv, UV_RUN_DEFAULT);
	closed = uv_loop_close(&b->uv);
	assert(closed == 0);
	(void)closed;
	ponto_event_queue_fini(&b->timers);
	pthread_cond_destroy(&b->posted);
	pthread_mutex_destroy(&b->lock);
	ponto_free(b->alloc, b);
}

static const struct ponto_loop_ops uv_ops = {
	.head = {PONTO_LOOP_ABI, sizeof(uv_ops)},
	.destroy = backend_destroy,
	.now = backend_now,
	.timer = backend_timer,
	.timer_set = backend_timer_set,
	.timer_destroy = backend_timer_destroy,
	.watch = backend_watch,
	.watch_set = backend_watch_set,
	.watch_destroy = backend_watch_destroy,
	.post = backend_post,
	.submit = backend_submit,
	.run = backend_run,
	.stop = backend_stop,
};

int ponto_loop_uv_create(const struct ponto_alloc *alloc, struct ponto_loop **out)
{
	struct uv_backend *b = ponto_new(alloc, 1, sizeof(*b));
	int result;

	if (!b)
		return PONTO_ENOMEM;
	result = uv_result(uv_loop_init(&b->uv));
	if (result != PONTO_OK) {
		ponto_free(alloc, b);
		return result;
	}
	result = uv_result(uv_async_init(&b->uv, &b->wake, woken));
	if (result != PONTO_OK) {
		uv_loop_close(&b->uv);
		ponto_free(alloc, b);
		return result;
	}
	uv_timer_init(&b->uv, &b->alarm);
	b->base.ops = &uv_ops;
	b->alloc = alloc;
	ponto_event_queue_init(&b->timers, alloc);
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->posted, NULL);
	*out = &b->base;
	return PONTO_OK;
}
