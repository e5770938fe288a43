/* Tests of what service-dist keeps: a simulated node with store-mem, behind a store that fails when told to. */
#ifndef PONTO_TESTS_UNIT_DIST_RIG_H
#define PONTO_TESTS_UNIT_DIST_RIG_H

#include "framework/sim.h"
#include "plugins/service-dist/dist_cache.h"
#include "tests/unit/content_test.h"

enum dist_rig_call {
	DIST_RIG_GET = 1,
	DIST_RIG_PUT = 2,
	DIST_RIG_REMOVE = 4,
	DIST_RIG_ITERATE = 8,
	DIST_RIG_GROUPS = 16,
	DIST_RIG_BATCH = 32,
	DIST_RIG_ALL = 63,
};

struct dist_rig {
	struct ponto_sim *sim;
	struct ponto_sim_node *node;
	struct ponto_log *log;
	unsigned warnings; /* lines at warning or worse */
	struct ponto_conf *conf;
	struct ponto_env env;
	struct ponto_store inner, store; /* store: fails as told below */
	unsigned calls;			 /* of those in which, since the start */
	unsigned which;			 /* enum dist_rig_call */
	unsigned fail_at, fail_count;	 /* the nth (from 1) and those after it fail, count of them */
	int fail_with;
	uint64_t disk; /* bytes of the store's disk; 0: it tells nothing of one */
	void (*before_batch)(struct dist_rig *rig, void *arg); /* once */
	void *before_arg;
};

void dist_rig_init(struct dist_rig *rig);
void dist_rig_clear(struct dist_rig *rig);

/* Calls of these kinds fail from the nth from now on, count times. count 0: none. */
void dist_rig_fail(struct dist_rig *rig, unsigned which, unsigned nth, unsigned count, int with);

/* Virtual time passes. */
void dist_rig_run(struct dist_rig *rig, uint64_t us);
uint64_t dist_rig_wall(struct dist_rig *rig);

struct dist_cache_config dist_rig_config(struct dist_rig *rig);

/* A cache that is open; fails the test when it cannot be. */
struct dist_cache *dist_rig_open(struct dist_rig *rig, const struct dist_cache_config *config);
void dist_rig_close(struct dist_rig *rig, struct dist_cache *cache);

/* Segment i of a content, with keys; block_hashes are a view into made. */
struct dist_segment dist_rig_segment(const struct content_made *made, size_t i);

/* Its block index, a view into data. */
struct dist_piece dist_rig_piece(const struct content_made *made, size_t i, uint32_t index, struct ponto_bytes data);

/* Bytes that cuts find something in, others for each seed. gives */
struct blob dist_rig_content(size_t len, uint64_t seed);

/* Contents that several processes make alike: count segments of version 2.0, each step bytes longer than the one before
 * it, the first of first bytes, and one segment of version 1.0. */
struct dist_stock {
	struct blob small, large;
	struct content_made v2, v1;
};

struct dist_stock dist_stock_make(unsigned count, uint32_t first, uint32_t step, size_t large);
void dist_stock_free(struct dist_stock *stock);

/* What a put ended with, at once or later. */
int dist_rig_put(struct dist_rig *rig, struct dist_cache *cache, const struct dist_segment *segment,
		 const struct dist_piece *piece);

/* All blocks of segment i; fails the test when one is not kept. */
void dist_rig_put_all(struct dist_rig *rig, struct dist_cache *cache, const struct content_made *made, size_t i,
		      struct ponto_bytes data);

/* What a get ended with; when PONTO_OK, the block is right. */
int dist_rig_get(struct dist_rig *rig, struct dist_cache *cache, const struct content_made *made, size_t i,
		 uint32_t index, struct ponto_bytes data);

/* Changes a value in the store: one byte of it, at < 0: counted from the end; or cuts it off there. */
void dist_rig_damage(struct dist_rig *rig, struct ponto_bytes group, struct ponto_bytes key, long at, bool cut);

/* Records in a group. */
size_t dist_rig_records(struct dist_rig *rig, struct ponto_bytes group);

#endif
