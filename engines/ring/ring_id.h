/* Ponto ring: the circular 256-bit number space that PNRP and the distributed routing table share.
 *
 * Pure, thread-safe, no memory. An ID is kept as on the wire, most significant byte first; sums and
 * differences are modulo 2^256. [MS-PNRP] 1.3.1.2, 2.2.2.8; [MC-DRT] 1.1. */
#ifndef ENGINES_RING_RING_ID_H
#define ENGINES_RING_RING_ID_H

#include <string.h>

#include "framework/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RING_ID_SIZE 32
#define RING_ID_BITS 256

struct ring_id {
	uint8_t b[RING_ID_SIZE];
};

/* The highest 64 bits: enough to tell most pairs of IDs apart. Written out so that compilers make it one load. */
static inline uint64_t ring_id_top(const struct ring_id *a)
{
	const uint8_t *p = a->b;

	return (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 | (uint64_t)p[2] << 40 | (uint64_t)p[3] << 32 |
	       (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 | (uint64_t)p[6] << 8 | (uint64_t)p[7];
}

/* <0, 0, >0 as a is numerically less than, equal to, greater than b. */
static inline int ring_id_compare(const struct ring_id *a, const struct ring_id *b)
{
	uint64_t x = ring_id_top(a), y = ring_id_top(b);

	return x != y ? (x < y ? -1 : 1) : memcmp(a->b + 8, b->b + 8, RING_ID_SIZE - 8);
}

static inline bool ring_id_equal(const struct ring_id *a, const struct ring_id *b)
{
	return ring_id_top(a) == ring_id_top(b) && memcmp(a->b + 8, b->b + 8, RING_ID_SIZE - 8) == 0;
}

bool ring_id_is_zero(const struct ring_id *a);

/* a + b and a - b modulo 2^256. */
struct ring_id ring_id_add(const struct ring_id *a, const struct ring_id *b);
struct ring_id ring_id_sub(const struct ring_id *a, const struct ring_id *b);

/* a + n modulo 2^256. */
struct ring_id ring_id_add_u64(const struct ring_id *a, uint64_t n);

/* a / 2^bits. bits 0..255 */
struct ring_id ring_id_shift_right(const struct ring_id *a, unsigned bits);

/* The shorter way round between a and b: min(a - b, b - a). */
struct ring_id ring_id_distance(const struct ring_id *a, const struct ring_id *b);

/* By the highest words alone: >0 when a is closer to target than b, <0 when b is, 0 when they do not tell, since they
 * differ by no more than a borrow can. */
static inline int ring_top_closer(uint64_t a, uint64_t b, uint64_t target)
{
	uint64_t x = a - target, y = b - target;

	x = x > -x ? -x : x;
	y = y > -y ? -y : y;
	return (x + 2 < y) - (y + 2 < x);
}

/* True when a is strictly closer to target than b. */
bool ring_id_closer(const struct ring_id *a, const struct ring_id *b, const struct ring_id *target);

/* True when x lies strictly inside the arc that goes up from low to high (through zero if high <= low;
 * low == high means the whole circle but that point). */
bool ring_id_between(const struct ring_id *x, const struct ring_id *low, const struct ring_id *high);

/* True when x lies strictly inside the shorter arc between a and b. */
bool ring_id_inside(const struct ring_id *x, const struct ring_id *a, const struct ring_id *b);

/* True when the upward way from a to b is the shorter one (at exactly half a circle: true). a != b */
bool ring_id_above(const struct ring_id *b, const struct ring_id *a);

/* Number of leading bits that are the same, 0..256. */
unsigned ring_id_common_bits(const struct ring_id *a, const struct ring_id *b);

/* Position of the highest set bit, 255..0, or -1 for zero: floor(log2(a)). */
int ring_id_log2(const struct ring_id *a);

/* The number as a floating-point fraction of the circle, in [0, 1). For estimates only. */
double ring_id_fraction(const struct ring_id *a);

/* A uniformly random ID. */
struct ring_id ring_id_random(const struct ponto_random *random);

#ifdef __cplusplus
}
#endif
#endif
