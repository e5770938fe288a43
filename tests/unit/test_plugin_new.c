/* ponto plugin new: names, refusals, and what is written. That it compiles and loads: tests/interop/out_of_tree.sh. */
#include "tests/support/test.h"

#include <stdio.h>
#include <unistd.h>

#include "apps/ponto/plugin_new.h"
#include "framework/registry.h"

static char *read_file(const char *dir, const char *name)
{
	static char text[65536];
	char path[4200];
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "rb");
	assert_non_null(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	fclose(file);
	return text;
}

static void every_kind_has_a_template_under_the_new_name(void **state)
{
	char *dir = ponto_test_mkdir(), error[512], file[128];

	(void)state;
	for (const struct ponto_plugin_template *t = ponto_plugin_templates; t->kind; t++) {
		char *text;

		assert_int_not_equal(ponto_kind_parse(t->kind), 0);
		assert_ok(ponto_plugin_new(t->kind, "my-own2", dir, error, sizeof(error)));
		snprintf(file, sizeof(file), "%s-my-own2/%s_my_own2.c", t->kind, t->kind);
		text = read_file(dir, file);
		assert_null(strstr(text, t->name));
		assert_null(strstr(text, t->module));
		snprintf(file, sizeof(file), "PONTO_PLUGIN(%s_my_own2) = {", t->kind);
		assert_non_null(strstr(text, file));
		snprintf(file, sizeof(file), ".name = \"%s-my-own2\",", t->kind);
		assert_non_null(strstr(text, file));
		snprintf(file, sizeof(file), "%s-my-own2/Makefile", t->kind);
		text = read_file(dir, file);
		assert_non_null(strstr(text, "pkg-config --cflags --libs ponto-plugin"));
		snprintf(file, sizeof(file), "%s-my-own2/README.md", t->kind);
		text = read_file(dir, file);
		snprintf(file, sizeof(file), "%s = { mine = { plugin = \"%s-my-own2\"; }; };",
			 ponto_kind_group(ponto_kind_parse(t->kind)), t->kind);
		assert_non_null(strstr(text, file));
	}
	ponto_test_rmdir(dir);
}

static void the_example_is_the_template(void **state)
{
	char *dir = ponto_test_mkdir(), error[512], *copy;

	(void)state;
	assert_ok(ponto_plugin_new("store", "store-file", dir, error, sizeof(error)));
	copy = strdup(read_file(dir, "store-file/store_file.c"));
	assert_non_null(copy);
	assert_string_equal(copy, read_file(ponto_test_source("docs/examples"), "store-file/store_file.c"));
	free(copy);
	ponto_test_rmdir(dir);
}

static void mistakes_are_refused_in_one_line(void **state)
{
	static const struct {
		const char *kind, *name;
		int result;
		const char *says;
	} cases[] = {
		{"shop", "x", PONTO_EINVAL, "'shop' is no kind of plugin: transport, store, "},
		{"store", "", PONTO_EINVAL, "'' is no name"},
		{"store", "store-", PONTO_EINVAL, "'' is no name"},
		{"store", "../x", PONTO_EINVAL, "'../x' is no name"},
		{"store", "A", PONTO_EINVAL, "'A' is no name"},
		{"store", "x-", PONTO_EINVAL, "'x-' is no name"},
		{"store", "0123456789012345678901234567890123456789012345678901234567", PONTO_EINVAL, "longer than 63"},
		{"store", "there", PONTO_EEXIST, "cannot create "},
	};
	char *dir = ponto_test_mkdir(), error[512], missing[4200];

	(void)state;
	assert_ok(ponto_plugin_new("store", "there", dir, error, sizeof(error)));
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(cases); i++) {
		error[0] = '\0';
		assert_int_equal(ponto_plugin_new(cases[i].kind, cases[i].name, dir, error, sizeof(error)), cases[i].result);
		assert_non_null(strstr(error, cases[i].says));
		assert_null(strchr(error, '\n'));
	}
	snprintf(missing, sizeof(missing), "%s/missing", dir);
	assert_int_equal(ponto_plugin_new("store", "x", missing, error, sizeof(error)), PONTO_EIO);
	assert_non_null(strstr(error, "No such file or directory"));
	ponto_test_rmdir(dir);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(every_kind_has_a_template_under_the_new_name),
	cmocka_unit_test(the_example_is_the_template),
	cmocka_unit_test(mistakes_are_refused_in_one_line),
};

PONTO_TEST_MAIN(tests)
