/* ponto content cache import: a package into the daemon's cache. What is held already is not sent again, so the same
 * command goes on where one was broken off. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/ponto/cmd_content.h"
#include "apps/ponto/progress.h"
#include "engines/content/content_package.h"

#define BATCH_BLOCKS 64
#define BATCH_BYTES (896u * 1024)

struct importing {
	struct cli *cli;
	const char *file;
	FILE *in;
	uint64_t size, offset; /* of the file, 0: not known; of what is read next */
	struct cli_progress progress;
	struct content_package package;
	uint8_t held[CONTENT_BLOCKS_MAX / 8]; /* of the segment; a bit a block, the first is the highest */
	uint64_t kept, skipped, wrong;	      /* blocks */
	size_t batch_bytes;
	unsigned batch_count;
	struct content_package_block batch[BATCH_BLOCKS]; /* data: views into batch_data */
	uint8_t batch_data[BATCH_BYTES];
	uint8_t body[CONTENT_PACKAGE_BODY_MAX];
};

/* ---- to the daemon ------------------------------------------------------------------------ */

static void say_segment(struct content_package_segment *s, Ponto__Dist__V1__PackageSegment *out)
{
	size_t hash = content_hash_size(s->algo);

	ponto__dist__v1__package_segment__init(out);
	out->id = (ProtobufCBinaryData){s->id.len, s->id.b};
	out->algorithm = s->algo;
	out->size = s->segment.size;
	out->tag = (ProtobufCBinaryData){CONTENT_TAG, s->tag};
	if (!s->keyed)
		return;
	out->has_hod = out->has_kp = out->has_hashes = true;
	out->hod = (ProtobufCBinaryData){hash, s->segment.hod};
	out->kp = (ProtobufCBinaryData){hash, s->segment.kp};
	out->hashes = (ProtobufCBinaryData){s->segment.block_hashes.len,
					    (uint8_t *)(uintptr_t)s->segment.block_hashes.data};
}

static void say_block(struct content_package_block *b, bool keyed, Ponto__Dist__V1__PackageBlock *out)
{
	ponto__dist__v1__package_block__init(out);
	out->index = b->index;
	out->crypto = b->crypto;
	out->has_iv = b->crypto != CONTENT_PLAIN;
	out->iv = (ProtobufCBinaryData){CONTENT_IV, b->iv};
	out->has_hash = !keyed;
	out->hash = (ProtobufCBinaryData){PONTO_SHA256_SIZE, b->hash};
	out->data = (ProtobufCBinaryData){b->data.len, (uint8_t *)(uintptr_t)b->data.data};
}

/* The batch, which may be empty: what is held is asked then. */
static int send_batch(struct importing *im)
{
	Ponto__Dist__V1__ImportRequest request = PONTO__DIST__V1__IMPORT_REQUEST__INIT;
	Ponto__Dist__V1__PackageBlock blocks[BATCH_BLOCKS], *listed[BATCH_BLOCKS];
	Ponto__Dist__V1__PackageSegment segment;
	const Ponto__Dist__V1__ImportReply *answer;
	struct cli_refusal refusal;
	ProtobufCMessage *reply;
	int status;

	say_segment(&im->package.segment, &segment);
	request.segment = &segment;
	request.block = listed;
	for (; request.n_block < im->batch_count; request.n_block++) {
		listed[request.n_block] = &blocks[request.n_block];
		say_block(&im->batch[request.n_block], im->package.segment.keyed, &blocks[request.n_block]);
	}
	status = content_try(im->cli, "Import", &request.base, &ponto__dist__v1__import_reply__descriptor, &refusal, &reply);
	if (status == CLI_OK && refusal.result != PONTO_OK)
		status = cli_fail(CLI_NO, "%s: %s", im->file, refusal.text);
	if (status != CLI_OK)
		return status;
	answer = (const Ponto__Dist__V1__ImportReply *)reply;
	im->kept += answer->kept;
	im->wrong += answer->wrong;
	if (im->batch_count > answer->kept + answer->wrong)
		im->skipped += im->batch_count - answer->kept - answer->wrong;
	memset(im->held, 0, sizeof(im->held));
	memcpy(im->held, answer->held.data, answer->held.len < sizeof(im->held) ? answer->held.len : sizeof(im->held));
	im->batch_count = 0;
	im->batch_bytes = 0;
	protobuf_c_message_free_unpacked(reply, NULL);
	return CLI_OK;
}

/* ---- from the file --------------------------------------------------------------------------- */

static int fault(const struct importing *im)
{
	return cli_fail(CLI_NO, "%s: at byte %" PRIu64 ": %s", im->file, im->offset, im->package.why);
}

/* Of the bytes that must follow. */
static int take(struct importing *im, void *out, size_t len)
{
	if (fread(out, 1, len, im->in) == len)
		return CLI_OK;
	if (ferror(im->in))
		return cli_fail(CLI_NO, "%s: %s", im->file, strerror(errno));
	return cli_fail(CLI_NO, "%s: it is cut off, after byte %" PRIu64, im->file, im->offset);
}

static int add_block(struct importing *im)
{
	const struct content_package_block *b = &im->package.block;
	struct content_package_block *kept = &im->batch[im->batch_count];
	int status = CLI_OK;

	if (im->held[b->index / 8] & 0x80 >> b->index % 8) {
		im->skipped++;
		return CLI_OK;
	}
	if (im->batch_count == BATCH_BLOCKS || b->data.len > BATCH_BYTES - im->batch_bytes) {
		status = send_batch(im);
		kept = &im->batch[0];
	}
	if (status != CLI_OK)
		return status;
	*kept = *b;
	memcpy(im->batch_data + im->batch_bytes, b->data.data, b->data.len);
	kept->data.data = im->batch_data + im->batch_bytes;
	im->batch_bytes += b->data.len;
	im->batch_count++;
	return CLI_OK;
}

/* Of a segment of many blocks it is worth asking which are held. */
static int on_record(struct importing *im, enum content_package_type type, struct ponto_bytes body)
{
	int status = CLI_OK;

	if (type != CONTENT_PACKAGE_BLOCK && im->batch_count > 0)
		status = send_batch(im);
	if (status != CLI_OK)
		return status;
	if (content_package_take(&im->package, type, body) != PONTO_OK)
		return fault(im);
	if (type == CONTENT_PACKAGE_BLOCK)
		return add_block(im);
	memset(im->held, 0, sizeof(im->held));
	return type == CONTENT_PACKAGE_SEGMENT &&
			       content_segment_blocks(im->package.segment.algo, im->package.segment.segment.size) > 1
		       ? send_batch(im)
		       : CLI_OK;
}

static int read_record(struct importing *im)
{
	uint8_t head[CONTENT_PACKAGE_RECORD_HEAD];
	enum content_package_type type;
	uint32_t len;
	int status = take(im, head, sizeof(head));

	if (status != CLI_OK)
		return status;
	if (content_package_record(&im->package, head, &type, &len) != PONTO_OK)
		return fault(im);
	status = take(im, im->body, len);
	if (status == CLI_OK)
		status = on_record(im, type, ponto_bytes(im->body, len));
	im->offset += sizeof(head) + len;
	cli_progress(&im->progress, im->offset, im->size > im->offset ? im->size : im->offset);
	return status;
}

static int import_all(struct importing *im)
{
	uint8_t head[CONTENT_PACKAGE_HEAD];
	int status;

	if (fread(head, 1, sizeof(head), im->in) != sizeof(head)) /* an empty file is none either */
		return cli_fail(CLI_NO, "%s: %s", im->file, ferror(im->in) ? strerror(errno) : "this is no package");
	if (content_package_begin(&im->package, head) != PONTO_OK)
		return cli_fail(CLI_NO, "%s: %s", im->file, im->package.why);
	im->offset = sizeof(head);
	cli_progress_begin(&im->progress, isatty(STDERR_FILENO) ? stderr : NULL, &ponto_clock_system);
	do {
		status = read_record(im);
	} while (status == CLI_OK && !im->package.ended);
	cli_progress_end(&im->progress);
	if (status == CLI_OK && getc(im->in) != EOF)
		status = cli_fail(CLI_NO, "%s: at byte %" PRIu64 ": something behind its end", im->file, im->offset);
	return status;
}

/* ---- the command --------------------------------------------------------------------------------- */

/* What does not fit would push itself out of the cache, and all the rest before. */
static int check_room(struct importing *im)
{
	Ponto__Dist__V1__StatsRequest request = PONTO__DIST__V1__STATS_REQUEST__INIT;
	struct cli_refusal refusal;
	ProtobufCMessage *reply;
	uint64_t limit;
	int status = content_try(im->cli, "Stats", &request.base, &ponto__dist__v1__stats_reply__descriptor, &refusal, &reply);

	if (status == CLI_OK && refusal.result != PONTO_OK)
		status = cli_fail(CLI_NO, "%s", refusal.text);
	if (status != CLI_OK)
		return status;
	limit = ((const Ponto__Dist__V1__StatsReply *)reply)->limit;
	protobuf_c_message_free_unpacked(reply, NULL);
	if (limit && im->size > limit)
		return cli_fail(CLI_NO, "%s: %" PRIu64 " bytes, but the cache keeps at most %" PRIu64 " (option cache_size)",
				im->file, im->size, limit);
	return CLI_OK;
}

static int open_file(struct importing *im)
{
	struct stat st;

	im->in = strcmp(im->file, "-") == 0 ? stdin : fopen(im->file, "re");
	if (!im->in)
		return cli_fail(CLI_NO, "%s: %s", im->file, strerror(errno));
	if (fstat(fileno(im->in), &st) == 0 && S_ISREG(st.st_mode))
		im->size = (uint64_t)st.st_size;
	return CLI_OK;
}

static int print_report(const struct importing *im)
{
	if (im->cli->json)
		return cli_print_json(json_pack("{s:s, s:I, s:I, s:I, s:I}", "file", im->file, "segments",
						(json_int_t)im->package.segments, "kept", (json_int_t)im->kept, "held",
						(json_int_t)im->skipped, "wrong", (json_int_t)im->wrong));
	printf("%" PRIu64 " segments: %" PRIu64 " blocks are kept, %" PRIu64 " were held already\n", im->package.segments,
	       im->kept, im->skipped);
	return CLI_OK;
}

int content_import(struct cli *cli, int argc, char **argv)
{
	static const struct cli_option none[] = {{NULL, false, 0}};
	struct cli_scan scan = {argc, argv, 1, false};
	struct importing *im = calloc(1, sizeof(*im));
	const char *value;
	int key, status = CLI_OK;

	if (!im)
		return cli_fail(CLI_NO, "out of memory");
	im->cli = cli;
	while (status == CLI_OK && (key = cli_next_option(&scan, none, &value)) >= 0) {
		if (im->file)
			status = cli_fail(CLI_USAGE, "'import' takes one FILE, not also '%s'", value);
		im->file = value;
	}
	if (status == CLI_OK && key == -2)
		status = CLI_USAGE;
	else if (status == CLI_OK && (!im->file || !*im->file))
		status = cli_fail(CLI_USAGE, "'import' needs a FILE");
	if (status == CLI_OK)
		status = open_file(im);
	if (status == CLI_OK)
		status = check_room(im);
	if (status == CLI_OK)
		status = import_all(im);
	if (status == CLI_OK)
		status = print_report(im);
	if (status == CLI_OK && im->wrong)
		status = cli_fail(CLI_NO, "%s: %" PRIu64 " blocks are damaged and are not kept", im->file, im->wrong);
	if (im->in && im->in != stdin)
		fclose(im->in);
	ponto_wipe(im, sizeof(*im));
	free(im);
	return status;
}
