/* ssdp_stranger INTERFACE SECONDS: sends what stands on its standard input, once, to SSDP's group on that interface,
 * and prints the first answer if one comes within that time. Knows nothing of Ponto. */
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static long milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
	struct sockaddr_in6 group = {.sin6_family = AF_INET6, .sin6_port = htons(1900)};
	char text[2048];
	long end, left;
	struct pollfd fd;
	size_t len;

	if (argc != 3)
		return 2;
	group.sin6_addr.s6_addr[0] = 0xff;
	group.sin6_addr.s6_addr[1] = 2;
	group.sin6_addr.s6_addr[15] = 0xc;
	group.sin6_scope_id = if_nametoindex(argv[1]);
	len = fread(text, 1, sizeof(text), stdin);
	fd.fd = socket(AF_INET6, SOCK_DGRAM, 0);
	fd.events = POLLIN;
	if (sendto(fd.fd, text, len, 0, (struct sockaddr *)&group, sizeof(group)) != (ssize_t)len) {
		perror("ssdp_stranger");
		return 1;
	}
	end = milliseconds() + strtol(argv[2], NULL, 10) * 1000;
	left = end - milliseconds();
	if (left > 0 && poll(&fd, 1, (int)left) > 0) {
		ssize_t n = recv(fd.fd, text, sizeof(text), 0);

		if (n > 0)
			fwrite(text, 1, (size_t)n, stdout);
	}
	close(fd.fd);
	return 0;
}
