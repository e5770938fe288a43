/* discovery-seed: which of several addresses to try first: RFC 6724 section 6, destination address selection.
 *
 * Pure. getaddrinfo orders the addresses of one name; here are those of all names and the configured ones, merged
 * ([MS-PNRP] 3.1.4.2.1). Rules 3, 4 and 7 ask what a host keeps to itself (deprecated, home, native) and are left out. */
#ifndef DISCOVERY_SEED_ORDER_H
#define DISCOVERY_SEED_ORDER_H

#include "framework/base.h"

struct seed_candidate {
	struct ponto_addr addr;
	struct ponto_addr source; /* what the host would send from; family NONE: it cannot reach addr */
};

/* Below 0: a before b; 0: no rule decides. */
int seed_order_compare(const struct seed_candidate *a, const struct seed_candidate *b);

/* Best first; where no rule decides the order stays (rule 10). */
void seed_order_sort(struct seed_candidate *candidates, size_t count);

#endif
