/* Teredo: how much an IPv4 address may cause, in memory that does not grow.
 *
 * Pure. An address is counted in one slot of each of two rows, chosen by a
 * keyed hash, and refused when both say no: to suffer from others it has to
 * share both of its slots with heavy ones (a count-min sketch of token buckets).
 * RFC 4380 7.3.5, 7.4. */
#ifndef ENGINES_TEREDO_TEREDO_LIMIT_H
#define ENGINES_TEREDO_TEREDO_LIMIT_H

#include "framework/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TEREDO_LIMIT_SLOTS_MAX (UINT32_C(1) << 24)

struct teredo_limit_config {
	uint32_t rate;	/* a second, for one address; 0: no limit */
	uint32_t burst; /* at once, at least 1 */
	uint32_t slots; /* raised to a power of two, at least 4; 16 bytes each */
};

struct teredo_limit;

/* PONTO_EINVAL: no burst, no slots, or more than TEREDO_LIMIT_SLOTS_MAX; PONTO_ENOMEM. gives */
PONTO_MUST_CHECK int teredo_limit_create(const struct ponto_alloc *alloc, const struct ponto_random *random,
					 const struct teredo_limit_config *config, struct teredo_limit **out);
void teredo_limit_destroy(struct teredo_limit *limit); /* accepts NULL */

/* Whether one more is within the limit, and counts it if so. now: microseconds */
bool teredo_limit_take(struct teredo_limit *limit, uint64_t now, uint32_t ip);

/* Fetches what take will look at, when that is to come soon for many. */
void teredo_limit_ahead(const struct teredo_limit *limit, uint32_t ip);

/* From now on so much; what was counted stays. PONTO_EINVAL: no burst */
PONTO_MUST_CHECK int teredo_limit_change(struct teredo_limit *limit, uint32_t rate, uint32_t burst);

#ifdef __cplusplus
}
#endif
#endif
