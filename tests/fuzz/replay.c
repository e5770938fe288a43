/* A main for fuzz targets without libFuzzer: feeds each file of a corpus to the target, a TAP case per file.
 * Arguments are files and directories; without any, fuzz_NAME replays tests/fuzz/corpus/NAME. A finding ends the
 * process, which the test driver reports; the last line names the file before. */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

static char **files;
static size_t file_count;

static void fail(const char *what, const char *path)
{
	printf("Bail out! %s %s: %s\n", what, path, strerror(errno));
	exit(1);
}

static void add_file(const char *path)
{
	files = realloc(files, (file_count + 1) * sizeof(*files));
	if (!files || !(files[file_count++] = strdup(path)))
		fail("cannot remember", path);
}

static void add_path(const char *path)
{
	struct stat st;
	struct dirent *entry;
	DIR *dir;

	if (stat(path, &st) != 0)
		fail("cannot read", path);
	if (!S_ISDIR(st.st_mode)) {
		add_file(path);
		return;
	}
	dir = opendir(path);
	if (!dir)
		fail("cannot list", path);
	while ((entry = readdir(dir))) {
		char inner[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
		add_path(inner);
	}
	closedir(dir);
}

/* The folder of this program's own corpus; libtool may have put "lt-" before the program's name. */
static void add_own_corpus(const char *program)
{
	const char *top = getenv("PONTO_SRCDIR");
	const char *name = strstr(program, "fuzz_");
	char path[4096];

	for (const char *later = name; later; later = strstr(later + 1, "fuzz_"))
		name = later;
	snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s", top ? top : ".", name ? name + 5 : program);
	add_path(path);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A block of exactly the file's size, so that AddressSanitizer sees the first byte read too many. */
static uint8_t *load(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	struct stat st;
	uint8_t *data;

	if (!file || fstat(fileno(file), &st) != 0)
		fail("cannot open", path);
	*size = (size_t)st.st_size;
	data = malloc(*size ? *size : 1);
	if (!data || fread(data, 1, *size, file) != *size)
		fail("cannot read", path);
	fclose(file);
	return data;
}

int main(int argc, char **argv)
{
	uint8_t none = 0;

	for (int i = 1; i < argc; i++)
		add_path(argv[i]);
	if (argc < 2)
		add_own_corpus(argv[0]);
	if (file_count > 0)
		qsort(files, file_count, sizeof(*files), by_name);
	printf("1..%zu\n", file_count + 1);
	fflush(stdout);
	LLVMFuzzerTestOneInput(&none, 0);
	printf("ok 1 - empty input\n");
	for (size_t i = 0; i < file_count; i++) {
		const char *slash = strrchr(files[i], '/');
		size_t size;
		uint8_t *data = load(files[i], &size);

		printf("# %s\n", files[i]);
		fflush(stdout);
		LLVMFuzzerTestOneInput(data, size);
		printf("ok %zu - %s\n", i + 2, slash ? slash + 1 : files[i]);
		free(data);
		free(files[i]);
	}
	free(files);
	if (file_count == 0)
		printf("Bail out! the corpus is empty\n");
	return file_count == 0;
}
