/* Configuration: what is accepted, and every complaint with its file and line. */
#include "tests/support/test.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/registry.h"
#include "tests/unit/conf_plugins.h"

static char *directory; /* where the files of this run lie */

static int make_directory(void **state)
{
	(void)state;
	unsetenv("PONTO_PLUGIN_PATH");
	directory = ponto_test_mkdir();
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	ponto_test_rmdir(directory);
	return 0;
}

static const char *path_of(const char *name)
{
	static char paths[4][4200];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
	return path;
}

static void write_bytes(const char *name, const char *data, size_t len)
{
	FILE *f = fopen(path_of(name), "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void write_file(const char *name, const char *text)
{
	write_bytes(name, text, strlen(text));
}

/* All reports of a run: "NAME:LINE: message\n" each, the directory left out of NAME and message. */
struct reports {
	char text[16384];
};

static void on_report(void *ctx, const char *file, unsigned line, const char *message)
{
	struct reports *reports = ctx;
	size_t used = strlen(reports->text), len = strlen(directory);
	char rest[4096], *at;

	if (strncmp(file, directory, len) == 0)
		file += len + (file[len] == '/');
	snprintf(rest, sizeof(rest), "%s", message);
	while ((at = strstr(rest, directory)))
		memmove(at, at + len + (at[len] == '/'), strlen(at + len + (at[len] == '/')) + 1);
	snprintf(reports->text + used, sizeof(reports->text) - used, "%s:%u: %s\n", file, line, rest);
}

static struct ponto_registry *registry_new(const struct ponto_alloc *alloc)
{
	struct ponto_registry *registry;

	return ponto_registry_create(alloc, conf_plugins, "/nowhere", &registry) == PONTO_OK ? registry : NULL;
}

static int load(const char *path, struct reports *reports, struct ponto_registry **registry,
		struct ponto_conf_file **file)
{
	reports->text[0] = '\0';
	*registry = registry_new(&ponto_alloc_system);
	assert_non_null(*registry);
	return ponto_conf_load(&ponto_alloc_system, *registry, path, on_report, reports, file);
}

/* ---- complaints ---------------------------------------------------------------------- */

#define KNOWN "options: path, mode, sync, size"

static const struct complaint {
	const char *text, *says;
} complaints[] = {
	/* keys */
	{"\nnode = { nmae = \"x\"; };", "c:2: unknown key \"nmae\" in node; did you mean \"name\"?\n"},
	{"stores = { main = { plugin = \"store-rocksdb\";\n pfad_zum_ordner = 1; }; };",
	 "c:2: unknown key \"pfad_zum_ordner\" in stores.main; " KNOWN "\n"},
	{"trasports = {};", "c:1: unknown key \"trasports\"; did you mean \"transports\"?\n"},
	{"xyzzy = 1;", "c:1: unknown key \"xyzzy\"; groups: node, transports, stores, security, discovery, services, http, mappings\n"},
	/* types */
	{"node = 1;", "c:1: node: expected a group\n"},
	{"stores = \"main\";\nservices = {};\ndiscovery = {};", "c:1: stores: expected a group of named instances\n"},
	{"services = {};\nstores = { main = 1; };\ndiscovery = {};",
	 "c:2: stores.main: expected a group, as in main = { plugin = \"store-…\"; }\n"},
	{"stores = { main = { plugin = \"store-rocksdb\";\npath = 3;\nmode = true;\nsync = \"yes\";\nsize = 1.5; }; };",
	 "c:2: stores.main.path: expected a string, got an integer\n"
	 "c:3: stores.main.mode: expected a string, got true or false\n"
	 "c:4: stores.main.sync: expected true or false, got a string\n"
	 "c:5: stores.main.size: expected an integer, got a floating-point number\n"},
	{"transports = { wide = { plugin = \"transport-udp6\";\n interfaces = (\"a\",\n 1, {}); port = []; }; };",
	 "c:3: transports.wide.interfaces: expected a list of strings, item 2 is an integer\n"
	 "c:3: transports.wide.interfaces: expected a list of strings, item 3 is a group\n"
	 "c:3: transports.wide.port: expected an integer, got a list\n"},
	{"node = { name = \"\\xff\"; };", "c:1: node.name: the string is not UTF-8\n"},
	{"node = { name = \"\\xed\\xa0\\x80\"; };", "c:1: node.name: the string is not UTF-8\n"},
	/* values */
	{"transports = { wide = { plugin = \"transport-udp6\"; port = 0; };\n more = { plugin = \"transport-udp6\"; port = 65536; }; };"
	 "services = {};",
	 "c:1: transports.wide.port: 0 is out of range: 1 to 65535\n"
	 "c:2: transports.more.port: 65536 is out of range: 1 to 65535\n"},
	{"transports = { wide = { plugin = \"transport-udp6\"; port = 4294967297; }; };",
	 "c:1: transports.wide.port: 4294967297 is out of range: 1 to 65535\n"},
	{"stores = { main = { plugin = \"store-rocksdb\";\n size = 9223372036854775808; }; };",
	 "c:2: 9223372036854775808 does not fit into a signed integer of 64 bits\n"},
	{"transports = { wide = { plugin = \"transport-udp6\";\n port = 0xFFFFFFFFFFFFFFFFL; }; };\nnode = { nam = \"\"; };",
	 "c:2: 0xFFFFFFFFFFFFFFFF does not fit into a signed integer of 64 bits\n"
	 "c:3: unknown key \"nam\" in node; did you mean \"name\"?\n"},
	{"stores = { main = { plugin = \"store-rocksdb\"; mode = \"quick\"; }; };",
	 "c:1: stores.main.mode: \"quick\" is none of \"fast\", \"safe\"\n"},
	/* what a daemon could not start with */
	{"node = { user = \"nobody-here\";\n group = \"no-group-here\"; };",
	 "c:1: node.user: there is no user \"nobody-here\"\nc:2: node.group: there is no group \"no-group-here\"\n"},
	{"node = { state = \"var/ponto\";\n socket = \"bus\";\n resolve_socket = \"resolve\"; };",
	 "c:1: node.state: \"var/ponto\" is not an absolute path\n"
	 "c:2: node.socket: bus: an endpoint is ipc:///path, /path or tcp://address:port\n"
	 "c:3: node.resolve_socket: \"resolve\" is neither an absolute path nor \"off\"\n"},
	{"node = { socket = \"tcp://[::1]:4000\"; };",
	 "c:1: node.socket: tcp://[::1]:4000: programs of this machine use ipc; tcp is for \"remote\"\n"},
	{"node = { log = \"chatty\"; };",
	 "c:1: node.log: \"chatty\" is no filter, which is LEVEL or GLOB=LEVEL, separated by commas\n"},
	{"node = { remote = \"ipc:///x\"; };", "c:1: node.remote: ipc:///x: a remote endpoint is tcp://address:port\n"},
	{"node = { remote = \"tcp://[::1]:65535\"; };",
	 "c:1: node.remote: tcp://[::1]:65535: a port from 1 to 65534 is needed\n"},
	{"node = { remote_keys = \"/nowhere\";\n remote = \"tcp://[::1]:4000\"; };",
	 "c:2: node.remote: the keys of permitted clients: /nowhere/clients: No such file or directory\n"},
	/* plugins */
	{"stores = { main = { path = \"x\"; }; };", "c:1: stores.main: it names no plugin, as in plugin = \"store-…\";\n"},
	{"stores = { main = { plugin = 5; }; };", "c:1: stores.main: it names no plugin, as in plugin = \"store-…\";\n"},
	{"stores = { main = {\n plugin = \"\"; }; };", "c:2: stores.main: it names no plugin, as in plugin = \"store-…\";\n"},
	{"stores = { main = {\n plugin = \"store-lost\"; }; };",
	 "c:2: stores.main: plugin \"store-lost\": no file store-lost.so in /nowhere:" PONTO_PLUGIN_DIR "\n"},
	{"node = { plugin_path = \"/a:/b\"; };\nstores = { main = {\n plugin = \"store-lost\"; }; };",
	 "c:3: stores.main: plugin \"store-lost\": no file store-lost.so in /a:/b:" PONTO_PLUGIN_DIR "\n"},
	{"stores = { main = { plugin = \"../x\"; }; };",
	 "c:1: stores.main: plugin \"../x\": \"../x\" is no name of a plugin, which is KIND-NAME\n"},
	{"stores = { main = { plugin = \"transport-udp6\"; }; };",
	 "c:1: stores.main: plugin \"transport-udp6\" is of kind transport and belongs in transports\n"},
	/* names */
	{"node = {};\nstores = { main = { plugin = \"store-rocksdb\"; };\n main = { plugin = \"store-rocksdb\"; }; };",
	 "c:3: duplicate name: \"main\" was set at c:2 already\n"},
	{"node = { name = \"a\";\n name = \"b\"; };", "c:2: duplicate name: \"name\" was set at c:1 already\n"},
	{"node = {}; node = {};", "c:1: duplicate name: \"node\" was set at c:1 already\n"},
	{"/* path = \"{\" */ stores = { a = ({ path = 1; }, { path = 2; });\n// }\n b = \"}\"; path = {}; b : 2; };",
	 "c:3: duplicate name: \"b\" was set at c:3 already\n"},
	{"stores = { a*b = { plugin = \"store-rocksdb\"; }; };",
	 "c:1: stores.a*b: a name has at most 63 characters and no asterisk\n"},
	/* references */
	{"services = { pnrp = { plugin = \"service-pnrp\";\n store = \"mian\"; }; };",
	 "c:2: services.pnrp.store: there is no store \"mian\"; did you mean \"main\"?\n"},
	{"services = { pnrp = { plugin = \"service-pnrp\";\n store = \"elsewhere\"; }; };",
	 "c:2: services.pnrp.store: there is no store \"elsewhere\"; stores: main\n"},
	{"stores = {};\ndiscovery = {};\nservices = { pnrp = { plugin = \"service-pnrp\";\n store = \"main\"; }; };",
	 "c:4: services.pnrp.store: there is no store \"main\": none is configured\n"},
	{"services = { pnrp = { plugin = \"service-pnrp\";\n store = \"wide\"; discovery = [\"seeds\", \"id\"]; }; };",
	 "c:2: services.pnrp.discovery: \"id\" is of kind security, expected discovery\n"
	 "c:2: services.pnrp.store: \"wide\" is of kind transport, expected store\n"},
	{"stores = {};", "c:0: discovery.seeds.store: it needs a store, and none is configured (a default, because the group is left out)\n"
			"c:0: services.pnrp.store: it needs a store, and none is configured (a default, because the group is left out)\n"},
	{"stores = { a = { plugin = \"store-rocksdb\"; }; b = { plugin = \"store-rocksdb\"; }; };\ndiscovery = {};\n"
	 "services = {\n pnrp = { plugin = \"service-pnrp\"; }; };",
	 "c:4: services.pnrp.store: it must be given, for there are 2 instances in stores\n"},
	{"transports = { a = { plugin = \"transport-udp6\"; over = \"b\"; };\n b = { plugin = \"transport-udp6\"; over = \"c\"; };\n"
	 " c = { plugin = \"transport-udp6\"; over = \"b\"; }; };\nservices = {};",
	 "c:2: reference cycle: transports.b refers to transports.c refers to transports.b\n"},
	{"transports = { a = { plugin = \"transport-udp6\"; over = \"a\"; }; };",
	 "c:1: reference cycle: transports.a refers to transports.a\n"},
	/* what libconfig itself says */
	{"node = {\n name = ;\n};", "c:2: syntax error\n"},
	{"transports = { a = { plugin = \"transport-udp6\"; interfaces = [\"a\",\n 1]; }; };",
	 "c:2: mismatched element type in array\n"},
	/* the text */
	{"node = {};\n/* never\nclosed", "c:2: this comment is never closed\n"},
	{"node = {};\nx = \"never\nclosed", "c:2: this string is never closed\n"},
	{"node = { name = \"a\\x00b\"; };", "c:1: a string cannot hold \\x00\n"},
	{"node = {};\n@include \"gone.conf\"\n", "c:2: cannot include gone.conf: No such file or directory\n"},
	{"\n\n@include \"c\"\n", "c:3: include cycle: c includes c\n"},
	{"@include \"loop1\"\n", "loop2:2: include cycle: loop1 includes loop2 includes ./loop1\n"},
	{"# c\n@include \"sub/bad.conf\"\nnod = {};\n",
	 "sub/worse.conf:1: unknown key \"nmae\" in node; did you mean \"name\"?\n"
	 "sub/bad.conf:4: unknown key \"lgo\" in node; did you mean \"log\"?\n"
	 "c:3: unknown key \"nod\"; did you mean \"node\"?\n"},
};

static void every_problem_is_reported_with_its_line(void **state)
{
	(void)state;
	write_file("loop1", "@include \"loop2\"\n");
	write_file("loop2", "\n  @include\t\"./loop1\"\n");
	assert_int_equal(mkdir(path_of("sub"), 0700), 0);
	write_file("sub/bad.conf", "# one\nnode = {\n@include \"worse.conf\"\nlgo = \"info\"; }");
	write_file("sub/worse.conf", "nmae = \"x\";");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(complaints); i++) {
		struct ponto_conf_file *file = NULL;
		struct ponto_registry *registry;
		struct reports reports;

		write_file("c", complaints[i].text);
		assert_int_equal(load(path_of("c"), &reports, &registry, &file), PONTO_ECONF);
		assert_null(file);
		assert_string_equal(reports.text, complaints[i].says);
		ponto_registry_destroy(registry);
	}
}

static void assert_complains(const char *path, const char *says)
{
	struct ponto_conf_file *file = NULL;
	struct ponto_registry *registry;
	struct reports reports;

	assert_int_equal(load(path, &reports, &registry, &file), PONTO_ECONF);
	assert_string_equal(reports.text, says);
	ponto_registry_destroy(registry);
}

static void files_that_cannot_be_read_are_named(void **state)
{
	static const char nul[] = "node = {};\0node = {};";
	size_t size = (1 << 20) + 1;
	char *large = malloc(size);

	(void)state;
	assert_non_null(large);
	memset(large, '\n', size);
	assert_complains(path_of("absent"), "absent:0: cannot be read: No such file or directory\n");
	assert_complains(directory, ":0: cannot be read: Is a directory\n");
	write_bytes("nul", nul, sizeof(nul));
	assert_complains(path_of("nul"), "nul:0: cannot be read: it holds a NUL byte\n");
	write_bytes("large", large, size);
	assert_complains(path_of("large"), "large:0: cannot be read: larger than a mebibyte with what it includes\n");
	write_file("includes-large", "node = {};\n@include \"large\"\n");
	assert_complains(path_of("includes-large"),
			 "includes-large:2: cannot include large: larger than a mebibyte with what it includes\n");
	free(large);
}

static void a_forbidden_file_is_named(void **state)
{
	(void)state;
	write_file("secret", "node = {};\n");
	assert_int_equal(chmod(path_of("secret"), 0), 0);
	assert_int_equal(chmod(directory, 0755), 0);
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	assert_complains(path_of("secret"), "secret:0: cannot be read: Permission denied\n");
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
}

static void includes_nest_ten_deep(void **state)
{
	char name[32], text[64];

	(void)state;
	for (int i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "deep%d", i);
		snprintf(text, sizeof(text), "@include \"deep%d\"\n", i + 1);
		write_file(name, text);
	}
	assert_complains(path_of("deep0"), "deep10:1: more than 10 includes within each other\n");
}

/* ---- what is accepted -------------------------------------------------------------------- */

static struct ponto_conf_file *accept(const char *path, struct ponto_registry **registry)
{
	struct ponto_conf_file *file = NULL;
	struct reports reports;
	int result = load(path, &reports, registry, &file);

	assert_string_equal(reports.text, "");
	assert_ok(result);
	return file;
}

static struct ponto_conf_file *accept_text(const char *text, struct ponto_registry **registry)
{
	write_file("c", text);
	return accept(path_of("c"), registry);
}

static const struct ponto_conf_instance *find(const struct ponto_conf_file *file, const char *name)
{
	for (size_t i = 0; i < ponto_conf_instance_count(file); i++) {
		if (strcmp(ponto_conf_instance_at(file, i)->name, name) == 0)
			return ponto_conf_instance_at(file, i);
	}
	fail_msg("no instance %s", name);
	return NULL;
}

static void assert_default_composition(const struct ponto_conf_file *file)
{
	static const char *const names[] = {"wide", "main", "id", "seeds", "near", "pnrp"};
	const struct ponto_conf *pnrp = find(file, "pnrp")->conf;

	assert_int_equal(ponto_conf_instance_count(file), PONTO_ARRAY_SIZE(names));
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(names); i++)
		assert_string_equal(ponto_conf_instance_at(file, i)->name, names[i]);
	assert_null(ponto_conf_instance_at(file, PONTO_ARRAY_SIZE(names)));
	assert_string_equal(ponto_conf_string(pnrp, "transport"), "wide");
	assert_string_equal(ponto_conf_string(pnrp, "store"), "main");
	assert_string_equal(ponto_conf_list(pnrp, "discovery")[0], "seeds");
	assert_string_equal(ponto_conf_list(pnrp, "discovery")[1], "near");
	assert_null(ponto_conf_list(pnrp, "discovery")[2]);
	assert_null(ponto_conf_list(pnrp, "friends")[0]);
	assert_false(ponto_conf_given(pnrp, "store"));
	assert_string_equal(ponto_conf_list(find(file, "seeds")->conf, "peers")[1], "b.example");
	assert_int_equal(ponto_conf_int(find(file, "wide")->conf, "port"), 3540);
	assert_int_equal(ponto_conf_int(find(file, "main")->conf, "size"), -1);
	assert_true(ponto_conf_bool(find(file, "main")->conf, "sync"));
	assert_string_equal(ponto_conf_string(ponto_conf_node(file), "log"), "info");
}

static void nothing_given_is_a_working_node(void **state)
{
	struct ponto_registry *registry;
	struct ponto_conf_file *file = accept(NULL, &registry);

	(void)state;
	assert_default_composition(file);
	ponto_conf_file_destroy(file);
	ponto_registry_destroy(registry);
	file = accept_text("", &registry);
	assert_default_composition(file);
	ponto_conf_file_destroy(file);
	ponto_registry_destroy(registry);
}

static void an_empty_group_is_empty(void **state)
{
	struct ponto_registry *registry;
	struct ponto_conf_file *file = accept_text("services = {}; discovery = {}; stores = {};", &registry);

	(void)state;
	assert_int_equal(ponto_conf_instance_count(file), 2);
	ponto_conf_file_destroy(file);
	ponto_registry_destroy(registry);
}

static const char everything[] =
	"# a comment with \"quotes\" and 99999999999999999999\n"
	"node : { name = \"al\" \"ice\"; log = \"debug\"; /* @include \"x\" */ };\r\n"
	"transports = {\n"
	"\tinner = { plugin = \"transport-udp6\"; over = \"wide-1\"; port = 0xdd5 };\n"
	"\twide-1 = { plugin = \"transport-udp6\"; interfaces = \"eth0\"; };\n"
	"};\n"
	"stores = { main = { plugin = \"store-rocksdb\"; size = -3000000000; path = \"a\\\"\\\\\\n\\x01\xc3\xa9/* 5\"; mode = \"fast\";\n"
	" sync = FALSE; };\n"
	" other2147483648 = { plugin = \"store-rocksdb\"; size = 9223372036854775807; }; };\n"
	"discovery = { a = { plugin = \"discovery-seed\"; store = \"main\"; peers = []; };\n"
	"@include \"included.conf\"\n"
	"};\n"
	"services = {\n"
	" two = { plugin = \"service-pnrp\"; transport = \"inner\"; store = \"\"; discovery = \"b\"; friends = (\"one\"); };\n"
	" one = { plugin = \"service-pnrp\"; transport = \"inner\"; store = \"main\"; friends = []; };\n"
	"};\n";

static struct ponto_conf_file *accept_everything(struct ponto_registry **registry)
{
	write_file("included.conf", "// nothing\n  b = { plugin = \"discovery-seed\";\n store = \"main\"; peers = (\"x\", \"y\"); };");
	return accept_text(everything, registry);
}

static void every_type_is_read(void **state)
{
	static const char *const order[] = {"wide-1", "inner", "main", "other2147483648", "id", "a", "b", "one", "two"};
	struct ponto_registry *registry;
	struct ponto_conf_file *file = accept_everything(&registry);
	const struct ponto_conf *store = find(file, "main")->conf, *two = find(file, "two")->conf;

	(void)state;
	assert_int_equal(ponto_conf_instance_count(file), PONTO_ARRAY_SIZE(order));
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(order); i++)
		assert_string_equal(ponto_conf_instance_at(file, i)->name, order[i]);
	assert_string_equal(ponto_conf_string(ponto_conf_node(file), "name"), "alice");
	assert_true(ponto_conf_given(ponto_conf_node(file), "name"));
	assert_string_equal(ponto_conf_string(store, "path"), "a\"\\\n\x01\xc3\xa9/* 5");
	assert_int_equal(ponto_conf_int(store, "size"), INT64_C(-3000000000));
	assert_int_equal(ponto_conf_int(find(file, "other2147483648")->conf, "size"), INT64_MAX);
	assert_false(ponto_conf_bool(store, "sync"));
	assert_int_equal(ponto_conf_int(find(file, "inner")->conf, "port"), 0xdd5);
	assert_string_equal(ponto_conf_list(find(file, "wide-1")->conf, "interfaces")[0], "eth0");
	assert_null(ponto_conf_list(find(file, "a")->conf, "peers")[0]);
	assert_string_equal(ponto_conf_string(two, "store"), "");
	assert_string_equal(ponto_conf_list(two, "discovery")[0], "b");
	assert_null(ponto_conf_list(two, "discovery")[1]);
	assert_string_equal(ponto_conf_list(find(file, "one")->conf, "discovery")[1], "b");
	assert_int_equal(find(file, "b")->line, 2);
	assert_string_equal(find(file, "b")->file + strlen(directory) + 1, "included.conf");
	assert_int_equal(find(file, "one")->line, 15);
	assert_int_equal(find(file, "id")->line, 0);
	ponto_conf_file_destroy(file);
	ponto_registry_destroy(registry);
}

/* show's text without the marks of defaults, which loading it loses. */
static char *show(const struct ponto_conf_file *file)
{
	char *text, *mark;

	assert_ok(ponto_conf_show(&ponto_alloc_system, file, &text));
	while ((mark = strstr(text, " # default")))
		memmove(mark, mark + 10, strlen(mark + 10) + 1);
	return text;
}

static void what_show_prints_loads_to_the_same(void **state)
{
	struct ponto_registry *registry, *again_registry;
	struct ponto_conf_file *file = accept_everything(&registry), *again;
	char *text = show(file), *again_text;

	(void)state;
	again = accept_text(text, &again_registry);
	again_text = show(again);
	assert_string_equal(text, again_text);
	assert_non_null(strstr(text, "name = \"alice\";"));
	assert_non_null(strstr(text, "http = {\n};\n"));
	free(text);
	free(again_text);
	ponto_conf_file_destroy(file);
	ponto_conf_file_destroy(again);
	ponto_registry_destroy(registry);
	ponto_registry_destroy(again_registry);
}

static void defaults_are_marked(void **state)
{
	struct ponto_registry *registry;
	struct ponto_conf_file *file = accept_text("node = { name = \"a\"; };", &registry);
	char *text;

	(void)state;
	assert_ok(ponto_conf_show(&ponto_alloc_system, file, &text));
	assert_non_null(strstr(text, "\tname = \"a\";\n"));
	assert_non_null(strstr(text, "\tlog = \"info\"; # default\n"));
	assert_non_null(strstr(text, "\t\tplugin = \"store-rocksdb\"; # default\n"));
	assert_non_null(strstr(text, "\t\ttransport = \"wide\"; # default\n"));
	free(text);
	ponto_conf_file_destroy(file);
	ponto_registry_destroy(registry);
}

static void the_reference_names_every_option(void **state)
{
	struct ponto_registry *registry;
	struct ponto_conf_file *file = accept(NULL, &registry);
	char *text;

	(void)state;
	assert_ok(ponto_conf_docs(&ponto_alloc_system, registry, &text));
	for (size_t i = 0; i < ponto_node_option_count; i++) {
		assert_non_null(strstr(text, ponto_node_options[i].name));
		assert_non_null(ponto_node_options[i].doc);
	}
	assert_non_null(strstr(text, "### store-rocksdb\n"));
	assert_non_null(strstr(text, "| `port` | an integer, 1 to 65535 | `3540` | restart | UDP port |\n"));
	assert_non_null(strstr(text, "| `mode` | `fast`, `safe` | `safe` | restart | fast \\| safe |\n"));
	assert_non_null(strstr(text, "| `store` | name of stores | the only one | restart | memory |\n"));
	assert_non_null(strstr(text, "| `discovery` | names of discovery | all | restart | bootstrap |\n"));
	assert_non_null(strstr(text, "| `sync` | true or false | `true` | live | write through |\n"));
	free(text);
	ponto_conf_file_destroy(file);
	ponto_registry_destroy(registry);
}

/* ---- groups made of texts ------------------------------------------------------------------ */

static void groups_are_made_of_texts(void **state)
{
	static const char *const settings[] = {"size=0x10", "mode=fast", "sync=false", "path=a=b", NULL};
	static const char *const lists[] = {"peers= a , b,,c", "store=x", NULL};
	struct ponto_conf *conf;
	char error[128] = "x";

	(void)state;
	assert_ok(ponto_conf_make(&ponto_alloc_system, conf_store_options, 4, settings, error, sizeof(error), &conf));
	assert_string_equal(error, "");
	assert_int_equal(ponto_conf_int(conf, "size"), 16);
	assert_string_equal(ponto_conf_string(conf, "mode"), "fast");
	assert_string_equal(ponto_conf_string(conf, "path"), "a=b");
	assert_false(ponto_conf_bool(conf, "sync"));
	ponto_conf_destroy(conf);
	assert_ok(ponto_conf_make(&ponto_alloc_system, conf_seed_options, 2, lists, error, sizeof(error), &conf));
	assert_string_equal(ponto_conf_list(conf, "peers")[0], "a");
	assert_string_equal(ponto_conf_list(conf, "peers")[1], "b");
	assert_string_equal(ponto_conf_list(conf, "peers")[2], "c");
	assert_null(ponto_conf_list(conf, "peers")[3]);
	assert_string_equal(ponto_conf_string(conf, "store"), "x");
	ponto_conf_destroy(conf);
	assert_ok(ponto_conf_make(&ponto_alloc_system, NULL, 0, NULL, error, sizeof(error), &conf));
	ponto_conf_destroy(conf);
	ponto_conf_destroy(NULL);
}

static void texts_are_checked(void **state)
{
	static const struct {
		const char *setting, *says;
	} cases[] = {
		{"colour=red", "unknown option \"colour\""},
		{"size", "unknown option \"size\""},
		{"size=ten", "size: \"ten\" is not an integer"},
		{"size=9223372036854775808", "size: \"9223372036854775808\" is not an integer"},
		{"sync=1", "sync: \"1\" is not true or false"},
		{"mode=slow", "mode: \"slow\" is none of \"fast\", \"safe\""},
	};
	struct ponto_conf *conf = NULL;
	char error[128];

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(cases); i++) {
		const char *const settings[] = {cases[i].setting, NULL};

		assert_int_equal(ponto_conf_make(&ponto_alloc_system, conf_store_options, 4, settings, error, sizeof(error), &conf),
				 PONTO_ECONF);
		assert_null(conf);
		assert_string_equal(error, cases[i].says);
	}
}

/* ---- memory ------------------------------------------------------------------------------- */

static int run_without_memory(const struct ponto_alloc *alloc, void *arg)
{
	struct ponto_registry *registry = registry_new(alloc);
	struct ponto_conf_file *file = NULL;
	struct reports reports = {""};
	char *text = NULL;
	int result;

	if (!registry)
		return PONTO_ENOMEM;
	result = ponto_conf_load(alloc, registry, arg, on_report, &reports, &file);
	if (result == PONTO_OK)
		result = ponto_conf_show(alloc, file, &text);
	ponto_free(alloc, text);
	text = NULL;
	if (result == PONTO_OK)
		result = ponto_conf_docs(alloc, registry, &text);
	ponto_free(alloc, text);
	ponto_conf_file_destroy(file);
	ponto_registry_destroy(registry);
	return result;
}

static int run_without_memory_wrong(const struct ponto_alloc *alloc, void *arg)
{
	int result = run_without_memory(alloc, arg);

	return result == PONTO_ECONF ? PONTO_OK : result;
}

static int make_without_memory(const struct ponto_alloc *alloc, void *arg)
{
	static const char *const settings[] = {"peers=a,b,c", "store=x", NULL};
	struct ponto_conf *conf = NULL;
	char error[64];
	int result;

	(void)arg;
	result = ponto_conf_make(alloc, conf_seed_options, 2, settings, error, sizeof(error), &conf);
	ponto_conf_destroy(conf);
	return result;
}

static void memory_may_run_out_anywhere(void **state)
{
	char path[4200];

	(void)state;
	write_file("included.conf", "b = { plugin = \"discovery-seed\"; store = \"main\"; peers = (\"x\", \"y\"); };");
	write_file("c", everything);
	snprintf(path, sizeof(path), "%s", path_of("c"));
	ponto_test_oom(run_without_memory, path, false);
	ponto_test_oom(run_without_memory, NULL, false);
	ponto_test_oom(make_without_memory, NULL, false);
	write_file("c", "@include \"loop1\"\nnode = { x = 1; };");
	ponto_test_oom(run_without_memory_wrong, path, false);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(every_problem_is_reported_with_its_line),
	cmocka_unit_test(files_that_cannot_be_read_are_named),
	cmocka_unit_test(a_forbidden_file_is_named),
	cmocka_unit_test(includes_nest_ten_deep),
	cmocka_unit_test(nothing_given_is_a_working_node),
	cmocka_unit_test(an_empty_group_is_empty),
	cmocka_unit_test(every_type_is_read),
	cmocka_unit_test(what_show_prints_loads_to_the_same),
	cmocka_unit_test(defaults_are_marked),
	cmocka_unit_test(the_reference_names_every_option),
	cmocka_unit_test(groups_are_made_of_texts),
	cmocka_unit_test(texts_are_checked),
	cmocka_unit_test(memory_may_run_out_anywhere),
};

int main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name(NULL, tests, make_directory, remove_directory);
}
