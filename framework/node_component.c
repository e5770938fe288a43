/* A service instance on a thread of its own: everything of it happens there, from create to destroy. */
#include "framework/node_private.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#define RELOAD_LIMIT (2 * PONTO_SECOND)

static void on_call(void *arg, struct ponto_call *call)
{
	struct node_instance *i = arg;

	if (PONTO_HAS(node_service_ops(i), call))
		node_service_ops(i)->call(i->self, call);
	else
		ponto_call_reply(call, PONTO_ENOTSUP, ponto_bytes(NULL, 0), "this service takes no calls");
}

static void on_gone(void *arg, uint64_t client)
{
	struct node_instance *i = arg;

	if (PONTO_HAS(node_service_ops(i), client_gone))
		node_service_ops(i)->client_gone(i->self, client);
}

static const struct ponto_port_events port_events = {on_call, on_gone};

/* ---- on the component's thread --------------------------------------------------- */

static int make(struct node_instance *i)
{
	struct node_component *c = i->component;
	int result = ponto_loop_uv_create(i->node->setup.alloc, &c->loop);

	if (result)
		return result;
	result = ponto_bus_attach(i->node->setup.bus, c->loop, i->name, &port_events, i, &c->port);
	if (result)
		return result;
	i->env.loop = c->loop;
	i->env.port = c->port;
	return node_service_ops(i)->create(&i->env, &i->self);
}

static void unmake(struct node_instance *i, bool created)
{
	struct node_component *c = i->component;

	if (created)
		node_service_ops(i)->destroy(i->self);
	ponto_port_detach(c->port);
	ponto_loop_destroy(c->loop);
}

static void set_state(struct node_component *c, enum component_state state, int result)
{
	pthread_mutex_lock(&c->lock);
	c->state = state;
	c->result = result;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

/* Calls that come before the start wait at the port. */
static bool told_to_start(struct node_component *c)
{
	bool start;

	pthread_mutex_lock(&c->lock);
	while (!c->start && !c->quit)
		pthread_cond_wait(&c->changed, &c->lock);
	start = c->start && !c->quit;
	if (start)
		c->state = COMPONENT_STARTING;
	pthread_mutex_unlock(&c->lock);
	return start;
}

static void run_service(struct node_instance *i)
{
	struct node_component *c = i->component;
	int result = PONTO_OK;

	if (PONTO_HAS(node_service_ops(i), start))
		result = node_service_ops(i)->start(i->self);
	set_state(c, result ? COMPONENT_READY : COMPONENT_RUNNING, result);
	if (result == PONTO_OK) {
		result = ponto_loop_run(c->loop);
		if (result)
			ponto_error(i->env.log, NODE_TOPIC, "service %s: its loop failed: %s", i->name,
				    ponto_strerror(result));
	}
}

static void *component_main(void *arg)
{
	struct node_instance *i = arg;
	struct node_component *c = i->component;
	char title[16];
	int result;

	snprintf(title, sizeof(title), "ponto-%.9s", i->name);
	(void)prctl(PR_SET_NAME, title);
	result = make(i);
	if (result) {
		unmake(i, false);
		set_state(c, COMPONENT_ENDED, result);
		return NULL;
	}
	set_state(c, COMPONENT_READY, PONTO_OK);
	if (told_to_start(c)) {
		run_service(i);
		pthread_mutex_lock(&c->lock); /* a failed start waits for the end like any other */
		while (!c->quit)
			pthread_cond_wait(&c->changed, &c->lock);
		pthread_mutex_unlock(&c->lock);
	}
	unmake(i, true);
	set_state(c, COMPONENT_ENDED, PONTO_OK);
	return NULL;
}

static void stopped(void *arg)
{
	struct node_instance *i = arg;

	ponto_loop_stop(i->component->loop);
}

static void stop_service(void *arg)
{
	struct node_instance *i = arg;

	if (PONTO_HAS(node_service_ops(i), stop))
		node_service_ops(i)->stop(i->self, stopped, i);
	else
		stopped(i);
}

static void reload_service(void *arg)
{
	struct node_instance *i = arg;
	struct node_component *c = i->component;
	const struct ponto_conf *conf;
	int result;

	pthread_mutex_lock(&c->lock);
	conf = c->reload_conf;
	pthread_mutex_unlock(&c->lock);
	result = node_service_ops(i)->reload(i->self, conf);
	if (result == PONTO_OK)
		i->env.conf = conf;
	pthread_mutex_lock(&c->lock);
	c->reload_result = result;
	c->reload_done = true;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

/* ---- on the node's thread ---------------------------------------------------------- */

static int new_component(const struct ponto_alloc *alloc, struct node_component **out)
{
	struct node_component *c = ponto_new(alloc, 1, sizeof(*c));
	pthread_condattr_t attr;

	if (!c)
		return PONTO_ENOMEM;
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->changed, &attr);
	pthread_condattr_destroy(&attr);
	*out = c;
	return PONTO_OK;
}

static void free_component(struct node_instance *i)
{
	struct node_component *c = i->component;

	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
	ponto_free(i->node->setup.alloc, c);
	i->component = NULL;
}

/* Waits for a state past `beyond`. */
static int wait_past(struct node_component *c, enum component_state beyond)
{
	int result;

	pthread_mutex_lock(&c->lock);
	while (c->state == beyond)
		pthread_cond_wait(&c->changed, &c->lock);
	result = c->result;
	pthread_mutex_unlock(&c->lock);
	return result;
}

int node_component_create(struct node_instance *i)
{
	struct node_component *c;
	sigset_t all, before;
	int error;
	int result = new_component(i->node->setup.alloc, &c);

	if (result)
		return result;
	i->component = c;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&c->thread, NULL, component_main, i);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error) {
		free_component(i);
		return PONTO_ENOMEM;
	}
	result = wait_past(c, COMPONENT_CREATING);
	if (result) {
		(void)pthread_join(c->thread, NULL);
		free_component(i);
	}
	return result;
}

int node_component_start(struct node_instance *i)
{
	struct node_component *c = i->component;
	int result;

	pthread_mutex_lock(&c->lock);
	c->start = true;
	c->state = COMPONENT_STARTING;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
	result = wait_past(c, COMPONENT_STARTING);
	return result;
}

void node_component_quit(struct node_instance *i)
{
	struct node_component *c = i->component;
	bool running;

	pthread_mutex_lock(&c->lock);
	running = c->state == COMPONENT_RUNNING && !c->quit;
	c->quit = true;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
	if (running && ponto_loop_post(c->loop, stop_service, i) != PONTO_OK)
		ponto_loop_stop(c->loop); /* no memory for politeness */
}

static bool wait_until(struct node_component *c, const bool *flag, uint64_t deadline)
{
	struct timespec until = {(time_t)(deadline / PONTO_SECOND), (long)(deadline % PONTO_SECOND * 1000)};

	while (!*flag) {
		if (pthread_cond_timedwait(&c->changed, &c->lock, &until) == ETIMEDOUT)
			return *flag;
	}
	return true;
}

bool node_component_end(struct node_instance *i, uint64_t deadline)
{
	struct node_component *c = i->component;
	struct timespec until = {(time_t)(deadline / PONTO_SECOND), (long)(deadline % PONTO_SECOND * 1000)};
	bool ended;

	pthread_mutex_lock(&c->lock);
	while (c->state != COMPONENT_ENDED) {
		if (pthread_cond_timedwait(&c->changed, &c->lock, &until) == ETIMEDOUT)
			break;
	}
	ended = c->state == COMPONENT_ENDED;
	pthread_mutex_unlock(&c->lock);
	if (!ended)
		return false;
	(void)pthread_join(c->thread, NULL);
	free_component(i);
	return true;
}

int node_component_reload(struct node_instance *i, const struct ponto_conf *conf)
{
	struct node_component *c = i->component;
	struct timespec now;
	uint64_t deadline;
	int result;

	clock_gettime(CLOCK_MONOTONIC, &now);
	deadline = (uint64_t)now.tv_sec * PONTO_SECOND + (uint64_t)now.tv_nsec / 1000 + RELOAD_LIMIT;
	pthread_mutex_lock(&c->lock);
	c->reload_conf = conf;
	c->reload_done = false;
	pthread_mutex_unlock(&c->lock);
	result = ponto_loop_post(c->loop, reload_service, i);
	if (result)
		return result;
	pthread_mutex_lock(&c->lock);
	result = wait_until(c, &c->reload_done, deadline) ? c->reload_result : PONTO_ETIME;
	pthread_mutex_unlock(&c->lock);
	return result;
}

/* A call, or with call NULL the end of a client, on its way to the service's thread. */
struct handed {
	struct node_instance *instance;
	struct ponto_call *call;
	uint64_t client;
};

static void take_handed(void *arg)
{
	struct handed h = *(struct handed *)arg;

	ponto_free(h.instance->env.alloc, arg);
	if (h.call)
		on_call(h.instance, h.call);
	else
		on_gone(h.instance, h.client);
}

static int hand(struct node_instance *i, struct ponto_call *call, uint64_t client)
{
	struct node_component *c = i->component;
	struct handed *h;
	bool running;
	int result;

	pthread_mutex_lock(&c->lock);
	running = c->state == COMPONENT_RUNNING && !c->quit;
	pthread_mutex_unlock(&c->lock);
	if (!running)
		return PONTO_ENOENT;
	h = ponto_new(i->env.alloc, 1, sizeof(*h));
	if (!h)
		return PONTO_ENOMEM;
	*h = (struct handed){i, call, client};
	result = ponto_loop_post(c->loop, take_handed, h);
	if (result)
		ponto_free(i->env.alloc, h);
	return result;
}

int node_component_call(struct node_instance *i, struct ponto_call *call)
{
	return hand(i, call, 0);
}

int node_component_gone(struct node_instance *i, uint64_t client)
{
	return hand(i, NULL, client);
}
