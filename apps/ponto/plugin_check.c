#include "apps/ponto/plugin_check.h"

#include <stdio.h>

#include "apps/ponto/check.h"

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

/* ---- all kinds --------------------------------------------------------------------- */

int cli_plugin_check(struct cli *cli, struct ponto_registry *registry, const struct ponto_plugin *plugin,
		     const char *what)
{
	struct check check = {.cli = cli, .plugin = plugin, .what = what, .array = cli->json ? json_array() : NULL};
	char reason[PONTO_REASON_SIZE] = "";
	int status;

	tell(&check, "descriptor, options and vtable", ponto_plugin_check(plugin, reason) == PONTO_OK, reason);
	if (plugin->kind == PONTO_KIND_SERVICE || plugin->kind == PONTO_KIND_DISCOVERY ||
	    plugin->kind == PONTO_KIND_MAPPING)
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
	} else if (plugin->kind == PONTO_KIND_MAPPING) {
		check_mapping(&check, registry);
	}
	status = check.failures ? CLI_NO : CLI_OK;
	if (cli->json && cli_print_json(check.array) != CLI_OK)
		status = CLI_NO;
	return status;
}
