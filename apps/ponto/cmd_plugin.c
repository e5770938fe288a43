/* ponto plugin: what there is to load; needs no daemon. */
#include <stdio.h>
#include <string.h>

#include "apps/ponto/cli.h"
#include "apps/ponto/plugin_check.h"
#include "apps/ponto/plugin_new.h"
#include "apps/static_plugins.h"
#include "framework/registry.h"

static int open_registry(struct ponto_registry **out)
{
	int result = ponto_registry_create(&ponto_alloc_system, ponto_static_plugins, NULL, out);

	return result == PONTO_OK ? CLI_OK : cli_fail(CLI_NO, "%s", ponto_strerror(result));
}

/* ---- list ---------------------------------------------------------------------- */

static void refused(void *ctx, const char *name, int result, const char *reason)
{
	unsigned *count = ctx;

	(void)result;
	(*count)++;
	cli_fail(CLI_NO, "%s refused: %s", name, reason);
}

static json_t *plugin_json(const struct ponto_registry *registry, const struct ponto_plugin *plugin)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", plugin->name, "kind",
			 ponto_kind_name((enum ponto_kind)plugin->kind), "version", plugin->version, "summary",
			 plugin->summary, "origin", ponto_registry_origin(registry, plugin));
}

static int plugin_list(struct cli *cli, int argc, char **argv)
{
	struct ponto_registry *registry;
	json_t *array = cli->json ? json_array() : NULL;
	unsigned refusals = 0;
	int status, result;

	if (argc > 1)
		return cli_fail(CLI_USAGE, "'list' takes no argument, not '%s'", argv[1]);
	status = open_registry(&registry);
	if (status != CLI_OK)
		return status;
	result = ponto_registry_load_all(registry, refused, &refusals);
	for (size_t i = 0; i < ponto_registry_count(registry); i++) {
		const struct ponto_plugin *plugin = ponto_registry_at(registry, i);

		if (cli->json)
			json_array_append_new(array, plugin_json(registry, plugin));
		else
			printf("%-18s %-8s %s\n", plugin->name, plugin->version, plugin->summary);
	}
	status = result != PONTO_OK ? cli_fail(CLI_NO, "%s", ponto_strerror(result)) : refusals ? CLI_NO : CLI_OK;
	if (cli->json && cli_print_json(array) != CLI_OK)
		status = CLI_NO;
	ponto_registry_destroy(registry);
	return status;
}

/* ---- inspect ---------------------------------------------------------------------- */

static const char *option_type(const struct ponto_option *option)
{
	static const char *const names[] = {
		[PONTO_OPTION_BOOL] = "true or false", [PONTO_OPTION_INT] = "number",	 [PONTO_OPTION_STRING] = "text",
		[PONTO_OPTION_LIST] = "list of texts", [PONTO_OPTION_REF] = "instance", [PONTO_OPTION_REFS] = "instances",
	};

	return names[option->type];
}

static json_t *texts_json(const char *const *texts)
{
	json_t *array = json_array();

	for (; texts && *texts; texts++)
		json_array_append_new(array, json_string(*texts));
	return array;
}

static json_t *inspect_json(const struct ponto_registry *registry, const struct ponto_plugin *plugin)
{
	json_t *object = plugin_json(registry, plugin);
	json_t *options = json_array();

	json_object_set_new(object, "abi", json_integer(plugin->abi));
	json_object_set_new(object, "needs", texts_json(plugin->needs));
	json_object_set_new(object, "offers", texts_json(plugin->offers));
	for (size_t i = 0; i < plugin->option_count; i++) {
		const struct ponto_option *o = &plugin->options[i];

		json_array_append_new(options, json_pack("{s:s, s:s, s:s?, s:s?, s:s, s:b}", "name", o->name, "type",
							 option_type(o), "default", o->fallback, "unit", o->unit, "doc",
							 o->doc, "live", o->live));
	}
	json_object_set_new(object, "options", options);
	return object;
}

static void print_texts(const char *label, const char *const *texts)
{
	if (!texts || !*texts)
		return;
	printf("%-9s", label);
	for (; *texts; texts++)
		printf(" %s", *texts);
	putchar('\n');
}

static void print_plugin(const struct ponto_registry *registry, const struct ponto_plugin *plugin)
{
	printf("name      %s\nkind      %s\nversion   %s\nsummary   %s\norigin    %s\nabi       %u\n", plugin->name,
	       ponto_kind_name((enum ponto_kind)plugin->kind), plugin->version, plugin->summary,
	       ponto_registry_origin(registry, plugin), plugin->abi);
	print_texts("needs", plugin->needs);
	print_texts("offers", plugin->offers);
	for (size_t i = 0; i < plugin->option_count; i++) {
		const struct ponto_option *o = &plugin->options[i];

		printf("option    %s: %s%s%s, default %s: %s\n", o->name, option_type(o), o->unit ? " in " : "",
		       o->unit ? o->unit : "", o->fallback ? o->fallback : "none", o->doc);
	}
}

/* A name is looked up where plugins lie; anything with a slash, or ending in .so or .la, is a file. */
static int load_one(struct ponto_registry *registry, const char *what, const struct ponto_plugin **out)
{
	char reason[PONTO_REASON_SIZE] = "";
	const char *dot = strrchr(what, '.');
	int result;

	if (strchr(what, '/') || (dot && (strcmp(dot, ".so") == 0 || strcmp(dot, ".la") == 0))) {
		result = ponto_registry_load_file(registry, what, out, reason);
	} else {
		result = ponto_registry_load(registry, what, reason);
		if (result == PONTO_OK)
			*out = ponto_registry_find(registry, what);
	}
	if (result != PONTO_OK)
		return cli_fail(CLI_NO, "%s refused: %s", what, reason);
	return CLI_OK;
}

static int one_plugin(struct cli *cli, int argc, char **argv)
{
	const struct ponto_plugin *plugin;
	struct ponto_registry *registry;
	int status;

	if (argc != 2)
		return cli_fail(CLI_USAGE, "'%s' needs one FILE", argv[0]);
	status = open_registry(&registry);
	if (status != CLI_OK)
		return status;
	status = load_one(registry, argv[1], &plugin);
	if (status == CLI_OK && strcmp(argv[0], "check") == 0)
		status = cli_plugin_check(cli, registry, plugin, argv[1]);
	else if (status == CLI_OK && cli->json)
		status = cli_print_json(inspect_json(registry, plugin));
	else if (status == CLI_OK)
		print_plugin(registry, plugin);
	ponto_registry_destroy(registry);
	return status;
}

static int plugin_new(struct cli *cli, int argc, char **argv)
{
	char error[512];

	(void)cli;
	if (argc != 3 && argc != 4)
		return cli_fail(CLI_USAGE, "'new' needs KIND NAME [FOLDER]");
	if (ponto_plugin_new(argv[1], argv[2], argc == 4 ? argv[3] : ".", error, sizeof(error)) != PONTO_OK)
		return cli_fail(CLI_NO, "%s", error);
	return CLI_OK;
}

const struct cli_command cli_plugin_commands[] = {
	{"plugin", "list", "", "the plugins that can be loaded, and why others cannot", plugin_list},
	{"plugin", "inspect", "NAME|FILE", "one plugin: what it needs, offers, and its options", one_plugin},
	{"plugin", "check", "NAME|FILE", "loads it and runs the contract suite of its kind on it", one_plugin},
	{"plugin", "new", "KIND NAME [FOLDER]", "makes the source of a new plugin that builds and loads", plugin_new},
	{NULL, NULL, NULL, NULL, NULL},
};
