/* The services of base.h as the kernel offers them. Only programs name them; everything else is given a clock
 * and randomness, so that simulations can give their own. */
#include "framework/base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static uint64_t microseconds(clockid_t id)
{
	struct timespec now;

	if (clock_gettime(id, &now) != 0)
		abort(); /* only for a clock that Linux does not have */
	return (uint64_t)now.tv_sec * PONTO_SECOND + (uint64_t)now.tv_nsec / 1000;
}

/* The clock that libuv's timers go by, too. */
static uint64_t system_mono(void *ctx)
{
	(void)ctx;
	return microseconds(CLOCK_MONOTONIC);
}

static uint64_t system_wall(void *ctx)
{
	(void)ctx;
	return microseconds(CLOCK_REALTIME);
}

const struct ponto_clock ponto_clock_system = {system_mono, system_wall, NULL};

/* Not buffered: a buffer would be the same in parent and child after a fork. */
static void system_fill(void *ctx, uint8_t *out, size_t len)
{
	(void)ctx;
	while (len > 0) {
		ssize_t got = getrandom(out, len, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			perror("ponto: the kernel gives no randomness");
			abort();
		}
		out += got;
		len -= (size_t)got;
	}
}

const struct ponto_random ponto_random_system = {system_fill, NULL};
