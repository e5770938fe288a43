/* store-rados: one attempt to write a batch: a single atomic operation on the group's object that first compares what
 * is believed of it. */
#include <errno.h>
#include <string.h>

#include "plugins/store-rados/rds_plan.h"

enum compare {
	EQUAL = LIBRADOS_CMPXATTR_OP_EQ,
	LESS = LIBRADOS_CMPXATTR_OP_LT,
};

static void require(struct rds_op *op, const char *name, size_t name_len, enum compare how, struct ponto_bytes value)
{
	/* librados copies value.len bytes from a pointer that it wants even for none. */
	const char *bytes = value.len ? (const char *)value.data : "";

	rados_write_op_omap_cmp2(op->write, name, (uint8_t)how, bytes, name_len, value.len, NULL);
}

/* Keys to be set, several in one step of the operation: an OSD has less to do then. */
#define SETS 8
struct sets {
	struct rds_op *op;
	size_t count;
	const char *names[SETS], *values[SETS];
	size_t name_lens[SETS], lens[SETS];
	uint8_t *scratch; /* for values made here */
	size_t used;
};

static void flush(struct sets *sets)
{
	if (sets->count > 0)
		rados_write_op_omap_set2(sets->op->write, sets->names, sets->values, sets->name_lens, sets->lens,
					 sets->count);
	sets->count = sets->used = 0;
}

/* The views stay until the next flush. */
static void set(struct sets *sets, const char *name, size_t name_len, struct ponto_bytes value)
{
	if (sets->count == SETS)
		flush(sets);
	sets->names[sets->count] = name;
	sets->name_lens[sets->count] = name_len;
	sets->values[sets->count] = value.len ? (const char *)value.data : "";
	sets->lens[sets->count++] = value.len;
}

static void set_inline(struct sets *sets, const char *name, size_t name_len, const struct rds_entry *entry)
{
	uint8_t *at;
	size_t len;

	if (sets->count == SETS || sets->used + RDS_HEAD_INLINE + entry->len > RDS_SCRATCH)
		flush(sets);
	at = sets->scratch + sets->used;
	len = rds_entry_encode(entry, at);
	sets->used += len;
	set(sets, name, name_len, ponto_bytes(at, len));
}

/* ---- places -------------------------------------------------------------------------------- */

static bool old_extent(const struct rds_slot *slot, struct rds_entry *entry)
{
	return (slot->put || slot->remove) && slot->exact && slot->old.len > 0 && rds_entry_decode(slot->old, entry) &&
	       entry->kind == RDS_EXTENT;
}

/* What goes is free first, so that a value replaced by one of the same size takes its place. */
static void free_old(struct rds_plan *plan)
{
	struct rds_entry entry;

	plan->area = plan->old_area;
	plan->area_changed = false;
	for (size_t i = 0; i < plan->slot_count; i++) {
		if (!old_extent(&plan->slots[i], &entry))
			continue;
		rds_area_give(&plan->area, entry.unit, rds_units(entry.len));
		plan->area_changed = true;
	}
}

static int place(struct rds_plan *plan, struct rds_slot *slot)
{
	uint32_t len = (uint32_t)slot->put->value.len;

	slot->entry = (struct rds_entry){.expires = slot->put->expires, .len = len, .value = slot->put->value};
	slot->kind = RDS_INLINE;
	if (len <= RDS_INLINE_MAX)
		return PONTO_OK;
	slot->entry.value = ponto_bytes(NULL, 0);
	if (len <= RDS_EXTENT_MAX && plan->data + len <= RDS_DATA_MAX && plan->area_known &&
	    rds_area_take(&plan->area, rds_units(len), &slot->entry.unit)) {
		slot->kind = RDS_EXTENT;
		slot->entry.tag = ponto_random_u64(plan->store->env->random);
		plan->data += len;
		plan->area_changed = true;
	} else {
		int result = rds_blob_put(plan, slot);

		if (result)
			return result;
		slot->kind = RDS_BLOB;
	}
	slot->entry.kind = slot->kind;
	slot->encoded_len = rds_entry_encode(&slot->entry, slot->encoded);
	return PONTO_OK;
}

static int place_all(struct rds_plan *plan)
{
	int result = PONTO_OK;

	free_old(plan);
	plan->data = 0;
	for (size_t i = 0; !result && i < plan->slot_count; i++) {
		if (plan->slots[i].put)
			result = place(plan, &plan->slots[i]);
	}
	return result;
}

/* ---- the operation ----------------------------------------------------------------------------- */

static void compare_slot(struct rds_plan *plan, struct rds_slot *slot, struct rds_op *op)
{
	static const uint8_t placed[] = {RDS_EXTENT};
	struct rds_entry entry = {.kind = RDS_INLINE};
	bool guarded = slot->absent || slot->equal || plan->expired_only;

	if (!slot->exact && slot->absent) {
		require(op, slot->name, slot->name_len, EQUAL, ponto_bytes(NULL, 0));
	} else if (!slot->exact && slot->equal) {
		entry.value = slot->equal->value;
		require(op, slot->name, slot->name_len, EQUAL,
			ponto_bytes(plan->scratch, rds_entry_encode(&entry, plan->scratch)));
	} else if (slot->exact && (guarded || (slot->old.len > 0 && slot->old.data[0] >= RDS_EXTENT))) {
		require(op, slot->name, slot->name_len, EQUAL, slot->old);
	} else if (slot->put || slot->remove) {
		require(op, slot->name, slot->name_len, LESS, ponto_bytes(placed, 1));
	}
	if (slot->put && slot->kind == RDS_BLOB)
		require(op, slot->intent, strlen(slot->intent), EQUAL, ponto_bytes(slot->intent_value, 8));
}

static void write_slot(struct rds_slot *slot, struct sets *sets)
{
	rados_write_op_t write = sets->op->write;
	const char *intent = slot->intent;
	size_t intent_len = strlen(slot->intent);

	if (slot->remove)
		rados_write_op_omap_rm_keys2(write, &slot->name, &slot->name_len, 1);
	if (!slot->put)
		return;
	if (slot->kind == RDS_INLINE) {
		slot->entry.kind = RDS_INLINE;
		set_inline(sets, slot->name, slot->name_len, &slot->entry);
		return;
	}
	set(sets, slot->name, slot->name_len, ponto_bytes(slot->encoded, slot->encoded_len));
	if (slot->kind == RDS_EXTENT)
		rados_write_op_write(write, (const char *)slot->put->value.data, slot->put->value.len,
				     (uint64_t)slot->entry.unit * RDS_UNIT);
	else
		rados_write_op_omap_rm_keys2(write, &intent, &intent_len, 1);
}

/* Where a record must be there, its object is. */
static bool may_be_new(const struct rds_plan *plan)
{
	for (size_t i = 0; i < plan->slot_count; i++) {
		if (plan->slots[i].equal || (plan->slots[i].exact && plan->slots[i].old.len > 0))
			return false;
	}
	return plan->puts > 0;
}

static void fill(struct rds_plan *plan, struct rds_op *op)
{
	struct sets sets = {.op = op, .scratch = plan->scratch};
	struct rds_entry entry;

	plan->creates = !plan->whole && may_be_new(plan);
	if (plan->whole) {
		rados_write_op_assert_version(op->write, plan->version);
		rados_write_op_remove(op->write);
		return;
	}
	if (plan->creates)
		rados_write_op_create(op->write, LIBRADOS_CREATE_IDEMPOTENT, NULL);
	for (size_t i = 0; i < plan->slot_count; i++)
		compare_slot(plan, &plan->slots[i], op);
	if (plan->area_changed && plan->area_known) {
		require(op, RDS_AREA_KEY, 1, EQUAL, ponto_bytes(plan->old_area.bits, plan->old_area.len));
		set(&sets, RDS_AREA_KEY, 1, ponto_bytes(plan->area.bits, plan->area.len));
	}
	for (size_t i = 0; i < plan->slot_count; i++) {
		if (old_extent(&plan->slots[i], &entry))
			rados_write_op_zero(op->write, (uint64_t)entry.unit * RDS_UNIT,
					    (uint64_t)rds_units(entry.len) * RDS_UNIT);
	}
	for (size_t i = 0; i < plan->slot_count; i++)
		write_slot(&plan->slots[i], &sets);
	flush(&sets);
}

/* The next call may believe it. */
static void keep_hints(struct rds_plan *plan)
{
	struct rds_hints *hints = &plan->store->hints;
	struct ponto_bytes object = ponto_bytes(plan->object, strlen(plan->object));

	for (size_t i = 0; i < plan->slot_count; i++) {
		struct rds_slot *slot = &plan->slots[i];
		bool extent = slot->put && slot->kind == RDS_EXTENT;

		if (slot->put || slot->remove)
			rds_hint_set(hints, rds_hint_hash(object, ponto_bytes(slot->name, slot->name_len)),
				     slot->encoded, extent ? slot->encoded_len : 0);
	}
	if (plan->whole)
		rds_hint_area_set(hints, plan->group_hash, NULL);
	else if (plan->area_changed && plan->area_known)
		rds_hint_area_set(hints, plan->group_hash, &plan->area);
}

static bool changed(const struct rds_plan *plan, int error)
{
	return error == -ECANCELED || error == -ERANGE || error == -EOVERFLOW || (error == -ENOENT && !plan->creates);
}

int rds_plan_write(struct rds_plan *plan)
{
	struct rds_store *store = plan->store;
	struct rds_op *op;
	int error, result = plan->whole ? PONTO_OK : place_all(plan);

	if (!result)
		result = rds_op_new(store, true, plan->deadline, &op);
	if (result)
		return result;
	fill(plan, op);
	result = rds_op_run(op, plan->object, plan->deadline, &error);
	if (result)
		return result;
	if (!error) {
		keep_hints(plan);
	} else if (changed(plan, error)) {
		ponto_counter_add(store->conflicts, 1);
		rds_hint_area_set(&store->hints, plan->group_hash, NULL);
		result = RDS_CHANGED;
	} else {
		result = rds_failed(store, op->link, error, true);
		if (result == PONTO_ENOENT)
			result = PONTO_EIO;
	}
	rds_op_free(op);
	return result;
}
