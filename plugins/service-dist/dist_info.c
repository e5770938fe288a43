#include "plugins/service-dist/dist_info.h"

#define PART_MAX (16 + CONTENT_SEGMENT_BLOCKS * CONTENT_HASH_MAX) /* bytes of the largest part */
#define ENOUGH 1 /* no result of ours: the rest is not wanted */

static int each(const struct dist_segments *segments, dist_segment_fn *fn, void *arg)
{
	int result = segments->each(segments->arg, fn, arg);

	return result == ENOUGH ? PONTO_OK : result;
}

/* ---- which segments the range touches, in version 2.0 ------------------------------------ */

struct touched {
	uint64_t start, end;
	uint64_t first_index, first_offset, count, bytes;
};

static int touch(void *arg, const struct content_segment *segment)
{
	struct touched *t = arg;

	if (segment->offset >= t->end)
		return ENOUGH;
	if (segment->offset + segment->size <= t->start)
		return PONTO_OK;
	if (t->count++ == 0) {
		t->first_index = segment->index;
		t->first_offset = segment->offset;
	}
	t->bytes += segment->size;
	return PONTO_OK;
}

static int layout_v2(const struct dist_segments *segments, uint64_t size, uint64_t start, uint64_t length,
		     struct content_layout *out)
{
	struct touched t = {.start = start, .end = start + length};
	int result = each(segments, touch, &t);

	return result != PONTO_OK ? result
				  : content_layout_v2(size, start, length, t.first_index, t.first_offset, t.count,
						      t.bytes, out);
}

int dist_info_layout(const struct dist_segments *segments, enum content_algo algo, uint64_t size, uint64_t start,
		     uint64_t length, struct content_layout *out)
{
	if (length == 0 || start >= size || length > size - start)
		return PONTO_EINVAL;
	return content_is_v2(algo) ? layout_v2(segments, size, start, length, out)
				   : content_layout_v1(algo, size, start, length, out);
}

/* ---- writing ------------------------------------------------------------------------------ */

typedef void part_fn(const struct content_layout *layout, uint64_t i, const struct content_segment *segment,
		     struct ponto_writer *w);

struct writing {
	const struct content_layout *layout;
	const uint8_t *ks;
	FILE *out;
	part_fn *part;
	uint64_t written; /* of layout's segments */
};

static int put(struct ponto_writer *w, FILE *out)
{
	uint8_t *bytes = w->data;
	size_t len;

	if (ponto_writer_done(w, &len) != PONTO_OK)
		return PONTO_ECORRUPT;
	return fwrite(bytes, 1, len, out) == len ? PONTO_OK : PONTO_EIO;
}

static int write_part(void *arg, const struct content_segment *kept)
{
	struct writing *writing = arg;
	struct content_segment segment = *kept;
	uint8_t part[PART_MAX];
	struct ponto_writer w = ponto_writer(part, sizeof(part));
	int result;

	if (segment.index < writing->layout->first_index)
		return PONTO_OK;
	if (writing->written == writing->layout->segments)
		return ENOUGH;
	content_segment_secret(writing->layout->algo, writing->ks, segment.hod, segment.kp);
	writing->part(writing->layout, writing->written++, &segment, &w);
	result = put(&w, writing->out);
	ponto_wipe(segment.kp, sizeof(segment.kp));
	return result;
}

static int write_parts(const struct dist_segments *segments, struct writing *writing, part_fn *part)
{
	int result;

	writing->part = part;
	writing->written = 0;
	result = each(segments, write_part, writing);
	return result == PONTO_OK && writing->written < writing->layout->segments ? PONTO_ECORRUPT : result;
}

int dist_info_write(const struct dist_segments *segments, const struct content_layout *layout,
		    const uint8_t ks[CONTENT_HASH_MAX], FILE *out)
{
	struct writing writing = {.layout = layout, .ks = ks, .out = out};
	uint8_t head[64];
	struct ponto_writer w = ponto_writer(head, sizeof(head));
	int result;

	content_info_write_head(layout, &w);
	result = put(&w, out);
	if (result == PONTO_OK)
		result = write_parts(segments, &writing, content_info_write_segment);
	if (result == PONTO_OK && !content_is_v2(layout->algo))
		result = write_parts(segments, &writing, content_info_write_blocks);
	return result != PONTO_OK ? result : fflush(out) == 0 ? PONTO_OK : PONTO_EIO;
}
