/* service-dist: cached segments in the store: what is done on a worker, by calls that block.
 *
 * Thread-safe, also between processes that share a store. Each change of a segment is one batch on its "m": read,
 * changed, written back with the guard that it is still the same, so that "m" always says which blocks there are, and
 * whoever loses a race begins again with what the other left. Calls on one segment are best made one at a time. */
#ifndef PLUGINS_SERVICE_DIST_DIST_SHELF_H
#define PLUGINS_SERVICE_DIST_DIST_SHELF_H

#include "framework/store.h"
#include "plugins/service-dist/dist_record.h"

#ifdef __cplusplus
extern "C" {
#endif

struct dist_shelf {
	const struct ponto_alloc *alloc;
	const struct ponto_clock *clock;
	struct ponto_store store;
};

/* What is known of a segment whose blocks are kept. */
struct dist_segment {
	struct content_id id;
	enum content_algo algo;
	uint32_t size; /* bytes of the whole */
	bool keyed;    /* hod and kp are known, else zero, and blocks are relayed as they came */
	bool replace;  /* not keyed: what is relayed of it makes room, block by block, or all when it is of another size */
	uint8_t tag[DIST_TAG];
	uint8_t hod[CONTENT_HASH_MAX], kp[CONTENT_HASH_MAX];
	struct ponto_bytes block_hashes; /* version 1.0, when keyed: from block 0 on, perhaps not all */
};

/* A block to be kept. */
struct dist_piece {
	uint32_t index;
	enum content_crypto crypto;	/* CONTENT_PLAIN when keyed */
	uint8_t hash[CONTENT_HASH_MAX]; /* when keyed: what data was checked against before it was handed in */
	uint8_t iv[CONTENT_IV];
	struct ponto_bytes data;
};

#define DIST_PIECES_MAX 16 /* in one change */

struct dist_change {
	const struct dist_segment *segment; /* of pieces */
	const struct dist_piece *pieces[DIST_PIECES_MAX];
	size_t count;
	struct content_blocks check; /* what of these is there is read, and removed when it is not right */
	bool check_list;	     /* so is the list of hashes */
	uint64_t now, used;	     /* wall microseconds; used: 0 leaves it */
	const _Atomic bool *stop;    /* checking ends early; may be NULL */
};

struct dist_changed {
	bool present; /* meta is what the store holds now; otherwise it holds nothing of the segment */
	struct dist_meta meta;
	uint32_t damaged; /* blocks and lists that were removed, or missing */
};

/* PONTO_OK: also when pieces were there already. A segment with keys holds nothing but checked blocks: those without
 * are PONTO_EEXIST to it, and the first one with keys replaces all that was relayed. What is relayed is replaced by what
 * comes with replace. PONTO_EINVAL: another segment is kept under this ID; PONTO_ENOTSUP: one written by a later version;
 * PONTO_EBUSY: others change it without end; PONTO_ECLOSED: stopped; PONTO_ENOMEM and the store's. borrows */
PONTO_MUST_CHECK int dist_shelf_change(const struct dist_shelf *shelf, const struct content_id *id,
				       const struct dist_change *change, struct dist_changed *out);

/* A block whose hash is right. PONTO_ENOENT; PONTO_ECORRUPT: to be looked at by dist_shelf_change; the store's. block's
 * data is a view into *value. gives *value */
PONTO_MUST_CHECK int dist_shelf_read(const struct dist_shelf *shelf, const struct content_id *id,
				     const struct dist_meta *meta, uint32_t index, uint8_t **value,
				     struct dist_block *block);

/* What is known of a segment, by a monotonic deadline. PONTO_ENOENT; PONTO_ECORRUPT, PONTO_ENOTSUP: of a later version; the
 * store's. */
PONTO_MUST_CHECK int dist_shelf_known(const struct dist_shelf *shelf, const struct content_id *id, uint64_t deadline,
				      struct dist_meta *out);

/* The hashes of the first blocks, a view into *value. PONTO_ENOENT, PONTO_ECORRUPT; the store's. gives *value */
PONTO_MUST_CHECK int dist_shelf_hashes(const struct dist_shelf *shelf, const struct content_id *id,
				       enum content_algo algo, uint8_t **value, struct ponto_bytes *hashes);

/* All records of a segment that can have so many blocks, in one batch; CONTENT_BLOCKS_MAX when that is not known. */
PONTO_MUST_CHECK int dist_shelf_remove(const struct dist_shelf *shelf, const struct content_id *id, uint32_t blocks);

#define DIST_PAGE 256 /* groups of a store looked at in one go, whatever they hold */

struct dist_found {
	struct content_id id;
	struct dist_meta meta;
};

struct dist_page {
	struct dist_found found[DIST_PAGE];
	size_t count;
	uint32_t orphans; /* groups without "m", removed */
	uint32_t damaged; /* groups whose "m" was no good, removed */
	uint32_t foreign; /* of a later version, or unreadable now: left alone */
};

/* The IDs of the next segments, in two steps because one page can be looked at while the next is sought. *token: where
 * to go on: NULL at first, and after the last page; freed with the shelf's alloc, also after an error, the store's. */
PONTO_MUST_CHECK int dist_shelf_names(const struct dist_shelf *shelf, uint8_t **token, size_t *token_len,
				      struct dist_page *page);

/* What is known of them; who has no good "m" is removed from page and store. On PONTO_ENOMEM and PONTO_ETIME the page is
 * worth nothing. */
PONTO_MUST_CHECK int dist_shelf_look(const struct dist_shelf *shelf, struct dist_page *page);

#ifdef __cplusplus
}
#endif
#endif
