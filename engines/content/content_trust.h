/* Content: how far relayed segments are trusted: whose word they are, who has got
 * of them, and when somebody else's is to take their place.
 *
 * Pure. A segment that was offered without keys cannot be checked. Who got of it
 * and offers it nevertheless got something else than he needed: only then what is
 * kept is doubted. Everybody is heard once a segment, and each time but the first
 * few the next has to wait, twice as long each time. What is remembered is
 * bounded: of the segment that nothing happened to for longest it is forgotten
 * that it was doubted, and so it stands. [MS-PCHC] 3.1.5.3. */
#ifndef ENGINES_CONTENT_CONTENT_TRUST_H
#define ENGINES_CONTENT_CONTENT_TRUST_H

#include "engines/content/content_hash.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CONTENT_TRUST_SUPPLIERS 32u /* that are remembered of a segment, */
#define CONTENT_TRUST_SERVED 16u    /* and of who got of it */
#define CONTENT_TRUST_FREELY 16u    /* replaced so often, then at intervals: */
#define CONTENT_TRUST_INTERVAL (60 * PONTO_SECOND)

struct content_trust;

/* seed: secret; segments: that are remembered, at least 1. PONTO_ENOMEM. gives */
PONTO_MUST_CHECK int content_trust_create(const struct ponto_alloc *alloc, uint64_t seed, uint32_t segments,
					  struct content_trust **out);

/* Accepts NULL. */
void content_trust_destroy(struct content_trust *trust);

/* He sent of it; he was given of it, whole: all of it was there. Without memory it is not remembered. */
void content_trust_supplied(struct content_trust *trust, const struct content_id *id, const struct ponto_addr *from);
void content_trust_served(struct content_trust *trust, const struct content_id *id, const struct ponto_addr *to,
			  bool whole);

/* Whether he says by his offer that what is kept, all of it, is wrong: he got of it when it was whole, never before,
 * and was not heard yet. contradicts: it is of another size or hash function than what is kept, so one of the two is
 * wrong. */
bool content_trust_claims(const struct content_trust *trust, const struct content_id *id, const struct ponto_addr *by,
			  bool contradicts);

/* Whether his is to take its place now. */
bool content_trust_due(const struct content_trust *trust, uint64_t now, const struct content_id *id);

/* Whose word it is; false: not known. */
bool content_trust_supplier(const struct content_trust *trust, const struct content_id *id, struct ponto_addr *out);

/* It is taken: he was heard, whatever comes of it. */
void content_trust_replaced(struct content_trust *trust, uint64_t now, const struct content_id *id,
			    const struct ponto_addr *by);

#ifdef __cplusplus
}
#endif
#endif
