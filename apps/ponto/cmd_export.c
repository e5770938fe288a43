/* ponto content cache export: segments of the daemon's cache into a package, for a cache elsewhere. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/ponto/cmd_content.h"
#include "apps/ponto/interrupt.h"
#include "apps/ponto/progress.h"
#include "engines/content/content_info.h"
#include "engines/content/content_package.h"

#define SOURCES_MAX 1024

struct exporting {
	struct cli *cli;
	const char *file;
	bool sealed, to_stdout, interruptible;
	const char *sources[SOURCES_MAX];
	unsigned source_count;
	char part[CLI_PATH + 8];
	FILE *out;
	struct cli_progress progress;
	uint64_t expected; /* bytes of blocks, about; 0: not known */
	uint64_t segments, blocks, bytes, left; /* left out */
	struct content_package_segment segment; /* the one being written */
	bool begun;				/* its record is written */
	uint8_t record[CONTENT_PACKAGE_BODY_MAX];
};

/* ---- the file -------------------------------------------------------------------------- */

static int file_error(const struct exporting *e)
{
	return cli_fail(CLI_NO, "%s: %s", e->to_stdout ? "standard output" : e->part, strerror(errno));
}

/* What is in it opens contents: for its owner alone. */
static int open_part(struct exporting *e)
{
	struct stat st;
	int fd;

	e->to_stdout = strcmp(e->file, "-") == 0;
	if (e->to_stdout) {
		e->out = stdout;
		return CLI_OK;
	}
	if (strlen(e->file) >= CLI_PATH)
		return cli_fail(CLI_USAGE, "the file's name is too long");
	if (stat(e->file, &st) == 0 && !S_ISREG(st.st_mode))
		return cli_fail(CLI_NO, "%s: not a regular file", e->file);
	snprintf(e->part, sizeof(e->part), "%s.part", e->file);
	fd = open(e->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || fchmod(fd, 0600) != 0 || !(e->out = fdopen(fd, "w"))) {
		file_error(e);
		if (fd >= 0)
			close(fd);
		return CLI_NO;
	}
	return CLI_OK;
}

/* Whole under its name, or not at all. */
static int close_part(struct exporting *e, int status)
{
	if (e->to_stdout || !e->out)
		return status;
	if (status == CLI_OK && (fflush(e->out) != 0 || fsync(fileno(e->out)) != 0))
		status = file_error(e);
	if (fclose(e->out) != 0 && status == CLI_OK)
		status = file_error(e);
	if (status == CLI_OK && rename(e->part, e->file) != 0)
		status = file_error(e);
	if (status != CLI_OK)
		unlink(e->part);
	return status;
}

static int write_out(const struct exporting *e, const struct ponto_writer *w)
{
	size_t len;

	if (ponto_writer_done(w, &len) != PONTO_OK)
		return cli_fail(CLI_NO, "%s: the daemon sent what no package holds", e->file);
	return fwrite(w->data, 1, len, e->out) == len ? CLI_OK : file_error(e);
}

/* ---- segments ---------------------------------------------------------------------------- */

/* What the daemon said of it, which is put to the same test as what others bring. */
static int write_segment(struct exporting *e, const Ponto__Dist__V1__PackageSegment *m)
{
	struct content_package_segment *s = &e->segment;
	struct ponto_writer w = ponto_writer(e->record, sizeof(e->record));
	size_t hash;

	memset(s, 0, sizeof(*s));
	if (!content_algo_known(m->algorithm) || m->tag.len != CONTENT_TAG ||
	    content_id_set(ponto_bytes(m->id.data, m->id.len), &s->id) != PONTO_OK)
		return cli_fail(CLI_NO, "%s: the daemon sent what is no segment", e->file);
	s->algo = (enum content_algo)m->algorithm;
	hash = content_hash_size(s->algo);
	s->keyed = m->has_hod && m->has_kp && m->hod.len == hash && m->kp.len == hash;
	s->segment.size = m->size;
	memcpy(s->tag, m->tag.data, CONTENT_TAG);
	if (s->keyed) {
		memcpy(s->segment.hod, m->hod.data, hash);
		memcpy(s->segment.kp, m->kp.data, hash);
	}
	if (s->keyed && m->has_hashes)
		s->segment.block_hashes = ponto_bytes(m->hashes.data, m->hashes.len);
	if (content_package_fault(s))
		return cli_fail(CLI_NO, "%s: the daemon sent %s", e->file, content_package_fault(s));
	content_package_write_segment(&w, s);
	s->segment.block_hashes = ponto_bytes(NULL, 0); /* they go with the message */
	e->segments++;
	e->begun = true;
	return write_out(e, &w);
}

static int write_block(struct exporting *e, const Ponto__Dist__V1__PackageBlock *m)
{
	struct content_package_block b = {
		.index = m->index, .crypto = (enum content_crypto)m->crypto, .data = ponto_bytes(m->data.data, m->data.len)};
	struct ponto_writer w = ponto_writer(e->record, sizeof(e->record));

	if (!content_package_block_fits(&e->segment, &b) || (b.crypto != CONTENT_PLAIN && m->iv.len != CONTENT_IV) ||
	    (!e->segment.keyed && m->hash.len != PONTO_SHA256_SIZE))
		return cli_fail(CLI_NO, "%s: the daemon sent what is no block", e->file);
	if (b.crypto != CONTENT_PLAIN)
		memcpy(b.iv, m->iv.data, CONTENT_IV);
	if (!e->segment.keyed)
		memcpy(b.hash, m->hash.data, PONTO_SHA256_SIZE);
	content_package_write_block(&w, e->segment.keyed, &b);
	ponto_write_bytes(&w, b.data);
	e->blocks++;
	e->bytes += b.data.len;
	return write_out(e, &w);
}

static int write_reply(struct exporting *e, const Ponto__Dist__V1__ExportReply *reply)
{
	int status = e->begun ? CLI_OK : write_segment(e, reply->segment);

	for (size_t i = 0; i < reply->n_block && status == CLI_OK; i++)
		status = write_block(e, reply->block[i]);
	cli_progress(&e->progress, e->bytes, e->expected > e->bytes ? e->expected : e->bytes);
	return status;
}

/* hod and kp: what is shown for it; NULL: an administrator asks. What went meanwhile, or cannot be exported, is left out
 * and counted. */
static int export_segment(struct exporting *e, struct ponto_bytes id, const struct content_segment *shown, size_t hash)
{
	Ponto__Dist__V1__ExportRequest request = PONTO__DIST__V1__EXPORT_REQUEST__INIT;
	bool more = true;
	int status = CLI_OK;

	e->begun = false;
	request.id = (ProtobufCBinaryData){id.len, (uint8_t *)(uintptr_t)id.data};
	request.has_sealed = request.sealed = e->sealed;
	if (shown) {
		request.has_hod = request.has_kp = true;
		request.hod = (ProtobufCBinaryData){hash, (uint8_t *)(uintptr_t)shown->hod};
		request.kp = (ProtobufCBinaryData){hash, (uint8_t *)(uintptr_t)shown->kp};
	}
	while (more && status == CLI_OK) {
		struct cli_refusal refusal;
		ProtobufCMessage *message;

		status = content_try(e->cli, "Export", &request.base, &ponto__dist__v1__export_reply__descriptor, &refusal,
				     &message);
		if (status == CLI_OK && cli_interrupted())
			status = cli_fail(CLI_NO, "interrupted: nothing is written");
		if (status != CLI_OK)
			break;
		if (refusal.result != PONTO_OK) {
			e->left += !e->begun;
			return refusal.result == PONTO_EBUSY ? cli_fail(CLI_NO, "%s", refusal.text) : CLI_OK;
		}
		if (!e->interruptible)
			cli_catch_interrupts(e->cli);
		e->interruptible = true;
		status = write_reply(e, (const Ponto__Dist__V1__ExportReply *)message);
		more = ((const Ponto__Dist__V1__ExportReply *)message)->has_next;
		request.first = ((const Ponto__Dist__V1__ExportReply *)message)->next;
		protobuf_c_message_free_unpacked(message, NULL);
	}
	return status;
}

/* ---- what is exported ------------------------------------------------------------------------ */

static int export_held(void *arg, const Ponto__Dist__V1__Segment *segment)
{
	return export_segment(arg, ponto_bytes(segment->id.data, segment->id.len), NULL, 0);
}

static int export_all(struct exporting *e)
{
	Ponto__Dist__V1__StatsRequest request = PONTO__DIST__V1__STATS_REQUEST__INIT;
	struct cli_refusal refusal;
	ProtobufCMessage *reply;
	int status = content_try(e->cli, "Stats", &request.base, &ponto__dist__v1__stats_reply__descriptor, &refusal, &reply);

	if (status == CLI_OK && refusal.result == PONTO_OK) {
		e->expected = ((const Ponto__Dist__V1__StatsReply *)reply)->bytes;
		protobuf_c_message_free_unpacked(reply, NULL);
	}
	return status == CLI_OK ? content_each_segment(e->cli, export_held, e) : status;
}

static int export_described(struct exporting *e, const char *source)
{
	struct content_segment segment;
	struct content_info info;
	struct content_walk walk;
	struct content_id id;
	uint8_t *bytes;
	size_t len;
	int status = content_preload_described(e->cli, source, &bytes, &len);

	if (status != CLI_OK)
		return status;
	if (content_info_parse(ponto_bytes(bytes, len), &info) != PONTO_OK) {
		status = cli_fail(CLI_NO, "%s: its description cannot be read", source);
	} else {
		e->expected += info.length;
		content_walk_start(&walk, &info);
		while (status == CLI_OK && content_walk_next(&walk, &segment)) {
			content_segment_id(info.algo, segment.kp, segment.hod, &id);
			status = export_segment(e, content_id_bytes(&id), &segment, content_hash_size(info.algo));
		}
	}
	ponto_wipe(bytes, len); /* keys */
	free(bytes);
	return status;
}

static int export_source(struct exporting *e, const char *source)
{
	size_t len = strlen(source);
	uint8_t id[CONTENT_ID_MAX];

	if (!strstr(source, "://") && (len == 64 || len == 96 || len == 128) && ponto_unhex(source, id, len / 2) == PONTO_OK)
		return export_segment(e, ponto_bytes(id, len / 2), NULL, 0);
	return export_described(e, source);
}

static int export_into(struct exporting *e)
{
	struct ponto_writer w = ponto_writer(e->record, sizeof(e->record));
	int status;

	content_package_write_head(&w);
	status = write_out(e, &w);
	cli_progress_begin(&e->progress, isatty(STDERR_FILENO) ? stderr : NULL, &ponto_clock_system);
	for (unsigned i = 0; i < e->source_count && status == CLI_OK; i++)
		status = export_source(e, e->sources[i]);
	if (e->source_count == 0 && status == CLI_OK)
		status = export_all(e);
	cli_progress_end(&e->progress);
	if (status == CLI_OK && e->segments == 0 && e->left > 0)
		status = cli_fail(CLI_NO, "nothing of this is held, or may be exported: administrators alone export what they "
					  "have no Content Information of");
	w = ponto_writer(e->record, sizeof(e->record));
	content_package_write_end(&w, e->segments, e->blocks);
	return status == CLI_OK ? write_out(e, &w) : status;
}

static int print_report(const struct exporting *e)
{
	if (e->cli->json)
		return cli_print_json(json_pack("{s:s, s:I, s:I, s:I, s:I, s:b}", "file", e->file, "segments",
						(json_int_t)e->segments, "blocks", (json_int_t)e->blocks, "bytes",
						(json_int_t)e->bytes, "left_out", (json_int_t)e->left, "sealed", e->sealed));
	printf("%" PRIu64 " segments, %" PRIu64 " bytes%s\n", e->segments, e->bytes,
	       e->sealed ? ", without keys" : ", with the keys that open them");
	if (e->left)
		printf("%" PRIu64 " segments are left out: gone meanwhile, damaged, or not all of their block hashes are known\n",
		       e->left);
	return CLI_OK;
}

static int parse(struct exporting *e, int argc, char **argv)
{
	static const struct cli_option options[] = {{"sealed", false, 's'}, {NULL, false, 0}};
	struct cli_scan scan = {argc, argv, 1, false};
	const char *value;
	int key;

	while ((key = cli_next_option(&scan, options, &value)) >= 0) {
		if (key == 's')
			e->sealed = true;
		else if (!e->file)
			e->file = value;
		else if (e->source_count == SOURCES_MAX)
			return cli_fail(CLI_USAGE, "at most %d contents at once", SOURCES_MAX);
		else
			e->sources[e->source_count++] = value;
	}
	if (key == -2)
		return CLI_USAGE;
	if (!e->file || !*e->file)
		return cli_fail(CLI_USAGE, "'export' needs a FILE");
	if (e->cli->json && strcmp(e->file, "-") == 0)
		return cli_fail(CLI_USAGE, "--json and - both write to standard output");
	return CLI_OK;
}

int content_export(struct cli *cli, int argc, char **argv)
{
	struct exporting *e = calloc(1, sizeof(*e));
	int status;

	if (!e)
		return cli_fail(CLI_NO, "out of memory");
	e->cli = cli;
	status = parse(e, argc, argv);
	if (status == CLI_OK)
		status = open_part(e);
	if (status == CLI_OK)
		status = export_into(e);
	status = close_part(e, status);
	if (status == CLI_OK && !e->to_stdout)
		status = print_report(e);
	ponto_wipe(e, sizeof(*e));
	free(e);
	return status;
}
