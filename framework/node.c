/* The instances of a node: made in order, found by kind and name, taken down in reverse. */
#include "framework/node_private.h"

#include "framework/discovery.h"
#include "framework/http.h"
#include "framework/mapping.h"
#include "framework/security.h"
#include "framework/store.h"
#include "framework/transport.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define STORE_THREADS 4
#define SECURITY_THREADS 2
#define POOL_QUEUE 1024
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) /* which take several times as long */
#define STOP_LIMIT (6000 * PONTO_MS)
#else
#define STOP_LIMIT (1500 * PONTO_MS) /* the whole daemon has two seconds */
#endif

int ponto_node_create(const struct ponto_node_setup *setup, struct ponto_node **out)
{
	struct ponto_node *node = ponto_new(setup->alloc, 1, sizeof(*node));

	if (!node)
		return PONTO_ENOMEM;
	node->setup = *setup;
	node->name = ponto_strdup(setup->alloc, setup->name ? setup->name : "");
	node->state_dir = setup->state_dir ? ponto_strdup(setup->alloc, setup->state_dir) : NULL;
	if (!node->name || (setup->state_dir && !node->state_dir)) {
		ponto_free(setup->alloc, node->name);
		ponto_free(setup->alloc, node->state_dir);
		ponto_free(setup->alloc, node);
		return PONTO_ENOMEM;
	}
	pthread_mutex_init(&node->lock, NULL);
	*out = node;
	return PONTO_OK;
}

/* ---- looking up ------------------------------------------------------------------ */

static struct node_instance *find(const struct ponto_node *node, enum ponto_kind kind, const char *name)
{
	for (size_t n = 0; n < node->count; n++) {
		struct node_instance *i = node->instances[n];

		if (i->plugin->kind == (uint32_t)kind && strcmp(i->name, name) == 0)
			return i;
	}
	return NULL;
}

int ponto_node_find(const struct ponto_node *node, enum ponto_kind kind, const char *name, struct ponto_iface *out)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&node->lock;
	struct node_instance *i;
	int result = PONTO_ENOENT;

	pthread_mutex_lock(lock);
	i = find(node, kind, name);
	if (i && i->created) {
		out->ops = i->plugin->vtable;
		out->self = i->self;
		out->pool = i->pool;
		result = PONTO_OK;
	}
	pthread_mutex_unlock(lock);
	return result;
}

int ponto_env_find(const struct ponto_env *env, enum ponto_kind kind, const char *name, struct ponto_iface *out)
{
	int result = env->node ? ponto_node_find(env->node, kind, name, out) : PONTO_ENOENT;

	if (result != PONTO_OK)
		ponto_error(env->log, NODE_TOPIC, "%s: no %s instance '%s'", env->instance, ponto_kind_name(kind), name);
	return result;
}

const struct ponto_grant *ponto_env_grant(const struct ponto_env *env, const char *name)
{
	for (size_t i = 0; i < env->grant_count; i++)
		if (strcmp(env->grants[i].name, name) == 0)
			return &env->grants[i];
	return NULL;
}

bool ponto_node_at(const struct ponto_node *node, size_t index, const struct ponto_plugin **plugin, const char **name)
{
	if (index >= node->count)
		return false;
	*plugin = node->instances[index]->plugin;
	*name = node->instances[index]->name;
	return true;
}

/* ---- adding ------------------------------------------------------------------------ */

/* The create and destroy of the kinds that have no thread of their own. */
static int create_plain(struct node_instance *i)
{
	const struct ponto_vtable *v = i->plugin->vtable;

	switch (i->plugin->kind) {
	case PONTO_KIND_TRANSPORT:
		return ((const struct ponto_transport_ops *)v)->create(&i->env, &i->self);
	case PONTO_KIND_STORE:
		return ((const struct ponto_store_ops *)v)->create(&i->env, &i->self);
	case PONTO_KIND_SECURITY:
		return ((const struct ponto_security_ops *)v)->create(&i->env, &i->self);
	case PONTO_KIND_DISCOVERY:
		return ((const struct ponto_discovery_ops *)v)->create(&i->env, &i->self);
	case PONTO_KIND_HTTP:
		return ((const struct ponto_http_ops *)v)->create(&i->env, &i->self);
	case PONTO_KIND_MAPPING:
		return ((const struct ponto_mapping_ops *)v)->create(&i->env, &i->self);
	case PONTO_KIND_SERVICE: /* on the caller's loop */
		i->env.loop = i->node->setup.loop;
		return node_service_ops(i)->create(&i->env, &i->self);
	default:
		return PONTO_ENOTSUP;
	}
}

static void destroy_plain(struct node_instance *i)
{
	const struct ponto_vtable *v = i->plugin->vtable;

	switch (i->plugin->kind) {
	case PONTO_KIND_TRANSPORT:
		((const struct ponto_transport_ops *)v)->destroy(i->self);
		break;
	case PONTO_KIND_STORE:
		((const struct ponto_store_ops *)v)->destroy(i->self);
		break;
	case PONTO_KIND_SECURITY:
		((const struct ponto_security_ops *)v)->destroy(i->self);
		break;
	case PONTO_KIND_DISCOVERY:
		((const struct ponto_discovery_ops *)v)->destroy(i->self);
		break;
	case PONTO_KIND_HTTP:
		((const struct ponto_http_ops *)v)->destroy(i->self);
		break;
	case PONTO_KIND_MAPPING:
		((const struct ponto_mapping_ops *)v)->destroy(i->self);
		break;
	case PONTO_KIND_SERVICE:
		node_service_ops(i)->destroy(i->self);
		break;
	default:
		break;
	}
}

static void free_instance(struct node_instance *i)
{
	const struct ponto_alloc *alloc = i->node->setup.alloc;

	ponto_pool_destroy(i->pool);
	if (i->created && !(i->plugin->kind == PONTO_KIND_SERVICE && i->node->setup.bus))
		destroy_plain(i);
	ponto_log_destroy(i->log);
	ponto_free(alloc, i->name);
	ponto_free(alloc, i);
}

static int make_pool(struct node_instance *i)
{
	const struct ponto_alloc *alloc = i->node->setup.alloc;

	if (i->plugin->kind == PONTO_KIND_STORE)
		return ponto_pool_create(alloc, i->name, STORE_THREADS, POOL_QUEUE, &i->pool);
	if (i->plugin->kind == PONTO_KIND_SECURITY)
		return ponto_pool_create(alloc, i->name, SECURITY_THREADS, POOL_QUEUE, &i->pool);
	return PONTO_OK;
}

static void fill_env(struct node_instance *i)
{
	const struct ponto_node_setup *s = &i->node->setup;

	i->env.abi = PONTO_PLUGIN_ABI;
	i->env.size = sizeof(i->env);
	i->env.instance = i->name;
	i->env.node_name = i->node->name;
	i->env.state_dir = i->node->state_dir;
	i->env.conf = i->conf;
	i->env.alloc = s->alloc;
	i->env.random = s->random;
	i->env.clock = s->clock;
	i->env.log = i->log;
	i->env.metrics = s->metrics;
	i->env.node = i->node;
	i->env.simulation = s->simulation;
	i->env.grants = s->grants;
	i->env.grant_count = s->grant_count;
}

static int append(struct ponto_node *node, struct node_instance *i)
{
	struct node_instance **list;
	int result = PONTO_OK;

	pthread_mutex_lock(&node->lock);
	if (node->count == node->room) {
		size_t room = node->room ? node->room * 2 : 8;

		list = ponto_resize(node->setup.alloc, node->instances, room, sizeof(struct node_instance *));
		if (list) {
			node->instances = list;
			node->room = room;
		} else {
			result = PONTO_ENOMEM;
		}
	}
	if (result == PONTO_OK)
		node->instances[node->count++] = i;
	pthread_mutex_unlock(&node->lock);
	return result;
}

static void drop_last(struct ponto_node *node)
{
	pthread_mutex_lock(&node->lock);
	node->count--;
	pthread_mutex_unlock(&node->lock);
}

static void set_created(struct node_instance *i)
{
	pthread_mutex_lock(&i->node->lock);
	i->created = true;
	pthread_mutex_unlock(&i->node->lock);
}

int ponto_node_add(struct ponto_node *node, const struct ponto_plugin *plugin, const char *name,
		   const struct ponto_conf *conf, char reason[PONTO_REASON_SIZE])
{
	const struct ponto_alloc *alloc = node->setup.alloc;
	bool threaded = plugin->kind == PONTO_KIND_SERVICE && node->setup.bus;
	struct node_instance *i;
	int result;

	reason[0] = '\0';
	if (find(node, (enum ponto_kind)plugin->kind, name)) {
		snprintf(reason, PONTO_REASON_SIZE, "%s.%s: the name is taken",
			 ponto_kind_group((enum ponto_kind)plugin->kind), name);
		return PONTO_EEXIST;
	}
	i = ponto_new(alloc, 1, sizeof(*i));
	if (!i) {
		result = PONTO_ENOMEM;
		goto out;
	}
	i->node = node;
	i->plugin = plugin;
	i->conf = conf;
	i->name = ponto_strdup(alloc, name);
	result = i->name ? make_pool(i) : PONTO_ENOMEM;
	if (result == PONTO_OK && node->setup.log)
		result = ponto_log_for(node->setup.log, name, &i->log);
	if (result == PONTO_OK)
		result = append(node, i);
	if (result) {
		free_instance(i);
		goto out;
	}
	fill_env(i);
	result = threaded ? node_component_create(i) : create_plain(i);
	if (result) {
		drop_last(node);
		free_instance(i);
		goto out;
	}
	set_created(i);
out:
	if (result)
		snprintf(reason, PONTO_REASON_SIZE, "%s.%s: %s cannot be made: %s",
			 ponto_kind_group((enum ponto_kind)plugin->kind), name, plugin->name, ponto_strerror(result));
	return result;
}

int ponto_node_compose(struct ponto_node *node, const struct ponto_conf_file *file, struct ponto_registry *registry,
		       char reason[PONTO_REASON_SIZE])
{
	for (size_t n = 0; n < ponto_conf_instance_count(file); n++) {
		const struct ponto_conf_instance *c = ponto_conf_instance_at(file, n);
		const struct ponto_plugin *plugin = ponto_registry_find(registry, c->plugin);
		int result;

		if (!plugin) {
			snprintf(reason, PONTO_REASON_SIZE, "%s:%u: plugin %s is not loaded", c->file, c->line,
				 c->plugin);
			return PONTO_ENOENT;
		}
		result = ponto_node_add(node, plugin, c->name, c->conf, reason);
		if (result)
			return result;
	}
	return PONTO_OK;
}

/* ---- starting and ending --------------------------------------------------------------- */

int ponto_node_start(struct ponto_node *node, char reason[PONTO_REASON_SIZE])
{
	for (size_t n = 0; n < node->count; n++) {
		struct node_instance *i = node->instances[n];
		int result = PONTO_OK;

		if (i->plugin->kind != PONTO_KIND_SERVICE || i->started)
			continue;
		if (i->component)
			result = node_component_start(i);
		else if (PONTO_HAS(node_service_ops(i), start))
			result = node_service_ops(i)->start(i->self);
		if (result) {
			snprintf(reason, PONTO_REASON_SIZE, "services.%s: %s does not start: %s", i->name,
				 i->plugin->name, ponto_strerror(result));
			return result;
		}
		i->started = true;
	}
	return PONTO_OK;
}

int ponto_node_call(struct ponto_node *node, const char *service, struct ponto_call *call)
{
	struct node_instance *i = find(node, PONTO_KIND_SERVICE, service);

	if (!i || !i->started || !PONTO_HAS(node_service_ops(i), call))
		return PONTO_ENOENT;
	if (i->component)
		return node_component_call(i, call);
	node_service_ops(i)->call(i->self, call);
	return PONTO_OK;
}

int ponto_node_client_gone(struct ponto_node *node, const char *service, uint64_t client)
{
	struct node_instance *i = find(node, PONTO_KIND_SERVICE, service);

	if (!i || !i->started)
		return PONTO_ENOENT;
	if (!PONTO_HAS(node_service_ops(i), client_gone))
		return PONTO_OK;
	if (i->component)
		return node_component_gone(i, client);
	node_service_ops(i)->client_gone(i->self, client);
	return PONTO_OK;
}

static uint64_t monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now); /* threads are waited for in real time, whatever the node's clock */
	return (uint64_t)now.tv_sec * PONTO_SECOND + (uint64_t)now.tv_nsec / 1000;
}

static void hangs(struct node_instance *i)
{
	ponto_error(i->node->setup.log, NODE_TOPIC, "service %s hangs: it did not stop in time", i->name);
}

/* Services on threads: all stop at once, in reverse order of asking. */
static bool end_components(struct ponto_node *node)
{
	uint64_t deadline = monotonic() + STOP_LIMIT;
	bool all = true;

	for (size_t n = node->count; n > 0; n--) {
		struct node_instance *i = node->instances[n - 1];

		if (!i->component)
			continue;
		node_component_quit(i);
		if (!node_component_end(i, deadline)) {
			hangs(i);
			all = false;
		}
	}
	return all;
}

static void plain_stopped(void *arg)
{
	struct node_instance *i = arg;

	i->stop_done = true;
	if (i->stop_waited)
		ponto_loop_stop(i->node->setup.loop);
}

static void plain_too_late(void *arg)
{
	struct node_instance *i = arg;

	if (!i->stop_done)
		ponto_loop_stop(i->node->setup.loop);
}

static void stop_plain(struct node_instance *i)
{
	struct ponto_loop *loop = i->node->setup.loop;
	struct ponto_timer *limit = NULL;

	if (!PONTO_HAS(node_service_ops(i), stop))
		return;
	node_service_ops(i)->stop(i->self, plain_stopped, i);
	if (i->stop_done)
		return;
	if (ponto_timer_create(loop, plain_too_late, i, &limit) != PONTO_OK)
		return;
	ponto_timer_set(loop, limit, ponto_loop_now(loop) + STOP_LIMIT);
	i->stop_waited = true;
	if (ponto_loop_run(loop) != PONTO_OK || !i->stop_done)
		hangs(i);
	i->stop_waited = false;
	ponto_timer_destroy(loop, limit);
}

/* A hanging service may still use everything below it: nothing is taken away, but stores are made durable. */
static void flush_stores(struct ponto_node *node)
{
	for (size_t n = 0; n < node->count; n++) {
		struct node_instance *i = node->instances[n];
		struct ponto_store store = {(const struct ponto_store_ops *)i->plugin->vtable, i->self, i->pool};
		int result;

		if (i->plugin->kind != PONTO_KIND_STORE)
			continue;
		result = ponto_store_flush(store, ponto_mono(node->setup.clock) + PONTO_SECOND);
		if (result)
			ponto_error(node->setup.log, NODE_TOPIC, "store %s: cannot be flushed: %s", i->name,
				    ponto_strerror(result));
	}
}

int ponto_node_destroy(struct ponto_node *node)
{
	const struct ponto_alloc *alloc;

	if (!node)
		return PONTO_OK;
	alloc = node->setup.alloc;
	if (!end_components(node)) {
		flush_stores(node);
		return PONTO_EBUSY;
	}
	for (size_t n = node->count; n > 0; n--) {
		struct node_instance *i = node->instances[n - 1];

		if (i->plugin->kind == PONTO_KIND_SERVICE && i->started && !node->setup.bus)
			stop_plain(i);
		free_instance(i);
		node->count--;
	}
	pthread_mutex_destroy(&node->lock);
	ponto_free(alloc, node->instances);
	ponto_free(alloc, node->name);
	ponto_free(alloc, node->state_dir);
	ponto_free(alloc, node);
	return PONTO_OK;
}
