/* store-rados: batches. An attempt believes what hints and guards say and writes at once; when that does not hold, the
 * batch reads what it touches, checks its guards on that snapshot, and tries again. */
#include <string.h>

#include "plugins/store-rados/rds_plan.h"

#define CLEAN_TIME PONTO_SECOND /* for removals that nobody waits for the success of */
#define PAUSE_FROM 2		/* conflicts after which a batch waits a little, so that others get through */
#define PAUSE_DOUBLES 6		/* up to 64 ms */

/* Random, so that those who met do not meet again. */
static void pause_after(struct rds_plan *plan, unsigned conflicts)
{
	struct rds_store *store = plan->store;
	uint64_t now = ponto_mono(store->env->clock), most, until;
	unsigned doubles = conflicts - PAUSE_FROM;

	if (conflicts < PAUSE_FROM)
		return;
	most = PONTO_MS << (doubles < PAUSE_DOUBLES ? doubles : PAUSE_DOUBLES);
	until = now + ponto_random_below(store->env->random, most);
	pthread_mutex_lock(&store->lock);
	rds_wait_locked(store, until < plan->deadline ? until : plan->deadline);
	pthread_mutex_unlock(&store->lock);
}

/* Reads, checks, and writes if there is anything to write. */
static int write_checked(struct rds_plan *plan)
{
	int result = rds_plan_read(plan);

	if (!result)
		result = rds_plan_check(plan);
	if (result)
		return result;
	if (plan->puts == 0) {
		bool any = false;

		for (size_t i = 0; i < plan->slot_count; i++)
			any |= plan->slots[i].remove && plan->slots[i].found;
		if (!any)
			return PONTO_OK;
	}
	return rds_plan_write(plan);
}

/* The sweeper took an intent of ours: that blob must be written anew. */
static void forget_blobs(struct rds_plan *plan)
{
	for (size_t i = 0; i < plan->slot_count; i++)
		plan->slots[i].has_blob = false;
}

static int run_plan(struct rds_plan *plan)
{
	unsigned conflicts = 0;
	int result = rds_plan_believe(plan) ? rds_plan_write(plan) : RDS_CHANGED;

	while (result == RDS_CHANGED || result == RDS_AGAIN) {
		if (rds_late(plan->store, plan->deadline))
			return PONTO_ETIME;
		pause_after(plan, conflicts);
		if (++conflicts % 8 == 0)
			forget_blobs(plan);
		result = write_checked(plan);
	}
	return result;
}

void rds_plan_clean(struct rds_plan *plan, bool undo)
{
	struct rds_store *store = plan->store;
	uint64_t now = ponto_mono(store->env->clock), deadline = now + CLEAN_TIME;
	struct rds_entry entry;

	if (plan->deadline < deadline)
		deadline = plan->deadline;
	for (size_t i = 0; i < plan->slot_count; i++) {
		struct rds_slot *slot = &plan->slots[i];

		if (undo && slot->has_blob)
			rds_blob_remove(store, slot->blob, deadline);
		if (!undo && (slot->put || slot->remove) && slot->exact && slot->old.len > 0 &&
		    rds_entry_decode(slot->old, &entry) && entry.kind == RDS_BLOB)
			rds_blob_remove(store, entry.id, deadline);
	}
}

static int run(struct rds_store *store, struct ponto_bytes group, const struct ponto_store_step *steps, size_t count,
	       bool expired_only, uint64_t deadline)
{
	struct rds_plan plan = {.expired_only = expired_only};
	int result = rds_plan_make(&plan, store, group, steps, count, deadline);

	if (!result) {
		result = run_plan(&plan);
		/* After a failure that leaves open what happened the blobs stay: they may be named. */
		if (result == PONTO_OK || result == PONTO_EGUARD)
			rds_plan_clean(&plan, result != PONTO_OK);
	}
	rds_plan_free(&plan);
	return result;
}

int rds_batch(void *self, struct ponto_bytes group, const struct ponto_store_step *steps, size_t count, unsigned flags,
	      uint64_t deadline)
{
	int result = ponto_store_check_batch(group, steps, count, flags);

	if (result)
		return result;
	if (rds_late(self, deadline))
		return PONTO_ETIME;
	return count == 0 ? PONTO_OK : run(self, group, steps, count, false, deadline);
}

int rds_batch_expired(struct rds_store *store, struct ponto_bytes group, const struct ponto_store_step *steps,
		      size_t count, uint64_t deadline)
{
	return run(store, group, steps, count, true, deadline);
}
