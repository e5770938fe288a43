/* discovery-seed: the addresses that answered, newest first, and how they are written down.
 *
 * Pure. One record holds the whole list, so that a write replaces it at once and it never
 * grows: version 1 (1 byte), count (1), then per address family (1), port (2), address (16),
 * last answer in wall microseconds (8); big-endian. Zones are not kept: interface numbers
 * change with every start. */
#ifndef DISCOVERY_SEED_RECENT_H
#define DISCOVERY_SEED_RECENT_H

#include "framework/base.h"

#define SEED_RECENT_MAX 100
#define SEED_RECENT_RECORD (2 + SEED_RECENT_MAX * 27)
#define SEED_RECENT_AGE (UINT64_C(7) * 24 * 3600 * PONTO_SECOND) /* after that an address is worth nothing */

struct seed_recent {
	size_t count;
	struct {
		struct ponto_addr addr;
		uint64_t seen; /* wall microseconds */
	} entry[SEED_RECENT_MAX];
};

/* Puts addr at its place by seen, once; what exceeds limit falls off the end. */
void seed_recent_add(struct seed_recent *recent, const struct ponto_addr *addr, uint64_t seen, size_t limit);

/* What is written: its length. */
size_t seed_recent_write(const struct seed_recent *recent, uint8_t out[SEED_RECENT_RECORD]);

/* Adds what was written before, as far as it is young enough at now. PONTO_EPROTO: damaged, nothing added. */
PONTO_MUST_CHECK int seed_recent_read(struct seed_recent *recent, struct ponto_bytes record, uint64_t now,
				      size_t limit);

#endif
