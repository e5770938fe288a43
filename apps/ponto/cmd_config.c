/* ponto config: configuration files; needs no daemon. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/ponto/cli.h"
#include "apps/static_plugins.h"
#include "framework/registry.h"

struct reports {
	json_t *array; /* NULL: print */
	unsigned count;
};

static void report(void *ctx, const char *file, unsigned line, const char *message)
{
	struct reports *reports = ctx;

	reports->count++;
	if (reports->array)
		json_array_append_new(reports->array, json_pack("{s:s, s:i, s:s}", "file", file, "line", (int)line,
								"message", message));
	else if (line)
		fprintf(stderr, "%s:%u: %s\n", file, line, message);
	else
		fprintf(stderr, "%s: %s\n", file, message);
}

/* The file named, or the system's if there is one, or none: the built-in defaults. */
static const char *which(int argc, char **argv)
{
	static const char fallback[] = PONTO_SYSCONF_DIR "/ponto/ponto.conf";

	if (argc > 1)
		return argv[1];
	return access(fallback, F_OK) == 0 ? fallback : NULL;
}

static int load(const char *path, struct reports *reports, struct ponto_registry **registry,
		struct ponto_conf_file **file)
{
	int result = ponto_registry_create(&ponto_alloc_system, ponto_static_plugins, NULL, registry);

	if (result != PONTO_OK)
		return cli_fail(CLI_NO, "%s", ponto_strerror(result));
	result = ponto_conf_load(&ponto_alloc_system, *registry, path, report, reports, file);
	if (result == PONTO_OK)
		return CLI_OK;
	ponto_registry_destroy(*registry);
	return CLI_NO;
}

static int config_check(struct cli *cli, int argc, char **argv)
{
	struct reports reports = {.array = cli->json ? json_array() : NULL};
	struct ponto_registry *registry;
	struct ponto_conf_file *file;
	const char *path;
	int status;

	if (argc > 2)
		return cli_fail(CLI_USAGE, "'check' takes one FILE");
	path = which(argc, argv);
	status = load(path, &reports, &registry, &file);
	if (status == CLI_OK) {
		if (!cli->json)
			printf("%s: good\n", path ? path : "built-in defaults");
		ponto_conf_file_destroy(file);
		ponto_registry_destroy(registry);
	}
	if (cli->json && cli_print_json(reports.array) != CLI_OK)
		return CLI_NO;
	return status;
}

static int config_show(struct cli *cli, int argc, char **argv)
{
	struct reports reports = {0};
	struct ponto_registry *registry;
	struct ponto_conf_file *file;
	char *text;
	int status;

	if (argc > 2)
		return cli_fail(CLI_USAGE, "'show' takes one FILE");
	status = load(which(argc, argv), &reports, &registry, &file);
	if (status != CLI_OK)
		return status;
	if (ponto_conf_show(&ponto_alloc_system, file, &text) != PONTO_OK) {
		status = cli_fail(CLI_NO, "out of memory");
	} else {
		if (cli->json)
			status = cli_print_json(json_string(text));
		else
			fputs(text, stdout);
		ponto_free(&ponto_alloc_system, text);
	}
	ponto_conf_file_destroy(file);
	ponto_registry_destroy(registry);
	return status;
}

static void refused(void *ctx, const char *name, int result, const char *reason)
{
	(void)ctx;
	(void)result;
	cli_fail(CLI_NO, "%s refused: %s", name, reason);
}

static int config_docs(struct cli *cli, int argc, char **argv)
{
	struct ponto_registry *registry;
	char *text = NULL;
	int result;
	int status = CLI_OK;

	if (argc > 1)
		return cli_fail(CLI_USAGE, "'docs' takes no argument, not '%s'", argv[1]);
	result = ponto_registry_create(&ponto_alloc_system, ponto_static_plugins, NULL, &registry);
	if (result != PONTO_OK)
		return cli_fail(CLI_NO, "%s", ponto_strerror(result));
	result = ponto_registry_load_all(registry, refused, NULL);
	if (result == PONTO_OK)
		result = ponto_conf_docs(&ponto_alloc_system, registry, &text);
	if (result != PONTO_OK)
		status = cli_fail(CLI_NO, "%s", ponto_strerror(result));
	else if (cli->json)
		status = cli_print_json(json_string(text));
	else
		fputs(text, stdout);
	ponto_free(&ponto_alloc_system, text);
	ponto_registry_destroy(registry);
	return status;
}

const struct cli_command cli_config_commands[] = {
	{"config", "check", "[FILE]", "reports everything wrong with a configuration, each with file and line", config_check},
	{"config", "show", "[FILE]", "the effective configuration, defaults included", config_show},
	{"config", "docs", "", "the reference of all options", config_docs},
	{NULL, NULL, NULL, NULL, NULL},
};
