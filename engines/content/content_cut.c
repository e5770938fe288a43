#include "engines/content/content_cut.h"

/* The rolling hash shifts one bit a byte, so it knows the last 64 bytes only. */
#define WINDOW 64

/* Bytes of a lane: long against the window, short against a piece, since those before a cut are rolled again. */
#define LANE 512

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

/* Two rolls side by side, as neither waits for the other's sum: over LANE bytes, and over the LANE behind them, where
 * the window before gives all that the hash knows. False, and nothing done, when a cut is in them. */
static bool roll_lanes(const struct content_cut *cut, const uint8_t *bytes, uint64_t *hash, uint64_t mask)
{
	uint64_t a = *hash, b = 0;

	for (unsigned i = LANE - WINDOW; i < LANE; i++)
		b = (b << 1) + cut->gear[bytes[i]];
#pragma GCC unroll 4
	for (unsigned i = 0; i < LANE; i++) {
		a = (a << 1) + cut->gear[bytes[i]];
		b = (b << 1) + cut->gear[bytes[LANE + i]];
		if (__builtin_expect(!(a & mask), 0) || __builtin_expect(!(b & mask), 0))
			return false;
	}
	*hash = b;
	return true;
}

/* Rolls until the piece has end bytes, the bytes are used up, or a cut. */
static bool roll(struct content_cut *cut, struct ponto_bytes bytes, size_t *used, uint32_t end, uint64_t mask)
{
	size_t at = *used, stop = at + (end > cut->size ? end - cut->size : 0);
	uint64_t hash = cut->hash;
	bool found = false;

	if (stop > bytes.len)
		stop = bytes.len;
	while (stop - at >= 2 * LANE && roll_lanes(cut, bytes.data + at, &hash, mask))
		at += 2 * LANE;
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
