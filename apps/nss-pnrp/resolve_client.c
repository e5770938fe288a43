#include "apps/nss-pnrp/resolve_client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CONNECT_PAUSE_MS 5

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Waits until fd (-1: just waits) is readable; false at the deadline. */
static bool wait_until(int fd, int64_t deadline)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	for (;;) {
		int64_t left = deadline - now_ms();
		int ready = poll(&p, 1, left > 0 ? (int)left : 0);

		if (ready > 0)
			return true;
		if (ready == 0 && left <= 0)
			return false;
		if (ready < 0 && errno != EINTR)
			return false;
	}
}

/* A full queue of connections makes connect fail at once: a busy daemon empties it, a stopped one does not. */
static int connect_to(int fd, const char *path, int64_t deadline)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(path);

	if (len >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return PONTO_EUNREACH;
	}
	memcpy(address.sun_path, path, len + 1);
	while (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return PONTO_EUNREACH;
		if (now_ms() >= deadline)
			return PONTO_ETIME;
		wait_until(-1, now_ms() + CONNECT_PAUSE_MS);
	}
	return PONTO_OK;
}

static int receive(int fd, int64_t begun, int64_t patience, struct resolve_answer *out)
{
	uint8_t packet[RESOLVE_PACKET_MAX];

	for (;;) {
		ssize_t got;
		int result;

		if (!wait_until(fd, patience < begun + RESOLVE_LIMIT_MS ? patience : begun + RESOLVE_LIMIT_MS))
			return PONTO_ETIME;
		got = recv(fd, packet, sizeof(packet), MSG_TRUNC | MSG_DONTWAIT);
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got <= 0) {
			errno = got < 0 ? errno : ECONNRESET;
			return PONTO_EUNREACH;
		}
		if ((size_t)got > sizeof(packet))
			return PONTO_EPROTO;
		result = resolve_answer_read(ponto_bytes(packet, (size_t)got), out);
		if (result != PONTO_OK || !out->pending)
			return result;
		patience = now_ms() + RESOLVE_PATIENCE_MS;
	}
}

int resolve_host(const char *path, const char *host, struct resolve_answer *out)
{
	int64_t begun = now_ms(), patience = begun + RESOLVE_PATIENCE_MS;
	struct resolve_answer answer = {0};
	uint8_t request[RESOLVE_REQUEST_MAX];
	int fd, result, saved;
	size_t len;

	result = resolve_request_write(host, request, &len);
	if (result != PONTO_OK)
		return PONTO_ENOENT; /* longer than any host name */
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return PONTO_EUNREACH;
	result = connect_to(fd, path, patience);
	if (result == PONTO_OK && send(fd, request, len, MSG_NOSIGNAL) != (ssize_t)len)
		result = PONTO_EUNREACH;
	if (result == PONTO_OK)
		result = receive(fd, begun, patience, &answer);
	if (result == PONTO_OK)
		result = answer.result;
	if (result == PONTO_OK && answer.count == 0)
		result = PONTO_ENOENT;
	saved = errno;
	close(fd);
	errno = saved;
	if (result == PONTO_OK)
		*out = answer;
	return result;
}
