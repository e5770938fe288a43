/* store-rados: what a group's omap holds of a record (README.md, "Layout").
 *
 * Pure, thread-safe, no allocation. What is read may be damaged: an entry is exactly what the encoder makes, or none.
 */
#ifndef PONTO_PLUGINS_STORE_RADOS_ENTRY_H
#define PONTO_PLUGINS_STORE_RADOS_ENTRY_H

#include "framework/store.h"

/* The first byte. An inline entry is less than "\2", and so is a missing one: one comparison tells that nothing is
 * overwritten that holds room elsewhere. */
enum rds_kind {
	RDS_INLINE = 1, /* the value follows */
	RDS_EXTENT = 2, /* in the data of the group's object */
	RDS_BLOB = 3,	/* in an object of its own */
};

#define RDS_INLINE_MAX 4096u	      /* bytes of a value */
#define RDS_EXTENT_MAX (1024u * 1024) /* bytes of a value */
#define RDS_BLOB_ID 16
#define RDS_HEAD_INLINE 9
#define RDS_ENTRY_MAX (RDS_HEAD_INLINE + RDS_INLINE_MAX)
#define RDS_PLACED_MAX 32 /* bytes of an entry that is not inline */

struct rds_entry {
	enum rds_kind kind;
	uint64_t expires;	  /* wall microseconds, 0: never */
	uint32_t len;		  /* of the value */
	struct ponto_bytes value; /* inline; a view */
	uint32_t unit;		  /* extent: where it begins, in RDS_UNITs */
	uint64_t tag;		  /* extent: another one at each put, so that equal entries have equal values */
	uint8_t id[RDS_BLOB_ID];  /* blob: never used twice */
};

/* out: RDS_ENTRY_MAX bytes for an inline entry, else RDS_PLACED_MAX. Returns the length. */
size_t rds_entry_encode(const struct rds_entry *entry, uint8_t *out);

bool rds_entry_decode(struct ponto_bytes bytes, struct rds_entry *out);

static inline bool rds_entry_expired(const struct rds_entry *entry, uint64_t wall)
{
	return entry->expires != 0 && entry->expires <= wall;
}

#endif
