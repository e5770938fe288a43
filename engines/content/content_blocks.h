/* Content: a set of blocks of one segment. Ranges that others list in any order,
 * twice or beyond a segment's end become one of these, and what is made of one
 * is sorted and merged.
 *
 * Pure; no allocation. [MS-PCCRR] 2.2.1.1, 2.2.1.3. */
#ifndef ENGINES_CONTENT_CONTENT_BLOCKS_H
#define ENGINES_CONTENT_CONTENT_BLOCKS_H

#include "framework/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CONTENT_BLOCKS_MAX 512u /* of a segment */
#define CONTENT_RANGES_MAX 256u /* that a set can fall into */

struct content_blocks {
	uint64_t bits[CONTENT_BLOCKS_MAX / 64];
};

/* What lies beyond CONTENT_BLOCKS_MAX is left out, whatever the numbers. */
void content_blocks_add(struct content_blocks *set, uint32_t index, uint32_t count);
void content_blocks_remove(struct content_blocks *set, uint32_t index);
bool content_blocks_has(const struct content_blocks *set, uint32_t index);
uint32_t content_blocks_count(const struct content_blocks *set);

/* The smallest member from index from on; CONTENT_BLOCKS_MAX when there is none. */
uint32_t content_blocks_next(const struct content_blocks *set, uint32_t from);

static inline bool content_blocks_is_empty(const struct content_blocks *set)
{
	return content_blocks_next(set, 0) == CONTENT_BLOCKS_MAX;
}

/* The first run of members from index from on; false when there is none. */
bool content_blocks_run(const struct content_blocks *set, uint32_t from, uint32_t *index, uint32_t *count);

/* set becomes what is in both; or what is not in other. */
void content_blocks_keep(struct content_blocks *set, const struct content_blocks *other);
void content_blocks_drop(struct content_blocks *set, const struct content_blocks *other);

#ifdef __cplusplus
}
#endif
#endif
