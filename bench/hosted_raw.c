#include "bench/hosted_raw.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TURN 32u /* messages or blocks at once */

struct worker {
	void (*work)(unsigned thread, unsigned segment, unsigned count);
	unsigned number;
	uint64_t done;
	pthread_t id;
};

static atomic_bool over;

void raw_die(const char *what)
{
	fprintf(stderr, "bench_hosted: %s\n", what);
	exit(1);
}

void raw_key(unsigned segment, uint8_t out[RAW_KEY])
{
	uint64_t state = segment + 1;

	memcpy(out, "\x26" "dist/s", 7);
	for (unsigned i = 7; i < RAW_KEY; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		out[i] = (uint8_t)(state >> 56);
	}
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void *work(void *arg)
{
	struct worker *w = arg;

	for (unsigned segment = w->number; !atomic_load_explicit(&over, memory_order_relaxed); segment += TURN) {
		w->work(w->number, segment, TURN);
		w->done += TURN;
	}
	return NULL;
}

int raw_run(const struct raw_side *side, int argc, char **argv)
{
	static struct worker workers[RAW_THREADS];
	static uint8_t block[RAW_BLOCK];
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned threads = cores < 1 ? 1 : cores > (long)RAW_THREADS ? RAW_THREADS : (unsigned)cores;
	uint64_t done = 0;
	double began, took;

	if (argc != 4)
		raw_die("PLACE offers|blocks SECONDS");
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (uint8_t)(i * 2654435761u >> 13);
	side->open(argv[1], threads, block);
	began = seconds();
	for (unsigned i = 0; i < threads; i++) {
		workers[i].number = i;
		workers[i].work = strcmp(argv[2], "offers") == 0 ? side->offers : side->blocks;
		if (pthread_create(&workers[i].id, NULL, work, &workers[i]) != 0)
			raw_die("no thread");
	}
	usleep((useconds_t)(atof(argv[3]) * 1e6));
	atomic_store(&over, true);
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(workers[i].id, NULL);
		done += workers[i].done;
	}
	took = seconds() - began;
	side->close();
	printf("%.0f\n", (double)done / took);
	return 0;
}
