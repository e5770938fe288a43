/* store-rados: reading one record. */
#ifndef PONTO_PLUGINS_STORE_RADOS_FETCH_H
#define PONTO_PLUGINS_STORE_RADOS_FETCH_H

#include "plugins/store-rados/rds_entry.h"
#include "plugins/store-rados/rds_op.h"

struct rds_value {
	struct rds_op *op; /* holds what the views view */
	struct rds_entry entry;
	struct ponto_bytes raw; /* the entry as it is stored */
	struct ponto_bytes value;
	uint8_t placed[RDS_PLACED_MAX];
};

/* The unexpired record of that name in a group's object. One round trip when the value is inline or lies where guess or
 * a hint says, else two; guess (an entry, or empty) goes before hints. PONTO_ENOENT, PONTO_ETIME, PONTO_EIO,
 * PONTO_ECORRUPT, PONTO_ENOMEM. gives, to be freed by rds_value_free */
PONTO_MUST_CHECK int rds_fetch(struct rds_store *store, const char *object, struct ponto_bytes key,
			       struct ponto_bytes guess, uint64_t deadline, struct rds_value *out);
void rds_value_free(struct rds_value *value);

/* "b." and the hexadecimal ID. */
#define RDS_BLOB_OBJECT (2 + 2 * RDS_BLOB_ID + 1)
void rds_blob_object(const uint8_t id[RDS_BLOB_ID], char out[RDS_BLOB_OBJECT]);

#endif
