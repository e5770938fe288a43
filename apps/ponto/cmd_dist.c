/* ponto content: what needs the daemon's distribution service: publishing, the cache, the secret key. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "apps/ponto/cmd_content.h"
#include "engines/content/content_secret.h"

#define SERVICE "dist" /* the instance of those who do not say --service */
#define CLEAR_TIMEOUT_MS 600000
#define EXPORTED_MAX 4096
#define BUSY_TRIES 300 /* each after a tenth of a second */
#define BUSY_PAUSE_NS 100000000

static int ask(struct cli *cli, const char *method, const ProtobufCMessage *request,
	       const ProtobufCMessageDescriptor *descriptor, unsigned timeout_ms, ProtobufCMessage **reply)
{
	return cli_call(cli, cli->service ? cli->service : SERVICE, method, request, descriptor, timeout_ms, reply);
}

int content_try(struct cli *cli, const char *method, const ProtobufCMessage *request,
		const ProtobufCMessageDescriptor *descriptor, struct cli_refusal *refusal, ProtobufCMessage **reply)
{
	static const struct timespec pause = {0, BUSY_PAUSE_NS};
	int status;

	for (unsigned i = 0; i < BUSY_TRIES; i++) {
		status = cli_try_call(cli, cli->service ? cli->service : SERVICE, method, request, descriptor,
				      CLI_TIMEOUT_MS, refusal, reply);
		if (status != CLI_OK || refusal->result != PONTO_EBUSY || nanosleep(&pause, NULL) != 0)
			break;
	}
	return status;
}

/* Answers that say no more than that it was done. */
static int ask_only(struct cli *cli, const char *method, const ProtobufCMessage *request,
		    const ProtobufCMessageDescriptor *descriptor)
{
	ProtobufCMessage *reply;
	int status = ask(cli, method, request, descriptor, CLI_TIMEOUT_MS, &reply);

	if (status == CLI_OK)
		protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

struct dist_arguments {
	const char *plain, *at, *id, *tag, *output, *password_file;
	bool key, since_start;
};

static int parse(struct dist_arguments *a, const struct cli_option *options, int first, int argc, char **argv)
{
	struct cli_scan scan = {argc, argv, first, false};
	const char *value;
	int key;

	while ((key = cli_next_option(&scan, options, &value)) >= 0) {
		if (key == 0 && a->plain)
			return cli_fail(CLI_USAGE, "'%s' takes no '%s'", argv[first - 1], value);
		if (key == 'k')
			a->key = true;
		else if (key == 's')
			a->since_start = true;
		else
			*(key == 'a'   ? &a->at
			  : key == 'i' ? &a->id
			  : key == 't' ? &a->tag
			  : key == 'o' ? &a->output
			  : key == 'f' ? &a->password_file
				       : &a->plain) = value;
	}
	return key == -2 ? CLI_USAGE : CLI_OK;
}

/* ---- publishing -------------------------------------------------------------------------- */

static int published(struct cli *cli)
{
	Ponto__Dist__V1__PublishedRequest request = PONTO__DIST__V1__PUBLISHED_REQUEST__INIT;
	const Ponto__Dist__V1__PublishedReply *list;
	ProtobufCMessage *reply;
	int status = ask(cli, "Published", &request.base, &ponto__dist__v1__published_reply__descriptor, CLI_TIMEOUT_MS,
			 &reply);

	if (status != CLI_OK)
		return status;
	list = (const Ponto__Dist__V1__PublishedReply *)reply;
	if (cli->json) {
		status = cli_print_message(reply);
	} else {
		for (size_t i = 0; i < list->n_url; i++)
			printf("served at  %s\n", list->url[i]);
		for (size_t i = 0; i < list->n_folder; i++)
			printf("%-24s %s%s\n", list->folder[i]->prefix, list->folder[i]->path,
			       list->folder[i]->configured ? "  (configured)" : "");
	}
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

int content_publish(struct cli *cli, int argc, char **argv)
{
	static const struct cli_option options[] = {{"at", true, 'a'}, {NULL, false, 0}};
	Ponto__Dist__V1__PublishRequest request = PONTO__DIST__V1__PUBLISH_REQUEST__INIT;
	struct dist_arguments a = {0};
	char *path;
	int status = parse(&a, options, 1, argc, argv);

	if (status != CLI_OK)
		return status;
	if (!a.plain)
		return a.at ? cli_fail(CLI_USAGE, "'publish' needs a FOLDER") : published(cli);
	path = *a.plain == '/' ? strdup(a.plain) : realpath(a.plain, NULL); /* the daemon stands elsewhere */
	if (!path)
		return cli_fail(CLI_NO, "%s: %s", a.plain, strerror(errno));
	request.path = path;
	request.prefix = (char *)(uintptr_t)(a.at ? a.at : "/");
	status = ask_only(cli, "Publish", &request.base, &ponto__dist__v1__publish_reply__descriptor);
	free(path);
	return status;
}

int content_unpublish(struct cli *cli, int argc, char **argv)
{
	static const struct cli_option options[] = {{NULL, false, 0}};
	Ponto__Dist__V1__UnpublishRequest request = PONTO__DIST__V1__UNPUBLISH_REQUEST__INIT;
	struct dist_arguments a = {0};
	char prefix[CLI_PATH];
	size_t len;
	int status = parse(&a, options, 1, argc, argv);

	if (status == CLI_OK && !a.plain)
		status = cli_fail(CLI_USAGE, "'unpublish' needs a PREFIX");
	if (status != CLI_OK)
		return status;
	len = strlen(a.plain);
	if (len + 2 > sizeof(prefix))
		return cli_fail(CLI_USAGE, "the prefix is too long");
	snprintf(prefix, sizeof(prefix), "%s%s", a.plain, len && a.plain[len - 1] == '/' ? "" : "/");
	request.prefix = prefix;
	return ask_only(cli, "Unpublish", &request.base, &ponto__dist__v1__unpublish_reply__descriptor);
}

/* ---- cache ---------------------------------------------------------------------------------- */

int content_each_segment(struct cli *cli, content_segment_fn *fn, void *arg)
{
	Ponto__Dist__V1__SegmentsRequest request = PONTO__DIST__V1__SEGMENTS_REQUEST__INIT;
	uint8_t after[64];
	bool more = true;
	int status = CLI_OK;

	while (more && status == CLI_OK) {
		const Ponto__Dist__V1__SegmentsReply *page;
		ProtobufCMessage *reply;

		status = ask(cli, "Segments", &request.base, &ponto__dist__v1__segments_reply__descriptor,
			     CLI_TIMEOUT_MS, &reply);
		if (status != CLI_OK)
			break;
		page = (const Ponto__Dist__V1__SegmentsReply *)reply;
		for (size_t i = 0; i < page->n_segment && status == CLI_OK; i++)
			status = fn(arg, page->segment[i]);
		more = page->more && page->n_segment > 0;
		if (more) {
			const ProtobufCBinaryData *last = &page->segment[page->n_segment - 1]->id;

			request.has_after = true;
			request.after.len = last->len <= sizeof(after) ? last->len : sizeof(after);
			memcpy(after, last->data, request.after.len);
			request.after.data = after;
		}
		protobuf_c_message_free_unpacked(reply, NULL);
	}
	return status;
}

static int print_segment(void *arg, const Ponto__Dist__V1__Segment *s)
{
	char id[2 * 64 + 1];
	json_t *all = arg;

	if (all)
		return json_array_append_new(all, cli_message_json(&s->base)) == 0 ? CLI_OK
										    : cli_fail(CLI_NO, "out of memory");
	ponto_hex(ponto_bytes(s->id.data, s->id.len <= 64 ? s->id.len : 64), id);
	printf("%s  %u.0  %8u bytes  %3u blocks%s  ", id, s->version, s->size, s->blocks, s->whole ? "" : " (part)");
	cli_print_time("", s->created);
	printf("%s%s\n", *s->tag ? "  " : "", s->tag);
	return CLI_OK;
}

static int cache_list(struct cli *cli)
{
	json_t *all = cli->json ? json_array() : NULL;
	int status = content_each_segment(cli, print_segment, all);

	if (all && status == CLI_OK)
		return cli_print_json(json_pack("{s:o}", "segment", all));
	json_decref(all);
	return status;
}

/* A counter since the cache began; 0 when it is not kept. */
static uint64_t kept(const Ponto__Dist__V1__StatsReply *s, const char *name)
{
	for (size_t i = 0; i < s->n_kept; i++) {
		if (strcmp(s->kept[i]->name, name) == 0)
			return s->kept[i]->value;
	}
	return 0;
}

static void print_counters(const Ponto__Dist__V1__StatsReply *s)
{
	printf("%-16s %20s %20s\n", "", "since the start", "since it began");
	for (size_t i = 0; i < s->n_counter; i++) {
		const Ponto__Dist__V1__Counter *c = s->counter[i];
		bool both = false;

		for (size_t k = 0; k < s->n_kept && !both; k++)
			both = strcmp(s->kept[k]->name, c->name) == 0;
		printf("%-16s %20" PRIu64, c->name, c->value);
		if (both)
			printf(" %20" PRIu64, kept(s, c->name));
		putchar('\n');
	}
	for (size_t i = 0; i < s->n_offer; i++)
		printf("offer-%-10s %20" PRIu64 "\n", s->offer[i]->name, s->offer[i]->value);
}

static void print_scrub(const Ponto__Dist__V1__Scrub *scrub)
{
	if (!scrub) {
		puts("scrub            off");
		return;
	}
	printf("scrub            every %" PRIu64 " days, %s", scrub->interval / 86400,
	       scrub->running ? "reading" : scrub->began ? "resting" : "not begun");
	if (scrub->running)
		printf(", %" PRIu64 " bytes ahead", scrub->bytes_ahead);
	if (scrub->ended)
		cli_print_time(", came to the end ", scrub->ended);
	putchar('\n');
	if (scrub->found)
		printf("DAMAGE           %" PRIu64 " records of the cache were wrong and are removed: look after the store's disk\n",
		       scrub->found);
}

static void print_stats(const Ponto__Dist__V1__StatsReply *s)
{
	printf("%-16s %" PRIu64 "\n%-16s %" PRIu64 "\n%-16s %" PRIu64, "segments", s->segments, "blocks", s->blocks,
	       "bytes", s->bytes);
	if (s->limit)
		printf(" of %" PRIu64, s->limit);
	if (s->has_share && s->share == s->limit)
		printf(" (the disk's share)");
	puts(s->complete ? "" : " (still being read)");
	if (s->has_hit_ratio)
		printf("%-16s %.1f %% of the blocks asked for\n", "hit ratio", 100 * s->hit_ratio);
	printf("%-16s %" PRIu64 " bytes were read here instead of coming over a line", "saved", kept(s, "hit-bytes"));
	if (s->has_began && s->began)
		cli_print_time(", since ", s->began);
	putchar('\n');
	print_scrub(s->scrub);
	print_counters(s);
}

static int cache_stats(struct cli *cli)
{
	Ponto__Dist__V1__StatsRequest request = PONTO__DIST__V1__STATS_REQUEST__INIT;
	ProtobufCMessage *reply;
	int status =
		ask(cli, "Stats", &request.base, &ponto__dist__v1__stats_reply__descriptor, CLI_TIMEOUT_MS, &reply);

	if (status != CLI_OK)
		return status;
	if (cli->json)
		status = cli_print_message(reply);
	else
		print_stats((const Ponto__Dist__V1__StatsReply *)reply);
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

static int cache_top(struct cli *cli, const struct dist_arguments *a)
{
	Ponto__Dist__V1__TopRequest request = PONTO__DIST__V1__TOP_REQUEST__INIT;
	const Ponto__Dist__V1__TopReply *list;
	char id[2 * 64 + 1];
	ProtobufCMessage *reply;
	int status;

	request.has_since_start = request.since_start = a->since_start;
	status = ask(cli, "Top", &request.base, &ponto__dist__v1__top_reply__descriptor, CLI_TIMEOUT_MS, &reply);
	if (status != CLI_OK)
		return status;
	list = (const Ponto__Dist__V1__TopReply *)reply;
	if (cli->json)
		status = cli_print_message(reply);
	for (size_t i = 0; i < list->n_top && !cli->json; i++) {
		const Ponto__Dist__V1__Top *t = list->top[i];

		ponto_hex(ponto_bytes(t->id.data, t->id.len <= 64 ? t->id.len : 64), id);
		printf("%s  %14" PRIu64 " bytes  %8" PRIu64 " blocks%s%s%s\n", id, t->bytes, t->blocks,
		       t->held ? "" : "  (gone)", *t->tag ? "  " : "", t->tag);
	}
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

static int cache_clear(struct cli *cli, const struct dist_arguments *a)
{
	Ponto__Dist__V1__ClearRequest request = PONTO__DIST__V1__CLEAR_REQUEST__INIT;
	uint8_t id[64];
	ProtobufCMessage *reply;
	int status;

	if (a->id) {
		size_t len = strlen(a->id);

		if (len == 0 || len % 2 || len / 2 > sizeof(id) || ponto_unhex(a->id, id, len / 2) != PONTO_OK)
			return cli_fail(CLI_USAGE, "an ID is hexadecimal, of at most 64 bytes, not '%s'", a->id);
		request.has_id = true;
		request.id.data = id;
		request.id.len = len / 2;
	}
	request.tag = (char *)(uintptr_t)a->tag;
	status = ask(cli, "Clear", &request.base, &ponto__dist__v1__clear_reply__descriptor, CLEAR_TIMEOUT_MS, &reply);
	if (status != CLI_OK)
		return status;
	if (cli->json)
		status = cli_print_message(reply);
	else
		printf("%" PRIu64 " segments cleared\n", ((const Ponto__Dist__V1__ClearReply *)reply)->segments);
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

static int cache_verify(struct cli *cli)
{
	Ponto__Dist__V1__VerifyRequest request = PONTO__DIST__V1__VERIFY_REQUEST__INIT;
	ProtobufCMessage *reply;
	uint64_t damaged;
	int status = ask(cli, "Verify", &request.base, &ponto__dist__v1__verify_reply__descriptor, CLEAR_TIMEOUT_MS,
			 &reply);

	if (status != CLI_OK)
		return status;
	damaged = ((const Ponto__Dist__V1__VerifyReply *)reply)->damaged;
	if (cli->json)
		status = cli_print_message(reply);
	else
		printf("%" PRIu64 " damaged records removed\n", damaged);
	protobuf_c_message_free_unpacked(reply, NULL);
	return status == CLI_OK && damaged ? CLI_NO : status;
}

int content_cache(struct cli *cli, int argc, char **argv)
{
	static const struct cli_option none[] = {{NULL, false, 0}}, top[] = {{"since-start", false, 's'}, {NULL, false, 0}},
				       clear[] = {{"id", true, 'i'}, {"tag", true, 't'}, {NULL, false, 0}};
	struct dist_arguments a = {0};
	const char *what = argc > 1 ? argv[1] : "";
	bool clears = strcmp(what, "clear") == 0, tops = strcmp(what, "top") == 0, loads = strcmp(what, "preload") == 0;
	int status;

	if (strcmp(what, "export") == 0)
		return content_export(cli, argc - 1, argv + 1);
	if (strcmp(what, "import") == 0)
		return content_import(cli, argc - 1, argv + 1);
	if (!clears && !tops && !loads && strcmp(what, "list") != 0 && strcmp(what, "stats") != 0 && strcmp(what, "verify") != 0)
		return cli_fail(CLI_USAGE, "'cache' is followed by list, stats, top, preload, export, import, clear or verify");
	status = parse(&a, clears ? clear : tops ? top : none, 2, argc, argv);
	if (status == CLI_OK && a.plain && !loads)
		status = cli_fail(CLI_USAGE, "'%s' takes no '%s'", what, a.plain);
	if (status == CLI_OK && loads && (!a.plain || !*a.plain))
		status = cli_fail(CLI_USAGE, "'preload' needs a URL, or a file with Content Information");
	if (status == CLI_OK && a.id && a.tag)
		status = cli_fail(CLI_USAGE, "--id or --tag, not both");
	if (status != CLI_OK)
		return status;
	return clears			    ? cache_clear(cli, &a)
	       : tops			    ? cache_top(cli, &a)
	       : loads			    ? content_preload(cli, a.plain)
	       : strcmp(what, "list") == 0  ? cache_list(cli)
	       : strcmp(what, "stats") == 0 ? cache_stats(cli)
					    : cache_verify(cli);
}

/* ---- the secret key -------------------------------------------------------------------------- */

static int secret_export(struct cli *cli, const struct dist_arguments *a)
{
	Ponto__Dist__V1__SecretRequest request = PONTO__DIST__V1__SECRET_REQUEST__INIT;
	const Ponto__Dist__V1__SecretReply *answer;
	char password[CLI_PASSWORD];
	ProtobufCMessage *reply;
	int status = cli_password(a->password_file, true, password);

	if (status != CLI_OK)
		return status;
	request.passphrase = password;
	status = ask(cli, "Secret", &request.base, &ponto__dist__v1__secret_reply__descriptor, CLI_TIMEOUT_MS, &reply);
	ponto_wipe(password, sizeof(password));
	if (status != CLI_OK)
		return status;
	answer = (const Ponto__Dist__V1__SecretReply *)reply;
	status = cli_write_file(a->output ? a->output : "-", answer->exported.data, answer->exported.len);
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

static int secret_import(struct cli *cli, const struct dist_arguments *a)
{
	Ponto__Dist__V1__SecretRequest request = PONTO__DIST__V1__SECRET_REQUEST__INIT;
	char password[CLI_PASSWORD] = "";
	uint8_t *data;
	size_t len;
	int status;

	if (!a->plain)
		return cli_fail(CLI_USAGE, "'import' needs a FILE");
	status = cli_read_file(a->plain, a->key ? CONTENT_SECRET_MAX : EXPORTED_MAX, &data, &len);
	if (status != CLI_OK)
		return status;
	if (!a->key)
		status = cli_password(a->password_file, false, password);
	if (status == CLI_OK) {
		request.passphrase = password;
		*(a->key ? &request.has_key : &request.has_import) = true;
		*(a->key ? &request.key : &request.import) = (ProtobufCBinaryData){.data = data, .len = len};
		status = ask_only(cli, "Secret", &request.base, &ponto__dist__v1__secret_reply__descriptor);
	}
	ponto_wipe(password, sizeof(password));
	ponto_wipe(data, len);
	free(data);
	return status;
}

int content_secret(struct cli *cli, int argc, char **argv)
{
	static const struct cli_option options[] = {
		{"output", true, 'o'}, {"o", true, 'o'}, {"password-file", true, 'f'}, {"key", false, 'k'}, {NULL, false, 0},
	};
	struct dist_arguments a = {0};
	const char *what = argc > 1 ? argv[1] : "";
	bool exports = strcmp(what, "export") == 0;
	int status;

	if (!exports && strcmp(what, "import") != 0)
		return cli_fail(CLI_USAGE, "'secret' is followed by export or import");
	status = parse(&a, options, 2, argc, argv);
	if (status == CLI_OK && exports && a.plain)
		status = cli_fail(CLI_USAGE, "'export' takes no '%s': use --output FILE", a.plain);
	if (status != CLI_OK)
		return status;
	return exports ? secret_export(cli, &a) : secret_import(cli, &a);
}
