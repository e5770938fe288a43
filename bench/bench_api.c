/* Median latency of PeerPnrpResolve for a name that another process registered at the same daemon, against a bare call
 * over the bus to the same service, which refuses it at once. A call of each by turns: whatever else the machine does
 * meets both. The daemon is one of its own, in a Loopback cloud. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <p2p.h>

#include "framework/bus.h"

#define CALLS 10000
#define WARM 500
#define LIMIT 1.5

static char dir[] = "/tmp/ponto-bench-XXXXXX";
static char endpoint[128];

static void die(const char *what)
{
	fprintf(stderr, "bench_api: %s\n", what);
	exit(1);
}

static const char *build(const char *name, char path[4096])
{
	const char *top = getenv("PONTO_BUILDDIR");

	snprintf(path, 4096, "%s/%s", top ? top : ".", name);
	return path;
}

static void write_conf(void)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/ponto.conf", dir);
	f = fopen(path, "w");
	if (!f)
		die("configuration");
	fprintf(f,
		"node = { name = \"bench\"; state = \"%s/state\"; socket = \"%s/run/bus\"; resolve_socket = \"off\"; "
		"log = \"error\"; };\n"
		"transports = { wide = { plugin = \"transport-udp6\"; port = %d; }; };\n"
		"stores = { main = { plugin = \"store-mem\"; }; };\n"
		"security = { id = { plugin = \"security-pki\"; }; };\n"
		"discovery = { };\n"
		"services = { pnrp = { plugin = \"service-pnrp\"; scope = \"loopback\"; }; };\n",
		dir, dir, 20000 + (int)(getpid() % 40000));
	fclose(f);
}

static pid_t start(const char *const argv[], bool quiet)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (quiet)
			dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
		dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	return pid;
}

/* The daemon, and a name that outlives who registered it. */
static pid_t serve(void)
{
	char daemon[4096], ponto[4096], conf[256];
	const char *daemon_argv[] = {build("pontod", daemon), "-c", conf, NULL};
	const char *name_argv[] = {build("ponto", ponto), "--connect", endpoint,    "name",  "register", "0.bench",
				   "--endpoint",	  "[::1]:80",  "--comment", "bench", NULL};
	int status = 1;
	pid_t pid;

	snprintf(conf, sizeof(conf), "%s/ponto.conf", dir);
	pid = start(daemon_argv, false);
	for (int tries = 0; status != 0 && tries < 200; tries++) {
		pid_t client = start(name_argv, true);

		if (waitpid(client, &status, 0) != client)
			status = 1;
		usleep(50000);
	}
	if (status != 0)
		die("the daemon does not start");
	return pid;
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double resolve(void)
{
	PPEER_PNRP_ENDPOINT_INFO found;
	ULONG count = 1;
	double begin = now_us(), end;

	if (PeerPnrpResolve(u"0.bench", NULL, &count, &found) != S_OK || count != 1)
		die("the name is not resolved");
	end = now_us();
	PeerFreeData(found);
	return end - begin;
}

static double bare(struct ponto_client *client)
{
	struct ponto_reply reply;
	double begin = now_us(), end;

	if (ponto_client_call(client, "pnrp", "Nothing", ponto_bytes(NULL, 0), 5000, &reply) != PONTO_OK ||
	    reply.result != PONTO_ENOENT)
		die("a call failed");
	end = now_us();
	ponto_reply_clear(client, &reply);
	return end - begin;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(void)
{
	static double api[CALLS], bus[CALLS];
	struct ponto_client_setup setup = {.endpoint = endpoint, .alloc = &ponto_alloc_system};
	struct ponto_client *client;
	char command[128];
	pid_t daemon;

	if (!mkdtemp(dir))
		die("directory");
	snprintf(endpoint, sizeof(endpoint), "ipc://%s/run/bus", dir);
	setenv("PONTO_ENDPOINT", endpoint, 1);
	write_conf();
	daemon = serve();
	if (ponto_client_create(&setup, &client) != PONTO_OK || PeerPnrpStartup(PNRP_VERSION) != S_OK)
		die("no daemon");
	for (int i = -WARM; i < CALLS; i++) {
		double a = resolve(), b = bare(client);

		if (i >= 0) {
			api[i] = a;
			bus[i] = b;
		}
	}
	ponto_client_destroy(client);
	(void)PeerPnrpShutdown();
	kill(daemon, SIGTERM);
	waitpid(daemon, NULL, 0);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	if (system(command) != 0)
		die("directory");
	qsort(api, CALLS, sizeof(api[0]), compare);
	qsort(bus, CALLS, sizeof(bus[0]), compare);
	printf("bench api-resolve-latency ratio=%.2f ours=%.1fus peer=%.1fus limit=%.1f peer-is=bare-bus-call\n",
	       api[CALLS / 2] / bus[CALLS / 2], api[CALLS / 2], bus[CALLS / 2], LIMIT);
	return api[CALLS / 2] / bus[CALLS / 2] > LIMIT;
}
