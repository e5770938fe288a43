/* One side of bench-pnrp: what Ponto and OpenDHT each provide, and the workload that drives either alike.
 *
 * A side is a process of its own in a network namespace of its own, so that what it sends is what the loopback
 * interface counts, and what it costs is what the kernel charges the process with. docs/benchmarks.md */
#ifndef BENCH_DHT_SIDE_H
#define BENCH_DHT_SIDE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DHT_NODES_MAX 1000

/* One get under way. Belongs to the side from get until dht_got. */
struct dht_get {
	unsigned node; /* asks */
	unsigned name; /* is asked for: the one that node `name` published */
	double begin;  /* the workload's */
};

struct dht_side {
	const char *label;
	/* Makes the nodes, each of which publishes one name; returns when all are published. */
	void (*join)(unsigned nodes, unsigned threads);
	/* True when node has to ask others for name. */
	bool (*remote)(unsigned node, unsigned name);
	/* Begins a get; dht_got is called once, later and from any thread. */
	void (*get)(struct dht_get *get);
};

/* The answer has come, or will not. */
void dht_got(struct dht_get *get, bool found);

/* Ends the process with a line. */
void dht_die(const char *what);

/* SIDE NODES THREADS GETS: runs the workload and prints its figures. Ends the process. */
void dht_run(const struct dht_side *side, int argc, char **argv) __attribute__((noreturn));

#ifdef __cplusplus
}
#endif
#endif
