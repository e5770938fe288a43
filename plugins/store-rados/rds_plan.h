/* store-rados: a batch on its way: what it does to each record, what is believed of the group, and where values go.
 * rds_batch.c runs it, rds_plan.c makes it and compares it with the group, rds_write.c writes it. One thread. */
#ifndef PONTO_PLUGINS_STORE_RADOS_PLAN_H
#define PONTO_PLUGINS_STORE_RADOS_PLAN_H

#include "plugins/store-rados/rds_fetch.h"

#define RDS_DATA_MAX (16u * 1024 * 1024) /* bytes of extents in one step; what is more goes to blobs */
#define RDS_INTENT_MAX (1 + 2 * RDS_BLOB_ID + 1)
#define RDS_AREA_KEY "a"
#define RDS_SCRATCH (4 * RDS_ENTRY_MAX)

/* One record that the batch touches. */
struct rds_slot {
	struct ponto_bytes key; /* the caller's */
	const char *name;	/* in the omap */
	size_t name_len;
	const struct ponto_store_step *put; /* the last step that writes it: a PUT */
	bool remove;			    /* or a DELETE */
	bool absent;			    /* guards */
	const struct ponto_store_step *equal;

	/* What is believed to be stored: with exact the bytes, none for no record; else at most that it is not placed.
	 */
	bool exact, found; /* found: by reading, damaged or not */
	struct ponto_bytes old;
	uint8_t old_placed[RDS_PLACED_MAX];

	/* Where a value goes that is not inline. */
	enum rds_kind kind;
	struct rds_entry entry;
	bool has_blob; /* it is written, and its intent */
	uint8_t blob[RDS_BLOB_ID];
	char intent[RDS_INTENT_MAX];
	uint8_t intent_value[8];
	uint8_t encoded[RDS_PLACED_MAX]; /* the new entry, when placed */
	size_t encoded_len;
};

struct rds_plan {
	struct rds_store *store;
	struct ponto_bytes group;
	char object[RDS_OBJECT_MAX];
	uint64_t deadline, group_hash;
	const struct ponto_store_step *steps;
	size_t count;
	struct rds_slot *slots; /* in the order of their keys */
	size_t slot_count, puts, removes, guards, blobs;
	bool expired_only; /* removes only what has expired by now, and exactly what was read */
	char *names;
	uint8_t *scratch; /* RDS_SCRATCH, at least an entry */

	struct rds_op *seen; /* holds what exact beliefs view */
	bool there, whole;   /* the group's object exists; this removes every record that it has */
	uint64_t version;
	struct rds_area old_area, area;
	bool area_known, area_changed;
	bool creates; /* the group's object, where it is missing */
	size_t data;  /* bytes of extents */
};

/* Checked arguments. PONTO_ENOMEM. Free in any case. */
PONTO_MUST_CHECK int rds_plan_make(struct rds_plan *plan, struct rds_store *store, struct ponto_bytes group,
				   const struct ponto_store_step *steps, size_t count, uint64_t deadline);
void rds_plan_free(struct rds_plan *plan);

/* True when hints and guards say enough to try without reading; then they are believed. */
bool rds_plan_believe(struct rds_plan *plan);

/* Reads what the batch touches, in one snapshot. */
PONTO_MUST_CHECK int rds_plan_read(struct rds_plan *plan);

/* The guards on what was read: PONTO_OK, PONTO_EGUARD, PONTO_ECORRUPT, RDS_CHANGED (read again), or reading failed. */
PONTO_MUST_CHECK int rds_plan_check(struct rds_plan *plan);

/* Writes everything, if what is believed holds: else RDS_CHANGED and nothing happened, but for blobs. */
PONTO_MUST_CHECK int rds_plan_write(struct rds_plan *plan);

/* After a success: blobs that nothing names any more go. After a failure, told by undo: those that were written for
 * it. Best effort; the sweeper does the rest. */
void rds_plan_clean(struct rds_plan *plan, bool undo);

/* In rds_blob.c: writes the slot's value as a blob, its intent before. */
PONTO_MUST_CHECK int rds_blob_put(struct rds_plan *plan, struct rds_slot *slot);
void rds_blob_remove(struct rds_store *store, const uint8_t id[RDS_BLOB_ID], uint64_t deadline);
void rds_intent_name(const uint8_t id[RDS_BLOB_ID], char out[RDS_INTENT_MAX]);

/* As rds_batch, of removals: those that have not expired stay. */
PONTO_MUST_CHECK int rds_batch_expired(struct rds_store *store, struct ponto_bytes group,
				       const struct ponto_store_step *steps, size_t count, uint64_t deadline);

#endif
