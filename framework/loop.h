/* Ponto: descriptors, deadlines, workers. The loop is a vtable with two
 * backends: loop-uv (production, libuv) and loop-sim (virtual time, sim.h).
 * Production glue runs on both.
 *
 * A loop and its timers and watches belong to one thread, the one that runs
 * it; ponto_loop_post, ponto_loop_stop and ponto_pool_submit's hand-over are
 * the only calls another thread may make. */
#ifndef PONTO_LOOP_H
#define PONTO_LOOP_H

#include "framework/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PONTO_LOOP_ABI 1

struct ponto_loop;
struct ponto_timer;
struct ponto_watch;
struct ponto_pool;
struct ponto_sim_node;

typedef void ponto_loop_fn(void *arg);
typedef void ponto_watch_fn(void *arg, unsigned events);

#define PONTO_READABLE 1u
#define PONTO_WRITABLE 2u

struct ponto_loop_ops {
	struct ponto_vtable head;
	void (*destroy)(struct ponto_loop *loop);
	uint64_t (*now)(struct ponto_loop *loop);
	int (*timer)(struct ponto_loop *loop, ponto_loop_fn *fn, void *arg, struct ponto_timer **out);
	void (*timer_set)(struct ponto_loop *loop, struct ponto_timer *timer, uint64_t deadline);
	void (*timer_destroy)(struct ponto_loop *loop, struct ponto_timer *timer);
	int (*watch)(struct ponto_loop *loop, int fd, unsigned events, ponto_watch_fn *fn, void *arg,
		     struct ponto_watch **out);
	int (*watch_set)(struct ponto_loop *loop, struct ponto_watch *watch, unsigned events);
	void (*watch_destroy)(struct ponto_loop *loop, struct ponto_watch *watch);
	int (*post)(struct ponto_loop *loop, ponto_loop_fn *fn, void *arg);
	int (*submit)(struct ponto_loop *loop, struct ponto_pool *pool, ponto_loop_fn *run, ponto_loop_fn *done,
		      void *arg);
	int (*run)(struct ponto_loop *loop);
	void (*stop)(struct ponto_loop *loop);
	struct ponto_sim_node *(*sim)(struct ponto_loop *loop);
};

/* Backends embed this as their first member. */
struct ponto_loop {
	const struct ponto_loop_ops *ops;
};

/* The production backend. gives */
PONTO_MUST_CHECK int ponto_loop_uv_create(const struct ponto_alloc *alloc, struct ponto_loop **out);

/* Accepts NULL. Timers and watches must be gone; posted calls that never ran are dropped, done calls still owed
 * run. A loop-sim belongs to its world: destroying it empties it, and the node may use it again. */
static inline void ponto_loop_destroy(struct ponto_loop *loop)
{
	if (loop)
		loop->ops->destroy(loop);
}

/* Monotonic microseconds, refreshed once per wake-up: all callbacks of one wake-up see the same. */
static inline uint64_t ponto_loop_now(struct ponto_loop *loop)
{
	return loop->ops->now(loop);
}

/* A timer, not armed. gives */
PONTO_MUST_CHECK static inline int ponto_timer_create(struct ponto_loop *loop, ponto_loop_fn *fn, void *arg,
						      struct ponto_timer **out)
{
	return loop->ops->timer(loop, fn, arg, out);
}

/* Fires once at or after deadline (monotonic microseconds); PONTO_NEVER disarms. Cannot fail. */
static inline void ponto_timer_set(struct ponto_loop *loop, struct ponto_timer *timer, uint64_t deadline)
{
	loop->ops->timer_set(loop, timer, deadline);
}

/* Accepts NULL. Safe inside the timer's own callback. */
static inline void ponto_timer_destroy(struct ponto_loop *loop, struct ponto_timer *timer)
{
	if (timer)
		loop->ops->timer_destroy(loop, timer);
}

/* Calls fn while fd has one of events (level-triggered). PONTO_ENOTSUP on loop-sim. gives. borrows fd for the watch's life */
PONTO_MUST_CHECK static inline int ponto_watch_create(struct ponto_loop *loop, int fd, unsigned events,
						      ponto_watch_fn *fn, void *arg, struct ponto_watch **out)
{
	return loop->ops->watch(loop, fd, events, fn, arg, out);
}

PONTO_MUST_CHECK static inline int ponto_watch_set(struct ponto_loop *loop, struct ponto_watch *watch, unsigned events)
{
	return loop->ops->watch_set(loop, watch, events);
}

/* Accepts NULL. Safe inside the watch's own callback; close fd afterwards. */
static inline void ponto_watch_destroy(struct ponto_loop *loop, struct ponto_watch *watch)
{
	if (watch)
		loop->ops->watch_destroy(loop, watch);
}

/* Runs fn on the loop's thread, soon, in order of posting. From any thread. */
PONTO_MUST_CHECK static inline int ponto_loop_post(struct ponto_loop *loop, ponto_loop_fn *fn, void *arg)
{
	return loop->ops->post(loop, fn, arg);
}

/* Runs until ponto_loop_stop; may be run again. PONTO_OK, or PONTO_EIO: on loop-sim, when no event is left in
 * the whole world (it runs the world, not this node alone). */
PONTO_MUST_CHECK static inline int ponto_loop_run(struct ponto_loop *loop)
{
	return loop->ops->run(loop);
}

/* From any thread, also before run. Callbacks of the round under way and calls posted before still run; then
 * work handed to pools is waited for, its done calls run, and run returns. */
static inline void ponto_loop_stop(struct ponto_loop *loop)
{
	loop->ops->stop(loop);
}

/* The simulated node behind a loop-sim, else NULL: how transport-sim finds its world. */
static inline struct ponto_sim_node *ponto_loop_sim(struct ponto_loop *loop)
{
	return PONTO_HAS(loop->ops, sim) ? loop->ops->sim(loop) : NULL;
}

/* ---- workers: for calls that block (stores, signatures) -------------------- */

/* A bounded pool of threads and a bounded queue; never libuv's global pool. Threads start when there
 * is work and end after two idle seconds, so a pool under loop-sim has none. gives */
PONTO_MUST_CHECK int ponto_pool_create(const struct ponto_alloc *alloc, const char *name, unsigned threads,
				       unsigned queue_limit, struct ponto_pool **out);

/* Waits for running work; queued work still runs. Accepts NULL. */
void ponto_pool_destroy(struct ponto_pool *pool);

/* Runs run(arg) on a worker, then done(arg) on loop. PONTO_EBUSY when the queue is full: nothing ran. Under
 * loop-sim run happens at once on the caller's thread and done at a later virtual time. takes arg until done */
PONTO_MUST_CHECK static inline int ponto_pool_submit(struct ponto_pool *pool, struct ponto_loop *loop,
						     ponto_loop_fn *run, ponto_loop_fn *done, void *arg)
{
	return loop->ops->submit(loop, pool, run, done, arg);
}

#ifdef __cplusplus
}
#endif
#endif
