#include "plugins/store-rados/rds_sweep.h"

#include <errno.h>
#include <string.h>

#include "framework/cursor.h"
#include "plugins/store-rados/rds_list.h"
#include "plugins/store-rados/rds_plan.h"

#define PAGE 64
#define GRACE (600 * PONTO_SECOND) /* the age at which an intent is taken for a dead writer's */
#define PACE (10 * PONTO_MS)
#define LOOK (60 * PONTO_SECOND) /* between two looks whether a pass is due */
#define LEASE_KEY "sweep"

static uint64_t soon(const struct rds_store *store)
{
	return ponto_mono(store->env->clock) + store->timeout;
}

/* ---- records that expired --------------------------------------------------------------------- */

struct page {
	struct ponto_store_step steps[PAGE];
	uint8_t keys[PAGE][PONTO_STORE_KEY_MAX];
	size_t count;
	char after[RDS_KEY_MAX];
	bool more, empty; /* empty: no record and no intent */
	uint64_t version;
	char intents[PAGE][RDS_INTENT_MAX];
	uint8_t intent_values[PAGE][8];
	size_t intent_count;
};

static void take_record(struct rds_store *store, struct page *page, struct ponto_bytes name, struct ponto_bytes raw)
{
	struct rds_entry entry;
	size_t len;

	page->empty = false;
	if (page->count == PAGE || !rds_entry_decode(raw, &entry) ||
	    !rds_entry_expired(&entry, ponto_wall(store->env->clock)) ||
	    !rds_name_key(name, page->keys[page->count], &len))
		return;
	page->steps[page->count] =
		(struct ponto_store_step){.kind = PONTO_STEP_DELETE, .key = ponto_bytes(page->keys[page->count], len)};
	page->count++;
}

static void take_intent(struct rds_store *store, struct page *page, uint64_t grace, struct ponto_bytes name,
			struct ponto_bytes value)
{
	struct ponto_reader r = ponto_reader(value);
	uint64_t made = ponto_read_be64(&r), wall = ponto_wall(store->env->clock);

	page->empty = false;
	if (ponto_reader_done(&r) != PONTO_OK || name.len >= RDS_INTENT_MAX || page->intent_count == PAGE ||
	    (made <= wall && wall - made < grace))
		return;
	memcpy(page->intents[page->intent_count], name.data, name.len);
	page->intents[page->intent_count][name.len] = 0;
	memcpy(page->intent_values[page->intent_count++], value.data, 8);
}

static int run(struct rds_store *store, struct rds_op *op, const char *object, int *error)
{
	int result = rds_op_run(op, object, soon(store), error);

	if (!result && *error == -ESHUTDOWN)
		(void)rds_failed(store, op->link, *error, op->write != NULL);
	return result;
}

/* The next records and intents of a group, and which of them are to go. */
static int read_page(struct rds_store *store, const char *object, uint64_t grace, struct page *page)
{
	struct ponto_bytes name, raw;
	struct rds_op *op;
	int error, result = rds_op_new(store, false, soon(store), &op);

	if (result)
		return result;
	page->count = page->intent_count = 0;
	rds_op_page(op, page->after, "", PAGE);
	result = run(store, op, object, &error);
	if (result)
		return result;
	while (!error && rds_op_next(op->page, &name, &raw)) {
		if (name.len > 0 && name.data[0] == 'k')
			take_record(store, page, name, raw);
		else if (name.len > 0 && name.data[0] == 'i')
			take_intent(store, page, grace, name, raw);
		if (name.len < sizeof(page->after)) {
			memcpy(page->after, name.data, name.len);
			page->after[name.len] = 0;
		}
	}
	page->more = !error && op->more;
	page->version = op->version;
	rds_op_free(op);
	return error ? PONTO_EIO : PONTO_OK;
}

/* ---- what is left behind --------------------------------------------------------------------------- */

static void remove_intents(struct rds_store *store, const char *object, const struct page *page)
{
	for (size_t i = 0; i < page->intent_count; i++) {
		const char *name = page->intents[i];
		size_t len = strlen(name);
		struct rds_op *op;
		int error;

		if (rds_op_new(store, true, soon(store), &op) != PONTO_OK)
			return;
		rados_write_op_omap_cmp2(op->write, name, LIBRADOS_CMPXATTR_OP_EQ, (const char *)page->intent_values[i],
					 len, 8, NULL);
		rados_write_op_omap_rm_keys2(op->write, &name, &len, 1);
		if (run(store, op, object, &error) == PONTO_OK)
			rds_op_free(op);
	}
}

/* Nobody wrote to it since it was seen without records. */
static void remove_empty(struct rds_store *store, const char *object, uint64_t version)
{
	struct rds_op *op;
	int error;

	if (rds_op_new(store, true, soon(store), &op) != PONTO_OK)
		return;
	rados_write_op_assert_version(op->write, version);
	rados_write_op_remove(op->write);
	if (run(store, op, object, &error) == PONTO_OK)
		rds_op_free(op);
}

static int sweep_group(struct rds_store *store, const char *object, struct ponto_bytes group, uint64_t grace,
		       struct page *page)
{
	int result;

	page->after[0] = 0;
	page->empty = true;
	do {
		result = read_page(store, object, grace, page);
		if (result)
			return result;
		remove_intents(store, object, page);
		if (page->count > 0) {
			result = rds_batch_expired(store, group, page->steps, page->count, soon(store));
			ponto_counter_add(store->swept, page->count);
		}
	} while (!result && page->more);
	if (result)
		return result;
	/* Seen empty, or perhaps now. */
	if (page->count > 0 || page->intent_count > 0) {
		page->after[0] = 0;
		page->empty = true;
		result = read_page(store, object, grace, page);
	}
	if (!result && page->empty && !page->more)
		remove_empty(store, object, page->version);
	return result;
}

/* Whether the record that a blob was written for names it, or an intent does. */
static int blob_is_named(struct rds_store *store, struct ponto_bytes owner, const uint8_t id[RDS_BLOB_ID], bool *named)
{
	char object[RDS_OBJECT_MAX], name[RDS_KEY_MAX], intent[RDS_INTENT_MAX];
	const char *names[] = {intent, name};
	struct ponto_bytes group, key, raw;
	struct rds_entry entry;
	size_t lens[2];
	struct rds_op *op;
	int error, result;

	*named = false;
	if (!ponto_store_unflatten(owner, &group, &key))
		return PONTO_ECORRUPT;
	rds_object_name(group, object);
	rds_intent_name(id, intent);
	lens[0] = strlen(intent);
	lens[1] = rds_key_name(key, name);
	result = rds_op_new(store, false, soon(store), &op);
	if (result)
		return result;
	rds_op_keys(op, names, lens, 2);
	result = run(store, op, object, &error);
	if (result)
		return result;
	while (!error && rds_op_next(op->keys, &key, &raw)) {
		*named |= key.data[0] == 'i';
		if (rds_entry_decode(raw, &entry) && entry.kind == RDS_BLOB)
			*named |= memcmp(entry.id, id, RDS_BLOB_ID) == 0;
	}
	rds_op_free(op);
	return error == 0 || error == -ENOENT ? PONTO_OK : PONTO_EIO;
}

static void sweep_blob(struct rds_store *store, const char *object)
{
	uint8_t id[RDS_BLOB_ID], owner[PONTO_STORE_FLAT_MAX];
	const char *name = NULL, *value = NULL;
	struct rds_op *op;
	size_t len = 0, owner_len = 0;
	bool named = true;
	int error;

	if (strlen(object) != RDS_BLOB_OBJECT - 1 || ponto_unhex(object + 2, id, RDS_BLOB_ID) ||
	    rds_op_new(store, false, soon(store), &op) != PONTO_OK)
		return;
	rados_read_op_getxattrs(op->read, &op->attributes, &op->attributes_error);
	if (run(store, op, object, &error) != PONTO_OK)
		return;
	while (!error && rados_getxattrs_next(op->attributes, &name, &value, &len) == 0 && name) {
		if (strcmp(name, "owner") == 0 && len <= sizeof(owner)) {
			memcpy(owner, value, len);
			owner_len = len;
		}
	}
	rds_op_free(op);
	if (owner_len > 0 && blob_is_named(store, ponto_bytes(owner, owner_len), id, &named) == PONTO_OK && !named)
		rds_blob_remove(store, id, soon(store));
}

/* ---- a pass --------------------------------------------------------------------------------------------- */

static bool wait_pace(struct rds_store *store, uint64_t pace)
{
	uint64_t until = ponto_mono(store->env->clock) + pace;
	bool ending;

	pthread_mutex_lock(&store->lock);
	while (!store->ending && !rds_late(store, until))
		rds_wait_locked(store, until);
	ending = store->ending;
	pthread_mutex_unlock(&store->lock);
	return !ending;
}

int rds_sweep_pass(struct rds_store *store, uint64_t pace, uint64_t grace)
{
	struct page *page = ponto_new(store->env->alloc, 1, sizeof(*page));
	uint64_t run_of_names = ponto_random_u64(store->env->random);
	uint8_t group[PONTO_STORE_GROUP_MAX];
	char after[RDS_OBJECT_MAX] = "";
	struct rds_list *list = NULL;
	bool end = false;
	size_t len;
	int result = page ? PONTO_OK : PONTO_ENOMEM;

	while (!result && !end) {
		result = rds_list_names(store, after, run_of_names, soon(store), &list);
		for (size_t i = 0; !result && i < list->count; i++) {
			const char *name = list->names[i];

			if (rds_object_group(ponto_bytes(name, strlen(name)), group, &len))
				(void)sweep_group(store, name, ponto_bytes(group, len), grace, page);
			else if (strncmp(name, "b.", 2) == 0)
				sweep_blob(store, name);
			strcpy(after, name);
			if (pace > 0 && !wait_pace(store, pace))
				result = PONTO_ECLOSED;
		}
		if (list) {
			end = list->end || list->count == 0;
			rds_list_free(store, list);
			list = NULL;
		}
	}
	ponto_free(store->env->alloc, page);
	return result;
}

/* ---- whose turn it is ------------------------------------------------------------------------------------- */

/* The meta object's omap holds until when (wall, big-endian) the pass of somebody lasts, and after it when the next is
 * due. Replaced only where it was read. */
bool rds_sweep_claim(struct rds_store *store)
{
	uint64_t wall = ponto_wall(store->env->clock), until = wall + store->sweep_every, due = 0;
	const char *name = LEASE_KEY, *value;
	size_t name_len = strlen(LEASE_KEY), value_len = 8;
	struct ponto_bytes key, raw = {NULL, 0};
	uint8_t was[8], will[8];
	struct rds_op *op;
	size_t was_len = 0;
	int error;

	if (rds_op_new(store, false, soon(store), &op) != PONTO_OK)
		return false;
	rds_op_keys(op, &name, &name_len, 1);
	if (run(store, op, RDS_META, &error) != PONTO_OK)
		return false;
	if (!error && rds_op_next(op->keys, &key, &raw) && raw.len == 8) {
		struct ponto_reader r = ponto_reader(raw);

		due = ponto_read_be64(&r);
		memcpy(was, raw.data, 8);
		was_len = 8;
	}
	rds_op_free(op);
	/* A time that is further away than any claim makes it is a wrong clock's. */
	if (error || (due > wall && due - wall <= store->sweep_every))
		return false;
	for (unsigned i = 0; i < 8; i++)
		will[i] = (uint8_t)(until >> (56 - 8 * i));
	value = (const char *)will;
	if (rds_op_new(store, true, soon(store), &op) != PONTO_OK)
		return false;
	rados_write_op_omap_cmp2(op->write, name, LIBRADOS_CMPXATTR_OP_EQ, was_len ? (const char *)was : "", name_len,
				 was_len, NULL);
	rados_write_op_omap_set2(op->write, &name, &value, &name_len, &value_len, 1);
	if (run(store, op, RDS_META, &error) != PONTO_OK)
		return false;
	rds_op_free(op);
	return error == 0;
}

void *rds_sweep(void *arg)
{
	struct rds_store *store = arg;

	while (wait_pace(store, LOOK < store->sweep_every ? LOOK : store->sweep_every)) {
		if (rds_sweep_claim(store) && rds_sweep_pass(store, PACE, GRACE) != PONTO_OK)
			ponto_debug(store->env->log, RDS_TOPIC, "a sweep did not come to its end");
	}
	return NULL;
}
