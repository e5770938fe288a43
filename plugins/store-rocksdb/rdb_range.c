/* store-rocksdb: records in key order, and the groups. Both walk a RocksDB iterator, which sees the database as it was
 * when it was made. */
#include <string.h>

#include "plugins/store-rocksdb/rdb_record.h"
#include "plugins/store-rocksdb/rdb_store.h"

#define STEPS 2u		  /* records of a group that are passed before the next one is sought */
#define SMALL_GROUPS 8u		  /* one after the other, passed so */
#define AHEAD (size_t)(128 * 1024) /* bytes read at once where groups are small */

/* An iterator from start on, ending before end (end.len 0: at the last key). */
struct walk {
	rocksdb_readoptions_t *options;
	rocksdb_iterator_t *iterator;
};

static void walk_begin(struct walk *walk, struct rdb_store *store, struct ponto_bytes start, struct ponto_bytes end,
		       size_t ahead)
{
	walk->options = rocksdb_readoptions_create();
	rocksdb_readoptions_set_readahead_size(walk->options, ahead);
	if (end.len > 0)
		rocksdb_readoptions_set_iterate_upper_bound(walk->options, (const char *)end.data, end.len);
	walk->iterator = rocksdb_create_iterator(store->db.db, walk->options);
	rocksdb_iter_seek(walk->iterator, (const char *)start.data, start.len);
}

/* The result of a walk that ended; result when there was none of RocksDB's own. */
static int walk_end(struct walk *walk, struct rdb_store *store, int result)
{
	char *error = NULL;

	rocksdb_iter_get_error(walk->iterator, &error);
	rocksdb_iter_destroy(walk->iterator);
	rocksdb_readoptions_destroy(walk->options);
	return error ? rdb_failed(store, error) : result;
}

static struct ponto_bytes walk_key(const struct walk *walk)
{
	size_t len;
	const char *key = rocksdb_iter_key(walk->iterator, &len);

	return ponto_bytes(key, len);
}

/* PONTO_OK with value and expires of the record at the iterator, PONTO_ENOENT when it has expired. */
static int walk_value(const struct walk *walk, const struct rdb_store *store, struct ponto_bytes *value,
		      uint64_t *expires)
{
	size_t len;
	const char *stored = rocksdb_iter_value(walk->iterator, &len);

	if (!rdb_value_split(ponto_bytes(stored, len), expires, value))
		return PONTO_ECORRUPT;
	return rdb_expired(*expires, store->env->clock) ? PONTO_ENOENT : PONTO_OK;
}

static int compare(struct ponto_bytes a, struct ponto_bytes b)
{
	int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

	if (order != 0)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

int rdb_iterate(void *self, struct ponto_bytes group, struct ponto_bytes prefix, struct ponto_bytes after,
		uint64_t deadline, ponto_store_record_fn *fn, void *arg)
{
	struct rdb_store *store = self;
	uint8_t flat_prefix[PONTO_STORE_FLAT_MAX], flat_after[PONTO_STORE_FLAT_MAX], flat_end[PONTO_STORE_FLAT_MAX];
	struct ponto_bytes from, past, end;
	struct walk walk;
	int result = ponto_store_check_range(group, prefix, after), damage = PONTO_OK;

	if (result)
		return result;
	from = ponto_bytes(flat_prefix, ponto_store_flatten(group, prefix, flat_prefix));
	past = ponto_bytes(flat_after, ponto_store_flatten(group, after, flat_after));
	memcpy(flat_end, flat_prefix, from.len);
	end = ponto_bytes(flat_end, ponto_store_flat_end(flat_end, from.len));
	if (rdb_late(store, deadline))
		return PONTO_ETIME;
	if (end.len > 0 && compare(past, end) >= 0)
		return PONTO_OK;
	walk_begin(&walk, store, compare(past, from) > 0 ? past : from, end, 0);
	for (; rocksdb_iter_valid(walk.iterator); rocksdb_iter_next(walk.iterator)) {
		struct ponto_bytes flat = walk_key(&walk), key, value, of;
		uint64_t expires;
		int state;

		if (rdb_late(store, deadline)) {
			result = PONTO_ETIME;
			break;
		}
		if (after.len > 0 && ponto_bytes_equal(flat, past))
			continue;
		state = ponto_store_unflatten(flat, &of, &key) ? walk_value(&walk, store, &value, &expires)
							       : PONTO_ECORRUPT;
		if (state == PONTO_ECORRUPT)
			damage = state;
		if (state == PONTO_OK && !fn(arg, key, value, expires))
			break;
	}
	return walk_end(&walk, store, result ? result : damage);
}

/* Moves to the first unexpired record of the next group, starting where the iterator is. */
static int find_group(struct walk *walk, struct rdb_store *store, uint64_t deadline, bool *found)
{
	struct ponto_bytes flat, group, key, value;
	uint64_t expires;

	*found = false;
	for (; rocksdb_iter_valid(walk->iterator); rocksdb_iter_next(walk->iterator)) {
		if (rdb_late(store, deadline))
			return PONTO_ETIME;
		flat = walk_key(walk);
		if (!ponto_store_unflatten(flat, &group, &key))
			return PONTO_ECORRUPT;
		if (walk_value(walk, store, &value, &expires) != PONTO_OK)
			continue;
		*found = true;
		return PONTO_OK;
	}
	return PONTO_OK;
}

/* To the first record from end on. To seek it costs as much as to pass some records: so many are at most. False: it was
 * sought. */
static bool pass_group(struct walk *walk, struct ponto_bytes end, unsigned steps)
{
	for (unsigned i = 0; i < steps; i++) {
		rocksdb_iter_next(walk->iterator);
		if (!rocksdb_iter_valid(walk->iterator) || compare(walk_key(walk), end) >= 0)
			return true;
	}
	rocksdb_iter_seek(walk->iterator, (const char *)end.data, end.len);
	return false;
}

/* Many small groups lie one after the other: all of them is read, so as much at once. RocksDB does that by itself for
 * who reads on and on, not for pages. */
static int read_ahead(struct walk *walk, struct rdb_store *store, struct ponto_bytes start)
{
	int result = walk_end(walk, store, PONTO_OK);

	walk_begin(walk, store, start, ponto_bytes(NULL, 0), AHEAD);
	return result;
}

/* token: the flat prefix of the group given last, PONTO_STORE_GROUP_MAX + 1 bytes of room. */
static int give_groups(struct rdb_store *store, uint8_t *token, size_t *token_len, size_t limit, uint64_t deadline,
		       bool *found, ponto_store_group_fn *fn, void *arg)
{
	static const uint8_t first[] = {RDB_META + 1};
	uint8_t next[PONTO_STORE_FLAT_MAX];
	struct walk walk;
	unsigned small = 0;
	bool passes = true, more = true;
	int result;

	memcpy(next, *token_len ? token : first, *token_len ? *token_len : sizeof(first));
	if (*token_len)
		*token_len = ponto_store_flat_end(next, *token_len);
	else
		*token_len = sizeof(first);
	*found = false;
	if (*token_len == 0)
		return PONTO_OK;
	walk_begin(&walk, store, ponto_bytes(next, *token_len), ponto_bytes(NULL, 0), 0);
	while (!(result = find_group(&walk, store, deadline, found)) && *found && more && limit-- > 0) {
		struct ponto_bytes flat = walk_key(&walk);
		size_t end;

		*token_len = 1 + (size_t)flat.data[0];
		memcpy(token, flat.data, *token_len);
		more = fn(arg, ponto_bytes(token + 1, *token_len - 1));
		memcpy(next, token, *token_len);
		end = ponto_store_flat_end(next, *token_len);
		*found = end > 0;
		if (end == 0)
			break;
		/* Records may be large: after a group of many none is passed in vain. */
		passes = pass_group(&walk, ponto_bytes(next, end), passes ? STEPS : 0);
		small += passes;
		if (passes && small == SMALL_GROUPS && (result = read_ahead(&walk, store, ponto_bytes(next, end))) != PONTO_OK)
			break;
	}
	return walk_end(&walk, store, result);
}

int rdb_groups(void *self, uint8_t **page, size_t *page_len, size_t limit, uint64_t deadline,
	       const struct ponto_alloc *alloc, ponto_store_group_fn *fn, void *arg)
{
	struct rdb_store *store = self;
	size_t token_len = *page ? *page_len : 0;
	uint8_t *token;
	bool more = false;
	int result;

	if (limit == 0 || token_len > 1 + PONTO_STORE_GROUP_MAX)
		return PONTO_EINVAL;
	if (rdb_late(store, deadline))
		return PONTO_ETIME;
	token = ponto_new(alloc, 1, 1 + PONTO_STORE_GROUP_MAX);
	if (!token)
		return PONTO_ENOMEM;
	if (token_len > 0)
		memcpy(token, *page, token_len);
	result = give_groups(store, token, &token_len, limit, deadline, &more, fn, arg);
	if (result || !more) {
		ponto_free(alloc, token);
		token = NULL;
		token_len = 0;
	}
	if (!result) {
		ponto_free(alloc, *page);
		*page = token;
		*page_len = token_len;
	}
	return result;
}
