/* ponto-conform: the contract suites that need a test framework, on one plugin, as TAP. Run by ponto plugin check. */
#include "tests/conform/discovery_suite.h"
#include "tests/conform/http_suite.h"
#include "tests/conform/security_suite.h"

#include <stdio.h>

#include "apps/static_plugins.h"
#include "framework/registry.h"

#define SETTINGS_MAX 8

enum { BAD_USAGE = 2 };

static int run_security(const struct ponto_plugin *plugin)
{
	struct CMUnitTest *cases = calloc(security_suite_count(), sizeof(*cases));
	int failed;

	if (!cases)
		return 1;
	security_suite_cases(plugin, cases);
	failed = _cmocka_run_group_tests("security", cases, security_suite_count(), NULL, NULL);
	free(cases);
	return failed != 0;
}

static int run_discovery(const struct ponto_plugin *plugin)
{
	const char *settings[SETTINGS_MAX + 1] = {NULL};
	char texts[SETTINGS_MAX][64];
	struct discovery_subject subjects[] = {{plugin, settings, true}, {plugin, settings, false}};
	struct CMUnitTest *cases = calloc(2 * discovery_suite_count, sizeof(*cases));
	size_t count = 0;
	int failed;

	if (!cases)
		return 1;
	/* Its options have their defaults; what they refer to is there: a store "main", a transport "net". */
	for (size_t i = 0; i < plugin->option_count && count < SETTINGS_MAX; i++) {
		const struct ponto_option *o = &plugin->options[i];

		if ((o->type != PONTO_OPTION_REF && o->type != PONTO_OPTION_REFS) ||
		    (o->ref_kind != PONTO_KIND_STORE && o->ref_kind != PONTO_KIND_TRANSPORT))
			continue;
		snprintf(texts[count], sizeof(texts[count]), "%s=%s", o->name,
			 o->ref_kind == PONTO_KIND_STORE ? "main" : "net");
		settings[count] = texts[count];
		count++;
	}
	discovery_suite_cases(&subjects[0], "simulated", cases);
	discovery_suite_cases(&subjects[1], "on the system", cases + discovery_suite_count);
	failed = _cmocka_run_group_tests("discovery", cases, 2 * discovery_suite_count, NULL, NULL);
	free(cases);
	return failed != 0;
}

/* On loopback, or in a simulated world when it refuses to be made outside of one. */
static int run_http(const struct ponto_plugin *plugin)
{
	struct http_subject subject = {plugin, NULL, !http_fits_system(plugin)};
	struct CMUnitTest *cases = calloc(http_suite_count, sizeof(*cases));
	int failed;

	if (!cases)
		return 1;
	http_suite_cases(&subject, subject.sim ? "simulated" : "on the system", cases);
	failed = _cmocka_run_group_tests("http", cases, http_suite_count, NULL, NULL);
	free(cases);
	return failed != 0;
}

/* As ponto itself: with a slash, or ending in .so or .la, it is a file. */
static const struct ponto_plugin *load(struct ponto_registry *registry, const char *what)
{
	const struct ponto_plugin *plugin = NULL;
	char reason[PONTO_REASON_SIZE] = "";
	const char *dot = strrchr(what, '.');
	int result;

	if (strchr(what, '/') || (dot && (strcmp(dot, ".so") == 0 || strcmp(dot, ".la") == 0))) {
		result = ponto_registry_load_file(registry, what, &plugin, reason);
	} else {
		result = ponto_registry_load(registry, what, reason);
		plugin = result == PONTO_OK ? ponto_registry_find(registry, what) : NULL;
	}
	if (result != PONTO_OK)
		fprintf(stderr, "ponto-conform: %s refused: %s\n", what, reason);
	return plugin;
}

int main(int argc, char **argv)
{
	const struct ponto_plugin *plugin;
	struct ponto_registry *registry;
	int status = BAD_USAGE;

	if (argc != 2) {
		fprintf(stderr, "usage: ponto-conform NAME|FILE\n");
		return BAD_USAGE;
	}
	if (ponto_registry_create(&ponto_alloc_system, ponto_static_plugins, NULL, &registry) != PONTO_OK)
		return BAD_USAGE;
	plugin = load(registry, argv[1]);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (plugin && plugin->kind == PONTO_KIND_SECURITY)
		status = run_security(plugin);
	else if (plugin && plugin->kind == PONTO_KIND_DISCOVERY)
		status = run_discovery(plugin);
	else if (plugin && plugin->kind == PONTO_KIND_HTTP)
		status = run_http(plugin);
	else if (plugin)
		fprintf(stderr, "ponto-conform: %s is a %s plugin\n", argv[1],
			ponto_kind_name((enum ponto_kind)plugin->kind));
	ponto_registry_destroy(registry);
	return status;
}
