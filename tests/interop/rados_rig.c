#include "tests/interop/rados_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "framework/plugin.h"
#include "tests/support/test.h"

extern const struct ponto_plugin store_rados_LTX_ponto_plugin;

static void count_line(void *ctx, enum ponto_log_level level, const char *topic, const char *message)
{
	struct rados_rig *rig = ctx;

	printf("# %s: %s\n", topic, message);
	if (level > PONTO_LOG_WARNING)
		return;
	rig->lines++;
	snprintf(rig->last, sizeof(rig->last), "%s", message);
}

void rados_rig_namespace(char out[128])
{
	snprintf(out, 128, "test-%016llx", (unsigned long long)ponto_random_u64(&ponto_random_system));
}

int rados_rig_try(struct rados_rig *rig, const char *nspace, const struct ponto_clock *clock,
		  const struct ponto_alloc *alloc, const char *const *settings)
{
	const struct ponto_plugin *plugin = &store_rados_LTX_ponto_plugin;
	const char *all[16];
	char error[256], setting[160];
	size_t count = 0;

	memset(rig, 0, sizeof(*rig));
	if (nspace)
		snprintf(rig->nspace, sizeof(rig->nspace), "%s", nspace);
	else
		rados_rig_namespace(rig->nspace);
	snprintf(setting, sizeof(setting), "namespace=%s", rig->nspace);
	all[count++] = setting;
	all[count++] = "sweep=0";
	for (; settings && *settings; settings++)
		all[count++] = *settings;
	all[count] = NULL;
	assert_ok(ponto_log_create(&ponto_alloc_system, &ponto_clock_system, PONTO_LOG_NONE, "info", &rig->log));
	ponto_log_tap(rig->log, count_line, rig);
	assert_ok(ponto_metrics_create(&ponto_alloc_system, &rig->metrics));
	assert_ok(ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, all, error, sizeof(error),
				  &rig->conf));
	rig->env = (struct ponto_env){
		.abi = PONTO_PLUGIN_ABI,
		.size = sizeof(rig->env),
		.instance = "main",
		.node_name = "test",
		.conf = rig->conf,
		.alloc = alloc ? alloc : &ponto_alloc_system,
		.random = &ponto_random_system,
		.clock = clock ? clock : &ponto_clock_system,
		.log = rig->log,
		.metrics = rig->metrics,
	};
	rig->store.ops = (const struct ponto_store_ops *)(const void *)plugin->vtable;
	return rig->store.ops->create(&rig->env, &rig->store.self);
}

void rados_rig_open(struct rados_rig *rig, const char *nspace, const char *const *settings)
{
	assert_ok(rados_rig_try(rig, nspace, NULL, NULL, settings));
}

void rados_rig_close(struct rados_rig *rig)
{
	rig->store.ops->destroy(rig->store.self);
	ponto_conf_destroy(rig->conf);
	ponto_metrics_destroy(rig->metrics);
	ponto_log_destroy(rig->log);
}

uint64_t rados_rig_in(double seconds)
{
	return ponto_mono(&ponto_clock_system) + (uint64_t)(seconds * 1e6);
}

/* ---- the cluster ------------------------------------------------------------------ */

static int run(char *const argv[])
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execvp(argv[0], argv);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

void rados_rig_lab(const char *command, const char *name)
{
	char *script = getenv("PONTO_RADOS_LAB"), *folder = getenv("PONTO_RADOS_FOLDER");
	char *argv[] = {(char *)(uintptr_t) "bash", script, (char *)(uintptr_t)command, folder,
			(char *)(uintptr_t)name,    NULL};

	assert_non_null(script);
	assert_non_null(folder);
	assert_int_equal(run(argv), 0);
}

int rados_rig_ceph(const char *words)
{
	char command[1024];
	char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", command, NULL};

	snprintf(command, sizeof(command), "ceph -c \"$CEPH_CONF\" --id admin %s >/dev/null 2>&1", words);
	return run(argv);
}

void rados_peer_open(struct rados_peer *peer, const char *nspace)
{
	assert_int_equal(rados_create(&peer->cluster, "ponto"), 0);
	assert_int_equal(rados_conf_read_file(peer->cluster, NULL), 0);
	assert_int_equal(rados_connect(peer->cluster), 0);
	assert_int_equal(rados_ioctx_create(peer->cluster, "ponto", &peer->io), 0);
	rados_ioctx_set_namespace(peer->io, nspace);
}

void rados_peer_close(struct rados_peer *peer)
{
	rados_ioctx_destroy(peer->io);
	rados_shutdown(peer->cluster);
}

size_t rados_peer_count(struct rados_peer *peer, const char *prefix)
{
	rados_list_ctx_t list;
	const char *name;
	size_t count = 0;

	assert_int_equal(rados_nobjects_list_open(peer->io, &list), 0);
	while (rados_nobjects_list_next(list, &name, NULL, NULL) == 0)
		count += strncmp(name, prefix, strlen(prefix)) == 0;
	rados_nobjects_list_close(list);
	return count;
}
