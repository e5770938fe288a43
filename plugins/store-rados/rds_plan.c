#include "plugins/store-rados/rds_plan.h"

#include <stdlib.h>
#include <string.h>

/* ---- making --------------------------------------------------------------------------- */

struct step_at {
	struct ponto_bytes key;
	size_t at;
};

static int compare_keys(struct ponto_bytes a, struct ponto_bytes b)
{
	int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_key(const void *left, const void *right)
{
	const struct step_at *a = left, *b = right;
	int order = compare_keys(a->key, b->key);

	return order ? order : (a->at > b->at) - (a->at < b->at);
}

static void add_step(struct rds_plan *plan, struct rds_slot *slot, const struct ponto_store_step *step)
{
	if (step->kind == PONTO_STEP_PUT) {
		slot->put = step;
		slot->remove = false;
	} else if (step->kind == PONTO_STEP_DELETE) {
		slot->put = NULL;
		slot->remove = true;
	} else if (step->kind == PONTO_STEP_REQUIRE_ABSENT) {
		slot->absent = true;
		plan->guards++;
	} else {
		/* Two that differ cannot both hold; then absent makes sure that none does. */
		if (slot->equal && !ponto_bytes_equal(slot->equal->value, step->value))
			slot->absent = true;
		slot->equal = step;
		plan->guards++;
	}
}

static void make_slots(struct rds_plan *plan, const struct step_at *order)
{
	struct rds_slot *slot = NULL;
	char *names = plan->names;

	for (size_t i = 0; i < plan->count; i++) {
		const struct ponto_store_step *step = &plan->steps[order[i].at];

		if (!slot || !ponto_bytes_equal(slot->key, step->key)) {
			slot = &plan->slots[plan->slot_count++];
			slot->key = step->key;
			slot->name = names;
			slot->name_len = rds_key_name(step->key, names);
			names += slot->name_len + 1;
		}
		add_step(plan, slot, step);
	}
	for (size_t i = 0; i < plan->slot_count; i++) {
		plan->puts += plan->slots[i].put != NULL;
		plan->removes += plan->slots[i].remove;
	}
}

int rds_plan_make(struct rds_plan *plan, struct rds_store *store, struct ponto_bytes group,
		  const struct ponto_store_step *steps, size_t count, uint64_t deadline)
{
	const struct ponto_alloc *alloc = store->env->alloc;
	struct step_at *order = ponto_new(alloc, count, sizeof(*order));
	size_t room = 0;

	plan->store = store;
	plan->group = group;
	plan->steps = steps;
	plan->count = count;
	plan->deadline = deadline;
	rds_object_name(group, plan->object);
	plan->group_hash = rds_hint_hash(group, ponto_bytes(NULL, 0));
	for (size_t i = 0; order && i < count; i++) {
		order[i] = (struct step_at){steps[i].key, i};
		room += 2 + 2 * steps[i].key.len;
	}
	plan->slots = ponto_new(alloc, count, sizeof(*plan->slots));
	plan->names = order ? ponto_new(alloc, 1, room) : NULL;
	plan->scratch = ponto_new(alloc, 1, RDS_SCRATCH);
	if (order && plan->slots && plan->names && plan->scratch) {
		qsort(order, count, sizeof(*order), by_key);
		make_slots(plan, order);
	}
	ponto_free(alloc, order);
	return plan->slot_count > 0 ? PONTO_OK : PONTO_ENOMEM;
}

void rds_plan_free(struct rds_plan *plan)
{
	const struct ponto_alloc *alloc = plan->store->env->alloc;

	if (plan->seen)
		rds_op_free(plan->seen);
	ponto_free(alloc, plan->slots);
	ponto_free(alloc, plan->names);
	ponto_free(alloc, plan->scratch);
}

/* ---- beliefs ---------------------------------------------------------------------------- */

/* A guard says what is there: none, or a value that is inline and, we hope, never expires. The bytes are made when they
 * are written (rds_write.c). */
bool rds_plan_believe(struct rds_plan *plan)
{
	struct ponto_bytes object = ponto_bytes(plan->object, strlen(plan->object));

	if (plan->puts == 0)
		return false;
	for (size_t i = 0; i < plan->slot_count; i++) {
		struct rds_slot *slot = &plan->slots[i];
		size_t len;

		if (slot->equal && (slot->absent || slot->equal->value.len > RDS_INLINE_MAX))
			return false;
		if (slot->equal || slot->absent || !(slot->put || slot->remove))
			continue;
		len = rds_hint_get(&plan->store->hints, rds_hint_hash(object, ponto_bytes(slot->name, slot->name_len)),
				   slot->old_placed);
		slot->exact = len > 0;
		slot->old = ponto_bytes(slot->old_placed, len);
	}
	if (!rds_hint_area_get(&plan->store->hints, plan->group_hash, &plan->old_area))
		plan->old_area.len = 0;
	plan->area = plan->old_area;
	plan->area_known = true;
	return true;
}

/* Both in the order of their names. */
static void take_beliefs(struct rds_plan *plan, rados_omap_iter_t keys)
{
	struct ponto_bytes name, raw;
	bool more = rds_op_next(keys, &name, &raw), area = false;

	for (size_t i = 0; i < plan->slot_count; i++) {
		plan->slots[i].exact = true;
		plan->slots[i].found = false;
		plan->slots[i].old = ponto_bytes(NULL, 0);
	}
	for (size_t i = 0; more; more = rds_op_next(keys, &name, &raw)) {
		if (ponto_bytes_equal(name, ponto_bytes(RDS_AREA_KEY, 1))) {
			area = rds_area_load(&plan->old_area, raw);
			plan->area_known = area;
			continue;
		}
		while (i < plan->slot_count &&
		       compare_keys(ponto_bytes(plan->slots[i].name, plan->slots[i].name_len), name) < 0)
			i++;
		if (i < plan->slot_count &&
		    ponto_bytes_equal(ponto_bytes(plan->slots[i].name, plan->slots[i].name_len), name)) {
			plan->slots[i].found = true;
			plan->slots[i].old = raw;
		}
	}
	plan->area = plan->old_area;
}

static bool removes(const struct rds_plan *plan, struct ponto_bytes name, size_t *from)
{
	for (; *from < plan->slot_count; ++*from) {
		const struct rds_slot *slot = &plan->slots[*from];
		int order = compare_keys(ponto_bytes(slot->name, slot->name_len), name);

		if (order >= 0)
			return order == 0 && slot->remove;
	}
	return false;
}

/* Whether the page, the group's first records, holds all and only such that the batch removes. */
static bool is_whole(const struct rds_plan *plan, const struct rds_op *op)
{
	struct ponto_bytes name, raw;
	size_t from = 0;

	if (plan->removes == 0 || plan->puts > 0 || plan->expired_only || op->more)
		return false;
	while (rds_op_next(op->page, &name, &raw)) {
		if (!removes(plan, name, &from))
			return false;
	}
	return true;
}

/* The records, the area, and when that may empty the group its first records. */
static int ask_all(struct rds_plan *plan, struct rds_op *op)
{
	const struct ponto_alloc *alloc = plan->store->env->alloc;
	size_t count = plan->slot_count + 1;
	const char **names = ponto_new(alloc, count, sizeof(*names));
	size_t *lens = ponto_new(alloc, count, sizeof(*lens));
	int result = names && lens ? PONTO_OK : PONTO_ENOMEM;

	if (!result) {
		names[0] = RDS_AREA_KEY;
		lens[0] = 1;
		for (size_t i = 0; i < plan->slot_count; i++) {
			names[i + 1] = plan->slots[i].name;
			lens[i + 1] = plan->slots[i].name_len;
		}
		rds_op_keys(op, names, lens, count);
		if (plan->removes > 0 && plan->puts == 0 && !plan->expired_only)
			rds_op_page(op, "", "k", plan->removes + 1);
	}
	ponto_free(alloc, names);
	ponto_free(alloc, lens);
	return result;
}

int rds_plan_read(struct rds_plan *plan)
{
	struct rds_store *store = plan->store;
	struct rds_op *op;
	int error, result;

	if (plan->seen)
		rds_op_free(plan->seen);
	plan->seen = NULL;
	plan->old_area.len = 0;
	memset(plan->old_area.bits, 0, sizeof(plan->old_area.bits));
	plan->area_known = true;
	result = rds_op_new(store, false, plan->deadline, &op);
	if (result)
		return result;
	result = ask_all(plan, op);
	if (result) {
		rds_op_free(op);
		return result;
	}
	result = rds_op_run(op, plan->object, plan->deadline, &error);
	if (result)
		return result;
	if (error)
		result = rds_failed(store, op->link, error, false);
	if (result && result != PONTO_ENOENT) {
		rds_op_free(op);
		return result;
	}
	plan->there = result == PONTO_OK;
	plan->version = op->version;
	take_beliefs(plan, plan->there ? op->keys : NULL);
	plan->whole = plan->there && is_whole(plan, op);
	plan->seen = op;
	return PONTO_OK;
}

/* ---- guards ------------------------------------------------------------------------------- */

/* The value of a placed record is read in a step of its own; the entry must be the one of the snapshot. */
static int check_placed(struct rds_plan *plan, const struct rds_slot *slot)
{
	struct rds_value found;
	int result = rds_fetch(plan->store, plan->object, ponto_bytes(slot->name, slot->name_len), slot->old,
			       plan->deadline, &found);

	if (result)
		return result == PONTO_ENOENT ? RDS_CHANGED : result;
	if (!ponto_bytes_equal(found.raw, slot->old))
		result = RDS_CHANGED;
	else if (!ponto_bytes_equal(found.value, slot->equal->value))
		result = PONTO_EGUARD;
	rds_value_free(&found);
	return result;
}

static int check_slot(struct rds_plan *plan, struct rds_slot *slot, uint64_t wall)
{
	struct rds_entry entry;
	bool there = slot->found;

	if (!slot->absent && !slot->equal && !plan->expired_only)
		return PONTO_OK;
	if (plan->expired_only) {
		slot->remove = there && rds_entry_decode(slot->old, &entry) && rds_entry_expired(&entry, wall);
		return PONTO_OK;
	}
	if (there && !rds_entry_decode(slot->old, &entry))
		return PONTO_ECORRUPT;
	there = there && !rds_entry_expired(&entry, wall);
	if (slot->absent && there)
		return PONTO_EGUARD;
	if (!slot->equal)
		return PONTO_OK;
	if (!there || entry.len != slot->equal->value.len)
		return PONTO_EGUARD;
	if (entry.kind == RDS_INLINE)
		return ponto_bytes_equal(entry.value, slot->equal->value) ? PONTO_OK : PONTO_EGUARD;
	return check_placed(plan, slot);
}

int rds_plan_check(struct rds_plan *plan)
{
	uint64_t wall = ponto_wall(plan->store->env->clock);
	int result = PONTO_OK;

	for (size_t i = 0; !result && i < plan->slot_count; i++)
		result = check_slot(plan, &plan->slots[i], wall);
	return result;
}
