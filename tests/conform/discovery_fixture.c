#include "tests/conform/discovery_suite.h"

#include <stdio.h>

extern const struct ponto_plugin store_mem_LTX_ponto_plugin, transport_sim_LTX_ponto_plugin,
	transport_udp6_LTX_ponto_plugin;

static void remember_line(void *ctx, enum ponto_log_level level, const char *topic, const char *message)
{
	struct discovery_fixture *f = ctx;
	int n = snprintf(f->log_text + f->log_used, sizeof(f->log_text) - f->log_used, "%d %s %s\n", (int)level, topic,
			 message);

	if (n > 0 && f->log_used + (size_t)n < sizeof(f->log_text))
		f->log_used += (size_t)n;
}

static int add(struct discovery_fixture *f, const struct ponto_plugin *plugin, const char *name,
	       const struct ponto_conf *conf)
{
	char reason[PONTO_REASON_SIZE] = "";
	int result = ponto_node_add(f->node, plugin, name, conf, reason);

	remember_line(f, PONTO_LOG_ERROR, "reason", reason);
	return result;
}

static struct ponto_conf *configure(const struct ponto_plugin *plugin, const char *const *settings)
{
	struct ponto_conf *conf = NULL;
	char error[256] = "";

	if (ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, settings, error, sizeof(error),
			    &conf))
		fail_msg("%s", error);
	return conf;
}

/* Outside of simulation one without addresses to search from: tests stay off the network. */
static void add_transport(struct discovery_fixture *f)
{
	static const char *const nowhere[] = {"interfaces=lo", NULL};
	const struct ponto_plugin *plugin = f->world ? &transport_sim_LTX_ponto_plugin
						     : &transport_udp6_LTX_ponto_plugin;
	struct ponto_iface iface;

	f->transport_conf = configure(plugin, f->world ? NULL : nowhere);
	assert_ok(add(f, plugin, "net", f->transport_conf));
	assert_ok(ponto_node_find(f->node, PONTO_KIND_TRANSPORT, "net", &iface));
	f->transport = (struct ponto_transport){(const struct ponto_transport_ops *)iface.ops, iface.self, iface.pool};
}

static int start(struct discovery_fixture *f, const struct ponto_plugin *plugin, const char *const *settings, bool sim)
{
	struct ponto_node_setup setup = {.name = "test", .alloc = &ponto_alloc_system, .simulation = sim};
	struct ponto_iface iface;
	int result;

	memset(f, 0, sizeof(*f));
	if (sim) {
		assert_ok(ponto_sim_create(&ponto_alloc_system, 1, &f->world));
		assert_ok(ponto_sim_node(f->world, &f->place));
		f->loop = ponto_sim_node_loop(f->place);
		setup.random = ponto_sim_node_random(f->place);
		setup.clock = ponto_sim_node_clock(f->place);
	} else {
		assert_ok(ponto_loop_uv_create(&ponto_alloc_system, &f->loop));
		setup.random = &ponto_random_system;
		setup.clock = &ponto_clock_system;
	}
	assert_ok(ponto_log_create(&ponto_alloc_system, setup.clock, PONTO_LOG_NONE, "debug", &f->log));
	ponto_log_tap(f->log, remember_line, f);
	setup.log = f->log;
	setup.loop = f->loop;
	assert_ok(ponto_node_create(&setup, &f->node));
	f->store_conf = configure(&store_mem_LTX_ponto_plugin, NULL);
	assert_ok(add(f, &store_mem_LTX_ponto_plugin, "main", f->store_conf));
	assert_ok(ponto_node_find(f->node, PONTO_KIND_STORE, "main", &iface));
	f->store = (struct ponto_store){(const struct ponto_store_ops *)iface.ops, iface.self, iface.pool};
	add_transport(f);
	f->conf = configure(plugin, settings);
	result = add(f, plugin, "disc", f->conf);
	if (result)
		return result;
	assert_ok(ponto_node_find(f->node, PONTO_KIND_DISCOVERY, "disc", &iface));
	f->discovery = (struct ponto_discovery){(const struct ponto_discovery_ops *)iface.ops, iface.self, iface.pool};
	return PONTO_OK;
}

static void stop(struct discovery_fixture *f)
{
	if (!f->world)
		ponto_loop_destroy(f->loop); /* as in the daemon: before the instances that have work on it */
	else
		discovery_settle(f);
	ponto_node_destroy(f->node);
	ponto_conf_destroy(f->conf);
	ponto_conf_destroy(f->store_conf);
	ponto_conf_destroy(f->transport_conf);
	ponto_log_destroy(f->log);
	ponto_sim_destroy(f->world);
}

struct discovery_fixture *discovery_fixture_new(const struct ponto_plugin *plugin, const char *const *settings,
						bool sim)
{
	struct discovery_fixture *f = malloc(sizeof(*f));

	assert_non_null(f);
	if (start(f, plugin, settings, sim))
		fail_msg("%s", f->log_text);
	return f;
}

void discovery_fixture_free(struct discovery_fixture *f)
{
	stop(f);
	free(f);
}

int discovery_try(const struct ponto_plugin *plugin, const char *const *settings, char *text, size_t size)
{
	struct discovery_fixture *f = malloc(sizeof(*f));
	int result;

	assert_non_null(f);
	result = start(f, plugin, settings, true);
	snprintf(text, size, "%s", f->log_text);
	stop(f);
	free(f);
	return result;
}

/* ---- a handle and its callbacks --------------------------------------------------- */

static bool called(struct discovery_watcher *w)
{
	if (!w->handle || w->in_search)
		w->late++;
	return w->handle != NULL;
}

static void on_found(void *arg, enum ponto_discovery_source source, const struct ponto_addr *addrs, size_t count)
{
	struct discovery_watcher *w = arg;

	if (!called(w))
		return;
	assert_true(count > 0);
	assert_false(w->done & source);
	for (size_t i = 0; i < count && w->count < DISCOVERY_SEEN_MAX; i++) {
		w->seen[w->count] = addrs[i];
		w->from[w->count++] = source;
	}
	if (w->close_at == 1)
		discovery_close(w);
}

static void on_done(void *arg, enum ponto_discovery_source source)
{
	struct discovery_watcher *w = arg;

	if (!called(w))
		return;
	w->done |= source;
	w->done_count++;
	if (w->close_at == 2)
		discovery_close(w);
	if (w->again) {
		w->done &= ~(unsigned)w->again;
		assert_ok(ponto_discovery_search(w->fixture->discovery, w->handle, w->again));
		w->again = 0;
	} else if ((w->done & w->awaited) == w->awaited && !w->fixture->world) {
		ponto_loop_stop(w->fixture->loop);
	}
}

void discovery_open(struct discovery_fixture *f, const struct ponto_discovery_want *want, struct discovery_watcher *w)
{
	static const struct ponto_discovery_events events = {on_found, on_done};

	memset(w, 0, sizeof(*w));
	w->fixture = f;
	assert_ok(ponto_discovery_open(f->discovery, f->loop, want, &events, w, &w->handle));
}

void discovery_close(struct discovery_watcher *w)
{
	struct ponto_discovery_handle *handle = w->handle;

	w->handle = NULL;
	ponto_discovery_close(w->fixture->discovery, handle);
	if (!w->fixture->world && w->close_at) /* then it is running */
		ponto_loop_stop(w->fixture->loop);
}

static void too_late(void *arg)
{
	(void)arg;
	fail_msg("a search did not end within a minute");
}

void discovery_search(struct discovery_watcher *w, unsigned sources)
{
	struct discovery_fixture *f = w->fixture;
	struct ponto_timer *guard;

	w->count = 0;
	w->done = w->done_count = 0;
	w->awaited = sources;
	w->in_search = true;
	assert_ok(ponto_discovery_search(f->discovery, w->handle, sources));
	w->in_search = false;
	if (f->world) {
		ponto_sim_run(f->world, ponto_sim_now(f->world) + 20 * PONTO_SECOND);
	} else {
		assert_ok(ponto_timer_create(f->loop, too_late, NULL, &guard));
		ponto_timer_set(f->loop, guard, ponto_loop_now(f->loop) + 60 * PONTO_SECOND);
		assert_ok(ponto_loop_run(f->loop));
		ponto_timer_destroy(f->loop, guard);
	}
	assert_int_equal(w->late, 0);
	if (w->handle)
		assert_int_equal(w->done & sources, sources);
}

static void stop_loop(void *arg)
{
	ponto_loop_stop(arg);
}

void discovery_settle(struct discovery_fixture *f)
{
	struct ponto_timer *timer;

	if (f->world) {
		ponto_sim_run(f->world, ponto_sim_now(f->world) + 20 * PONTO_SECOND);
		return;
	}
	assert_ok(ponto_timer_create(f->loop, stop_loop, f->loop, &timer));
	ponto_timer_set(f->loop, timer, ponto_loop_now(f->loop)); /* a loop that stops waits for work handed to pools */
	assert_ok(ponto_loop_run(f->loop));
	ponto_timer_destroy(f->loop, timer);
}

struct ponto_addr discovery_addr(const char *text)
{
	struct ponto_addr addr;

	if (ponto_addr_parse(text, 0, &addr))
		fail_msg("%s", text);
	return addr;
}
