/* Content Information: whatever parses is consistent in itself, and made again from its segments parses to the same. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "engines/content/content_info.h"

static struct content_layout layout_of(const struct content_info *info, uint64_t end)
{
	struct content_layout layout;

	/* As if the content ended with the range's last segment. */
	if (content_is_v2(info->algo))
		FUZZ_REQUIRE(content_layout_v2(end, info->start, info->length, info->first_index, info->first_offset,
					       info->segments, end - info->first_offset, &layout) == PONTO_OK);
	else
		FUZZ_REQUIRE(content_layout_v1(info->algo, end, info->start, info->length, &layout) == PONTO_OK);
	return layout;
}

static void write_again(const struct content_info *info, const struct content_layout *layout)
{
	uint8_t *out = malloc(layout->size);
	struct ponto_writer w = ponto_writer(out, layout->size);
	struct content_info again;
	struct content_segment s;
	struct content_walk walk;
	uint64_t i = 0;

	FUZZ_REQUIRE(out);
	content_info_write_head(layout, &w);
	content_walk_start(&walk, info);
	while (content_walk_next(&walk, &s))
		content_info_write_segment(layout, i++, &s, &w);
	content_walk_start(&walk, info);
	for (i = 0; content_walk_next(&walk, &s); i++)
		content_info_write_blocks(layout, i, &s, &w);
	FUZZ_REQUIRE(!w.failed && w.pos == layout->size);
	FUZZ_REQUIRE(content_info_parse(ponto_bytes(out, layout->size), &again) == PONTO_OK);
	FUZZ_REQUIRE(again.start == info->start && again.length == info->length && again.segments == info->segments);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct content_info info;
	struct content_walk walk;
	struct content_segment s;
	uint64_t count = 0, at;
	bool touched = true;

	if (content_info_parse(ponto_bytes(data, size), &info) != PONTO_OK)
		return 0;
	at = info.first_offset;
	content_walk_start(&walk, &info);
	while (content_walk_next(&walk, &s)) {
		uint32_t first, blocks = content_touched(info.algo, &s, info.start, info.length, &first);

		FUZZ_REQUIRE(s.offset == at && s.index == info.first_index + count && s.size > 0);
		for (uint32_t i = 0; i < blocks; i++)
			FUZZ_REQUIRE(content_block_hash(info.algo, &s, first + i).len == content_hash_size(info.algo));
		touched = blocks > 0;
		FUZZ_REQUIRE(content_is_v2(info.algo) || touched);
		at += s.size;
		count++;
	}
	FUZZ_REQUIRE(count == info.segments && info.length > 0 && info.start >= info.first_offset);
	FUZZ_REQUIRE(info.start + info.length <= at);
	if (at <= INT64_MAX) {
		struct content_layout layout = layout_of(&info, at);

		write_again(&info, &layout);
	}
	return 0;
}
