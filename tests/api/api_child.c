/* The second process. Names are ASCII; results are hexadecimal.
 *
 *     start                       PeerPnrpStartup
 *     register NAME PORT COMMENT  at ::1; the answer has the registration's number
 *     update NUMBER PORT COMMENT
 *     unregister NUMBER
 *     resolve NAME                the answer has the count, then PORT/COMMENT of each, in order of ports
 *     shutdown                    PeerPnrpShutdown */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <p2p.h>

#include "tests/api/api_daemon.h"

#define REGISTRATIONS 64

static HREGISTRATION registrations[REGISTRATIONS];
static unsigned registered;

static void widen(const char *text, WCHAR out[256])
{
	size_t i = 0;

	for (; text[i] && i < 255; i++)
		out[i] = (WCHAR)text[i];
	out[i] = 0;
}

static HRESULT publish(const char *name, unsigned port, const char *comment, HREGISTRATION *handle)
{
	SOCKADDR_IN6 address = {
		.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port), .sin6_addr = in6addr_loopback};
	SOCKADDR *addresses[] = {(SOCKADDR *)&address};
	PEER_PNRP_REGISTRATION_INFO info = {.cAddresses = 1, .ppAddresses = addresses};
	WCHAR wide_name[256], wide_comment[256];

	widen(comment, wide_comment);
	info.pwzComment = *comment ? wide_comment : NULL;
	if (!name)
		return PeerPnrpUpdateRegistration(*handle, &info);
	widen(name, wide_name);
	return PeerPnrpRegister(wide_name, &info, handle);
}

static unsigned port_of(const PEER_PNRP_ENDPOINT_INFO *info)
{
	return info->cAddresses ? ntohs(((const SOCKADDR_IN6 *)(const void *)info->ppAddresses[0])->sin6_port) : 0;
}

static int by_port(const void *a, const void *b)
{
	unsigned x = port_of(a), y = port_of(b);

	return (x > y) - (x < y);
}

static void resolve(const char *name, char answer[512])
{
	PPEER_PNRP_ENDPOINT_INFO endpoints = NULL;
	ULONG count = 16;
	WCHAR wide[256];
	HRESULT result;
	int n;

	widen(name, wide);
	result = PeerPnrpResolve(wide, NULL, &count, &endpoints);
	if (FAILED(result))
		count = 0;
	n = snprintf(answer, 512, "%08x %u", (unsigned)result, count);
	if (endpoints)
		qsort(endpoints, count, sizeof(*endpoints), by_port);
	for (ULONG i = 0; i < count; i++) {
		n += snprintf(answer + n, 512 - (size_t)n, " %u/", port_of(&endpoints[i]));
		for (const WCHAR *c = endpoints[i].pwzComment; *c; c++)
			n += snprintf(answer + n, 512 - (size_t)n, "%c", (char)*c);
	}
	PeerFreeData(endpoints);
}

static void obey(char *line, char answer[512])
{
	char name[256] = "", comment[256] = "";
	unsigned number, port;
	HRESULT result = E_NOTIMPL;

	if (strncmp(line, "start", 5) == 0) {
		result = PeerPnrpStartup(PNRP_VERSION);
	} else if (strncmp(line, "shutdown", 8) == 0) {
		result = PeerPnrpShutdown();
	} else if (sscanf(line, "register %255s %u %255s", name, &port, comment) >= 2) {
		result = publish(name, port, comment, &registrations[registered]);
		snprintf(answer, 512, "%08x %u", (unsigned)result, registered);
		registered += SUCCEEDED(result) && registered + 1 < REGISTRATIONS;
		return;
	} else if (sscanf(line, "update %u %u %255s", &number, &port, comment) >= 2) {
		result = publish(NULL, port, comment, &registrations[number % REGISTRATIONS]);
	} else if (sscanf(line, "unregister %u", &number) == 1) {
		result = PeerPnrpUnregister(registrations[number % REGISTRATIONS]);
	} else if (sscanf(line, "resolve %255s", name) == 1) {
		resolve(name, answer);
		return;
	}
	snprintf(answer, 512, "%08x", (unsigned)result);
}

void api_child_main(int argc, char **argv)
{
	char line[512], answer[512];

	if (argc != 2 || strcmp(argv[1], "child") != 0)
		return;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (fgets(line, sizeof(line), stdin)) {
		obey(line, answer);
		printf("%s\n", answer);
		fflush(stdout);
	}
	exit(0);
}

void api_child_start(struct api_child *c)
{
	int to[2], from[2];

	assert_int_equal(pipe(to), 0);
	assert_int_equal(pipe(from), 0);
	c->pid = fork();
	assert_true(c->pid >= 0);
	if (c->pid == 0) {
		dup2(to[0], STDIN_FILENO);
		dup2(from[1], STDOUT_FILENO);
		for (int i = 0; i < 2; i++) {
			close(to[i]);
			close(from[i]);
		}
		execl("/proc/self/exe", "child", "child", (char *)NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	c->in = fdopen(to[1], "w");
	c->out = fdopen(from[0], "r");
	assert_non_null(c->in);
	assert_non_null(c->out);
}

const char *api_child_say(struct api_child *c, char answer[512], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(c->in, format, args);
	va_end(args);
	fputc('\n', c->in);
	fflush(c->in);
	if (!fgets(answer, 512, c->out))
		fail_msg("the other process has ended");
	answer[strcspn(answer, "\n")] = 0;
	return answer;
}

void api_child_kill(struct api_child *c)
{
	if (!c->pid)
		return;
	assert_int_equal(kill(c->pid, SIGKILL), 0);
	assert_int_equal(waitpid(c->pid, NULL, 0), c->pid);
	fclose(c->in);
	fclose(c->out);
	c->pid = 0;
}
