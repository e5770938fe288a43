#include "tests/conform/store_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool store_holds(struct store_case *c, struct ponto_bytes group, struct ponto_bytes key,
		 const struct ponto_bytes *value)
{
	uint8_t *got = NULL;
	size_t len = 12345;
	int result = ponto_store_get(c->store, group, key, PONTO_NEVER, ALLOC, &got, &len, NULL);
	bool given = got != NULL, equal = result == PONTO_OK && given && value && ponto_bytes_equal(ponto_bytes(got, len), *value);

	if (result == PONTO_OK)
		free(got);
	RETURNS(result, value ? PONTO_OK : PONTO_ENOENT);
	HOLDS(given == (value != NULL));
	HOLDS(value ? equal : len == 12345);
	return true;
}

bool store_see(void *arg, struct ponto_bytes key, struct ponto_bytes value, uint64_t expires)
{
	struct store_seen *seen = arg;

	(void)expires;
	if (seen->count < STORE_SEEN_MAX) {
		seen->key_lens[seen->count] = key.len;
		seen->value_lens[seen->count] = value.len;
		memcpy(seen->keys[seen->count], key.data, key.len < 16 ? key.len : 16);
		if (value.len > 0)
			memcpy(seen->values[seen->count], value.data, value.len < 16 ? value.len : 16);
	}
	seen->count++;
	return seen->count != seen->stop_after;
}

bool store_seen_is(const struct store_seen *seen, size_t index, struct ponto_bytes key, struct ponto_bytes value)
{
	return index < seen->count && ponto_bytes_equal(ponto_bytes(seen->keys[index], seen->key_lens[index]), key) &&
	       ponto_bytes_equal(ponto_bytes(seen->values[index], seen->value_lens[index]), value);
}

static bool count_record(void *arg, struct ponto_bytes key, struct ponto_bytes value, uint64_t expires)
{
	(void)key;
	(void)value;
	(void)expires;
	++*(size_t *)arg;
	return true;
}

/* A set of groups, by their bytes. */
struct groups {
	size_t count, on_page, stop_after;
	size_t lens[512];
	uint8_t names[512][PONTO_STORE_GROUP_MAX];
};

static bool meet_group(void *arg, struct ponto_bytes group)
{
	struct groups *groups = arg;

	groups->on_page++;
	for (size_t i = 0; i < groups->count; i++) {
		if (ponto_bytes_equal(ponto_bytes(groups->names[i], groups->lens[i]), group))
			return groups->on_page != groups->stop_after;
	}
	if (groups->count < PONTO_ARRAY_SIZE(groups->names)) {
		memcpy(groups->names[groups->count], group.data, group.len);
		groups->lens[groups->count++] = group.len;
	}
	return groups->on_page != groups->stop_after;
}

bool store_groups(struct store_case *c, size_t limit, size_t stop_after, size_t expected)
{
	static struct groups groups;
	uint8_t *page = NULL;
	size_t page_len = 0, pages = 0;

	memset(&groups, 0, sizeof(groups));
	groups.stop_after = stop_after;
	do {
		groups.on_page = 0;
		RETURNS(ponto_store_groups(c->store, &page, &page_len, limit, PONTO_NEVER, ALLOC, meet_group, &groups),
			PONTO_OK);
		HOLDS(groups.on_page <= limit);
		HOLDS(++pages <= 2 * expected + 2);
	} while (page);
	HOLDS(groups.count == expected);
	return true;
}

bool store_count(struct store_case *c, struct ponto_bytes group, size_t records, size_t groups)
{
	size_t count = 0;

	RETURNS(ponto_store_iterate(c->store, group, B(""), B(""), PONTO_NEVER, count_record, &count), PONTO_OK);
	HOLDS(count == records);
	return store_groups(c, 100, 0, groups);
}
