/* librados called directly, on the cluster that a configuration names: an object for each segment, all of a turn's calls
 * under way at once. Offers ask for each object whether it is there; blocks are read whole. */
#include <rados/librados.h>
#include <stdio.h>

#include "bench/hosted_raw.h"

#define UNDER_WAY 256u /* calls of a thread: messages of a turn by their segments */

static rados_t cluster;
static rados_ioctx_t io;
static char names[RAW_SEGMENTS][24];
static char bodies[RAW_THREADS][UNDER_WAY / RAW_OFFERED][RAW_BLOCK];

static void check(int result, const char *what)
{
	if (result < 0)
		raw_die(what);
}

static void open_cluster(const char *place, unsigned threads, const uint8_t block[RAW_BLOCK])
{
	(void)threads;
	check(rados_create(&cluster, "ponto"), "librados");
	check(rados_conf_read_file(cluster, place), place);
	check(rados_connect(cluster), "no cluster");
	check(rados_ioctx_create(cluster, "ponto", &io), "no pool");
	rados_ioctx_set_namespace(io, "bench-raw");
	for (unsigned i = 0; i < RAW_SEGMENTS; i++) {
		snprintf(names[i], sizeof(names[i]), "segment-%u", i);
		check(rados_write_full(io, names[i], (const char *)block, RAW_BLOCK), "a segment is not written");
	}
}

static rados_completion_t begin(void)
{
	rados_completion_t c;

	check(rados_aio_create_completion2(NULL, NULL, &c), "librados");
	return c;
}

static void finish(rados_completion_t *calls, unsigned count, int least)
{
	for (unsigned i = 0; i < count; i++) {
		rados_aio_wait_for_complete(calls[i]);
		if (rados_aio_get_return_value(calls[i]) < least)
			raw_die("a segment is not there");
		rados_aio_release(calls[i]);
	}
}

static void offers(unsigned thread, unsigned segment, unsigned count)
{
	rados_completion_t calls[UNDER_WAY];
	uint64_t sizes[UNDER_WAY];
	time_t times[UNDER_WAY];
	unsigned n = 0;

	(void)thread;
	for (; n < count * RAW_OFFERED; n++) {
		calls[n] = begin();
		check(rados_aio_stat(io, names[(segment + n) % RAW_SEGMENTS], calls[n], &sizes[n], &times[n]),
		      "a segment is not looked for");
	}
	finish(calls, n, 0);
}

static void blocks(unsigned thread, unsigned segment, unsigned count)
{
	rados_completion_t calls[UNDER_WAY];
	unsigned n = 0;

	for (; n < count; n++) {
		calls[n] = begin();
		check(rados_aio_read(io, names[(segment + n) % RAW_SEGMENTS], calls[n], bodies[thread][n], RAW_BLOCK, 0),
		      "a block is not read");
	}
	finish(calls, n, RAW_BLOCK);
}

static void close_cluster(void)
{
	rados_ioctx_destroy(io);
	rados_shutdown(cluster);
}

int main(int argc, char **argv)
{
	static const struct raw_side side = {open_cluster, offers, blocks, close_cluster};

	return raw_run(&side, argc, argv);
}
