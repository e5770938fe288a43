#include "framework/sim_world.h"

/* The loop of a simulated node: its timers and posted calls are events of the world. */

struct ponto_timer {
	uint32_t slot;
};

static struct ponto_sim_node *node_of(struct ponto_loop *loop)
{
	return (struct ponto_sim_node *)loop;
}

static uint64_t sim_loop_now(struct ponto_loop *loop)
{
	return node_of(loop)->world->now;
}

static int sim_loop_timer(struct ponto_loop *loop, ponto_loop_fn *fn, void *arg, struct ponto_timer **out)
{
	struct ponto_sim *sim = node_of(loop)->world;
	struct ponto_timer *timer = ponto_new(sim->alloc, 1, sizeof(*timer));

	if (!timer)
		return PONTO_ENOMEM;
	if (ponto_event_slot_create(&sim->events, fn, arg, false, &timer->slot) != PONTO_OK) {
		ponto_free(sim->alloc, timer);
		return PONTO_ENOMEM;
	}
	*out = timer;
	return PONTO_OK;
}

static void sim_loop_timer_set(struct ponto_loop *loop, struct ponto_timer *timer, uint64_t deadline)
{
	struct ponto_sim *sim = node_of(loop)->world;

	if (deadline == PONTO_NEVER)
		ponto_event_disarm(&sim->events, timer->slot);
	else
		ponto_event_arm(&sim->events, timer->slot, deadline > sim->now ? deadline : sim->now);
}

void ponto_sim_timer_ahead(const struct ponto_sim *sim, const struct ponto_timer *timer)
{
	ponto_prefetch(&sim->events.slots[timer->slot], sizeof(*sim->events.slots));
}

static void sim_loop_timer_destroy(struct ponto_loop *loop, struct ponto_timer *timer)
{
	struct ponto_sim *sim = node_of(loop)->world;

	ponto_event_slot_destroy(&sim->events, timer->slot);
	ponto_free(sim->alloc, timer);
}

/* There are no descriptors in the simulated world. */
static int sim_loop_watch(struct ponto_loop *loop, int fd, unsigned events, ponto_watch_fn *fn, void *arg,
			  struct ponto_watch **out)
{
	(void)loop;
	(void)fd;
	(void)events;
	(void)fn;
	(void)arg;
	(void)out;
	return PONTO_ENOTSUP;
}

static int sim_loop_watch_set(struct ponto_loop *loop, struct ponto_watch *watch, unsigned events)
{
	(void)loop;
	(void)watch;
	(void)events;
	return PONTO_ENOTSUP;
}

static void sim_loop_watch_destroy(struct ponto_loop *loop, struct ponto_watch *watch)
{
	(void)loop;
	(void)watch;
}

/* ---- posted calls and jobs --------------------------------------------------------------- */

static void unlink_call(struct sim_call *call)
{
	struct ponto_sim_node *node = call->node;

	if (call->next)
		call->next->prev = call->prev;
	if (call->prev)
		call->prev->next = call->next;
	else
		node->calls = call->next;
	if (call->job)
		node->outstanding--;
	call->next = node->world->spare;
	node->world->spare = call;
}

static void run_call(void *arg)
{
	struct sim_call *call = arg;
	ponto_loop_fn *fn = call->fn;
	void *fn_arg = call->arg;

	unlink_call(call);
	fn(fn_arg);
}

static int add_call(struct ponto_sim_node *node, uint64_t delay, ponto_loop_fn *fn, void *arg, bool job)
{
	struct ponto_sim *sim = node->world;
	struct sim_call *call = sim->spare;

	if (call) {
		sim->spare = call->next;
	} else {
		call = ponto_new(sim->alloc, 1, sizeof(*call));
		if (!call)
			return PONTO_ENOMEM;
	}
	*call = (struct sim_call){.next = node->calls, .node = node, .fn = fn, .arg = arg, .job = job};
	call->event = ponto_sim_at(sim, sim->now + delay, run_call, call);
	if (call->event == 0) {
		call->next = sim->spare;
		sim->spare = call;
		return PONTO_ENOMEM;
	}
	if (node->calls)
		node->calls->prev = call;
	node->calls = call;
	if (job)
		node->outstanding++;
	return PONTO_OK;
}

static int sim_loop_post(struct ponto_loop *loop, ponto_loop_fn *fn, void *arg)
{
	return add_call(node_of(loop), 0, fn, arg, false);
}

/* The pool's threads are never used: the work is done here and now, and seems to take its time. */
static int sim_loop_submit(struct ponto_loop *loop, struct ponto_pool *pool, ponto_loop_fn *run, ponto_loop_fn *done,
			   void *arg)
{
	struct ponto_sim_node *node = node_of(loop);
	int result = add_call(node, node->world->work_time, done, arg, true);

	(void)pool;
	if (result == PONTO_OK)
		run(arg);
	return result;
}

/* ---- running -------------------------------------------------------------------------------- */

/* Runs the whole world, since nothing moves without it. PONTO_EIO when the world ran dry before the stop. */
static int sim_loop_run(struct ponto_loop *loop)
{
	struct ponto_sim_node *node = node_of(loop);
	int result = PONTO_OK;

	while (!node->stopping || node->outstanding > 0) {
		if (!ponto_sim_step(node->world)) {
			result = PONTO_EIO;
			break;
		}
	}
	node->stopping = false;
	return result;
}

static void sim_loop_stop(struct ponto_loop *loop)
{
	node_of(loop)->stopping = true;
}

static struct ponto_sim_node *sim_loop_node(struct ponto_loop *loop)
{
	return node_of(loop);
}

/* A node that goes away leaves nothing pending; the loop itself stays with the world and may be used again,
 * as by a node that comes back. */
static void sim_loop_destroy(struct ponto_loop *loop)
{
	struct ponto_sim_node *node = node_of(loop);

	while (node->calls) {
		struct sim_call *call = node->calls;
		ponto_loop_fn *fn = call->job ? call->fn : NULL;
		void *arg = call->arg;

		ponto_sim_cancel(node->world, call->event);
		unlink_call(call);
		if (fn)
			fn(arg);
	}
	node->stopping = false;
}

static const struct ponto_loop_ops sim_loop_ops = {
	.head = {PONTO_LOOP_ABI, sizeof(sim_loop_ops)},
	.destroy = sim_loop_destroy,
	.now = sim_loop_now,
	.timer = sim_loop_timer,
	.timer_set = sim_loop_timer_set,
	.timer_destroy = sim_loop_timer_destroy,
	.watch = sim_loop_watch,
	.watch_set = sim_loop_watch_set,
	.watch_destroy = sim_loop_watch_destroy,
	.post = sim_loop_post,
	.submit = sim_loop_submit,
	.run = sim_loop_run,
	.stop = sim_loop_stop,
	.sim = sim_loop_node,
};

void ponto_loop_sim_init(struct ponto_sim_node *node)
{
	node->loop.ops = &sim_loop_ops;
}

void ponto_loop_sim_fini(struct ponto_sim_node *node)
{
	sim_loop_destroy(&node->loop);
}
