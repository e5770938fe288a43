/* store-rados: which parts of a group's object hold values. The object's data is an area of equal units; a bit for each
 * says whether it is taken. The bits are stored up to the last that is set.
 *
 * Pure; not for sharing between threads. */
#ifndef PONTO_PLUGINS_STORE_RADOS_AREA_H
#define PONTO_PLUGINS_STORE_RADOS_AREA_H

#include "framework/base.h"

#define RDS_UNIT 4096u	 /* bytes; what BlueStore allocates at least */
#define RDS_UNITS 16384u /* 64 MiB: half of what an object may have by Ceph's default */
#define RDS_AREA_MAX (RDS_UNITS / 8)
/* BlueStore cuts what is written where a multiple of this ends, and writes what is smaller twice (on disks that turn):
 * values at least so long begin there. The gaps are for shorter ones. */
#define RDS_ALIGNED 16u /* units: 64 KiB */

struct rds_area {
	size_t len; /* bytes of bits up to the last that is not zero */
	uint8_t bits[RDS_AREA_MAX];
};

static inline uint32_t rds_units(uint32_t len)
{
	return (len + RDS_UNIT - 1) / RDS_UNIT;
}

/* False: more bits than there are units; then nothing may be taken or given. */
bool rds_area_load(struct rds_area *area, struct ponto_bytes stored);

/* The first free place of so many units in a row, not 0, aligned if it can be; false: there is none. */
bool rds_area_take(struct rds_area *area, uint32_t units, uint32_t *unit);
void rds_area_give(struct rds_area *area, uint32_t unit, uint32_t units);

#endif
