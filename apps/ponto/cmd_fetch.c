/* ponto content fetch: a content into a file, from neighbours as far as they have it. ponto content cache preload: the same
 * without a file. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/ponto/cmd_content.h"
#include "apps/ponto/interrupt.h"
#include "apps/ponto/progress.h"
#include "framework/unpack.h"
#include "plugins/service-dist/dist.pb-c.h"

#define SERVICE "dist"
#define FETCH_TIMEOUT_MS 120000 /* an origin may take its time */
#define READ_TIMEOUT_MS 10000
#define INFO_MAX (PONTO_BUS_MESSAGE_MAX - 4096u) /* what a call carries */
#define VALIDATOR_MAX 1024

struct fetching {
	struct cli *cli;
	const char *source, *output;
	bool to_stdout, to_cache, encoded, has_length;
	char part[CLI_PATH + 8], mark[CLI_PATH + 16];
	int fd;
	uint64_t fetch, from, length, written;
	char validator[VALIDATOR_MAX]; /* of what the part holds, or "" */
	struct cli_progress progress;
	char note[64];
	Ponto__Dist__V1__FetchReport report;
};

/* ---- the file ---------------------------------------------------------------------------------- */

/* What a part was fetched of: its validator and source, a line each. */
static void read_mark(struct fetching *f)
{
	char validator[VALIDATOR_MAX] = "", source[4096] = "";
	FILE *mark = fopen(f->mark, "re");
	struct stat st;

	if (!mark)
		return;
	if (fgets(validator, sizeof(validator), mark) && fgets(source, sizeof(source), mark) &&
	    validator[strcspn(validator, "\n")] && source[strcspn(source, "\n")] && fstat(f->fd, &st) == 0) {
		validator[strcspn(validator, "\n")] = source[strcspn(source, "\n")] = '\0';
		if (*validator && strcmp(source, f->source) == 0) {
			snprintf(f->validator, sizeof(f->validator), "%s", validator);
			f->from = (uint64_t)st.st_size;
		}
	}
	fclose(mark);
}

/* Without it the next attempt begins anew, which is no error. */
static void write_mark(const struct fetching *f, const char *validator)
{
	FILE *mark = fopen(f->mark, "we");

	if (!mark)
		return;
	fprintf(mark, "%s\n%s\n", validator, f->source);
	fclose(mark);
}

static int open_part(struct fetching *f)
{
	struct stat st;

	if (f->to_cache)
		return CLI_OK;
	if (f->to_stdout) {
		f->fd = STDOUT_FILENO;
		return CLI_OK;
	}
	if (strlen(f->output) > CLI_PATH - 16)
		return cli_fail(CLI_USAGE, "the file's name is too long");
	if (stat(f->output, &st) == 0 && !S_ISREG(st.st_mode))
		return cli_fail(CLI_NO, "%s: not a regular file", f->output);
	snprintf(f->part, sizeof(f->part), "%s.part", f->output);
	snprintf(f->mark, sizeof(f->mark), "%s.part.of", f->output);
	f->fd = open(f->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (f->fd < 0)
		return cli_fail(CLI_NO, "%s: %s", f->part, strerror(errno));
	if (flock(f->fd, LOCK_EX | LOCK_NB) != 0)
		return cli_fail(CLI_NO, "%s: it is being fetched already", f->output);
	read_mark(f);
	return CLI_OK;
}

static int write_bytes(struct fetching *f, const uint8_t *data, size_t len, uint64_t offset)
{
	while (len > 0 && !f->to_cache) {
		ssize_t n = f->to_stdout ? write(f->fd, data, len) : pwrite(f->fd, data, len, (off_t)offset);

		if (n < 0 && errno == EINTR && !cli_interrupted())
			continue;
		if (n < 0)
			return cli_fail(CLI_NO, "%s: %s", f->to_stdout ? "standard output" : f->part, strerror(errno));
		data += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return CLI_OK;
}

/* Whole under its name, or not at all. */
static int complete(struct fetching *f)
{
	if (f->to_stdout || f->to_cache)
		return CLI_OK;
	if (fsync(f->fd) != 0 || rename(f->part, f->output) != 0)
		return cli_fail(CLI_NO, "%s: %s", f->output, strerror(errno));
	unlink(f->mark);
	return CLI_OK;
}

/* The rest of a plain content can be fetched later; blocks that were verified the daemon keeps. */
static void leave(struct fetching *f)
{
	struct stat st;

	if (f->to_stdout || f->fd < 0)
		return;
	if (f->encoded || access(f->mark, F_OK) != 0 || (fstat(f->fd, &st) == 0 && st.st_size == 0)) {
		unlink(f->part);
		unlink(f->mark);
	}
}

/* ---- the fetch ------------------------------------------------------------------------------------- */

static const char *service(const struct cli *cli)
{
	return cli->service ? cli->service : SERVICE;
}

static int begin(struct fetching *f)
{
	Ponto__Dist__V1__FetchRequest request = PONTO__DIST__V1__FETCH_REQUEST__INIT;
	const Ponto__Dist__V1__FetchReply *begun;
	ProtobufCMessage *reply;
	uint8_t *info = NULL;
	size_t len;
	int status;

	if (strstr(f->source, "://")) {
		request.url = (char *)(uintptr_t)f->source;
		request.has_from = f->from > 0;
		request.from = f->from;
		if (f->from > 0)
			request.validator = f->validator;
	} else {
		status = cli_read_file(f->source, INFO_MAX, &info, &len);
		if (status != CLI_OK)
			return status;
		request.has_info = true;
		request.info.data = info;
		request.info.len = len;
	}
	request.has_keep = request.keep = f->to_cache;
	request.has_any_order = true;
	request.any_order = !f->to_stdout;
	status = cli_call(f->cli, service(f->cli), "Fetch", &request.base, &ponto__dist__v1__fetch_reply__descriptor,
			  FETCH_TIMEOUT_MS, &reply);
	if (info)
		ponto_wipe(info, len); /* it holds keys */
	free(info);
	if (status != CLI_OK)
		return status;
	begun = (const Ponto__Dist__V1__FetchReply *)reply;
	f->fetch = begun->fetch;
	f->encoded = begun->encoded;
	f->has_length = begun->has_length;
	f->length = begun->length;
	if (f->to_cache && !begun->encoded)
		status = cli_fail(CLI_NO, "%s: its server gives no Content Information yet: nothing of it can be kept",
				  f->source);
	else if (f->to_cache)
		status = CLI_OK;
	else if (!f->to_stdout && begun->from != f->from && begun->from != 0)
		status = cli_fail(CLI_NO, "%s: the daemon began elsewhere than it was asked to", f->source);
	else if (!f->to_stdout && begun->from == 0 && ftruncate(f->fd, 0) != 0)
		status = cli_fail(CLI_NO, "%s: %s", f->part, strerror(errno));
	f->from = begun->from;
	if (!f->to_stdout && !f->to_cache) {
		unlink(f->mark);
		if (!begun->encoded && begun->validator && *begun->validator && !strchr(begun->validator, '\n'))
			write_mark(f, begun->validator);
	}
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

static void show(struct fetching *f)
{
	uint64_t sum = f->report.peers + f->report.origin + f->report.cache;

	snprintf(f->note, sizeof(f->note), "  %.0f %% from neighbours",
		 sum ? 100.0 * (double)f->report.peers / (double)sum : 0.0);
	f->progress.note = f->note;
	cli_progress(&f->progress, f->from + f->written, f->has_length ? f->length : f->from + f->written);
}

/* *end: all was read. */
static int take(struct fetching *f, const struct ponto_reply *answer, bool *end)
{
	ProtobufCMessage *message = NULL;
	const Ponto__Dist__V1__ReadReply *reply;
	int status = CLI_OK;

	if (ponto_unpack(&ponto_alloc_system, &ponto__dist__v1__read_reply__descriptor,
			 ponto_bytes(answer->payload, answer->len), &message) != PONTO_OK)
		return cli_fail(CLI_UNREACHABLE, "the daemon's answer cannot be read");
	reply = (const Ponto__Dist__V1__ReadReply *)message;
	if (reply->data.len && (reply->offset < f->from || (f->to_stdout && reply->offset != f->from + f->written)))
		status = cli_fail(CLI_NO, "%s: the daemon sent bytes that were not asked for", f->source);
	if (status == CLI_OK)
		status = write_bytes(f, reply->data.data, reply->data.len, reply->offset);
	f->written += reply->data.len;
	f->report.bytes = reply->report->bytes;
	f->report.peers = reply->report->peers;
	f->report.origin = reply->report->origin;
	f->report.cache = reply->report->cache;
	*end = reply->end;
	ponto_unpacked_free(&ponto_alloc_system, message);
	return status;
}

static int read_once(struct fetching *f, bool *end)
{
	Ponto__Dist__V1__ReadRequest request = PONTO__DIST__V1__READ_REQUEST__INIT;
	struct ponto_reply answer = {0};
	uint8_t packed[32];
	int result, status;

	request.fetch = f->fetch;
	result = ponto_client_call(f->cli->client, service(f->cli), "Read",
				   ponto_bytes(packed, ponto__dist__v1__read_request__pack(&request, packed)),
				   READ_TIMEOUT_MS, &answer);
	if (cli_interrupted())
		status = cli_fail(CLI_NO, "interrupted; the same command goes on with it");
	else if (result != PONTO_OK)
		status = cli_fail(CLI_UNREACHABLE, "the daemon does not answer any more: %s", ponto_strerror(result));
	else if (answer.result != PONTO_OK) {
		cli_clean(answer.error, false);
		status = cli_fail(CLI_NO, "%s", *answer.error ? answer.error : ponto_strerror(answer.result));
	} else {
		status = take(f, &answer, end);
	}
	if (result == PONTO_OK)
		ponto_reply_clear(f->cli->client, &answer);
	return status;
}

static int read_all(struct fetching *f)
{
	bool end = false;
	int status = CLI_OK;

	cli_progress_begin(&f->progress, isatty(STDERR_FILENO) ? stderr : NULL, &ponto_clock_system);
	while (status == CLI_OK && !end) {
		status = read_once(f, &end);
		if (status == CLI_OK)
			show(f);
		else
			cli_progress_end(&f->progress);
	}
	cli_progress_end(&f->progress);
	if (status == CLI_OK && f->has_length && f->from + f->written != f->length)
		status = cli_fail(CLI_NO, "%s: %" PRIu64 " of %" PRIu64 " bytes came", f->source, f->from + f->written,
				  f->length);
	return status;
}

/* ---- what is printed -------------------------------------------------------------------------------- */

static int print_report(const struct fetching *f)
{
	const Ponto__Dist__V1__FetchReport *r = &f->report;
	char *name;

	if (f->cli->json)
		return cli_print_json(json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:b}", f->to_cache ? "source" : "file",
						f->to_cache ? f->source : f->output, "bytes",
						(json_int_t)(f->from + f->written), "resumed_at", (json_int_t)f->from,
						"peers", (json_int_t)r->peers, "origin", (json_int_t)r->origin, "cache",
						(json_int_t)r->cache, "encoded", f->encoded));
	name = strdup(f->to_cache ? f->source : f->output);
	if (name)
		cli_clean(name, false);
	printf("%s: %" PRIu64 " bytes: %" PRIu64 " from neighbours, %" PRIu64 " from the origin, %" PRIu64
	       " were here already\n",
	       name ? name : "?", f->from + f->written, r->peers, r->origin, r->cache + f->from);
	free(name);
	return CLI_OK;
}

static int parse(struct fetching *f, int argc, char **argv)
{
	static const struct cli_option options[] = {{"output", true, 'o'}, {"o", true, 'o'}, {NULL, false, 0}};
	struct cli_scan scan = {argc, argv, 1, false};
	const char *value;
	int key;

	while ((key = cli_next_option(&scan, options, &value)) >= 0) {
		if (key == 0 && f->source)
			return cli_fail(CLI_USAGE, "'fetch' takes one URL or file, not also '%s'", value);
		*(key == 'o' ? &f->output : &f->source) = value;
	}
	if (key == -2)
		return CLI_USAGE;
	if (!f->source || !*f->source)
		return cli_fail(CLI_USAGE, "'fetch' needs a URL, or a file with Content Information");
	if (!f->output || !*f->output)
		return cli_fail(CLI_USAGE, "'fetch' needs --output FILE");
	f->to_stdout = strcmp(f->output, "-") == 0;
	if (f->to_stdout && f->cli->json)
		return cli_fail(CLI_USAGE, "--json and --output - both write to standard output");
	return CLI_OK;
}

static int run(struct fetching *f)
{
	int status = begin(f);

	if (status == CLI_OK) {
		cli_catch_interrupts(f->cli);
		status = read_all(f);
	}
	if (status == CLI_OK)
		status = complete(f);
	if (status == CLI_OK && !f->to_stdout)
		status = print_report(f);
	else if (status != CLI_OK)
		leave(f);
	return status;
}

int content_fetch(struct cli *cli, int argc, char **argv)
{
	struct fetching f = {.cli = cli, .fd = -1};
	int status = parse(&f, argc, argv);

	if (status == CLI_OK)
		status = open_part(&f);
	if (status == CLI_OK)
		status = run(&f);
	if (f.fd >= 0 && !f.to_stdout)
		close(f.fd);
	return status;
}

int content_preload(struct cli *cli, const char *source)
{
	struct fetching f = {.cli = cli, .fd = -1, .source = source, .to_cache = true};

	return run(&f);
}

/* What the daemon took for its description, part by part. */
static int read_information(const struct fetching *f, uint8_t **info, size_t *len)
{
	Ponto__Dist__V1__InformationRequest request = PONTO__DIST__V1__INFORMATION_REQUEST__INIT;
	uint8_t *all = NULL;
	size_t size = 1, at = 0;
	int status = CLI_OK;

	request.fetch = f->fetch;
	while (at < size && status == CLI_OK) {
		const Ponto__Dist__V1__InformationReply *part;
		ProtobufCMessage *reply;

		request.offset = at;
		status = cli_call(f->cli, service(f->cli), "Information", &request.base,
				  &ponto__dist__v1__information_reply__descriptor, READ_TIMEOUT_MS, &reply);
		if (status != CLI_OK)
			break;
		part = (const Ponto__Dist__V1__InformationReply *)reply;
		if (!all && part->size > 0 && part->size < SIZE_MAX) {
			size = (size_t)part->size;
			all = malloc(size);
		}
		if (!all || part->data.len == 0 || part->data.len > size - at)
			status = cli_fail(CLI_NO, "%s: its description cannot be read", f->source);
		else
			memcpy(all + at, part->data.data, part->data.len);
		at += part->data.len;
		protobuf_c_message_free_unpacked(reply, NULL);
	}
	if (status != CLI_OK) {
		free(all);
		return status;
	}
	*info = all;
	*len = size;
	return CLI_OK;
}

int content_preload_described(struct cli *cli, const char *source, uint8_t **info, size_t *len)
{
	struct fetching f = {.cli = cli, .fd = -1, .source = source, .to_cache = true};
	int status = begin(&f);

	if (status == CLI_OK)
		status = read_information(&f, info, len);
	if (status != CLI_OK)
		return status;
	status = read_all(&f);
	if (status != CLI_OK) {
		ponto_wipe(*info, *len);
		free(*info);
	}
	return status;
}
