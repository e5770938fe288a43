#include "plugins/service-dist/dist_depth.h"

#define ROUND 8u /* changes, at least: single ones differ in size */

void dist_depth_init(struct dist_depth *d)
{
	*d = (struct dist_depth){.now = DIST_DEPTH_MIN};
}

void dist_depth_took(struct dist_depth *d, uint64_t us, bool full)
{
	uint64_t average;

	d->sum += us ? us : 1;
	d->count++;
	d->full = d->full || full;
	if (d->count < (d->now > ROUND ? d->now : ROUND))
		return;
	average = d->sum / d->count;
	/* With few of them it is measured anew: the store may have become another one. */
	if (d->now == DIST_DEPTH_MIN || average < d->best)
		d->best = average;
	if (average > 4 * d->best)
		d->now = d->now * 3 / 4;
	else if (average <= 2 * d->best && d->full)
		d->now++;
	d->now = d->now < DIST_DEPTH_MIN ? DIST_DEPTH_MIN : d->now > DIST_DEPTH_MAX ? DIST_DEPTH_MAX : d->now;
	d->sum = d->count = 0;
	d->full = false;
}
