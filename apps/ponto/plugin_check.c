#include "apps/ponto/plugin_check.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/ponto/check.h"
#include "tests/conform/store_suite.h"

/* Loading has checked the descriptor already; the rest is the contract of the kind. */

void check_tell(struct check *check, const char *sentence, enum check_verdict verdict, const char *why)
{
	static const char *const words[] = {"BROKEN", "holds", "skipped"};
	const char *reason = verdict == CHECK_HOLDS ? "" : why;

	check->failures += verdict == CHECK_BROKEN;
	if (check->array)
		json_array_append_new(check->array,
				      json_pack("{s:s, s:o, s:s}", "check", sentence, "holds",
						verdict == CHECK_NOT_TRIED ? json_null() :
									     json_boolean(verdict == CHECK_HOLDS),
						"why", reason));
	else
		printf("%-7s %s%s%s\n", words[verdict], sentence, reason[0] ? ": " : "", reason);
}

static void tell(struct check *check, const char *sentence, bool good, const char *why)
{
	check_tell(check, sentence, good ? CHECK_HOLDS : CHECK_BROKEN, why);
}

/* ---- stores ---------------------------------------------------------------------- */

/* A store with its defaults, in a folder of its own. */
struct subject {
	const struct ponto_plugin *plugin;
	char folder[PATH_MAX];
	struct ponto_conf *conf;
	struct ponto_env env;
};

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void clean_up(struct subject *s)
{
	ponto_conf_destroy(s->conf);
	s->conf = NULL;
	nftw(s->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int subject_open(void *ctx, const struct ponto_clock *clock, struct ponto_store *out)
{
	const char *base = getenv("TMPDIR");
	struct subject *s = ctx;
	char error[256];
	int result;

	snprintf(s->folder, sizeof(s->folder), "%s/ponto-check-XXXXXX", base && base[0] ? base : "/tmp");
	if (!mkdtemp(s->folder))
		return PONTO_EIO;
	result = ponto_conf_make(&ponto_alloc_system, s->plugin->options, s->plugin->option_count, NULL, error,
				 sizeof(error), &s->conf);
	s->env = (struct ponto_env){
		.abi = PONTO_PLUGIN_ABI,
		.size = sizeof(s->env),
		.instance = "checked",
		.node_name = "check",
		.state_dir = s->folder,
		.conf = s->conf,
		.alloc = &ponto_alloc_system,
		.random = &ponto_random_system,
		.clock = clock,
	};
	out->ops = (const struct ponto_store_ops *)(const void *)s->plugin->vtable;
	if (result == PONTO_OK)
		result = out->ops->create(&s->env, &out->self);
	if (result != PONTO_OK)
		clean_up(s);
	return result;
}

static void subject_close(void *ctx, struct ponto_store store)
{
	store.ops->destroy(store.self);
	clean_up(ctx);
}

static void check_store(struct check *check)
{
	struct subject subject = {.plugin = check->plugin};
	struct store_subject store = {subject_open, subject_close, &subject};

	for (size_t i = 0; i < store_suite_count(); i++) {
		char why[512] = "", sentence[128];
		bool good = store_suite_run(i, &store, why, sizeof(why));

		snprintf(sentence, sizeof(sentence), "store contract: %s", store_suite_name(i));
		tell(check, sentence, good, why);
	}
}

/* ---- all kinds --------------------------------------------------------------------- */

int cli_plugin_check(struct cli *cli, struct ponto_registry *registry, const struct ponto_plugin *plugin,
		     const char *what)
{
	struct check check = {.cli = cli, .plugin = plugin, .what = what, .array = cli->json ? json_array() : NULL};
	char reason[PONTO_REASON_SIZE] = "";
	int status;

	tell(&check, "descriptor, options and vtable", ponto_plugin_check(plugin, reason) == PONTO_OK, reason);
	if (plugin->kind == PONTO_KIND_SERVICE || plugin->kind == PONTO_KIND_DISCOVERY)
		check_service_prepare(registry);
	tell(&check, "what it needs can be loaded", ponto_registry_order(registry, reason) == PONTO_OK, reason);
	if (plugin->kind == PONTO_KIND_STORE) {
		check_store(&check);
	} else if (plugin->kind == PONTO_KIND_TRANSPORT) {
		check_transport(&check);
	} else if (plugin->kind == PONTO_KIND_SECURITY || plugin->kind == PONTO_KIND_DISCOVERY ||
		   plugin->kind == PONTO_KIND_HTTP) {
		check_conform(&check);
	} else if (plugin->kind == PONTO_KIND_SERVICE) {
		check_service(&check, registry);
	}
	status = check.failures ? CLI_NO : CLI_OK;
	if (cli->json && cli_print_json(check.array) != CLI_OK)
		status = CLI_NO;
	return status;
}
