#include "engines/content/content_maker.h"

#include <string.h>

uint32_t content_segment_blocks(enum content_algo algo, uint32_t segment_size)
{
	return content_is_v2(algo) ? 1 : (uint32_t)(((uint64_t)segment_size + CONTENT_BLOCK - 1) / CONTENT_BLOCK);
}

uint32_t content_block_offset(enum content_algo algo, uint32_t index)
{
	return content_is_v2(algo) ? 0 : index * CONTENT_BLOCK;
}

uint32_t content_block_size(enum content_algo algo, uint32_t segment_size, uint32_t index)
{
	uint32_t left = segment_size - content_block_offset(algo, index);

	return content_is_v2(algo) || left < CONTENT_BLOCK ? left : CONTENT_BLOCK;
}

struct ponto_bytes content_block_hash(enum content_algo algo, const struct content_segment *segment, uint32_t index)
{
	size_t size = content_hash_size(algo);

	if (content_is_v2(algo))
		return ponto_bytes(segment->hod, index == 0 ? size : 0);
	if (index >= segment->block_hashes.len / size)
		return ponto_bytes(NULL, 0);
	return ponto_bytes(segment->block_hashes.data + index * size, size);
}

void content_maker_init(struct content_maker *maker, enum content_algo algo)
{
	memset(maker, 0, offsetof(struct content_maker, list));
	maker->algo = algo;
}

static void finish(struct content_maker *maker, struct content_segment *out)
{
	struct ponto_bytes list = ponto_bytes(maker->list, maker->blocks * content_hash_size(maker->algo));

	memset(out, 0, sizeof(*out));
	out->index = maker->index++;
	out->offset = maker->offset;
	out->size = maker->size;
	if (content_is_v2(maker->algo)) {
		memcpy(out->hod, list.data, list.len);
	} else {
		content_hash(maker->algo, &list, 1, out->hod);
		out->block_hashes = list;
	}
	maker->offset += maker->size;
	maker->size = maker->blocks = 0;
}

int content_maker_piece(struct content_maker *maker, uint32_t len, const uint8_t *hash, struct content_segment *out)
{
	bool v2 = content_is_v2(maker->algo);
	size_t size = content_hash_size(maker->algo);

	if (len == 0 || len > (v2 ? CONTENT_SEGMENT_V2_MAX : CONTENT_BLOCK) || maker->ended ||
	    maker->offset > INT64_MAX - CONTENT_SEGMENT_V1)
		return PONTO_EINVAL;
	memcpy(maker->list + maker->blocks * size, hash, size);
	maker->size += len;
	maker->blocks++;
	maker->ended = !v2 && len < CONTENT_BLOCK;
	if (!v2 && maker->blocks < CONTENT_SEGMENT_BLOCKS)
		return 0;
	finish(maker, out);
	return 1;
}

int content_maker_end(struct content_maker *maker, struct content_segment *out)
{
	if (maker->blocks == 0)
		return 0;
	finish(maker, out);
	return 1;
}
