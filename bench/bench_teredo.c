/* The load of bench_teredo.sh, and the engine alone.
 *
 * bench_teredo load KIND SERVER BASE CLIENTS SECONDS   solicitations or bubbles of CLIENTS clients at BASE and the
 *                                                      addresses behind it, each in turn, WINDOW of them under way;
 *                                                      prints how many were answered or passed on
 * bench_teredo engine                                  datagrams a second of processor time, without sockets */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "engines/teredo/teredo_icmp.h"
#include "engines/teredo/teredo_server.h"

#define PORT 40000
#define WINDOW 512
#define BATCH 64
#define ENGINE_ROUNDS 2000000u
#define PRIMARY 0xc000020au /* 192.0.2.10 */

static uint64_t cpu_now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static size_t make_solicitation(uint8_t *out, size_t cap)
{
	struct ponto_writer w = ponto_writer(out, cap);
	const struct teredo_auth auth = {.nonce = {1, 2, 3, 4, 5, 6, 7, 8}};
	const struct teredo_endpoint none = {0, 0};
	struct teredo_ip6 src;
	size_t len = 0;

	teredo_link_local(0, &none, &src);
	teredo_write_auth(&w, &auth, 0);
	teredo_write_solicitation(&w, &src);
	return ponto_writer_done(&w, &len) == PONTO_OK ? len : 0;
}

static size_t make_bubble(uint32_t server, uint32_t from, uint32_t to, uint8_t *out, size_t cap)
{
	struct ponto_writer w = ponto_writer(out, cap);
	struct teredo_ip6 src, dst;
	size_t len = 0;

	teredo_address_make(&(struct teredo_address){server, 0, {from, PORT}}, &src);
	teredo_address_make(&(struct teredo_address){server, 0, {to, PORT}}, &dst);
	teredo_write_bubble(&w, &src, &dst, 255);
	return ponto_writer_done(&w, &len) == PONTO_OK ? len : 0;
}

/* ---- the load ------------------------------------------------------------------------------ */

struct load {
	bool bubbles;
	uint32_t server, base, clients, next;
	struct sockaddr_in to;
	int fd;
	uint8_t out[BATCH][128], in[BATCH][2048];
	_Alignas(struct cmsghdr) uint8_t control[BATCH][CMSG_SPACE(sizeof(struct in_pktinfo))];
	struct mmsghdr messages[BATCH];
	struct iovec views[BATCH];
};

static int open_load(struct load *l)
{
	const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int size = 8 << 20;

	l->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	(void)setsockopt(l->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return l->fd < 0 || bind(l->fd, (const struct sockaddr *)&any, sizeof(any)) != 0 ? -1 : 0;
}

static int send_some(struct load *l, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		uint32_t who = l->next++ % l->clients;
		struct cmsghdr *c = (struct cmsghdr *)l->control[i];
		const struct in_pktinfo from = {.ipi_spec_dst = {htonl(l->base + who)}};

		l->views[i] = (struct iovec){
			l->out[i], l->bubbles ? make_bubble(l->server, l->base + who, l->base + (who * 7919u + 1) % l->clients,
							    l->out[i], sizeof(l->out[i]))
					      : make_solicitation(l->out[i], sizeof(l->out[i]))};
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(from));
		memcpy(CMSG_DATA(c), &from, sizeof(from));
		l->messages[i].msg_hdr = (struct msghdr){.msg_name = &l->to,
							 .msg_namelen = sizeof(l->to),
							 .msg_iov = &l->views[i],
							 .msg_iovlen = 1,
							 .msg_control = l->control[i],
							 .msg_controllen = sizeof(l->control[i])};
	}
	return sendmmsg(l->fd, l->messages, count, 0);
}

static int receive_some(struct load *l)
{
	for (unsigned i = 0; i < BATCH; i++) {
		l->views[i] = (struct iovec){l->in[i], sizeof(l->in[i])};
		l->messages[i].msg_hdr = (struct msghdr){.msg_iov = &l->views[i], .msg_iovlen = 1};
	}
	return recvmmsg(l->fd, l->messages, BATCH, MSG_DONTWAIT, NULL);
}

/* An advertisement or a bubble, with an origin. */
static unsigned good_answers(const struct load *l, int count)
{
	unsigned good = 0;

	for (int i = 0; i < count; i++) {
		struct teredo_packet p;

		if (teredo_decode(ponto_bytes(l->in[i], l->messages[i].msg_len), &p) == PONTO_OK && p.has_origin &&
		    p.origin.port == PORT && (l->bubbles ? teredo_is_bubble(&p) : p.payload.len == 56))
			good++;
	}
	return good;
}

static int load(char **argv)
{
	static struct load l;
	uint64_t seconds = (uint64_t)atoi(argv[4]), start, answered = 0, lost = 0;
	unsigned under_way = 0;

	l.bubbles = strcmp(argv[0], "bubbles") == 0;
	l.server = ntohl(inet_addr(argv[1]));
	l.base = ntohl(inet_addr(argv[2]));
	l.clients = (uint32_t)atoi(argv[3]);
	l.to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(TEREDO_PORT), .sin_addr = {htonl(l.server)}};
	if (open_load(&l) != 0 || l.clients == 0) {
		perror("bench_teredo");
		return 1;
	}
	start = cpu_now(CLOCK_MONOTONIC);
	while (cpu_now(CLOCK_MONOTONIC) - start < seconds * 1000000000u) {
		struct pollfd p = {.fd = l.fd, .events = POLLIN};
		int n;

		while (under_way + BATCH <= WINDOW) {
			n = send_some(&l, BATCH);
			if (n <= 0) {
				perror("bench_teredo: send");
				return 1;
			}
			under_way += (unsigned)n;
		}
		n = receive_some(&l);
		if (n <= 0 && poll(&p, 1, 50) == 0) { /* what is not here now is lost */
			lost += under_way;
			under_way = 0;
		} else if (n > 0) {
			answered += good_answers(&l, n);
			under_way -= (unsigned)n < under_way ? (unsigned)n : under_way;
		}
	}
	printf("%llu %llu\n", (unsigned long long)answered, (unsigned long long)lost);
	return answered == 0;
}

/* ---- the engine alone ----------------------------------------------------------------------------- */

static double engine_rate(struct teredo_server *server, bool bubbles)
{
	uint8_t in[128], buf[TEREDO_SERVER_OUTPUT_MAX];
	struct teredo_server_output out;
	uint64_t start = cpu_now(CLOCK_PROCESS_CPUTIME_ID);

	for (uint32_t i = 0; i < ENGINE_ROUNDS; i++) {
		struct teredo_endpoint from = {0xc6120000u + i % 100000, PORT};
		size_t len = bubbles ? make_bubble(PRIMARY, from.ip, 0xc6120000u + i * 7919u % 100000, in, sizeof(in))
				     : make_solicitation(in, sizeof(in));

		teredo_server_input(server, (bubbles ? 1000 : 1) * PONTO_SECOND + i * 10, &from, PRIMARY, ponto_bytes(in, len), buf, &out);
		if (out.kind == TEREDO_SERVER_NOTHING)
			return 0;
	}
	return ENGINE_ROUNDS / ((double)(cpu_now(CLOCK_PROCESS_CPUTIME_ID) - start) / 1e9);
}

static int engine(void)
{
	const struct teredo_server_config config = {.alloc = &ponto_alloc_system,
						    .random = &ponto_random_system,
						    .primary = PRIMARY,
						    .secondary = PRIMARY + 1,
						    .extra_max = 128,
						    .limit = {50, 200, 65536}};
	struct teredo_server *server;

	if (teredo_server_create(&config, &server) != PONTO_OK)
		return 1;
	printf("%.0f", engine_rate(server, false));
	printf(" %.0f\n", engine_rate(server, true));
	teredo_server_destroy(server);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 7 && strcmp(argv[1], "load") == 0)
		return load(argv + 2);
	if (argc == 2 && strcmp(argv[1], "engine") == 0)
		return engine();
	fprintf(stderr, "usage: bench_teredo load solicitations|bubbles SERVER BASE CLIENTS SECONDS | engine\n");
	return 2;
}
