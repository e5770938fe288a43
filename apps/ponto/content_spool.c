#include "apps/ponto/content_spool.h"

#include <string.h>

int content_spool_open(struct content_spool *s, enum content_algo algo, const uint8_t ks[CONTENT_HASH_MAX])
{
	memset(s, 0, offsetof(struct content_spool, list));
	s->algo = algo;
	memcpy(s->ks, ks, sizeof(s->ks));
	s->file = tmpfile();
	return s->file ? PONTO_OK : PONTO_EIO;
}

void content_spool_close(struct content_spool *s)
{
	if (s->file)
		fclose(s->file);
	ponto_wipe(s->ks, sizeof(s->ks));
}

/* Read by this process alone: each its size, its HoD, its blocks' hashes. */
int content_spool_add(struct content_spool *s, const struct content_segment *segment)
{
	size_t hash = content_hash_size(s->algo);

	s->segments++;
	s->blocks += content_segment_blocks(s->algo, segment->size);
	s->size += segment->size;
	if (fwrite(&segment->size, sizeof(segment->size), 1, s->file) != 1 ||
	    fwrite(segment->hod, hash, 1, s->file) != 1)
		return PONTO_EIO;
	/* Version 2.0 has none, and not even an address of them. */
	if (segment->block_hashes.len > 0 &&
	    fwrite(segment->block_hashes.data, segment->block_hashes.len, 1, s->file) != 1)
		return PONTO_EIO;
	return PONTO_OK;
}

int content_spool_rewind(struct content_spool *s)
{
	s->index = s->offset = 0;
	return fseek(s->file, 0, SEEK_SET) == 0 ? PONTO_OK : PONTO_EIO;
}

int content_spool_next(struct content_spool *s, struct content_segment *out)
{
	size_t hash = content_hash_size(s->algo), len;

	if (s->index == s->segments)
		return 0;
	memset(out, 0, sizeof(*out));
	if (fread(&out->size, sizeof(out->size), 1, s->file) != 1 || fread(out->hod, hash, 1, s->file) != 1)
		return PONTO_EIO;
	len = content_is_v2(s->algo) ? 0 : content_segment_blocks(s->algo, out->size) * hash;
	if (fread(s->list, 1, len, s->file) != len)
		return PONTO_EIO;
	out->block_hashes = ponto_bytes(s->list, len);
	out->index = s->index++;
	out->offset = s->offset;
	s->offset += out->size;
	content_segment_secret(s->algo, s->ks, out->hod, out->kp);
	return 1;
}

/* ---- Content Information --------------------------------------------------------------- */

int content_spool_layout(const struct content_spool *s, struct content_layout *out)
{
	return content_is_v2(s->algo) ? content_layout_v2(s->size, 0, s->size, 0, 0, s->segments, s->size, out)
				      : content_layout_v1(s->algo, s->size, 0, s->size, out);
}

static int each(void *arg, dist_segment_fn *fn, void *fn_arg)
{
	struct content_spool *s = arg;
	struct content_segment segment;
	int result = content_spool_rewind(s), more = 1;

	while (result == PONTO_OK && (more = content_spool_next(s, &segment)) == 1)
		result = fn(fn_arg, &segment);
	return result != PONTO_OK ? result : more;
}

int content_spool_write_info(struct content_spool *s, FILE *out)
{
	struct dist_segments segments = {each, s};
	struct content_layout layout;
	int result = content_spool_layout(s, &layout);

	return result == PONTO_OK ? dist_info_write(&segments, &layout, s->ks, out) : result;
}
