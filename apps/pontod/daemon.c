/* The daemon's life: load, start, run, reload, end. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "apps/pontod/local_call.h"
#include "apps/static_plugins.h"
#include "config.h"

const struct ponto_conf *daemon_node_conf(const struct daemon *d)
{
	return ponto_conf_node(d->conf->file);
}

/* ---- loading -------------------------------------------------------------------- */

struct reports {
	daemon_tell_fn *tell;
	void *arg;
	unsigned count;
};

static void report(void *ctx, const char *file, unsigned line, const char *message)
{
	struct reports *r = ctx;
	char text[PONTO_REASON_SIZE + 256];

	r->count++;
	if (line)
		snprintf(text, sizeof(text), "%s:%u: %s", file, line, message);
	else
		snprintf(text, sizeof(text), "%s%s%s", file, file[0] ? ": " : "", message);
	r->tell(r->arg, text);
}

static void print(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "%s\n", line);
}

static int load_file(struct daemon *d, struct reports *r)
{
	struct daemon_conf *conf = ponto_new(&ponto_alloc_system, 1, sizeof(*conf));
	int result;

	if (!conf)
		return PONTO_ENOMEM;
	result = ponto_conf_load(&ponto_alloc_system, d->registry, d->conf_path, report, r, &conf->file);
	if (result) {
		ponto_free(&ponto_alloc_system, conf);
		return result;
	}
	conf->older = d->conf;
	d->conf = conf;
	return PONTO_OK;
}

int daemon_load(struct daemon *d, char reason[PONTOD_REASON])
{
	struct reports r = {print, NULL, 0};
	int result = ponto_registry_create(&ponto_alloc_system, ponto_static_plugins, NULL, &d->registry);

	if (result == PONTO_OK)
		result = load_file(d, &r);
	if (result == PONTO_ECONF)
		snprintf(reason, PONTOD_REASON, "the configuration has %u error%s", r.count, r.count == 1 ? "" : "s");
	else if (result)
		snprintf(reason, PONTOD_REASON, "%s: %s", d->conf_path ? d->conf_path : "built-in defaults",
			 ponto_strerror(result));
	return result;
}

/* ---- starting -------------------------------------------------------------------- */

static enum ponto_log_sink sink_of(const struct ponto_conf *conf)
{
	const char *sink = ponto_conf_string(conf, "log_sink");

	if (strcmp(sink, "json") == 0)
		return PONTO_LOG_STDERR_JSON;
	if (strcmp(sink, "journald") == 0 || (strcmp(sink, "auto") == 0 && ponto_log_journal_stream(STDERR_FILENO)))
		return PONTO_LOG_JOURNALD;
	return PONTO_LOG_STDERR_TEXT;
}

static int start_log(struct daemon *d)
{
	const struct ponto_conf *conf = daemon_node_conf(d);
	int result = ponto_log_create(&ponto_alloc_system, &ponto_clock_system, sink_of(conf),
				      ponto_conf_string(conf, "log"), &d->log);

	if (result == PONTO_OK)
		result = ponto_metrics_create(&ponto_alloc_system, &d->metrics);
	if (result == PONTO_OK)
		d->configurations = ponto_gauge(d->metrics, "node_configurations", "",
						"configurations held in memory");
	return result;
}

static void choose_name(struct daemon *d)
{
	const char *given = ponto_conf_string(daemon_node_conf(d), "name");

	if (given[0])
		snprintf(d->name, sizeof(d->name), "%s", given);
	else if (gethostname(d->name, sizeof(d->name) - 1) != 0 || !d->name[0])
		strcpy(d->name, "node");
}

static int choose_endpoint(struct daemon *d, char reason[PONTOD_REASON])
{
	const char *given = ponto_conf_string(daemon_node_conf(d), "socket");
	char text[256];
	int result;

	if (!given[0]) {
		ponto_bus_own_endpoint(d->endpoint);
		return PONTO_OK;
	}
	result = ponto_bus_endpoint(given, text, d->endpoint);
	if (result)
		snprintf(reason, PONTOD_REASON, "node.socket: %s", text);
	return result;
}

/* By default only the daemon of a whole machine has one. */
static void choose_resolve(struct daemon *d)
{
	const char *given = ponto_conf_string(daemon_node_conf(d), "resolve_socket");
	const char *service = getenv("RUNTIME_DIRECTORY"); /* systemd.exec(5) */

	if (strcmp(given, "off") == 0)
		return;
	if (given[0])
		snprintf(d->resolve_path, sizeof(d->resolve_path), "%s", given);
	else if (service && service[0] == '/' && !strchr(service, ':'))
		snprintf(d->resolve_path, sizeof(d->resolve_path), "%s/resolve", service);
	else if (geteuid() == 0)
		snprintf(d->resolve_path, sizeof(d->resolve_path), "%s", PONTO_RESOLVE_SOCKET);
}

static int remote_file(const struct daemon *d, const char *name, char out[PONTOD_PATH + 64])
{
	const char *dir = ponto_conf_string(daemon_node_conf(d), "remote_keys");

	if (!dir[0])
		dir = "remote";
	if (dir[0] == '/')
		return snprintf(out, PONTOD_PATH + 64, "%s/%s", dir, name);
	return snprintf(out, PONTOD_PATH + 64, "%s/%.40s/%s", d->state_dir, dir, name);
}

static int start_bus(struct daemon *d, char reason[PONTOD_REASON])
{
	const struct ponto_conf *conf = daemon_node_conf(d);
	char key[PONTOD_PATH + 64], clients[PONTOD_PATH + 64], text[256];
	struct ponto_bus_setup setup = {
		.endpoint = d->endpoint,
		.group = ponto_conf_string(conf, "group"),
		.remote = ponto_conf_string(conf, "remote"),
		.curve_key_file = key,
		.curve_clients = clients,
		.alloc = &ponto_alloc_system,
		.clock = &ponto_clock_system,
		.random = &ponto_random_system,
		.log = d->log,
		.metrics = d->metrics,
	};
	int result;

	(void)remote_file(d, "server.key", key);
	(void)remote_file(d, "clients", clients);
	result = ponto_bus_create(&setup, text, &d->bus);
	if (result)
		snprintf(reason, PONTOD_REASON, "%s", text);
	return result;
}

static int start_node(struct daemon *d, char reason[PONTOD_REASON])
{
	struct ponto_node_setup setup = {
		.name = d->name,
		.state_dir = d->state_dir,
		.alloc = &ponto_alloc_system,
		.random = &ponto_random_system,
		.clock = &ponto_clock_system,
		.log = d->log,
		.metrics = d->metrics,
		.bus = d->bus,
		.grants = d->grants,
		.grant_count = d->grant_count,
	};
	int result = ponto_node_create(&setup, &d->node);

	if (result == PONTO_OK)
		result = ponto_node_compose(d->node, d->conf->file, d->registry, reason);
	if (result == PONTO_OK)
		result = ponto_node_start(d->node, reason);
	return result;
}

/* ---- signals ------------------------------------------------------------------------ */

static void log_line(void *arg, const char *line)
{
	struct daemon *d = arg;

	ponto_warning(d->log, PONTOD_TOPIC, "reload: %s", line);
}

static void on_signal(void *arg, unsigned events)
{
	struct daemon *d = arg;
	struct signalfd_siginfo info;

	(void)events;
	while (read(d->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGHUP) {
			ponto_info(d->log, PONTOD_TOPIC, "ends on signal %u", info.ssi_signo);
			ponto_loop_stop(d->loop);
		} else if (daemon_reload(d, log_line, d) != PONTO_OK) {
			ponto_error(d->log, PONTOD_TOPIC, "reload: the former configuration stays");
		}
	}
}

/* Blocked everywhere before the first thread starts, so that only this descriptor tells of them. */
static int watch_signals(struct daemon *d)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return PONTO_EIO;
	d->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (d->signals < 0)
		return PONTO_EIO;
	return ponto_watch_create(d->loop, d->signals, PONTO_READABLE, on_signal, d, &d->signal_watch);
}

static int start_components(struct daemon *d, char reason[PONTOD_REASON])
{
	int result = node_service_create(d, &d->node_service);

	if (result == PONTO_OK)
		result = identity_service_create(d, &d->identity_service);
	if (result == PONTO_EEXIST)
		snprintf(reason, PONTOD_REASON, "services named \"node\" and \"identity\" are the daemon's own");
	if (result == PONTO_OK)
		result = resolve_socket_create(d, &d->resolve, reason);
	return result;
}

int daemon_start(struct daemon *d, char reason[PONTOD_REASON])
{
	const struct ponto_conf *conf = daemon_node_conf(d);
	int result;

	d->started = ponto_mono(&ponto_clock_system);
	d->started_wall = ponto_wall(&ponto_clock_system);
	choose_name(d);
	choose_resolve(d);
	result = choose_endpoint(d, reason);
	if (result == PONTO_OK)
		result = place_state(conf, d->state_dir, reason);
	if (result == PONTO_OK)
		result = grants_open(d, reason);
	if (result == PONTO_OK)
		result = place_become(d, -1, reason);
	if (result == PONTO_OK)
		result = place_lock(d->state_dir, &d->state_lock, reason);
	if (result == PONTO_OK)
		result = start_log(d);
	if (result == PONTO_OK)
		result = ponto_loop_uv_create(&ponto_alloc_system, &d->loop);
	if (result == PONTO_OK)
		result = watch_signals(d);
	if (result == PONTO_OK)
		result = start_bus(d, reason);
	if (result == PONTO_OK)
		result = start_node(d, reason);
	if (result == PONTO_OK)
		result = start_components(d, reason);
	if (result == PONTO_OK && (d->hello_wanted || isatty(STDERR_FILENO)))
		result = hello_create(d, &d->hello);
	return result;
}

int daemon_run(struct daemon *d, char reason[PONTOD_REASON])
{
	int result;

	ponto_info(d->log, PONTOD_TOPIC, "node %s runs: state %s, endpoint %s", d->name, d->state_dir, d->endpoint);
	node_service_state(d->node_service, "running");
	(void)sd_notifyf(0, "READY=1\nSTATUS=node %s runs", d->name);
	result = ponto_loop_run(d->loop);
	(void)sd_notify(0, "STOPPING=1");
	if (result)
		snprintf(reason, PONTOD_REASON, "the loop failed: %s", ponto_strerror(result));
	return result;
}

/* Frees every former file that no instance reads from any more. The first one mostly stays: what needs a restart is
 * in force as it says. */
static void forget_files(struct daemon *d)
{
	struct daemon_conf **at = &d->conf->older;
	int64_t kept = 1;

	while (*at) {
		struct daemon_conf *c = *at;

		if (ponto_node_uses(d->node, c->file)) {
			at = &c->older;
			kept++;
			continue;
		}
		*at = c->older;
		ponto_conf_file_destroy(c->file);
		ponto_free(&ponto_alloc_system, c);
	}
	ponto_gauge_set(d->configurations, kept);
}

/* ---- reloading ------------------------------------------------------------------------ */

/* The node's own group: the log's filter is live. */
static void reload_group(struct daemon *d, const struct ponto_conf *before, daemon_tell_fn *tell, void *arg)
{
	const struct ponto_conf *now = daemon_node_conf(d);
	char text[256];

	for (size_t i = 0; i < ponto_node_option_count; i++) {
		const struct ponto_option *o = &ponto_node_options[i];

		if (ponto_conf_same(o, before, now))
			continue;
		if (strcmp(o->name, "log") == 0) {
			if (ponto_log_set_filter(d->log, ponto_conf_string(now, "log")) != PONTO_OK)
				tell(arg, "node.log: out of memory; the former filter stays");
			continue;
		}
		snprintf(text, sizeof(text), "node: a change of \"%s\" needs a restart", o->name);
		tell(arg, text);
	}
}

int daemon_reload(struct daemon *d, daemon_tell_fn *tell, void *arg)
{
	struct reports r = {tell, arg, 0};
	const struct ponto_conf *before = daemon_node_conf(d);
	int result;

	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)ponto_mono(&ponto_clock_system));
	result = load_file(d, &r);
	if (result == PONTO_OK) {
		reload_group(d, before, tell, arg);
		result = ponto_node_reload(d->node, d->conf->file, report, &r);
		forget_files(d);
		ponto_info(d->log, PONTOD_TOPIC, "the configuration was read again");
		node_service_state(d->node_service, "reloaded");
	}
	(void)sd_notify(0, "READY=1");
	return result;
}

/* ---- ending -------------------------------------------------------------------------- */

int daemon_end(struct daemon *d)
{
	int result;

	if (d->node_service)
		node_service_state(d->node_service, "stopping");
	hello_destroy(d->hello);
	resolve_socket_stop(d->resolve);
	identity_service_destroy(d->identity_service);
	node_service_destroy(d->node_service);
	result = ponto_node_destroy(d->node);
	if (result)
		return result;
	grants_close(d);
	local_calls_destroy(d);
	resolve_socket_destroy(d->resolve);
	ponto_bus_destroy(d->bus);
	if (d->loop)
		ponto_watch_destroy(d->loop, d->signal_watch);
	ponto_loop_destroy(d->loop);
	if (d->signals >= 0)
		close(d->signals);
	while (d->conf) {
		struct daemon_conf *older = d->conf->older;

		ponto_conf_file_destroy(d->conf->file);
		ponto_free(&ponto_alloc_system, d->conf);
		d->conf = older;
	}
	ponto_metrics_destroy(d->metrics);
	ponto_log_destroy(d->log);
	ponto_registry_destroy(d->registry);
	if (d->state_lock >= 0)
		close(d->state_lock);
	return PONTO_OK;
}
