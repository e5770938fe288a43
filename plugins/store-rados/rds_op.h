/* store-rados: one step: an atomic operation on one object, with a deadline.
 *
 * A step is made, filled, run and freed by one thread. librados completes it on a thread of its own, which only says
 * so. A step that is late is called back; it then belongs to the store until librados has let go of it, so that its
 * buffers stay. Steps under way are bounded (option "parallel"). */
#ifndef PONTO_PLUGINS_STORE_RADOS_OP_H
#define PONTO_PLUGINS_STORE_RADOS_OP_H

#include "plugins/store-rados/rds_link.h"
#include "plugins/store-rados/rds_store.h"

struct rds_op {
	struct rds_store *store;
	struct rds_link *link;
	rados_completion_t completion;
	rados_write_op_t write; /* this or */
	rados_read_op_t read;	/* this */
	struct rds_op *next;
	bool started, done, abandoned;

	/* What reading gives. */
	rados_omap_iter_t keys, page; /* of rds_op_keys and rds_op_page */
	rados_xattrs_iter_t attributes;
	int keys_error, page_error, data_error, attributes_error;
	unsigned char more; /* after the page */
	uint8_t *data;	    /* of rds_op_data */
	size_t data_room, data_len;
	uint64_t version; /* of the object */
};

/* A step that reads or writes; waits for a connection and for its turn. PONTO_ETIME, PONTO_ENOMEM, PONTO_EIO. gives */
PONTO_MUST_CHECK int rds_op_new(struct rds_store *store, bool write, uint64_t deadline, struct rds_op **out);
void rds_op_free(struct rds_op *op);

/* Frees the steps that were called back and have ended since. */
void rds_op_reap(struct rds_store *store);

/* Reads records of these names, of any length (key_lens), or what follows after. */
void rds_op_keys(struct rds_op *op, const char *const *keys, const size_t *lens, size_t count);
void rds_op_page(struct rds_op *op, const char *after, const char *prefix, size_t limit);

/* Reads so many bytes of the object's data. PONTO_ENOMEM */
PONTO_MUST_CHECK int rds_op_data(struct rds_op *op, uint64_t offset, size_t len);

/* The next record of keys or page; false at the end. The views last as long as the step. */
bool rds_op_next(rados_omap_iter_t iter, struct ponto_bytes *key, struct ponto_bytes *value);

/* Starts; then waits. *error is librados's, 0 or negative, and the step is the caller's still. PONTO_ETIME: the step
 * is not his any more. */
PONTO_MUST_CHECK int rds_op_start(struct rds_op *op, const char *object);
PONTO_MUST_CHECK int rds_op_wait(struct rds_op *op, uint64_t deadline, int *error);

/* Both at once. On every failure the step is freed, else not. */
PONTO_MUST_CHECK int rds_op_run(struct rds_op *op, const char *object, uint64_t deadline, int *error);

#endif
