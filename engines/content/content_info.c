#include "engines/content/content_info.h"

#include <string.h>

#define V1_VERSION 0x0100
#define V1_HEAD 18
#define V1_SEGMENT 16 /* and two hashes */
#define V1_BLOCKS 4   /* and the hashes */
#define V2_MAJOR 2
#define V2_HEAD 31
#define V2_CHUNK 5
#define V2_SEGMENT 68
/* Segments in one chunk: its length is 32 bits wide. */
#define V2_CHUNK_SEGMENTS (UINT32_MAX / V2_SEGMENT)

static uint32_t v1_code(enum content_algo algo)
{
	return 0x800bu + algo;
}

/* ---- making ---------------------------------------------------------------------- */

static bool good_range(uint64_t content_size, uint64_t start, uint64_t length)
{
	return length > 0 && start < content_size && length <= content_size - start && content_size <= INT64_MAX;
}

int content_layout_v1(enum content_algo algo, uint64_t content_size, uint64_t start, uint64_t length,
		      struct content_layout *out)
{
	uint64_t last, last_start, end, read;
	size_t hash = content_hash_size(algo);

	if (content_is_v2(algo) || !good_range(content_size, start, length))
		return PONTO_EINVAL;
	end = start + length;
	last = (end - 1) / CONTENT_SEGMENT_V1;
	last_start = last * CONTENT_SEGMENT_V1;
	if (last - start / CONTENT_SEGMENT_V1 >= UINT32_MAX)
		return PONTO_ELIMIT;
	memset(out, 0, sizeof(*out));
	out->algo = algo;
	out->start = start;
	out->length = length;
	out->whole = length == content_size;
	out->first_index = start / CONTENT_SEGMENT_V1;
	out->first_offset = out->first_index * CONTENT_SEGMENT_V1;
	out->segments = last - out->first_index + 1;
	out->offset_in_first = (uint32_t)(start - out->first_offset);
	read = end - (last_start > start ? last_start : start);
	/* 0 for a whole last segment, as deployed servers write it. */
	if (end != content_size && end != last_start + CONTENT_SEGMENT_V1)
		out->read_in_last = (uint32_t)read;
	/* The list begins at block 0, whichever the range touches first. */
	out->last_blocks = (uint32_t)((end - last_start + CONTENT_BLOCK - 1) / CONTENT_BLOCK);
	out->size = V1_HEAD + out->segments * (V1_SEGMENT + 2 * hash + V1_BLOCKS) +
		    ((out->segments - 1) * CONTENT_SEGMENT_BLOCKS + out->last_blocks) * hash;
	return PONTO_OK;
}

int content_layout_v2(uint64_t content_size, uint64_t start, uint64_t length, uint64_t first_index,
		      uint64_t first_offset, uint64_t segments, uint64_t segments_size, struct content_layout *out)
{
	if (!good_range(content_size, start, length) || segments == 0 || segments > INT64_MAX / (2 * V2_SEGMENT) ||
	    start < first_offset || start - first_offset >= CONTENT_SEGMENT_V2_MAX || segments_size > content_size ||
	    start - first_offset + length > segments_size || first_offset > content_size - segments_size)
		return PONTO_EINVAL;
	memset(out, 0, sizeof(*out));
	out->algo = CONTENT_TRUNCATED;
	out->start = start;
	out->length = length;
	out->whole = length == content_size;
	out->first_index = first_index;
	out->first_offset = first_offset;
	out->segments = segments;
	out->offset_in_first = (uint32_t)(start - first_offset);
	out->size = V2_HEAD + segments * V2_SEGMENT + (segments + V2_CHUNK_SEGMENTS - 1) / V2_CHUNK_SEGMENTS * V2_CHUNK;
	return PONTO_OK;
}

void content_info_write_head(const struct content_layout *layout, struct ponto_writer *w)
{
	if (content_is_v2(layout->algo)) {
		ponto_write_u8(w, 0);
		ponto_write_u8(w, V2_MAJOR);
		ponto_write_u8(w, CONTENT_TRUNCATED);
		ponto_write_be64(w, layout->first_offset);
		ponto_write_be64(w, layout->first_index);
		ponto_write_be32(w, layout->offset_in_first);
		ponto_write_be64(w, layout->whole ? 0 : layout->length);
		return;
	}
	ponto_write_le16(w, V1_VERSION);
	ponto_write_le32(w, v1_code(layout->algo));
	ponto_write_le32(w, layout->offset_in_first);
	ponto_write_le32(w, layout->read_in_last);
	ponto_write_le32(w, (uint32_t)layout->segments);
}

void content_info_write_segment(const struct content_layout *layout, uint64_t i, const struct content_segment *segment,
				struct ponto_writer *w)
{
	size_t hash = content_hash_size(layout->algo);

	if (content_is_v2(layout->algo)) {
		if (i % V2_CHUNK_SEGMENTS == 0) {
			uint64_t left = layout->segments - i;

			ponto_write_u8(w, 0);
			ponto_write_be32(w,
					 (uint32_t)(left < V2_CHUNK_SEGMENTS ? left : V2_CHUNK_SEGMENTS) * V2_SEGMENT);
		}
		ponto_write_be32(w, segment->size);
	} else {
		ponto_write_le64(w, segment->offset);
		ponto_write_le32(w, segment->size);
		ponto_write_le32(w, CONTENT_BLOCK);
	}
	ponto_write_copy(w, segment->hod, hash);
	ponto_write_copy(w, segment->kp, hash);
}

void content_info_write_blocks(const struct content_layout *layout, uint64_t i, const struct content_segment *segment,
			       struct ponto_writer *w)
{
	uint32_t blocks = i + 1 == layout->segments ? layout->last_blocks : CONTENT_SEGMENT_BLOCKS;
	size_t len = blocks * content_hash_size(layout->algo);

	if (content_is_v2(layout->algo))
		return;
	if (segment->block_hashes.len < len) {
		w->failed = true;
		return;
	}
	ponto_write_le32(w, blocks);
	ponto_write_copy(w, segment->block_hashes.data, len);
}

/* ---- walking --------------------------------------------------------------------- */

void content_walk_start(struct content_walk *walk, const struct content_info *info)
{
	memset(walk, 0, sizeof(*walk));
	walk->info = info;
	walk->descriptions = ponto_reader(info->descriptions);
	walk->blocks = ponto_reader(info->blocks);
	walk->index = info->first_index;
	walk->offset = info->first_offset;
}

static void read_v1(struct content_walk *walk, struct content_segment *s)
{
	struct ponto_reader *r = &walk->descriptions;
	size_t hash = content_hash_size(walk->info->algo);
	uint32_t blocks;

	s->offset = ponto_read_le64(r);
	s->size = ponto_read_le32(r);
	ponto_reader_require(r, ponto_read_le32(r) == CONTENT_BLOCK);
	ponto_read_copy(r, s->hod, hash);
	ponto_read_copy(r, s->kp, hash);
	ponto_reader_require(r, s->offset == walk->offset && s->size > 0 && s->size <= CONTENT_SEGMENT_V1);
	blocks = ponto_read_le32(&walk->blocks);
	ponto_reader_require(r, blocks <= content_segment_blocks(walk->info->algo, s->size));
	s->block_hashes = ponto_read_bytes(&walk->blocks, (uint64_t)blocks * hash);
}

static void read_v2(struct content_walk *walk, struct content_segment *s)
{
	struct ponto_reader *r = &walk->descriptions;

	if (r->pos == walk->chunk_end) {
		uint32_t len;

		ponto_reader_require(r, ponto_read_u8(r) == 0);
		len = ponto_read_be32(r);
		ponto_reader_require(r, len > 0 && len % V2_SEGMENT == 0 && len <= ponto_reader_left(r));
		walk->chunk_end = r->pos + len;
	}
	s->offset = walk->offset;
	s->size = ponto_read_be32(r);
	ponto_read_copy(r, s->hod, content_hash_size(CONTENT_TRUNCATED));
	ponto_read_copy(r, s->kp, content_hash_size(CONTENT_TRUNCATED));
	ponto_reader_require(r, s->size > 0 && s->size <= CONTENT_SEGMENT_V2_MAX);
}

bool content_walk_next(struct content_walk *walk, struct content_segment *out)
{
	if (ponto_reader_left(&walk->descriptions) == 0)
		return false;
	memset(out, 0, sizeof(*out));
	out->index = walk->index;
	if (content_is_v2(walk->info->algo))
		read_v2(walk, out);
	else
		read_v1(walk, out);
	ponto_reader_require(&walk->descriptions, walk->offset <= INT64_MAX && walk->index < UINT64_MAX);
	walk->index++;
	walk->offset += out->size;
	return !walk->descriptions.failed && !walk->blocks.failed;
}

uint32_t content_touched(enum content_algo algo, const struct content_segment *segment, uint64_t start, uint64_t length,
			 uint32_t *first)
{
	uint64_t segment_end = segment->offset + segment->size, from, to;

	if (length == 0 || start >= segment_end || (start < segment->offset && segment->offset - start >= length))
		return 0;
	from = start > segment->offset ? start - segment->offset : 0;
	to = length < segment_end - start ? start + length - segment->offset : segment->size;
	if (content_is_v2(algo)) {
		*first = 0;
		return 1;
	}
	*first = (uint32_t)(from / CONTENT_BLOCK);
	return (uint32_t)((to - 1) / CONTENT_BLOCK) - *first + 1;
}

/* ---- parsing --------------------------------------------------------------------- */

/* The list covers the segment: then it must fit the HoD, which it came with (2.2). */
static bool list_fits(enum content_algo algo, const struct content_segment *s)
{
	size_t hash = content_hash_size(algo);
	uint8_t hod[CONTENT_HASH_MAX];

	if (s->block_hashes.len / hash < content_segment_blocks(algo, s->size))
		return true;
	content_hash(algo, &s->block_hashes, 1, hod);
	return memcmp(hod, s->hod, hash) == 0;
}

/* Walks all segments: they follow each other, and lists that must be whole are. Gives the sizes of first and last. */
static bool check_segments(const struct content_info *info, uint64_t *count, uint64_t *total,
			   struct content_segment *first, struct content_segment *last)
{
	struct content_walk walk;

	*count = 0;
	content_walk_start(&walk, info);
	while (content_walk_next(&walk, last)) {
		if (++*count == 1)
			*first = *last;
		if (content_is_v2(info->algo))
			continue;
		if (!list_fits(info->algo, last))
			return false;
		/* All but the last are whole, and so is what is known of them. */
		if (*count < info->segments &&
		    (last->size != CONTENT_SEGMENT_V1 ||
		     last->block_hashes.len != CONTENT_SEGMENT_BLOCKS * content_hash_size(info->algo)))
			return false;
	}
	*total = walk.offset - info->first_offset;
	return *count > 0 && ponto_reader_done(&walk.descriptions) == PONTO_OK &&
	       ponto_reader_done(&walk.blocks) == PONTO_OK;
}

static int parse_v1(struct ponto_reader *r, struct content_info *info)
{
	uint32_t code, read, end;
	uint64_t count, total;
	struct content_segment first, last;
	struct ponto_reader peek;
	size_t hash;

	code = ponto_read_le32(r);
	if (code < v1_code(CONTENT_SHA256) || code > v1_code(CONTENT_SHA512))
		return PONTO_EPROTO;
	info->algo = (enum content_algo)(code - v1_code(CONTENT_SHA256) + CONTENT_SHA256);
	hash = content_hash_size(info->algo);
	info->offset_in_first = ponto_read_le32(r);
	read = ponto_read_le32(r);
	info->segments = ponto_read_le32(r);
	info->descriptions = ponto_read_bytes(r, info->segments * (V1_SEGMENT + 2 * hash));
	info->blocks = ponto_read_bytes(r, ponto_reader_left(r));
	peek = ponto_reader(info->descriptions);
	info->first_offset = ponto_read_le64(&peek);
	info->first_index = info->first_offset / CONTENT_SEGMENT_V1;
	if (r->failed || info->first_offset % CONTENT_SEGMENT_V1 != 0 || info->first_offset > INT64_MAX ||
	    !check_segments(info, &count, &total, &first, &last))
		return PONTO_EPROTO;
	end = read ? read : last.size;
	if (count == 1 && read)
		end += info->offset_in_first <= CONTENT_SEGMENT_V1 ? info->offset_in_first : 0;
	if (info->offset_in_first >= first.size || read > last.size || end > last.size ||
	    last.block_hashes.len / hash < (end + CONTENT_BLOCK - 1) / CONTENT_BLOCK)
		return PONTO_EPROTO;
	info->start = info->first_offset + info->offset_in_first;
	info->length = last.offset + end - info->start;
	return PONTO_OK;
}

static int parse_v2(struct ponto_reader *r, struct content_info *info)
{
	uint64_t total;
	struct content_segment first, last;

	if (ponto_read_u8(r) != CONTENT_TRUNCATED)
		return PONTO_EPROTO;
	info->algo = CONTENT_TRUNCATED;
	info->first_offset = ponto_read_be64(r);
	info->first_index = ponto_read_be64(r);
	info->offset_in_first = ponto_read_be32(r);
	info->length = ponto_read_be64(r);
	info->to_end = info->length == 0;
	info->descriptions = ponto_read_bytes(r, ponto_reader_left(r));
	if (r->failed || info->first_offset > INT64_MAX ||
	    !check_segments(info, &info->segments, &total, &first, &last) || info->offset_in_first >= first.size)
		return PONTO_EPROTO;
	total -= info->offset_in_first;
	if (info->to_end)
		info->length = total;
	info->start = info->first_offset + info->offset_in_first;
	return info->length <= total ? PONTO_OK : PONTO_EPROTO;
}

int content_info_segment(struct ponto_bytes bytes, enum content_algo *algo, struct content_segment *out)
{
	struct ponto_reader r = ponto_reader(bytes), peek;
	struct content_info info;
	struct content_segment first, last;
	uint64_t count, total;
	uint32_t code;

	memset(&info, 0, sizeof(info));
	ponto_reader_require(&r, ponto_read_le16(&r) == V1_VERSION);
	code = ponto_read_le32(&r);
	ponto_reader_require(&r, code >= v1_code(CONTENT_SHA256) && code <= v1_code(CONTENT_SHA512));
	ponto_read_skip(&r, 8); /* the range */
	ponto_reader_require(&r, ponto_read_le32(&r) == 1);
	if (r.failed)
		return PONTO_EPROTO;
	info.algo = (enum content_algo)(code - v1_code(CONTENT_SHA256) + CONTENT_SHA256);
	info.segments = 1;
	info.descriptions = ponto_read_bytes(&r, V1_SEGMENT + 2 * content_hash_size(info.algo));
	info.blocks = ponto_read_bytes(&r, ponto_reader_left(&r));
	peek = ponto_reader(info.descriptions);
	info.first_offset = ponto_read_le64(&peek);
	info.first_index = info.first_offset / CONTENT_SEGMENT_V1;
	if (r.failed || info.first_offset % CONTENT_SEGMENT_V1 != 0 || info.first_offset > INT64_MAX ||
	    !check_segments(&info, &count, &total, &first, &last) || count != 1 || last.block_hashes.len == 0)
		return PONTO_EPROTO;
	*algo = info.algo;
	*out = last;
	return PONTO_OK;
}

int content_info_parse(struct ponto_bytes bytes, struct content_info *out)
{
	struct ponto_reader r = ponto_reader(bytes);
	struct content_info info;
	uint8_t minor, major;
	int result = PONTO_ENOTSUP;

	memset(&info, 0, sizeof(info));
	minor = ponto_read_u8(&r);
	major = ponto_read_u8(&r);
	if (r.failed)
		return PONTO_EPROTO;
	if (minor == 0 && major == 1)
		result = parse_v1(&r, &info);
	else if (minor == 0 && major == V2_MAJOR)
		result = parse_v2(&r, &info);
	if (result == PONTO_OK)
		*out = info;
	return result;
}
