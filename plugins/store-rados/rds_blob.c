/* store-rados: values in objects of their own. An intent in the group's object goes before the blob, and the entry that
 * names the blob is only written while the intent is there, which it removes. So a blob that neither an entry nor an
 * intent names will never be named, whatever step of its writer is still on its way, and may be removed by anybody. */
#include <string.h>

#include "plugins/store-rados/rds_plan.h"

void rds_intent_name(const uint8_t id[RDS_BLOB_ID], char out[RDS_INTENT_MAX])
{
	out[0] = 'i';
	ponto_hex(ponto_bytes(id, RDS_BLOB_ID), out + 1);
}

static int run_write(struct rds_op *op, const char *object, uint64_t deadline)
{
	struct rds_store *store = op->store;
	int error, result = rds_op_run(op, object, deadline, &error);

	if (result)
		return result;
	if (error) {
		result = rds_failed(store, op->link, error, true);
		if (result == PONTO_ENOENT)
			result = PONTO_EIO;
	}
	rds_op_free(op);
	return result;
}

static int put_intent(struct rds_plan *plan, struct rds_slot *slot)
{
	uint64_t wall = ponto_wall(plan->store->env->clock);
	const char *name = slot->intent, *value = (const char *)slot->intent_value;
	size_t name_len, value_len = sizeof(slot->intent_value);
	struct rds_op *op;
	int result = rds_op_new(plan->store, true, plan->deadline, &op);

	if (result)
		return result;
	for (unsigned i = 0; i < 8; i++)
		slot->intent_value[i] = (uint8_t)(wall >> (56 - 8 * i));
	rds_intent_name(slot->blob, slot->intent);
	name_len = strlen(slot->intent);
	rados_write_op_create(op->write, LIBRADOS_CREATE_IDEMPOTENT, NULL);
	rados_write_op_omap_set2(op->write, &name, &value, &name_len, &value_len, 1);
	return run_write(op, plan->object, plan->deadline);
}

static int put_blob(struct rds_plan *plan, const struct rds_slot *slot)
{
	uint8_t owner[PONTO_STORE_FLAT_MAX];
	char object[RDS_BLOB_OBJECT];
	struct rds_op *op;
	int result = rds_op_new(plan->store, true, plan->deadline, &op);

	if (result)
		return result;
	rds_blob_object(slot->blob, object);
	rados_write_op_write_full(op->write, (const char *)slot->put->value.data, slot->put->value.len);
	rados_write_op_setxattr(op->write, "owner", (const char *)owner,
				ponto_store_flatten(plan->group, slot->key, owner));
	return run_write(op, object, plan->deadline);
}

/* A second attempt of the batch uses what the first wrote, unless it reaches the end of its intent. */
int rds_blob_put(struct rds_plan *plan, struct rds_slot *slot)
{
	const struct ponto_random *random = plan->store->env->random;
	int result;

	if (!slot->has_blob) {
		random->fill(random->ctx, slot->blob, RDS_BLOB_ID);
		result = put_intent(plan, slot);
		if (!result)
			result = put_blob(plan, slot);
		if (result)
			return result;
		slot->has_blob = true;
	}
	memcpy(slot->entry.id, slot->blob, RDS_BLOB_ID);
	return PONTO_OK;
}

void rds_blob_remove(struct rds_store *store, const uint8_t id[RDS_BLOB_ID], uint64_t deadline)
{
	char object[RDS_BLOB_OBJECT];
	struct rds_op *op;
	int error;

	if (rds_op_new(store, true, deadline, &op) != PONTO_OK)
		return;
	rds_blob_object(id, object);
	rados_write_op_remove(op->write);
	if (rds_op_run(op, object, deadline, &error) == PONTO_OK)
		rds_op_free(op);
}
