/* The loader: what it accepts, what it refuses and in which words, and the order of needs. */
#include "tests/support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/registry.h"
#include "framework/transport.h"
#include "tests/unit/plugins/plugins.h"

static const char *plugin_directory(void)
{
	static char path[4096];
	const char *top = getenv("PONTO_BUILDDIR");

	snprintf(path, sizeof(path), "%s/tests/unit/plugins/.libs", top ? top : ".");
	return path;
}

static struct ponto_registry *registry_new(const struct ponto_plugin *const *builtin, const char *path)
{
	struct ponto_registry *r;

	unsetenv("PONTO_PLUGIN_PATH");
	assert_ok(ponto_registry_create(&ponto_alloc_system, builtin, path, &r));
	return r;
}

#define assert_says(reason, part)                                                          \
	do {                                                                               \
		if (!strstr(reason, part))                                                 \
			fail_msg("\"%s\" does not say \"%s\"", reason, part);              \
	} while (0)

/* ---- from files -------------------------------------------------------------------- */

static void loads_a_file_by_name(void **state)
{
	struct ponto_registry *r = registry_new(NULL, plugin_directory());
	const struct ponto_plugin *p, *again;
	char reason[PONTO_REASON_SIZE], file[4200];

	(void)state;
	assert_null(ponto_registry_find(r, "store-good"));
	assert_ok(ponto_registry_load(r, "store-good", reason));
	assert_ok(ponto_registry_load(r, "store-good", reason));
	assert_int_equal(ponto_registry_count(r), 1);
	p = ponto_registry_find(r, "store-good");
	assert_non_null(p);
	assert_ptr_equal(p, ponto_registry_at(r, 0));
	assert_null(ponto_registry_at(r, 1));
	assert_int_equal(p->option_count, 1);
	assert_says(ponto_registry_origin(r, p), "store-good.so");
	snprintf(file, sizeof(file), "%s/store-good.so", plugin_directory());
	assert_ok(ponto_registry_load_file(r, file, &again, reason));
	assert_ptr_equal(p, again);
	assert_int_equal(ponto_registry_count(r), 1);
	ponto_registry_destroy(r);
}

static void plugin_path_is_searched_first(void **state)
{
	struct ponto_registry *r;
	char reason[PONTO_REASON_SIZE], path[4200];

	(void)state;
	snprintf(path, sizeof(path), "/nowhere::%s", plugin_directory());
	setenv("PONTO_PLUGIN_PATH", path, 1);
	assert_ok(ponto_registry_create(&ponto_alloc_system, NULL, "/nowhere/else", &r));
	unsetenv("PONTO_PLUGIN_PATH");
	assert_ok(ponto_registry_load(r, "store-good", reason));
	assert_int_equal(ponto_registry_load(r, "store-nowhere", reason), PONTO_ENOENT);
	assert_says(reason, "no file store-nowhere.so in /nowhere::");
	assert_says(reason, ":/nowhere/else:" PONTO_PLUGIN_DIR);
	ponto_registry_destroy(r);
}

static const struct refusal {
	const char *name;
	int result;
	const char *says;
} refusals[] = {
	{"store-nowhere", PONTO_ENOENT, "no file store-nowhere.so in "},
	{"store-unresolved", PONTO_EIO, "undefined symbol: ponto_function_of_nobody"},
	{"store-bare", PONTO_EINVAL, "no descriptor: it does not export store_bare_LTX_ponto_plugin"},
	{"store-abi", PONTO_EABI, "wrong ABI: built for plugin ABI 3, this program has 2"},
	{"store-kind", PONTO_EINVAL, "wrong kind: \"store-kind\" is no name for a transport, which is called transport-NAME"},
	{"store-number", PONTO_EINVAL, "is no kind of plugin"},
	{"store-other", PONTO_EINVAL, "its name is store-good, so the file must be store-good.so"},
	{"banana", PONTO_EINVAL, "\"banana\" is no name of a plugin, which is KIND-NAME"},
	{"store-../good", PONTO_EINVAL, "is no name of a plugin"},
	{"store-", PONTO_EINVAL, "is no name of a plugin"},
};

static void refuses_with_the_reason(void **state)
{
	struct ponto_registry *r = registry_new(NULL, plugin_directory());

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(refusals); i++) {
		char reason[PONTO_REASON_SIZE] = "";

		assert_int_equal(ponto_registry_load(r, refusals[i].name, reason), refusals[i].result);
		assert_says(reason, refusals[i].says);
	}
	assert_int_equal(ponto_registry_count(r), 0);
	ponto_registry_destroy(r);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void copy_file(const char *from, const char *to)
{
	char buffer[65536];
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
	size_t n;

	assert_non_null(in);
	assert_non_null(out);
	while ((n = fread(buffer, 1, sizeof(buffer), in)) > 0)
		assert_int_equal(fwrite(buffer, 1, n, out), n);
	fclose(in);
	fclose(out);
}

static void refuses_what_is_no_object(void **state)
{
	struct ponto_registry *r = registry_new(NULL, NULL);
	const struct ponto_plugin *p;
	char *dir = ponto_test_mkdir(), path[4200], reason[PONTO_REASON_SIZE];

	(void)state;
	snprintf(path, sizeof(path), "%s/store-text.so", dir);
	assert_int_equal(ponto_registry_load_file(r, path, &p, reason), PONTO_ENOENT);
	assert_says(reason, "No such file or directory");
	write_file(path, "this is no shared object, but long enough that it might have been one, had it begun well\n");
	assert_int_equal(ponto_registry_load_file(r, path, &p, reason), PONTO_EIO);
	assert_says(reason, "invalid ELF header");
	assert_says(reason, path);
	ponto_registry_destroy(r);
	ponto_test_rmdir(dir);
}

static void a_second_file_of_the_same_name_clashes(void **state)
{
	struct ponto_registry *r = registry_new(NULL, plugin_directory());
	const struct ponto_plugin *p = NULL;
	char *dir = ponto_test_mkdir(), path[4200], original[4200], reason[PONTO_REASON_SIZE];

	(void)state;
	snprintf(original, sizeof(original), "%s/store-good.so", plugin_directory());
	snprintf(path, sizeof(path), "%s/store-good.so", dir);
	copy_file(original, path);
	assert_ok(ponto_registry_load(r, "store-good", reason));
	assert_int_equal(ponto_registry_load_file(r, path, &p, reason), PONTO_EEXIST);
	assert_says(reason, "name clash: store-good is already loaded (");
	assert_null(p);
	assert_int_equal(ponto_registry_count(r), 1);
	ponto_registry_destroy(r);
	ponto_test_rmdir(dir);
}

struct reports {
	size_t count;
	char names[32][64];
	int results[32];
};

static void on_report(void *ctx, const char *name, int result, const char *reason)
{
	struct reports *reports = ctx;

	assert_true(reports->count < 32 && reason[0]);
	snprintf(reports->names[reports->count], 64, "%s", name);
	reports->results[reports->count++] = result;
}

static void load_all_reports_the_refused_and_goes_on(void **state)
{
	static const char *const loaded[] = {"store-a", "store-b", "store-good", "store-missing", "store-user"};
	static const char *const refused[] = {"store-abi",   "store-bare",  "store-kind",
					      "store-number", "store-other", "store-unresolved"};
	struct ponto_registry *r = registry_new(NULL, plugin_directory());
	struct reports reports = {0};

	(void)state;
	assert_ok(ponto_registry_load_all(r, on_report, &reports));
	assert_int_equal(ponto_registry_count(r), PONTO_ARRAY_SIZE(loaded));
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(loaded); i++)
		assert_string_equal(ponto_registry_at(r, i)->name, loaded[i]);
	assert_int_equal(reports.count, PONTO_ARRAY_SIZE(refused));
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(refused); i++)
		assert_string_equal(reports.names[i], refused[i]);
	ponto_registry_destroy(r);
}

static void load_all_is_in_the_order_of_names_whatever_is_static(void **state)
{
	static const struct ponto_plugin late = {TEST_PLUGIN("store-late")}, early = {TEST_PLUGIN("store-early")};
	static const struct ponto_plugin *const table[] = {&late, &early, NULL};
	struct ponto_registry *r = registry_new(table, plugin_directory());
	struct reports reports = {0};

	(void)state;
	assert_ok(ponto_registry_load_all(r, on_report, &reports));
	assert_int_equal(ponto_registry_count(r), 7);
	for (size_t i = 1; i < ponto_registry_count(r); i++)
		assert_true(strcmp(ponto_registry_at(r, i - 1)->name, ponto_registry_at(r, i)->name) < 0);
	ponto_registry_destroy(r);
}

/* ---- order ---------------------------------------------------------------------------- */

static void order_loads_what_is_needed_and_puts_it_first(void **state)
{
	struct ponto_registry *r = registry_new(NULL, plugin_directory());
	char reason[PONTO_REASON_SIZE];

	(void)state;
	assert_ok(ponto_registry_load(r, "store-user", reason));
	assert_ok(ponto_registry_order(r, reason));
	assert_int_equal(ponto_registry_count(r), 2);
	assert_string_equal(ponto_registry_at(r, 0)->name, "store-good");
	assert_string_equal(ponto_registry_at(r, 1)->name, "store-user");
	ponto_registry_destroy(r);
}

static void a_missing_need_is_named(void **state)
{
	struct ponto_registry *r = registry_new(NULL, plugin_directory());
	char reason[PONTO_REASON_SIZE];

	(void)state;
	assert_ok(ponto_registry_load(r, "store-missing", reason));
	assert_int_equal(ponto_registry_order(r, reason), PONTO_ENOENT);
	assert_says(reason, "store-missing needs store-nowhere: no file store-nowhere.so in ");
	ponto_registry_destroy(r);
}

static void a_cycle_is_spelled_out(void **state)
{
	struct ponto_registry *r = registry_new(NULL, plugin_directory());
	char reason[PONTO_REASON_SIZE];

	(void)state;
	assert_ok(ponto_registry_load(r, "store-good", reason));
	assert_ok(ponto_registry_load(r, "store-a", reason));
	assert_int_equal(ponto_registry_order(r, reason), PONTO_EINVAL);
	assert_string_equal(reason, "cycle: store-a needs store-b needs store-a");
	assert_string_equal(ponto_registry_at(r, 0)->name, "store-good");
	ponto_registry_destroy(r);
}

static const char *const needs_fast[] = {"fast", NULL}, *const offers_fast[] = {"fast", NULL},
			 *const needs_layer[] = {"fast", "store-good", NULL};
static const struct ponto_plugin layer = {TEST_PLUGIN("store-layer"), .needs = needs_layer, .offers = offers_fast};
static const struct ponto_plugin base = {TEST_PLUGIN("store-base"), .offers = offers_fast};
static const struct ponto_plugin top = {TEST_PLUGIN("store-top"), .needs = needs_fast};
static const struct ponto_plugin good = {TEST_PLUGIN("store-good")};

static void features_order_without_a_false_cycle(void **state)
{
	struct ponto_registry *r = registry_new(NULL, NULL);
	char reason[PONTO_REASON_SIZE];

	(void)state;
	assert_ok(ponto_registry_add(r, &top, reason));
	assert_ok(ponto_registry_add(r, &layer, reason));
	assert_ok(ponto_registry_add(r, &good, reason));
	assert_int_equal(ponto_registry_order(r, reason), PONTO_ENOENT);
	assert_string_equal(reason, "store-layer needs fast, which no loaded plugin offers");
	assert_ok(ponto_registry_add(r, &base, reason));
	assert_ok(ponto_registry_order(r, reason));
	assert_string_equal(ponto_registry_at(r, 0)->name, "store-base");
	assert_string_equal(ponto_registry_at(r, 1)->name, "store-good");
	assert_string_equal(ponto_registry_at(r, 2)->name, "store-layer");
	assert_string_equal(ponto_registry_at(r, 3)->name, "store-top");
	ponto_registry_destroy(r);
}

/* ---- the static table -------------------------------------------------------------------- */

static void the_table_comes_before_directories(void **state)
{
	static const struct ponto_plugin *const table[] = {&good, &base, NULL};
	struct ponto_registry *r = registry_new(table, plugin_directory());
	char reason[PONTO_REASON_SIZE];

	(void)state;
	assert_int_equal(ponto_registry_count(r), 0);
	assert_ok(ponto_registry_load(r, "store-good", reason));
	assert_ptr_equal(ponto_registry_find(r, "store-good"), &good);
	assert_string_equal(ponto_registry_origin(r, &good), "static");
	assert_null(ponto_registry_origin(r, &top));
	assert_int_equal(ponto_registry_add(r, &good, reason), PONTO_EEXIST);
	assert_says(reason, "name clash: store-good is already loaded (static)");
	ponto_registry_destroy(r);
}

static void a_table_with_a_clash_is_reported(void **state)
{
	static const struct ponto_plugin twin = {TEST_PLUGIN("store-good")};
	static const struct ponto_plugin *const table[] = {&good, &twin, NULL};
	struct ponto_registry *r = registry_new(table, NULL);
	struct reports reports = {0};

	(void)state;
	assert_ok(ponto_registry_load_all(r, on_report, &reports));
	assert_int_equal(ponto_registry_count(r), 1);
	assert_int_equal(reports.count, 1);
	assert_int_equal(reports.results[0], PONTO_EEXIST);
	ponto_registry_destroy(r);
}

/* ---- descriptors -------------------------------------------------------------------------- */

#define OPTION(...) &(const struct ponto_option){__VA_ARGS__}
#define INT_OPTION .name = "size", .type = PONTO_OPTION_INT, .doc = "d"

static const char *const some[] = {"a", "b", NULL};

static const struct {
	const struct ponto_option *option;
	const char *says;
} schemas[] = {
	{OPTION(.name = "Size", .type = PONTO_OPTION_STRING, .doc = "d"), "not snake_case"},
	{OPTION(.name = "plugin", .type = PONTO_OPTION_STRING, .doc = "d"), "reserved"},
	{OPTION(.name = "size", .type = 7, .doc = "d"), "option size: type 7 is unknown"},
	{OPTION(.name = "size", .type = PONTO_OPTION_STRING), "doc is missing"},
	{OPTION(INT_OPTION), "fallback is missing"},
	{OPTION(INT_OPTION, .fallback = "many"), "its default is wrong: \"many\" is not an integer"},
	{OPTION(INT_OPTION, .fallback = "99999999999999999999"), "is not an integer"},
	{OPTION(INT_OPTION, .fallback = "7", .min = 1, .max = 5), "its default is wrong: 7 is out of range: 1 to 5"},
	{OPTION(INT_OPTION, .fallback = "3", .min = 5, .max = 1), "min 5 is above max 1"},
	{OPTION(INT_OPTION, .fallback = "3", .choices = some), "choices are for strings"},
	{OPTION(INT_OPTION, .fallback = "3", .ref_kind = PONTO_KIND_STORE), "ref_kind 2 does not fit"},
	{OPTION(.name = "on", .type = PONTO_OPTION_BOOL, .doc = "d", .fallback = "yes"), "\"yes\" is not true or false"},
	{OPTION(.name = "on", .type = PONTO_OPTION_BOOL, .doc = "d", .fallback = "true", .max = 1), "only integers"},
	{OPTION(.name = "mode", .type = PONTO_OPTION_STRING, .doc = "d", .fallback = "c", .choices = some),
	 "\"c\" is none of \"a\", \"b\""},
	{OPTION(.name = "store", .type = PONTO_OPTION_REF, .doc = "d"), "ref_kind 0 does not fit"},
	{OPTION(.name = "store", .type = PONTO_OPTION_REF, .doc = "d", .ref_kind = 9), "ref_kind 9 does not fit"},
};

static void schemas_are_checked(void **state)
{
	static const struct ponto_option twice[] = {
		{.name = "mode", .type = PONTO_OPTION_STRING, .doc = "d"},
		{.name = "mode", .type = PONTO_OPTION_STRING, .doc = "d"},
	};
	struct ponto_plugin p = good;
	char reason[PONTO_REASON_SIZE];

	(void)state;
	p.option_count = 1;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(schemas); i++) {
		p.options = schemas[i].option;
		assert_int_equal(ponto_plugin_check(&p, reason), PONTO_EINVAL);
		assert_says(reason, schemas[i].says);
	}
	p.options = NULL;
	assert_int_equal(ponto_plugin_check(&p, reason), PONTO_EINVAL);
	p.options = twice;
	p.option_count = 2;
	assert_int_equal(ponto_plugin_check(&p, reason), PONTO_EINVAL);
	assert_says(reason, "option mode: declared twice");
}

static void vtables_are_checked(void **state)
{
	static const char *const stream[] = {PONTO_FEATURE_STREAM, NULL};
	struct ponto_transport_ops transport = {.head = {PONTO_TRANSPORT_ABI, sizeof(transport)},
						.create = (int (*)(const struct ponto_env *, void **))nothing,
						.destroy = (void (*)(void *))nothing};
	struct ponto_store_ops store = ops;
	struct ponto_plugin p = good;
	char reason[PONTO_REASON_SIZE];

	(void)state;
	assert_ok(ponto_plugin_check(&p, reason));
	p.vtable = NULL;
	assert_int_equal(ponto_plugin_check(&p, reason), PONTO_EINVAL);
	p.vtable = &store.head;
	store.head.abi = PONTO_STORE_ABI + 1;
	assert_int_equal(ponto_plugin_check(&p, reason), PONTO_EABI);
	assert_says(reason, "its vtable is for store contract 2, this program has 1");
	store = ops;
	store.head.size = offsetof(struct ponto_store_ops, flush);
	assert_int_equal(ponto_plugin_check(&p, reason), PONTO_EINVAL);
	assert_says(reason, "its vtable ends before flush");
	store = ops;
	store.get = NULL;
	assert_int_equal(ponto_plugin_check(&p, reason), PONTO_EINVAL);
	assert_says(reason, "its vtable lacks get");
	p.kind = PONTO_KIND_TRANSPORT;
	p.name = "transport-good";
	p.vtable = &transport.head;
	assert_int_equal(ponto_plugin_check(&p, reason), PONTO_EINVAL);
	assert_says(reason, "a transport offers");
	p.offers = stream;
	assert_int_equal(ponto_plugin_check(&p, reason), PONTO_EINVAL);
	assert_says(reason, "its vtable lacks connect");
}

static void kinds_have_names_and_groups(void **state)
{
	(void)state;
	for (unsigned kind = 1; kind < PONTO_KIND_LIMIT; kind++) {
		assert_int_equal(ponto_kind_parse(ponto_kind_name((enum ponto_kind)kind)), kind);
		assert_non_null(ponto_kind_group((enum ponto_kind)kind));
	}
	assert_string_equal(ponto_kind_group(PONTO_KIND_STORE), "stores");
	assert_null(ponto_kind_name((enum ponto_kind)0));
	assert_null(ponto_kind_group(PONTO_KIND_LIMIT));
	assert_int_equal(ponto_kind_parse("stores"), 0);
}

static int run_without_memory(const struct ponto_alloc *alloc, void *arg)
{
	static const struct ponto_plugin *const table[] = {&good, &base, &top, NULL};
	struct ponto_registry *r;
	struct reports reports = {0};
	char reason[PONTO_REASON_SIZE];
	int result = ponto_registry_create(alloc, table, arg, &r);

	if (result != PONTO_OK)
		return result;
	result = ponto_registry_load(r, "store-user", reason);
	if (result == PONTO_OK)
		result = ponto_registry_order(r, reason);
	if (result == PONTO_OK)
		assert_string_equal(ponto_registry_at(r, 1)->name, "store-user");
	if (result == PONTO_OK)
		result = ponto_registry_load_all(r, on_report, &reports);
	ponto_registry_destroy(r);
	return result;
}

static void memory_may_run_out_anywhere(void **state)
{
	char path[4200];

	(void)state;
	unsetenv("PONTO_PLUGIN_PATH");
	snprintf(path, sizeof(path), "%s", plugin_directory());
	ponto_test_oom(run_without_memory, path, false);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(loads_a_file_by_name),
	cmocka_unit_test(plugin_path_is_searched_first),
	cmocka_unit_test(refuses_with_the_reason),
	cmocka_unit_test(refuses_what_is_no_object),
	cmocka_unit_test(a_second_file_of_the_same_name_clashes),
	cmocka_unit_test(load_all_reports_the_refused_and_goes_on),
	cmocka_unit_test(load_all_is_in_the_order_of_names_whatever_is_static),
	cmocka_unit_test(order_loads_what_is_needed_and_puts_it_first),
	cmocka_unit_test(a_missing_need_is_named),
	cmocka_unit_test(a_cycle_is_spelled_out),
	cmocka_unit_test(features_order_without_a_false_cycle),
	cmocka_unit_test(the_table_comes_before_directories),
	cmocka_unit_test(a_table_with_a_clash_is_reported),
	cmocka_unit_test(schemas_are_checked),
	cmocka_unit_test(vtables_are_checked),
	cmocka_unit_test(kinds_have_names_and_groups),
	cmocka_unit_test(memory_may_run_out_anywhere),
};

PONTO_TEST_MAIN(tests)
