#include "apps/ponto/plugin_check.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/conform/store_suite.h"

/* Loading has checked the descriptor already; the rest is the contract of the kind. */

struct check {
	struct cli *cli;
	const struct ponto_plugin *plugin;
	json_t *array; /* NULL: print */
	unsigned failures;
};

static void tell(struct check *check, const char *sentence, bool good, const char *why)
{
	check->failures += !good;
	if (check->array)
		json_array_append_new(check->array, json_pack("{s:s, s:b, s:s}", "check", sentence, "holds", good, "why",
							      good ? "" : why));
	else
		printf("%-7s %s%s%s\n", good ? "holds" : "BROKEN", sentence, good ? "" : ": ", good ? "" : why);
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

int cli_plugin_check(struct cli *cli, struct ponto_registry *registry, const struct ponto_plugin *plugin)
{
	struct check check = {.cli = cli, .plugin = plugin, .array = cli->json ? json_array() : NULL};
	char reason[PONTO_REASON_SIZE] = "";
	int status;

	tell(&check, "descriptor, options and vtable", ponto_plugin_check(plugin, reason) == PONTO_OK, reason);
	tell(&check, "what it needs can be loaded", ponto_registry_order(registry, reason) == PONTO_OK, reason);
	if (plugin->kind == PONTO_KIND_STORE)
		check_store(&check);
	else if (!cli->json)
		printf("        the %s contract is tried by the tests of the source tree only\n",
		       ponto_kind_name((enum ponto_kind)plugin->kind));
	status = check.failures ? CLI_NO : CLI_OK;
	if (cli->json && cli_print_json(check.array) != CLI_OK)
		status = CLI_NO;
	return status;
}
