/* service-dist: the hashes of a published content, in memory, as its bytes come by.
 *
 * One thread at a time: a worker while it grows, any once it is whole, since it does not change any more. References
 * are the component's. [MS-PCCRC] 2.1, 2.2. */
#ifndef PLUGINS_SERVICE_DIST_DIST_API_SET_H
#define PLUGINS_SERVICE_DIST_DIST_API_SET_H

#include "plugins/service-dist/dist_info.h"

#ifdef __cplusplus
extern "C" {
#endif

struct dist_api_set;

/* Bytes while it grows, beside the hashes. */
#define DIST_API_SET_GROWING 160000u

/* algos: of what it is described with, ended by 0; at most 2. PONTO_ENOMEM. gives one reference */
PONTO_MUST_CHECK int dist_api_set_create(const struct ponto_alloc *alloc, const enum content_algo *algos,
					 struct dist_api_set **out);
struct dist_api_set *dist_api_set_ref(struct dist_api_set *set);
void dist_api_set_unref(struct dist_api_set *set); /* accepts NULL */

/* The next bytes of the content; then the end. PONTO_ENOMEM: nothing more can come of it. */
PONTO_MUST_CHECK int dist_api_set_add(struct dist_api_set *set, struct ponto_bytes data);
PONTO_MUST_CHECK int dist_api_set_end(struct dist_api_set *set);

uint64_t dist_api_set_length(const struct dist_api_set *set);
size_t dist_api_set_bytes(const struct dist_api_set *set); /* of memory */
bool dist_api_set_has(const struct dist_api_set *set, enum content_algo algo);

/* Segment i, which begins at offset; block_hashes are a view, kp is zero. False: there is none. */
bool dist_api_set_segment(const struct dist_api_set *set, enum content_algo algo, uint64_t i, uint64_t offset,
			  struct content_segment *out);

/* As dist_info_layout. */
PONTO_MUST_CHECK int dist_api_set_layout(const struct dist_api_set *set, enum content_algo algo, uint64_t start,
					 uint64_t length, struct content_layout *out);

#ifdef __cplusplus
}
#endif
#endif
