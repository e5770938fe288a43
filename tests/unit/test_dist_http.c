/* What the content server decides by headers and names alone: dates, validators, preconditions, paths, folders, types. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "plugins/service-dist/dist_folders.h"
#include "plugins/service-dist/dist_http.h"
#include "plugins/service-dist/dist_mime.h"
#include "tests/support/test.h"

/* ---- dates, RFC 9110 5.6.7 ------------------------------------------------------------ */

static void dates(void **state)
{
	static const char *const same[] = {
		"Sun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT",
		"Sun Nov  6 08:49:37 1994",
	};
	static const char *const bad[] = {
		"",
		"yesterday",
		"Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 GMT+1",
		"Sun, 06 Foo 1994 08:49:37 GMT",
		"Sun, 32 Nov 1994 08:49:37 GMT",
		"Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:49:37 GMT",
		"Sun, 06 Nov 1994 08:60:37 GMT",
		"Sun, 06 Nov 1994 08:49:61 GMT",
		"Sun, -6 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1794 08:49:37 GMT",
	};
	char text[DIST_DATE_TEXT];
	int64_t seconds;

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(same); i++) {
		assert_int_equal(dist_date_parse(same[i], &seconds), PONTO_OK);
		assert_int_equal(seconds, 784111777);
	}
	dist_date_format(784111777, text);
	assert_string_equal(text, same[0]);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		seconds = 5;
		if (dist_date_parse(bad[i], &seconds) != PONTO_EINVAL || seconds != 5)
			fail_msg("taken for a date: %s", bad[i]);
	}
	assert_int_equal(dist_date_parse("Sunday, 06-Nov-30 08:49:37 GMT", &seconds), PONTO_OK);
	dist_date_format(seconds, text);
	assert_non_null(strstr(text, "2030"));
	dist_date_format(INT64_MAX, text);
	assert_string_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT");
}

/* ---- preconditions, RFC 9110 13 ----------------------------------------------------------- */

#define WHEN "Sun, 06 Nov 1994 08:49:37 GMT"
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"

static void preconditions(void **state)
{
	static const struct dist_validators v = {.etag = "\"a,b\"", .modified = 784111777, .now = 784111800};
	static const struct {
		unsigned status;
		struct dist_conditions c;
	} cases[] = {
		{200, {NULL}},
		{200, {.if_match = "\"x\", \"a,b\""}},
		{200, {.if_match = "*"}},
		{412, {.if_match = "\"x\""}},
		{412, {.if_match = "W/\"a,b\""}},
		{412, {.if_match = "a,b"}},
		{412, {.if_match = "\"a,b"}},
		{304, {.if_none_match = "\"a,b\""}},
		{304, {.if_none_match = "W/\"a,b\""}},
		{304, {.if_none_match = "*"}},
		{200, {.if_none_match = "\"x\",, \"y\""}},
		{304, {.if_modified_since = WHEN}},
		{200, {.if_modified_since = BEFORE}},
		{200, {.if_modified_since = "never"}},
		{200, {.if_unmodified_since = WHEN}},
		{412, {.if_unmodified_since = BEFORE}},
		{200, {.if_unmodified_since = "never"}},
		/* tags go before dates */
		{200, {.if_none_match = "\"x\"", .if_modified_since = WHEN}},
		{200, {.if_match = "*", .if_unmodified_since = BEFORE}},
		{412, {.if_match = "\"x\"", .if_none_match = "\"a,b\""}},
	};

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(cases); i++) {
		unsigned status = dist_precondition(&cases[i].c, &v);

		if (status != cases[i].status)
			fail_msg("case %zu: %u, not %u", i, status, cases[i].status);
	}
}

static void if_range(void **state)
{
	struct dist_validators v = {.etag = "\"t\"", .modified = 784111777, .now = 784111800};
	struct dist_conditions c = {.if_range = "\"t\""};

	(void)state;
	assert_true(dist_range_applies(&(struct dist_conditions){NULL}, &v));
	assert_true(dist_range_applies(&c, &v));
	c.if_range = "W/\"t\"";
	assert_false(dist_range_applies(&c, &v));
	c.if_range = "\"u\"";
	assert_false(dist_range_applies(&c, &v));
	c.if_range = WHEN;
	assert_true(dist_range_applies(&c, &v));
	c.if_range = BEFORE;
	assert_false(dist_range_applies(&c, &v));
	c.if_range = WHEN;
	v.now = v.modified + 1; /* it may change once more within that second */
	assert_false(dist_range_applies(&c, &v));
}

/* ---- paths ---------------------------------------------------------------------------------- */

static void paths(void **state)
{
	static const char *const good[][2] = {
		{"/", "/"},
		{"/a", "/a"},
		{"/a/", "/a/"},
		{"//a///b", "/a/b"},
		{"/a/./b/.", "/a/b/"},
		{"/a/../b", "/b"},
		{"/a/b/..", "/a/"},
		{"/a/..", "/"},
		{"/a/%2e%2E/b", "/b"},
		{"/%41%20b?x=/../..", "/A b"},
		{"/a#x", "/a"},
		{"/...", "/..."},
		{"http://host:80/a/b", "/a/b"},
		{"HTTPS://host", "/"},
		{"http://host?q", "/"},
		{"/%C3%A4", "/\xC3\xA4"},
	};
	static const char *const bad[] = {"",	   "a",	      "*",	"/..",	  "/a/../..", "/%2e%2e/a", "/%",
					  "/%4",   "/%4g",    "/%00",	"/a%00b", "/a%2fb",   "%2fa",	   "host:80",
					  "ftp://h/a"};
	char out[DIST_PATH_MAX], again[DIST_PATH_MAX], *longest;

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(good); i++) {
		assert_int_equal(dist_path(good[i][0], out), PONTO_OK);
		assert_string_equal(out, good[i][1]);
	}
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		if (dist_path(bad[i], out) != PONTO_EINVAL)
			fail_msg("taken for a path: %s", bad[i]);
	}
	/* As long as may be, and longer. */
	longest = malloc(2 * DIST_PATH_MAX);
	assert_non_null(longest);
	for (size_t len = DIST_PATH_MAX - 4; len < DIST_PATH_MAX + 4; len++) {
		memset(longest, 'a', len);
		longest[0] = '/';
		longest[len] = '\0';
		if (dist_path(longest, out) == PONTO_OK) {
			assert_string_equal(out, longest);
			assert_int_equal(dist_path(out, again), PONTO_OK);
		} else {
			assert_true(len >= DIST_PATH_MAX - 2);
		}
		longest[len - 1] = '/';
		if (dist_path(longest, out) == PONTO_OK)
			assert_true(strlen(out) < DIST_PATH_MAX);
	}
	free(longest);
}

/* ---- folders ---------------------------------------------------------------------------------- */

static void folders_published(void **state)
{
	struct ponto_test_alloc counting;
	struct dist_folders folders = {.alloc = &counting.alloc};
	struct dist_folder *root, *docs, *deep;
	char reason[DIST_FOLDER_REASON], copy[256];
	const char *rest, *path, *prefix;

	(void)state;
	ponto_test_alloc_init(&counting);
	assert_int_equal(dist_folders_add(&folders, "/tmp", "/", true, &root, reason), PONTO_OK);
	assert_int_equal(dist_folders_add(&folders, "/usr", "/docs", false, &docs, reason), PONTO_OK);
	assert_int_equal(dist_folders_add(&folders, "/etc", "/docs/deep/", false, &deep, reason), PONTO_OK);
	assert_string_equal(docs->prefix, "/docs/");
	assert_ptr_equal(dist_folders_match(&folders, "/docs/deep/x/y", &rest), deep);
	assert_string_equal(rest, "x/y");
	assert_ptr_equal(dist_folders_match(&folders, "/docs/deeper", &rest), docs);
	assert_string_equal(rest, "deeper");
	assert_ptr_equal(dist_folders_match(&folders, "/docs", &rest), docs);
	assert_null(rest);
	assert_ptr_equal(dist_folders_match(&folders, "/docsx", &rest), root);
	assert_string_equal(rest, "docsx");
	assert_ptr_equal(dist_folders_match(&folders, "/", &rest), root);
	assert_string_equal(rest, "");

	assert_int_equal(dist_folders_add(&folders, "/usr", "/docs/", false, &docs, reason), PONTO_EEXIST);
	assert_int_equal(dist_folders_add(&folders, "usr", "/x", false, &docs, reason), PONTO_EINVAL);
	assert_int_equal(dist_folders_add(&folders, "/usr", "x", false, &docs, reason), PONTO_EINVAL);
	assert_int_equal(dist_folders_add(&folders, "/usr", "/a?b", false, &docs, reason), PONTO_EINVAL);
	assert_int_equal(dist_folders_add(&folders, "/usr", "/../b", false, &docs, reason), PONTO_EINVAL);
	assert_int_equal(dist_folders_add(&folders, "/nowhere/at/all", "/x", false, &docs, reason), PONTO_ENOENT);
	assert_non_null(strstr(reason, "/nowhere/at/all"));
	assert_int_equal(dist_folders_add(&folders, "/etc/passwd", "/x", false, &docs, reason), PONTO_ENOENT);

	/* One in use stays as long. */
	dist_folder_use(deep);
	dist_folders_remove(&folders, deep);
	assert_ptr_equal(dist_folders_match(&folders, "/docs/deep/x", &rest), docs);
	assert_true(fcntl(deep->fd, F_GETFD) >= 0);
	dist_folder_leave(&folders, deep);
	dist_folders_clear(&folders);
	assert_int_equal(counting.live, 0);

	assert_int_equal(dist_folder_parse("/srv", copy, sizeof(copy), &path, &prefix), PONTO_OK);
	assert_string_equal(path, "/srv");
	assert_string_equal(prefix, "/");
	assert_int_equal(dist_folder_parse("/docs=/srv/d=e", copy, sizeof(copy), &path, &prefix), PONTO_OK);
	assert_string_equal(path, "/srv/d=e");
	assert_string_equal(prefix, "/docs");
	assert_int_equal(dist_folder_parse("docs=/srv", copy, sizeof(copy), &path, &prefix), PONTO_EINVAL);
	assert_int_equal(dist_folder_parse("srv", copy, sizeof(copy), &path, &prefix), PONTO_EINVAL);
	assert_int_equal(dist_folder_parse("/srv/a", copy, 6, &path, &prefix), PONTO_ELIMIT);
}

static int add_two(const struct ponto_alloc *alloc, void *arg)
{
	struct dist_folders folders = {.alloc = alloc};
	char reason[DIST_FOLDER_REASON];
	struct dist_folder *folder;
	int result = dist_folders_add(&folders, "/tmp", "/", true, &folder, reason);

	(void)arg;
	if (result == PONTO_OK)
		result = dist_folders_add(&folders, "/usr", "/usr", true, &folder, reason);
	dist_folders_clear(&folders);
	return result;
}

static void folders_without_memory(void **state)
{
	(void)state;
	ponto_test_oom(add_two, NULL, false);
}

/* ---- media types ----------------------------------------------------------------------------- */

static void media_types(void **state)
{
	char *dir = ponto_test_mkdir(), path[256];
	struct dist_mime *mime;
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "%s/mime.types", dir);
	assert_ok(dist_mime_load(&ponto_alloc_system, path, &mime)); /* there is none */
	assert_string_equal(dist_mime_of(mime, "a/b.html"), "text/html");
	assert_string_equal(dist_mime_of(mime, "B.HTML"), "text/html");
	assert_string_equal(dist_mime_of(mime, "html"), "application/octet-stream");
	assert_string_equal(dist_mime_of(mime, ".html"), "application/octet-stream");
	assert_string_equal(dist_mime_of(mime, "a.html/b"), "application/octet-stream");
	assert_string_equal(dist_mime_of(mime, ""), "application/octet-stream");
	dist_mime_free(mime);

	file = fopen(path, "w");
	assert_non_null(file);
	fputs("# a comment\n\napplication/x-one\tone uno\r\ntext/x-none\napplication/xhtml+xml html", file);
	fclose(file);
	assert_ok(dist_mime_load(&ponto_alloc_system, path, &mime));
	assert_string_equal(dist_mime_of(mime, "x.one"), "application/x-one");
	assert_string_equal(dist_mime_of(mime, "x.Uno"), "application/x-one");
	assert_string_equal(dist_mime_of(mime, "x.html"), "application/xhtml+xml");
	assert_string_equal(dist_mime_of(mime, "x.png"), "image/png");
	dist_mime_free(mime);
	ponto_test_rmdir(dir);
}

static int load_types(const struct ponto_alloc *alloc, void *arg)
{
	struct dist_mime *mime;
	int result = dist_mime_load(alloc, arg, &mime);

	if (result == PONTO_OK)
		dist_mime_free(mime);
	return result;
}

static void media_types_without_memory(void **state)
{
	char *dir = ponto_test_mkdir(), path[256];
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "%s/mime.types", dir);
	file = fopen(path, "w");
	assert_non_null(file);
	for (int i = 0; i < 1000; i++)
		fprintf(file, "text/x%d e%d\n", i, i);
	fclose(file);
	ponto_test_oom(load_types, path, false);
	ponto_test_rmdir(dir);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(dates),
	cmocka_unit_test(preconditions),
	cmocka_unit_test(if_range),
	cmocka_unit_test(paths),
	cmocka_unit_test(folders_published),
	cmocka_unit_test(folders_without_memory),
	cmocka_unit_test(media_types),
	cmocka_unit_test(media_types_without_memory),
};

PONTO_TEST_MAIN(tests)
