/* A request's target and its conditional headers, one a line: a path never leads out of its folder, a date that is read
 * is written the same again, and a precondition has one of three results. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "plugins/service-dist/dist_http.h"

static void check_path(const char *target)
{
	char path[DIST_PATH_MAX];
	size_t len;

	if (dist_path(target, path) != PONTO_OK)
		return;
	len = strlen(path);
	FUZZ_REQUIRE(len > 0 && len < DIST_PATH_MAX && path[0] == '/');
	FUZZ_REQUIRE(!strstr(path, "//") && !strstr(path, "/../") && !strstr(path, "/./"));
	FUZZ_REQUIRE(len < 3 || strcmp(path + len - 3, "/..") != 0);
	FUZZ_REQUIRE(len < 2 || strcmp(path + len - 2, "/.") != 0);
}

static void check_date(const char *text)
{
	char again[DIST_DATE_TEXT];
	int64_t seconds, same;

	if (dist_date_parse(text, &seconds) != PONTO_OK)
		return;
	dist_date_format(seconds, again);
	FUZZ_REQUIRE(dist_date_parse(again, &same) == PONTO_OK && same == seconds);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *rest, *line[6] = {NULL};
	const struct dist_validators v = {.etag = "\"e\"", .modified = 784111777, .now = 784111800};
	struct dist_conditions c;
	unsigned status;

	FUZZ_REQUIRE(text);
	memcpy(text, data, size);
	text[size] = 0;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(line); i++) {
		line[i] = strtok_r(i ? NULL : text, "\n", &rest);
		if (!line[i])
			break;
		check_path(line[i]);
		check_date(line[i]);
	}
	c = (struct dist_conditions){line[1], line[2], line[3], line[4], line[5]};
	status = dist_precondition(&c, &v);
	FUZZ_REQUIRE(status == 200 || status == 304 || status == 412);
	(void)dist_range_applies(&c, &v);
	free(text);
	return 0;
}
