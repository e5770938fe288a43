/* One side of what bench-hosted compares with: a store called directly, without a cache around it, by as many threads as
 * there are cores. Offers: whether the eight segments of a message are there. Blocks: 64 KiB of one. docs/benchmarks.md */
#ifndef BENCH_HOSTED_RAW_H
#define BENCH_HOSTED_RAW_H

#include <stddef.h>
#include <stdint.h>

#define RAW_SEGMENTS 64u /* that are there, of one block each */
#define RAW_OFFERED 8u	 /* in a message */
#define RAW_BLOCK 65536u
#define RAW_META 200u	 /* bytes of a segment's head */
#define RAW_KEY 39u	 /* of a group's name */
#define RAW_THREADS 64u

struct raw_side {
	/* At place, a folder or a configuration: opened, with all segments in it, whose bytes are block. */
	void (*open)(const char *place, unsigned threads, const uint8_t block[RAW_BLOCK]);
	/* count messages, or blocks, beginning at that segment; from several threads, each with a number of its own. */
	void (*offers)(unsigned thread, unsigned segment, unsigned count);
	void (*blocks)(unsigned thread, unsigned segment, unsigned count);
	void (*close)(void);
};

/* The name of a segment's group. */
void raw_key(unsigned segment, uint8_t out[RAW_KEY]);

/* Ends the process with a line. */
void raw_die(const char *what);

/* PLACE offers|blocks SECONDS: prints how many a second. */
int raw_run(const struct raw_side *side, int argc, char **argv);

#endif
