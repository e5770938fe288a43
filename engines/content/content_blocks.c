#include "engines/content/content_blocks.h"

#define WORDS (CONTENT_BLOCKS_MAX / 64)

void content_blocks_add(struct content_blocks *set, uint32_t index, uint32_t count)
{
	uint64_t end = (uint64_t)index + count;

	if (end > CONTENT_BLOCKS_MAX)
		end = CONTENT_BLOCKS_MAX;
	for (uint64_t i = index, next; i < end; i = next) {
		next = (i / 64 + 1) * 64;
		set->bits[i / 64] |= UINT64_MAX << i % 64 & (next > end ? UINT64_MAX >> (next - end) : UINT64_MAX);
	}
}

void content_blocks_remove(struct content_blocks *set, uint32_t index)
{
	if (index < CONTENT_BLOCKS_MAX)
		set->bits[index / 64] &= ~(UINT64_C(1) << index % 64);
}

bool content_blocks_has(const struct content_blocks *set, uint32_t index)
{
	return index < CONTENT_BLOCKS_MAX && set->bits[index / 64] >> index % 64 & 1;
}

uint32_t content_blocks_count(const struct content_blocks *set)
{
	uint32_t count = 0;

	for (unsigned i = 0; i < WORDS; i++) {
		for (uint64_t word = set->bits[i]; word; word &= word - 1)
			count++;
	}
	return count;
}

/* The smallest index from from on whose bit is as wanted. */
static uint32_t seek(const struct content_blocks *set, uint32_t from, bool wanted)
{
	while (from < CONTENT_BLOCKS_MAX) {
		uint64_t word = (wanted ? set->bits[from / 64] : ~set->bits[from / 64]) >> from % 64;

		if (word)
			return from + (uint32_t)__builtin_ctzll(word);
		from = (from / 64 + 1) * 64;
	}
	return CONTENT_BLOCKS_MAX;
}

uint32_t content_blocks_next(const struct content_blocks *set, uint32_t from)
{
	return seek(set, from, true);
}

bool content_blocks_run(const struct content_blocks *set, uint32_t from, uint32_t *index, uint32_t *count)
{
	uint32_t first = seek(set, from, true);

	if (first == CONTENT_BLOCKS_MAX)
		return false;
	*index = first;
	*count = seek(set, first, false) - first;
	return true;
}

void content_blocks_keep(struct content_blocks *set, const struct content_blocks *other)
{
	for (unsigned i = 0; i < WORDS; i++)
		set->bits[i] &= other->bits[i];
}

void content_blocks_drop(struct content_blocks *set, const struct content_blocks *other)
{
	for (unsigned i = 0; i < WORDS; i++)
		set->bits[i] &= ~other->bits[i];
}
