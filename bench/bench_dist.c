/* Hashing a file, reading it included, against what `openssl speed` says of the same digest: on one core by processor
 * time, so that other programs do not decide the ratio; on two by the clock, against `openssl speed -multi 2`. By
 * turns, medians. The file lies in the page cache, where both sides' limit is the processor. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "plugins/service-dist/dist_hash.h"

#define SIZE (512u << 20)
#define REPEATS 7
#define LIMIT_V1 0.9
#define LIMIT_V2 0.8

static char path[] = "bench_dist-XXXXXX";

static void must(bool condition, const char *what)
{
	if (condition)
		return;
	perror(what);
	unlink(path);
	exit(2);
}

static void make_file(void)
{
	static uint8_t part[1 << 20];
	int fd = mkstemp(path);

	must(fd >= 0, path);
	for (unsigned i = 0; i < SIZE / sizeof(part); i++) {
		ponto_random_system.fill(ponto_random_system.ctx, part, sizeof(part));
		must(write(fd, part, sizeof(part)) == (ssize_t)sizeof(part), path);
	}
	must(close(fd) == 0, path);
}

static double seconds(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int on_segment(void *arg, const struct content_segment *segment)
{
	*(uint64_t *)arg += segment->size;
	return PONTO_OK;
}

/* Bytes a second: of processor time with one thread, else of the clock. */
static double ours(enum content_algo algo, unsigned threads)
{
	clockid_t id = threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC;
	uint64_t hashed = 0;
	struct dist_hash setup = {
		.path = path,
		.algo = algo,
		.threads = threads,
		.alloc = &ponto_alloc_system,
		.clock = &ponto_clock_system,
		.segment = on_segment,
		.arg = &hashed,
	};
	char reason[DIST_REASON_SIZE];
	struct dist_file file;
	double begun = seconds(id);

	must(dist_hash_file(&setup, &file, reason) == PONTO_OK && hashed == SIZE, "hashing");
	return SIZE / (seconds(id) - begun);
}

/* What `openssl speed` prints: "+F:" and, last, bytes a second. */
static double openssl(const char *digest, unsigned threads)
{
	char command[128], line[256], *number;
	double rate = 0;
	FILE *speed;

	snprintf(command, sizeof(command), "openssl speed -mr -seconds 1 -bytes 65536 %s -evp %s 2>/dev/null",
		 threads == 1 ? "" : "-elapsed -multi 2", digest);
	speed = popen(command, "r");
	must(speed, command);
	while (fgets(line, sizeof(line), speed)) {
		if (strncmp(line, "+F:", 3) == 0 && (number = strrchr(line, ':')))
			rate = strtod(number + 1, NULL);
	}
	must(pclose(speed) == 0 && rate > 0, command);
	return rate;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values)
{
	qsort(values, REPEATS, sizeof(*values), by_size);
	return values[REPEATS / 2];
}

/* Pairs by turns; the median of their ratios, since what else runs here changes from pair to pair. */
static bool compare(const char *name, enum content_algo algo, const char *digest, unsigned threads, double limit)
{
	double mine[REPEATS], theirs[REPEATS], ratios[REPEATS], ratio;
	struct rusage usage;

	for (unsigned i = 0; i < REPEATS; i++) {
		mine[i] = ours(algo, threads);
		theirs[i] = openssl(digest, threads);
		ratios[i] = mine[i] / theirs[i];
	}
	ratio = median(ratios);
	getrusage(RUSAGE_SELF, &usage);
	printf("bench dist-hash-%s-%u ratio=%.2f ours=%.0fMB/s peer=%.0fMB/s (openssl speed %s) limit=%.2f "
	       "resident=%.1fMiB\n",
	       name, threads, ratio, median(mine) / 1e6, median(theirs) / 1e6, digest, limit,
	       (double)usage.ru_maxrss / 1024);
	fflush(stdout);
	return ratio >= limit;
}

int main(void)
{
	bool good;

	make_file();
	ours(CONTENT_SHA256, 1); /* the page cache is warm */
	good = compare("v1", CONTENT_SHA256, "sha256", 1, LIMIT_V1);
	good &= compare("v2", CONTENT_TRUNCATED, "sha512", 1, LIMIT_V2);
	good &= compare("v1", CONTENT_SHA256, "sha256", 2, LIMIT_V1);
	good &= compare("v2", CONTENT_TRUNCATED, "sha512", 2, LIMIT_V2);
	unlink(path);
	return good ? 0 : 1;
}
