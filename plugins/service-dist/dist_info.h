/* service-dist: Content Information of any range of a content, from its segments as they are kept, in memory that does
 * not grow with it.
 *
 * Blocks as its source does; any thread, one at a time. [MS-PCCRC] 2.3, 2.4. */
#ifndef PLUGINS_SERVICE_DIST_DIST_INFO_H
#define PLUGINS_SERVICE_DIST_DIST_INFO_H

#include <stdio.h>

#include "engines/content/content_info.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Tells fn all segments of a content in order (kp does not matter), until fn returns something else than PONTO_OK, which
 * it returns then. */
typedef int dist_segment_fn(void *arg, const struct content_segment *segment);
struct dist_segments {
	int (*each)(void *arg, dist_segment_fn *fn, void *fn_arg);
	void *arg;
};

/* How length bytes from start on are described. PONTO_EINVAL: an empty range, or one beyond the content; PONTO_ELIMIT:
 * more than can be said; the source's. borrows */
PONTO_MUST_CHECK int dist_info_layout(const struct dist_segments *segments, enum content_algo algo, uint64_t size,
				      uint64_t start, uint64_t length, struct content_layout *out);

/* Writes it; ks: the server's secret. PONTO_EIO: out failed, errno says why; PONTO_ECORRUPT: the source has not the
 * segments that layout was made for; the source's. borrows */
PONTO_MUST_CHECK int dist_info_write(const struct dist_segments *segments, const struct content_layout *layout,
				     const uint8_t ks[CONTENT_HASH_MAX], FILE *out);

#ifdef __cplusplus
}
#endif
#endif
