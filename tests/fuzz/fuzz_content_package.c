/* A package, read record by record: whatever is taken is written again to the same bytes, and counted; of a segment with
 * keys nothing is taken that does not make its ID. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "engines/content/content_package.h"

static struct content_package p;
static uint8_t out[CONTENT_PACKAGE_RECORD_HEAD + CONTENT_PACKAGE_BODY_MAX];

static void write_again(enum content_package_type type, struct ponto_writer *w)
{
	if (type == CONTENT_PACKAGE_SEGMENT) {
		FUZZ_REQUIRE(!content_package_fault(&p.segment));
		content_package_write_segment(w, &p.segment);
	} else if (type == CONTENT_PACKAGE_BLOCK) {
		FUZZ_REQUIRE(content_package_block_fits(&p.segment, &p.block));
		FUZZ_REQUIRE(p.block.index < content_segment_blocks(p.segment.algo, p.segment.segment.size));
		content_package_write_block(w, p.segment.keyed, &p.block);
		ponto_write_bytes(w, p.block.data);
	} else {
		content_package_write_end(w, p.segments, p.blocks);
	}
}

/* Bytes of a record, 0: no more. */
static size_t take(struct ponto_bytes rest)
{
	struct ponto_writer w = ponto_writer(out, sizeof(out));
	enum content_package_type type;
	uint32_t len;
	size_t all;

	if (rest.len < CONTENT_PACKAGE_RECORD_HEAD || content_package_record(&p, rest.data, &type, &len) != PONTO_OK)
		return 0;
	FUZZ_REQUIRE(len <= CONTENT_PACKAGE_BODY_MAX);
	if (len > rest.len - CONTENT_PACKAGE_RECORD_HEAD)
		return 0;
	if (content_package_take(&p, type, ponto_bytes(rest.data + CONTENT_PACKAGE_RECORD_HEAD, len)) != PONTO_OK) {
		FUZZ_REQUIRE(p.why);
		return 0;
	}
	write_again(type, &w);
	FUZZ_REQUIRE(ponto_writer_done(&w, &all) == PONTO_OK && all == CONTENT_PACKAGE_RECORD_HEAD + len);
	FUZZ_REQUIRE(memcmp(out, rest.data, all) == 0);
	return all;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t at = CONTENT_PACKAGE_HEAD, len;
	uint64_t records = 0;

	if (size < CONTENT_PACKAGE_HEAD || content_package_begin(&p, data) != PONTO_OK)
		return 0;
	while ((len = take(ponto_bytes(data + at, size - at))) > 0) {
		at += len;
		records++;
	}
	FUZZ_REQUIRE(p.segments + p.blocks + p.ended == records);
	return 0;
}
