/* What store-rados reads from a cluster: the first byte says what the rest is taken for. Whatever is read is exactly
 * what is written of it. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "plugins/store-rados/rds_area.h"
#include "plugins/store-rados/rds_entry.h"
#include "plugins/store-rados/rds_name.h"

static void read_entry(struct ponto_bytes bytes)
{
	uint8_t again[RDS_ENTRY_MAX];
	struct rds_entry entry;
	size_t len;

	if (!rds_entry_decode(bytes, &entry))
		return;
	len = rds_entry_encode(&entry, again);
	FUZZ_REQUIRE(ponto_bytes_equal(ponto_bytes(again, len), bytes));
	FUZZ_REQUIRE(entry.len <= PONTO_STORE_VALUE_MAX);
	FUZZ_REQUIRE(entry.kind != RDS_EXTENT || entry.unit + rds_units(entry.len) <= RDS_UNITS);
}

static void read_object(struct ponto_bytes bytes)
{
	uint8_t group[PONTO_STORE_GROUP_MAX];
	char again[RDS_OBJECT_MAX];
	size_t len;

	if (!rds_object_group(bytes, group, &len))
		return;
	rds_object_name(ponto_bytes(group, len), again);
	FUZZ_REQUIRE(ponto_bytes_equal(ponto_bytes(again, strlen(again)), bytes));
}

static void read_key(struct ponto_bytes bytes)
{
	uint8_t key[PONTO_STORE_KEY_MAX];
	char again[RDS_KEY_MAX];
	size_t len;

	if (!rds_name_key(bytes, key, &len))
		return;
	FUZZ_REQUIRE(ponto_bytes_equal(ponto_bytes(again, rds_key_name(ponto_bytes(key, len), again)), bytes));
}

static void read_area(struct ponto_bytes bytes)
{
	static struct rds_area area;
	uint32_t unit, units = 1 + (bytes.len ? bytes.data[0] : 0u);

	if (!rds_area_load(&area, bytes))
		return;
	if (!rds_area_take(&area, units, &unit))
		return;
	FUZZ_REQUIRE(unit + units <= RDS_UNITS);
	for (uint32_t i = unit; i < unit + units; i++)
		FUZZ_REQUIRE(i / 8 >= bytes.len || !(bytes.data[i / 8] >> i % 8 & 1));
	rds_area_give(&area, unit, units);
	FUZZ_REQUIRE(area.len <= bytes.len && (area.len == 0 || memcmp(area.bits, bytes.data, area.len) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(struct ponto_bytes) = {read_entry, read_object, read_key, read_area};

	if (size > 0)
		readers[data[0] % PONTO_ARRAY_SIZE(readers)](ponto_bytes(data + 1, size - 1));
	return 0;
}
