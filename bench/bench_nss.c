/* Median latency of a look-up by libnss_pnrp (socket, connect, question, answer, close) against one bare round trip of
 * the same packets on a SEQPACKET connection that is already there, to the same daemon, by turns. The name is
 * registered at that daemon. As root every pair asks as a user of its own, since users have a rate. */
#include <errno.h>
#include <netdb.h>
#include <nss.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "apps/nss-pnrp/resolve_wire.h"

#define LIMIT 2.0
#define PAIRS_ROOT 2000
#define PAIRS_USER 100
#define PACE_US 250000
#define HOST "bench.pnrp.net"

enum nss_status _nss_pnrp_gethostbyname4_r(const char *name, struct gaih_addrtuple **pat, char *buffer, size_t buflen,
					   int *errnop, int *h_errnop, int32_t *ttlp);

static char dir[] = "/tmp/ponto-bench-XXXXXX";
static pid_t daemon_pid;

static void die(const char *what)
{
	fprintf(stderr, "bench_nss: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void clean(void)
{
	char command[128];

	if (daemon_pid) {
		kill(daemon_pid, SIGTERM);
		waitpid(daemon_pid, NULL, 0);
	}
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	(void)!system(command);
}

static void start_daemon(const char *build)
{
	FILE *conf = fopen("ponto.conf", "w");
	char command[1024];

	if (!conf)
		die("ponto.conf");
	fprintf(conf,
		"node = { name = \"bench\"; state = \"%s/state\"; socket = \"ipc://%s/bus\"; resolve_socket = "
		"\"%s/resolve\"; };\n"
		"transports = { wide = { plugin = \"transport-udp6\"; port = %d; }; };\n"
		"stores = { main = { plugin = \"store-mem\"; }; };\n"
		"security = { id = { plugin = \"security-pki\"; }; };\ndiscovery = { };\n"
		"services = { pnrp = { plugin = \"service-pnrp\"; scope = \"loopback\"; }; };\n",
		dir, dir, dir, 20000 + getpid() % 20000);
	fclose(conf);
	daemon_pid = fork();
	if (daemon_pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)!freopen("log", "w", stderr);
		snprintf(command, sizeof(command), "%s/pontod", build);
		execl(command, command, "-c", "ponto.conf", NULL);
		_exit(1);
	}
	snprintf(command, sizeof(command),
		 "for i in $(seq 100); do '%s/ponto' --connect '%s/bus' name register 0.bench --endpoint "
		 "'[2001:db8::1]:1' >/dev/null 2>&1 && exit 0; sleep 0.1; done; cat log >&2; exit 1",
		 build, dir);
	if (system(command) != 0)
		die("the daemon");
	(void)chmod(dir, 0755);
}

static int bare_connect(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "resolve"};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		die("connect");
	return fd;
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double bare(const uint8_t *request, size_t len)
{
	uint8_t packet[RESOLVE_PACKET_MAX];
	int fd = bare_connect();
	double begun;
	ssize_t got;

	usleep(200); /* accepted by now */
	begun = now_us();
	if (send(fd, request, len, MSG_NOSIGNAL) != (ssize_t)len)
		die("send");
	got = recv(fd, packet, sizeof(packet), 0);
	begun = now_us() - begun;
	if (got < 60)
		die("an answer without the name");
	close(fd);
	return begun;
}

static double look_up(void)
{
	struct gaih_addrtuple *first = NULL;
	char buffer[1024];
	int error, h_error;
	double begun = now_us();

	if (_nss_pnrp_gethostbyname4_r(HOST, &first, buffer, sizeof(buffer), &error, &h_error, NULL) !=
	    NSS_STATUS_SUCCESS) {
		errno = error;
		die("look-up");
	}
	return now_us() - begun;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_size);
	return v[n / 2];
}

int main(void)
{
	static double bares[PAIRS_ROOT], look_ups[PAIRS_ROOT];
	const char *build = getenv("PONTO_BUILDDIR");
	size_t len, pairs = geteuid() == 0 ? PAIRS_ROOT : PAIRS_USER;
	uint8_t request[RESOLVE_REQUEST_MAX];
	char *full = realpath(build ? build : ".", NULL);
	double ratio;

	if (!full || resolve_request_write(HOST, request, &len) != PONTO_OK || !mkdtemp(dir) || chdir(dir) != 0)
		die("start");
	atexit(clean);
	start_daemon(full);
	free(full);
	for (size_t i = 0; i < pairs; i++) {
		if (pairs == PAIRS_USER)
			usleep(PACE_US);
		else if (syscall(SYS_setresuid, -1, 20000 + i, -1) != 0)
			die("setresuid");
		if (i % 2) {
			bares[i] = bare(request, len);
			look_ups[i] = look_up();
		} else {
			look_ups[i] = look_up();
			bares[i] = bare(request, len);
		}
		if (pairs == PAIRS_ROOT && syscall(SYS_setresuid, -1, 0, -1) != 0)
			die("setresuid");
	}
	ratio = median(look_ups, pairs) / median(bares, pairs);
	printf("bench nss-look-up look_up_us=%.1f bare_round_trip_us=%.1f ratio=%.2f limit=%.1f %s\n",
	       look_ups[pairs / 2], bares[pairs / 2], ratio, LIMIT, ratio <= LIMIT ? "ok" : "MISSED");
	return ratio <= LIMIT ? 0 : 1;
}
