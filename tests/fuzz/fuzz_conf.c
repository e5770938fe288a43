/* The input is a configuration file. Checked beside memory errors: a refused one was reported, includes reach no
 * file but itself, and what an accepted one shows loads again and shows the same. */
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "framework/registry.h"
#include "tests/unit/conf_plugins.h"

/* libconfig 1.5 loses the string it was reading when it meets a syntax error. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so";
}

static void on_report(void *ctx, const char *file, unsigned line, const char *message)
{
	FUZZ_REQUIRE(file && message && message[0]);
	(void)line;
	++*(unsigned *)ctx;
}

/* The effective configuration of a text; NULL when it is refused. */
static char *effective(const void *text, size_t len)
{
	int fd = memfd_create("conf", MFD_CLOEXEC);
	struct ponto_registry *registry = NULL;
	struct ponto_conf_file *file = NULL;
	char path[64], *shown = NULL;
	unsigned reports = 0;
	int result;

	FUZZ_REQUIRE(fd >= 0 && write(fd, text, len) == (ssize_t)len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	FUZZ_REQUIRE(ponto_registry_create(&ponto_alloc_system, conf_plugins, NULL, &registry) == PONTO_OK);
	result = ponto_conf_load(&ponto_alloc_system, registry, path, on_report, &reports, &file);
	FUZZ_REQUIRE(result == (reports ? PONTO_ECONF : PONTO_OK));
	if (result == PONTO_OK)
		FUZZ_REQUIRE(ponto_conf_show(&ponto_alloc_system, file, &shown) == PONTO_OK);
	ponto_conf_file_destroy(file);
	ponto_registry_destroy(registry);
	close(fd);
	return shown;
}

/* Marks of defaults go when the text is loaded: "; # default" at the end of a line. */
static void drop_marks(char *text)
{
	char *mark;

	while ((mark = strstr(text, "; # default\n")))
		memmove(mark + 1, mark + 11, strlen(mark + 11) + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *first = effective(data, size), *second;

	if (!first)
		return 0;
	second = effective(first, strlen(first));
	FUZZ_REQUIRE(second != NULL);
	drop_marks(first);
	drop_marks(second);
	FUZZ_REQUIRE(strcmp(first, second) == 0);
	free(first);
	free(second);
	return 0;
}
