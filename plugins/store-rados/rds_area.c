#include "plugins/store-rados/rds_area.h"

#include <string.h>

static void trim(struct rds_area *area)
{
	while (area->len > 0 && area->bits[area->len - 1] == 0)
		area->len--;
}

bool rds_area_load(struct rds_area *area, struct ponto_bytes stored)
{
	if (stored.len > RDS_AREA_MAX)
		return false;
	memset(area->bits, 0, sizeof(area->bits));
	if (stored.len > 0)
		memcpy(area->bits, stored.data, stored.len);
	area->len = stored.len;
	trim(area);
	return true;
}

static bool taken(const struct rds_area *area, uint32_t unit)
{
	return area->bits[unit / 8] >> unit % 8 & 1;
}

/* Where so many free units begin, at a multiple of step; RDS_UNITS: nowhere. */
static uint32_t find(const struct rds_area *area, uint32_t units, uint32_t step)
{
	uint32_t start = 0, at = 0;

	while (at < start + units && start + units <= RDS_UNITS) {
		if (at % 8 == 0 && at + 8 <= start + units && area->bits[at / 8] == 0) {
			at += 8;
		} else if (taken(area, at)) {
			at = start = (at / step + 1) * step;
		} else {
			at++;
		}
	}
	return at == start + units ? start : RDS_UNITS;
}

bool rds_area_take(struct rds_area *area, uint32_t units, uint32_t *unit)
{
	uint32_t start = units >= RDS_ALIGNED ? find(area, units, RDS_ALIGNED) : RDS_UNITS;

	if (start == RDS_UNITS)
		start = find(area, units, 1);
	if (start == RDS_UNITS)
		return false;
	for (uint32_t i = start; i < start + units; i++)
		area->bits[i / 8] |= (uint8_t)(1u << i % 8);
	if (area->len < (start + units + 7) / 8)
		area->len = (start + units + 7) / 8;
	*unit = start;
	return true;
}

void rds_area_give(struct rds_area *area, uint32_t unit, uint32_t units)
{
	for (uint32_t i = unit; i < unit + units && i < RDS_UNITS; i++)
		area->bits[i / 8] &= (uint8_t) ~(1u << i % 8);
	trim(area);
}
