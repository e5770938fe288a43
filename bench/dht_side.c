/* The workload of bench-pnrp: gets of random names by random nodes, so many in flight all the time. */
#include "bench/dht_side.h"

#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SETTLE 5 /* seconds after the last name was published */
#define IN_FLIGHT_MAX 64
#define BASE_SEED 20060402u /* the same draws on either side */

static const struct dht_side *the_side;
static unsigned node_count;

static struct {
	pthread_mutex_t lock;
	pthread_cond_t ended;
	unsigned seed;
	unsigned begun, limit, under_way;
	unsigned found, failed;
	double *latencies; /* of those found, microseconds */
	struct dht_get gets[IN_FLIGHT_MAX];
} work = {.lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER, .seed = BASE_SEED};

void dht_die(const char *what)
{
	fprintf(stderr, "bench-pnrp: %s\n", what);
	exit(1);
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* ---- where it runs ------------------------------------------------------------------- */

static void leave_network(void)
{
	struct ifreq request = {.ifr_name = "lo"};
	int fd;

	if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		dht_die("no network namespace of its own");
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) != 0)
		dht_die("no loopback interface");
	request.ifr_flags |= IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &request) != 0)
		dht_die("the loopback interface does not come up");
	close(fd);
}

struct cost {
	double wall, cpu;		   /* microseconds */
	unsigned long long bytes, packets; /* over the loopback interface, IP headers included */
};

static double time_us(struct timeval t)
{
	return (double)t.tv_sec * 1e6 + (double)t.tv_usec;
}

static void read_cost(struct cost *out)
{
	struct rusage usage;
	char line[512];
	FILE *f = fopen("/proc/net/dev", "re");
	bool seen = false;

	if (!f)
		dht_die("/proc/net/dev cannot be read");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " lo: %llu %llu", &out->bytes, &out->packets) == 2)
			seen = true;
	}
	fclose(f);
	if (!seen || getrusage(RUSAGE_SELF, &usage) != 0)
		dht_die("no counters");
	out->cpu = time_us(usage.ru_utime) + time_us(usage.ru_stime);
	out->wall = now_us();
}

static double resident_kib(void)
{
	unsigned long total, resident;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f || fscanf(f, "%lu %lu", &total, &resident) != 2)
		dht_die("/proc/self/statm cannot be read");
	fclose(f);
	return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1024;
}

/* ---- the gets --------------------------------------------------------------------------- */

/* Under the lock. */
static void draw(struct dht_get *get)
{
	do {
		get->node = (unsigned)rand_r(&work.seed) % node_count;
		get->name = (unsigned)rand_r(&work.seed) % node_count;
	} while (get->node == get->name || !the_side->remote(get->node, get->name));
	get->begin = now_us();
}

void dht_got(struct dht_get *get, bool found)
{
	double latency = now_us() - get->begin;
	bool again;

	pthread_mutex_lock(&work.lock);
	if (found)
		work.latencies[work.found++] = latency;
	else
		work.failed++;
	again = work.begun < work.limit;
	if (again) {
		work.begun++;
		draw(get);
	} else if (--work.under_way == 0) {
		pthread_cond_signal(&work.ended);
	}
	pthread_mutex_unlock(&work.lock);
	if (again)
		the_side->get(get);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double quantile(double q)
{
	return work.latencies[(unsigned)(q * (work.found - 1))];
}

static void phase(unsigned gets, unsigned in_flight, bool show)
{
	struct cost before, after;
	double count;

	work.latencies = calloc(gets, sizeof(*work.latencies));
	if (!work.latencies)
		dht_die("no memory");
	work.limit = gets;
	work.begun = work.under_way = in_flight;
	work.found = work.failed = 0;
	read_cost(&before);
	for (unsigned i = 0; i < in_flight; i++) {
		pthread_mutex_lock(&work.lock);
		draw(&work.gets[i]);
		pthread_mutex_unlock(&work.lock);
		the_side->get(&work.gets[i]);
	}
	pthread_mutex_lock(&work.lock);
	while (work.under_way > 0)
		pthread_cond_wait(&work.ended, &work.lock);
	pthread_mutex_unlock(&work.lock);
	read_cost(&after);
	if (work.found == 0)
		dht_die("nothing was found");
	qsort(work.latencies, work.found, sizeof(*work.latencies), compare);
	count = (double)work.found;
	if (show)
		printf("phase side=%s in-flight=%u found=%u failed=%u rate=%.0f cpu=%.0f p50=%.0f p90=%.0f p99=%.0f "
		       "bytes=%.0f "
		       "packets=%.1f\n",
		       the_side->label, in_flight, work.found, work.failed, count / (after.wall - before.wall) * 1e6,
		       (after.cpu - before.cpu) / count, quantile(0.5), quantile(0.9), quantile(0.99),
		       (double)(after.bytes - before.bytes) / count, (double)(after.packets - before.packets) / count);
	free(work.latencies);
}

void dht_run(const struct dht_side *side, int argc, char **argv)
{
	unsigned gets = argc == 4 ? (unsigned)atoi(argv[3]) : 0;
	unsigned threads = argc == 4 ? (unsigned)atoi(argv[2]) : 0;
	double empty;

	the_side = side;
	node_count = argc == 4 ? (unsigned)atoi(argv[1]) : 0;
	if (node_count < 2 || node_count > DHT_NODES_MAX || threads > node_count || gets < 100)
		dht_die("usage: NODES THREADS GETS");
	leave_network();
	empty = resident_kib();
	side->join(node_count, threads);
	sleep(SETTLE);
	printf("memory side=%s nodes=%u kib=%.1f\n", side->label, node_count, (resident_kib() - empty) / node_count);
	fflush(stdout);
	phase(gets / 4 + 1, 4, false);
	phase(gets, 1, true);
	phase(gets, 16, true);
	fflush(stdout);
	_exit(0); /* the nodes end with the process: parting is not measured */
}
