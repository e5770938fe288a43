#include "framework/store.h"

#include <string.h>

static bool fits(struct ponto_bytes name, size_t min, size_t max)
{
	return name.len >= min && name.len <= max && (name.data || name.len == 0);
}

int ponto_store_check_record(struct ponto_bytes group, struct ponto_bytes key, size_t value_len, unsigned flags)
{
	if (!fits(group, 1, PONTO_STORE_GROUP_MAX) || !fits(key, 1, PONTO_STORE_KEY_MAX) || flags & ~PONTO_STORE_SYNC)
		return PONTO_EINVAL;
	return value_len > PONTO_STORE_VALUE_MAX ? PONTO_ELIMIT : PONTO_OK;
}

int ponto_store_check_range(struct ponto_bytes group, struct ponto_bytes prefix, struct ponto_bytes after)
{
	if (!fits(group, 1, PONTO_STORE_GROUP_MAX) || !fits(prefix, 0, PONTO_STORE_KEY_MAX) ||
	    !fits(after, 0, PONTO_STORE_KEY_MAX))
		return PONTO_EINVAL;
	return PONTO_OK;
}

int ponto_store_check_batch(struct ponto_bytes group, const struct ponto_store_step *steps, size_t count,
			    unsigned flags)
{
	size_t bytes = 0;

	if (!fits(group, 1, PONTO_STORE_GROUP_MAX) || flags & ~PONTO_STORE_SYNC || (!steps && count > 0))
		return PONTO_EINVAL;
	if (count > PONTO_STORE_BATCH_MAX)
		return PONTO_ELIMIT;
	for (size_t i = 0; i < count; i++) {
		const struct ponto_store_step *step = &steps[i];
		bool valued = step->kind == PONTO_STEP_PUT || step->kind == PONTO_STEP_REQUIRE_EQUAL;

		if (step->kind < PONTO_STEP_PUT || step->kind > PONTO_STEP_REQUIRE_EQUAL ||
		    !fits(step->key, 1, PONTO_STORE_KEY_MAX) || (valued && !step->value.data && step->value.len > 0))
			return PONTO_EINVAL;
		if (valued && step->value.len > PONTO_STORE_VALUE_MAX)
			return PONTO_ELIMIT;
		bytes += step->key.len + (valued ? step->value.len : 0);
		if (bytes > PONTO_STORE_BATCH_BYTES)
			return PONTO_ELIMIT;
	}
	return PONTO_OK;
}

size_t ponto_store_flatten(struct ponto_bytes group, struct ponto_bytes key, uint8_t out[PONTO_STORE_FLAT_MAX])
{
	out[0] = (uint8_t)group.len;
	memcpy(out + 1, group.data, group.len);
	if (key.len > 0)
		memcpy(out + 1 + group.len, key.data, key.len);
	return 1 + group.len + key.len;
}

bool ponto_store_unflatten(struct ponto_bytes flat, struct ponto_bytes *group, struct ponto_bytes *key)
{
	if (flat.len < 3 || flat.data[0] == 0 || flat.len < (size_t)flat.data[0] + 2 ||
	    flat.len > (size_t)flat.data[0] + 1 + PONTO_STORE_KEY_MAX)
		return false;
	*group = ponto_bytes(flat.data + 1, flat.data[0]);
	*key = ponto_bytes(flat.data + 1 + flat.data[0], flat.len - 1 - flat.data[0]);
	return true;
}

size_t ponto_store_flat_end(uint8_t *flat, size_t len)
{
	while (len > 0 && flat[len - 1] == 0xff)
		len--;
	if (len > 0)
		flat[len - 1]++;
	return len;
}
