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

bool rds_area_take(struct rds_area *area, uint32_t units, uint32_t *unit)
{
	uint32_t run = 0, at = 0;

	while (run < units && at < RDS_UNITS) {
		if (at % 8 == 0 && area->bits[at / 8] == 0xff) {
			at += 8;
			run = 0;
			continue;
		}
		run = taken(area, at) ? 0 : run + 1;
		at++;
	}
	if (run < units)
		return false;
	*unit = at - units;
	for (uint32_t i = *unit; i < at; i++)
		area->bits[i / 8] |= (uint8_t)(1u << i % 8);
	if (area->len < (at + 7) / 8)
		area->len = (at + 7) / 8;
	return true;
}

void rds_area_give(struct rds_area *area, uint32_t unit, uint32_t units)
{
	for (uint32_t i = unit; i < unit + units && i < RDS_UNITS; i++)
		area->bits[i / 8] &= (uint8_t) ~(1u << i % 8);
	trim(area);
}
