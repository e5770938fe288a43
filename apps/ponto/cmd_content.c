/* ponto content: what peers distribute: the table of verbs, and hash, which needs no daemon. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/ponto/cmd_content.h"
#include "apps/ponto/content_spool.h"
#include "apps/ponto/progress.h"
#include "engines/content/content_secret.h"
#include "plugins/service-dist/dist_hash.h"

#define SECRET_FILE "content.secret"
#define SECRET_MADE 32 /* bytes of a secret key that is made */

/* ---- the secret key ------------------------------------------------------------------ */

/* Whole under its name or not at all, whoever else makes one at the same time. */
static int make_secret(const char *path)
{
	char temporary[CLI_PATH + 32];
	uint8_t key[SECRET_MADE];
	int status;

	snprintf(temporary, sizeof(temporary), "%s.%ld", path, (long)getpid());
	ponto_random_system.fill(ponto_random_system.ctx, key, sizeof(key));
	unlink(temporary);
	status = cli_write_file(temporary, key, sizeof(key));
	ponto_wipe(key, sizeof(key));
	if (status != CLI_OK)
		return status;
	if (link(temporary, path) != 0 && errno != EEXIST)
		status = cli_fail(CLI_NO, "%s: %s", path, strerror(errno));
	unlink(temporary);
	return status;
}

/* Ks of the secret key in the file, or of this user's own, which is made when there is none. */
static int server_secret(const char *file, enum content_algo algo, uint8_t ks[CONTENT_HASH_MAX])
{
	char own[CLI_PATH];
	uint8_t *key;
	size_t len;
	int status = CLI_OK;

	if (!file && !cli_own_file(SECRET_FILE, true, own))
		return cli_fail(CLI_USAGE, "no home for this user's secret key: use --secret FILE");
	if (!file && access(own, F_OK) != 0 && errno == ENOENT)
		status = make_secret(own);
	if (status == CLI_OK)
		status = cli_read_file(file ? file : own, CONTENT_SECRET_MAX, &key, &len);
	if (status != CLI_OK)
		return status;
	if (len == 0)
		status = cli_fail(CLI_NO, "%s: an empty secret key", file ? file : own);
	else
		content_server_secret(algo, ponto_bytes(key, len), ks);
	ponto_wipe(key, len);
	free(key);
	return status;
}

/* ---- hash ---------------------------------------------------------------------------- */

struct hash_arguments {
	const char *file, *secret, *output;
	enum content_algo algo;
};

static const struct {
	const char *name; /* of --algorithm; NULL: version 2 has only this one */
	const char *version, *shown;
	enum content_algo algo;
} algorithms[] = {
	{"sha256", "1", "SHA-256", CONTENT_SHA256},
	{"sha384", "1", "SHA-384", CONTENT_SHA384},
	{"sha512", "1", "SHA-512", CONTENT_SHA512},
	{NULL, "2", "SHA-512, truncated to 256 bits", CONTENT_TRUNCATED},
};

static int choose(struct hash_arguments *a, const char *version, const char *algorithm)
{
	if (strcmp(version, "1") != 0 && strcmp(version, "2") != 0)
		return cli_fail(CLI_USAGE, "a version is 1 or 2, not '%s'", version);
	if (algorithm && *version == '2')
		return cli_fail(CLI_USAGE, "--algorithm is for version 1: version 2 has one only");
	if (!algorithm && *version == '1')
		algorithm = "sha256";
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(algorithms); i++) {
		if (algorithm ? algorithms[i].name && strcmp(algorithms[i].name, algorithm) == 0
			      : !algorithms[i].name) {
			a->algo = algorithms[i].algo;
			return CLI_OK;
		}
	}
	return cli_fail(CLI_USAGE, "an algorithm is sha256, sha384 or sha512, not '%s'", algorithm);
}

static int parse(struct hash_arguments *a, int argc, char **argv)
{
	static const struct cli_option options[] = {
		{"version", true, 'v'}, {"algorithm", true, 'a'}, {"secret", true, 's'},
		{"output", true, 'o'},	{"o", true, 'o'},	  {NULL, false, 0},
	};
	struct cli_scan scan = {argc, argv, 1, false};
	const char *value, *version = "1", *algorithm = NULL;
	int key;

	while ((key = cli_next_option(&scan, options, &value)) >= 0) {
		if (key == 0 && a->file)
			return cli_fail(CLI_USAGE, "'hash' takes one FILE, not also '%s'", value);
		if (key == 'v')
			version = value;
		else if (key == 'a')
			algorithm = value;
		else
			*(key == 's' ? &a->secret : key == 'o' ? &a->output : &a->file) = value;
	}
	if (key == -2)
		return CLI_USAGE;
	if (!a->file)
		return cli_fail(CLI_USAGE, "'hash' needs a FILE");
	return choose(a, version, algorithm);
}

struct hashing {
	struct content_spool spool;
	struct cli_progress progress;
	int error; /* of the spool: errno is each thread's own */
};

static int on_segment(void *arg, const struct content_segment *segment)
{
	struct hashing *h = arg;
	int result = content_spool_add(&h->spool, segment);

	if (result != PONTO_OK)
		h->error = errno;
	return result;
}

static int on_progress(void *arg, uint64_t bytes, uint64_t size)
{
	cli_progress(&((struct hashing *)arg)->progress, bytes, size);
	return PONTO_OK;
}

static int hash_into(struct hashing *h, const struct hash_arguments *a)
{
	struct dist_hash setup = {
		.path = a->file,
		.algo = a->algo,
		.alloc = &ponto_alloc_system,
		.clock = &ponto_clock_system,
		.segment = on_segment,
		.progress = on_progress,
		.arg = h,
	};
	char reason[DIST_REASON_SIZE] = "";
	struct dist_file file;
	int result;

	cli_progress_begin(&h->progress, isatty(STDERR_FILENO) ? stderr : NULL, &ponto_clock_system);
	result = dist_hash_file(&setup, &file, reason);
	cli_progress_end(&h->progress);
	if (result == PONTO_OK)
		return CLI_OK;
	if (*reason)
		return cli_fail(CLI_NO, "%s: %s", a->file, reason);
	return cli_fail(CLI_NO, "temporary file: %s", strerror(h->error));
}

/* As sensitive as the content itself: for its owner alone. */
static int write_info(struct content_spool *spool, const char *path)
{
	bool plain = strcmp(path, "-") == 0;
	int result, fd = plain ? STDOUT_FILENO : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FILE *out = plain ? stdout : fd < 0 ? NULL : fdopen(fd, "w");

	if (!out) {
		cli_fail(CLI_NO, "%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return CLI_NO;
	}
	result = content_spool_write_info(spool, out);
	if (result == PONTO_OK && !plain && fsync(fd) != 0)
		result = PONTO_EIO;
	if (plain && ferror(out))
		return CLI_NO; /* main says so */
	if (result != PONTO_OK)
		cli_fail(CLI_NO, "%s: %s", path, result == PONTO_EIO ? strerror(errno) : ponto_strerror(result));
	if (!plain && fclose(out) != 0 && result == PONTO_OK)
		result = cli_fail(CLI_NO, "%s: %s", path, strerror(errno));
	if (!plain && result != PONTO_OK)
		unlink(path);
	return result == PONTO_OK ? CLI_OK : CLI_NO;
}

/* ---- what is printed: never Kp, which opens what peers send ------------------------------ */

/* A text of JSON; NULL for what is not UTF-8. */
static void print_quoted(const char *text)
{
	json_t *value = json_string(text);
	char *quoted = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;

	fputs(quoted ? quoted : "null", stdout);
	free(quoted);
	json_decref(value);
}

static void print_head(const struct cli *cli, const char *path, const struct content_spool *s)
{
	const char *version = algorithms[s->algo - 1].version, *shown = algorithms[s->algo - 1].shown;
	struct content_layout layout = {0};
	char *name = strdup(path);

	if (content_spool_layout(s, &layout) != PONTO_OK)
		layout.size = 0; /* of an empty content there is none */
	if (cli->json) {
		fputs("{\n  \"file\": ", stdout);
		print_quoted(path);
		printf(",\n  \"size\": %" PRIu64 ",\n  \"version\": \"%s.0\",\n  \"algorithm\": \"%s\",\n"
		       "  \"segment_count\": %" PRIu64 ",\n  \"block_count\": %" PRIu64 ",\n"
		       "  \"information_size\": %" PRIu64 ",\n  \"segments\": [",
		       s->size, version, shown, s->segments, s->blocks, layout.size);
	} else {
		if (name)
			cli_clean(name, false);
		printf("file         %s\nsize         %" PRIu64
		       " bytes\nversion      %s.0\nalgorithm    %s\nsegments     %" PRIu64 "\nblocks       %" PRIu64
		       "\ninformation  %" PRIu64 " bytes\n",
		       name ? name : "?", s->size, version, shown, s->segments, s->blocks, layout.size);
	}
	free(name);
}

/* By hand, a segment at a time: the whole would not fit into memory. */
static void print_segment_json(enum content_algo algo, const struct content_segment *segment, const char *id,
			       const char *hod)
{
	uint32_t blocks = content_segment_blocks(algo, segment->size);
	char hex[2 * CONTENT_HASH_MAX + 1];

	printf("%s\n    {\"index\": %" PRIu64 ", \"offset\": %" PRIu64 ", \"size\": %" PRIu32
	       ", \"id\": \"%s\", \"hod\": \"%s\", \"blocks\": [",
	       segment->index ? "," : "", segment->index, segment->offset, segment->size, id, hod);
	for (uint32_t i = 0; i < blocks; i++) {
		ponto_hex(content_block_hash(algo, segment, i), hex);
		printf("%s\"%s\"", i ? ", " : "", hex);
	}
	fputs("]}", stdout);
}

static int print_result(const struct cli *cli, const char *path, struct content_spool *s)
{
	char id_hex[2 * CONTENT_ID_MAX + 1], hod_hex[2 * CONTENT_HASH_MAX + 1];
	struct content_segment segment;
	struct content_id id;
	int more = content_spool_rewind(s);

	print_head(cli, path, s);
	while (more == PONTO_OK && (more = content_spool_next(s, &segment)) == 1) {
		content_segment_id(s->algo, segment.kp, segment.hod, &id);
		ponto_hex(content_id_bytes(&id), id_hex);
		ponto_hex(ponto_bytes(segment.hod, content_hash_size(s->algo)), hod_hex);
		if (cli->json)
			print_segment_json(s->algo, &segment, id_hex, hod_hex);
		else
			printf("segment %" PRIu64 "  offset %" PRIu64 "  size %" PRIu32 "  blocks %" PRIu32
			       "\n  id   %s\n  hod  %s\n",
			       segment.index, segment.offset, segment.size,
			       content_segment_blocks(s->algo, segment.size), id_hex, hod_hex);
		more = PONTO_OK;
	}
	if (more != PONTO_OK)
		return cli_fail(CLI_NO, "temporary file: %s", strerror(errno));
	if (cli->json)
		puts(s->segments ? "\n  ]\n}" : "]\n}");
	return CLI_OK;
}

static int content_hash_verb(struct cli *cli, int argc, char **argv)
{
	struct hash_arguments a = {0};
	struct hashing *h = calloc(1, sizeof(*h));
	uint8_t ks[CONTENT_HASH_MAX];
	int status = parse(&a, argc, argv);

	if (status == CLI_OK && !h)
		status = cli_fail(CLI_NO, "out of memory");
	if (status == CLI_OK)
		status = server_secret(a.secret, a.algo, ks);
	if (status == CLI_OK && content_spool_open(&h->spool, a.algo, ks) != PONTO_OK)
		status = cli_fail(CLI_NO, "temporary file: %s", strerror(errno));
	if (status == CLI_OK)
		status = hash_into(h, &a);
	if (status == CLI_OK && a.output && h->spool.size == 0)
		status = cli_fail(CLI_NO, "%s: empty, and there is no Content Information of nothing", a.file);
	if (status == CLI_OK && a.output)
		status = write_info(&h->spool, a.output);
	if (status == CLI_OK && !(a.output && strcmp(a.output, "-") == 0))
		status = print_result(cli, a.file, &h->spool);
	if (h)
		content_spool_close(&h->spool);
	free(h);
	ponto_wipe(ks, sizeof(ks));
	return status;
}

const struct cli_command cli_content_commands[] = {
	{"content", "hash", "FILE [--version 1|2] [--algorithm sha256|sha384|sha512] [--secret FILE] [--output FILE]",
	 "cuts and hashes a file: its segments and their IDs; --output writes its Content Information",
	 content_hash_verb},
	{"content", "publish", "[FOLDER [--at PREFIX]]",
	 "serves a folder from now on, at the whole server or below a prefix; alone: what is published", content_publish},
	{"content", "unpublish", "PREFIX", "ends that", content_unpublish},
	{"content", "fetch", "URL|INFO --output FILE",
	 "fetches a content, from neighbours as far as they have it; INFO: a file with Content Information; goes on with what "
	 "was interrupted", content_fetch},
	{"content", "cache",
	 "list|stats|top [--since-start]|preload URL|INFO|export FILE [--sealed] [URL|INFO|ID...]|import FILE|verify|"
	 "clear [--id ID|--tag TAG]",
	 "what is held of segments, hits and savings, what is read most; preload fetches a content that others will want; "
	 "export writes a package of contents, or of all that is held, import brings it into another cache; verify reads all "
	 "of it and removes what is damaged",
	 content_cache},
	{"content", "secret", "export [--output FILE]|import FILE [--key] [--password-file FILE]",
	 "the server's secret key, as Windows' servers carry it; --key: FILE is the key itself", content_secret},
	{NULL, NULL, NULL, NULL, NULL},
};
