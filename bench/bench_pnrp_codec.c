/* The PNRP codec on one core: a LOOKUP with route entry and two hops (vector M14) decoded and encoded again,
 * against what the kernel takes to send and receive the same datagram over loopback: reading a packet must not
 * be what limits a node. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engines/pnrp/pnrp_codec.h"

#define ROUNDS 100000
#define REPEATS 7
#define LIMIT 0.25

static const char lookup_hex[] =
	"0010000c5104000b666666670045000c000000000001000000380024e14b87a8da7126389f784d17d909d87020010db800010000"
	"112233445566778900390024"
	"4cf68ef1a30357cf94e6f5130021952020010db8000200008877665544332211009a003ae14b87a8da7126389f784d17d909d870"
	"20010db800010000112233445566778804000dd4000120010db80001000000000000000000100000009e0030"
	"0002002c009d00120dd420010db80001000000000000000000100dd420010db8000300000000000000000030";

/* Processor time, so that other programs do not decide the ratio. */
static double cpu_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double codec_seconds(struct ponto_bytes datagram)
{
	struct pnrp_message m;
	uint8_t buf[PNRP_MESSAGE_MAX];
	double start = cpu_seconds();
	size_t len;

	for (unsigned i = 0; i < ROUNDS; i++) {
		if (pnrp_decode(&pnrp_windows, datagram, &m) != PONTO_OK)
			abort();
		m.id += i;
		if (pnrp_encode(&pnrp_windows, &m, buf, sizeof(buf), &len) != PONTO_OK || len != datagram.len)
			abort();
		__asm__ volatile("" : : "g"(buf) : "memory");
	}
	return cpu_seconds() - start;
}

/* A UDP socket that is connected to itself. */
static int open_loop(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, len) || getsockname(fd, (struct sockaddr *)&addr, &len) ||
	    connect(fd, (struct sockaddr *)&addr, len)) {
		perror("bench_pnrp_codec: UDP over loopback");
		exit(1);
	}
	return fd;
}

static double socket_seconds(int fd, struct ponto_bytes datagram)
{
	uint8_t buf[PNRP_MESSAGE_MAX];
	double start = cpu_seconds();

	for (unsigned i = 0; i < ROUNDS; i++)
		if (send(fd, datagram.data, datagram.len, 0) != (ssize_t)datagram.len ||
		    recv(fd, buf, sizeof(buf), 0) != (ssize_t)datagram.len)
			abort();
	return cpu_seconds() - start;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(void)
{
	uint8_t datagram[sizeof(lookup_hex) / 2];
	struct ponto_bytes input = ponto_bytes(datagram, sizeof(datagram));
	double ours[REPEATS], peer[REPEATS], ratio;
	int fd = open_loop();

	if (ponto_unhex(lookup_hex, datagram, sizeof(datagram)) != PONTO_OK)
		abort();
	for (unsigned i = 0; i < REPEATS; i++) {
		ours[i] = codec_seconds(input) / ROUNDS;
		peer[i] = socket_seconds(fd, input) / ROUNDS;
	}
	close(fd);
	qsort(ours, REPEATS, sizeof(ours[0]), by_size);
	qsort(peer, REPEATS, sizeof(peer[0]), by_size);
	ratio = ours[REPEATS / 2] / peer[REPEATS / 2];
	printf("bench pnrp-codec-lookup ratio=%.2f ours=%.0fns peer=%.0fns (send+recv) limit=%.2f rate=%.0f/s\n", ratio,
	       ours[REPEATS / 2] * 1e9, peer[REPEATS / 2] * 1e9, LIMIT, 1 / ours[REPEATS / 2]);
	return ratio <= LIMIT ? 0 : 1;
}
