/* service-dist: how many changes of a store are worth being under way at once. A store at the end of a line (store-rados)
 * takes many in the time of one; one that is busy with its own processor or disk only makes them wait, and a change that
 * waits keeps a worker. So it is measured: one more as long as each takes about what it took when they were few, fewer when
 * they get in each other's way. Pure. */
#ifndef PLUGINS_SERVICE_DIST_DIST_DEPTH_H
#define PLUGINS_SERVICE_DIST_DIST_DEPTH_H

#include "framework/base.h"

#define DIST_DEPTH_MIN 2u
#define DIST_DEPTH_MAX 16u

struct dist_depth {
	unsigned now;	 /* so many may be under way */
	uint64_t best;	 /* microseconds of a change when there were few, on the average of a round */
	uint64_t sum;	 /* of this round, */
	unsigned count;	 /* and changes in it */
	bool full;	 /* more would have been begun in it */
};

void dist_depth_init(struct dist_depth *d);

/* A change took so long; full: others waited for it. */
void dist_depth_took(struct dist_depth *d, uint64_t us, bool full);

#endif
