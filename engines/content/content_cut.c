#include "engines/content/content_cut.h"

/* The rolling hash shifts one bit a byte, so it knows the last 64 bytes only. */
#define WINDOW 64

/* Bits that must be zero at a cut: more before the target size than after, so that sizes stay near it and only one
 * piece in a hundred is cut by its size. The highest bits, since they depend on the whole window. */
#define MASK_BEFORE (UINT64_C(0x7fff) << 49)
#define MASK_AFTER (UINT64_C(0x3fff) << 50)

/* splitmix64 from a fixed start. */
static uint64_t gear_word(uint64_t i)
{
	uint64_t z = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void content_cut_init(struct content_cut *cut, enum content_algo algo)
{
	cut->v2 = content_is_v2(algo);
	cut->size = 0;
	cut->hash = 0;
	for (unsigned i = 0; i < 256; i++)
		cut->gear[i] = gear_word(i);
}

static bool cut_fixed(struct content_cut *cut, size_t len, size_t *used)
{
	size_t left = CONTENT_BLOCK - cut->size;

	*used = len < left ? len : left;
	cut->size += (uint32_t)*used;
	return cut->size == CONTENT_BLOCK;
}

/* Rolls until the piece has end bytes, the bytes are used up, or a cut. */
static bool roll(struct content_cut *cut, struct ponto_bytes bytes, size_t *used, uint32_t end, uint64_t mask)
{
	size_t at = *used, stop = at + (end > cut->size ? end - cut->size : 0);
	uint64_t hash = cut->hash;
	bool found = false;

	if (stop > bytes.len)
		stop = bytes.len;
	/* Four at a time: hardly ever is one of them a cut, and then the last steps are made again. */
	while (stop - at >= 4) {
		uint64_t a = (hash << 1) + cut->gear[bytes.data[at]];
		uint64_t b = (a << 1) + cut->gear[bytes.data[at + 1]];
		uint64_t c = (b << 1) + cut->gear[bytes.data[at + 2]];
		uint64_t d = (c << 1) + cut->gear[bytes.data[at + 3]];

		if (!(a & mask) | !(b & mask) | !(c & mask) | !(d & mask))
			break;
		hash = d;
		at += 4;
	}
	while (at < stop && !found) {
		hash = (hash << 1) + cut->gear[bytes.data[at++]];
		found = (hash & mask) == 0;
	}
	cut->hash = hash;
	cut->size += (uint32_t)(at - *used);
	*used = at;
	return found;
}

static bool cut_by_content(struct content_cut *cut, struct ponto_bytes bytes, size_t *used)
{
	size_t skip = cut->size < CONTENT_SEGMENT_V2_MIN - WINDOW ? CONTENT_SEGMENT_V2_MIN - WINDOW - cut->size : 0;

	*used = skip < bytes.len ? skip : bytes.len;
	cut->size += (uint32_t)*used;
	/* Below the minimum only the window is filled. */
	while (*used < bytes.len && cut->size < CONTENT_SEGMENT_V2_MIN) {
		cut->hash = (cut->hash << 1) + cut->gear[bytes.data[(*used)++]];
		cut->size++;
	}
	return roll(cut, bytes, used, CONTENT_SEGMENT_V2_TARGET, MASK_BEFORE) ||
	       roll(cut, bytes, used, CONTENT_SEGMENT_V2_MAX, MASK_AFTER) || cut->size == CONTENT_SEGMENT_V2_MAX;
}

bool content_cut_next(struct content_cut *cut, struct ponto_bytes bytes, size_t *used)
{
	bool end = cut->v2 ? cut_by_content(cut, bytes, used) : cut_fixed(cut, bytes.len, used);

	if (end) {
		cut->size = 0;
		cut->hash = 0;
	}
	return end;
}
